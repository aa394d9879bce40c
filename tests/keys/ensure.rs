//! A living key at a name, whoever makes it.

use super::rig::{Rig, json_of, limit_of, machine_of, reaches};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::Person;

const NAME: &str = "ci/openrouter";

fn ensure(person: &Person, more: &[&str]) -> crate::world::Said {
    person.covault(["key", "ensure", NAME].iter().chain(more))
}

/// Time enough to wait for somebody else.
fn patient(person: &Person) {
    let file = person.home.join(".config/covault/config.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("patience = \"50ms\"", "patience = \"60s\"");
    std::fs::write(file, text).unwrap();
}

#[test]
fn the_first_time_makes_a_key_and_the_second_time_writes_nothing() {
    let rig = Rig::new();
    let said = ensure(&rig.alice, &["--limit", "5/day", "--json"]).ok();
    let made = json_of(&said);
    assert_eq!((&made["created"], &made["replaced"], &made["generation"]), (&true.into(), &false.into(), &1.into()));
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(limit_of(&rig.fake, &key.hash), "5 Daily");
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    let said = ensure(&rig.alice, &["--limit", "5/day"]).ok();
    assert_eq!(said.text(), "", "stdout is for nobody here");
    assert_eq!(json_of(&ensure(&rig.alice, &["--json"]).ok())["created"], false);
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
    assert_eq!(rig.fake.keys().len(), 1);
    // Another machine, which has not heard of it yet.
    let other = machine_of(&rig, "desktop");
    other.git(["reset", "-q", "--hard", "HEAD~4"]).ok();
    assert_eq!(json_of(&ensure(&other, &["--json"]).ok())["created"], false);
    assert_eq!((rig.fake.keys().len(), other.get(NAME)), (1, rig.alice.get(NAME)));
}

#[test]
fn limits_that_are_asked_for_are_set() {
    let rig = Rig::new();
    ensure(&rig.alice, &["--limit", "5/day"]).ok();
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    let said = ensure(&rig.alice, &["--limit", "8/day", "--alert", "80%"]).ok();
    assert!(said.err.contains("8/day"), "{}", said.err);
    assert_eq!(limit_of(&rig.fake, &key.hash), "8 Daily");
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    ensure(&rig.alice, &["--limit", "8/day", "--alert", "80%"]).ok();
    ensure(&rig.alice, &[]).ok();
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
    assert_eq!(rig.fake.keys().len(), 1);
}

