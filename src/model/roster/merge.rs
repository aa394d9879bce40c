//! Two branches that both extended the roster: the entries of one are applied once more to the other.
//!
//! Removals go first, each entry is checked again, and what one side took away the other does not give back.

use std::collections::HashMap;

use super::super::bytes::Hash;
use super::super::names::SecretPath;
use super::chain::{Judge, Roster, admin, judge_entry, step};
use super::state::{Holder, Holders, Member, State};
use super::{Entry, Granted, Operation, Refusal, Role, RosterError, entry};

/// What a `merge` entry leads to.
pub(super) struct Merged {
    /// The state after it.
    pub(super) state: State,
    /// The embedded entries: number and state after each, in their own branch.
    pub(super) points: HashMap<Hash, (u64, State)>,
}

/// Checks the entries that a `merge` by `signer` embeds, and applies them after those of `ours`.
pub(super) fn merge<J: Judge>(
    ours: &Roster,
    seq: u64,
    signer: &Member,
    texts: &[String],
    judge: &mut J,
) -> Result<Merged, J::Error> {
    let refused = |why| RosterError::Refused { seq, why };
    let embedded = |error: RosterError| refused(Refusal::Embedded(Box::new(error)));
    let entries = entry::decode_embedded(texts, ours.vault).map_err(embedded)?;
    let base = entries.first().and_then(|first| Some((first.prev?, first.seq)));
    let (base_hash, first_seq) = base.ok_or_else(|| refused(Refusal::UnknownBase))?;
    let known = ours.state_at(base_hash).zip(ours.seq_at(base_hash));
    let (base, base_seq) = known.ok_or_else(|| refused(Refusal::UnknownBase))?;
    if base_seq.checked_add(1) != Some(first_seq) {
        return Err(refused(Refusal::UnknownBase).into());
    }

    // The other branch for itself, from the base to its end.
    let mut theirs = Branch { ours, points: HashMap::new(), order: Vec::new() };
    let end = theirs.follow(base.clone(), &entries, judge)?;
    if end.member(signer.hash).is_none_or(|member| member.role != Role::Admin) {
        return Err(refused(Refusal::NotAnAdmin).into());
    }

    // And once more, after ours: removals first.
    let mut state = ours.state().clone();
    let (removals, others): (Vec<&Step>, Vec<&Step>) =
        theirs.order.iter().partition(|step| matches!(step.operation, Operation::Remove { .. }));
    for step in removals.into_iter().chain(others) {
        if let Some(next) = again(&state, step, base, ours.state()) {
            state = next;
        }
    }
    Ok(Merged { state, points: theirs.points })
}

/// An embedded entry with the state that it met in its own branch.
struct Step {
    operation: Operation,
    by: Hash,
    before: State,
}

struct Branch<'a> {
    ours: &'a Roster,
    points: HashMap<Hash, (u64, State)>,
    /// What is to be applied once more, in order; entries of ours are not among them.
    order: Vec<Step>,
}

