//! The header of an age v1 file, byte by byte: a strict parser of one pass, a writer, and the MAC.
//!
//! The only place that knows these bytes. It does not know which stanzas a secret may have (`layout` does), and
//! it is stricter than age: a body whose lines are all full ends in an empty line, always.

use std::io::BufRead as _;
use std::ops::Range;

use age_core::format::FileKey;
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::SealError;

const MAGIC: &[u8] = b"age-encryption.org/v1\n";
const ANY_VERSION: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const STANZA: &[u8] = b"-> ";
const END: &[u8] = b"---";
const COLUMNS: usize = 64;
/// Length of the line that ends a header: `--- `, 43 characters, a line end.
const END_LINE: usize = 48;

/// A parsed header. It borrows nothing: places are ranges of the file's bytes.
pub(super) struct Header {
    /// In their order.
    pub(super) stanzas: Vec<Stanza>,
    /// All decoded bodies, one after the other.
    bodies: Vec<u8>,
    /// Its end.
    pub(super) end: End,
}

/// The end of a header: what is still asked of one whose stanzas were read.
pub(super) struct End {
    /// The MAC as it stands there.
    mac: [u8; 32],
    /// Number of the header's bytes, with its last line end.
    pub(super) length: usize,
}

/// One stanza.
pub(super) struct Stanza {
    /// All its bytes in the file.
    pub(super) span: Range<usize>,
    /// Type and arguments, without `-> ` and the line end.
    words: Range<usize>,
    /// Its place in [`Header::bodies`].
    body: Range<usize>,
}

impl Header {
    /// Reads the header at the beginning of `file`. `limit` says how long one with so many stanzas may be.
    pub(super) fn parse(file: &[u8], limit: impl Fn(usize) -> usize) -> Result<Self, SealError> {
        let mut at = magic(file)?;
        let mut stanzas = Vec::new();
        let mut bodies = Vec::new();
        loop {
            let allowed = limit(stanzas.len() + 1);
            // What lies beyond the limit is not looked at.
            let seen = file.get(..allowed).unwrap_or(file);
            let cut_off = || {
                if seen.len() < file.len() {
                    SealError::HeaderTooLarge { limit: allowed }
                } else {
                    SealError::HeaderCutOff
                }
            };
            let rest = seen.get(at..).unwrap_or_default();
            if rest.starts_with(STANZA) {
                let stanza = parse_stanza(seen, at, &mut bodies)?.ok_or_else(cut_off)?;
                at = stanza.span.end;
                stanzas.push(stanza);
            } else if rest.starts_with(END) {
                if stanzas.is_empty() {
                    return Err(SealError::NoStanza);
                }
                let line = rest.get(..END_LINE).ok_or_else(cut_off)?;
                return Ok(Self { stanzas, bodies, end: End { mac: parse_end(line)?, length: at + END_LINE } });
            } else if rest.len() < STANZA.len() && (STANZA.starts_with(rest) || END.starts_with(rest)) {
                return Err(cut_off());
            } else {
                return Err(SealError::HeaderLine);
            }
        }
    }

    /// A stanza's decoded body.
    pub(super) fn body(&self, stanza: &Stanza) -> &[u8] {
        self.bodies.get(stanza.body.clone()).unwrap_or_default()
    }
}

impl End {
    /// Whether the MAC is that of these bytes under `key`, in constant time.
    pub(super) fn verify_mac(&self, file: &[u8], key: &MacKey) -> Result<(), SealError> {
        let covered = file.get(..self.length - END_LINE + END.len()).ok_or(SealError::HeaderCutOff)?;
        key.hmac(covered)?.verify_slice(&self.mac).map_err(|_| SealError::HeaderMac)
    }
}

impl Stanza {
    /// The stanza's type and arguments; never empty.
    pub(super) fn words<'a>(&self, file: &'a [u8]) -> impl Iterator<Item = &'a str> + use<'a> {
        let words = file.get(self.words.clone()).unwrap_or_default();
        std::str::from_utf8(words).unwrap_or_default().split(' ')
    }
}

fn magic(file: &[u8]) -> Result<usize, SealError> {
    if file.starts_with(MAGIC) {
        Ok(MAGIC.len())
    } else if MAGIC.starts_with(file) {
        Err(SealError::HeaderCutOff)
    } else if file.starts_with(ANY_VERSION) {
        Err(SealError::UnknownAgeVersion)
    } else if file.starts_with(ARMOR) {
        Err(SealError::Armored)
    } else {
        Err(SealError::NotAge)
    }
}

