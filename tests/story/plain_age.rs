//! Nobody is locked in: whatever wrote a secret, plain age opens its file for each reader that it names, and for nobody
//! else.

use std::path::PathBuf;

use covault::model::roster::Role;
use covault::seal::peek_manifest;

use crate::faults::rig::files;
use crate::team::{admit, pull};
use crate::world::{Person, World, have};

/// Every sealed file of alice's vault, opened with each person's identity by the program age.
#[track_caller]
fn age_agrees(alice: &Person, people: &[&Person], after: &str) {
    let sealed: Vec<PathBuf> = files(&alice.repo.join(".covault/secrets"));
    assert!(!sealed.is_empty());
    for file in sealed {
        let manifest = peek_manifest(&std::fs::read(&file).unwrap()).unwrap();
        for person in people {
            let said = alice.command("age").arg("-d").arg("-i").arg(person.identity()).arg(&file).output().unwrap();
            let reads = manifest.readers.iter().any(|reader| reader.name.as_str() == person.name);
            let at = format!("{after}: {} as {}", file.display(), person.name);
            assert_eq!(said.status.success(), reads, "{at}: {}", String::from_utf8_lossy(&said.stderr));
            let text = String::from_utf8_lossy(&said.stdout);
            assert_eq!(text.contains(&format!("path = \"{}\"", manifest.path)), reads, "{at}");
        }
    }
}

/// What plain age prints of a secret, for alice.
fn printed(alice: &Person, name: &str) -> String {
    let said = alice.command("age").arg("-d").arg("-i").arg(alice.identity()).arg(alice.file(name)).output().unwrap();
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[test]
fn plain_age_opens_what_any_command_wrote_for_its_readers_and_for_nobody_else() {
    if !have("age") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    let bob = admit(&world, &alice, "bob", Role::Writer);
    let carol = admit(&world, &alice, "carol", Role::Writer);
    let people = [&alice, &bob, &carol];
    let bytes = alice.home.join("bytes");
    std::fs::write(&bytes, [0, 159, 146, 150, 255]).unwrap();
    let from_file = format!("value={}", bytes.display());
    alice.set("prod/db", "the first value of it");
    alice.covault_fed(b"ONE=the value of one\n", ["import", "-", "--format", "dotenv"]).ok();
    let commands: &[&[&str]] = &[
        &["set", "prod/db", "user=app", "--tag", "web"],
        &["set", "prod/key", "--file", &from_file],
        &["set", "prod/made", "--generate", "value"],
        &["grant", "prod", "alice", "--yes"],
        &["share", "prod/db", "bob", "--yes"],
        &["rekey", "prod/key", "--yes"],
        &["mv", "prod/made", "dev/made", "--yes"],
        &["rm", "prod/key"],
        &["restore", "prod/key"],
        &["unshare", "prod/db", "bob", "--yes"],
        &["rotate", "dev/made", "--yes"],
        &["member", "remove", "carol", "--yes"],
    ];
    for args in commands {
        alice.covault(*args).ok();
        if args[0] != "set" {
            age_agrees(&alice, &people, &args.join(" "));
        }
    }
    assert!(printed(&alice, "prod/db").contains("value = \"the first value of it\""));
    assert!(printed(&alice, "default/one").contains("the value of one"));
    // And what a merge joined.
    pull(&bob, &alice);
    alice.git(["switch", "-q", "-c", "side"]).ok();
    alice.set("prod/db", "written on the side");
    alice.git(["switch", "-q", "-"]).ok();
    alice.covault(["set", "prod/db", "user=root"]).ok();
    alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    age_agrees(&alice, &people, "merge");
    let text = printed(&alice, "prod/db");
    assert!(text.contains("written on the side") && text.contains("root"), "{text}");
}
