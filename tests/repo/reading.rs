//! Reading and listing.

use covault::repo::{OddKind, RepoError, Result, WorkState};

use super::{DB, Place, committed, set};

#[test]
fn only_regular_files_are_read_and_no_more_than_the_limit() {
    let place = Place::with_vault();
    let repo = place.repo();
    assert_eq!(repo.read_work(DB, 4).unwrap().unwrap(), b"old\n");
    assert!(matches!(repo.read_work(DB, 3), Err(RepoError::TooLarge { limit: 3, .. })));
    assert_eq!(repo.read_work("nothing/here", 9).unwrap(), None);
    assert!(matches!(repo.read_work(".covault/secrets", 9), Err(RepoError::NotAFile { .. })));
    assert!(matches!(repo.read_work("notes.txt/x", 9), Err(RepoError::NotAFolder { .. })));
    let fifo = place.top.join(".covault/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(matches!(repo.read_work(".covault/fifo", 9), Err(RepoError::NotAFile { .. })));
    std::os::unix::fs::symlink("roster.toml", place.top.join(".covault/link")).unwrap();
    assert!(matches!(repo.read_work(".covault/link", 9), Err(RepoError::Symlink { .. })));
    let reader = repo.reader().unwrap();
    let read = std::thread::spawn(move || reader.read(DB, 99).unwrap()).join().unwrap();
    assert_eq!(read.unwrap(), b"old\n");
}

#[test]
fn no_more_is_read_of_a_commit_than_there_is_room_for() {
    let place = Place::with_vault();
    let deep = format!("src/{}x", "a/".repeat(130));
    place.put(&deep, "deep");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "deep"]);
    let repo = place.repo();
    let head = repo.resolve("HEAD").unwrap();
    let refused = |result: Result<()>, because: &str| match result {
        Err(RepoError::TooMuch { at, path, what }) => {
            assert!(at == head && path.starts_with("src") && what.contains(because), "{at} {path}: {what}");
        }
        other => panic!("{because}: {other:?}"),
    };
    refused(repo.list_at(head, "src").map(drop), "too deep");
    refused(repo.changed_between(None, head, "").map(drop), "too deep");
    refused(repo.entries_at(head, "src").map(drop), "too deep");
    // What is named is found, and so is what lies beside it.
    assert_eq!(repo.read_at(head, &deep).unwrap().unwrap(), b"deep");
    assert_eq!(repo.list_at(head, ".covault").unwrap().files.len(), 2);
}

#[test]
fn an_object_that_is_larger_than_any_is_not_read() {
    let place = Place::with_vault();
    std::fs::write(place.top.join("large"), vec![0; (64 << 20) + 1]).unwrap();
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "large"]);
    let repo = place.repo();
    let head = repo.resolve("HEAD").unwrap();
    let blob = repo.blob_at(head, "large").unwrap().unwrap();
    assert!(
        matches!(repo.read_at(head, "large"), Err(RepoError::TooMuch { at, path, .. }) if at == head && path == "large")
    );
    assert!(matches!(repo.blob(blob), Err(RepoError::ObjectTooLarge { id, .. }) if id == blob));
    assert_eq!(repo.blob_size(blob).unwrap(), (64 << 20) + 1);
    assert_eq!(repo.blob_within(blob, 9).unwrap(), None);
    // A folder with one file, whose name has 17 MiB.
    let mut tree = b"100644 ".to_vec();
    tree.resize(17 << 20, b'x');
    tree.push(0);
    tree.extend(blob.as_bytes());
    std::fs::write(place.top.join("tree"), tree).unwrap();
    let tree = place.git(&["hash-object", "-w", "-t", "tree", "--literally", "tree"]);
    let commit = place.git(&["commit-tree", "-m", "a folder", tree.trim()]);
    let commit = repo.resolve(commit.trim()).unwrap();
    assert!(matches!(repo.list_at(commit, ""), Err(RepoError::TooMuch { at, .. }) if at == commit));
    assert!(matches!(repo.files_in(commit, "", 9), Err(RepoError::ObjectTooLarge { kind: "tree", .. })));
}

#[test]
fn the_files_of_one_folder_are_listed_up_to_a_number() {
    let place = Place::with_vault();
    ["a", "b/c", "d", "e"].iter().for_each(|name| place.put(&format!("requests/{name}"), "x"));
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "more"]);
    let repo = place.repo();
    let head = repo.resolve("HEAD").unwrap();
    let names = |dir: &str, most| {
        let files = repo.files_in(head, dir, most).unwrap().into_iter();
        files.map(|(file, _)| file).collect::<Vec<_>>()
    };
    assert_eq!(names("requests", 9), ["requests/a", "requests/d", "requests/e"]);
    assert_eq!(names("requests", 2), ["requests/a", "requests/d"]);
    assert!(names("requests/a", 9).is_empty() && names("nothing", 9).is_empty());
}

