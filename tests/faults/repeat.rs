//! Commands that were killed, and are repeated: what the campaigns found, each by name. `--no-commit` leaves what a kill
//! between the last file and the commit leaves.

use super::commands::two_values;
use super::rig::{template, value};
use crate::cli::json;
use crate::world::{Person, World};

fn uncommitted(person: &Person) -> String {
    person.git(["status", "--porcelain", ".covault"]).ok().text()
}

#[test]
fn an_approval_that_was_killed_is_committed_when_it_is_repeated() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", &value("old"));
    let bob = world.newcomer("bob");
    let line = alice.covault(["member", "invite", "bob"]).ok().text();
    bob.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
    bob.push("covault/join/bob");
    alice.git(["fetch", "-q"]).ok();
    alice.covault(["member", "approve", "bob", "--yes", "--no-commit"]).ok();
    // Any other write commits the roster; what was sealed with it waits.
    alice.set("next/one", &value("next"));
    assert_ne!(uncommitted(&alice), "");
    alice.covault(["member", "approve", "bob", "--yes"]).ok();
    assert_eq!(uncommitted(&alice), "");
    let said = alice.covault(["member", "approve", "bob", "--yes"]).ok();
    assert!(said.err.contains("nothing waits"), "{}", said.err);
}

#[test]
fn a_rotation_that_was_killed_is_committed_when_it_is_repeated_with_the_same_value() {
    let (_world, alice) = template();
    let rotate = |more: &[&str]| {
        let words = ["rotate", "prod/db", "--stdin"].iter().chain(more);
        alice.covault_fed(value("rotated").as_bytes(), words)
    };
    rotate(&["--no-commit"]).ok();
    assert_ne!(uncommitted(&alice), "");
    rotate(&[]).ok();
    assert_eq!(uncommitted(&alice), "");
    assert_eq!(alice.get("prod/db"), value("rotated"));
    let said = rotate(&[]).exits(2);
    assert!(said.err.contains("is the old one"), "{}", said.err);
}

/// What is on disk alone is a killed command's: repeating it commits that, and nothing is to be done a third time.
#[track_caller]
fn restores(alice: &Person, words: &[&str]) {
    let head = || alice.git(["rev-parse", "HEAD"]).ok().text();
    let before = head();
    assert_ne!(uncommitted(alice), "", "{words:?}");
    alice.covault(["restore"].iter().chain(words)).ok();
    assert_eq!(uncommitted(alice), "", "{words:?}");
    let after = head();
    assert_ne!(after, before, "{words:?}");
    let said = alice.covault(["restore"].iter().chain(words)).ok();
    assert!(said.err.contains("nothing to change") && head() == after, "{words:?}: {}", said.err);
}

#[test]
fn what_a_killed_restore_brought_back_is_committed_when_it_is_repeated() {
    let (_world, alice) = template();
    let kills = |words: &[&str]| alice.covault(["restore", "--no-commit"].iter().chain(words)).ok();
    kills(&["prod/db@1"]);
    restores(&alice, &["prod/db@1"]);
    assert_eq!(alice.get("prod/db"), value("older"));
    // Deleted.
    alice.covault(["rm", "prod/other"]).ok();
    alice.git(["tag", "deleted"]).ok();
    kills(&["--commit=deleted"]);
    restores(&alice, &["--commit=deleted"]);
    assert_eq!(alice.get("prod/other"), value("other"));
    // Born.
    alice.set("late/one", &value("late"));
    alice.git(["tag", "born"]).ok();
    kills(&["--commit=born"]);
    restores(&alice, &["--commit=born"]);
    alice.covault(["get", "late/one"]).exits(3);
}

#[test]
fn an_answer_whose_command_was_killed_is_committed_when_it_is_given_again() {
    for is_picked in [false, true] {
        let (world, alice) = template();
        two_values(&world, &alice);
        let open = json(&alice.covault(["resolve", "--json"]).exits(5));
        let id = open["fields"][0]["values"][0]["id"].as_str().unwrap();
        let answer =
            if is_picked { &["resolve", "prod/db", "--pick", id][..] } else { &["resolve", "prod/db", "--newest"] };
        alice.covault([answer, &["--no-commit"]].concat()).ok();
        assert_ne!(uncommitted(&alice), "");
        alice.covault(answer).ok();
        assert_eq!(uncommitted(&alice), "");
        let said = alice.covault(answer).ok();
        assert!(said.err.contains("nothing to change"), "{}", said.err);
    }
}

#[test]
fn a_move_whose_undoing_was_killed_half_way_is_undone_when_that_is_repeated() {
    // Whichever of the two files was written first.
    for kept in ["from/here", "to/there"] {
        let (_world, alice) = template();
        alice.set("from/here", &value("moved"));
        alice.covault(["mv", "from/here", "to/there"]).ok();
        alice.git(["tag", "moved"]).ok();
        alice.covault(["restore", "--commit=moved", "--no-commit"]).ok();
        alice.git(["checkout", "-q", "HEAD", "--", &format!(".covault/secrets/{kept}.age")]).ok();
        restores(&alice, &["--commit=moved"]);
        assert_eq!(alice.get("from/here"), value("moved"), "without {kept}");
        alice.covault(["get", "to/there"]).exits(3);
    }
}

#[test]
fn what_a_killed_init_left_for_a_vault_that_never_was_goes_after_a_day() {
    let (_world, alice) = template();
    let folder = alice.home.join(".local/state/covault").join("5".repeat(64));
    std::fs::create_dir_all(&folder).unwrap();
    let (old, young) = (folder.join(".covault-tmp-old"), folder.join(".covault-tmp-young"));
    for file in [&old, &young] {
        std::fs::write(file, "half a pin").unwrap();
    }
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(then).unwrap();
    alice.covault(["doctor", "--fix"]);
    assert!(!old.exists(), "it stays for ever");
    assert!(young.exists(), "another covault may be writing it");
}
