//! Commits of exactly our paths.

use covault::repo::{Change, CommitMode, Outcome, RepoError, Step};

use super::{DB, NOW, Place, committed, how, in_mode, set};

/// Staged, unstaged, both on one file, untracked, deleted and intent-to-add work of a person.
fn unsettle(place: &Place) {
    place.put("staged.txt", "staged\n");
    place.put("both.txt", "staged\n");
    place.git(&["add", "staged.txt", "both.txt"]);
    place.put("both.txt", "staged and edited\n");
    place.put("notes.txt", "edited\n");
    place.put("untracked.txt", "untracked\n");
    place.put("intended.txt", "intended\n");
    place.git(&["add", "-N", "intended.txt"]);
    place.git(&["rm", "-q", "--cached", "src/main.rs"]);
    place.git(&["status"]);
}

#[test]
fn the_persons_staged_unstaged_and_untracked_work_stays_as_it_is() {
    let place = Place::with_vault();
    unsettle(&place);
    let before = place.persons_work();
    let repo = place.repo();
    let commit = committed(set(&repo, DB, "new\n"));
    assert_eq!(place.persons_work(), before);
    assert_eq!(place.head(), commit.to_string());
    assert_eq!(place.git(&["show", "--name-only", "--format=", "HEAD"]), format!("{DB}\n"));
    assert_eq!(place.git(&["status", "--porcelain", "--", ".covault"]), "");
    assert_eq!(place.text(DB), "new\n");
    place.git(&["fsck", "--strict"]);
}

#[test]
fn a_commit_names_the_person_and_the_time_given_and_is_in_the_reflog() {
    let place = Place::with_vault();
    committed(set(&place.repo(), DB, "new\n"));
    let said = place.git(&["log", "-1", "--format=%an|%ae|%cn|%ce|%at|%ct|%s|%P"]);
    let parent = place.git(&["rev-parse", "HEAD~1"]);
    assert_eq!(said, format!("Alice|alice@example.com|Alice|alice@example.com|{NOW}|{NOW}|set it|{parent}"));
    assert_eq!(place.git(&["reflog", "-1", "--format=%gs"]), "commit: set it\n");
    assert_eq!(place.git(&["reflog", "-1", "--format=%gs", "main"]), "commit: set it\n");
    assert_eq!(place.git(&["cat-file", "commit", "HEAD"]).lines().last(), Some("set it"));
}

#[test]
fn the_same_content_again_is_no_commit() {
    let place = Place::with_vault();
    let repo = place.repo();
    assert_eq!(set(&repo, DB, "old\n").unwrap(), Outcome::Unchanged);
    committed(set(&repo, DB, "new\n"));
    let head = place.head();
    assert_eq!(set(&repo, DB, "new\n").unwrap(), Outcome::Unchanged);
    assert_eq!(place.head(), head);
}

#[test]
fn content_that_is_committed_but_was_lost_on_disk_comes_back_without_a_commit() {
    let place = Place::with_vault();
    std::fs::remove_file(place.top.join(DB)).unwrap();
    let head = place.head();
    assert_eq!(set(&place.repo(), DB, "old\n").unwrap(), Outcome::Written);
    assert_eq!(set(&place.repo(), DB, "old\n").unwrap(), Outcome::Unchanged);
    assert_eq!((place.text(DB).as_str(), place.head()), ("old\n", head));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn several_files_are_one_commit_and_deleting_takes_empty_folders_along() {
    let place = Place::with_vault();
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    let changes = [
        Change::delete(DB),
        Change::write(".covault/secrets/stage/web/key.age", "k"),
        Change::write("dir with space/.covault/secrets/ключ.age", "n"),
    ];
    committed(repo.commit(&lock, &changes, &how("many")));
    assert!(!place.top.join(".covault/secrets/prod").exists());
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]), "2\n");
    committed(repo.commit(&lock, &[Change::delete(".covault/secrets/stage/web/key.age")], &how("last")));
    assert!(place.top.join(".covault").is_dir() && !place.top.join(".covault/secrets").exists());
    assert_eq!(place.git(&["ls-tree", "--name-only", "HEAD:.covault"]), "roster.toml\n");
    place.git(&["fsck", "--strict"]);
}

