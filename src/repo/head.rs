//! `HEAD`, and names for commits.
//!
//! gix reads refs in this process; a reftable repository is asked through the `git` program, which gix cannot read.

use gix::bstr::ByteSlice;

use crate::repo::error::{RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// Where `HEAD` points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit; none on an unborn branch.
    pub commit: Option<ObjectId>,
    /// The branch without `refs/heads/`; none when detached.
    pub branch: Option<String>,
    /// Whether `HEAD` names a commit itself.
    pub detached: bool,
}

impl Repo {
    /// Reads `HEAD` afresh.
    ///
    /// # Errors
    /// `Head`; `Git` in a reftable repository.
    pub fn head(&self) -> Result<Head> {
        if self.reftable {
            return self.head_through_git();
        }
        let failed = |error: gix::Error| RepoError::Head { source: Box::new(error) };
        let mut head = self.git.head().map_err(failed)?;
        let branch = head.referent_name().map(|name| name.shorten().to_string());
        let detached = head.is_detached();
        let commit = match head.is_unborn() {
            true => None,
            false => head.try_peel_to_id().map_err(failed)?.map(gix::Id::detach),
        };
        Ok(Head { commit, branch, detached })
    }

    /// The commit that `rev` names: a branch, a tag, an id or its beginning, `HEAD~2`, and what else git knows.
    ///
    /// # Errors
    /// `RevNotFound`, also for what is no commit.
    pub fn resolve(&self, rev: &str) -> Result<ObjectId> {
        if let Ok(id) = ObjectId::from_hex(rev.as_bytes())
            && id.kind() == self.git.object_hash()
            && self.commit_tree(id).is_ok()
        {
            return Ok(id);
        }
        let by_gix = || {
            let object = self.git.rev_parse_single(rev).ok()?.object().ok()?;
            Some(object.peel_to_commit().ok()?.id)
        };
        if !self.reftable
            && let Some(id) = by_gix()
        {
            return Ok(id);
        }
        // What gix does not know (or cannot read) git may.
        let spec = format!("{rev}^{{commit}}");
        let not_found = || RepoError::RevNotFound { rev: rev.to_owned(), is_shallow: self.is_shallow() };
        match self.ask(&["rev-parse", "--quiet", "--verify", "--end-of-options", &spec]) {
            Ok(Some(out)) => parse_id(&out).ok_or_else(not_found),
            Ok(None) | Err(RepoError::Git { .. }) => Err(not_found()),
            Err(error) => Err(error),
        }
    }

    fn head_through_git(&self) -> Result<Head> {
        let branch = self.ask(&["symbolic-ref", "--quiet", "HEAD"])?;
        let branch = branch.map(|name| {
            let name = name.trim_end().to_str_lossy().into_owned();
            name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()
        });
        let commit = self.ask(&["rev-parse", "--quiet", "--verify", "HEAD^{commit}"])?;
        let commit = match commit {
            Some(out) => Some(parse_id(&out).ok_or_else(|| RepoError::GitAnswer { what: "rev-parse".into() })?),
            None => None,
        };
        Ok(Head { commit, detached: branch.is_none(), branch })
    }
}

/// The object id on the only line of a program's output.
pub(super) fn parse_id(out: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(out.trim_end()).ok()
}
