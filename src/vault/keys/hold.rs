//! Holding limits from outside: what a key's own limit and its guardrail are to be now, and where the provider has
//! something else. Setting it is safe to repeat; what a person set by hand is not undone.
//!
//! A limit that no provider holds is held by the key's own one: it is kept at what the key spent in its own window and
//! may still spend. Where nothing is left the key is switched off, and on again when the window has ended.

use std::collections::BTreeMap;

use super::KeyError;
use super::account::{Account, Managed};
use super::drift::Drift;
use crate::home::{Watched, WatchedKey};
use crate::model::keys::amount::Amount;
use crate::model::keys::limit::{Layer, Limit, Limits, Window};
use crate::model::keys::record::{KeyRecord, Retired, Standing};
use crate::model::keys::usage::Usage;
use crate::model::time::Time;
use crate::providers::{Provider, RemoteKey};
use crate::vault::VaultError;

/// What is to be at the provider now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The key's own limit.
    pub(super) own: Option<Limit>,
    /// The guardrail's.
    pub(super) guardrail: Option<Limit>,
    /// Nothing is left of a limit that only Covault holds.
    pub(super) off: bool,
}

/// What is to be, for a key that has spent so much itself.
pub(super) fn target(record: &KeyRecord, retired: &[Retired], usage: &Usage, now: Time) -> Target {
    of_held(&record.held(retired, now), &record.layers, usage, now)
}

/// The same by what the keys before it have left of its limits, for a key that may be none yet.
pub(super) fn of_held(held: &Limits, layers: &BTreeMap<Window, Layer>, usage: &Usage, now: Time) -> Target {
    let limit = |window: &Window| held.get(*window).map(|amount| Limit { amount, window: *window });
    let by = |layer: Layer| layers.iter().filter(move |(_, by)| **by == layer).filter_map(|(w, _)| limit(w));
    let left = by(Layer::Client).map(|limit| (limit.amount - usage.within(limit.window, now)).as_limit()).min();
    let own = by(Layer::Key).next().map(|limit| match left {
        Some(left) => {
            let most = (usage.within(limit.window, now) + left).as_limit();
            Limit { amount: limit.amount.min(most), window: limit.window }
        }
        None => limit,
    });
    Target { own, guardrail: by(Layer::Guardrail).next(), off: left == Some(Amount::ZERO) }
}

/// What we may have set for a window at some time: anything else was set by somebody.
fn is_ours(
    amount: Amount,
    window: Window,
    record: &KeyRecord,
    retired: &[Retired],
    set: Option<Amount>,
    now: Time,
) -> bool {
    let known = [record.first.get(window), record.limits.get(window), record.held(retired, now).get(window), set];
    known.contains(&Some(amount))
}

/// Where the provider has something else than the record says, in words.
pub(super) fn drift(
    managed: &Managed,
    remote: &RemoteKey,
    account: &Account,
    seen: &WatchedKey,
    now: Time,
) -> Vec<Drift> {
    let Managed { record, retired, .. } = managed;
    let target = target(record, retired, &remote.usage, now);
    let mut found = Vec::new();
    let spelled = |limit: Option<Limit>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    let same = match (remote.limit, target.own) {
        (Some(there), Some(here)) => {
            there == here
                || there.window == here.window && is_ours(there.amount, there.window, record, retired, seen.own, now)
        }
        (there, here) => there == here,
    };
    if !same {
        let what = format!("its own limit is {} there, not {}", spelled(remote.limit), spelled(target.own));
        found.push(Drift::Limit(what));
    }
    if let Some(wanted) = target.guardrail {
        found.extend(guardrail_drift(managed, remote, account, seen, wanted, now).map(Drift::Limit));
    }
    match (record.standing, remote.disabled) {
        // Whichever machine switched it off, as its limit is spent: what it has spent says so to all of them.
        (Standing::Active, true) if !seen.off && !target.off => found.push(Drift::Off),
        (Standing::Disabled, false) => found.push(Drift::On),
        _ => {}
    }
    if record.expires.map(Time::unix) != remote.expires.map(Time::unix) {
        found.push(Drift::Ends { there: remote.expires, here: record.expires });
    }
    found
}

