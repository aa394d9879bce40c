//! The vault and the account side by side, and keys that are taken in.

use serde_json::Value;

use super::place::{PROTECTED, hook};
use super::rig::{Rig, json_of, machine_of};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::Person;

const NAME: &str = "prod/openrouter";

fn listed(person: &Person) -> Vec<Value> {
    json_of(&person.covault(["key", "ls", "--json"]).ok()).as_array().unwrap().clone()
}

#[track_caller]
fn of<'a>(rows: &'a [Value], member: &str, value: &str) -> &'a Value {
    rows.iter().find(|row| row[member] == value).unwrap_or_else(|| panic!("no {member} {value} in {rows:#?}"))
}

#[test]
fn what_is_here_and_what_is_there_stand_side_by_side() {
    let rig = Rig::new();
    for name in [NAME, "ci/one", "ci/two", "ci/three"] {
        rig.alice.covault(["key", "issue", name, "--limit", "10/day"]).ok();
    }
    let hash = |name: &str| rig.fake.key_of(&rig.alice.get(name)).unwrap().hash;
    rig.fake.delete(&hash("ci/one"));
    rig.fake.change(&hash("ci/two"), |key| key.limit = Some(99.into()));
    rig.alice.covault(["key", "disable", "ci/three"]).ok();
    let by_hand = rig.fake.add_key("made in the console");
    rig.fake.spend(&by_hand.hash, "1.25");
    let elsewhere = rig.fake.add_key("covault 00000000 prod/x g1 0123456789abcdef");
    let ours = rig.fake.key(&hash(NAME)).name;
    let tag = ours.split(' ').nth(1).unwrap().to_owned();
    let orphan = rig.fake.add_key(&format!("covault {tag} prod/lost g4 0123456789abcdef"));
    let rows = listed(&rig.alice);
    assert_eq!(rows.len(), 7, "{rows:#?}");
    for (name, status) in [(NAME, "ok"), ("ci/one", "missing"), ("ci/two", "drifted"), ("ci/three", "off")] {
        assert_eq!(of(&rows, "secret", name)["status"], status, "{name}");
    }
    let row = of(&rows, "id", &by_hand.hash);
    assert_eq!(
        (&row["status"], &row["name"], &row["spent"]),
        (&"unmanaged".into(), &"made in the console".into(), &"1.25".into())
    );
    assert!(row["label"].as_str().unwrap().starts_with("sk-or-v1-"));
    assert_eq!(of(&rows, "id", &elsewhere.hash)["status"], "other vault");
    let row = of(&rows, "id", &orphan.hash);
    assert_eq!((&row["status"], &row["secret"]), (&"orphan".into(), &"prod/lost".into()));
    let note = row["notes"][0].as_str().unwrap();
    assert!(
        note.contains("no record has it") && note.contains("take it away at https://openrouter.ai/keys,"),
        "{note}"
    );
    let text = rig.alice.covault(["key", "ls"]).ok().text();
    assert!(!text.contains(&rig.alice.get(NAME)) && text.contains("missing"), "{text}");
    assert_eq!(rig.fake.live_keys().len(), 6, "looking changed something");
}

#[test]
fn what_is_under_way_and_old_keys_that_are_still_there_are_shown() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.covault(["key", "rotate", NAME, "--keep-old", "24h"]).ok();
    let rows = listed(&rig.alice);
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!((&rows[0]["generation"], &rows[0]["status"]), (&1.into(), &"retired".into()));
    assert_eq!((&rows[1]["generation"], &rows[1]["status"]), (&2.into(), &"open".into()));
    // A first key that is asked for, and of which nothing is known.
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    rig.alice.covault(["key", "issue", "ci/new"]).exits(9);
    let rows = listed(&rig.alice);
    assert_eq!(of(&rows, "secret", "ci/new")["status"], "open", "{rows:#?}");
    // Who began it is told on other machines, too.
    let rows = listed(&machine_of(&rig, "desktop"));
    assert!(of(&rows, "secret", "ci/new")["notes"][0].as_str().unwrap().contains("alice began to issue"));
}

#[test]
fn a_provider_that_is_silent_leaves_the_records() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.fake.inject(Rule::on(Call::ListKeys, Fault::Html(502)).before().always());
    let rows = json_of(&rig.alice.covault(["key", "ls", "--json"]).exits(9));
    assert_eq!((&rows[0]["secret"], &rows[0]["status"]), (&NAME.into(), &"unknown".into()));
    rig.alice.covault(["key", "ls", "--provider", "nobody"]).exits(2);
}

