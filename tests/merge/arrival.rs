//! A move by somebody who lost the right meanwhile, decided about at both of its ends: the secret stays at one of them.

use super::rig::{Team, verifies};
use crate::world::Person;

const FIRST: &str = "the first value of dev db";

/// bob moved dev/db and pushed that; alice took him out before she had seen it, and has both ends.
fn moved() -> Team {
    let team = Team::new();
    team.bob.covault(["mv", "dev/db", "dev/database"]).ok();
    team.bob.push("main");
    team.alice.covault(["member", "remove", "bob", "--yes"]).ok();
    team.alice.covault(["sync"]).exits(5);
    team
}

/// Nothing waits, and everybody reads it at this name.
#[track_caller]
fn lives(team: &Team, name: &str) {
    team.alice.covault(["resolve"]).ok();
    team.alice.covault(["sync"]).ok();
    team.carol.covault(["sync"]);
    for person in [&team.alice, &team.carol] {
        assert_eq!(person.get(name), FIRST);
        verifies(person);
    }
}

#[test]
fn who_leaves_out_what_arrived_leaves_out_that_it_moved() {
    let team = moved();
    let alice = &team.alice;
    let said = alice.covault(["resolve", "dev/database", "--discard"]).ok();
    assert!(said.err.contains("dev/db: that it moved to dev/database is left out with it"), "{}", said.err);
    let said = alice.covault(["rekey", "dev/db", "--accept", "--yes"]).ok();
    assert!(said.err.contains("there is nothing to accept"), "{}", said.err);
    // What is said of the other name does not send anybody in circles.
    let said = alice.covault(["get", "dev/database"]).exits(3);
    assert!(said.err.contains("begin it with: covault set dev/database"), "{}", said.err);
    lives(&team, "dev/db");
}

#[test]
fn who_vouches_for_the_move_has_the_good_value_arrive() {
    let team = moved();
    let alice: &Person = &team.alice;
    alice.covault(["rekey", "dev/db", "--accept", "--yes"]).ok();
    alice.covault(["resolve", "dev/database", "--discard"]).ok();
    lives(&team, "dev/database");
}
