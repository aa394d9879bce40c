//! Two admins who each kept a folder for themselves: nobody opens all of what both sealed, and all is opened again.

use serde_json::{Value, json};

use super::rig::{Team, verifies};
use crate::cli;
use crate::world::{Person, Said};

/// alice and carol each took dev for herself, on two branches, and carol's clone has both.
fn apart() -> Team {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    alice.covault(["grant", "dev", "alice", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    carol.covault(["grant", "dev", "carol", "--yes"]).ok();
    carol.covault(["sync"]);
    assert_eq!(readers(carol), json!([]), "what each took from the other is taken");
    team
}

/// Whom the grant of dev names.
fn readers(person: &Person) -> Value {
    cli::json(&person.covault(["grant", "dev", "--json"]).ok())[0]["readers"].clone()
}

/// What waits to be sealed, as `status` has it.
fn waits(person: &Person) -> Value {
    cli::json(&person.covault(["status", "--json"]).ok())["pending"].clone()
}

#[track_caller]
fn in_parts(said: Said) {
    let said = said.exits(4);
    assert!(said.err.contains("dev/db has several versions, and not all are sealed to you"), "{}", said.err);
    assert!(said.err.contains("hint: seal what you open of it for all who read it with: covault rekey dev/db"));
}

#[test]
fn a_folder_that_two_admins_took_for_themselves_opens_when_both_may_read_it() {
    let team = apart();
    let (alice, carol, bob) = (&team.alice, &team.carol, &team.bob);
    let said = carol.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
    assert!(said.err.contains("you can seal a part of dev/db"), "{}", said.err);
    // alice's version is not for carol yet: nothing is read, or written, without it.
    in_parts(carol.covault(["get", "dev/db"]));
    in_parts(carol.covault_fed(b"new", ["set", "dev/db"]));
    let who = cli::json(&carol.covault(["who", "dev/db", "--json"]).ok());
    let sealed: Vec<_> = who["readers"].as_array().unwrap().iter().map(|one| (&one["name"], &one["sealed"])).collect();
    assert_eq!(json!(sealed), json!([["alice", true], ["carol", false]]), "{who}");
    assert_eq!(who["still_sealed_to"], json!([]), "her part is for nobody whom the grant does not name: {who}");
    assert_eq!(waits(carol)[0]["by"], json!(["alice"]));
    // There is nothing more that she could do.
    let before = carol.git(["rev-parse", "HEAD"]).ok().text();
    carol.covault(["rekey"]).exits(8);
    carol.set("other", "something else");
    assert_eq!(carol.git(["diff", "--name-only", before.trim(), "HEAD"]).ok().text(), ".covault/secrets/other.age\n");
    carol.covault(["sync"]).ok();
    alice.covault(["sync"]).ok();
    assert_eq!(alice.get("dev/db"), "the first value of dev db");
    alice.set("dev/db", "what alice wrote then");
    alice.covault(["sync"]).ok();
    carol.covault(["sync"]).ok();
    assert_eq!(carol.get("dev/db"), "what alice wrote then");
    assert_eq!(waits(carol), json!([]));
    bob.covault(["sync"]).ok();
    bob.covault(["get", "dev/db"]).exits(4);
    verifies(carol);
}

#[test]
fn both_may_seal_their_part_at_the_same_time() {
    let team = apart();
    let (alice, carol) = (&team.alice, &team.carol);
    carol.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    for person in [alice, carol] {
        person.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
        in_parts(person.covault(["get", "dev/db"]));
    }
    alice.covault(["sync"]).ok();
    carol.covault(["sync"]).ok();
    alice.covault(["sync"]).ok();
    for person in [alice, carol] {
        assert_eq!(person.get("dev/db"), "the first value of dev db");
        assert_eq!(waits(person), json!([]));
        verifies(person);
    }
}

#[test]
fn what_opens_for_nobody_who_is_left_keeps_nobody_from_the_rest() {
    let team = apart();
    let alice = &team.alice;
    alice.covault(["sync"]);
    alice.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
    in_parts(alice.covault(["get", "dev/db"]));
    alice.covault(["sync"]).ok();
    // carol leaves before she sealed her part for alice.
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    assert_eq!(alice.get("dev/db"), "the first value of dev db");
    alice.covault(["resolve", "dev/db", "--discard"]).ok();
    assert_eq!(waits(alice), json!([]));
    alice.set("dev/db", "what alice wrote then");
    verifies(alice);
}
