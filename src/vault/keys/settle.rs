//! What several clones published without each other: one key stays the secret's, and the others go.
//!
//! Also where a secret went while an operation was open for it: the operation follows.

use std::collections::BTreeSet;

use super::begin::{eight, layers};
use super::claim::fits;
use super::desk::{Desk, journal_path, record_of, value_field, value_writes};
use super::journal::{Text, nothing_else};
use super::mint::abilities;
use super::resume::assert_into;
use super::{Capabilities, KeyError, Limiting};
use crate::model::document::Document;
use crate::model::keys::alert::Threshold;
use crate::model::keys::intent::Intent;
use crate::model::keys::limit::Limits;
use crate::model::keys::operation::{Kind, Mint, Operation, Stage};
use crate::model::keys::record::{KeyRecord, PROVIDER, Retired, Standing};
use crate::model::manifest::State;
use crate::model::names::{FieldName, SecretPath};
use crate::model::read;
use crate::model::register::{Key, Write};
use crate::model::time::Time;
use crate::vault::read::Secret;
use crate::vault::write::Writing;
use crate::vault::{Vault, VaultError};

/// How often a secret may have moved.
const MOVES: usize = 16;

/// What is to be set at the provider of the key that stays; the record says so already.
#[derive(Default)]
pub(super) struct Settled {
    /// Its limits, where the clones had others.
    pub(super) terms: Option<Limiting>,
    /// Why it is to be off, where a clone switched it off.
    pub(super) off: Option<String>,
}

