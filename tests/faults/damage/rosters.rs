//! The roster: of a team, where a cache knows the good one and no other.

use std::cell::Cell;

use covault::model::roster::Role;
use covault::vault::trust;

use super::super::rig::{open, read, template, value};
use super::{Plan, damage, now_and_then, overwrite, refused};
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
    let (whole, tried) = (std::fs::read(alice.repo.join(ROSTER)).unwrap(), Cell::new(0));
    trust::verified(ROSTER, &whole).unwrap();
    damage("roster", &alice.repo.join(ROSTER), &other, &Plan::usual(), overwrite, |bytes| {
        // Where nothing is known of a vault, and where its id is pinned and its roster cached. To who knows nothing, one that
        // ends with an entry is a good one of before.
        let verified = trust::verified(ROSTER, bytes).map(|roster| roster.seq);
        let is_older = verified.is_ok() && bytes.len() < whole.len() && whole.starts_with(bytes);
        if !is_older {
            refused(verified, ROSTER)?;
        }
        match is_older || now_and_then(&tried) {
            true => refused(open(&alice).and_then(|vault| read(&vault, "prod/db")), ROSTER),
            false => Ok(()),
        }
    });
    assert_eq!(read(&open(&alice).unwrap(), "prod/db").unwrap(), Some(value("old")));
}
