//! One side of a merge: the sealed versions in it, each judged by every roster in sight.
//!
//! Nothing is opened here.

use std::collections::{BTreeSet, HashSet};

use super::super::VaultError;
use super::super::check::opinion;
use super::super::version::Named;
use super::super::wrong::Wrong;
use super::chains::Chains;
use crate::model::bytes::Hash;
use crate::model::names::SecretPath;
use crate::seal::{self, SealedFile};

/// The versions on one side.
pub(super) struct Side {
    /// Those that count.
    pub(super) good: Vec<SealedFile>,
    /// Those whose author may not write them (any more): they are kept sealed, for a person to decide.
    pub(super) refused: Vec<SealedFile>,
}

impl Side {
    /// Judges the versions in a file.
    ///
    /// # Errors
    /// What is no sealed version of this secret by a member that some roster in sight knows.
    pub(super) fn judge(
        versions: Vec<SealedFile>,
        file: &str,
        path: &SecretPath,
        chains: &Chains<'_>,
    ) -> Result<Self, VaultError> {
        let mut side = Self { good: Vec::new(), refused: Vec::new() };
        for sealed in versions {
            if judge_one(&sealed, file, path, chains)? {
                side.good.push(sealed);
            } else {
                side.refused.push(sealed);
            }
        }
        Ok(side)
    }

    /// All versions, whatever they count for.
    pub(super) fn all(&self) -> impl Iterator<Item = &SealedFile> {
        self.good.iter().chain(&self.refused)
    }

    /// The version that counts, where it is one.
    pub(super) fn only(&self) -> Option<&SealedFile> {
        match self.good.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether exactly these are kept apart here.
    pub(super) fn keeps_apart(&self, apart: &[&SealedFile]) -> bool {
        let here: BTreeSet<&[u8]> = self.refused.iter().map(SealedFile::bytes).collect();
        here == apart.iter().map(|one| one.bytes()).collect()
    }

    /// Whether it has everything that `other` has, by what the manifests say.
    pub(super) fn follows(&self, other: &Self) -> bool {
        follows(&self.good, &other.good)
    }

    /// Whether what counts in `other` may be let go for what is here.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        replaces(&self.good, &other.good)
    }
}

/// Lets go of what counts for nothing where a version that counts follows it: somebody vouched for it then, had it joined
/// while it counted, or let it go.
pub(super) fn settle_refused(one: &mut Side, other: &mut Side) {
    let named = Named::by(one.good.iter().chain(&other.good).map(SealedFile::manifest));
    one.refused.retain(|refused| !named.has(refused.hash()));
    other.refused.retain(|refused| !named.has(refused.hash()));
}

/// What counts for nothing and stays beside what is joined: what both sides have, and what either brought. What one of them
/// left out since the base was left out by a person, and does not come back.
pub(super) fn apart<'a>(base: &[SealedFile], ours: &'a Side, theirs: &'a Side) -> Vec<&'a SealedFile> {
    let names = |files: &[SealedFile]| -> BTreeSet<Hash> { files.iter().map(|file| Hash::of(file.bytes())).collect() };
    let (o, a, b) = (names(base), names(&ours.refused), names(&theirs.refused));
    let mut met = BTreeSet::new();
    let mut apart: Vec<&SealedFile> = ours.refused.iter().chain(&theirs.refused).collect();
    apart.retain(|file| {
        let name = Hash::of(file.bytes());
        ((a.contains(&name) && b.contains(&name)) || !o.contains(&name)) && met.insert(name)
    });
    apart
}

/// The sealed files in a secret's file.
pub(super) fn parse(bytes: &[u8], file: &str) -> Result<Vec<SealedFile>, VaultError> {
    let refused = |source| VaultError::Sealed { file: file.to_owned(), source };
    let members = seal::members(bytes).map_err(refused)?;
    members.into_iter().map(|member| SealedFile::parse(member).map_err(refused)).collect()
}

/// Whether each of `olds` is one of `news`, or is followed by one, or says the same as one.
pub(super) fn follows(news: &[SealedFile], olds: &[SealedFile]) -> bool {
    stand_for(news, olds, |file| file.manifest().message())
}

/// Whether `olds` may be let go where `news` stay: each of them is one of those, is named by one, or says the same after the
/// same versions. What says the same after others has to be named first, or what led to it looks as if it had been dropped.
pub(super) fn replaces(news: &[SealedFile], olds: &[SealedFile]) -> bool {
    stand_for(news, olds, said_after)
}

/// Whether each of `olds` is one of `news`, is named by one, or says what one says. What a version says takes a hash of all of it:
/// each is asked once, and only where the names leave something open.
fn stand_for<'a, T: Eq + std::hash::Hash>(
    news: &'a [SealedFile],
    olds: &'a [SealedFile],
    says: impl Fn(&'a SealedFile) -> T,
) -> bool {
    let there: HashSet<Hash> = news.iter().map(SealedFile::hash).collect();
    let named = Named::by(news.iter().map(SealedFile::manifest));
    let mut open = olds.iter().filter(|old| !there.contains(&old.hash()) && !named.has(old.hash())).peekable();
    if open.peek().is_none() {
        return true;
    }
    let said: HashSet<T> = news.iter().map(&says).collect();
    open.all(|old| said.contains(&says(old)))
}

/// What a version says, and which it says it of: two for which this is equal stand for each other wherever one is named.
pub(super) fn said_after(file: &SealedFile) -> (Hash, &[Hash]) {
    (file.manifest().message(), &file.manifest().parents)
}

/// Whether a version counts; an error where it is none at all. A roster that has never heard of its author, its readers
/// or its place in the chain has no opinion; one must have, and none may be against it.
pub(super) fn judge_one(
    sealed: &SealedFile,
    file: &str,
    path: &SecretPath,
    chains: &Chains<'_>,
) -> Result<bool, VaultError> {
    let (mut is_good, mut is_refused, mut unknown) = (false, false, None);
    for roster in chains.all() {
        match opinion(roster, path, sealed) {
            Ok(()) => is_good = true,
            Err(VaultError::Inconsistent { what: Wrong::NoStanding { .. } | Wrong::NotEntitled { .. }, .. }) => {
                is_refused = true;
            }
            Err(
                error @ VaultError::Inconsistent {
                    what: Wrong::Point | Wrong::UnknownAuthor | Wrong::UnknownReader,
                    ..
                },
            ) => unknown = unknown.or(Some(error)),
            Err(error) => return Err(about(error, file)),
        }
    }
    match unknown {
        Some(error) if !is_good && !is_refused => Err(about(error, file)),
        _ => Ok(!is_refused),
    }
}

/// The same refusal, with the file's name from the top.
fn about(error: VaultError, name: &str) -> VaultError {
    let name = name.to_owned();
    match error {
        VaultError::Inconsistent { what, .. } => VaultError::Inconsistent { file: name, what },
        VaultError::Sealed { source, .. } => VaultError::Sealed { file: name, source },
        other => other,
    }
}
