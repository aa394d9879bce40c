//! `git commit` of exactly our paths, for people whose hooks must run.
//!
//! It works as `git commit --only` does inside, on an index of its own made from `HEAD` and our entries, so that
//! what is committed is our bytes even where the person has edits or filters on the same path.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use super::{CommitHow, Outcome, Planned};
use crate::repo::Repo;
use crate::repo::error::{RepoError, Result};

/// An index file that goes away with its lock when it is dropped.
struct OwnIndex(PathBuf);

impl Repo {
    /// Commits the plan with hooks. What they print goes to standard error.
    pub(super) fn commit_with_hooks(&self, plan: &[Planned<'_>], how: &CommitHow<'_>) -> Result<Outcome> {
        let before = self.head()?.commit;
        self.check_head(plan, how.since, before, true)?;
        if !plan.iter().any(|planned| planned.to_head) {
            return Ok(Outcome::Written);
        }
        let own = OwnIndex(self.git_dir().join(format!("covault-index-{}", std::process::id())));
        drop(std::fs::remove_file(&own.0));
        let base = before.map_or_else(|| "--empty".to_owned(), |commit| commit.to_string());
        self.with_index(&own, &["read-tree", &base], None)?;
        let entries: Vec<_> = plan.iter().map(|planned| (planned.change.path(), planned.committed)).collect();
        self.with_index(&own, &["update-index", "-z", "--index-info"], Some(&self.index_info(&entries)))?;

        let mut command = self.command_of_person();
        command.args(["commit", "--quiet", "--file=-"]).env("GIT_INDEX_FILE", &own.0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let missing = |source| RepoError::NoGit { source };
        let mut child = command.spawn().map_err(missing)?;
        if let Some(mut pipe) = child.stdin.take() {
            // A git that refuses early does not read the message; its exit code says so.
            drop(pipe.write_all(how.message.as_bytes()));
        }
        let status = child.wait().map_err(missing)?;
        match self.head()?.commit {
            Some(commit) if status.success() && Some(commit) != before => Ok(Outcome::Committed { commit }),
            _ => Err(RepoError::CommitRefused { code: status.code().unwrap_or(-1) }),
        }
    }

    fn with_index(&self, own: &OwnIndex, args: &[&str], input: Option<&[u8]>) -> Result<()> {
        let mut command = self.command();
        command.args(["-c", "core.splitIndex=false", "-c", "core.fsmonitor=false"]).args(args);
        command.env("GIT_INDEX_FILE", &own.0);
        let said = self.run(command, input)?;
        if said.code == 0 { Ok(()) } else { Err(said.failed(args.first().copied().unwrap_or_default())) }
    }
}

impl Drop for OwnIndex {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
        drop(std::fs::remove_file(self.0.with_extension("lock")));
    }
}