impl Branch<'_> {
    /// Checks entries that follow `state` and remembers each; the state after the last.
    fn follow<J: Judge>(&mut self, mut state: State, entries: &[Entry], judge: &mut J) -> Result<State, J::Error> {
        for entry in entries {
            let hash = entry.hash();
            let next = match &entry.operation {
                Operation::Merge { entries: texts } => self.merge_within(&state, entry, texts, judge)?,
                operation => {
                    let next = step(&state, entry, judge)?;
                    if !self.is_known(hash) {
                        let by = entry.by.unwrap_or(hash);
                        self.order.push(Step { operation: operation.clone(), by, before: state });
                    }
                    next
                }
            };
            self.points.insert(hash, (entry.seq, next.clone()));
            state = next;
        }
        Ok(state)
    }

    /// A merge within the other branch: what it embeds is followed from its own base, and then applied to `state`.
    fn merge_within<J: Judge>(
        &mut self,
        state: &State,
        entry: &Entry,
        texts: &[String],
        judge: &mut J,
    ) -> Result<State, J::Error> {
        let refused = |why| RosterError::Refused { seq: entry.seq, why };
        let signer = admin(state, entry)?.clone();
        judge_entry(judge, entry, &signer.card)?;
        let embedded = |error: RosterError| refused(Refusal::Embedded(Box::new(error)));
        let entries = entry::decode_embedded(texts, self.ours.vault).map_err(embedded)?;
        let place = entries.first().and_then(|first| Some((first.prev?, first.seq)));
        let (base_hash, first_seq) = place.ok_or_else(|| refused(Refusal::UnknownBase))?;
        let (seq, base) = self.point(base_hash).ok_or_else(|| refused(Refusal::UnknownBase))?;
        if seq.checked_add(1) != Some(first_seq) {
            return Err(refused(Refusal::UnknownBase).into());
        }
        let from = self.order.len();
        let end = self.follow(base.clone(), &entries, judge)?;
        if end.member(signer.hash).is_none_or(|member| member.role != Role::Admin) {
            return Err(refused(Refusal::NotAnAdmin).into());
        }
        let before = state.clone();
        let mut merged = state.clone();
        let inner = self.order.get(from..).unwrap_or_default();
        let (removals, others): (Vec<&Step>, Vec<&Step>) =
            inner.iter().partition(|step| matches!(step.operation, Operation::Remove { .. }));
        for step in removals.into_iter().chain(others) {
            if let Some(next) = again(&merged, step, &base, &before) {
                merged = next;
            }
        }
        Ok(merged)
    }

    fn is_known(&self, hash: Hash) -> bool {
        self.ours.has(hash) || self.points.contains_key(&hash)
    }

    fn point(&self, hash: Hash) -> Option<(u64, State)> {
        let own = self.points.get(&hash).cloned();
        own.or_else(|| Some((self.ours.seq_at(hash)?, self.ours.state_at(hash)?.clone())))
    }
}

/// The state after an entry of the other branch is applied to ours; `None` where it is not possible any more.
fn again(state: &State, step: &Step, base: &State, ours: &State) -> Option<State> {
    state.member(step.by).filter(|member| member.role == Role::Admin)?;
    let mut next = state.clone();
    match &step.operation {
        Operation::Role { member, role, .. } => {
            // Where both sides gave another role, the lower one counts.
            let here = ours.named(&member.name).map(|member| member.role);
            let there = base.named(&member.name).map(|member| member.role);
            let role = here.filter(|_| here != there).map_or(*role, |here| here.min(*role));
            next.set_role(member, role).ok()?;
        }
        Operation::Group { group, .. } => {
            let after = step.before.apply(&step.operation, step.by).ok()?;
            let names = |state: &State| state.groups.get(group).cloned().unwrap_or_default();
            let (old, new, here) = (names(&step.before), names(&after), names(state));
            let added = new.difference(&old).filter(|name| state.named(name).is_some());
            let mut set: std::collections::BTreeSet<_> = here.iter().chain(added).cloned().collect();
            set.retain(|name| !(old.contains(name) && !new.contains(name)));
            if set.is_empty() && !new.is_empty() {
                return None;
            }
            next.set_group(group, set).ok()?;
        }
        Operation::Grant { path, readers, .. } => {
            let path = path.as_ref().map_or("", SecretPath::as_str);
            let after = step.before.apply(&step.operation, step.by).ok()?;
            if *readers == Granted::Inherit {
                if state.grants.get(path) != step.before.grants.get(path) {
                    return None;
                }
                next.set_grant(path, None).ok()?;
            } else {
                let here = regrant(state, path, &step.before, &after)?;
                next.set_grant(path, Some(here)).ok()?;
            }
        }
        Operation::Minimum { minimum } => next.minimum = next.minimum.max(*minimum),
        Operation::Found { .. } | Operation::Merge { .. } => return None,
        Operation::Admit { .. } | Operation::Remove { .. } | Operation::Renew { .. } => {
            return state.apply(&step.operation, step.by).ok();
        }
    }
    next.keep(step.operation.live());
    Some(next)
}

/// What a grant added and took away there, added and taken away here.
fn regrant(state: &State, path: &str, before: &State, after: &State) -> Option<Holders> {
    let (_, old) = before.grant_for(path);
    let (_, new) = after.grant_for(path);
    let (_, here) = state.grant_for(path);
    let lives = |holder: &&Holder| match holder {
        Holder::People => true,
        Holder::Group(group) => state.groups.get(group).is_some_and(|names| !names.is_empty()),
        Holder::Member(name) => state.named(name).is_some(),
    };
    let mut set: Holders = here.iter().chain(new.difference(old).filter(lives)).cloned().collect();
    set.retain(|holder| new.contains(holder) || !old.contains(holder));
    (!set.is_empty()).then_some(set)
}
