//! Deleting and moving beside edits: no conflict of git's, nothing lost, and what is contested is listed.

use super::git::{is_good, on, values};
use covault::model::roster::Role;

use crate::cli::json;
use crate::team;
use crate::world::{Person, World};

pub fn forked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", "the first value");
    alice.covault(["set", "prod/db", "user=app"]).ok();
    alice.git(["branch", "side"]).ok();
    alice
}

pub fn status(person: &Person) -> serde_json::Value {
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
    // Until somebody writes, it is to be read where it was written: who merges is told, and who reads it.
    let waits = "prod/db was moved to live/database by one and changed by another, which live/database does not have";
    let said = alice.git(["merge", "-q", "side"]).ok();
    assert!(said.err.contains(waits), "{}", said.err);
    assert_eq!(alice.get("prod/db/value"), "edited meanwhile");
    for args in [&["get", "prod/db/value"][..], &["run", "--from", "prod", "--", "true"]] {
        let said = alice.covault(args).ok();
        assert_eq!(said.err.matches(waits).count(), 1, "{}", said.err);
    }
    let said = alice.covault(["resolve"]).ok();
    assert!(said.err.contains("to where the secret moved"), "{}", said.err);
    assert_eq!(values(&alice, "live/database", "value"), ["edited meanwhile"]);
    assert!(!alice.covault(["get", "live/database/value"]).ok().err.contains("does not have yet"));
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

/// alice with `prod/db` edited at its old name, and moved to `a/db` by one branch and to `b/db` by another, where its value
/// was replaced, too.
fn moved_to_two_places(alice: &Person) {
    alice.git(["branch", "other"]).ok();
    on(alice, "side");
    alice.covault(["mv", "prod/db", "a/db"]).ok();
    on(alice, "other");
    alice.covault(["mv", "prod/db", "b/db"]).ok();
    alice.set("b/db", "replaced in b");
    on(alice, "main");
    alice.covault(["set", "prod/db", "user=edited"]).ok();
    alice.git(["merge", "-q", "side"]).ok();
    alice.git(["merge", "-q", "other"]).ok();
}

/// All came to `a/db`, and nothing that was replaced shows.
fn is_at_a(alice: &Person) {
    assert_eq!(values(alice, "a/db", "value"), ["replaced in b"]);
    assert_eq!(values(alice, "a/db", "user"), ["edited"]);
    for left in ["prod/db", "b/db"] {
        let said = alice.covault(["get", left]).exits(3);
        assert!(said.err.contains("moved to 'a/db'"), "{}", said.err);
    }
    assert_eq!(status(alice)["contested"], serde_json::json!([]));
    is_good(alice);
}

#[test]
fn two_places_and_the_old_name_come_together() {
    let world = World::new();
    let alice = forked(&world);
    moved_to_two_places(&alice);
    alice.covault(["resolve"]).ok();
    is_at_a(&alice);
}

#[test]
fn a_place_that_the_one_who_writes_cannot_read_stays_known_at_the_old_name() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    alice.covault(["grant", "b", "alice", "--yes"]).ok();
    alice.git(["branch", "-f", "side"]).ok();
    moved_to_two_places(&alice);
    team::pull(&bob, &alice);
    bob.covault(["get", "b/db"]).exits(4);
    bob.set("unrelated", "bob's own");
    assert_eq!(values(&bob, "prod/db", "user"), ["edited"]);
    team::pull(&alice, &bob);
    // And what lies there is for alice alone: that all may read it where it comes together is for her to say.
    alice.covault(["resolve"]).exits(5);
    assert_eq!(values(&alice, "b/db", "value"), ["replaced in b"]);
    alice.covault(["resolve", "prod/db", "b/db", "--bring"]).ok();
    is_at_a(&alice);
}

#[test]
fn a_place_whose_file_is_refused_stays_known_at_the_old_name() {
    let world = World::new();
    let alice = forked(&world);
    moved_to_two_places(&alice);
    let good = std::fs::read(alice.file("b/db")).unwrap();
    let mut spoilt = good.clone();
    spoilt[good.len() / 2] ^= 1;
    std::fs::write(alice.file("b/db"), spoilt).unwrap();
    alice.set("unrelated", "written beside what is refused");
    assert_eq!(values(&alice, "prod/db", "user"), ["edited"]);
    std::fs::write(alice.file("b/db"), good).unwrap();
    alice.covault(["resolve"]).ok();
    is_at_a(&alice);
}

#[test]
fn a_place_that_moved_on_comes_from_the_end_of_its_way() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["branch", "other"]).ok();
    on(&alice, "side");
    alice.covault(["mv", "prod/db", "a/db"]).ok();
    on(&alice, "other");
    alice.covault(["mv", "prod/db", "b/db"]).ok();
    alice.covault(["mv", "b/db", "c/db"]).ok();
    alice.set("c/db", "replaced in c");
    on(&alice, "main");
    alice.covault(["set", "prod/db", "user=edited"]).ok();
    alice.git(["merge", "-q", "side"]).ok();
    alice.git(["merge", "-q", "other"]).ok();
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "a/db", "value"), ["replaced in c"]);
    assert_eq!(values(&alice, "a/db", "user"), ["edited"]);
    for left in ["prod/db", "b/db", "c/db"] {
        alice.covault(["get", left]).exits(3);
    }
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
    is_good(&alice);
}

