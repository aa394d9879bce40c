//! The last commit of an operation: the journal lets go of it, and the secret says what became of its old keys.

use super::desk::{Desk, value_field};
use crate::model::keys::operation::{Kind, Operation};
use crate::model::keys::record::{KEY, KeyRecord};
use crate::model::register::{Key, Value};
use crate::vault::VaultError;
use crate::vault::draft::Draft;
use crate::vault::write::Writing;

impl Desk<'_> {
    /// Writes the end down.
    pub(super) fn close(&self, op: &Operation) -> Result<(), VaultError> {
        let also = |writing: &mut Writing<'_>| match op.kind {
            Kind::Issue if op.retire.is_empty() => Ok(None),
            _ => outcome_into(writing, op),
        };
        let message = match op.kind {
            Kind::Issue => format!("covault: {} is issued", op.path),
            Kind::Rotate => format!("covault: the old key of {} is gone", op.path),
            Kind::Revoke => format!("covault: revoke {}", op.path),
        };
        self.close_all(&[(op, false)], &also, &message)
    }
}

/// The secret with what became of its keys; nothing where it was deleted meanwhile.
fn outcome_into(writing: &mut Writing<'_>, op: &Operation) -> Result<Option<Draft>, VaultError> {
    let now = writing.now();
    let mut draft = match writing.start_living(&op.path) {
        Err(VaultError::Deleted { .. } | VaultError::NoSuchSecret { .. }) => return Ok(None),
        started => started?,
    };
    let vault = writing.vault();
    for old in &op.retire {
        vault.put_meta(&mut draft.document, &old.meta_name(), Some(&old.to_text()), now)?;
    }
    if op.kind == Kind::Revoke
        && let Some(mut record) = KeyRecord::of(&draft.document, now)
    {
        if let Some(old) = op.retire.iter().find(|old| old.intent == record.intent) {
            (record.standing, record.guardrail) = (old.standing, old.guardrail.clone());
        }
        (record.updated, record.reason) = (now, op.reason.clone());
        vault.put_meta(&mut draft.document, KEY, Some(&record.to_text()), now)?;
        vault.put_meta(&mut draft.document, "expires", None, now)?;
        // Of no use to anybody, and what asks for it should hear so.
        let key = Key::Field(value_field()?);
        draft.document.put(&key, vault.write_of(&key, Value::Absent, false, now)?);
    }
    Ok(Some(draft))
}
