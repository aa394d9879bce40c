//! What keys have spent: figures, what is held on the way, and what is said where the provider is silent.

use covault::vault::keys::KeyStatus;
use rust_decimal::Decimal;

use super::rig::{Rig, days_on, desk_at, guard_of, json_of, limit_of, machine_of};
use crate::openrouter::fake::{Call, Fault, Key, Rule};

const NAME: &str = "prod/openrouter";

fn issued(rig: &Rig, limits: &[&str]) -> Key {
    let limits = limits.iter().flat_map(|limit| ["--limit", limit]);
    rig.alice.covault(["key", "issue", NAME].into_iter().chain(limits)).ok();
    rig.fake.key_of(&rig.alice.get(NAME)).unwrap()
}

fn now_of(rig: &Rig) -> Key {
    rig.fake.key_of(&rig.alice.get(NAME)).unwrap()
}

#[test]
fn figures_are_exact_and_come_from_one_look_at_the_account() {
    let rig = Rig::alone();
    let key = issued(&rig, &["10/day", "100/month"]);
    rig.alice.covault(["key", "issue", "ci/openrouter"]).ok();
    (0..3).for_each(|_| rig.fake.spend(&key.hash, "0.10"));
    rig.fake.spend(&key.hash, "0.000000000000000001");
    rig.fake.clear_requests();
    let rows = json_of(&rig.alice.covault(["key", "usage", "--json"]).ok());
    let row = rows.as_array().unwrap().iter().find(|row| row["secret"] == NAME).unwrap().clone();
    assert_eq!(row["spent"]["day"], "0.300000000000000001");
    assert_eq!(row["spent"]["total"], "0.300000000000000001");
    assert_eq!(row["limits"][0]["left"], "9.699999999999999999");
    assert_eq!(row["limits"][0]["held_by"], "key");
    assert_eq!(row["limits"][1]["left"], "99.699999999999999999");
    assert_eq!(row["limits"][1]["held_by"], "guardrail");
    assert_eq!((&row["status"], &row["fresh"]), (&"ok".into(), &true.into()));
    assert!(row["limits"][0]["resets"].as_str().unwrap().ends_with("T00:00:00Z"));
    assert_eq!(rig.fake.count(Call::GetKey), 0, "a call for each key");
    assert_eq!(rig.fake.count(Call::UpdateKey), 0, "there was nothing to set");
}

#[test]
fn a_table_has_a_line_for_each_limit_and_fails_over_a_share() {
    let rig = Rig::alone();
    let key = issued(&rig, &["10/day", "100/month"]);
    rig.fake.spend(&key.hash, "7.99");
    let said = rig.alice.covault(["key", "usage", "--fail-over", "80%"]).ok();
    let text = said.text();
    assert_eq!(text.lines().filter(|line| line.starts_with(NAME)).count(), 2, "{text}");
    assert!(text.contains("2.01") && text.contains("10/day") && text.contains("7.99"), "{text}");
    assert!(!text.contains('█') && !text.contains('░'), "bars are for terminals");
    rig.fake.spend(&key.hash, "0.01");
    let said = rig.alice.covault(["key", "usage", "--fail-over", "80%"]).exits(8);
    assert!(said.text().lines().any(|line| line.contains("10/day") && line.ends_with("near")), "{}", said.text());
    assert!(said.text().lines().any(|line| line.contains("100/month") && line.ends_with("ok")), "{}", said.text());
    rig.fake.spend(&key.hash, "2.5");
    let said = rig.alice.covault(["key", "usage", NAME]).ok();
    assert!(said.text().lines().any(|line| line.contains("-0.50") && line.ends_with("over")), "{}", said.text());
}

#[test]
fn what_keys_before_it_spent_counts_in_the_same_windows() {
    let rig = Rig::alone();
    let first = issued(&rig, &["10/day", "100/month"]);
    rig.fake.spend(&first.hash, "3");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    rig.fake.spend(&now_of(&rig).hash, "1.5");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    rig.fake.spend(&now_of(&rig).hash, "0.25");
    let rows = json_of(&rig.alice.covault(["key", "usage", NAME, "--json"]).ok());
    assert_eq!(rows[0]["generation"], 3);
    assert_eq!(rows[0]["spent"]["month"], "4.75");
    assert_eq!(rows[0]["spent"]["total"], "4.75");
    assert_eq!(rows[0]["limits"][0]["left"], "5.25");
    assert_eq!(rows[0]["status"], "ok", "{rows}");
    assert_eq!(limit_of(&rig.fake, &now_of(&rig).hash), "5.5 Daily", "what is left is not given back within the day");
}

#[test]
fn an_old_key_that_still_works_counts_with_what_it_spends_now() {
    let rig = Rig::alone();
    let first = issued(&rig, &["10/day"]);
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    rig.fake.spend(&first.hash, "4");
    let rows = json_of(&rig.alice.covault(["key", "usage", NAME, "--json"]).ok());
    assert_eq!(rows[0]["limits"][0]["left"], "6");
    assert_eq!(limit_of(&rig.fake, &now_of(&rig).hash), "6 Daily", "both together were allowed more than the limit");
}

