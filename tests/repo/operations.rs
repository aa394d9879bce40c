//! While git is in the middle of something.

use covault::repo::{Operation, Outcome, RepoError};

use super::{DB, Place, set};

/// Two branches that changed the same file.
fn forked() -> Place {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "-b", "side"]);
    place.put("notes.txt", "theirs\n");
    place.put(".covault/secrets/x.age", "theirs\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "theirs"]);
    place.git(&["checkout", "-q", "main"]);
    place.put("notes.txt", "ours\n");
    place.put(".covault/secrets/x.age", "ours\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "ours"]);
    place
}

#[test]
fn during_a_merge_a_change_is_staged_and_settles_its_own_path_only() {
    let place = forked();
    assert!(!place.try_git(&["merge", "side"]).status.success());
    let (repo, head) = (place.repo(), place.head());
    let stages = repo.stages(".covault/secrets/x.age").unwrap();
    assert!(stages[0].is_none() && stages[1].is_some() && stages[2].is_some());
    assert_eq!(set(&repo, DB, "new\n").unwrap(), Outcome::Staged { because: Some(Operation::Merge) });
    let outcome = set(&repo, ".covault/secrets/x.age", "joined\n").unwrap();
    assert_eq!(outcome, Outcome::Staged { because: Some(Operation::Merge) });
    assert_eq!(place.head(), head);
    let unmerged = place.git(&["diff", "--name-only", "--diff-filter=U"]);
    assert_eq!(unmerged, "notes.txt\n");
    // git still remembers what was merged.
    assert!(place.git(&["ls-files", "--resolve-undo"]).contains("x.age"));
    place.put("notes.txt", "both\n");
    place.git(&["commit", "-qam", "merged"]);
    assert_eq!(place.git(&["show", "HEAD:.covault/secrets/x.age"]), "joined\n");
    assert_eq!(place.git(&["show", &format!("HEAD:{DB}")]), "new\n");
}

#[test]
fn each_operation_has_its_name() {
    let cases: [(&[&str], Operation); 4] = [
        (&["merge", "side"], Operation::Merge),
        (&["rebase", "side"], Operation::Rebase),
        (&["cherry-pick", "side"], Operation::CherryPick),
        (&["revert", "--no-edit", "HEAD~1"], Operation::Revert),
    ];
    for (args, operation) in cases {
        let place = forked();
        if args[0] == "revert" {
            place.put("notes.txt", "later\n");
            place.git(&["commit", "-qam", "later"]);
        }
        assert_eq!(place.repo().operation().unwrap(), None);
        assert!(!place.try_git(args).status.success());
        assert_eq!(place.repo().operation().unwrap(), Some(operation));
    }
    let place = forked();
    place.git(&["bisect", "start"]);
    assert_eq!(place.repo().operation().unwrap(), Some(Operation::Bisect));
    let place = forked();
    std::fs::create_dir(place.top.join(".jj")).unwrap();
    assert_eq!(place.repo().operation().unwrap(), Some(Operation::Jujutsu));
    let outcome = set(&place.repo(), DB, "new\n").unwrap();
    assert_eq!(outcome, Outcome::Staged { because: Some(Operation::Jujutsu) });
}

#[test]
fn unmerged_paths_without_a_merge_are_an_operation_too() {
    let place = forked();
    place.put("notes.txt", "stashed\n");
    place.git(&["stash", "-q"]);
    place.put("notes.txt", "again\n");
    place.git(&["commit", "-qam", "again"]);
    assert!(!place.try_git(&["stash", "pop"]).status.success());
    let unmerged = Operation::Unmerged(vec!["notes.txt".into()]);
    assert_eq!(place.repo().operation().unwrap(), Some(unmerged.clone()));
    assert_eq!(set(&place.repo(), DB, "new\n").unwrap(), Outcome::Staged { because: Some(unmerged) });
}

#[test]
fn unmerged_attributes_are_left_to_the_person() {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "-b", "side"]);
    place.put(".gitattributes", "*.a binary\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "side"]);
    place.git(&["checkout", "-q", "main"]);
    place.put(".gitattributes", "*.b binary\n");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "main"]);
    assert!(!place.try_git(&["merge", "side"]).status.success());
    assert!(matches!(place.repo().gitattributes_change(&["x y"]), Err(RepoError::Unmerged { .. })));
}
