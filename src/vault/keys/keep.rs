//! A change of what a secret says of its key, as one commit, and the check that nothing under way would write over it.

use super::KeyError;
use super::desk::Desk;
use super::settle::{is_several, records_of};
use crate::model::keys::intent::Intent;
use crate::model::keys::operation::{Operation, Stage};
use crate::model::keys::record::{KEY, KeyRecord};
use crate::model::names::SecretPath;
use crate::vault::write::Report;
use crate::vault::{Vault, VaultError};

impl Desk<'_> {
    /// The vault, where this secret's record can be changed: what is open for it, if anything, only waits for an old key
    /// to be taken away.
    pub(super) fn at_rest(&self, path: &SecretPath) -> Result<Vault, VaultError> {
        if self.how.no_commit {
            return Err(KeyError::NotCommitted("as asked for".to_owned()).into());
        }
        if let Err(error) = self.fetch() {
            // A key is switched off even where nobody can be told at once.
            (self.say)(&format!("the remote was not asked for news ({})", crate::vault::error::chain(&error)));
        }
        let vault = self.unblocked(path, &writes_record)?;
        if records_of(&vault.secret(path)?).len() > 1 {
            return Err(KeyError::Several { path: path.to_string() }.into());
        }
        Ok(vault)
    }

    /// Changes the record of the key of this intent, commits it, and brings it to where others see it. `None` where that
    /// changes nothing.
    pub(super) fn change_record(
        &self,
        path: &SecretPath,
        intent: &Intent,
        message: &str,
        change: &dyn Fn(&mut KeyRecord),
    ) -> Result<Option<Report>, VaultError> {
        let (vault, how) = (self.vault()?, self.how());
        let mut writing = vault.writing(&how)?;
        let mut draft = writing.start_living(path)?;
        let sealed_at = draft.parents.iter().map(|(_, manifest)| manifest.at).max().unwrap_or(how.now);
        let before = KeyRecord::of(&draft.document, sealed_at).ok_or_else(|| KeyError::BadRecord(path.to_string()))?;
        // Another program in this clone may have brought in, or made, another key since this one was looked at.
        if before.intent != *intent || is_several(&draft.document, sealed_at) {
            return Err(KeyError::Several { path: path.to_string() }.into());
        }
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(None);
        }
        after.updated = how.now;
        vault.put_meta(&mut draft.document, KEY, Some(&after.to_text()), how.now)?;
        let report = writing.finish(&[draft], Vec::new(), message)?;
        if let Some(why) = report.staged {
            return Err(KeyError::NotCommitted(why).into());
        }
        if !how.dry_run {
            self.share_or_say(path);
        }
        Ok(Some(report))
    }
}

/// Whether an operation is going to write a record of its own.
fn writes_record(op: &Operation) -> bool {
    op.mint.as_ref().is_none_or(|mint| mint.stage != Stage::Published)
}
