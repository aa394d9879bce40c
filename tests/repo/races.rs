//! Several writers at once.

use std::time::{Duration, Instant};

use covault::repo::{Change, CommitMode, Found, Repo, RepoError, Step};

use super::{DB, Place, committed, how, in_mode, set};

#[test]
fn two_writers_of_different_paths_lose_nothing() {
    let place = Place::with_vault();
    std::thread::scope(|scope| {
        for who in ["alice", "bob"] {
            let top = &place.top;
            scope.spawn(move || {
                let repo = Repo::discover(top).unwrap();
                for n in 0..20 {
                    committed(set(&repo, &format!(".covault/secrets/{who}/{n}.age"), who));
                }
            });
        }
    });
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]), "41\n");
    assert_eq!(place.repo().list_work(".covault/secrets").unwrap().files.len(), 41);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    place.git(&["fsck", "--strict"]);
}

#[test]
fn beside_a_person_who_commits_with_git_nothing_is_lost() {
    let place = Place::with_vault();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..15 {
                place.put(&format!("work/{n}.txt"), "work");
                while !place.try_git(&["add", &format!("work/{n}.txt")]).status.success() {}
                while !place.try_git(&["commit", "-qm", "work", "--", &format!("work/{n}.txt")]).status.success() {}
            }
        });
        let repo = Repo::discover(&place.top).unwrap();
        for n in 0..15 {
            committed(set(&repo, &format!(".covault/secrets/{n}.age"), "s"));
        }
    });
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(place.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 34);
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]), "31\n");
}

#[test]
fn a_ref_that_moves_while_we_commit_is_built_upon() {
    let place = Place::with_vault();
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    let done = std::cell::Cell::new(false);
    let interfere = |step| {
        if step == covault::repo::Step::Objects && !done.replace(true) {
            place.git(&["commit", "-q", "--allow-empty", "-m", "somebody else's"]);
        }
    };
    let mut how = how("set it");
    how.progress = Some(&interfere);
    committed(repo.commit(&lock, &[Change::write(".covault/secrets/n.age", "n")], &how));
    let log = place.git(&["log", "--format=%s"]);
    // Theirs took what was staged along, so there was nothing left to commit for us, or ours came on top.
    assert!(log.contains("somebody else's"), "{log}");
    assert_eq!(place.git(&["show", "HEAD:.covault/secrets/n.age"]), "n");
}

#[track_caller]
fn is_overtaken(outcome: covault::repo::Result<covault::repo::Outcome>, was_staged: bool) {
    match outcome {
        Err(RepoError::Overtaken { path, staged }) => assert_eq!((path.as_str(), staged), (DB, was_staged)),
        other => panic!("not overtaken: {other:?}"),
    }
}

#[test]
fn a_file_that_was_changed_since_it_was_read_is_not_written_over() {
    let place = Place::with_vault();
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    let read = Found::Blob(repo.blob_id(b"old\n").unwrap());
    let at = place.head();
    for (found, on_disk) in [(read, Some("theirs\n")), (read, None), (Found::Nothing, Some("theirs\n"))] {
        drop(std::fs::remove_file(place.top.join(DB)));
        on_disk.into_iter().for_each(|text| place.put(DB, text));
        for mode in [CommitMode::Commit, CommitMode::Stage, CommitMode::Git] {
            is_overtaken(repo.commit(&lock, &[Change::write(DB, "ours\n").over(found)], &in_mode(mode)), false);
            if on_disk.is_some() {
                is_overtaken(repo.commit(&lock, &[Change::delete(DB).over(found)], &in_mode(mode)), false);
            }
        }
        assert_eq!(std::fs::read_to_string(place.top.join(DB)).ok().as_deref(), on_disk);
    }
    assert_eq!((place.head(), place.git(&["diff", "--cached", "--name-only"])), (at, String::new()));
    // What was read, and what is to be there anyway, are no news.
    for text in ["old\n", "ours\n"] {
        place.put(DB, text);
        committed(repo.commit(&lock, &[Change::write(DB, "ours\n").over(read)], &how("set it")));
        place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn a_version_that_head_has_got_since_is_not_written_over() {
    for mode in [CommitMode::Commit, CommitMode::Stage, CommitMode::Git] {
        let place = Place::with_vault();
        let repo = place.repo();
        let since = repo.head().unwrap();
        let lock = repo.lock().unwrap();
        place.put(DB, "theirs\n");
        place.git(&["commit", "-qam", "somebody else's"]);
        let mut how = in_mode(mode);
        how.since = Some(&since);
        is_overtaken(repo.commit(&lock, &[Change::write(DB, "ours\n")], &how), false);
        assert_eq!((place.text(DB), place.git(&["status", "--porcelain"])), ("theirs\n".into(), String::new()));
        // Another path is nobody's business but ours; and who has the same already lost nothing.
        let changes = [Change::write(".covault/secrets/n.age", "n"), Change::write(DB, "theirs\n")];
        repo.commit(&lock, &changes, &how).unwrap();
        assert_eq!(place.text(".covault/secrets/n.age"), "n");
    }
}

#[test]
fn a_version_that_head_gets_while_we_commit_is_not_committed_over() {
    let place = Place::with_vault();
    let repo = place.repo();
    let since = repo.head().unwrap();
    let lock = repo.lock().unwrap();
    let theirs = std::cell::RefCell::new(String::new());
    let interfere = |step| {
        if step == Step::Objects && theirs.borrow().is_empty() {
            let beside = place.beside("beside");
            place.git(&["worktree", "add", "-q", "--detach", beside.to_str().unwrap()]);
            std::fs::write(beside.join(DB), "theirs\n").unwrap();
            super::run(&beside, &["commit", "-qam", "somebody else's"]);
            *theirs.borrow_mut() = super::run(&beside, &["rev-parse", "HEAD"]).trim().to_owned();
            place.git(&["update-ref", "HEAD", &theirs.borrow()]);
        }
    };
    let mut how = how("set it");
    how.since = Some(&since);
    how.progress = Some(&interfere);
    is_overtaken(repo.commit(&lock, &[Change::write(DB, "ours\n")], &how), true);
    assert_eq!(place.head(), *theirs.borrow());
    assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]), "theirs\n");
}

#[test]
fn an_index_held_by_another_git_is_waited_for_and_then_named() {
    let place = Place::with_vault();
    let lock = place.top.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let start = Instant::now();
    let error = set(&place.repo(), DB, "new\n").unwrap_err();
    let RepoError::Unstaged { files, source } = &error else { panic!("{error:?}") };
    assert_eq!(files, &[DB]);
    assert!(matches!(&**source, RepoError::IndexLocked { lock: named } if *named == lock), "{error:?}");
    assert!(error.hint().unwrap().contains("rm "));
    assert!(start.elapsed() >= Duration::from_secs(4));

    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            std::fs::remove_file(&lock).unwrap();
        });
        committed(set(&place.repo(), DB, "new\n"));
    });
}

#[test]
fn the_write_lock_names_who_has_it() {
    let place = Place::with_vault();
    let first = place.repo();
    let lock = first.lock().unwrap();
    let error = place.repo().lock_within(Duration::from_millis(60)).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, RepoError::Locked { by: Some(by), .. } if by == pid), "{error:?}");
    drop(lock);
    // A child that another test starts at this very moment has the lock's file open until its own program begins.
    place.repo().lock_within(Duration::from_secs(20)).unwrap();
}
