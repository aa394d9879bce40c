//! What rosters added up to, by the hash of their files: so that a start need not read every entry again.
//!
//! A cache: a damaged one, or one of another program, is none. It does not know what is in the texts.

use std::path::PathBuf;

use super::{Home, checked, files};
use crate::model::bytes::Hash;

/// How many are kept: that of the work tree, that of the trunk, and those of a few other clones and branches.
const KEPT: usize = 8;

/// A roster that was verified, as it was added up.
pub struct RosterSum {
    /// Git's name of its file.
    pub blob: String,
    /// [`crate::model::roster::Roster::sum`].
    pub text: String,
}

impl Home {
    /// What the roster with these bytes added up to, where it was verified before.
    pub fn roster_sum(&self, vault: Hash, bytes: Hash) -> Option<RosterSum> {
        let text = checked::read_text(&self.sums_dir(vault).join(bytes.to_string())).ok().flatten()?;
        let (first, text) = text.split_once('\n')?;
        // Under another's name it says nothing.
        let (_, blob) = first.split_once(' ').filter(|(of, _)| Hash::from_hex(of) == Some(bytes))?;
        Some(RosterSum { blob: blob.to_owned(), text: text.to_owned() })
    }

    /// Remembers it; the oldest ones go. A cache: failing to write it is no error.
    pub fn remember_sum(&self, vault: Hash, bytes: Hash, sum: &RosterSum) {
        let (dir, name) = (self.sums_dir(vault), bytes.to_string());
        let text = format!("{name} {}\n{}", sum.blob, sum.text);
        let _ = checked::write_cache(&dir.join(&name), text.as_bytes());
        let written = |entry: &std::fs::DirEntry| entry.metadata().and_then(|about| about.modified()).ok();
        let sums = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        let mut others: Vec<_> = sums
            .filter(|entry| !files::is_temporary(&entry.file_name()) && *entry.file_name() != *name)
            .map(|entry| (written(&entry), entry.path()))
            .collect();
        others.sort();
        let surplus = (others.len() + 1).saturating_sub(KEPT);
        others.iter().take(surplus).for_each(|(_, file)| drop(std::fs::remove_file(file)));
    }

    fn sums_dir(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("sums")
    }
}
