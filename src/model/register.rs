//! The one structure behind every field, tag and metadatum: a multi-value register of uniquely named writes.
//!
//! It does not know which of its live writes a person should see; that is [`super::read`].
//!
//! **The law.** A register holds its live writes and the names of all writes that those replaced. `join` is the
//! union of the live ones minus what either side replaced: commutative, associative, idempotent, and indifferent
//! to clocks, merge bases and history. There are no ties to break: a write's name is a hash of the whole write,
//! so a name cannot stand for two values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::bytes::WriteName;
use super::names::{FieldName, MemberName, MetaName, TagName};
use super::time::Time;
use crate::plaintext::Plaintext;

/// Which register of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Whether the secret lives at this path.
    State,
    /// A metadatum.
    Meta(MetaName),
    /// A tag.
    Tag(TagName),
    /// A field.
    Field(FieldName),
}

impl Key {
    /// `state`, `meta.kind`, `tag.web` or `field.password`: as it stands in a document.
    pub fn to_text(&self) -> String {
        match self {
            Self::State => "state".to_owned(),
            Self::Meta(name) => format!("meta.{name}"),
            Self::Tag(name) => format!("tag.{name}"),
            Self::Field(name) => format!("field.{name}"),
        }
    }

    /// Reads what [`Key::to_text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('.') {
            None => (text == "state").then_some(Self::State),
            Some(("meta", name)) => MetaName::parse(name).ok().map(Self::Meta),
            Some(("tag", name)) => TagName::parse(name).ok().map(Self::Tag),
            Some(("field", name)) => FieldName::parse(name).ok().map(Self::Field),
            Some(_) => None,
        }
    }
}

/// What a write says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The register has no value.
    Absent,
    /// Text that a person can read, written as such.
    Text(Arc<Plaintext>),
    /// Bytes that are not UTF-8, or have control characters other than tab and line ends; written in base64.
    Bytes(Arc<Plaintext>),
}

impl Value {
    /// Text where a person can read the bytes, bytes otherwise. (Escaped control characters would take six times
    /// their size, base64 takes four thirds.)
    pub fn new(bytes: Plaintext) -> Self {
        Self::sorted(Arc::new(bytes))
    }

    /// A value from text that is no secret by itself (a tag, a date).
    pub fn text(text: &str) -> Self {
        Self::new(Plaintext::from_text(text))
    }

    /// The value, unless it is absent.
    pub fn present(&self) -> Option<&Plaintext> {
        match self {
            Self::Absent => None,
            Self::Text(bytes) | Self::Bytes(bytes) => Some(bytes),
        }
    }

    /// The value as text, unless it is absent or not UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        self.present().and_then(Plaintext::expose_str)
    }

    fn sorted(bytes: Arc<Plaintext>) -> Self {
        let unreadable = |b: u8| b.is_ascii_control() && !matches!(b, b'\n' | b'\r' | b'\t');
        match bytes.expose_str() {
            Some(text) if !text.bytes().any(unreadable) => Self::Text(bytes),
            _ => Self::Bytes(bytes),
        }
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    name: WriteName,
    /// What it says.
    pub value: Value,
    /// No secret: may be shown without being asked for.
    pub plain: bool,
    /// Who wrote it, by their word.
    pub author: MemberName,
    /// When, by their word.
    pub at: Time,
    /// 128 random bits, so that no two writes are the same.
    pub nonce: [u8; 16],
}

impl Write {
    /// A write to the register `key`.
    pub fn new(key: &Key, value: Value, plain: bool, author: MemberName, at: Time, nonce: [u8; 16]) -> Self {
        Self::in_register(&key.to_text(), value, plain, author, at, nonce)
    }

