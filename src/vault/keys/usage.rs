//! `usage`: what keys have spent of their limits, by one look at the account; limits are held on the way, and who wants
//! to be told is told once.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, Managed};
use super::desk::Desk;
use super::drift::Drift;
use super::{KeyError, hold};
use crate::home::{Watched, WatchedKey};
use crate::model::bytes::Hash;
use crate::model::keys::alert::Threshold;
use crate::model::keys::amount::Amount;
use crate::model::keys::limit::{Layer, Limit, Window};
use crate::model::keys::record::Standing;
use crate::model::keys::usage::{Usage, began, resets};
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::providers::Provider;
use crate::vault::{Vault, VaultError};

/// Which share of a limit is near it, where nobody said.
const NEAR: u32 = 80;

/// What is known where nothing was answered.
pub(super) const LAST: &str = "what is known is from the last look";
/// What is known where something was not set.
const HELD: &str = "its limits may not be held";

/// How a key, or one limit of it, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyStatus {
    /// As it should be.
    Ok,
    /// Switched off, as its record says.
    Off,
    /// An alert's threshold is reached, or 80 percent.
    Near,
    /// The provider has something else than the record says.
    Drifted,
    /// A limit is spent.
    Over,
    /// It ended by itself.
    Expired,
    /// The provider does not know it.
    Gone,
    /// The provider could not be asked.
    Unknown,
}

impl KeyStatus {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Off => "off",
            Self::Near => "near",
            Self::Drifted => "drifted",
            Self::Over => "over",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// What is spent of one limit.
#[derive(Debug, Clone)]
pub struct LimitUse {
    /// The limit.
    pub limit: Limit,
    /// Who holds it.
    pub layer: Layer,
    /// What was spent in its window, by all keys of the secret.
    pub spent: Amount,
    /// What is left; below zero where more was spent.
    pub left: Amount,
    /// When it counts anew.
    pub resets: Option<Time>,
    /// How it stands.
    pub status: KeyStatus,
}

impl LimitUse {
    /// How many percent of it are spent, rounded down; nothing is all of a limit of nothing.
    pub fn percent(&self) -> u64 {
        self.spent.percent_of(self.limit.amount).unwrap_or(100)
    }

    /// Whether so much of it is spent.
    pub fn has_reached(&self, threshold: Threshold) -> bool {
        self.spent >= self.limit.amount.percent(threshold.percent())
    }
}

/// What a key has spent.
#[derive(Debug, Clone)]
pub struct KeyUsage {
    /// The secret.
    pub path: SecretPath,
    /// Who issued it.
    pub provider: &'static str,
    /// Which key it is of the secret.
    pub generation: u64,
    /// What it spent in the current windows, with the keys before it; `None` where nobody has ever looked.
    pub usage: Option<Usage>,
    /// When that was asked for.
    pub as_of: Option<Time>,
    /// Of each limit.
    pub limits: Vec<LimitUse>,
    /// How it stands, the worst of it.
    pub status: KeyStatus,
    /// How the key itself stands, whatever it spent.
    pub standing: KeyStatus,
    /// Where the provider has something else than the record says.
    pub drift: Vec<Drift>,
    /// What was set to hold its limits.
    pub done: Vec<String>,
}

/// Somebody wants to be told.
#[derive(Debug, Clone)]
pub struct Alert {
    /// The secret.
    pub path: SecretPath,
    /// Who issued the key.
    pub provider: &'static str,
    /// Which limit.
    pub limit: Limit,
    /// Which share of it is spent.
    pub threshold: Threshold,
    /// What is spent of it.
    pub spent: Amount,
    /// When it counts anew.
    pub resets: Option<Time>,
    /// How it is remembered that this was told.
    told: String,
}

/// All of it.
#[derive(Debug)]
pub struct Watch {
    /// The vault that was looked at.
    vault: Hash,
    /// By secret.
    pub keys: Vec<KeyUsage>,
    /// What is to be told now, and each time until [`Desk::told`] says that it was.
    pub alerts: Vec<Alert>,
    /// What could not be asked, set or read.
    pub failed: Vec<VaultError>,
}

impl Desk<'_> {
    /// Looks at what keys have spent, holds their limits, and says of whom to tell. All keys where none is named.
    ///
    /// # Errors
    /// Those of reading secrets that are named; what a provider did not answer stands beside the figures.
    pub fn usage(&self, names: &[SecretPath]) -> Result<Watch, VaultError> {
        let (vault, now) = (self.vault()?, self.now());
        let records = vault.records(names)?;
        let mut managed = records.managed;
        if let Some(one) = managed.iter().find(|one| !one.provider.reports_usage && !names.is_empty()) {
            let (provider, what) = (one.provider.title.to_owned(), "tell what keys have spent");
            return Err(KeyError::Cannot { provider, what }.into());
        }
        let worth_asking = |one: &Managed| one.provider.reports_usage && one.record.standing != Standing::Gone;
        managed.retain(|one| !names.is_empty() || worth_asking(one));
        let mut failed: Vec<VaultError> = records.refused.into_iter().map(|(_, error)| error).collect();
        let mut watched = self.home.watched(vault.roster().vault);
        let mut keys = Vec::new();
        for mut account in self.accounts(&vault, &managed, &mut failed) {
            for one in managed.iter_mut().filter(|one| one.provider.name == account.name) {
                let (key, error) = self.look_at(&vault, one, &mut account.seen, &mut watched, now);
                keys.push(key);
                failed.extend(error);
            }
        }
        keys.sort_by(|a, b| a.path.cmp(&b.path));
        let vault = vault.roster().vault;
        let alerts = due(&managed, &keys, &mut watched, now);
        if names.is_empty() {
            watched.keep_only(|intent| {
                let old = |one: &Managed| one.retired.iter().any(|old| old.intent == *intent);
                managed.iter().any(|one| one.record.intent == *intent || old(one))
            });
        }
        if !self.how.dry_run {
            // Who cannot remember tells the same again; the figures are good all the same.
            failed.extend(self.home.set_watched(vault, &watched).err().map(VaultError::from));
        }
        Ok(Watch { vault, keys, alerts, failed })
    }

