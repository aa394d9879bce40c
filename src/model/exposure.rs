//! The exposure ledger: who could read what is still in use, and should not any more.
//!
//! Versions of the past in, a list out. A value is known by the name of its write, which is random and is never given to
//! another value: where a version that was sealed to somebody lists a write that a present version lists, too, they could
//! read what is in use. Whether versions are good is the caller's question, and so is who may read now.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::bytes::{Hash, Short};
use super::manifest::{MemberRef, State};
use super::names::{MemberName, SecretPath};
use super::time::Time;

/// A version by its author's signed word, as far as the ledger needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The version's name.
    pub hash: Hash,
    /// Where it was.
    pub path: SecretPath,
    /// Live, deleted or moved.
    pub state: State,
    /// Its number.
    pub revision: u64,
    /// The versions that it follows.
    pub parents: Vec<Hash>,
    /// First bytes of its newest ancestors' names.
    pub ancestors: Vec<Short>,
    /// Whom it was sealed to.
    pub readers: Arc<[MemberRef]>,
    /// Short names of its secret values.
    pub values: Vec<Short>,
    /// When, by the author's clock.
    pub at: Time,
}

/// All versions of a history, each once.
#[derive(Debug, Default)]
pub struct Versions {
    all: Vec<Past>,
    by_hash: HashMap<Hash, usize>,
    by_short: HashMap<Short, Vec<usize>>,
    by_value: HashMap<Short, Vec<usize>>,
    /// When each was followed by another: the first of several.
    followed: HashMap<Hash, Time>,
}

impl FromIterator<Past> for Versions {
    fn from_iter<I: IntoIterator<Item = Past>>(versions: I) -> Self {
        let mut them = Self::default();
        for version in versions {
            let index = them.all.len();
            if them.by_hash.contains_key(&version.hash) {
                continue;
            }
            them.by_hash.insert(version.hash, index);
            them.by_short.entry(version.hash.short()).or_default().push(index);
            for value in &version.values {
                them.by_value.entry(*value).or_default().push(index);
            }
            for parent in &version.parents {
                them.followed.entry(*parent).and_modify(|at| *at = version.at.min(*at)).or_insert(version.at);
            }
            them.all.push(version);
        }
        them
    }
}

impl Versions {
    /// One of them.
    pub fn get(&self, hash: Hash) -> Option<&Past> {
        self.by_hash.get(&hash).and_then(|index| self.all.get(*index))
    }

    /// Short names of every value that any version at a path had.
    pub fn values_at(&self, path: &SecretPath) -> Vec<Short> {
        let mut values: Vec<Short> = self
            .all
            .iter()
            .filter(|version| version.path == *path)
            .flat_map(|version| version.values.clone())
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// The versions that had any of these values.
    pub fn with_any(&self, values: &[Short]) -> Vec<&Past> {
        let had: BTreeSet<usize> =
            values.iter().filter_map(|value| self.by_value.get(value)).flatten().copied().collect();
        had.into_iter().filter_map(|index| self.all.get(index)).collect()
    }

    /// How many versions are named as parents and are not here.
    pub fn unseen(&self) -> usize {
        let parents = self.all.iter().flat_map(|version| &version.parents);
        parents.filter(|parent| !self.by_hash.contains_key(*parent)).collect::<HashSet<_>>().len()
    }

    /// Versions that no other one names as a parent: those that may count now, but for what is not good.
    pub fn leaves(&self) -> impl Iterator<Item = &Past> {
        self.all.iter().filter(|version| !self.followed.contains_key(&version.hash))
    }

    /// The versions that count now: those that are `good` and that no other such one descends from. What is not good
    /// (somebody signed it who may not write any more) takes nobody's place; what a good one follows was replaced.
    ///
    /// # Errors
    /// Those of `good`.
    pub fn heads<E>(&self, mut good: impl FnMut(&Past) -> Result<bool, E>) -> Result<Vec<&Past>, E> {
        let mut order: Vec<&Past> = self.all.iter().collect();
        // A version has a larger number than what it follows.
        order.sort_by_key(|version| std::cmp::Reverse((version.revision, version.hash)));
        let mut replaced: HashSet<Hash> = HashSet::new();
        let mut heads = Vec::new();
        for version in order {
            if replaced.contains(&version.hash) || !good(version)? {
                continue;
            }
            heads.push(version);
            let mut next = vec![version];
            while let Some(here) = next.pop() {
                let parents = here.parents.iter().filter_map(|parent| self.by_hash.get(parent));
                let ancestors = here.ancestors.iter().filter_map(|short| self.by_short.get(short)).flatten();
                for before in parents.chain(ancestors).filter_map(|index| self.all.get(*index)) {
                    if replaced.insert(before.hash) {
                        next.push(before);
                    }
                }
            }
        }
        // One that lies about its number may stand among them though another follows it.
        heads.retain(|head| !replaced.contains(&head.hash));
        Ok(heads)
    }

    /// Who could read values of `head` and may not read it now, by name. `now` says whether a reader that a version
    /// names may read the head now; `makers` who else may have had that reader's identity, and may not read it now.
    pub fn exposed(
        &self,
        head: &Past,
        now: &dyn Fn(&MemberRef) -> bool,
        makers: &dyn Fn(&MemberRef) -> Vec<MemberName>,
    ) -> BTreeMap<MemberName, Exposed> {
        let mut found: BTreeMap<MemberName, Exposed> = BTreeMap::new();
        let mut judged: HashMap<&MemberRef, Vec<(MemberName, Option<MemberName>)>> = HashMap::new();
        for value in &head.values {
            for version in self.by_value.get(value).into_iter().flatten().filter_map(|index| self.all.get(*index)) {
                for reader in version.readers.iter() {
                    let who = judged.entry(reader).or_insert_with(|| {
                        let own = (!now(reader)).then(|| (reader.name.clone(), None));
                        let through = makers(reader).into_iter().map(|maker| (maker, Some(reader.name.clone())));
                        own.into_iter().chain(through).collect()
                    });
                    for (name, through) in who.iter() {
                        let entry = found.entry(name.clone()).or_insert_with(|| Exposed::new(version));
                        entry.count(*value, version, through.as_ref());
                        entry.still |= head.readers.contains(reader);
                    }
                }
            }
        }
        for exposed in found.values_mut() {
            exposed.until = (!exposed.still).then(|| self.followed.get(&exposed.last).copied().unwrap_or(head.at));
        }
        found
    }
}

/// What somebody could read of a present version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// The values that are still in use.
    pub values: BTreeSet<Short>,
    /// Machines whose identities they may have had in their hands.
    pub through: BTreeSet<MemberName>,
    /// Whether a version was sealed to themselves.
    pub own: bool,
    /// Since when, by the author's clock.
    pub since: Time,
    /// Until when; `None` where the present version still is sealed to them, or to such a machine.
    pub until: Option<Time>,
    /// The newest version that they could read.
    pub last: Hash,
    newest: (u64, Time),
    still: bool,
}

impl Exposed {
    fn new(version: &Past) -> Self {
        Self {
            values: BTreeSet::new(),
            through: BTreeSet::new(),
            own: false,
            since: version.at,
            until: None,
            last: version.hash,
            newest: (version.revision, version.at),
            still: false,
        }
    }

    fn count(&mut self, value: Short, version: &Past, through: Option<&MemberName>) {
        self.values.insert(value);
        match through {
            Some(machine) => drop(self.through.insert(machine.clone())),
            None => self.own = true,
        }
        self.since = self.since.min(version.at);
        if (version.revision, version.at) > self.newest {
            (self.newest, self.last) = ((version.revision, version.at), version.hash);
        }
    }
}
