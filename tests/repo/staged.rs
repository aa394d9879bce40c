//! The commit that would be made now is the one that git would make, and nothing of it is written.

use covault::repo::{Globs, TreeKind};

use super::Place;

/// Everything that a tree can hold, staged in all ways.
fn full(args: &[&str]) -> Place {
    let place = Place::with_vault_in(args);
    place.put("src/a/deep/file", "1\n");
    place.put("src/a.b", "sorted before the folder a\n");
    place.put("run", "#!/bin/sh\n");
    place.put("changed later", "1\n");
    std::os::unix::fs::symlink("src", place.top.join("link")).unwrap();
    place.git(&["add", "-A"]);
    place.git(&["update-index", "--chmod=+x", "run"]);
    place.put("changed later", "2\n");
    place.put("some day", "1\n");
    place.git(&["add", "-N", "some day"]);
    let head = place.head();
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")]);
    place.git(&["rm", "-q", "--cached", "notes.txt"]);
    place
}

/// The tree that is made here is the one that `git write-tree` makes.
#[track_caller]
fn agree(place: &Place) {
    let objects = |place: &Place| place.git(&["count-objects", "-v"]);
    let before = objects(place);
    let mut repo = place.repo();
    let staged = repo.stage_in_memory().unwrap();
    assert_eq!(objects(place), before, "objects were written");
    assert_eq!(repo.parents(staged.commit).unwrap(), staged.parents);
    let tree = repo.tree_at(staged.commit, "").unwrap().unwrap();
    assert!(!place.try_git(&["cat-file", "-e", &staged.commit.to_string()]).status.success());
    assert_eq!(tree.to_string(), place.git(&["write-tree"]).trim());
}

#[test]
fn the_tree_is_the_one_that_git_would_write() {
    agree(&full(&[]));
    agree(&full(&["--object-format=sha256"]));
    agree(&full(&["--ref-format=reftable"]));
    agree(&Place::empty(&[]));
    let sparse = full(&[]);
    sparse.git(&["commit", "-qm", "all"]);
    sparse.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "other"]);
    sparse.put("other/new", "1\n");
    sparse.git(&["add", "other/new"]);
    assert!(sparse.git(&["ls-files", "--sparse"]).contains("src/\n"), "the index is not sparse");
    agree(&sparse);
}

#[test]
fn what_is_unmerged_is_contested_and_ours_and_a_merge_has_two_parents() {
    let place = Place::with_vault();
    place.git(&["checkout", "-q", "-b", "side"]);
    place.put("notes.txt", "theirs\n");
    place.put("src/main.rs", "changed\n");
    place.git(&["commit", "-qam", "side"]);
    place.git(&["checkout", "-q", "main"]);
    place.put("notes.txt", "ours\n");
    place.git(&["rm", "-q", "src/main.rs"]);
    place.git(&["commit", "-qam", "ours"]);
    assert!(!place.try_git(&["merge", "-q", "side"]).status.success());
    let mut repo = place.repo();
    let staged = repo.stage_in_memory().unwrap();
    let contested: Vec<_> = staged.contested.iter().map(String::as_str).collect();
    assert_eq!(contested, ["notes.txt", "src/main.rs"]);
    let parents: Vec<_> = staged.parents.iter().map(ToString::to_string).collect();
    assert_eq!(parents, place.git(&["rev-parse", "main", "side"]).lines().collect::<Vec<_>>());
    assert_eq!(repo.read_at(staged.commit, "notes.txt").unwrap().unwrap(), b"ours\n");
    // Deleted here and changed there: theirs is all that there is.
    assert_eq!(repo.read_at(staged.commit, "src/main.rs").unwrap().unwrap(), b"changed\n");
    let entries = repo.entries_at(staged.commit, "").unwrap();
    assert!(entries.iter().all(|entry| entry.kind == TreeKind::File), "{entries:?}");
}

#[test]
fn files_are_listed_as_git_would_add_them() {
    let place = Place::with_vault();
    place.put(".gitignore", "*.log\n/build/\n");
    place.put("a.log", "");
    place.put("build/out", "");
    place.put("new/file", "");
    std::fs::remove_file(place.top.join("notes.txt")).unwrap();
    let (files, unnamed) = place.repo().files_of_work().unwrap();
    let expected =
        [".covault/roster.toml", ".covault/secrets/prod/db.age", ".gitignore", "new/file", "notes.txt", "src/main.rs"];
    assert_eq!((files, unnamed), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn patterns_mean_what_they_mean_in_gitignore() {
    let globs = |lines: &[&str]| Globs::new(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    let matches = |lines: &[&str], path: &str| globs(lines).matches(path);
    assert!(matches(&["*.txt"], "a/b.txt") && matches(&["/a"], "a/b/c") && matches(&["fixtures/"], "tests/fixtures/x"));
    assert!(matches(&["tests/**/keys"], "tests/a/b/keys") && matches(&["a/*.txt"], "a/b.txt"));
    assert!(!matches(&["a/*.txt"], "b/a/b.txt") && !matches(&["fixtures/"], "fixtures") && !matches(&["/b"], "a/b"));
    assert!(!matches(&["*.txt", "!b.txt"], "a/b.txt") && matches(&["!b.txt", "*.txt"], "a/b.txt"));
    assert!(!matches(&["", "# a", "  "], "a") && !matches(&[], "a"));
}
