//! SSH signatures (OpenSSH's PROTOCOL.sshsig), for ssh-ed25519 and SHA-512 alone; `ssh-keygen -Y` reads and writes them.
//!
//! One spelling: a blob that this writer would not have written for its key and signature is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use super::error::SealError;
use super::signing::{Signer, VerifyingPublic};
use super::wire::{ED25519, parse_public_blob, public_blob, public_text, put, take, take_number};
use crate::model::card::SigningPublic;

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &[u8] = b"sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
const COLUMNS: usize = 70;

/// What a signature is for. A signature for one purpose is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// A secret's manifest.
    Secret,
    /// An entry of the roster.
    Roster,
    /// A member's card.
    Card,
    /// A journal of a rotation at a provider.
    Journal,
}

impl Namespace {
    /// As it stands in the signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "covault-secret",
            Self::Roster => "covault-roster",
            Self::Card => "covault-card",
            Self::Journal => "covault-journal",
        }
    }
}

/// A raw signature blob over `message`.
pub fn sign(signer: &dyn Signer, namespace: Namespace, message: &[u8]) -> Result<Vec<u8>, SealError> {
    signer.sign(namespace, message)
}

/// Checks a raw signature blob over `message` and says whose it is; whether that key may sign is the caller's rule.
pub fn verify(blob: &[u8], namespace: Namespace, message: &[u8]) -> Result<VerifyingPublic, SealError> {
    let (key, signature) = parse(blob, namespace)?;
    let key = VerifyingPublic::from_bytes(&key)?;
    key.verify(&signed_data(namespace, message), &signature)?;
    Ok(key)
}

/// The key that a raw signature blob names. Nothing is verified.
pub(super) fn claimed_key(blob: &[u8], namespace: Namespace) -> Result<SigningPublic, SealError> {
    let (key, _) = parse(blob, namespace)?;
    Ok(SigningPublic(public_text(&key)))
}

/// What Ed25519 signs: for a signer that holds its key elsewhere.
pub fn signed_data(namespace: Namespace, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(MAGIC);
    put(&mut out, namespace.as_str().as_bytes());
    put(&mut out, b"");
    put(&mut out, HASH);
    put(&mut out, &Sha512::digest(message));
    out
}

/// The blob from its parts: the public key's 32 bytes and the signature's 64.
pub fn assemble(key: &[u8; 32], namespace: Namespace, signature: &[u8; 64]) -> Vec<u8> {
    let mut signed = Vec::with_capacity(96);
    put(&mut signed, ED25519);
    put(&mut signed, signature);
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    put(&mut out, &public_blob(key));
    put(&mut out, namespace.as_str().as_bytes());
    put(&mut out, b"");
    put(&mut out, HASH);
    put(&mut out, &signed);
    out
}

/// Length of every blob for this purpose.
pub(super) fn length(namespace: Namespace) -> usize {
    assemble(&[0; 32], namespace, &[0; 64]).len()
}

/// The blob as `ssh-keygen` writes it to a file.
pub fn armor(blob: &[u8]) -> String {
    let text = STANDARD.encode(blob);
    let mut out = String::with_capacity(text.len() + text.len() / COLUMNS + 80);
    out.push_str(BEGIN);
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % COLUMNS == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out.push_str(END);
    out
}

/// Reads exactly what [`armor`] writes.
pub fn dearmor(text: &str) -> Result<Vec<u8>, SealError> {
    let body = text.strip_prefix(BEGIN).and_then(|t| t.strip_suffix(END)).ok_or(SealError::SshsigArmor)?;
    let joined: String = body.lines().collect();
    let blob = STANDARD.decode(joined).map_err(|_| SealError::SshsigArmor)?;
    if armor(&blob) == text { Ok(blob) } else { Err(SealError::SshsigArmor) }
}

fn parse(blob: &[u8], namespace: Namespace) -> Result<([u8; 32], [u8; 64]), SealError> {
    let mut rest = blob.strip_prefix(MAGIC).ok_or(SealError::NotSshsig)?;
    let version = take_number(&mut rest).ok_or(SealError::NotSshsig)?;
    if version != VERSION {
        return Err(SealError::SshsigVersion { version });
    }
    let mut next = || take(&mut rest).ok_or(SealError::NotSshsig);
    let (key, found, reserved, hash, mut signed) = (next()?, next()?, next()?, next()?, next()?);
    if !rest.is_empty() {
        return Err(SealError::NotSshsig);
    }
    let key = parse_public_blob(key).ok_or(SealError::SshsigKeyType)?;
    if found != namespace.as_str().as_bytes() {
        return Err(SealError::SshsigNamespace { expected: namespace.as_str() });
    }
    if !reserved.is_empty() {
        return Err(SealError::SshsigReserved);
    }
    if hash != HASH {
        return Err(SealError::SshsigHash);
    }
    if take(&mut signed) != Some(ED25519) {
        return Err(SealError::SshsigKeyType);
    }
    let signature = take(&mut signed).and_then(|s| s.try_into().ok()).ok_or(SealError::NotSshsig)?;
    if signed.is_empty() { Ok((key, signature)) } else { Err(SealError::NotSshsig) }
}
