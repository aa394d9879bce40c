//! `key login`: the management key of a provider, kept where only those read it who may manage keys.

use super::desk::{Desk, known_provider, management_path, value_field};
use super::{JOURNAL, KeyError, PROVIDERS};
use crate::model::names::{GroupName, MetaName, SecretPath, Subject};
use crate::model::roster::{Granted, Holder, Holders, Operation};
use crate::plaintext::Plaintext;
use crate::providers::{self, AccountInfo, Capabilities};
use crate::vault::amend::Step;
use crate::vault::set::{Edit, FieldEdit};
use crate::vault::write::Report;
use crate::vault::{Vault, VaultError};

/// Who is to manage keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managers {
    /// Those who do; the admins where nobody was named yet.
    AsGranted,
    /// The admins, as they are now.
    Admins,
    /// This group.
    Group(GroupName),
}

/// A folder that is granted to others than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regranted {
    /// Which.
    pub place: &'static str,
    /// Who reads it from now on.
    pub added: Vec<String>,
    /// Who does not any more.
    pub removed: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct LoggedIn {
    /// What the provider says of the key; nothing where none was given.
    pub account: Option<AccountInfo>,
    /// Who may manage keys now.
    pub readers: Vec<String>,
    /// Where others may than before.
    pub regranted: Vec<Regranted>,
    /// Where it is kept.
    pub path: SecretPath,
    /// What was written.
    pub report: Report,
}

impl Desk<'_> {
    /// Refuses what no management key could be kept for, before anybody is asked for one.
    ///
    /// # Errors
    /// `UnknownProvider`, `Cannot`, `NoSuchGroup`, and those of somebody who may not write.
    pub fn check_login(&self, name: &str, managers: &Managers) -> Result<(), VaultError> {
        let known = known_provider(name)?;
        if !known.issues {
            return Err(cannot(known).into());
        }
        let vault = self.vault()?;
        vault.may_write()?;
        match managers {
            Managers::Group(group) => vault.known(&Subject::Group(group.clone())),
            Managers::AsGranted | Managers::Admins => Ok(()),
        }
    }

    /// Checks a management key with its provider and keeps it for those who manage keys. A dry run may do without one:
    /// it says where it would be kept and who would read it.
    ///
    /// # Errors
    /// `NotAManagementKey`, those of the provider, and those of changing grants and of writing.
    pub fn log_in(&self, name: &str, key: Option<Plaintext>, managers: &Managers) -> Result<LoggedIn, VaultError> {
        let vault = self.vault()?;
        vault.may_write()?;
        let known = known_provider(name)?;
        let account = key.as_ref().map(|key| self.account(known, key)).transpose()?;
        let wanted = vault.managers(managers)?;
        let (readers, regranted) = (named(&wanted.readers), vault.regranted(&wanted));
        let path = management_path(known.name)?;
        let Some(key) = key else {
            let report = Report { files: vec![vault.file(&path)], dry_run: true, ..Report::default() };
            return Ok(LoggedIn { account, readers, regranted, path, report });
        };
        let granted = self.grant_both(&wanted)?;
        let meta = |name: &str, value: &str| Ok((MetaName::parse(name)?, Some(value.to_owned())));
        let described = format!("management key of {}", known.title);
        let meta: Result<Vec<_>, VaultError> =
            [meta("kind", "api-key"), meta("description", &described)].into_iter().collect();
        let edit = Edit {
            fields: vec![FieldEdit { name: value_field()?, value: Some(key), plain: false }],
            meta: meta?,
            ..Edit::default()
        };
        let mut report = self.vault()?.set(&path, edit, &self.how())?;
        if let Some(granted) = granted {
            // The same key for others is a change.
            report.unchanged = false;
            report.files.extend(granted.files);
            report.commit = report.commit.or(granted.commit);
            report.staged = report.staged.or(granted.staged);
            report.notes.extend(granted.notes);
        }
        Ok(LoggedIn { account, readers, regranted, path, report })
    }

    /// What a provider says of a management key.
    fn account(&self, known: &Capabilities, key: &Plaintext) -> Result<AccountInfo, VaultError> {
        let copy = Plaintext::new(key.expose().to_vec());
        let provider = providers::connect(known.name, &self.settings, Some(copy)).map_err(KeyError::Provider)?;
        let provider = provider.ok_or_else(|| cannot(known))?;
        let account = provider.account().ok_or_else(|| cannot(known))?.check().map_err(KeyError::Provider)?;
        match account.manages {
            true => Ok(account),
            false => Err(KeyError::NotAManagementKey(known.title.to_owned()).into()),
        }
    }

    /// Grants the folders of management keys and of journals to those who are to manage keys, where they are not already;
    /// what that wrote, or would.
    fn grant_both(&self, wanted: &Wanted) -> Result<Option<Report>, VaultError> {
        let (vault, how) = (self.vault()?, self.how());
        let mut steps = Vec::new();
        for (place, holders) in &wanted.grants {
            if let Some(readers) = vault.named_by(place, vault.granted_at(place), holders)? {
                let path = Some(SecretPath::parse(place)?);
                let readers = Granted::To(readers);
                steps.push(Step::from(Operation::Grant { path, readers, live: Vec::new() }));
            }
        }
        if steps.is_empty() {
            return Ok(None);
        }
        let amendment = vault.amendment(steps, &how)?;
        vault.check_sealable(&amendment)?;
        if how.dry_run {
            return Ok(Some(Report { files: amendment.files(&vault), dry_run: true, ..Report::default() }));
        }
        let message = "covault: keep management keys and journals for those who manage keys";
        Ok(Some(vault.amend(vault.writing(&how)?, amendment, Vec::new(), message, &|| ())?.report))
    }
}