    /// A write to a register that no document has, and so is no [`Key`]: a share.
    pub(super) fn in_register(
        register: &str,
        value: Value,
        plain: bool,
        author: MemberName,
        at: Time,
        nonce: [u8; 16],
    ) -> Self {
        // Whoever built the value: what is spelled as text is text, or the document could not be read again.
        let value = match value {
            Value::Absent => Value::Absent,
            Value::Text(bytes) | Value::Bytes(bytes) => Value::sorted(bytes),
        };
        let mut write = Self { name: WriteName([0; 16]), value, plain, author, at, nonce };
        write.name = write.compute_name(register);
        write
    }

    /// Its name.
    pub fn name(&self) -> WriteName {
        self.name
    }

    /// The same write with the name that it has in the register `key`, which is the one to store it under.
    pub(super) fn named_for(mut self, key: &Key) -> Self {
        self.name = self.compute_name(&key.to_text());
        self
    }

    /// Whether it makes a secret of a field known: such writes are listed in the manifest's `values`.
    pub fn is_secret(&self) -> bool {
        !self.plain && self.value != Value::Absent
    }

    /// The first 16 bytes of the SHA-256 over register, value, author, time and nonce, each with its length.
    fn compute_name(&self, register: &str) -> WriteName {
        let mut hash = Sha256::new();
        hash.update(b"covault-write-1\0");
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(register.as_bytes());
        part(match (&self.value, self.plain) {
            (Value::Absent, false) => b"absent",
            (Value::Absent, true) => b"plain absent",
            (Value::Text(_), false) => b"text",
            (Value::Text(_), true) => b"plain text",
            (Value::Bytes(_), false) => b"bytes",
            (Value::Bytes(_), true) => b"plain bytes",
        });
        part(self.value.present().map_or(&[], Plaintext::expose));
        part(self.author.as_str().as_bytes());
        part(self.at.to_string().as_bytes());
        part(&self.nonce);
        let digest: [u8; 32] = hash.finalize().into();
        let mut name = [0; 16];
        name.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        WriteName(name)
    }
}

/// Live writes, and the names of those that they replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    live: BTreeMap<WriteName, Write>,
    replaced: BTreeSet<WriteName>,
}

impl Register {
    /// A register from its parts; `None` where a live write is also replaced.
    pub fn from_parts(live: impl IntoIterator<Item = Write>, replaced: BTreeSet<WriteName>) -> Option<Self> {
        let live: BTreeMap<_, _> = live.into_iter().map(|write| (write.name, write)).collect();
        live.keys().all(|name| !replaced.contains(name)).then_some(Self { live, replaced })
    }

    /// Live writes in the order of their names.
    pub fn live(&self) -> impl Iterator<Item = &Write> {
        self.live.values()
    }

    /// Names of the writes that were replaced.
    pub fn replaced(&self) -> &BTreeSet<WriteName> {
        &self.replaced
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.replaced.is_empty()
    }

    /// Replaces all live writes with `write`.
    pub fn put(&mut self, write: Write) {
        if self.live.contains_key(&write.name) || self.replaced.contains(&write.name) {
            return;
        }
        self.replaced.extend(self.live.keys().copied());
        self.live = BTreeMap::from([(write.name, write)]);
    }

    /// Lets go of the live writes that `seen` names without counting them as replaced: joined with a version that
    /// has them, they are back.
    pub(super) fn drop_live(&mut self, seen: impl Fn(&WriteName) -> bool) {
        self.live.retain(|name, _| !seen(name));
    }

    /// Counts the write `name` as replaced, whether it is here or only in other versions.
    pub fn forget(&mut self, name: WriteName) {
        self.live.remove(&name);
        self.replaced.insert(name);
    }

    /// The union of the live writes minus what either side replaced.
    pub fn join(&self, other: &Self) -> Self {
        let replaced: BTreeSet<_> = self.replaced.union(&other.replaced).copied().collect();
        let live = self
            .live
            .iter()
            .chain(&other.live)
            .filter(|(name, _)| !replaced.contains(name))
            .map(|(name, write)| (*name, write.clone()))
            .collect();
        Self { live, replaced }
    }
}
