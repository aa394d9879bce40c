//! No plaintext anywhere: not in a file of anybody's machine, and in no object of any repository.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::sim::{Sim, Violation, violation};
use crate::faults::rig::{CANARY, contains, files};

impl Sim {
    /// Looks for the beginning of every value in everything that is left.
    pub fn no_traces(&mut self) -> Result<(), Violation> {
        // Git's objects are packed up: they are looked into below.
        let is_object = |file: &Path| file.components().any(|part| part.as_os_str() == "objects");
        let has = |file: &PathBuf| std::fs::read(file).is_ok_and(|bytes| contains(&bytes, CANARY.as_bytes()));
        let all = files(self.world.path()).into_iter().filter(|file| !is_object(file));
        let found: Vec<PathBuf> = all.filter(has).collect();
        if !found.is_empty() {
            return violation("plaintext", format!("{found:?}"));
        }
        let mut known = HashSet::new();
        for actor in &self.actors {
            let named = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
            let all = actor.person.git(named).text();
            let new: String =
                all.lines().filter(|name| known.insert((*name).to_owned())).map(|name| format!("{name}\n")).collect();
            let objects = actor.person.fed("git", new.as_bytes(), ["cat-file", "--batch"]).out;
            if contains(&objects, CANARY.as_bytes()) {
                return violation("plaintext", format!("in an object of {}", actor.person.name));
            }
        }
        self.work.add("searches for plaintext");
        Ok(())
    }
}
