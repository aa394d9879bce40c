//! A request: a card that asks to be admitted, or to take the place of its owner's present card.
//!
//! It stands in `requests/NAME.toml` or travels by chat as a token; nothing in it is secret. Whether signature and
//! invite are good is for others to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use super::bytes::Hash;
use super::canon::{CanonError, Reader, Writer};
use super::card::Card;
use super::chat;
use super::manifest::FORMAT;

/// The largest request, as a file and as a token, in bytes.
pub const MAX_REQUEST: usize = chat::MAX_LINE;
/// What a token begins with.
pub const PREFIX: &str = "covault-request1-";

/// Why something is no request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Longer than [`MAX_REQUEST`].
    #[error("the request has more than {MAX_REQUEST} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("the request is not text")]
    NotText,
    /// A token begins with [`PREFIX`].
    #[error("not a request: one begins with {PREFIX}")]
    NotToken,
    /// A part of the token is missing or was changed.
    #[error("the request was damaged on its way")]
    Damaged,
    /// It is not what the encoder would have written.
    #[error("the request is not canonical")]
    Canon(#[from] CanonError),
}

/// A card that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose, and for which vault.
    pub card: Card,
    /// HMAC-SHA-256 of the card's text under the token of the invite that it answers, if it answers one.
    pub invite: Option<[u8; 32]>,
    /// SSHSIG over the card's text by one of its own keys, namespace `covault-card`.
    pub signature: Vec<u8>,
}

impl Request {
    /// The canonical text of the file.
    pub fn encode(&self) -> String {
        let mut w = Writer::with_capacity(1024);
        w.integer("format", FORMAT)
            .raw(&self.card.encode())
            .string("invite", &self.invite.map(hex::encode).unwrap_or_default())
            .string("signature", &BASE64.encode(&self.signature));
        w.finish()
    }

    /// Reads exactly what [`Request::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST {
            return Err(RequestError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| RequestError::NotText)?;
        let mut r = Reader::new(text);
        if r.integer("format")? != FORMAT {
            return Err(r.wrong("format", "a format that this version knows (1)").into());
        }
        let card = Card::read_text(&mut r)?;
        let invite = match r.string("invite")? {
            empty if empty.is_empty() => None,
            hex => Some(Hash::from_hex(&hex).ok_or_else(|| r.wrong("invite", "empty or 64 hex digits"))?.0),
        };
        let signature = BASE64.decode(r.string("signature")?).map_err(|_| r.wrong("signature", "base64"))?;
        r.end()?;
        Ok(Self { card, invite, signature })
    }

    /// The same as one line for chat.
    pub fn to_token(&self) -> String {
        chat::to_line(PREFIX, self.encode().as_bytes()).to_string()
    }

    /// Reads what [`Request::to_token`] writes, whatever white space came into it.
    pub fn from_token(text: &str) -> Result<Self, RequestError> {
        let line = chat::squeeze(text).ok_or(RequestError::TooLarge)?;
        if !line.starts_with(PREFIX) {
            return Err(RequestError::NotToken);
        }
        Self::decode(&chat::bytes(PREFIX, &line).ok_or(RequestError::Damaged)?)
    }
}
