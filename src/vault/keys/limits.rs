//! `limits`: what a key may spend, changed in the record and then at the provider.
//!
//! **The order.** The record is committed first, so that a crash in between shows as drifted, to everybody, and the same
//! command, which sets what is not as the record says, mends it. At the provider what tightens comes first and what
//! loosens last, a guardrail before the key's own limit: at no time is more allowed than before or afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, Managed};
use super::begin::layers;
use super::desk::Desk;
use super::hold::{self, Target};
use super::usage::again;
use super::{KeyError, guardrail};
use crate::model::keys::alert::Threshold;
use crate::model::keys::intent::KeyName;
use crate::model::keys::limit::{Layer, Limit, Limits, Window};
use crate::model::keys::record::{KeyRecord, RemoteId};
use crate::model::names::SecretPath;
use crate::providers::{Guard, Provider, ProviderError};
use crate::vault::{Vault, VaultError};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Limiting {
    /// The secret.
    pub path: SecretPath,
    /// All its limits; `None` leaves them, and nothing is asked of the provider.
    pub limits: Option<Limits>,
    /// All its alerts; `None` leaves them.
    pub alerts: Option<BTreeSet<Threshold>>,
    /// Why; empty leaves what it says.
    pub reason: String,
}

/// The limits of a key.
#[derive(Debug, Clone)]
pub struct Limited {
    /// Who issued it.
    pub provider: &'static str,
    /// What it may spend.
    pub limits: Limits,
    /// What of that is left to it by the keys before it.
    pub held: Limits,
    /// Who holds which.
    pub layers: BTreeMap<Window, Layer>,
    /// When somebody wants to be told.
    pub alerts: BTreeSet<Threshold>,
    /// What was set at the provider, or would be.
    pub done: Vec<String>,
    /// The last commit, where the record changed.
    pub commit: Option<String>,
    /// Nothing was done.
    pub dry_run: bool,
}

/// A limit at the provider, as it is and as it is to be.
#[derive(Clone, Copy)]
struct Turn {
    there: Option<Limit>,
    here: Option<Limit>,
}

impl Turn {
    /// Whether it allows less, or as much, of everything.
    fn tightens(self) -> bool {
        match (self.there, self.here) {
            (None, Some(_)) => true,
            (Some(there), Some(here)) => there.window == here.window && here.amount <= there.amount,
            _ => false,
        }
    }

    fn differs(self) -> bool {
        self.there != self.here
    }
}

