//! `covault sync` with a remote that lies.

use std::os::unix::fs::PermissionsExt as _;

use covault::seal::SigningKey;

use super::super::rig::{Attacked, Case, ROSTER, file, harmless};
use super::{DB, FILE, hers, old, stuff};
use crate::world::Said;

const GET: &[&str] = &["get", DB];

/// mallory pushes to the trunk; alice, with or without a change of her own, syncs.
#[track_caller]
fn synced(changed: bool, deed: impl FnOnce(&Case)) -> (Case, Said) {
    let case = Case::new();
    if changed {
        case.alice.set(DB, "what alice wrote meanwhile");
    }
    deed(&case);
    case.commit_all();
    case.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    let said = case.alice.covault(["sync"]);
    harmless(&["sync"], &said);
    (case, said)
}

fn pushed(case: &Case) -> bool {
    let [here, there] = ["HEAD", "origin/main"].map(|rev| case.alice.git(["rev-parse", rev]).ok().text());
    here == there
}

#[test]
fn an_old_file_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| case.write(&file(DB), old(case, "begun", DB)));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(pushed(&case));
    hers(Attacked::of(case));
}

#[test]
fn an_old_file_on_the_trunk() {
    let (case, said) = synced(false, |case| case.write(&file(DB), old(case, "begun", DB)));
    assert!(said.code == 6 && said.err.contains("does not follow"), "{}: {}", said.code, said.err);
    assert!(said.err.contains("covault resolve dev/db --from"), "{}", said.err);
    let attacked = Attacked::of(case).spoils(&[DB]).refuses(GET, "does not follow");
    attacked.ends(&["set", DB], 0, "").reads(DB, "written by alice");
}

#[test]
fn a_forged_file_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put());
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("signed with a key that is not"), "{}", said.err);
    assert!(
        said.err.contains("on origin/main is refused") && said.err.contains("git log origin/main --"),
        "{}",
        said.err
    );
    assert!(!pushed(&case));
    assert_eq!(case.alice.git(["status", "--porcelain"]).ok().text(), "");
    hers(Attacked::of(case));
}

#[test]
fn a_forged_file_on_the_trunk() {
    let (case, said) = synced(false, |case| case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put());
    assert!(said.code == 6 && said.err.contains("signed with a key that is not"), "{}: {}", said.code, said.err);
    Attacked::of(case).spoils(&[DB]).refuses(GET, "signed with a key that is not");
}

#[test]
fn a_file_of_one_who_was_removed_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| case.next(DB, "gina").to(&["alice", "gina"]).put());
    assert!(said.err.contains("gina") && said.err.contains("counts for nothing"), "{}: {}", said.code, said.err);
    hers(Attacked::of(case)).both_find(&[("standing", FILE)]);
}

#[test]
fn what_one_who_was_removed_sealed_to_herself_is_left_out_by_one_command() {
    let (case, _) = synced(true, |case| case.next(DB, "gina").to(&["alice", "gina"]).put());
    let said = case.alice.covault(["rekey", DB, "--accept", "--yes"]).exits(6);
    assert!(
        said.err.contains("sealed to gina") && said.err.contains("covault resolve dev/db --discard"),
        "{}",
        said.err
    );
    case.alice.covault(["resolve", DB, "--discard"]).ok();
    case.alice.covault(["verify"]).ok();
    assert_eq!(case.alice.get(DB), "what alice wrote meanwhile");
}

#[test]
fn siblings_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| stuff(case, DB, vec![old(case, "begun", DB)]));
    assert_eq!(said.code, 0, "{}", said.err);
    hers(Attacked::of(case)).both_find(&[]);
}

#[test]
fn a_file_taken_away_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| case.remove(&file(DB)));
    assert_eq!(said.code, 0, "{}", said.err);
    hers(Attacked::of(case));
}

#[test]
fn a_roster_put_back_on_the_trunk() {
    for changed in [true, false] {
        let (case, said) = synced(changed, |case| case.write(ROSTER, case.at_commit("branched", ROSTER)));
        assert_eq!(said.code, 6, "{}", said.err);
        assert!(said.err.contains("rolled back"), "{}", said.err);
        assert!(!pushed(&case));
    }
}

