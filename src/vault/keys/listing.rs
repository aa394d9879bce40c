//! `ls`: what the vault has records of and what the account has, side by side. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, Managed};
use super::desk::{Desk, management_path};
use super::drift::mends;
use super::settle::records_of;
use super::usage::{again, drift_of};
use super::{Capabilities, KeyError};
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::operation::Operation;
use crate::model::keys::record::{RemoteId, Retired, Standing};
use crate::model::keys::usage::Usage;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::providers::{KNOWN, RemoteKey};
use crate::vault::{Vault, VaultError};

/// What is known where nothing was answered.
const RECORDS: &str = "what is known is what the records say";

/// How often a secret may have moved.
const MOVES: usize = 16;

/// How a key stands between vault and account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is in both, and the same.
    Ok,
    /// It is switched off, as its record says.
    Off,
    /// It ended by itself.
    Expired,
    /// The account has something else than the record says.
    Drifted,
    /// It has a record, and the account does not know it.
    Missing,
    /// It was taken away.
    Gone,
    /// Something is under way for it.
    Open,
    /// Whether it is gone is to be found out, or to be done by hand.
    Unconfirmed,
    /// It was replaced, and is still there.
    Retired,
    /// It is ours by its name, and newer than what is checked out here knows.
    Newer,
    /// It is ours by its name, and no record says so.
    Orphan,
    /// It is ours by its name, for a secret that one does not read.
    Hidden,
    /// It is another vault's, by its name.
    OtherVault,
    /// Somebody made it elsewhere.
    Unmanaged,
    /// The provider could not be asked.
    Unknown,
}

impl Found {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Off => "off",
            Self::Expired => "expired",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Gone => "gone",
            Self::Open => "open",
            Self::Unconfirmed => "to be confirmed",
            Self::Retired => "retired",
            Self::Newer => "newer",
            Self::Orphan => "orphan",
            Self::Hidden => "hidden",
            Self::OtherVault => "other vault",
            Self::Unmanaged => "unmanaged",
            Self::Unknown => "unknown",
        }
    }
}

/// One key.
#[derive(Debug, Clone)]
pub struct ListedKey {
    /// The secret that it is of, by its record or its name.
    pub path: Option<SecretPath>,
    /// Who issued it.
    pub provider: &'static str,
    /// Which key it is of that secret.
    pub generation: Option<u64>,
    /// What the provider calls it.
    pub id: Option<RemoteId>,
    /// Its name there.
    pub name: String,
    /// How the provider masks it.
    pub label: String,
    /// What it spent, where the account has it.
    pub usage: Option<Usage>,
    /// How it stands.
    pub found: Found,
    /// What is to be known or done about it.
    pub notes: Vec<String>,
}

/// All keys.
#[derive(Debug)]
pub struct KeyListing {
    /// Those with a record first, by secret; then what else the accounts have.
    pub keys: Vec<ListedKey>,
    /// What could not be asked or read.
    pub failed: Vec<VaultError>,
}

/// What the account's keys are compared with.
struct Known<'a> {
    vault: &'a Vault,
    ops: &'a [Operation],
    hidden: &'a [SecretPath],
    provider: &'static Capabilities,
}

