//! What a header says.

use covault::model::bytes::{Hash, SecretId, Short};
use covault::model::manifest::{MAX_ANCESTORS, MAX_PARENTS, MAX_REVISION, Manifest, MemberRef, State};
use proptest::prelude::*;

use super::edits::{self, any_edits};
use super::world::{at, cases, hash, manifest, member, nonce, path};

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let manifest = Manifest::decode(std::str::from_utf8(bytes).ok()?).ok()?;
    Some(manifest.encode().into_bytes())
}

fn short(n: u64) -> Short {
    hash(&format!("{n}")).short()
}

pub fn readers(names: &[&str]) -> Vec<MemberRef> {
    names.iter().map(|name| MemberRef { name: member(name), card: hash(name) }).collect()
}

/// A manifest with one of everything.
pub fn full() -> Manifest {
    let mut parents = vec![hash("one"), hash("two")];
    parents.sort();
    let mut values = vec![short(1), short(2)];
    values.sort();
    let mut full = Manifest {
        aliases: vec![SecretId([0xfe; 16]), SecretId([0xff; 16])],
        state: State::Moved(path("prod/postgres")),
        revision: 7,
        parents,
        ancestors: vec![short(9), short(3), short(5)],
        readers: readers(&["alice", "bob", "ci"]),
        shares: super::shares::some(),
        values,
        ..manifest()
    };
    full.roster.seq = 12;
    full.roster.blob = "ab".repeat(20);
    full
}

prop_compose! {
    pub fn any_manifest()(
        state in prop_oneof![Just(State::Live), Just(State::Deleted), Just(State::Moved(path("a/b")))],
        revision in 2..=i64::MAX.unsigned_abs(),
        seq in 0..=i64::MAX.unsigned_abs(),
        parents in prop::collection::btree_set(any::<u64>(), 0..=MAX_PARENTS),
        ancestors in prop::collection::vec(any::<u64>(), 0..=MAX_ANCESTORS),
        values in prop::collection::btree_set(any::<u64>(), 0..20),
        shares in super::shares::any_shares(),
        names in prop::collection::btree_set("[a-z][a-z0-9]{4,8}", 0..6),
        blob in prop_oneof![Just(""), Just("40"), Just("64")],
        time in any::<i64>(),
    ) -> Manifest {
        let mut parents: Vec<_> = parents.iter().map(|n| hash(&format!("{n}"))).collect();
        parents.sort();
        let mut values: Vec<_> = values.iter().map(|n| short(*n)).collect();
        values.sort();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut manifest = Manifest {
            state,
            revision: if parents.is_empty() { 1 } else { revision },
            parents,
            ancestors: ancestors.iter().map(|n| short(*n)).collect(),
            readers: readers(&names),
            shares,
            values,
            at: covault::model::time::Time::from_unix(time),
            ..manifest()
        };
        manifest.roster.seq = seq;
        manifest.roster.blob = "0f".repeat(blob.parse::<usize>().unwrap_or(0) / 2);
        manifest
    }
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    let good = full();
    assert_eq!(Manifest::decode(&good.encode()).unwrap(), good);
    assert!(edits::every_single_byte(good.encode().as_bytes(), recode) > 100);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |change: fn(&mut Manifest)| {
        let mut manifest = full();
        change(&mut manifest);
        Manifest::decode(&manifest.encode()).unwrap_err().to_string()
    };
    type Change = fn(&mut Manifest);
    let table: &[(&str, Change)] = &[
        ("aliases", |m| m.aliases.reverse()),
        ("aliases", |m| m.aliases[1] = m.aliases[0]),
        ("aliases", |m| m.aliases[0] = m.id),
        ("aliases", |m| m.aliases[0] = SecretId([0; 16])),
        ("parents", |m| m.parents.reverse()),
        ("parents", |m| m.parents[1] = m.parents[0]),
        ("parents", |m| {
            m.parents = {
                let mut p: Vec<_> = (0..65).map(|n| hash(&format!("{n}"))).collect();
                p.sort();
                p
            }
        }),
        ("ancestors", |m| m.ancestors = vec![short(0); 33]),
        ("revision", |m| m.revision = 0),
        ("revision", |m| m.revision = 1),
        ("revision", |m| m.parents.clear()),
        ("revision", |m| m.revision = u64::MAX),
        ("revision", |m| m.revision = 1 << 63),
        ("roster_seq", |m| m.roster.seq = 1 << 63),
        ("values", |m| m.values.reverse()),
        ("values", |m| m.values[1] = m.values[0]),
        ("readers", |m| m.readers.reverse()),
        ("readers", |m| m.readers[1] = m.readers[0].clone()),
        ("readers", |m| {
            m.readers[1].name = m.readers[0].name.clone();
            m.readers.sort();
        }),
        ("roster_blob", |m| m.roster.blob = "ab".repeat(21)),
        ("roster_blob", |m| m.roster.blob = "AB".repeat(20)),
        ("roster_blob", |m| m.roster.blob = "g".repeat(64)),
        ("moved_to", |m| m.state = State::Moved(m.path.clone())),
    ];
    let mut most = full();
    most.parents = (0..64).map(|n| hash(&format!("{n}"))).collect();
    most.parents.sort();
    most.ancestors = vec![short(0); 32];
    Manifest::decode(&most.encode()).unwrap();
    for (what, change) in table {
        assert!(refused(*change).contains(what), "{what}: {}", refused(*change));
    }
}

