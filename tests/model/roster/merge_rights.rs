//! Two branches that both extended the roster: grants, groups and roles. What one side took, the other does not give back.

use covault::model::roster::{Holder, Operation, Role, Roster, RosterError};

use super::chain::{Chain, group, named};
use super::merge::{both, two};

#[test]
fn what_a_removed_admin_gave_there_is_not_given() {
    let (mut a, mut b) = two();
    a.remove("alice", "ann");
    b.grant("alice", "prod", &["alice"]);
    b.admit("ann", "erin", Role::Admin);
    b.role("ann", "walt", Role::Admin);
    b.grant("ann", "prod", &["alice", "rita"]);
    b.group("ann", "dev", &["rita"]);
    b.renew("ann", "rita", &["rita.2"]);
    b.entries.push(b.signed(b.who("ann").card, Operation::Minimum { minimum: 2 }));
    let mut merged = a.clone();
    // A branch with that minimum is nothing for this version, and the merge leaves the minimum out.
    assert!(matches!(Roster::from_entries(&b.entries), Err(RosterError::TooNew { minimum: 2 })));
    merged.merge("alice", &b);
    assert!(!merged.lives("erin"));
    assert_eq!(merged.role_of("walt"), Some(Role::Writer));
    assert_eq!(merged.readers("prod/db"), ["alice"]);
    assert_eq!(merged.state().group(&group("dev")), None);
    // The device that rita had is gone, and the other was never given.
    assert!(!merged.lives("rita"));
    assert_eq!(merged.state().minimum(), 1);
}

#[test]
fn what_a_removed_admin_took_there_is_taken() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.grant("alice", "prod", &["rita", "walt"]);
        chain.group("alice", "dev", &["rita", "walt"]);
        chain.grant("alice", "test", &["@dev"]);
    }
    a.remove("alice", "ann");
    b.role("ann", "walt", Role::Reader);
    b.grant("ann", "prod", &["rita"]);
    b.group("ann", "dev", &["rita"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.role_of("walt"), Some(Role::Reader));
        assert_eq!(merged.readers("prod/db"), ["rita"]);
        assert_eq!(merged.readers("test/db"), ["rita"]);
    }
}

#[test]
fn the_lower_of_two_roles_counts() {
    for (here, there, low) in [
        (Role::Reader, Role::Admin, Role::Reader),
        (Role::Admin, Role::Reader, Role::Reader),
        (Role::Admin, Role::Admin, Role::Admin),
        (Role::Reader, Role::Reader, Role::Reader),
    ] {
        let (mut a, mut b) = two();
        a.role("alice", "walt", here);
        b.role("ann", "walt", there);
        for merged in both(&a, &b) {
            assert_eq!(merged.role_of("walt"), Some(low));
        }
    }
    // A role that only one side gave.
    let (a, mut b) = two();
    b.role("ann", "walt", Role::Reader);
    b.role("ann", "walt", Role::Admin);
    let mut merged = a;
    merged.merge("alice", &b);
    assert_eq!(merged.role_of("walt"), Some(Role::Admin));
    // A lower role holds though the card was renewed meanwhile.
    let (mut a, mut b) = two();
    a.renew("alice", "ann", &["ann.1", "ann.2"]);
    b.role("alice", "ann", Role::Reader);
    for merged in both(&a, &b) {
        assert_eq!(merged.role_of("ann"), Some(Role::Reader));
    }
}

#[test]
fn what_one_side_took_from_a_grant_the_other_does_not_give_back() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.grant("alice", "prod", &["rita", "walt"]);
    }
    a.grant("alice", "prod", &["rita"]);
    b.grant("ann", "prod", &["bot", "rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["bot", "rita"]);
    }
    // Not even where it took and gave.
    b.grant("ann", "prod", &["bot", "rita"]);
    b.grant("ann", "prod", &["bot", "rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["bot", "rita"]);
    }
}

#[test]
fn what_one_side_took_from_a_group_the_other_does_not_give_back() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.group("alice", "dev", &["rita", "walt"]);
    }
    a.group("alice", "dev", &["rita"]);
    b.group("ann", "dev", &["bot", "rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.state().group(&group("dev")), Some([named("bot"), named("rita")].into()));
    }
    b.group("ann", "dev", &["bot"]);
    b.group("ann", "dev", &["bot", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.state().group(&group("dev")), Some([named("bot")].into()));
    }
}

