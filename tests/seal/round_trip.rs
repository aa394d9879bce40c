//! What is sealed opens, for each reader and for nobody else.

use covault::seal::{Identity, SealError, SealedFile, header_limit, peek_manifest};

use super::support::{Member, devices, open_fully, refusal, seal_for, team};

#[test]
fn every_reader_opens_what_was_sealed() {
    let team = team(7);
    let text = b"vault = \"x\"\n".repeat(100);
    let sealed = seal_for(&team, &text);
    for (n, member) in team.iter().enumerate() {
        let opened = open_fully(&sealed.bytes, &member.keys(), &[n]).unwrap();
        assert_eq!(opened.plaintext.expose(), text);
        assert!(!opened.found_elsewhere);
    }
}

#[test]
fn the_parsed_manifest_is_the_one_that_was_sealed() {
    let team = team(3);
    let sealed = seal_for(&team, b"document");
    let file = SealedFile::parse(sealed.bytes.clone()).unwrap();
    assert_eq!(*file.manifest(), sealed.manifest);
    assert_eq!(file.hash(), sealed.hash);
    assert_eq!(file.hash(), sealed.manifest.hash());
    assert_eq!(file.device_count(), 3);
    assert_eq!(file.verify_signature().unwrap(), team[0].signing.public());
    file.check_devices(&devices(&team)).unwrap();
    assert_eq!(file.into_bytes(), sealed.bytes);
}

#[test]
fn a_glance_at_the_header_shows_the_manifest() {
    let sealed = seal_for(&team(3), b"document");
    assert_eq!(peek_manifest(&sealed.bytes).unwrap(), sealed.manifest);
    let header = &sealed.bytes[..sealed.bytes.len() - 16 - 16 - 8];
    assert_eq!(peek_manifest(header).unwrap(), sealed.manifest);
    for length in 0..header.len() {
        assert!(peek_manifest(&header[..length]).is_err());
    }
}

#[test]
fn somebody_else_is_told_that_they_are_no_reader() {
    let sealed = seal_for(&team(3), b"document");
    let mallory = Identity::generate().unwrap().into();
    assert_eq!(refusal(open_fully(&sealed.bytes, &mallory, &[0])), SealError::NotAReader);
}

#[test]
fn a_stanza_at_another_place_is_found_and_reported() {
    let team = team(5);
    let sealed = seal_for(&team, b"document");
    for hint in [&[0_usize][..], &[], &[1, 99]] {
        let opened = open_fully(&sealed.bytes, &team[3].keys(), hint).unwrap();
        assert!(opened.found_elsewhere);
        assert_eq!(opened.plaintext.expose(), b"document");
    }
}

#[test]
fn a_large_team_with_many_devices_is_sealed_to_and_opens() {
    let team: Vec<Member> = (0..50).map(|n| Member::with_devices(&format!("m{n:03}"), 8)).collect();
    let sealed = seal_for(&team, b"document");
    assert!(sealed.bytes.len() < header_limit(400));
    let file = SealedFile::parse(sealed.bytes).unwrap();
    file.check_devices(&devices(&team)).unwrap();
    assert_eq!(file.device_count(), 400);
    let keys = team[49].keys();
    let own = keys.own_stanzas(&devices(&team));
    assert_eq!(own, [392]);
    let opened = file.open(&keys, &own).unwrap();
    assert_eq!(opened.plaintext.expose(), b"document");
    assert!(!opened.found_elsewhere);
}
