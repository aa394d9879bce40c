//! Two admins who each kept a folder for themselves: nobody opens all of what both sealed, and all is opened again.

use covault::model::roster::Role;
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

/// Somebody has sealed what they open of it, and is told who goes on.
#[track_caller]
fn in_parts(said: Said, then: &str) {
    let said = said.exits(4);
    assert!(said.err.contains("dev/db has several versions, and not all are sealed to you"), "{}", said.err);
    assert!(said.err.contains(&format!("hint: ask {then}: who opens the rest joins it")), "{}", said.err);
}

/// alice has sealed her part for those whom she let in, and dave, an admin who is to lose the right, has not sealed
/// his: it is for him and `others`.
fn half(others: &[&str]) -> (Team, Person) {
    let team = Team::new();
    let alice = &team.alice;
    team.admits(alice, "dave", Role::Admin);
    alice.git(["push", "-q"]).ok();
    let dave = team.comes("dave");
    dave.covault(["status"]).ok();
    dave.covault([&["grant", "dev", "dave"], others, &["--yes"]].concat()).ok();
    alice.covault(["grant", "dev", "alice", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    dave.covault(["sync"]);
    dave.git(["push", "-q"]).ok();
    alice.covault(["sync"]);
    alice.covault([&["grant", "dev", "alice", "dave"], others, &["--yes"]].concat()).ok();
    (team, dave)
}

/// alice reads her own, and with a decision about the other part all is as it was.
#[track_caller]
fn is_free(alice: &Person) {
    assert_eq!(alice.get("dev/db"), "the first value of dev db");
    alice.covault(["resolve", "dev/db", "--discard"]).ok();
    assert_eq!(waits(alice), json!([]));
    alice.set("dev/db", "what alice wrote then");
    alice.covault(["resolve"]).ok();
    verifies(alice);
}

#[test]
fn a_folder_that_two_admins_took_for_themselves_opens_when_both_may_read_it() {
    let team = apart();
    let (alice, carol, bob) = (&team.alice, &team.carol, &team.bob);
    let said = carol.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
    assert!(said.err.contains("you can seal a part of dev/db"), "{}", said.err);
    // alice's version is not for carol yet: nothing is read, or written, without it.
    in_parts(carol.covault(["get", "dev/db"]), "alice");
    in_parts(carol.covault_fed(b"new", ["set", "dev/db"]), "alice");
    // What is said to help is not what she has done already.
    in_parts(carol.covault(["rekey", "dev/db"]), "alice");
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
    for (person, other) in [(alice, "carol"), (carol, "alice")] {
        person.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
        in_parts(person.covault(["get", "dev/db"]), other);
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
    in_parts(alice.covault(["get", "dev/db"]), "carol");
    alice.covault(["sync"]).ok();
    // carol leaves before she sealed her part for alice.
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    assert_eq!(alice.get("dev/db"), "the first value of dev db");
    alice.covault(["resolve", "dev/db", "--discard"]).ok();
    assert_eq!(waits(alice), json!([]));
    alice.set("dev/db", "what alice wrote then");
    verifies(alice);
}

#[test]
fn a_part_of_somebody_who_loses_the_right_keeps_nobody_from_the_rest_whoever_still_reads_it() {
    let takes: [(&[&str], &[&str]); 3] = [
        (&[], &["member", "role", "dave", "reader", "--yes"]),
        (&["rita"], &["member", "remove", "dave", "--yes"]),
        (&["rita"], &["grant", "dev", "alice", "rita", "--yes"]),
    ];
    for (others, takes) in takes {
        let (team, _) = half(others);
        team.alice.covault(takes);
        is_free(&team.alice);
    }
}

#[test]
fn a_part_whose_last_writer_leaves_after_its_author_is_let_go_of_by_a_person() {
    let (team, _) = half(&["carol", "rita"]);
    let alice = &team.alice;
    // carol may go on with what dave wrote, until she leaves, too.
    alice.covault(["member", "remove", "dave", "--yes"]);
    in_parts(alice.covault(["get", "dev/db"]), "carol");
    alice.covault(["member", "remove", "carol", "--yes"]);
    for args in [&["get", "dev/db"][..], &["rekey", "dev/db"]] {
        let said = alice.covault(args).exits(4);
        assert!(said.err.contains("covault resolve dev/db --discard"), "{}", said.err);
    }
    let listed = alice.covault(["resolve"]).exits(5);
    let line = "what dave wrote opens for nobody who may write dev/db, and keeps the rest of it back";
    assert!(listed.text().contains(line), "{}", listed.text());
    alice.covault(["resolve", "dev/db", "--discard"]).ok();
    is_free(alice);
}

#[test]
fn where_nobody_reads_a_folder_it_is_said_how_somebody_comes_to_decide() {
    let team = apart();
    let carol = &team.carol;
    let listed = carol.covault(["resolve"]).exits(5).text();
    let way = "nobody may write there: covault grant dev READER... names who decides";
    assert!(listed.contains(way) && !listed.contains("--accept"), "{listed}");
    let said = carol.covault(["rekey", "dev/db", "--accept", "--yes"]).exits(4);
    assert!(said.err.contains("no grant lets you read it"), "{}", said.err);
    carol.covault(["grant", "dev", "alice", "carol", "--yes"]).ok();
    assert_eq!(waits(carol)[0]["by"], json!(["alice"]));
}
