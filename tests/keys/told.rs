//! What is said: one document for a program, refusals before anything is made, and next steps that lead on.

use super::rig::{Rig, json_of};
use crate::openrouter::fake::{Call, Fault, Rule};

const NAME: &str = "prod/openrouter";

#[test]
fn a_variable_that_no_program_could_be_given_is_refused_before_a_key_is_made() {
    let rig = Rig::new();
    for variable in ["A B", "1X", "", "LD_PRELOAD"] {
        for args in [
            &["key", "issue", "ci/a"][..],
            &["key", "issue", "ci/a", "--dry-run"],
            &["key", "ensure", "ci/a"],
            &["key", "issue", "ci/a", "--provider", "manual"],
        ] {
            let said = rig.alice.covault(args.iter().chain(&["--env", variable])).exits(2);
            assert!(said.err.contains("a name like DATABASE_URL"), "{args:?} {variable:?}: {}", said.err);
        }
    }
    assert!(rig.fake.keys().is_empty());
    rig.alice.covault(["key", "issue", "ci/a", "--env", "OPENROUTER_API_KEY"]).ok();
    rig.alice.covault(["run", "--from", "ci", "--", "sh", "-c", "test -n \"$OPENROUTER_API_KEY\""]).ok();
}

#[test]
fn a_deletion_of_several_is_one_document() {
    let rig = Rig::new();
    let names = ["ci/a", "ci/b"];
    names.iter().for_each(|name| drop(rig.alice.covault(["key", "issue", name]).ok()));
    let rm = |more: &str| json_of(&rig.alice.covault(["rm", "ci/a", "ci/b", more, "--json"]).ok());
    for (more, done, left) in [("--dry-run", false, 2), ("--yes", true, 0)] {
        let said = rm(more);
        let revoked = said["revoked"].as_array().unwrap();
        let secrets: Vec<_> = revoked.iter().map(|one| (one["secret"].clone(), one["done"].clone())).collect();
        assert_eq!(secrets, names.map(|name| (name.into(), done.into())), "{said}");
        assert_eq!((&said["dry_run"], rig.fake.live_keys().len()), (&(!done).into(), left));
    }
}

#[test]
fn which_keys_a_departure_replaces_is_said_before_and_afterwards() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME]).ok();
    rig.alice.set("prod/db", "of a person");
    rig.alice.push("main");
    rig.joins("carol");
    let said = rig.alice.covault(["member", "remove", "carol", "--dry-run"]).ok();
    let line = "keys at providers that carol knows would get new ones, and die: 1 secret: prod/openrouter";
    assert!(said.err.contains(line), "{}", said.err);
    let said = rig.alice.covault(["member", "remove", "carol", "--dry-run", "--keep-keys"]).ok();
    assert!(said.err.contains("would stay as they are: 1 secret: prod/openrouter"), "{}", said.err);
    let said = json_of(&rig.alice.covault(["member", "remove", "carol", "--dry-run", "--json"]).ok());
    assert_eq!(said["keys"], serde_json::json!({ "known": [NAME], "rotated": [], "left": [] }));
    assert_eq!(rig.fake.keys().len(), 1, "a dry run had a key made");
    let said = json_of(&rig.alice.covault(["member", "remove", "carol", "--yes", "--json"]).ok());
    assert_eq!(said["keys"], serde_json::json!({ "known": [NAME], "rotated": [NAME], "left": [] }));
    assert_eq!(said["name"], "carol");
}

#[test]
fn a_dry_run_of_going_on_says_what_is_open_and_which_way_it_would_go() {
    let rig = Rig::new();
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    rig.alice.covault(["key", "issue", NAME]).exits(9);
    rig.fake.clear_rules();
    for (way, would) in
        [(&[][..], "would issue prod/openrouter"), (&["--roll-back"], "would take back what alice began")]
    {
        let said = rig.alice.covault(["key", "resume", "--dry-run"].iter().chain(way)).ok();
        assert!(said.err.contains(would), "{}", said.err);
        assert!(!said.err.contains("nothing is open any more"), "{}", said.err);
    }
    let said = rig.alice.covault(["key", "resume", "--roll-back"]).ok();
    assert!(said.err.contains("nothing is open any more"), "{}", said.err);
    let said = rig.alice.covault(["key", "resume", "--dry-run"]).ok();
    assert!(said.err.contains("nothing is open any more"), "{}", said.err);
}

#[test]
fn who_reads_no_journal_is_not_told_that_nothing_is_open() {
    let rig = Rig::new();
    let bob = rig.joins("bob");
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    rig.alice.covault(["key", "issue", NAME]).exits(9);
    for args in [&["key", "resume"][..], &["key", "resume", NAME]] {
        let said = bob.covault(args).exits(4);
        assert!(said.err.contains("journals that are not sealed to you"), "{}", said.err);
        assert!(said.err.contains("covault grant journal"), "{}", said.err);
    }
}

#[test]
fn what_the_provider_has_otherwise_comes_with_the_command_that_mends_it() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", NAME, "--limit", "10/day", "--expires", "30d"]).ok();
    let key = rig.fake.key_of(&rig.alice.get(NAME)).unwrap();
    let told = |mend: &str| {
        for said in [rig.alice.covault(["key", "usage"]), rig.alice.covault(["key", "ls"])] {
            assert!(said.err.contains(mend), "{mend}: {}", said.err);
            let is_about_limits = said.err.contains("--apply");
            assert_eq!(is_about_limits, mend.contains("--apply"), "{}", said.err);
        }
    };
    rig.fake.change(&key.hash, |key| key.disabled = true);
    told("covault key enable prod/openrouter switches it on again, covault key disable prod/openrouter notes it");
    rig.alice.covault(["key", "enable", NAME]).ok();
    rig.fake.change(&key.hash, |key| key.expires_at = Some("2099-01-01T00:00:00Z".parse().unwrap()));
    told("covault key rotate prod/openrouter");
    rig.fake.change(&key.hash, |now| (now.expires_at, now.limit) = (key.expires_at, Some(99.into())));
    told("covault key limits prod/openrouter --apply");
    rig.alice.covault(["key", "limits", NAME, "--apply"]).ok();
    let said = rig.alice.covault(["key", "ls"]).ok();
    assert!(!said.err.contains("covault key"), "{}", said.err);
}

#[test]
fn a_name_that_is_taken_comes_with_what_helps_there() {
    let rig = Rig::new();
    let alice = &rig.alice;
    alice.covault(["key", "issue", NAME]).ok();
    let said = alice.covault(["key", "issue", NAME]).exits(2);
    assert!(said.err.contains("hint: covault key rotate prod/openrouter gives it another key"), "{}", said.err);
    alice.set("prod/db", "of a person");
    for more in [&[][..], &["--provider", "manual"]] {
        let said = alice.covault(["key", "issue", "prod/db"].iter().chain(more)).exits(2);
        assert!(said.err.contains("hint: for a first key choose another name"), "{}", said.err);
    }
    alice.covault(["mv", NAME, "prod/moved"]).ok();
    let said = alice.covault(["key", "issue", NAME]).exits(3);
    assert!(said.err.contains("hint: covault key rotate prod/moved"), "{}", said.err);
    let said = alice.covault(["rm", "prod/moved", "prod/db"]).exits(7);
    assert!(said.err.contains("hint: covault rm prod/db prod/moved --yes"), "{}", said.err);
    alice.covault(["rm", "prod/db", "prod/moved", "--yes"]).ok();
    assert!(rig.fake.live_keys().is_empty());
}
