//! One sealed file: checked against the roster and its place, opened, and checked against itself.
//!
//! Bytes and a roster in, a secret out; it reads no file and can run on many threads at once.

use std::collections::HashSet;
use std::sync::Mutex;

use super::read::Secret;
use super::wrong::Wrong;
use super::{Me, VaultError};
use crate::home::Keys;
use crate::model::bytes::Hash;
use crate::model::card::SigningPublic;
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::roster::{Holder, Roster, State};
use crate::seal::{Opened, SealError, SealedFile};

/// A sealed version that was checked: by a member who may write, for members, at this place.
pub struct Version {
    file: String,
    sealed: SealedFile,
}

impl Version {
    /// What its author signed.
    pub fn manifest(&self) -> &Manifest {
        self.sealed.manifest()
    }

    /// The manifest's hash: the version's name.
    pub fn hash(&self) -> Hash {
        self.sealed.hash()
    }

    /// The file itself.
    pub(super) fn sealed(&self) -> &SealedFile {
        &self.sealed
    }

    /// Its file, from the repository's top.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// Signatures that this machine verified before, and those that it verified just now. It spares work and grants
/// nothing: whose key it is, and whether that key may sign here, is asked each time.
#[derive(Default)]
pub struct Verified {
    known: HashSet<Hash>,
    fresh: Mutex<Vec<Hash>>,
}

impl Verified {
    /// Starts with what is known.
    pub fn new(known: HashSet<Hash>) -> Self {
        Self { known, fresh: Mutex::default() }
    }

    /// Everything, where something was added.
    pub fn grown(self) -> Option<HashSet<Hash>> {
        let fresh = self.fresh.into_inner().unwrap_or_default();
        if fresh.is_empty() {
            return None;
        }
        let mut all = self.known;
        all.extend(fresh);
        Some(all)
    }

    fn signer(&self, sealed: &SealedFile) -> Result<SigningPublic, SealError> {
        let (claimed, digest) = sealed.claimed_signer()?;
        if self.known.contains(&digest) {
            return Ok(claimed);
        }
        let signer = sealed.verify_signature()?;
        if let Ok(mut fresh) = self.fresh.lock() {
            fresh.push(digest);
        }
        Ok(signer)
    }
}

/// Checks a file with no key at all: form, place, author, signature, readers and stanzas.
pub fn check(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
    verified: Option<&Verified>,
) -> Result<Version, VaultError> {
    let (version, standing) = check_but_standing(roster, file, path, bytes, verified)?;
    let wrong = standing.or_else(|| not_entitled(roster, version.manifest()));
    match wrong {
        Some(what) => Err(VaultError::Inconsistent { file: file.to_owned(), what }),
        None => Ok(version),
    }
}

/// The same for a version whose author may not write it (any more): what is wrong then, for a person to decide. It
/// is sealed to nobody who may not read it.
pub(super) fn check_without_standing(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
) -> Result<(Version, Option<Wrong>), VaultError> {
    let (version, standing) = check_but_standing(roster, file, path, bytes, None)?;
    match not_entitled(roster, version.manifest()) {
        Some(what) => Err(VaultError::Inconsistent { file: file.to_owned(), what }),
        None => Ok((version, standing)),
    }
}

/// Everything but whether its readers may read it; whether its author may write it is said and decides nothing here.
fn check_but_standing(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
    verified: Option<&Verified>,
) -> Result<(Version, Option<Wrong>), VaultError> {
    let refused = |source: SealError| VaultError::Sealed { file: file.to_owned(), source };
    let wrong = |what: Wrong| VaultError::Inconsistent { file: file.to_owned(), what };
    let sealed = SealedFile::parse(bytes).map_err(refused)?;
    let manifest = sealed.manifest();
    if manifest.vault != roster.vault {
        return Err(wrong(Wrong::Vault));
    }
    if manifest.path != *path {
        return Err(wrong(Wrong::Path));
    }
    if !roster.has_point(&manifest.roster) {
        return Err(wrong(Wrong::Point));
    }
    let state = roster.state();
    let author = state.known(&manifest.author).ok_or_else(|| wrong(Wrong::UnknownAuthor))?;
    if !manifest.readers.contains(&manifest.author) {
        return Err(wrong(Wrong::AuthorIsNoReader));
    }
    let devices: Option<Vec<_>> = manifest.readers.iter().map(|reader| roster.devices(reader)).collect();
    let devices = devices.ok_or_else(|| wrong(Wrong::UnknownReader))?;
    sealed.check_devices(&devices).map_err(refused)?;
    let signer = verified.map_or_else(|| sealed.verify_signature(), |v| v.signer(&sealed)).map_err(refused)?;
    if !author.card.signing_keys().any(|key| *key == signer) {
        return Err(wrong(Wrong::Signer));
    }
    let stands = state.may_write(&manifest.author, path, &manifest.shares.holders()) || state.keeps(sealed.hash());
    let standing = || Wrong::NoStanding { author: manifest.author.name.to_string(), path: path.to_string() };
    let standing = (!stands).then(standing);
    Ok((Version { file: file.to_owned(), sealed }, standing))
}

/// A reader who may not read by the roster as it is now, nor could at the entry that the manifest names.
fn not_entitled(roster: &Roster, manifest: &Manifest) -> Option<Wrong> {
    let shares: Vec<Holder> = manifest.shares.holders();
    let reads = |state: &State, reader: &MemberRef| {
        state.named(&reader.name).is_some_and(|member| state.reads(member, &manifest.path, &shares))
    };
    let then = || roster.state_at(manifest.roster.head);
    let reader = manifest
        .readers
        .iter()
        .find(|reader| !reads(roster.state(), reader) && !then().is_some_and(|state| reads(state, reader)))?;
    Some(Wrong::NotEntitled { reader: reader.name.to_string() })
}

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
    /// Opens a checked version and checks that the document is the one that was signed.
    pub fn open(&self, version: &Version) -> Result<Secret, VaultError> {
        let (opened, document) = self.unseal_document(version)?;
        Ok(Secret {
            document,
            manifest: version.manifest().clone(),
            hash: version.hash(),
            found_elsewhere: opened.found_elsewhere,
        })
    }

    /// The same for who seals it again: with its file key.
    pub(super) fn unseal(&self, version: &Version) -> Result<Opened, VaultError> {
        Ok(self.unseal_document(version)?.0)
    }

    fn unseal_document(&self, version: &Version) -> Result<(Opened, Document), VaultError> {
        let manifest = version.manifest();
        let file = || version.file.clone();
        let opened = version.sealed.open(&self.keys.identities, &self.own_stanzas(manifest)).map_err(|source| {
            if matches!(source, SealError::NotAReader) {
                let readers: Vec<_> = manifest.readers.iter().map(|r| r.name.to_string()).collect();
                return VaultError::NotAReader { name: manifest.path.to_string(), readers: readers.join(", ") };
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
