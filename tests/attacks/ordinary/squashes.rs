//! Branches that go into the trunk as one commit, and other ways in which versions come to lie between that no commit has.

use super::{ordinary, third, well_merged, well_merged_of_value, works};
use crate::attacks::rig::Case;
use crate::world::Person;

#[test]
fn a_squash_merge() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    for value in ["one of three", "two of three", "three of three"] {
        alice.set("dev/db", value);
    }
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--squash", "work"]).ok();
    alice.git(["commit", "-qm", "work, squashed"]).ok();
    alice.git(["push", "-q"]).ok();
    works(alice, "three of three");
}

/// Squashes the branch `work` into the trunk and pushes that; wanda saw the trunk before, and reads it afterwards.
fn squashes(case: &Case, wanda: &Person) {
    let alice = &case.alice;
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--ff-only"]).ok();
    alice.git(["merge", "-q", "--squash", "work"]).ok();
    alice.git(["commit", "-qm", "work, squashed"]).ok();
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.git(["log", "--format=%p", "-1"]).ok().text().split(' ').count(), 1, "a squash has one parent");
    wanda.git(["pull", "-q", "--ff-only"]).ok();
    let said = wanda.covault(["get", "dev/db/value"]).ok();
    assert!(said.err.is_empty(), "{}", said.err);
}

/// wanda's clone, which saw the trunk.
fn colleague(case: &Case) -> Person {
    let wanda = case.clone_of("wanda");
    wanda.get("dev/db");
    wanda
}

/// alice edits it more often on a branch than a manifest names versions, and squashes that.
fn more_than_a_manifest_names(case: Case, wanda: &Person) {
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    for n in 0..34 {
        alice.set("dev/db", &format!("value number {n}"));
    }
    squashes(&case, wanda);
    well_merged(case, "value number 33");
}

#[test]
fn a_squash_merge_of_more_than_a_manifest_names() {
    let case = ordinary();
    let wanda = colleague(&case);
    more_than_a_manifest_names(case, &wanda);
}

#[test]
fn a_squash_onto_what_waits_to_be_pushed() {
    let case = ordinary();
    let wanda = colleague(&case);
    case.alice.set("dev/db", "not pushed yet");
    more_than_a_manifest_names(case, &wanda);
}

/// Each commit that is replayed follows two versions, so that half as many fill a manifest.
#[test]
fn a_branch_that_is_rebased_and_then_squashed() {
    for edits in [16, 33] {
        let case = ordinary();
        let (alice, wanda) = (&case.alice, colleague(&case));
        alice.git(["checkout", "-q", "-b", "work"]).ok();
        for n in 1..=edits {
            alice.covault(["set", "dev/db", &format!("user=number {n}")]).ok();
        }
        wanda.set("dev/db", "what wanda pushed meanwhile");
        wanda.git(["push", "-q"]).ok();
        alice.git(["fetch", "-q"]).ok();
        alice.git(["rebase", "-q", "origin/main"]).ok();
        squashes(&case, &wanda);
        assert_eq!(alice.get("dev/db/user"), format!("number {edits}"));
        well_merged_of_value(case, "what wanda pushed meanwhile");
    }
}

#[test]
fn more_staged_edits_than_a_manifest_names() {
    for last in [&["set", "dev/db", "user=last", "--no-commit"], &["rekey", "dev/db", "--yes", "--no-commit"]] {
        let case = ordinary();
        let alice = &case.alice;
        for n in 0..32 {
            alice.covault(["set", "dev/db", &format!("user=number {n}"), "--no-commit"]).ok();
        }
        alice.covault(last).ok();
        assert_eq!(alice.get("dev/db/value"), third());
        alice.git(["commit", "-qm", "all at once"]).ok();
        alice.git(["push", "-q"]).ok();
        well_merged_of_value(case, third());
    }
}
