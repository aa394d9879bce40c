//! What the tests of the model are made of: people, times, nonces and documents, the same at every run.

use std::collections::{BTreeMap, BTreeSet};

use covault::model::bytes::{Hash, SecretId, WriteName};
use covault::model::card::{Card, Device, Kind, Recipient, SigningPublic};
use covault::model::document::Document;
use covault::model::manifest::{Manifest, MemberRef, RosterPoint, State};
use covault::model::names::{DeviceLabel, FieldName, MemberName, MetaName, SecretPath, TagName};
use covault::model::register::{Key, Register, Value, Write};
use covault::model::shares::Shares;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use proptest::prelude::*;

/// 2026-01-01T00:00:00Z.
pub const NEW_YEAR: i64 = 1_767_225_600;
pub const DAY: i64 = 86_400;

pub fn path(text: &str) -> SecretPath {
    SecretPath::parse(text).unwrap()
}

pub fn member(text: &str) -> MemberName {
    MemberName::parse(text).unwrap()
}

pub fn field(name: &str) -> Key {
    Key::Field(FieldName::parse(name).unwrap())
}

pub fn meta(name: &str) -> Key {
    Key::Meta(MetaName::parse(name).unwrap())
}

pub fn tag(name: &str) -> Key {
    Key::Tag(TagName::parse(name).unwrap())
}

/// A nonce for the `n`th write.
pub fn nonce(n: u64) -> [u8; 16] {
    let hash = Hash::of(format!("nonce {n}").as_bytes());
    hash.0[..16].try_into().unwrap()
}

pub fn hash(text: &str) -> Hash {
    Hash::of(text.as_bytes())
}

pub fn at(seconds: i64) -> Time {
    Time::from_unix(NEW_YEAR + seconds)
}

pub fn bytes(bytes: &[u8]) -> Value {
    Value::new(Plaintext::new(bytes.to_vec()))
}

pub fn empty() -> Document {
    Document::new(hash("vault"), SecretId(nonce(1000)), path("prod/db"))
}

/// Writes by name, each with the next nonce and a minute later than the one before it.
pub struct Pen {
    author: MemberName,
    next: u64,
}

impl Pen {
    /// Nonces and times start at `from`.
    pub fn of(author: &str, from: u64) -> Self {
        Self { author: member(author), next: from }
    }

    pub fn write(&mut self, key: &Key, value: Value) -> Write {
        self.next += 1;
        let plain = !matches!(key, Key::Field(_));
        Write::new(key, value, plain, self.author.clone(), at(60 * self.next as i64), nonce(self.next))
    }

    pub fn put(&mut self, document: &mut Document, key: &Key, text: &str) {
        let write = self.write(key, Value::text(text));
        document.put(key, write);
    }

    pub fn remove(&mut self, document: &mut Document, key: &Key) {
        let write = self.write(key, Value::Absent);
        document.put(key, write);
    }

    pub fn bury(&mut self, document: &mut Document, to: Option<&str>) {
        let value = document.tombstone_value(to.map(path).as_ref());
        let write = self.write(&Key::State, value);
        document.bury(write);
    }

    pub fn unbury(&mut self, document: &mut Document) {
        let write = self.write(&Key::State, Value::text("live"));
        document.unbury(write);
    }
}

/// The texts that are live in a register, sorted; `-` where one is absent.
pub fn texts(document: &Document, key: &Key) -> Vec<String> {
    let live = document.register(key).into_iter().flat_map(Register::live);
    let mut texts: Vec<_> = live.map(|write| write.value.as_text().unwrap_or("-").to_owned()).collect();
    texts.sort();
    texts
}

// --- public keys in their text forms; any bytes will do

pub fn ssh_key(n: u8) -> SigningPublic {
    use base64::Engine as _;
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([n; 32]);
    SigningPublic(base64::engine::general_purpose::STANDARD.encode(blob))
}

