//! What others change of a key while another is made in its place, or while the old one is kept beside it.

use std::sync::{Arc, Mutex};

use super::races::{again, unpushed};
use super::rig::{Rig, json_of, limit_of, machine_of};
use crate::openrouter::fake::{Call, Fault, Key, Rule};
use crate::world::{Person, Said};

const NAME: &str = "prod/openrouter";

/// Alice's desktop changes something of a key and cannot push it; that lands while alice's request for another key waits
/// for its answer.
fn landed(rig: &Rig, change: &[&str], rotate: &[&str]) -> (Person, Said) {
    let desktop = machine_of(rig, "desktop");
    unpushed(&rig.world, || desktop.covault(change).ok());
    // When alice looks at the key it works: who switches it off is about to.
    let handle = rig.fake.handle();
    let off: Vec<String> = rig.fake.live_keys().into_iter().filter(|key| key.disabled).map(|key| key.hash).collect();
    off.iter().for_each(|hash| rig.fake.change(hash, |key| key.disabled = false));
    let (other, synced) = (again(&desktop), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&synced);
    let sync = move || {
        off.iter().for_each(|hash| handle.change(hash, |key| key.disabled = true));
        *kept.lock().unwrap() = Some(other.covault(["sync"]));
    };
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::run(sync)));
    let said = rig.alice.covault(rotate);
    synced.lock().unwrap().take().expect("nothing was asked for").ok();
    (desktop, said)
}

fn issued(limit: &str) -> Rig {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME, "--limit", limit]).ok();
    rig
}

/// The only key that is left, which the secret gives out to both machines, with nothing to be done about it.
#[track_caller]
fn only(rig: &Rig, desktop: &Person, status: &str) -> Key {
    let live = rig.fake.live_keys();
    assert_eq!(live.len(), 1, "{live:?}");
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(key.hash, live[0].hash);
    rig.alice.covault(["status", "--check"]).ok();
    desktop.covault(["sync"]).ok();
    for machine in [&rig.alice, desktop] {
        let rows = json_of(&machine.covault(["key", "ls", "--json"]).ok());
        assert_eq!((rows.as_array().unwrap().len(), &rows[0]["status"]), (1, &status.into()), "{rows}");
    }
    key
}

#[test]
fn limits_that_land_while_a_new_key_is_made_are_its_limits() {
    let rig = issued("100/day");
    let change = ["key", "limits", NAME, "--limit", "1/day", "--limit", "500/month", "--alert", "50%"];
    let (desktop, said) = landed(&rig, &change, &["key", "rotate", NAME]);
    let said = said.ok();
    assert!(said.err.contains("the tighter ones stay, and all alerts: 1/day, 500/month, alert 50%"), "{}", said.err);
    assert!(said.err.contains("1.00 dollars a day"), "{}", said.err);
    let key = only(&rig, &desktop, "ok");
    assert_eq!(limit_of(&rig.fake, &key.hash), "1 Daily");
    assert_eq!(super::rig::guard_of(&rig.fake, &key.hash), "500 Monthly");
    let kept = json_of(&rig.alice.covault(["key", "limits", NAME, "--json"]).ok());
    assert_eq!((&kept["limits"][0]["amount"], &kept["alerts"]), (&"1".into(), &serde_json::json!([50])));
}

#[test]
fn a_key_that_is_switched_off_while_another_is_made_stays_off() {
    let rig = issued("100/day");
    let change = ["key", "disable", NAME, "--reason", "looks odd"];
    let (desktop, said) = landed(&rig, &change, &["key", "rotate", NAME]);
    let said = said.ok();
    assert!(said.err.contains("switched off meanwhile, and so is the new one"), "{}", said.err);
    let key = only(&rig, &desktop, "off");
    assert!(key.disabled && rig.fake.keys().len() == 2);
    assert!(rig.alice.covault(["show", NAME]).ok().text().contains("looks odd"));
    desktop.covault(["key", "enable", NAME]).ok();
    assert!(!rig.fake.key(&key.hash).disabled);
}

#[test]
fn a_compromised_key_that_is_switched_off_meanwhile_is_replaced_by_one_that_works() {
    let rig = issued("100/day");
    let rotate = ["key", "rotate", NAME, "--compromised", "--reason", "in a log"];
    let (desktop, said) = landed(&rig, &["key", "disable", NAME], &rotate);
    let said = said.ok();
    assert!(said.err.contains("and the new one works"), "{}", said.err);
    assert!(!only(&rig, &desktop, "ok").disabled);
}

#[test]
fn limits_that_are_changed_while_an_old_key_is_kept_are_those_of_the_next_one() {
    let rig = issued("10/day");
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    rig.alice.covault(["key", "limits", NAME, "--limit", "20/day", "--alert", "50%"]).ok();
    let said = rig.alice.covault(["key", "resume", NAME]).exits(8);
    assert!(said.err.contains("20.00 dollars a day"), "{}", said.err);
    let lost = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.delete(&lost.hash);
    let said = rig.alice.covault(["key", "resume", NAME, "--now"]).ok();
    assert!(said.err.contains("20.00 dollars a day"), "{}", said.err);
    let key = only(&rig, &machine_of(&rig, "desktop"), "ok");
    assert_eq!(limit_of(&rig.fake, &key.hash), "20 Daily");
    let kept = json_of(&rig.alice.covault(["key", "limits", NAME, "--json"]).ok());
    assert_eq!((&kept["limits"][0]["amount"], &kept["alerts"]), (&"20".into(), &serde_json::json!([50])));
}

#[test]
fn a_key_that_is_switched_off_while_an_old_one_is_kept_is_not_followed_by_one_that_works() {
    let rig = issued("10/day");
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    rig.alice.covault(["key", "disable", NAME]).ok();
    let lost = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.delete(&lost.hash);
    rig.alice.covault(["key", "resume", NAME, "--now"]).ok();
    assert!(only(&rig, &machine_of(&rig, "desktop"), "off").disabled);
}

#[test]
fn what_two_clones_change_of_one_key_is_joined_and_said() {
    let rig = issued("100/day");
    let desktop = machine_of(&rig, "desktop");
    let change = ["key", "limits", NAME, "--limit", "1/day", "--alert", "50%"];
    unpushed(&rig.world, || desktop.covault(change).ok());
    rig.alice.covault(["key", "limits", NAME, "--limit", "50/day", "--alert", "90%"]).ok();
    desktop.covault(["sync"]).ok();
    let status = desktop.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains(NAME) && status.contains("covault key resume"), "{status}");
    let said = desktop.covault(["key", "resume"]).ok();
    assert!(said.err.contains("the tighter ones stay, and all alerts: 1/day, alert 50%, alert 90%"), "{}", said.err);
    rig.alice.covault(["sync"]).ok();
    let key = only(&rig, &desktop, "ok");
    assert_eq!(limit_of(&rig.fake, &key.hash), "1 Daily");
    // Who switches it off is not overruled by who changes what it may spend.
    unpushed(&rig.world, || desktop.covault(["key", "disable", NAME, "--reason", "odd"]).ok());
    rig.alice.covault(["key", "limits", NAME, "--limit", "2/day"]).ok();
    desktop.covault(["sync"]).ok();
    let said = desktop.covault(["key", "resume"]).ok();
    assert!(said.err.contains("switched off at the same time, and stays off"), "{}", said.err);
    rig.alice.covault(["sync"]).ok();
    let key = only(&rig, &desktop, "off");
    assert!(key.disabled);
    assert_eq!(limit_of(&rig.fake, &key.hash), "1 Daily");
}
