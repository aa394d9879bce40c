//! A manifest as it stands in a file, before anything is checked but its form.
//!
//! Good for listing; never for deciding what to trust: `SealedFile` and the caller's rules do that.

use super::error::SealError;
use super::layout::Layout;
use crate::model::manifest::Manifest;

/// Reads the manifest from the header of `file`, which need not have its payload.
pub fn peek_manifest(file: &[u8]) -> Result<Manifest, SealError> {
    let layout = Layout::parse(file)?;
    let text = std::str::from_utf8(&layout.manifest).map_err(|_| SealError::ManifestNotText)?;
    Manifest::decode(text).map_err(SealError::Manifest)
}
