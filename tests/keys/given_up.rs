//! Keys that are given up here and may work on elsewhere: each is listed once, with what ends it, until it is gone.

use super::rig::{Rig, json_of};
use crate::world::Person;

const NAME: &str = "prod/openrouter";
const BY_HAND: &str = "prod/stripe";

/// A secret whose second key is made by hand; the first one is to be taken away.
fn rotated_by_hand(person: &Person) {
    person.covault_fed(b"sk_live_first", ["key", "issue", BY_HAND, "--provider", "manual"]).ok();
    person.covault_fed(b"sk_live_second", ["key", "rotate", BY_HAND]).ok();
}

fn rows(person: &Person, name: &str) -> Vec<(String, String)> {
    let all = json_of(&person.covault(["key", "ls", "--json"]).ok());
    let ours = all.as_array().unwrap().iter().filter(|row| row["secret"] == name);
    ours.map(|row| (row["status"].as_str().unwrap().to_owned(), row["notes"].to_string())).collect()
}

#[test]
fn a_key_that_was_given_up_is_listed_once_with_what_takes_it_away() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    alice.covault(["key", "issue", NAME]).ok();
    let key = fake.key_of(&alice.get(NAME)).unwrap();
    let give_up = || alice.covault(["key", "revoke", NAME, "--local-only", "--yes"]);
    give_up().ok();
    let listed = rows(alice, NAME);
    assert_eq!((listed.len(), listed[0].0.as_str()), (1, "to be confirmed"), "{listed:?}");
    assert!(listed[0].1.contains("covault key revoke prod/openrouter takes it away"), "{listed:?}");
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("by: covault key revoke prod/openrouter"), "{status}");
    // It is nobody's to switch, and not what was asked for.
    for command in ["enable", "disable", "ensure"] {
        let said = alice.covault(["key", command, NAME]).exits(3);
        assert!(said.err.contains("was given up"), "{command}: {}", said.err);
        assert!(said.err.contains("covault key revoke prod/openrouter takes it away"), "{command}: {}", said.err);
    }
    // Once is enough.
    let head = alice.git(["rev-parse", "HEAD"]).text();
    assert!(give_up().ok().err.contains("nothing to change"));
    assert_eq!(alice.git(["rev-parse", "HEAD"]).text(), head);
    fake.delete(&key.hash);
    let listed = rows(alice, NAME);
    assert!(listed.len() == 1 && listed[0].1.contains("covault key revoke prod/openrouter --done"), "{listed:?}");
    alice.covault(["key", "revoke", NAME, "--done"]).ok();
    // What is known to be gone stays so.
    let said = give_up().exits(3);
    assert!(said.err.contains("is gone already"), "{}", said.err);
    alice.covault(["status", "--check"]).ok();
    assert_eq!(rows(alice, NAME)[0].0, "gone");
}

#[test]
fn what_was_given_up_is_revoked_by_what_the_list_says() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.covault(["key", "revoke", NAME, "--local-only", "--yes"]).ok();
    rig.alice.covault(["key", "revoke", NAME, "--yes"]).ok();
    assert!(rig.fake.live_keys().is_empty());
    let listed = rows(&rig.alice, NAME);
    assert_eq!((listed.len(), listed[0].0.as_str()), (1, "gone"), "{listed:?}");
}

#[test]
fn what_is_to_be_taken_away_by_hand_is_not_forgotten_with_its_secret() {
    let rig = Rig::alone();
    let alice = &rig.alice;
    rotated_by_hand(alice);
    for more in [&["--dry-run"][..], &["--yes"], &[]] {
        let said = alice.covault(["rm", BY_HAND].iter().chain(more)).exits(7);
        assert!(said.err.contains("has keys that may still work: key 1"), "{}", said.err);
        assert!(said.err.contains("covault key revoke prod/stripe --done"), "{}", said.err);
    }
    assert_eq!(alice.get(BY_HAND), "sk_live_second");
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("by hand, then: covault key revoke prod/stripe --done"), "{status}");
    alice.covault(["key", "revoke", BY_HAND, "--done"]).ok();
    // The one in use, too, where it was given up before.
    alice.covault(["key", "revoke", BY_HAND, "--yes"]).ok();
    let listed = rows(alice, BY_HAND);
    assert_eq!((listed.len(), listed[0].0.as_str()), (1, "to be confirmed"), "{listed:?}");
    let said = alice.covault(["rm", BY_HAND, "--yes"]).exits(7);
    assert!(said.err.contains("key 2"), "{}", said.err);
    alice.covault(["key", "revoke", BY_HAND, "--done"]).ok();
    let said = alice.covault(["key", "revoke", BY_HAND, "--yes"]).exits(3);
    assert!(said.err.contains("is gone already"), "{}", said.err);
    alice.covault(["rm", BY_HAND, "--yes"]).ok();
    // Who wants to forget says so.
    let another = Rig::alone();
    rotated_by_hand(&another.alice);
    another.alice.covault(["rm", BY_HAND, "--local-only"]).ok();
}

#[test]
fn when_a_key_ends_is_not_said_by_hand_where_its_provider_ends_it() {
    let rig = Rig::new();
    let alice = &rig.alice;
    alice.covault(["key", "issue", NAME, "--expires", "30d"]).ok();
    let head = alice.git(["rev-parse", "HEAD"]).text();
    for when in ["1h", "never"] {
        let said = alice.covault(["set", NAME, "--expires", when]).exits(2);
        assert!(said.err.contains("covault key rotate prod/openrouter"), "{}", said.err);
    }
    assert_eq!(alice.git(["rev-parse", "HEAD"]).text(), head);
    // What a person made ends when they say, and the next one has no end that was not said.
    alice.covault_fed(b"sk_live_first", ["key", "issue", BY_HAND, "--provider", "manual"]).ok();
    alice.covault(["set", BY_HAND, "--expires", "2099-01-31"]).ok();
    let said = alice.covault_fed(b"sk_live_second", ["key", "rotate", BY_HAND]).ok();
    assert!(said.err.contains("to end at 2099-01-31T00:00:00Z"), "{}", said.err);
    assert!(said.err.contains("covault set prod/stripe --expires WHEN"), "{}", said.err);
    alice.covault(["set", BY_HAND, "--expires", "2099-02-28"]).ok();
    let said = alice.covault_fed(b"sk_live_third", ["rotate", BY_HAND, "--stdin"]).ok();
    assert!(said.err.contains("to end at 2099-02-28T00:00:00Z"), "{}", said.err);
    assert!(!alice.covault(["show", BY_HAND]).ok().text().contains("2099"));
}
