//! Versions that a merge kept sealed side by side, and what both verifiers and other clones make of them.

use covault::seal::is_siblings;

use super::rig::{Team, removes, verifies};
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, have};

/// Merges a branch by the driver that the clone is set up with.
#[track_caller]
fn pulls_in(person: &Person, rev: &str) {
    person.git(["fetch", "-q"]).ok();
    person.covault(["setup"]).ok();
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", &format!("{}@example.org", person.name)]).ok();
    person.git(["merge", "-q", "--no-ff", "-m", "merge", rev]).ok();
}

/// Writes on a branch of one's own, and goes back to the trunk.
fn on_a_branch(person: &Person, branch: &str, name: &str, value: &str) {
    person.git(["switch", "-q", "-c", branch]).ok();
    person.set(name, value);
    person.push(branch);
    person.git(["switch", "-q", "-"]).ok();
}

fn holds_siblings(person: &Person, name: &str) -> bool {
    is_siblings(&std::fs::read(person.file(name)).unwrap())
}

/// The codes that both verifiers find in the tree.
fn found(person: &Person) -> Vec<String> {
    let said = crate::cli::json(&person.covault(["verify", "--json"]));
    let codes: Vec<String> =
        said["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect();
    if can_judge() {
        second_opinion(&person.repo, &[]);
        second_opinion(&person.repo, &["--history"]);
    }
    codes
}

#[test]
fn siblings_that_a_reader_left_are_good_until_a_writer_joins_them_and_nothing_is_lost() {
    let team = Team::new();
    let (alice, bob, rita) = (&team.alice, &team.bob, &team.rita);
    on_a_branch(bob, "work", "dev/db", "what bob wrote on a branch");
    alice.set("dev/db", "what alice wrote on the trunk");
    alice.git(["push", "-q"]).ok();
    rita.git(["pull", "-q", "--ff-only"]).ok();
    pulls_in(rita, "origin/work");
    assert!(holds_siblings(rita, "dev/db"));
    verifies(rita);
    if can_judge() {
        assert_eq!(second_opinion(&rita.repo, &[])["pending"][0]["siblings"], 2);
    }
    rita.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    alice.set("dev/other", "a writing command joins in passing");
    assert!(!holds_siblings(alice, "dev/db"));
    let said = alice.covault(["get", "dev/db", "--strict"]).exits(5);
    assert!(said.err.contains("dev/db"), "{}", said.err);
    verifies(alice);
}

#[test]
fn a_leavers_version_that_a_merge_kept_stops_nobody_before_and_after_it_is_settled() {
    let team = Team::new();
    let (alice, bob, carol) = (&team.alice, &team.bob, &team.carol);
    on_a_branch(bob, "work", "dev/db", "what bob wrote beside his removal");
    removes(carol, "bob");
    carol.set("dev/db", "what carol wrote after it");
    carol.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    pulls_in(alice, "origin/work");
    assert!(holds_siblings(alice, "dev/db"));
    assert_eq!(found(alice), ["standing"]);
    alice.git(["push", "-q"]).ok();
    alice.covault(["status"]);
    assert_eq!(alice.get("dev/db"), "what carol wrote after it");
    // What counts for nothing binds nobody, though the trunk has it.
    alice.set("dev/db", "what alice wrote then");
    assert_eq!(alice.get("dev/db"), "what alice wrote then");
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(carol.get("dev/db"), "what alice wrote then");
    assert_eq!(found(carol), ["standing"]);
    carol.covault(["rekey", "dev/db", "--accept", "--yes"]).ok();
    assert!(!holds_siblings(carol, "dev/db"));
    assert!(found(carol).is_empty());
    carol.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    alice.covault(["get", "dev/db"]).ok();
}

#[test]
fn two_who_join_the_same_say_the_same_and_one_of_them_stays_without_a_finding() {
    let team = Team::new();
    let (alice, bob, carol) = (&team.alice, &team.bob, &team.carol);
    on_a_branch(bob, "work", "dev/db", "what bob wrote on a branch");
    alice.set("dev/db", "what alice wrote on the trunk");
    alice.git(["push", "-q"]).ok();
    for person in [alice, carol] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        pulls_in(person, "origin/work");
        assert!(!holds_siblings(person, "dev/db"));
    }
    carol.git(["push", "-q", "origin", "HEAD:carols"]).ok();
    let theirs = std::fs::read(carol.file("dev/db")).unwrap();
    let ours = std::fs::read(alice.file("dev/db")).unwrap();
    assert_ne!(ours, theirs);
    pulls_in(alice, "origin/carols");
    let kept = std::fs::read(alice.file("dev/db")).unwrap();
    assert!(kept == ours || kept == theirs, "nobody had to seal it once more");
    verifies(alice);
    alice.set("dev/db", "one value again");
    verifies(alice);
    alice.git(["push", "-q"]).ok();
    pulls_in(carol, "origin/HEAD");
    assert_eq!(carol.get("dev/db"), "one value again");
    verifies(carol);
}

/// A team in whose trunk the two versions of dev/db wait that alice and bob wrote: rita, who may not join them, merged.
fn waiting() -> Team {
    let team = Team::new();
    let (alice, bob, rita) = (&team.alice, &team.bob, &team.rita);
    on_a_branch(bob, "work", "dev/db", "what bob wrote on a branch");
    alice.set("dev/db", "what alice wrote on the trunk");
    alice.git(["push", "-q"]).ok();
    rita.git(["pull", "-q", "--ff-only"]).ok();
    pulls_in(rita, "origin/work");
    rita.git(["push", "-q"]).ok();
    for person in [alice, bob] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        assert!(holds_siblings(person, "dev/db"));
    }
    team
}

