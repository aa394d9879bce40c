//! Keys in and out as text: one spelling, no key of another kind, one question at most.

use covault::model::card::Recipient;
use covault::seal::{
    Identities, Identity, MAX_FILE, MAX_WORK_FACTOR, SealError, SealedFile, SigningKey, check_recipient,
    decrypt_identity_file, encrypt_identity_file, is_encrypted, open_foreign, parse_literal,
};
use zeroize::Zeroizing;

use super::support::{Member, devices, seal_for};

fn passphrase(text: &str) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(text.to_owned()))
}

fn parse(text: &str) -> Result<Identities, SealError> {
    Identities::parse(text, || panic!("asked"))
}

#[test]
fn an_identity_is_written_and_read() {
    let identity = Identity::generate().unwrap();
    let text = identity.to_text().unwrap();
    assert!(text.starts_with("AGE-SECRET-KEY-1"));
    assert_eq!(Identity::parse(&text).unwrap().recipient(), identity.recipient());
    check_recipient(identity.recipient()).unwrap();
    // The age crate reads the same two texts.
    let theirs: age::x25519::Identity = text.parse().unwrap();
    assert_eq!(theirs.to_public().to_string(), identity.recipient().to_string());
}

#[test]
fn an_identity_file_may_have_comments_and_several_identities() {
    let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let text = format!("# created: now\n# public key: x\n\n{}\r\n{}\n", *a.to_text().unwrap(), *b.to_text().unwrap());
    let all = parse(&text).unwrap();
    let recipients: Vec<_> = all.iter().map(Identity::recipient).collect();
    assert_eq!(recipients, [a.recipient(), b.recipient()]);
}

#[test]
fn what_is_no_identity_is_refused_with_its_line_and_not_its_text() {
    let good = Identity::generate().unwrap().to_text().unwrap();
    for wrong in [
        good.to_lowercase(),
        good.replacen("AGE", "AGe", 1),
        good[..good.len() - 1].to_owned(),
        format!("{}Q", *good),
        good.replacen("KEY-1", "KEY-2", 1),
        "age1xyz".to_owned(),
        "hello".to_owned(),
    ] {
        let error = parse(&format!("# one\n{wrong}\n")).unwrap_err();
        assert_eq!(error, SealError::IdentityLine { line: 2 }, "{wrong}");
        assert!(!error.to_string().contains(&wrong));
    }
    assert_eq!(parse("# nothing\n\n").unwrap_err(), SealError::NoIdentity);
    assert_eq!(parse("").unwrap_err(), SealError::NoIdentity);
}

#[test]
fn an_identity_of_a_plugin_is_refused_by_its_name() {
    let error = parse("# yubikey\nAGE-PLUGIN-YUBIKEY-1QQPSXQCRQVPS\n").unwrap_err();
    assert_eq!(error, SealError::PluginIdentity { line: 2, plugin: "yubikey".to_owned() });
    let of = |name: &str| parse(&format!("AGE-PLUGIN-{name}-1QQPSXQCRQVPS")).unwrap_err();
    let long = "A".repeat(64);
    assert_eq!(of(&long), SealError::PluginIdentity { line: 1, plugin: "a".repeat(64) });
    for strange in [format!("{long}A"), "A B".to_owned(), "\u{1b}[31m".to_owned(), "É".to_owned()] {
        assert_eq!(of(&strange), SealError::IdentityLine { line: 1 }, "{strange}");
    }
    assert_eq!(parse("AGE-SECRET-KEY-PQ-1QQQQ").unwrap_err(), SealError::IdentityLine { line: 1 });
}

