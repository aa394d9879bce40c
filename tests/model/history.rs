//! Random histories against a judge that knows what really happened.
//!
//! The judge does not join, hash or look into a document. It writes down for every operation what its author had seen,
//! and says: **a write is live if and only if nobody who had seen it replaced it.** Deleting makes a copy let go of what
//! its author saw; the end of a tombstone replaces what was deleted, except what an unseen edit had kept alive. What moved
//! away lives elsewhere: who writes where it was has not seen it, unless an unseen edit keeps it there.

use std::collections::{BTreeMap, BTreeSet};

use covault::model::bytes::WriteName;
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::State;
use covault::model::names::SecretPath;
use covault::model::register::{Key, Register, Value, Write};
use proptest::prelude::*;

use super::world::{at, cases, empty, field, member, meta, nonce, path, tag};

/// The number of something that somebody did to one register.
type Event = usize;
type Events = BTreeSet<Event>;

/// What really happened.
struct Fact {
    key: Key,
    /// `None` where values were replaced and none was written.
    name: Option<WriteName>,
    /// What was there before, as far as the author knew: replaced.
    saw: Events,
    /// For a tombstone: where to, and all contents that its author had ever seen.
    tombstone: Option<(Option<SecretPath>, Events)>,
    /// All that the author could see when it was written.
    beside: Events,
}

/// What one replica could know, and has not let go of.
#[derive(Clone, Default)]
struct Shadow {
    known: BTreeMap<Key, Events>,
    held: Events,
    past: BTreeSet<usize>,
}

#[derive(Clone)]
struct Replica {
    document: Document,
    shadow: Shadow,
}

#[derive(Debug, Clone)]
enum Op {
    Put { who: usize, key: usize, remove: bool, author: usize, clock: i64 },
    Bury { who: usize, to: Option<usize> },
    Unbury { who: usize },
    Join { from: usize, who: usize },
    JoinOld { from: usize, who: usize },
    Reset { who: usize, to: usize },
    PickRegister { who: usize, from: usize, key: usize },
    PickChange { who: usize, from: usize },
}

fn keys() -> [Key; 4] {
    [field("a"), field("b"), meta("kind"), tag("web")]
}

struct World {
    facts: Vec<Fact>,
    replicas: Vec<Replica>,
    /// Every state that there ever was, with the one before it.
    commits: Vec<(Replica, Replica)>,
}

impl World {
    fn new(replicas: usize) -> Self {
        let root = Replica { document: empty(), shadow: Shadow::default() };
        Self { facts: vec![], commits: vec![(root.clone(), root.clone())], replicas: vec![root; replicas] }
    }

    // --- what the judge knows

    fn known(shadow: &Shadow, key: &Key) -> Events {
        shadow.known.get(key).cloned().unwrap_or_default()
    }

    /// Writes to `key` that nobody known had seen and replaced.
    fn live(&self, shadow: &Shadow, key: &Key) -> Events {
        let known = Self::known(shadow, key);
        let written = known.iter().filter(|e| self.facts[**e].name.is_some());
        written.filter(|e| !known.iter().any(|by| self.facts[*by].saw.contains(e))).copied().collect()
    }

    fn visible(&self, shadow: &Shadow, key: &Key) -> Events {
        self.live(shadow, key).intersection(&shadow.held).copied().collect()
    }

    fn all_visible(&self, shadow: &Shadow) -> Events {
        keys().iter().flat_map(|key| self.visible(shadow, key)).collect()
    }

    fn tombstones(&self, shadow: &Shadow) -> Vec<&(Option<SecretPath>, Events)> {
        self.live(shadow, &Key::State).iter().filter_map(|e| self.facts[*e].tombstone.as_ref()).collect()
    }

    /// What is known to have been deleted.
    fn covered(&self, shadow: &Shadow) -> Events {
        self.tombstones(shadow).into_iter().flat_map(|(_, covers)| covers.clone()).collect()
    }

    fn state(&self, shadow: &Shadow) -> State {
        let tombstones = self.tombstones(shadow);
        let says_live = tombstones.len() < self.live(shadow, &Key::State).len();
        if tombstones.is_empty() || says_live || !self.all_visible(shadow).is_subset(&self.covered(shadow)) {
            return State::Live;
        }
        tombstones.iter().filter_map(|(to, _)| to.clone()).min().map_or(State::Deleted, State::Moved)
    }

