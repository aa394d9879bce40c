//! Two branches that both extended the roster: the entries of one, checked, and the state where both meet.
//!
//! Every embedded entry is checked in its own branch first. What the two amount to is weighed in [`super::weigh`] and
//! settled in [`super::settle`]: nothing comes back that one side took, and a merge is always possible for somebody who
//! is an admin on both.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::super::bytes::Hash;
use super::chain::{Judge, admin, judge_entry, step};
use super::settle::settle;
use super::state::{Member, State};
use super::weigh::{Did, Point, Weighed};
use super::{Entry, Operation, Refusal, RosterError, entry};

/// Entries by the hash of their bodies.
pub(super) type Points = HashMap<Hash, Point>;

/// What a `merge` entry leads to.
pub(super) struct Merged {
    /// The state after it.
    pub(super) state: State,
    /// The last entry that it embeds.
    pub(super) end: Hash,
    /// What it gave and took by itself.
    pub(super) did: Did,
}

/// Follows embedded entries; those that it met are in `points`.
pub(super) struct Merging<'a> {
    vault: Hash,
    known: &'a Points,
    pub(super) points: Points,
}

impl<'a> Merging<'a> {
    /// For a chain whose entries are `known`.
    pub(super) fn new(vault: Hash, known: &'a Points) -> Self {
        Self { vault, known, points: Points::new() }
    }

    /// Checks the entries that a `merge` by `signer` embeds, which follows `head`, and does them once more there.
    pub(super) fn merge<J: Judge>(
        &mut self,
        head: Hash,
        seq: u64,
        signer: &Member,
        texts: &[String],
        judge: &mut J,
    ) -> Result<Merged, J::Error> {
        let refused = |why| RosterError::Refused { seq, why };
        let embedded = |error: RosterError| refused(Refusal::Embedded(Box::new(error)));
        let entries = entry::decode_embedded(texts, self.vault).map_err(embedded)?;
        let history = self.history(head);
        let unknown_base = || refused(Refusal::UnknownBase);
        let first = entries.first().ok_or_else(unknown_base)?;
        let base = first.prev.filter(|base| history.contains(base)).ok_or_else(unknown_base)?;
        if self.point(base).and_then(|point| point.seq.checked_add(1)) != Some(first.seq) {
            return Err(unknown_base().into());
        }
        let end = self.follow(base, &entries, judge)?;
        let (ours, theirs) = (self.state(head), self.state(end));
        if !ours.has_admin_in_common(&theirs, &signer.card.name) {
            return Err(refused(Refusal::NotAnAdmin).into());
        }
        let weighed = Weighed::new([head, end], |hash| self.point(hash));
        let (state, did) = settle(&weighed, [&ours, &theirs], &signer.card.name).map_err(refused)?;
        Ok(Merged { state, end, did })
    }

    /// Checks entries that follow `head`, one after the other; the last one.
    fn follow<J: Judge>(&mut self, mut head: Hash, entries: &[Entry], judge: &mut J) -> Result<Hash, J::Error> {
        for entry in entries {
            let before = self.state(head);
            let (state, embeds, did) = match &entry.operation {
                Operation::Merge { entries } => {
                    let signer = admin(&before, entry)?.clone();
                    judge_entry(judge, entry, &signer.card)?;
                    let merged = self.merge(head, entry.seq, &signer, entries, judge)?;
                    (merged.state, Some(merged.end), OnceLock::from(merged.did))
                }
                _ => (step(&before, entry, judge)?, None, OnceLock::new()),
            };
            let follows = [Some(head), embeds];
            head = entry.hash();
            self.points.insert(head, Point { seq: entry.seq, follows, by: entry.by, state, did });
        }
        Ok(head)
    }

    fn point(&self, entry: Hash) -> Option<&Point> {
        self.points.get(&entry).or_else(|| self.known.get(&entry))
    }

    /// The state after an entry that was met.
    fn state(&self, entry: Hash) -> State {
        self.point(entry).map(|point| point.state.clone()).unwrap_or_default()
    }

    /// The entry `head`, and all that its branch has up to there, embedded ones included.
    fn history(&self, head: Hash) -> HashSet<Hash> {
        let mut history = HashSet::new();
        let mut next = vec![head];
        while let Some(entry) = next.pop() {
            if history.insert(entry)
                && let Some(point) = self.point(entry)
            {
                next.extend(point.follows.into_iter().flatten());
            }
        }
        history
    }
}
