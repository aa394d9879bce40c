//! Age files that Covault did not write: for importing, and for judging our reading of the format.
//!
//! No manifest, no signature: what is in such a file, anybody may have put there.

use super::error::SealError;
use super::header::{Header, MacKey};
use super::identity::Identities;
use super::layout::MAX_FILE;
use super::payload;
use super::stanza::ReaderStanza;
use crate::plaintext::Plaintext;

/// Opens a binary age file with a stanza for one of the identities; stanzas of unknown types are passed over.
pub fn open_foreign(bytes: &[u8], identities: &Identities) -> Result<Plaintext, SealError> {
    if bytes.len() > MAX_FILE {
        return Err(SealError::FileTooLarge { size: bytes.len(), limit: MAX_FILE });
    }
    let header = Header::parse(bytes, |_| MAX_FILE)?;
    let mut readers = Vec::new();
    for stanza in &header.stanzas {
        if stanza.words(bytes).next() == Some("scrypt") {
            return Err(SealError::Scrypt);
        }
        if let Some(reader) = ReaderStanza::parse(bytes, &header, stanza) {
            readers.push(reader.map_err(|kind| SealError::ReaderStanza { kind })?);
        }
    }
    let file_key = readers.iter().find_map(|reader| identities.unwrap(reader)).ok_or(SealError::NotAReader)??;
    let mac_key = MacKey::new(&file_key);
    header.end.verify_mac(bytes, &mac_key)?;
    let payload = bytes.get(header.end.length..).unwrap_or_default();
    payload::decrypt(&file_key, payload).map(Plaintext::new)
}
