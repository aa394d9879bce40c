//! What somebody had changed before they deleted it, where an edit outlived the deletion: it is told, and comes back.

use super::git::{is_good, on, values};
use super::places::{forked, status};
use crate::cli::json;
use crate::world::{Person, World};

/// What alice had changed before she deleted it went with the deletion, which an edit outlived.
fn outlived(world: &World) -> Person {
    let alice = forked(world);
    alice.set("prod/db", "rotated, then deleted");
    alice.covault(["rm", "prod/db"]).ok();
    on(&alice, "side");
    alice.covault(["set", "prod/db", "host=edited"]).ok();
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(alice.get("prod/db/host"), "edited");
    alice.covault(["get", "prod/db/value"]).exits(3);
    alice
}

#[test]
fn what_went_with_a_deletion_is_told_and_brought_back_beside_the_edit() {
    let world = World::new();
    let alice = outlived(&world);
    let gone = serde_json::json!([{ "name": "prod/db", "gone": ["value"] }]);
    assert_eq!(status(&alice)["gone"], gone);
    assert_eq!(json(&alice.covault(["resolve", "--json"]).exits(5))["gone"], gone);
    let said = alice.covault(["resolve"]).exits(5).text();
    assert!(said.contains("value went with the deletion: covault restore prod/db brings it back"), "{said}");
    let said = alice.covault(["status"]).ok().text();
    assert!(said.contains("(covault restore NAME):\n  prod/db: value\n"), "{said}");
    let said = alice.covault(["restore", "prod/db"]).ok();
    assert!(said.err.contains("prod/db: value went with the deletion and is back"), "{}", said.err);
    assert_eq!(values(&alice, "prod/db", "value"), ["rotated, then deleted"]);
    assert_eq!(values(&alice, "prod/db", "host"), ["edited"]);
    assert_eq!(values(&alice, "prod/db", "user"), ["app"]);
    assert_eq!(status(&alice)["gone"], serde_json::json!([]));
    is_good(&alice);
}

#[test]
fn who_keeps_a_secret_keeps_what_went_with_the_deletion() {
    let world = World::new();
    let alice = outlived(&world);
    alice.covault(["resolve", "prod/db", "--keep"]).ok();
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
    assert_eq!(values(&alice, "prod/db", "value"), ["rotated, then deleted"]);
    assert_eq!(values(&alice, "prod/db", "host"), ["edited"]);
}

#[test]
fn what_went_with_a_deletion_and_is_in_no_commit_is_told_until_it_is_set() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    alice.set("prod/db", "rotated, then deleted");
    alice.covault(["rm", "prod/db"]).ok();
    on(&alice, "main");
    alice.covault(["set", "prod/db", "host=edited"]).ok();
    alice.git(["merge", "-q", "--squash", "side"]).ok();
    alice.git(["commit", "-qm", "squashed"]).ok();
    let before = crate::cli::head(&alice);
    let said = alice.covault(["restore", "prod/db"]).ok();
    assert!(said.err.contains("value went with the deletion and is in no commit of this branch"), "{}", said.err);
    assert_eq!((status(&alice)["gone"][0]["name"].as_str(), crate::cli::head(&alice)), (Some("prod/db"), before));
    alice.set("prod/db", "another");
    assert_eq!(status(&alice)["gone"], serde_json::json!([]));
}

#[test]
fn who_syncs_is_told_what_went_with_a_deletion() {
    let team = super::rig::Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "rotated, then deleted");
    alice.covault(["rm", "dev/db"]).ok();
    alice.covault(["sync"]).ok();
    bob.covault(["set", "dev/db", "host=edited"]).ok();
    let said = bob.covault(["sync"]).exits(5);
    assert!(said.err.contains("dev/db: value went with the deletion (covault restore dev/db)"), "{}", said.err);
    // It is said once; `status` goes on saying it.
    let said = bob.covault(["sync"]).ok();
    assert!(!said.err.contains("went with the deletion"), "{}", said.err);
    bob.covault(["restore", "dev/db"]).ok();
    bob.covault(["sync"]).ok();
    // Whether it stays is a question to her; nothing is missing any more.
    let said = alice.covault(["sync"]).exits(5);
    assert!(!said.err.contains("went with the deletion"), "{}", said.err);
    assert_eq!(alice.get("dev/db/value"), "rotated, then deleted");
}
