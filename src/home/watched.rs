//! What this machine remembers of the keys that it watches: the last figures, what it has set to hold a limit, and of
//! what it has already told. No key is in it, nor anything that opens one; losing it costs an alert told twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Home, HomeError, checked};
use crate::model::bytes::Hash;
use crate::model::keys::amount::Amount;
use crate::model::keys::intent::Intent;
use crate::model::keys::usage::Usage;

/// All keys of a vault that this machine has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// By intent.
    #[serde(default)]
    keys: BTreeMap<Intent, WatchedKey>,
    /// What was told: secret, limit, threshold and the beginning of the period, in a line.
    #[serde(default)]
    told: BTreeSet<String>,
}

/// One key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedKey {
    /// What it had spent when it was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The amount of its own limit that this machine set last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Amount>,
    /// The amount of its guardrail that this machine set last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<Amount>,
    /// This machine switched it off, since a limit was spent that no provider holds.
    #[serde(default)]
    pub off: bool,
}

impl Watched {
    /// What is known of a key.
    pub fn get(&self, intent: &Intent) -> WatchedKey {
        self.keys.get(intent).cloned().unwrap_or_default()
    }

    /// What is known of a key, to be changed.
    pub fn entry(&mut self, intent: &Intent) -> &mut WatchedKey {
        self.keys.entry(intent.clone()).or_default()
    }

    /// Lets go of keys that are in no record any more.
    pub fn keep_only(&mut self, known: impl Fn(&Intent) -> bool) {
        self.keys.retain(|intent, _| known(intent));
    }

    /// That a key is off is a person's wish now; says whether it was ours.
    pub fn forget_off(&mut self, intent: &Intent) -> bool {
        self.keys.get_mut(intent).is_some_and(|key| std::mem::take(&mut key.off))
    }

    /// Whether something was told.
    pub fn was_told(&self, what: &str) -> bool {
        self.told.contains(what)
    }

    /// Notes that something was told.
    pub fn tell(&mut self, what: &str) {
        self.told.insert(what.to_owned());
    }

    /// Forgets what was told of periods that are over.
    pub fn forget_told(&mut self, still: impl Fn(&str) -> bool) {
        self.told.retain(|what| still(what));
    }
}

impl Home {
    /// What this machine remembers of a vault's keys. A damaged record is none.
    pub fn watched(&self, vault: Hash) -> Watched {
        let bytes = checked::read(&self.watched_file(vault)).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Remembers it.
    ///
    /// # Errors
    /// `Io`: who cannot remember would tell the same again and again, and should hear why.
    pub fn set_watched(&self, vault: Hash, watched: &Watched) -> Result<(), HomeError> {
        let text = serde_json::to_string(watched).unwrap_or_default();
        checked::write(&self.watched_file(vault), text.as_bytes())
    }

    /// Remembers it where that can be done.
    pub fn remember_watched(&self, vault: Hash, watched: &Watched) {
        let _ = self.set_watched(vault, watched);
    }

    fn watched_file(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("keys")
    }
}
