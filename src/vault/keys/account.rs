//! One look at an account: all of its keys and what guards them; and the keys that this vault has records of.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::{Desk, record_of};
use super::settle::records_of;
use super::{Capabilities, KeyError};
use crate::model::keys::intent::Intent;
use crate::model::keys::record::{KeyRecord, RemoteId, Retired};
use crate::model::names::SecretPath;
use crate::providers::{Guardrail, Provider, RemoteKey};
use crate::vault::read::Secret;
use crate::vault::{Vault, VaultError};

/// What an account has.
pub(super) struct Account {
    /// Its keys, switched off and expired ones, too.
    pub(super) keys: BTreeMap<RemoteId, RemoteKey>,
    /// Its guardrails, where somebody wanted to know.
    pub(super) guardrails: BTreeMap<RemoteId, Guardrail>,
    /// Which key has which.
    pub(super) assigned: BTreeMap<RemoteId, RemoteId>,
}

/// A secret with the record of its key.
pub(super) struct Managed {
    pub(super) path: SecretPath,
    pub(super) provider: &'static Capabilities,
    pub(super) record: KeyRecord,
    /// Keys before it, and those that other clones issued at the same time: what they spent counts, too.
    pub(super) retired: Vec<Retired>,
    /// Which of them are of other clones.
    pub(super) rivals: BTreeSet<Intent>,
    /// Several clones made keys, or changed the record, without each other.
    pub(super) several: bool,
}

/// What a vault knows of its keys.
pub(super) struct Records {
    pub(super) managed: Vec<Managed>,
    /// Records that cannot be read, and why.
    pub(super) refused: Vec<(SecretPath, VaultError)>,
    /// Secrets that one does not read: what they say is not known.
    pub(super) hidden: Vec<SecretPath>,
}

impl Desk<'_> {
    /// Looks once. A call for each page, not one for each key.
    pub(super) fn look(&self, provider: &dyn Provider, guarded: bool) -> Result<Account, KeyError> {
        let title = provider.capabilities().title;
        let cannot = || KeyError::Cannot { provider: title.to_owned(), what: "list keys" };
        let keys = provider.inspecting().ok_or_else(cannot)?.list()?;
        let mut account = Account {
            keys: keys.into_iter().map(|key| (key.id.clone(), key)).collect(),
            guardrails: BTreeMap::new(),
            assigned: BTreeMap::new(),
        };
        let Some(guard) = provider.guarding().filter(|_| guarded) else { return Ok(account) };
        let asked = guard.guardrails().and_then(|all| Ok((all, guard.assignments()?)));
        match asked {
            Ok((all, assigned)) => {
                account.guardrails = all.into_iter().map(|one| (one.id.clone(), one)).collect();
                account.assigned = assigned.into_iter().collect();
                Ok(account)
            }
            // The account has none any more, and so holds nothing by them.
            Err(error) if error.is_unavailable() => Ok(account),
            Err(error) => Err(error.into()),
        }
    }
}

impl Managed {
    fn of(path: &SecretPath, secret: &Secret) -> Result<Self, VaultError> {
        let (provider, record) = record_of(secret)?;
        let mut retired = Retired::all_of(&secret.document, secret.manifest.at);
        let mut rivals = BTreeSet::new();
        let records = records_of(secret);
        let several = records.len() > 1;
        for rival in records {
            let is_known = retired.iter().any(|old| old.intent == rival.intent);
            if rival.intent != record.intent && !is_known && rivals.insert(rival.intent.clone()) {
                retired.push(Retired::from_record(&rival, None, rival.updated, "made at the same time"));
            }
        }
        Ok(Self { path: path.clone(), provider, record, retired, rivals, several })
    }

    /// With what its earlier keys have spent by now, where they are still in the account.
    pub(super) fn refresh(&mut self, account: &Account) {
        for old in &mut self.retired {
            if let Some(key) = old.id.as_ref().and_then(|id| account.keys.get(id)) {
                old.usage = Some(key.usage);
            }
        }
    }
}

impl Vault {
    /// The keys of these secrets; of all that one reads, where none is named.
    pub(super) fn records(&self, names: &[SecretPath]) -> Result<Records, VaultError> {
        let mut records = Records { managed: Vec::new(), refused: Vec::new(), hidden: Vec::new() };
        if !names.is_empty() {
            for path in names {
                records.managed.push(Managed::of(path, &self.secret(path)?)?);
            }
            return Ok(records);
        }
        let all = self.live_names()?;
        for (path, opened) in all.iter().zip(self.open_many(&all, &|| ())?) {
            match opened.and_then(|secret| Managed::of(path, &secret)) {
                Ok(managed) => records.managed.push(managed),
                Err(VaultError::NotAReader { .. }) => records.hidden.push(path.clone()),
                Err(VaultError::Key(KeyError::NotIssued(_))) => {}
                Err(error) => records.refused.push((path.clone(), error)),
            }
        }
        Ok(records)
    }
}
