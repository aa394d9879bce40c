//! Requests to join: nobody is asked to let in a card that nobody signed, and a damaged one is shown by its name.

use super::{Plan, damage, overwrite};
use crate::team;
use crate::world::{Person, World};

const FILE: &str = ".covault/requests/bob.toml";

/// Somebody's request, answering alice's invite.
fn request(world: &World, alice: &Person, name: &str) -> Vec<u8> {
    let person = world.newcomer(name);
    let line = alice.covault(["member", "invite", name]).ok().text();
    person.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
    let file = format!("covault/join/{name}:.covault/requests/{name}.toml");
    person.git(["cat-file", "blob", &file]).ok().out
}

#[test]
fn a_damaged_request_is_refused_by_its_name_or_asks_for_the_same_card() {
    let world = World::new();
    let alice = world.team("alice");
    let (bobs, carols) = (request(&world, &alice, "bob"), request(&world, &alice, "carol"));
    let file = alice.repo.join(FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, bobs).unwrap();
    let vault = team::vault(&alice);
    let found = vault.requests().unwrap();
    let good = found.asked.first().unwrap();
    assert!(good.invited && found.refused.is_empty());
    damage("join request", &file, &carols, &Plan::usual(), overwrite, |_| {
        let found = vault.requests().map_err(|error| error.to_string())?;
        match (found.asked.as_slice(), found.refused.as_slice()) {
            // The answer to the invite is not signed: where it is not the right one, bob counts as uninvited.
            ([asked], []) if asked.request == good.request => Ok(()),
            ([asked], []) if asked.request.card == good.request.card && !asked.invited => Ok(()),
            ([], [refused]) if refused.file == FILE && !refused.why.to_string().is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}