    /// Everything ever written to `key` as far as this replica knows.
    fn seen(&self, shadow: &Shadow, key: &Key) -> Events {
        let mut seen = Self::known(shadow, key);
        seen.extend(self.covered(shadow).into_iter().filter(|e| self.facts[*e].key == *key));
        seen
    }

    /// What a write to `key` replaces: everything that its author knows, but what moved away and is not here.
    fn replaced(&self, shadow: &Shadow, key: &Key) -> Events {
        let moves = self.tombstones(shadow).into_iter().filter(|(to, _)| to.is_some());
        let away: Events = moves.flat_map(|(_, covers)| covers.clone()).collect();
        let here = self.visible(shadow, key);
        self.seen(shadow, key).into_iter().filter(|e| here.contains(e) || !away.contains(e)).collect()
    }

    // --- what happens

    fn event(&mut self, shadow: &mut Shadow, fact: Fact) -> Event {
        let event = self.facts.len();
        shadow.known.entry(fact.key.clone()).or_default().insert(event);
        if fact.name.is_some() {
            shadow.held.insert(event);
        }
        self.facts.push(fact);
        event
    }

    fn fresh(&self, key: &Key, value: Value, author: usize, clock: i64) -> Write {
        let author = member(["alice", "bob", "carol"][author % 3]);
        Write::new(key, value, false, author, at(clock), nonce(self.facts.len() as u64))
    }

    fn apply(&mut self, op: &Op) {
        let n = self.replicas.len();
        let (Op::Put { who, .. }
        | Op::Bury { who, .. }
        | Op::Unbury { who }
        | Op::Join { who, .. }
        | Op::JoinOld { who, .. }
        | Op::Reset { who, .. }
        | Op::PickRegister { who, .. }
        | Op::PickChange { who, .. }) = op;
        let who = who % n;
        let before = self.replicas[who].clone();
        let mut now = before.clone();
        match op {
            Op::Put { key, remove, author, clock, .. } => {
                let key = &keys()[key % keys().len()];
                let value = if *remove { Value::Absent } else { Value::text(&format!("v{}", self.facts.len())) };
                let write = self.fresh(key, value, *author, *clock);
                let saw = self.replaced(&now.shadow, key);
                let name = Some(write.name());
                let fact = Fact { key: key.clone(), name, saw, tombstone: None, beside: Events::new() };
                let event = self.event(&mut now.shadow, fact);
                self.facts[event].beside = self.all_visible(&now.shadow);
                now.document.put(key, write);
            }
            Op::Bury { to, .. } => {
                let to = to.map(|n| path(["prod/x", "prod/y"][n % 2]));
                let write = self.fresh(&Key::State, now.document.tombstone_value(to.as_ref()), who, 0);
                let covers = keys().iter().flat_map(|key| self.seen(&now.shadow, key)).collect();
                let saw = Self::known(&now.shadow, &Key::State);
                let (name, tombstone) = (Some(write.name()), Some((to, covers)));
                now.shadow.held.clear();
                let fact = Fact { key: Key::State, name, saw, tombstone, beside: Events::new() };
                self.event(&mut now.shadow, fact);
                now.document.bury(write);
            }
            Op::Unbury { .. } => {
                let write = self.fresh(&Key::State, Value::text("live"), who, 0);
                let lives = self.state(&now.shadow) == State::Live;
                let kept = if lives { self.all_visible(&now.shadow) } else { Events::new() };
                for key in keys() {
                    let saw: Events = self.seen(&now.shadow, &key).difference(&kept).copied().collect();
                    if !saw.is_empty() {
                        let fact = Fact { key, name: None, saw, tombstone: None, beside: Events::new() };
                        self.event(&mut now.shadow, fact);
                    }
                }
                let saw = Self::known(&now.shadow, &Key::State);
                let name = Some(write.name());
                let fact = Fact { key: Key::State, name, saw, tombstone: None, beside: Events::new() };
                self.event(&mut now.shadow, fact);
                now.document.unbury(write);
            }
            Op::Join { from, .. } => now.join(&self.replicas[from % n]),
            Op::JoinOld { from, .. } => now.join(&self.commits[from % self.commits.len()].1),
            Op::Reset { to, .. } => now = self.commits[to % self.commits.len()].1.clone(),
            Op::PickRegister { from, key, .. } => {
                let theirs = &self.commits[from % self.commits.len()].1;
                let key = &keys()[key % keys().len()];
                let others = theirs.document.registers().filter(|(k, _)| *k != key);
                let others = others.map(|(k, register)| (k.clone(), register.clone())).collect();
                let Document { vault, id, path, .. } = theirs.document.clone();
                now.pick(&Document::from_parts(vault, id, path, others), theirs);
            }
            Op::PickChange { from, .. } => {
                let (base, theirs) = &self.commits[from % self.commits.len()];
                now.pick(&base.document, theirs);
            }
        }
        now.shadow.past.insert(self.commits.len());
        self.check(&now);
        self.commits.push((before, now.clone()));
        self.replicas[who] = now;
    }