/// Whether plain age opens the file with somebody's identity, and what it prints.
fn by_age(at: &Person, who: &Person, name: &str) -> Option<String> {
    let said = at.command("age").arg("-d").arg("-i").arg(who.identity()).arg(at.file(name)).output().unwrap();
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).into_owned())
}

#[test]
fn what_waits_is_turned_back_into_a_plain_age_file_by_resolve() {
    let team = waiting();
    let alice = &team.alice;
    alice.covault(["resolve", "dev/db", "--newest"]).ok();
    assert!(!holds_siblings(alice, "dev/db"));
    if have("age") {
        let text = by_age(alice, alice, "dev/db").unwrap();
        assert!(text.contains(&format!("value = \"{}\"", alice.get("dev/db"))), "{text}");
    }
}

#[test]
fn what_waits_is_edited_and_rotated_as_the_one_secret_that_is_shown() {
    let mut team = waiting();
    team.alice.vars.push(("EDITOR".into(), "sed -i '/^.secret.$/a extra = \"added\"'".into()));
    let alice = &team.alice;
    alice.covault(["edit", "dev/db"]).ok();
    assert!(!holds_siblings(alice, "dev/db"));
    assert_eq!(alice.get("dev/db/extra"), "added");
    let shown = alice.covault(["show", "dev/db", "--reveal"]).ok().text();
    assert!(shown.contains("what bob wrote on a branch") && shown.contains("what alice wrote on the trunk"), "{shown}");
    verifies(alice);
    let bob = &team.bob;
    bob.covault_fed(b"rotated", ["rotate", "dev/db/value", "--stdin", "--yes"]).ok();
    assert!(!holds_siblings(bob, "dev/db"));
    assert_eq!(bob.get("dev/db"), "rotated");
    verifies(bob);
}

#[test]
fn commands_that_read_join_what_waits_in_memory_and_write_nothing() {
    let team = waiting();
    let alice = &team.alice;
    alice.covault(["status"]).ok();
    let before = crate::cli::photo(&alice.repo);
    for args in [
        ["get", "dev/db"].as_slice(),
        &["show", "dev/db", "--reveal"],
        &["ls", "--long"],
        &["status"],
        &["log", "dev/db"],
        &["diff"],
        &["who", "dev/db"],
        &["expose"],
        &["verify", "--history"],
        &["scan"],
        &["doctor"],
        &["whoami"],
        &["export", "--from", "dev"],
        &["run", "--from", "dev", "--", "true"],
        &["member", "ls"],
        &["group", "ls"],
        &["grant"],
    ] {
        let said = alice.covault(args);
        assert!([0, 8].contains(&said.code), "{args:?}: {}: {}", said.code, said.err);
        crate::cli::same(&before, &crate::cli::photo(&alice.repo));
    }
    let said = alice.covault(["show", "dev/db", "--reveal"]).ok().text();
    assert!(said.contains("what bob wrote on a branch") && said.contains("what alice wrote on the trunk"), "{said}");
}

#[test]
fn a_departure_closes_every_version_that_waits_and_counts_what_both_said() {
    let team = waiting();
    let (alice, bob) = (&team.alice, &team.bob);
    let said = alice.covault(["member", "remove", "bob", "--yes"]).ok();
    assert!(!holds_siblings(alice, "dev/db"), "{}", said.err);
    if have("age") {
        assert!(by_age(alice, alice, "dev/db").is_some());
        assert_eq!(by_age(alice, bob, "dev/db"), None);
    }
    let exposed = || -> Vec<String> {
        let said = crate::cli::json(&alice.covault(["expose", "bob", "--json"]).ok());
        said["exposed"].as_array().unwrap().iter().map(|one| one["secret"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(exposed(), ["dev/db"]);
    // One of two values that he knows is still one that he knows, though it was written anew; and so is an old one.
    alice.covault(["resolve", "dev/db", "--newest"]).ok();
    assert_eq!(exposed(), ["dev/db"]);
    alice.set("dev/db", "a value that bob never saw");
    assert_eq!(exposed(), Vec::<String>::new());
    alice.covault(["restore", "dev/db"]).ok();
    assert_eq!(exposed(), ["dev/db"]);
    alice.set("dev/db", "another value that bob never saw");
    assert_eq!(exposed(), Vec::<String>::new());
    verifies(alice);
}

#[test]
fn what_a_second_look_knows_of_siblings_is_all_of_them() {
    let team = waiting();
    let alice = &team.alice;
    // Nothing but the one file has the two versions.
    let begun = alice.git(["log", "--format=%H", "--", ".covault/secrets/dev/db.age"]).ok().text();
    alice.git(["reset", "-q", "--soft", begun.lines().last().unwrap()]).ok();
    alice.git(["commit", "-q", "-m", "squashed"]).ok();
    alice.covault(["member", "remove", "rita", "--yes"]).ok();
    let look = || crate::cli::json(&alice.covault(["expose", "rita", "--json"]).ok());
    let first = look();
    assert_eq!(first["exposed"][0]["secret"], "dev/db", "{first}");
    // Another commit with the same files, which is not above the one that was looked at.
    alice.git(["commit", "-q", "--amend", "-m", "covault: rita leaves"]).ok();
    let again = look();
    assert_eq!(again["exposed"][0]["values"], first["exposed"][0]["values"], "{again} {first}");
}
