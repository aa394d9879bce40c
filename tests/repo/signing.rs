//! Signed commits.

use std::process::Command;

use covault::repo::RepoError;

use super::{DB, Place, committed, set};

#[test]
fn a_commit_is_signed_with_an_ssh_key_where_git_says_so() {
    let place = Place::with_vault();
    let key = place.beside("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = place.beside("allowed");
    std::fs::write(&allowed, format!("alice@example.com {public}")).unwrap();
    place.git(&["config", "gpg.format", "ssh"]);
    place.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    place.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    place.git(&["config", "commit.gpgsign", "true"]);
    let commit = committed(set(&place.repo(), DB, "new\n"));
    place.git(&["verify-commit", &commit.to_string()]);
    assert_eq!(place.git(&["log", "-1", "--format=%G? %s|%an|%at"]), "G set it|Alice|1800000000\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_key_that_does_not_sign_moves_no_ref_and_leaves_the_change_staged() {
    let place = Place::with_vault();
    place.git(&["config", "gpg.format", "ssh"]);
    place.git(&["config", "user.signingkey", "/nowhere/key"]);
    place.git(&["config", "commit.gpgsign", "true"]);
    let head = place.head();
    let error = set(&place.repo(), DB, "new\n").unwrap_err();
    assert!(matches!(error, RepoError::Signing { .. }), "{error:?}");
    assert_eq!(place.head(), head);
    assert_eq!(place.git(&["status", "--porcelain"]), format!("M  {DB}\n"));
}
