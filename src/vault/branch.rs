//! Which branch is checked out, and which others have a vault: for hints, and before a second vault is begun.
//!
//! It judges no roster. What another branch has is named, and checked like any other once it is checked out.

use std::path::Path;

use super::requests::BRANCHES;
use super::trunk::{abbreviated, short_ref};
use super::{Vault, VaultError, root_in};
use crate::repo::{Head, ObjectId, Repo};

/// How many branches are looked at; the trunk is the first of them.
const MANY: usize = 1_000;

/// Where there is a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The branch, such as `main` or `origin/main`; `HEAD` where only the work tree lacks it.
    pub name: String,
    /// The command that brings it into the work tree.
    pub command: String,
}

/// Why there is no vault around `start`: none anywhere, or not on what is checked out.
pub(super) fn no_vault(repo: &Repo, start: &Path) -> VaultError {
    let has_vault = |commit| {
        let root = root_in(repo, start, &[commit]).ok().flatten();
        root.is_some_and(|root| has_roster(repo, commit, &root))
    };
    // What cannot be looked at is no better hint than none.
    let found = repo.head().ok().and_then(|head| Some((others(repo, &head, &has_vault).ok()??, head)));
    found.map_or(VaultError::NoVault, |(there, head)| VaultError::NoVaultOnBranch { here: here(&head), there })
}

/// A commit that is checked out, or that a branch has, with a vault at `root`.
pub(super) fn with_vault(repo: &Repo, root: &str) -> Result<Option<There>, VaultError> {
    let head = repo.head()?;
    let has_vault = |commit| has_roster(repo, commit, root);
    if head.commit.is_some_and(has_vault) {
        let command = format!("git checkout HEAD -- {}", quoted(root));
        return Ok(Some(There { name: "HEAD".to_owned(), command }));
    }
    others(repo, &head, &has_vault)
}

/// A branch other than the one checked out of which `has_vault` says so: the trunk before others, one's own before a
/// remote's, and a request's branch last. In a partial clone looking at many would fetch from each: there it is the
/// trunk.
fn others(repo: &Repo, head: &Head, has_vault: &dyn Fn(ObjectId) -> bool) -> Result<Option<There>, VaultError> {
    let trunk = repo.trunk()?;
    let mut branches = if repo.is_partial() { Vec::new() } else { repo.branches("")? };
    branches.extend(trunk.iter().map(|trunk| (trunk.name.clone(), trunk.commit)));
    let local = |branch: &str| format!("refs/heads/{branch}");
    let current = head.branch.as_deref().map(local);
    let at_home = trunk.as_ref().and_then(|trunk| repo.remote_branch(&trunk.name)).map(local);
    let rank = |name: &String| {
        if Some(name) == at_home.as_ref() {
            0
        } else if trunk.as_ref().is_some_and(|trunk| trunk.name == *name) {
            1
        } else if short_name(repo, name).starts_with(BRANCHES) {
            4
        } else if name.starts_with("refs/heads/") {
            2
        } else {
            3
        }
    };
    branches.sort_by_cached_key(|(name, _)| (rank(name), name.clone()));
    branches.dedup();
    branches.retain(|(name, _)| Some(name) != current.as_ref());
    let found = branches.iter().take(MANY).find(|(_, commit)| has_vault(*commit));
    Ok(found.map(|(name, _)| There {
        name: short_ref(name).to_owned(),
        command: format!("git switch {}", quoted(short_name(repo, name))),
    }))
}

/// The branch's name without its remote: what `git switch` takes.
fn short_name<'a>(repo: &Repo, name: &'a str) -> &'a str {
    repo.remote_branch(name).unwrap_or_else(|| short_ref(name))
}

/// What cannot be read has none.
fn has_roster(repo: &Repo, commit: ObjectId, root: &str) -> bool {
    repo.blob_at(commit, &format!("{root}/roster.toml")).ok().flatten().is_some()
}

/// What is checked out, in words.
fn here(head: &Head) -> String {
    head.branch.as_ref().map_or_else(|| "the commit checked out".to_owned(), |branch| format!("the branch {branch}"))
}

/// `text` as one word of a shell line: whoever pushes a branch chooses its name.
fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| format!("{text:?}"), |quoted| quoted.into_owned())
}

/// What is to be known of a commit that was just made on no branch.
///
/// It is no reason to fail: the commit is there.
pub(super) fn on_no_branch(repo: &Repo, commit: ObjectId) -> Option<String> {
    let commit = abbreviated(&commit.to_string());
    repo.head().is_ok_and(|head| head.detached).then(|| {
        format!(
            "no branch is checked out: the commit {commit} is on none, and out of sight once you switch; keep it with: \
             git branch NAME {commit}"
        )
    })
}

impl Vault {
    /// The commit that is checked out without a branch, where the next one would be on none. In the middle of a rebase,
    /// and beside jj, that is as it should be.
    pub fn detached_at(&self) -> Result<Option<String>, VaultError> {
        let head = self.repo().head()?;
        let at = head.commit.filter(|_| head.detached).map(|commit| abbreviated(&commit.to_string()));
        Ok(if at.is_some() && self.repo().operation()?.is_none() { at } else { None })
    }
}
