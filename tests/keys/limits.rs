//! Limits that change: noted, set in an order that never allows more in between, and mended by repeating.

use super::rig::{Rig, guard_of, json_of, limit_of};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::Said;

const NAME: &str = "prod/openrouter";

fn rig(limits: &[&str]) -> (Rig, String) {
    let rig = Rig::new();
    let limits = limits.iter().flat_map(|limit| ["--limit", limit]);
    rig.alice.covault(["key", "issue", NAME].into_iter().chain(limits)).ok();
    let hash = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
    rig.fake.clear_requests();
    (rig, hash)
}

fn limits(rig: &Rig, args: &[&str]) -> Said {
    rig.alice.covault(["key", "limits", NAME].iter().chain(args))
}

fn both(rig: &Rig, hash: &str) -> (String, String) {
    (limit_of(&rig.fake, hash), guard_of(&rig.fake, hash))
}

/// What was changed at the provider, in its order.
fn changes(rig: &Rig) -> Vec<&'static str> {
    let line = |line: String| match line {
        line if line.starts_with("PATCH") && line.contains("/guardrails/") => Some("guardrail"),
        line if line.starts_with("PATCH") && line.contains("/keys/") => Some("key"),
        line if line.starts_with("POST") && line.ends_with("/guardrails") => Some("new guardrail"),
        line if line.starts_with("DELETE") && line.contains("/guardrails/") => Some("no guardrail"),
        _ => None,
    };
    rig.fake.requests().iter().filter_map(|request| line(request.line())).collect()
}

#[test]
fn limits_are_shown_with_who_holds_them() {
    let (rig, _) = rig(&["10/day", "100/month"]);
    let text = limits(&rig, &[]).ok().text();
    assert!(text.contains("10.00 dollars a day: held by the key at openrouter"), "{text}");
    assert!(text.contains("100.00 dollars a month: held by a guardrail at openrouter"), "{text}");
    assert_eq!(rig.fake.requests().len(), 0, "showing asks nobody");
}

#[test]
fn a_change_is_set_noted_and_pushed_and_repeating_it_does_nothing() {
    let (rig, hash) = rig(&["10/day", "100/month"]);
    limits(&rig, &["--limit", "20/day", "--limit", "200/month", "--reason", "more work"]).ok();
    assert_eq!(both(&rig, &hash), ("20 Daily".into(), "200 Monthly".into()));
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    assert_eq!(head, rig.alice.git(["rev-parse", "origin/main"]).text());
    rig.fake.clear_requests();
    limits(&rig, &["--limit", "20/day", "--limit", "200/month"]).ok();
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
    assert!(changes(&rig).is_empty(), "{:?}", changes(&rig));
    let rows = json_of(&rig.alice.covault(["key", "usage", "--json"]).ok());
    assert_eq!(rows[0]["status"], "ok", "{rows}");
}

#[test]
fn what_tightens_comes_first_and_a_guardrail_before_the_key() {
    for (wanted, order) in [
        (["5/day", "50/month"], ["guardrail", "key"]),
        (["20/day", "200/month"], ["guardrail", "key"]),
        (["5/day", "200/month"], ["key", "guardrail"]),
        (["20/day", "50/month"], ["guardrail", "key"]),
    ] {
        let (rig, _) = rig(&["10/day", "100/month"]);
        limits(&rig, &["--limit", wanted[0], "--limit", wanted[1]]).ok();
        assert_eq!(changes(&rig), order, "{wanted:?}");
    }
}

#[test]
fn a_window_comes_and_goes_with_its_guardrail() {
    let (rig, hash) = rig(&["10/day"]);
    limits(&rig, &["--limit", "100/month"]).ok();
    assert_eq!(both(&rig, &hash), ("10 Daily".into(), "100 Monthly".into()));
    rig.fake.clear_requests();
    limits(&rig, &["--no-limit", "day"]).ok();
    assert_eq!(both(&rig, &hash), ("100 Monthly".into(), "none".into()));
    assert_eq!(changes(&rig), ["key", "no guardrail"]);
    assert!(rig.fake.guardrails().is_empty());
    limits(&rig, &["--no-limit", "month"]).ok();
    assert_eq!(limit_of(&rig.fake, &hash), "none");
    assert!(limits(&rig, &[]).ok().text().contains("no limit"));
}

