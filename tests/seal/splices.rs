//! Sharing with one more reader leaves the payload and everybody else's stanza as they are.

use covault::model::bytes::{Hash, Short};
use covault::model::card::Device;
use covault::model::manifest::{Manifest, State};
use covault::model::names::{MemberName, SecretPath};
use covault::seal::{Identity, SealError, Sealed, SealedFile, SigningKey, reseal_header};

use super::forge::Parts;
use super::support::{Member, devices, draft, open_fully, refusal, seal_for, zero};

/// alice (two devices), carol and erin (ssh); later bob, dave and frank.
fn people() -> Vec<Member> {
    let ssh = SigningKey::generate().unwrap().to_openssh("").unwrap();
    vec![
        Member::with_devices("alice", 2),
        Member::with_devices("bob", 1),
        Member::with_devices("carol", 1),
        Member::with_devices("dave", 3),
        Member::new("erin", vec![Identity::from_openssh(&ssh, || None).unwrap()]),
        Member::with_devices("frank", 1),
    ]
}

/// The people at these places, as borrowed by the helpers.
fn some(mut people: Vec<Member>, places: &[usize]) -> Vec<Member> {
    let mut n = 0;
    people.retain(|_| {
        n += 1;
        places.contains(&(n - 1))
    });
    people
}

fn share(sealed: &Sealed, old: &[Member], author: &Member, everybody: &[Member]) -> Result<Sealed, SealError> {
    let file = SealedFile::parse(sealed.bytes.clone()).unwrap();
    let opened = file.open(&author.keys(), &[0]).unwrap();
    let next = Manifest { revision: 2, parents: vec![file.hash()], ..draft(everybody) };
    reseal_header(&file, &opened, &devices(old), next, &devices(everybody), &author.signing)
}

/// The devices of the readers that a file has, among these people.
fn before<'a>(file: &SealedFile, among: &'a [Member]) -> Vec<&'a [Device]> {
    let of = |name: &MemberName| among.iter().find(|m| m.name == name.as_str()).map(|m| m.devices.as_slice());
    file.manifest().readers.iter().filter_map(|reader| of(&reader.name)).collect()
}

#[test]
fn a_new_readers_stanza_is_put_at_its_place_and_nothing_else_changes() {
    let everybody = people();
    let old: Vec<Member> = some(clone(&everybody), &[0, 2, 4]);
    let first = seal_for(&old, b"document");
    let second = share(&first, &old, &everybody[0], &everybody).unwrap();
    let (a, b) = (Parts::of(&first), Parts::of(&second));
    assert_eq!(a.payload, b.payload);
    // alice 0 1, bob 2, carol 3, dave 4 5 6, erin 7, frank 8
    assert_eq!(b.readers.len(), 9);
    assert_eq!(a.readers, [0, 1, 3, 7].map(|n| b.readers[n].clone()));
    assert_eq!(second.manifest.document, first.manifest.document);
    assert_eq!(second.manifest.payload, first.manifest.payload);
    assert_ne!(second.manifest.stanzas, first.manifest.stanzas);
    let file = SealedFile::parse(second.bytes.clone()).unwrap();
    file.check_devices(&devices(&everybody)).unwrap();
    assert_eq!(file.verify_signature().unwrap(), everybody[0].signing.public());
    for (n, member) in [(0, 0), (2, 1), (3, 2), (4, 3), (8, 5)] {
        let opened = open_fully(&second.bytes, &everybody[member].keys(), &[n]).unwrap();
        assert_eq!(opened.plaintext.expose(), b"document");
        assert!(!opened.found_elsewhere);
    }
}

#[test]
fn ten_shares_one_after_another_all_open() {
    let mut everybody: Vec<Member> = vec![Member::with_devices("m50", 1)];
    let mut sealed = seal_for(&everybody, b"document");
    for n in [10, 90, 20, 80, 30, 70, 40, 60, 45, 55] {
        everybody.push(Member::with_devices(&format!("m{n}"), 1));
        everybody.sort_by(|a, b| a.name.cmp(&b.name));
        let author = everybody.iter().find(|m| m.name == "m50").unwrap();
        sealed = share_elsewhere(&sealed, author, &everybody);
    }
    for (n, member) in everybody.iter().enumerate() {
        let opened = open_fully(&sealed.bytes, &member.keys(), &[n]).unwrap();
        assert_eq!(opened.plaintext.expose(), b"document");
        assert!(!opened.found_elsewhere);
    }
}

fn share_elsewhere(sealed: &Sealed, author: &Member, everybody: &[Member]) -> Sealed {
    let file = SealedFile::parse(sealed.bytes.clone()).unwrap();
    let opened = file.open(&author.keys(), &[]).unwrap();
    let next = Manifest {
        revision: file.manifest().revision + 1,
        parents: vec![file.hash()],
        ancestors: Manifest::ancestors_after(&[(file.hash(), file.manifest().clone())], &[]),
        ..draft(everybody)
    };
    reseal_header(&file, &opened, &before(&file, everybody), next, &devices(everybody), &author.signing).unwrap()
}