impl Desk<'_> {
    /// Lists the keys of all providers that this vault has to do with, or of one.
    ///
    /// # Errors
    /// `UnknownProvider`, and those of reading the vault; what a provider did not answer stands beside.
    pub fn list_keys(&self, only: Option<&str>) -> Result<KeyListing, VaultError> {
        let vault = self.vault()?;
        if let Some(name) = only {
            Capabilities::named(name).ok_or_else(|| KeyError::UnknownProvider(name.to_owned()))?;
        }
        let records = vault.records(&[])?;
        let mut failed: Vec<VaultError> = records.refused.into_iter().map(|(_, error)| error).collect();
        let ops = vault.operations()?;
        let mut managed = records.managed;
        let (mut keys, mut others, mut asked) = (Vec::new(), Vec::new(), false);
        for provider in KNOWN.iter().filter(|known| only.is_none_or(|only| only == known.name)) {
            let mut ours: Vec<&mut Managed> =
                managed.iter_mut().filter(|one| one.provider.name == provider.name).collect();
            let known = Known { vault: &vault, ops: &ops, hidden: &records.hidden, provider };
            if !provider.issues {
                keys.extend(ours.iter().flat_map(|one| by_hand(one)));
                continue;
            }
            if ours.is_empty() && !vault.exists(&management_path(provider.name)?)? && only.is_none() {
                continue;
            }
            let guarded = ours.iter().any(|one| one.record.guardrail.is_some());
            let account = self.provider(&vault, provider.name).and_then(|it| Ok(self.look(it.as_ref(), guarded)?));
            let account =
                account.map_err(|error| failed.push(again(provider.name, error, RECORDS, "covault key ls"))).ok();
            for one in &mut ours {
                if let Some(account) = &account {
                    one.refresh(account);
                }
                keys.extend(self.recorded(&known, one, account.as_ref()));
            }
            let ours: Vec<&Managed> = ours.into_iter().map(|one| &*one).collect();
            let mut unrecorded_here = unrecorded(&known, &ours, account.as_ref())?;
            if unrecorded_here.iter().any(|key| key.found == Found::Orphan) && self.heard_news(&mut asked)? {
                // What others have made since is no orphan.
                let vault = self.vault()?;
                let heard = unrecorded(&Known { vault: &vault, ..known }, &ours, account.as_ref())?;
                for key in unrecorded_here.iter_mut().filter(|key| key.found == Found::Orphan) {
                    let now = heard.iter().find(|now| now.id == key.id);
                    *key = now.unwrap_or(key).clone();
                }
            }
            others.extend(unrecorded_here);
        }
        // What is missing was replaced where a newer one is there.
        for key in keys.iter_mut().filter(|key| key.found == Found::Missing) {
            let newer = others.iter().find(|other| other.found == Found::Newer && other.path == key.path);
            key.notes = newer.map_or_else(|| std::mem::take(&mut key.notes), |newer| newer.notes.clone());
        }
        keys.sort_by(|a, b| (&a.path, a.generation).cmp(&(&b.path, b.generation)));
        keys.extend(others);
        Ok(KeyListing { keys, failed })
    }

    /// Asks the remote for what is new, once; whether it answered.
    fn heard_news(&self, asked: &mut bool) -> Result<bool, VaultError> {
        if std::mem::replace(asked, true) || self.vault()?.repo().exchanged_with()?.is_none() {
            return Ok(false);
        }
        match self.fetch() {
            Ok(()) => Ok(true),
            Err(error) => {
                (self.say)(&format!("the remote was not asked for news ({})", crate::vault::error::chain(&error)));
                Ok(false)
            }
        }
    }

    /// The key of a record, and those before it that are still there.
    fn recorded(&self, known: &Known<'_>, one: &Managed, account: Option<&Account>) -> Vec<ListedKey> {
        let (record, path, now) = (&one.record, &one.path, self.now());
        let remote = account.zip(record.id.as_ref()).and_then(|(account, id)| account.keys.get(id));
        let op = known.ops.iter().find(|op| op.path == *path);
        let seen = self.home.watched(known.vault.roster().vault).get(&record.intent);
        let drift = account.map(|account| drift_of(one, account, &seen, now)).unwrap_or_default();
        let mut notes: Vec<String> = drift.iter().map(ToString::to_string).collect();
        let found = match (record.standing, remote) {
            _ if account.is_none() => Found::Unknown,
            (Standing::Unknown | Standing::ByHand, _) => {
                notes = vec![unconfirmed(record.standing, path, remote.is_some(), op.is_some())];
                Found::Unconfirmed
            }
            (Standing::Gone, None) => Found::Gone,
            _ if op.is_some() || one.several => Found::Open,
            (Standing::Gone, Some(_)) => {
                notes = vec![format!("its record says that it is gone: covault key revoke {path}")];
                Found::Drifted
            }
            (_, None) => {
                notes.push(format!("covault key rotate {path}, or covault key revoke {path}"));
                Found::Missing
            }
            (_, Some(key)) if key.expires.is_some_and(|end| end <= now) => {
                notes.push(format!("covault key rotate {path}"));
                Found::Expired
            }
            _ if !drift.is_empty() => {
                notes.extend(mends(&drift, path));
                Found::Drifted
            }
            (Standing::Disabled, _) => Found::Off,
            (Standing::Active, _) => Found::Ok,
        };
        if one.several {
            notes.push(format!("several clones made or changed it at the same time: covault key resume {path}"));
        }
        if let Some(op) = op {
            notes.push(format!(
                "{} began to {} it ({}): covault key resume {path}",
                op.by,
                op.kind.as_str(),
                op.stage()
            ));
        }
        let mut rows = vec![ListedKey {
            path: Some(path.clone()),
            provider: known.provider.name,
            generation: Some(record.generation),
            id: record.id.clone(),
            name: remote.map_or_else(|| record.name.clone(), |key| key.name.clone()),
            label: remote.map(|key| key.label.clone()).unwrap_or_default(),
            usage: remote.map(|key| key.usage),
            found,
            notes,
        }];
        // What was given up is noted among the old ones, too, and is shown once.
        for old in one.retired.iter().filter(|old| old.intent != record.intent) {
            let Some(key) = account.zip(old.id.as_ref()).and_then(|(account, id)| account.keys.get(id)) else {
                continue;
            };
            let is_rival = one.rivals.contains(&old.intent);
            let todo = match op {
                _ if is_rival => format!("made in another clone at the same time: covault key resume {path}"),
                Some(_) => format!("goes with: covault key resume {path}"),
                None if matches!(record.standing, Standing::Active | Standing::Disabled) => {
                    format!("still there; the next rotation takes it away: covault key rotate {path}")
                }
                None => format!("still there: covault key revoke {path}"),
            };
            rows.push(ListedKey {
                path: Some(path.clone()),
                generation: Some(old.generation),
                found: if is_rival { Found::Open } else { Found::Retired },
                notes: vec![todo],
                ..of_account(known.provider, key)
            });
        }
        rows
    }
}

