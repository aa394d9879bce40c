//! Journals beside secrets: nobody lists them, nobody writes them by hand, and whatever guards secrets guards them.

use covault::model::roster::{Operation, Role};
use serde_json::Value;

use super::json;
use crate::merge::rig::{grants, reference};
use crate::team;
use crate::world::{Person, World};

const NAME: &str = "4f1d00aa00bb00cc";
const MINTED: &str = "the key that was minted and is nowhere else";

/// alice with a secret and an open journal.
fn alice(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", "the password of the database");
    team::journal(&alice, NAME, &[("minted", MINTED)]);
    alice
}

fn lists(said: &Value, key: &str) -> bool {
    said[key].to_string().contains("journal")
}

#[test]
fn a_journal_is_no_secret_that_anybody_lists() {
    let world = World::new();
    let alice = alice(&world);
    assert!(team::journal_file(&alice, NAME).is_file());
    assert_eq!(alice.get(&format!("journal/{NAME}/minted")), MINTED);
    for args in [
        &["ls", "--flat"][..],
        &["ls", "journal"],
        &["ls", "--tag", "x"],
        &["log"],
        &["log", "--json"],
        &["diff", "HEAD~1", "HEAD"],
        &["who", "--json"],
        &["who", "--can", "alice", "--json"],
        &["export", "--from", "prod", "--format", "json"],
        &["export", "--from", "journal", "--format", "json"],
        &["run", "--from", "prod", "--", "env"],
        &["rotate", "--due"],
        &["resolve", "--json"],
        &["expose", "--json"],
    ] {
        let said = alice.covault(args);
        let text = format!("{}{}", said.text(), said.err);
        assert!(said.code == 0 || args.contains(&"journal"), "{args:?}: {text}");
        assert!(!text.contains(NAME) && !text.contains(MINTED), "{args:?}: {text}");
    }
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert_eq!((&status["secrets"], &status["strangers"]), (&1.into(), &serde_json::json!([])), "{status:#}");
    assert!(!status.to_string().contains("journal"), "{status:#}");
    // Who names it sees it.
    assert!(alice.covault(["log", &format!("journal/{NAME}")]).ok().text().contains("alice"));
    assert!(
        json(&alice.covault(["diff", "HEAD~1", "HEAD", "--json", "--", "journal"]).ok()).to_string().contains(NAME)
    );
    assert!(json(&alice.covault(["who", &format!("journal/{NAME}"), "--json"]).ok()).to_string().contains("alice"));
    let said = alice.covault(["get", "journal/4f1d"]).exits(3);
    assert!(!said.err.contains(NAME), "{}", said.err);
    // git shows it as it shows a secret.
    assert!(alice.git(["diff", "HEAD~1", "--", ".covault/journal"]).ok().text().contains("minted"));
    alice.covault(["verify", "--history"]).ok();
    assert_eq!(json(&alice.covault(["verify", "--json"]).ok())["files"], 2);
}

