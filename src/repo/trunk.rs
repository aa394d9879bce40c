//! The trunk: the branch whose state counts for everybody, as far as this clone has heard of it.
//!
//! What is published counts, so a local branch stands for the remote's where it follows one. Nothing is fetched, and
//! no program is started but in a reftable repository.

use gix::bstr::ByteSlice;
use gix::remote::Direction;

use crate::repo::error::Result;
use crate::repo::refs::{HEADS, REMOTES, full_name};
use crate::repo::{Head, ObjectId, Repo};

/// The ref whose state counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// Its full name.
    pub name: String,
    /// The commit that it names.
    pub commit: ObjectId,
    /// Whether it follows a branch of a remote.
    pub remote: bool,
}

impl Repo {
    /// Finds the trunk; `None` where nothing of it exists.
    ///
    /// The setting `covault.trunk` (a branch `main`, `origin/main`, or a full ref) is final where it is set: if nothing
    /// of it exists, no other branch takes its place. Else it is what `refs/remotes/origin/HEAD` points to, or, where there
    /// is one remote of another name, its `HEAD`; else the branch of `covault.branch`. A branch stands for its upstream,
    /// else for `origin`'s branch of the same name, and only where there is neither for itself. Settings count as they were
    /// when the repository was opened.
    ///
    /// # Errors
    /// `Git` in a reftable repository.
    pub fn trunk(&self) -> Result<Option<Trunk>> {
        let mut names = Vec::new();
        match self.config_str("covault.trunk").filter(|trunk| !trunk.is_empty()) {
            Some(trunk) => match trunk.strip_prefix(HEADS) {
                Some(branch) => self.add_branch(branch, &mut names),
                None if trunk.starts_with("refs/") => names.push(trunk),
                None => {
                    self.add_branch(&trunk, &mut names);
                    names.push(format!("{REMOTES}{trunk}"));
                }
            },
            None => {
                for remote in ["origin", &self.main_remote()] {
                    if let Some((name, commit)) = self.remote_head(remote)? {
                        return Ok(Some(Trunk { remote: name.starts_with(REMOTES), name, commit }));
                    }
                }
                if let Some(branch) = self.config_str("covault.branch").filter(|branch| !branch.is_empty()) {
                    self.add_branch(branch.strip_prefix(HEADS).unwrap_or(&branch), &mut names);
                }
            }
        }
        let found = self.first_ref(&names)?;
        Ok(found.map(|(name, commit)| Trunk { remote: name.starts_with(REMOTES), name, commit }))
    }

    /// Whether the branch checked out is the one from which the trunk is made: the trunk itself, the branch of its
    /// name, or the one of another name that the settings name and that follows it.
    ///
    /// A feature branch that was begun at the trunk follows it, too, and is not it.
    pub fn is_trunk_branch(&self, trunk: &Trunk, head: &Head) -> bool {
        let Some(branch) = head.branch.as_deref() else { return false };
        match trunk.name.strip_prefix(HEADS) {
            Some(name) => name == branch,
            None if self.is_named(branch) && self.upstream(branch).as_ref() == Some(&trunk.name) => true,
            None => self.remote_branch(&trunk.name) == Some(branch),
        }
    }

    /// What the local branch of the trunk's name holds, where that is another one: what waits to be pushed.
    pub fn trunk_at_home(&self, trunk: &Trunk) -> Result<Option<ObjectId>> {
        let Some(branch) = self.remote_branch(&trunk.name) else { return Ok(None) };
        Ok(self.first_ref(&[format!("{HEADS}{branch}")])?.map(|(_, commit)| commit))
    }

    /// The remote-tracking ref that the branch checked out follows, and its commit; `None` where there is none.
    ///
    /// # Errors
    /// `Git` in a reftable repository.
    pub fn followed(&self) -> Result<Option<(String, ObjectId)>> {
        let Some(branch) = self.head()?.branch else { return Ok(None) };
        let upstream = self.upstream(&branch).filter(|name| name.starts_with(REMOTES));
        upstream.map_or(Ok(None), |name| self.first_ref(&[name]))
    }