#[test]
fn a_key_whose_record_one_does_not_read_is_no_orphan() {
    let rig = Rig::new();
    rig.alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let bob = rig.joins("bob");
    rig.alice.covault(["share", "providers/openrouter", "bob", "--yes"]).ok();
    rig.alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    let rows = listed(&bob);
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &"hidden".into()), "{rows:#?}");
}

#[test]
fn a_key_from_elsewhere_is_taken_in_with_its_text() {
    let rig = Rig::new();
    let key = rig.fake.add_key("made in the console");
    rig.fake.change(&key.hash, |key| {
        key.limit = Some(25.into());
        key.limit_reset = Some(crate::openrouter::fake::Reset::Monthly);
    });
    let adopt = |text: &str| rig.alice.covault_fed(text.as_bytes(), ["key", "ls", "--adopt", &key.hash, "--as", NAME]);
    let another = rig.fake.add_key("another");
    for text in [another.secret.as_str(), "sk-or-v1-no-such-key", rig.fake.management_key().as_str()] {
        let said = adopt(text).exits(2);
        assert!(said.err.contains("what was given is not the key"), "{}", said.err);
        assert!(!said.err.contains(text), "a key was printed");
    }
    rig.alice.covault(["get", NAME]).exits(3);
    adopt(&format!("{}\n", key.secret)).ok();
    assert_eq!(rig.alice.get(NAME), key.secret);
    let after = rig.fake.key(&key.hash);
    assert_eq!((after.name.as_str(), after.disabled), ("made in the console", false));
    let rows = listed(&rig.alice);
    let row = of(&rows, "secret", NAME);
    assert_eq!((&row["status"], &row["id"], &row["generation"]), (&"ok".into(), &key.hash.clone().into(), &1.into()));
    let said = adopt(&key.secret).exits(2);
    assert!(said.err.contains("is prod/openrouter already"), "{}", said.err);
    rig.fake.spend(&key.hash, "5");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    assert_eq!(rig.fake.live_keys().iter().filter(|key| key.name.starts_with("made")).count(), 0);
    let next = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    assert_eq!(super::rig::limit_of(&rig.fake, &next.hash), "20 Monthly");
    rig.alice.covault_fed(b"x", ["key", "ls", "--adopt", "00ff", "--as", "ci/none"]).exits(3);
}

#[test]
fn a_name_from_elsewhere_does_not_pass_for_a_line_of_ours() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.fake.add_key("x\nprod/forged  g1  ok  openrouter\u{1b}[2J\u{202e}");
    let said = rig.alice.covault(["key", "ls"]).ok();
    let text = said.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("prod/forged")), "{text}");
    assert!(!text.contains('\u{1b}') && !said.err.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    assert!(!said.err.lines().any(|line| line.starts_with("prod/forged")), "{}", said.err);
}

#[test]
fn on_a_clone_that_is_behind_no_key_of_others_is_an_orphan() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let desktop = machine_of(&rig, "desktop");
    rig.alice.covault(["key", "rotate", NAME]).ok();
    rig.alice.covault(["key", "issue", "ci/new"]).ok();
    rig.alice.covault(["mv", "ci/new", "ci/moved"]).ok();
    rig.alice.push("main");
    let given_out = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    // Before it has heard of it, by its number; afterwards by the record that the trunk has.
    for told in ["up to key 1: covault sync", "origin/main has its record"] {
        let rows = listed(&desktop);
        let row = of(&rows, "id", &given_out.hash);
        assert_eq!((&row["status"], &row["secret"]), (&"newer".into(), &NAME.into()), "{rows:#?}");
        assert!(row["notes"][0].as_str().unwrap().contains(told), "{rows:#?}");
        let missing = of(&rows, "status", "missing");
        assert!(missing["notes"][0].as_str().unwrap().contains("covault sync"), "{rows:#?}");
        desktop.git(["fetch", "-q"]).ok();
    }
    assert_eq!(of(&listed(&desktop), "secret", "ci/new")["status"], "newer");
    desktop.covault(["sync"]).ok();
    let rows = listed(&desktop);
    assert!(rows.iter().all(|row| row["status"] == "ok"), "{rows:#?}");
}