#[test]
fn an_encrypted_identity_file_is_refused_as_such_and_decrypted_when_asked() {
    let identity = Identity::generate().unwrap();
    let text = format!("# mine\n{}\n", *identity.to_text().unwrap());
    let file = encrypt_identity_file(&text, &passphrase("horse").unwrap(), 2).unwrap();
    assert!(is_encrypted(&file));
    assert!(!is_encrypted(text.as_bytes()));
    let armored = String::from_utf8(file.clone()).unwrap();
    assert_eq!(parse(&armored).unwrap_err(), SealError::IdentityEncrypted);
    let mut asked = 0;
    let again = decrypt_identity_file(&file, || {
        asked += 1;
        passphrase("horse")
    });
    assert_eq!(*again.unwrap(), text);
    assert_eq!(asked, 1);
    assert_eq!(decrypt_identity_file(&file, || passphrase("donkey")).unwrap_err(), SealError::WrongPassphrase);
    assert_eq!(decrypt_identity_file(&file, || None).unwrap_err(), SealError::PassphraseNeeded);
}

#[test]
fn a_work_factor_above_the_limit_is_refused_before_anybody_is_asked() {
    let header = "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 19\n\
                  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    let error = decrypt_identity_file(header.as_bytes(), || panic!("asked")).unwrap_err();
    assert_eq!(error, SealError::WorkFactor { factor: 19, limit: MAX_WORK_FACTOR });
    let most = header.replace(" 19\n", " 18\n");
    assert_eq!(decrypt_identity_file(most.as_bytes(), || None).unwrap_err(), SealError::PassphraseNeeded);
    for factor in [0, MAX_WORK_FACTOR + 1] {
        let error = encrypt_identity_file("x", &passphrase("horse").unwrap(), factor).unwrap_err();
        assert_eq!(error, SealError::WorkFactor { factor: factor.into(), limit: MAX_WORK_FACTOR });
    }
}

#[test]
fn files_that_no_passphrase_encrypts_are_refused_before_anybody_is_asked() {
    let ask = || panic!("asked");
    let secret = seal_for(&[Member::with_devices("alice", 1)], b"document").bytes;
    for wrong in [&secret[..], b"hello", b"", b"AGE-SECRET-KEY-1", b"-----BEGIN AGE ENCRYPTED FILE-----\nx"] {
        assert_eq!(decrypt_identity_file(wrong, ask).unwrap_err(), SealError::NotPassphrase);
    }
    let large = [b"age-encryption.org/v1\n".to_vec(), vec![b'x'; 1 << 20]].concat();
    assert!(matches!(decrypt_identity_file(&large, ask).unwrap_err(), SealError::FileTooLarge { .. }));
    assert_eq!(decrypt_identity_file(&vec![b'x'; 1 << 20], ask).unwrap_err(), SealError::NotPassphrase);
}

#[test]
fn a_damaged_identity_file_is_refused() {
    let file = encrypt_identity_file("# secret\n", &passphrase("horse").unwrap(), 1).unwrap();
    let armored = String::from_utf8(file).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut age::armor::ArmoredReader::new(armored.as_bytes()), &mut bytes).unwrap();
    assert_eq!(*decrypt_identity_file(&bytes, || passphrase("horse")).unwrap(), "# secret\n", "binary, too");
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(decrypt_identity_file(&flipped, || passphrase("horse")).is_err(), "byte {at}");
    }
    // The MAC stands before the payload of 16 + 9 + 16 bytes.
    let mac = bytes.len() - 41 - 3;
    let mut other = bytes.clone();
    other[mac] = if other[mac] == b'A' { b'B' } else { b'A' };
    assert_eq!(decrypt_identity_file(&other, || passphrase("horse")).unwrap_err(), SealError::HeaderMac);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_eq!(decrypt_identity_file(&bytes, || passphrase("horse")).unwrap_err(), SealError::Payload);
}

