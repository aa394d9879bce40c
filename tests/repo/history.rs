//! Who changed what when.

use super::{DB, Place, committed, set};

#[test]
fn history_names_each_version_newest_first() {
    let place = Place::with_vault();
    let repo = place.repo();
    let second = committed(set(&repo, DB, "two\n"));
    committed(set(&repo, "ключ.age", "x"));
    let third = committed(set(&repo, DB, "three\n"));
    let history = repo.history("HEAD", &[DB], None).unwrap();
    let commits: Vec<_> = history.iter().map(|entry| entry.commit).collect();
    assert_eq!(commits.len(), 3);
    assert_eq!(commits[..2], [third, second]);
    let newest = &history[0];
    assert_eq!((newest.author.as_str(), newest.email.as_str()), ("Alice", "alice@example.com"));
    assert_eq!((newest.subject.as_str(), newest.time), ("set it", super::NOW));
    assert_eq!(newest.changes[0].path, DB);
    assert_eq!(newest.changes[0].before, Some(repo.blob_id(b"two\n").unwrap()));
    assert_eq!(newest.changes[0].after, Some(repo.blob_id(b"three\n").unwrap()));
    assert_eq!(history[2].changes[0].before, None);
    assert_eq!(repo.history("HEAD", &[DB], Some(1)).unwrap().len(), 1);
    assert_eq!(repo.history("HEAD", &["ключ.age"], None).unwrap()[0].changes[0].path, "ключ.age");
    assert_eq!(repo.history("HEAD", &[".covault", "ключ.age"], None).unwrap().len(), 4);
    assert_eq!(repo.history("HEAD", &[], None).unwrap().len(), 4);
    assert_eq!(repo.history("HEAD", &[""], None).unwrap().len(), 4);
    assert!(Place::empty(&[]).repo().history("HEAD", &[DB], None).unwrap().is_empty());
}

#[test]
fn a_merge_is_listed_where_it_made_a_version_of_its_own_and_no_side_is_hidden() {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "-b", "side"]);
    place.put(DB, "theirs\n");
    place.put(".covault/secrets/only.age", "theirs\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "theirs"]);
    place.git(&["checkout", "-q", "main"]);
    place.put(DB, "ours\n");
    place.git(&["commit", "-qam", "ours"]);
    place.try_git(&["merge", "side"]);
    place.put(DB, "joined\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "merged"]);
    let repo = place.repo();
    let history = repo.history("HEAD", &[".covault"], None).unwrap();
    let merge = &history[0];
    assert_eq!((merge.subject.as_str(), merge.parents.len(), merge.changes.len()), ("merged", 2, 1));
    assert_eq!(merge.changes[0].before, Some(repo.blob_id(b"ours\n").unwrap()));
    assert_eq!(merge.changes[0].after, Some(repo.blob_id(b"joined\n").unwrap()));
    assert_eq!(history.len(), 4);
    // A merge that drops a side does not hide it.
    place.git(&["checkout", "-q", "-b", "drop", "main~1"]);
    place.git(&["merge", "-q", "-s", "ours", "-m", "dropped", "side"]);
    let subjects: Vec<_> = repo.history("drop", &[DB], None).unwrap().into_iter().map(|e| e.subject).collect();
    assert!(subjects.contains(&"theirs".to_owned()), "{subjects:?}");
}

#[test]
fn what_two_commits_differ_in_is_listed_by_file() {
    let place = Place::with_vault();
    let repo = place.repo();
    let first = repo.head().unwrap().commit.unwrap();
    place.put(".covault/secrets/prod/db.age", "two\n");
    place.put(".covault/secrets/a/b/c.age", "new\n");
    place.put("notes.txt", "two\n");
    place.git(&["rm", "-q", ".covault/roster.toml"]);
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "second"]);
    let second = repo.head().unwrap().commit.unwrap();
    let changes = repo.changed_between(Some(first), second, ".covault").unwrap();
    let shape: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.before.is_some(), c.after.is_some())).collect();
    assert_eq!(
        shape,
        [(".covault/roster.toml", true, false), (".covault/secrets/a/b/c.age", false, true), (DB, true, true),]
    );
    assert_eq!(repo.changed_between(None, first, "").unwrap().len(), 4);
    assert!(repo.changed_between(Some(first), first, "").unwrap().is_empty());
    assert_eq!(repo.changed_between(Some(first), second, "src").unwrap(), []);
}

#[test]
fn a_path_that_was_committed_on_any_branch_is_known() {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "-b", "side"]);
    place.put(".env", "KEY=1\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "oops"]);
    place.git(&["rm", "-q", ".env"]);
    place.git(&["commit", "-qm", "gone"]);
    place.git(&["checkout", "-q", "main"]);
    let repo = place.repo();
    assert!(repo.ever_tracked(".env").unwrap());
    assert!(!repo.ever_tracked(".env.local").unwrap());
    assert!(!repo.ever_tracked("*").unwrap());
}
