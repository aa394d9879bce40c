//! No plaintext anywhere: not in a file of anybody's machine, and in no object of any repository.

use super::sim::{Sim, Violation, violation};
use crate::faults::rig::{CANARY, contains, holding};

impl Sim {
    /// Looks for the beginning of every value in everything that is left.
    pub fn no_traces(&mut self) -> Result<(), Violation> {
        let found = holding(self.world.path(), CANARY);
        if !found.is_empty() {
            return violation("plaintext", format!("{found:?}"));
        }
        for actor in &self.actors {
            let objects = actor.person.git(["cat-file", "--batch-all-objects", "--batch", "--unordered"]).out;
            if contains(&objects, CANARY.as_bytes()) {
                return violation("plaintext", format!("in an object of {}", actor.person.name));
            }
        }
        self.work.add("searches for plaintext");
        Ok(())
    }
}
