//! What holds where branches meet: every give and every take of a fact in their histories, and which of them count.
//!
//! A fact holds if somebody gave it whose give counts, and each take of it was followed by such a give. What came when
//! by anybody's clock, and which side is "ours", does not matter.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use super::super::bytes::Hash;
use super::Role;
use super::fact::{self, Changes, Fact};
use super::state::State;

/// An entry of a chain, or one that is embedded in it.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// Its number, in its own branch.
    pub(super) seq: u64,
    /// What it follows: the entry before it, and the last one that it embeds.
    pub(super) follows: [Option<Hash>; 2],
    /// The card that signed it; `None` in `found`.
    pub(super) by: Option<Hash>,
    /// The state after it, in its own branch.
    pub(super) state: State,
    /// What it did. Only a merge asks; for all but merges the states tell.
    pub(super) did: OnceLock<Did>,
}

/// What was worked out already makes no difference.
impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        (self.seq, self.follows, self.by, &self.state) == (other.seq, other.follows, other.by, &other.state)
    }
}

impl Eq for Point {}

impl Point {
    /// What the entry did, which follows that state and is no merge, or was told.
    fn did(&self, before: &State) -> &Did {
        self.did.get_or_init(|| {
            let grants = before.grants().chain(self.state.grants());
            let paths = grants.map(|(path, _)| path.to_owned()).collect();
            Did { changes: fact::changes(before, &self.state, &paths), paths }
        })
    }
}

/// What an entry gave and took; a merge, beyond what the histories say that it brings together. Asked about paths: one
/// that is not among them was what the nearest one above it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Did {
    pub(super) changes: Changes,
    pub(super) paths: BTreeSet<String>,
}

impl Did {
    /// For each path above others that were not asked about, these.
    fn below<'a>(&self, paths: &'a BTreeSet<String>) -> BTreeMap<&'a str, Vec<&'a String>> {
        let mut below: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for path in paths.iter().filter(|path| !self.paths.contains(*path)) {
            let mut at = path.as_str();
            while !self.paths.contains(at) && !at.is_empty() {
                at = at.rsplit_once('/').map_or("", |(above, _)| above);
            }
            below.entry(at).or_default().push(path);
        }
        below
    }
}

/// The same about every path below.
fn spread<'a>(fact: &'a Fact, below: &BTreeMap<&str, Vec<&String>>) -> Vec<Cow<'a, Fact>> {
    let more = |at: &String| below.get(at.as_str()).into_iter().flatten().map(|path| (*path).clone());
    let mut all = vec![Cow::Borrowed(fact)];
    match fact {
        Fact::Names(at, who) => all.extend(more(at).map(|path| Cow::Owned(Fact::Names(path, who.clone())))),
        Fact::Reads(at, person) => all.extend(more(at).map(|path| Cow::Owned(Fact::Reads(path, *person)))),
        _ => {}
    }
    all
}

/// A set of entries, by their places.
#[derive(Debug, Clone, Default)]
struct Places(Vec<u64>);

impl Places {
    fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    fn add(&mut self, place: usize) {
        let word = place / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (place % 64);
        }
    }

    fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// Who gave and who took a fact.
#[derive(Debug, Default)]
struct Events {
    gave: Vec<usize>,
    took: Vec<usize>,
}

/// The histories of two heads, as one.
pub(super) struct Weighed<'a> {
    events: HashMap<Cow<'a, Fact>, Events>,
    /// What each entry comes after, itself included.
    past: Vec<Places>,
    /// Whether what it gave counts.
    counts: Vec<bool>,
    /// The places of both heads.
    heads: [Option<usize>; 2],
    /// Every path that ever had a grant.
    pub(super) paths: BTreeSet<String>,
}

