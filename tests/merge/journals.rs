//! Journals where branches meet: with the driver, with none, and without a key.

use super::git::is_good;
use super::rig::{Team, verifies};
use crate::cli::json;
use crate::team::{journal, journal_file};
use crate::world::{Person, World};

const NAME: &str = "4f1d00aa00bb00cc";

#[track_caller]
fn has_both(person: &Person) {
    assert_eq!(person.get(&format!("journal/{NAME}/intent")), "what alice asked for");
    assert_eq!(person.get(&format!("journal/{NAME}/minted")), "what bob was given");
}

/// alice and bob write the same journal, which neither had; alice's is pushed.
fn both_write() -> Team {
    let team = Team::new();
    journal(&team.alice, NAME, &[("intent", "what alice asked for")]);
    team.alice.git(["push", "-q"]).ok();
    journal(&team.bob, NAME, &[("minted", "what bob was given")]);
    team
}

#[test]
fn two_clones_that_begin_one_journal_are_merged_by_git_with_the_driver() {
    let team = both_write();
    let bob = &team.bob;
    bob.git(["pull", "-q", "--no-rebase"]).ok();
    has_both(bob);
    verifies(bob);
    bob.git(["push", "-q"]).ok();
    team.alice.git(["pull", "-q"]).ok();
    has_both(&team.alice);
    is_good(&team.alice);
}

#[test]
fn sync_merges_journals_in_a_clone_that_has_no_driver() {
    let team = both_write();
    team.bob.covault(["setup", "--undo"]).ok();
    let answer = json(&team.bob.covault(["sync", "--json"]).ok());
    assert_eq!(answer["pushed"], true, "{answer:#}");
    assert_eq!(answer["changed"], serde_json::json!([]), "a journal is no secret: {answer:#}");
    has_both(&team.bob);
    verifies(&team.bob);
}

#[test]
fn sync_merges_journals_in_a_clone_that_knows_of_secrets_alone() {
    let team = both_write();
    let info = team.bob.repo.join(".git/info/attributes");
    let text = std::fs::read_to_string(&info).unwrap();
    let without: String = text.lines().filter(|line| !line.contains("journal")).map(|l| format!("{l}\n")).collect();
    std::fs::write(&info, without).unwrap();
    team.bob.covault(["sync"]).ok();
    has_both(&team.bob);
    verifies(&team.bob);
}

#[test]
fn what_git_left_unmerged_of_a_journal_is_settled() {
    let team = both_write();
    let bob = &team.bob;
    bob.git(["config", "--remove-section", "merge.covault"]).ok();
    std::fs::write(bob.repo.join(".git/info/attributes"), "").unwrap();
    bob.git(["pull", "-q", "--no-rebase"]).exits(1);
    let file = format!(".covault/journal/{NAME}.age");
    assert_eq!(super::rig::unmerged(bob), [file.as_str()]);
    assert!(json(&bob.covault(["verify", "--json"]))["contested"].to_string().contains(&file));
    bob.covault(["resolve"]).ok();
    bob.git(["commit", "-q", "--no-edit"]).ok();
    has_both(bob);
    verifies(bob);
}

#[test]
fn a_bot_keeps_both_sealed_and_the_next_who_writes_joins_them() {
    let world = World::new();
    let alice = super::git::forked(&world);
    alice.git(["checkout", "-q", "side"]).ok();
    journal(&alice, NAME, &[("minted", "what bob was given")]);
    alice.git(["checkout", "-q", "main"]).ok();
    journal(&alice, NAME, &[("intent", "what alice asked for")]);
    let bot = alice.clone_for(world.stranger("bot"));
    bot.covault(["setup"]).ok();
    bot.git(["merge", "-q", "origin/side"]).ok();
    assert!(std::fs::read(journal_file(&bot, NAME)).unwrap().starts_with(b"covault-siblings 1\n\0"));
    bot.covault(["verify"]).ok();
    alice.git(["pull", "-q", "--no-rebase", bot.repo.to_str().unwrap(), "main"]).ok();
    has_both(&alice);
    let pending = json(&alice.covault(["status", "--json"]).ok())["pending"].clone();
    assert_eq!(pending[0]["siblings"], 2, "{pending:#}");
    alice.set("other", "something else");
    assert!(!std::fs::read(journal_file(&alice, NAME)).unwrap().starts_with(b"covault-siblings"));
    has_both(&alice);
    is_good(&alice);
}

#[test]
fn a_new_member_gets_the_journals_that_another_branch_began() {
    let team = Team::new();
    team.admits(&team.alice, "dave", covault::model::roster::Role::Writer);
    team.alice.git(["push", "-q"]).ok();
    journal(&team.bob, NAME, &[("intent", "what alice asked for"), ("minted", "what bob was given")]);
    team.bob.covault(["sync"]).ok();
    let dave = team.comes("dave");
    has_both(&dave);
    verifies(&dave);
}
