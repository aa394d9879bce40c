//! Exchanging commits with a remote, through the `git` program: fetch, bring in, push.
//!
//! It settles no conflict and retries nothing. Credentials, proxies and hooks are git's own.

use std::ffi::OsStr;

use crate::repo::error::{RepoError, Result};
use crate::repo::refs::{HEADS, REMOTES};
use crate::repo::{Repo, Said};

/// The branch of a remote that the one checked out is exchanged with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The remote's name.
    pub remote: String,
    /// The branch there, without `refs/heads/`.
    pub branch: String,
    /// The ref of this clone that follows it, which need not exist.
    pub tracking: String,
    /// Whether the branch checked out is set up to follow it.
    pub is_set: bool,
}

/// How commits are brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a merge commit where both sides have something, else by moving the branch on.
    Merge,
    /// By replaying one's own commits on top.
    Rebase,
}

/// What came of bringing commits in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// The branch has both.
    Done,
    /// Git is in the middle of it: some paths are unmerged.
    Stopped,
}

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has it.
    Done,
    /// Somebody else was faster.
    Behind,
}

impl Repo {
    /// The branch that the one checked out is exchanged with: its upstream, else the branch of the same name at the remote
    /// that a push would go to. `None` on no branch, and without any remote.
    ///
    /// # Errors
    /// `Head`.
    pub fn exchanged_with(&self) -> Result<Option<Upstream>> {
        let Some(branch) = self.head()?.branch else { return Ok(None) };
        let setting = |key: &str| self.config_str(&format!("branch.{branch}.{key}")).filter(|value| !value.is_empty());
        if let (Some(remote), Some(merge)) = (setting("remote").filter(|remote| remote != "."), setting("merge")) {
            let there = merge.strip_prefix(HEADS).unwrap_or(&merge).to_owned();
            let tracking = format!("{REMOTES}{remote}/{there}");
            return Ok(Some(Upstream { remote, branch: there, tracking, is_set: true }));
        }
        let of_remote = |remote: String| {
            let tracking = format!("{REMOTES}{remote}/{branch}");
            Upstream { remote, branch: branch.clone(), tracking, is_set: false }
        };
        Ok(self.remote_of_push().map(of_remote))
    }

    /// Where a push of the branch checked out goes that is exchanged with `upstream`: where `git push` would go. That is a
    /// branch of the same name, and one of another only where `push.default` is `upstream`, or the settings name the
    /// branch here as the one that counts. An `upstream` that is not [`Repo::exchanged_with`] was picked on purpose.
    ///
    /// # Errors
    /// `FollowsAnother`; `Head`.
    pub fn goes_to(&self, upstream: &Upstream) -> Result<Upstream> {
        let (Some(branch), Some(with)) = (self.head()?.branch, self.exchanged_with()?) else {
            return Ok(upstream.clone());
        };
        if with != *upstream || !with.is_set {
            return Ok(upstream.clone());
        }
        let remote = self.remote_of_push().unwrap_or_else(|| with.remote.clone());
        let by_default = self.config_str("push.default").unwrap_or_default();
        let follows = matches!(by_default.as_str(), "upstream" | "tracking") || self.is_named(&branch);
        let is_elsewhere = remote != with.remote;
        if with.branch == branch || is_elsewhere || (by_default == "current" && !follows) {
            let tracking = format!("{REMOTES}{remote}/{branch}");
            return Ok(Upstream { remote, branch, tracking, is_set: true });
        }
        if follows { Ok(with) } else { Err(RepoError::FollowsAnother { branch, remote, there: with.branch }) }
    }

    /// `git fetch`.
    ///
    /// # Errors
    /// `Remote`.
    pub fn fetch(&self, remote: &str) -> Result<()> {
        let said = self.exchange(&["fetch", "--quiet", "--end-of-options", remote])?;
        if said.code == 0 { Ok(()) } else { Err(refused("fetch", remote, &said)) }
    }

