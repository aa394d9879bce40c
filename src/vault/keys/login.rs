//! `key login`: the management key of a provider, kept where only those read it who may manage keys.

use super::desk::{Desk, management_path, value_field};
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
    /// What the provider says of the key.
    pub account: AccountInfo,
    /// Who may manage keys now.
    pub readers: Vec<String>,
    /// Where it is kept.
    pub path: SecretPath,
    /// What was written.
    pub report: Report,
}

impl Desk<'_> {
    /// Checks a management key with its provider and keeps it for the admins, or for a group.
    ///
    /// # Errors
    /// `NotAManagementKey`, those of the provider, and those of changing grants and of writing.
    pub fn log_in(&self, name: &str, key: Plaintext, group: Option<&GroupName>) -> Result<LoggedIn, VaultError> {
        let vault = self.vault()?;
        vault.may_write()?;
        let known = Capabilities::named(name).ok_or_else(|| KeyError::UnknownProvider(name.to_owned()))?;
        let cannot = || KeyError::Cannot { provider: known.title.to_owned(), what: "be logged in to" };
        let copy = Plaintext::new(key.expose().to_vec());
        let provider = providers::connect(name, &self.settings, Some(copy)).map_err(KeyError::Provider)?;
        let provider = provider.ok_or_else(cannot)?;
        let account = provider.account().ok_or_else(cannot)?.check().map_err(KeyError::Provider)?;
        if !account.manages {
            return Err(KeyError::NotAManagementKey(known.title.to_owned()).into());
        }
        let holders: Holders = match group {
            Some(group) => {
                vault.known(&Subject::Group(group.clone()))?;
                [Holder::Group(group.clone())].into()
            }
            None => vault.roster().state().admins().map(|admin| Holder::Member(admin.card.name.clone())).collect(),
        };
        let readers = holders.iter().map(ToString::to_string).collect();
        self.grant_both(&holders)?;
        let path = management_path(known.name)?;
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
