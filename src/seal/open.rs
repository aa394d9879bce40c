//! Opening a sealed file with one's identities: one X25519 operation where one's own stanza is where it should be.
//!
//! It does not ask who signed: `SealedFile::verify_signature` and the caller's rules come first.

use std::fmt;

use age_core::format::FileKey;

use super::error::SealError;
use super::header::MacKey;
use super::identity::Identities;
use super::payload;
use super::sealed::SealedFile;
use crate::model::bytes::Hash;
use crate::plaintext::Plaintext;

/// An opened file.
pub struct Opened {
    /// The document, with its padding.
    pub plaintext: Plaintext,
    /// A stanza other than one's own opened it: a finding, for the signer put the stanzas in another order.
    pub found_elsewhere: bool,
    pub(super) file_key: FileKey,
    pub(super) version: Hash,
}

impl SealedFile {
    /// Opens the file. `own` are the stanzas to try first (see [`Identities::own_stanzas`]); then all the others are.
    pub fn open(&self, identities: &Identities, own: &[usize]) -> Result<Opened, SealError> {
        let stanzas = &self.layout.readers;
        let first = || own.iter().find_map(|index| identities.unwrap(stanzas.get(*index)?));
        let elsewhere = || {
            let others = stanzas.iter().enumerate().filter(|(index, _)| !own.contains(index));
            others.map(|(_, stanza)| stanza).find_map(|stanza| identities.unwrap(stanza))
        };
        let (file_key, found_elsewhere) = match first() {
            Some(key) => (key?, false),
            None => (elsewhere().ok_or(SealError::NotAReader)??, true),
        };
        let mac_key = MacKey::new(&file_key);
        self.layout.end.verify_mac(self.bytes(), &mac_key)?;
        let plaintext = Plaintext::new(payload::decrypt(&file_key, self.payload())?);
        if Hash::of(plaintext.expose()) != self.manifest().document {
            return Err(SealError::DocumentHash);
        }
        Ok(Opened { plaintext, found_elsewhere, file_key, version: self.hash() })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.version)
    }
}
