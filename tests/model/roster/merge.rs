//! Two branches that both extended the roster, case by case. What holds for any two is in `merge_laws`.

use covault::model::card::{Card, Kind};
use covault::model::roster::{self, Entry, Holder, Operation, Refusal, Role, Roster, RosterError};

use super::super::world::{at, hash};
use super::chain::{Chain, group, named};

/// The team, twice.
pub fn two() -> (Chain, Chain) {
    (Chain::team(), Chain::team())
}

/// What alice makes of both, either way: the same.
#[track_caller]
pub fn both(a: &Chain, b: &Chain) -> [Chain; 2] {
    let (mut left, mut right) = (a.clone(), b.clone());
    left.merge("alice", b);
    right.merge("alice", a);
    assert!(left.state() == right.state(), "{:#?} or {:#?}", left.state(), right.state());
    [left, right]
}

#[test]
fn what_was_done_on_either_side_is_done() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    a.grant("alice", "prod", &["ann"]);
    b.admit("ann", "erin", Role::Writer);
    b.group("ann", "dev", &["walt"]);
    b.grant("ann", "test", &["@dev"]);
    for merged in both(&a, &b) {
        assert!(merged.lives("dave") && merged.lives("erin"));
        assert_eq!(merged.readers("prod/db"), ["ann"]);
        assert_eq!(merged.readers("test/db"), ["walt"]);
    }
}

#[test]
fn where_one_side_did_nothing_the_other_comes_out() {
    let (a, mut b) = two();
    b.admit("ann", "erin", Role::Admin);
    b.renew("erin", "walt", &["walt.1", "walt.2"]);
    b.grant("erin", "prod", &["walt"]);
    b.remove("alice", "erin");
    b.group("ann", "dev", &["walt"]);
    let mut merged = a;
    merged.merge("ann", &b);
    assert_eq!(merged.state(), b.state());
}

#[test]
fn who_was_admitted_and_removed_there_does_not_live_and_is_known() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Writer);
    let erin = b.who("erin");
    b.remove("ann", "erin");
    for merged in both(&a, &b) {
        assert!(!merged.lives("erin"));
        assert!(merged.state().known(&erin).is_some_and(|known| !known.stands));
        let again = Operation::Admit { role: Role::Reader, card: merged.card("erin", &["other"]) };
        assert_eq!(merged.roster().after(&again, merged.who("ann").card), Err(Refusal::NameUsed(named("erin"))));
    }
}

#[test]
fn a_removal_counts_though_the_other_side_renewed_the_card() {
    let (mut a, mut b) = two();
    a.remove("alice", "walt");
    b.renew("ann", "walt", &["walt.2"]);
    for merged in both(&a, &b) {
        assert!(!merged.lives("walt"));
    }
    // Removed by a card that this side never saw.
    let (mut a, mut b) = two();
    a.renew("alice", "walt", &["walt.2"]);
    b.renew("ann", "walt", &["walt.3"]);
    b.remove("ann", "walt");
    for merged in both(&a, &b) {
        assert!(!merged.lives("walt"));
    }
}

#[test]
fn a_removal_counts_though_its_signer_was_removed() {
    let (mut a, mut b) = two();
    for chain in [&mut a, &mut b] {
        chain.admit("alice", "zoe", Role::Admin);
    }
    a.remove("zoe", "ann");
    b.remove("ann", "zoe");
    for merged in both(&a, &b) {
        assert!(!merged.lives("ann") && !merged.lives("zoe") && merged.lives("alice"));
    }
}

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
fn what_an_admin_did_before_leaving_on_the_same_side_counts() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Reader);
    b.grant("ann", "prod", &["erin"]);
    b.remove("alice", "ann");
    for merged in both(&a, &b) {
        assert!(merged.lives("erin") && !merged.lives("ann"));
        assert_eq!(merged.readers("prod/db"), ["erin"]);
    }
}

