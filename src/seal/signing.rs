//! Signing keys: ed25519, as OpenSSH keeps them.
//!
//! It knows keys, not what is signed with them; whose key it is, the roster says.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

use super::error::SealError;
use super::keytext::{SIGNING, parse_secret, write_secret};
use super::openssh;
use super::sshsig::{self, Namespace};
use super::wire::{is_canonical, parse_public_text, public_text};
use crate::model::card::SigningPublic;

/// Something that signs: a key in memory, or an agent that holds one.
pub trait Signer {
    /// Whose signature it will be.
    fn public(&self) -> SigningPublic;

    /// An SSHSIG blob over `message`.
    fn sign(&self, namespace: Namespace, message: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// A private key. Wiped on drop; no `Clone`, and a `Debug` that shows the public half only.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key from the system's randomness.
    pub fn generate() -> Result<Self, SealError> {
        let mut seed = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(seed.as_mut_slice()).map_err(|_| SealError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// Reads an ssh-ed25519 private key file; `ask` is called where a passphrase encrypts it, and once at most.
    pub fn from_openssh(text: &str, ask: impl FnOnce() -> Option<Zeroizing<String>>) -> Result<Self, SealError> {
        openssh::read_seed(text, ask).map(|seed| Self::from_seed(&seed))
    }

    /// An unencrypted private key file, as `ssh-keygen` writes it.
    pub fn to_openssh(&self, comment: &str) -> Result<Zeroizing<String>, SealError> {
        openssh::write_seed(self.0.as_bytes(), comment)
    }

    /// Reads `COVAULT-SIGNING-KEY-1…`.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        parse_secret(SIGNING, text).map(|seed| Self::from_seed(&seed)).ok_or(SealError::SigningLiteral)
    }

    /// `COVAULT-SIGNING-KEY-1…`: bech32 of the seed.
    pub fn to_text(&self) -> Result<Zeroizing<String>, SealError> {
        write_secret(SIGNING, self.0.as_bytes()).ok_or(SealError::SigningLiteral)
    }

    /// The public half.
    pub fn public(&self) -> SigningPublic {
        SigningPublic(public_text(self.0.verifying_key().as_bytes()))
    }

    fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }
}

impl Signer for SigningKey {
    fn public(&self) -> SigningPublic {
        self.public()
    }

    fn sign(&self, namespace: Namespace, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let signature = self.0.sign(&sshsig::signed_data(namespace, message));
        Ok(sshsig::assemble(self.0.verifying_key().as_bytes(), namespace, &signature.to_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// A public key that is safe to verify with: on the curve, of full order, in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingPublic(VerifyingKey);

impl VerifyingPublic {
    /// Parses the text that a card carries.
    pub fn parse(public: &SigningPublic) -> Result<Self, SealError> {
        Self::from_bytes(&parse_public_text(&public.0).ok_or(SealError::PublicKey)?)
    }

    /// The text that a card carries.
    pub fn to_public(&self) -> SigningPublic {
        SigningPublic(public_text(self.0.as_bytes()))
    }

    /// Reads a line of a public key file: `ssh-ed25519 AAAA… comment`. Keys of other types are refused by name.
    pub fn parse_line(line: &str) -> Result<Self, SealError> {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("ssh-ed25519") => {}
            Some(kind) if is_public_key(kind) => return Err(SealError::KeyType { kind: short(kind) }),
            _ => return Err(SealError::PublicKey),
        }
        let text = words.next().ok_or(SealError::PublicKey)?;
        if line.trim().lines().count() != 1 {
            return Err(SealError::PublicKey);
        }
        Self::parse(&SigningPublic(text.to_owned()))
    }

    /// The key's 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SealError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| SealError::PublicKey)?;
        if key.is_weak() || !is_canonical(bytes) { Err(SealError::WeakKey) } else { Ok(Self(key)) }
    }

    /// Strict Ed25519 over bytes as they are: S below the group's order, no point of small order.
    pub fn verify(&self, data: &[u8], signature: &[u8; 64]) -> Result<(), SealError> {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(data, &signature).map_err(|_| SealError::BadSignature)
    }
}

/// Whether the text is an OpenSSH public key of any type, judged by its first word.
pub fn is_public_key(text: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|begin| text.trim_start().starts_with(begin))
}

fn short(kind: &str) -> String {
    kind.chars().take(64).flat_map(char::escape_debug).collect()
}
