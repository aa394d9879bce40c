//! What two branches made of one file, brought together, for git's merge driver and for `resolve`: two versions and what
//! they come from in; one version, or siblings, out.
//!
//! No file is written here, and no index is touched: the command line puts the result in place, last of all. The rules
//! of this place:
//!
//! 1. The join is a pure function of the two documents. Who merges, and when, stands in the new manifest only.
//! 2. Bytes of one side are kept where the other adds nothing, so that clones come to the same bytes.
//! 3. What cannot be opened or signed here is kept sealed, as siblings: a merge needs no key to go through.
//! 4. Nobody is sealed to whom any of the rosters in sight does not let read.
//! 5. What is no sealed version of this secret by a member is refused, and nothing is touched.

mod chains;
pub mod driver;
pub mod index;
mod keyless;
pub mod roster;
mod side;

use super::VaultError;
use crate::home::HomeError;

/// No side of a merge is larger: a roster, or the siblings of a secret.
pub const LIMIT: u64 = crate::seal::MAX_STORED as u64;

/// Whether what this machine cannot open is no reason to stop: it has no key, or never met the vault.
pub(super) fn is_bystander(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::UnknownVault { .. }
            | VaultError::Home(HomeError::NoIdentity { .. } | HomeError::NoHome | HomeError::Permissions { .. })
    )
}

/// How git names what it merges: `%S`, `%X` and `%Y` of the driver. A git that does not know them (before 2.45) hands
/// them over as they are.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// What both come from.
    pub base: &'a str,
    /// What is there.
    pub ours: &'a str,
    /// What comes in.
    pub theirs: &'a str,
}

/// What git is doing, as far as its labels tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Two histories become one: everything that either has.
    Merge,
    /// One commit's change is brought here, and no more: a cherry-pick, a rebase, a stash, a patch.
    Replay,
    /// A commit is undone: what comes in is older than what it comes from.
    Revert,
    /// An older git, which does not say.
    Unknown,
}

impl Labels<'_> {
    /// Whether git brings one commit's change here, as in a rebase, as far as can be told.
    pub fn is_replay(&self) -> bool {
        self.operation() == Operation::Replay
    }

    fn operation(&self) -> Operation {
        const UNDOING: &str = "parent of ";
        let is_commit = self.base.len() >= 4 && self.base.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.base {
            "%S" => Operation::Unknown,
            _ if self.theirs.starts_with(UNDOING) => Operation::Revert,
            "merged common ancestors" | "empty tree" => Operation::Merge,
            _ if is_commit => Operation::Merge,
            _ => Operation::Replay,
        }
    }
}