#[test]
fn what_is_gone_or_set_by_hand_is_said_and_not_touched() {
    let rig = Rig::alone();
    let key = issued(&rig, &["10/day", "100/month"]);
    rig.fake.change(&key.hash, |key| key.limit = Some(Decimal::from(3)));
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(said.text().contains("drifted"), "{}", said.text());
    assert!(said.err.contains("its own limit is 3/day there, not 10/day"), "{}", said.err);
    assert_eq!(limit_of(&rig.fake, &key.hash), "3 Daily");
    rig.fake.change(&key.hash, |key| key.limit = Some(Decimal::from(10)));
    rig.fake.change(&key.hash, |key| key.disabled = true);
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(said.err.contains("it is switched off there"), "{}", said.err);
    rig.fake.change(&key.hash, |key| key.disabled = false);
    rig.fake.with(|account| account.assignments.clear());
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(said.err.contains("no guardrail holds 100/month there"), "{}", said.err);
    rig.fake.delete(&key.hash);
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(said.text().contains("gone"), "{}", said.text());
}

#[test]
fn a_silent_provider_leaves_the_last_figures_with_their_age() {
    let rig = Rig::alone();
    let key = issued(&rig, &["10/day"]);
    rig.fake.spend(&key.hash, "2.5");
    rig.fake.inject(Rule::on(Call::ListKeys, Fault::Status(503)).before().always());
    let said = rig.alice.covault(["key", "usage"]).exits(9);
    assert!(said.text().contains("never") && said.text().contains("unknown"), "{}", said.text());
    rig.fake.clear_rules();
    rig.alice.covault(["key", "usage"]).ok();
    rig.fake.spend(&key.hash, "1");
    rig.fake.inject(Rule::on(Call::ListKeys, Fault::Status(503)).before().always());
    let rows = json_of(&rig.alice.covault(["key", "usage", "--json"]).exits(9));
    assert_eq!((&rows[0]["spent"]["day"], &rows[0]["status"]), (&"2.5".into(), &"unknown".into()));
    assert_eq!(rows[0]["fresh"], false);
    // What it knew says nothing of a day that began since.
    let late = desk_at(&rig.alice, &rig.fake, &days_on(40), |desk| desk.usage(&[]).unwrap());
    assert_eq!(late.keys[0].standing, KeyStatus::Unknown);
    assert_eq!(late.keys[0].limits[0].spent.to_string(), "0");
    assert_eq!(late.keys[0].usage.unwrap().total.to_string(), "2.5");
}

#[test]
fn a_limit_that_no_provider_holds_is_held_by_the_key_s_own_one() {
    let rig = Rig::alone();
    rig.fake.allow_guardrails(false);
    let key = issued(&rig, &["10/day", "100/month"]);
    let usage = |now: &str| {
        let watch = desk_at(&rig.alice, &rig.fake, now, |desk| desk.usage(&[]).unwrap());
        assert!(watch.failed.is_empty(), "{:?}", watch.failed);
        watch.keys[0].clone()
    };
    rig.fake.set_now("2027-03-05T12:00:00Z");
    rig.fake.spend(&key.hash, "95");
    let seen = usage("2027-03-10T12:00:00Z");
    assert_eq!(limit_of(&rig.fake, &key.hash), "5 Daily");
    assert_eq!(seen.status, KeyStatus::Near);
    rig.fake.spend(&key.hash, "2");
    usage("2027-03-10T13:00:00Z");
    assert_eq!(limit_of(&rig.fake, &key.hash), "5 Daily", "within a day it stays");
    rig.fake.spend(&key.hash, "3");
    let seen = usage("2027-03-10T14:00:00Z");
    assert!(rig.fake.key(&key.hash).disabled, "nothing is left of the month, and a new day would allow five more");
    assert_eq!(seen.status, KeyStatus::Over);
    assert!(seen.drift.is_empty(), "{:?}", seen.drift);
    usage("2027-03-31T23:59:59Z");
    assert!(rig.fake.key(&key.hash).disabled);
    let seen = usage("2027-04-01T00:00:00Z");
    assert!(!rig.fake.key(&key.hash).disabled);
    assert_eq!(limit_of(&rig.fake, &key.hash), "10 Daily");
    assert_eq!(seen.status, KeyStatus::Ok);
    // What a person switched off stays off.
    rig.fake.change(&key.hash, |key| key.disabled = true);
    let seen = usage("2027-05-01T00:00:00Z");
    assert!(rig.fake.key(&key.hash).disabled);
    assert_eq!(seen.standing, KeyStatus::Drifted);
}

