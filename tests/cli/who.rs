//! `who`: answered without any key, now and at any commit.

use covault::model::roster::Role;

use super::{all_of, json, same};
use crate::team::{admit, admit_machine, pull};
use crate::world::{Person, World};

fn stranger_with_a_clone(world: &World, alice: &Person, name: &str) -> Person {
    let mut dave = alice.clone_for(world.stranger(name));
    let id = alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    dave.vars.push(("COVAULT_VAULT".to_owned(), id));
    dave
}

#[test]
fn who_reads_a_secret_and_why_is_said_without_any_key() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "a value of prod");
    admit(&world, &alice, "bob", Role::Writer);
    admit(&world, &alice, "carol", Role::Reader);
    admit_machine(&world, &alice, "ci", Role::Reader);
    alice.covault(["group", "set", "ops", "bob", "carol", "--yes"]).ok();
    alice.covault(["grant", "prod", "alice", "@ops", "--yes"]).ok();
    alice.covault(["share", "prod/db", "ci", "--yes"]).ok();
    let dave = stranger_with_a_clone(&world, &alice, "dave");
    let before = super::photo(&dave.repo);
    let said = json(&dave.covault(["who", "prod/db", "--json"]).ok());
    let readers = said["readers"].as_array().unwrap();
    let of = |name: &str| readers.iter().find(|r| r["name"] == name).unwrap().clone();
    assert_eq!(readers.len(), 4);
    assert_eq!(of("alice")["by"], serde_json::json!([{ "grant": "prod", "to": "alice" }]));
    assert_eq!(of("bob")["by"], serde_json::json!([{ "grant": "prod", "to": "@ops" }]));
    assert_eq!(of("ci")["by"], serde_json::json!([{ "share": "ci" }]));
    assert_eq!((&of("ci")["kind"], &of("carol")["role"]), (&"machine".into(), &"reader".into()));
    assert!(readers.iter().all(|reader| reader["sealed"] == true), "{said}");
    assert_eq!(said["still_sealed_to"], serde_json::json!([]));
    let text = dave.covault(["who", "prod/db"]).ok().text();
    assert!(text.contains("reader (machine)") && text.contains("grant prod to @ops"), "{text}");
    // What cannot be opened is still told.
    dave.covault(["get", "prod/db"]).exits(4);
    same(&before, &super::photo(&dave.repo));
}

#[test]
fn who_can_lists_what_a_member_reads_and_what_waits() {
    let world = World::new();
    let alice = world.founder("alice");
    for name in ["app", "prod/db", "prod/key"] {
        alice.set(name, "a value to be read");
    }
    let bob = admit(&world, &alice, "bob", Role::Writer);
    let carol = admit(&world, &alice, "carol", Role::Writer);
    assert_eq!(alice.covault(["who", "--can", "carol"]).ok().text(), "app\nprod/db\nprod/key\n");
    alice.covault(["grant", "prod", "bob", "carol", "--yes"]).exits(8);
    pull(&bob, &alice);
    bob.set("prod/db", "alice does not read this");
    pull(&alice, &bob);
    alice.covault(["grant", "prod", "bob", "--yes"]).exits(8);
    let before = all_of(&carol);
    pull(&carol, &alice);
    let said = json(&carol.covault(["who", "--can", "carol", "--json"]).ok());
    assert_eq!(said["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(said["still_sealed"], serde_json::json!(["prod/db", "prod/key"]));
    let said = carol.covault(["who", "--can", "carol"]).ok();
    assert_eq!(said.text(), "app\n");
    assert!(said.err.contains("still sealed to carol, who may not read them: 2 secrets"), "{}", said.err);
    let said = carol.covault(["who", "prod/db"]).ok().text();
    assert!(said.contains("carol") && said.contains("still"), "{said}");
    let table = carol.covault(["who"]).ok().text();
    let row = |name: &str| table.lines().find(|l| l.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row("alice")[..3], ["alice", "admin", "1"]);
    assert_eq!(row("carol"), ["carol", "writer", "1", "2"]);
    assert_eq!(row("bob"), ["bob", "writer", "3"]);
    let all = json(&carol.covault(["who", "--json"]).ok());
    assert_eq!(all.as_array().unwrap().len(), 3);
    carol.covault(["who", "--can", "carrol"]).exits(3);
    carol.covault(["who", "prod/dbb"]).exits(3);
    assert_ne!(before, all_of(&carol));
}

#[test]
fn who_at_a_commit_goes_by_the_roster_and_the_files_of_that_commit() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "a value of prod");
    alice.git(["tag", "one"]).ok();
    admit(&world, &alice, "bob", Role::Writer);
    alice.git(["tag", "two"]).ok();
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.covault(["rm", "prod/db"]).ok();
    let dave = stranger_with_a_clone(&world, &alice, "dave");
    let names = |rev: &str| {
        let said = json(&dave.covault(["who", "prod/db", "--at", rev, "--json"]).ok());
        let names = said["readers"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("one"), ["alice"]);
    assert_eq!(names("two"), ["alice", "bob"]);
    assert_eq!(names("HEAD~1"), ["alice"]);
    dave.covault(["who", "prod/db", "--at", "HEAD"]).exits(3);
    assert_eq!(json(&dave.covault(["who", "--at", "one", "--json"]).ok()).as_array().unwrap().len(), 1);
    assert_eq!(dave.covault(["who", "--can", "bob", "--at", "two"]).ok().text(), "prod/db\n");
    dave.covault(["who", "--can", "bob", "--at", "one"]).exits(3);
    let begin = alice.git(["rev-list", "--max-parents=0", "HEAD"]).ok().text();
    let said = dave.covault(["who", "--at", begin.trim()]).exits(3);
    assert!(said.err.contains("there is no vault in"), "{}", said.err);
    dave.covault(["who", "--at", "nowhere"]).exits(3);
}

#[test]
fn a_secret_that_was_tampered_with_is_refused_and_said() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "value of a");
    alice.set("b", "value of b");
    std::fs::copy(alice.file("a"), alice.file("b")).unwrap();
    alice.covault(["who", "b"]).exits(6);
    let said = alice.covault(["who", "--can", "alice"]).ok();
    assert_eq!(said.text(), "a\n");
    assert!(said.err.contains("warning: ") && said.err.contains("b.age is refused"), "{}", said.err);
}
