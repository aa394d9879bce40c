//! `ls --adopt`: a key that somebody made elsewhere becomes a secret with a record. Nothing changes at the provider.
//!
//! A key of this vault's whose record is lost keeps the intent that is in its name, and by which it is known for the
//! secret's. One that is named for another vault is that one's, and is not taken in.

use super::begin::{check_place, eight, is_open};
use super::desk::{Desk, known_provider, value_field};
use super::publish::put_record;
use super::{Capabilities, KeyError};
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::limit::{Layer, Limit, Limits};
use crate::model::keys::record::{KeyRecord, RemoteId, Standing};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::register::{Key, Value};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::{Probed, Provider, ProviderError, RemoteKey};
use crate::vault::write::Report;
use crate::vault::{Vault, VaultError};

/// What is to be taken in.
pub struct Adopting {
    /// What its provider calls it.
    pub id: RemoteId,
    /// The secret that it becomes.
    pub path: SecretPath,
    /// Its provider.
    pub provider: String,
    /// Its text.
    pub key: Plaintext,
}

impl Desk<'_> {
    /// Whether a key can be taken in at all, before its text is asked for.
    ///
    /// # Errors
    /// `UnknownProvider`, `Managed`, `Exists`, `Reserved`, and those of finding out.
    pub fn may_adopt(&self, provider: &str, id: &RemoteId, path: &SecretPath) -> Result<(), VaultError> {
        known_provider(provider)?;
        check_place(path)?;
        if self.how.no_commit {
            return Err(KeyError::NotCommitted("as asked for".to_owned()).into());
        }
        self.fetch()?;
        let vault = self.unblocked(path, &|_| true)?;
        if let Some(one) =
            vault.records(&[])?.managed.iter().find(|one| {
                one.record.id.as_ref() == Some(id) || one.retired.iter().any(|old| old.id.as_ref() == Some(id))
            })
        {
            return Err(KeyError::Managed { id: id.to_string(), path: one.path.to_string() }.into());
        }
        match vault.newest(path)?.map(|version| version.manifest().state.clone()) {
            None | Some(State::Deleted) => vault.check_can_be_made(path, false, self.now()),
            Some(State::Live) => Err(VaultError::Exists(path.to_string())),
            Some(State::Moved(to)) => Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
    }

    /// Takes a key in whose text fits what the account says of it.
    ///
    /// # Errors
    /// `NoSuchKey`, `NotThatKey`, `OtherVault`, `OtherKey`, those of [`Desk::may_adopt`] and of writing.
    pub fn adopt(&self, wanted: Adopting) -> Result<Report, VaultError> {
        self.may_adopt(&wanted.provider, &wanted.id, &wanted.path)?;
        let vault = self.vault()?;
        let known = known_provider(&wanted.provider)?;
        let provider = self.provider(&vault, known.name)?;
        let remote = self.matching(provider.as_ref(), known, &wanted)?;
        let intent = self.intent_of(&vault, &wanted.path, &remote)?;
        let guardrail = own_guardrail(provider.as_ref(), &remote.id, &intent).map_err(KeyError::Provider)?;
        let (vault, how) = (self.vault()?, self.how());
        let key = Key::Field(value_field()?);
        let write = vault.write_of(&key, Value::new(wanted.key), false, how.now)?;
        let mut record = record_of_remote(&vault, &wanted.path, &remote, intent, how.now)?;
        record.write = write.name().to_string();
        if let Some((id, limit)) = guardrail {
            record.guardrail = Some(id);
            if let Some(Limit { amount, window }) = limit.filter(|limit| record.limits.get(limit.window).is_none()) {
                record.limits.set(window, Some(amount));
                record.first.set(window, Some(amount));
                record.layers.insert(window, Layer::Guardrail);
            }
        }
        let mut writing = vault.writing(&how)?;
        let mut draft = writing.start(&wanted.path)?;
        draft.document.put(&key, write);
        put_record(&vault, &mut draft.document, &record, known.name, how.now)?;
        vault.put_meta(&mut draft.document, "kind", Some("api-key"), how.now)?;
        let report = writing.finish(&[draft], Vec::new(), &format!("covault: adopt {}", wanted.path))?;
        if let Some(why) = report.staged {
            return Err(KeyError::NotCommitted(why).into());
        }
        if !how.dry_run {
            self.share_or_say(&wanted.path);
        }
        Ok(report)
    }

    /// By what a key is known for this secret's: what its name says, where that is one of ours; else a new intent.
    fn intent_of(&self, vault: &Vault, path: &SecretPath, remote: &RemoteKey) -> Result<Intent, VaultError> {
        let Some(name) = KeyName::parse(&remote.name) else { return Ok(Intent::new(eight())) };
        if !name.is_of(vault.roster().vault) {
            return Err(KeyError::OtherVault { id: remote.id.to_string(), name: remote.name.clone() }.into());
        }
        let mut open = self.open_operations(vault, None)?;
        open.extend(vault.operations_elsewhere(&name.path)?);
        if let Some(op) = open.iter().find(|op| op.names(&name.intent)) {
            return Err(is_open(op));
        }
        // It may have its record with a secret that one does not read: what nobody could manage is not taken in.
        match vault.check_claim(path, &name.intent, remote) {
            Err(VaultError::Key(KeyError::OtherKey { .. })) => Err(KeyError::NeedsPerson(format!(
                "the key {} is called '{}', and its record may be with a secret that you do not read: take it in as {}, or \
                 have somebody do it who reads all",
                remote.id, remote.name, name.path
            ))
            .into()),
            checked => checked.map(|()| name.intent),
        }
    }

    /// The key in the account, if the text that was given can be its: the provider takes it, and says the same of both.
    fn matching(
        &self,
        provider: &dyn Provider,
        known: &Capabilities,
        wanted: &Adopting,
    ) -> Result<RemoteKey, VaultError> {
        let cannot = || KeyError::Cannot { provider: known.title.to_owned(), what: "say whose a key is" };
        let (inspect, probing) = provider.inspecting().zip(provider.probing()).ok_or_else(cannot)?;
        let absent = || KeyError::NoSuchKey { id: wanted.id.to_string(), provider: known.title.to_owned() };
        let remote = inspect.get(&wanted.id).map_err(KeyError::Provider)?.ok_or_else(absent)?;
        let not_that = |why: &str| KeyError::NotThatKey { id: wanted.id.to_string(), why: why.to_owned() };
        let limits = match probing.probe(&wanted.key).map_err(KeyError::Provider)? {
            Probed::Works(limits) => limits,
            Probed::Refused => return Err(not_that("the provider does not take it").into()),
        };
        let label = probing.label(&wanted.key).map_err(KeyError::Provider)?;
        if remote.label.is_empty() || label.as_ref() != Some(&remote.label) {
            return Err(not_that("its label is another").into());
        }
        match remote.limit {
            Some(limit) if !limits.contains(&limit) => Err(not_that("its limit is another").into()),
            _ => Ok(remote),
        }
    }
}

