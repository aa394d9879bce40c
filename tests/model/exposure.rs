//! The exposure ledger by itself: which versions count now, and who could read what of them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use covault::model::bytes::{Hash, Short};
use covault::model::exposure::{Past, Versions};
use covault::model::manifest::{MemberRef, State};
use covault::model::names::MemberName;
use proptest::prelude::*;

use super::world::{at, cases, hash, member, path};

fn value(name: &str) -> Short {
    hash(name).short()
}

fn reader(name: &str) -> MemberRef {
    MemberRef { name: member(name), card: hash(name) }
}

/// `NAME<PARENT PARENT readers values`, as a version of `db`.
fn version(name: &str, parents: &[&Past], readers: &[&str], values: &[&str]) -> Past {
    let newest = parents.iter().max_by_key(|parent| parent.revision);
    let revision = newest.map_or(1, |parent| parent.revision + 1);
    let ancestors = newest.map(|parent| {
        std::iter::once(parent.hash.short()).chain(parent.ancestors.iter().copied()).take(32).collect::<Vec<_>>()
    });
    let mut values: Vec<Short> = values.iter().map(|name| value(name)).collect();
    values.sort_unstable();
    Past {
        hash: hash(name),
        path: path("db"),
        state: State::Live,
        revision,
        parents: parents.iter().map(|parent| parent.hash).collect(),
        ancestors: ancestors.unwrap_or_default(),
        readers: readers.iter().map(|name| reader(name)).collect(),
        values,
        at: at(60 * revision as i64),
    }
}

fn heads(versions: &Versions, bad: &[Hash]) -> BTreeSet<Hash> {
    let heads = versions.heads(|version| Ok::<_, Infallible>(!bad.contains(&version.hash))).unwrap();
    heads.into_iter().map(|head| head.hash).collect()
}

/// Who could read which values of the heads, where alice alone reads now.
fn exposed(versions: &Versions, bad: &[Hash]) -> BTreeMap<MemberName, BTreeSet<Short>> {
    let mut all: BTreeMap<MemberName, BTreeSet<Short>> = BTreeMap::new();
    for head in heads(versions, bad) {
        let head = versions.get(head).unwrap();
        for (name, one) in versions.exposed(head, &|reader| reader.name == member("alice"), &|_| Vec::new()) {
            all.entry(name).or_default().extend(one.values);
        }
    }
    all
}

#[test]
fn what_is_not_good_takes_nobodys_place_and_what_a_good_one_follows_was_replaced() {
    let first = version("first", &[], &["alice", "carol"], &["v1"]);
    let by_one_who_left = version("left", &[&first], &["alice", "carol"], &["v2"]);
    let last = version("last", &[&by_one_who_left], &["alice"], &["v3"]);
    let forged = version("forged", &[&last], &["alice", "carol"], &[]);
    let all = || [&first, &by_one_who_left, &last, &forged].map(Clone::clone);
    let bad = [by_one_who_left.hash, forged.hash];
    assert_eq!(heads(&all().into_iter().collect(), &bad), BTreeSet::from([last.hash]));
    assert_eq!(heads(&all().into_iter().rev().collect(), &bad), BTreeSet::from([last.hash]));
    // Where the one in between is not here (squashed), its ancestors say so.
    let squashed: Versions = [first.clone(), last.clone()].into_iter().collect();
    assert_eq!((heads(&squashed, &[]), squashed.unseen()), (BTreeSet::from([last.hash]), 1));
    let leaves = |versions: &Versions| versions.leaves().map(|leaf| leaf.hash).collect::<BTreeSet<_>>();
    assert_eq!(leaves(&all().into_iter().collect()), BTreeSet::from([forged.hash]));
    assert_eq!(leaves(&squashed), BTreeSet::from([first.hash, last.hash]), "it goes by parents alone");
    // One that says it is the newest of all is not, while a good one follows it.
    let liar = Past { revision: 9_000, ..by_one_who_left.clone() };
    let with_liar: Versions = [first.clone(), liar, last.clone()].into_iter().collect();
    assert_eq!(heads(&with_liar, &[]), BTreeSet::from([last.hash]));
    // Two that do not know of each other both count.
    let other = version("other", &[&first], &["alice", "dave"], &["v4"]);
    let two: Versions = [first, last.clone(), other.clone()].into_iter().collect();
    assert_eq!(heads(&two, &[]), BTreeSet::from([last.hash, other.hash]));
    assert_eq!(exposed(&two, &[]), BTreeMap::from([(member("dave"), BTreeSet::from([value("v4")]))]));
}