#[test]
fn of_two_people_under_one_name_one_stays_and_gets_nothing_that_was_meant_for_the_other() {
    let (mut a, mut b) = two();
    a.grant("alice", "prod", &["alice"]);
    a.admit("alice", "eve", Role::Reader);
    a.grant("alice", "test", &["alice", "eve"]);
    b.grant("ann", "prod", &["alice"]);
    let other = b.card("eve", &["another.eve"]);
    b.add("ann", Operation::Admit { role: Role::Writer, card: other });
    b.group("ann", "dev", &["eve", "walt"]);
    b.grant("ann", "prod", &["alice", "eve"]);
    b.role("ann", "eve", Role::Admin);
    // The one with the lower hash.
    let first = a.who("eve").card < b.who("eve").card;
    for merged in both(&a, &b) {
        assert_eq!(merged.who("eve"), if first { a.who("eve") } else { b.who("eve") });
        assert_eq!(merged.role_of("eve"), Some(if first { Role::Reader } else { Role::Admin }));
        assert_eq!(merged.readers("prod/db"), if first { vec!["alice"] } else { vec!["alice", "eve"] });
        assert_eq!(merged.readers("test/db"), if first { vec!["alice", "eve"] } else { vec!["alice"] });
        let dev = if first { vec!["walt"] } else { vec!["eve", "walt"] };
        assert_eq!(merged.state().group(&group("dev")), Some(dev.into_iter().map(named).collect()));
    }
    // And who removes one does not remove the other.
    let (mut a, mut b) = (a, b);
    if first {
        b.remove("ann", "eve");
    } else {
        a.remove("alice", "eve");
    }
    for merged in both(&a, &b) {
        assert!(merged.lives("eve"));
    }
}

#[test]
fn somebody_whom_both_sides_know_comes_before_somebody_new() {
    let mut lower = 0;
    for n in 1..=12 {
        let (mut a, mut b) = two();
        let devices = [format!("shared.{n}"), "walt.1".to_owned()];
        let walt = a.who("walt");
        a.renew("alice", "walt", &[&devices[0], &devices[1]]);
        let card = b.card("eve", &[&devices[0]]);
        b.add("ann", Operation::Admit { role: Role::Reader, card });
        lower += usize::from(b.who("eve").card < walt.card);
        for merged in both(&a, &b) {
            assert!(!merged.lives("eve"));
            assert_eq!(merged.who("walt"), a.who("walt"));
        }
    }
    assert!((1..12).contains(&lower), "of two people the lower hash comes first, but for this");
}

#[test]
fn one_card_admitted_on_both_sides_is_one_person() {
    let (mut a, mut b) = two();
    a.admit("alice", "eve", Role::Reader);
    b.admit("ann", "eve", Role::Reader);
    b.grant("ann", "prod", &["eve"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["eve"]);
        // Of those who took her in, the one whose name comes first.
        let known = merged.state().known(&a.who("eve")).unwrap();
        assert_eq!(known.admitted_by, Some(named("alice")));
    }
}

#[test]
fn who_merges_comes_before_everybody_else() {
    for n in 1..=6 {
        let (mut a, mut b) = two();
        let (shared, walt) = (format!("shared.{n}"), a.who("walt"));
        a.renew("alice", "alice", &["alice.1", &shared]);
        b.renew("ann", "walt", &["walt.1", &shared]);
        for merged in both(&a, &b) {
            assert_eq!(merged.who("alice"), a.who("alice"));
            assert_eq!(merged.who("walt"), walt);
        }
    }
}

#[test]
fn who_merges_stays_though_both_who_took_them_in_are_gone() {
    let (mut a, mut b) = two();
    for (side, by, other) in [(&mut a, "ann", "alice"), (&mut b, "alice", "ann")] {
        side.admit(by, "dave", Role::Admin);
        side.admit(by, "erin", Role::Writer);
        side.remove(by, other);
    }
    let erin = a.who("erin");
    assert_eq!(erin, b.who("erin"));
    let (mut left, mut right) = (a.clone(), b.clone());
    left.merge("dave", &b);
    right.merge("dave", &a);
    for merged in [left, right] {
        assert_eq!(merged.role_of("dave"), Some(Role::Admin));
        assert!(!merged.lives("ann") && !merged.lives("alice"));
        // What only the two vouched for is not there.
        assert!(!merged.lives("erin") && merged.state().known(&erin).is_none());
    }
}

