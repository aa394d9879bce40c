//! The way of an operation, from wherever it is to its end or to where it has to wait.

use super::KeyError;
use super::begin::is_open;
use super::desk::{Desk, value_writes};
use super::journal::{Text, nothing_else};
use super::retire::Retirement;
use crate::model::keys::limit::{Layer, Window};
use crate::model::keys::operation::{Kind, Operation, Stage};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::providers::Provider;
use crate::vault::VaultError;

/// How often a key is asked for by one command, where the last one got lost.
const TIMES: usize = 3;

/// What came of going on.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The operation as it is now.
    pub op: Operation,
    /// Whether it is finished.
    pub done: bool,
    /// What it waits for.
    pub waits: Option<String>,
    /// Until when, where it is time.
    pub until: Option<Time>,
}

impl Outcome {
    /// What would be done.
    pub(super) fn planned(op: Operation) -> Self {
        Self { op, done: false, waits: None, until: None }
    }

    /// Who holds which limit, as it turned out.
    pub fn layers(&self) -> Vec<(Window, Layer)> {
        self.op.mint.iter().flat_map(|mint| mint.layers.iter().map(|(window, layer)| (*window, *layer))).collect()
    }
}

impl Desk<'_> {
    /// Goes on with an operation. `fresh`: it was begun by this very command, and the provider was asked for nothing.
    pub(super) fn drive(&self, mut op: Operation, mut fresh: bool) -> Result<Outcome, VaultError> {
        let provider = self.provider(&self.vault()?, &op.provider)?;
        let provider = provider.as_ref();
        if op.aborting {
            self.take_back(provider, &mut op)?;
            return Ok(Outcome { op, done: true, waits: None, until: None });
        }
        if fresh && let Err(error) = self.check_not_replaced(&op).and_then(|()| self.check_old(provider, &op)) {
            // Nothing of it has begun at the provider.
            self.abandon(&op)?;
            return Err(error);
        }
        if self.is_given_up(&op)? {
            // Who revokes it was asked whether; a deletion on a branch is no such answer for those who have the trunk.
            if op.kind != Kind::Revoke && self.trunk_gives_out(&op.path)? {
                let why =
                    "what it gave out was deleted here, and what deploys from the trunk still has its key".to_owned();
                return Ok(Outcome { op, done: false, waits: Some(why), until: None });
            }
            self.give_all_up(&mut op);
        }
        if op.compromised {
            self.switch_off(provider, &mut op)?;
        }
        // A provider that forgets what it has just made is not asked for ever.
        let mut asked = 0;
        loop {
            while let Some(stage) = op.mint.as_ref().map(|mint| mint.stage) {
                match stage {
                    Stage::Asked if asked >= TIMES => {
                        let what = "the provider has none of the keys that it made".to_owned();
                        return Err(KeyError::Unfinished { path: op.path.to_string(), what }.into());
                    }
                    Stage::Asked => {
                        asked += 1;
                        self.ask(provider, &mut op, fresh)?;
                        self.share_ours(&op, "the new key is made, and the journal with it is not pushed")?;
                    }
                    Stage::Minted => self.make_ready(provider, &mut op)?,
                    Stage::Ready => self.publish(provider, &mut op)?,
                    Stage::Published => break,
                }
                fresh = false;
            }
            if let Some(outcome) = self.finish(provider, &mut op)? {
                return Ok(outcome);
            }
        }
    }

    /// From the publication on; nothing where another key has to be asked for first.
    fn finish(&self, provider: &dyn Provider, op: &mut Operation) -> Result<Option<Outcome>, VaultError> {
        let unpushed = |error| self.unfinished(op, "it is published here and not pushed", &error);
        if op.kind == Kind::Issue && op.sweep.is_empty() && op.retire.is_empty() {
            self.share(&op.path).map_err(unpushed)?;
            // The journal has let go of it: what is there now is how somebody else went on with it.
            if let Some(other) = self.open_operations(&self.vault()?, Some(&op.path))?.first() {
                return Err(is_open(other));
            }
            return Ok(Some(Outcome { op: op.clone(), done: true, waits: None, until: None }));
        }
        if op.mint.is_some() {
            self.share(&op.path).map_err(unpushed)?;
            self.still_ours(op)?;
            self.go_by_live_write(op)?;
        } else {
            // What was published since it began is to go, too, and everybody is to know that first.
            let known = op.retire.len();
            self.retire_what_came_between(op, self.now())?;
            if op.retire.len() > known {
                let message = format!("covault: what was issued meanwhile for {} goes, too", op.path);
                self.save(op, &Text::Keep, &nothing_else, &message)?;
                self.share(&op.path).map_err(|error| self.unfinished(op, "the journal is not pushed", &error))?;
            }
        }
        match self.retire(provider, op)? {
            Retirement::Waits { why, until } => {
                let op = self.as_recorded(op)?;
                return Ok(Some(Outcome { op, done: false, waits: Some(why), until }));
            }
            Retirement::AskAgain => return Ok(None),
            Retirement::Done => {}
        }
        self.sweep(provider, op)?;
        self.close(op)?;
        self.share_or_say(&op.path);
        Ok(Some(Outcome { op: self.as_recorded(op)?, done: true, waits: None, until: None }))
    }

    /// Whether somebody deleted the secret meanwhile, or took out what it was given: nothing is given out then, neither old
    /// nor new. A name that is issued anew has had another secret before, and one that was revoked has had no value.
    fn is_given_up(&self, op: &Operation) -> Result<bool, VaultError> {
        let is_out = op.mint.as_ref().is_none_or(|mint| mint.stage == Stage::Published);
        if op.kind == Kind::Issue && !is_out {
            return Ok(false);
        }
        let vault = self.vault()?;
        match vault.newest(&op.path)?.map(|version| version.manifest().state.clone()) {
            Some(State::Deleted) => Ok(true),
            Some(State::Live) if is_out && op.mint.is_some() => Ok(value_writes(&vault.secret(&op.path)?)?.is_empty()),
            _ => Ok(false),
        }
    }

    /// An operation whose secret gives nothing out any more takes everything away that it knows of.
    fn give_all_up(&self, op: &mut Operation) {
        (self.say)(&format!("{} was given up meanwhile: its keys go", op.path));
        let now = self.now();
        if let Some(mint) = op.mint.take() {
            op.fold_in(&mint, now);
        }
        op.kind = Kind::Revoke;
    }

    /// Ends an operation of which the provider has nothing.
    pub(super) fn abandon(&self, op: &Operation) -> Result<(), VaultError> {
        let message = format!("covault: give up to {} {}", op.kind.as_str(), op.path);
        self.close_all(&[(op, false)], &nothing_else, &message)?;
        self.share_or_say(&op.path);
        Ok(())
    }

    /// Pushes what may be pushed later, too.
    pub(super) fn share_or_say(&self, path: &SecretPath) {
        if let Err(error) = self.share(path) {
            (self.say)(&format!("not pushed yet ({}): covault sync", crate::vault::error::chain(&error)));
        }
    }

    /// Pushes the journal where nobody else has gone on with the operation: who looks for the key of an intent that is made
    /// finds it named, and of two who would give it out or take it away one is told here that the other was faster.
    pub(super) fn share_ours(&self, op: &Operation, else_what: &str) -> Result<(), VaultError> {
        self.share_while(&op.path, &|| self.still_ours(op)).map_err(|error| match error.kind() {
            crate::vault::Kind::Conflict => error,
            _ => self.unfinished(op, else_what, &error),
        })
    }

    pub(super) fn unfinished(&self, op: &Operation, what: &str, error: &VaultError) -> VaultError {
        let what = format!("{what} ({})", crate::vault::error::chain(error));
        KeyError::Unfinished { path: op.path.to_string(), what }.into()
    }
}