/// The stanza at `at`; `None` where the bytes end before it does.
fn parse_stanza(file: &[u8], at: usize, bodies: &mut Vec<u8>) -> Result<Option<Stanza>, SealError> {
    let from = at + STANZA.len();
    let Some(line) = line_at(file, from) else { return Ok(None) };
    let visible = |word: &[u8]| !word.is_empty() && word.iter().all(|b| (33..=126).contains(b));
    if !line.split(|b| *b == b' ').all(visible) {
        return Err(SealError::StanzaLine);
    }
    let words = from..from + line.len();
    let body = bodies.len();
    let mut next = words.end + 1;
    loop {
        let Some(line) = line_at(file, next) else { return Ok(None) };
        if line.len() > COLUMNS {
            return Err(SealError::StanzaBody);
        }
        BASE64.decode_vec(line, bodies).map_err(|_| SealError::StanzaBody)?;
        next += line.len() + 1;
        if line.len() < COLUMNS {
            return Ok(Some(Stanza { span: at..next, words, body: body..bodies.len() }));
        }
    }
}

/// The line that begins at `at`, without its end.
fn line_at(file: &[u8], at: usize) -> Option<&[u8]> {
    let rest = file.get(at..)?;
    // The standard library's fast search for a byte; reading from a slice cannot fail.
    let length = { rest }.skip_until(b'\n').ok()?;
    rest.get(..length)?.strip_suffix(b"\n")
}

/// The MAC from `--- `, 43 characters and a line end.
fn parse_end(line: &[u8]) -> Result<[u8; 32], SealError> {
    let text = line.strip_prefix(b"--- ").and_then(|l| l.strip_suffix(b"\n")).ok_or(SealError::MacLine)?;
    decode_32(text).ok_or(SealError::MacLine)
}

/// 32 bytes from their canonical base64.
pub(super) fn decode_32(text: &[u8]) -> Option<[u8; 32]> {
    let mut out = [0; 33];
    let length = BASE64.decode_slice(text, &mut out).ok()?;
    out.get(..length)?.try_into().ok()
}

/// Writes a header.
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// The first line, in a buffer with room for `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(MAGIC);
        Self { out }
    }

    /// One stanza.
    pub(super) fn stanza(&mut self, words: &[&str], body: &[u8]) {
        self.out.extend_from_slice(b"->");
        for word in words {
            self.out.push(b' ');
            self.out.extend_from_slice(word.as_bytes());
        }
        self.out.push(b'\n');
        let text = BASE64.encode(body);
        for line in text.as_bytes().chunks(COLUMNS) {
            self.out.extend_from_slice(line);
            self.out.push(b'\n');
        }
        if text.len().is_multiple_of(COLUMNS) {
            self.out.push(b'\n');
        }
    }

    /// Stanzas that were written before, byte for byte.
    pub(super) fn raw(&mut self, stanzas: &[u8]) {
        self.out.extend_from_slice(stanzas);
    }

    /// What was written so far.
    pub(super) fn so_far(&self) -> &[u8] {
        &self.out
    }

    /// The whole header, ended by the MAC under `key`.
    pub(super) fn finish(mut self, key: &MacKey) -> Result<Vec<u8>, SealError> {
        self.out.extend_from_slice(END);
        let mac = key.hmac(&self.out)?.finalize().into_bytes();
        self.out.push(b' ');
        self.out.extend_from_slice(BASE64.encode(mac).as_bytes());
        self.out.push(b'\n');
        Ok(self.out)
    }
}

/// How many bytes [`Writer::stanza`] writes for a first line of `words` bytes and a body of `body` bytes.
pub(super) fn stanza_length(words: usize, body: usize) -> usize {
    let text = (body * 4).div_ceil(3);
    STANZA.len() + words + 1 + text + text / COLUMNS + 1
}

/// How many bytes a header has whose stanzas have `stanzas` bytes together.
pub(super) fn header_length(stanzas: usize) -> usize {
    MAGIC.len() + stanzas + END_LINE
}

/// The key of a header's MAC, wiped on drop.
pub(super) struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// As the age specification derives it from a file key.
    pub(super) fn new(file_key: &FileKey) -> Self {
        Self(Zeroizing::new(hkdf(&[], b"header", file_key.expose_secret())))
    }

    fn hmac(&self, bytes: &[u8]) -> Result<Hmac<Sha256>, SealError> {
        // A key of any length will do, so this never fails.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).map_err(|_| SealError::Sealing)?;
        mac.update(bytes);
        Ok(mac)
    }
}
