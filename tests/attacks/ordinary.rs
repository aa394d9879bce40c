//! The ordinary life of a repository: nothing of this is an attack, and nothing of it alarms. In each case secrets are
//! read, listed and written with exit code 0.

mod merges;
mod squashes;

use covault::model::roster::Operation;

use super::forge::member;
use super::rig::{Case, SECRETS, harmless};
use crate::team;
use crate::world::Person;

/// alice reads, lists and writes, and nobody warns her of anything.
#[track_caller]
fn works(alice: &Person, db: &str) {
    let said = alice.covault(["get", "dev/db"]).ok();
    harmless(&["get"], &said);
    assert_eq!(said.text(), db);
    assert!(said.err.is_empty(), "{}", said.err);
    assert!(alice.covault(["ls", "--flat"]).ok().text().contains("dev/db\n"));
    let status = alice.covault(["status", "--json"]).ok().text();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(status["refused"].as_array().unwrap().is_empty(), "{status:#}");
    let said = alice.covault_fed(b"written on an ordinary day", ["set", "dev/db"]).ok();
    harmless(&["set"], &said);
    assert_eq!(alice.get("dev/db"), "written on an ordinary day");
}

fn third() -> &'static str {
    SECRETS[1].1
}

/// alice's clone after the remote's newest state was seen.
fn ordinary() -> Case {
    let case = Case::new();
    case.alice.get("dev/db");
    case
}

#[test]
fn switching_to_an_old_branch_and_back() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "old", "begun"]).ok();
    assert_eq!(alice.get("dev/db"), "the second value of dev db");
    assert!(alice.covault(["ls", "--flat"]).ok().text().contains("dev/db\n"));
    works(alice, "the second value of dev db");
    alice.git(["checkout", "-q", "main"]).ok();
    works(alice, third());
}

#[test]
fn a_tag_from_before_somebody_left() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "branched"]).ok();
    assert_eq!(alice.get("dev/db"), "the second value of dev db");
    assert_eq!(alice.get("old/token"), "the last that gina wrote");
    works(alice, "the second value of dev db");
}

#[test]
fn a_detached_head() {
    let case = ordinary();
    case.alice.git(["checkout", "-q", "--detach"]).ok();
    works(&case.alice, third());
    assert_eq!(case.alice.git(["log", "-1", "--format=%s"]).ok().text(), "covault: set dev/db\n");
}

#[test]
fn an_old_commit_looked_at() {
    let case = ordinary();
    case.alice.git(["checkout", "-q", "HEAD~3"]).ok();
    case.alice.covault(["get", "dev/db"]).ok();
    case.alice.covault(["ls"]).ok();
    case.alice.covault(["status"]).ok();
    case.alice.git(["checkout", "-q", "main"]).ok();
    works(&case.alice, third());
}

#[test]
fn amending_what_was_not_pushed() {
    let case = ordinary();
    let alice = &case.alice;
    alice.set("dev/db", "with a slip");
    alice.git(["commit", "-q", "--amend", "-m", "better words"]).ok();
    assert_eq!(alice.get("dev/db"), "with a slip");
    works(alice, "with a slip");
    alice.git(["push", "-q"]).ok();
    works(alice, "written on an ordinary day");
}

#[test]
fn taking_back_a_commit_that_was_not_pushed() {
    let case = ordinary();
    let alice = &case.alice;
    alice.set("dev/db", "a mistake");
    alice.get("dev/db");
    alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    works(alice, third());
}

#[test]
fn resetting_a_feature_branch() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    alice.set("dev/db", "first try");
    alice.set("dev/db", "second try");
    alice.git(["push", "-q", "-u", "origin", "work"]).ok();
    alice.get("dev/db");
    alice.git(["reset", "-q", "--hard", "HEAD~2"]).ok();
    alice.git(["push", "-q", "--force"]).ok();
    works(alice, third());
}

#[test]
fn a_merge_of_branches_that_changed_different_secrets() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    alice.set("dev/api", "from the branch");
    alice.git(["checkout", "-q", "main"]).ok();
    alice.set("staging/db", "from the trunk");
    alice.git(["merge", "-q", "--no-edit", "work"]).ok();
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/api"), "from the branch");
    assert_eq!(alice.get("staging/db"), "from the trunk");
    works(alice, third());
}

