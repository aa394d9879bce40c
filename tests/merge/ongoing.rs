//! What git left unmerged, settled by what git is doing meanwhile: a merge, a revert, a cherry-pick, a rebase.

use covault::model::roster::Role;
use covault::seal::{bundle, members};

use super::git::{field, forked, is_good, on, parted, values};
use super::traps::{git_without_driver, pulling_what_a_leaver_wrote};
use crate::cli::json;
use crate::team;
use crate::world::{Person, World};

const DB: &str = ".covault/secrets/db.age";

#[test]
fn a_merge_that_stopped_brings_everything_and_not_only_what_changed_over_there() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["checkout", "-q", "-b", "third"]).ok();
    alice.covault(["set", "db", "user=third"]).ok();
    on(&alice, "main");
    field(&alice, "password", "of both");
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    field(&alice, "value", "from the side");
    // Here another branch's file took the place of what both come from.
    alice.git(["checkout", "-q", "-b", "here", "main"]).ok();
    alice.git(["checkout", "-q", "third", "--", DB]).ok();
    alice.git(["commit", "-qm", "as on the third branch"]).ok();
    git_without_driver(&alice, &["merge", "-q", "side"]);
    alice.covault(["resolve"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    for (field, value) in [("user", "third"), ("password", "of both"), ("value", "from the side")] {
        assert_eq!(values(&alice, "db", field), [value]);
    }
}

#[test]
fn a_revert_that_stopped_says_what_undoes_a_change() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "password", "a mistake");
    field(&alice, "value", "later");
    let before = std::fs::read(alice.file("db")).unwrap();
    git_without_driver(&alice, &["revert", "--no-edit", "HEAD~1"]);
    let said = alice.covault(["resolve"]).ok();
    assert!(said.err.contains("a revert would bring old values back unseen; ours stays"), "{}", said.err);
    assert!(said.err.contains("git revert --abort, then covault restore --commit"), "{}", said.err);
    assert_eq!(std::fs::read(alice.file("db")).unwrap(), before);
}

#[test]
fn what_a_leaver_wrote_does_not_count_where_the_commit_that_is_picked_knows_that_they_left() {
    for picks in [&["cherry-pick", "side"][..], &["rebase", "-q", "--onto", "main", "side~1", "side"]] {
        let world = World::new();
        let alice = forked(&world);
        let bob = team::admit(&world, &alice, "bob", Role::Writer);
        field(&bob, "password", "written by bob");
        bob.git(["push", "-q", "origin", "HEAD:refs/heads/bobs"]).ok();
        alice.git(["branch", "-f", "side"]).ok();
        field(&alice, "value", "from main");
        on(&alice, "side");
        alice.covault(["member", "remove", "bob", "--yes"]).ok();
        alice.git(["checkout", "-q", "bobs", "--", DB]).ok();
        alice.git(["commit", "-qm", "an innocent change"]).ok();
        on(&alice, "main");
        git_without_driver(&alice, picks);
        let said = alice.covault(["resolve"]).ok();
        assert!(
            said.err.contains("what bob wrote is kept beside it and counts for nothing"),
            "{picks:?}: {}",
            said.err
        );
    }
}

#[test]
fn a_pick_that_stopped_brings_its_change_alone() {
    for picks in [&["cherry-pick", "side"][..], &["rebase", "-q", "--onto", "main", "side~1", "side"]] {
        let world = World::new();
        let alice = forked(&world);
        on(&alice, "side");
        alice.covault(["set", "db", "user=unfinished"]).ok();
        field(&alice, "password", "picked");
        on(&alice, "main");
        field(&alice, "value", "from main");
        git_without_driver(&alice, picks);
        alice.covault(["resolve"]).ok();
        alice.git(["-c", "core.editor=true", picks[0], "--continue"]).ok();
        for (field, value) in [("user", "app"), ("password", "picked"), ("value", "from main")] {
            assert_eq!(values(&alice, "db", field), [value], "{picks:?}");
        }
        is_good(&alice);
    }
}

