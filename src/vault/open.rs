//! One sealed file: checked against the roster and its place, opened, and checked against itself.
//!
//! Bytes and a roster in, a secret out; it reads no file and can run on many threads at once.

use std::collections::HashSet;
use std::sync::Mutex;

use super::read::Secret;
use super::{Me, VaultError};
use crate::home::Keys;
use crate::model::bytes::Hash;
use crate::model::card::SigningPublic;
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::roster::{Member, Role, Roster};
use crate::seal::{SealError, SealedFile};

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
    let refused = |source: SealError| VaultError::Sealed { file: file.to_owned(), source };
    let wrong = |what: &'static str| VaultError::Inconsistent { file: file.to_owned(), what };
    let sealed = SealedFile::parse(bytes).map_err(refused)?;
    let manifest = sealed.manifest();
    if manifest.vault != roster.vault {
        return Err(wrong("it was sealed for another vault"));
    }
    if manifest.path != *path {
        return Err(wrong("it was sealed for another name"));
    }
    let point = usize::try_from(manifest.roster.seq).ok().and_then(|seq| roster.chain.get(seq));
    if point != Some(&manifest.roster.head) {
        return Err(wrong("it was sealed under another roster"));
    }
    let author = member(roster, &manifest.author).ok_or_else(|| wrong("its author is no member"))?;
    if author.role < Role::Writer {
        return Err(wrong("its author may not write"));
    }
    if !manifest.readers.contains(&manifest.author) {
        return Err(wrong("its author does not read it"));
    }
    let readers: Option<Vec<_>> = manifest.readers.iter().map(|reader| member(roster, reader)).collect();
    let readers = readers.ok_or_else(|| wrong("a reader is no member"))?;
    let devices: Vec<_> = readers.iter().map(|member| member.card.devices.as_slice()).collect();
    sealed.check_devices(&devices).map_err(refused)?;
    let signer = verified.map_or_else(|| sealed.verify_signature(), |v| v.signer(&sealed)).map_err(refused)?;
    if !author.card.signing_keys().any(|key| *key == signer) {
        return Err(wrong("it is signed with a key that is not its author's"));
    }
    Ok(Version { file: file.to_owned(), sealed })
}

fn member<'a>(roster: &'a Roster, reference: &MemberRef) -> Option<&'a Member> {
    roster.member(reference.card).filter(|member| member.card.name == reference.name)
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
        check_agreement(&document, manifest).map_err(|what| VaultError::Inconsistent { file: file(), what })?;
        Ok(Secret {
            document,
            manifest: manifest.clone(),
            hash: version.hash(),
            found_elsewhere: opened.found_elsewhere,
        })
    }

    /// Where one's own stanza stands: after those of the readers before, at one's own device.
    fn own_stanzas(&self, manifest: &Manifest) -> Vec<usize> {
        let mut before = 0;
        for reader in &manifest.readers {
            if *reader == self.me.reference {
                return vec![before + self.me.device];
            }
            before += self.roster.member(reader.card).map_or(0, |member| member.card.devices.len());
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