#[test]
fn a_cherry_pick() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    alice.set("dev/new", "picked later");
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["cherry-pick", "work"]).ok();
    assert_eq!(alice.get("dev/new"), "picked later");
    works(alice, third());
}

#[test]
fn a_rebase_onto_what_others_pushed() {
    let case = ordinary();
    let alice = &case.alice;
    let wanda = case.clone_of("wanda");
    wanda.set("dev/api", "newer than alice knows");
    wanda.git(["push", "-q"]).ok();
    alice.set("dev/new", "not pushed yet");
    alice.git(["pull", "-q", "--rebase"]).ok();
    assert_eq!(alice.get("dev/new"), "not pushed yet");
    assert_eq!(alice.get("dev/api"), "newer than alice knows");
    works(alice, third());
}

#[test]
fn a_stash() {
    let case = ordinary();
    let alice = &case.alice;
    alice.covault_fed(b"put aside", ["set", "--no-commit", "dev/db"]).ok();
    assert_eq!(alice.get("dev/db"), "put aside");
    alice.git(["stash", "-q"]).ok();
    assert_eq!(alice.get("dev/db"), third());
    alice.git(["stash", "pop", "-q"]).ok();
    works(alice, "put aside");
}

#[test]
fn two_clones_of_one_person() {
    let case = ordinary();
    let mut second = case.world.stranger("alice");
    second.repo = case.world.path().join("second clone");
    second.git([std::path::Path::new("clone"), "-q".as_ref(), &case.world.shared(), &second.repo]).ok();
    second.set("dev/db", "from the second clone");
    second.git(["push", "-q"]).ok();
    // The first clone is behind, and reads what it has.
    assert_eq!(case.alice.get("dev/db"), third());
    case.alice.git(["pull", "-q", "--ff-only"]).ok();
    works(&case.alice, "from the second clone");
}

#[test]
fn a_second_clone_that_is_behind() {
    let case = ordinary();
    let mut behind = case.world.stranger("alice");
    behind.repo = case.world.path().join("behind");
    behind.git([std::path::Path::new("clone"), "-q".as_ref(), &case.world.shared(), &behind.repo]).ok();
    behind.get("dev/db");
    case.alice.covault(["group", "set", "late", "alice", "--yes"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.alice.get("dev/db");
    assert_eq!(behind.get("dev/db"), third());
    behind.covault(["ls"]).ok();
    behind.set("dev/new", "written behind");
    behind.git(["pull", "-q", "--no-rebase", "--no-edit"]).ok();
    works(&behind, third());
}

#[test]
fn a_linked_worktree() {
    let case = ordinary();
    let place = case.world.path().join("linked");
    case.alice.git([std::ffi::OsStr::new("worktree"), "add".as_ref(), "-q".as_ref(), place.as_os_str()]).ok();
    let mut linked = case.world.stranger("alice");
    linked.repo = place;
    works(&linked, third());
    works(&case.alice, third());
}

#[test]
fn a_shallow_clone_of_a_job() {
    let case = ordinary();
    let id = case.vault().unwrap().roster().vault;
    for depth in ["1", "2"] {
        let mut ci = case.world.stranger("ci");
        ci.repo = case.world.path().join(format!("shallow {depth}"));
        let from = format!("file://{}", case.world.shared().display());
        ci.git(["clone", "-q", "--depth", depth, &from, ci.repo.to_str().unwrap()]).ok();
        ci.vars.push(("COVAULT_VAULT".to_owned(), id.to_string()));
        ci.vars.push(("CI".to_owned(), "true".to_owned()));
        assert_eq!(ci.get("staging/db"), "the value for the job");
        assert!(ci.covault(["ls", "--flat"]).ok().text().contains("staging/db\n"));
        ci.covault(["run", "--from", "staging", "--", "true"]).ok();
        // Newer commits, as shallow as before.
        let alice = &case.alice;
        alice.set("staging/db", "the value for the job");
        alice.set("dev/other", &format!("seen at depth {depth}"));
        alice.git(["push", "-q"]).ok();
        ci.git(["fetch", "-q", "--depth", depth]).ok();
        ci.git(["reset", "-q", "--hard", "origin/main"]).ok();
        assert_eq!(ci.get("staging/db"), "the value for the job");
    }
}

#[test]
fn an_abandoned_pull_request_that_touched_the_roster() {
    let case = ordinary();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "wanda-as-admin"]).ok();
    alice.covault(["member", "role", "wanda", "admin", "--yes"]).ok();
    alice.git(["push", "-q", "-u", "origin", "wanda-as-admin"]).ok();
    alice.get("dev/db");
    alice.git(["checkout", "-q", "main"]).ok();
    works(alice, third());
    let wanda = alice.covault(["member", "ls", "--json"]).ok().text();
    assert!(wanda.contains("\"writer\""), "{wanda}");
    alice.git(["branch", "-q", "-D", "wanda-as-admin"]).ok();
    alice.git(["push", "-q", "origin", ":wanda-as-admin"]).ok();
    works(alice, "written on an ordinary day");
}