    /// Remembers that somebody was told: not before, or what ends in between would have told nobody.
    ///
    /// # Errors
    /// Where this machine cannot remember.
    pub fn told(&self, watch: &Watch, alert: &Alert) -> Result<(), VaultError> {
        let mut watched = self.home.watched(watch.vault);
        watched.tell(&alert.told);
        Ok(self.home.set_watched(watch.vault, &watched)?)
    }

    /// A look at the account of each provider that one of the keys is from.
    fn accounts(&self, vault: &Vault, managed: &[Managed], failed: &mut Vec<VaultError>) -> Vec<Seen> {
        let guarded = |one: &Managed| one.record.layers.values().any(|layer| *layer == Layer::Guardrail);
        let mut wanted: BTreeMap<&'static str, bool> = BTreeMap::new();
        for one in managed {
            *wanted.entry(one.provider.name).or_default() |= guarded(one);
        }
        let look = |(name, guarded): (&'static str, bool)| {
            let seen = self.provider(vault, name).and_then(|provider| {
                let account = self.look(provider.as_ref(), guarded)?;
                Ok((provider, account))
            });
            let seen = seen.map_err(|error| failed.push(again(name, error, LAST, "covault key usage"))).ok();
            Seen { name, seen }
        };
        wanted.into_iter().map(look).collect()
    }

    fn look_at(
        &self,
        vault: &Vault,
        one: &mut Managed,
        seen: &mut Option<(Box<dyn Provider>, Account)>,
        watched: &mut Watched,
        now: Time,
    ) -> (KeyUsage, Option<VaultError>) {
        let mut error = None;
        let (mut done, mut drift) = (Vec::new(), Vec::new());
        let last = watched.get(&one.record.intent);
        let mut standing = KeyStatus::Unknown;
        let mut own = last.usage;
        if let Some((provider, account)) = seen {
            one.refresh(account);
            let found = one.record.id.as_ref().and_then(|id| account.keys.get(id));
            standing = KeyStatus::Gone;
            if let Some((usage, expires)) = found.map(|key| (key.usage, key.expires)) {
                own = Some(usage);
                watched.entry(&one.record.intent).usage = own;
                let keep = |watched: &Watched| Ok(self.home.set_watched(vault.roster().vault, watched)?);
                let claim = found.map(|key| vault.check_claim(&one.path, &one.record.intent, key));
                if let Some(Err(problem)) = claim {
                    error = Some(problem);
                } else if !self.how.dry_run {
                    match hold::hold(provider.as_ref(), one, account, watched, &keep, now) {
                        Ok(set) => done = set,
                        Err(problem) => error = Some(again(one.provider.name, problem, HELD, "covault key usage")),
                    }
                }
                drift = drift_of(one, account, &watched.get(&one.record.intent), now);
                standing = match drift.is_empty() {
                    _ if expires.is_some_and(|end| end <= now) => KeyStatus::Expired,
                    false => KeyStatus::Drifted,
                    true if one.record.standing == Standing::Disabled => KeyStatus::Off,
                    true => KeyStatus::Ok,
                };
            }
        }
        let usage = own.map(|own| sum(one, own, now));
        let limits = limits_of(one, usage.as_ref(), now);
        let status = limits.iter().map(|limit| limit.status).chain([standing]).max().unwrap_or(standing);
        let key = KeyUsage {
            path: one.path.clone(),
            provider: one.provider.name,
            generation: one.record.generation,
            usage,
            as_of: own.map(|own| own.as_of),
            limits,
            status,
            standing,
            drift,
            done,
        };
        (key, error)
    }
}