#[test]
fn what_was_noted_and_not_set_shows_as_drifted_and_repeating_mends_it() {
    let (rig, hash) = rig(&["10/day", "100/month"]);
    rig.fake.inject(Rule::on(Call::UpdateKey, Fault::Status(500)).before().always());
    let said = limits(&rig, &["--limit", "20/day", "--limit", "200/month"]).exits(9);
    assert!(said.err.contains("covault key limits prod/openrouter --apply"), "{}", said.err);
    assert_eq!(both(&rig, &hash), ("10 Daily".into(), "200 Monthly".into()));
    rig.fake.clear_rules();
    let other = super::rig::machine_of(&rig, "desktop");
    let rows = json_of(&other.covault(["key", "ls", "--json"]).ok());
    assert_eq!(rows[0]["status"], "drifted", "{rows}");
    other.covault(["key", "usage"]).ok();
    assert_eq!(limit_of(&rig.fake, &hash), "10 Daily", "looking raised it");
    limits(&rig, &["--limit", "20/day", "--limit", "200/month"]).ok();
    assert_eq!(both(&rig, &hash), ("20 Daily".into(), "200 Monthly".into()));
    let rows = json_of(&other.covault(["key", "ls", "--json"]).ok());
    assert_eq!(rows[0]["status"], "ok", "{rows}");
}

#[test]
fn what_was_set_by_hand_is_set_back_when_that_is_asked_for() {
    let (rig, hash) = rig(&["10/day", "100/month"]);
    rig.fake.change(&hash, |key| key.limit = None);
    rig.fake.with(|account| account.assignments.clear());
    limits(&rig, &["--apply"]).ok();
    assert_eq!(both(&rig, &hash), ("10 Daily".into(), "100 Monthly".into()));
    assert_eq!(rig.fake.guardrails().len(), 1, "another one was made");
}

#[test]
fn without_guardrails_covault_holds_the_second_limit_and_says_so() {
    let (rig, hash) = rig(&["10/day"]);
    rig.fake.allow_guardrails(false);
    let said = limits(&rig, &["--limit", "100/month"]).ok();
    assert!(said.text().contains("100.00 dollars a month: held by covault key usage"), "{}", said.text());
    assert_eq!(both(&rig, &hash), ("10 Daily".into(), "none".into()));
    rig.fake.allow_guardrails(true);
    limits(&rig, &["--apply"]).ok();
    assert_eq!(guard_of(&rig.fake, &hash), "100 Monthly", "it could be held there now");
}