#[test]
fn listing_tells_files_from_everything_else() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::with_vault();
    let secrets = place.top.join(".covault/secrets");
    std::os::unix::fs::symlink("prod", secrets.join("link")).unwrap();
    std::fs::write(secrets.join(std::ffi::OsStr::from_bytes(b"b\xff.age")), "x").unwrap();
    place.put(".covault/secrets/.git/config", "a repository in ours");
    let list = place.repo().list_work(".covault/secrets").unwrap();
    assert_eq!(list.files, [DB]);
    let odd: Vec<_> = list.odd.iter().map(|odd| (odd.path.as_str(), odd.kind)).collect();
    assert_eq!(odd, [(".covault/secrets/b\\xff.age", OddKind::NotUtf8), (".covault/secrets/link", OddKind::Symlink)]);
    let stats = place.repo().stat_list(".covault").unwrap().files;
    assert_eq!(stats.len(), 2);
    assert!(stats.iter().all(|file| file.size > 0 && file.mtime_ns > 0 && file.inode > 0));
    assert!(place.repo().list_work("nothing").unwrap().files.is_empty());
}

#[test]
fn many_files_are_listed_in_the_order_of_their_paths_however_many_ask() {
    let place = Place::with_vault();
    let secrets = place.top.join(".covault/secrets");
    // What sorts before and after a slash, beside a folder of the same name; and more files than folders held open.
    for name in ["a-b/x", "a/x", "a/x/y", "a.age", "a.b/x", "a/w.age/z", "ab/x"] {
        place.put(&format!(".covault/secrets/{name}.age"), "1");
    }
    for n in 0..300 {
        place.put(&format!(".covault/secrets/many/{n}/x.age"), "1");
    }
    std::fs::create_dir(secrets.join("flat")).unwrap();
    (0..2000).for_each(|n| std::fs::write(secrets.join(format!("flat/{n}.age")), n.to_string()).unwrap());
    let repo = place.repo();
    let mut all = Vec::new();
    let mut folders = vec![secrets.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                all.push(entry.strip_prefix(&place.top).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    all.sort();
    assert_eq!(repo.list_work(".covault/secrets").unwrap().files, all);
    let stats = repo.stat_list(".covault/secrets").unwrap().files;
    assert_eq!(stats.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), all);
    for file in stats {
        let about = std::fs::metadata(place.top.join(&file.path)).unwrap();
        assert_eq!(
            (file.size, file.inode),
            (about.len(), std::os::unix::fs::MetadataExt::ino(&about)),
            "{}",
            file.path
        );
    }
    assert_eq!(repo.stat_list(".covault/secrets/flat").unwrap().files.len(), 2000);
}

#[test]
fn whether_a_file_is_there_is_told_without_following_a_link() {
    let place = Place::with_vault();
    let secrets = place.top.join(".covault/secrets");
    std::os::unix::fs::symlink("prod", secrets.join("folder")).unwrap();
    std::os::unix::fs::symlink("prod/db.age", secrets.join("file.age")).unwrap();
    std::os::unix::fs::symlink("nowhere", secrets.join("broken.age")).unwrap();
    let repo = place.repo();
    let is_there = |path: &str| repo.exists_work(&format!(".covault/secrets/{path}"));
    assert!(is_there("prod/db.age").unwrap());
    for path in ["prod/none.age", "none/db.age", "db.age"] {
        assert!(!is_there(path).unwrap(), "{path}");
    }
    for path in ["folder/db.age", "folder/none.age", "file.age", "broken.age"] {
        assert!(matches!(is_there(path), Err(RepoError::Symlink { .. })), "{path}");
    }
    assert!(matches!(is_there("prod"), Err(RepoError::NotAFile { .. })));
    assert!(matches!(is_there("prod/db.age/x"), Err(RepoError::NotAFolder { .. })));
}

#[test]
fn commits_are_read_by_path() {
    let place = Place::with_vault();
    std::os::unix::fs::symlink("x", place.top.join(".covault/secrets/link")).unwrap();
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "link"]);
    let repo = place.repo();
    let first = repo.resolve("HEAD~1").unwrap();
    let second = repo.head().unwrap().commit.unwrap();
    assert_eq!(repo.read_at(first, DB).unwrap().unwrap(), b"old\n");
    assert_eq!(repo.read_at(first, "src").unwrap(), None);
    assert_eq!(repo.read_at(first, "src/none").unwrap(), None);
    assert!(matches!(repo.read_at(second, ".covault/secrets/link"), Err(RepoError::Symlink { .. })));
    let list = repo.list_at(second, ".covault").unwrap();
    assert_eq!(list.files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [".covault/roster.toml", DB]);
    assert_eq!(list.odd.len(), 1);
    assert_eq!(repo.list_at(second, "").unwrap().files.len(), 4);
    assert_eq!(repo.blob(repo.blob_id(b"old\n").unwrap()).unwrap(), b"old\n");
}

