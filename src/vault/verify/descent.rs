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
}

impl Descent {
    /// Takes a file's versions in.
    pub(super) fn learn(&mut self, seen: &Seen) {
        for outline in seen.all() {
            let manifest = &outline.manifest;
            self.known.entry(outline.hash.short()).or_insert_with(|| About {
                author: manifest.author.name.to_string(),
                revision: manifest.revision,
                from: manifest.parents.iter().map(Hash::short).chain(manifest.ancestors.iter().copied()).collect(),
                values: manifest.values.clone(),
                message: manifest.message(),
            });
        }
    }

    /// What is known of a version.
    pub(super) fn about(&self, version: Hash) -> Option<&About> {
        self.known.get(&version.short())
    }

    /// Whether a version descends from another, or is it: by its parents and ancestors, and by theirs. One of them that says
    /// the same as the other is as good, and nothing goes on from there: else somebody whose word counts no more could
    /// sign what an old version says once more, as if it came after the newest.
    pub(super) fn descends(&self, version: Hash, old: Hash) -> bool {
        let target = old.short();
        let message = self.known.get(&target).map(|about| about.message);
        let (mut queue, mut met) = (vec![version.short()], HashSet::new());
        while let Some(next) = queue.pop() {
            if next == target {
                return true;
            }
            if let Some(about) = self.known.get(&next).filter(|_| met.insert(next)) {
                if message == Some(about.message) {
                    return true;
                }
                queue.extend(about.from.iter().copied());
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