#[test]
fn nobody_writes_below_journal_by_hand() {
    let world = World::new();
    let alice = alice(&world);
    std::fs::write(alice.repo.join("in.env"), "DB=x-value-of-a-variable\n").unwrap();
    let there = format!("journal/{NAME}");
    let before = super::head(&alice);
    for args in [
        &["set", "journal", "value=x"][..],
        &["set", "journal/x", "value=x"],
        &["set", "journal/a/b", "value=x"],
        &["set", &there, "minted=x"],
        &["edit", "journal/x", "--on-disk"],
        &["edit", &there, "--on-disk"],
        &["rm", &there],
        &["mv", "prod/db", "journal"],
        &["mv", "prod/db", "journal/x"],
        &["mv", &there, "prod/minted"],
        &["import", "in.env", "--to", "journal"],
        &["restore", &there],
        &["rotate", &there, "--stdin"],
        &["share", &there, "bob"],
        &["unshare", &there, "bob"],
    ] {
        let said = alice.covault(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        assert!(said.err.contains("kept for journals"), "{args:?}: {}", said.err);
    }
    // What only begins like it is anybody's.
    alice.set("journals/x", "a value of no journal");
    assert_eq!(super::head(&alice), alice.git(["rev-parse", "HEAD"]).ok().text().trim());
    assert_ne!(super::head(&alice), before);
    // Undoing a commit undoes what it did to secrets.
    team::journal(&alice, NAME, &[("minted", "another key that was minted")]);
    let said = alice.covault(["restore", "--commit", "HEAD"]).ok();
    assert!(said.err.contains("is no secret and stays as it is"), "{}", said.err);
    assert_eq!(alice.get(&format!("{there}/minted")), "another key that was minted");
    // Who reads them is granted as for any folder.
    alice.covault(["grant", "journal/", "alice", "--yes"]).ok();
    let grants = json(&alice.covault(["grant", "--json"]).ok());
    assert!(grants.to_string().contains("\"journal\""), "{grants:#}");
    alice.covault(["verify", "--history"]).ok();
}

#[test]
fn a_journal_is_sealed_again_without_who_left() {
    let world = World::new();
    let alice = alice(&world);
    team::admit(&world, &alice, "bob", Role::Writer);
    let readers = || -> Vec<String> {
        let manifest = covault::seal::peek_manifest(&std::fs::read(team::journal_file(&alice, NAME)).unwrap()).unwrap();
        manifest.readers.iter().map(|reader| reader.name.to_string()).collect()
    };
    assert_eq!(readers(), ["alice", "bob"]);
    let member = reference(&alice, "bob");
    team::amend(&alice, vec![Operation::Remove { member, live: Vec::new() }.into()], "covault: remove bob");
    assert_eq!(readers(), ["alice"]);
    // The value that was minted is one that bob knows, as long as the journal has it.
    let exposed = json(&alice.covault(["expose", "bob", "--json"]).ok());
    assert!(lists(&exposed, "exposed"), "{exposed:#}");
    let left = json(&alice.covault(["rotate", "--exposed-to", "bob", "--yes", "--json"]).exits(8));
    assert!(left["left"].to_string().contains("covault key resume"), "{left:#}");
    // One that was emptied counts for nothing, nor does one that is over.
    team::empty_journal(&alice, NAME, "minted");
    let exposed = json(&alice.covault(["expose", "bob", "--json"]).ok());
    assert!(!exposed.to_string().contains("journal"), "{exposed:#}");
    team::journal(&alice, NAME, &[("minted", "a key that bob never saw")]);
    team::end_journal(&alice, NAME);
    let exposed = json(&alice.covault(["expose", "bob", "--json"]).ok());
    assert!(!exposed.to_string().contains("journal"), "{exposed:#}");
    let mut others = exposed["exposed"].as_array().unwrap().iter();
    assert!(others.all(|one| one["secret"] == "prod/db"), "{exposed:#}");
    let vault = team::vault(&alice);
    assert!(vault.journals().unwrap().is_empty());
    // It is over, and stays so.
    let how = team::how();
    let path = covault::model::names::SecretPath::parse(&format!("journal/{NAME}")).unwrap();
    assert!(vault.writing(&how).unwrap().journal(&path).is_err());
    alice.covault(["verify", "--history"]).ok();
}

#[test]
fn a_grant_decides_who_reads_journals() {
    let world = World::new();
    let alice = world.founder("alice");
    team::admit(&world, &alice, "bob", Role::Writer);
    grants(&alice, "journal", &["alice"]);
    team::journal(&alice, NAME, &[("minted", MINTED)]);
    let who = json(&alice.covault(["who", &format!("journal/{NAME}"), "--json"]).ok());
    assert!(!who.to_string().contains("bob"), "{who:#}");
}

#[test]
fn a_clone_that_was_set_up_before_there_were_journals_gets_the_new_lines() {
    let world = World::new();
    let alice = world.founder("alice");
    let (info, tracked) = (alice.repo.join(".git/info/attributes"), alice.repo.join(".gitattributes"));
    let without = |file: &std::path::Path| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: String = text.lines().filter(|l| !l.contains("journal")).map(|l| format!("{l}\n")).collect();
        assert_ne!(lines, text, "it had no line for journals");
        std::fs::write(file, lines).unwrap();
    };
    without(&info);
    without(&tracked);
    alice.git(["commit", "-q", "-am", "as it was"]).ok();
    let said = alice.covault(["doctor"]).exits(8).text();
    assert!(said.contains("BAD  info/attributes") && said.contains("look .gitattributes"), "{said}");
    alice.set("a", "whatever it may be");
    alice.covault(["doctor"]).ok();
    let line =
        |file: &std::path::Path| std::fs::read_to_string(file).unwrap().contains("**/.covault/journal/** -text ");
    assert!(line(&info) && line(&tracked));
    assert!(alice.git(["show", "HEAD:.gitattributes"]).ok().text().contains("journal/** -text -merge diff=covault"));
    std::fs::write(alice.repo.join(".covault/.gitattributes"), "journal/** filter=evil\n").unwrap();
    std::fs::write(&info, "").unwrap();
    assert!(alice.covault(["doctor"]).exits(8).text().contains("BAD  attributes"));
    std::fs::remove_file(alice.repo.join(".covault/.gitattributes")).unwrap();
    alice.covault(["setup"]).ok();
    alice.covault(["setup", "--undo"]).ok();
    assert!(!line(&info));
}

#[test]
fn a_scan_knows_what_a_journal_holds_and_its_file_for_a_sealed_one() {
    let world = World::new();
    let alice = alice(&world);
    alice.covault(["scan"]).ok();
    std::fs::write(alice.repo.join("notes.txt"), format!("key = {MINTED}\n")).unwrap();
    alice.git(["add", "notes.txt"]).ok();
    let said = alice.covault(["scan"]).exits(8);
    assert!(said.text().contains(&format!("journal/{NAME}")), "{} {}", said.text(), said.err);
}

#[test]
fn what_is_no_journal_in_its_folder_is_a_stranger() {
    let world = World::new();
    let alice = alice(&world);
    let bytes = std::fs::read(team::journal_file(&alice, NAME)).unwrap();
    for file in ["journal/a/b.age", "journal/notes.txt", "secrets/journal/x.age", "secrets/journal.age"] {
        let place = alice.repo.join(".covault").join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&place, &bytes).unwrap();
        let strangers = json(&alice.covault(["status", "--json"]).ok())["strangers"].clone();
        assert_eq!(strangers, serde_json::json!([format!(".covault/{file}")]));
        let found = json(&alice.covault(["verify", "--json"]).exits(6));
        assert_eq!(found["findings"][0]["code"], "file", "{found:#}");
        std::fs::remove_file(&place).unwrap();
    }
    alice.covault(["verify"]).ok();
}
