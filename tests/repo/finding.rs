//! Finding repositories and vaults.

use covault::repo::{Repo, RepoError, VaultPlace};

use super::{Place, set};

#[test]
fn a_vault_is_found_from_the_top_from_below_and_from_inside_it() {
    let place = Place::with_vault();
    place.put("src/deep er/x", "");
    for start in ["", "src/deep er", ".covault/secrets/prod"] {
        let start = place.top.join(start);
        let repo = Repo::discover(&start).unwrap();
        assert_eq!(repo.find_vault(&start).unwrap(), VaultPlace::Found(String::new()));
        assert_eq!(repo.work_dir().unwrap(), place.top);
    }
    assert_eq!(place.repo().prefix(&place.top.join("src/deep er")).unwrap(), "src/deep er");
    assert!(matches!(place.repo().prefix(std::path::Path::new("/")), Err(RepoError::Outside { .. })));
}

#[test]
fn the_nearest_vault_wins_and_without_one_above_those_below_are_listed() {
    let place = Place::empty(&[]);
    place.put("têam a/.covault/roster.toml", "r");
    place.put("deep/er/b/.covault/roster.toml", "r");
    place.put("no/.covault/secrets/x.age", "not a vault");
    place.git(&["add", "-A"]);
    place.put("fresh/.covault/roster.toml", "nobody added it");
    place.put("no/sub/x", "");
    let repo = place.repo();
    let all = ["deep/er/b", "fresh", "têam a"].map(str::to_owned).to_vec();
    assert_eq!(repo.vaults_below().unwrap(), all);
    assert_eq!(repo.find_vault(&place.top.join("no/sub")).unwrap(), VaultPlace::Below(all));
    place.put("têam a/x/y", "");
    assert_eq!(repo.find_vault(&place.top.join("têam a/x")).unwrap(), VaultPlace::Found("têam a".into()));
    assert_eq!(Place::empty(&[]).repo().vaults_below().unwrap(), Vec::<String>::new());
}

#[test]
fn a_covault_folder_that_is_a_link_is_refused() {
    let place = Place::with_vault();
    let elsewhere = place.beside("elsewhere");
    std::fs::rename(place.top.join(".covault"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.top.join(".covault")).unwrap();
    let repo = place.repo();
    assert!(matches!(repo.find_vault(&place.top), Err(RepoError::Symlink { path }) if path == ".covault"));
    assert!(matches!(repo.read_work(".covault/roster.toml", 99), Err(RepoError::Symlink { .. })));
    assert!(matches!(repo.list_work(".covault"), Err(RepoError::Symlink { .. })));
    assert!(matches!(set(&repo, ".covault/roster.toml", "x"), Err(RepoError::Symlink { .. })));
}

#[test]
fn a_folder_without_a_repository_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = Repo::discover(dir.path()).unwrap_err();
    assert!(matches!(error, RepoError::NotARepository { .. }), "{error:?}");
    assert_eq!(error.hint().unwrap(), "git init");
}

#[test]
fn a_new_repository_has_the_branch_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("new one");
    let repo = Repo::init(&top, Some("trunk")).unwrap();
    assert_eq!(repo.head().unwrap().branch.as_deref(), Some("trunk"));
    assert!(matches!(Repo::init(&top, None), Err(RepoError::Init { .. })));
    let main = Repo::init(&dir.path().join("two"), None).unwrap();
    assert!(main.head().unwrap().branch.is_some());
}

#[test]
fn a_repository_of_another_user_is_refused_until_it_is_named_safe() {
    let place = Place::with_vault();
    if std::os::unix::fs::chown(&place.top, Some(12345), Some(12345)).is_err() {
        return; // Only root can set this up.
    }
    for entry in ["", ".git", ".git/config", ".git/HEAD"] {
        std::os::unix::fs::chown(place.top.join(entry), Some(12345), Some(12345)).unwrap();
    }
    let error = Repo::discover(&place.top).unwrap_err();
    assert!(matches!(&error, RepoError::DubiousOwnership { path } if *path == place.top), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("git config --global --add safe.directory '"), "{hint}");
    // The repository's own word does not count.
    place.try_git(&["config", "-f", ".git/config", "safe.directory", "*"]);
    assert!(matches!(Repo::discover(&place.top), Err(RepoError::DubiousOwnership { .. })));
}