impl Desk<'_> {
    /// The limits of a key, by its record.
    ///
    /// # Errors
    /// `NotIssued`, and those of reading.
    pub fn limits(&self, path: &SecretPath) -> Result<Limited, VaultError> {
        let one = self.managed(&self.vault()?, path)?;
        Ok(self.limited(&one, &one.record, Vec::new(), None))
    }

    /// Changes limits and alerts.
    ///
    /// # Errors
    /// `NotIssued`, `Open`, `Missing`, `Repeat` where the record says what the provider does not have yet.
    pub fn limit(&self, wanted: &Limiting) -> Result<Limited, VaultError> {
        let vault = self.at_rest(&wanted.path)?;
        let mut one = self.managed(&vault, &wanted.path)?;
        let Some(limits) = &wanted.limits else {
            let next = KeyRecord {
                alerts: wanted.alerts.clone().unwrap_or_else(|| one.record.alerts.clone()),
                ..one.record.clone()
            };
            let commit = self.write_down(wanted, &next)?;
            return Ok(self.limited(&one, &next, Vec::new(), commit));
        };
        if one.provider.key_windows.is_empty() {
            let provider = one.provider.title.to_owned();
            return Err(KeyError::Cannot { provider, what: "limit what a key spends" }.into());
        }
        let provider = self.provider(&vault, one.provider.name)?;
        let account = self.look(provider.as_ref(), true)?;
        let known = one.record.id.clone().filter(|id| account.keys.contains_key(id));
        let missing = || KeyError::Missing { path: wanted.path.to_string(), provider: one.provider.title.to_owned() };
        let id = known.ok_or_else(missing)?;
        // Before anything is noted: what is another one's key is not limited by this record.
        if let Some(key) = account.keys.get(&id) {
            vault.check_claim(&wanted.path, &one.record.intent, key)?;
        }
        one.refresh(&account);
        let mut next = KeyRecord {
            limits: limits.clone(),
            layers: self.possible_layers(provider.as_ref(), &one, &account, limits),
            alerts: wanted.alerts.clone().unwrap_or_else(|| one.record.alerts.clone()),
            ..one.record.clone()
        };
        if next.limits != one.record.limits {
            next.first = next.held(&one.retired, self.now());
        }
        if self.how.dry_run {
            let done = self.plan(&one, &next, &account, &id);
            return Ok(self.limited(&one, &next, done, None));
        }
        let mut commit = self.write_down(wanted, &next)?;
        let mut done = Vec::new();
        let name = KeyName::new(vault.roster().vault, wanted.path.clone(), next.generation, next.intent.clone());
        let mut applied =
            self.apply(&vault, provider.as_ref(), &one, &mut next, &account, &name.to_string(), &mut done);
        if let Err(VaultError::Key(KeyError::Provider(error))) = &applied
            && error.is_unavailable()
            && let Some(window) = guardrail::window_of(&next.layers)
        {
            self.without_guardrail(error, window, &mut next.layers);
            applied = self.apply(&vault, provider.as_ref(), &one, &mut next, &account, &name.to_string(), &mut done);
        }
        let command = format!("covault key limits {} --apply", wanted.path);
        applied.map_err(|error| again(wanted.path.as_str(), error, "it is noted, and not set there yet", &command))?;
        commit = self.write_down(wanted, &next)?.or(commit);
        Ok(self.limited(&one, &next, done, commit))
    }

    fn managed(&self, vault: &Vault, path: &SecretPath) -> Result<Managed, VaultError> {
        let found = vault.records(std::slice::from_ref(path))?.managed.into_iter().next();
        Ok(found.ok_or_else(|| KeyError::NotIssued(path.to_string()))?)
    }

    fn limited(&self, one: &Managed, record: &KeyRecord, done: Vec<String>, commit: Option<String>) -> Limited {
        Limited {
            provider: one.provider.name,
            limits: record.limits.clone(),
            held: record.held(&one.retired, self.now()),
            layers: record.layers.clone(),
            alerts: record.alerts.clone(),
            done,
            commit,
            dry_run: self.how.dry_run,
        }
    }

    /// The record as it is to be, as a commit where that changes it.
    fn write_down(&self, wanted: &Limiting, next: &KeyRecord) -> Result<Option<String>, VaultError> {
        let message = format!("covault: limits of {}", wanted.path);
        let report = self.change_record(&wanted.path, &next.intent, &message, &|record| {
            let before = record.clone();
            (record.limits, record.first) = (next.limits.clone(), next.first.clone());
            (record.layers, record.guardrail) = (next.layers.clone(), next.guardrail.clone());
            record.alerts = next.alerts.clone();
            if *record != before && !wanted.reason.is_empty() {
                record.reason = wanted.reason.clone();
            }
        })?;
        Ok(report.and_then(|report| report.commit))
    }

    /// Who is to hold which limit in this account.
    fn possible_layers(
        &self,
        provider: &dyn Provider,
        one: &Managed,
        account: &Account,
        limits: &Limits,
    ) -> BTreeMap<Window, Layer> {
        let mut layers = layers(limits, one.provider);
        let Some(window) = guardrail::window_of(&layers) else {
            return layers;
        };
        let refused = provider.guarding().and_then(|guard| guard.guardrails().err());
        if let Some(error) = refused.filter(ProviderError::is_unavailable) {
            self.without_guardrail(&error, window, &mut layers);
            return layers;
        }
        let assigned = one.record.id.as_ref().and_then(|id| account.assigned.get(id));
        let foreign =
            assigned.filter(|id| one.record.guardrail.as_ref() != Some(*id)).and_then(|id| account.guardrails.get(id));
        if let Some(guardrail) = foreign.filter(|guardrail| KeyName::parse(&guardrail.name).is_none()) {
            (self.say)(&format!(
                "the key has somebody's own guardrail ({:?}), which stays; covault key usage holds the limit of a {window}",
                guardrail.name
            ));
            layers.insert(window, Layer::Client);
        }
        layers
    }

    fn without_guardrail(&self, error: &ProviderError, window: Window, layers: &mut BTreeMap<Window, Layer>) {
        (self.say)(&format!(
            "{error}: no guardrail holds the limit of a {window}; covault key usage does, as of each time that it is run"
        ));
        layers.insert(window, Layer::Client);
    }

    /// What would be set.
    fn plan(&self, one: &Managed, next: &KeyRecord, account: &Account, id: &RemoteId) -> Vec<String> {
        let (own, guardrail) = turns(one, account, id, &self.target(one, next, account, id));
        let said = |what: &str, turn: Turn| turn.differs().then(|| described(what, turn));
        said("its guardrail", guardrail).into_iter().chain(said("its own limit", own)).collect()
    }

    fn target(&self, one: &Managed, next: &KeyRecord, account: &Account, id: &RemoteId) -> Target {
        let now = self.now();
        let usage = account.keys.get(id).map(|key| key.usage).unwrap_or(crate::model::keys::usage::Usage::none(now));
        hold::target(next, &one.retired, &usage, now)
    }

    /// Sets at the provider what the next record says, and looks whether it is so.
    #[allow(clippy::too_many_arguments, reason = "the two ends of one change")]
    fn apply(
        &self,
        vault: &Vault,
        provider: &dyn Provider,
        one: &Managed,
        next: &mut KeyRecord,
        account: &Account,
        name: &str,
        done: &mut Vec<String>,
    ) -> Result<(), VaultError> {
        let Some(id) = one.record.id.clone() else { return Ok(()) };
        let target = self.target(one, next, account, &id);
        let (own, guardrail) = turns(one, account, &id, &target);
        let mut watched = self.home.watched(vault.roster().vault);
        let seen = watched.entry(&next.intent);
        (seen.own, seen.guardrail) = (target.own.map(|limit| limit.amount), target.guardrail.map(|limit| limit.amount));
        self.home.remember_watched(vault.roster().vault, &watched);
        let mut steps = [(guardrail, true), (own, false)];
        // Stable: the guardrail stays before the key's own limit among equals.
        steps.sort_by_key(|(turn, _)| !turn.tightens());
        for (turn, is_guardrail) in steps.into_iter().filter(|(turn, _)| turn.differs()) {
            match (is_guardrail, turn.here) {
                (true, None) => continue,
                (true, Some(limit)) => {
                    let Some(guard) = provider.guarding() else { continue };
                    next.guardrail = Some(put_guardrail(guard, one, account, &id, name, limit)?);
                    done.push(described("its guardrail", turn));
                }
                (false, limit) => {
                    let Some(limiting) = provider.limiting() else { continue };
                    limiting.set_limit(&id, limit).map_err(KeyError::Provider)?;
                    done.push(described("its own limit", turn));
                }
            }
        }
        // What is not wanted any more goes last of all.
        if target.guardrail.is_none()
            && let Some((_, old)) = provider.guarding().zip(one.record.guardrail.clone())
        {
            self.delete_guardrail_of(provider, &old, &next.intent)?;
            next.guardrail = None;
            if guardrail.differs() {
                done.push(described("its guardrail", guardrail));
            }
        }
        self.confirm(provider, &one.path, next, &id, &target)
    }

    /// Whether the provider has what was set.
    fn confirm(
        &self,
        provider: &dyn Provider,
        path: &SecretPath,
        next: &KeyRecord,
        id: &RemoteId,
        target: &Target,
    ) -> Result<(), VaultError> {
        let Some(inspect) = provider.inspecting() else { return Ok(()) };
        let own = inspect.get(id).map_err(KeyError::Provider)?.and_then(|key| key.limit);
        let assigned = match provider.guarding().filter(|_| target.guardrail.is_some()) {
            Some(guard) => guard.guardrail_of(id).map_err(KeyError::Provider)? == next.guardrail,
            None => true,
        };
        if own == target.own && assigned {
            return Ok(());
        }
        let path = path.to_string();
        let what = "the provider does not show the new limits".to_owned();
        Err(KeyError::Repeat { again: format!("covault key limits {path} --apply"), path, what }.into())
    }
}