/// A guardrail that somebody made by hand, assigned to the key.
fn house_rule(rig: &Rig, hash: &str) -> String {
    let caller = crate::openrouter::wire::Caller::new(rig.fake.url(), rig.fake.management_key());
    let made = caller.post("/guardrails", r#"{"name":"house rule","limit_usd":7,"reset_interval":"weekly"}"#).is(201);
    let id = made.data()["id"].as_str().unwrap().to_owned();
    caller.post(&format!("/guardrails/{id}/assignments/keys"), serde_json::json!({ "key_hashes": [hash] }));
    id
}

#[test]
fn somebody_s_own_guardrail_is_not_replaced() {
    let (rig, hash) = rig(&["10/day"]);
    house_rule(&rig, &hash);
    let said = limits(&rig, &["--limit", "100/month"]).ok();
    assert!(said.err.contains("house rule"), "{}", said.err);
    assert_eq!(guard_of(&rig.fake, &hash), "7 Weekly");
}

#[test]
fn a_rotation_takes_somebody_s_own_guardrail_along() {
    for limits in [["10/day"].as_slice(), &["10/day", "100/month"]] {
        for how in [["key", "rotate", NAME].as_slice(), &["key", "rotate", NAME, "--compromised"]] {
            let (rig, first) = rig(limits);
            let theirs = house_rule(&rig, &first);
            let said = rig.alice.covault(how).ok();
            assert!(said.err.contains("house rule"), "{}", said.err);
            let next = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
            assert_ne!(next, first);
            assert_eq!(rig.fake.guardrail_of(&next).unwrap().id, theirs, "{how:?}");
            // It was there before anybody got the key, and ours went with its key.
            assert_eq!(rig.fake.guardrails().len(), 1, "{how:?}");
            let rows = json_of(&rig.alice.covault(["key", "usage", "--json"]).ok());
            assert_eq!(rows[0]["status"], "ok", "{rows}");
            // And once more, as its second limit is Covault's by now.
            rig.alice.covault(["key", "rotate", NAME]).ok();
            let last = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
            assert_eq!(rig.fake.guardrail_of(&last).unwrap().id, theirs, "{how:?}");
        }
    }
}

#[test]
fn a_new_key_that_does_not_get_somebody_s_own_guardrail_is_not_given_out() {
    let (rig, first) = rig(&["10/day"]);
    let theirs = house_rule(&rig, &first);
    let before = rig.alice.get(NAME);
    rig.fake.inject(Rule::on(Call::AssignKeys, Fault::Status(500)).before().always());
    rig.alice.covault(["key", "rotate", NAME]).exits(9);
    assert_eq!(rig.alice.get(NAME), before);
    assert!(rig.fake.key_of(&before).unwrap().works(rig.fake.now()));
    rig.fake.clear_rules();
    rig.alice.covault(["key", "resume"]).ok();
    let next = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
    assert_eq!(rig.fake.guardrail_of(&next).unwrap().id, theirs);
}

#[test]
fn what_earlier_keys_spent_stays_held_back() {
    let (rig, first) = rig(&["10/day"]);
    rig.fake.spend(&first, "4");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    let hash = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
    limits(&rig, &["--limit", "20/day"]).ok();
    assert_eq!(limit_of(&rig.fake, &hash), "16 Daily");
    let rows = json_of(&limits(&rig, &["--json"]).ok());
    assert_eq!((&rows["limits"][0]["amount"], &rows["limits"][0]["now"]), (&"20".into(), &"16".into()));
}

#[test]
fn a_dry_run_and_a_key_that_is_gone_change_nothing() {
    let (rig, hash) = rig(&["10/day"]);
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    let said = limits(&rig, &["--limit", "20/day", "--dry-run"]).ok();
    assert!(said.err.contains("would set its own limit: 20/day, after 10/day"), "{}", said.err);
    assert_eq!(limit_of(&rig.fake, &hash), "10 Daily");
    rig.fake.delete(&hash);
    limits(&rig, &["--limit", "20/day"]).exits(3);
    limits(&rig, &["--limit", "ten/day"]).exits(2);
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
}

#[test]
fn limits_that_are_changed_while_somebody_else_rotates_are_not_lost() {
    let (rig, _) = rig(&["100/day"]);
    let desktop = super::rig::machine_of(&rig, "desktop");
    super::races::unpushed(&rig.world, || limits(&rig, &["--limit", "1/day", "--alert", "50%"]).ok());
    desktop.covault(["key", "rotate", NAME]).ok();
    rig.alice.covault(["sync"]).ok();
    let status = rig.alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains(NAME) && status.contains("covault key resume"), "{status}");
    let rows = json_of(&rig.alice.covault(["key", "ls", "--json"]).ok());
    assert!(rows[0]["notes"].to_string().contains("covault key resume"), "{rows}");
    limits(&rig, &["--limit", "2/day"]).exits(5);
    let said = rig.alice.covault(["key", "resume"]).ok();
    assert!(said.err.contains("the tighter ones stay, and all alerts: 1/day, alert 50%"), "{}", said.err);
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(limit_of(&rig.fake, &key.hash), "1 Daily");
    let kept = json_of(&limits(&rig, &["--json"]).ok());
    assert_eq!((&kept["limits"][0]["amount"], &kept["alerts"]), (&"1".into(), &serde_json::json!([50])));
    assert_eq!(rig.fake.live_keys().len(), 1);
    rig.alice.covault(["status", "--check"]).ok();
    desktop.covault(["sync"]).ok();
    let rows = json_of(&desktop.covault(["key", "ls", "--json"]).ok());
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["status"]), (1, &"ok".into()), "{rows}");
}
