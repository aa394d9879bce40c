//! Branches that are merged, rebased and picked from, again and again.

use super::{ordinary, well_merged_of_value};
use crate::attacks::rig::Case;
use crate::world::Person;

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
