//! A commit from which a range begins: it is not judged, but what it holds has to be followed.
//!
//! What is bad there hides nothing, either: in its place counts what its own history had last that was good.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::history::{Checker, Settled};
use super::tree::{judge_entries, roster_entry};
use crate::model::bytes::Hash;
use crate::repo::{ObjectId, TreeEntry};
use crate::vault::VaultError;
use crate::vault::sealed::path_of;

/// What is looked for before a commit.
#[derive(Default)]
struct Wanted {
    files: BTreeSet<String>,
    roster: bool,
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.files.is_empty() && !self.roster
    }

    /// What of it was not asked for before.
    fn beside(&self, asked: &mut Self) -> Self {
        let files = self.files.difference(&asked.files).cloned().collect();
        let new = Self { files, roster: self.roster && !asked.roster };
        asked.files.extend(new.files.iter().cloned());
        asked.roster |= new.roster;
        new
    }
}

/// What was found before a commit.
#[derive(Default)]
struct Good {
    files: BTreeMap<String, BTreeSet<Hash>>,
    heads: BTreeSet<Hash>,
}

impl Checker<'_, '_> {
    /// Settles a commit that is not judged, whose parents nobody has settled.
    pub(super) fn begin(&mut self, commit: ObjectId) -> Result<Settled, VaultError> {
        let mut here = self.settle(commit, None, &[], false)?;
        let root = self.opening.root.as_str();
        // What no name of a secret has was never good.
        let files = here.bad.iter().filter(|file| path_of(root, file).is_some()).cloned().collect();
        let wanted = Wanted { files, roster: here.roster.is_some() && here.heads.is_empty() };
        let Good { files, heads } = self.last_good(commit, wanted)?;
        here.heads.extend(heads);
        for (file, versions) in files {
            if let Some(held) = here.files.get_mut(&file) {
                held.before = versions.into_iter().collect();
            }
        }
        Ok(here)
    }

    /// The last of what is wanted that was good before a commit, on all lines of its history.
    fn last_good(&mut self, commit: ObjectId, wanted: Wanted) -> Result<Good, VaultError> {
        let (mut good, mut asked) = (Good::default(), HashMap::<ObjectId, Wanted>::new());
        let (mut open, mut cut) = (vec![(commit, wanted)], BTreeSet::new());
        while let Some((commit, wanted)) = open.pop() {
            if wanted.is_nothing() {
                continue;
            }
            let (parents, is_cut) = self.opening.repo.parents_here(commit)?;
            cut.extend(is_cut.then_some(commit));
            for parent in parents {
                let new = wanted.beside(asked.entry(parent).or_default());
                if !new.is_nothing() {
                    let left = self.good_at(parent, &new, &mut good)?;
                    open.push((parent, left));
                }
            }
        }
        self.found.cut += cut.len();
        Ok(good)
    }

    /// Takes what is good at a commit, and says what is bad there, too.
    fn good_at(&mut self, commit: ObjectId, wanted: &Wanted, good: &mut Good) -> Result<Wanted, VaultError> {
        let (name, mut left) = (commit.to_string(), Wanted::default());
        let entry = roster_entry(self.opening, commit)?;
        let roster = self.memo.roster_of(entry)?;
        match &roster {
            Ok(roster) if wanted.roster => drop(good.heads.insert(roster.head)),
            Ok(_) => {}
            Err(_) => left.roster = wanted.roster && entry.is_some(),
        }
        let mut entries: Vec<TreeEntry> = Vec::with_capacity(wanted.files.len());
        for file in &wanted.files {
            let here = self.opening.repo.entries_at(commit, file)?;
            entries.extend(here.into_iter().find(|entry| entry.path == *file));
        }
        let judged = judge_entries(self.memo, &self.opening.root, roster.as_deref().ok(), &name, &entries)?;
        for (entry, (file, judged)) in entries.iter().zip(judged) {
            let held = self.held(&name, entry, &judged, false);
            match held.is_good {
                true => good.files.entry(file).or_default().extend(held.versions),
                false => drop(left.files.insert(file)),
            }
        }
        Ok(left)
    }
}
