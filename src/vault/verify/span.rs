//! The ends of a range: what its end is told against, and what it has to follow that it does not contain.
//!
//! A branch that is offered may well be behind the one that it is for: what that one has beyond the commit that both have
//! is no part of the range. A push is another matter: what it brings takes the place of what was there. In a shallow clone,
//! where nobody can tell what a commit contains, the end is held against the beginning all the same.

use super::{Finding, Verification};
use crate::repo::{Ancestry, ObjectId, Repo};
use crate::vault::VaultError;
use crate::vault::trunk::abbreviated;

/// A range of commits.
pub(super) struct Span {
    /// What its first end reaches is no part of it.
    pub(super) from: ObjectId,
    /// What its last end is told against.
    pub(super) begin: ObjectId,
    /// What its last end does not contain, as far as this clone knows, and has to follow all the same.
    pub(super) replaced: Option<Replaced>,
}

/// The beginning of a range that its end is held against.
pub(super) struct Replaced {
    /// Which.
    pub(super) commit: ObjectId,
    bond: Bond,
}

/// How sure it is that the end has to follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bond {
    /// It has to.
    Certain,
    /// It has to, and what lies between them is not in this clone.
    Cut,
    /// It has to unless it is behind, and this clone lacks the part of the history that would tell.
    MayBeBehind,
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
        let bond = match must_follow.then(|| repo.is_ancestor(from, to)).transpose()? {
            None | Some(Ancestry::Yes) => None,
            Some(Ancestry::No) => Some((Bond::Certain, "does not contain")),
            Some(Ancestry::Unknown) if pushed => Some((Bond::Cut, "may not contain")),
            Some(Ancestry::Unknown) => Some((Bond::MayBeBehind, "may not contain")),
        };
        if let Some((_, contains)) = bond {
            found.notes.push(format!("{new} {contains} {old}: it was held against it as if it came right after it"));
        }
        let replaced = bond.map(|(bond, _)| Replaced { commit: from, bond });
        let begin = replaced.as_ref().map(|replaced| replaced.commit).or(base).unwrap_or(from);
        Ok(Self { from, begin, replaced })
    }
}

impl Replaced {
    /// The findings among what the end of the range, `to`, does not follow. What nobody can tell here is an error, so that
    /// whoever asks does not take it for good.
    pub(super) fn judged(&self, to: ObjectId, unfollowed: Vec<Finding>) -> Result<Vec<Finding>, VaultError> {
        match self.bond {
            Bond::Certain => Ok(unfollowed),
            Bond::Cut => Ok(unfollowed.into_iter().map(with_the_rest_first).collect()),
            Bond::MayBeBehind if unfollowed.is_empty() => Ok(unfollowed),
            Bond::MayBeBehind => Err(VaultError::CutRange {
                from: abbreviated(&self.commit.to_string()),
                to: abbreviated(&to.to_string()),
            }),
        }
    }
}

/// A finding that the part of the history which is not here may explain.
fn with_the_rest_first(mut finding: Finding) -> Finding {
    let then = finding.hint.take().map(|hint| format!("; then {hint}")).unwrap_or_default();
    finding.hinting(format!("see first what lies between, which is not in this clone: git fetch --unshallow{then}"))
}