#[test]
fn many_files_are_written_in_one_commit_and_leave_no_temporary_file() {
    let place = Place::with_vault();
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    let path = |n: usize| format!(".covault/secrets/f{}/s{n}.age", n % 7);
    let changes: Vec<_> = (0..300).map(|n| Change::write(path(n), format!("value {n}"))).collect();
    committed(repo.commit(&lock, &changes, &how("bulk")));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    let listing = repo.list_work(".covault/secrets").unwrap();
    assert_eq!((listing.files.len(), listing.odd.len()), (301, 0));
}

#[test]
fn on_an_unborn_branch_the_first_commit_has_our_path_only() {
    let place = Place::empty(&[]);
    place.put("mine.txt", "mine\n");
    place.git(&["add", "mine.txt"]);
    let repo = place.repo();
    assert_eq!(repo.head().unwrap().commit, None);
    committed(set(&repo, DB, "new\n"));
    assert_eq!(place.git(&["ls-tree", "-r", "--name-only", "HEAD"]), format!("{DB}\n"));
    assert_eq!(place.git(&["status", "--porcelain"]), "A  mine.txt\n");
    assert_eq!(place.git(&["reflog", "--format=%gs"]), "commit (initial): set it\n");
}

#[test]
fn a_detached_head_moves_and_no_branch_does() {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "--detach"]);
    let main = place.git(&["rev-parse", "main"]);
    let repo = place.repo();
    let head = repo.head().unwrap();
    assert!(head.detached && head.branch.is_none());
    let commit = committed(set(&repo, DB, "new\n"));
    assert_eq!(place.head(), commit.to_string());
    assert_eq!(place.git(&["rev-parse", "main"]), main);
}

#[test]
fn staging_leaves_the_commit_to_the_person() {
    let place = Place::with_vault();
    let (repo, head) = (place.repo(), place.head());
    let lock = repo.lock().unwrap();
    let outcome = repo.commit(&lock, &[Change::write(DB, "new\n")], &in_mode(CommitMode::Stage)).unwrap();
    assert_eq!(outcome, Outcome::Staged { because: None });
    assert_eq!(place.head(), head);
    assert_eq!(place.git(&["status", "--porcelain"]), format!("M  {DB}\n"));
    // A later `git commit -m` of the person brings it in.
    place.git(&["commit", "-qm", "theirs"]);
    assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]), "new\n");
}

#[test]
fn without_an_identity_nothing_is_written() {
    let place = Place::with_vault();
    place.git(&["config", "user.name", ""]);
    let repo = place.repo();
    assert!(matches!(repo.committer(), Err(RepoError::NoIdentity)));
    let error = set(&repo, DB, "new\n").unwrap_err();
    assert!(error.hint().unwrap().contains("git config user.name"));
    assert_eq!(place.text(DB), "old\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_bare_repository_is_read_and_never_written() {
    let place = Place::with_vault();
    let bare = place.beside("bare.git");
    place.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let repo = covault::repo::Repo::discover(&bare).unwrap();
    assert_eq!(repo.read_work(DB, 100).unwrap().unwrap(), b"old\n");
    assert_eq!(repo.list_work(".covault").unwrap().files.len(), 2);
    assert!(matches!(set(&repo, DB, "new\n"), Err(RepoError::NoWorkTree { .. })));
}

#[test]
fn killed_after_any_step_the_next_commit_of_the_person_has_the_new_value() {
    for last in [Step::Files, Step::Index, Step::Objects, Step::Ref] {
        let place = Place::with_vault();
        let repo = place.repo();
        let lock = repo.lock().unwrap();
        let stop = |step: Step| assert_ne!(step, last, "killed");
        let mut how = how("set it");
        how.progress = Some(&stop);
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            repo.commit(&lock, &[Change::write(DB, "new\n")], &how)
        }));
        assert!(killed.is_err());
        drop(lock);
        place.put("notes.txt", "two\n");
        place.git(&["commit", "-qam", "the person's"]);
        assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]), "new\n", "{last:?}");
        assert_eq!(set(&place.repo(), DB, "new\n").unwrap(), Outcome::Unchanged);
    }
}