fn guardrail_drift(
    managed: &Managed,
    remote: &RemoteKey,
    account: &Account,
    seen: &WatchedKey,
    wanted: Limit,
    now: Time,
) -> Option<String> {
    let Managed { record, retired, .. } = managed;
    let assigned = record.guardrail.as_ref().filter(|id| account.assigned.get(&remote.id) == Some(*id));
    let there = assigned.and_then(|id| account.guardrails.get(id)).and_then(|guardrail| guardrail.limit);
    match there {
        None => Some(format!("no guardrail holds {wanted} there")),
        Some(there) if there == wanted => None,
        Some(there)
            if there.window == wanted.window
                && is_ours(there.amount, there.window, record, retired, seen.guardrail, now) =>
        {
            None
        }
        Some(there) => Some(format!("its guardrail holds {there}, not {wanted}")),
    }
}

/// Sets what is to be, where that is ours to set; says what was set. `keep` writes down what this machine is about to do.
pub(super) fn hold(
    provider: &dyn Provider,
    managed: &Managed,
    account: &mut Account,
    watched: &mut Watched,
    keep: &dyn Fn(&Watched) -> Result<(), VaultError>,
    now: Time,
) -> Result<Vec<String>, VaultError> {
    let Managed { record, retired, .. } = managed;
    let Some(id) = record.id.as_ref().filter(|_| record.standing == Standing::Active) else { return Ok(Vec::new()) };
    let Some(remote) = account.keys.get_mut(id) else { return Ok(Vec::new()) };
    let target = target(record, retired, &remote.usage, now);
    let mut done = Vec::new();
    if let Some((there, here)) = remote.limit.zip(target.own)
        && there != here
        && there.window == here.window
        && let Some(limiting) = provider.limiting()
    {
        let clamps = record.layers.values().any(|layer| *layer == Layer::Client) && here.amount < there.amount;
        if clamps || is_ours(there.amount, there.window, record, retired, watched.get(&record.intent).own, now) {
            // Written down first: what is ours is recognised by it.
            watched.entry(&record.intent).own = Some(here.amount);
            keep(watched)?;
            *remote = limiting.set_limit(id, Some(here)).map_err(KeyError::Provider)?;
            done.push(format!("its own limit is {here} now, after {there}"));
        }
    }
    let guardrail = record.guardrail.as_ref().filter(|guardrail| account.assigned.get(id) == Some(*guardrail));
    if let Some(guardrail) = guardrail
        && let Some(found) = account.guardrails.get_mut(guardrail)
        && let Some((there, here)) = found.limit.zip(target.guardrail)
        && there != here
        && there.window == here.window
        && let Some(guard) = provider.guarding()
        && is_ours(there.amount, there.window, record, retired, watched.get(&record.intent).guardrail, now)
    {
        watched.entry(&record.intent).guardrail = Some(here.amount);
        keep(watched)?;
        *found = guard.change_guardrail(guardrail, here).map_err(KeyError::Provider)?;
        done.push(format!("its guardrail holds {here} now, after {there}"));
    }
    done.extend(switch_on_again(provider, remote, &target, watched.entry(&record.intent))?);
    if target.off
        && !remote.disabled
        && let Some(switching) = provider.switching()
    {
        watched.entry(&record.intent).off = true;
        keep(watched)?;
        if let Some(key) = switching.set_enabled(id, false).map_err(KeyError::Provider)? {
            *remote = key;
        }
        done.push("it is switched off until a limit that it has spent counts anew".to_owned());
    }
    Ok(done)
}

/// Switches a key on again that we switched off, when its limit leaves something again.
fn switch_on_again(
    provider: &dyn Provider,
    remote: &mut RemoteKey,
    target: &Target,
    seen: &mut WatchedKey,
) -> Result<Option<String>, KeyError> {
    if target.off || !seen.off {
        return Ok(None);
    }
    let mut done = None;
    if remote.disabled
        && let Some(switching) = provider.switching()
    {
        if let Some(key) = switching.set_enabled(&remote.id, true)? {
            *remote = key;
        }
        done = Some("it is switched on again".to_owned());
    }
    seen.off = false;
    Ok(done)
}