#[test]
fn what_was_taken_stays_taken_where_nobody_is_left() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.grant("alice", "prod", &["rita"]);
        chain.group("alice", "dev", &["rita"]);
        chain.grant("alice", "test", &["@dev"]);
    }
    a.remove("alice", "walt");
    b.grant("ann", "prod", &["walt"]);
    b.group("ann", "dev", &["walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), [""; 0]);
        assert_eq!(merged.readers("test/db"), [""; 0]);
    }
    // Such a grant can be given again.
    let [mut merged, _] = both(&a, &b);
    merged.grant("ann", "prod", &["ann"]);
    merged.grant("ann", "test", &["ann"]);
    assert_eq!(merged.readers("prod/db"), ["ann"]);
}

#[test]
fn a_group_that_ended_on_one_side_has_ended() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.group("alice", "dev", &["rita", "walt"]);
    }
    a.group("alice", "dev", &[]);
    b.group("ann", "dev", &["bot", "rita", "walt"]);
    b.grant("ann", "prod", &["@dev", "alice"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["alice"]);
        assert_eq!(merged.state().group(&group("dev")), None);
        assert!(merged.state().has_ended(&group("dev")));
    }
}

#[test]
fn who_lost_a_path_does_not_get_it_back_as_one_of_many() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.group("alice", "dev", &["rita", "walt"]);
        chain.grant("alice", "prod", &["rita", "walt"]);
        chain.grant("alice", "test", &["@dev"]);
    }
    a.grant("alice", "prod", &["rita"]);
    a.group("alice", "dev", &["rita"]);
    b.grant("ann", "prod", &["@people"]);
    b.grant("ann", "test", &["@dev", "walt"]);
    for merged in both(&a, &b) {
        // All people but walt, one by one.
        assert_eq!(merged.readers("prod/db"), ["alice", "ann", "rita"]);
        assert_eq!(merged.readers("test/db"), ["rita"]);
        assert!(merged.state().grant_for("test").1.contains(&Holder::Group(group("dev"))));
    }
    // Where it was given after it was taken, it is given.
    a.grant("alice", "prod", &["rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["alice", "ann", "rita", "walt"]);
    }
}

#[test]
fn what_a_merge_granted_one_by_one_stays_so_when_the_one_it_left_out_is_gone() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.grant("alice", "prod", &["rita", "walt"]);
    }
    a.grant("alice", "prod", &["rita"]);
    b.grant("ann", "prod", &["@people"]);
    let mut merged = a.clone();
    merged.merge("alice", &b);
    assert_eq!(merged.readers("prod/db"), ["alice", "ann", "rita"]);
    merged.remove("alice", "walt");
    // The other branch goes on, and has not heard of it.
    b.admit("ann", "zoe", Role::Reader);
    merged.merge("alice", &b);
    assert!(merged.lives("zoe") && !merged.lives("walt"));
    assert_eq!(merged.readers("prod/db"), ["alice", "ann", "rita"]);
}

#[test]
fn a_path_that_inherits_on_both_sides_does_not_get_from_above_what_was_taken_there() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.group("alice", "dev", &["bot", "walt"]);
        chain.grant("alice", "prod", &["@dev", "rita"]);
    }
    a.grant("alice", "prod", &["@inherit"]);
    b.grant("ann", "", &["@dev"]);
    b.grant("ann", "prod", &["@inherit"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("test/db"), ["bot", "walt"]);
        assert!(!merged.state().grant_for("prod").1.contains(&Holder::Group(group("dev"))));
        assert!(!merged.readers("prod/db").contains(&"bot"));
    }
}