#[test]
fn the_same_readers_may_be_signed_again_without_any_wrap() {
    let team = some(people(), &[0, 2, 4]);
    let first = seal_for(&team, b"document");
    let second = share(&first, &team, &team[0], &team).unwrap();
    assert_eq!(Parts::of(&first).readers, Parts::of(&second).readers);
    assert_eq!(first.manifest.stanzas, second.manifest.stanzas);
}

#[test]
fn a_reader_is_never_taken_away_by_a_splice() {
    let everybody = people();
    let first = seal_for(&everybody, b"document");
    let fewer = some(clone(&everybody), &[0, 2, 4]);
    let error = refusal(share(&first, &everybody, &everybody[0], &fewer));
    assert_eq!(error, SealError::ReaderTakenAway { name: "bob".to_owned() });
}

#[test]
fn a_reader_may_get_another_device_and_loses_none() {
    let everybody = people();
    let first = seal_for(&everybody, b"document");
    let file = SealedFile::parse(first.bytes).unwrap();
    let opened = file.open(&everybody[0].keys(), &[0]).unwrap();
    let mut renewed = clone(&everybody);
    let more = Member::with_devices("bob", 1);
    renewed[1].devices.extend(more.devices.iter().cloned());
    let mut next = draft(&everybody);
    next.readers[1].card = Hash::of(b"renewed");
    let sealed = reseal_header(&file, &opened, &devices(&everybody), next, &devices(&renewed), &everybody[0].signing);
    let sealed = sealed.unwrap();
    for keys in [everybody[1].keys(), more.keys()] {
        assert_eq!(open_fully(&sealed.bytes, &keys, &[]).unwrap().plaintext.expose(), b"document");
    }
    renewed[1].devices.remove(0);
    let mut next = draft(&everybody);
    next.readers[1].card = Hash::of(b"renewed");
    let error =
        refusal(reseal_header(&file, &opened, &devices(&everybody), next, &devices(&renewed), &everybody[0].signing));
    assert_eq!(error, SealError::ReaderTakenAway { name: "bob".to_owned() });
}

#[test]
fn a_splice_changes_nothing_that_the_document_repeats() {
    let team = some(people(), &[0, 2]);
    let first = seal_for(&team, b"document");
    let file = SealedFile::parse(first.bytes).unwrap();
    let opened = file.open(&team[0].keys(), &[0]).unwrap();
    let elsewhere = SecretPath::parse("prod/other").unwrap();
    for (what, next) in [
        ("vault", Manifest { vault: zero(), ..draft(&team) }),
        ("id", Manifest { id: covault::model::bytes::SecretId([8; 16]), ..draft(&team) }),
        ("path", Manifest { path: elsewhere, ..draft(&team) }),
        ("state", Manifest { state: State::Deleted, ..draft(&team) }),
        ("values", Manifest { values: vec![Short([1; 8])], ..draft(&team) }),
    ] {
        let error = refusal(reseal_header(&file, &opened, &devices(&team), next, &devices(&team), &team[0].signing));
        assert_eq!(error, SealError::DocumentChanged { what });
    }
}

#[test]
fn a_splice_takes_the_file_that_was_opened() {
    let team = some(people(), &[0, 2]);
    let opened = open_fully(&seal_for(&team, b"one").bytes, &team[0].keys(), &[0]).unwrap();
    let other = SealedFile::parse(seal_for(&team, b"two").bytes).unwrap();
    let error =
        refusal(reseal_header(&other, &opened, &devices(&team), draft(&team), &devices(&team), &team[0].signing));
    assert_eq!(error, SealError::OtherFile);
}

#[test]
fn a_splice_refuses_a_file_whose_stanzas_are_not_those_of_its_readers() {
    let everybody = people();
    let first = seal_for(&some(clone(&everybody), &[0, 2]), b"document");
    let mut wrong = some(clone(&everybody), &[0, 2]);
    wrong[0].devices.pop();
    assert_eq!(
        refusal(share(&first, &wrong, &everybody[0], &everybody)),
        SealError::DeviceCount { stanzas: 3, devices: 2 }
    );
}

#[test]
fn a_flipped_mac_after_a_splice_is_refused() {
    let everybody = people();
    let alone = some(clone(&everybody), &[0]);
    let first = seal_for(&alone, b"document");
    let mut second = share(&first, &alone, &everybody[0], &everybody).unwrap();
    let at = super::forge::find(&second.bytes, b"\n--- ") + 10;
    second.bytes[at] = if second.bytes[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(refusal(open_fully(&second.bytes, &everybody[1].keys(), &[2])), SealError::HeaderMac);
}

/// The same people with the same keys.
fn clone(people: &[Member]) -> Vec<Member> {
    people
        .iter()
        .map(|member| Member {
            name: member.name.clone(),
            identities: Vec::new(),
            signing: SigningKey::parse(&member.signing.to_text().unwrap()).unwrap(),
            devices: member.devices.clone(),
        })
        .collect()
}