#[test]
fn names_of_commits_are_resolved_and_others_are_not_found() {
    let place = Place::with_vault();
    committed(set(&place.repo(), DB, "two\n"));
    place.git(&["tag", "-a", "v1", "-m", "v1"]);
    let repo = place.repo();
    for rev in ["HEAD", "main", "refs/heads/main", "v1", "@", &place.head()[..9], "main@{0}", ":/set it"] {
        assert_eq!(repo.resolve(rev).unwrap().to_string(), place.head(), "{rev}");
    }
    for rev in ["nothing", "--all", "-x", "HEAD:notes.txt", "HEAD^{tree}", "", "HEAD~9"] {
        assert!(matches!(repo.resolve(rev), Err(RepoError::RevNotFound { .. })), "{rev}");
    }
}

#[test]
fn every_state_of_a_file_has_a_name() {
    let place = Place::with_vault();
    for name in ["clean", "modified", "staged", "missing", "removed"] {
        place.put(&format!(".covault/secrets/{name}.age"), "1");
    }
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "all"]);
    place.put(".covault/secrets/staged.age", "2");
    place.git(&["add", "-A"]);
    place.put(".covault/secrets/modified.age", "2");
    place.put(".covault/secrets/untracked.age", "1");
    std::fs::remove_file(place.top.join(".covault/secrets/missing.age")).unwrap();
    place.git(&["rm", "-q", ".covault/secrets/removed.age"]);
    let states = place.repo().status_of(".covault/secrets").unwrap();
    let found: Vec<_> = states.iter().map(|(path, state)| (path.rsplit('/').next().unwrap(), *state)).collect();
    assert_eq!(
        found,
        [
            ("clean.age", WorkState::Clean),
            ("missing.age", WorkState::Missing),
            ("modified.age", WorkState::Modified),
            ("db.age", WorkState::Clean),
            ("removed.age", WorkState::Removed),
            ("staged.age", WorkState::Staged),
            ("untracked.age", WorkState::Untracked),
        ]
    );
}

#[test]
fn the_index_is_read_anew_as_soon_as_git_has_changed_it_however_old_it_looks() {
    let place = Place::with_vault();
    let repo = place.repo();
    // What is as old as that is kept in memory.
    let aged = || {
        let index = std::fs::File::options().append(true).open(place.top.join(".git/index")).unwrap();
        index.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(9)).unwrap();
    };
    for text in ["one", "two", "six"] {
        aged();
        let before = repo.staged_blob(DB).unwrap().unwrap();
        assert_eq!(repo.staged_blob(DB).unwrap(), Some(before));
        place.put(DB, text);
        place.git(&["add", DB]);
        aged();
        let staged = repo.blob_id(text.as_bytes()).unwrap();
        assert_ne!(staged, before);
        assert_eq!(repo.staged_blob(DB).unwrap(), Some(staged), "{text}");
    }
}

#[test]
fn a_folder_that_is_asked_about_often_answers_as_it_did_the_first_time() {
    let place = Place::with_vault();
    let repo = place.repo();
    for _ in 0..3 {
        let head = repo.head().unwrap().commit.unwrap();
        assert_eq!(repo.read_at(head, DB).unwrap().unwrap(), b"old\n");
        assert_eq!(repo.read_at(head, ".covault/secrets/prod/none.age").unwrap(), None);
        assert_eq!(repo.read_at(head, ".covault/secrets/prod").unwrap(), None);
    }
    let first = repo.head().unwrap().commit.unwrap();
    committed(set(&repo, DB, "new\n"));
    let second = repo.head().unwrap().commit.unwrap();
    for _ in 0..3 {
        assert_eq!(repo.read_at(first, DB).unwrap().unwrap(), b"old\n");
        assert_eq!(repo.read_at(second, DB).unwrap().unwrap(), b"new\n");
    }
}
