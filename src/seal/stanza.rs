//! A reader's stanza: the file key, wrapped for one device with X25519, as age and age's SSH keys do it.
//!
//! It wraps and unwraps with keys that others parsed, and knows no text but a stanza's own.

use age_core::format::{FILE_KEY_BYTES, FileKey};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use age_core::secrecy::ExposeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use rand_core::OsRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::error::SealError;
use super::header::{Header, Stanza, Writer, decode_32};
use super::wire::BLOB;

/// Type of the stanza for an age key.
pub(super) const X25519: &str = "X25519";
/// Type of the stanza for an SSH key.
pub(super) const SSH_ED25519: &str = "ssh-ed25519";
const X25519_LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const SSH_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";

/// A reader's stanza, decoded.
#[derive(Clone, Copy)]
pub(super) struct ReaderStanza {
    /// The first bytes of the SSH key's hash; `None` for an age key, whose stanza is anonymous.
    pub(super) tag: Option<[u8; 4]>,
    /// The ephemeral public key.
    share: [u8; 32],
    /// File key and authenticator.
    wrapped: [u8; 32],
}

impl ReaderStanza {
    /// Decodes a stanza of one of the two types: `None` for other types, `Some(Err(type))` where it is malformed.
    pub(super) fn parse(file: &[u8], header: &Header, stanza: &Stanza) -> Option<Result<Self, &'static str>> {
        let mut words = stanza.words(file);
        let kind = match words.next()? {
            X25519 => X25519,
            SSH_ED25519 => SSH_ED25519,
            _ => return None,
        };
        let mut decode = || {
            let tag = if kind == SSH_ED25519 { Some(decode_tag(words.next()?)?) } else { None };
            let share = decode_32(words.next()?.as_bytes())?;
            let wrapped = header.body(stanza).try_into().ok()?;
            words.next().is_none().then_some(Self { tag, share, wrapped })
        };
        Some(decode().ok_or(kind))
    }
}

fn decode_tag(text: &str) -> Option<[u8; 4]> {
    let mut out = [0; 6];
    let length = BASE64.decode_slice(text, &mut out).ok()?;
    out.get(..length)?.try_into().ok()
}

/// An SSH public key as a recipient: its wire form gives tag and tweak.
#[derive(Clone)]
pub(super) struct SshKey {
    tag: [u8; 4],
    tweak: [u8; 32],
}

impl SshKey {
    /// From the key's wire form.
    pub(super) fn new(blob: &[u8; BLOB]) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(blob).into();
        Self { tag: [a, b, c, d], tweak: hkdf(blob, SSH_LABEL, &[]) }
    }

    /// What a stanza for this key begins with.
    pub(super) fn tag(&self) -> [u8; 4] {
        self.tag
    }

    /// The tweak ties the exchange to SSH's spelling of the key.
    fn tweaked(&self, shared: &SharedSecret) -> SharedSecret {
        StaticSecret::from(self.tweak).diffie_hellman(&PublicKey::from(*shared.as_bytes()))
    }
}

/// Wraps `file_key` for `public` in one new stanza; `false`, with nothing written, where the exchange has no secret.
pub(super) fn wrap(public: &PublicKey, ssh: Option<&SshKey>, file_key: &FileKey, out: &mut Writer) -> bool {
    let secret = StaticSecret::random_from_rng(OsRng);
    let share = PublicKey::from(&secret);
    let shared = secret.diffie_hellman(public);
    if !shared.was_contributory() {
        return false;
    }
    let shared = match ssh {
        Some(ssh) => ssh.tweaked(&shared),
        None => shared,
    };
    let key = wrap_key(&share, public, &shared, ssh.is_some());
    let body = aead_encrypt(&key, file_key.expose_secret());
    let share = BASE64.encode(share.as_bytes());
    match ssh {
        None => out.stanza(&[X25519, &share], &body),
        Some(ssh) => out.stanza(&[SSH_ED25519, &BASE64.encode(ssh.tag), &share], &body),
    }
    true
}

/// The file key, where the stanza was made for `secret`, whose public key is `public`; `None` where it was not.
pub(super) fn unwrap(
    stanza: &ReaderStanza,
    secret: &StaticSecret,
    public: &PublicKey,
    ssh: Option<&SshKey>,
) -> Option<Result<FileKey, SealError>> {
    if stanza.tag != ssh.map(SshKey::tag) {
        return None;
    }
    let share = PublicKey::from(stanza.share);
    let mut shared = secret.diffie_hellman(&share);
    if !shared.was_contributory() {
        return Some(Err(SealError::LowOrderShare));
    }
    if let Some(ssh) = ssh {
        shared = ssh.tweaked(&shared);
    }
    let key = wrap_key(&share, public, &shared, ssh.is_some());
    let mut bytes = aead_decrypt(&key, FILE_KEY_BYTES, &stanza.wrapped).ok()?;
    // The AEAD has checked the length.
    let file_key = FileKey::init_with_mut(|to| to.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from));
    bytes.zeroize();
    Some(Ok(file_key))
}

fn wrap_key(share: &PublicKey, public: &PublicKey, shared: &SharedSecret, ssh: bool) -> Zeroizing<[u8; 32]> {
    let mut salt = [0; 64];
    let both = share.as_bytes().iter().chain(public.as_bytes());
    salt.iter_mut().zip(both).for_each(|(to, from)| *to = *from);
    Zeroizing::new(hkdf(&salt, if ssh { SSH_LABEL } else { X25519_LABEL }, shared.as_bytes()))
}
