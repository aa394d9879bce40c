//! The ordinary life of a repository: nothing of this is an attack, and nothing of it alarms. In each case secrets are
//! read, listed and written with exit code 0.

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

#[test]
fn a_squash_merge_of_more_than_a_manifest_names() {
    let case = ordinary();
    let (alice, wanda) = (&case.alice, colleague(&case));
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    for n in 0..34 {
        alice.set("dev/db", &format!("value number {n}"));
    }
    squashes(&case, &wanda);
    well_merged(case, "value number 33");
}

#[test]
fn a_squash_onto_what_waits_to_be_pushed() {
    let case = ordinary();
    let (alice, wanda) = (&case.alice, colleague(&case));
    alice.set("dev/db", "not pushed yet");
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    for n in 0..34 {
        alice.set("dev/db", &format!("value number {n}"));
    }
    squashes(&case, &wanda);
    well_merged(case, "value number 33");
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

/// alice's second value of dev/db on the branch `work`, of another field than what the trunk changes.
fn with_work(case: &Case) {
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    alice.covault(["set", "dev/db", "user=from the branch"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
}

fn merges(person: &Person, branch: &str) {
    let said = person.git(["merge", "-q", "--no-ff", "-m", "merge", branch]).ok();
    assert_eq!(said.err.lines().find(|line| !line.starts_with("Auto-merging ")), None, "{}", said.err);
}

#[test]
fn a_branch_that_is_merged_twice() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.set("dev/db", "from the trunk");
    merges(alice, "work");
    alice.git(["checkout", "-q", "work"]).ok();
    alice.covault(["set", "dev/db", "user=once more"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    merges(alice, "work");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db/user"), "once more");
    well_merged_of_value(case, "from the trunk");
}

/// [`well_merged`] where dev/db has a second field.
#[track_caller]
fn well_merged_of_value(case: Case, value: &str) {
    assert_eq!(case.alice.get("dev/db/value"), value);
    assert_eq!(case.alice.covault(["get", "dev/db/value"]).ok().err, "");
    case.alice.covault(["set", "dev/db", "--unset", "user"]).ok();
    well_merged(case, value);
}

#[test]
fn a_merge_of_a_merge() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.git(["checkout", "-q", "-b", "other"]).ok();
    alice.set("dev/api", "from the other branch");
    merges(alice, "work");
    alice.git(["checkout", "-q", "main"]).ok();
    alice.set("dev/db", "from the trunk");
    merges(alice, "other");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/api"), "from the other branch");
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_squash_and_a_merge_of_the_same_branch_later() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.set("dev/db", "from the trunk");
    alice.git(["merge", "-q", "--squash", "work"]).ok();
    alice.git(["commit", "-qm", "work, squashed"]).ok();
    alice.git(["push", "-q"]).ok();
    alice.git(["checkout", "-q", "work"]).ok();
    alice.covault(["set", "dev/db", "user=after the squash"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    merges(alice, "work");
    assert_eq!(alice.get("dev/db/user"), "after the squash");
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_rebase_over_a_merge() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    let wanda = case.clone_of("wanda");
    wanda.set("dev/db", "what wanda pushed meanwhile");
    wanda.git(["push", "-q"]).ok();
    alice.set("dev/new", "beside it");
    merges(alice, "work");
    alice.git(["pull", "-q", "--rebase=merges"]).ok();
    assert_eq!(alice.get("dev/db/user"), "from the branch");
    assert_eq!(alice.get("dev/new"), "beside it");
    well_merged_of_value(case, "what wanda pushed meanwhile");
}

#[test]
fn a_cherry_pick_there_and_back() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.set("dev/db", "from the trunk");
    alice.git(["cherry-pick", "work"]).ok();
    alice.git(["checkout", "-q", "work"]).ok();
    alice.git(["cherry-pick", "main~1"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    merges(alice, "work");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db/user"), "from the branch");
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_clone_that_was_without_the_driver_for_a_while() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.set("dev/db", "from the trunk");
    alice.covault(["setup", "--undo"]).ok();
    alice.git(["merge", "-q", "work"]).exits(1);
    alice.covault(["resolve"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    alice.git(["push", "-q"]).ok();
    let id = case.roster().vault.to_string();
    alice.covault(["setup", "--vault", &id]).ok();
    assert_eq!(alice.get("dev/db/user"), "from the branch");
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_bot_without_a_key_merges_day_by_day() {
    let case = ordinary();
    let wanda = case.clone_of("wanda");
    let bot = case.world.newcomer("bot");
    wanda.git(["checkout", "-q", "-b", "work"]).ok();
    for day in 0..3 {
        wanda.covault(["set", "dev/db", &format!("user=on day {day}")]).ok();
        wanda.git(["push", "-q", "origin", "work"]).ok();
        case.alice.set("dev/db", &format!("from the trunk on day {day}"));
        case.alice.git(["push", "-q"]).ok();
        bot.git(["pull", "-q", "--ff-only"]).ok();
        bot.covault(["setup"]).ok();
        bot.git(["merge", "-q", "--no-ff", "-m", "daily", "origin/work"]).ok();
        bot.git(["push", "-q"]).ok();
        case.alice.git(["pull", "-q", "--ff-only"]).ok();
        assert_eq!(case.alice.get("dev/db/user"), format!("on day {day}"));
        assert_eq!(case.alice.get("dev/db/value"), format!("from the trunk on day {day}"));
    }
    // Who reads is told, as long as nobody has written.
    assert!(case.alice.covault(["get", "dev/db/value"]).ok().err.contains("is joined from"));
    case.alice.covault(["resolve"]).ok();
    case.alice.git(["push", "-q"]).ok();
    well_merged_of_value(case, "from the trunk on day 2");
}

#[test]
fn a_revert_of_a_commit_that_touched_no_secret() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    std::fs::write(alice.repo.join("README"), "a mistake\n").unwrap();
    alice.git(["commit", "-qam", "a mistake"]).ok();
    alice.set("dev/db", "from the trunk");
    alice.git(["revert", "--no-edit", "HEAD~1"]).ok();
    merges(alice, "work");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db/user"), "from the branch");
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_shallow_clone_that_merges_and_is_deepened() {
    let case = ordinary();
    with_work(&case);
    case.alice.git(["push", "-q", "origin", "work"]).ok();
    case.alice.set("dev/db", "from the trunk");
    case.alice.git(["push", "-q"]).ok();
    let mut second = case.world.stranger("alice");
    second.repo = case.world.path().join("shallow");
    let from = format!("file://{}", case.world.shared().display());
    second.git(["clone", "-q", "--depth", "3", "--no-single-branch", &from, second.repo.to_str().unwrap()]).ok();
    second.covault(["setup"]).ok();
    merges(&second, "origin/work");
    assert_eq!(second.get("dev/db/user"), "from the branch");
    second.git(["fetch", "-q", "--unshallow"]).ok();
    second.covault(["verify", "--history"]).ok();
    second.git(["push", "-q", "origin", "HEAD:main"]).ok();
    case.alice.git(["pull", "-q", "--ff-only"]).ok();
    well_merged_of_value(case, "from the trunk");
}

#[test]
fn a_branch_that_lives_through_a_removal() {
    let case = ordinary();
    with_work(&case);
    let alice = &case.alice;
    alice.covault(["member", "remove", "rita", "--yes"]).ok();
    alice.set("dev/db", "written after rita left");
    merges(alice, "work");
    alice.git(["checkout", "-q", "work"]).ok();
    merges(alice, "main");
    alice.covault(["set", "dev/db", "user=on a branch that heard of it"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    merges(alice, "work");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db/user"), "on a branch that heard of it");
    let readers = alice.covault(["who", "dev/db"]).ok().text();
    assert!(!readers.contains("rita"), "{readers}");
    well_merged_of_value(case, "written after rita left");
}

#[test]
fn two_who_exchange_with_sync_all_day() {
    let case = ordinary();
    let wanda = case.clone_of("wanda");
    for round in 0..3 {
        case.alice.set("dev/db", &format!("round {round} of alice"));
        wanda.covault(["set", "dev/db", &format!("user=round {round} of wanda")]).ok();
        for person in [&wanda, &case.alice, &wanda] {
            person.covault(["sync"]).ok();
        }
        assert_eq!(wanda.get("dev/db/value"), format!("round {round} of alice"));
        assert_eq!(case.alice.get("dev/db/user"), format!("round {round} of wanda"));
    }
    well_merged_of_value(case, "round 2 of alice");
}