    /// Brings `theirs` into the branch checked out, with `settings` (`key=value`) for this once. A directory that somebody
    /// renamed takes nobody's new secret along.
    ///
    /// # Errors
    /// `Git` where nothing was touched: a work tree in the way, a driver that refused.
    pub fn bring(&self, theirs: &str, way: Way, settings: &[String]) -> Result<Brought> {
        let args: &[&str] = match way {
            Way::Merge => &["merge", "--no-edit", "--ff", theirs],
            Way::Rebase => &["rebase", "--merge", theirs],
        };
        self.carry_on(args, settings)
    }

    /// Ends a merge, or goes on with a rebase, after what was unmerged has been settled.
    ///
    /// # Errors
    /// As [`Repo::bring`].
    pub fn go_on(&self, way: Way, settings: &[String]) -> Result<Brought> {
        let args: &[&str] = match way {
            Way::Merge => &["commit", "--quiet", "--no-edit"],
            Way::Rebase => &["rebase", "--continue"],
        };
        self.carry_on(args, settings)
    }

    /// Takes a merge or a rebase back that git is in the middle of.
    ///
    /// # Errors
    /// `Git`.
    pub fn give_up(&self, way: Way) -> Result<()> {
        let what = match way {
            Way::Merge => "merge",
            Way::Rebase => "rebase",
        };
        let said = self.exchange(&[what, "--abort"])?;
        if said.code == 0 { Ok(()) } else { Err(said.failed(what)) }
    }

    /// Pushes what is checked out to where it [goes](Repo::goes_to); never by force.
    ///
    /// # Errors
    /// `Remote`; `FollowsAnother`, and nothing is pushed.
    pub fn push(&self, upstream: &Upstream) -> Result<Pushed> {
        let to = &self.goes_to(upstream)?;
        let mut args = vec!["push", "--quiet", "--porcelain"];
        if !to.is_set {
            args.push("--set-upstream");
        }
        let what = format!("HEAD:{HEADS}{}", to.branch);
        args.extend(["--end-of-options", to.remote.as_str(), what.as_str()]);
        let said = self.exchange(&args)?;
        if said.code == 0 {
            return Ok(Pushed::Done);
        }
        let answer = String::from_utf8_lossy(&said.stdout).into_owned();
        let is_behind = answer.contains("(fetch first)")
            || answer.contains("(non-fast-forward)")
            // Two pushes at the same moment.
            || answer.contains("cannot lock ref")
            || answer.contains("failed to update ref")
            || answer.contains("(incorrect old value provided)");
        // What comes in from one remote brings nobody further with another.
        if is_behind && to.tracking == upstream.tracking {
            Ok(Pushed::Behind)
        } else {
            Err(refused("push", &to.remote, &said))
        }
    }

    fn carry_on(&self, args: &[&str], settings: &[String]) -> Result<Brought> {
        let mut all = vec!["-c", "merge.directoryRenames=false", "-c", "core.editor=true"];
        all.extend(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        all.extend(args);
        let said = self.exchange(&all)?;
        if said.code == 0 {
            return Ok(Brought::Done);
        }
        let is_unmerged = self.read_index()?.is_some_and(|index| !self.unmerged(&index).is_empty());
        if is_unmerged { Ok(Brought::Stopped) } else { Err(said.failed(args.first().copied().unwrap_or_default())) }
    }

    fn exchange(&self, args: &[&str]) -> Result<Said> {
        let plain = OsStr::new("C");
        self.git(
            args,
            &[("LC_ALL", plain), ("GIT_EDITOR", OsStr::new("true")), ("GIT_MERGE_AUTOEDIT", OsStr::new("no"))],
        )
    }
}

fn refused(what: &'static str, remote: &str, said: &Said) -> RepoError {
    let answer = String::from_utf8_lossy(&said.stdout).into_owned();
    let rejected = answer.lines().filter(|line| line.starts_with('!')).map(|line| line.replace('\t', " "));
    let words: Vec<String> = rejected.chain([said.last_words()]).collect();
    RepoError::Remote { what, remote: remote.to_owned(), said: words.join("\n") }
}
