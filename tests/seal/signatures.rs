//! SSH signatures: one spelling, one purpose, strict mathematics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use covault::model::card::SigningPublic;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{SealError, SigningKey, VerifyingPublic};

const MESSAGE: &[u8] = b"format = 1\n";

fn signed() -> (SigningKey, Vec<u8>) {
    let key = SigningKey::generate().unwrap();
    let blob = sshsig::sign(&key, Namespace::Secret, MESSAGE).unwrap();
    (key, blob)
}

fn verify(blob: &[u8]) -> SealError {
    sshsig::verify(blob, Namespace::Secret, MESSAGE).unwrap_err()
}

/// Reads the blob's five strings, changes them, and writes it again.
fn changed(blob: &[u8], change: impl Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut rest = &blob[10..];
    let mut strings = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        strings.push(rest[4..4 + length].to_vec());
        rest = &rest[4 + length..];
    }
    change(&mut strings);
    let mut out = blob[..10].to_vec();
    strings.iter().for_each(|s| put(&mut out, s));
    out
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn public(bytes: [u8; 32]) -> SigningPublic {
    let mut blob = Vec::new();
    put(&mut blob, b"ssh-ed25519");
    put(&mut blob, &bytes);
    SigningPublic(STANDARD.encode(blob))
}

#[test]
fn a_signature_tells_whose_it_is() {
    let (key, blob) = signed();
    assert_eq!(sshsig::verify(&blob, Namespace::Secret, MESSAGE).unwrap().to_public(), key.public());
    assert_eq!(sshsig::verify(&blob, Namespace::Secret, b"other").unwrap_err(), SealError::BadSignature);
}

#[test]
fn a_signature_for_one_purpose_is_none_for_another() {
    let (key, _) = signed();
    let all = [Namespace::Secret, Namespace::Roster, Namespace::Card, Namespace::Journal];
    for made in all {
        let blob = sshsig::sign(&key, made, MESSAGE).unwrap();
        for wanted in all {
            let result = sshsig::verify(&blob, wanted, MESSAGE).map(|_| ());
            let refusal = SealError::SshsigNamespace { expected: wanted.as_str() };
            assert_eq!(result, if made == wanted { Ok(()) } else { Err(refusal) });
            // Renaming the namespace in the blob does not help: it is signed.
            let renamed = changed(&blob, |s| s[1] = wanted.as_str().as_bytes().to_vec());
            assert_eq!(sshsig::verify(&renamed, wanted, MESSAGE).is_ok(), made == wanted);
        }
    }
}

#[test]
fn other_forms_of_a_signature_are_refused_by_name() {
    let (_, blob) = signed();
    assert_eq!(changed(&blob, |_| ()), blob);
    let with = |change: fn(&mut Vec<Vec<u8>>)| verify(&changed(&blob, change));
    assert_eq!(with(|s| s[2] = b"x".to_vec()), SealError::SshsigReserved);
    assert_eq!(with(|s| s[3] = b"sha256".to_vec()), SealError::SshsigHash);
    assert_eq!(with(|s| s[0] = b"\0\0\0\x07ssh-rsa\0\0\0\x01\x05".to_vec()), SealError::SshsigKeyType);
    assert_eq!(with(|s| s[0].push(0)), SealError::SshsigKeyType);
    assert_eq!(with(|s| s[4] = b"\0\0\0\x0crsa-sha2-512\0\0\0\x01\x05".to_vec()), SealError::SshsigKeyType);
    assert_eq!(with(|s| s[4].push(0)), SealError::NotSshsig);
    assert_eq!(
        with(|s| {
            s[4].pop();
        }),
        SealError::NotSshsig
    );
    assert_eq!(with(|s| s.push(Vec::new())), SealError::NotSshsig);
    assert_eq!(
        with(|s| {
            s.pop();
        }),
        SealError::NotSshsig
    );
    let mut other = blob.clone();
    other[9] = 2;
    assert_eq!(verify(&other), SealError::SshsigVersion { version: 2 });
    assert_eq!(verify(b"SSHSIG"), SealError::NotSshsig);
    assert_eq!(verify(b""), SealError::NotSshsig);
    assert_eq!(verify(&[b"sshsig", &blob[6..]].concat()), SealError::NotSshsig);
}