#[test]
fn what_was_changed_where_others_write_waits_for_a_persons_word() {
    let world = World::new();
    let alice = forked(&world);
    team::admit(&world, &alice, "bob", Role::Writer);
    alice.covault(["grant", "closed", "alice", "--yes"]).ok();
    alice.git(["branch", "-f", "side"]).ok();
    alice.covault(["mv", "prod/db", "closed/db"]).ok();
    on(&alice, "side");
    alice.set("prod/db", "edited meanwhile");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.set("unrelated", "written in passing");
    assert_eq!(alice.get("prod/db"), "edited meanwhile");
    assert_eq!(alice.get("closed/db/value"), "the first value");
    let said = alice.covault(["resolve"]).exits(5);
    assert!(said.text().contains("--bring takes it to closed/db"), "{}", said.text());
    let before = crate::cli::all_of(&alice);
    let said = alice.covault(["resolve", "prod/db", "--bring", "--dry-run"]).exits(5);
    assert!(said.err.contains("comes to closed/db, which alice can read"), "{}", said.err);
    crate::cli::same(&before, &crate::cli::all_of(&alice));
    let said = alice.covault(["resolve", "prod/db", "--bring"]).ok();
    assert!(said.err.contains("comes to closed/db, which alice can read"), "{}", said.err);
    assert_eq!(values(&alice, "closed/db", "value"), ["edited meanwhile"]);
    assert_eq!(alice.get("closed/db/user"), "app");
    alice.covault(["get", "prod/db"]).exits(3);
    assert_eq!(status(&alice)["contested"], serde_json::json!([]));
    is_good(&alice);
}

#[test]
fn what_nobody_moved_or_one_cannot_write_there_stays_and_is_named() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    alice.covault(["grant", "closed", "alice", "--yes"]).ok();
    alice.set("gone", "a value");
    alice.git(["branch", "-f", "side"]).ok();
    alice.covault(["mv", "prod/db", "closed/db"]).ok();
    alice.covault(["rm", "gone"]).ok();
    on(&alice, "side");
    alice.set("prod/db", "edited meanwhile");
    alice.set("gone", "edited meanwhile");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    team::pull(&bob, &alice);
    for (person, name) in [(&bob, "prod/db"), (&alice, "gone")] {
        let said = person.covault(["resolve", name, "--bring"]).exits(5);
        let why = format!("{name}: nothing moved, or not every place is yours to read and write");
        assert!(said.err.contains(&why), "{}", said.err);
        assert_eq!(person.get(&format!("{name}/value")), "edited meanwhile");
    }
}

#[test]
fn two_that_were_begun_apart_and_moved_apart_are_one_only_by_a_persons_word() {
    let world = World::new();
    let alice = world.founder("alice");
    for (branch, place) in [("one", "a/db"), ("two", "b/db")] {
        alice.git(["checkout", "-q", "-b", branch, "main"]).ok();
        alice.set("db", &format!("begun on {branch}"));
        alice.git(["branch", &format!("{branch}-before")]).ok();
        alice.covault(["mv", "db", place]).ok();
    }
    alice.git(["checkout", "-q", "-b", "three", "one-before"]).ok();
    alice.git(["merge", "-q", "two-before"]).ok();
    alice.set("db", "instead of both");
    on(&alice, "main");
    for branch in ["one", "two", "three"] {
        alice.git(["merge", "-q", "--no-edit", branch]).ok();
    }
    alice.covault(["resolve"]).exits(5);
    assert_eq!(alice.get("db"), "instead of both");
    assert_eq!(values(&alice, "a/db", "value"), ["begun on one"]);
    assert_eq!(values(&alice, "b/db", "value"), ["begun on two"]);
    let said = alice.covault(["resolve", "db", "--bring"]).exits(5);
    assert!(said.err.contains("covault resolve db b/db --bring"), "{}", said.err);
    assert_eq!(alice.get("db"), "instead of both");
    alice.covault(["resolve", "db", "b/db", "--bring"]).ok();
    assert_eq!(values(&alice, "a/db", "value"), ["instead of both"]);
    for left in ["db", "b/db"] {
        alice.covault(["get", left]).exits(3);
    }
    is_good(&alice);
}

#[test]
fn a_late_edit_does_not_get_into_what_was_begun_anew_where_the_secret_passed_through() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["mv", "prod/db", "a/db"]).ok();
    alice.covault(["mv", "a/db", "c/db"]).ok();
    alice.covault_fed(b"another one", ["set", "a/db", "--new"]).ok();
    on(&alice, "side");
    alice.set("prod/db", "edited meanwhile");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.covault(["resolve"]).exits(5);
    assert_eq!(values(&alice, "a/db", "value"), ["another one"]);
    assert_eq!(values(&alice, "c/db", "value"), ["the first value"]);
    assert_eq!(alice.get("prod/db/value"), "edited meanwhile");
}

#[test]
fn what_was_begun_anew_at_one_of_two_places_is_not_joined_to_the_other() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault(["mv", "prod/db", "a/db"]).ok();
    on(&alice, "side");
    alice.covault(["mv", "prod/db", "b/db"]).ok();
    alice.covault(["mv", "b/db", "c/db"]).ok();
    alice.covault_fed(b"another one", ["set", "b/db", "--new"]).ok();
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "a/db", "value"), ["the first value"]);
    assert_eq!(values(&alice, "b/db", "value"), ["another one"]);
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