impl Desk<'_> {
    /// Where a secret has keys of several clones, the newest one that lives stays, and an operation takes the others away.
    /// Where one of the clones revoked it, all of them go. What is to be set at the provider afterwards: of limits that
    /// differ the tighter ones stay, and all alerts, so that what one clone changed while another made a key is not lost.
    pub(super) fn settle_values(&self, path: &SecretPath) -> Result<Settled, VaultError> {
        let vault = self.vault()?;
        let secret = match vault.secret(path) {
            Ok(secret) => secret,
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. }) => return Ok(Settled::default()),
            Err(error) => return Err(error),
        };
        let records = records_of(&secret);
        if self.how.dry_run || records.len() < 2 {
            return Ok(Settled::default());
        }
        let (provider, mut newest) = record_of(&secret)?;
        let op = Operation {
            id: Intent::new(eight()),
            kind: Kind::Revoke,
            path: path.clone(),
            provider: provider.name.to_owned(),
            by: vault.me()?.reference.name.to_string(),
            started: self.now(),
            reason: "keys were published at the same time".to_owned(),
            compromised: false,
            keep_old: 0,
            mint: None,
            retire: Retired::all_of(&secret.document, secret.manifest.at),
            sweep: Vec::new(),
            aborting: false,
        };
        let message = format!("covault: settle the keys of {path}");
        (self.say)(&format!("{path}: its key was made or changed in several clones at the same time: settled"));
        let is_out = !value_writes(&secret)?.is_empty();
        if !is_out && self.trunk_gives_out(path)? {
            let what = "its value was deleted here, and what deploys from the trunk still has its key".to_owned();
            return Err(KeyError::Unfinished { path: path.to_string(), what }.into());
        }
        if !is_out || records.iter().any(|record| record.standing == Standing::Gone) {
            let op = self.with_the_rest(op, &records, None);
            self.save(&op, &Text::Keep, &nothing_else, &message)?;
            return Ok(Settled::default());
        }
        let terms = self.terms_of_all(path, &records);
        let Some((winner, found)) = self.winner(&vault, provider.name, &secret, &records)? else {
            // What it gives out is none of them: another key takes the place of all.
            (newest.limits, newest.alerts) = terms;
            let mint = self.next(&vault, path, &newest, provider);
            let op = self.with_the_rest(Operation { kind: Kind::Rotate, mint: Some(mint), ..op }, &records, None);
            self.save(&op, &Text::Keep, &nothing_else, &message)?;
            return Ok(Settled::default());
        };
        let is_off = |record: &&KeyRecord| record.standing == Standing::Disabled;
        let of_winner = || records.iter().filter(|record| record.intent == winner.intent);
        let off = of_winner().find(is_off).filter(|_| of_winner().any(|record| !is_off(&record)));
        let off = off.map(|record| record.reason.clone());
        if off.is_some() {
            (self.say)(&format!("{path}: its key was switched off at the same time, and stays off"));
        } else if winner.standing == Standing::Active && records.iter().any(|record| is_off(&record)) {
            (self.say)(&format!(
                "{path}: one clone switched its key off, and another made one that works: covault key disable {path} \
                 switches that off, too"
            ));
        }
        let (limits, alerts) = terms;
        // Which of several clones set the provider last is not known.
        let same = records.iter().all(|record| record.limits == limits && record.alerts == alerts);
        let layers = if limits == winner.limits { winner.layers.clone() } else { layers(&limits, provider) };
        let key = Key::Field(value_field()?);
        let write = vault.write_of(&key, found.value.clone(), false, self.now())?;
        let mint = Mint {
            intent: winner.intent.clone(),
            generation: winner.generation,
            name: winner.name.clone(),
            limits: limits.clone(),
            first: winner.first.clone(),
            layers: layers.clone(),
            expires: winner.expires,
            alerts: alerts.clone(),
            begun: None,
            share: Vec::new(),
            env: None,
            stage: Stage::Published,
            asked: winner.issued,
            id: winner.id.clone(),
            guardrail: winner.guardrail.clone(),
            published: Some(self.now()),
            write: Some(write.name().to_string()),
        };
        let op = Operation { kind: Kind::Rotate, mint: Some(mint), ..op };
        let op = self.with_the_rest(op, &records, Some(&winner.intent));
        let change = |record: &mut KeyRecord| {
            (record.limits, record.alerts, record.layers) = (limits.clone(), alerts.clone(), layers.clone());
            if let Some(reason) = &off {
                (record.standing, record.reason) = (Standing::Disabled, reason.clone());
            }
        };
        let also = |writing: &mut Writing<'_>| assert_into(writing, &op, &write, &change).map(Some);
        self.save(&op, &Text::Keep, &also, &message)?;
        let reason = String::new();
        let limiting =
            || Limiting { path: path.clone(), limits: Some(limits.clone()), alerts: Some(alerts.clone()), reason };
        Ok(Settled { terms: (!same).then(limiting), off })
    }

    /// The tighter of all limits, and every alert; where they differ that is said.
    fn terms_of_all(&self, path: &SecretPath, records: &[KeyRecord]) -> (Limits, BTreeSet<Threshold>) {
        let tighter = |all: Limits, one: &KeyRecord| all.tighter(&one.limits);
        let limits = records.iter().fold(Limits::default(), tighter);
        let alerts: BTreeSet<Threshold> = records.iter().flat_map(|record| record.alerts.iter().copied()).collect();
        if records.iter().any(|record| record.limits != limits || record.alerts != alerts) {
            self.say_terms(path, &limits, &alerts);
        }
        (limits, alerts)
    }

    /// The operation with all keys but one to be taken away.
    fn with_the_rest(&self, mut op: Operation, records: &[KeyRecord], but: Option<&Intent>) -> Operation {
        op.retire.retain(|old| old.standing.may_work() && old.standing != Standing::ByHand);
        for record in records.iter().filter(|record| record.standing.may_work() && Some(&record.intent) != but) {
            op.retire.retain(|old| old.intent != record.intent);
            op.retire.push(Retired::from_record(record, None, self.now(), "published at the same time"));
        }
        op.retire.retain(|old| Some(&old.intent) != but);
        op
    }

    /// The key that stays, with the write of its text: of those that the secret gives out one that works before others, and
    /// then the newest. A person may have answered which value counts, and so have written it anew: then the record is that
    /// of the key that the provider masks so.
    fn winner<'r>(
        &self,
        vault: &Vault,
        provider: &str,
        secret: &'r Secret,
        records: &'r [KeyRecord],
    ) -> Result<Option<(&'r KeyRecord, &'r Write)>, VaultError> {
        let provider = self.provider(vault, provider)?;
        let (inspect, _) = abilities(provider.as_ref())?;
        let live = value_writes(secret)?;
        let mut candidates = Vec::new();
        for record in records {
            let Some(id) = &record.id else { continue };
            let key = inspect.get(id).map_err(KeyError::Provider)?;
            let is_its = |write: &&&Write| {
                let label = key.as_ref().map_or("", |key| &key.label);
                write.value.as_text().is_some_and(|text| fits(text, label))
            };
            let published = live.iter().find(|write| write.name().to_string() == record.write);
            if let Some(write) = published.or_else(|| live.iter().find(is_its)) {
                candidates.push((key.map(|key| !key.disabled), record, *write));
            }
        }
        let rank = |works: &Option<bool>, one: &KeyRecord| (*works, one.generation, one.issued, one.intent.clone());
        let best = candidates.into_iter().max_by_key(|(works, record, _)| rank(works, record));
        Ok(best.map(|(_, record, write)| (record, write)))
    }

    /// Where a clone that settled two keys wrote the key of this operation anew, the operation goes by that write: the one
    /// that it published itself is replaced, and the secret's record names what took its place.
    pub(super) fn go_by_live_write(&self, op: &mut Operation) -> Result<(), VaultError> {
        let Some(mint) = op.mint.as_mut().filter(|mint| mint.stage == Stage::Published) else { return Ok(()) };
        let secret = match self.vault()?.secret(&op.path) {
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. }) => return Ok(()),
            secret => secret?,
        };
        let live: Vec<String> = value_writes(&secret)?.into_iter().map(|write| write.name().to_string()).collect();
        if mint.write.as_ref().is_some_and(|write| live.contains(write)) {
            return Ok(());
        }
        let ours = |record: &KeyRecord| record.intent == mint.intent && live.contains(&record.write);
        if let Some(record) = records_of(&secret).into_iter().find(ours) {
            mint.write = Some(record.write);
        }
        Ok(())
    }

    /// Commits what a killed command had written and not committed: the journals, and the secrets of what is open in them.
    /// Nothing can be brought in beside it, and nobody else would know of it.
    pub(super) fn keep_what_was_left(&self) -> Result<(), VaultError> {
        let vault = self.vault()?;
        if self.how.dry_run || self.how.no_commit || vault.may_write().is_err() || vault.repo().operation()?.is_some() {
            return Ok(());
        }
        let mut left = Vec::new();
        for journal in vault.journals()? {
            if vault.unsettled(&journal)?.is_some() {
                left.push(journal);
            }
        }
        let mut secrets: Vec<SecretPath> = self.open_operations(&vault, None)?.into_iter().map(|op| op.path).collect();
        if !left.is_empty() {
            // The operation may have been over, and its secret is not named any more.
            secrets.extend(vault.live_names()?);
        }
        secrets.sort();
        secrets.dedup();
        for path in secrets {
            let issued = |vault: &Vault| vault.secret(&path).is_ok_and(|secret| record_of(&secret).is_ok());
            if vault.unsettled(&path)?.is_some() && issued(&vault) {
                left.push(path);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let how = self.how();
        let mut writing = vault.writing(&how)?;
        let mut drafts = Vec::new();
        for path in &left {
            drafts.push(if path.is_journal() { writing.journal(path)? } else { writing.start_living(path)? });
        }
        writing.finish(&drafts, Vec::new(), "covault: keep what was written about keys")?;
        Ok(())
    }

    /// Where the secret is now that operations are open for at `path`; they are written down there.
    pub(super) fn follow(&self, path: &SecretPath) -> Result<SecretPath, VaultError> {
        let vault = self.vault()?;
        let is_within = |one: &SecretPath, other: &SecretPath| vault.roster().state().is_granted_within(one, other);
        let mut to = path.clone();
        for _ in 0..MOVES {
            match vault.newest(&to)?.map(|version| version.manifest().state.clone()) {
                // Who may not write there, or not here, does not say where the key goes.
                Some(State::Moved(there)) if !is_within(path, &there) || !is_within(&to, path) => {
                    return Err(VaultError::Moved { name: path.to_string(), to: there.to_string() });
                }
                Some(State::Moved(there)) => to = there,
                _ => break,
            }
        }
        if to == *path || self.how.dry_run {
            return Ok(to);
        }
        (self.say)(&format!("{path} was moved to {to}: going on there"));
        let how = self.how();
        let mut writing = vault.writing(&how)?;
        let mut left = writing.journal(&journal_path(&vault, path)?)?;
        let mut reached = writing.journal(&journal_path(&vault, &to)?)?;
        for op in self.open_operations(&vault, Some(path))? {
            let moved = Operation { path: to.clone(), ..op.clone() };
            vault.put_meta(&mut left.document, &op.meta_name(), None, how.now)?;
            vault.put_meta(&mut reached.document, &moved.meta_name(), Some(&moved.to_text()), how.now)?;
            if let Some(mint) = &op.mint
                && let Some(text) = self.text_of(path, &mint.intent)?
            {
                vault.put_text(&mut left, &mint.intent, None, how.now)?;
                vault.put_text(&mut reached, &mint.intent, Some(&text), how.now)?;
            }
        }
        writing.finish(&[left, reached], Vec::new(), &format!("covault: what is open for {path} goes on as {to}"))?;
        Ok(to)
    }
}

/// The records of the keys that a secret gives out: each once, or once for each that clones made of it without each other.
pub(super) fn records_of(secret: &Secret) -> Vec<KeyRecord> {
    records_in(&secret.document, secret.manifest.at)
}

fn records_in(document: &Document, sealed_at: Time) -> Vec<KeyRecord> {
    let mut records: Vec<KeyRecord> = Vec::new();
    for record in KeyRecord::all_of(document, sealed_at) {
        if !records.iter().any(|known| says_the_same(known, &record)) {
            records.push(record);
        }
    }
    records
}

/// Whether two records are of one key and do not differ in what people say of it.
fn says_the_same(one: &KeyRecord, other: &KeyRecord) -> bool {
    let is_off = |record: &KeyRecord| record.standing == Standing::Disabled;
    let terms = |record: &KeyRecord| (record.limits.clone(), record.alerts.clone());
    one.intent == other.intent && terms(one) == terms(other) && is_off(one) == is_off(other)
}

/// Whether a field of a secret is one that several clones got keys for at the same time: which of them stays is settled with
/// their provider, not by picking a value.
pub(in crate::vault) fn is_for_resume(document: &Document, field: &FieldName, sealed_at: Time) -> bool {
    value_field().is_ok_and(|value| value == *field) && is_several(document, sealed_at)
}

/// Whether several clones made keys for a secret, or changed what is said of its key, without each other, and its provider can
/// be asked which of that stays.
pub(in crate::vault) fn is_several(document: &Document, sealed_at: Time) -> bool {
    let provider = read::meta(document, PROVIDER, sealed_at).and_then(Capabilities::named);
    provider.is_some_and(|provider| provider.revokes) && records_in(document, sealed_at).len() > 1
}

/// Secrets that got keys in several clones at the same time, or whose records changed there.
pub(super) fn doubly_issued(vault: &Vault) -> Result<Vec<SecretPath>, VaultError> {
    let names = vault.live_names()?;
    let opened = vault.open_many(&names, &|| ())?;
    let is_double = |secret: &Secret| is_several(&secret.document, secret.manifest.at);
    let double = opened.into_iter().filter_map(Result::ok).filter(is_double);
    Ok(double.map(|secret| secret.document.path).collect())
}
