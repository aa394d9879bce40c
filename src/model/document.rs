//! The document: the plaintext of a secret as a map of registers, with its join and its writes.
//!
//! **Deleting.** A tombstone is a write to the state that names what its author saw; the values themselves go, but
//! they are not counted as replaced, so that an unseen edit, which wins, comes back with the fields beside it. From
//! then on every operation here counts what a live tombstone names as seen: a later write to that register, a later
//! tombstone, and the end of the tombstone all deal with it. So nothing that was ever replaced or taken back returns.
//!
//! How concurrent writes are shown is in [`super::read`]; how it is spelled is in [`super::codec`].

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{Hash, SecretId, WriteName};
use super::manifest::State;
use super::names::SecretPath;
use super::register::{Key, Register, Value, Write};

/// A secret with everything that was ever said about it and is still live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The vault's id.
    pub vault: Hash,
    /// The secret's id.
    pub id: SecretId,
    /// Where it is.
    pub path: SecretPath,
    registers: BTreeMap<Key, Register>,
}

impl Document {
    /// An empty one.
    pub fn new(vault: Hash, id: SecretId, path: SecretPath) -> Self {
        Self { vault, id, path, registers: BTreeMap::new() }
    }

    /// A document from its parts.
    pub fn from_parts(vault: Hash, id: SecretId, path: SecretPath, registers: BTreeMap<Key, Register>) -> Self {
        let registers = registers.into_iter().filter(|(_, register)| !register.is_empty()).collect();
        Self { vault, id, path, registers }
    }

    /// All registers in the order of their keys.
    pub fn registers(&self) -> impl Iterator<Item = (&Key, &Register)> {
        self.registers.iter()
    }

    /// One register.
    pub fn register(&self, key: &Key) -> Option<&Register> {
        self.registers.get(key)
    }

    /// The same contents at another path, where a secret moves to: everything but the state, which belongs to a path.
    pub fn at(&self, path: SecretPath) -> Self {
        let contents = self.registers.iter().filter(|(key, _)| **key != Key::State);
        let registers = contents.map(|(key, register)| (key.clone(), register.clone())).collect();
        Self { vault: self.vault, id: self.id, path, registers }
    }

    /// Writes to one register, replacing what is live there and what was deleted there. What moved away from here lives in
    /// another place, where this write comes, too, and whoever makes it has not seen what is there.
    pub fn put(&mut self, key: &Key, write: Write) {
        let buried = self.deleted();
        let register = self.registers.entry(key.clone()).or_default();
        buried.into_iter().filter(|(_, buried_in)| buried_in == key).for_each(|(name, _)| register.forget(name));
        register.put(write.named_for(key));
    }

    /// Joins two versions at one path: register by register. The smaller id wins where two were born at one path.
    pub fn join(&self, other: &Self) -> Self {
        let mut registers = self.registers.clone();
        for (key, theirs) in &other.registers {
            let joined = registers.get(key).map_or_else(|| theirs.clone(), |ours| ours.join(theirs));
            registers.insert(key.clone(), joined);
        }
        Self { vault: self.vault, id: self.id.min(other.id), path: self.path.clone(), registers }
    }

    /// Joins in what changed from `base` to `theirs`, as a three-way merge does, so that a cherry-pick brings its own
    /// change and no more. The state speaks of all registers: where theirs is not ours, everything is joined.
    pub fn join_changes(&self, base: &Self, theirs: &Self) -> Self {
        if self.register(&Key::State) != theirs.register(&Key::State) {
            return self.join(theirs);
        }
        let changed = theirs.registers.iter().filter(|(key, register)| base.register(key) != Some(register));
        let registers = changed.map(|(key, register)| (key.clone(), register.clone())).collect();
        self.join(&Self { registers, ..theirs.clone() })
    }

    /// Names of all live writes but those of the state.
    pub fn live_names(&self) -> BTreeSet<WriteName> {
        self.contents().map(|(_, name)| name).collect()
    }

    /// The value of a tombstone's write: it names all writes that its author saw, with their registers; those that an
    /// earlier tombstone buried, too, which it takes the place of.
    ///
    /// `deleted field.password=NAME …` or `moved PATH field.password=NAME …`.
    pub fn tombstone_value(&self, moved_to: Option<&SecretPath>) -> Value {
        // An earlier one that says another register than the write has would keep it from being buried.
        let mut registers: BTreeMap<WriteName, Key> = self.tombstones().into_iter().flat_map(|t| t.seen).collect();
        registers.extend(self.contents().map(|(key, name)| (name, key.clone())));
        let seen: BTreeSet<(Key, WriteName)> = registers.into_iter().map(|(name, key)| (key, name)).collect();
        let mut text = moved_to.map_or_else(|| "deleted".to_owned(), |to| format!("moved {to}"));
        for (key, name) in seen {
            text.push_str(&format!(" {}={name}", key.to_text()));
        }
        Value::text(&text)
    }

    /// Deletes or moves: `write` is a tombstone made of [`Document::tombstone_value`]. The values that it names go;
    /// that they were there stays in the tombstone, so that an edit which its author had not seen still counts.
    pub fn bury(&mut self, write: Write) {
        let seen = write.value.as_text().and_then(Tombstone::parse).map(|t| t.seen).unwrap_or_default();
        self.put(&Key::State, write);
        for (key, register) in &mut self.registers {
            register.drop_live(|name| seen.get(name) == Some(key));
        }
        self.registers.retain(|_, register| !register.is_empty());
    }

