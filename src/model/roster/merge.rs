//! Two branches that both extended the roster: what one did is done once more to the other.
//!
//! Every embedded entry is checked in its own branch first. What it took away is then taken away here, whoever signed
//! it; what it gave is given only where its signer is still an admin here. So what one side took away by name the other
//! does not give back, and a merge is always possible for somebody who is an admin on both sides.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::bytes::Hash;
use super::super::names::{GroupName, MemberName, SecretPath};
use super::chain::{Judge, admin, judge_entry, step};
use super::state::{Holder, Holders, Member, State};
use super::{Entry, Operation, Refusal, RosterError, entry};

/// An entry of a chain, or one that is embedded in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// Its number, in its own branch.
    pub(super) seq: u64,
    /// What it follows: the entry before it, and the last one that it embeds.
    pub(super) follows: [Option<Hash>; 2],
    /// The state after it, in its own branch.
    pub(super) state: State,
}

/// Entries by the hash of their bodies.
pub(super) type Points = HashMap<Hash, Point>;

/// What a `merge` entry leads to.
pub(super) struct Merged {
    /// The state after it.
    pub(super) state: State,
    /// The last entry that it embeds.
    pub(super) end: Hash,
    /// What it did to the state, one step an entry.
    steps: Vec<Step>,
}

/// What an entry did on a branch. Where it came to that branch by a merge, that is not what it did at first.
struct Step {
    entry: Hash,
    operation: Operation,
    by: Hash,
    before: State,
    after: State,
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
        let base_state = match self.point(base) {
            Some(point) if point.seq.checked_add(1) == Some(first.seq) => point.state.clone(),
            _ => return Err(unknown_base().into()),
        };
        let ours = self.state(head);

        let (end, steps) = self.follow(base, &entries, judge)?;
        if !ours.has_admin_in_common(&self.state(end), &signer.card.name) {
            return Err(refused(Refusal::NotAnAdmin).into());
        }
        let again = Again { base: &base_state, ours: &ours, signer: &signer.card.name };
        let mut state = ours.clone();
        let mut done = Vec::new();
        for step in steps.into_iter().filter(|step| !history.contains(&step.entry)) {
            let after = again.apply(&state, &step);
            done.push(Step { before: state, after: after.clone(), ..step });
            state = after;
        }
        Ok(Merged { state, end, steps: done })
    }

    /// Checks entries that follow `head`, one after the other; the last one, and what all of them did.
    fn follow<J: Judge>(
        &mut self,
        mut head: Hash,
        entries: &[Entry],
        judge: &mut J,
    ) -> Result<(Hash, Vec<Step>), J::Error> {
        let mut steps = Vec::new();
        for entry in entries {
            let before = self.state(head);
            let hash = entry.hash();
            let (after, embeds) = match &entry.operation {
                Operation::Merge { entries } => {
                    let signer = admin(&before, entry)?.clone();
                    judge_entry(judge, entry, &signer.card)?;
                    let merged = self.merge(head, entry.seq, &signer, entries, judge)?;
                    steps.extend(merged.steps);
                    (merged.state, Some(merged.end))
                }
                operation => {
                    let after = step(&before, entry, judge)?;
                    let (operation, by) = (operation.clone(), entry.by.unwrap_or(hash));
                    steps.push(Step { entry: hash, operation, by, before, after: after.clone() });
                    (after, None)
                }
            };
            let point = Point { seq: entry.seq, follows: [Some(head), embeds], state: after };
            self.points.insert(hash, point);
            head = hash;
        }
        Ok((head, steps))
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

/// Does to a state what was done on the other branch.
struct Again<'a> {
    /// Where the branches parted.
    base: &'a State,
    /// The end of this one.
    ours: &'a State,
    /// Who merges: an admin on both sides, who stays one.
    signer: &'a MemberName,
}

