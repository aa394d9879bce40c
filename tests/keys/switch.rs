//! Keys that are switched off and on: at the provider, seen there, and noted.

use super::rig::Rig;
use crate::openrouter::fake::{Call, Cut, Fault, Rule};

const NAME: &str = "prod/openrouter";

#[test]
fn a_key_that_is_switched_off_is_off_at_the_provider_and_noted_and_comes_back() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    let said = rig.alice.covault(["key", "disable", NAME, "--reason", "looks odd"]).ok();
    assert!(said.err.contains("is switched off"), "{}", said.err);
    assert!(rig.fake.key(&key.hash).disabled);
    let shown = rig.alice.covault(["show", NAME]).ok().text();
    assert!(shown.contains("looks odd") && shown.contains("disabled"), "{shown}");
    rig.alice.covault(["key", "rotate", NAME]).exits(7);
    assert_eq!(rig.fake.keys().len(), 1, "a rotation brought it back");
    rig.alice.covault(["key", "enable", NAME]).ok();
    assert!(!rig.fake.key(&key.hash).disabled);
    assert_eq!(rig.alice.git(["rev-parse", "main"]).text(), rig.alice.git(["rev-parse", "origin/main"]).text());
}

#[test]
fn switching_twice_writes_nothing() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.covault(["key", "disable", NAME]).ok();
    let before = rig.alice.git(["rev-parse", "HEAD"]).text();
    let said = rig.alice.covault(["key", "disable", NAME]).ok();
    assert!(said.err.contains("off already"), "{}", said.err);
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), before);
    rig.alice.covault(["key", "enable", NAME, "--dry-run"]).ok();
    assert_eq!(rig.fake.working_keys().len(), 0, "a dry run switched it on");
}

#[test]
fn a_lost_answer_is_looked_after_and_what_cannot_be_known_is_said() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    // It takes effect, and every answer is lost: the look afterwards tells.
    rig.fake.inject(Rule::on(Call::UpdateKey, Fault::Cut(Cut::BeforeAnswer)).after().always());
    rig.alice.covault(["key", "disable", NAME]).ok();
    assert!(rig.fake.working_keys().is_empty());
    rig.fake.clear_rules();
    // Nothing can be seen afterwards.
    let handle = rig.fake.handle();
    let blind = move || handle.inject(Rule::on(Call::GetKey, Fault::Cut(Cut::BeforeAnswer)).before().always());
    rig.fake.inject(Rule::on(Call::UpdateKey, Fault::Run(std::sync::Arc::new(blind))).after());
    let before = rig.alice.git(["rev-parse", "HEAD"]).text();
    let said = rig.alice.covault(["key", "enable", NAME]).exits(9);
    assert!(said.err.contains("is not known") && said.err.contains("covault key enable"), "{}", said.err);
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), before, "it was noted without being known");
    rig.fake.clear_rules();
    rig.alice.covault(["key", "enable", NAME]).ok();
    assert_eq!(rig.fake.working_keys().len(), 1);
}

#[test]
fn a_key_that_shows_late_that_it_is_off_is_waited_for() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.fake.disable_late(2);
    rig.alice.covault(["key", "disable", NAME]).ok();
    assert!(rig.fake.working_keys().is_empty());
}

#[test]
fn a_key_that_is_gone_cannot_be_switched() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.delete(&key.hash);
    let said = rig.alice.covault(["key", "enable", NAME]).exits(3);
    assert!(said.err.contains("has no key for prod/openrouter any more"), "{}", said.err);
    rig.alice.set("prod/plain", "by hand");
    rig.alice.covault(["key", "disable", "prod/plain"]).exits(2);
}

#[test]
fn while_an_old_key_is_kept_an_emergency_has_a_way_out_that_is_said() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    assert_eq!(rig.fake.working_keys().len(), 2);
    let now = format!("covault key resume {NAME} --now");
    for (args, code) in [(["key", "rotate", NAME, "--compromised"].as_slice(), 5), (&["key", "resume", NAME], 8)] {
        let said = rig.alice.covault(args).exits(code);
        assert!(said.err.contains(&now), "{args:?}: {}", said.err);
    }
    let said = rig.alice.covault(["key", "disable", NAME]).ok();
    assert!(said.err.contains("key 1, which is kept beside it, is switched off, too"), "{}", said.err);
    assert!(rig.fake.working_keys().is_empty(), "the old key still works");
    rig.alice.covault(["key", "enable", NAME]).ok();
    assert_eq!(rig.fake.working_keys().len(), 2);
    // That the new one is refused is no surprise: nothing keeps the old one for that.
    rig.alice.covault(["key", "disable", NAME]).ok();
    rig.alice.covault(["key", "resume", NAME, "--now"]).ok();
    let live = rig.fake.live_keys();
    assert_eq!((live.len(), live[0].disabled), (1, true));
    assert_eq!(live[0].secret, rig.alice.get(NAME));
    rig.alice.covault(["status", "--check"]).ok();
    rig.alice.covault(["key", "enable", NAME]).ok();
    assert_eq!(rig.fake.working_keys().len(), 1);
}

#[test]
fn a_new_key_that_somebody_switched_off_elsewhere_keeps_the_old_one_and_that_is_said() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    let new = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.change(&new.hash, |key| key.disabled = true);
    let said = rig.alice.covault(["key", "resume", NAME, "--now"]).exits(9);
    assert!(said.err.contains("covault key enable prod/openrouter"), "{}", said.err);
    assert_eq!((rig.fake.live_keys().len(), rig.fake.working_keys().len()), (2, 1));
}
