//! `resume`: goes on with what a crash, a wait or another machine left open, or takes it back.

use super::KeyError;
use super::begin::is_open;
use super::desk::{Desk, value_field};
use super::drive::Outcome;
use super::journal::{Text, nothing_else};
use super::settle::doubly_issued;
use crate::model::keys::operation::{Kind, Operation, Stage};
use crate::model::keys::record::{KEY, KeyRecord};
use crate::model::names::SecretPath;
use crate::model::register::{Key, Write};
use crate::repo::{Ancestry, Pushed};
use crate::vault::VaultError;
use crate::vault::draft::Draft;
use crate::vault::write::Writing;

/// Which way to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the end, or to where it has to wait.
    On,
    /// To the end, and old keys are kept no longer.
    Now,
    /// Back, where nothing is published yet.
    Back,
}

/// What came of going on.
#[derive(Debug)]
pub struct Resumed {
    /// By secret: how it went.
    pub outcomes: Vec<(SecretPath, Result<Outcome, VaultError>)>,
}

impl Desk<'_> {
    /// Goes on with everything that is open, or with what is open for these secrets.
    ///
    /// # Errors
    /// `NothingOpen` for a name that was given; what went wrong with one operation stands beside it.
    pub fn resume(&self, paths: &[SecretPath], way: Way) -> Result<Resumed, VaultError> {
        self.keep_what_was_left()?;
        if self.how.no_commit {
            return Err(KeyError::NotCommitted("as asked for".to_owned()).into());
        }
        if let Some(operation) = self.vault()?.repo().operation()? {
            return Err(KeyError::NotCommitted(operation.to_string()).into());
        }
        self.bring_all()?;
        let vault = self.vault()?;
        let mut wanted: Vec<SecretPath> = self.open_operations(&vault, None)?.into_iter().map(|op| op.path).collect();
        wanted.extend(doubly_issued(&vault)?);
        wanted.sort();
        wanted.dedup();
        let missing = paths.iter().find(|path| !wanted.contains(path));
        wanted.retain(|path| paths.is_empty() || paths.contains(path));
        // What an earlier command wrote and could not push is all that there may be left to do.
        let pushes = wanted.is_empty() && self.push_what_is_left()?;
        if (missing.is_some() || wanted.is_empty() && !pushes) && vault.hides_journals()? {
            return Err(KeyError::NotAManager.into());
        }
        if let Some(path) = missing.filter(|_| !pushes) {
            return Err(KeyError::NothingOpen(path.to_string()).into());
        }
        let outcomes = wanted.into_iter().map(|path| {
            let outcome = self.resume_one(&path, way);
            (path, outcome)
        });
        Ok(Resumed { outcomes: outcomes.collect() })
    }

    /// Pushes commits that the upstream has not got; whether there were any.
    fn push_what_is_left(&self) -> Result<bool, VaultError> {
        let vault = self.vault()?;
        let repo = vault.repo();
        let (Some(upstream), Some(head)) = (repo.exchanged_with()?, repo.head()?.commit) else { return Ok(false) };
        let there = repo.resolve(&upstream.tracking).ok();
        if self.how.dry_run
            || there.is_some_and(|there| repo.is_ancestor(head, there).is_ok_and(|is| is == Ancestry::Yes))
        {
            return Ok(false);
        }
        match repo.push(&upstream)? {
            Pushed::Done => Ok(true),
            Pushed::Behind => Err(VaultError::Outpaced { remote: upstream.remote, times: 1 }),
        }
    }

    fn resume_one(&self, path: &SecretPath, way: Way) -> Result<Outcome, VaultError> {
        let path = &self.follow(path)?;
        let settled = self.settle_values(path)?;
        let mut op = self.settle_rivals(path)?;
        if way == Way::Now && op.keep_old != 0 {
            op.keep_old = 0;
            if !self.how.dry_run {
                self.save(&op, &Text::Keep, &nothing_else, &format!("covault: keep the old key of {path} no longer"))?;
            }
        }
        if way == Way::Back {
            let is_out = op.mint.as_ref().is_some_and(|mint| mint.stage == Stage::Published);
            // Of a compromised key the old one is switched off already.
            if op.kind == Kind::Revoke || op.compromised || is_out {
                return Err(KeyError::NeedsPerson(format!(
                    "{path} cannot be taken back any more: finish it with covault key resume, and rotate again if need be"
                ))
                .into());
            }
            op.aborting = true;
            if !self.how.dry_run {
                self.save(&op, &Text::Keep, &nothing_else, &format!("covault: take back a key of {path}"))?;
            }
        }
        if self.how.dry_run {
            return Ok(Outcome::planned(self.as_recorded(&op)?));
        }
        // What is written here may never have been pushed, and everybody is to know it before the provider is asked.
        if let Err(error) = self.share(path) {
            return Err(KeyError::NotPushed(op.provider, Box::new(error)).into());
        }
        self.still_ours(&op)?;
        let outcome = self.drive(op, false)?;
        // Its record says so already, and a crash before this shows as drifted.
        if let Some(terms) = settled.terms {
            self.limit(&terms)?;
        }
        if let Some(reason) = settled.off {
            self.switch(path, false, &reason)?;
        }
        Ok(outcome)
    }

    /// Brings in what others have: the upstream, and of the branches that rotations were pushed to what they have of keys.
    pub(super) fn bring_all(&self) -> Result<(), VaultError> {
        if self.how.dry_run {
            return Ok(());
        }
        let Some(upstream) = self.vault()?.repo().exchanged_with()? else { return Ok(()) };
        self.bring(&upstream)?;
        self.bring_rotations()
    }

    /// Of several operations for one secret, which began in different clones, the one that came furthest goes on, and
    /// takes away what the others made. So do several ways that one operation went.
    fn settle_rivals(&self, path: &SecretPath) -> Result<Operation, VaultError> {
        let mut ops = self.open_operations(&self.vault()?, Some(path))?;
        let given_out = self.given_out(path)?;
        let gives_out = |op: &Operation| op.mint.as_ref().is_some_and(|mint| given_out.contains(&mint.intent));
        // Who wants it gone does not want a new one; and what the secret gives out stays.
        ops.sort_by_key(|op| (op.kind != Kind::Revoke, !gives_out(op)));
        let mut ops = ops.into_iter();
        let Some(mut first) = ops.next() else { return Err(KeyError::NothingOpen(path.to_string()).into()) };
        let rivals: Vec<Operation> = ops.collect();
        if rivals.is_empty() || self.how.dry_run {
            return match rivals.first() {
                Some(rival) => Err(is_open(rival)),
                None => Ok(first),
            };
        }
        let now = self.now();
        for rival in &rivals {
            (self.say)(&format!("{} began at the same time to {} {path}: settled", rival.by, rival.kind.as_str()));
            first.compromised |= rival.compromised;
            first.sweep.extend(rival.sweep.iter().cloned());
            for old in &rival.retire {
                if !first.retire.iter().any(|known| known.intent == old.intent) {
                    first.retire.push(old.clone());
                }
            }
            if let Some(mint) = &rival.mint {
                first.fold_in(mint, now);
            }
        }
        let own = first.mint.as_ref().map(|mint| mint.intent.clone());
        first.retire.retain(|old| Some(&old.intent) != own.as_ref());
        first.sweep.retain(|sweep| Some(&sweep.intent) != own.as_ref());
        self.go_by_live_write(&mut first)?;
        let winner = self.winning_write(&mut first)?;
        let (kept, all) = (first.clone(), std::iter::once((&first, true)).chain(rivals.iter().map(|op| (op, false))));
        let all: Vec<(&Operation, bool)> = all.collect();
        let also = |writing: &mut Writing<'_>| match &winner {
            Some(write) => assert_into(writing, &kept, write, &|_| ()).map(Some),
            None => Ok(None),
        };
        self.close_all(&all, &also, &format!("covault: settle what began twice for {path}"))?;
        Ok(first)
    }

    /// Where both published, the value that stays, as a new write.
    fn winning_write(&self, op: &mut Operation) -> Result<Option<Write>, VaultError> {
        let Some(published) = op.mint.as_ref().and_then(|mint| mint.write.clone()) else { return Ok(None) };
        let (vault, now) = (self.vault()?, self.now());
        let secret = vault.secret(&op.path)?;
        let key = Key::Field(value_field()?);
        let Some(register) = secret.document.register(&key) else { return Ok(None) };
        let found = register.live().find(|write| write.name().to_string() == published);
        let Some(found) = found.filter(|_| register.live().count() > 1) else { return Ok(None) };
        let write = vault.write_of(&key, found.value.clone(), false, now)?;
        if let Some(mint) = &mut op.mint {
            mint.write = Some(write.name().to_string());
        }
        Ok(Some(write))
    }
}

/// The secret with the value and the record of one operation, and what `change` makes of that.
pub(super) fn assert_into(
    writing: &mut Writing<'_>,
    op: &Operation,
    write: &Write,
    change: &dyn Fn(&mut KeyRecord),
) -> Result<Draft, VaultError> {
    let now = writing.now();
    let mut draft = writing.start_living(&op.path)?;
    let vault = writing.vault();
    let intent = op.mint.as_ref().map(|mint| &mint.intent);
    let records = KeyRecord::all_of(&draft.document, now);
    draft.document.put(&Key::Field(value_field()?), write.clone());
    if let Some(mut record) = records.into_iter().find(|record| Some(&record.intent) == intent) {
        (record.write, record.updated) = (write.name().to_string(), now);
        change(&mut record);
        vault.put_meta(&mut draft.document, KEY, Some(&record.to_text()), now)?;
    }
    for old in &op.retire {
        vault.put_meta(&mut draft.document, &old.meta_name(), Some(&old.to_text()), now)?;
    }
    Ok(draft)
}