#[test]
fn killed_after_staging_a_commit_of_what_is_staged_does_not_bring_the_old_value_back() {
    for last in [Step::Index, Step::Objects, Step::Ref] {
        let place = Place::with_vault();
        let repo = place.repo();
        let lock = repo.lock().unwrap();
        let stop = |step: Step| assert_ne!(step, last, "killed");
        let mut how = how("set it");
        how.progress = Some(&stop);
        let changes = [Change::write(DB, "new\n")];
        let commit = || repo.commit(&lock, &changes, &how);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(commit)).is_err());
        place.git(&["commit", "-qm", "the person's", "--allow-empty"]);
        assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]), "new\n", "{last:?}");
    }
}

#[test]
fn a_temporary_file_of_a_killed_run_is_swept_and_never_listed_as_a_file() {
    let place = Place::with_vault();
    place.put(".covault/secrets/prod/.covault-tmp-1-2", "half");
    let repo = place.repo();
    assert_eq!(repo.list_work(".covault").unwrap().files.len(), 2);
    let lock = repo.lock().unwrap();
    assert_eq!(repo.sweep(&lock, ".covault").unwrap(), 1);
    assert!(repo.list_work(".covault").unwrap().odd.is_empty());
}

#[test]
fn a_symbolic_link_in_the_way_is_refused_before_anything_is_written() {
    let place = Place::with_vault();
    let outside = place.beside("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::remove_dir_all(place.top.join(".covault/secrets/prod")).unwrap();
    std::os::unix::fs::symlink(&outside, place.top.join(".covault/secrets/prod")).unwrap();
    let repo = place.repo();
    let error = set(&repo, DB, "new\n").unwrap_err();
    assert!(matches!(&error, RepoError::Symlink { path } if path == ".covault/secrets/prod"), "{error:?}");
    std::os::unix::fs::symlink(outside.join("x"), place.top.join(".covault/secrets/link.age")).unwrap();
    let error = set(&repo, ".covault/secrets/link.age", "new\n").unwrap_err();
    assert!(matches!(error, RepoError::Symlink { .. }));
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn paths_that_leave_the_work_tree_or_enter_gits_own_are_refused() {
    let place = Place::with_vault();
    let repo = place.repo();
    for path in ["", "/etc/x", "../x", "a/../../x", ".git/config", "a/.GIT/x", "a//b", "a/./b", "a/"] {
        let error = set(&repo, path, "x").unwrap_err();
        assert!(matches!(error, RepoError::BadPath { .. }), "{path:?}: {error:?}");
    }
}

#[test]
fn gitattributes_gets_our_lines_and_the_persons_edits_stay_theirs() {
    const OURS: &[&str] = &["**/.covault/secrets/** -text -merge diff=covault", "**/.covault/roster.toml -text -merge"];
    let place = Place::with_vault();
    place.put(".gitattributes", "*.png binary\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "attributes"]);
    place.put(".gitattributes", "*.png binary\n*.pdf binary\n");
    place.git(&["add", "-A"]);
    place.put(".gitattributes", "*.png binary\n*.pdf binary\n*.zip binary");
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    let change = repo.gitattributes_change(OURS).unwrap().unwrap();
    let ours = OURS.join("\n") + "\n";
    committed(repo.commit(&lock, &[change], &how("attributes")));
    assert_eq!(place.git(&["show", "HEAD:.gitattributes"]), format!("*.png binary\n{ours}"));
    assert_eq!(place.git(&["show", ":.gitattributes"]), format!("*.png binary\n*.pdf binary\n{ours}"));
    assert_eq!(place.text(".gitattributes"), format!("*.png binary\n*.pdf binary\n*.zip binary\n{ours}"));
    assert!(repo.gitattributes_change(OURS).unwrap().is_none());
    assert_eq!(repo.check_attr(DB, "diff").unwrap(), Some(covault::repo::AttributeValue::Value("covault".into())));
    assert_eq!(repo.check_attr(DB, "text").unwrap(), Some(covault::repo::AttributeValue::Unset));
    assert_eq!(repo.check_attr(DB, "crlf").unwrap(), None);
}

#[test]
fn hooks_run_in_git_mode_and_only_there() {
    let place = Place::with_vault();
    let log = place.beside("hook.log");
    for hook in ["pre-commit", "commit-msg", "post-commit", "post-index-change", "reference-transaction"] {
        let path = place.top.join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let line = format!("#!/bin/sh\necho {hook} \"$COVAULT_X\" >>'{}'\n", log.display());
        std::fs::write(&path, line).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    unsettle(&place);
    let before = place.persons_work();
    drop(std::fs::remove_file(&log));
    let repo = place.repo();
    committed(set(&repo, DB, "new\n"));
    assert!(!log.exists(), "{}", std::fs::read_to_string(&log).unwrap());
    let lock = repo.lock().unwrap();
    let changes = [Change::write(DB, "newer\n"), Change::write(".covault/secrets/x.age", "x")];
    let commit = committed(repo.commit(&lock, &changes, &in_mode(CommitMode::Git)));
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("pre-commit") && log.contains("commit-msg") && log.contains("post-commit"), "{log}");
    assert_eq!(place.head(), commit.to_string());
    assert_eq!(place.persons_work(), before);
    assert_eq!(
        place.git(&["show", "--name-only", "--format=%s", "HEAD"]),
        format!("set prod/db\n\n{DB}\n.covault/secrets/x.age\n")
    );
    assert_eq!(place.git(&["status", "--porcelain", "--", ".covault"]), "");
    assert!(
        std::fs::read_dir(place.top.join(".git"))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with("covault-index") })
    );
    // Deleting through git works as well.
    committed(repo.commit(&lock, &[Change::delete(DB)], &in_mode(CommitMode::Git)));
    assert!(!place.top.join(DB).exists());
}

#[test]
fn a_hook_that_refuses_leaves_the_change_staged() {
    let place = Place::with_vault();
    let hook = place.top.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 3\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (repo, head) = (place.repo(), place.head());
    let lock = repo.lock().unwrap();
    let error = repo.commit(&lock, &[Change::write(DB, "new\n")], &in_mode(CommitMode::Git)).unwrap_err();
    assert!(matches!(error, RepoError::CommitRefused { .. }));
    assert_eq!(place.head(), head);
    assert_eq!(place.git(&["status", "--porcelain"]), format!("M  {DB}\n"));
}

#[test]
fn what_git_would_make_of_the_file_by_a_filter_is_not_what_is_staged() {
    let place = Place::with_vault();
    place.git(&["config", "filter.shout.clean", "tr a-z A-Z"]);
    place.put(".gitattributes", "*.age filter=shout\n");
    let repo = place.repo();
    committed(set(&repo, DB, "new\n"));
    let ours = repo.blob_id(b"new\n").unwrap();
    assert_eq!(repo.staged_blob(DB).unwrap(), Some(ours));
    assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]).trim_end(), "new");
}

#[test]
fn after_a_commit_git_need_not_read_our_files_to_know_them() {
    let place = Place::with_vault();
    committed(set(&place.repo(), DB, "new\n"));
    // Nothing refreshes here: without the file's times in the index it would say that the work tree is dirty.
    assert!(place.try_git(&["diff-files", "--quiet"]).status.success());
    assert!(place.try_git(&["diff-index", "--quiet", "HEAD"]).status.success());
}