#[test]
fn every_flipped_bit_and_every_truncation_of_a_signature_is_refused() {
    let (_, blob) = signed();
    let mut bytes = blob.clone();
    for at in 0..blob.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(sshsig::verify(&bytes, Namespace::Secret, MESSAGE).is_err(), "bit {bit} of byte {at}");
            bytes[at] = blob[at];
        }
        assert_eq!(verify(&blob[..at]), SealError::NotSshsig);
    }
}

#[test]
fn an_s_above_the_groups_order_is_refused() {
    let (_, blob) = signed();
    // The order of the group, little-endian: S + L verifies where nobody checks.
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut other = blob.clone();
    let at = blob.len() - 32;
    let mut carry = 0;
    for (n, add) in order.iter().enumerate() {
        let sum = u16::from(blob[at + n]) + u16::from(*add) + carry;
        other[at + n] = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(verify(&other), SealError::BadSignature);
}

#[test]
fn weak_and_misspelled_public_keys_are_refused() {
    for text in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        // Second spellings: of the identity, of a point of order 4, and of points of full order.
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let key = public(hex::decode(text).unwrap().try_into().unwrap());
        assert_eq!(VerifyingPublic::parse(&key).unwrap_err(), SealError::WeakKey, "{text}");
    }
    let no_point = public(
        hex::decode("0200000000000000000000000000000000000000000000000000000000000000").unwrap().try_into().unwrap(),
    );
    assert_eq!(VerifyingPublic::parse(&no_point).unwrap_err(), SealError::PublicKey);
    for text in ["", "AAAA", "AAAAC3NzaC1lZDI1NTE5AAAAI", "not base64"] {
        assert_eq!(VerifyingPublic::parse(&SigningPublic(text.to_owned())).unwrap_err(), SealError::PublicKey);
    }
}

#[test]
fn a_signature_by_a_weak_key_is_refused_whatever_it_signs() {
    // With the identity as key and as R, and S = 0, everything verifies where nobody looks.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let blob = sshsig::assemble(&identity, Namespace::Secret, &signature);
    assert_eq!(verify(&blob), SealError::WeakKey);
}

#[test]
fn armor_is_read_in_the_one_form_that_is_written() {
    let (_, blob) = signed();
    let text = sshsig::armor(&blob);
    assert_eq!(sshsig::dearmor(&text).unwrap(), blob);
    assert!(text.lines().all(|line| line.len() <= 70));
    for wrong in [
        String::new(),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!(" {text}"),
        text.replace('\n', "\r\n"),
        text.replacen("U1NIU0lH", "U1NIU0lH\n", 1),
        text.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        text.replacen("U1NIU0lH", "U1NIU0l*", 1),
    ] {
        assert_eq!(sshsig::dearmor(&wrong).unwrap_err(), SealError::SshsigArmor, "{wrong}");
    }
}

#[test]
fn a_line_of_a_public_key_file_is_read_and_keys_of_other_types_are_refused_by_name() {
    let public = SigningKey::generate().unwrap().public();
    let key = VerifyingPublic::parse(&public).unwrap();
    for line in [format!("ssh-ed25519 {}", public.0), format!("  ssh-ed25519 {} alice@host two\n", public.0)] {
        let read = VerifyingPublic::parse_line(&line).unwrap();
        assert_eq!((&read, read.to_public()), (&key, public.clone()), "{line}");
        assert_eq!(STANDARD.decode(&public.0).unwrap()[19..], read.to_bytes());
    }
    let kind = |kind: &str| SealError::KeyType { kind: kind.to_owned() };
    let long = format!("ssh-{}", "x".repeat(100));
    for (line, why) in [
        (format!("ssh-rsa {}", public.0), kind("ssh-rsa")),
        (format!("ecdsa-sha2-nistp256 {}", public.0), kind("ecdsa-sha2-nistp256")),
        (format!("sk-ssh-ed25519@openssh.com {}", public.0), kind("sk-ssh-ed25519@openssh.com")),
        ("ssh-\u{1b}[31m x".to_owned(), kind("ssh-\\u{1b}[31m")),
        (format!("{long} x"), kind(&long[..64])),
        (format!("ssh-ed25519 {0}\nssh-ed25519 {0}", public.0), SealError::PublicKey),
        ("ssh-ed25519".to_owned(), SealError::PublicKey),
        (public.0.clone(), SealError::PublicKey),
        (String::new(), SealError::PublicKey),
    ] {
        assert_eq!(VerifyingPublic::parse_line(&line).unwrap_err(), why, "{line}");
    }
}