    // --- what must hold

    /// The document says what the judge says.
    fn check(&self, replica: &Replica) {
        let Replica { document, shadow } = replica;
        for key in keys() {
            let expected = self.visible(shadow, &key).iter().filter_map(|e| self.facts[*e].name).collect();
            assert_eq!(live_names(document, &key), expected, "{}", key.to_text());
        }
        let expected = self.live(shadow, &Key::State).iter().filter_map(|e| self.facts[*e].name).collect();
        assert_eq!(live_names(document, &Key::State), expected, "state");
        assert_eq!(document.state(), self.state(shadow));
        let contested = self.state(shadow) == State::Live && !self.tombstones(shadow).is_empty();
        assert_eq!(document.is_contested(), contested);
    }

    /// Joins everything in many orders; all must give the same bytes. Returns what they give.
    fn join_all(&self, orders: &[Vec<usize>]) -> Replica {
        let mut whole: Option<Replica> = None;
        for order in orders {
            let mut parts: Vec<Replica> = self.replicas.clone();
            // Takes two at a time from places that the numbers name: every order and every bracketing.
            for n in order {
                if parts.len() < 2 {
                    break;
                }
                let a = parts.remove(n % parts.len());
                let place = (n / 7) % parts.len();
                parts[place].join(&a);
            }
            let first = parts.remove(0);
            let joined = parts.iter().fold(first, |mut all, part| {
                all.join(part);
                all
            });
            if let Some(before) = &whole {
                assert_eq!(before.document, joined.document);
                let (one, other) = (codec::encode(&before.document).unwrap(), codec::encode(&joined.document).unwrap());
                assert!(one == other, "equal documents have equal bytes");
            }
            whole = Some(joined);
        }
        whole.unwrap()
    }

    /// An old version of the same history changes nothing that counts.
    fn old_versions_bring_nothing_back(&self, whole: &Replica) {
        let Replica { document, shadow } = whole;
        for n in &shadow.past {
            let old = &self.commits[*n].1.document;
            let (after, turned) = (document.join(old), old.join(document));
            assert_eq!(after, turned);
            if self.tombstones(shadow).is_empty() {
                assert_eq!(after, *document, "an old version adds nothing");
            } else if document.state() != State::Live {
                assert_eq!(after.state(), document.state(), "what is deleted stays deleted");
                assert!(
                    after
                        .live_names()
                        .iter()
                        .all(|name| { self.covered(shadow).iter().any(|e| self.facts[*e].name == Some(*name)) })
                );
            }
        }
    }

    /// The fields beside an edit that keeps a deleted secret alive are there, unless somebody replaced them.
    fn an_edit_brings_its_fields_along(&self, whole: &Replica) {
        let shadow = &whole.shadow;
        let (visible, covered) = (self.all_visible(shadow), self.covered(shadow));
        for edit in visible.difference(&covered) {
            for beside in &self.facts[*edit].beside {
                let key = &self.facts[*beside].key;
                if self.live(shadow, key).contains(beside) {
                    let name = self.facts[*beside].name.unwrap();
                    assert!(live_names(&whole.document, key).contains(&name), "a field beside an edit was lost");
                }
            }
        }
    }
}

impl Replica {
    fn join(&mut self, other: &Self) {
        self.document = self.document.join(&other.document);
        for (key, events) in &other.shadow.known {
            self.shadow.known.entry(key.clone()).or_default().extend(events);
        }
        self.shadow.held.extend(&other.shadow.held);
        self.shadow.past.extend(&other.shadow.past);
    }

