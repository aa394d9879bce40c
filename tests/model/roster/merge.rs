//! Two branches that both extended the roster: who is a member afterwards, and as what. Grants and groups are in
//! `merge_rights`, how merges nest and what is refused in `merge_chain`; what holds for any two is in `merge_laws`.

use covault::model::card::{Card, Kind};
use covault::model::roster::{Operation, Refusal, Role};

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
fn who_made_a_machine_that_a_merge_left_out_is_known() {
    let (mut a, mut b) = two();
    let job = Card { kind: Kind::Machine, ..a.card("job", &["job.1"]) };
    a.add("ann", Operation::Admit { role: Role::Reader, card: job });
    let left_out = a.who("job");
    b.remove("alice", "ann");
    for mut merged in both(&a, &b) {
        assert!(!merged.lives("job") && merged.state().known(&left_out).is_none());
        assert!(!merged.roster().has_known(&named("nobody")));
        assert!(merged.roster().cards().any(|card| card.name == named("job")));
        assert!(merged.roster().has_known(&named("job")) && merged.roster().makers(&left_out).contains(&named("ann")));
        // Who takes it in again brings it, too.
        let job = Card { kind: Kind::Machine, ..merged.card("job", &["job.1"]) };
        merged.add("alice", Operation::Admit { role: Role::Reader, card: job });
        assert_eq!(merged.roster().makers(&left_out).len(), 2);
    }
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
