//! The sibling file: what went in comes out, in one order, and what the writer would not have written is refused.

use std::path::Path;

use covault::plaintext::Plaintext;
use covault::seal::{
    Identities, MAX_FILE, MAX_STORED, SealError, SealedFile, bundle, is_siblings, members, peek_format, peek_manifests,
    seal,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::support::{Member, devices, draft, refusal, team};

const MAGIC: &[u8] = b"covault-siblings 1\n\0";

/// The form as docs/format.md has it, with whatever members in whatever order.
fn written(count: u32, members: &[&[u8]]) -> Vec<u8> {
    let mut out = [MAGIC, &count.to_be_bytes()].concat();
    for member in members {
        out.extend_from_slice(&u32::try_from(member.len()).unwrap().to_be_bytes());
        out.extend_from_slice(member);
    }
    out
}

/// Different members in the order of their SHA-256.
fn sorted(mut members: Vec<&[u8]>) -> Vec<&[u8]> {
    members.sort_by_key(|member| Sha256::digest(member));
    members.dedup();
    members
}

/// Two versions by one author, in the order that a sibling file has.
fn two(team: &[Member]) -> Vec<Vec<u8>> {
    let sealed = |text: &str| {
        let text = Plaintext::from_text(text);
        seal(draft(team), &text, &devices(team), &team[0].signing).unwrap().bytes
    };
    let (one, other) = (sealed("one"), sealed("other"));
    sorted(vec![&one, &other]).into_iter().map(<[u8]>::to_vec).collect()
}

/// What a careful caller reads: each version's signature and text; an error where one of them is not good.
fn read(file: &[u8], keys: &Identities) -> Result<Vec<Vec<u8>>, SealError> {
    let one = |member: &[u8]| {
        let sealed = SealedFile::parse(member)?;
        sealed.verify_signature()?;
        Ok(sealed.open(keys, &[0])?.plaintext.expose().to_vec())
    };
    members(file)?.into_iter().map(one).collect()
}

proptest! {
    #[test]
    fn what_is_bundled_comes_out_sorted_and_once_whatever_the_order(
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 2..8),
        again in any::<prop::sample::Index>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut given = files.clone();
        given.push(again.get(&files).clone());
        let middle = turn.index(given.len());
        given.rotate_left(middle);
        let bundled = bundle(given).unwrap();
        let expected = sorted(files.iter().map(Vec::as_slice).collect());
        prop_assert_eq!(members(&bundled).unwrap(), expected.clone());
        if let [only] = expected.as_slice() {
            prop_assert_eq!(&bundled, only);
        } else {
            prop_assert_eq!(bundled, written(u32::try_from(expected.len()).unwrap(), &expected));
        }
    }

    #[test]
    fn any_bytes_are_refused_or_are_what_the_writer_makes_of_their_members(
        count in 0_u32..4,
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..4),
        tail in prop::collection::vec(any::<u8>(), 0..2),
    ) {
        let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let file = [written(count, &slices), tail].concat();
        if let Ok(found) = members(&file) {
            prop_assert_eq!(bundle(found.into_iter().map(<[u8]>::to_vec).collect()).unwrap(), file);
        }
    }
}

#[test]
fn one_version_alone_stays_what_it_is_and_none_is_no_file() {
    let one = two(&team(1)).remove(0);
    assert!(!is_siblings(&one));
    assert_eq!(bundle(vec![one.clone()]).unwrap(), one);
    assert_eq!(bundle(vec![one.clone(), one.clone()]).unwrap(), one);
    assert_eq!(members(&one).unwrap(), [one.as_slice()]);
    assert!(matches!(bundle(Vec::new()), Err(SealError::SiblingsForm)));
}

#[test]
fn every_truncation_of_a_sibling_file_and_every_byte_after_it_is_an_error() {
    let team = team(1);
    let good = bundle(two(&team)).unwrap();
    assert_eq!(read(&good, &team[0].keys()).unwrap().len(), 2);
    for length in 0..good.len() {
        assert!(read(&good[..length], &team[0].keys()).is_err(), "{length} bytes");
    }
    for byte in 0..=255 {
        let longer = [good.as_slice(), &[byte]].concat();
        assert!(matches!(members(&longer), Err(SealError::SiblingsForm)), "{byte}");
    }
}

#[test]
fn every_byte_of_a_sibling_file_that_is_changed_dropped_or_doubled_is_an_error() {
    let team = team(1);
    let (good, keys) = (bundle(two(&team)).unwrap(), team[0].keys());
    let mut bytes = good.clone();
    for at in 0..good.len() {
        for flip in [1, 0x20, 0x80] {
            bytes[at] ^= flip;
            assert!(read(&bytes, &keys).is_err(), "byte {at} with {flip}");
            bytes[at] = good[at];
        }
        let dropped = [&good[..at], &good[at + 1..]].concat();
        assert!(read(&dropped, &keys).is_err(), "without byte {at}");
        let doubled = [&good[..=at], &good[at..]].concat();
        assert!(read(&doubled, &keys).is_err(), "byte {at} twice");
    }
}

