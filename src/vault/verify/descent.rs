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
}

/// All versions that were looked at, and whose authors signed them.
#[derive(Default)]
pub(super) struct Descent {
    known: HashMap<Short, About>,
}

impl Descent {
    /// Takes a version in.
    pub(super) fn learn(&mut self, seen: &Seen) {
        let manifest = &seen.manifest;
        self.known.entry(seen.hash.short()).or_insert_with(|| About {
            author: manifest.author.name.to_string(),
            revision: manifest.revision,
            from: manifest.parents.iter().map(Hash::short).chain(manifest.ancestors.iter().copied()).collect(),
            values: manifest.values.clone(),
        });
    }

    /// What is known of a version.
    pub(super) fn about(&self, version: Hash) -> Option<&About> {
        self.known.get(&version.short())
    }

    /// Whether a version descends from another, or is it: by its parents and ancestors, and by theirs.
    pub(super) fn descends(&self, version: Hash, old: Hash) -> bool {
        let target = old.short();
        let (mut queue, mut met) = (vec![version.short()], HashSet::new());
        while let Some(next) = queue.pop() {
            if next == target {
                return true;
            }
            if let Some(about) = self.known.get(&next).filter(|_| met.insert(next)) {
                queue.extend(about.from.iter().copied());
            }
        }
        false
    }

    /// How many of the live secret values of `old` are not in `version`.
    pub(super) fn lost(&self, version: Hash, old: Hash) -> Option<usize> {
        let (here, there) = (self.about(version)?, self.about(old)?);
        Some(there.values.iter().filter(|value| !here.values.contains(value)).count())
    }
}