#[test]
fn a_later_card_of_somebody_who_was_not_taken_in_is_none() {
    let (mut a, mut b) = two();
    a.admit("ann", "erin", Role::Reader);
    let first = a.who("erin");
    a.renew("alice", "erin", &["erin.1", "erin.2"]);
    let later = a.who("erin");
    b.remove("alice", "ann");
    for merged in both(&a, &b) {
        assert!(!merged.lives("erin"));
        assert!(merged.state().known(&first).is_none() && merged.state().known(&later).is_none());
    }
}

#[test]
fn who_was_left_out_stays_out_when_the_name_is_free() {
    let (mut a, mut b) = two();
    let cards = [a.card("eve", &["eve.1"]), b.card("eve", &["another.eve"])];
    let [stays, goes] = if cards[0].hash() < cards[1].hash() { cards } else { [cards[1].clone(), cards[0].clone()] };
    let goes_by = goes.hash();
    a.add("alice", Operation::Admit { role: Role::Reader, card: stays });
    b.add("ann", Operation::Admit { role: Role::Reader, card: goes });
    let mut merged = a.clone();
    merged.merge("alice", &b);
    merged.remove("alice", "eve");
    // The other branch goes on, and has not heard of it.
    b.group("ann", "dev", &["eve", "walt"]);
    merged.merge("alice", &b);
    assert!(!merged.lives("eve"), "{:?}", merged.state().named(&named("eve")).map(|eve| eve.hash == goes_by));
    assert_eq!(merged.state().group(&group("dev")), Some([named("walt")].into()));
}

#[test]
fn a_key_that_two_members_got_is_on_one_card() {
    let (mut a, mut b) = two();
    a.renew("alice", "walt", &["walt.1", "shared.1"]);
    b.renew("ann", "rita", &["rita.1", "shared.1"]);
    for merged in both(&a, &b) {
        let devices = |name: &str| merged.state().named(&named(name)).unwrap().card.devices.len();
        assert_eq!(devices("walt") + devices("rita"), 3);
    }
}

#[test]
fn of_two_renewals_the_one_with_more_devices_counts() {
    let (mut a, mut b) = two();
    a.renew("alice", "walt", &["walt.1", "walt.2", "walt.4"]);
    b.renew("ann", "walt", &["walt.1", "walt.3"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.who("walt"), a.who("walt"));
    }
    // Of as many, the one with the lower hash.
    let (mut a, mut b) = two();
    a.renew("alice", "walt", &["walt.2"]);
    b.renew("ann", "walt", &["walt.3"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.who("walt").card, a.who("walt").card.min(b.who("walt").card));
    }
}

