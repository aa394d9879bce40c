//! Old value, new value or a clear error: whatever happens to the bytes, never a panic and never another value.

use covault::seal::{Identities, SealError, SealedFile, SigningKey};

use super::support::{Member, open_fully, seal_for, team};

const TEXT: &[u8] = b"vault = \"x\"\npath = \"prod/db\"\nvalue = \"hunter2\"\n";

/// What a careful caller with the roster sees: errors, or the text signed by alice.
fn survives(bytes: &[u8], keys: &Identities, signer: &SigningKey) -> Result<(), SealError> {
    let file = SealedFile::parse(bytes)?;
    let by = file.verify_signature()?;
    let opened = file.open(keys, &[1])?;
    assert_eq!(opened.plaintext.expose(), TEXT, "another value");
    assert_eq!(by, signer.public(), "another author");
    Ok(())
}

fn sealed() -> (Vec<Member>, Vec<u8>) {
    let mut team = team(2);
    let ssh = SigningKey::generate().unwrap().to_openssh("").unwrap();
    team.push(Member::new("m900", vec![covault::seal::Identity::from_openssh(&ssh, || None).unwrap()]));
    let bytes = seal_for(&team, TEXT).bytes;
    (team, bytes)
}

#[test]
fn every_flipped_bit_is_an_error() {
    let (team, good) = sealed();
    let keys = team[1].keys();
    survives(&good, &keys, &team[0].signing).unwrap();
    let mut bytes = good.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(survives(&bytes, &keys, &team[0].signing).is_err(), "bit {bit} of byte {at}");
            bytes[at] = good[at];
        }
    }
}

#[test]
fn every_byte_replaced_by_a_telling_one_is_an_error() {
    let (team, good) = sealed();
    let keys = team[1].keys();
    let mut bytes = good.clone();
    for at in 0..bytes.len() {
        for byte in *b"\n\r\0 A=-" {
            if byte != good[at] {
                bytes[at] = byte;
                assert!(survives(&bytes, &keys, &team[0].signing).is_err(), "{byte} at {at}");
                bytes[at] = good[at];
            }
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let (team, good) = sealed();
    for length in 0..good.len() {
        assert!(SealedFile::parse(&good[..length]).is_err(), "{length} bytes");
    }
    assert!(open_fully(&good, &team[1].keys(), &[1]).is_ok());
}

#[test]
fn appended_and_dropped_bytes_are_errors() {
    let (team, good) = sealed();
    let keys = team[1].keys();
    for byte in 0..=255 {
        let mut longer = good.clone();
        longer.push(byte);
        assert!(SealedFile::parse(longer).is_err());
    }
    for at in 0..good.len() {
        let dropped = [&good[..at], &good[at + 1..]].concat();
        assert!(survives(&dropped, &keys, &team[0].signing).is_err(), "without byte {at}");
        let doubled = [&good[..=at], &good[at..]].concat();
        assert!(survives(&doubled, &keys, &team[0].signing).is_err(), "byte {at} twice");
    }
}

#[test]
fn two_files_spliced_at_any_line_are_an_error() {
    let (team, one) = sealed();
    let other = seal_for(&team, TEXT).bytes;
    let ends = |bytes: &[u8]| -> Vec<usize> {
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n + 1).collect()
    };
    let mut same = 0;
    for a in ends(&one) {
        for b in ends(&other) {
            let mixed = [&one[..a], &other[b..]].concat();
            let opened = SealedFile::parse(mixed.as_slice()).and_then(|file| {
                file.verify_signature()?;
                file.open(&team[1].keys(), &[1])
            });
            if let Ok(opened) = opened {
                assert!(mixed == one || mixed == other);
                assert_eq!(opened.plaintext.expose(), TEXT);
                same += 1;
            }
        }
    }
    assert!(same > 0, "the whole other file is among them");
}
