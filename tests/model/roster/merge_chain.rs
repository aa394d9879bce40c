//! Merges within merges: what is followed again, what counts once, who may extend a branch, and what is refused.

use covault::model::roster::{self, Entry, Operation, Refusal, Role, Roster, RosterError};

use super::super::world::{at, hash};
use super::chain::{Chain, group};
use super::merge::{both, two};

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
fn what_was_signed_beside_the_loss_of_the_right_to_is_overruled() {
    let overruled = |one: &Chain, other: &Chain| one.roster().is_overruled_by(other.roster());
    let (mut a, mut b) = two();
    b.remove("alice", "ann");
    // Nobody signed anything beside it yet.
    assert!(!overruled(&a, &b) && !overruled(&b, &a));
    a.group("ann", "dev", &["walt"]);
    assert!(overruled(&a, &b));
    a.admit("ann", "dave", Role::Admin);
    a.group("dave", "ops", &["walt"]);
    assert!(overruled(&a, &b) && !overruled(&b, &a));
    // Who still is an admin went on from it, or merged it.
    let mut vouched = a.clone();
    vouched.group("alice", "web", &["walt"]);
    assert!(!overruled(&vouched, &b));
    let mut merged = b.clone();
    merged.merge("alice", &a);
    assert!(!overruled(&merged, &b) && !overruled(&a, &merged));
    // Two who took the right from each other.
    a.remove("ann", "alice");
    assert!(!overruled(&a, &b) && !overruled(&b, &a));
    // What was signed before the right was lost.
    let (mut a, b) = two();
    a.group("ann", "dev", &["walt"]);
    let mut later = a.clone();
    later.remove("alice", "ann");
    assert!(!overruled(&a, &b) && !overruled(&later, &b) && !overruled(&a, &later));
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