#[test]
fn a_device_that_one_side_took_does_not_come_back() {
    let start = || {
        let mut chain = Chain::team();
        chain.renew("alice", "walt", &["walt.1", "walt.2"]);
        chain
    };
    let (mut a, mut b) = (start(), start());
    a.renew("alice", "walt", &["walt.1", "walt.4"]);
    b.renew("ann", "walt", &["walt.1", "walt.2", "walt.3"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.who("walt"), a.who("walt"));
        assert!(merged.state().known(&b.who("walt")).is_some_and(|known| !known.stands));
    }
    // An earlier card counts again where it has none of those that were taken.
    let (mut a, mut b) = (start(), start());
    a.renew("alice", "walt", &["walt.1", "walt.4"]);
    b.renew("ann", "walt", &["walt.1", "walt.2", "walt.3"]);
    b.remove("alice", "ann");
    a.renew("ann", "walt", &["walt.1", "walt.5"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.who("walt"), Chain::team().who("walt"));
    }
    // Where each side took a device that is on the other's card, no card is left, and nobody to seal for.
    let (mut a, mut b) = (start(), start());
    a.renew("alice", "walt", &["walt.2", "walt.3"]);
    b.renew("ann", "walt", &["walt.1", "walt.4"]);
    for merged in both(&a, &b) {
        assert!(!merged.lives("walt"));
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
fn three_branches_come_to_the_same_in_any_order() {
    let mut sides = [Chain::team(), Chain::team(), Chain::team()];
    for chain in &mut sides {
        chain.group("alice", "dev", &["rita", "walt"]);
        chain.grant("alice", "prod", &["@dev", "alice"]);
    }
    sides[0].group("alice", "dev", &["rita"]);
    sides[0].admit("alice", "dave", Role::Reader);
    sides[1].grant("ann", "prod", &["@dev", "@people"]);
    sides[1].renew("ann", "walt", &["walt.1", "walt.2"]);
    sides[2].grant("ann", "", &["alice", "ann"]);
    sides[2].role("alice", "walt", Role::Reader);
    let mut ends = Vec::new();
    for [x, y, z] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut merged = sides[x].clone();
        merged.merge("alice", &sides[y]);
        merged.merge("alice", &sides[z]);
        ends.push(merged);
    }
    for end in &ends {
        assert!(end.state() == ends[0].state());
        assert_eq!(end.readers("prod/db"), ["alice", "ann", "dave", "rita"]);
    }
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
fn versions_that_an_admin_of_both_sides_kept_are_kept_though_the_rest_was_done_already() {
    let (mut a, mut b) = two();
    a.add("alice", a.removing("walt").keeping(vec![hash("left")]));
    b.add("ann", b.removing("walt").keeping(vec![hash("right")]));
    for merged in both(&a, &b) {
        assert!(merged.state().keeps(hash("left")) && merged.state().keeps(hash("right")));
    }
    // Not those of somebody who is no admin here.
    a.remove("alice", "ann");
    let mut merged = a;
    merged.merge("alice", &b);
    assert!(merged.state().keeps(hash("left")) && !merged.state().keeps(hash("right")));
}

#[test]
fn who_extended_a_branch_is_judged_by_the_card_that_signed() {
    let suspect = |extended: &Chain, base: &Chain| {
        extended.roster().extended_without_right(base.roster()).map(ToString::to_string)
    };
    // Admins on both, also where one of them has one more device by now, on either side.
    let (mut a, mut b) = two();
    a.renew("ann", "ann", &["ann.1", "ann.2"]);
    a.admit("ann", "dave", Role::Admin);
    a.group("dave", "dev", &["walt"]);
    b.group("ann", "ops", &["walt"]);
    assert_eq!((suspect(&a, &b), suspect(&b, &a)), (None, None));
    b.remove("alice", "ann");
    assert_eq!((suspect(&a, &b).as_deref(), suspect(&b, &a)), (Some("ann"), None));
    // The same with a card that the other side never met.
    let (mut a, mut b) = two();
    a.renew("alice", "ann", &["ann.2"]);
    a.group("ann", "dev", &["walt"]);
    b.remove("alice", "ann");
    assert_eq!(suspect(&a, &b).as_deref(), Some("ann"));
    // A device that its owner lost.
    let (mut a, mut b) = two();
    a.group("ann", "dev", &["walt"]);
    b.renew("ann", "ann", &["ann.2"]);
    assert_eq!(suspect(&a, &b).as_deref(), Some("ann"));
}

#[test]
fn who_was_taken_in_on_both_branches_extends_either_with_the_same_keys() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Admin);
    let mut card = b.card("dave", &["dave.1"]);
    card.devices[0].label = covault::model::names::DeviceLabel::parse("desk").unwrap();
    b.add("ann", Operation::Admit { role: Role::Admin, card });
    let [mut merged, _] = both(&a, &b);
    merged.group("alice", "ops", &["walt"]);
    for mut branch in [a, b] {
        branch.group("dave", "dev", &["walt"]);
        assert_eq!(branch.roster().extended_without_right(merged.roster()), None);
    }
}