impl Again<'_> {
    fn apply(&self, state: &State, step: &Step) -> State {
        let mut next = state.clone();
        let counts = state.admin_by(step.by);
        match &step.operation {
            // Merges were taken apart, and nobody founds twice.
            Operation::Found { .. } | Operation::Merge { .. } => {}
            Operation::Admit { card, role } => {
                if counts && step.after.named(&card.name).is_some() {
                    let by = step.after.named(&card.name).and_then(|member| member.admitted_by.clone());
                    attempt(&mut next, |next| next.admit(*role, card, by));
                }
            }
            Operation::Remove { member, .. } => {
                if step.after.named(&member.name).is_none() && self.is_theirs_to_take(&next, step, &member.name) {
                    next.take_out(&member.name);
                }
            }
            Operation::Role { member, .. } => self.role(&mut next, step, &member.name, counts),
            Operation::Renew { member, card, .. } => {
                if counts && step.after.named(&card.name).is_some_and(|member| member.card == *card) {
                    let by = step.before.cards.get(&step.by).map(|known| &known.card.name);
                    attempt(&mut next, |next| next.renew(member, card, by));
                }
            }
            Operation::Group { group, .. } => self.group(&mut next, step, group, counts),
            Operation::Grant { path, .. } => {
                self.grant(&mut next, step, path.as_ref().map_or("", SecretPath::as_str), counts);
            }
            Operation::Minimum { minimum } => {
                if counts {
                    next.minimum = next.minimum.max(*minimum);
                }
            }
        }
        if counts {
            let live: Vec<Hash> =
                step.operation.live().iter().copied().filter(|version| step.after.keeps(*version)).collect();
            next.keep(&live);
        }
        next
    }

    /// Whether `name` is somebody here who is the same person there, and not the one who merges.
    fn is_theirs_to_take(&self, state: &State, step: &Step, name: &MemberName) -> bool {
        name != self.signer && state.named(name).is_some() && state.knows_as(&step.before, name)
    }

    /// A lower role is taken over; a higher one where this side left the role alone.
    fn role(&self, next: &mut State, step: &Step, name: &MemberName, counts: bool) {
        let role = |state: &State| state.named(name).map(|member| member.role);
        let (Some(mut wanted), Some(now)) = (role(&step.after), role(next)) else { return };
        if role(&step.before) == Some(wanted) || !self.is_theirs_to_take(next, step, name) {
            return;
        }
        if let Some(here) = role(self.ours).filter(|here| role(self.base) != Some(*here)) {
            wanted = wanted.min(here);
        }
        if wanted < now || (wanted > now && counts) {
            attempt(next, |next| next.change_role(name, wanted));
        }
    }

    /// What a group gained and lost there, gained and lost here. One that nobody is left in has ended.
    fn group(&self, next: &mut State, step: &Step, group: &GroupName, counts: bool) {
        let names = |state: &State| state.groups.get(group).cloned().unwrap_or_default();
        let (old, new, here) = (names(&step.before), names(&step.after), next.groups.get(group).cloned());
        if old == new || here.as_ref().is_some_and(BTreeSet::is_empty) {
            return;
        }
        let mut set = here.clone().unwrap_or_default();
        set.retain(|name| new.contains(name) || !old.contains(name));
        if counts {
            let taken = |name: &MemberName| names(self.base).contains(name) && !names(self.ours).contains(name);
            let added = new.difference(&old).filter(|name| is_here(next, step, name) && !taken(name));
            set.extend(added.cloned());
        }
        if here.is_some() || !set.is_empty() {
            next.put_group(group, set);
        }
    }

    /// What a grant gave and took there, given and taken here.
    fn grant(&self, next: &mut State, step: &Step, path: &str, counts: bool) {
        let (before, after) = (step.before.grants.get(path), step.after.grants.get(path));
        if before == after {
            return;
        }
        let lost = |from: &State, to: &State, at: &str| -> Holders {
            from.grant_for(at).1.difference(to.grant_for(at).1).cloned().collect()
        };
        let mut sets: Vec<(String, Option<Holders>)> = Vec::new();
        let here = next.grant_for(path).1;
        let narrower: Holders = here.difference(&lost(&step.before, &step.after, path)).cloned().collect();
        // Nobody gets back here what this side took away.
        let taken = lost(self.base, self.ours, path);
        if counts && after.is_some() {
            let lives = |holder: &&Holder| match holder {
                Holder::People => true,
                Holder::Group(group) => next.groups.get(group).is_some_and(|names| !names.is_empty()),
                Holder::Member(name) => is_here(next, step, name),
            };
            let given = lost(&step.after, &step.before, path);
            let given = given.difference(&taken).filter(lives).cloned();
            sets.push((path.to_owned(), Some(narrower.into_iter().chain(given).collect())));
        } else if counts && self.may_inherit(next, step, path, &taken) {
            sets.push((path.to_owned(), None));
        } else if narrower != *here {
            sets.push((path.to_owned(), Some(narrower)));
        }
        // Who lost a folder there lost what is below it, where that had no grant of its own.
        for (at, here) in next.grants().filter(|(at, _)| *at != path) {
            let lost = lost(&step.before, &step.after, at);
            if !here.is_disjoint(&lost) {
                sets.push((at.to_owned(), Some(here.difference(&lost).cloned().collect())));
            }
        }
        for (at, set) in sets {
            next.put_grant(&at, set);
        }
    }

    /// Whether the grant at `path` may go, so that the one above counts: both are what they were there.
    fn may_inherit(&self, next: &State, step: &Step, path: &str, taken: &Holders) -> bool {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        let wider = next.grant_for(above).1;
        next.grants.get(path) == step.before.grants.get(path)
            && wider == step.after.grant_for(above).1
            && wider.is_disjoint(taken)
    }
}

/// Whether `name` lives here and is the same person there.
fn is_here(state: &State, step: &Step, name: &MemberName) -> bool {
    state.named(name).is_some() && state.knows_as(&step.after, name)
}

/// Leaves the state as it was where that is not possible.
fn attempt<T>(state: &mut State, change: impl FnOnce(&mut State) -> Result<T, Refusal>) {
    let mut next = state.clone();
    if change(&mut next).is_ok() {
        *state = next;
    }
}
