//! Identities: the secret keys that open what was sealed to a member's devices.
//!
//! Their secrets leave only as text that is wiped; no `Clone`, and a `Debug` that shows nothing.

use std::fmt;

use age_core::format::FileKey;
use rand_core::{OsRng, RngCore as _};
use sha2::{Digest, Sha512};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::encrypted::is_encrypted;
use super::error::SealError;
use super::keytext::{IDENTITY, RECIPIENT, parse_secret, write_public, write_secret};
use super::openssh;
use super::signing::is_public_key;
use super::stanza::{ReaderStanza, SshKey, unwrap};
use super::wire::{BLOB, public_blob, public_text};
use crate::model::card::{Device, Recipient};

/// One secret key, with its public half at hand, so that trying a stanza takes one scalar multiplication.
pub struct Identity {
    secret: StaticSecret,
    public: PublicKey,
    ssh: Option<SshKey>,
    recipient: Recipient,
}

impl Identity {
    /// A new age identity from the system's randomness.
    pub fn generate() -> Result<Self, SealError> {
        let mut secret = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(secret.as_mut_slice()).map_err(|_| SealError::Randomness)?;
        Self::from_secret(&secret)
    }

    /// Reads `AGE-SECRET-KEY-1…`.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        parse_line(text, 1)
    }

    /// Reads an ssh-ed25519 private key file; `ask` is called where a passphrase encrypts it, and once at most.
    pub fn from_openssh(text: &str, ask: impl FnOnce() -> Option<Zeroizing<String>>) -> Result<Self, SealError> {
        let seed = openssh::read_seed(text, ask)?;
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let verifying = key.verifying_key();
        let blob: [u8; BLOB] = public_blob(verifying.as_bytes()).try_into().map_err(|_| SealError::PublicKey)?;
        let mut secret = Zeroizing::new([0; 32]);
        let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed.as_slice())));
        secret.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
        let secret = StaticSecret::from(*secret);
        let public = PublicKey::from(&secret);
        let recipient = Recipient::SshEd25519(public_text(verifying.as_bytes()));
        Ok(Self { secret, public, ssh: Some(SshKey::new(&blob)), recipient })
    }

    /// Whom to seal to, for this identity to open it.
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// `AGE-SECRET-KEY-1…`, or `None` for an SSH key.
    pub fn to_text(&self) -> Option<Zeroizing<String>> {
        if self.ssh.is_some() {
            return None;
        }
        write_secret(IDENTITY, &Zeroizing::new(self.secret.to_bytes()))
    }

    /// The file key, where the stanza was made for this identity.
    pub(super) fn unwrap(&self, stanza: &ReaderStanza) -> Option<Result<FileKey, SealError>> {
        unwrap(stanza, &self.secret, &self.public, self.ssh.as_ref())
    }

    fn from_secret(secret: &[u8; 32]) -> Result<Self, SealError> {
        let secret = StaticSecret::from(*secret);
        let public = PublicKey::from(&secret);
        let text = write_public(RECIPIENT, public.as_bytes()).ok_or(SealError::NoIdentity)?;
        Ok(Self { secret, public, ssh: None, recipient: Recipient::X25519(text) })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.recipient)
    }
}

/// All identities of one person on one machine.
#[derive(Debug, Default)]
pub struct Identities {
    list: Vec<Identity>,
}

impl Identities {
    /// Reads an age identity file (comments, empty lines and one or more identities), or an OpenSSH private key.
    /// Other things are refused, an encrypted age file by [`SealError::IdentityEncrypted`].
    pub fn parse(text: &str, ask: impl FnOnce() -> Option<Zeroizing<String>>) -> Result<Self, SealError> {
        if is_encrypted(text.as_bytes()) {
            return Err(SealError::IdentityEncrypted);
        }
        if openssh::is_private_key(text) {
            return Ok(Self { list: vec![Identity::from_openssh(text, ask)?] });
        }
        if is_public_key(text) {
            return Err(SealError::IdentityPublic);
        }
        let list: Vec<_> = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(line, number)| parse_line(line.trim(), number))
            .collect::<Result<_, _>>()?;
        if list.is_empty() { Err(SealError::NoIdentity) } else { Ok(Self { list }) }
    }

    /// Adds one more.
    pub fn push(&mut self, identity: Identity) {
        self.list.push(identity);
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.list.iter()
    }

    /// Which stanzas are ours, where the readers have these devices: the places to try first.
    pub fn own_stanzas(&self, devices: &[&[Device]]) -> Vec<usize> {
        let recipients = devices.iter().copied().flatten().map(|device| &device.recipient);
        let own = recipients.enumerate().filter(|(_, r)| self.list.iter().any(|i| i.recipient == **r));
        own.map(|(index, _)| index).collect()
    }

    /// The file key from the first identity for which the stanza was made.
    pub(super) fn unwrap(&self, stanza: &ReaderStanza) -> Option<Result<FileKey, SealError>> {
        self.list.iter().find_map(|identity| identity.unwrap(stanza))
    }
}

impl From<Identity> for Identities {
    fn from(identity: Identity) -> Self {
        Self { list: vec![identity] }
    }
}

fn parse_line(text: &str, line: usize) -> Result<Identity, SealError> {
    if let Some(secret) = parse_secret(IDENTITY, text) {
        return Identity::from_secret(&secret);
    }
    let plugin = text.strip_prefix("AGE-PLUGIN-").and_then(|rest| rest.rsplit_once("-1")).map(|(name, _)| name);
    match plugin {
        Some(name) if name.len() <= 64 && name.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(SealError::PluginIdentity { line, plugin: name.to_ascii_lowercase() })
        }
        _ => Err(SealError::IdentityLine { line }),
    }
}
