//! Management keys: who manages keys, and that no program gets one.

use super::rig::{Rig, json_of};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::{Person, Said};

fn log_in(rig: &Rig, more: &[&str]) -> Said {
    let args: Vec<&str> = ["key", "login"].iter().chain(more).copied().collect();
    rig.alice.covault_fed(rig.fake.management_key().as_bytes(), &args)
}

/// Whom the grants of management keys and of journals name.
fn managers(person: &Person) -> Vec<String> {
    ["providers", "journal"].iter().map(|place| person.covault(["grant", place]).ok().text()).collect()
}

fn head(person: &Person) -> String {
    person.git(["rev-parse", "HEAD"]).ok().text()
}

#[test]
fn a_new_management_key_changes_nothing_of_who_manages_keys() {
    let rig = Rig::new();
    let bob = rig.joins("bob");
    rig.alice.covault(["group", "set", "ops", "alice", "bob", "--yes"]).ok();
    let said = json_of(&log_in(&rig, &["--group", "ops", "--json"]).ok());
    let change = |place| serde_json::json!({ "path": place, "added": ["@ops"], "removed": ["alice"] });
    assert_eq!(said["grants"], serde_json::json!([change("providers"), change("journal")]));
    assert_eq!((&said["unchanged"], said["commit"].is_string()), (&false.into(), true), "{said}");
    rig.alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    bob.covault(["get", "providers/openrouter"]).ok();
    let (before, named) = (head(&rig.alice), managers(&rig.alice));
    assert!(named.iter().all(|named| named.contains("@ops")), "{named:?}");
    // What the hint of a refused key says to do.
    for more in [&["--dry-run"][..], &[]] {
        let said = log_in(&rig, more).ok();
        assert!(said.err.contains("nothing to change") && !said.err.contains("read by"), "{}", said.err);
    }
    assert_eq!((head(&rig.alice), managers(&rig.alice)), (before.clone(), named.clone()));
    // Another key is kept for the same people.
    let next = rig.fake.replace_management_key();
    let said = rig.alice.covault_fed(next.as_bytes(), ["key", "login"]).ok();
    assert!(said.err.contains("read by @ops"), "{}", said.err);
    assert_eq!(managers(&rig.alice), named);
}

#[test]
fn who_is_to_manage_keys_from_now_on_is_told_and_told_before() {
    let rig = Rig::new();
    rig.alice.covault(["group", "set", "ops", "alice", "--yes"]).ok();
    log_in(&rig, &["--group", "ops"]).ok();
    let (before, named) = (head(&rig.alice), managers(&rig.alice));
    let said = log_in(&rig, &["--admins", "--dry-run"]).ok();
    for place in ["providers", "journal"] {
        let line = format!("{place}/ would be read by alice from now on; it would not be read by @ops any more");
        assert!(said.err.contains(&line), "{}", said.err);
    }
    assert!(said.err.contains("would keep it as providers/openrouter"), "{}", said.err);
    assert_eq!((head(&rig.alice), managers(&rig.alice)), (before.clone(), named));
    let said = log_in(&rig, &["--admins"]).ok();
    assert!(
        said.err.contains("providers/ is read by alice from now on; it is not read by @ops any more"),
        "{}",
        said.err
    );
    assert!(said.err.contains("kept as providers/openrouter; read by alice"), "{}", said.err);
    assert_ne!(head(&rig.alice), before);
    assert!(managers(&rig.alice).iter().all(|named| !named.contains("@ops")));
    log_in(&rig, &["--admins", "--group", "ops"]).exits(2);
}

#[test]
fn a_management_key_and_a_key_that_nobody_has_yet_go_to_no_program() {
    let rig = Rig::new();
    let (alice, key) = (&rig.alice, rig.fake.management_key());
    alice.set("prod/db", "of a program");
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    alice.covault(["key", "issue", "prod/openrouter"]).exits(9);
    let folder = std::fs::read_dir(alice.repo.join(".covault/journal")).unwrap();
    let journal = folder.map(|file| file.unwrap().path()).find(|file| file.extension().is_some_and(|it| it == "age"));
    let journal = journal.unwrap().file_stem().unwrap().to_str().unwrap().to_owned();
    let refused = |args: &[&str], why: &str| {
        let said = alice.covault(args).exits(2);
        assert!(said.err.contains(why) && said.err.contains("hint: "), "{args:?}: {}", said.err);
        assert!(!said.text().contains(&key) && !said.err.contains(&key), "{args:?}");
    };
    let no_program = "providers/openrouter is kept for a provider's management key, which is handed to no program";
    refused(&["run", "--from", "providers", "--", "env"], no_program);
    refused(&["run", "--from", "providers", "--files", "--", "env"], no_program);
    refused(&["export", "--from", "providers"], no_program);
    // Anybody who may push can write such a line.
    std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
    let file = alice.repo.join(".covault/env/default.env");
    for (name, why) in [
        ("providers/openrouter", no_program.to_owned()),
        ("providers/openrouter/value", no_program.to_owned()),
        (&format!("journal/{journal}"), format!("'journal/{journal}'")),
    ] {
        std::fs::write(&file, format!("DB=covault://prod/db\nMINE=covault://{name}\n")).unwrap();
        refused(&["run", "--", "env"], &why);
        refused(&["export", "--format", "json"], &why);
        let doctor = alice.covault(["doctor"]);
        let said = format!("{}{}", doctor.text(), doctor.err);
        assert!(said.contains("default.env, line 2") && said.contains(&why), "{said}");
    }
    // Who asks for all gets all else, and hears of it.
    let said = alice.covault(["run", "--from", "/", "--", "env"]).ok();
    assert!(said.text().contains("DB=of a program") && !said.text().contains(&key), "{}", said.text());
    assert!(said.err.contains("providers/ is left out"), "{}", said.err);
    // A person who asks for it gets it, and says more of it.
    assert_eq!(alice.get("providers/openrouter"), key);
    alice.covault(["set", "providers/openrouter", "--description", "the team's account"]).ok();
    // Nothing else is put there.
    let kept = |name: &str| format!("providers/{name} is kept for the management keys of providers");
    refused(&["set", "providers/other", "--generate", "value"], &kept("other"));
    refused(&["mv", "prod/db", "providers/db"], &kept("db"));
    std::fs::write(alice.repo.join("more.env"), "TOKEN=x\n").unwrap();
    refused(&["import", "more.env", "--to", "providers"], &kept("token"));
    assert!(!alice.repo.join(".covault/env/providers.env").exists());
}
