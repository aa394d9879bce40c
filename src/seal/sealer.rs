//! Sealing: a plaintext and the manifest of what it will be become a file, under a new file key.
//!
//! It does not choose readers and does not pad: the caller's rules did.

use age_core::format::FileKey;

use super::error::SealError;
use super::header::{MacKey, Writer, header_length};
use super::layout::{MAX_FILE, MAX_PAYLOAD, header_limit, own_length, reader_length, write_own};
use super::payload;
use super::recipient::RecipientKey;
use super::signing::Signer;
use super::sshsig::{self, Namespace};
use crate::model::bytes::Hash;
use crate::model::card::Device;
use crate::model::manifest::Manifest;
use crate::plaintext::Plaintext;

/// git, forges and jj take a file for binary where a NUL stands among its first bytes; git looks at 8,000.
const NUL_WITHIN: usize = 8_000;
/// With a hundred bytes of payload among the first 8,000, all attempts fail once in 10^11.
const ROOM: usize = 100;
const ATTEMPTS: usize = 64;

/// A file, as it will lie in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its manifest, complete.
    pub manifest: Manifest,
    /// SHA-256 of the manifest.
    pub hash: Hash,
}

/// Seals `plaintext` to `devices` (for each reader of the draft, in its order, the devices of their card).
///
/// `document`, `payload` and `stanzas` of the draft are filled in.
pub fn seal(
    draft: Manifest,
    plaintext: &Plaintext,
    devices: &[&[Device]],
    signer: &dyn Signer,
) -> Result<Sealed, SealError> {
    let size = payload::payload_length(plaintext.len());
    if size > MAX_PAYLOAD {
        return Err(SealError::PayloadTooLarge { size, limit: MAX_PAYLOAD });
    }
    check_readers(&draft, devices)?;
    let recipients = devices.iter().copied().flatten().map(|device| &device.recipient);
    let keys = recipients.map(|r| Ok((r, RecipientKey::parse(r)?))).collect::<Result<Vec<_>, SealError>>()?;
    let stanzas: usize = keys.iter().map(|(_, key)| reader_length(key.tag().is_some())).sum();
    let header = header_length(stanzas + own_length(draft.encode().len(), sshsig::length(Namespace::Secret)));
    let (file_key, payload) = encrypt_with_nul(plaintext.expose(), header)?;
    let mut out = Writer::new(header);
    for (recipient, key) in &keys {
        key.wrap(recipient, &file_key, &mut out)?;
    }
    let manifest = Manifest { document: Hash::of(plaintext.expose()), payload: Hash::of(&payload), ..draft };
    let sealed = finish(out, manifest, keys.len(), &file_key, &payload, signer)?;
    // Or the NUL was looked for in another place than git will look.
    debug_assert_eq!(sealed.bytes.len(), header + payload.len(), "the header's length is known before it is written");
    Ok(sealed)
}

/// Writes what stands behind the readers' stanzas: manifest, signature, MAC and payload.
pub(super) fn finish(
    mut out: Writer,
    draft: Manifest,
    devices: usize,
    file_key: &FileKey,
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<Sealed, SealError> {
    let manifest = Manifest { stanzas: Hash::of(out.so_far()), ..draft };
    let text = manifest.encode();
    // What would be refused when it is read is never written.
    Manifest::decode(&text).map_err(SealError::Manifest)?;
    let signature = signer.sign(Namespace::Secret, text.as_bytes())?;
    write_own(&mut out, &text, &signature);
    let mut bytes = out.finish(&MacKey::new(file_key))?;
    let limit = header_limit(devices);
    if bytes.len() > limit {
        return Err(SealError::HeaderTooLarge { limit });
    }
    bytes.extend_from_slice(payload);
    if bytes.len() > MAX_FILE {
        return Err(SealError::FileTooLarge { size: bytes.len(), limit: MAX_FILE });
    }
    Ok(Sealed { bytes, hash: Hash::of(text.as_bytes()), manifest })
}

/// Devices for each reader, and for no others.
pub(super) fn check_readers(draft: &Manifest, devices: &[&[Device]]) -> Result<(), SealError> {
    let readers = &draft.readers;
    if readers.len() != devices.len() {
        return Err(SealError::ReaderCount { readers: readers.len(), given: devices.len() });
    }
    if readers.is_empty() {
        return Err(SealError::NoReaders);
    }
    match readers.iter().zip(devices).find(|(_, devices)| devices.is_empty()) {
        Some((reader, _)) => Err(SealError::NoDevice { name: reader.name.to_string() }),
        None => Ok(()),
    }
}

/// Encrypts again until a NUL stands where it should; where the header leaves no room, any payload will do.
fn encrypt_with_nul(plaintext: &[u8], header: usize) -> Result<(FileKey, Vec<u8>), SealError> {
    let room = NUL_WITHIN.saturating_sub(header);
    let mut made = payload::encrypt(plaintext)?;
    for _ in 1..ATTEMPTS {
        if room < ROOM || made.1.iter().take(room).any(|b| *b == 0) {
            break;
        }
        made = payload::encrypt(plaintext)?;
    }
    Ok(made)
}