#[test]
fn somebody_elses_pull_request_looked_at() {
    let case = ordinary();
    let adam = case.clone_of("adam");
    adam.git(["checkout", "-q", "-b", "proposal"]).ok();
    adam.covault(["group", "set", "proposed", "adam", "--yes"]).ok();
    adam.set("dev/db", "as proposed");
    adam.git(["push", "-q", "-u", "origin", "proposal"]).ok();
    let alice = &case.alice;
    alice.git(["fetch", "-q"]).ok();
    alice.git(["checkout", "-q", "proposal"]).ok();
    works(alice, "as proposed");
    alice.git(["checkout", "-q", "main"]).ok();
    works(alice, third());
}

#[test]
fn a_lost_state_folder() {
    let case = ordinary();
    std::fs::remove_dir_all(case.alice.home.join(".local")).unwrap();
    works(&case.alice, third());
}

#[test]
fn a_new_machine_with_the_old_keys() {
    let case = ordinary();
    let new = case.world.newcomer("new machine");
    new.take_keys_of(&case.alice);
    let words = covault::vault::words(case.roster().vault);
    new.covault(["setup", "--vault", &words]).ok();
    works(&new, third());
}

#[test]
fn a_revert_of_a_revert() {
    let case = ordinary();
    let alice = &case.alice;
    alice.set("dev/api", "reverted and restored");
    alice.git(["revert", "--no-edit", "HEAD"]).ok();
    alice.git(["revert", "--no-edit", "HEAD"]).ok();
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/api"), "reverted and restored");
    works(alice, third());
}

#[test]
fn an_old_value_brought_back_with_covault() {
    let case = ordinary();
    let alice = &case.alice;
    alice.covault(["restore", "dev/db@begun"]).ok();
    alice.git(["push", "-q"]).ok();
    alice.get("dev/db");
}

#[test]
fn a_secret_that_was_deleted_and_one_that_moved() {
    let case = ordinary();
    let alice = &case.alice;
    alice.covault(["rm", "dev/api"]).ok();
    alice.covault(["mv", "staging/db", "staging/database"]).ok();
    alice.git(["push", "-q"]).ok();
    alice.covault(["get", "dev/api"]).exits(3);
    assert_eq!(alice.get("staging/database"), "the value for the job");
    works(alice, third());
}

#[test]
fn a_member_who_left_and_what_the_others_go_on_with() {
    let case = ordinary();
    let wanda = case.vault().unwrap().roster().named(&member("wanda")).unwrap().reference();
    let leaves = Operation::Remove { member: wanda, live: Vec::new() };
    team::amend(&case.alice, vec![leaves.into()], "covault: wanda leaves");
    case.alice.git(["push", "-q"]).ok();
    assert_eq!(case.alice.get("dev/api"), "the key that wanda wrote");
    works(&case.alice, third());
}

/// The same after a merge: nothing is found in the tree and nothing in the history, by either verifier; then she works on.
#[track_caller]
fn well_merged(case: Case, db: &str) {
    assert_eq!(case.alice.git(["status", "--porcelain"]).ok().text(), "");
    let attacked = super::rig::Attacked::of(case).both_find(&[]);
    works(&attacked.case.alice, db);
}

/// [`well_merged`] where dev/db has a second field.
#[track_caller]
fn well_merged_of_value(case: Case, value: &str) {
    assert_eq!(case.alice.get("dev/db/value"), value);
    assert_eq!(case.alice.covault(["get", "dev/db/value"]).ok().err, "");
    case.alice.covault(["set", "dev/db", "--unset", "user"]).ok();
    well_merged(case, value);
}