/// Whom the two folders are to name.
struct Wanted {
    /// Who reads management keys then.
    readers: Holders,
    /// The folders whose grants are to say so.
    grants: Vec<(&'static str, Holders)>,
}

impl Vault {
    fn managers(&self, managers: &Managers) -> Result<Wanted, VaultError> {
        let admins = || -> Holders {
            self.roster().state().admins().map(|admin| Holder::Member(admin.card.name.clone())).collect()
        };
        let both = |holders: Holders| Wanted {
            grants: [PROVIDERS, JOURNAL].map(|place| (place, holders.clone())).to_vec(),
            readers: holders,
        };
        match managers {
            Managers::Group(group) => {
                self.known(&Subject::Group(group.clone()))?;
                Ok(both([Holder::Group(group.clone())].into()))
            }
            Managers::Admins => Ok(both(admins())),
            // A new key is no reason to take a group's access away: who wants that says so.
            Managers::AsGranted => {
                let named = [PROVIDERS, JOURNAL].map(|place| self.living_managers(place));
                let Some(readers) = named.iter().flatten().next().cloned() else { return Ok(both(admins())) };
                let missing = [PROVIDERS, JOURNAL].into_iter().zip(&named).filter(|(_, holders)| holders.is_none());
                let grants = missing.map(|(place, _)| (place, readers.clone())).collect();
                Ok(Wanted { readers, grants })
            }
        }
    }

    /// Whom the grant of a folder names, where anybody of them is there still.
    fn living_managers(&self, place: &str) -> Option<Holders> {
        let state = self.roster().state();
        let holders = self.living_holders(self.granted_at(place)?);
        let lives = holders.iter().any(|holder| state.members().any(|member| state.holds(holder, member)));
        lives.then_some(holders)
    }

    fn granted_at(&self, place: &str) -> Option<&Holders> {
        self.roster().state().grants().find(|(at, _)| *at == place).map(|(_, holders)| holders)
    }

    /// Where the grants change, by whom they name.
    fn regranted(&self, wanted: &Wanted) -> Vec<Regranted> {
        let nobody = Holders::default();
        let changes = wanted.grants.iter().filter_map(|(place, holders)| {
            let here = self.granted_at(place);
            (here != Some(holders)).then(|| {
                let here = here.unwrap_or(&nobody);
                let (added, removed) = (holders.difference(here), here.difference(holders));
                let [added, removed] = [added.cloned().collect(), removed.cloned().collect()].map(|all| named(&all));
                Regranted { place, added, removed }
            })
        });
        changes.collect()
    }
}

fn named(holders: &Holders) -> Vec<String> {
    holders.iter().map(ToString::to_string).collect()
}

/// Whether a name is kept for management keys, also those of providers that only a newer version knows: they are handed to
/// no program, whatever names them.
pub(in crate::vault) fn is_for_management(path: &SecretPath) -> bool {
    path.as_str().split('/').next() == Some(PROVIDERS)
}

fn cannot(known: &Capabilities) -> KeyError {
    KeyError::Cannot { provider: known.title.to_owned(), what: "be logged in to" }
}
