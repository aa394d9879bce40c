//! Branches that changed the roster side by side, merged in real clones: both verifiers agree, and what every clone saw
//! before stays good.

use covault::model::roster::Role;

use super::rig::{
    Team, begin_merge, bytes, bytes_at, grants, head, joins_secrets, member, members, merged, merges, nothing_waits,
    read, removes, settles, unmerged, verifies,
};
use crate::team;
use crate::world::Person;

/// carol removed bob on a branch of hers and pushed it; alice admitted dave on main.
fn two_branches() -> Team {
    let team = Team::new();
    team.carol.git(["switch", "-q", "-c", "carols-work"]).ok();
    removes(&team.carol, "bob");
    team.carol.push("carols-work");
    team.admits(&team.alice, "dave", Role::Writer);
    team.alice.git(["push", "-q"]).ok();
    team.alice.git(["fetch", "-q"]).ok();
    team
}

#[track_caller]
fn pulls(person: &Person) {
    person.git(["pull", "-q", "--ff-only"]).ok();
    person.covault(["status"]).ok();
}

#[test]
fn an_admission_here_and_a_removal_there_are_one_roster_and_every_judge_agrees() {
    let team = two_branches();
    let alice = &team.alice;
    assert_eq!(begin_merge(alice, "origin/carols-work"), 1);
    // git left ours, and the driver's function gets the three blobs of the index.
    let blob = |stage: usize| bytes_at(alice, &format!(":{stage}"));
    let both = merged(alice, &blob(1), &blob(2), &blob(3));
    std::fs::write(alice.repo.join(super::rig::ROSTER), &both).unwrap();
    alice.git(["add", super::rig::ROSTER]).ok();
    joins_secrets(alice);
    alice.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(members(&bytes(alice)), ["alice admin", "carol admin", "dave writer", "rita reader"]);
    nothing_waits(alice);
    verifies(alice);
    // The next writing command seals for who is there now.
    alice.set("dev/db", "the value after the merge");
    verifies(alice);
    alice.git(["push", "-q"]).ok();
    let dave = team.comes("dave");
    assert_eq!(dave.get("dev/db"), "the value after the merge");
    dave.set("dev/daves", "written by dave");
    pulls(&team.rita);
    assert_eq!(team.rita.get("dev/db"), "the value after the merge");
    team.bob.git(["pull", "-q", "--ff-only"]).ok();
    team.bob.covault(["get", "dev/db"]).exits(4);
    team.bob.covault_fed(b"x", ["set", "dev/bobs"]).exits(4);
    // carol goes on from the trunk; what she saw on her own branch is in it.
    team.carol.git(["switch", "-q", "main"]).ok();
    pulls(&team.carol);
    assert_eq!(team.carol.get("dev/db"), "the value after the merge");
    let readers = team.carol.covault(["who", "dev/db", "--json"]).ok();
    let readers: serde_json::Value = serde_json::from_slice(&readers.out).unwrap();
    assert!(!readers.to_string().contains("bob") && readers.to_string().contains("dave"), "{readers}");
    verifies(&team.carol);
}

#[test]
fn what_a_clone_pinned_or_was_told_to_expect_is_good_where_it_is_embedded() {
    let team = two_branches();
    let (alice, carol) = (&team.alice, &team.carol);
    // This clone looked at the trunk while it had carol's roster.
    carol.git(["push", "-q", "origin", "carols-work:main", "--force"]).ok();
    let watcher = team.another_clone(&team.rita, "watcher");
    watcher.covault(["status"]).ok();
    let hers = head(&bytes(&watcher));
    assert!(std::fs::read_to_string(pin(&watcher)).unwrap().contains(&hers.to_string()));
    alice.git(["fetch", "-q"]).ok();
    // alice's own record is of a trunk that was rewritten under her, which is what happened.
    alice.covault(["setup", "--accept"]).ok();
    merges(alice, "origin/main");
    alice.git(["push", "-q"]).ok();
    // In her chain, carol's entry is embedded, and her own is before it.
    assert!(!read(&bytes(alice)).chain.contains(&hers) && read(&bytes(alice)).has(hers));
    for person in [&watcher, carol] {
        if person.name == "carol" {
            person.git(["switch", "-q", "main"]).ok();
        }
        pulls(person);
        assert_eq!(person.get("dev/db"), "the first value of dev db");
        let pinned = std::fs::read_to_string(pin(person)).unwrap();
        assert!(pinned.contains(&head(&bytes(alice)).to_string()), "{pinned}");
        verifies(person);
    }
    let mut told = team.another_clone(&team.rita, "told");
    told.vars = vec![("COVAULT_VAULT".into(), format!("{}@{hers}", read(&bytes(alice)).vault))];
    assert_eq!(told.get("dev/db"), "the first value of dev db");
    // From now on nobody may leave the merge out.
    alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    alice.git(["push", "-q", "--force"]).ok();
    for person in [&watcher, carol] {
        person.git(["fetch", "-q"]).ok();
        person.git(["reset", "-q", "--hard", "origin/main"]).ok();
        let said = person.covault(["get", "dev/db"]).exits(6);
        assert!(said.err.contains("lacks entry"), "{}", said.err);
    }
}

