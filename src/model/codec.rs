//! How a document is spelled: canonical TOML that a person can read with `age -d`, padded to a bucket.
//!
//! It decodes exactly what it would have encoded and refuses everything else.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use super::bytes::{Hash, SecretId, WriteName};
use super::canon::{CanonError, Reader, Writer};
use super::document::Document;
use super::manifest::FORMAT;
use super::names::{MemberName, SecretPath};
use super::register::{Key, Register, Value, Write};
use super::time::Time;
use crate::plaintext::Plaintext;

/// The largest value, in bytes.
pub const MAX_VALUE: usize = 1 << 20;
/// The largest document with its padding, in bytes: the bucket that holds one value of the largest size, of which
/// every character is escaped.
pub const MAX_DOCUMENT: usize = 9 << 18;
const SMALLEST_BUCKET: usize = 1 << 10;

/// Why a plaintext is no document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It is not text.
    #[error("the document is not UTF-8")]
    NotText,
    /// It is not what the encoder would have written.
    #[error("the document is not canonical")]
    Canon(#[from] CanonError),
    /// A value is larger than the limit.
    #[error("the value of {key} has {size} bytes and the limit is {MAX_VALUE}")]
    ValueTooLarge {
        /// The register.
        key: String,
        /// Its size in bytes.
        size: usize,
    },
    /// The whole is larger than the limit.
    #[error("the document has {size} bytes and the limit is {MAX_DOCUMENT}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
}

impl DocumentError {
    /// Whether a later version may well read it.
    pub fn is_from_later(&self) -> bool {
        matches!(self, Self::Canon(source) if source.is_other_format())
    }
}

/// The padded plaintext of a document.
pub fn encode(document: &Document) -> Result<Plaintext, DocumentError> {
    let room = capacity(document);
    let mut w = Writer::with_capacity(room);
    w.integer("format", FORMAT)
        .string("vault", &document.vault.to_string())
        .string("id", &document.id.to_string())
        .string("path", document.path.as_str());
    for (key, register) in document.registers() {
        for write in register.live() {
            encode_write(&mut w, key, write)?;
        }
    }
    let mut replaced = document.registers().filter(|(_, register)| !register.replaced().is_empty()).peekable();
    if replaced.peek().is_some() {
        w.header("[replaced]");
    }
    for (key, register) in replaced {
        w.strings(&key.to_text(), register.replaced().iter().map(ToString::to_string));
    }
    let mut text = w.finish();
    pad(&mut text);
    debug_assert!(text.len() <= room, "the buffer moved and left a copy of values behind");
    debug_assert!(text.capacity() >= room, "the buffer is the one that was made for it");
    if text.len() > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge { size: text.len() });
    }
    Ok(Plaintext::new(text.into_bytes()))
}

/// Room for the whole text, so that the buffer never moves and leaves no copy behind: no escape of readable text is
/// longer than two bytes.
fn capacity(document: &Document) -> usize {
    let value = |write: &Write| write.value.present().map_or(0, |v| v.len() * 2) + 300;
    let register = |r: &Register| r.live().map(value).sum::<usize>() + 36 * r.replaced().len() + 100;
    bucket(512 + document.registers().map(|(_, r)| register(r)).sum::<usize>())
}

fn encode_write(w: &mut Writer, key: &Key, write: &Write) -> Result<(), DocumentError> {
    w.header(&format!("[[{}]]", key.to_text()));
    if let Some(size) = write.value.present().map(Plaintext::len).filter(|size| *size > MAX_VALUE) {
        return Err(DocumentError::ValueTooLarge { key: key.to_text(), size });
    }
    match &write.value {
        Value::Absent => w.integer("absent", 1),
        Value::Text(text) => w.string("value", text.expose_str().unwrap_or_default()),
        Value::Bytes(bytes) => w.string("base64", &zeroize::Zeroizing::new(BASE64.encode(bytes.expose()))),
    };
    if write.plain {
        w.integer("plain", 1);
    }
    w.string("author", write.author.as_str())
        .string("at", &write.at.to_string())
        .string("nonce", &hex::encode(write.nonce));
    Ok(())
}

/// Reads the padded plaintext of a document.
pub fn decode(plaintext: &Plaintext) -> Result<Document, DocumentError> {
    if plaintext.len() > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge { size: plaintext.len() });
    }
    let text = plaintext.expose_str().ok_or(DocumentError::NotText)?;
    let mut r = Reader::new(text);
    if r.integer("format")? != FORMAT {
        return Err(r.wrong("format", "a format that this version knows (1)").into());
    }
    let vault = Hash::from_hex(&r.string("vault")?).ok_or_else(|| r.wrong("vault", "64 hex digits"))?;
    let id = SecretId::from_hex(&r.string("id")?).ok_or_else(|| r.wrong("id", "32 hex digits"))?;
    let path = SecretPath::parse(&r.string("path")?).map_err(|_| r.wrong("path", "a secret's name"))?;
    let live = decode_writes(&mut r)?;
    let replaced = decode_replaced(&mut r)?;
    check_padding(&r, text.len())?;
    let registers = assemble(live, replaced).ok_or_else(|| r.wrong("replaced", "without a live write"))?;
    Ok(Document::from_parts(vault, id, path, registers))
}

