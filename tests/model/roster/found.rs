//! The chain of entries, as far as this version knows it: `found`.

use covault::model::card::Card;
use covault::model::card::Kind;
use covault::model::names::MemberName;
use covault::model::roster::{self, Operation, Role, Roster, RosterError};
use proptest::prelude::*;

use super::super::edits::{self, any_edits};
use super::super::world::{at, card, cases, device, hash, nonce, path};

pub fn found(name: &str) -> Vec<u8> {
    let body = roster::found_body(name, nonce(1), &card("alice", vec![device("laptop", 1), device("desk", 2)]), at(0));
    roster::entry_text(&body, b"a signature", Some(b"another")).into_bytes()
}

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = String::new();
    for entry in roster::decode(bytes).ok()? {
        let Operation::Found { vault_name, nonce, founder } = &entry.operation else { return None };
        // Both from what it means and from what was kept.
        assert_eq!(roster::found_body(vault_name, *nonce, founder, entry.at), entry.body);
        out.push_str(&roster::entry_text(&entry.body, &entry.signature, entry.card_signature.as_deref()));
    }
    Some(out.into_bytes())
}

#[test]
fn a_vault_begins_with_its_first_admin() {
    let entries = roster::decode(&found("acme")).unwrap();
    let roster = Roster::from_entries(&entries).unwrap();
    assert_eq!((roster.name.as_str(), roster.seq, roster.vault), ("acme", 0, roster.head));
    assert_eq!(roster.vault, hash(&entries[0].body));
    let alice = roster.named(&MemberName::parse("alice").unwrap()).unwrap();
    assert_eq!((alice.role, alice.card.kind, alice.card.vault), (Role::Admin, Kind::Person, roster.vault));
    assert_eq!(alice.hash, Card { vault: roster.vault, ..alice.card.clone() }.hash());
    assert_eq!(roster.member(alice.hash), Some(alice));
    assert_eq!(roster.readers(&path("prod/db"), &[]), [alice]);
    assert!(roster.state().may_write(&alice.reference(), &path("prod/db")));
    assert_eq!(alice.reference().card, alice.hash);
    assert!(Role::Reader < Role::Writer && Role::Writer < Role::Admin);
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    assert!(edits::every_single_byte(&found("acme"), recode) > 100);
}

#[test]
fn what_is_no_chain_is_refused() {
    let text = String::from_utf8(found("acme")).unwrap();
    let decode = |text: &str| roster::decode(text.as_bytes());
    assert_eq!(decode(""), Err(RosterError::Empty));
    assert_eq!(roster::decode(b"\xff"), Err(RosterError::NotText));
    assert!(matches!(decode(&text.replace("seq = 0", "seq = 1")), Err(RosterError::Canon(_))));
    let prev = text.replace("prev = \"\"", &format!("prev = \"{}\"", hash("x")));
    assert!(matches!(decode(&prev), Err(RosterError::Canon(_))));
    assert!(matches!(
        decode(&text.replace("by = \"\"", &format!("by = \"{}\"", hash("x")))),
        Err(RosterError::Canon(_))
    ));
    assert_eq!(decode(&format!("{text}\n{text}")), Err(RosterError::Founding { seq: 0 }));
    let id = roster::decode(text.as_bytes()).unwrap()[0].hash();
    let second = text.replace("seq = 0", "seq = 1").replace("prev = \"\"", &format!("prev = \"{id}\""));
    assert_eq!(decode(&format!("{text}\n{second}")), Err(RosterError::Founding { seq: 1 }));
    let other = RosterError::UnknownOperation { seq: 0, operation: "seek".to_owned() };
    assert_eq!(decode(&text.replace("\"found\"", "\"seek\"")), Err(other));
    assert!(matches!(decode(&text.replace("\"found\"", "\"admit\"")), Err(RosterError::Canon(_))));
    assert!(matches!(decode(&format!("{text}{text}")), Err(RosterError::Canon(_))));
    assert!(matches!(decode(&text.replace("format = 1", "format = 2")), Err(RosterError::Canon(_))));
    let large = vec![b'a'; roster::MAX_ROSTER + 1];
    assert_eq!(roster::decode(&large), Err(RosterError::TooLarge { size: large.len() }));
    assert!(matches!(roster::decode(&large[1..]), Err(RosterError::Canon(_))));
    assert_eq!(Roster::from_entries(&[]), Err(RosterError::Empty));
}

#[test]
fn base64_has_one_spelling() {
    let text = String::from_utf8(found("acme")).unwrap();
    let signature = "YSBzaWduYXR1cmU=";
    assert!(text.contains(signature));
    for other in [
        "YSBzaWduYXR1cmU",
        "YSBzaWduYXR1cmV=",
        "YSBzaWduYXR1cmU==",
        " YSBzaWduYXR1cmU=",
        "YSBz aWduYXR1cmU=",
        "YSBzaWduYXR1cm-_",
    ] {
        assert!(roster::decode(text.replace(signature, other).as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn a_vault_has_a_name_that_can_be_shown() {
    for name in ["acme", "Acme GmbH & Co.", "ä", &"a".repeat(64)] {
        assert!(roster::is_vault_name(name), "{name}");
        assert!(roster::decode(&found(name)).is_ok());
    }
    for name in ["", " ", "\u{a0}", "a\nb", "a\u{1b}[31m", "a\u{9b}m", "\u{7f}", &"a".repeat(65), &"ä".repeat(33)] {
        assert!(!roster::is_vault_name(name), "{name:?}");
        assert!(roster::decode(&found(name)).is_err());
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn several_edits_are_refused_or_mean_something_else(edits in any_edits()) {
        edits::several(&found("acme"), &edits, recode);
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String) {
        edits::noise(&bytes, &text, recode);
        edits::noise(format!("[[entry]]\n{text}").as_bytes(), &text, recode);
        let _ = roster::is_vault_name(&text);
    }
}