#[test]
fn what_was_given_by_somebody_who_lost_the_right_beside_it_is_not_given_either_way() {
    let (mut a, mut b) = two();
    a.remove("alice", "ann");
    b.admit("ann", "erin", Role::Admin);
    b.admit("erin", "zoe", Role::Admin);
    b.grant("zoe", "prod", &["@people", "bot"]);
    b.role("zoe", "walt", Role::Reader);
    b.grant("alice", "test", &["rita", "zoe"]);
    for merged in both(&a, &b) {
        assert!(!merged.lives("ann") && !merged.lives("erin") && !merged.lives("zoe"));
        assert_eq!(merged.readers("prod/db"), ["alice", "rita", "walt"]);
        // What they took is taken all the same, and what alice gave to others is given.
        assert_eq!(merged.role_of("walt"), Some(Role::Reader));
        assert_eq!(merged.readers("test/db"), ["rita"]);
    }
    // Zoe comes again, and gets nothing by what was given to her then.
    let [mut merged, _] = both(&a, &b);
    merged.admit("alice", "zoe", Role::Reader);
    assert_eq!(merged.readers("test/db"), ["rita"]);
}

#[test]
fn who_lost_a_folder_there_lost_what_was_granted_below_it_here() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.grant("alice", "prod", &["rita", "walt"]);
    }
    a.grant("alice", "prod", &["rita"]);
    b.grant("ann", "prod/eu", &["bot", "rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/eu/db"), ["bot", "rita"]);
    }
}

#[test]
fn a_first_grant_at_a_path_is_compared_with_the_one_above() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.grant("ann", "prod", &["@people", "bot"]);
    b.grant("ann", "test", &["rita"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["alice", "ann", "bot", "dave", "rita", "walt"]);
        assert_eq!(merged.readers("test/db"), ["rita"]);
    }
}

#[test]
fn a_grant_goes_where_both_it_and_the_one_above_are_as_they_were_there() {
    let start = || {
        let mut chain = Chain::team();
        chain.grant("alice", "", &["alice"]);
        chain.grant("alice", "prod", &["alice", "rita"]);
        chain
    };
    let (mut a, mut b) = (start(), start());
    a.admit("alice", "dave", Role::Reader);
    b.grant("ann", "prod", &["@inherit"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.state().grant_for("prod").0, "");
    }
    // Another set here: what it took is taken, and nothing is given.
    let mut a = start();
    a.grant("alice", "prod", &["alice", "rita", "walt"]);
    let mut merged = a.clone();
    merged.merge("alice", &b);
    assert_eq!(merged.readers("prod/db"), ["alice", "walt"]);
    // Another one above: the same.
    let mut a = start();
    a.grant("alice", "", &["@people"]);
    let mut merged = a.clone();
    merged.merge("alice", &b);
    assert_eq!(merged.readers("prod/db"), ["alice"]);
    // What is above would give back what was taken here.
    let start = || {
        let mut chain = Chain::team();
        chain.grant("alice", "", &["rita", "walt"]);
        chain.grant("alice", "prod", &["alice", "rita"]);
        chain
    };
    let (mut a, mut b) = (start(), start());
    a.grant("alice", "prod", &["alice"]);
    b.grant("ann", "prod", &["alice"]);
    b.grant("ann", "prod", &["@inherit"]);
    let mut merged = a;
    merged.merge("alice", &b);
    assert!(!merged.readers("prod/db").contains(&"rita"));
}

#[test]
fn a_group_gets_a_path_as_a_whole_though_its_new_member_had_lost_it_before_the_branches_parted() {
    let mut start = Chain::team();
    start.group("alice", "dev", &["walt"]);
    start.grant("alice", "prod", &["rita"]);
    start.grant("alice", "prod", &["ann"]);
    let (mut a, mut b) = (start.clone(), start);
    a.grant("alice", "prod", &["@dev"]);
    b.group("ann", "dev", &["rita", "walt"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["rita", "walt"]);
        assert_eq!(merged.state().grant_for("prod").1, &[Holder::Group(group("dev"))].into());
    }
}
