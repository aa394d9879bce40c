//! The roster: who is in the vault, as a serial chain of signed entries.
//!
//! It reads and writes entries and says what they add up to. Signatures are bytes here; [`crate::vault`] checks them
//! against the keys that this module names. The chain is never joined like a document.
//!
//! This version knows the operation `found`: a vault with its first admin, who reads everything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use super::bytes::Hash;
use super::canon::{CanonError, Reader, Writer};
use super::card::{Card, Kind, SigningPublic};
use super::manifest::{FORMAT, MemberRef};
use super::names::{MemberName, SecretPath};
use super::time::Time;

/// The largest roster file, in bytes.
pub const MAX_ROSTER: usize = 4 << 20;
const MAX_VAULT_NAME: usize = 64;

/// Why a roster is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterError {
    /// It is not UTF-8.
    #[error("the roster is not text")]
    NotText,
    /// It has no entry.
    #[error("the roster has no entry")]
    Empty,
    /// Larger than [`MAX_ROSTER`].
    #[error("the roster has {size} bytes and the limit is {MAX_ROSTER}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// It is not what the encoder would have written.
    #[error("the roster is not canonical")]
    Canon(#[from] CanonError),
    /// An entry does not follow the one before it.
    #[error("entry {seq} of the roster does not follow the one before it")]
    BrokenChain {
        /// Its place in the file, from 0.
        seq: u64,
    },
    /// An operation that this version does not know.
    #[error("entry {seq} of the roster has the operation '{operation}', which this version does not know")]
    UnknownOperation {
        /// Its number.
        seq: u64,
        /// The operation.
        operation: String,
    },
    /// The first entry is not `found`, or a later one is.
    #[error("entry {seq} of the roster founds a vault, which only the first does")]
    Founding {
        /// Its number.
        seq: u64,
    },
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Begins a vault with its first admin.
    Found {
        /// What people call the vault.
        vault_name: String,
        /// Makes the vault's id unlike any other.
        nonce: [u8; 16],
        /// The first admin's name, kind and devices; the card's vault is the hash of this entry's body.
        founder: Card,
    },
}

/// One entry with the bytes that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0.
    pub seq: u64,
    /// SHA-256 of the previous entry's body; `None` for the first.
    pub prev: Option<Hash>,
    /// Card of the member who signed it; `None` for `found`, which brings the card along.
    pub by: Option<Hash>,
    /// When, by the author's clock.
    pub at: Time,
    /// What it does.
    pub operation: Operation,
    /// The canonical lines that `signature` is over.
    pub body: String,
    /// SSHSIG over `body`, namespace `covault-roster`.
    pub signature: Vec<u8>,
    /// SSHSIG over the card's body by one of its own keys, namespace `covault-card`.
    pub card_signature: Vec<u8>,
}

impl Entry {
    /// SHA-256 of the body.
    pub fn hash(&self) -> Hash {
        Hash::of(self.body.as_bytes())
    }
}

/// The body of a `found` entry. Its hash is the vault's id.
pub fn found_body(vault_name: &str, nonce: [u8; 16], founder: &Card, at: Time) -> String {
    let mut w = Writer::with_capacity(1024);
    w.integer("format", FORMAT)
        .integer("seq", 0)
        .string("prev", "")
        .string("by", "")
        .string("at", &at.to_string())
        .string("op", "found")
        .string("vault_name", vault_name)
        .string("nonce", &hex::encode(nonce));
    founder.write_fields(&mut w);
    w.finish()
}

/// One entry as it stands in the file.
pub fn entry_text(body: &str, signature: &[u8], card_signature: &[u8]) -> String {
    let mut w = Writer::default();
    w.header("[[entry]]")
        .raw(body)
        .string("signature", &BASE64.encode(signature))
        .string("card_signature", &BASE64.encode(card_signature));
    w.finish()
}

/// Whether people can call a vault so: 1 to 64 bytes without control characters.
pub fn is_vault_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_VAULT_NAME && !text.chars().any(char::is_control)
}

