//! What stays good after a merge of two rosters, as clones see it: versions by who lost the right to write on one side,
//! and readers whom the sides did not agree about.

use covault::model::names::SecretPath;
use covault::model::roster::{Granted, Operation, Role};

use super::rig::{
    Team, begin_merge, bytes, grants, members, merges, nothing_waits, removes, settles, unmerged, verifies,
};
use crate::team;

/// The names of those to whom a secret is sealed now.
fn sealed_to(person: &crate::world::Person, name: &str) -> Vec<String> {
    let bytes = std::fs::read(person.file(name)).unwrap();
    let manifest = covault::seal::peek_manifest(&bytes).unwrap();
    manifest.readers.iter().map(|reader| reader.name.to_string()).collect()
}

#[test]
fn what_a_writer_wrote_beside_their_removal_is_refused_until_a_reader_vouches_and_what_was_listed_stays() {
    let team = Team::new();
    let (alice, bob, carol) = (&team.alice, &team.bob, &team.carol);
    bob.set("dev/both", "what carol saw of bob");
    bob.set("dev/kept", "bob's and nobody else's");
    bob.git(["push", "-q"]).ok();
    for person in [alice, carol] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        person.covault(["status"]).ok();
    }
    // On a branch, bob writes on, and alice changes the roster after it.
    bob.git(["switch", "-q", "-c", "work"]).ok();
    bob.set("dev/both", "what bob wrote beside his removal");
    bob.set("dev/late", "a new secret of bob's");
    bob.push("work");
    alice.git(["fetch", "-q"]).ok();
    alice.git(["switch", "-q", "work"]).ok();
    grants(alice, "prod", &["alice", "carol"]);
    alice.push("work");
    // Meanwhile bob is removed on the trunk. What he wrote there stays good, and is not sealed to him any more.
    removes(carol, "bob");
    carol.git(["push", "-q"]).ok();
    carol.git(["fetch", "-q"]).ok();
    begin_merge(carol, "origin/work");
    settles(carol).unwrap();
    assert_eq!(members(&bytes(carol)), ["alice admin", "carol admin", "rita reader"]);
    // What bob wrote there is joined with nothing.
    let said = carol.covault(["rekey", "dev/both"]).exits(6);
    assert!(said.err.contains("covault rekey dev/both --accept"), "{}", said.err);
    keeps_ours(carol);
    carol.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(carol.get("dev/kept"), "bob's and nobody else's");
    let said = carol.covault(["get", "dev/late"]).exits(6);
    assert!(said.err.contains("covault rekey dev/late --accept"), "{}", said.err);
    carol.covault(["verify"]).exits(6);
    carol.covault(["status", "--check"]).exits(8);
    carol.covault(["rekey", "dev/late", "--accept", "--yes"]).ok();
    assert_eq!(carol.get("dev/late"), "a new secret of bob's");
    assert_eq!(carol.get("dev/both"), "what carol saw of bob");
    carol.git(["checkout", "-q", "origin/work", "--", ".covault/secrets/dev/both.age"]).ok();
    carol.covault(["get", "dev/both"]).exits(6);
    carol.covault(["rekey", "dev/both", "--accept", "--yes"]).ok();
    assert_eq!(carol.get("dev/both"), "what bob wrote beside his removal");
    nothing_waits(carol);
    verifies_now(carol);
    carol.git(["push", "-q"]).ok();
    for person in [alice, &team.rita] {
        person.git(["switch", "-q", "main"]).ok();
        person.git(["pull", "-q", "--ff-only"]).ok();
        assert_eq!(person.get("dev/late"), "a new secret of bob's");
        assert_eq!(person.get("dev/kept"), "bob's and nobody else's");
    }
    assert!(!sealed_to(carol, "dev/kept").contains(&"bob".to_owned()));
}

/// Every secret that git has unmerged stays as it is on our side.
fn keeps_ours(person: &crate::world::Person) {
    for file in unmerged(person) {
        person.git(["checkout", "-q", "--ours", "--", &file]).ok();
        person.git(["add", &file]).ok();
    }
}

/// The tree is good; in the history lies what was refused, which the second verifier says, too.
fn verifies_now(person: &crate::world::Person) {
    person.covault(["verify"]).ok();
    if crate::verifier::can_judge() {
        crate::verifier::second_opinion(&person.repo, &["--history"]);
    }
}

