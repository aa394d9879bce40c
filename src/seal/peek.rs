//! A manifest as it stands in a file, before anything is checked but its form.
//!
//! Good for listing; never for deciding what to trust: `SealedFile` and the caller's rules do that.

use super::error::SealError;
use super::layout::{Layout, MAX_FILE};
use super::siblings::members;
use super::sshsig::{self, Namespace};
use crate::model::card::SigningPublic;
use crate::model::manifest::Manifest;

/// Reads the manifest from the header of `file`, which need not have its payload.
pub fn peek_manifest(file: &[u8]) -> Result<Manifest, SealError> {
    let layout = Layout::parse(file)?;
    let text = std::str::from_utf8(&layout.manifest).map_err(|_| SealError::ManifestNotText)?;
    Manifest::decode(text).map_err(SealError::Manifest)
}

/// The same for each version in a secret's file: one, or siblings.
///
/// # Errors
/// Where one of them cannot be read.
pub fn peek_manifests(file: &[u8]) -> Result<Vec<Manifest>, SealError> {
    let one = |member: &[u8]| match member.len() {
        size if size > MAX_FILE => Err(SealError::FileTooLarge { size, limit: MAX_FILE }),
        _ => peek_manifest(member),
    };
    members(file)?.into_iter().map(one).collect()
}

/// Whose signature a sealed file bears, where it is good over the bytes of the manifest, whatever those say.
///
/// # Errors
/// A header that is none of ours, and those of the signature.
pub fn peek_signer(file: &[u8]) -> Result<SigningPublic, SealError> {
    let layout = Layout::parse(file)?;
    sshsig::verify(&layout.signature, Namespace::Secret, &layout.manifest).map(|key| key.to_public())
}

/// The number of the format in which a sealed file says that it is, where its header is one of ours: for who keeps what a
/// later version wrote, and looks no further.
pub fn peek_format(file: &[u8]) -> Option<u64> {
    let layout = Layout::parse(file).ok()?;
    let first = layout.manifest.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(first).ok()?.strip_prefix("format = ")?.parse().ok()
}