#[test]
fn a_manifest_with_strings_that_are_no_shares_is_refused() {
    let text = manifest().encode();
    let with = |shares: &str| Manifest::decode(&text.replace("shares = []", &format!("shares = [{shares}]")));
    let good = "bob yes alice 2026-01-01T00:00:00Z 654e2c87d7820cbeb1b5b550f4316654";
    assert_eq!(with(&format!("\"{good}\"")).unwrap().shares.encode(), [good]);
    for bad in [format!("\"{good}\", \"{good}\""), "\"bob\"".to_owned(), "\"\"".to_owned()] {
        let refused = with(&bad).unwrap_err().to_string();
        assert!(refused.contains("shares"), "{bad}: {refused}");
    }
}

#[test]
fn a_child_names_its_parent_first_and_at_most_thirty_two() {
    let mut manifest = manifest();
    let mut expected = Vec::new();
    for revision in 1..40 {
        manifest.revision = revision;
        let own = manifest.hash();
        expected.insert(0, own.short());
        expected.truncate(32);
        manifest.ancestors = Manifest::ancestors_after(&[(own, manifest.clone())], &[]);
        manifest.parents = vec![own];
        assert_eq!(manifest.ancestors, expected);
    }
    manifest.revision = 40;
    assert!(Manifest::decode(&manifest.encode()).is_ok());
}

#[test]
fn its_hash_is_the_hash_of_its_text() {
    let manifest = full();
    assert_eq!(manifest.hash(), hash(&manifest.encode()));
    let mut other = manifest.clone();
    other.at = at(1);
    assert_ne!(other.hash(), manifest.hash());
    assert_eq!(nonce(1), full().id.0);
}

