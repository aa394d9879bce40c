//! Guardrails: limits beside the key's own, each made for one key and found by its intent.
//!
//! It decides no limit, and takes away none that was made for another key.

use std::collections::BTreeMap;

use super::KeyError;
use super::desk::Desk;
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::limit::{Layer, Limit, Window};
use crate::model::keys::operation::Operation;
use crate::model::keys::record::{RemoteId, Retired};
use crate::providers::{Guard, Guardrail, Provider, ProviderError};
use crate::vault::VaultError;

/// The window that a guardrail holds.
pub(super) fn window_of(layers: &BTreeMap<Window, Layer>) -> Option<Window> {
    layers.iter().find(|(_, layer)| **layer == Layer::Guardrail).map(|(window, _)| *window)
}

/// Makes a guardrail of this name, or has the one that is there hold this limit.
pub(super) fn put(
    guard: &dyn Guard,
    there: Option<Guardrail>,
    name: &str,
    limit: Limit,
) -> Result<Guardrail, ProviderError> {
    match there {
        Some(there) if there.limit == Some(limit) => Ok(there),
        Some(there) => guard.change_guardrail(&there.id, limit),
        None => match guard.create_guardrail(name, limit) {
            Ok(made) => Ok(made),
            // It may have been made all the same.
            Err(error) => guard.guardrails()?.into_iter().find(|one| one.name == name).ok_or(error),
        },
    }
}

impl Desk<'_> {
    /// Gives a new key somebody's own guardrail that the old one has, and sees that it is assigned; whether there is one. A key
    /// has room for one: a limit that ours would hold is Covault's then.
    pub(super) fn keep_guardrail(
        &self,
        provider: &dyn Provider,
        op: &mut Operation,
        key: &RemoteId,
    ) -> Result<bool, VaultError> {
        let Some(guard) = provider.guarding() else { return Ok(false) };
        let theirs = match somebodys_own(guard, &op.retire) {
            // An account that has none has none of theirs.
            Err(error) if error.is_unavailable() => None,
            theirs => theirs.map_err(KeyError::Provider)?,
        };
        let Some((theirs, mint)) = theirs.zip(op.mint.as_mut()) else { return Ok(false) };
        guard.assign(&theirs.id, key).map_err(KeyError::Provider)?;
        if guard.guardrail_of(key).map_err(KeyError::Provider)?.as_ref() != Some(&theirs.id) {
            let what = format!("the guardrail {:?} of the old key is not assigned to the new one", theirs.name);
            return Err(KeyError::Unfinished { path: op.path.to_string(), what }.into());
        }
        (self.say)(&format!(
            "the new key has the guardrail of the old one, which is somebody's own ({:?})",
            theirs.name
        ));
        mint.guardrail = None;
        if let Some(window) = window_of(&mint.layers) {
            (self.say)(&format!("covault key usage holds the limit of a {window}, as of each time that it is run"));
            mint.layers.insert(window, Layer::Client);
        }
        Ok(true)
    }

    /// Deletes guardrails that were made for these intents.
    pub(super) fn clear_guardrails(&self, provider: &dyn Provider, intents: &[Intent]) -> Result<(), VaultError> {
        let Some(guard) = provider.guarding() else { return Ok(()) };
        let all = match guard.guardrails() {
            Ok(all) => all,
            // An account that has none has none of ours.
            Err(error) if error.is_unavailable() => return Ok(()),
            Err(error) => return Err(KeyError::Provider(error).into()),
        };
        let is_ours = |name: &str| KeyName::parse(name).is_some_and(|name| intents.contains(&name.intent));
        for guardrail in all.iter().filter(|guardrail| is_ours(&guardrail.name)) {
            delete_and_see(provider, guard, &guardrail.id)?;
        }
        Ok(())
    }

    /// Deletes a guardrail that a record names, where it was made for that record's key: any other is somebody else's.
    /// Whether it is gone: an account that has no guardrails any more cannot be asked, and limits nothing by them.
    pub(super) fn delete_guardrail_of(
        &self,
        provider: &dyn Provider,
        guardrail: &RemoteId,
        intent: &Intent,
    ) -> Result<bool, VaultError> {
        let Some(guard) = provider.guarding() else { return Ok(true) };
        let all = match guard.guardrails() {
            Ok(all) => all,
            Err(error) if error.is_unavailable() => {
                (self.say)(&format!("{error}: the guardrail {guardrail} of the old key stays noted in its record"));
                return Ok(false);
            }
            Err(error) => return Err(KeyError::Provider(error).into()),
        };
        let is_ours = |name: &str| KeyName::parse(name).is_some_and(|name| name.intent == *intent);
        if all.iter().any(|one| one.id == *guardrail && is_ours(&one.name)) {
            delete_and_see(provider, guard, guardrail)?;
        }
        Ok(true)
    }
}

/// The guardrail that the newest of these keys has, where it was made for no key of ours.
fn somebodys_own(guard: &dyn Guard, old: &[Retired]) -> Result<Option<Guardrail>, ProviderError> {
    let old: Vec<&RemoteId> =
        old.iter().rev().filter(|old| old.standing.may_work()).filter_map(|old| old.id.as_ref()).collect();
    if old.is_empty() {
        return Ok(None);
    }
    let assigned = guard.assignments()?;
    let all = guard.guardrails()?;
    let of = |key: &RemoteId| {
        let (_, id) = assigned.iter().find(|(of, _)| of == key)?;
        all.iter().find(|one| one.id == *id && KeyName::parse(&one.name).is_none())
    };
    Ok(old.into_iter().find_map(of).cloned())
}

/// Deletes a guardrail and looks for it afterwards, whatever the deletion said.
fn delete_and_see(provider: &dyn Provider, guard: &dyn Guard, id: &RemoteId) -> Result<(), KeyError> {
    guard.delete_guardrail(id)?;
    match guard.guardrails()?.iter().any(|there| there.id == *id) {
        true => Err(ProviderError::still_there(provider.capabilities().name).into()),
        false => Ok(()),
    }
}
