//! A sealed file at another name than its own, which somebody moved or copied there without Covault: where it belongs.
//!
//! What it says of itself is not verified yet where this is asked, and decides nothing but the advice.

use std::collections::BTreeSet;

use super::wrong::Wrong;
use super::{Vault, VaultError};
use crate::model::names::SecretPath;
use crate::model::shares::Shares;
use crate::repo::ObjectId;
use crate::seal::{self, MAX_STORED};

/// So many commits that changed the file are looked at for a good version of it.
const LOOKED_AT: usize = 64;

/// How a sealed file came to a name that is not its own, and had none of its own before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stray {
    /// It was moved: there is no file at its own name.
    Moved {
        /// The file that it should be, from the top.
        home: String,
        /// The name that it was moved to, where moving it there for good is nothing but another name: the same people read
        /// it, and nobody took it away from the trunk, where anybody with push rights could.
        to: Option<SecretPath>,
    },
    /// It was copied: there is a file at its own name, too.
    Copied,
}

impl Vault {
    /// The refusal of a file in the work tree; of one that was sealed for another name, with how it came here.
    pub(super) fn misplaced(&self, error: VaultError) -> VaultError {
        match error {
            VaultError::Inconsistent { file, what: Wrong::Path { says, stray: None } } => {
                // What cannot be told leaves the advice that holds for every refused file.
                let stray = self.stray(&file, &says).ok().flatten();
                VaultError::Inconsistent { file, what: Wrong::Path { says, stray } }
            }
            error => error,
        }
    }

    fn stray(&self, file: &str, says: &SecretPath) -> Result<Option<Stray>, VaultError> {
        // Journals are moved by nobody.
        let Some(to) = self.path_of(file).filter(|to| !to.is_journal() && !says.is_journal()) else { return Ok(None) };
        if self.had_its_own(file, &to)? {
            return Ok(None);
        }
        Ok(Some(match self.exists(says)? {
            true => Stray::Copied,
            false => {
                let home = self.file(says);
                let is_but_a_name = self.is_read_alike(file, says, &to)? && !self.was_moved_on_trunk(&home)?;
                Stray::Moved { home, to: is_but_a_name.then_some(to) }
            }
        }))
    }

    /// Whether the same members would read the file under both names.
    fn is_read_alike(&self, file: &str, one: &SecretPath, other: &SecretPath) -> Result<bool, VaultError> {
        let bytes = self.repo().read_work(file, MAX_STORED as u64)?.unwrap_or_default();
        let manifests = seal::peek_manifests(&bytes).unwrap_or_default();
        let shares = manifests.iter().fold(Shares::default(), |all, more| all.join(&more.shares));
        let readers = |path| -> BTreeSet<_> {
            self.under().readers(path, &shares).iter().map(|member| member.reference()).collect()
        };
        Ok(readers(one) == readers(other))
    }

    /// Whether the trunk had the file, and has it no more.
    fn was_moved_on_trunk(&self, home: &str) -> Result<bool, VaultError> {
        let repo = self.repo();
        let Some(trunk) = repo.trunk()?.filter(|trunk| trunk.remote) else { return Ok(false) };
        Ok(!self.taken_away_from(home)?.is_empty() && repo.blob_at(trunk.commit, home)?.is_none())
    }

    /// Whether a version that was sealed for this name is known to have been in the file, or may have been there without
    /// this clone's knowing: that one is to be put back, then.
    fn had_its_own(&self, file: &str, path: &SecretPath) -> Result<bool, VaultError> {
        let repo = self.repo();
        let is_its_own = |blob: ObjectId| {
            let bytes = repo.blob_within(blob, MAX_STORED as u64).ok().flatten().unwrap_or_default();
            seal::peek_manifests(&bytes).is_ok_and(|all| all.iter().any(|manifest| manifest.path == *path))
        };
        if self.sights(file)?.iter().map(|sight| sight.blob).chain(repo.staged_blob(file)?).any(is_its_own) {
            return Ok(true);
        }
        for entry in repo.history_walk("HEAD", &[file])?.take(LOOKED_AT) {
            if entry?.changes.iter().flat_map(|change| [change.before, change.after]).flatten().any(is_its_own) {
                return Ok(true);
            }
        }
        Ok(repo.is_shallow())
    }
}
