//! What the trunk took away counts on a branch that does not know it: nothing is sealed to who lost it, and they sign
//! nothing there.

use covault::seal::peek_manifest;

use crate::world::{Person, World};

/// Whom a file says it is sealed to.
fn readers(person: &Person, name: &str) -> Vec<String> {
    let manifest = peek_manifest(&std::fs::read(person.file(name)).unwrap()).unwrap();
    manifest.readers.iter().map(|reader| reader.name.to_string()).collect()
}

/// alice and bob with two secrets; on the trunk, which both have fetched, prod is alice's alone by now. Bob's branch is the
/// one of before.
fn narrowed(world: &World) -> (Person, Person) {
    let alice = world.team("alice");
    let bob = world.joins(&alice, "bob");
    alice.set("prod/db", "what bob could read");
    alice.set("dev/db", "what everybody reads");
    alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    alice.git(["branch", "before"]).ok();
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.push("main");
    bob.git(["fetch", "-q"]).ok();
    (alice, bob)
}

#[test]
fn who_lost_a_grant_on_the_trunk_writes_there_no_more_from_a_branch_of_before() {
    let world = World::new();
    let (_, bob) = narrowed(&world);
    let file = std::fs::read(bob.file("prod/db")).unwrap();
    for args in [["set", "prod/db"], ["set", "prod/new"], ["rm", "prod/db"]] {
        let said = bob.covault_fed(b"written by bob", args).exits(4);
        assert!(
            said.err.contains("any more: by the trunk's roster no grant lets you read it"),
            "{args:?}: {}",
            said.err
        );
        assert!(said.err.contains("hint: bring the trunk in with: covault sync"), "{}", said.err);
    }
    assert_eq!(std::fs::read(bob.file("prod/db")).unwrap(), file);
    assert!(!bob.file("prod/new").exists());
    // Elsewhere he writes as ever, and with the trunk brought in the answer stays the same.
    bob.set("dev/db", "written by bob");
    bob.covault(["sync"]).ok();
    assert_eq!(bob.get("dev/db"), "written by bob");
    bob.covault_fed(b"written by bob", ["set", "prod/db"]).exits(4);
}

#[test]
fn nothing_is_sealed_to_who_lost_it_on_the_trunk_on_a_branch_of_before() {
    let world = World::new();
    let (alice, bob) = narrowed(&world);
    alice.git(["switch", "-q", "before"]).ok();
    assert_eq!(readers(&alice, "prod/db"), ["alice", "bob"]);
    alice.set("prod/db", "what bob is not to read");
    alice.set("prod/new", "nor this");
    alice.set("dev/db", "this he may");
    for (name, expected) in [("prod/db", &["alice"][..]), ("prod/new", &["alice"]), ("dev/db", &["alice", "bob"])] {
        assert_eq!(readers(&alice, name), expected, "{name}");
    }
    alice.git(["switch", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--no-edit", "before"]).ok();
    assert_eq!(alice.get("prod/db"), "what bob is not to read");
    assert_eq!(readers(&alice, "prod/db"), ["alice"]);
    alice.covault(["verify", "--history"]).ok();
    alice.push("main");
    bob.covault(["sync"]).ok();
    bob.covault(["get", "prod/new"]).exits(4);
    assert_eq!(bob.get("dev/db"), "this he may");
}

/// Alice, on a branch where bob wrote to what she has taken from him on the trunk.
fn on_a_branch_of_before(world: &World) -> Person {
    let alice = world.team("alice");
    let bob = world.joins(&alice, "bob");
    alice.set("prod/db", "the value");
    alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.push("main");
    // He has not heard of it, or says so.
    bob.set("prod/db", "written by bob");
    bob.git(["push", "-q", "origin", "HEAD:refs/heads/late"]).ok();
    alice.git(["fetch", "-q"]).ok();
    alice.git(["checkout", "-q", "-b", "late", "origin/late"]).ok();
    alice
}

#[test]
fn what_they_write_on_a_branch_of_before_is_sealed_anew_in_nobodys_name_in_passing() {
    let world = World::new();
    let alice = on_a_branch_of_before(&world);
    alice.set("dev/db", "something else");
    let manifest = peek_manifest(&std::fs::read(alice.file("prod/db")).unwrap()).unwrap();
    assert_eq!(manifest.author.name.as_str(), "bob");
    alice.git(["switch", "-q", "main"]).ok();
    let said = alice.git(["merge", "-q", "--no-edit", "late"]).ok();
    assert!(said.err.contains("what bob wrote is kept beside it and counts for nothing"), "{}", said.err);
    assert_eq!(alice.get("prod/db"), "the value");
    assert_eq!(alice.get("dev/db"), "something else");
}

#[test]
fn a_rekey_on_a_branch_of_before_makes_what_they_wrote_there_ones_own() {
    // A known gap, so that nobody finds it by surprise: who asks for a rekey by name vouches for what is there.
    let world = World::new();
    let alice = on_a_branch_of_before(&world);
    alice.covault(["rekey", "prod/db", "--yes"]).ok();
    let manifest = peek_manifest(&std::fs::read(alice.file("prod/db")).unwrap()).unwrap();
    assert_eq!(manifest.author.name.as_str(), "alice");
    alice.git(["switch", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--no-edit", "late"]).ok();
    assert_eq!(alice.get("prod/db"), "written by bob");
}

#[test]
fn who_is_a_reader_on_the_trunk_by_now_writes_nothing_from_a_branch_of_before() {
    let world = World::new();
    let alice = world.team("alice");
    let bob = world.joins(&alice, "bob");
    alice.covault(["member", "role", "bob", "reader", "--yes"]).ok();
    alice.push("main");
    bob.git(["fetch", "-q"]).ok();
    let said = bob.covault_fed(b"written by bob", ["set", "dev/db"]).exits(4);
    assert!(said.err.contains("you may read in this vault, not write"), "{}", said.err);
    assert!(!bob.file("dev/db").exists());
}

#[test]
fn what_a_branch_gives_beside_the_trunk_is_given() {
    let world = World::new();
    let (alice, _) = narrowed(&world);
    alice.git(["switch", "-q", "before"]).ok();
    alice.covault(["group", "set", "late", "bob", "--yes"]).ok();
    alice.covault(["grant", "ops", "alice", "@late", "--yes"]).ok();
    alice.set("ops/key", "for both of them");
    assert_eq!(readers(&alice, "ops/key"), ["alice", "bob"]);
    alice.set("prod/db", "for alice alone");
    assert_eq!(readers(&alice, "prod/db"), ["alice"]);
}

#[test]
fn a_removal_that_was_taken_back_and_accepted_takes_nothing_any_more() {
    let world = World::new();
    let alice = world.team("alice");
    let (bob, _) = (world.joins(&alice, "bob"), world.joins(&alice, "carol"));
    alice.set("db", "the first value");
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    alice.covault(["member", "remove", "bob", "--yes"]).ok();
    alice.push("main");
    alice.covault(["status"]).ok();
    let (home, vault) = (crate::team::home(&alice), crate::team::vault(&alice).roster().vault);
    let removed = || home.removed(vault).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(removed(), ["bob", "carol"]);
    alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    alice.git(["push", "-q", "--force"]).ok();
    alice.covault(["setup", "--accept"]).ok();
    // carol is out by what was accepted, too.
    assert_eq!(removed(), ["carol"]);
    alice.set("db", "the second value");
    assert_eq!(readers(&alice, "db"), ["alice", "bob"]);
    alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(bob.get("db"), "the second value");
}