#[test]
fn what_the_writer_would_not_have_written_is_refused() {
    let both = two(&team(1));
    let (one, other) = (both[0].as_slice(), both[1].as_slice());
    assert_eq!(bundle(vec![other.to_vec(), one.to_vec()]).unwrap(), written(2, &[one, other]));
    let nested = bundle(both.clone()).unwrap();
    for (what, file) in [
        ("out of order", written(2, &[other, one])),
        ("twice the same", written(2, &[one, one])),
        ("one of three twice", written(3, &[one, one, other])),
        ("one", written(1, &[one])),
        ("none", written(0, &[])),
        ("fewer than counted", written(3, &[one, other])),
        ("many fewer than counted", written(u32::MAX, &[one, other])),
        ("more than counted", written(1, &[one, other])),
        ("no count", MAGIC.to_vec()),
        ("half a length", [written(2, &[one]), vec![0, 0]].concat()),
        ("a length beyond the end", [written(2, &[one]), u32::MAX.to_be_bytes().to_vec()].concat()),
        ("siblings in siblings", written(2, &sorted(vec![one, &nested]))),
    ] {
        assert!(matches!(members(&file), Err(SealError::SiblingsForm)), "{what}");
    }
    for magic in [&b"covault-siblings 2\n\0"[..], b"covault-siblings 1 \0", b"covault-siblings 10\n\0"] {
        let file = [magic, &written(2, &[one, other])[MAGIC.len()..]].concat();
        assert!(matches!(members(&file), Err(SealError::SiblingsVersion)), "{magic:?}");
    }
}

#[test]
fn a_sibling_file_has_a_limit_and_each_of_its_members_too() {
    let member = |byte: u8, size: usize| vec![byte; size];
    let large = [member(1, MAX_FILE), member(2, 9)];
    assert_eq!(members(&bundle(large.to_vec()).unwrap()).unwrap().len(), 2);
    let larger = bundle(vec![member(1, MAX_FILE + 1), member(2, 9)]).unwrap();
    let refused = refusal(members(&larger));
    assert!(matches!(refused, SealError::FileTooLarge { limit: MAX_FILE, .. }), "{refused}");
    let count = MAX_STORED / MAX_FILE + 1;
    let many: Vec<Vec<u8>> = (0..count).map(|n| member(u8::try_from(n).unwrap(), MAX_FILE)).collect();
    let refused = refusal(bundle(many));
    assert!(matches!(refused, SealError::FileTooLarge { limit: MAX_STORED, .. }), "{refused}");
    let mut huge = written(2, &[b"a", b"b"]);
    huge.resize(MAX_STORED + 1, 0);
    let refused = refusal(members(&huge));
    assert!(matches!(refused, SealError::FileTooLarge { limit: MAX_STORED, .. }), "{refused}");
}

#[test]
fn the_golden_sibling_file_opens_for_ever() {
    let golden = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seal/golden");
        std::fs::read(folder.join(name)).unwrap()
    };
    let (first, shared, both) = (golden("db.age"), golden("db-shared.age"), golden("db-siblings.age"));
    assert_eq!(members(&both).unwrap(), sorted(vec![&first, &shared]));
    assert_eq!(bundle(vec![shared, first]).unwrap(), both);
    let keys = Identities::parse(&String::from_utf8(golden("alice.txt")).unwrap(), || None).unwrap();
    assert_eq!(read(&both, &keys).unwrap(), [golden("db.plaintext"), golden("db.plaintext")]);
}

#[test]
fn what_files_say_is_read_from_their_headers_alone() {
    let team = team(1);
    let members = two(&team);
    let file = bundle(members.clone()).unwrap();
    let one = SealedFile::parse(members[0].clone()).unwrap();
    let told = peek_manifests(&file).unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0], peek_manifests(&members[0]).unwrap()), (one.manifest(), vec![one.manifest().clone()]));
    assert_ne!(told[0], told[1]);
    let large = vec![0; MAX_FILE + 1];
    let refused = peek_manifests(&large).unwrap_err();
    assert_eq!(refused, SealError::FileTooLarge { size: MAX_FILE + 1, limit: MAX_FILE });
    assert_eq!((peek_format(&members[0]), peek_format(&file), peek_format(b"format = 1\n")), (Some(1), None, None));
}

#[test]
fn siblings_of_exactly_the_limit_are_stored_and_read() {
    let whole = || (0..10).map(|n| vec![n; MAX_FILE]);
    // A head of 20 bytes, a count, and a length before each of the eleven.
    let rest = MAX_STORED - 20 - 4 - 10 * (4 + MAX_FILE) - 4;
    let stored = bundle(whole().chain([vec![10; rest]]).collect()).unwrap();
    assert_eq!((stored.len(), members(&stored).unwrap().len()), (MAX_STORED, 11));
    let refused = bundle(whole().chain([vec![10; rest + 1]]).collect()).unwrap_err();
    assert_eq!(refused, SealError::FileTooLarge { size: MAX_STORED + 1, limit: MAX_STORED });
}
