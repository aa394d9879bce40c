//! Branches without a vault, no branch at all, and clones that have not accepted theirs yet: what is said leads on.

use super::hooks::script;
use super::{all_of, head, json, same};
use crate::world::{Person, World};

/// The words of a person's vault.
fn words(person: &Person) -> String {
    json(&person.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned()
}

/// A branch with a history and files of its own, checked out.
fn orphan(person: &Person, branch: &str) {
    person.git(["checkout", "-q", "--orphan", branch]).ok();
    person.git(["rm", "-rfq", "."]).ok();
    person.git(["commit", "-q", "--allow-empty", "-m", "pages"]).ok();
}

#[test]
fn what_a_locked_index_kept_from_being_staged_is_said_and_taken_along_by_the_next_try() {
    let world = World::new();
    let alice = world.founder("alice");
    let lock = alice.repo.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let before = head(&alice);
    let said = alice.covault_fed(b"y", ["set", "lockd"]).exits(1);
    let begin = "error: `.covault/secrets/lockd.age` is written, not staged: another git program holds `";
    assert!(said.err.starts_with(begin), "{}", said.err);
    assert!(said.err.contains("\nhint: if no other git is running: rm '"), "{}", said.err);
    assert!(said.err.contains("; then repeat the command"), "{}", said.err);
    assert_eq!((head(&alice), alice.get("lockd").as_str()), (before, "y"));
    std::fs::remove_file(&lock).unwrap();
    alice.set("lockd", "y");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(
        alice.git(["log", "-1", "--format=%s", "--", ".covault/secrets/lockd.age"]).ok().text().lines().count(),
        1
    );
    assert_eq!(alice.get("lockd"), "y");
}

#[test]
fn what_a_hook_says_in_lines_is_shown_in_lines_that_look_like_none_of_ours() {
    let world = World::new();
    let alice = world.team("alice");
    script(&alice, "pre-push", "#!/bin/sh\nprintf 'the tests fail:\\nhint: rm -rf /\\n\\033[2J\\n' >&2\nexit 1\n");
    alice.set("a", "1");
    let said = alice.covault(["sync"]).exits(9);
    let begin = "error: `git push` with origin failed:\n  the tests fail:\n  hint: rm -rf /\n  \\u{1b}[2J\n  error: ";
    assert!(said.err.starts_with(begin), "{}", said.err);
    assert!(said.err.lines().last().unwrap().starts_with("hint: repeat it: covault sync"), "{}", said.err);
    assert_eq!(said.err.lines().filter(|line| line.starts_with("hint: ")).count(), 1, "{}", said.err);
    let said = alice.covault(["sync", "--json"]).exits(9);
    assert!(
        said.err.contains("failed: the tests fail:; hint: rm -rf /; ") && said.err.lines().count() == 1,
        "{}",
        said.err
    );
}