/// What is to be done about a key that was given up, or of which it is not known what came of it.
fn unconfirmed(standing: Standing, path: &SecretPath, is_there: bool, is_open: bool) -> String {
    match standing {
        _ if is_open => format!("whether it is gone finds out: covault key resume {path}"),
        Standing::ByHand if is_there => {
            format!("it was given up, and is still there: covault key revoke {path} takes it away")
        }
        Standing::ByHand => {
            format!("it was given up, and is not there any more: covault key revoke {path} --done notes that")
        }
        _ => format!("whether it is gone finds out: covault key revoke {path}"),
    }
}

/// Keys that a person has to take away.
fn by_hand(one: &Managed) -> Vec<ListedKey> {
    let waits = |standing: Standing| matches!(standing, Standing::Unknown | Standing::ByHand);
    let row = |generation: u64, name: &str, found: Found| ListedKey {
        path: Some(one.path.clone()),
        provider: one.provider.name,
        generation: Some(generation),
        id: None,
        name: name.to_owned(),
        label: String::new(),
        usage: None,
        found,
        notes: match found {
            Found::Unconfirmed => {
                vec![format!("to be taken away by hand, then: covault key revoke {} --done", one.path)]
            }
            _ => Vec::new(),
        },
    };
    let record = &one.record;
    let found = match record.standing {
        Standing::Gone => Found::Gone,
        standing if waits(standing) => Found::Unconfirmed,
        _ => Found::Ok,
    };
    let is_old = |old: &&Retired| waits(old.standing) && old.intent != record.intent;
    let old = one.retired.iter().filter(is_old);
    let old = old.map(|old| row(old.generation, &old.name, Found::Unconfirmed));
    std::iter::once(row(record.generation, &record.name, found)).chain(old).collect()
}

fn of_account(provider: &Capabilities, key: &RemoteKey) -> ListedKey {
    ListedKey {
        path: None,
        provider: provider.name,
        generation: None,
        id: Some(key.id.clone()),
        name: key.name.clone(),
        label: key.label.clone(),
        usage: Some(key.usage),
        found: Found::Unmanaged,
        notes: Vec::new(),
    }
}

/// What the account has beside the records, and what is under way that it does not have yet.
fn unrecorded(known: &Known<'_>, ours: &[&Managed], account: Option<&Account>) -> Result<Vec<ListedKey>, VaultError> {
    let Some(account) = account else { return Ok(Vec::new()) };
    let mut recorded: BTreeSet<&RemoteId> = BTreeSet::new();
    for one in ours {
        recorded.extend(one.record.id.iter().chain(one.retired.iter().filter_map(|old| old.id.as_ref())));
    }
    let mut under_way: BTreeMap<&Intent, &Operation> = BTreeMap::new();
    for op in known.ops.iter().filter(|op| op.provider == known.provider.name) {
        under_way.extend(op.mint.iter().map(|mint| (&mint.intent, op)));
        under_way.extend(op.sweep.iter().map(|sweep| (&sweep.intent, op)));
        under_way.extend(op.retire.iter().map(|old| (&old.intent, op)));
    }
    let mut rows = Vec::new();
    let mut shown: BTreeSet<&Intent> = BTreeSet::new();
    for key in account.keys.values().filter(|key| !recorded.contains(&key.id)) {
        let mut row = of_account(known.provider, key);
        if let Some(name) = KeyName::parse(&key.name) {
            let op = under_way.get_key_value(&name.intent);
            shown.extend(op.map(|(intent, _)| *intent));
            let here = ours.iter().find(|one| one.path == name.path).map(|one| one.record.generation);
            (row.found, row.notes) = named(known, &name, &key.id, op.map(|(_, op)| *op), here)?;
            if row.found != Found::OtherVault {
                (row.path, row.generation) = (Some(name.path), Some(name.generation));
            }
        }
        if row.found == Found::Unmanaged {
            row.notes.push(format!("covault key ls --adopt {} --as NAME takes it in", key.id));
        }
        rows.push(row);
    }
    let waiting =
        known.ops.iter().filter(|op| op.provider == known.provider.name && !ours.iter().any(|one| one.path == op.path));
    for op in waiting {
        let Some(mint) = op.mint.as_ref().filter(|mint| !shown.contains(&mint.intent)) else { continue };
        rows.push(ListedKey {
            path: Some(op.path.clone()),
            provider: known.provider.name,
            generation: Some(mint.generation),
            id: mint.id.clone(),
            name: mint.name.clone(),
            label: String::new(),
            usage: None,
            found: Found::Open,
            notes: vec![format!(
                "{} began to {} it ({}): covault key resume {}",
                op.by,
                op.kind.as_str(),
                op.stage(),
                op.path
            )],
        });
    }
    Ok(rows)
}

