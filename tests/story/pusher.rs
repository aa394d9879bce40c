//! Mallory can push and has no key that alice's vault knows.

use covault::model::manifest::Manifest;
use covault::model::roster::{Roster, decode};
use covault::plaintext::Plaintext;
use covault::seal::{SealedFile, SigningKey, seal};

use crate::world::{Person, World};

/// What `get` says of prod/db, which is to be refused.
#[track_caller]
fn refused(person: &Person, because: &str) {
    let said = person.covault(["get", "prod/db"]).exits(6);
    assert!(said.out.is_empty() && said.err.contains(because), "{}", said.err);
    assert!(said.err.contains("hint: "), "{}", said.err);
}

fn put_back(person: &Person) {
    person.git(["checkout", "-q", "HEAD", "--", "."]).ok();
}

#[test]
fn a_secret_in_the_place_of_another_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "for the database");
    alice.set("dev/db", "known to everybody");
    std::fs::copy(alice.file("dev/db"), alice.file("prod/db")).unwrap();
    refused(&alice, "sealed for another name");
    alice.covault(["run", "--from", "prod", "--", "true"]).exits(6);
    put_back(&alice);
    assert_eq!(alice.get("prod/db"), "for the database");
}

#[test]
fn a_secret_or_a_roster_of_another_vault_is_refused() {
    let world = World::new();
    let (alice, mallory) = (world.founder("alice"), world.founder("mallory"));
    alice.set("prod/db", "alice's");
    mallory.set("prod/db", "mallory's");
    std::fs::copy(mallory.file("prod/db"), alice.file("prod/db")).unwrap();
    refused(&alice, "sealed for another vault");
    let roster = |person: &Person| person.repo.join(".covault/roster.toml");
    std::fs::copy(roster(&mallory), roster(&alice)).unwrap();
    refused(&alice, "is another vault");
    // Nothing is sealed to her either.
    alice.covault_fed(b"new", ["set", "prod/other"]).exits(6);
    assert!(!alice.file("prod/other").exists());
    put_back(&alice);
    assert_eq!(alice.get("prod/db"), "alice's");
}

#[test]
fn a_secret_in_alices_name_with_mallorys_signature_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "alice's");
    let good = SealedFile::parse(std::fs::read(alice.file("prod/db")).unwrap()).unwrap();
    let entries = decode(&std::fs::read(alice.repo.join(".covault/roster.toml")).unwrap()).unwrap();
    let roster = Roster::from_entries(&entries).unwrap();
    let devices: Vec<_> = roster.members().map(|member| member.card.devices.as_slice()).collect();
    let text = Plaintext::from_text(&" ".repeat(1024));
    let forged = seal(Manifest::clone(good.manifest()), &text, &devices, &SigningKey::generate().unwrap()).unwrap();
    std::fs::write(alice.file("prod/db"), forged.bytes).unwrap();
    refused(&alice, "signed with a key that is not its author's");
}

/// Mallory, who has no key, puts an old file of prod/db back and pushes.
fn mallory_pushes_back(world: &World, old: &[u8]) {
    let mallory = world.newcomer("mallory");
    std::fs::write(mallory.file("prod/db"), old).unwrap();
    mallory.git(["commit", "-qam", "tidy up"]).ok();
    mallory.push("main");
}

#[test]
fn an_older_version_that_is_put_back_is_refused_and_a_restore_brings_the_value_back() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "old");
    let old = std::fs::read(alice.file("prod/db")).unwrap();
    alice.set("prod/db", "new");
    alice.push("main");
    alice.covault(["ls"]).ok();
    mallory_pushes_back(&world, &old);
    alice.git(["pull", "-q"]).ok();
    refused(&alice, "it does not follow the version that was there at");
    let diff = alice.git(["diff", "HEAD~1"]).ok().text();
    assert!(diff.contains("-value: new\n+value: old"), "{diff}");
    alice.git(["revert", "--no-edit", "HEAD"]).ok();
    assert_eq!(alice.get("prod/db"), "new");
    alice.push("main");
    // What is meant has a command of its own.
    alice.covault(["restore", "prod/db@HEAD~3"]).ok();
    assert_eq!(alice.get("prod/db"), "old");
}

#[test]
fn what_was_just_pushed_is_known_though_it_was_put_back_before_the_next_command() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "old");
    alice.push("main");
    let old = std::fs::read(alice.file("prod/db")).unwrap();
    alice.set("prod/db", "new");
    alice.push("main");
    mallory_pushes_back(&world, &old);
    alice.git(["pull", "-q"]).ok();
    refused(&alice, "it does not follow the version that was there at");
}

