//! The publication: the secret gets the new key and its record, and the journal lets go of the text, in one commit.

use super::KeyError;
use super::desk::{Desk, value_field};
use super::journal::Text;
use super::meanwhile::Due;
use crate::model::document::Document;
use crate::model::keys::intent::Intent;
use crate::model::keys::operation::{Kind, Mint, Operation, Stage};
use crate::model::keys::record::{KEY, KeyRecord, PROVIDER, Retired, Standing};
use crate::model::names::Subject;
use crate::model::register::{Key, Value, Write};
use crate::model::time::Time;
use crate::providers::Provider;
use crate::vault::draft::Draft;
use crate::vault::write::{Writing, random};
use crate::vault::{Vault, VaultError};

/// For how long the record of a key that is gone is kept: what it spent counts in windows of a month at most.
const KEPT: i64 = 62 * 86_400;

impl Desk<'_> {
    /// Gives the secret its new key.
    pub(super) fn publish(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let Some(mint) = &op.mint else { return Ok(()) };
        let intent = mint.intent.clone();
        self.still_free(provider, op, &intent)?;
        let Some(off) = self.take_in_changes(provider, op)? else { return Ok(()) };
        let missing = || KeyError::Unfinished { path: op.path.to_string(), what: "its new key is not here".to_owned() };
        let text = self.text_of(&op.path, &intent)?.ok_or_else(missing)?;
        let (vault, now) = (self.vault()?, self.now());
        let write = vault.write_of(&Key::Field(value_field()?), Value::new(text), false, now)?;
        if op.kind == Kind::Rotate {
            self.retire_what_came_between(op, now)?;
        }
        let Some(mint) = &mut op.mint else { return Ok(()) };
        (mint.stage, mint.published, mint.write) = (Stage::Published, Some(now), Some(write.name().to_string()));
        let (mint, published) = (mint.clone(), &*op);
        let also =
            |writing: &mut Writing<'_>| publish_into(writing, published, &mint, &write, off.as_deref()).map(Some);
        let message = match op.kind {
            Kind::Issue => format!("covault: issue {}", op.path),
            _ => format!("covault: rotate {} (key {})", op.path, mint.generation),
        };
        if op.kind == Kind::Issue && op.sweep.is_empty() && op.retire.is_empty() {
            // Nothing is left to do: the journal lets go of all of it.
            return self.close_all(&[(op, false)], &also, &message);
        }
        self.save(op, &Text::Drop(&intent), &also, &message)
    }

    /// A first key is given to nobody else's secret: where one came to the name meanwhile, the key is taken back.
    fn still_free(&self, provider: &dyn Provider, op: &mut Operation, intent: &Intent) -> Result<(), VaultError> {
        if op.kind != Kind::Issue {
            return Ok(());
        }
        let secret = match self.vault()?.secret(&op.path) {
            Ok(secret) => secret,
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Published before, and asked for again since that key was deleted.
        if KeyRecord::all_of(&secret.document, secret.manifest.at).iter().any(|record| record.intent == *intent) {
            return Ok(());
        }
        self.withdraw(provider, op)?;
        Err(KeyError::Taken { path: op.path.to_string() }.into())
    }

    /// Where somebody else published a key meanwhile, that one goes, too.
    pub(super) fn retire_what_came_between(&self, op: &mut Operation, now: Time) -> Result<(), VaultError> {
        let secret = match self.vault()?.secret(&op.path) {
            Ok(secret) => secret,
            Err(VaultError::Deleted { .. } | VaultError::NoSuchSecret { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        for record in KeyRecord::all_of(&secret.document, secret.manifest.at) {
            let is_known = op.retire.iter().any(|old| old.intent == record.intent);
            let is_new = op.mint.as_ref().is_some_and(|mint| mint.intent == record.intent);
            if !is_known && !is_new && record.standing.may_work() {
                op.retire.push(Retired::from_record(&record, None, now, "replaced at the same time"));
            }
        }
        Ok(())
    }
}

/// The secret's next version; `off` says why its key is switched off, where it is.
fn publish_into(
    writing: &mut Writing<'_>,
    op: &Operation,
    mint: &Mint,
    write: &Write,
    off: Option<&str>,
) -> Result<Draft, VaultError> {
    let now = writing.now();
    let mut draft = match op.kind {
        Kind::Issue => writing.start(&op.path)?,
        _ => writing.start_living(&op.path)?,
    };
    let vault = writing.vault();
    if op.kind == Kind::Rotate && !Due::of(mint, &draft.document, now).is_in(op, mint, off) {
        // Another program in this clone was faster by a moment.
        let what = "its limits were changed, or it was switched off, meanwhile".to_owned();
        return Err(KeyError::Overtaken { path: op.path.to_string(), what }.into());
    }
    let before = KeyRecord::of(&draft.document, now);
    let pruned: Vec<Retired> = Retired::all_of(&draft.document, now)
        .into_iter()
        .filter(|old| old.gone.is_some_and(|gone| gone.unix() < now.unix() - KEPT))
        .collect();
    let document = &mut draft.document;
    document.put(&Key::Field(value_field()?), write.clone());
    let record = KeyRecord {
        generation: mint.generation,
        intent: mint.intent.clone(),
        id: mint.id.clone(),
        name: mint.name.clone(),
        standing: if off.is_some() { Standing::Disabled } else { Standing::Active },
        issued: mint.asked,
        updated: now,
        rotated: (op.kind == Kind::Rotate).then_some(now),
        expires: mint.expires,
        limits: mint.limits.clone(),
        first: mint.first.clone(),
        layers: mint.layers.clone(),
        guardrail: mint.guardrail.clone(),
        alerts: mint.alerts.clone(),
        reason: off.map_or_else(|| op.reason.clone(), str::to_owned),
        before: before.map(|record| record.before).unwrap_or_default()
            + pruned.iter().filter_map(|old| old.usage).map(|usage| usage.total).sum(),
        write: write.name().to_string(),
    };
    put_record(vault, document, &record, &op.provider, now)?;
    let mut meta = |name: &str, value: Option<&str>| vault.put_meta(document, name, value, now).map(drop);
    for old in &op.retire {
        meta(&old.meta_name(), Some(&old.to_text()))?;
    }
    for old in &pruned {
        meta(&old.meta_name(), None)?;
    }
    if op.kind == Kind::Issue {
        meta("kind", Some("api-key"))?;
        meta("env", mint.env.as_deref())?;
        let me = vault.me()?.reference.name.clone();
        for subject in &mint.share {
            draft.shares.put(Subject::parse(subject)?, true, me.clone(), now, random());
        }
    }
    Ok(draft)
}

/// What a secret says of its key.
pub(super) fn put_record(
    vault: &Vault,
    document: &mut Document,
    record: &KeyRecord,
    provider: &str,
    now: Time,
) -> Result<(), VaultError> {
    vault.put_meta(document, KEY, Some(&record.to_text()), now)?;
    vault.put_meta(document, PROVIDER, Some(provider), now)?;
    vault.put_meta(document, "expires", record.expires.map(|at| at.to_string()).as_deref(), now)?;
    Ok(())
}
