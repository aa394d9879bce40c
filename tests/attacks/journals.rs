//! Journals in the hands of who may push: damaged, in the place of secrets, put back.

use covault::model::names::FieldName;
use covault::model::register::{Key, Value};
use covault::vault::draft::Draft;
use covault::vault::verify::{self, Also, What};

use crate::cli::json;
use crate::team::{journal, journal_file};
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, World};

const NAME: &str = "4f1d00aa00bb00cc";
const FILE: &str = ".covault/journal/4f1d00aa00bb00cc.age";
const DB: &str = ".covault/secrets/prod/db.age";

fn alice(world: &World) -> Person {
    let alice = world.team("alice");
    alice.set("prod/db", "the password of the database");
    journal(&alice, NAME, &[("minted", "the key that was minted")]);
    alice.git(["push", "-q"]).ok();
    alice
}

/// Both verifiers find these, as code and file, in what is committed.
#[track_caller]
fn both_find(person: &Person, expected: &[(&str, &str)]) {
    let found = json(&person.covault(["verify", "--json"]).exits(6));
    let texts = |found: &serde_json::Value| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        found["findings"].as_array().unwrap().iter().map(|f| (text(&f["code"]), text(&f["path"]))).collect()
    };
    let expected: Vec<_> = expected.iter().map(|(code, path)| (code.to_string(), path.to_string())).collect();
    assert_eq!(texts(&found), expected, "{found:#}");
    if can_judge() {
        let said = second_opinion(&person.repo, &[]);
        assert_eq!(texts(&said).len(), expected.len(), "{said:#}");
    }
}

fn commit(person: &Person) {
    person.git(["add", "-A", "-f"]).ok();
    person.git(["commit", "-q", "-m", "damage"]).ok();
}

#[test]
fn a_byte_flipped_anywhere_in_a_journal_is_found_and_its_file_is_named() {
    let world = World::new();
    let alice = alice(&world);
    let file = journal_file(&alice, NAME);
    let good = std::fs::read(&file).unwrap();
    // Only who has a key can tell whether the header's MAC is good: no hash and no signature is over it.
    let mac = good.windows(5).position(|bytes| bytes == b"\n--- ").map(|at| at + 5..at + 48).unwrap();
    for place in (0..good.len()).filter(|place| !mac.contains(place)) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        let found = verify::verify(&alice.repo, None, None, What::Work, Also::default()).unwrap();
        let named: Vec<_> = found.findings.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(named, [FILE], "byte {place}");
    }
    let mut bad = good.clone();
    bad[mac.start] ^= 1;
    std::fs::write(&file, &bad).unwrap();
    alice.covault(["get", &format!("journal/{NAME}/minted")]).exits(6);
    let half = good.len() / 2;
    bad.clone_from(&good);
    bad[half] ^= 1;
    std::fs::write(&file, &bad).unwrap();
    alice.covault(["get", &format!("journal/{NAME}/minted")]).exits(6);
    let refused = json(&alice.covault(["status", "--json"]).ok())["refused"].clone();
    assert!(refused.to_string().contains(&format!("journal/{NAME}")), "{refused:#}");
    commit(&alice);
    both_find(&alice, &[("form", FILE)]);
}

#[test]
fn a_journal_in_the_place_of_a_secret_and_the_other_way_round() {
    let world = World::new();
    let alice = alice(&world);
    let (one, other) = (journal_file(&alice, NAME), alice.file("prod/db"));
    let (minted, db) = (std::fs::read(&one).unwrap(), std::fs::read(&other).unwrap());
    std::fs::write(&other, &minted).unwrap();
    commit(&alice);
    both_find(&alice, &[("path", DB)]);
    let said = alice.covault(["get", "prod/db"]).exits(6);
    assert!(said.out.is_empty() && said.err.contains("sealed for another name"), "{}", said.err);
    std::fs::write(&other, &db).unwrap();
    std::fs::write(&one, &db).unwrap();
    commit(&alice);
    both_find(&alice, &[("path", FILE)]);
    alice.covault(["get", &format!("journal/{NAME}")]).exits(6);
    std::fs::write(&one, &minted).unwrap();
    // The name that a journal has is no secret's, wherever its file lies.
    let place = alice.repo.join(".covault/secrets").join(format!("journal/{NAME}.age"));
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, &minted).unwrap();
    commit(&alice);
    both_find(&alice, &[("file", ".covault/secrets/journal/4f1d00aa00bb00cc.age")]);
    std::fs::remove_file(&place).unwrap();
    let place = journal_file(&alice, "another");
    std::fs::write(&place, &minted).unwrap();
    commit(&alice);
    both_find(&alice, &[("path", ".covault/journal/another.age")]);
}

