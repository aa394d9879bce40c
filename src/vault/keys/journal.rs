//! The journal: open operations, each a metadatum of a sealed document, with the texts of keys that are not published yet.
//!
//! One document for each secret. Two clones that begin at the same time have both operations in it after a merge.

use std::collections::BTreeSet;

use super::KeyError;
use super::desk::{Desk, journal_path};
use crate::model::keys::intent::Intent;
use crate::model::keys::operation::Operation;
use crate::model::names::{FieldName, SecretPath};
use crate::model::register::{Key, Value};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::vault::draft::Draft;
use crate::vault::write::Writing;
use crate::vault::{Vault, VaultError};

/// What becomes of the text of a key that is not published yet.
pub(super) enum Text<'a> {
    /// Nothing changes.
    Keep,
    /// It is kept for the next step.
    Put(&'a Intent, &'a Plaintext),
    /// The secret has it, or it is of no use any more.
    Drop(&'a Intent),
}

/// Writes to the secret in the same commit as the journal.
pub(super) type Also<'a> = &'a dyn Fn(&mut Writing<'_>) -> Result<Option<Draft>, VaultError>;

/// Nothing but the journal.
pub(super) fn nothing_else(_: &mut Writing<'_>) -> Result<Option<Draft>, VaultError> {
    Ok(None)
}

impl Desk<'_> {
    /// Writes an operation down, as one commit with what else changes.
    pub(super) fn save(
        &self,
        op: &Operation,
        text: &Text<'_>,
        also: Also<'_>,
        message: &str,
    ) -> Result<(), VaultError> {
        self.write(&[(op, true)], text, also, message)
    }

    /// Takes operations out of the journal, as one commit with what else changes.
    pub(super) fn close_all(
        &self,
        ops: &[(&Operation, bool)],
        also: Also<'_>,
        message: &str,
    ) -> Result<(), VaultError> {
        self.write(ops, &Text::Keep, also, message)
    }

    fn write(
        &self,
        ops: &[(&Operation, bool)],
        text: &Text<'_>,
        also: Also<'_>,
        message: &str,
    ) -> Result<(), VaultError> {
        let how = self.how();
        let vault = self.vault()?;
        let Some((first, _)) = ops.first() else { return Ok(()) };
        let mut writing = vault.writing(&how)?;
        let mut journal = writing.journal(&journal_path(&vault, &first.path)?)?;
        for (op, _) in ops {
            self.check_as_written(&journal, op, how.now)?;
        }
        for (op, stays) in ops {
            let record = stays.then(|| op.to_text());
            // Another way that the same operation went is ended by what is written of it here.
            let goes_on = !stays && ops.iter().any(|(other, stays)| *stays && other.id == op.id);
            if !goes_on {
                vault.put_meta(&mut journal.document, &op.meta_name(), record.as_deref(), how.now)?;
            }
            if !stays && let Some(mint) = &op.mint {
                vault.put_text(&mut journal, &mint.intent, None, how.now)?;
            }
        }
        match text {
            Text::Keep => {}
            Text::Put(intent, key) => vault.put_text(&mut journal, intent, Some(key), how.now)?,
            Text::Drop(intent) => vault.put_text(&mut journal, intent, None, how.now)?,
        }
        let secret = also(&mut writing)?;
        let drafts: Vec<Draft> = secret.into_iter().chain([journal]).collect();
        let report = writing.finish(&drafts, Vec::new(), message)?;
        for (op, _) in ops.iter().filter(|(_, stays)| !stays) {
            self.written.forget(op);
        }
        for (op, _) in ops.iter().filter(|(_, stays)| *stays) {
            self.written.note(op);
        }
        match report.staged {
            Some(why) => Err(KeyError::NotCommitted(why).into()),
            None => Ok(()),
        }
    }

    /// Refuses to write over what somebody else made of an operation since it was written or seen here.
    fn check_as_written(&self, journal: &Draft, op: &Operation, now: Time) -> Result<(), VaultError> {
        let Some(written) = self.written.of(op) else { return Ok(()) };
        let mut found = Operation::all_of(&journal.document, now);
        found.retain(|other| other.id == op.id);
        if !found.is_empty() && found.iter().all(|other| other.to_text() == written) {
            return Ok(());
        }
        let what = "somebody else went on with it meanwhile".to_owned();
        Err(KeyError::Overtaken { path: op.path.to_string(), what }.into())
    }

    /// All operations that are open for a secret, or for any.
    pub(super) fn open_operations(
        &self,
        vault: &Vault,
        path: Option<&SecretPath>,
    ) -> Result<Vec<Operation>, VaultError> {
        let mut ops = vault.operations()?;
        ops.retain(|op| path.is_none_or(|path| op.path == *path));
        Ok(ops)
    }

    /// The text of a key that is not published yet.
    pub(super) fn text_of(&self, path: &SecretPath, intent: &Intent) -> Result<Option<Plaintext>, VaultError> {
        let vault = self.vault()?;
        let journal = vault.secret(&journal_path(&vault, path)?)?;
        let field = FieldName::parse(&Operation::field_of(intent))?;
        let fields = journal.fields();
        let write = fields.iter().find(|one| *one.name == field).and_then(|one| one.newest());
        Ok(write.and_then(|write| write.value.present()).map(|text| Plaintext::new(text.expose().to_vec())))
    }
}

impl Vault {
    /// Every operation at a provider that is not finished, where one's own key opens the journal.
    ///
    /// # Errors
    /// Those of reading and of journals that are refused; not that one may not read them.
    pub fn operations(&self) -> Result<Vec<Operation>, VaultError> {
        let (all, refused) = self.readable_operations()?;
        refused.map_or(Ok(all), Err)
    }

    /// The same where a journal that is refused is no reason to see nothing of the others; the first such refusal.
    pub(in crate::vault) fn readable_operations(&self) -> Result<(Vec<Operation>, Option<VaultError>), VaultError> {
        let names = self.journals()?;
        let (mut all, mut refused) = (Vec::new(), None);
        if names.is_empty() {
            return Ok((all, refused));
        }
        let mut known = BTreeSet::new();
        for opened in self.open_many(&names, &|| ())? {
            match opened {
                Ok(journal) => {
                    let ops = Operation::all_of(&journal.document, journal.manifest.at);
                    all.extend(ops.into_iter().filter(|op| known.insert(op.to_text())));
                    if Operation::any_unreadable(&journal.document, journal.manifest.at) {
                        refused = Some(KeyError::BadRecord(journal.document.path.to_string()).into());
                    }
                }
                Err(VaultError::NotAReader { .. }) => {}
                Err(error) => refused = Some(error),
            }
        }
        Ok((all, refused))
    }

    /// Whether there are journals that one does not read: what is open in them one cannot know.
    pub(super) fn hides_journals(&self) -> Result<bool, VaultError> {
        let opened = self.open_many(&self.journals()?, &|| ())?;
        Ok(opened.iter().any(|journal| matches!(journal, Err(VaultError::NotAReader { .. }))))
    }

    pub(super) fn put_text(
        &self,
        journal: &mut Draft,
        intent: &Intent,
        text: Option<&Plaintext>,
        now: Time,
    ) -> Result<(), VaultError> {
        let key = Key::Field(FieldName::parse(&Operation::field_of(intent))?);
        if text.is_none() && journal.document.register(&key).is_none_or(|register| register.live().next().is_none()) {
            return Ok(());
        }
        let value = text.map_or(Value::Absent, |text| Value::new(Plaintext::new(text.expose().to_vec())));
        let write = self.write_of(&key, value, false, now)?;
        journal.document.put(&key, write);
        Ok(())
    }
}
