//! Deleting and moving beside edits: no conflict of git's, nothing lost, and what is contested is listed.

use super::git::{is_good, on, values};
use crate::cli::json;
use crate::world::{Person, World};

fn forked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", "the first value");
    alice.covault(["set", "prod/db", "user=app"]).ok();
    alice.git(["branch", "side"]).ok();
    alice
}

fn status(person: &Person) -> serde_json::Value {
    json(&person.covault(["status", "--json"]).ok())
}

#[test]
fn an_edit_wins_over_a_deletion_that_had_not_seen_it() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["rm", "prod/db"]).ok();
    on(&alice, "side");
    alice.set("prod/db", "edited meanwhile");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(alice.get("prod/db/value"), "edited meanwhile");
    assert_eq!(alice.get("prod/db/user"), "app");
    assert_eq!(status(&alice)["contested"], serde_json::json!(["prod/db"]));
    is_good(&alice);
    alice.covault(["resolve"]).exits(5);
    alice.covault(["resolve", "prod/db", "--keep"]).ok();
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
    assert_eq!(alice.get("prod/db/value"), "edited meanwhile");
}

#[test]
fn a_deletion_that_had_seen_everything_stays_one() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["rm", "prod/db"]).ok();
    on(&alice, "side");
    alice.set("other", "something else");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.covault(["get", "prod/db"]).exits(3);
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
}

#[test]
fn an_edit_follows_a_secret_that_moved() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["mv", "prod/db", "live/database"]).ok();
    on(&alice, "side");
    alice.set("prod/db", "edited meanwhile");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    // Until somebody writes, it is to be read where it was written.
    assert_eq!(alice.get("prod/db/value"), "edited meanwhile");
    let said = alice.covault(["resolve"]).ok();
    assert!(said.err.contains("to where the secret moved"), "{}", said.err);
    assert_eq!(values(&alice, "live/database", "value"), ["edited meanwhile"]);
    assert_eq!(alice.get("live/database/user"), "app");
    alice.covault(["get", "prod/db"]).exits(3);
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
    is_good(&alice);
    // An old version that arrives late brings nothing back.
    on(&alice, "side");
    alice.covault(["set", "prod/db", "user=late"]).ok();
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "live/database", "value"), ["edited meanwhile"]);
    assert_eq!(alice.get("live/database/user"), "late");
    is_good(&alice);
}

#[test]
fn of_two_moves_the_smaller_path_stays() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["mv", "prod/db", "b/db"]).ok();
    alice.covault(["set", "b/db", "user=of-b"]).ok();
    on(&alice, "side");
    alice.covault(["mv", "prod/db", "a/db"]).ok();
    alice.set("a/db", "value of a");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.covault(["resolve"]).ok();
    assert_eq!(alice.get("a/db/value"), "value of a");
    assert_eq!(alice.get("a/db/user"), "of-b");
    let said = alice.covault(["get", "b/db"]).exits(3);
    assert!(said.err.contains("moved to 'a/db'"), "{}", said.err);
    alice.covault(["get", "prod/db"]).exits(3);
    is_good(&alice);
}

#[test]
fn a_secret_beside_a_folder_of_its_name_is_listed_and_both_are_readable() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["rm", "prod/db"]).ok();
    alice.git(["branch", "-f", "side"]).ok();
    alice.set("prod", "a secret called prod");
    on(&alice, "side");
    alice.set("prod/api", "a secret below prod");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(alice.get("prod"), "a secret called prod");
    assert_eq!(alice.get("prod/api"), "a secret below prod");
    assert_eq!(status(&alice)["both"], serde_json::json!(["prod"]));
    alice.covault_fed(b"x", ["set", "prod"]).exits(2);
    is_good(&alice);
}