#[test]
fn a_removal_that_was_put_back_before_anybody_looked_is_refused_by_all_who_fetch_its_history() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "everybody's");
    alice.push("main");
    let (bob, carol) = (world.joins(&alice, "bob"), world.joins(&alice, "carol"));
    bob.git(["pull", "-q"]).ok();
    assert_eq!(carol.get("prod/db"), "everybody's");
    alice.covault(["member", "remove", "bob", "--yes"]).ok();
    alice.push("main");
    // Bob, who can push still, takes himself back.
    bob.git(["pull", "-q"]).ok();
    bob.git(["checkout", "-q", "HEAD~1", "--", ".covault"]).ok();
    bob.git(["commit", "-qm", "tidy up"]).ok();
    bob.push("main");
    for person in [&alice, &carol] {
        person.git(["pull", "-q"]).ok();
        let said = person.covault_fed(b"for the rest", ["set", "prod/new"]).exits(6);
        assert!(said.err.contains("hint:") && !person.file("prod/new").exists(), "{}", said.err);
        person.covault(["get", "prod/db"]).exits(6);
    }
    // Who never saw anything of the vault has nothing to compare it with but the history, and verify does.
    let stranger = world.newcomer("stranger");
    let said = stranger.covault(["verify", "--history"]).exits(6);
    assert!(said.text().contains("[roster-rollback]"), "{}", said.text());
}

#[test]
fn a_variable_cannot_be_given_a_value_from_the_repository() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "secret");
    let file = alice.repo.join(".covault/env/default.env");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    for line in ["URL=http://mallory.example/\n", "LD_PRELOAD=covault://prod/db\n", "PATH=covault://prod/db\n"] {
        std::fs::write(&file, line).unwrap();
        alice.covault(["run", "--", "true"]).exits(2);
    }
    std::fs::write(&file, "URL=covault://prod/db\n").unwrap();
    assert_eq!(alice.covault(["run", "--", "printenv", "URL"]).ok().text(), "secret\n");
}

#[test]
fn a_clone_is_configured_by_nothing_that_is_tracked() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "secret");
    let bob = alice.clone_for(world.stranger("bob"));
    bob.git(["config", "--get-regexp", "covault"]).exits(1);
    let attributes = std::fs::read_to_string(bob.repo.join(".git/info/attributes")).unwrap_or_default();
    assert!(!attributes.contains("covault"));
    bob.covault(["get", "prod/db"]).exits(4);
    for looking in [["ls", "--flat"], ["status", "--check"]] {
        bob.covault(looking).exits(6);
    }
    bob.take_keys_of(&alice);
    for reading in [["get", "prod/db"], ["ls", "--flat"], ["status", "--check"]] {
        bob.covault(reading).exits(6);
    }
    bob.git(["config", "--get-regexp", "covault"]).exits(1);
}

#[test]
fn a_vault_that_nobody_accepted_is_refused() {
    let world = World::new();
    let (alice, mut bob) = (world.founder("alice"), world.founder("bob"));
    alice.set("prod/db", "secret");
    bob.repo = world.path().join("bob's clone");
    let bob = alice.clone_for(bob);
    refused(&bob, "does not know the vault");
    bob.covault_fed(b"new", ["set", "prod/other"]).exits(6);
    assert!(!bob.file("prod/other").exists());
    bob.covault(["setup", "--vault", "able-able-able-able-able-able"]).exits(6);
    refused(&bob, "does not know the vault");
    let words = alice.covault(["whoami", "--json"]).ok().text();
    let words: serde_json::Value = serde_json::from_str(&words).unwrap();
    bob.covault(["setup", "--vault", words["words"].as_str().unwrap()]).ok();
    // Now it is the vault that he means, and still none of his secrets.
    bob.covault(["get", "prod/db"]).exits(4);
}

#[test]
fn what_keeps_a_diff_gets_masked_values() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("prod/db", "canary-one");
    alice.covault_fed(b"canary-two", ["set", "--no-commit", "prod/db"]).ok();
    assert!(alice.git(["diff", "--cached"]).ok().text().contains("+value: canary-two"));
    let written = alice.repo.join("diff.txt");
    alice.git(["diff", "--cached", "--output", "diff.txt"]).ok();
    let mut editor = alice.command("git");
    editor.env("GIT_EDITOR", "f() { cp \"$1\" message.txt; }; f").args(["commit", "-q", "-v", "-e", "-m", "change"]);
    assert!(editor.status().unwrap().success());
    let message = alice.repo.join("message.txt");
    alice.vars.push(("CI".to_owned(), "true".to_owned()));
    let in_ci = alice.git(["log", "-p"]).ok().text();
    let texts = [written, message].map(|file| std::fs::read_to_string(file).unwrap());
    for text in texts.iter().chain([&in_ci]) {
        assert!(text.contains("value: (hidden, ") && !text.contains("canary"), "{text}");
    }
}