/// Reads a roster file into its entries and checks that they form a chain. Signatures are not checked here.
pub fn decode(bytes: &[u8]) -> Result<Vec<Entry>, RosterError> {
    if bytes.len() > MAX_ROSTER {
        return Err(RosterError::TooLarge { size: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| RosterError::NotText)?;
    let mut r = Reader::new(text);
    let mut entries: Vec<Entry> = Vec::new();
    while !r.at_end() {
        let entry = decode_entry(&mut r, text)?;
        let follows = entry.seq == entries.len() as u64 && entry.prev == entries.last().map(Entry::hash);
        if !follows {
            return Err(RosterError::BrokenChain { seq: entries.len() as u64 });
        }
        if matches!(entry.operation, Operation::Found { .. }) != entries.is_empty() {
            return Err(RosterError::Founding { seq: entry.seq });
        }
        entries.push(entry);
    }
    if entries.is_empty() { Err(RosterError::Empty) } else { Ok(entries) }
}

fn decode_entry(r: &mut Reader<'_>, text: &str) -> Result<Entry, RosterError> {
    r.header("[[entry]]")?;
    let start = r.position();
    if r.integer("format")? != FORMAT {
        return Err(r.wrong("format", "a format that this version knows (1)").into());
    }
    let seq = r.integer("seq")?;
    let prev = optional_hash(r, "prev")?;
    let by = optional_hash(r, "by")?;
    let at = Time::parse(&r.string("at")?).ok_or_else(|| r.wrong("at", "a time in UTC"))?;
    let operation = r.string("op")?;
    if operation != "found" {
        return Err(RosterError::UnknownOperation { seq, operation });
    }
    if by.is_some() {
        return Err(r.wrong("by", "empty in the first entry").into());
    }
    let vault_name = r.string("vault_name")?;
    if !is_vault_name(&vault_name) {
        return Err(r.wrong("vault_name", "1 to 64 bytes without control characters").into());
    }
    let nonce =
        super::bytes::SecretId::from_hex(&r.string("nonce")?).ok_or_else(|| r.wrong("nonce", "32 hex digits"))?;
    // The card is made for the vault whose id is the hash of this very body: fill it in when the body is known.
    let mut founder = Card::read_fields(r, Hash([0; 32]))?;
    let body = text.get(start..r.position()).unwrap_or_default().to_owned();
    founder.vault = Hash::of(body.as_bytes());
    let signature = base64(r, "signature")?;
    let card_signature = base64(r, "card_signature")?;
    let operation = Operation::Found { vault_name, nonce: nonce.0, founder };
    Ok(Entry { seq, prev, by, at, operation, body, signature, card_signature })
}

fn optional_hash(r: &mut Reader<'_>, key: &str) -> Result<Option<Hash>, CanonError> {
    let text = r.string(key)?;
    if text.is_empty() {
        return Ok(None);
    }
    Hash::from_hex(&text).map(Some).ok_or_else(|| r.wrong(key, "64 hex digits"))
}

fn base64(r: &mut Reader<'_>, key: &str) -> Result<Vec<u8>, CanonError> {
    let text = r.string(key)?;
    BASE64.decode(text).map_err(|_| r.wrong(key, "base64"))
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads what is shared with them.
    Reader,
    /// Writes, too.
    Writer,
    /// Edits the roster, too.
    Admin,
}

impl Role {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

/// A living member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name, kind and devices.
    pub card: Card,
    /// The card's hash.
    pub hash: Hash,
    /// What they may do.
    pub role: Role,
}

impl Member {
    /// As manifests name them.
    pub fn reference(&self) -> MemberRef {
        MemberRef { name: self.card.name.clone(), card: self.hash }
    }
}

/// What a chain adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The vault's id: the hash of the first entry's body.
    pub vault: Hash,
    /// What people call it.
    pub name: String,
    /// Number of the newest entry.
    pub seq: u64,
    /// Hash of the newest entry's body.
    pub head: Hash,
    /// Hashes of all entries' bodies, in their order.
    pub chain: Vec<Hash>,
    /// Everybody who is in, by name.
    pub members: Vec<Member>,
}

impl Roster {
    /// Adds the entries up. They come from [`decode`] and their signatures were checked.
    pub fn from_entries(entries: &[Entry]) -> Result<Self, RosterError> {
        let (first, newest) = entries.first().zip(entries.last()).ok_or(RosterError::Empty)?;
        let Operation::Found { vault_name, founder, .. } = &first.operation;
        let admin = Member { hash: founder.hash(), card: founder.clone(), role: Role::Admin };
        Ok(Self {
            vault: first.hash(),
            name: vault_name.clone(),
            seq: newest.seq,
            head: newest.hash(),
            chain: entries.iter().map(Entry::hash).collect(),
            members: vec![admin],
        })
    }

    /// The member whose card has this hash.
    pub fn member(&self, card: Hash) -> Option<&Member> {
        self.members.iter().find(|member| member.hash == card)
    }

    /// The member with this name.
    pub fn named(&self, name: &MemberName) -> Option<&Member> {
        self.members.iter().find(|member| member.card.name == *name)
    }

    /// The member on whose card this signing key stands.
    pub fn signer(&self, key: &SigningPublic) -> Option<&Member> {
        self.members.iter().find(|member| member.card.signing_keys().any(|k| k == key))
    }

    /// Who reads a secret at `path`, sorted by name: `found` grants the whole vault to all people.
    pub fn readers(&self, _path: &SecretPath) -> Vec<&Member> {
        let mut readers: Vec<_> = self.members.iter().filter(|member| member.card.kind == Kind::Person).collect();
        readers.sort_by(|a, b| a.card.name.cmp(&b.card.name));
        readers
    }
}