/// One provider's account, where it could be asked.
struct Seen {
    name: &'static str,
    seen: Option<(Box<dyn Provider>, Account)>,
}

/// Where the provider has something else than the record says.
pub(super) fn drift_of(one: &Managed, account: &Account, seen: &WatchedKey, now: Time) -> Vec<Drift> {
    let remote = one.record.id.as_ref().and_then(|id| account.keys.get(id));
    remote.map(|remote| hold::drift(one, remote, account, seen, now)).unwrap_or_default()
}

/// With the keys before it, those whose records are not kept any more among them.
fn sum(one: &Managed, own: Usage, now: Time) -> Usage {
    let mut sum = own.with(&Usage::none(own.as_of), now);
    for old in one.retired.iter().filter_map(|old| old.usage) {
        sum = sum.with(&old, now);
    }
    Usage { total: sum.total + one.record.before, as_of: now, ..sum }
}

fn limits_of(one: &Managed, usage: Option<&Usage>, now: Time) -> Vec<LimitUse> {
    let alerts = &one.record.alerts;
    let near = |spent: Amount, limit: Amount| {
        let lowest = alerts.first().map_or(NEAR, |threshold| threshold.percent().min(NEAR));
        spent >= limit.percent(lowest)
    };
    let of = |limit: Limit| {
        let spent = usage?.within(limit.window, now);
        let status = match () {
            () if spent >= limit.amount => KeyStatus::Over,
            () if near(spent, limit.amount) => KeyStatus::Near,
            () => KeyStatus::Ok,
        };
        Some(LimitUse {
            limit,
            layer: one.record.layers.get(&limit.window).copied().unwrap_or(Layer::Client),
            spent,
            left: limit.amount - spent,
            resets: resets(limit.window, now),
            status,
        })
    };
    one.record.limits.iter().filter_map(of).collect()
}

/// Of whom to tell now: each threshold of each limit once in its period.
fn due(managed: &[Managed], keys: &[KeyUsage], watched: &mut Watched, now: Time) -> Vec<Alert> {
    let period = |window: Window| began(window, now).map_or(0, Time::unix);
    let still = |told: &str| {
        let mut words = told.rsplit(' ');
        let at = words.next().and_then(|at| at.parse::<i64>().ok());
        let limit = words.nth(1).and_then(|limit| limit.parse::<Limit>().ok());
        limit.is_some_and(|limit| at == Some(period(limit.window)))
    };
    watched.forget_told(still);
    let mut alerts = Vec::new();
    for key in keys.iter().filter(|key| key.standing != KeyStatus::Unknown) {
        let one = managed.iter().find(|one| one.path == key.path);
        let thresholds: BTreeSet<Threshold> = one.map(|one| one.record.alerts.clone()).unwrap_or_default();
        for limit in &key.limits {
            for threshold in thresholds.iter().filter(|threshold| limit.has_reached(**threshold)) {
                let told = format!("{} {} {threshold} {}", key.path, limit.limit, period(limit.limit.window));
                if !watched.was_told(&told) {
                    alerts.push(Alert {
                        path: key.path.clone(),
                        provider: key.provider,
                        limit: limit.limit,
                        threshold: *threshold,
                        spent: limit.spent,
                        resets: limit.resets,
                        told,
                    });
                }
            }
        }
    }
    alerts
}

/// What failed at a provider is tried again by the same command.
pub(super) fn again(about: &str, error: VaultError, known: &str, command: &str) -> VaultError {
    match error {
        VaultError::Key(KeyError::Provider(error)) if error.status().is_none_or(|status| status >= 408) => {
            let (path, what) = (about.to_owned(), format!("{error}; {known}"));
            KeyError::Repeat { path, what, again: command.to_owned() }.into()
        }
        error => error,
    }
}