#[test]
fn identity_files_that_age_encrypted_are_read() {
    for file in ["age-armored.txt", "age-binary.age"] {
        let path = format!("{}/fixtures/seal/identities/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = decrypt_identity_file(&std::fs::read(path).unwrap(), || passphrase("correct horse")).unwrap();
        let all = parse(&text).unwrap();
        let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        assert_eq!(all.iter().next().unwrap().recipient().to_string(), recipient);
    }
}

#[test]
fn a_signing_key_is_written_and_read() {
    let key = SigningKey::generate().unwrap();
    let text = key.to_text().unwrap();
    assert!(text.starts_with("COVAULT-SIGNING-KEY-1"));
    assert_eq!(SigningKey::parse(&text).unwrap().public(), key.public());
    let openssh = key.to_openssh("alice@laptop").unwrap();
    assert_eq!(SigningKey::from_openssh(&openssh, || panic!("asked")).unwrap().public(), key.public());
    assert_eq!(key.to_openssh("a\nb").unwrap_err(), SealError::KeyComment);
    let identity = Identity::generate().unwrap().to_text().unwrap();
    for wrong in [text.to_lowercase(), text[1..].to_owned(), identity.to_string(), String::new()] {
        assert_eq!(SigningKey::parse(&wrong).unwrap_err(), SealError::SigningLiteral);
    }
}

#[test]
fn a_literal_is_an_identity_and_perhaps_a_signing_key() {
    let identity = Identity::generate().unwrap();
    let key = SigningKey::generate().unwrap();
    let (one, two) = (identity.to_text().unwrap(), key.to_text().unwrap());
    let (read, none) = parse_literal(&format!("{}\n", *one)).unwrap();
    assert_eq!(read.recipient(), identity.recipient());
    assert!(none.is_none());
    let (_, some) = parse_literal(&format!(" {} {}", *one, *two)).unwrap();
    assert_eq!(some.unwrap().public(), key.public());
    assert_eq!(parse_literal("").unwrap_err(), SealError::NoIdentity);
    assert_eq!(parse_literal(&two).unwrap_err(), SealError::IdentityLine { line: 1 });
    assert_eq!(parse_literal(&format!("{} {}", *one, *one)).unwrap_err(), SealError::SigningLiteral);
    assert_eq!(parse_literal(&format!("{} {} x", *one, *two)).unwrap_err(), SealError::LiteralWords);
}

#[test]
fn private_keys_in_other_forms_are_refused_by_name() {
    let read = |text: &str| SigningKey::from_openssh(text, || panic!("asked")).unwrap_err();
    assert_eq!(read("hello"), SealError::OpensshKey);
    let form = "RSA PRIVATE KEY".to_owned();
    assert_eq!(read("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"), SealError::OpensshForm { form });
    let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    assert_eq!(read(begin), SealError::OpensshKey);
    // What stands there is shown only where it is the label of a private key.
    for other in ["CERTIFICATE".to_owned(), format!("{} PRIVATE KEY", "A".repeat(40)), "SECRET".to_owned()] {
        assert_eq!(read(&format!("-----BEGIN {other}-----\nAAAA\n")), SealError::OpensshKey, "{other}");
    }
    let good = SigningKey::generate().unwrap().to_openssh("").unwrap();
    for at in (begin.len() + 1..good.len()).step_by(7) {
        let mut text = good.to_string();
        text.replace_range(at..=at, "*");
        assert_eq!(read(&text), SealError::OpensshKey);
    }
}

/// A private key file with other bytes at the place of some in it.
fn exchanged(openssh: &str, from: &[u8], to: &[u8]) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let body: String = openssh.lines().filter(|line| !line.starts_with('-')).collect();
    let mut bytes = STANDARD.decode(body).unwrap();
    let at = super::forge::find(&bytes, from);
    bytes[at..at + to.len()].copy_from_slice(to);
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"))
}

#[test]
fn a_private_key_whose_public_half_was_exchanged_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let (a, b) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let blob = |key: &SigningKey| STANDARD.decode(key.public().0).unwrap();
    let forged = exchanged(&a.to_openssh("").unwrap(), &blob(&a), &blob(&b));
    assert_eq!(SigningKey::from_openssh(&forged, || None).unwrap_err(), SealError::OpensshKey);
}

