//! The roster that git left unmerged, settled in one step whatever lies in the work tree.

use covault::model::roster::Role;
use covault::vault::merge::roster::{Way, With, settle};
use covault::vault::write::How;
use covault::vault::{Kind, VaultError};

use super::rig::{
    ROSTER, Team, begin_merge, bytes, bytes_at, joins_secrets, members, removes, settles, settles_with, unmerged,
    verifies,
};
use crate::cli::{all_of, same};
use crate::team;

/// alice is in the middle of a merge of carol's branch; both changed the roster.
fn in_the_middle() -> Team {
    let team = Team::new();
    removes(&team.carol, "bob");
    team.carol.git(["push", "-q", "origin", "HEAD:refs/heads/carols-work"]).ok();
    team.admits(&team.alice, "dave", Role::Writer);
    team.alice.git(["fetch", "-q"]).ok();
    assert_eq!(begin_merge(&team.alice, "origin/carols-work"), 1);
    assert!(unmerged(&team.alice).contains(&ROSTER.to_owned()));
    team
}

const BOTH: [&str; 4] = ["alice admin", "carol admin", "dave writer", "rita reader"];

#[test]
fn the_merged_roster_is_written_and_staged_in_one_step() {
    let team = in_the_middle();
    let alice = &team.alice;
    let settled = settles(alice).unwrap().unwrap();
    assert!(matches!(settled.way, Way::Merged(_)) && settled.report.commit.is_none());
    assert!(!unmerged(alice).contains(&ROSTER.to_owned()));
    assert_eq!(bytes(alice), bytes_at(alice, ":0"));
    assert_eq!(members(&bytes(alice)), BOTH);
    assert!(settles(alice).unwrap().is_none(), "there is nothing left to settle");
    joins_secrets(alice);
    alice.git(["commit", "-q", "-m", "merge"]).ok();
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    verifies(alice);
}

#[test]
fn markers_in_the_roster_name_the_way_out_and_it_works() {
    let team = in_the_middle();
    let alice = &team.alice;
    let file = alice.repo.join(ROSTER);
    let [ours, theirs] = [2, 3].map(|stage| bytes_at(alice, &format!(":{stage}")));
    let markers = [b"<<<<<<< ours\n", &ours[..], b"=======\n", &theirs[..], b">>>>>>> theirs\n"].concat();
    for bad in [&markers[..], b"", &ours[..ours.len() - 3], b"\xff"] {
        std::fs::write(&file, bad).unwrap();
        for args in [&["status"][..], &["get", "dev/db"], &["ls"], &["rekey"]] {
            let said = alice.covault(args).exits(5);
            assert!(said.err.contains("unmerged") && said.err.contains("hint: settle it with: covault resolve"));
        }
        let before = all_of(alice);
        let dry = How { dry_run: true, ..team::how() };
        assert!(matches!(settles_with(alice, With::Index, &dry).unwrap().unwrap().way, Way::Merged(_)));
        same(&before, &all_of(alice));
    }
    settles(alice).unwrap().unwrap();
    assert_eq!(members(&bytes(alice)), BOTH);
    // What is as bad without a merge is no question for `resolve`.
    std::fs::write(&file, &markers).unwrap();
    let said = alice.covault(["status"]).exits(6);
    assert!(!said.err.contains("covault resolve"), "{}", said.err);
}

#[test]
fn who_cannot_merge_is_told_who_can_and_nothing_is_touched() {
    let team = Team::new();
    removes(&team.carol, "bob");
    team.carol.git(["push", "-q", "origin", "HEAD:refs/heads/carols-work"]).ok();
    team.admits(&team.alice, "dave", Role::Writer);
    team.alice.git(["push", "-q"]).ok();
    let rita = &team.rita;
    rita.git(["pull", "-q", "--ff-only"]).ok();
    rita.covault(["status"]).ok();
    assert_eq!(begin_merge(rita, "origin/carols-work"), 1);
    let stages = rita.git(["ls-files", "-s"]).ok().text();
    let error = settles(rita).unwrap_err();
    assert!(matches!(&error, VaultError::RosterDiverged { admins, .. } if admins == &["alice", "carol"]), "{error}");
    assert_eq!((rita.git(["ls-files", "-s"]).ok().text(), error.kind()), (stages, Kind::Conflict));
    // Once somebody has merged, anybody takes it over.
    team.alice.git(["fetch", "-q"]).ok();
    super::rig::merges(&team.alice, "origin/carols-work");
    team.alice.git(["push", "-q"]).ok();
    rita.git(["merge", "--abort"]).ok();
    rita.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(members(&bytes(rita)), BOTH);
}

