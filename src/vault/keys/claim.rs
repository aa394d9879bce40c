//! Whether a key at a provider is the one that a secret's record speaks of.
//!
//! Who writes a secret writes its record, and may not manage keys: an id alone would let them have somebody who does delete
//! any key of the account. So a key is touched where its own name, which its maker gave it, says the same as the record.

use super::KeyError;
use super::desk::value_writes;
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::names::SecretPath;
use crate::providers::RemoteKey;
use crate::vault::{Vault, VaultError};

impl Vault {
    /// Refuses a key whose name is that of another secret, vault or intent. A name that is not ours (a key that was taken in)
    /// says nothing: then the secret's value has to look as the provider says that the key does.
    ///
    /// # Errors
    /// `OtherKey`, and those of opening the secret.
    pub(super) fn check_claim(&self, path: &SecretPath, intent: &Intent, key: &RemoteKey) -> Result<(), VaultError> {
        let is_it = match KeyName::parse(&key.name) {
            Some(name) => self.is_claimed(path, intent, &name)?,
            None => self.looks_like(path, &key.label)?,
        };
        if is_it {
            return Ok(());
        }
        Err(KeyError::OtherKey { path: path.to_string(), id: key.id.to_string(), name: key.name.clone() }.into())
    }

    /// Whether a name of ours is that of this wish for a key. A secret may have moved since.
    fn is_claimed(&self, path: &SecretPath, intent: &Intent, name: &KeyName) -> Result<bool, VaultError> {
        let is_here = name.is_of(self.roster().vault) && name.intent == *intent;
        Ok(is_here && (name.path == *path || !self.lives(&name.path)?))
    }

    /// Whether the secret has a value that a masked form such as `sk-or-v1-0e6...c96` can be of.
    fn looks_like(&self, path: &SecretPath, label: &str) -> Result<bool, VaultError> {
        let secret = self.secret(path)?;
        Ok(value_writes(&secret)?.iter().any(|write| write.value.as_text().is_some_and(|text| fits(text, label))))
    }
}

/// Whether a key's text can be what the provider masks so.
pub(super) fn fits(text: &str, label: &str) -> bool {
    let ends = label.split_once("...").filter(|(begin, end)| !begin.is_empty() && !end.is_empty());
    ends.is_some_and(|(begin, end)| text.starts_with(begin) && text.ends_with(end))
}
