//! An invite: the line that a new member gets by chat, with the vault to trust and a token to answer with.
//!
//! Who has the line can ask under the invited name as if they were the invited person, so the token is wiped and never
//! shown; [`crate::seal`] answers with it.

use std::fmt;

use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::bytes::Hash;
use super::chat;
use super::names::MemberName;
use super::roster::is_vault_name;

/// What an invite begins with.
pub const PREFIX: &str = "covault-invite1-";
const VERSION: u8 = 1;

/// Why something is no invite. Nothing of what was given stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InviteError {
    /// It begins otherwise.
    #[error("not an invite: one begins with {PREFIX}")]
    NotInvite,
    /// A part is missing or was changed.
    #[error("the invite was damaged on its way")]
    Damaged,
    /// It is of a later kind.
    #[error("an invite of version {version}, which this version of Covault does not know")]
    Version {
        /// Its first byte.
        version: u8,
    },
    /// The parts do not make an invite: no roster has as many entries, or no vault is called so.
    #[error("no invite can say this: {what}")]
    Unwritable {
        /// Which part.
        what: &'static str,
    },
}

/// 128 random bits that the invited person and who invited them know.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 16]);

impl Token {
    /// Takes random bytes over.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The secret bytes.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// An invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The vault's id.
    pub vault: Hash,
    /// Number of the roster's newest entry when the invite was made; below 2^32.
    pub seq: u64,
    /// SHA-256 of that entry's body: a roster without it is another one, or an old one.
    pub head: Hash,
    /// What the request answers with.
    pub token: Token,
    /// The name that the new member will have.
    pub name: MemberName,
    /// What people call the vault.
    pub vault_name: String,
}

impl Invite {
    /// The line for chat.
    pub fn to_line(&self) -> Result<Zeroizing<String>, InviteError> {
        let seq = u32::try_from(self.seq).map_err(|_| InviteError::Unwritable { what: "the entry's number" })?;
        let name = self.name.as_str();
        let length = u8::try_from(name.len()).map_err(|_| InviteError::Unwritable { what: "the name" })?;
        if !is_vault_name(&self.vault_name) {
            return Err(InviteError::Unwritable { what: "the vault's name" });
        }
        // Large enough never to move, so that no copy of the token is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.vault.0);
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(self.token.expose());
        bytes.push(length);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(self.vault_name.as_bytes());
        Ok(chat::to_line(PREFIX, &bytes))
    }

    /// Reads what [`Invite::to_line`] writes, whatever white space came into it.
    pub fn parse(text: &str) -> Result<Self, InviteError> {
        let line = chat::squeeze(text).ok_or(InviteError::NotInvite)?;
        if !line.starts_with(PREFIX) {
            return Err(InviteError::NotInvite);
        }
        let bytes = chat::bytes(PREFIX, &line).ok_or(InviteError::Damaged)?;
        match bytes.split_first() {
            Some((&VERSION, rest)) => Self::read(rest).ok_or(InviteError::Damaged),
            Some((&version, _)) => Err(InviteError::Version { version }),
            None => Err(InviteError::Damaged),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (vault, rest) = bytes.split_first_chunk::<32>()?;
        let (seq, rest) = rest.split_first_chunk::<4>()?;
        let (head, rest) = rest.split_first_chunk::<32>()?;
        let (token, rest) = rest.split_first_chunk::<16>()?;
        let ([length], rest) = rest.split_first_chunk::<1>()?;
        let (name, vault_name) = rest.split_at_checked(usize::from(*length))?;
        let vault_name = std::str::from_utf8(vault_name).ok().filter(|text| is_vault_name(text))?;
        Some(Self {
            vault: Hash(*vault),
            seq: u64::from(u32::from_be_bytes(*seq)),
            head: Hash(*head),
            token: Token::new(*token),
            name: MemberName::parse(std::str::from_utf8(name).ok()?).ok()?,
            vault_name: vault_name.to_owned(),
        })
    }
}