    /// The branches that a remote had at the last fetch of all of them, by what that left in `FETCH_HEAD` (git-fetch(1)). Empty
    /// where nothing can be told: whoever names a branch to fetch gets that one, and knows nothing of the others.
    pub fn fetched_last(&self, remote: &str) -> Vec<String> {
        let text = std::fs::read(self.git_dir().join("FETCH_HEAD")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let parse = |line: &str| {
            let (mark, rest) = line.split_once('\t')?.1.split_once("\tbranch '")?;
            let (name, url) = rest.split_once("' of ")?;
            Some((mark == "not-for-merge", name.to_owned(), url.to_owned()))
        };
        let lines: Vec<(bool, String, String)> = text.lines().filter_map(parse).collect();
        // Of what was named on the command line all is for merging.
        if !lines.iter().any(|(is_beside, ..)| *is_beside) {
            return Vec::new();
        }
        // git leaves these ends of an address out.
        let address = self.config_str(&format!("remote.{remote}.url")).unwrap_or_default();
        let address = address.trim_end_matches('/');
        let address = address.strip_suffix(".git").unwrap_or(address);
        let is_of_this = |url: &str| self.remotes().len() == 1 || url == address;
        lines.into_iter().filter(|(.., url)| is_of_this(url)).map(|(_, name, _)| name).collect()
    }

    /// Whether the settings name this branch as the one that counts.
    pub(super) fn is_named(&self, branch: &str) -> bool {
        ["covault.trunk", "covault.branch"].iter().any(|key| {
            let named = self.config_str(key).unwrap_or_default();
            named.strip_prefix(HEADS).unwrap_or(&named) == branch
        })
    }

    /// The remote that `git push` would go to from here; `None` where there is none to go to.
    pub fn remote_of_push(&self) -> Option<String> {
        let branch = self.head().ok().and_then(|head| head.branch);
        let of_branch = |key: &str| self.branch_setting(branch.as_deref()?, key);
        let said = of_branch("pushRemote")
            .or_else(|| self.config_str("remote.pushDefault"))
            .or_else(|| of_branch("remote"))
            // This repository itself.
            .filter(|remote| !remote.is_empty() && remote != ".");
        said.or_else(|| {
            let remotes = self.git.remote_names();
            let mut names = remotes.iter().filter_map(|name| name.to_str().ok());
            let only = if remotes.len() == 1 { names.next() } else { names.find(|name| *name == "origin") };
            only.map(str::to_owned)
        })
    }

    /// The names of all remotes.
    pub fn remotes(&self) -> Vec<String> {
        self.git.remote_names().iter().filter_map(|name| name.to_str().ok().map(str::to_owned)).collect()
    }

    /// Where the `HEAD` of a remote points to, as this clone was told: the full name of a branch of it that exists here.
    ///
    /// # Errors
    /// `Git` in a reftable repository.
    pub fn remote_head(&self, remote: &str) -> Result<Option<(String, ObjectId)>> {
        let head = format!("{REMOTES}{remote}/HEAD");
        // Where it points nowhere, somebody pushed a branch of that name.
        Ok(self.first_ref(std::slice::from_ref(&head))?.filter(|(name, _)| *name != head))
    }

    /// The remote whose default branch counts: `origin`, or the only one. It need not exist.
    pub fn main_remote(&self) -> String {
        let remotes = self.git.remote_names();
        let only = remotes.iter().next().filter(|_| remotes.len() == 1).and_then(|name| name.to_str().ok());
        only.unwrap_or("origin").to_owned()
    }

    /// The refs that a local branch stands for, the most public first.
    fn add_branch(&self, branch: &str, names: &mut Vec<String>) {
        // No branch is called so, and a remote's is another question.
        if branch == "HEAD" {
            return;
        }
        names.extend(self.upstream(branch));
        names.push(format!("{REMOTES}origin/{branch}"));
        names.push(format!("{HEADS}{branch}"));
    }

    /// The remote-tracking ref of the branch that `branch` follows, whether it exists or not.
    fn upstream(&self, branch: &str) -> Option<String> {
        let remote = self.branch_setting(branch, "remote").filter(|remote| remote != ".")?;
        let merge = self.branch_setting(branch, "merge")?;
        let full = full_name(&format!("{HEADS}{branch}"))?;
        let mapped = self.git.branch_remote_tracking_ref_name(full.as_ref(), Direction::Fetch);
        let mapped = mapped.and_then(|name| name.ok()).and_then(|name| name.as_bstr().to_str().ok().map(str::to_owned));
        let short = merge.strip_prefix(HEADS).unwrap_or(&merge);
        Some(mapped.unwrap_or_else(|| format!("{REMOTES}{remote}/{short}")))
    }

    fn branch_setting(&self, branch: &str, key: &str) -> Option<String> {
        let config = self.git.config_snapshot();
        let value = config.plumbing().string_by("branch", Some(branch.as_bytes().as_bstr()), key)?;
        Some(value.to_str_lossy().into_owned())
    }
}
