//! What a start remembers of a roster: it is read in place of the entries, and where it is damaged, misplaced or another
//! program's, the entries are.

use std::path::PathBuf;

use covault::model::bytes::Hash;

use crate::team;
use crate::world::{Person, World};

/// The files that remember what rosters added up to, the newest last.
fn sums(person: &Person) -> Vec<PathBuf> {
    let state = person.home.join(".local/state/covault");
    let vaults = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path().join("sums"));
    let files = vaults.flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten());
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap());
    files
}

/// A body with the line that says that it is whole.
fn whole(body: &str) -> String {
    format!("{body}# sha256 {}\n", Hash::of(body.as_bytes()))
}

fn name_of(person: &Person) -> String {
    team::vault(person).roster().name.clone()
}

#[test]
fn a_start_reads_what_the_roster_added_up_to_and_no_damaged_or_foreign_one() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault(["whoami"]).ok();
    let file = sums(&alice).pop().unwrap();
    let good = std::fs::read_to_string(&file).unwrap();
    let body = &good[..good.rfind("# sha256 ").unwrap()];
    assert_eq!(whole(body), good);
    // Nothing but this file calls the vault so: it is what is read.
    let other = body.replace("name = \"acme\"", "name = \"else\"");
    assert_ne!(other, body);
    std::fs::write(&file, whole(&other)).unwrap();
    assert_eq!(name_of(&alice), "else");
    let rules = body.find("rules = \"").unwrap() + 9;
    let digit = if other.as_bytes()[rules] == b'0' { "1" } else { "0" };
    let foreign = whole(&[&other[..rules], digit, &other[rules + 1..]].concat());
    let misplaced = whole(&format!("{}{}", Hash::of(b"another roster"), &other[64..]));
    let damaged = other.clone() + &good[body.len()..];
    let cut = whole(&other[..other.len() / 2]);
    for (what, bytes) in [("foreign", foreign), ("misplaced", misplaced), ("damaged", damaged), ("cut", cut)] {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(name_of(&alice), "acme", "{what}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), good, "{what}: made anew");
    }
    // An empty one, as a crash may leave it, and none.
    std::fs::write(&file, b"").unwrap();
    assert_eq!(name_of(&alice), "acme");
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    assert_eq!(name_of(&alice), "acme");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
}

#[test]
fn of_many_rosters_the_newest_sums_are_kept() {
    let world = World::new();
    let alice = world.founder("alice");
    for n in 0..12 {
        alice.covault(["grant", &format!("folder{n}"), "alice", "--yes"]).ok();
    }
    let kept = sums(&alice);
    assert_eq!(kept.len(), 8, "{kept:?}");
    let roster = Hash::of(&std::fs::read(alice.repo.join(".covault/roster.toml")).unwrap()).to_string();
    assert!(kept.iter().any(|file| file.ends_with(&roster)), "that of the roster that is in use: {kept:?}");
}

#[test]
fn a_roster_that_was_changed_is_checked_beside_the_sum_of_the_good_one() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault(["grant", "dev", "alice", "--yes"]).ok();
    alice.covault(["whoami"]).ok();
    let file = alice.repo.join(".covault/roster.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let at = good.rfind("signature = \"").unwrap() + 20;
    let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
    std::fs::write(&file, [&good[..at], other, &good[at + 1..]].concat()).unwrap();
    let said = alice.covault(["whoami"]).exits(6);
    assert!(said.err.contains("roster.toml"), "{}", said.err);
    std::fs::write(&file, good).unwrap();
    alice.covault(["whoami"]).ok();
}
