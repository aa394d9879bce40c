//! What was said of a key while another was being made in its place: of limits that differ the tighter ones stay, and all
//! alerts, and what was switched off stays off.
//!
//! The record is what counts: the operation knows what it said as it began, and so what was changed since.

use std::collections::BTreeSet;

use super::begin::layers;
use super::desk::{Desk, known_provider, record_of};
use super::mint::{abilities, leave_to};
use crate::model::document::Document;
use crate::model::keys::alert::Threshold;
use crate::model::keys::limit::Limits;
use crate::model::keys::operation::{Begun, Kind, Mint, Operation, Stage};
use crate::model::keys::record::{KeyRecord, Standing};
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::providers::Provider;
use crate::vault::VaultError;

/// What a new key is to have, by what its secret says now.
pub(super) struct Due {
    limits: Limits,
    alerts: BTreeSet<Threshold>,
    /// Why it was switched off, where it was.
    off: Option<String>,
    /// Limits or alerts are others than those that the new key was begun on.
    changed: bool,
}

impl Due {
    /// For a key that takes the place of those of the records.
    pub(super) fn of(mint: &Mint, document: &Document, now: Time) -> Self {
        let own = || Begun { limits: mint.limits.clone(), alerts: mint.alerts.clone(), off: false };
        let begun = mint.begun.clone().unwrap_or_else(own);
        let mut due = Self { limits: mint.limits.clone(), alerts: mint.alerts.clone(), off: None, changed: false };
        let others = KeyRecord::all_of(document, now).into_iter();
        for record in others.filter(|record| record.intent != mint.intent && record.standing.may_work()) {
            if record.limits != begun.limits {
                due.limits = due.limits.tighter(&record.limits);
                due.changed = true;
            }
            if record.alerts != begun.alerts {
                due.alerts.extend(record.alerts.iter().copied());
                due.changed = true;
            }
            if record.standing == Standing::Disabled && !begun.off {
                due.off.get_or_insert(record.reason);
            }
        }
        due
    }

    /// Whether a key that is about to be published has all of it.
    pub(super) fn is_in(&self, op: &Operation, mint: &Mint, off: Option<&str>) -> bool {
        let is_off = off.is_some() || self.off.is_none() || op.compromised;
        self.limits == mint.limits && self.alerts == mint.alerts && is_off
    }
}

impl Desk<'_> {
    /// Gives a new key, before anybody gets it, what was changed of the one before it since the operation began. Why it is
    /// switched off, where it is; nothing where another key has to be asked for first.
    #[allow(clippy::option_option, reason = "whether to go on, and then why it is off")]
    pub(super) fn take_in_changes(
        &self,
        provider: &dyn Provider,
        op: &mut Operation,
    ) -> Result<Option<Option<String>>, VaultError> {
        let secret = match self.vault()?.secret(&op.path) {
            _ if op.kind != Kind::Rotate => return Ok(Some(None)),
            // The publication says so.
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. } | VaultError::Moved { .. }) => {
                return Ok(Some(None));
            }
            secret => secret?,
        };
        let path = op.path.clone();
        let Some(mint) = &mut op.mint else { return Ok(Some(None)) };
        let due = Due::of(mint, &secret.document, secret.manifest.at);
        if due.changed {
            self.say_terms(&path, &due.limits, &due.alerts);
        }
        mint.alerts = due.alerts;
        if due.limits != mint.limits {
            mint.layers = layers(&due.limits, known_provider(&op.provider)?);
            mint.limits = due.limits;
            mint.stage = Stage::Minted;
            leave_to(op, &secret, record_of(&secret)?.1, self.now());
            self.make_ready(provider, op)?;
        }
        let Some(mint) = op.mint.as_ref().filter(|mint| mint.stage == Stage::Ready) else { return Ok(None) };
        if due.off.is_none() {
            return Ok(Some(None));
        }
        if op.compromised {
            // Who replaces a key in wrong hands wants one that works.
            (self.say)(&format!(
                "{path}: its key was switched off meanwhile, and the new one works: covault key disable {path} switches \
                 that off, too"
            ));
            return Ok(Some(None));
        }
        if let Some(id) = &mint.id {
            self.switch_and_see(provider, abilities(provider)?.0, &path, id, false)?;
        }
        (self.say)(&format!(
            "{path}: its key was switched off meanwhile, and so is the new one: covault key enable {path} switches it on"
        ));
        Ok(Some(due.off))
    }

    /// The operation with what the record of its published key says by now: who changes that while an old key is kept
    /// changes the record, and not the journal.
    pub(super) fn as_recorded(&self, op: &Operation) -> Result<Operation, VaultError> {
        let mut op = op.clone();
        let Some(mint) = op.mint.as_mut().filter(|mint| mint.stage == Stage::Published) else { return Ok(op) };
        let secret = match self.vault()?.secret(&op.path) {
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. } | VaultError::Moved { .. }) => {
                return Ok(op);
            }
            secret => secret?,
        };
        let records = KeyRecord::all_of(&secret.document, secret.manifest.at);
        if let Some(record) = records.into_iter().find(|record| record.intent == mint.intent) {
            // That it was switched off since was said of this very key.
            mint.begun = Some(Begun { off: false, ..Begun::of(&record) });
            (mint.limits, mint.first, mint.alerts) = (record.limits, record.first, record.alerts);
            mint.layers = record.layers;
        }
        Ok(op)
    }

    /// Says which limits and alerts stay of those that differ.
    pub(super) fn say_terms(&self, path: &SecretPath, limits: &Limits, alerts: &BTreeSet<Threshold>) {
        let alerts = alerts.iter().map(|at| format!(", alert {at}")).collect::<String>();
        (self.say)(&format!(
            "{path}: its limits were changed at the same time; the tighter ones stay, and all alerts: {limits}{alerts} \
             (covault key limits {path} changes them)"
        ));
    }
}
