//! Armour, signature blobs and keys as text: each has one spelling, and nothing of a secret key is in what is refused.

use covault::model::card::SigningPublic;
use covault::seal::sshsig::{Namespace, armor, assemble, dearmor, verify};
use covault::seal::{Identities, SigningKey, VerifyingPublic, is_public_key, parse_literal};

pub fn run(data: &[u8]) {
    assert_eq!(dearmor(&armor(data)).ok().as_deref(), Some(data), "what is put into armour comes out");
    blob(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    match dearmor(text) {
        Ok(inner) => {
            assert_eq!(armor(&inner), text, "one spelling");
            blob(&inner);
        }
        Err(error) => super::check_words(&error),
    }
    keys(text);
}

fn blob(bytes: &[u8]) {
    for namespace in [Namespace::Secret, Namespace::Roster, Namespace::Card, Namespace::Journal] {
        match verify(bytes, namespace, b"message") {
            Ok(key) => {
                let signature: &[u8; 64] = bytes.last_chunk().expect("a signature");
                assert!(assemble(&key.to_bytes(), namespace, signature) == bytes, "one spelling");
            }
            Err(error) => super::check_words(&error),
        }
    }
}

fn keys(text: &str) {
    match SigningKey::parse(text) {
        Ok(key) => {
            let again = key.to_text().expect("a key as text");
            assert_eq!(SigningKey::parse(&again).expect("ours").public(), key.public());
            assert!(again.eq_ignore_ascii_case(text.trim()), "one spelling");
        }
        Err(error) => super::check_words(&error),
    }
    match VerifyingPublic::parse(&SigningPublic(text.to_owned())) {
        Ok(key) => assert_eq!(key.to_public().0, text, "one spelling"),
        Err(error) => super::check_words(&error),
    }
    if let Ok(key) = VerifyingPublic::parse_line(text) {
        assert!(is_public_key(text));
        assert_eq!(VerifyingPublic::parse_line(&key.to_public().to_string()).expect("ours").to_bytes(), key.to_bytes());
    }
    match Identities::parse(text, || None) {
        Ok(identities) => {
            for identity in identities.iter() {
                if let Some(secret) = identity.to_text() {
                    let again = Identities::parse(&secret, || None).expect("ours");
                    assert!(again.iter().all(|again| again.recipient() == identity.recipient()));
                    assert!(!format!("{identity:?}").to_uppercase().contains(secret.trim()));
                }
            }
        }
        Err(error) => super::check_words(&error),
    }
    if let Err(error) = parse_literal(text) {
        super::check_words(&error);
    }
}
