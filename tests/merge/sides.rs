//! `resolve --ours` and `--theirs`: which merge is asked, and when there is none to ask.

use super::git::{asked, field, forked, on, values};
use crate::world::World;

#[test]
fn a_side_is_picked_by_its_branch() {
    for (flag, expected) in [("--ours", "from main"), ("--theirs", "from the side")] {
        let world = World::new();
        let alice = asked(&world);
        alice.git(["merge", "-q", "side"]).ok();
        alice.set("other", "another commit on top");
        alice.covault(["resolve", "db", flag]).ok();
        assert_eq!(values(&alice, "db", "password"), [expected]);
    }
}

#[test]
fn a_side_is_picked_in_the_middle_of_the_merge() {
    let world = World::new();
    let alice = asked(&world);
    alice.git(["merge", "-q", "--no-commit", "side"]).ok();
    alice.covault(["resolve", "db", "--theirs"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
}

#[test]
fn a_side_is_picked_of_the_merge_that_brought_the_question_and_of_no_later_one() {
    for (flag, expected) in [("--ours", "from main"), ("--theirs", "from the side")] {
        let world = World::new();
        let alice = forked(&world);
        alice.git(["branch", "later"]).ok();
        field(&alice, "password", "from main");
        on(&alice, "side");
        field(&alice, "password", "from the side");
        on(&alice, "later");
        alice.covault(["set", "db", "user=later"]).ok();
        on(&alice, "main");
        alice.git(["merge", "-q", "side"]).ok();
        alice.git(["merge", "-q", "later"]).ok();
        alice.covault(["resolve", "db", flag]).ok();
        assert_eq!(values(&alice, "db", "password"), [expected]);
    }
}

#[test]
fn after_a_squash_a_cherry_pick_or_a_rebase_no_older_merge_says_what_is_ours() {
    for bring in [
        &[&["checkout", "-q", "main"][..], &["merge", "-q", "--squash", "feature"], &["commit", "-qm", "squashed"]][..],
        &[&["checkout", "-q", "main"], &["cherry-pick", "feature"]],
        &[&["rebase", "-q", "main"]],
    ] {
        let world = World::new();
        let alice = forked(&world);
        alice.git(["branch", "feature"]).ok();
        // An older merge, which asked nothing.
        on(&alice, "side");
        field(&alice, "password", "of the older merge");
        on(&alice, "main");
        field(&alice, "value", "changed on main");
        alice.git(["merge", "-q", "side"]).ok();
        on(&alice, "feature");
        field(&alice, "password", "of the feature");
        bring.iter().for_each(|args| drop(alice.git(*args).ok()));
        for flag in ["--theirs", "--ours"] {
            let said = alice.covault(["resolve", "db", flag]).exits(2);
            assert!(said.err.contains("covault resolve db/password --pick ID"), "{bring:?}: {}", said.err);
            assert_eq!(values(&alice, "db", "password"), ["of the feature", "of the older merge"]);
        }
    }
}

#[test]
fn a_side_that_had_two_values_itself_is_not_picked() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["branch", "third"]).ok();
    field(&alice, "password", "from main");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "third");
    field(&alice, "password", "from the third");
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    alice.git(["merge", "-q", "third"]).ok();
    alice.covault(["resolve", "db", "--ours"]).exits(2);
    assert_eq!(values(&alice, "db", "password").len(), 3);
    alice.covault(["resolve", "db", "--theirs"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["from the third"]);
}