#[test]
fn a_member_is_named_with_their_card() {
    let bob = &readers(&["bob"])[0];
    assert_eq!(MemberRef::parse(&bob.to_text()), Some(bob.clone()));
    let card = hash("bob").to_string();
    let bad = [
        "",
        "bob",
        "bob ",
        " ",
        &card,
        &format!("bob  {card}"),
        &format!("Bob {card}"),
        &format!("bob {card} "),
        &format!("bob {}", card.to_uppercase()),
        &format!(" {card}"),
        &format!("bob {}", &card[1..]),
    ]
    .map(str::to_owned);
    for text in bad {
        assert_eq!(MemberRef::parse(&text), None, "{text:?}");
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_manifest_comes_back_with_the_same_bytes(manifest in any_manifest()) {
        let text = manifest.encode();
        let back = Manifest::decode(&text).unwrap();
        prop_assert_eq!(&back, &manifest);
        prop_assert_eq!(back.encode(), text);
    }

    #[test]
    fn several_edits_are_refused_or_mean_something_else(manifest in any_manifest(), edits in any_edits()) {
        edits::several(manifest.encode().as_bytes(), &edits, recode);
        edits::several(full().encode().as_bytes(), &edits, recode);
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String) {
        edits::noise(&bytes, &text, recode);
        if let Some(member) = MemberRef::parse(&text) {
            prop_assert_eq!(member.to_text(), text);
        }
    }
}

/// A version that follows these.
fn child(revision: u64, parents: &[Hash], ancestors: &[Short]) -> Manifest {
    Manifest { revision, parents: parents.to_vec(), ancestors: ancestors.to_vec(), ..manifest() }
}

#[test]
fn the_nearest_ancestor_is_a_parent_and_what_is_born_has_none() {
    let (one, two, far) = (hash("one"), hash("two"), hash("far"));
    for (parents, ancestors, good) in [
        (&[][..], &[][..], true),
        (&[one], &[one.short()], true),
        (&[one, two], &[two.short(), one.short(), far.short()], true),
        (&[one, two], &[far.short(), one.short()], false),
        (&[one], &[], false),
        (&[], &[far.short()], false),
    ] {
        assert_eq!(child(2, parents, ancestors).has_consistent_ancestors(), good, "{parents:?} {ancestors:?}");
    }
}

#[test]
fn what_a_version_follows_near_or_far_is_named() {
    let (one, two, far) = (hash("one"), hash("two"), hash("far"));
    let version = child(3, &[one], &[two.short()]);
    assert_eq!([one, two, far].map(|it| version.names_as_ancestor(it)), [true, true, false]);
}

#[test]
fn a_child_has_the_next_revision_and_the_last_one_has_no_larger_one() {
    assert_eq!(child(1, &[], &[]).next_revision(), 2);
    assert_eq!(child(41, &[], &[]).next_revision(), 42);
    for last in [MAX_REVISION, u64::MAX] {
        assert_eq!(child(last, &[], &[]).next_revision(), MAX_REVISION);
    }
}

#[test]
fn a_child_of_several_names_the_newest_parent_first_and_then_what_each_names_by_turns() {
    let names = |text: &str| text.split(' ').map(|name| hash(name).short()).collect::<Vec<_>>();
    let old = (hash("old"), child(3, &[], &names("a b shared")));
    let new = (hash("new"), child(5, &[], &names("c shared d")));
    assert_eq!(Manifest::ancestors_after(&[old.clone(), new], &[]), names("new old c a shared b d"));
    assert_eq!(Manifest::ancestors_after(&[old], &[]), names("old a b shared"));
    let many = |name: &str| {
        (hash(name), child(9, &[], &(0..32).map(|n| hash(&format!("{name}{n}")).short()).collect::<Vec<_>>()))
    };
    assert_eq!(Manifest::ancestors_after(&[many("x"), many("y")], &[]).len(), MAX_ANCESTORS);
}

#[test]
fn a_landmark_that_a_parent_names_is_named_however_far_it_is_and_no_other() {
    let far: Vec<_> = (0..32).map(|n| hash(&format!("far {n}"))).collect();
    let long = (hash("long"), child(40, &far[..1], &far.iter().map(Hash::short).collect::<Vec<_>>()));
    let after = |landmarks: &[Hash]| Manifest::ancestors_after(std::slice::from_ref(&long), landmarks);
    let near = |many: usize| std::iter::once(long.0).chain(far.iter().copied()).take(many).map(|it| it.short());
    assert_eq!(after(&[]), near(32).collect::<Vec<_>>(), "the last one is forgotten");
    assert_eq!(after(&[far[31]]), near(31).chain([far[31].short()]).collect::<Vec<_>>());
    // A parent, a near one and one twice take no room; what nobody names is not named.
    let landmarks = [long.0, far[2], far[31], far[31], hash("nobody's")];
    assert_eq!(after(&landmarks), after(&[far[31]]));
    // However many there are, the near ones stay.
    let all = after(&far.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(all.len(), MAX_ANCESTORS);
    assert!(near(16).all(|name| all.contains(&name)) && all.contains(&far[31].short()), "{all:?}");
    // Where there is room, nothing is put in another place.
    let short = (hash("short"), child(3, &far[..1], &[far[0].short(), far[1].short()]));
    assert_eq!(
        Manifest::ancestors_after(std::slice::from_ref(&short), &[far[0]]),
        [short.0, far[0], far[1]].map(|it| it.short())
    );
    assert!(!Manifest::crowd_out(&[short]) && Manifest::crowd_out(&[long]));
    let just = (hash("just"), child(40, &far[..1], &far[1..].iter().map(Hash::short).collect::<Vec<_>>()));
    assert!(!Manifest::crowd_out(&[just]), "its own name and 31");
}

#[test]
fn two_versions_that_say_the_same_to_the_same_have_one_message_whoever_sealed_them_and_when() {
    let version = manifest();
    let carol = MemberRef { name: member("carol"), card: hash("carol") };
    let again = Manifest {
        author: carol.clone(),
        at: at(99),
        revision: 7,
        parents: vec![hash("one")],
        ancestors: vec![hash("one").short()],
        payload: hash("other payload"),
        stanzas: hash("other stanzas"),
        ..version.clone()
    };
    assert_eq!(again.message(), version.message());
    for other in [
        Manifest { document: hash("other"), ..version.clone() },
        Manifest { state: State::Deleted, ..version.clone() },
        Manifest { state: State::Moved(path("there")), ..version.clone() },
        Manifest { path: path("there"), ..version.clone() },
        Manifest { vault: hash("other"), ..version.clone() },
        Manifest { id: SecretId(nonce(77)), ..version.clone() },
        Manifest { aliases: vec![SecretId(nonce(78))], ..version.clone() },
        Manifest { readers: vec![carol], ..version.clone() },
        Manifest { shares: super::shares::some(), ..version.clone() },
    ] {
        assert_ne!(other.message(), version.message(), "{other:?}");
    }
}
