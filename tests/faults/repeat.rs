//! Commands that were killed, and are repeated: what the campaigns found, each by name. `--no-commit` leaves what a kill
//! between the last file and the commit leaves.

use super::rig::{template, value};
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
