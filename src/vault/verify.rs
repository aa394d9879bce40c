//! `verify`: whether what is here, and what was, is what members signed. No key is needed and nobody is asked.
//!
//! The rules are those of docs/format.md, "Checking a secret" and "Checking history"; a second verifier in
//! `tests/verifier/` follows the same text, and both give the same codes. It writes caches, never to the repository.
//! What it cannot tell is that a file opens: that takes a key.

mod begin;
mod changes;
mod descent;
mod finding;
mod history;
mod memo;
mod opening;
mod request;
mod seen;
mod sentence;
mod span;
mod staged;
mod tree;
mod work;

use std::collections::BTreeSet;
use std::path::Path;

pub use changes::{AccessChange, AddedEntry, AddedRequest, Changes, EnvChange, SecretChange};
pub use finding::{Finding, Waiting};
pub use history::SealedVersion;
pub use staged::staged;

use super::VaultError;
use super::expose::{Earlier, Exposure, Place};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::names::SecretPath;
use crate::model::roster::Roster;
use crate::repo::ObjectId;
use history::History;
use memo::Memo;
use opening::Opening;
use span::Span;
use tree::Tree;

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// The work tree; its history is that of `HEAD`.
    Work,
    /// What a commit holds.
    Commit(&'a str),
    /// What a commit holds, and the history since another: what only that one has is no part of it.
    Range {
        /// Where it begins; not looked at itself, but for what must still be there.
        from: &'a str,
        /// Where it ends.
        to: &'a str,
        /// The end took the place of the beginning on a branch: it has to follow that also where it does not contain it.
        /// Without this it may be behind, as a branch that is offered may; unless both have no commit in common.
        pushed: bool,
    },
}

impl What<'_> {
    /// The commit that is judged; `None` for the work tree.
    fn commit(&self) -> Option<&str> {
        match self {
            Self::Work => None,
            Self::Commit(rev) | Self::Range { to: rev, .. } => Some(rev),
        }
    }
}

/// What else is to be looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Also {
    /// All of the history; a range has its own anyway.
    pub history: bool,
    /// What those could read who may not any more.
    pub exposures: bool,
}

/// The vault that was judged.
pub struct Judged {
    /// Its id.
    pub vault: Hash,
    /// What people call it.
    pub name: String,
    /// Its id as words.
    pub words: String,
    /// Number of the roster's newest entry.
    pub seq: u64,
    /// That entry's hash.
    pub head: Hash,
    /// Nobody said which vault this should be: it was taken for the one that it says it is.
    pub assumed: bool,
}

/// What was found.
#[derive(Default)]
pub struct Verification {
    /// The vault; `None` where the roster is refused.
    pub judged: Option<Judged>,
    /// How many files below `secrets/` and `journal/` were looked at.
    pub files: usize,
    /// How many requests.
    pub requests: usize,
    /// How many commits; none where no history was asked for.
    pub commits: Option<usize>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// What waits to be sealed to others than it is now.
    pub pending: Vec<Waiting>,
    /// What somebody could read who may not any more, and what has not been changed since; where that was asked for.
    pub exposed: Vec<Exposure>,
    /// Files of the work tree that do not follow what this clone saw of the trunk, with what that was: commands that read
    /// them refuse them. Whether that is as it should be the history says.
    pub behind: Vec<String>,
    /// Files that git has unmerged.
    pub contested: Vec<String>,
    /// What could not be judged, and why.
    pub unjudged: Vec<String>,
    /// What a person should know besides.
    pub notes: Vec<String>,
    /// What changed in a range.
    pub changes: Option<Changes>,
}

impl Verification {
    /// Whether something waits for somebody, or was not to be judged.
    pub fn is_unsettled(&self) -> bool {
        let assumed = self.judged.as_ref().is_some_and(|judged| judged.assumed);
        let refused = self.changes.iter().flat_map(|changes| &changes.env).any(|env| env.refused.is_some());
        let settled = self.pending.is_empty() && self.exposed.is_empty() && self.contested.is_empty();
        assumed || refused || !(settled && self.behind.is_empty() && self.unjudged.is_empty())
    }
}