fn record_of_remote(
    vault: &Vault,
    path: &SecretPath,
    remote: &RemoteKey,
    intent: Intent,
    now: Time,
) -> Result<KeyRecord, VaultError> {
    let limits = Limits::of(remote.limit).unwrap_or_default();
    let number = KeyName::parse(&remote.name).map_or(0, |name| name.generation);
    Ok(KeyRecord {
        generation: vault.generations_before(path)?.saturating_add(1).max(number),
        intent,
        id: Some(remote.id.clone()),
        name: remote.name.clone(),
        standing: Standing::Active,
        issued: Time::parse(&remote.created).unwrap_or(now),
        updated: now,
        rotated: None,
        expires: remote.expires,
        first: limits.clone(),
        layers: limits.iter().map(|limit| (limit.window, Layer::Key)).collect(),
        limits,
        guardrail: None,
        alerts: std::collections::BTreeSet::new(),
        reason: "adopted".to_owned(),
        before: crate::model::keys::amount::Amount::ZERO,
        write: String::new(),
    })
}

/// The guardrail that the key has, where it was made for this very key; and what it limits.
fn own_guardrail(
    provider: &dyn Provider,
    key: &RemoteId,
    intent: &Intent,
) -> Result<Option<(RemoteId, Option<Limit>)>, ProviderError> {
    let Some(guard) = provider.guarding() else { return Ok(None) };
    let found = guard.guardrail_of(key).and_then(|id| Ok((id, guard.guardrails()?)));
    let (id, all) = match found {
        // An account that has none has none of ours.
        Err(error) if error.is_unavailable() => return Ok(None),
        found => found?,
    };
    let is_ours = |name: &str| KeyName::parse(name).is_some_and(|name| name.intent == *intent);
    let ours = all.into_iter().find(|one| Some(&one.id) == id.as_ref() && is_ours(&one.name));
    Ok(ours.map(|one| (one.id, one.limit)))
}
