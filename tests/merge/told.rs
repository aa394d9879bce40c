//! What counts for nothing is told to whom it concerns: who wrote it, and who has to decide, also where nothing lives.
//! And what is missing comes back by the command that is named.

use covault::model::roster::Role;
use serde_json::json;

use super::rig::{Team, verifies};
use crate::cli::json as parsed;
use crate::world::Person;

const DB: &str = "dev/db";

/// bob wrote and pushed; alice took him out before she had seen that, and did away with the secret.
fn beside_a_tombstone(doing: &[&str]) -> Team {
    let team = Team::new();
    team.bob.set(DB, "written by bob");
    team.bob.push("main");
    team.alice.covault(["member", "remove", "bob", "--yes"]).ok();
    team.alice.covault(doing).ok();
    team
}

#[test]
fn beside_what_was_deleted_or_moved_it_is_told_and_listed_too() {
    for doing in [&["rm", DB][..], &["mv", DB, "dev/moved"]] {
        let team = beside_a_tombstone(doing);
        let (alice, carol) = (&team.alice, &team.carol);
        for person in [alice, carol] {
            let said = person.covault(["sync"]).exits(5);
            assert!(said.err.contains("dev/db: what bob wrote is kept beside it"), "{}", said.err);
            let listed = parsed(&person.covault(["resolve", "--json"]).exits(5));
            assert_eq!(listed["apart"], json!([{ "name": DB, "author": "bob" }]), "{listed:#}");
        }
        // That is told once.
        alice.covault(["sync"]).ok();
        alice.covault(["resolve", DB, "--discard"]).ok();
        alice.covault(["resolve"]).ok();
        verifies(alice);
    }
}

#[test]
fn who_lost_the_right_is_told_that_their_own_write_counts_for_nothing() {
    for way in [&["sync"][..], &["sync", "--rebase"]] {
        let team = Team::new();
        let alice = &team.alice;
        team.admits(alice, "dave", Role::Writer);
        alice.git(["push", "-q"]).ok();
        let dave = team.comes("dave");
        dave.covault(["status"]).ok();
        let writes = |person: &Person| person.set(DB, &format!("written by {}", person.name));
        writes(&dave);
        writes(&team.bob);
        alice.covault(["member", "remove", "bob", "--yes"]).ok();
        alice.covault(["grant", "dev", "alice", "carol", "rita", "--yes"]).ok();
        alice.git(["push", "-q"]).ok();
        let line = |name: &str| {
            format!("dev/db: what {name} wrote is kept beside it and counts for nothing (alice or carol may decide)")
        };
        let said = dave.covault(way).exits(5);
        assert!(said.err.contains(&line("dave")), "{}", said.err);
        let listed = dave.covault(["resolve"]).exits(5).text();
        assert!(listed.contains("what dave wrote counts for nothing, and alice or carol may decide"), "{listed}");
        // Who is out is told that, too.
        let said = team.bob.covault(way).exits(5);
        assert!(said.err.contains("bob is no member of this vault any more"), "{}", said.err);
        assert!(said.err.contains(&line("bob")), "{}", said.err);
        team.bob.covault(["sync"]).ok();
    }
}

#[test]
fn restore_brings_back_what_was_taken_away_without_being_deleted() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set(DB, "the second value");
    alice.push("main");
    alice.covault(["status"]).ok();
    alice.git(["rm", "-q", ".covault/secrets/dev/db.age"]).ok();
    alice.git(["commit", "-q", "-m", "tidy up"]).ok();
    assert!(alice.covault(["get", DB]).exits(6).err.contains("was taken away"));
    let said = alice.covault(["restore", DB]).ok();
    assert!(said.err.contains("restored dev/db"), "{}", said.err);
    assert_eq!(alice.get(DB), "the second value");
    alice.covault(["sync"]).ok();
    bob.covault(["sync"]).ok();
    assert_eq!(bob.get(DB), "the second value");
}