#[test]
fn a_private_key_under_a_cipher_that_is_not_known_here_is_refused_by_its_name() {
    let text = SigningKey::generate().unwrap().to_openssh("").unwrap();
    let none = b"\0\0\0\x04none\0\0\0\x04none".as_slice();
    for cipher in ["nine", "3des"] {
        let other = exchanged(&text, none, &[b"\0\0\0\x04", cipher.as_bytes()].concat());
        let form = format!("the cipher {cipher}");
        assert_eq!(SigningKey::from_openssh(&other, || panic!("asked")).unwrap_err(), SealError::OpensshForm { form });
    }
    // One whose passphrase nobody is asked for in vain: as long as the two names together.
    let triple = [none, &b"\0\0\0\0\0\0\0\x01"[..]].concat();
    let other = exchanged(&text, &triple, b"\0\0\0\x083des-cbc\0\0\0\0\0\0\0\0");
    let form = "the cipher 3des-cbc".to_owned();
    assert_eq!(SigningKey::from_openssh(&other, || panic!("asked")).unwrap_err(), SealError::OpensshForm { form });
}

#[test]
fn recipients_that_are_no_safe_points_are_refused() {
    let x25519 = |text: &str| {
        let hrp = bech32::Hrp::parse("age").unwrap();
        Recipient::X25519(bech32::encode_lower::<bech32::Bech32>(hrp, &hex::decode(text).unwrap()).unwrap())
    };
    for text in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        // Second spellings: at or above the prime, and with the unused bit.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0900000000000000000000000000000000000000000000000000000000000080",
    ] {
        let recipient = x25519(text);
        let refused = SealError::WeakRecipient { text: recipient.to_string() };
        assert_eq!(check_recipient(&recipient).unwrap_err(), refused, "{text}");
    }
    for text in [
        "0900000000000000000000000000000000000000000000000000000000000000",
        // Just below the prime, and just below what its highest byte begins.
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00",
    ] {
        check_recipient(&x25519(text)).unwrap();
    }
    let weak_ssh = "AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let recipient = Recipient::SshEd25519(weak_ssh.to_owned());
    assert!(matches!(check_recipient(&recipient).unwrap_err(), SealError::WeakRecipient { .. }));
    // A second spelling of a point of full order.
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20\xf0".as_slice(), &[0xff; 30], &[0x7f]].concat();
    let recipient = Recipient::SshEd25519(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob));
    assert!(matches!(check_recipient(&recipient).unwrap_err(), SealError::WeakRecipient { .. }));
    let good = Identity::generate().unwrap().recipient().to_string();
    for wrong in [good.to_uppercase(), format!("{good}q"), "age1".to_owned(), String::new()] {
        let error = check_recipient(&Recipient::X25519(wrong)).unwrap_err();
        assert!(matches!(error, SealError::Recipient { .. }));
    }
}

#[test]
fn own_stanzas_are_found_among_the_devices() {
    let team = vec![Member::with_devices("alice", 2), Member::with_devices("bob", 3)];
    let mut keys = team[1].keys();
    assert_eq!(keys.own_stanzas(&devices(&team)), [2]);
    keys.push(Identity::parse(&team[1].identities[2].to_text().unwrap()).unwrap());
    assert_eq!(keys.own_stanzas(&devices(&team)), [2, 4]);
    assert!(Identities::default().own_stanzas(&devices(&team)).is_empty());
}

#[test]
fn a_foreign_file_that_is_too_large_is_refused() {
    let keys = Identities::default();
    assert!(matches!(open_foreign(&vec![0; MAX_FILE + 1], &keys).unwrap_err(), SealError::FileTooLarge { .. }));
    assert_eq!(open_foreign(&vec![0; MAX_FILE], &keys).unwrap_err(), SealError::NotAge);
}

#[test]
fn nothing_secret_is_shown() {
    let identity = Identity::generate().unwrap();
    let key = SigningKey::generate().unwrap();
    assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.recipient()));
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public()));
    let team = super::support::team(1);
    let file = SealedFile::parse(super::support::seal_for(&team, b"hunter2-hunter2").bytes).unwrap();
    assert_eq!(format!("{file:?}"), format!("SealedFile({})", file.hash()));
    assert_eq!(format!("{:?}", file.open(&team[0].keys(), &[0]).unwrap()), format!("Opened({})", file.hash()));
}