pub fn age_recipient(n: u8) -> Recipient {
    let letters: String = (0..58).map(|i| char::from(b"qpzry9x8gf2tvdw0"[(usize::from(n) + i * i) % 16])).collect();
    Recipient::X25519(format!("age1{letters}"))
}

pub fn device(label: &str, n: u8) -> Device {
    let label = DeviceLabel::parse(label).unwrap();
    Device { label, recipient: age_recipient(n), signing: Some(ssh_key(n)) }
}

pub fn card(name: &str, devices: Vec<Device>) -> Card {
    Card { vault: hash("vault"), name: member(name), kind: Kind::Person, devices }
}

pub fn manifest() -> Manifest {
    Manifest {
        vault: hash("vault"),
        id: SecretId(nonce(1)),
        aliases: vec![],
        path: path("prod/db"),
        state: State::Live,
        revision: 1,
        parents: vec![],
        ancestors: vec![],
        roster: RosterPoint { seq: 0, head: hash("head"), blob: String::new() },
        readers: vec![MemberRef { name: member("alice"), card: hash("alice") }],
        author: MemberRef { name: member("alice"), card: hash("alice") },
        shares: Shares::default(),
        values: vec![],
        at: at(0),
        document: hash("document"),
        payload: hash("payload"),
        stanzas: hash("stanzas"),
    }
}

// --- anything at all: what a liar could put into a document

pub fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just(Key::State),
        Just(meta("kind")),
        Just(meta("expires")),
        Just(tag("web")),
        Just(field("password")),
        Just(field("user")),
    ]
}

pub fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Absent),
        6 => any::<String>().prop_map(|text| Value::text(&text)),
        2 => "[\\x00-\\x7f]{0,40}".prop_map(|text| Value::text(&text)),
        3 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(|b| bytes(&b)),
        1 => Just(Value::text("deleted")),
        1 => Just(Value::text("moved prod/other")),
    ]
}

/// Few nonces, times and authors, so that writes come close to being the same.
pub fn any_write() -> impl Strategy<Value = (Value, bool, usize, i64, u64)> {
    (prop_oneof![any_value(), Just(Value::Absent)], any::<bool>(), 0..3_usize, -DAY..DAY, 0..4_u64)
        .prop_map(|(value, plain, who, time, n)| (value, plain, who, if n == 0 { 0 } else { time }, n))
}

pub fn write_of(key: &Key, (value, plain, who, time, n): (Value, bool, usize, i64, u64)) -> Write {
    Write::new(key, value, plain, member(["alice", "bob", "carol"][who]), at(time), nonce(n))
}

prop_compose! {
    /// A register from arbitrary writes and arbitrary names that it claims to have replaced.
    pub fn any_register(key: Key)(
        writes in proptest::collection::vec(any_write(), 0..4),
        stolen in proptest::collection::vec(any_write(), 0..2),
        invented in proptest::collection::vec(any::<[u8; 16]>(), 0..2),
    ) -> Register {
        let writes: Vec<_> = writes.into_iter().map(|parts| write_of(&key, parts)).collect();
        let live: BTreeSet<_> = writes.iter().map(Write::name).collect();
        let mut replaced: BTreeSet<_> = invented.into_iter().map(WriteName).collect();
        replaced.extend(stolen.into_iter().map(|parts| write_of(&key, parts).name()));
        replaced.retain(|name| !live.contains(name));
        Register::from_parts(writes, replaced).unwrap()
    }
}

prop_compose! {
    /// A document from arbitrary parts.
    pub fn any_document()(
        keys in proptest::collection::btree_set(any_key(), 0..6),
    )(
        registers in keys.into_iter().map(|key| (Just(key.clone()), any_register(key))).collect::<Vec<_>>(),
        id in 0..3_u64,
    ) -> Document {
        let registers: BTreeMap<_, _> = registers.into_iter().collect();
        Document::from_parts(hash("vault"), SecretId(nonce(id)), path("prod/db"), registers)
    }
}

/// `cases` generated inputs, or as many as PROPTEST_CASES says.
pub fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}
