//! `disable` and `enable`: a key is switched off or on at its provider, looked at afterwards, and its record says so.
//!
//! The provider first: a key in wrong hands is off before anything is written. A crash in between shows as drifted, and
//! the same command mends it.

use core::time::Duration;

use super::KeyError;
use super::desk::{Desk, record_of};
use super::journal::{Text, nothing_else};
use crate::model::keys::intent::KeyName;
use crate::model::keys::record::{RemoteId, Standing};
use crate::model::names::SecretPath;
use crate::providers::{Inspect, Provider};
use crate::vault::VaultError;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The provider had it the other way.
    pub changed: bool,
    /// Old keys that are kept beside it and were switched with it, by their numbers.
    pub kept: Vec<u64>,
    /// The commit of its record, where that changed.
    pub commit: Option<String>,
    /// Nothing was done.
    pub dry_run: bool,
}

impl Desk<'_> {
    /// Switches a key on or off.
    ///
    /// # Errors
    /// `NotIssued`, `Open`, `Missing`, `Repeat` where it is not known what came of it, and those of writing.
    pub fn switch(&self, path: &SecretPath, on: bool, reason: &str) -> Result<Switched, VaultError> {
        let vault = self.at_rest(path)?;
        let secret = vault.secret(path)?;
        let (known, record) = record_of(&secret)?;
        if record.standing == Standing::ByHand {
            return Err(KeyError::GivenUp(path.to_string()).into());
        }
        let cannot = || KeyError::Cannot { provider: known.title.to_owned(), what: "switch keys off and on" };
        if !known.switches {
            return Err(cannot().into());
        }
        let provider = self.provider(&vault, known.name)?;
        let missing = || KeyError::Missing { path: path.to_string(), provider: known.title.to_owned() };
        let inspect = provider.inspecting().ok_or_else(cannot)?;
        let id = record.id.clone().filter(|_| record.standing != Standing::Gone).ok_or_else(missing)?;
        let found = inspect.get(&id).map_err(KeyError::Provider)?.ok_or_else(missing)?;
        vault.check_claim(path, &record.intent, &found)?;
        let changed = found.disabled == on;
        if self.how.dry_run {
            return Ok(Switched { changed, kept: Vec::new(), commit: None, dry_run: true });
        }
        if changed {
            self.switch_and_see(provider.as_ref(), inspect, path, &id, on)?;
        }
        let kept = self.switch_kept(provider.as_ref(), inspect, path, on)?;
        let mut watched = self.home.watched(vault.roster().vault);
        if watched.forget_off(&record.intent) {
            self.home.remember_watched(vault.roster().vault, &watched);
        }
        let wanted = if on { Standing::Active } else { Standing::Disabled };
        let word = if on { "on" } else { "off" };
        let message = format!("covault: switch the key of {path} {word}");
        let report = self.change_record(path, &record.intent, &message, &|record| {
            if record.standing != wanted {
                (record.standing, record.reason) = (wanted, reason.to_owned());
            }
        })?;
        Ok(Switched { changed, kept, commit: report.and_then(|report| report.commit), dry_run: false })
    }

    /// Switches the old keys with it that are kept beside the new one: who switches a secret's key off wants it to open nothing.
    /// An old key whose time is over, or that is in wrong hands, is not switched on again.
    fn switch_kept(
        &self,
        provider: &dyn Provider,
        inspect: &dyn Inspect,
        path: &SecretPath,
        on: bool,
    ) -> Result<Vec<u64>, VaultError> {
        let vault = self.vault()?;
        let (from, to) =
            if on { (Standing::Disabled, Standing::Active) } else { (Standing::Active, Standing::Disabled) };
        let mut switched = Vec::new();
        for mut op in self.open_operations(&vault, Some(path))? {
            if on && (op.compromised || self.must_wait(&op)?.is_none()) {
                continue;
            }
            let before = switched.len();
            for old in &mut op.retire {
                let Some(id) = old.id.clone().filter(|_| old.standing == from) else { continue };
                let Some(key) = inspect.get(&id).map_err(KeyError::Provider)? else { continue };
                // A key that was taken in was compared before its value went.
                if KeyName::parse(&key.name).is_some() {
                    vault.check_claim(path, &old.intent, &key)?;
                }
                if key.disabled == on {
                    self.switch_and_see(provider, inspect, path, &id, on)?;
                }
                (old.standing, old.usage) = (to, Some(key.usage));
                switched.push(old.generation);
            }
            if switched.len() > before {
                let word = if on { "on" } else { "off" };
                let message = format!("covault: switch the old key of {path} {word}, too");
                self.save(&op, &Text::Keep, &nothing_else, &message)?;
                self.share_or_say(path);
            }
        }
        Ok(switched)
    }

    /// Switches it, and asks for it until that is seen.
    pub(super) fn switch_and_see(
        &self,
        provider: &dyn Provider,
        inspect: &dyn Inspect,
        path: &SecretPath,
        id: &RemoteId,
        on: bool,
    ) -> Result<(), VaultError> {
        let Some(switching) = provider.switching() else { return Ok(()) };
        let (again, word) = if on { ("enable", "on") } else { ("disable", "off") };
        let repeat = |why: String| {
            let what = format!("whether its key is {word} is not known ({why})");
            KeyError::Repeat { what, path: path.to_string(), again: format!("covault key {again} {path}") }
        };
        let missing =
            || KeyError::Missing { path: path.to_string(), provider: provider.capabilities().title.to_owned() };
        let asked = match switching.set_enabled(id, on) {
            Ok(None) => return Err(missing().into()),
            Ok(Some(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        let mut wait = Duration::from_millis(250).min(self.patience / 4);
        let mut waited = Duration::ZERO;
        loop {
            let seen = inspect.get(id).map_err(|error| repeat(error.to_string()))?.ok_or_else(missing)?;
            match &asked {
                _ if seen.disabled != on => return Ok(()),
                Some(why) => return Err(repeat(why.clone()).into()),
                None if waited >= self.patience => {
                    return Err(repeat("the provider still shows it as before".to_owned()).into());
                }
                None => {}
            }
            (self.sleep)(wait);
            waited = waited.saturating_add(wait.max(Duration::from_millis(1)));
            wait = wait.saturating_mul(2).min(Duration::from_secs(10));
        }
    }
}
