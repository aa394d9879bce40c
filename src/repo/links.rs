//! One commit as a walk over history sees it: its date, its parents, how deep it lies.
//!
//! From the commit-graph file where there is one, else from the commit itself. It never fetches: a partial clone has
//! all commits, and what lies below the end of a shallow one is the answer "not here".

use gix::objs::Kind;
use gix::objs::commit::ref_iter::Token;

use crate::repo::error::{RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// What a walk needs of a commit.
pub(super) struct Links {
    /// When it was committed, in seconds since 1970; 0 where the commit does not say.
    pub(super) time: i64,
    /// Larger than that of each parent; known only where git has written it down.
    pub(super) generation: Option<u32>,
    /// As the commit names them, whether they are here or not.
    pub(super) parents: Vec<ObjectId>,
}

/// Looks commits up.
pub(super) struct LinkReader<'a> {
    repo: &'a Repo,
    file: Option<gix::commitgraph::Graph>,
}

impl Repo {
    /// Opens the commit-graph file, where there is one that counts. As in git, it does not in a shallow clone.
    pub(super) fn links(&self) -> LinkReader<'_> {
        // A file that cannot be read is a cache that cannot be read.
        let file = if self.is_shallow() { None } else { self.git.commit_graph_if_enabled().ok().flatten() };
        LinkReader { repo: self, file }
    }

    /// The bytes of a commit; `None` where this clone does not have it.
    pub(super) fn commit_here(&self, id: ObjectId) -> Result<Option<Vec<u8>>> {
        let unreadable = |source| RepoError::ObjectUnreadable { id, kind: "commit", source };
        match self.object_here(id).map_err(|error| unreadable(Some(error.into())))? {
            Some((Kind::Commit, data)) => Ok(Some(data)),
            Some(_) => Err(unreadable(None)),
            None => Ok(None),
        }
    }
}

impl LinkReader<'_> {
    /// The commit `id`; `None` where this clone does not have it.
    pub(super) fn of(&self, id: ObjectId) -> Result<Option<Links>> {
        if let Some(links) = self.in_file(id) {
            return Ok(Some(links));
        }
        let Some(data) = self.repo.commit_here(id)? else { return Ok(None) };
        let mut links = Links { time: 0, generation: None, parents: Vec::new() };
        let mut is_headed = false;
        for token in gix::objs::CommitRefIter::from_bytes(&data, id.kind()) {
            match token {
                Ok(Token::Tree { .. }) => is_headed = true,
                Ok(Token::Parent { id }) => links.parents.push(id),
                Ok(Token::Author { .. }) => {}
                Ok(Token::Committer { signature }) => {
                    links.time = signature.seconds();
                    break;
                }
                // Old commits have all kinds of things after their parents.
                Ok(_) | Err(_) => break,
            }
        }
        if is_headed { Ok(Some(links)) } else { Err(RepoError::ObjectUnreadable { id, kind: "commit", source: None }) }
    }

    fn in_file(&self, id: ObjectId) -> Option<Links> {
        let file = self.file.as_ref()?;
        let commit = file.commit_by_id(id)?;
        let count = file.num_commits();
        let mut parents = Vec::new();
        for parent in commit.iter_parents() {
            let parent = parent.ok().filter(|position| position.0 < count)?;
            parents.push(file.id_at(parent).to_owned());
        }
        let time = i64::try_from(commit.committer_timestamp()).ok()?;
        // Zero is what old versions of git wrote for "not known".
        Some(Links { time, generation: Some(commit.generation()).filter(|depth| *depth > 0), parents })
    }
}
