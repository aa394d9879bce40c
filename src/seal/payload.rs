//! What follows a header: a nonce and encrypted chunks, made by the `age` crate and read with RustCrypto's STREAM.
//!
//! age's own header never leaves this place: a recipient of ours captures the file key, and the header goes.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::Write as _;
use std::iter::once;

use age::{EncryptError, Encryptor};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use chacha20poly1305::aead::stream::{DecryptorBE32, Nonce as StreamNonce, StreamBE32};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use zeroize::Zeroizing;

use super::error::SealError;
use super::header::Header;

const NONCE: usize = 16;
const TAG: usize = 16;
const CHUNK: usize = 64 * 1024;
const ENVELOPE: &str = "covault-envelope";

/// Length of the payload of a plaintext with `length` bytes.
pub(super) fn payload_length(length: usize) -> usize {
    NONCE + length + TAG * length.div_ceil(CHUNK).max(1)
}

/// Length of the plaintext in a payload of `length` bytes.
pub(super) fn plaintext_length(length: usize) -> Result<usize, SealError> {
    let chunks = length.checked_sub(NONCE).ok_or(SealError::PayloadTooShort)?;
    chunks.checked_sub(TAG * chunks.div_ceil(CHUNK + TAG).max(1)).ok_or(SealError::PayloadTooShort)
}

/// Encrypts under a new file key.
pub(super) fn encrypt(plaintext: &[u8]) -> Result<(FileKey, Vec<u8>), SealError> {
    let capture = Capture(RefCell::new(None));
    let encryptor = Encryptor::with_recipients(once(&capture as _)).map_err(|_| SealError::Sealing)?;
    let write = || {
        // age's own header, with its grease, has at most a few hundred bytes.
        let mut writer = encryptor.wrap_output(Vec::with_capacity(payload_length(plaintext.len()) + 512))?;
        writer.write_all(plaintext)?;
        writer.finish()
    };
    let mut file: Vec<u8> = write().map_err(|_: std::io::Error| SealError::Sealing)?;
    let header = Header::parse(&file, |_| usize::MAX)?;
    let payload = file.split_off(header.end.length);
    let file_key = capture.0.into_inner().ok_or(SealError::Sealing)?;
    Ok((file_key, payload))
}

/// Decrypts a payload into one buffer of the right size: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB, its key
/// derived from nonce and file key (age v1, "Payload").
///
/// RustCrypto's STREAM with a nonce of zeros before its 32-bit counter is age's with a counter of 11 bytes: no payload
/// here comes near 2^32 chunks. The `age` crate's reader takes 64 KiB for each file, however small that is.
pub(super) fn decrypt(file_key: &FileKey, payload: &[u8]) -> Result<Vec<u8>, SealError> {
    let length = plaintext_length(payload.len())?;
    let (nonce, mut rest) = payload.split_at_checked(NONCE).ok_or(SealError::PayloadTooShort)?;
    let key = Zeroizing::new(age_core::primitives::hkdf(nonce, b"payload", file_key.expose_secret()));
    let mut stream = DecryptorBE32::from_aead(
        ChaCha20Poly1305::new((&*key).into()),
        &StreamNonce::<ChaCha20Poly1305, StreamBE32<ChaCha20Poly1305>>::default(),
    );
    let mut plaintext = Zeroizing::new(Vec::with_capacity(length + TAG));
    while rest.len() > CHUNK + TAG {
        let (chunk, after) = rest.split_at_checked(CHUNK + TAG).ok_or(SealError::Payload)?;
        let mut buffer = Zeroizing::new(chunk.to_vec());
        stream.decrypt_next_in_place(&[], &mut *buffer).map_err(|_| SealError::Payload)?;
        plaintext.extend_from_slice(&buffer);
        rest = after;
    }
    let mut last = Zeroizing::new(Vec::with_capacity(if plaintext.is_empty() { length + TAG } else { rest.len() }));
    last.extend_from_slice(rest);
    stream.decrypt_last_in_place(&[], &mut *last).map_err(|_| SealError::Payload)?;
    // Or a buffer was too small for it, and left a copy behind when it grew.
    debug_assert_eq!(plaintext.len() + last.len(), length, "the length of a plaintext is known before it is opened");
    if plaintext.is_empty() {
        return Ok(std::mem::take(&mut *last));
    }
    // Only an empty plaintext ends in an empty chunk.
    if last.is_empty() {
        return Err(SealError::Payload);
    }
    plaintext.extend_from_slice(&last);
    Ok(std::mem::take(&mut *plaintext))
}

/// A second holder of a file key, which `age` does not let us clone.
pub(super) fn copy(file_key: &FileKey) -> FileKey {
    FileKey::init_with_mut(|to| to.copy_from_slice(file_key.expose_secret()))
}

/// A recipient that keeps the file key.
struct Capture(RefCell<Option<FileKey>>);

impl age::Recipient for Capture {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        *self.0.borrow_mut() = Some(copy(file_key));
        let stanza = Stanza { tag: ENVELOPE.to_owned(), args: Vec::new(), body: Vec::new() };
        Ok((vec![stanza], HashSet::new()))
    }
}