    /// A cherry-pick of what is between `base` and `theirs`: the registers that it changed; all where the state is
    /// another one than ours.
    fn pick(&mut self, base: &Document, theirs: &Self) {
        let everything = self.document.register(&Key::State) != theirs.document.register(&Key::State);
        let mut part = Shadow::default();
        for (key, events) in &theirs.shadow.known {
            if everything || base.register(key) != theirs.document.register(key) {
                part.known.insert(key.clone(), events.clone());
            }
        }
        let picked: Events = part.known.values().flatten().copied().collect();
        part.held = picked.intersection(&theirs.shadow.held).copied().collect();
        part.past = if everything { theirs.shadow.past.clone() } else { BTreeSet::new() };
        let document = self.document.join_changes(base, &theirs.document);
        self.join(&Self { document: self.document.clone(), shadow: part });
        self.document = document;
    }
}

fn live_names(document: &Document, key: &Key) -> BTreeSet<WriteName> {
    document.register(key).into_iter().flat_map(Register::live).map(Write::name).collect()
}

fn any_op(picks: bool) -> impl Strategy<Value = Op> {
    let n = || 0..1000_usize;
    let often = if picks { 2 } else { 0 };
    prop_oneof![
        7 => (n(), n(), prop::bool::weighted(0.2), n(), -100_000..100_000_i64)
            .prop_map(|(who, key, remove, author, clock)| Op::Put { who, key, remove, author, clock }),
        2 => (n(), prop::option::weighted(0.3, n())).prop_map(|(who, to)| Op::Bury { who, to }),
        2 => n().prop_map(|who| Op::Unbury { who }),
        5 => (n(), n()).prop_map(|(from, who)| Op::Join { from, who }),
        1 => (n(), n()).prop_map(|(from, who)| Op::JoinOld { from, who }),
        1 => (n(), n()).prop_map(|(who, to)| Op::Reset { who, to }),
        often => (n(), n(), n()).prop_map(|(who, from, key)| Op::PickRegister { who, from, key }),
        often => (n(), n()).prop_map(|(who, from)| Op::PickChange { who, from }),
    ]
}

fn any_orders() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(0..1000_usize, 5), 6)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nothing_is_lost_and_nothing_stale_returns_whatever_git_does(
        replicas in 2..5_usize,
        ops in prop::collection::vec(any_op(true), 1..40),
        orders in any_orders(),
    ) {
        let mut world = World::new(replicas);
        ops.iter().for_each(|op| world.apply(op));
        let whole = world.join_all(&orders);
        world.check(&whole);
        world.old_versions_bring_nothing_back(&whole);
        let encoded = codec::encode(&whole.document).unwrap();
        prop_assert_eq!(codec::decode(&encoded).unwrap(), whole.document);
    }

    #[test]
    fn an_edit_that_the_deleter_had_not_seen_wins_with_the_fields_beside_it(
        replicas in 2..5_usize,
        ops in prop::collection::vec(any_op(false), 1..40),
        orders in any_orders(),
    ) {
        let mut world = World::new(replicas);
        ops.iter().for_each(|op| world.apply(op));
        let whole = world.join_all(&orders);
        world.check(&whole);
        world.an_edit_brings_its_fields_along(&whole);
        world.old_versions_bring_nothing_back(&whole);
    }

    #[test]
    fn four_replicas_meet_in_all_orders(ops in prop::collection::vec(any_op(true), 4..30)) {
        let mut world = World::new(4);
        ops.iter().for_each(|op| world.apply(op));
        let mut bytes = BTreeSet::new();
        for a in 0..4 {
            for b in (0..4).filter(|b| *b != a) {
                for c in (0..4).filter(|c| ![a, b].contains(c)) {
                    let [a, b, c, d] = [a, b, c, 6 - a - b - c].map(|n| &world.replicas[n].document);
                    bytes.insert(codec::encode(&a.join(b).join(c).join(d)).unwrap().expose().to_vec());
                    bytes.insert(codec::encode(&a.join(b).join(&c.join(d))).unwrap().expose().to_vec());
                }
            }
        }
        prop_assert_eq!(bytes.len(), 1);
    }
}
