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
use crate::model::card::{Device, SigningPublic};
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::roster::{Holder, Roster, State};
use crate::seal::{Opened, Outline, SealError, SealedFile};

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
    wrong.map_or(Ok(version), |what| Err(VaultError::Inconsistent { file: file.to_owned(), what }))
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
    let sealed = SealedFile::parse(bytes).map_err(refused)?;
    let judged = judge(
        roster,
        path,
        sealed.manifest(),
        sealed.hash(),
        |devices| sealed.check_devices(devices),
        || verified.map_or_else(|| sealed.verify_signature(), |v| v.signer(&sealed)),
    );
    let standing = judged.map_err(|error| error.of(file))?;
    Ok((Version { file: file.to_owned(), sealed }, standing))
}

/// Reads a file for who judges it by several rosters: its form is checked, and its signature.
pub(super) fn outline(bytes: Vec<u8>, verified: &Verified) -> Result<Outline, SealError> {
    let sealed = SealedFile::parse(bytes)?;
    let signer = verified.signer(&sealed);
    Ok(sealed.into_outline(signer))
}

/// What [`check`] asks of a file whose form is good.
pub(super) fn check_outline(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    outline: &Outline,
) -> Result<(), VaultError> {
    let devices = |devices: &[&[Device]]| outline.check_devices(devices);
    let judged = judge(roster, path, &outline.manifest, outline.hash, devices, || outline.signer.clone());
    let standing = judged.map_err(|error| error.of(file))?;
    let wrong = standing.or_else(|| not_entitled(roster, &outline.manifest));
    wrong.map_or(Ok(()), |what| Err(VaultError::Inconsistent { file: file.to_owned(), what }))
}

/// Why a version is refused, before it is said which file it is in.
enum Judged {
    Sealed(SealError),
    Wrong(Wrong),
}

impl From<SealError> for Judged {
    fn from(error: SealError) -> Self {
        Self::Sealed(error)
    }
}

impl From<Wrong> for Judged {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Judged {
    fn of(self, file: &str) -> VaultError {
        let file = file.to_owned();
        match self {
            Self::Sealed(source) => VaultError::Sealed { file, source },
            Self::Wrong(what) => VaultError::Inconsistent { file, what },
        }
    }
}

/// Steps 4 to 9 of "Checking a secret" in docs/format.md, in their order. What is wrong with the author's standing (9) is
/// the answer; the readers (10) are for [`not_entitled`].
fn judge(
    roster: &Roster,
    path: &SecretPath,
    manifest: &Manifest,
    hash: Hash,
    check_devices: impl FnOnce(&[&[Device]]) -> Result<(), SealError>,
    signer: impl FnOnce() -> Result<SigningPublic, SealError>,
) -> Result<Option<Wrong>, Judged> {
    if !manifest.has_consistent_ancestors() {
        return Err(Wrong::Ancestors.into());
    }
    if manifest.vault != roster.vault {
        return Err(Wrong::Vault.into());
    }
    if manifest.path != *path {
        return Err(Wrong::Path.into());
    }
    if !roster.has_point(&manifest.roster) {
        return Err(Wrong::Point.into());
    }
    let state = roster.state();
    let author = roster.admitted(&manifest.author).ok_or(Wrong::UnknownAuthor)?;
    if !manifest.readers.contains(&manifest.author) {
        return Err(Wrong::AuthorIsNoReader.into());
    }
    let devices: Option<Vec<_>> = manifest.readers.iter().map(|reader| roster.devices(reader)).collect();
    check_devices(&devices.ok_or(Wrong::UnknownReader)?)?;
    let signer = signer()?;
    if !author.signing_keys().any(|key| *key == signer) {
        return Err(Wrong::Signer.into());
    }
    let stands = state.may_write(&manifest.author, path) || state.keeps(hash);
    let standing = || Wrong::NoStanding { author: manifest.author.name.to_string(), path: path.to_string() };
    Ok((!stands).then(standing))
}

/// A reader who may not read, by the card that it is sealed to, now or at the entry that the manifest names.
fn not_entitled(roster: &Roster, manifest: &Manifest) -> Option<Wrong> {
    let shares: Vec<Holder> = manifest.shares.holders();
    let reads = |state: &State, reader: &MemberRef| {
        let member = state.named(&reader.name).filter(|member| member.hash == reader.card);
        member.is_some_and(|member| state.reads(member, &manifest.path, &shares))
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