#[test]
fn who_made_a_machine_that_a_merge_left_out_is_known() {
    let (mut a, mut b) = two();
    let job = Card { kind: Kind::Machine, ..a.card("job", &["job.1"]) };
    a.add("ann", Operation::Admit { role: Role::Reader, card: job });
    let left_out = a.who("job");
    b.remove("alice", "ann");
    for mut merged in both(&a, &b) {
        assert!(!merged.lives("job") && merged.state().known(&left_out).is_none());
        assert!(merged.roster().has_known(&named("job")) && merged.roster().makers(&left_out).contains(&named("ann")));
        // Who takes it in again brings it, too.
        let job = Card { kind: Kind::Machine, ..merged.card("job", &["job.1"]) };
        merged.add("alice", Operation::Admit { role: Role::Reader, card: job });
        assert_eq!(merged.roster().makers(&left_out).len(), 2);
    }
}

#[test]
fn the_larger_minimum_counts() {
    let (a, mut b) = two();
    b.entries.push(b.signed(b.who("ann").card, Operation::Minimum { minimum: 7 }));
    let operation = a.merging(&b);
    assert_eq!(a.roster().after(&operation, a.who("alice").card).unwrap().minimum(), 7);
    let mut entries = a.entries.clone();
    entries.push(a.signed(a.who("alice").card, operation));
    assert_eq!(Roster::from_entries(&entries), Err(RosterError::TooNew { minimum: 7 }));
}

#[test]
fn a_minimum_of_an_admin_who_was_removed_beside_it_does_not_count_whatever_came_after_it() {
    let (mut a, mut b) = two();
    b.remove("alice", "ann");
    // What a later version has to read is not added up here: the entries are made one after the other.
    let first = a.signed(a.who("ann").card, Operation::Minimum { minimum: 7 });
    let (seq, prev, by) = (first.seq + 1, Some(first.hash()), Some(a.who("alice").card));
    let operation = a.grouping("dev", &["walt"]);
    let body = roster::body(seq, prev, by, at(600), &operation);
    let (signature, card_signature) = (b"entry".to_vec(), None);
    let second = Entry { seq, prev, by, at: at(600), operation, body, signature, card_signature };
    a.entries.extend([first, second]);
    let merged = b.roster().after(&b.merging(&a), b.who("alice").card).unwrap();
    assert!(merged.minimum() < 7 && merged.group(&group("dev")).is_some());
}

#[test]
fn embedded_points_stay_good() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Reader);
    let there = b.roster().clone();
    a.merge("alice", &b);
    let point = |seq, head| covault::model::manifest::RosterPoint { seq, head, blob: String::new() };
    assert!(a.roster().has(there.head) && a.roster().has_point(&point(there.seq, there.head)));
    assert!(!a.roster().has_point(&point(there.seq + 1, there.head)));
    assert_eq!(a.roster().state_at(there.head), Some(there.state()));
    assert_eq!(a.roster().seq_at(there.head), Some(there.seq));
}

#[test]
fn a_branch_that_went_on_after_its_merge_is_merged_again() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Reader);
    a.merge("alice", &b);
    b.grant("ann", "prod", &["erin"]);
    b.remove("ann", "rita");
    a.merge("alice", &b);
    assert_eq!(a.readers("prod/db"), ["erin"]);
    assert!(a.lives("dave") && !a.lives("rita"));
    // The base of the second is an entry that the first embeds.
    let Operation::Merge { entries } = &a.entries.last().unwrap().operation else { panic!() };
    assert_eq!(entries.len(), 2);
}

#[test]
fn two_sides_that_merged_each_other_merge_again() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Reader);
    let (before_a, before_b) = (a.clone(), b.clone());
    a.merge("alice", &before_b);
    b.merge("ann", &before_a);
    // Both speak of somebody whom they have from the other.
    a.grant("alice", "prod", &["erin"]);
    b.grant("ann", "test", &["dave"]);
    for merged in both(&a, &b) {
        assert_eq!(merged.readers("prod/db"), ["erin"]);
        assert_eq!(merged.readers("test/db"), ["dave"]);
    }
}

