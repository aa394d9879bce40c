//! The recorded history: who wrote what with what in front of them. From that alone it is known which writes were
//! replaced by somebody who had seen them; what the program counts as replaced is never asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reading::{Does, Live, Sealed};

/// Number of a write, in the order in which they were met.
pub type Number = usize;

pub struct Event {
    pub name: String,
    pub what: Live,
    /// Where it was written.
    path: String,
    /// By whom, in which step.
    pub by: String,
    /// What its author had in front of them, and what the authors of that had.
    past: BTreeSet<Number>,
    /// What a tombstone had buried and this write took away for good, when it revived the secret.
    forgot: BTreeSet<Number>,
}

/// What lies in front of somebody at a path.
#[derive(Debug, Clone, Default)]
pub struct View(pub Vec<Arc<Sealed>>);

#[derive(Default)]
pub struct Oracle {
    numbers: BTreeMap<String, Number>,
    pub events: Vec<Event>,
    /// Versions by their names, for what a version says that it follows.
    versions: BTreeMap<String, Arc<Sealed>>,
}

impl Oracle {
    pub fn number(&self, name: &str) -> Option<Number> {
        self.numbers.get(name).copied()
    }

    pub fn remember(&mut self, version: &Arc<Sealed>) {
        self.versions.entry(version.version.clone()).or_insert_with(|| Arc::clone(version));
    }

    /// Writes of a version that nobody knows yet.
    pub fn unknown<'a>(&self, version: &'a Sealed) -> Vec<(&'a String, &'a Live)> {
        version.live.iter().filter(|(name, _)| !self.numbers.contains_key(*name)).collect()
    }

    /// Records the new writes of a version, whose author had `before` in front of them.
    pub fn learn(&mut self, version: &Sealed, before: &View, by: &str) -> Vec<Number> {
        let (seen, new) = (self.live(before), self.unknown(version));
        let mut learned = Vec::new();
        for (name, what) in new {
            let past = self.past_of(&seen, what);
            let forgot = if what.does == Does::Revive { self.forgotten(&past, version) } else { BTreeSet::new() };
            let number = self.events.len();
            self.numbers.insert(name.clone(), number);
            let (path, by) = (version.path.clone(), by.to_owned());
            self.events.push(Event { name: name.clone(), what: what.clone(), path, by, past, forgot });
            learned.push(number);
        }
        learned
    }

    /// The versions that a version says it follows, as far as they are known.
    pub fn parents(&self, version: &Sealed) -> View {
        View(version.parents.iter().filter_map(|parent| self.versions.get(parent)).cloned().collect())
    }

    /// Live writes of several versions together: those of each, but for what an author of the others had replaced.
    pub fn live(&self, view: &View) -> BTreeSet<Number> {
        let names = super::reading::names(view.0.iter().map(Arc::as_ref));
        let all: BTreeSet<Number> = names.into_iter().filter_map(|name| self.number(name)).collect();
        let (replaced, _) = self.replaced(&all);
        all.difference(&replaced).copied().collect()
    }

    /// What these writes replaced, and what they buried, as their authors had it in front of them.
    pub fn replaced(&self, writes: &BTreeSet<Number>) -> (BTreeSet<Number>, BTreeSet<Number>) {
        let (mut replaced, mut buried) = (BTreeSet::new(), BTreeSet::new());
        for event in writes.iter().map(|number| &self.events[*number]) {
            let same = |past: &&Number| self.events[**past].what.register == event.what.register;
            replaced.extend(event.past.iter().filter(same));
            replaced.extend(&event.forgot);
            if event.what.does == Does::Delete {
                buried.extend(&event.past);
            }
        }
        (replaced, buried)
    }

    /// What somebody who writes this has seen: what was live in the register, and the tombstones of the secret; who
    /// buries has seen all there is. What moved away lives at the other place: a value here replaces none of it.
    fn past_of(&self, seen: &BTreeSet<Number>, what: &Live) -> BTreeSet<Number> {
        let does = |number: &Number| self.events[*number].what.does;
        let counts = |number: &&Number| {
            let other = &self.events[**number].what;
            match (what.does, other.does) {
                (Does::Share, _) | (_, Does::Share) => what.register == other.register,
                (Does::Delete | Does::Move, _) | (_, Does::Delete | Does::Move) => true,
                (Does::Put | Does::Revive, _) => what.register == other.register,
            }
        };
        let here: BTreeSet<Number> = seen.iter().filter(counts).copied().collect();
        let moves = here.iter().filter(|number| what.does == Does::Put && does(number) == Does::Move);
        let away: BTreeSet<Number> = moves.flat_map(|number| self.taken_along(*number)).collect();
        let mut past = here.clone();
        for number in &here {
            let before = &self.events[*number].past;
            match does(number) {
                Does::Delete | Does::Move => past.extend(before.difference(&away)),
                _ => past.extend(before),
            }
        }
        past
    }

    /// What lived where somebody moved it away.
    fn taken_along(&self, tombstone: Number) -> BTreeSet<Number> {
        let past = &self.events[tombstone].past;
        past.difference(&self.replaced(past).0).copied().collect()
    }

    /// Whether a write that lives at these places was replaced elsewhere only: at a name that it had been moved away from, by
    /// people who had not heard of that, and where somebody who had not either deleted the secret and made it again. The move
    /// wins over the deletion, the secret that was begun anew is another one, and edits that landed there stay there.
    pub fn was_moved_before(&self, number: Number, places: &BTreeSet<String>, surviving: &BTreeSet<Number>) -> bool {
        let at = |path: &str, does: Does| -> Vec<Number> {
            let is_one = |n: &Number| self.events[*n].path == path && self.events[*n].what.does == does;
            (0..self.events.len()).filter(is_one).collect()
        };
        let replaces = |other: &&Number| self.replaced(&BTreeSet::from([**other])).0.contains(&number);
        surviving.iter().filter(replaces).all(|other| {
            let event = &self.events[*other];
            let unheard = |moved: &Number| {
                // Who has heard of both writes to what was begun anew.
                let is_anew = |n: &Number| {
                    let knows = !event.past.contains(moved) || event.past.contains(n);
                    surviving.contains(n) && !self.events[*n].past.contains(moved) && knows
                };
                self.taken_along(*moved).contains(&number) && at(&event.path, Does::Revive).iter().any(is_anew)
            };
            !places.contains(&event.path) && at(&event.path, Does::Move).iter().any(unheard)
        })
    }

    /// Whether a secret with these live writes at this path lives: no tombstone, or one whose author had not seen all of it.
    pub fn lives(&self, live: &BTreeSet<Number>) -> bool {
        let does = |number: &Number| self.events[*number].what.does;
        let graves: Vec<Number> =
            live.iter().copied().filter(|n| matches!(does(n), Does::Delete | Does::Move)).collect();
        let revived = live.iter().any(|number| does(number) == Does::Revive);
        let mut contents = live.iter().filter(|number| does(number) == Does::Put);
        let covered = |number: &Number| graves.iter().any(|grave| self.events[*grave].past.contains(number));
        graves.is_empty() || revived || !contents.all(covered)
    }

    fn forgotten(&self, past: &BTreeSet<Number>, version: &Sealed) -> BTreeSet<Number> {
        let graves = past.iter().filter(|n| matches!(self.events[**n].what.does, Does::Delete | Does::Move));
        let buried = graves.flat_map(|grave| self.events[*grave].past.iter().copied());
        buried.filter(|number| !version.live.contains_key(&self.events[*number].name)).collect()
    }
}
