//! Which branch is checked out, and which others have a vault: for hints, and before a second vault is begun.
//!
//! It judges no roster. What another branch has is named, and checked like any other once it is checked out.

use std::path::Path;

use super::requests::BRANCHES;
use super::trunk::{abbreviated, short_ref};
use super::{Vault, VaultError, put_back, root_at, root_in, trust};
use crate::home::Home;
use crate::repo::{Ancestry, Head, ObjectId, Repo, from_top};

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

/// Why there is no vault around `start`: none anywhere, not on what is checked out, or no more.
pub(super) fn no_vault(repo: &Repo, home: Option<&Home>, start: &Path) -> VaultError {
    // What cannot be looked at is no better hint than none.
    let (Ok(head), Ok(prefix)) = (repo.head(), repo.prefix(start)) else { return VaultError::NoVault };
    let mut roots = put_back::roots_above(&prefix);
    // One in a folder below that this clone was set up for is meant, too, where it is not there any more.
    let is_below = |folder: &String| prefix.is_empty() || folder.starts_with(&format!("{prefix}/"));
    let below: Vec<String> = repo.config_subsections("covault", "vault").into_iter().filter(is_below).collect();
    roots.extend(below.iter().map(|folder| root_at(folder)));
    let at_head = |root: &&String| head.commit.is_some_and(|head| has_roster(repo, head, root));
    if let Some(command) = roots.iter().find(at_head).and_then(|root| put_back::missing(repo, home, root, false)) {
        let there = There { name: "HEAD".to_owned(), command };
        return VaultError::NoVaultOnBranch { here: "the work tree".to_owned(), there };
    }
    let has_vault = |commit| {
        let root = root_in(repo, start, &[commit]).ok().flatten();
        root.is_some_and(|root| has_roster(repo, commit, &root))
    };
    let seen = put_back::seen_with_vault(repo, home, &roots);
    let found = others(repo, &head, seen, &has_vault).ok().flatten();
    for root in &roots {
        let look_back = found.is_some() || repo.config_str(&trust::setting(root)).is_some();
        if let Some(back) = put_back::missing(repo, home, root, look_back) {
            let there = "what is checked out".to_owned();
            return VaultError::RosterTakenAway { file: format!("{root}/roster.toml"), there, back };
        }
    }
    found.map_or(VaultError::NoVault, |there| VaultError::NoVaultOnBranch { here: here(&head), there })
}

/// A commit that is checked out, or that a branch has, with a vault at `root`.
pub(super) fn with_vault(repo: &Repo, root: &str) -> Result<Option<There>, VaultError> {
    let head = repo.head()?;
    let has_vault = |commit| has_roster(repo, commit, root);
    if head.commit.is_some_and(has_vault) {
        let command = format!("git checkout HEAD -- {}", from_top(root));
        return Ok(Some(There { name: "HEAD".to_owned(), command }));
    }
    others(repo, &head, None, &has_vault)
}

/// A branch other than the one checked out of which `has_vault` says so: the trunk before others, one's own before a
/// remote's, and a request's branch last. In a partial clone looking at many would fetch from each: there it is the
/// trunk.
///
/// Where this clone saw a vault on the trunk, in the commit `seen`, no branch counts that lacks this commit: whoever pushes
/// could have made it for just this hint, and on such a branch nothing is held against what was seen.
fn others(
    repo: &Repo,
    head: &Head,
    seen: Option<ObjectId>,
    has_vault: &dyn Fn(ObjectId) -> bool,
) -> Result<Option<There>, VaultError> {
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
    let follows = |commit| seen.is_none_or(|seen| matches!(repo.is_ancestor(seen, commit), Ok(Ancestry::Yes)));
    let found = branches.iter().take(MANY).find(|(_, commit)| has_vault(*commit) && follows(*commit));
    let found =
        found.map(|(name, _)| There { name: short_ref(name).to_owned(), command: switch_to(repo, name, &branches) });
    let seen = seen.map(|commit| abbreviated(&commit.to_string()));
    Ok(found.or_else(|| {
        seen.map(|commit| There {
            name: format!("the commit {commit}, which this clone saw on the trunk,"),
            command: format!("git switch --detach {commit}"),
        })
    }))
}

/// The command that goes to one of `branches`. Git lets a branch be checked out in one work tree only.
fn switch_to(repo: &Repo, name: &str, branches: &[(String, ObjectId)]) -> String {
    let short = short_name(repo, name);
    let local = format!("refs/heads/{short}");
    let is_other = name != local && branches.iter().any(|(name, _)| *name == local);
    if is_other || matches!(repo.in_use_at(&local), Ok(Some(_))) {
        return format!("git switch --detach {}", quoted(short_ref(name)));
    }
    format!("git switch {}", quoted(short))
}

/// The branch's name without its remote: what `git switch` takes.
fn short_name<'a>(repo: &Repo, name: &'a str) -> &'a str {
    repo.remote_branch(name).unwrap_or_else(|| short_ref(name))
}

/// What cannot be read has none.
pub(super) fn has_roster(repo: &Repo, commit: ObjectId, root: &str) -> bool {
    repo.blob_at(commit, &format!("{root}/roster.toml")).ok().flatten().is_some()
}

/// What is checked out, in words.
fn here(head: &Head) -> String {
    head.branch.as_ref().map_or_else(|| "the commit checked out".to_owned(), |branch| format!("the branch {branch}"))
}

/// `text` as one word of a shell line: whoever pushes a branch chooses its name.
pub(super) fn quoted(text: &str) -> String {
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
