//! The ends of a range: what its end is told against, and what it has to follow that it does not contain.
//!
//! A branch that is offered may well be behind the one that it is for: what that one has beyond the commit that both have
//! is no part of the range. A push is another matter: what it brings takes the place of what was there.

use super::Verification;
use crate::repo::{Ancestry, ObjectId, Repo};
use crate::vault::VaultError;
use crate::vault::trunk::abbreviated;

/// A range of commits.
pub(super) struct Span {
    /// What its first end reaches is no part of it.
    pub(super) from: ObjectId,
    /// What its last end is told against.
    pub(super) begin: ObjectId,
    /// What its last end does not contain and has to follow all the same.
    pub(super) replaced: Option<ObjectId>,
}

impl Span {
    /// The range from one commit to another. `pushed`: the second took the place of the first.
    pub(super) fn between(
        repo: &Repo,
        (from, to): (ObjectId, ObjectId),
        pushed: bool,
        found: &mut Verification,
    ) -> Result<Self, VaultError> {
        let base = repo.merge_base(from, to)?;
        if base == Some(from) {
            return Ok(Self { from, begin: from, replaced: None });
        }
        let (old, new) = (abbreviated(&from.to_string()), abbreviated(&to.to_string()));
        if base == Some(to) && !pushed {
            found.notes.push(format!(
                "{old} contains {new}, so that the range has no commits; whether a branch may go back to it is told by: \
                 covault verify --range {old}..{new} --pushed"
            ));
        }
        // Of commits that have nothing in common nothing but the first can be what the second goes on from.
        let must_follow = pushed || base.is_none();
        let replaced = match must_follow.then(|| repo.is_ancestor(from, to)).transpose()? {
            None | Some(Ancestry::Yes) => None,
            Some(Ancestry::No) => Some(from),
            Some(Ancestry::Unknown) => {
                found.unjudged.push(format!(
                    "whether all that {old} has is in {new}, too: this clone has only a part of the history (get the rest \
                     with: git fetch --unshallow)"
                ));
                None
            }
        };
        if replaced.is_some() {
            found
                .notes
                .push(format!("{new} does not contain {old}: it was held against it as if it came right after it"));
        }
        let begin = replaced.or(base).unwrap_or(from);
        Ok(Self { from, begin, replaced })
    }
}
