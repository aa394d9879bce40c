//! A sealed file as anybody can check it, with no key at all.
//!
//! Parsing shows that the bytes belong together and are canonical; the signature says by whom, and the caller's
//! rules whether they may. Nothing here shows that the file opens.

use std::fmt;

use super::error::SealError;
use super::layout::{Layout, MAX_FILE, MAX_PAYLOAD};
use super::payload;
use super::recipient::stanza_tag;
use super::sshsig::{self, Namespace};
use crate::model::bytes::Hash;
use crate::model::card::{Device, SigningPublic};
use crate::model::manifest::Manifest;

/// A file whose sizes, grammar, manifest and hashes are in order.
pub struct SealedFile {
    bytes: Vec<u8>,
    pub(super) layout: Layout,
    manifest: Manifest,
    hash: Hash,
}

impl SealedFile {
    /// Checks sizes, the header's grammar, the manifest's form, and the hashes of stanzas and payload.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, SealError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_FILE {
            return Err(SealError::FileTooLarge { size: bytes.len(), limit: MAX_FILE });
        }
        let layout = Layout::parse(&bytes)?;
        let text = std::str::from_utf8(&layout.manifest).map_err(|_| SealError::ManifestNotText)?;
        let manifest = Manifest::decode(text).map_err(SealError::Manifest)?;
        let hash = Hash::of(text.as_bytes());
        let file = Self { bytes, layout, manifest, hash };
        if Hash::of(file.stanzas()) != file.manifest.stanzas {
            return Err(SealError::StanzasHash);
        }
        let payload = file.payload();
        if payload.len() > MAX_PAYLOAD {
            return Err(SealError::PayloadTooLarge { size: payload.len(), limit: MAX_PAYLOAD });
        }
        payload::plaintext_length(payload.len())?;
        if Hash::of(payload) != file.manifest.payload {
            return Err(SealError::PayloadHash);
        }
        Ok(file)
    }

    /// Who sealed what, where, after what and for whom, by the word of the one who signed.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the manifest: the version's name.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole file, taken back.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Checks the signature and says whose it is. Whether that key may sign is the caller's rule; one who remembers
    /// that this hash was good need not ask again.
    pub fn verify_signature(&self) -> Result<SigningPublic, SealError> {
        sshsig::verify(&self.layout.signature, Namespace::Secret, &self.layout.manifest).map(|key| key.to_public())
    }

    /// The key that the signature names, and a digest of manifest and signature: for one who remembers that a digest
    /// was verified, the key is all that is left to ask. Nothing is verified here.
    pub fn claimed_signer(&self) -> Result<(SigningPublic, Hash), SealError> {
        let key = sshsig::claimed_key(&self.layout.signature, Namespace::Secret)?;
        let signature = Hash::of(&self.layout.signature);
        Ok((key, Hash::of(&[self.hash.0, signature.0].concat())))
    }

    /// How many devices it is sealed to.
    pub fn device_count(&self) -> usize {
        self.layout.readers.len()
    }

    /// Whether there is one stanza for each device, in the manifest's order, of the type of the device's key. Stanzas
    /// for age keys are anonymous: for whom they are, only the signature says.
    pub fn check_devices(&self, devices: &[&[Device]]) -> Result<(), SealError> {
        check_devices(self.manifest.readers.len(), self.layout.readers.iter().map(|reader| reader.tag), devices)
    }

    /// What is left to judge of it, without its bytes. The signature counts as it is handed over.
    pub fn into_outline(self, signer: Result<SigningPublic, SealError>) -> Outline {
        let tags = self.layout.readers.iter().map(|reader| reader.tag).collect();
        Outline { manifest: self.manifest, hash: self.hash, tags, signer }
    }

    /// What the manifest's `payload` covers.
    pub(super) fn payload(&self) -> &[u8] {
        self.bytes.get(self.layout.end.length..).unwrap_or_default()
    }

    /// What the manifest's `stanzas` covers.
    fn stanzas(&self) -> &[u8] {
        self.bytes.get(..self.layout.readers_end).unwrap_or_default()
    }
}

/// What a sealed file says, and who signed it: for one who judges it by several rosters. It cannot be opened.
pub struct Outline {
    /// Who sealed what, where, after what and for whom, by the word of the one who signed.
    pub manifest: Manifest,
    /// The manifest's hash: the version's name.
    pub hash: Hash,
    tags: Vec<Option<[u8; 4]>>,
    /// Whose signature it is, or why it is none.
    pub signer: Result<SigningPublic, SealError>,
}

impl Outline {
    /// As [`SealedFile::check_devices`].
    pub fn check_devices(&self, devices: &[&[Device]]) -> Result<(), SealError> {
        check_devices(self.manifest.readers.len(), self.tags.iter().copied(), devices)
    }
}

fn check_devices(
    readers: usize,
    tags: impl ExactSizeIterator<Item = Option<[u8; 4]>>,
    devices: &[&[Device]],
) -> Result<(), SealError> {
    if devices.len() != readers {
        return Err(SealError::ReaderCount { readers, given: devices.len() });
    }
    let count = devices.iter().map(|d| d.len()).sum();
    if count != tags.len() {
        return Err(SealError::DeviceCount { stanzas: tags.len(), devices: count });
    }
    let all = devices.iter().copied().flatten();
    for (index, (device, tag)) in all.zip(tags).enumerate() {
        if stanza_tag(&device.recipient)? != tag {
            return Err(SealError::DeviceMismatch { index });
        }
    }
    Ok(())
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedFile({})", self.hash)
    }
}
