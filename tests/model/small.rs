//! The small types: bytes in hex, times, register keys, plaintexts.

use covault::model::bytes::{Hash, SecretId, Short, WriteName};
use covault::model::canon::CanonError;
use covault::model::codec::DocumentError;
use covault::model::keys::intent::KeyName;
use covault::model::register::Key;
use covault::model::roster::{Role, RosterError};
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::seal::SealError;
use proptest::prelude::*;

use super::world::{any_key, cases, hash};

#[test]
fn a_time_has_one_spelling() {
    for text in ["1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "9999-12-30T22:00:00Z"] {
        assert_eq!(Time::parse(text).map(|time| time.to_string()).as_deref(), Some(text));
    }
    let bad = [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00z",
        "2026-01-01t00:00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00.0Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00Z",
        "20260101T000000Z",
        "+002026-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-06-30T23:59:60Z",
        "9999-12-31T23:59:59Z",
        " 2026-01-01T00:00:00Z",
        "now",
        "0",
        "2026-01-01T00:00:00Z[UTC]",
        "-009999-01-01T00:00:00Z",
    ];
    for text in bad {
        assert_eq!(Time::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_time_stays_in_the_range_that_can_be_written() {
    assert_eq!(Time::from_unix(i64::MIN).to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Time::from_unix(-1), Time::from_unix(0));
    assert_eq!(Time::from_unix(i64::MAX).to_string(), "9999-12-30T22:00:00Z");
    assert_eq!(Time::parse("9999-12-30T22:00:00Z"), Some(Time::from_unix(i64::MAX)));
}

#[test]
fn hex_is_lower_case_and_as_long_as_it_should_be() {
    let text = hash("x").to_string();
    assert_eq!(Hash::from_hex(&text), Some(hash("x")));
    assert_eq!(format!("{:?}", hash("x")), text);
    assert_eq!(hash("x").short().to_string(), text[..16]);
    assert_eq!(WriteName([7; 16]).short(), Short([7; 8]));
    assert_eq!(SecretId::from_hex("00ff00ff00ff00ff00ff00ff00ff00ff").unwrap().0[..2], [0, 255]);
    for bad in [
        "",
        "0",
        &text[1..],
        &text[2..],
        &format!("{text}00"),
        &text.to_uppercase(),
        &text.replace(&text[..1], "g"),
        &"ä".repeat(32),
    ] {
        assert_eq!(Hash::from_hex(bad), None, "{bad}");
    }
}

#[test]
fn the_name_of_a_key_has_one_spelling() {
    let ours = "covault 1f3a09bc prod/openrouter g3 9f86d081884c7d65";
    assert_eq!(KeyName::parse(ours).unwrap().to_string(), ours);
    for other in ["g+3", "g03", "G3", "g", "g3 "] {
        assert_eq!(KeyName::parse(&ours.replace("g3", other)), None, "{other}");
    }
}

#[test]
fn registers_are_named_by_kind() {
    for text in ["state", "meta.kind", "tag.web", "field.password"] {
        assert_eq!(Key::parse(text).map(|key| key.to_text()).as_deref(), Some(text));
    }
    for text in [
        "",
        "State",
        "state.",
        "state.x",
        "field",
        "field.",
        "field.a.b",
        ".a",
        "meta. a",
        "tag.Web",
        "fields.a",
        "field.9",
    ] {
        assert_eq!(Key::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_plaintext_shows_nothing_of_itself() {
    let plaintext = Plaintext::from_text("hunter2");
    assert_eq!(format!("{plaintext:?} {:?}", Some(&plaintext)), "Plaintext(redacted) Some(Plaintext(redacted))");
    assert_eq!((plaintext.len(), plaintext.is_empty(), plaintext.expose_str()), (7, false, Some("hunter2")));
    assert_eq!((Plaintext::new(vec![]).is_empty(), Plaintext::new(vec![0xff]).expose_str()), (true, None));
    assert!(plaintext == Plaintext::new(b"hunter2".to_vec()) && plaintext != Plaintext::from_text("hunter3"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_plaintext_that_is_dropped_is_wiped() {
    use std::os::unix::fs::FileExt as _;
    const WORD: &[u8] = b"WipeMeWhenIAmDropped";
    // Too small for a mapping of its own, which would be gone with it.
    let written = WORD.repeat(3000);
    let text = Plaintext::new(written.clone());
    // Nor is the heap cut off below this.
    let above = vec![1_u8; 60_000];
    // Its beginning is where the allocator writes what it needs to know of free memory.
    let at = text.expose().as_ptr().expose_provenance() as u64 + 4096;
    let memory = || {
        let mut bytes = [0; 20_000];
        std::fs::File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, at).unwrap();
        bytes
    };
    assert!(memory()[..] == written[4096..24_096]);
    drop(text);
    assert!(!memory().windows(WORD.len()).any(|part| part == WORD));
    assert_eq!(std::hint::black_box(above).len(), 60_000);
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn noise_never_makes_a_parser_panic(text: String, near in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([0-9]{2}:){2}[0-9]{2}(Z|\\.[0-9]{1,9}Z|\\+00:00)?", dotted in "(meta|tag|field|state)\\.?[a-zA-Z0-9._ -]{0,8}") {
        for text in [&text, &near, &dotted] {
            if let Some(time) = Time::parse(text) {
                prop_assert_eq!(&time.to_string(), text);
            }
            if let Some(key) = Key::parse(text) {
                prop_assert_eq!(&key.to_text(), text);
            }
            for hex in [Hash::from_hex(text).map(|h| h.to_string()), Short::from_hex(text).map(|h| h.to_string())] {
                prop_assert!(hex.is_none_or(|hex| hex == *text));
            }
        }
    }

    #[test]
    fn every_time_and_every_key_comes_back(seconds: i64, key in any_key()) {
        let time = Time::from_unix(seconds);
        prop_assert_eq!(Time::parse(&time.to_string()), Some(time));
        prop_assert_eq!(Key::parse(&key.to_text()), Some(key));
    }
}

#[test]
fn what_a_later_version_wrote_is_told_from_what_is_spoilt() {
    let value = |key: &str| CanonError::Value { line: 1, key: key.to_owned(), expected: "1" };
    let (later, spoilt) = (value("format"), value("vault"));
    assert!(later.is_other_format() && !spoilt.is_other_format());
    assert!(!CanonError::Trailing { line: 1 }.is_other_format());
    let documents = [DocumentError::Canon(later.clone()), DocumentError::Canon(spoilt.clone()), DocumentError::NotText];
    assert_eq!(documents.map(|error| error.is_from_later()), [true, false, false]);
    let rosters = [
        RosterError::TooNew { minimum: 2 },
        RosterError::UnknownOperation { seq: 1, operation: "transfer".to_owned() },
        RosterError::Canon(later.clone()),
        RosterError::Canon(spoilt.clone()),
        RosterError::Empty,
    ];
    assert_eq!(rosters.map(|error| error.is_from_later()), [true, true, true, false, false]);
    let sealed =
        [SealError::SiblingsVersion, SealError::Manifest(later), SealError::Manifest(spoilt), SealError::BadSignature];
    assert_eq!(sealed.map(|error| error.is_from_later()), [true, true, false, false]);
}

#[test]
fn roles_are_told_as_people_say_them() {
    let told = [Role::Reader, Role::Writer, Role::Admin].map(Role::with_article);
    assert_eq!(told, ["a reader", "a writer", "an admin"]);
}
