//! Which version descends from which, by what the signed manifests of a history say.

use std::collections::{HashMap, HashSet};

use super::memo::Seen;
use crate::model::bytes::{Hash, Short};

/// What is kept of a version.
pub(super) struct About {
    pub(super) author: String,
    pub(super) revision: u64,
    /// Parents and ancestors.
    from: Vec<Short>,
    /// Short names of its live secret values.
    values: Vec<Short>,
    /// [`Manifest::message`](crate::model::manifest::Manifest::message).
    message: Hash,
}

/// All versions that were looked at, and whose authors signed them.
#[derive(Default)]
pub(super) struct Descent {
    known: HashMap<Short, About>,
    /// Versions that say the same.
    same: HashMap<Hash, Vec<Short>>,
}

impl Descent {
    /// Takes a file's versions in.
    pub(super) fn learn(&mut self, seen: &Seen) {
        for outline in seen.iter() {
            let manifest = &outline.manifest;
            let message = manifest.message();
            let same = self.same.entry(message).or_default();
            self.known.entry(outline.hash.short()).or_insert_with(|| {
                same.push(outline.hash.short());
                About {
                    author: manifest.author.name.to_string(),
                    revision: manifest.revision,
                    from: manifest.parents.iter().map(Hash::short).chain(manifest.ancestors.iter().copied()).collect(),
                    values: manifest.values.clone(),
                    message,
                }
            });
        }
    }

    /// What is known of a version.
    pub(super) fn about(&self, version: Hash) -> Option<&About> {
        self.known.get(&version.short())
    }

    /// Whether a version descends from another, or is it, or says the same: by its parents and ancestors, and by theirs.
    pub(super) fn descends(&self, version: Hash, old: Hash) -> bool {
        let target = old.short();
        let (mut queue, mut met) = (vec![version.short()], HashSet::new());
        while let Some(next) = queue.pop() {
            if next == target {
                return true;
            }
            if let Some(about) = self.known.get(&next).filter(|_| met.insert(next)) {
                queue.extend(about.from.iter().copied());
                queue.extend(self.same.get(&about.message).into_iter().flatten().copied());
            }
        }
        false
    }

    /// How many of the live secret values of `old` are in none of `versions`.
    pub(super) fn lost(&self, versions: &[Hash], old: Hash) -> Option<usize> {
        let here: Vec<&About> = versions.iter().map(|version| self.about(*version)).collect::<Option<_>>()?;
        let is_there = |value: &&Short| here.iter().any(|about| about.values.contains(value));
        let values = &self.about(old).filter(|_| !here.is_empty())?.values;
        Some(values.iter().filter(|value| !is_there(value)).count())
    }
}
