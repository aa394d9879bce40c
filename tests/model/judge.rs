//! An outside judge: another TOML reader finds the same values in everything that is written here.

use std::collections::BTreeMap;

use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::{Manifest, MemberRef, State};
use covault::model::register::{Key, Register, Value};
use covault::model::roster::{self, Operation};
use proptest::prelude::*;
use toml::{Table, Value as Toml};

use super::manifest::{any_manifest, full};
use super::roster::found;
use super::world::{any_document, cases};

fn parse(text: &str) -> Table {
    text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[allow(clippy::needless_pass_by_value)]
fn text(value: impl ToString) -> Toml {
    Toml::String(value.to_string())
}

fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Toml {
    Toml::Array(items.into_iter().map(text).collect())
}

fn number(n: u64) -> Toml {
    Toml::Integer(n.try_into().unwrap())
}

/// A table from its entries; dots in a key are tables within tables.
fn table(entries: impl IntoIterator<Item = (String, Toml)>) -> Table {
    let mut table = Table::new();
    for (key, value) in entries {
        match key.split_once('.') {
            None => assert!(table.insert(key, value).is_none()),
            Some((outer, inner)) => {
                let within = table.entry(outer).or_insert_with(|| Toml::Table(Table::new()));
                assert!(within.as_table_mut().unwrap().insert(inner.to_owned(), value).is_none());
            }
        }
    }
    table
}

fn entries<const N: usize>(entries: [(&str, Toml); N]) -> Vec<(String, Toml)> {
    entries.map(|(key, value)| (key.to_owned(), value)).into()
}

fn expected_document(document: &Document) -> Table {
    let mut all = entries([
        ("format", number(1)),
        ("vault", text(document.vault)),
        ("id", text(document.id)),
        ("path", text(&document.path)),
    ]);
    let registers: BTreeMap<&Key, &Register> = document.registers().collect();
    for (key, register) in &registers {
        let writes = register.live().map(|write| {
            let mut lines = match &write.value {
                Value::Absent => entries([("absent", number(1))]),
                Value::Text(value) => entries([("value", text(value.expose_str().unwrap()))]),
                Value::Bytes(value) => {
                    use base64::Engine as _;
                    let encoded = base64::engine::general_purpose::STANDARD.encode(value.expose());
                    entries([("base64", text(encoded))])
                }
            };
            if write.plain {
                lines.extend(entries([("plain", number(1))]));
            }
            lines.extend(entries([
                ("author", text(&write.author)),
                ("at", text(write.at)),
                ("nonce", text(hex::encode(write.nonce))),
            ]));
            Toml::Table(table(lines))
        });
        let writes: Vec<_> = writes.collect();
        if !writes.is_empty() {
            all.push((key.to_text(), Toml::Array(writes)));
        }
    }
    let replaced = registers.iter().filter(|(_, register)| !register.replaced().is_empty());
    let replaced = table(replaced.map(|(key, register)| (key.to_text(), texts(register.replaced()))));
    if !replaced.is_empty() {
        all.push(("replaced".to_owned(), Toml::Table(replaced)));
    }
    table(all)
}

fn expected_manifest(m: &Manifest) -> Table {
    let mut all = entries([
        ("format", number(1)),
        ("vault", text(m.vault)),
        ("id", text(m.id)),
        ("aliases", texts(&m.aliases)),
        ("path", text(&m.path)),
        ("revision", number(m.revision)),
        ("parents", texts(&m.parents)),
        ("ancestors", texts(&m.ancestors)),
        ("roster_seq", number(m.roster.seq)),
        ("roster_head", text(m.roster.head)),
        ("roster_blob", text(&m.roster.blob)),
        ("readers", texts(m.readers.iter().map(MemberRef::to_text))),
        ("author", text(m.author.to_text())),
        ("shares", texts(m.shares.encode())),
        ("values", texts(&m.values)),
        ("at", text(m.at)),
        ("document", text(m.document)),
        ("payload", text(m.payload)),
        ("stanzas", text(m.stanzas)),
    ]);
    match &m.state {
        State::Live => all.extend(entries([("state", text("live"))])),
        State::Deleted => all.extend(entries([("state", text("deleted"))])),
        State::Moved(to) => all.extend(entries([("state", text("moved")), ("moved_to", text(to))])),
    }
    table(all)
}

#[test]
fn the_roster_says_the_same_to_an_outside_judge() {
    for name in ["acme", "\"Acme\" \\ Söhne", "a = 'b' # [c]"] {
        let bytes = found(name);
        let entry = &roster::decode(&bytes).unwrap()[0];
        let Operation::Found { vault_name, nonce, founder } = &entry.operation else { panic!("{entry:?}") };
        use base64::Engine as _;
        let base64 = |bytes: &[u8]| text(base64::engine::general_purpose::STANDARD.encode(bytes));
        let expected = table(entries([
            ("format", number(1)),
            ("seq", number(entry.seq)),
            ("prev", text("")),
            ("by", text("")),
            ("at", text(entry.at)),
            ("op", text("found")),
            ("vault_name", text(vault_name)),
            ("nonce", text(hex::encode(nonce))),
            ("name", text(&founder.name)),
            ("kind", text(founder.kind.as_str())),
            ("devices", texts(founder.devices.iter().map(covault::model::card::Device::to_text))),
            ("signature", base64(&entry.signature)),
            ("card_signature", base64(entry.card_signature.as_deref().unwrap())),
        ]));
        let file = table(entries([("entry", Toml::Array(vec![Toml::Table(expected)]))]));
        assert_eq!(parse(std::str::from_utf8(&bytes).unwrap()), file);
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn documents_say_the_same_to_an_outside_judge(document in any_document()) {
        let encoded = codec::encode(&document).unwrap();
        prop_assert_eq!(parse(encoded.expose_str().unwrap()), expected_document(&document));
    }

    #[test]
    fn manifests_say_the_same_to_an_outside_judge(manifest in any_manifest()) {
        prop_assert_eq!(parse(&manifest.encode()), expected_manifest(&manifest));
        prop_assert_eq!(parse(&full().encode()), expected_manifest(&full()));
    }
}