fn pin(person: &Person) -> std::path::PathBuf {
    team::home(person).pin_file(team::vault(person).roster().vault)
}

#[test]
fn a_local_branch_is_merged_and_rebased_onto_what_others_pushed() {
    for rebases in [false, true] {
        let team = Team::new();
        let (alice, carol) = (&team.alice, &team.carol);
        removes(carol, "bob");
        carol.git(["push", "-q"]).ok();
        team.admits(alice, "dave", Role::Writer);
        alice.set("dev/new", "between two entries");
        grants(alice, "dev/new", &["alice", "carol"]);
        alice.git(["fetch", "-q"]).ok();
        alice.covault(["status"]).ok();
        if rebases {
            let mut said = alice.git(["-c", "merge.covault.driver=false", "rebase", "-q", "origin/main"]);
            let mut stops = 0;
            while said.code != 0 {
                settles(alice).unwrap();
                joins_secrets(alice);
                said = alice.git(["-c", "merge.covault.driver=false", "rebase", "--continue"]);
                stops += 1;
            }
            assert_eq!(stops, 2);
            assert!(bytes(alice).starts_with(&bytes(carol)));
        } else {
            merges(alice, "origin/main");
            assert!(bytes(alice).starts_with(&bytes_at(alice, "HEAD~1")));
        }
        let merged = members(&bytes(alice));
        assert_eq!(merged, ["alice admin", "carol admin", "dave writer", "rita reader"], "rebases: {rebases}");
        nothing_waits(alice);
        verifies(alice);
        alice.git(["push", "-q"]).ok();
        pulls(carol);
        assert_eq!(carol.get("dev/new"), "between two entries");
        team.rita.git(["pull", "-q", "--ff-only"]).ok();
        team.rita.covault(["get", "dev/new"]).exits(4);
        verifies(carol);
    }
}

#[test]
fn two_who_merge_each_other_at_once_end_in_one_roster_as_soon_as_one_has_pushed() {
    let team = two_branches();
    let (alice, carol) = (&team.alice, &team.carol);
    carol.git(["fetch", "-q"]).ok();
    carol.git(["switch", "-q", "main"]).ok();
    carol.git(["reset", "-q", "--hard", "carols-work"]).ok();
    merges(alice, "origin/carols-work");
    merges(carol, "origin/main");
    let (one, other) = (bytes(alice), bytes(carol));
    assert_ne!(one, other);
    assert_eq!(read(&one).state(), read(&other).state());
    // alice is first; carol meets another merge of the same two.
    alice.git(["push", "-q"]).ok();
    assert_ne!(carol.git(["push", "-q", "origin", "main"]).code, 0);
    carol.git(["fetch", "-q"]).ok();
    carol.covault(["status"]).ok();
    merges(carol, "origin/main");
    let both = bytes(carol);
    assert!(read(&both).has(head(&one)) && read(&both).has(head(&other)));
    assert_eq!(read(&both).state(), read(&one).state());
    nothing_waits(carol);
    verifies(carol);
    carol.git(["push", "-q", "origin", "main"]).ok();
    for person in [alice, &team.rita] {
        pulls(person);
        assert_eq!(bytes(person), both);
        assert_eq!(person.get("dev/db"), "the first value of dev db");
    }
    // And the roster goes on from there.
    removes(alice, "dave");
    assert_eq!(members(&bytes(alice)), ["alice admin", "carol admin", "rita reader"]);
    verifies(alice);
}

