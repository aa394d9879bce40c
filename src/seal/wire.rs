//! SSH's wire form: length-prefixed strings, and the 51 bytes of an ssh-ed25519 public key.
//!
//! It knows no cryptography. What is public here is what a client of ssh-agent needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The type name of the only keys that Covault signs with.
pub const ED25519: &[u8] = b"ssh-ed25519";
/// Length of [`public_blob`].
pub(super) const BLOB: usize = 51;

/// Appends a length-prefixed string.
pub fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Everything that is written here is far below 4 GiB.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Takes one 32-bit number off the front.
pub fn take_number<'a>(from: &mut &'a [u8]) -> Option<u32> {
    let (head, rest): (&'a [u8; 4], &'a [u8]) = from.split_first_chunk()?;
    *from = rest;
    Some(u32::from_be_bytes(*head))
}

/// Takes one length-prefixed string off the front.
pub fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(from)?).ok()?;
    let (head, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(head)
}

/// The wire form of an ssh-ed25519 public key: 51 bytes.
pub fn public_blob(key: &[u8; 32]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(BLOB);
    put(&mut blob, ED25519);
    put(&mut blob, key);
    blob
}

/// The key in its wire form.
pub(super) fn parse_public_blob(mut blob: &[u8]) -> Option<[u8; 32]> {
    let kind = take(&mut blob)?;
    let key = take(&mut blob)?;
    (kind == ED25519 && blob.is_empty()).then(|| key.try_into().ok())?
}

/// What stands after `ssh-ed25519 ` in a public key file.
pub(super) fn public_text(key: &[u8; 32]) -> String {
    STANDARD.encode(public_blob(key))
}

/// The key from what stands after `ssh-ed25519 ` in a public key file.
pub(super) fn parse_public_text(text: &str) -> Option<[u8; 32]> {
    parse_public_blob(&STANDARD.decode(text).ok()?)
}

/// Whether 32 little-endian bytes (without their highest bit) are below 2^255 - 19, as a canonical coordinate is.
pub(super) fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || (high & 0x7f) != 0x7f || middle.iter().any(|b| *b != 0xff)
}
