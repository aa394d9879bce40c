//! `key login`: the management key of a provider, kept where only those read it who may manage keys.

use super::desk::{Desk, known_provider, management_path, value_field};
use super::{JOURNAL, KeyError, PROVIDERS};
use crate::model::names::{GroupName, MetaName, SecretPath, Subject};
use crate::model::roster::{Granted, Holder, Holders, Operation};
use crate::plaintext::Plaintext;
use crate::providers::{self, AccountInfo, Capabilities};
use crate::vault::VaultError;
use crate::vault::amend::Step;
use crate::vault::set::{Edit, FieldEdit};
use crate::vault::write::Report;

/// What came of it.
#[derive(Debug)]
pub struct LoggedIn {
    /// What the provider says of the key; nothing where none was given.
    pub account: Option<AccountInfo>,
    /// Who may manage keys now.
    pub readers: Vec<String>,
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
    pub fn check_login(&self, name: &str, group: Option<&GroupName>) -> Result<(), VaultError> {
        let known = known_provider(name)?;
        if !known.issues {
            return Err(cannot(known).into());
        }
        let vault = self.vault()?;
        vault.may_write()?;
        group.map_or(Ok(()), |group| vault.known(&Subject::Group(group.clone())))
    }

    /// Checks a management key with its provider and keeps it for the admins, or for a group. A dry run may do without one:
    /// it says where it would be kept and who would read it.
    ///
    /// # Errors
    /// `NotAManagementKey`, those of the provider, and those of changing grants and of writing.
    pub fn log_in(
        &self,
        name: &str,
        key: Option<Plaintext>,
        group: Option<&GroupName>,
    ) -> Result<LoggedIn, VaultError> {
        let vault = self.vault()?;
        vault.may_write()?;
        let known = known_provider(name)?;
        let account = key.as_ref().map(|key| self.account(known, key)).transpose()?;
        let holders: Holders = match group {
            Some(group) => {
                vault.known(&Subject::Group(group.clone()))?;
                [Holder::Group(group.clone())].into()
            }
            None => vault.roster().state().admins().map(|admin| Holder::Member(admin.card.name.clone())).collect(),
        };
        let readers = holders.iter().map(ToString::to_string).collect();
        let path = management_path(known.name)?;
        let Some(key) = key else {
            let report = Report { files: vec![vault.file(&path)], dry_run: true, ..Report::default() };
            return Ok(LoggedIn { account, readers, path, report });
        };
        self.grant_both(&holders)?;
        let meta = |name: &str, value: &str| Ok((MetaName::parse(name)?, Some(value.to_owned())));
        let described = format!("management key of {}", known.title);
        let meta: Result<Vec<_>, VaultError> =
            [meta("kind", "api-key"), meta("description", &described)].into_iter().collect();
        let edit = Edit {
            fields: vec![FieldEdit { name: value_field()?, value: Some(key), plain: false }],
            meta: meta?,
            ..Edit::default()
        };
        let report = self.vault()?.set(&path, edit, &self.how())?;
        Ok(LoggedIn { account, readers, path, report })
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

    /// Grants the folders of management keys and of journals to the same people, where they are not already.
    fn grant_both(&self, holders: &Holders) -> Result<(), VaultError> {
        let (vault, how) = (self.vault()?, self.how());
        let mut steps = Vec::new();
        for place in [PROVIDERS, JOURNAL] {
            let here = vault.roster().state().grants().find(|(at, _)| *at == place).map(|(_, holders)| holders);
            if let Some(readers) = vault.named_by(place, here, holders)? {
                let path = Some(SecretPath::parse(place)?);
                let readers = Granted::To(readers);
                steps.push(Step::from(Operation::Grant { path, readers, live: Vec::new() }));
            }
        }
        if steps.is_empty() {
            return Ok(());
        }
        let amendment = vault.amendment(steps, &how)?;
        vault.check_sealable(&amendment)?;
        if !how.dry_run {
            let message = "covault: keep management keys and journals for those who manage keys";
            vault.amend(vault.writing(&how)?, amendment, Vec::new(), message, &|| ())?;
        }
        Ok(())
    }
}

fn cannot(known: &Capabilities) -> KeyError {
    KeyError::Cannot { provider: known.title.to_owned(), what: "be logged in to" }
}