/// The names that `resolve` settles.
fn settled(alice: &Person) -> Vec<String> {
    let said = json(&alice.covault(["resolve", "--json"]));
    let names = said["settled"].as_array().unwrap_or_else(|| panic!("{said}")).iter();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_side_that_was_dropped_is_found_beside_what_is_still_unmerged() {
    let world = World::new();
    let alice = forked(&world);
    alice.set("other", "first");
    alice.git(["branch", "-f", "side"]).ok();
    let changes = |field_of_db: &str, user: &str| {
        field(&alice, field_of_db, "changed");
        alice.covault(["set", "other", user]).ok();
    };
    on(&alice, "side");
    changes("password", "user=side");
    on(&alice, "main");
    changes("value", "host=main");
    git_without_driver(&alice, &["merge", "-q", "side"]);
    alice.git(["checkout", "-q", "--ours", "--", DB]).ok();
    alice.git(["add", DB]).ok();
    assert_eq!(settled(&alice), ["other", "db"]);
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["changed"]);
    assert_eq!(values(&alice, "db", "value"), ["changed"]);
    is_good(&alice);
}

#[test]
fn a_side_that_was_dropped_is_over_once_that_was_committed() {
    let world = World::new();
    let alice = parted(&world);
    git_without_driver(&alice, &["merge", "-q", "side"]);
    alice.git(["checkout", "-q", "--ours", "--", DB]).ok();
    alice.git(["add", DB]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert!(settled(&alice).is_empty());
    assert_eq!(values(&alice, "db", "password"), ["the first password"]);
}

#[test]
fn what_counts_for_nothing_and_was_dropped_by_hand_is_kept_until_somebody_decides() {
    let world = World::new();
    let alice = pulling_what_a_leaver_wrote(&world);
    for added in ["--ours", "--theirs"] {
        alice.git(["checkout", "-q", "-m", "--", DB]).ok();
        alice.git(["checkout", "-q", added, "--", DB]).ok();
        alice.git(["add", DB]).ok();
        assert_eq!(settled(&alice), ["db"], "{added}");
        assert_eq!(members(&std::fs::read(alice.file("db")).unwrap()).unwrap().len(), 2, "{added}");
        assert_eq!(values(&alice, "db", "value"), ["written by alice"]);
    }
}

#[test]
fn a_file_that_took_the_place_of_both_sides_loses_neither() {
    let world = World::new();
    let alice = parted(&world);
    git_without_driver(&alice, &["merge", "-q", "side"]);
    alice.git(["checkout", "-q", "HEAD~1", "--", DB]).ok();
    assert_eq!(settled(&alice), ["db"]);
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
    assert_eq!(values(&alice, "db", "value"), ["from main"]);
    is_good(&alice);
}

#[test]
fn what_is_no_version_of_this_secret_asks_nothing_more_once_something_was_written_over_it() {
    let world = World::new();
    let alice = forked(&world);
    alice.set("other", "of another name");
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    std::fs::copy(alice.file("other"), alice.file("db")).unwrap();
    alice.git(["commit", "-qam", "another secret's file"]).ok();
    on(&alice, "main");
    field(&alice, "value", "from main");
    git_without_driver(&alice, &["merge", "-q", "side"]);
    let said = alice.covault(["resolve"]).exits(5);
    assert!(said.err.contains(&format!("{DB} is refused: it was sealed for another name (other)")), "{}", said.err);
    alice.git(["checkout", "-q", "--ours", "--", DB]).ok();
    alice.git(["add", DB]).ok();
    field(&alice, "user", "written in the stop");
    alice.covault(["resolve"]).ok();
    assert!(settled(&alice).is_empty());
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(values(&alice, "db", "value"), ["from main"]);
    assert_eq!(values(&alice, "db", "user"), ["written in the stop"]);
}

#[test]
fn what_was_left_out_of_one_side_by_hand_stays_out_while_the_other_is_brought_in() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    field(&bob, "password", "written by bob");
    alice.covault(["member", "remove", "bob", "--yes"]).ok();
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    field(&alice, "user", "from the side");
    let counts = std::fs::read(alice.file("db")).unwrap();
    let beside = std::fs::read(bob.file("db")).unwrap();
    std::fs::write(alice.file("db"), bundle(vec![counts.clone(), beside]).unwrap()).unwrap();
    alice.git(["commit", "-qam", "what bob wrote, beside it"]).ok();
    on(&alice, "main");
    field(&alice, "value", "from main");
    git_without_driver(&alice, &["merge", "-q", "side"]);
    std::fs::write(alice.file("db"), &counts).unwrap();
    alice.git(["add", DB]).ok();
    assert_eq!(settled(&alice), ["db"]);
    assert_eq!(members(&std::fs::read(alice.file("db")).unwrap()).unwrap().len(), 1);
    alice.git(["commit", "-q", "--no-edit"]).ok();
    for (field, value) in [("user", "from the side"), ("value", "from main"), ("password", "the first password")] {
        assert_eq!(values(&alice, "db", field), [value]);
    }
}