#[test]
fn before_a_key_is_called_an_orphan_the_remote_is_asked() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let desktop = machine_of(&rig, "desktop");
    // One at a name that is new to the other clone, and one at a name that it knows with another key.
    rig.alice.covault(["key", "issue", "ci/new"]).ok();
    rig.alice.covault(["rm", NAME, "--yes"]).ok();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let shared = desktop.git(["remote", "get-url", "origin"]).ok().text();
    desktop.git(["remote", "set-url", "origin", "/nowhere"]).ok();
    let said = desktop.covault(["key", "ls"]).ok();
    assert!(said.text().contains("orphan") && said.err.contains("the remote was not asked for news"), "{}", said.err);
    assert_eq!(said.err.matches("the remote was not asked").count(), 1, "{}", said.err);
    desktop.git(["remote", "set-url", "origin", shared.trim()]).ok();
    let before = desktop.git(["rev-parse", "HEAD"]).text();
    let rows = listed(&desktop);
    for key in rig.fake.live_keys() {
        let row = of(&rows, "id", &key.hash);
        assert_eq!(row["status"], "newer", "{rows:#?}");
        assert!(row["notes"][0].as_str().unwrap().contains("covault sync"), "{rows:#?}");
    }
    assert_eq!(desktop.git(["rev-parse", "HEAD"]).text(), before, "looking brought it in");
}

#[test]
fn a_key_that_waits_for_the_trunk_is_no_orphan() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    let desktop = machine_of(&rig, "desktop");
    hook(rig.world.path(), "pre-receive", PROTECTED);
    rig.alice.covault(["key", "rotate", NAME]).ok();
    rig.alice.covault(["key", "issue", "ci/new"]).ok();
    desktop.git(["fetch", "-q"]).ok();
    let rows = listed(&desktop);
    let waiting = rows.iter().find(|row| row["generation"] == 2).unwrap();
    assert_eq!(waiting["status"], "open", "{rows:#?}");
    assert!(waiting["notes"][0].as_str().unwrap().contains("alice began to rotate it"), "{rows:#?}");
    let row = of(&rows, "secret", "ci/new");
    assert_eq!(row["status"], "newer", "{rows:#?}");
    assert!(row["notes"][0].as_str().unwrap().contains("waits for the trunk"), "{rows:#?}");
}

#[test]
fn an_orphan_that_is_taken_in_is_managed_like_any_other_key() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME, "--limit", "10/day", "--limit", "100/month"]).ok();
    let text = rig.alice.get(NAME);
    let hash = rig.fake.key_of(&text).unwrap().hash;
    rig.alice.covault(["rm", NAME, "--local-only", "--yes"]).ok();
    rig.alice.push("main");
    assert_eq!(of(&listed(&rig.alice), "id", &hash)["status"], "orphan");
    let adopt =
        |hash: &str, name: &str| rig.alice.covault_fed(text.as_bytes(), ["key", "ls", "--adopt", hash, "--as", name]);
    adopt(&hash, "ci/again").ok();
    let rows = listed(&rig.alice);
    assert_eq!(
        (rows.len(), &rows[0]["secret"], &rows[0]["status"]),
        (1, &"ci/again".into(), &"ok".into()),
        "{rows:#?}"
    );
    let shown = json_of(&rig.alice.covault(["key", "limits", "ci/again", "--json"]).ok());
    assert_eq!(shown["limits"].as_array().unwrap().len(), 2, "its guardrail is forgotten: {shown}");
    rig.alice.covault(["key", "limits", "ci/again", "--limit", "5/day"]).ok();
    assert_eq!(super::rig::limit_of(&rig.fake, &hash), "5 Daily");
    rig.alice.covault(["key", "usage"]).ok();
    rig.alice.covault(["key", "rotate", "ci/again"]).ok();
    assert_eq!((rig.fake.live_keys().len(), rig.fake.guardrails().len()), (1, 1));
    rig.alice.covault(["key", "revoke", "ci/again", "--yes"]).ok();
    assert_eq!((rig.fake.live_keys().len(), rig.fake.guardrails().len()), (0, 0));
    // Another vault's is that one's.
    let theirs = rig.fake.add_key("covault 00000000 prod/x g1 0123456789abcdef");
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    let said = rig
        .alice
        .covault_fed(theirs.secret.as_bytes(), ["key", "ls", "--adopt", &theirs.hash, "--as", "ci/theirs"])
        .exits(2);
    assert!(said.err.contains("another vault's"), "{}", said.err);
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
}
