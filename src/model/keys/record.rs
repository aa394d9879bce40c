//! What a secret remembers of the keys that a provider issued for it: the one in use, and those before it.
//!
//! Each is one metadatum of the secret, as one line of JSON, so that a record and its changes are read and joined whole:
//! `key` for the key in use, `key-g3-9f86d081884c7d65` for one that was replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::Threshold;
use super::amount::Amount;
use super::intent::Intent;
use super::limit::{Layer, Limit, Limits, Window};
use super::usage::Usage;
use crate::model::document::Document;
use crate::model::names::MetaName;
use crate::model::read;
use crate::model::register::Key;
use crate::model::time::Time;

/// The metadatum that names the provider.
pub const PROVIDER: &str = "provider";
/// The metadatum of the key in use.
pub const KEY: &str = "key";
/// What the metadata of replaced keys begin with.
const RETIRED: &str = "key-g";

/// Whether a metadatum is about a key that a provider issued, and not for people to write.
pub fn is_record(name: &str) -> bool {
    name == KEY || name == PROVIDER || name.starts_with(RETIRED)
}

/// What a provider calls a key: opaque, and safe in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemoteId(String);

impl RemoteId {
    /// Takes 1 to 128 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (!text.is_empty() && text.len() <= 128 && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RemoteId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("a provider's id is 1 to 128 letters, digits, - and _")
    }
}

impl From<RemoteId> for String {
    fn from(id: RemoteId) -> Self {
        id.0
    }
}

/// How a key stands at its provider, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It works.
    Active,
    /// It is switched off, and can be switched on again.
    Disabled,
    /// It does not exist any more: the provider said so when it was asked afterwards.
    Gone,
    /// It was to be taken away, and what came of that is not known.
    Unknown,
    /// A person has to take it away: the provider has no call for it.
    ByHand,
}

impl Standing {
    /// `active`, `disabled`, `gone`, `unknown`, `by hand`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
            Self::ByHand => "by hand",
        }
    }

    /// Whether it may still open something.
    pub fn may_work(self) -> bool {
        self != Self::Gone
    }
}

/// The key in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Which key it is of this secret, from 1.
    pub generation: u64,
    /// By which it was asked for.
    pub intent: Intent,
    /// What the provider calls it; none at a provider without an API.
    pub id: Option<RemoteId>,
    /// Its name there.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// When it was issued.
    pub issued: Time,
    /// When any of this changed last.
    pub updated: Time,
    /// When the secret's key was replaced last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Time>,
    /// When it stops to work by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
    /// What it may spend.
    #[serde(default)]
    pub limits: Limits,
    /// What it was issued with: less, where keys before it had spent of the same windows.
    #[serde(default)]
    pub first: Limits,
    /// Who holds which of them.
    #[serde(default)]
    pub layers: BTreeMap<Window, Layer>,
    /// The guardrail that is assigned to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<RemoteId>,
    /// When somebody wants to be told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alerts: BTreeSet<Threshold>,
    /// Why it is as it is, in a few words.
    #[serde(default)]
    pub reason: String,
    /// What keys spent whose own records are not kept any more.
    #[serde(default)]
    pub before: Amount,
    /// Name of the write of the value that this is about, in hex.
    #[serde(default)]
    pub write: String,
}

/// A key that was replaced or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// Which key it was of this secret.
    pub generation: u64,
    /// By which it was asked for.
    pub intent: Intent,
    /// What the provider calls it.
    pub id: Option<RemoteId>,
    /// Its name there.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// When it was replaced.
    pub since: Time,
    /// When the provider said that it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Time>,
    /// Its guardrail, until that is gone, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<RemoteId>,
    /// What it had spent when it was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it was replaced.
    #[serde(default)]
    pub reason: String,
    /// Name of the write of its value, in hex.
    #[serde(default)]
    pub write: String,
}

impl KeyRecord {
    /// What the key may be allowed now: its limits without what keys before it spent in the same windows.
    pub fn held(&self, retired: &[Retired], now: Time) -> Limits {
        let left = |limit: Limit| {
            let of = |usage: Usage| usage.within(limit.window, now).or_zero();
            let spent: Amount = retired.iter().filter_map(|old| old.usage).map(of).sum();
            let spent = if limit.window == Window::Total { spent + self.before.or_zero() } else { spent };
            Limit { amount: (limit.amount - spent).as_limit(), window: limit.window }
        };
        Limits::of(self.limits.iter().map(left)).unwrap_or_default()
    }

    /// As the metadatum's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The record of a secret; `None` where none of its writes can be read as one.
    pub fn of(document: &Document, sealed_at: Time) -> Option<Self> {
        serde_json::from_str(read::meta(document, KEY, sealed_at)?).ok()
    }

    /// All records that are live, the one to show first; several where keys were issued at the same time.
    pub fn all_of(document: &Document, sealed_at: Time) -> Vec<Self> {
        let register = MetaName::parse(KEY).ok().and_then(|name| document.register(&Key::Meta(name)));
        let writes = register.map(|register| read::newest_first(register, sealed_at)).unwrap_or_default();
        writes.into_iter().filter_map(|write| serde_json::from_str(write.value.as_text()?).ok()).collect()
    }
}

impl Retired {
    /// A key in use, as it is replaced.
    pub fn from_record(record: &KeyRecord, usage: Option<Usage>, now: Time, reason: &str) -> Self {
        Self {
            generation: record.generation,
            intent: record.intent.clone(),
            id: record.id.clone(),
            name: record.name.clone(),
            standing: record.standing,
            since: now,
            gone: None,
            guardrail: record.guardrail.clone(),
            usage,
            reason: reason.to_owned(),
            write: record.write.clone(),
        }
    }

    /// The same as one that a provider is to take away, whatever was left to people before; `None` where it is gone with
    /// its guardrail, or where the provider has no name for it.
    pub fn to_go(mut self) -> Option<Self> {
        if (!self.standing.may_work() && self.guardrail.is_none()) || self.id.is_none() {
            return None;
        }
        if matches!(self.standing, Standing::ByHand | Standing::Unknown) {
            self.standing = Standing::Active;
        }
        Some(self)
    }

    /// The name of the metadatum that it is kept in.
    pub fn meta_name(&self) -> String {
        format!("{RETIRED}{}-{}", self.generation, self.intent)
    }

    /// As the metadatum's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// All of a secret, oldest first.
    pub fn all_of(document: &Document, sealed_at: Time) -> Vec<Self> {
        let metadata = read::metadata(document, sealed_at);
        let ours = metadata.iter().filter(|(name, _)| name.as_str().starts_with(RETIRED));
        let mut all: Vec<Self> = ours.filter_map(|(_, text)| serde_json::from_str(text).ok()).collect();
        all.sort_by(|a, b| (a.generation, &a.intent).cmp(&(b.generation, &b.intent)));
        all
    }
}