#[test]
fn a_trunk_that_was_rewritten() {
    for changed in [true, false] {
        let (case, said) = synced(changed, |case| drop(case.git(&["reset", "-q", "--hard", "begun"])));
        assert_eq!(said.code, 6, "{}", said.err);
        assert!(said.err.contains("was rewritten") && !pushed(&case), "{}", said.err);
    }
}

#[test]
fn attributes_on_the_trunk_beside_ones_own_change() {
    let (case, said) = synced(true, |case| {
        case.git(&["reset", "-q", "--hard", "origin/main"]);
        case.write(".gitattributes", "* merge=union text\n");
        case.write(".covault/.gitattributes", "secrets/** merge=union text eol=crlf\n");
    });
    assert_eq!(said.code, 0, "{}", said.err);
    hers(Attacked::of(case)).both_find(&[]);
}

#[test]
fn refs_of_a_remote_that_look_like_options() {
    let (case, said) = synced(true, |case| {
        for name in ["--upload-pack=touch pwned", "-c", "--exec=x", "--", "$(touch pwned)", "@", "--help"] {
            let name = name.replace(' ', "${IFS}");
            case.at.git(["push", "-q", "origin", &format!("HEAD:refs/heads/{name}")]);
            case.at.git(["push", "-q", "origin", &format!("HEAD:refs/tags/{name}")]);
            case.at.git(["push", "-q", "origin", &format!("HEAD:refs/remotes/origin/{name}")]);
        }
    });
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!case.alice.repo.join("pwned").exists() && !case.world.path().join("pwned").exists());
    case.alice.git(["fetch", "-q", "--all", "--tags"]).ok();
    hers(Attacked::of(case)).both_find(&[]);
}

#[test]
fn a_branch_that_is_exchanged_with_one_whose_name_looks_like_an_option() {
    let case = Case::new();
    let name = "--upload-pack=touch${IFS}pwned";
    case.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{name}")]);
    case.alice.git(["fetch", "-q"]).ok();
    case.alice.git(["config", "branch.main.merge", &format!("refs/heads/{name}")]).ok();
    case.alice.set(DB, "what alice wrote meanwhile");
    let said = case.alice.covault(["sync"]);
    harmless(&["sync"], &said);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!case.alice.repo.join("pwned").exists());
    hers(Attacked::of(case));
}

/// A remote that is reached by a program of the attacker's in place of ssh.
#[track_caller]
fn answered_by(script: &str) {
    let mut case = Case::new();
    let program = case.world.path().join("ssh program");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    case.alice.git(["remote", "set-url", "origin", "ssh://git@example.org/x.git"]).ok();
    case.alice.vars.push(("GIT_SSH".to_owned(), program.to_str().unwrap().to_owned()));
    let before = super::head(&case);
    let said = case.alice.covault(["sync"]).exits(9);
    harmless(&["sync"], &said);
    assert!(said.err.contains("\nhint: "), "{}", said.err);
    assert_eq!(super::head(&case), before);
    Attacked::of(case).comes_to_nothing();
}

#[test]
fn a_remote_that_answers_garbage() {
    answered_by("echo garbage");
    answered_by("head -c 100000 /dev/zero");
    answered_by("printf 'ffff%s' 'not so long'");
    answered_by("exit 1");
}

#[test]
fn a_remote_that_writes_to_the_terminal() {
    answered_by("printf '\\033]0;owned\\007\\033[2J\\r\\xff\\xfe planted' >&2; exit 128");
    answered_by("yes | head -c 3000000 >&2; exit 1");
}

#[test]
fn a_remote_that_shows_refs_and_has_no_objects() {
    let case = Case::new();
    case.alice.set(DB, "what alice wrote meanwhile");
    let shared = case.world.shared();
    std::fs::write(shared.join("refs/heads/main"), "1234567812345678123456781234567812345678\n").unwrap();
    let said = case.alice.covault(["sync"]);
    harmless(&["sync"], &said);
    assert_eq!(said.code, 9, "{}", said.err);
    hers(Attacked::of(case));
}
