//! Which stanzas a sealed file may have, in which order, and how large it may be.
//!
//! It judges a header that was parsed and looks at no signature.

use std::ops::Range;

use super::error::SealError;
use super::header::{End, Header, Stanza, Writer, stanza_length};
use super::stanza::{ReaderStanza, SSH_ED25519, X25519};
use crate::model::codec::MAX_DOCUMENT;

/// The stanza with the manifest.
pub(super) const MANIFEST: &str = "covault-manifest";
/// The stanza with the signature.
pub(super) const SIGNATURE: &str = "covault-signature";

/// No sealed file is larger. Known before a byte is read, as git tells sizes: [`MAX_PAYLOAD`], and more than half a
/// MiB of header, enough for 800 devices whatever their manifest holds.
pub const MAX_FILE: usize = 3 << 20;
/// No payload is larger: the largest document, a nonce, and 16 bytes for each 64 KiB of it.
pub const MAX_PAYLOAD: usize = MAX_DOCUMENT + 1024;

/// How long a header for so many devices may be: 64 KiB up to a hundred, and 656 bytes for each device above (its
/// stanza, its reader's name and card in the manifest, and room).
pub fn header_limit(devices: usize) -> usize {
    let more = devices.saturating_sub(100).saturating_mul(656);
    (64_usize << 10).saturating_add(more)
}

/// The parts of a sealed file's header.
pub(super) struct Layout {
    /// The readers' stanzas.
    pub(super) readers: Vec<ReaderStanza>,
    /// The place of each reader's stanza in the file.
    pub(super) spans: Vec<Range<usize>>,
    /// Where the manifest's stanza begins: what `stanzas` in the manifest covers ends here.
    pub(super) readers_end: usize,
    /// The manifest's bytes.
    pub(super) manifest: Vec<u8>,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
    /// The header's end. The rest of it would be in memory twice.
    pub(super) end: End,
}

impl Layout {
    /// Parses the header at the beginning of `file` and refuses every stanza that has no business there.
    pub(super) fn parse(file: &[u8]) -> Result<Self, SealError> {
        // Two of the stanzas are ours; while it is parsed nobody knows whether there will be others after them.
        let header = Header::parse(file, header_limit)?;
        let (mut readers, mut spans) = (Vec::new(), Vec::new());
        let (mut manifest, mut signature) = (None, None);
        for stanza in &header.stanzas {
            let last = manifest.is_some() || signature.is_some();
            match ReaderStanza::parse(file, &header, stanza) {
                Some(_) if last => return Err(SealError::StanzaOrder),
                Some(reader) => {
                    readers.push(reader.map_err(|kind| SealError::ReaderStanza { kind })?);
                    spans.push(stanza.span.clone());
                }
                None => match own(file, stanza)? {
                    MANIFEST if !last => manifest = Some(stanza),
                    SIGNATURE if manifest.is_some() && signature.is_none() => signature = Some(stanza),
                    _ => return Err(SealError::StanzaOrder),
                },
            }
        }
        if readers.is_empty() {
            return Err(SealError::NoReaders);
        }
        let limit = header_limit(readers.len());
        if header.end.length > limit {
            return Err(SealError::HeaderTooLarge { limit });
        }
        let manifest = manifest.ok_or(SealError::NoManifest)?;
        let signature = signature.ok_or(SealError::NoSignature)?;
        Ok(Self {
            readers,
            spans,
            readers_end: manifest.span.start,
            manifest: header.body(manifest).to_vec(),
            signature: header.body(signature).to_vec(),
            end: header.end,
        })
    }
}

/// The type of a stanza of ours; any other is refused by name.
fn own(file: &[u8], stanza: &Stanza) -> Result<&'static str, SealError> {
    let mut words = stanza.words(file);
    let kind = match words.next().unwrap_or_default() {
        MANIFEST => MANIFEST,
        SIGNATURE => SIGNATURE,
        "scrypt" => return Err(SealError::Scrypt),
        "ssh-rsa" => return Err(SealError::SshRsa),
        kind if kind.ends_with("-grease") => return Err(SealError::Grease),
        kind => return Err(SealError::UnknownStanza { kind: kind.chars().take(32).collect() }),
    };
    if words.next().is_some() { Err(SealError::Arguments { kind }) } else { Ok(kind) }
}

/// Writes our two stanzas behind the readers'.
pub(super) fn write_own(out: &mut Writer, manifest: &str, signature: &[u8]) {
    out.stanza(&[MANIFEST], manifest.as_bytes());
    out.stanza(&[SIGNATURE], signature);
}

/// How many bytes [`write_own`] writes.
pub(super) fn own_length(manifest: usize, signature: usize) -> usize {
    stanza_length(MANIFEST.len(), manifest) + stanza_length(SIGNATURE.len(), signature)
}

/// How many bytes a reader's stanza has.
pub(super) fn reader_length(ssh: bool) -> usize {
    // A share has 43 characters and an SSH key's tag 6, each after a space.
    if ssh { stanza_length(SSH_ED25519.len() + 7 + 44, 32) } else { stanza_length(X25519.len() + 44, 32) }
}