#[test]
fn a_side_without_a_roster_does_not_take_it_from_the_other() {
    let team = Team::new();
    let alice = &team.alice;
    alice.git(["switch", "-q", "-c", "without"]).ok();
    alice.git(["rm", "-q", ROSTER]).ok();
    alice.git(["commit", "-q", "-m", "no roster"]).ok();
    alice.git(["switch", "-q", "main"]).ok();
    team.admits(alice, "dave", Role::Writer);
    let ours = bytes(alice);
    assert_eq!(begin_merge(alice, "without"), 1);
    assert!(matches!(settles(alice).unwrap().unwrap().way, Way::Ours));
    assert_eq!((bytes(alice), bytes_at(alice, ":0")), (ours.clone(), ours));
}

#[test]
fn a_revert_that_was_begun_goes_on_with_the_roster_as_it_is() {
    let team = Team::new();
    let alice = &team.alice;
    team.admits(alice, "dave", Role::Writer);
    removes(alice, "bob");
    let ours = bytes(alice);
    assert_ne!(alice.git(["-c", "merge.covault.driver=false", "revert", "--no-edit", "HEAD~1"]).code, 0);
    // Not in passing, as a sync would.
    let error = settle(&alice.repo, &team::home(alice), None, With::Index, false, &team::how()).unwrap_err();
    assert!(matches!(error, VaultError::RosterTakenBack { .. }), "{error}");
    assert!(matches!(settles(alice).unwrap().unwrap().way, Way::TakesBack));
    assert_eq!((bytes(alice), bytes_at(alice, ":0")), (ours.clone(), ours));
}

#[test]
fn a_merge_that_dropped_the_other_roster_is_mended_from_the_commit_that_has_it() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    removes(carol, "bob");
    carol.git(["push", "-q"]).ok();
    team.admits(alice, "dave", Role::Writer);
    alice.git(["fetch", "-q"]).ok();
    alice.covault(["status"]).ok();
    // Ours, and nothing of theirs.
    alice.git(["merge", "-q", "-s", "ours", "--no-edit", "origin/main"]).ok();
    let said = alice.covault(["status"]).exits(6);
    assert!(said.err.contains("rolled back"), "{}", said.err);
    let before = alice.git(["rev-parse", "HEAD"]).ok().text();
    let staged = How { no_commit: true, ..team::how() };
    assert!(settles_with(alice, With::Commit("origin/main"), &staged).unwrap().unwrap().report.commit.is_none());
    assert_eq!(alice.git(["rev-parse", "HEAD"]).ok().text(), before);
    assert_eq!(members(&bytes_at(alice, ":0")), BOTH);
    alice.git(["checkout", "-q", "HEAD", "--", ROSTER]).ok();
    let settled = settles_with(alice, With::Commit("origin/main"), &team::how()).unwrap().unwrap();
    assert!(matches!(settled.way, Way::Merged(_)) && settled.report.commit.is_some());
    assert_eq!(members(&bytes(alice)), BOTH);
    alice.covault(["status"]).ok();
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn a_vault_that_nobody_accepted_is_not_settled() {
    let team = in_the_middle();
    let mut alice = team.alice;
    alice.git(["config", "--unset", "covault.vault"]).ok();
    alice.home = team.world.path().join("another home");
    alice.take_keys_of(&team.carol);
    let error = settles(&alice).unwrap_err();
    assert!(matches!(error, VaultError::UnknownVault { .. }), "{error}");
}

