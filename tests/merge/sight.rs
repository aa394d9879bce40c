//! By which rosters a version is judged that git merges before the roster.

use covault::model::roster::Role;

use super::git::{field, forked, is_good, on, values};
use crate::team;
use crate::world::World;

#[test]
fn of_the_rosters_of_a_side_only_the_last_one_says_who_reads() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    alice.covault(["grant", "db", "alice", "--yes"]).ok();
    alice.git(["checkout", "-q", "-b", "again"]).ok();
    alice.covault(["grant", "db", "@people", "--yes"]).ok();
    alice.covault(["set", "db", "user=again"]).ok();
    // A version beside it, under the roster by which bob did not read.
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "again");
    let bot = super::keyless::bot(&world, &alice);
    bot.git(["merge", "-q", "side"]).ok();
    team::pull(&alice, &bot);
    assert!(std::fs::read(alice.file("db")).unwrap().starts_with(b"covault-siblings"));
    on(&alice, "main");
    field(&alice, "value", "from main");
    alice.git(["merge", "-q", "again"]).ok();
    // Nothing was written since that could have sealed it for him.
    team::pull(&bob, &alice);
    for (field, value) in [("user", "again"), ("password", "from the side"), ("value", "from main")] {
        assert_eq!(values(&bob, "db", field), [value]);
    }
    is_good(&alice);
}

#[test]
fn nothing_is_sealed_under_a_roster_that_no_commit_has() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    field(&alice, "value", "from main");
    alice.covault(["grant", "dev", "alice", "--yes", "--no-commit"]).ok();
    alice.git(["reset", "-q"]).ok();
    let said = alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    assert!(said.err.contains("roster.toml is in no commit yet"), "{}", said.err);
    let has_both = |person: &crate::world::Person| {
        assert_eq!(values(person, "db", "password"), ["from the side"]);
        assert_eq!(values(person, "db", "value"), ["from main"]);
    };
    has_both(&alice);
    // Who has not got that roster reads what was merged.
    team::pull(&bob, &alice);
    has_both(&bob);
    // The next command takes the roster along, and joins under it.
    alice.covault(["set", "db", "user=later"]).ok();
    team::pull(&bob, &alice);
    has_both(&bob);
    is_good(&alice);
}

#[test]
fn a_roster_that_ours_goes_on_from_says_nothing_any_more() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    bob.covault(["set", "db", "user=of bob"]).ok();
    team::pull(&alice, &bob);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    // The side's does not know him; nothing was written since that could have sealed it for him.
    team::pull(&bob, &alice);
    assert_eq!(values(&bob, "db", "user"), ["of bob"]);
    assert_eq!(values(&bob, "db", "password"), ["from the side"]);
    is_good(&alice);
}

#[test]
fn a_roster_is_found_by_the_version_where_git_names_no_commit() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    team::admit(&world, &alice, "bob", Role::Writer);
    alice.covault(["set", "--no-commit", "db", "user=stashed"]).ok();
    alice.git(["stash", "-q"]).ok();
    on(&alice, "main");
    field(&alice, "password", "from main");
    alice.git(["stash", "pop", "-q"]).ok();
    assert_eq!(values(&alice, "db", "user"), ["stashed"]);
    assert_eq!(values(&alice, "db", "password"), ["from main"]);
}
