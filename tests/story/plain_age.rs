//! Nobody is locked in: whatever wrote a secret, plain age opens its file for each reader that it names, and for nobody
//! else.

use std::path::PathBuf;

use covault::model::roster::Role;
use covault::seal::peek_manifest;

use crate::cli::json;
use crate::faults::commands::{editor, field};
use crate::faults::rig::files;
use crate::keys::rig::{log_in, reaches};
use crate::openrouter::fake::Fake;
use crate::team::{admit, pull, take_from};
use crate::world::{Person, World, can, have};

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
    let (world, fake) = (World::new(), Fake::start());
    let mut alice = world.team("alice");
    reaches(&mut alice, &fake);
    log_in(&alice, &fake);
    alice.vars.push(("EDITOR".to_owned(), editor()));
    let bob = admit(&world, &alice, "bob", Role::Writer);
    let carol = admit(&world, &alice, "carol", Role::Writer);
    alice.push("main");
    let dora = world.asks(&alice, "dora");
    let bytes = alice.home.join("bytes");
    std::fs::write(&bytes, [0, 159, 146, 150, 255]).unwrap();
    let from_file = format!("value={}", bytes.display());
    alice.set("prod/db", "the first value of it");
    alice.set("dev/api", "a value that is-old");
    alice.covault_fed(b"ONE=the value of one\n", ["import", "-", "--format", "dotenv"]).ok();
    pull(&carol, &alice);
    let commands: &[&[&str]] = &[
        &["set", "prod/db", "user=app", "--tag", "web"],
        &["set", "prod/key", "--file", &from_file],
        &["set", "prod/made", "--generate", "value"],
        &["member", "approve", "dora", "--yes"],
        &["grant", "prod", "alice", "--yes"],
        &["share", "prod/db", "bob", "--yes"],
        &["rekey", "prod/key", "--yes"],
        &["mv", "prod/made", "dev/made", "--yes"],
        &["rm", "prod/key"],
        &["restore", "prod/key"],
        &["unshare", "prod/db", "bob", "--yes"],
        &["rotate", "dev/made", "--yes"],
        &["restore", "--commit", "HEAD"],
        &["key", "issue", "dev/issued"],
        &["key", "rotate", "dev/issued"],
        &["member", "remove", "carol", "--yes"],
    ];
    // In memory, or not at all.
    let memory = world.memory.as_ref().map(|memory| memory.path().to_string_lossy().into_owned());
    let edit = can(memory.is_some(), "the folder /dev/shm").then_some(&["edit", "dev/api"][..]);
    alice.vars.extend(memory.map(|memory| ("XDG_RUNTIME_DIR".to_owned(), memory)));
    let people = [&alice, &bob, &carol, &dora];
    for args in commands.iter().copied().chain(edit) {
        alice.covault(args).ok();
        if args[0] != "set" {
            age_agrees(&alice, &people, &args.join(" "));
        }
    }
    assert!(world.memory.is_none() || printed(&alice, "dev/api").contains("a value that is-new"));
    assert!(printed(&alice, "prod/db").contains("value = \"the first value of it\""));
    assert!(printed(&alice, "default/one").contains("the value of one"));
    // What carol wrote who had not heard that she had left, once somebody vouches for it.
    carol.set("default/one", "by one who has left");
    take_from(&alice, &carol, "default/one");
    alice.covault(["rekey", "default/one", "--accept", "--yes"]).ok();
    age_agrees(&alice, &people, "rekey --accept");
    assert!(printed(&alice, "default/one").contains("by one who has left"));
    // What a sync joined.
    alice.push("main");
    let desk = world.machine_of(&alice, "desk");
    field(&desk, "theirs");
    desk.push("main");
    field(&alice, "ours");
    alice.covault(["sync"]).ok();
    age_agrees(&alice, &people, "sync");
    // And what a merge joined, before and after somebody chose between two values.
    pull(&bob, &alice);
    alice.git(["switch", "-q", "-c", "side"]).ok();
    alice.set("prod/db", "written on the side");
    alice.git(["switch", "-q", "-"]).ok();
    alice.set("prod/db", "written beside it");
    alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    age_agrees(&alice, &people, "merge");
    let text = printed(&alice, "prod/db");
    assert!(text.contains("written on the side") && text.contains("written beside it"), "{text}");
    let open = json(&alice.covault(["resolve", "--json"]).exits(5));
    let id = open["fields"][0]["values"][0]["id"].as_str().unwrap();
    alice.covault(["resolve", "prod/db/value", "--pick", id]).ok();
    age_agrees(&alice, &people, "resolve --pick");
    let text = printed(&alice, "prod/db");
    assert!(text.contains("written on the side") != text.contains("written beside it"), "{text}");
    assert!(text.contains("CanaryInTheCoalmine-theirs") && text.contains("CanaryInTheCoalmine-ours"), "{text}");
}