/// The team with adam, a third admin, of whom carol has heard.
fn with_adam() -> Team {
    let team = Team::new();
    team.admits(&team.alice, "adam", Role::Admin);
    team.alice.git(["push", "-q"]).ok();
    team.carol.git(["pull", "-q", "--ff-only"]).ok();
    team.carol.covault(["status"]).ok();
    team
}

#[test]
fn who_asks_for_it_is_told_whom_the_other_branch_took() {
    let team = with_adam();
    let (alice, carol) = (&team.alice, &team.carol);
    let member = super::rig::reference(carol, "adam");
    let lowers = covault::model::roster::Operation::Role { member, role: Role::Writer, live: Vec::new() };
    team::amend(carol, vec![lowers.into()], "covault: adam writes");
    removes(carol, "bob");
    carol.git(["push", "-q", "origin", "HEAD:refs/heads/carols-work"]).ok();
    team.admits(alice, "dave", Role::Writer);
    alice.git(["fetch", "-q"]).ok();
    assert_eq!(begin_merge(alice, "origin/carols-work"), 1);
    let notes = settles(alice).unwrap().unwrap().report.notes;
    let expected = [
        "the roster takes in 2 entries of the other branch",
        "bob is out: the other branch removed them",
        "adam is a writer now, by the other branch",
    ];
    assert_eq!(notes, expected);
}

/// Adam, an admin, too, is on carol's branch and begins to merge alice's.
fn adam_merges(carol_does: impl FnOnce(&Team), alice_does: impl FnOnce(&Team)) -> Vec<String> {
    let team = with_adam();
    let (alice, carol) = (&team.alice, &team.carol);
    let adam = team.comes("adam");
    adam.covault(["status"]).ok();
    carol_does(&team);
    carol.git(["push", "-q", "origin", "HEAD:refs/heads/carols-work"]).ok();
    alice_does(&team);
    alice.git(["push", "-q", "origin", "HEAD:refs/heads/alices-work"]).ok();
    adam.git(["fetch", "-q"]).ok();
    adam.git(["checkout", "-q", "--detach", "origin/carols-work"]).ok();
    assert_eq!(begin_merge(&adam, "origin/alices-work"), 1);
    settles(&adam).unwrap().unwrap().report.notes
}

#[test]
fn whom_the_other_branch_never_knew_is_left_out_and_not_called_removed() {
    let notes = adam_merges(
        |team| team.admits(&team.carol, "dave", Role::Writer),
        |team| drop(team.alice.covault(["member", "role", "carol", "writer", "--yes"]).ok()),
    );
    let expected = [
        "the roster takes in 1 entry of the other branch",
        "carol is a writer now, by the other branch",
        "dave, whom one branch admitted, is not in: on the other, who admitted them lost the right to, or the name or a key \
         was taken",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn whom_both_branches_admitted_and_the_merge_leaves_out_is_not_called_removed() {
    let admits_and_lowers = |team: &Team, admin: &crate::world::Person, other: &str| {
        team.admits(admin, "dave", Role::Writer);
        admin.covault(["member", "role", other, "writer", "--yes"]).ok();
    };
    let notes = adam_merges(
        |team| admits_and_lowers(team, &team.carol, "alice"),
        |team| admits_and_lowers(team, &team.alice, "carol"),
    );
    assert_eq!(
        notes[..2],
        ["the roster takes in 2 entries of the other branch", "carol is a writer now, by the other branch"]
    );
    assert!(notes.len() == 3 && notes[2].starts_with("dave, whom one branch admitted, is not in"), "{notes:?}");
}

#[test]
fn who_was_removed_is_out_whoever_removed_the_one_who_did() {
    let notes = adam_merges(|team| removes(&team.carol, "alice"), |team| removes(&team.alice, "bob"));
    let expected = ["the roster takes in 1 entry of the other branch", "bob is out: the other branch removed them"];
    assert_eq!(notes, expected);
}