    /// Takes tombstones back: `write` says that it lives. What they buried counts as replaced from now on, so that an
    /// old version which still has those writes cannot bring them back; but where an unseen edit had kept the secret
    /// alive, what is here stays. (A secret that *moves back* brings its writes along and must not replace them: put
    /// the write to the state and join with what [`Document::at`] gives.)
    pub fn unbury(&mut self, write: Write) {
        let kept = if self.state() == State::Live { self.live_names() } else { BTreeSet::new() };
        for (name, key) in self.tombstones().into_iter().flat_map(|t| t.seen) {
            if !kept.contains(&name) {
                self.registers.entry(key).or_default().forget(name);
            }
        }
        self.put(&Key::State, write);
    }

    /// This grave with `arrived` in it: a document that comes to a path where one was buried. Buried writes that it no
    /// longer has count as replaced; those that it brings back live.
    pub fn revive(&self, arrived: &Self, write: Write) -> Self {
        let mut grave = self.clone();
        let here = arrived.live_names();
        for tombstone in grave.tombstones() {
            for (name, key) in tombstone.seen.into_iter().filter(|(name, _)| !here.contains(name)) {
                grave.registers.entry(key).or_default().forget(name);
            }
        }
        grave.put(&Key::State, write);
        grave.join(arrived)
    }

    /// What became of the secret here. A tombstone holds only while its author had seen every live write, one that
    /// says that the secret lives included: **an edit that the deleter had not seen wins**.
    pub fn state(&self) -> State {
        let tombstones = self.tombstones();
        let covered = self.contents().all(|(key, name)| tombstones.iter().any(|t| t.seen.get(&name) == Some(key)));
        if tombstones.is_empty() || self.is_said_to_live() || !covered {
            return State::Live;
        }
        // Where it was both moved and deleted, the move shows where it lives; of two moves the smaller path stays.
        tombstones.into_iter().filter_map(|t| t.moved_to).min().map_or(State::Deleted, State::Moved)
    }

    /// Whether somebody said that it lives here, whatever tombstones there are: it was deleted and made again, or another
    /// secret was begun where one had moved away.
    pub fn is_said_to_live(&self) -> bool {
        let tombstones = self.tombstones().len();
        self.registers.get(&Key::State).is_some_and(|state| state.live().count() > tombstones)
    }

    /// Whether somebody deleted or moved it and a later or concurrent edit keeps it alive.
    pub fn is_contested(&self) -> bool {
        self.state() == State::Live && !self.tombstones().is_empty()
    }

    /// What went with a deletion that an unseen edit outlived: registers that have nothing here, and the writes that the deleter
    /// saw in them. The edit brings back what it was made beside; what the deleter had changed before is in history alone.
    pub fn gone_with_deletion(&self) -> BTreeMap<Key, BTreeSet<WriteName>> {
        let mut gone: BTreeMap<Key, BTreeSet<WriteName>> = BTreeMap::new();
        let deleted = if self.is_contested() { self.deleted() } else { Vec::new() };
        for (name, key) in deleted {
            let has = |register: &Register| register.live().next().is_some() || register.replaced().contains(&name);
            if key != Key::State && !self.registers.get(&key).is_some_and(has) {
                gone.entry(key).or_default().insert(name);
            }
        }
        gone
    }

    /// Where live tombstones say that it moved, whether it did or an unseen edit keeps it here.
    pub fn moves(&self) -> BTreeSet<SecretPath> {
        self.tombstones().into_iter().filter_map(|tombstone| tombstone.moved_to).collect()
    }

    /// Every live write but those of the state, with its register.
    fn contents(&self) -> impl Iterator<Item = (&Key, WriteName)> {
        let contents = self.registers.iter().filter(|(key, _)| **key != Key::State);
        contents.flat_map(|(key, register)| register.live().map(move |write| (key, write.name())))
    }

    /// What live tombstones saw that was deleted, and did not move away.
    fn deleted(&self) -> Vec<(WriteName, Key)> {
        let (moved, deleted): (Vec<_>, Vec<_>) = self.tombstones().into_iter().partition(|t| t.moved_to.is_some());
        let seen = deleted.into_iter().flat_map(|t| t.seen);
        seen.filter(|(name, _)| !moved.iter().any(|t| t.seen.contains_key(name))).collect()
    }

    fn tombstones(&self) -> Vec<Tombstone> {
        let Some(register) = self.registers.get(&Key::State) else { return Vec::new() };
        register.live().filter_map(|write| Tombstone::parse(write.value.as_text()?)).collect()
    }
}

struct Tombstone {
    moved_to: Option<SecretPath>,
    seen: BTreeMap<WriteName, Key>,
}

impl Tombstone {
    /// `None` for a write that says `live`, or for one that a newer version wrote: then the secret lives.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let moved_to = match words.next()? {
            "deleted" => None,
            "moved" => Some(SecretPath::parse(words.next()?).ok()?),
            _ => return None,
        };
        let seen = words
            .map(|word| {
                let (key, name) = word.split_once('=')?;
                Some((WriteName::from_hex(name)?, Key::parse(key)?))
            })
            .collect::<Option<_>>()?;
        Some(Self { moved_to, seen })
    }
}