impl<'a> Weighed<'a> {
    /// Everything that the heads come after, and they themselves.
    pub(super) fn new(heads: [Hash; 2], point: impl Fn(Hash) -> Option<&'a Point>) -> Self {
        let entries = in_order(heads, &point);
        let places: HashMap<Hash, usize> = entries.iter().enumerate().map(|(n, (hash, _))| (*hash, n)).collect();
        let mut paths = BTreeSet::from([String::new()]);
        for (_, point) in &entries {
            paths.extend(point.state.grants().map(|(path, _)| path.to_owned()));
            paths.extend(point.did.get().into_iter().flat_map(|did| did.paths.iter().cloned()));
        }
        let heads = heads.map(|head| places.get(&head).copied());
        let mut weighed = Self { events: HashMap::new(), past: vec![], counts: vec![], heads, paths };
        let none = State::default();
        for (place, (_, entry)) in entries.iter().enumerate() {
            let before = entry.follows.first().copied().flatten().and_then(&point);
            let did = entry.did(before.map_or(&none, |point| &point.state));
            let below = did.below(&weighed.paths);
            for fact in did.changes.gave.iter().flat_map(|fact| spread(fact, &below)) {
                weighed.events.entry(fact).or_default().gave.push(place);
            }
            for fact in did.changes.took.iter().flat_map(|fact| spread(fact, &below)) {
                weighed.events.entry(fact).or_default().took.push(place);
            }
            let mut past = Places::default();
            for follows in entry.follows.iter().flatten().filter_map(|hash| places.get(hash)) {
                if let Some(more) = weighed.past.get(*follows) {
                    past.join(more);
                }
            }
            past.add(place);
            weighed.past.push(past);
        }
        // An entry stands after all that it relies on.
        for (place, (_, entry)) in entries.iter().enumerate() {
            let prev = entry.follows.first().copied().flatten().and_then(&point);
            let authority = prev.zip(entry.by).map(|(before, by)| authority(&before.state, by));
            let counts = authority.is_none_or(|facts| facts.iter().all(|fact| weighed.relies(place, fact)));
            weighed.counts.push(counts);
        }
        weighed
    }

    /// Whether the entry at `place` had this by gives that count, and nobody took it beside the entry.
    fn relies(&self, place: usize, fact: &Fact) -> bool {
        let Some((past, events)) = self.past.get(place).zip(self.events.get(fact)) else { return false };
        let beside = |other: &usize| !past.has(*other) && !self.comes_after(*other, place);
        !events.took.iter().any(beside) && self.outweighs(events, |other| other != place && past.has(other))
    }

    fn comes_after(&self, place: usize, earlier: usize) -> bool {
        self.past.get(place).is_some_and(|past| past.has(earlier))
    }

    /// Whether a give counts among those entries, and each take was followed by one that does.
    fn outweighs(&self, events: &Events, among: impl Fn(usize) -> bool) -> bool {
        let counts = |place: &usize| among(*place) && self.counts.get(*place).copied().unwrap_or(false);
        let gave: Vec<usize> = events.gave.iter().copied().filter(counts).collect();
        let answered = |take: &usize| gave.iter().any(|give| self.comes_after(*give, *take));
        !gave.is_empty() && events.took.iter().filter(|take| among(**take)).all(answered)
    }

    /// Whether it holds where the heads meet.
    pub(super) fn holds(&self, fact: &Fact) -> bool {
        self.events.get(fact).is_some_and(|events| self.outweighs(events, |_| true))
    }

    /// Whether somebody gave it whose give counts, whoever took it.
    pub(super) fn was_given(&self, fact: &Fact) -> bool {
        let counts = |place: &usize| self.counts.get(*place).copied().unwrap_or(false);
        self.events.get(fact).is_some_and(|events| events.gave.iter().any(counts))
    }

    /// Whether one side took it, the other did not know, and nobody gave it since.
    pub(super) fn was_taken(&self, fact: &Fact) -> bool {
        let of_both = |take: &usize| self.heads.iter().flatten().all(|head| self.comes_after(*head, *take));
        let Some(events) = self.events.get(fact) else { return false };
        !events.took.iter().all(of_both) && !self.outweighs(events, |_| true)
    }

    /// Everything that was ever given.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.events.keys().map(AsRef::as_ref)
    }
}

/// What the signer of an entry needs: to be a living admin by a card that stands.
fn authority(before: &State, by: Hash) -> Vec<Fact> {
    let name = before.member(by).map(|member| &member.card.name);
    let person = name.and_then(|name| before.person(name)).unwrap_or(by);
    let roles = [Role::Writer, Role::Admin].map(|role| Fact::Role(person, role));
    [Fact::Lives(person), Fact::Stands(person, by)].into_iter().chain(roles).collect()
}

/// The heads and all that they come after, each entry after those that it follows.
fn in_order<'a>(heads: [Hash; 2], point: &impl Fn(Hash) -> Option<&'a Point>) -> Vec<(Hash, &'a Point)> {
    let mut done = HashMap::new();
    let mut order = Vec::new();
    let mut todo: Vec<(Hash, bool)> = heads.into_iter().rev().map(|head| (head, false)).collect();
    while let Some((hash, ready)) = todo.pop() {
        let Some(entry) = point(hash) else { continue };
        if ready {
            order.push((hash, entry));
        } else if done.insert(hash, ()).is_none() {
            todo.push((hash, true));
            todo.extend(entry.follows.into_iter().rev().flatten().map(|hash| (hash, false)));
        }
    }
    order
}