fn turns(one: &Managed, account: &Account, id: &RemoteId, target: &Target) -> (Turn, Turn) {
    let own = Turn { there: account.keys.get(id).and_then(|key| key.limit), here: target.own };
    let ours = one.record.guardrail.as_ref().filter(|guardrail| account.assigned.get(id) == Some(*guardrail));
    let there = ours.and_then(|guardrail| account.guardrails.get(guardrail)).and_then(|guardrail| guardrail.limit);
    (own, Turn { there, here: target.guardrail })
}

fn described(what: &str, turn: Turn) -> String {
    let spelled = |limit: Option<Limit>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    format!("{what}: {}, after {}", spelled(turn.here), spelled(turn.there))
}

/// Makes the guardrail, or changes it, and assigns it.
fn put_guardrail(
    guard: &dyn Guard,
    one: &Managed,
    account: &Account,
    id: &RemoteId,
    name: &str,
    limit: Limit,
) -> Result<RemoteId, KeyError> {
    let known = |guardrail: &&crate::providers::Guardrail| {
        let named = KeyName::parse(&guardrail.name).is_some_and(|named| named.intent == one.record.intent);
        guardrail.name == name || named && one.record.guardrail.as_ref() == Some(&guardrail.id)
    };
    let guardrail = guardrail::put(guard, account.guardrails.values().find(known).cloned(), name, limit)?;
    if account.assigned.get(id) != Some(&guardrail.id) {
        guard.assign(&guardrail.id, id)?;
    }
    Ok(guardrail.id)
}