#[test]
fn what_a_rotation_held_back_is_given_back_when_the_window_has_ended() {
    let rig = Rig::alone();
    let first = issued(&rig, &["10/day", "100/month"]);
    rig.fake.spend(&first.hash, "4");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    let key = now_of(&rig);
    assert_eq!(
        (limit_of(&rig.fake, &key.hash), guard_of(&rig.fake, &key.hash)),
        ("6 Daily".into(), "96 Monthly".into())
    );
    rig.alice.covault(["key", "usage"]).ok();
    assert_eq!(
        (limit_of(&rig.fake, &key.hash), guard_of(&rig.fake, &key.hash)),
        ("6 Daily".into(), "96 Monthly".into())
    );
    let watch = desk_at(&rig.alice, &rig.fake, &days_on(40), |desk| desk.usage(&[]).unwrap());
    assert_eq!(
        (limit_of(&rig.fake, &key.hash), guard_of(&rig.fake, &key.hash)),
        ("10 Daily".into(), "100 Monthly".into())
    );
    assert_eq!(watch.keys[0].status, KeyStatus::Ok);
    assert_eq!(watch.keys[0].done.len(), 2, "{:?}", watch.keys[0].done);
}

#[test]
fn what_somebody_lowered_by_hand_is_not_given_back() {
    let rig = Rig::alone();
    let first = issued(&rig, &["10/day", "100/month"]);
    rig.fake.spend(&first.hash, "4");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    let key = now_of(&rig);
    rig.fake.change(&key.hash, |key| key.limit = Some(Decimal::from(2)));
    let watch = desk_at(&rig.alice, &rig.fake, &days_on(40), |desk| desk.usage(&[]).unwrap());
    assert_eq!(limit_of(&rig.fake, &key.hash), "2 Daily");
    assert_eq!(guard_of(&rig.fake, &key.hash), "100 Monthly", "the other one was ours");
    assert_eq!(watch.keys[0].standing, KeyStatus::Drifted);
}

#[test]
fn who_only_reads_the_management_key_may_look() {
    let rig = Rig::new();
    issued(&rig, &["10/day"]);
    let bob = rig.joins("bob");
    let said = bob.covault(["key", "usage"]).exits(4);
    assert!(said.text().contains("unknown"), "{}", said.text());
    rig.alice.covault(["share", "providers/openrouter", "bob", "--yes"]).ok();
    rig.alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    let said = bob.covault(["key", "usage"]).ok();
    assert!(said.text().contains("10/day"), "{}", said.text());
}

#[test]
fn a_rotation_lifts_no_limit_that_covault_holds() {
    let rig = Rig::new();
    rig.fake.allow_guardrails(false);
    let first = issued(&rig, &["100/day", "50/month"]);
    rig.fake.spend(&first.hash, "48");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    let key = now_of(&rig);
    assert_eq!(limit_of(&rig.fake, &key.hash), "2 Daily", "more than the month has left");
    rig.fake.spend(&key.hash, "2");
    // Nothing is left: it is switched off, and what takes its place can spend nothing either.
    rig.alice.covault(["key", "usage"]).ok();
    assert!(rig.fake.working_keys().is_empty());
    for how in [["key", "rotate", NAME].as_slice(), &["key", "rotate", NAME, "--compromised"]] {
        rig.alice.covault(how).ok();
        assert_eq!(limit_of(&rig.fake, &now_of(&rig).hash), "0 Daily", "{how:?}");
    }
    // Any machine knows that limit for ours, and gives it back in the next month.
    let desktop = machine_of(&rig, "desktop");
    let watch = desk_at(&desktop, &rig.fake, &days_on(40), |desk| desk.usage(&[]).unwrap());
    assert_eq!(limit_of(&rig.fake, &now_of(&rig).hash), "50 Daily", "{:?}", watch.keys[0].drift);
    assert_eq!(watch.keys[0].status, KeyStatus::Ok);
}

#[test]
fn a_key_that_one_machine_switched_off_for_its_limit_is_whole_on_every_other() {
    let rig = Rig::new();
    rig.fake.allow_guardrails(false);
    let key = issued(&rig, &["100/day", "20/month"]);
    let desktop = machine_of(&rig, "desktop");
    rig.fake.spend(&key.hash, "20");
    rig.alice.covault(["key", "usage"]).ok();
    assert!(rig.fake.working_keys().is_empty());
    let rows = json_of(&desktop.covault(["key", "ls", "--json"]).ok());
    assert_eq!((&rows[0]["status"], &rows[0]["notes"]), (&"ok".into(), &serde_json::json!([])), "{rows}");
    let said = desktop.covault(["key", "usage"]).ok();
    assert!(said.text().contains("over") && !said.err.contains("switched off"), "{} {}", said.text(), said.err);
    desktop.covault(["key", "ensure", NAME, "--limit", "100/day", "--limit", "20/month"]).ok();
    assert_eq!(rig.fake.live_keys().len(), 1);
    // Another one can spend nothing either.
    desktop.covault(["key", "rotate", NAME]).ok();
    rig.alice.covault(["sync"]).ok();
    assert_eq!(limit_of(&rig.fake, &now_of(&rig).hash), "0 Daily");
    // What a person switched off is told as that where the limits leave something.
    rig.fake.change(&now_of(&rig).hash, |key| key.disabled = true);
    let rows = desk_at(&desktop, &rig.fake, &days_on(40), |desk| desk.list_keys(None).unwrap());
    assert!(rows.keys[0].notes.iter().any(|note| note.contains("switched off")), "{:?}", rows.keys[0]);
}