#[test]
fn a_key_that_is_gone_or_ended_is_replaced_and_one_that_is_off_is_not() {
    let rig = Rig::new();
    ensure(&rig.alice, &["--limit", "5/day"]).ok();
    let first = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.delete(&first.hash);
    let said = json_of(&ensure(&rig.alice, &["--json"]).ok());
    assert_eq!((&said["created"], &said["replaced"], &said["generation"]), (&false.into(), &true.into(), &2.into()));
    let second = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(limit_of(&rig.fake, &second.hash), "5 Daily");
    rig.fake.change(&second.hash, |key| key.expires_at = Some("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(json_of(&ensure(&rig.alice, &["--json"]).ok())["generation"], 3);
    assert_eq!(rig.fake.live_keys().len(), 1);
    let third = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    rig.fake.change(&third.hash, |key| key.disabled = true);
    ensure(&rig.alice, &[]).exits(7);
    rig.alice.covault(["key", "disable", NAME]).ok();
    let said = ensure(&rig.alice, &[]).exits(7);
    assert!(said.err.ends_with(&format!("hint: covault key enable {NAME} switches it on again\n")), "{}", said.err);
    assert_eq!(rig.fake.keys().len(), 3);
    rig.alice.set("ci/plain", "by hand");
    rig.alice.covault(["key", "ensure", "ci/plain"]).exits(7);
}

#[test]
fn of_two_machines_at_once_one_makes_it_and_both_have_it() {
    let rig = Rig::new();
    let machines: Vec<Person> = (0..2).map(|n| machine_of(&rig, &format!("machine{n}"))).collect();
    machines.iter().for_each(patient);
    let said: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            machines.iter().map(|machine| scope.spawn(|| ensure(machine, &["--limit", "5/day", "--json"]))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let created: Vec<bool> = said.into_iter().map(|said| json_of(&said.ok())["created"] == true).collect();
    assert_eq!(created.iter().filter(|created| **created).count(), 1, "{created:?}");
    assert_eq!(rig.fake.keys().len(), 1, "two keys were made");
    for machine in &machines {
        machine.git(["pull", "-q", "--no-edit", "--no-rebase"]).ok();
        assert_eq!(rig.fake.key_of(&machine.get(NAME)).unwrap().hash, rig.fake.keys()[0].hash);
    }
}

#[test]
fn what_somebody_else_does_not_finish_is_said() {
    let rig = Rig::new();
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    ensure(&rig.alice, &[]).exits(9);
    rig.fake.clear_rules();
    let other = machine_of(&rig, "desktop");
    let said = ensure(&other, &[]).exits(5);
    assert!(said.err.contains("covault key resume ci/openrouter"), "{}", said.err);
    assert_eq!(rig.fake.keys().len(), 0);
    other.covault(["key", "resume"]).ok();
    assert_eq!(json_of(&ensure(&rig.alice, &["--json"]).ok())["created"], false);
    assert_eq!(rig.fake.keys().len(), 1);
}

#[test]
fn a_machine_member_in_ci_ensures_with_what_is_in_its_environment() {
    let rig = Rig::new();
    let grants = ["--grant", "providers", "--grant", "journal", "--grant", "ci"];
    let identity =
        rig.alice.covault(["member", "add", "runner", "--machine", "--writes"].into_iter().chain(grants)).ok().text();
    rig.alice.push("main");
    let mut runner = rig.world.newcomer("runner");
    reaches(&mut runner, &rig.fake);
    runner.vars.push(("COVAULT_IDENTITY".to_owned(), identity.trim().to_owned()));
    let words = json_of(&rig.alice.covault(["status", "--json"]))["words"].as_str().unwrap().to_owned();
    runner.vars.push(("COVAULT_VAULT".to_owned(), words));
    runner.vars.push(("CI".to_owned(), "true".to_owned()));
    let said = ensure(&runner, &["--limit", "5/day", "--json"]);
    assert_eq!(json_of(&said.ok())["created"], true);
}

#[test]
fn a_dead_key_is_replaced_by_one_that_is_as_asked_for_from_the_beginning() {
    let rig = Rig::new();
    ensure(&rig.alice, &["--limit", "100/day"]).ok();
    rig.fake.delete(&rig.fake.keys()[0].hash);
    let wanted = ["--limit", "1/day", "--alert", "50%", "--expires", "30d"];
    let said = json_of(&ensure(&rig.alice, &[wanted.as_slice(), &["--json"]].concat()).ok());
    assert_eq!(
        (&said["replaced"], &said["changed"]),
        (&true.into(), &serde_json::json!(["its limits: 1/day, after 100/day", "its alerts"]))
    );
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(limit_of(&rig.fake, &key.hash), "1 Daily");
    assert!(key.expires_at.is_some());
    let limits = json_of(&rig.alice.covault(["key", "limits", NAME, "--json"]).ok());
    assert_eq!(limits["alerts"], serde_json::json!([50]));
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    ensure(&rig.alice, &wanted).ok();
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head, "the second time there was something left to do");
}

#[test]
fn a_key_that_was_switched_off_and_then_deleted_is_replaced() {
    for args in [["key", "ensure", NAME], ["key", "rotate", NAME]] {
        let rig = Rig::new();
        ensure(&rig.alice, &[]).ok();
        rig.alice.covault(["key", "disable", NAME]).ok();
        rig.alice.covault(args).exits(7);
        rig.fake.delete(&rig.fake.keys()[0].hash);
        rig.alice.covault(args).ok();
        assert_eq!(rig.fake.working_keys().len(), 1, "{args:?}");
        assert_eq!(rig.fake.working_keys()[0].secret, rig.alice.get(NAME), "{args:?}");
    }
}