#[test]
fn a_merge_of_ours_that_comes_back_is_followed_as_it_was() {
    let (mut a, mut b) = two();
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Reader);
    a.merge("alice", &b);
    a.grant("alice", "prod", &["erin"]);
    b.role("ann", "erin", Role::Writer);
    let mut merged = b.clone();
    merged.merge("ann", &a);
    assert_eq!(merged.readers("prod/db"), ["erin"]);
    assert_eq!(merged.role_of("erin"), Some(Role::Writer));
    for entry in &a.entries {
        let hash = entry.hash();
        assert_eq!(merged.roster().state_at(hash), a.roster().state_at(hash), "{}", entry.seq);
    }
}

#[test]
fn a_merge_within_a_branch_counts_as_it_was_decided_there() {
    let (a, mut b) = two();
    let mut c = Chain::team();
    b.role("ann", "walt", Role::Reader);
    c.role("alice", "walt", Role::Admin);
    b.merge("alice", &c);
    assert_eq!(b.role_of("walt"), Some(Role::Reader));
    let mut merged = a;
    merged.merge("alice", &b);
    assert_eq!(merged.state(), b.state());
}

#[test]
fn merges_nest() {
    let mut chains: Vec<Chain> = (0..6).map(|_| Chain::team()).collect();
    for (n, chain) in chains.iter_mut().enumerate() {
        chain.admit("alice", &format!("m{n}"), Role::Reader);
    }
    let mut merged = chains.remove(0);
    for (n, mut next) in chains.into_iter().enumerate() {
        next.merge("alice", &merged);
        let of_all = if n % 2 == 0 { ["m0"] } else { ["m1"] };
        next.grant("ann", "prod", &of_all);
        merged = next;
    }
    for n in 0..6 {
        assert!(merged.lives(&format!("m{n}")));
    }
    assert_eq!(merged.readers("prod/db"), ["m0"]);
    assert_eq!(merged.entries.len(), 5 + 3);
}

#[test]
fn who_merges_is_an_admin_at_both_ends() {
    let (mut a, mut b) = two();
    a.role("alice", "ann", Role::Writer);
    b.admit("ann", "erin", Role::Reader);
    let mut merged = a.clone();
    assert_eq!(merged.attempt("ann", a.merging(&b)), Err(Refusal::NotAnAdmin));
    let mut merged = b.clone();
    assert_eq!(merged.attempt("ann", b.merging(&a)), Err(Refusal::NotAnAdmin));
    assert_eq!(merged.attempt("walt", b.merging(&a)), Err(Refusal::NotAnAdmin));
    merged.merge("alice", &a);
    assert_eq!(merged.role_of("ann"), Some(Role::Writer));
}

#[test]
fn who_got_another_device_on_one_side_merges_still_and_who_lost_one_does_not() {
    let (mut a, mut b) = two();
    a.renew("alice", "alice", &["alice.1", "alice.2"]);
    b.admit("alice", "erin", Role::Reader);
    for merged in both(&a, &b) {
        assert!(merged.lives("erin"));
        assert_eq!(merged.who("alice"), a.who("alice"));
    }
    a.renew("alice", "alice", &["alice.2"]);
    assert_eq!(a.clone().attempt("alice", a.merging(&b)), Err(Refusal::NotAnAdmin));
    assert_eq!(b.clone().attempt("alice", b.merging(&a)), Err(Refusal::NotAnAdmin));
    // What was signed by the card that ended gives nothing.
    a.merge("ann", &b);
    assert!(!a.lives("erin"));
}

#[test]
fn two_admins_who_removed_each_other_need_a_third() {
    let (mut a, mut b) = two();
    a.remove("alice", "ann");
    b.remove("ann", "alice");
    assert_eq!(a.clone().attempt("alice", a.merging(&b)), Err(Refusal::NotAnAdmin));
    assert_eq!(b.clone().attempt("ann", b.merging(&a)), Err(Refusal::NotAnAdmin));
}

#[test]
fn who_merges_stays_an_admin() {
    let (mut a, mut b) = two();
    b.role("ann", "alice", Role::Writer);
    b.role("ann", "alice", Role::Admin);
    a.remove("alice", "ann");
    a.merge("alice", &b);
    assert_eq!(a.role_of("alice"), Some(Role::Admin));
}