#[test]
fn an_older_journal_in_the_place_of_a_newer_one_and_one_that_is_gone() {
    let world = World::new();
    let alice = alice(&world);
    let old = std::fs::read(journal_file(&alice, NAME)).unwrap();
    journal(&alice, NAME, &[("minted", "the key that was minted after that")]);
    alice.git(["push", "-q"]).ok();
    alice.covault(["status"]).ok();
    let field = format!("journal/{NAME}/minted");
    std::fs::write(journal_file(&alice, NAME), &old).unwrap();
    commit(&alice);
    let said = alice.covault(["get", &field]).exits(6);
    assert!(said.out.is_empty(), "{}", said.err);
    let found = json(&alice.covault(["verify", "--history", "--json"]).exits(6));
    assert_eq!(found["findings"][0]["code"], "rollback", "{found:#}");
    if can_judge() {
        assert_eq!(second_opinion(&alice.repo, &["--history"])["findings"][0]["code"], "rollback");
    }
    // What staged it is told before there is a commit.
    alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    std::fs::write(journal_file(&alice, NAME), &old).unwrap();
    alice.git(["add", "-A"]).ok();
    let said = alice.covault(["verify", "--staged"]).exits(6);
    assert!(said.text().contains(FILE) || said.err.contains(FILE), "{} {}", said.text(), said.err);
    alice.git(["rm", "-q", "-f", FILE]).ok();
    alice.covault(["verify", "--staged"]).exits(6);
    commit(&alice);
    let found = json(&alice.covault(["verify", "--history", "--json"]).exits(6));
    assert_eq!(found["findings"][0]["code"], "removed", "{found:#}");
    // Who goes on with it goes on from what the trunk had.
    journal(&alice, NAME, &[("note", "seen again after it was gone")]);
    assert_eq!(alice.get(&field), "the key that was minted after that");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_folder_is_refused() {
    let world = World::new();
    let alice = alice(&world);
    let folder = alice.repo.join(".covault/journal");
    std::fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("secrets/prod", &folder).unwrap();
    alice.covault(["verify"]).exits(6);
    commit(&alice);
    both_find(&alice, &[("file", ".covault/journal")]);
}

/// A writer moves a secret to a journal's name by a tombstone that no command makes, begins the journal as the same
/// secret, and changes the secret at its old name: where that is a secret's name, the change is brought along.
#[test]
fn a_secret_that_says_it_moved_to_where_journals_are_brings_nothing_there() {
    for (name, is_brought) in [("journal/4f1d", false), ("prod/other", true)] {
        let world = World::new();
        let alice = world.team("alice");
        for value in ["first", "second", "third", "fourth"] {
            alice.set("prod/db", &format!("the {value} password of the database"));
        }
        let (vault, how) = (crate::team::vault(&alice), crate::team::how());
        let path = |name: &str| covault::model::names::SecretPath::parse(name).unwrap();
        let writing = vault.writing(&how).unwrap();
        let mut old = Draft::after(vault.secret(&path("prod/db")).unwrap());
        let mut new = Draft::birth(vault.roster().vault, path(name));
        new.document = old.document.at(path(name));
        let mut buried = old.document.clone();
        let grave = buried.tombstone_value(Some(&path(name)));
        buried.bury(vault.write_of(&Key::State, grave, true, how.now).unwrap());
        let field = Key::Field(FieldName::parse("user").unwrap());
        let value = Value::text("written meanwhile at the old name");
        old.document.put(&field, vault.write_of(&field, value, false, how.now).unwrap());
        old.document = old.document.join(&buried);
        writing.finish(&[old, new], Vec::new(), "a move that no command makes").unwrap();
        let file = alice.repo.join(".covault").join(path(name).file());
        let before = std::fs::read(&file).unwrap();
        alice.set("other", "something else");
        assert_eq!(std::fs::read(&file).unwrap() != before, is_brought, "{name}");
        alice.covault(["verify", "--history"]).ok();
    }
}
