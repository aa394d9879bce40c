//! An operation at a provider that is under way: what was wanted, how far it came, and what is still to be taken away.
//!
//! It is written down before the first call and after every one, so that whoever goes on knows the least that can have
//! happened. **The rules.** A key is asked for once per intent; what an unanswered request may have made is looked for by
//! its intent and deleted. The old key is touched when the new one works and its value is on the trunk, not before,
//! unless it is compromised. What is taken away counts as gone when the provider says so afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::alert::Threshold;
use super::intent::Intent;
use super::limit::{Layer, Limits, Window};
use super::record::{KeyRecord, RemoteId, Retired, Standing};
use crate::model::document::Document;
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::register::{Key, Value};
use crate::model::time::Time;

/// What the metadata of operations begin with.
const OPERATION: &str = "op-";

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A first key.
    Issue,
    /// A new key for an old one.
    Rotate,
    /// An end.
    Revoke,
}

impl Kind {
    /// `issue`, `rotate`, `revoke`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
        }
    }
}

/// How far a new key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The provider is being asked, or was and nobody knows what it did.
    Asked,
    /// It exists, and its text is in the journal.
    Minted,
    /// Its limits hold and it works.
    Ready,
    /// The secret has it.
    Published,
}

impl Stage {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked for",
            Self::Minted => "made",
            Self::Ready => "tried out",
            Self::Published => "published",
        }
    }
}

/// A new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mint {
    /// By which it is found.
    pub intent: Intent,
    /// Which key it will be of the secret.
    pub generation: u64,
    /// Its name at the provider.
    pub name: String,
    /// What it may spend.
    pub limits: Limits,
    /// What it is issued with.
    pub first: Limits,
    /// Who is to hold which limit; what came of it from `Ready` on.
    pub layers: BTreeMap<Window, Layer>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
    /// When somebody wants to be told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alerts: BTreeSet<Threshold>,
    /// What it was begun on, where it takes the place of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
    /// Whom a new secret is shared with, and its other metadata.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub share: Vec<String>,
    /// The variable of a new secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// How far.
    pub stage: Stage,
    /// When the provider was asked, or was about to be.
    pub asked: Time,
    /// What the provider calls it, from `Minted` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RemoteId>,
    /// Its guardrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<RemoteId>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Time>,
    /// Name of the write that published it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
}

/// What a secret said of its key as a new one was begun: what it says otherwise later was changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What the key could spend.
    pub limits: Limits,
    /// When somebody wanted to be told.
    #[serde(default)]
    pub alerts: BTreeSet<Threshold>,
    /// It was switched off.
    #[serde(default)]
    pub off: bool,
}

impl Begun {
    /// By a record.
    pub fn of(record: &KeyRecord) -> Self {
        let off = record.standing == Standing::Disabled;
        Self { limits: record.limits.clone(), alerts: record.alerts.clone(), off }
    }
}

/// An intent whose key may turn up late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// By which it is found.
    pub intent: Intent,
    /// Since when it is looked for.
    pub since: Time,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its own name.
    pub id: Intent,
    /// What for.
    pub kind: Kind,
    /// The secret.
    #[serde(with = "path")]
    pub path: SecretPath,
    /// The provider.
    pub provider: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Time,
    /// Why, in a few words.
    #[serde(default)]
    pub reason: String,
    /// The old key is in wrong hands: it is switched off first.
    #[serde(default)]
    pub compromised: bool,
    /// For how many seconds after its publication the old key is to work beside the new one.
    #[serde(default)]
    pub keep_old: i64,
    /// The new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mint: Option<Mint>,
    /// What is to be taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retire: Vec<Retired>,
    /// What may turn up late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<Sweep>,
    /// It is to be taken back, not finished.
    #[serde(default)]
    pub aborting: bool,
}

impl Operation {
    /// From when on the old keys may be taken away; `None` before the new one is published.
    pub fn may_retire_from(&self) -> Option<Time> {
        match &self.mint {
            None => Some(self.started),
            Some(mint) => mint.published.map(|at| Time::from_unix(at.unix().saturating_add(self.keep_old.max(0)))),
        }
    }

