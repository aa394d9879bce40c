//! New keys for a person: a card with one machine alone, and who may approve it.

use covault::model::card::{Card, Device};
use covault::model::names::DeviceLabel;
use covault::model::roster::Operation;
use covault::seal::sshsig::{self, Namespace};
use covault::vault::amend::Step;

use super::{all_of, json, same};
use crate::team;
use crate::world::{Person, Said, World};

/// A machine of alice's with a home of its own and a clone of the team's repository, which knows the vault.
fn machine_of_alice(world: &World, alice: &Person, called: &str) -> Person {
    let mut machine = world.newcomer(called);
    machine.name = "alice".to_owned();
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    machine.covault(["setup", "--vault", &words]).ok();
    machine
}

/// Asks with `args`, and pushes it; the words of the card.
#[track_caller]
fn asks(machine: &Person, args: &[&str]) -> String {
    let said = json(&machine.covault([&["join", "--json", "--name", "alice"], args].concat()).ok());
    machine.push("covault/join/alice");
    said["words"].as_str().unwrap().to_owned()
}

fn approves(person: &Person, card: &str) -> Said {
    person.git(["fetch", "-q"]).ok();
    person.covault(["member", "approve", "alice", "--card", card, "--yes"])
}

/// `person` with the keys that these variables name.
fn with(person: &Person, vars: &[(&str, &str)]) -> Person {
    let (name, home, repo) = (person.name.clone(), person.home.clone(), person.repo.clone());
    let own = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Person { name, home, repo, vars: person.vars.iter().cloned().chain(own).collect() }
}

/// Approving is refused, says how it goes, and leaves everything as it was.
#[track_caller]
fn cannot_approve(person: &Person, card: &str) {
    person.git(["fetch", "-q"]).ok();
    let before = all_of(person);
    for more in ["--dry-run", "--yes"] {
        let said = person.covault(["member", "approve", "alice", "--card", card, more]).exits(7);
        assert!(said.err.contains("the new card of alice lacks the key that signs here"), "{}", said.err);
        assert!(said.err.contains("hint: first add that machine: there covault join"), "{}", said.err);
    }
    same(&before, &all_of(person));
}

#[test]
fn nobody_renews_their_own_card_with_a_key_that_is_not_on_the_new_one() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "value of db");
    alice.git(["push", "-q"]).ok();
    // From the old laptop, for a new one.
    let new = machine_of_alice(&world, &alice, "new laptop");
    let card = asks(&new, &["--renew", "--device", "new"]);
    cannot_approve(&alice, &card);
    // On one machine, with new keys beside the present ones.
    let (identity, signing) = (world.path().join("new.txt"), world.path().join("new_signing"));
    let beside = [
        ("COVAULT_IDENTITY_FILE", identity.to_str().unwrap()),
        ("COVAULT_SIGNING_KEY_FILE", signing.to_str().unwrap()),
    ];
    let same_machine = with(&alice, &beside);
    let card = json(&same_machine.covault(["join", "--renew", "--json", "--device", "again", "--name", "alice"]).ok());
    cannot_approve(&alice, card["words"].as_str().unwrap());
    assert_eq!(alice.get("prod/db"), "value of db");
    alice.covault(["verify", "--history"]).ok();
}

#[test]
fn a_paper_key_brings_a_new_laptop_aboard_in_two_steps_and_not_in_one() {
    let world = World::new();
    let alice = world.person("alice");
    let said = alice.covault(["init", "--name", "alice", "--vault-name", "acme", "--device", "laptop", "--recovery"]);
    let paper = said.ok().text();
    alice.set("prod/db", "value of db");
    alice.git(["clone", "-q", "--bare", ".", world.shared().to_str().unwrap()]).ok();
    let new = machine_of_alice(&world, &alice, "new laptop");
    let on_paper = with(&new, &[("COVAULT_IDENTITY", &paper)]);

    let card = asks(&new, &["--renew", "--device", "new"]);
    cannot_approve(&on_paper, &card);
    assert_eq!(on_paper.get("prod/db"), "value of db");

    let card = asks(&new, &["--device", "new"]);
    on_paper.git(["fetch", "-q"]).ok();
    let planned = json(&on_paper.covault(["member", "approve", "alice", "--card", &card, "--dry-run", "--json"]).ok());
    assert_eq!(planned["secrets"][0]["gains"], serde_json::json!(["alice"]), "{planned}");
    assert_eq!(planned["secrets"][0]["losses"], serde_json::json!([]), "one more device takes nothing: {planned}");
    let said = approves(&on_paper, &card).ok();
    assert!(!said.err.contains("no longer sealed"), "{}", said.err);
    assert_eq!(new.get("prod/db"), "value of db");
    new.git(["push", "-q"]).ok();
    let card = asks(&new, &["--renew", "--device", "new"]);
    let said = approves(&new, &card).ok();
    assert!(said.err.contains("laptop") && said.err.contains("paper"), "which devices end: {}", said.err);
    assert!(said.err.contains("no longer sealed to an earlier key of alice's: 1 secret: prod/db"), "{}", said.err);
    assert_eq!(new.get("prod/db"), "value of db");
    new.set("prod/db", "changed on the new laptop");
    new.covault(["verify", "--history"]).ok();
    // What was lost opens nothing that is written from now on.
    new.git(["push", "-q"]).ok();
    team::pull(&alice, &new);
    alice.covault(["get", "prod/db"]).exits(4);
    on_paper.covault(["get", "prod/db"]).exits(4);
}