/// Judges the vault above `start`. `expected` is an id (or its words) to insist on, with the hash of a roster entry that
/// must be in the chain after an `@`.
pub fn verify(
    start: &Path,
    home: Option<&Home>,
    expected: Option<&str>,
    what: What<'_>,
    also: Also,
) -> Result<Verification, VaultError> {
    let commits: Vec<&str> = match what {
        What::Work => Vec::new(),
        What::Commit(rev) => vec![rev],
        What::Range { from, to, .. } => vec![to, from],
    };
    let opening = Opening::new(start, home, expected, &commits)?;
    let repo = &opening.repo;
    let mut memo = Memo::new(&opening);
    let tip = what.commit().map(|rev| repo.resolve(rev)).transpose()?;
    let tree = match tip {
        None => work::judge(&opening, &mut memo)?,
        Some(commit) => tree::commit(&opening, &mut memo, commit)?,
    };
    let mut found = Verification { files: tree.files, requests: tree.requests, ..Verification::default() };
    let range = match (what, tip) {
        (What::Range { from, pushed, .. }, Some(to)) => {
            let span = Span::between(repo, (repo.resolve(from)?, to), pushed, &mut found)?;
            let before = tree::commit(&opening, &mut memo, span.begin)?;
            Some((span, before))
        }
        _ => None,
    };
    judge_tree(&opening, tree_is_here(what), &tree, range.as_ref().map(|(_, before)| before), &mut found)?;
    if what == What::Work {
        found.contested = repo.unmerged_below(&opening.root)?;
        if let Some(roster) = tree.roster.as_deref().filter(|_| found.judged.is_some()) {
            found.behind = seen::behind(&opening, roster)?;
            found.unjudged.extend(seen::trunk(&opening, roster)?);
        }
    }
    let tip = match tip {
        None if also.history => repo.head()?.commit,
        tip => tip.filter(|_| also.history || range.is_some()),
    };
    if let Some(roster) = tree.roster.as_deref().filter(|_| also.exposures) {
        let end = match what.commit() {
            Some(rev) => Some(repo.resolve(rev)?),
            None => repo.head()?.commit,
        };
        tell_exposures(&opening, roster, end, &mut found)?;
    }
    if let Some(tip) = tip {
        let hide: Vec<ObjectId> = range.iter().map(|(span, _)| span.from).collect();
        let replaced = range.as_ref().and_then(|(span, _)| span.replaced.as_ref());
        let mut seen = history::check(&opening, &mut memo, tip, &hide, replaced.map(|replaced| replaced.commit))?;
        if let Some(replaced) = replaced {
            let is_bad = !(found.findings.is_empty() && seen.findings.is_empty());
            match replaced.judged(tip, std::mem::take(&mut seen.unfollowed)) {
                // What is wrong anyway is said.
                Err(error) if is_bad => found.unjudged.push(error.to_string()),
                judged => found.findings.extend(judged?),
            }
        }
        if let Some((span, before)) = range {
            tell_range(&opening, &seen, (span.begin, &before), (tip, &tree), &mut found)?;
        }
        take_history(seen, &mut found);
    }
    memo.remember(tree.roster.as_deref().map(|roster| roster.vault));
    found.findings.sort();
    found.findings.dedup();
    Ok(found)
}

/// What those could read who may not any more, by the history that `end` reaches.
fn tell_exposures(
    opening: &Opening<'_>,
    roster: &Roster,
    end: Option<ObjectId>,
    found: &mut Verification,
) -> Result<(), VaultError> {
    let (repo, gone) = (&opening.repo, BTreeSet::new());
    let outlived = |_: &SecretPath, _: ObjectId| Vec::new();
    let repeated = |_: &SecretPath, _: ObjectId, _: &Earlier<'_>| Vec::new();
    let place = Place {
        repo,
        home: opening.home,
        root: &opening.root,
        roster,
        gone: &gone,
        outlived: &outlived,
        repeated: &repeated,
    };
    let tips: Vec<ObjectId> = end.into_iter().collect();
    let ledger = place.exposures(&tips, None, false)?;
    if ledger.gaps.is_incomplete() {
        found.unjudged.push("what was read: this clone has only a part of the history".to_owned());
    }
    found.exposed = ledger.list;
    Ok(())
}

/// Whether what is judged is what this machine's pin is about.
fn tree_is_here(what: What<'_>) -> bool {
    what == What::Work
}

/// What a tree says by itself. Whatever else only waits for somebody is added beside `pending`, gets a section in
/// `cli/verify/` and counts in [`Verification::is_unsettled`].
fn judge_tree(
    opening: &Opening<'_>,
    is_here: bool,
    tree: &Tree,
    before: Option<&Tree>,
    found: &mut Verification,
) -> Result<(), VaultError> {
    let Some(roster) = &tree.roster else {
        found.findings.clone_from(&tree.findings);
        return Ok(());
    };
    let mut judged = opening.judge(roster, is_here, found)?;
    // A range begins at a commit that somebody takes for good: its vault is the one to expect.
    judged.assumed &= before.and_then(|before| before.roster.as_ref()).is_none_or(|old| old.vault != roster.vault);
    found.judged = Some(judged);
    // Of another vault than the one to expect nothing else is worth saying.
    if found.findings.is_empty() {
        found.findings.clone_from(&tree.findings);
        found.pending = tree.good.iter().filter_map(|(path, seen)| finding::waiting(roster, path, seen)).collect();
    }
    Ok(())
}

fn tell_range(
    opening: &Opening<'_>,
    seen: &History,
    (from, before): (ObjectId, &Tree),
    (to, after): (ObjectId, &Tree),
    found: &mut Verification,
) -> Result<(), VaultError> {
    let ends = changes::Ends { from, to, before, after };
    found.changes = Some(changes::tell(opening, &ends, seen.sealed.clone())?);
    // What is refused at the end is a finding already.
    let at_end = |file: &str| found.findings.iter().any(|finding| finding.path == file);
    let begin = super::trunk::abbreviated(&from.to_string());
    let beginning: Vec<String> = before
        .findings
        .iter()
        .filter(|refused| !at_end(&refused.path))
        .map(|refused| {
            let (path, code, text) = (&refused.path, refused.code, &refused.text);
            format!("{begin}, where the range begins, is not good itself: {path} [{code}]: {text}; what was good before counts")
        })
        .collect();
    let passing: Vec<String> = seen
        .refused
        .iter()
        .filter(|refused| !at_end(&refused.path))
        .map(|refused| {
            let commit = refused.commit.as_deref().unwrap_or_default();
            let (commit, path) = (super::trunk::abbreviated(commit), &refused.path);
            format!("{commit} has a version of {path} that is refused [{}]: {}", refused.code, refused.text)
        })
        .collect();
    found.notes.extend(beginning.into_iter().chain(passing));
    Ok(())
}

fn take_history(seen: History, found: &mut Verification) {
    found.commits = Some(seen.commits);
    found.findings.extend(seen.findings);
    let cut = match seen.cut {
        0 => return,
        1 => "1 commit has".to_owned(),
        cut => format!("{cut} commits have"),
    };
    found.unjudged.push(format!("{cut} parents that this clone does not have (get them with: git fetch --unshallow)"));
}
