//! Whom a secret is shared with, whoever says so.

use std::collections::{BTreeMap, BTreeSet};

use covault::model::names::Subject;
use covault::model::register::Key;
use covault::model::roster::Holder;
use covault::model::shares::{MAX_SHARES, Shares};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::edits::{self, any_edits};
use super::laws::a_join_holds_the_laws;
use super::world::{DAY, at, cases, member, nonce};

fn subject(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

/// The name of a write as docs/format.md tells it, without the code that it describes.
fn name_by_the_book(subject: &str, answer: &str, author: &str, time: &str, nonce: &[u8]) -> String {
    let mut bytes = b"covault-write-1\0".to_vec();
    for part in [
        format!("share.{subject}").as_bytes(),
        b"plain text",
        answer.as_bytes(),
        author.as_bytes(),
        time.as_bytes(),
        nonce,
    ] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// Shares with one of everything.
pub fn some() -> Shares {
    let mut shares = Shares::default();
    shares.put(subject("bob"), true, member("alice"), at(0), nonce(1));
    shares.put(subject("@dev"), true, member("alice"), at(60), nonce(2));
    let mut other = shares.clone();
    shares.put(subject("bob"), false, member("carol"), at(120), nonce(3));
    other.put(subject("bob"), true, member("alice"), at(180), nonce(4));
    other.put(subject("ci-1"), true, member("alice"), at(240), nonce(5));
    shares.join(&other)
}

fn live(who: &str, answer: &str, author: &str, seconds: i64, n: u64) -> String {
    format!("{who} {answer} {author} {} {}", at(seconds), hex::encode(nonce(n)))
}

/// Few subjects, authors and nonces, so that writes come close to being the same; and past names of all kinds.
fn any_line() -> impl Strategy<Value = String> {
    let who = prop::sample::select(vec!["bob", "carol", "@dev", "@bob", "yes", "past"]);
    let written =
        (who.clone(), any::<bool>(), 0..2_usize, -DAY..DAY, 0..4_u64).prop_map(|(who, yes, author, time, n)| {
            live(who, if yes { "yes" } else { "no" }, ["alice", "no"][author], if n < 2 { 0 } else { time }, n)
        });
    prop_oneof![
        4 => written.clone(),
        1 => written.prop_map(|line| past_of(&line)),
        1 => (who, any::<[u8; 16]>()).prop_map(|(who, name)| format!("{who} past {}", hex::encode(name))),
    ]
}

/// The line that says that a live one was replaced.
fn past_of(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let [who, answer, author, time, nonce] = words[..] else { panic!("{line}") };
    format!("{who} past {}", name_by_the_book(who, answer, author, time, &hex::decode(nonce).unwrap()))
}

fn lines_of(lines: BTreeSet<String>) -> Vec<String> {
    let is_live = |line: &&String| line.split(' ').count() == 5;
    let taken: BTreeSet<_> = lines.iter().filter(is_live).map(|line| past_of(line)).collect();
    lines.into_iter().filter(|line| !taken.contains(line)).collect()
}

pub fn any_shares() -> impl Strategy<Value = Shares> {
    prop::collection::btree_set(any_line(), 0..10).prop_map(|lines| Shares::decode(&lines_of(lines)).unwrap())
}

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<_> = std::str::from_utf8(bytes).ok()?.split('\n').map(str::to_owned).collect();
    Some(Shares::decode(&lines)?.encode().join("\n").into_bytes())
}

#[test]
fn the_strings_are_those_of_the_format_and_the_names_are_those_of_the_book() {
    let (one, two) = (at(0).to_string(), at(60).to_string());
    let mut shares = Shares::default();
    shares.put(subject("bob"), true, member("alice"), at(0), nonce(1));
    assert_eq!(shares.encode(), [live("bob", "yes", "alice", 0, 1)]);
    shares.put(subject("bob"), false, member("carol"), at(60), nonce(2));
    let first = format!("bob past {}", name_by_the_book("bob", "yes", "alice", &one, &nonce(1)));
    assert_eq!(shares.encode(), [live("bob", "no", "carol", 60, 2), first.clone()]);
    shares.put(subject("bob"), true, member("alice"), at(0), nonce(3));
    let second = format!("bob past {}", name_by_the_book("bob", "no", "carol", &two, &nonce(2)));
    let mut expected = vec![first, second, live("bob", "yes", "alice", 0, 3)];
    expected.sort();
    assert_eq!(shares.encode(), expected);
    // Sorted as strings, whatever the subjects are.
    let all = some().encode();
    assert!(all.is_sorted() && all[0].starts_with("@dev ") && all.len() == 5, "{all:#?}");
    // A group and a member of one name are two subjects.
    let mut group = Shares::default();
    group.put(subject("@bob"), true, member("alice"), at(0), nonce(1));
    assert!(group.is_shared(&subject("@bob")) && !group.is_shared(&subject("bob")));
}

#[test]
fn deny_wins_until_somebody_decides_again() {
    let bob = subject("bob");
    let names = |shares: &Shares| shares.shared().map(ToString::to_string).collect::<BTreeSet<_>>();
    let mut base = Shares::default();
    assert!(!base.is_shared(&bob));
    base.put(bob.clone(), true, member("alice"), at(0), nonce(1));
    assert!(base.is_shared(&bob));
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.put(bob.clone(), false, member("alice"), at(0), nonce(2));
    // Theirs never saw it: bob is out. Nor does a concurrent yes help, however late it claims to be.
    assert!(!ours.join(&theirs).is_shared(&bob));
    theirs.put(bob.clone(), true, member("carol"), at(DAY), nonce(3));
    let mut joined = ours.join(&theirs);
    assert_eq!((joined.is_shared(&bob), names(&joined)), (false, BTreeSet::new()));
    joined.put(bob.clone(), true, member("carol"), at(0), nonce(4));
    assert_eq!(names(&joined), ["bob".to_owned()].into());
    // Who decided knew both sides, so neither comes back.
    assert!(joined.join(&ours).join(&theirs).join(&base).is_shared(&bob));
    assert_eq!(names(&some()), ["@dev".to_owned(), "ci-1".to_owned()].into());
}

#[test]
fn anything_but_what_is_written_is_refused() {
    let good = some().encode();
    let refused = |lines: Vec<String>| assert_eq!(Shares::decode(&lines), None, "{lines:#?}");
    assert_eq!(Shares::decode(&good), Some(some()));
    assert_eq!(Shares::decode(&[]), Some(Shares::default()));
    refused(good.iter().rev().cloned().collect());
    refused([good.clone(), good[4..].to_vec()].concat());
    let line = live("bob", "yes", "alice", 0, 1);
    let mut both = vec![line.clone(), past_of(&line)];
    both.sort();
    refused(both);
    let nonce = hex::encode(nonce(1));
    for bad in [
        String::new(),
        "bob".to_owned(),
        "bob yes".to_owned(),
        "bob past".to_owned(),
        format!("bob past {}", &nonce[1..]),
        format!("bob past {}", nonce.to_uppercase()),
        format!("bob past {nonce} "),
        format!("bob past alice {} {nonce}", at(0)),
        format!("@people past {nonce}"),
        format!("@inherit past {nonce}"),
        format!("@ past {nonce}"),
        format!("Bob past {nonce}"),
        line.replace("yes", "Yes"),
        line.replace("yes", "maybe"),
        line.replace(' ', "  "),
        line.replace("alice", "@alice"),
        line.replace("00Z", "00.0Z"),
        format!("{line} plain"),
        format!(" {line}"),
        line.to_uppercase(),
    ] {
        refused(vec![bad]);
    }
    assert!(edits::every_single_byte(good.join("\n").as_bytes(), recode) > 100);
}

#[test]
fn five_hundred_and_twelve_strings_fit() {
    let mut shares = Shares::default();
    for n in 0..MAX_SHARES as u64 {
        assert!(shares.fits());
        shares.put(subject("bob"), n % 2 == 0, member("alice"), at(0), nonce(n));
    }
    assert!(shares.fits());
    assert_eq!(Shares::decode(&shares.encode()), Some(shares.clone()));
    shares.put(subject("@dev"), true, member("alice"), at(0), nonce(0));
    assert!(!shares.fits());
    assert_eq!(Shares::decode(&shares.encode()), None);
}

#[test]
fn no_document_has_a_share() {
    for key in ["share.bob", "share.@dev", "share", "share.", "bob"] {
        assert_eq!(Key::parse(key), None, "{key}");
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn shares_of_liars_join_by_the_laws(a in any_shares(), b in any_shares(), c in any_shares()) {
        a_join_holds_the_laws(&a, &b, &c, Shares::join);
    }

    #[test]
    fn shares_come_back_with_the_same_strings(shares in any_shares()) {
        prop_assert_eq!(Shares::decode(&shares.encode()), Some(shares));
    }

    #[test]
    fn only_whom_nobody_denies_is_shared_with(lines in prop::collection::btree_set(any_line(), 0..10)) {
        let lines = lines_of(lines);
        let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (who, rest) in lines.iter().filter_map(|line| line.split_once(' ')) {
            let answer = rest.split(' ').next().filter(|answer| *answer != "past" || rest.split(' ').count() > 2);
            said.entry(who).or_default().extend(answer.filter(|answer| *answer != "past"));
        }
        let expected: BTreeSet<_> =
            said.iter().filter(|(_, said)| **said == ["yes"].into()).map(|(who, _)| (*who).to_owned()).collect();
        let shares = Shares::decode(&lines).unwrap();
        prop_assert_eq!(shares.shared().map(ToString::to_string).collect::<BTreeSet<_>>(), expected.clone());
        for who in said.keys() {
            prop_assert_eq!(shares.is_shared(&subject(who)), expected.contains(*who));
        }
    }

    #[test]
    fn a_join_shares_with_nobody_whom_a_live_write_denies(a in any_shares(), b in any_shares()) {
        let joined = a.join(&b);
        for line in joined.encode() {
            if let Some((who, rest)) = line.split_once(' ') && rest.starts_with("no ") {
                prop_assert!(!joined.is_shared(&subject(who)));
            }
        }
        // Registers that lie may each replace what denied it in the other. That it is given takes somebody's word still.
        let given = [a.encode(), b.encode()].concat();
        for who in joined.shared() {
            prop_assert!(given.iter().any(|line| line.starts_with(&format!("{who} yes "))), "{}", who);
        }
    }

    #[test]
    fn several_edits_are_refused_or_mean_something_else(shares in any_shares(), edits in any_edits()) {
        edits::several(shares.encode().join("\n").as_bytes(), &edits, recode);
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String, words in "(bob|@dev|@people|yes|no|past|alice|2026-01-01T00:00:00Z|[0-9a-f]{32}| |\n){0,9}") {
        edits::noise(&bytes, &text, recode);
        edits::noise(&bytes, &words, recode);
    }
}

#[test]
fn a_share_is_with_a_member_or_a_group_as_the_roster_knows_them() {
    let mut shares = Shares::default();
    shares.put(subject("bob"), true, member("alice"), at(0), nonce(1));
    shares.put(subject("@dev"), true, member("alice"), at(0), nonce(2));
    shares.put(subject("carol"), false, member("alice"), at(0), nonce(3));
    let holders: BTreeSet<_> = shares.holders().iter().map(ToString::to_string).collect();
    assert_eq!(holders, ["@dev", "bob"].map(str::to_owned).into());
    assert_eq!(Holder::People.to_string(), "@people");
}

#[test]
fn a_cherry_pick_brings_its_own_share_and_no_more() {
    let base = some();
    let mut before = base.clone();
    before.put(subject("mallory"), true, member("alice"), at(300), nonce(10));
    let mut after = before.clone();
    after.put(subject("erin"), true, member("alice"), at(360), nonce(11));
    let picked = base.join_changes(&before, &after);
    assert!(picked.is_shared(&subject("erin")) && !picked.is_shared(&subject("mallory")));
    assert_eq!(base.join_changes(&base, &after), base.join(&after));
    assert_eq!(base.join_changes(&after, &after), base);
}

#[test]
fn shares_differ_in_whom_they_are_with_and_in_who_wrote_that() {
    let with = |names: &[(&str, bool, u64)]| {
        let mut shares = Shares::default();
        for (name, yes, n) in names {
            shares.put(subject(name), *yes, member("alice"), at(0), nonce(*n));
        }
        shares
    };
    let (one, other) = (with(&[("bob", true, 1), ("@dev", true, 2)]), with(&[("bob", true, 3), ("carol", true, 4)]));
    let differing: Vec<String> = one.differing(&other).into_iter().map(ToString::to_string).collect();
    assert_eq!(BTreeSet::from_iter(differing), ["@dev", "carol"].map(str::to_owned).into());
    assert!(one.differing(&one).is_empty());
    // Two who both let bob in said so apart.
    assert!(!one.says_the_same_of(&subject("bob"), &other) && one.says_the_same_of(&subject("bob"), &one.clone()));
    assert!(one.says_the_same_of(&subject("erin"), &other));
}
