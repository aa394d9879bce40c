//! What a manifest says in the clear is nothing to guess a value by: the names of writes and the hash of the plaintext
//! hold random bits, so that who tries all values of four digits learns nothing.

use std::collections::BTreeSet;

use covault::model::bytes::{Hash, Short};
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::Manifest;
use covault::model::names::{FieldName, MemberName, SecretPath};
use covault::model::register::{Key, Value, Write};
use covault::seal::peek_manifest;
use covault::vault::draft::Draft;

use crate::team::{how, vault};
use crate::world::World;

const VALUE: &str = "1234";

fn key() -> Key {
    Key::Field(FieldName::parse("value").unwrap())
}

fn path(name: &str) -> SecretPath {
    SecretPath::parse(name).unwrap()
}

/// The write that somebody tries who knows all but the nonce.
fn tried(value: &str, nonce: [u8; 16]) -> Write {
    Write::new(&key(), Value::text(value), false, MemberName::parse("alice").unwrap(), how().now, nonce)
}

/// What the names of writes and the hash of the plaintext are, if this is what was written.
fn guess(manifest: &Manifest, nonce: [u8; 16]) -> (Short, Hash) {
    let write = tried(VALUE, nonce);
    let name = write.name().short();
    let mut document = Document::new(manifest.vault, manifest.id, manifest.path.clone());
    document.put(&key(), write);
    (name, Hash::of(codec::encode(&document).unwrap().expose()))
}

#[test]
fn what_stands_in_the_clear_says_nothing_of_a_value_to_who_tries_them_all() {
    let world = World::new();
    let alice = world.founder("alice");
    let (vault, how) = (vault(&alice), how());
    let write = || vault.write_of(&key(), Value::text(VALUE), false, how.now).unwrap();
    assert_ne!(write().name(), write().name(), "the same value, by the same person, at the same time");
    // The same value in two secrets, at one moment that anybody can read in the history.
    let names = ["pins/door", "pins/safe"];
    let drafts = names.map(|name| {
        let mut draft = Draft::birth(vault.roster().vault, path(name));
        draft.document.put(&key(), write());
        draft
    });
    vault.writing(&how).unwrap().finish(&drafts, Vec::new(), "covault: two pins").unwrap();
    let [door, safe] = names.map(|name| peek_manifest(&std::fs::read(alice.file(name)).unwrap()).unwrap());
    for manifest in [&door, &safe] {
        assert_eq!((manifest.at, manifest.values.len()), (how.now, 1));
    }
    assert_ne!(door.values, safe.values, "that two values are the same shows");
    assert!(door.id != safe.id && door.document != safe.document);
    let all: BTreeSet<Short> = (0..10_000).map(|n| tried(&format!("{n:04}"), [0; 16]).name().short()).collect();
    for (name, manifest) in names.iter().zip([&door, &safe]) {
        assert!(manifest.values.iter().all(|value| !all.contains(value)), "{name}: its value was guessed");
        let (value, document) = guess(manifest, [0; 16]);
        assert!(!manifest.values.contains(&value) && manifest.document != document, "{name}: its value was guessed");
        // The nonce is all that was missing.
        let opened = vault.secret(&path(name)).unwrap();
        let nonce = opened.document.register(&key()).unwrap().live().next().unwrap().nonce;
        assert_eq!(guess(manifest, nonce), (manifest.values[0], manifest.document), "{name}");
    }
    // Written once more it is another write: that a value is back shows as little.
    ["9876", VALUE].iter().for_each(|value| alice.set("pins/door", value));
    let again = peek_manifest(&std::fs::read(alice.file("pins/door")).unwrap()).unwrap();
    assert!(again.values != door.values && again.document != door.document);
}