/// What a key is whose name says that it is ours.
fn named(
    known: &Known<'_>,
    name: &KeyName,
    id: &RemoteId,
    op: Option<&Operation>,
    here: Option<u64>,
) -> Result<(Found, Vec<String>), VaultError> {
    let path = &name.path;
    if !name.is_of(known.vault.roster().vault) {
        return Ok((Found::OtherVault, Vec::new()));
    }
    let began = |op: &Operation| {
        let note = format!("{} began to {} it ({}): covault key resume {path}", op.by, op.kind.as_str(), op.stage());
        (Found::Open, vec![note])
    };
    if let Some(op) = op {
        return Ok(began(op));
    }
    if known.hidden.contains(path) {
        return Ok((Found::Hidden, vec![format!("you do not read {path}, which may have its record")]));
    }
    // Others may have come further than what is checked out here: no key of theirs is to be taken away for that.
    if let Some(op) = known.vault.operations_elsewhere(path)?.iter().find(|op| op.names(&name.intent)) {
        return Ok(began(op));
    }
    if let Some(found) = known.vault.recorded_elsewhere(path, id)? {
        return Ok(found);
    }
    if let Some(here) = here.filter(|here| *here < name.generation) {
        let note =
            format!("it is key {}, and this clone knows of {path} up to key {here}: covault sync", name.generation);
        return Ok((Found::Newer, vec![note]));
    }
    let note = format!(
        "no record has it that this clone has heard of: covault sync first; if it is still an orphan then, take it away at \
         {}, or, with its text, covault key ls --adopt ID --as NAME",
        known.provider.console
    );
    Ok((Found::Orphan, vec![note]))
}

impl Vault {
    /// How a key stands by its secret's record on the trunk, or on a branch that waits for it; nothing where none has it.
    fn recorded_elsewhere(&self, path: &SecretPath, id: &RemoteId) -> Result<Option<(Found, Vec<String>)>, VaultError> {
        let trunk = self.repo().trunk()?.map(|trunk| trunk.name);
        for (branch, tip) in self.tips_elsewhere(path)? {
            let mut path = path.clone();
            for _ in 0..MOVES {
                // What is refused there is no record.
                let Ok(Some(version)) = self.version_at(tip, &path) else { break };
                if let State::Moved(next) = &version.manifest().state {
                    path = next.clone();
                    continue;
                }
                let secret = match self.open_version(&version) {
                    Ok(secret) => secret,
                    Err(VaultError::NotAReader { .. }) => {
                        let note = format!("you do not read {path} on {branch}, which may have its record");
                        return Ok(Some((Found::Hidden, vec![note])));
                    }
                    Err(_) => break,
                };
                let retired = Retired::all_of(&secret.document, secret.manifest.at).into_iter().map(|old| old.id);
                let mut ids = records_of(&secret).into_iter().map(|record| record.id).chain(retired);
                if ids.any(|one| one.as_ref() == Some(id)) {
                    let what = match Some(&branch) == trunk.as_ref() {
                        true => "and what is checked out here has not: covault sync",
                        false => "and waits for the trunk: bring it there from that branch",
                    };
                    return Ok(Some((Found::Newer, vec![format!("{branch} has its record, {what}")])));
                }
                break;
            }
        }
        Ok(None)
    }
}