#[test]
fn three_clones_that_merge_across_come_to_one_state() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    let desk = team.another_clone(alice, "desk");
    team.admits(alice, "dave", Role::Admin);
    removes(carol, "bob");
    grants(&desk, "prod", &["alice", "carol"]);
    for (person, branch) in [(alice, "a"), (carol, "c"), (&desk, "d")] {
        person.git(["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]).ok();
    }
    for person in [alice, carol, &desk] {
        person.git(["fetch", "-q"]).ok();
    }
    // Everybody merges the next one's, and then what came of that.
    merges(alice, "origin/c");
    merges(carol, "origin/d");
    merges(&desk, "origin/a");
    for (person, branch) in [(alice, "a2"), (carol, "c2"), (&desk, "d2")] {
        person.git(["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]).ok();
    }
    for person in [alice, carol, &desk] {
        person.git(["fetch", "-q"]).ok();
    }
    merges(alice, "origin/c2");
    merges(carol, "origin/d2");
    merges(&desk, "origin/a2");
    let expected = read(&bytes(alice)).state().clone();
    for person in [alice, carol, &desk] {
        assert_eq!(*read(&bytes(person)).state(), expected);
        verifies(person);
    }
    assert_eq!(members(&bytes(alice)), ["alice admin", "carol admin", "dave admin", "rita reader"]);
    // One after the other they push to the trunk, and nobody who comes later has anything to decide.
    alice.git(["push", "-q", "origin", "HEAD:main"]).ok();
    for person in [carol, &desk] {
        person.git(["fetch", "-q"]).ok();
        merges(person, "origin/main");
        person.git(["push", "-q", "origin", "HEAD:main"]).ok();
    }
    alice.git(["fetch", "-q"]).ok();
    assert_eq!(begin_merge(alice, "origin/main"), 0);
    assert_eq!(unmerged(alice), [""; 0]);
    alice.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(*read(&bytes(alice)).state(), expected);
    assert_eq!(read(&bytes(alice)).named(&member("bob")), None);
    verifies(alice);
}

/// git alone, with the driver that `setup` installed.
#[track_caller]
fn git_merges(person: &Person, rev: &str) {
    let said = person.git(["merge", "-q", "--no-edit", rev]).ok();
    assert_eq!(unmerged(person), [""; 0], "{}", said.err);
}

#[test]
fn git_merge_alone_brings_rosters_and_secrets_together() {
    let team = two_branches();
    let (alice, carol) = (&team.alice, &team.carol);
    alice.set("dev/db", "a newer value by alice");
    alice.git(["push", "-q"]).ok();
    carol.set("dev/carols", "a new secret of carol's");
    carol.push("carols-work");
    alice.git(["fetch", "-q"]).ok();
    git_merges(alice, "origin/carols-work");
    assert_eq!(members(&bytes(alice)), ["alice admin", "carol admin", "dave writer", "rita reader"]);
    assert_eq!(
        (alice.get("dev/db"), alice.get("dev/carols")),
        ("a newer value by alice".into(), "a new secret of carol's".into())
    );
    verifies(alice);
    alice.covault(["rekey"]).ok();
    nothing_waits(alice);
    verifies(alice);
    alice.git(["push", "-q"]).ok();
    // carol went on meanwhile, and a rebase does the same one commit after the other.
    removes(carol, "rita");
    carol.set("dev/late", "written by carol later");
    carol.git(["fetch", "-q"]).ok();
    carol.git(["rebase", "-q", "origin/main"]).ok();
    assert_eq!(members(&bytes(carol)), ["alice admin", "carol admin", "dave writer"]);
    assert!(bytes(carol).starts_with(&bytes(alice)));
    carol.covault(["rekey"]).ok();
    nothing_waits(carol);
    verifies(carol);
    carol.git(["push", "-q", "origin", "HEAD:main"]).ok();
    let dave = team.comes("dave");
    assert_eq!(dave.get("dev/late"), "written by carol later");
    assert_eq!(dave.get("dev/db"), "a newer value by alice");
    team.rita.git(["pull", "-q", "--ff-only"]).ok();
    team.rita.covault(["get", "dev/late"]).exits(4);
}

#[test]
fn git_leaves_the_roster_to_an_admin_where_somebody_else_merges() {
    let team = two_branches();
    let rita = &team.rita;
    rita.git(["pull", "-q", "--ff-only"]).ok();
    rita.git(["fetch", "-q"]).ok();
    rita.covault(["setup"]).ok();
    let said = rita.git(["merge", "--no-edit", "origin/carols-work"]).exits(1);
    assert!(said.err.contains("alice, carol") && said.err.contains("covault resolve"), "{}", said.err);
    assert!(unmerged(rita).contains(&super::rig::ROSTER.to_owned()));
    assert_eq!(bytes(rita), bytes_at(rita, "HEAD"));
}
