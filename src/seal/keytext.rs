//! Keys as one word of text: bech32, as age spells its identities and recipients.
//!
//! One spelling a key: another case, other padding bits or another checksum are refused.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use zeroize::{Zeroize, Zeroizing};

use super::error::SealError;
use super::identity::Identity;
use super::signing::SigningKey;

/// What an age identity begins with (and `1`).
pub(super) const IDENTITY: &str = "age-secret-key-";
/// What a signing key begins with (and `1`).
pub(super) const SIGNING: &str = "covault-signing-key-";
/// What a recipient begins with (and `1`).
pub(super) const RECIPIENT: &str = "age";

/// An identity, and a signing key where one follows: what `COVAULT_IDENTITY` holds.
pub fn parse_literal(text: &str) -> Result<(Identity, Option<SigningKey>), SealError> {
    let mut words = text.split_ascii_whitespace();
    let identity = Identity::parse(words.next().ok_or(SealError::NoIdentity)?)?;
    let signing = words.next().map(SigningKey::parse).transpose()?;
    if words.next().is_some() {
        return Err(SealError::LiteralWords);
    }
    Ok((identity, signing))
}

/// 32 secret bytes in upper case.
pub(super) fn write_secret(prefix: &str, key: &[u8; 32]) -> Option<Zeroizing<String>> {
    let hrp = Hrp::parse(prefix).ok()?;
    bech32::encode_upper::<Bech32>(hrp, key).ok().map(Zeroizing::new)
}

/// Reads exactly what [`write_secret`] writes.
pub(super) fn parse_secret(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let key = decode(prefix, text)?;
    (*write_secret(prefix, &key)? == text).then_some(key)
}

/// 32 public bytes in lower case.
pub(super) fn write_public(prefix: &str, key: &[u8; 32]) -> Option<String> {
    bech32::encode_lower::<Bech32>(Hrp::parse(prefix).ok()?, key).ok()
}

/// Reads exactly what [`write_public`] writes.
pub(super) fn parse_public(prefix: &str, text: &str) -> Option<[u8; 32]> {
    let key = decode(prefix, text)?;
    (write_public(prefix, &key)? == text).then_some(*key)
}

fn decode(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let parsed = CheckedHrpstring::new::<Bech32>(text).ok()?;
    if parsed.hrp() != Hrp::parse(prefix).ok()? {
        return None;
    }
    let mut bytes = Vec::with_capacity(64);
    bytes.extend(parsed.byte_iter().take(64));
    let key = <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new);
    bytes.zeroize();
    key
}
