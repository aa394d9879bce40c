//! The roster: of a team, where a cache knows the good one and no other.

use covault::model::roster::Role;

use super::super::rig::{open, read, template, value};
use super::{Plan, damage, overwrite, refused};
use crate::team::admit;
use crate::world::{Person, World};

const ROSTER: &str = ".covault/roster.toml";

fn team() -> (World, Person) {
    let (world, alice) = template();
    admit(&world, &alice, "bob", Role::Writer);
    alice.covault(["group", "set", "ops", "alice", "--yes"]).ok();
    alice.covault(["grant", "prod", "@ops", "--yes"]).ok();
    (world, alice)
}

#[test]
fn a_damaged_roster_is_refused_by_its_name() {
    let ((_world, alice), (_other_world, other)) = (team(), team());
    let other = std::fs::read(other.repo.join(ROSTER)).unwrap();
    damage("roster", &alice.repo.join(ROSTER), &other, &Plan::usual(), overwrite, |_| {
        refused(open(&alice).and_then(|vault| read(&vault, "prod/db")), ROSTER)
    });
    assert_eq!(read(&open(&alice).unwrap(), "prod/db").unwrap(), Some(value("old")));
}