fn decode_writes(r: &mut Reader<'_>) -> Result<Vec<(Key, Write)>, DocumentError> {
    let mut writes: Vec<(Key, Write)> = Vec::new();
    while let Some(header) = r.try_header(|line| line.starts_with("[[")) {
        let key = header
            .strip_prefix("[[")
            .and_then(|h| h.strip_suffix("]]"))
            .and_then(Key::parse)
            .ok_or_else(|| r.wrong("[[", "followed by a register"))?;
        let write = decode_write(r, &key)?;
        if let Some((before, last)) = writes.last()
            && (before, last.name()) >= (&key, write.name())
        {
            return Err(r.wrong(&key.to_text(), "in order").into());
        }
        writes.push((key, write));
    }
    Ok(writes)
}

fn decode_write(r: &mut Reader<'_>, key: &Key) -> Result<Write, DocumentError> {
    let value = match r.peek_key() {
        Some("absent") => match r.integer("absent")? {
            1 => Value::Absent,
            _ => return Err(r.wrong("absent", "1").into()),
        },
        Some("base64") => {
            let text = zeroize::Zeroizing::new(r.string("base64")?);
            let bytes = Plaintext::new(BASE64.decode(text.as_bytes()).map_err(|_| r.wrong("base64", "base64"))?);
            match Value::new(bytes) {
                Value::Bytes(bytes) => Value::Bytes(bytes),
                _ => return Err(r.wrong("base64", "bytes that are no text").into()),
            }
        }
        _ => match Value::new(Plaintext::new(r.string("value")?.into_bytes())) {
            Value::Text(text) => Value::Text(text),
            _ => return Err(r.wrong("value", "text without control characters").into()),
        },
    };
    if let Some(size) = value.present().map(Plaintext::len).filter(|size| *size > MAX_VALUE) {
        return Err(DocumentError::ValueTooLarge { key: key.to_text(), size });
    }
    let plain = if r.peek_key() == Some("plain") {
        if r.integer("plain")? != 1 {
            return Err(r.wrong("plain", "1").into());
        }
        true
    } else {
        false
    };
    let author = MemberName::parse(&r.string("author")?).map_err(|_| r.wrong("author", "a member's name"))?;
    let at = Time::parse(&r.string("at")?).ok_or_else(|| r.wrong("at", "a time in UTC"))?;
    let nonce = SecretId::from_hex(&r.string("nonce")?).ok_or_else(|| r.wrong("nonce", "32 hex digits"))?;
    Ok(Write::new(key, value, plain, author, at, nonce.0))
}

fn decode_replaced(r: &mut Reader<'_>) -> Result<BTreeMap<Key, BTreeSet<WriteName>>, DocumentError> {
    let mut all = BTreeMap::new();
    if r.try_header(|line| line == "[replaced]").is_none() {
        return Ok(all);
    }
    while let Some(text) = r.peek_key() {
        // First of all a register's name: an error names keys and must not show anything else of a plaintext.
        let key = Key::parse(text).ok_or_else(|| r.wrong("[replaced]", "followed by registers"))?;
        let names = r.strings(text)?;
        let set: BTreeSet<_> = names.iter().filter_map(|name| WriteName::from_hex(name)).collect();
        let in_order = set.iter().map(ToString::to_string).eq(names.iter().cloned());
        let keys_in_order = all.last_key_value().is_none_or(|(last, _)| *last < key);
        if set.is_empty() || !in_order || !keys_in_order {
            return Err(r.wrong(text, "names of writes in order").into());
        }
        all.insert(key, set);
    }
    if all.is_empty() { Err(r.wrong("[replaced]", "followed by names").into()) } else { Ok(all) }
}

fn assemble(live: Vec<(Key, Write)>, replaced: BTreeMap<Key, BTreeSet<WriteName>>) -> Option<BTreeMap<Key, Register>> {
    let mut parts: BTreeMap<Key, (Vec<Write>, BTreeSet<WriteName>)> = BTreeMap::new();
    for (key, write) in live {
        parts.entry(key).or_default().0.push(write);
    }
    for (key, names) in replaced {
        parts.entry(key).or_default().1 = names;
    }
    parts.into_iter().map(|(key, (live, gone))| Some((key, Register::from_parts(live, gone)?))).collect()
}

/// The size to which `length` bytes are padded: 1 KiB, and above 8 KiB in steps of an eighth of the next lower power
/// of two, which hides the length and costs at most an eighth.
pub fn bucket(length: usize) -> usize {
    let step = (length.max(1).ilog2()).saturating_sub(3);
    length.next_multiple_of(SMALLEST_BUCKET.max(1 << step))
}

/// One line of spaces fills the bucket.
fn pad(text: &mut String) {
    let missing = bucket(text.len()) - text.len();
    if missing > 0 {
        text.extend(std::iter::repeat_n(' ', missing - 1));
        text.push('\n');
    }
}

fn check_padding(r: &Reader<'_>, whole: usize) -> Result<(), CanonError> {
    let rest = r.rest();
    let spaces = rest.is_empty() || rest.strip_suffix('\n').is_some_and(|line| line.bytes().all(|b| b == b' '));
    if spaces && bucket(r.position()) == whole { Ok(()) } else { Err(CanonError::Trailing { line: r.line() }) }
}
