//! One sealed file that was checked: opened with a person's keys, and checked against itself.
//!
//! Whether it is good by the roster was asked before, in `check`.

use super::error::Part;
use super::read::Secret;
use super::version::Version;
use super::wrong::Wrong;
use super::{Me, VaultError};
use crate::home::Keys;
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::Manifest;
use crate::model::read;
use crate::model::roster::Roster;
use crate::seal::{Opened, SealError, SealedFile};

/// Opens versions with one person's keys.
pub struct Opener<'a> {
    /// Who is in the vault.
    pub roster: &'a Roster,
    /// One's keys.
    pub keys: &'a Keys,
    /// Oneself.
    pub me: &'a Me,
}

impl Opener<'_> {
    /// Opens one sealed file that was checked.
    pub(super) fn open_one(&self, file: &str, sealed: &SealedFile) -> Result<Secret, VaultError> {
        let (opened, document) = self.unseal_document(file, sealed)?;
        Ok(Secret {
            document,
            manifest: sealed.manifest().clone(),
            hash: sealed.hash(),
            found_elsewhere: opened.found_elsewhere,
            versions: vec![(sealed.hash(), sealed.manifest().clone())],
            kept_apart: Vec::new(),
            left_over: Vec::new(),
        })
    }

    /// The same for who seals it again, with its file key; a version without siblings.
    pub(super) fn unseal(&self, version: &Version) -> Result<Opened, VaultError> {
        Ok(self.unseal_document(&version.file, &version.sealed)?.0)
    }

    fn unseal_document(&self, file: &str, sealed: &SealedFile) -> Result<(Opened, Document), VaultError> {
        let manifest = sealed.manifest();
        let file = || file.to_owned();
        let opened = sealed.open(&self.keys.identities, &self.own_stanzas(manifest)).map_err(|source| {
            if matches!(source, SealError::NotAReader) {
                let readers: Vec<_> = manifest.readers.iter().map(|r| r.name.to_string()).collect();
                let (name, readers) = (manifest.path.to_string(), readers.join(", "));
                return VaultError::NotAReader { name, readers, part: Part::Nothing };
            }
            VaultError::Sealed { file: file(), source }
        })?;
        let document =
            codec::decode(&opened.plaintext).map_err(|source| VaultError::Document { file: file(), source })?;
        check_agreement(&document, manifest)
            .map_err(|what| VaultError::Inconsistent { file: file(), what: Wrong::Document(what) })?;
        Ok((opened, document))
    }

    /// Where one's own stanza stands: after those of the readers before, at one's own device.
    fn own_stanzas(&self, manifest: &Manifest) -> Vec<usize> {
        let mut before = 0;
        for reader in &manifest.readers {
            let devices = self.roster.devices(reader).unwrap_or_default();
            // It may be sealed to an earlier card of one's own, where this device has another place.
            if let Some(place) = devices.iter().position(|device| device.recipient == self.me.recipient) {
                return vec![before + place];
            }
            before += devices.len();
        }
        Vec::new()
    }
}

/// The document repeats what the manifest says, so that nobody can cut a manifest off and put on another.
fn check_agreement(document: &Document, manifest: &Manifest) -> Result<(), &'static str> {
    if document.vault != manifest.vault {
        return Err("its document belongs to another vault");
    }
    if document.id != manifest.id {
        return Err("its document has another id");
    }
    if document.path != manifest.path {
        return Err("its document belongs to another name");
    }
    if document.state() != manifest.state {
        return Err("its document and its manifest disagree on whether it lives");
    }
    if read::secret_values(document) != manifest.values {
        return Err("its document and its manifest disagree on the values");
    }
    Ok(())
}
