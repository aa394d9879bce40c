//! The intent: 16 random hex digits, made and written down before a provider is asked for a key, and part of the key's
//! name there. Whatever becomes of the answer, the key can be found again by it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::bytes::Hash;
use crate::model::names::SecretPath;

/// What marks our keys at a provider.
const MARK: &str = "covault";

/// One wish for a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Intent(String);

impl Intent {
    /// From 8 random bytes.
    pub fn new(random: [u8; 8]) -> Self {
        Self(hex::encode(random))
    }

    /// Reads 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 16 && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Intent {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("an intent is 16 hex digits")
    }
}

impl From<Intent> for String {
    fn from(intent: Intent) -> Self {
        intent.0
    }
}

/// What a key of ours is called at its provider: `covault 1f3a09bc prod/openrouter g3 9f86d081884c7d65`, where the second
/// word is the beginning of the vault's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// The first 8 hex digits of the vault's id.
    pub vault: String,
    /// The secret.
    pub path: SecretPath,
    /// Which key it is of that secret, from 1.
    pub generation: u64,
    /// By which it is found.
    pub intent: Intent,
}

impl KeyName {
    /// The name of one.
    pub fn new(vault: Hash, path: SecretPath, generation: u64, intent: Intent) -> Self {
        Self { vault: tag(vault), path, generation, intent }
    }

    /// Reads a name of ours; `None` for any other.
    pub fn parse(name: &str) -> Option<Self> {
        let words: Vec<&str> = name.split(' ').collect();
        let [MARK, vault, path, generation, intent] = words.as_slice() else { return None };
        let is_tag = vault.len() == 8 && vault.bytes().all(|b| b.is_ascii_hexdigit());
        let read = Self {
            vault: is_tag.then(|| (*vault).to_owned())?,
            path: SecretPath::parse(path).ok()?,
            generation: generation.strip_prefix('g')?.parse().ok()?,
            intent: Intent::parse(intent)?,
        };
        // A number has other spellings, none of which is ours.
        (read.to_string() == name).then_some(read)
    }

    /// Whether it is a key of this vault.
    pub fn is_of(&self, vault: Hash) -> bool {
        self.vault == tag(vault)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK} {} {} g{} {}", self.vault, self.path, self.generation, self.intent)
    }
}

fn tag(vault: Hash) -> String {
    vault.to_string().chars().take(8).collect()
}
