//! Public keys that a file key can be wrapped for.
//!
//! It refuses what the model cannot see: text that is no key, points of small order, second spellings of a point.

use age_core::format::FileKey;
use ed25519_dalek::VerifyingKey;
use x25519_dalek::{PublicKey, StaticSecret};

use super::error::SealError;
use super::header::Writer;
use super::keytext::{RECIPIENT, parse_public};
use super::stanza::{SshKey, wrap};
use super::wire::{BLOB, is_canonical, parse_public_text, public_blob};
use crate::model::card::Recipient;

/// Whether a file can be sealed to `recipient`: to be asked before a card is believed.
pub fn check_recipient(recipient: &Recipient) -> Result<(), SealError> {
    let key = RecipientKey::parse(recipient)?;
    // Any secret shows whether the point has small order.
    let contributes = StaticSecret::from([0x40; 32]).diffie_hellman(&key.point).was_contributory();
    if contributes { Ok(()) } else { Err(weak(recipient)) }
}

/// What a stanza for an SSH key begins with; `None` for an age key, whose stanzas are anonymous.
pub(super) fn stanza_tag(recipient: &Recipient) -> Result<Option<[u8; 4]>, SealError> {
    match recipient {
        Recipient::X25519(_) => Ok(None),
        Recipient::SshEd25519(_) => Ok(RecipientKey::parse(recipient)?.tag()),
    }
}

/// A recipient's parsed key.
pub(super) struct RecipientKey {
    point: PublicKey,
    ssh: Option<SshKey>,
}

impl RecipientKey {
    /// Parses the text that a card carries.
    pub(super) fn parse(recipient: &Recipient) -> Result<Self, SealError> {
        let invalid = || SealError::Recipient { text: clip(recipient) };
        match recipient {
            Recipient::X25519(text) => {
                let key = parse_public(RECIPIENT, text).ok_or_else(invalid)?;
                let [.., high] = key;
                if high & 0x80 != 0 || !is_canonical(&key) {
                    return Err(weak(recipient));
                }
                Ok(Self { point: PublicKey::from(key), ssh: None })
            }
            Recipient::SshEd25519(text) => {
                let key = parse_public_text(text).ok_or_else(invalid)?;
                let point = VerifyingKey::from_bytes(&key).map_err(|_| invalid())?;
                if point.is_weak() || !is_canonical(&key) {
                    return Err(weak(recipient));
                }
                let blob: [u8; BLOB] = public_blob(&key).try_into().map_err(|_| invalid())?;
                let point = PublicKey::from(point.to_montgomery().to_bytes());
                Ok(Self { point, ssh: Some(SshKey::new(&blob)) })
            }
        }
    }

    /// Adds one stanza with the file key.
    pub(super) fn wrap(&self, recipient: &Recipient, file_key: &FileKey, out: &mut Writer) -> Result<(), SealError> {
        if wrap(&self.point, self.ssh.as_ref(), file_key, out) { Ok(()) } else { Err(weak(recipient)) }
    }

    /// What an SSH key's stanza begins with; `None` for an age key.
    pub(super) fn tag(&self) -> Option<[u8; 4]> {
        self.ssh.as_ref().map(SshKey::tag)
    }
}

fn weak(recipient: &Recipient) -> SealError {
    SealError::WeakRecipient { text: clip(recipient) }
}

fn clip(recipient: &Recipient) -> String {
    recipient.to_string().chars().take(100).collect()
}