#[test]
fn another_admin_or_the_same_signing_key_approves_new_keys_at_once() {
    let world = World::new();
    let alice = world.team("alice");
    let bob = world.joins(&alice, "bob");
    alice.covault(["member", "role", "bob", "admin", "--yes"]).ok();
    alice.set("prod/db", "value of db");
    alice.git(["push", "-q"]).ok();
    // A new identity, and the signing key that is on the card: what is sealed again is signed by it.
    let identity = world.path().join("new.txt");
    let renewed = with(&alice, &[("COVAULT_IDENTITY_FILE", identity.to_str().unwrap())]);
    let card = asks(&renewed, &["--renew", "--device", "laptop"]);
    approves(&alice, &card).ok();
    assert_eq!(renewed.get("prod/db"), "value of db");
    alice.covault(["get", "prod/db"]).exits(4);
    renewed.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    // All of alice's keys are lost.
    let new = machine_of_alice(&world, &bob, "new laptop");
    let card = asks(&new, &["--renew", "--device", "new"]);
    approves(&bob, &card).ok();
    bob.git(["push", "-q"]).ok();
    new.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!((new.get("prod/db"), bob.get("prod/db")), ("value of db".to_owned(), "value of db".to_owned()));
    new.covault(["verify", "--history"]).ok();
}

#[test]
fn who_comes_back_with_the_keys_of_a_removed_member_is_told_so() {
    let world = World::new();
    let alice = world.team("alice");
    let carol = world.joins(&alice, "carol");
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    let line = alice.covault(["member", "invite", "carol2"]).ok().text();
    for args in [&["join", "--invite", line.trim()][..], &["join", "--name", "carol2"]] {
        let said = carol.covault(args).exits(7);
        assert!(said.err.contains("the roster refuses that: a key of the card is carol's"), "{}", said.err);
        assert!(said.err.contains("hint: keys belong to one member; as carol's they stay"), "{}", said.err);
    }
    // As the hint says.
    let (identity, signing) = (world.path().join("new.txt"), world.path().join("new_signing"));
    let beside = [
        ("COVAULT_IDENTITY_FILE", identity.to_str().unwrap()),
        ("COVAULT_SIGNING_KEY_FILE", signing.to_str().unwrap()),
    ];
    with(&carol, &beside).covault(["join", "--invite", line.trim()]).ok();
}

#[test]
fn what_would_be_refused_under_the_new_roster_is_not_put_in_place() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "value of db");
    alice.git(["push", "-q"]).ok();
    let phone = machine_of_alice(&world, &alice, "phone");
    let card = asks(&phone, &["--device", "phone"]);
    approves(&alice, &card).ok();
    team::pull(&phone, &alice);
    let before = std::fs::read(phone.file("prod/db")).unwrap();

    // Worked out on the laptop, whose key stays, and carried out by the phone, whose key ends with it.
    let (laptop, how) = (team::vault(&alice), team::how());
    let member = laptop.roster().members().next().unwrap();
    let stays = member.card.devices.iter().find(|device| device.label.as_str() == "laptop").unwrap();
    // The card with the laptop alone was there before.
    let stays = Device { label: DeviceLabel::parse("old").unwrap(), ..stays.clone() };
    let card = Card { devices: vec![stays], ..member.card.clone() };
    let signer = team::home(&alice).signer().unwrap().unwrap();
    let signature = sshsig::sign(&signer, Namespace::Card, card.encode().as_bytes()).unwrap();
    let operation = Operation::Renew { member: member.reference(), card, live: Vec::new() };
    let amendment = laptop.amendment(vec![Step { operation, card_signature: Some(signature) }], &how).unwrap();
    let vault = team::vault(&phone);
    let amended = vault.amend(vault.writing(&how).unwrap(), amendment, Vec::new(), "a renewal", &|| ()).unwrap();
    assert_eq!(amended.sealed, 0);
    let [(file, why)] = amended.refused.as_slice() else { panic!("{:?}", amended.refused) };
    assert_eq!(file, ".covault/secrets/prod/db.age");
    assert!(why.contains("signed with a key that is not"), "{why}");
    assert!(std::fs::read(phone.file("prod/db")).unwrap() == before);
    // It waits for who can: the laptop.
    team::pull(&alice, &phone);
    assert_eq!(alice.get("prod/db"), "value of db");
    alice.covault(["rekey"]).ok();
    alice.covault(["verify", "--history"]).ok();
    assert_eq!(alice.get("prod/db"), "value of db");
}
