//! `ls --adopt`: a key that somebody made elsewhere becomes a secret with a record. Nothing changes at the provider.

use super::begin::eight;
use super::desk::{Desk, known_provider, management_path, value_field};
use super::publish::put_record;
use super::{Capabilities, KeyError};
use crate::model::keys::intent::Intent;
use crate::model::keys::limit::{Layer, Limits};
use crate::model::keys::record::{KeyRecord, RemoteId, Standing};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::register::{Key, Value};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::{Probed, RemoteKey};
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
    /// `UnknownProvider`, `Managed`, `Exists`, and those of finding out.
    pub fn may_adopt(&self, provider: &str, id: &RemoteId, path: &SecretPath) -> Result<(), VaultError> {
        known_provider(provider)?;
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
            None | Some(State::Deleted) => vault.check_free(path),
            Some(State::Live) => Err(VaultError::Exists(path.to_string())),
            Some(State::Moved(to)) => Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
    }

    /// Takes a key in whose text fits what the account says of it.
    ///
    /// # Errors
    /// `NoSuchKey`, `NotThatKey`, those of [`Desk::may_adopt`] and of writing.
    pub fn adopt(&self, wanted: Adopting) -> Result<Report, VaultError> {
        self.may_adopt(&wanted.provider, &wanted.id, &wanted.path)?;
        let vault = self.vault()?;
        let known = known_provider(&wanted.provider)?;
        let remote = self.matching(&vault, known, &wanted)?;
        let (vault, how) = (self.vault()?, self.how());
        let key = Key::Field(value_field()?);
        let write = vault.write_of(&key, Value::new(wanted.key), false, how.now)?;
        let record = record_of_remote(&vault, &wanted.path, &remote, &write.name().to_string(), how.now)?;
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

    /// The key in the account, if the text that was given can be its: the provider takes it, and says the same of both.
    fn matching(&self, vault: &Vault, known: &Capabilities, wanted: &Adopting) -> Result<RemoteKey, VaultError> {
        let cannot = || KeyError::Cannot { provider: known.title.to_owned(), what: "say whose a key is" };
        management_path(known.name)?;
        let provider = self.provider(vault, known.name)?;
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
    write: &str,
    now: Time,
) -> Result<KeyRecord, VaultError> {
    let limits = Limits::of(remote.limit).unwrap_or_default();
    Ok(KeyRecord {
        generation: vault.generations_before(path)? + 1,
        intent: Intent::new(eight()),
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
        write: write.to_owned(),
    })
}