#[test]
fn somebody_is_told_with_their_first_and_last_version_and_by_which_way() {
    let first = version("first", &[], &["alice", "carol"], &["v1", "v2"]);
    let second = version("second", &[&first], &["alice", "carol", "ci"], &["v1", "v3"]);
    let third = version("third", &[&second], &["alice", "ci"], &["v1", "v3", "v4"]);
    let all: Versions = [first.clone(), second.clone(), third.clone()].into_iter().collect();
    let reads = |reader: &MemberRef| ["alice", "ci"].contains(&reader.name.as_str());
    let made = |reader: &MemberRef| if reader.name.as_str() == "ci" { vec![member("bob")] } else { Vec::new() };
    let found = all.exposed(&third, &reads, &made);
    let carol = &found[&member("carol")];
    assert_eq!((carol.since, carol.until, carol.last, carol.own), (first.at, Some(third.at), second.hash, true));
    assert_eq!(carol.values, BTreeSet::from([value("v1"), value("v3")]));
    // Bob made the identity of ci, which reads still.
    let bob = &found[&member("bob")];
    assert_eq!((bob.since, bob.until, bob.last, bob.own), (second.at, None, third.hash, false));
    assert!(bob.through == BTreeSet::from([member("ci")]) && bob.values.len() == 3);
    assert_eq!(found.len(), 2);
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_somebody_adds_who_may_not_write_takes_nobody_off_the_list(
        steps in prop::collection::vec((0_usize..6, 0_u8..8, 0_u8..8, prop::bool::ANY), 1..12),
        target in 0_usize..12,
        claims in 0_u8..8,
    ) {
        let names = |bits: u8, all: [&'static str; 3]| -> Vec<&'static str> {
            (0..3).filter(|bit| bits & (1 << bit) != 0).map(|bit| all[bit]).collect()
        };
        let mut versions: Vec<Past> = Vec::new();
        for (n, (back, readers, values, merges)) in steps.into_iter().enumerate() {
            let older = versions.len().checked_sub(1 + back).and_then(|at| versions.get(at));
            let newest = versions.last().filter(|_| merges || older.is_none());
            let mut parents: Vec<&Past> = older.into_iter().chain(newest).collect();
            parents.dedup_by_key(|parent| parent.hash);
            let mut who = vec!["alice"];
            who.extend(names(readers, ["bob", "carol", "dave"]));
            let next = version(&format!("version {n}"), &parents, &who, &names(values, ["v1", "v2", "v3"]));
            versions.push(next);
        }
        let before = exposed(&versions.iter().cloned().collect(), &[]);
        let target = &versions[target % versions.len()];
        let forged = version("forged", &[target], &["alice", "bob"], &names(claims, ["v1", "v2", "v3"]));
        let bad = forged.hash;
        versions.push(forged);
        let after = exposed(&versions.into_iter().collect(), &[bad]);
        for (name, values) in before {
            prop_assert!(after.get(&name).is_some_and(|still| values.is_subset(still)), "{name} lost something");
        }
    }
}

#[test]
fn versions_are_found_by_their_values_and_values_by_their_path() {
    let first = version("first", &[], &["alice"], &["v1"]);
    let second = version("second", &[&first], &["alice"], &["v2", "v1"]);
    let third = version("third", &[&second], &["alice"], &["v3"]);
    let elsewhere = Past { path: path("other"), ..version("elsewhere", &[], &["alice"], &["v4"]) };
    let versions: Versions = [&first, &second, &third, &elsewhere].map(Clone::clone).into_iter().collect();
    let mut all = ["v1", "v2", "v3"].map(value);
    all.sort_unstable();
    assert_eq!(versions.values_at(&path("db")), all);
    assert_eq!(versions.values_at(&path("other")), [value("v4")]);
    assert_eq!(versions.values_at(&path("db/deeper")), []);
    let had = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|name| value(name)).collect();
        versions.with_any(&values).into_iter().map(|version| version.hash).collect::<Vec<_>>()
    };
    assert_eq!(had(&["v1", "v2"]), [first.hash, second.hash]);
    assert_eq!(had(&["v3"]), [third.hash]);
    assert_eq!(had(&["v5"]), []);
}

#[test]
fn each_parent_that_is_not_here_counts_once() {
    let [first, second, third] = ["first", "second", "third"].map(|name| version(name, &[], &["alice"], &["v1"]));
    let merge = version("merge", &[&first, &second], &["alice"], &["v1"]);
    let other = version("other", &[&first, &third], &["alice"], &["v1"]);
    let unseen = |here: &[&Past]| here.iter().map(|past| (*past).clone()).collect::<Versions>().unseen();
    assert_eq!(unseen(&[&first, &second, &merge]), 0);
    assert_eq!(unseen(&[&first, &merge, &other]), 2);
    assert_eq!(unseen(&[&merge, &other]), 3);
}

#[test]
fn who_left_reads_until_now_what_is_sealed_to_them_still() {
    for values in [&["v1"][..], &["v1", "v2"], &["v1", "v2", "v3"]] {
        let head = version("head", &[], &["alice", "carol"], values);
        let all: Versions = [head.clone()].into_iter().collect();
        let found = all.exposed(&head, &|reader| reader.name == member("alice"), &|_| Vec::new());
        let carol = &found[&member("carol")];
        assert_eq!((carol.until, carol.values.len()), (None, values.len()));
    }
}

#[test]
fn of_versions_that_are_equally_new_the_first_is_said() {
    let [left, right] = ["left", "right"].map(|name| version(name, &[], &["alice", "carol"], &["v1"]));
    let head = version("head", &[&left, &right], &["alice"], &["v1"]);
    for (first, second) in [(&left, &right), (&right, &left)] {
        let all: Versions = [first, second, &head].map(Clone::clone).into_iter().collect();
        let found = all.exposed(&head, &|reader| reader.name == member("alice"), &|_| Vec::new());
        assert_eq!(found[&member("carol")].last, first.hash);
    }
}
