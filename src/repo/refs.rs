//! Branches and what is known of those of remotes: looking them up by name, listing them.
//!
//! gix reads them in this process; in a reftable repository the `git` program is asked. It moves no ref.

use std::collections::HashMap;

use gix::bstr::{BStr, ByteSlice};
use gix::objs::Kind;
use gix::refs::{FullName, TargetRef};

use crate::repo::error::{RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// Where the refs of local branches are.
pub(super) const HEADS: &str = "refs/heads/";
/// Where the refs are that follow the branches of remotes.
pub(super) const REMOTES: &str = "refs/remotes/";

/// How many symbolic refs may point to each other, as in git.
const DEPTH: usize = 5;

impl Repo {
    /// All local branches and remote-tracking refs whose name after `refs/heads/` or `refs/remotes/<remote>/` begins
    /// with `prefix`, such as `covault/join/`: full names and commits, sorted by name.
    ///
    /// Broken refs are skipped, and those whose commit is not here, and a remote's `HEAD`, which is another's alias.
    ///
    /// # Errors
    /// `Refs`; `Git` in a reftable repository.
    pub fn branches(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>> {
        let is_wanted = |name: &str| match name.strip_prefix(HEADS) {
            Some(short) => short.starts_with(prefix),
            None => self.remote_branch(name).is_some_and(|short| short != "HEAD" && short.starts_with(prefix)),
        };
        let mut found = Vec::new();
        if self.reftable {
            let listed = self.refs_through_git(&[HEADS, REMOTES])?;
            found.extend(listed.into_iter().map(|(name, (_, id))| (name, id)).filter(|(name, _)| is_wanted(name)));
        } else {
            let failed = |error: gix::Error| RepoError::Refs { source: Box::new(error) };
            let refs = self.git.references().map_err(failed)?;
            let mut aliases = Vec::new();
            let listed = refs.local_branches().map_err(failed)?.chain(refs.remote_branches().map_err(failed)?);
            for one in listed.filter_map(|one| one.ok()) {
                let Ok(name) = one.name().as_bstr().to_str() else { continue };
                if !is_wanted(name) {
                    continue;
                }
                match one.target() {
                    TargetRef::Object(id) => found.push((name.to_owned(), id.to_owned())),
                    TargetRef::Symbolic(_) => aliases.push(name.to_owned()),
                }
            }
            found.retain(|(_, id)| self.is_commit(*id));
            for name in aliases {
                if let Some((_, id)) = self.branch_ref(&name) {
                    found.push((name, id));
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The first of these refs that exists and names a commit; where it is symbolic, the ref that it points to.
    pub(super) fn first_ref(&self, names: &[String]) -> Result<Option<(String, ObjectId)>> {
        if !self.reftable {
            return Ok(names.iter().find_map(|name| self.branch_ref(name)));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| full_name(name).is_some()).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let mut found = self.refs_through_git(&names)?;
        Ok(names.iter().find_map(|name| found.remove(*name)))
    }

    /// The branch in the name of a remote-tracking ref; `None` for any other ref.
    pub fn remote_branch<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(REMOTES)?;
        // The name of a remote may have slashes, too.
        let remotes = self.git.remote_names();
        let of_remote = |remote: &str| rest.strip_prefix(remote)?.strip_prefix('/');
        let known =
            remotes.iter().filter_map(|remote| of_remote(remote.to_str().ok()?)).min_by_key(|short| short.len());
        known.or_else(|| rest.split_once('/').map(|(_, short)| short))
    }

    fn branch_ref(&self, name: &str) -> Option<(String, ObjectId)> {
        let wanted = full_name(name)?;
        // What cannot be read is not there for us; gix also looks in other places than the one named.
        let found = self.git.try_find_reference(wanted.as_ref()).ok().flatten();
        let mut found = found.filter(|found| found.name().as_bstr() == name.as_bytes().as_bstr())?;
        for _ in 0..DEPTH {
            match found.follow() {
                Some(next) => found = next.ok()?,
                None => break,
            }
        }
        let id = found.try_id()?.detach();
        let name = found.name().as_bstr().to_str().ok()?.to_owned();
        self.is_commit(id).then_some((name, id))
    }

    fn is_commit(&self, id: ObjectId) -> bool {
        let header = self.header_here(id).ok().flatten();
        header.is_some_and(|header| header.kind() == Kind::Commit)
    }

    /// By name: the ref that it stands for, and its commit.
    fn refs_through_git(&self, patterns: &[&str]) -> Result<HashMap<String, (String, ObjectId)>> {
        let args = ["for-each-ref", "--format=%(refname) %(objectname) %(objecttype) %(symref)"];
        let said = self.ask(&[&args, patterns].concat())?.unwrap_or_default();
        let mut found = HashMap::new();
        for line in said.lines() {
            let mut words = line.split_str(" ");
            let mut word = || words.next().map(BStr::new);
            let (Some(name), Some(id), Some(kind), symbolic) = (word(), word(), word(), word()) else { continue };
            let (Ok(name), Ok(id)) = (name.to_str(), ObjectId::from_hex(id)) else { continue };
            let target = symbolic.and_then(|target| target.to_str().ok()).filter(|target| !target.is_empty());
            if kind == "commit" {
                found.insert(name.to_owned(), (target.unwrap_or(name).to_owned(), id));
            }
        }
        Ok(found)
    }
}

/// `name` as the full name of a ref, where it can be one.
pub(super) fn full_name(name: &str) -> Option<FullName> {
    FullName::try_from(name).ok().filter(|_| name.starts_with("refs/"))
}