    /// Whether a key of this intent has to do with it: its new one, an old one, or one that may turn up late.
    pub fn names(&self, intent: &Intent) -> bool {
        self.mint.as_ref().is_some_and(|mint| mint.intent == *intent)
            || self.retire.iter().any(|old| old.intent == *intent)
            || self.sweep.iter().any(|sweep| sweep.intent == *intent)
    }

    /// Takes a new key of another operation in as one to be taken away.
    pub fn fold_in(&mut self, mint: &Mint, now: Time) {
        match &mint.id {
            None if self.sweep.iter().any(|known| known.intent == mint.intent) => {}
            None => self.sweep.push(Sweep { intent: mint.intent.clone(), since: now }),
            Some(_) if self.retire.iter().any(|known| known.intent == mint.intent) => {}
            Some(id) => self.retire.push(Retired {
                generation: mint.generation,
                intent: mint.intent.clone(),
                id: Some(id.clone()),
                name: mint.name.clone(),
                standing: Standing::Active,
                since: now,
                gone: None,
                guardrail: mint.guardrail.clone(),
                usage: None,
                reason: "made at the same time".to_owned(),
                write: mint.write.clone().unwrap_or_default(),
            }),
        }
    }

    /// Whether everything that was to be taken away is gone, or waits for a person who does it by hand.
    pub fn is_retired(&self) -> bool {
        self.retire.iter().all(|old| matches!(old.standing, Standing::Gone | Standing::ByHand))
    }

    /// How far it came, for people.
    pub fn stage(&self) -> String {
        let unknown = self.retire.iter().any(|old| old.standing == Standing::Unknown);
        match &self.mint {
            _ if self.aborting => "being taken back".to_owned(),
            _ if unknown => "what came of the old key is not known".to_owned(),
            Some(mint) if mint.stage == Stage::Published => "published, the old key still works".to_owned(),
            Some(mint) => format!("new key {}", mint.stage.as_str()),
            None => "being taken away".to_owned(),
        }
    }

    /// The name of the metadatum that it is kept in.
    pub fn meta_name(&self) -> String {
        format!("{OPERATION}{}", self.id)
    }

    /// The name of the field that holds the text of a key which is not published yet.
    pub fn field_of(intent: &Intent) -> String {
        format!("key_{intent}")
    }

    /// As the metadatum's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads it back.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether a journal has an operation that cannot be read: a newer version may have written it.
    pub fn any_unreadable(journal: &Document, sealed_at: Time) -> bool {
        let metadata = read::metadata(journal, sealed_at);
        metadata.iter().any(|(name, text)| name.as_str().starts_with(OPERATION) && Self::parse(text).is_none())
    }

    /// All open operations of a journal, those first that came furthest, then those that began first.
    ///
    /// Where two machines went on with one operation without each other, each of the two ways counts, as nothing else
    /// says what each has made. Where one of them ended it, what the other had not published is to be taken back.
    pub fn all_of(journal: &Document, sealed_at: Time) -> Vec<Self> {
        let mut all = Vec::new();
        for (key, register) in journal.registers() {
            let Key::Meta(name) = key else { continue };
            if !name.as_str().starts_with(OPERATION) {
                continue;
            }
            let writes = read::newest_first(register, sealed_at);
            let was_ended = writes.iter().any(|write| write.value == Value::Absent);
            let ways = writes.into_iter().filter_map(|write| Self::parse(write.value.as_text()?));
            all.extend(ways.map(|way| {
                let is_out = way.mint.as_ref().is_none_or(|mint| mint.stage == Stage::Published);
                Self { aborting: way.aborting || (was_ended && !is_out), ..way }
            }));
        }
        let stage = |op: &Self| op.mint.as_ref().map(|mint| mint.stage);
        all.sort_by(|a, b| (a.aborting, stage(b), a.started, &a.id).cmp(&(b.aborting, stage(a), b.started, &b.id)));
        all
    }
}

/// A name as text.
mod path {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::names::SecretPath;

    pub(super) fn serialize<S: Serializer>(path: &SecretPath, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(path)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretPath, D::Error> {
        SecretPath::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