fn refused(a: &Chain, entries: Vec<String>) -> Refusal {
    a.clone().attempt("alice", Operation::Merge { entries }).unwrap_err()
}

#[test]
fn what_does_not_begin_in_this_chain_is_refused() {
    let (a, mut b) = two();
    b.admit("ann", "erin", Role::Reader);
    b.grant("ann", "prod", &["erin"]);
    let Operation::Merge { entries } = a.merging(&b) else { panic!() };
    // The first one is missing.
    assert_eq!(refused(&a, entries[1..].to_vec()), Refusal::UnknownBase);
    // Another vault.
    let mut other = Chain::new();
    other.admit("alice", "erin", Role::Reader);
    let of_other = vec![other.entries[1].text().replace(&other.roster().vault.to_string(), &hash("x").to_string())];
    assert_eq!(refused(&a, of_other), Refusal::UnknownBase);
    // A number that does not follow the base's.
    let skipped = vec![entries[0].replace("seq = 5", "seq = 6")];
    assert_eq!(refused(&a, skipped), Refusal::UnknownBase);
    // A founding cannot be embedded.
    let found = vec![a.entries[0].text()];
    let founding = Refusal::Embedded(Box::new(RosterError::Founding { seq: 0 }));
    assert_eq!(refused(&a, found), founding);
    // A gap, and another order.
    let three = [&entries[..], &[entries[1].replace("seq = 6", "seq = 8")]].concat();
    assert!(matches!(refused(&a, three), Refusal::Embedded(_)));
    let turned = vec![entries[1].clone(), entries[0].clone()];
    assert!(matches!(refused(&a, turned), Refusal::Embedded(_)));
    assert!(matches!(refused(&a, vec![]), Refusal::Embedded(why) if *why == RosterError::Empty));
}

#[test]
fn an_embedded_entry_that_was_refused_there_is_refused_here() {
    let (a, mut b) = two();
    b.entries.push(b.signed(b.who("walt").card, b.removing("rita")));
    let merge = a.merging(&b);
    assert_eq!(
        a.roster().after(&merge, a.who("alice").card),
        Err(Refusal::NotAnAdmin),
        "a writer removed somebody there"
    );
    // Changed after it was signed: another body, another hash; what follows it does not follow any more.
    let mut b = Chain::team();
    b.admit("ann", "erin", Role::Reader);
    b.grant("ann", "prod", &["erin"]);
    let Operation::Merge { mut entries } = a.merging(&b) else { panic!() };
    entries[0] = entries[0].replace("role = \"reader\"", "role = \"admin\"");
    assert!(matches!(refused(&a, entries), Refusal::Embedded(_)));
}

#[test]
fn what_is_here_already_is_not_done_twice() {
    let (a, mut b) = two();
    let mut a = a;
    b.role("ann", "walt", Role::Reader);
    a.merge("alice", &b);
    a.role("alice", "walt", Role::Writer);
    // All of it once more, from the same base.
    let texts = b.entries[5..].iter().map(covault::model::roster::Entry::text).collect();
    a.add("alice", Operation::Merge { entries: texts });
    assert_eq!(a.role_of("walt"), Some(Role::Writer));
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

#[test]
fn an_entry_has_in_its_history_what_stands_before_it_and_what_merges_brought() {
    let (mut a, mut b) = two();
    let before = a.roster().head;
    a.admit("alice", "dave", Role::Reader);
    b.admit("ann", "erin", Role::Writer);
    let (ours, theirs) = (a.roster().head, b.roster().head);
    a.merge("alice", &b);
    let (roster, merged) = (a.roster(), a.roster().head);
    for (entry, earlier, is) in [
        (merged, merged, true),
        (merged, ours, true),
        (merged, theirs, true),
        (merged, before, true),
        (ours, before, true),
        (theirs, before, true),
        (ours, theirs, false),
        (theirs, ours, false),
        (ours, merged, false),
        (before, ours, false),
        (hash("nowhere"), hash("nowhere"), false),
        (merged, hash("nowhere"), false),
    ] {
        assert_eq!(roster.contains(entry, earlier), is, "{entry} {earlier}");
    }
}