#[test]
fn who_came_on_one_side_reads_what_the_other_side_kept_for_some_only_where_it_was_not_kept() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    alice.set("prod/db", "the value of production");
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    carol.covault(["status"]).ok();
    grants(carol, "prod", &["alice", "carol"]);
    carol.git(["push", "-q"]).ok();
    team.admits(alice, "dave", Role::Writer);
    assert!(sealed_to(alice, "prod/db").contains(&"dave".to_owned()));
    alice.git(["fetch", "-q"]).ok();
    merges(alice, "origin/main");
    assert_eq!(sealed_to(alice, "prod/db"), ["alice", "carol"]);
    assert_eq!(sealed_to(alice, "dev/db"), ["alice", "bob", "carol", "dave", "rita"]);
    nothing_waits(alice);
    verifies(alice);
    alice.git(["push", "-q"]).ok();
    let dave = team.comes("dave");
    dave.covault(["get", "prod/db"]).exits(4);
    assert_eq!(dave.get("dev/db"), "the first value of dev db");
}

#[test]
fn who_came_on_one_side_reads_what_the_other_side_opened_to_everybody() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    alice.set("prod/db", "the value of production");
    grants(alice, "prod", &["alice", "carol"]);
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    carol.covault(["status"]).ok();
    let path = SecretPath::parse("prod").ok();
    let opens = Operation::Grant { path, readers: Granted::Inherit, live: Vec::new() };
    team::amend(carol, vec![opens.into()], "covault: open prod");
    carol.git(["push", "-q"]).ok();
    team.admits(alice, "dave", Role::Writer);
    assert_eq!(sealed_to(alice, "prod/db"), ["alice", "carol"]);
    alice.git(["fetch", "-q"]).ok();
    merges(alice, "origin/main");
    // carol's version lacks dave, whom she had never heard of: it waits, and the next writing command seals it to him.
    alice.covault(["status", "--check"]).exits(8);
    alice.set("dev/db", "another value of dev db");
    assert_eq!(sealed_to(alice, "prod/db"), ["alice", "bob", "carol", "dave", "rita"]);
    nothing_waits(alice);
    verifies(alice);
}

#[test]
fn a_member_whom_a_removed_admin_let_in_reads_nothing_after_the_merge() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    // carol lets eve in and writes for her, while alice removes carol.
    team.admits(carol, "eve", Role::Writer);
    carol.set("dev/new", "written by carol beside her removal");
    carol.git(["push", "-q", "origin", "HEAD:refs/heads/carols-work"]).ok();
    removes(alice, "carol");
    alice.git(["push", "-q"]).ok();
    alice.git(["fetch", "-q"]).ok();
    // Nothing of it is merged behind her back, since carol is no admin any more.
    assert_ne!(alice.git(["merge", "-q", "--no-edit", "origin/carols-work"]).code, 0);
    alice.git(["merge", "--abort"]);
    assert_eq!(members(&bytes(alice)), ["alice admin", "bob writer", "rita reader"]);
    begin_merge(alice, "origin/carols-work");
    let settled = settles(alice).unwrap().unwrap();
    let notes = settled.report.notes;
    assert_eq!(notes[0], "the roster takes in 1 entry of the other branch");
    assert!(notes.iter().any(|note| note.starts_with("eve, whom one branch admitted, is not in")), "{notes:?}");
    // git left ours in the work tree; carol's version has no standing, so nothing of it can be joined by itself.
    alice.covault(["rekey", "dev/db"]).exits(6);
    keeps_ours(alice);
    alice.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(members(&bytes(alice)), ["alice admin", "bob writer", "rita reader"]);
    assert_eq!(sealed_to(alice, "dev/db"), ["alice", "bob", "rita"]);
    alice.covault(["get", "dev/new"]).exits(6);
    alice.covault(["rekey", "dev/new", "--accept", "--yes"]).ok();
    assert_eq!(sealed_to(alice, "dev/new"), ["alice", "bob", "rita"]);
    verifies_now(alice);
}

#[test]
fn sync_signs_no_merge_with_who_was_removed_and_resolve_does_when_it_is_asked_for() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    grants(carol, "prod", &["alice", "carol"]);
    removes(alice, "carol");
    carol.git(["push", "-q"]).ok();
    let before = bytes(alice);
    let said = alice.covault(["sync", "--no-push"]).exits(5);
    assert!(
        (said.text() + &said.err).contains("by carol, who is no admin on the other"),
        "{}{}",
        said.text(),
        said.err
    );
    assert_eq!(bytes(alice), before);
    assert!(unmerged(alice).contains(&super::rig::ROSTER.to_owned()));
    // What carol did is on the other side of the merge, and the command that is told shows it.
    let told = said.err.split("see what carol did with: git ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    let shown = alice.git(told.split(';').next().unwrap().split(' ')).ok().text();
    assert!(shown.contains("+op = \"grant\"") && shown.contains("+path = \"prod\""), "{shown}");
    alice.covault(["resolve"]).ok();
    assert_eq!(unmerged(alice), [""; 0]);
    alice.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(members(&bytes(alice)), ["alice admin", "bob writer", "rita reader"]);
    nothing_waits(alice);
    verifies(alice);
}
