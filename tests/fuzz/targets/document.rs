//! A document is read only as it would be written, padding included; no refusal shows a value; and what is read joins with
//! itself, is compared and deleted without a surprise.
//!
//! An input without its padding is padded, since no mutation finds the size.

use covault::model::codec::{DocumentError, bucket, decode, encode};
use covault::model::compare::differences;
use covault::model::document::Document;
use covault::model::names::MemberName;
use covault::model::read;
use covault::model::register::{Key, Write};
use covault::model::time::Time;
use covault::plaintext::Plaintext;

pub fn run(data: &[u8]) {
    look(data);
    let missing = bucket(data.len()) - data.len();
    if missing > 0 {
        let mut padded = data.to_vec();
        padded.resize(data.len() + missing - 1, b' ');
        padded.push(b'\n');
        look(&padded);
    }
}

fn look(bytes: &[u8]) {
    let document = match decode(&Plaintext::new(bytes.to_vec())) {
        Ok(document) => document,
        Err(DocumentError::Canon(error)) => return super::check_words(&error),
        Err(error) => return super::check_words(&error),
    };
    assert!(encode(&document).expect("read and written").expose() == bytes, "one spelling");
    assert_eq!(document.join(&document), document, "idempotent");
    let now = Time::from_unix(1_790_000_000);
    assert!(differences(Some((&document, now)), Some((&document, now))).is_empty());
    let fields = read::fields(&document, now);
    assert!(fields.iter().all(|field| read::field(&document, field.name, now).is_some()));
    assert!(read::default_field(&fields).is_none_or(|default| fields.iter().any(|field| field.name == default.name)));
    assert!(read::tags(&document).len() <= document.registers().count());
    assert!(read::metadata(&document, now).len() <= document.registers().count());
    bury(&document, now);
}

/// Somebody deletes it: what they saw is gone, whichever side an old version comes from, and can be taken back.
fn bury(document: &Document, now: Time) {
    let author = MemberName::parse("mallory").expect("a name");
    let mut buried = document.clone();
    let tombstone = buried.tombstone_value(None);
    buried.bury(Write::new(&Key::State, tombstone, true, author.clone(), now, [1; 16]));
    assert!(read::fields(&buried, now).is_empty(), "a field outlives its deletion");
    assert_eq!(buried.join(document), document.join(&buried), "commutative");
    if let Ok(text) = encode(&buried) {
        assert_eq!(decode(&text).as_ref(), Ok(&buried), "a deleted one can be written");
    }
    let live = covault::model::register::Value::text("live");
    buried.unbury(Write::new(&Key::State, live, true, author, now, [2; 16]));
    assert!(read::fields(&buried, now).is_empty(), "what was deleted came back by itself");
}
