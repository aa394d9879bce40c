//! Alice starts a vault and works in it by herself.

use crate::world::{World, have};

#[test]
fn alice_keeps_uses_changes_and_restores_a_secret() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "first");
    assert_eq!(alice.get("prod/db"), "first");
    alice.set("prod/db", "second");
    assert_eq!(alice.get("prod/db"), "second");
    assert_eq!(alice.get("prod/db@1"), "first");
    alice.covault(["restore", "prod/db"]).ok();
    assert_eq!(alice.get("prod/db"), "first");
    assert_eq!(alice.covault(["run", "--from", "prod", "--", "printenv", "DB"]).ok().text(), "first\n");
    alice.covault(["rm", "prod/db"]).ok();
    let gone = alice.covault(["get", "prod/db"]).exits(3);
    assert!(gone.err.contains("was deleted") && gone.err.contains("covault restore prod/db"), "{}", gone.err);
    alice.covault(["restore", "prod/db"]).ok();
    assert_eq!(alice.get("prod/db"), "first");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn plain_age_opens_every_secret() {
    if !have("age") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "canary-for-age");
    let said =
        alice.command("age").arg("-d").arg("-i").arg(alice.identity()).arg(alice.file("prod/db")).output().unwrap();
    assert!(said.status.success());
    assert!(String::from_utf8_lossy(&said.stdout).contains("value = \"canary-for-age\""));
}

#[test]
fn a_clone_without_a_key_says_so_in_covault_and_in_git_alike() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "hidden");
    let words = alice.covault(["whoami", "--json"]).ok().text();
    let words: serde_json::Value = serde_json::from_str(&words).unwrap();
    let bob = alice.clone_for(world.stranger("bob"));
    let refused = bob.covault(["get", "prod/db"]).exits(4);
    assert!(refused.err.contains("no identity on this machine"), "{}", refused.err);
    bob.covault(["setup"]).ok();
    let log = bob.git(["log", "-p"]).ok().text();
    assert!(log.contains("no identity on this machine") && log.contains("sealed by alice, revision 1"), "{log}");
    bob.covault(["setup", "--vault", words["words"].as_str().unwrap()]).ok();
    let refused = bob.covault(["get", "prod/db"]).exits(4);
    assert!(refused.err.contains("no identity on this machine"), "{}", refused.err);
    let log = bob.git(["log", "-p"]).ok().text();
    assert!(log.contains("no identity on this machine") && log.contains("sealed by alice, revision 1"), "{log}");
    assert!(!log.contains("hidden"));
}
