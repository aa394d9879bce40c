//! Whether one commit is an ancestor of another.
//!
//! It starts no program and fetches nothing. The answer does not depend on clocks; how far it looks does.

use std::collections::{BinaryHeap, HashMap};

use crate::repo::error::{RepoError, Result};
use crate::repo::head::parse_id;
use crate::repo::links::{LinkReader, Links};
use crate::repo::{ObjectId, Repo};

/// The answer to "is this an ancestor of that?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It is, or it is the same commit.
    Yes,
    /// It is not.
    No,
    /// This clone does not have enough of the history to tell.
    Unknown,
}

/// Reachable from the commit whose history is asked about.
const OF: u8 = 1;
/// Reachable from the ancestor: no such commit has the ancestor below it.
const BELOW: u8 = 2;

/// A commit that the walk has met.
struct Met {
    flags: u8,
    is_queued: bool,
    /// `None`: not in this clone.
    links: Option<Links>,
}

/// From both commits towards the past, newest first.
struct Walk<'a> {
    reader: LinkReader<'a>,
    met: HashMap<ObjectId, Met>,
    /// By date; among equals what lies below the ancestor comes first, as it only ever ends the search.
    queue: BinaryHeap<(i64, bool, ObjectId)>,
    /// How many commits in the queue may still have the ancestor below them.
    open: usize,
    /// The generation of the ancestor.
    floor: Option<u32>,
}

impl Repo {
    /// Whether `ancestor` is an ancestor of `of`, or the same.
    ///
    /// `Unknown` where the history of `of` leaves this clone before there is an answer. An `ancestor` that this clone
    /// does not have is none where the history is complete.
    ///
    /// # Errors
    /// `ObjectMissing` where `of` is not here; `ObjectUnreadable`, also for what is no commit.
    pub fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<Ancestry> {
        if ancestor == of {
            return Ok(Ancestry::Yes);
        }
        let reader = self.links();
        let start = reader.of(of)?.ok_or_else(|| self.missing(of))?;
        if start.parents.contains(&ancestor) {
            return Ok(Ancestry::Yes);
        }
        let target = reader.of(ancestor)?;
        let floor = target.as_ref().and_then(|links| links.generation);
        let mut walk = Walk { reader, met: HashMap::new(), queue: BinaryHeap::new(), open: 0, floor };
        if target.is_some() {
            walk.meet(ancestor, BELOW, target);
        }
        walk.meet(of, OF, Some(start));
        walk.run(ancestor)
    }

    /// The best common ancestor of two commits; `None` where there is none in this clone.
    ///
    /// # Errors
    /// `ObjectUnreadable`; `NoGit` and `Git` where objects are kept apart.
    pub fn merge_base(&self, one: ObjectId, other: ObjectId) -> Result<Option<ObjectId>> {
        // What is kept apart gix does not look for; git, which said where it is, does.
        if self.apart.is_somewhere() {
            let base = self.ask(&["merge-base", "--end-of-options", &one.to_string(), &other.to_string()])?;
            return Ok(base.as_deref().and_then(parse_id));
        }
        let base = self.git.merge_base(one, other).map_err(|error| RepoError::ObjectUnreadable {
            id: one,
            kind: "commit",
            source: Some(error.into()),
        })?;
        Ok(base.map(gix::Id::detach))
    }

    /// The error for an object that is not here and that nothing will fetch.
    pub(super) fn missing(&self, id: ObjectId) -> RepoError {
        RepoError::ObjectMissing { id, incomplete: self.is_partial() || self.is_shallow() }
    }
}

impl Walk<'_> {
    fn run(&mut self, ancestor: ObjectId) -> Result<Ancestry> {
        let mut cuts = Vec::new();
        // A path down to the ancestor never leads through what lies below it: once nothing else is left, there is none.
        while self.open > 0 {
            let Some((id, flags, parents)) = self.pop() else { break };
            for parent in parents {
                if parent == ancestor && flags & OF != 0 {
                    return Ok(Ancestry::Yes);
                }
                if !self.reach(parent, flags)? && flags == OF {
                    cuts.push(id);
                }
            }
        }
        // Where history was cut off, it may still turn out to be below the ancestor, which settles it.
        while self.is_open_at(&cuts) {
            let Some((_, flags, parents)) = self.pop() else { break };
            for parent in parents {
                self.reach(parent, flags)?;
            }
        }
        Ok(if self.is_open_at(&cuts) { Ancestry::Unknown } else { Ancestry::No })
    }

    fn is_open_at(&self, cuts: &[ObjectId]) -> bool {
        cuts.iter().any(|id| self.met.get(id).is_some_and(|met| met.flags == OF))
    }

    fn pop(&mut self) -> Option<(ObjectId, u8, Vec<ObjectId>)> {
        loop {
            let (_, _, id) = self.queue.pop()?;
            // One that was queued twice is done the first time.
            let Some(met) = self.met.get_mut(&id).filter(|met| met.is_queued) else { continue };
            met.is_queued = false;
            if met.flags == OF {
                self.open -= 1;
            }
            let parents = met.links.as_ref().map(|links| links.parents.clone()).unwrap_or_default();
            return Some((id, met.flags, parents));
        }
    }

    /// Marks a commit, and queues it where that is new; whether it is in this clone.
    fn reach(&mut self, id: ObjectId, flags: u8) -> Result<bool> {
        if let Some(met) = self.met.get(&id) {
            let is_here = met.links.is_some();
            if is_here && met.flags | flags != met.flags {
                self.meet(id, flags, None);
            }
            return Ok(is_here);
        }
        let links = self.reader.of(id)?;
        let is_here = links.is_some();
        self.meet(id, flags, links);
        Ok(is_here)
    }

    fn meet(&mut self, id: ObjectId, flags: u8, links: Option<Links>) {
        let met = self.met.entry(id).or_insert(Met { flags: 0, is_queued: false, links });
        if met.is_queued && met.flags == OF {
            self.open -= 1;
        }
        met.flags |= flags;
        let Some(links) = &met.links else { return };
        // What is no higher than the ancestor cannot have it below.
        let is_too_low = self.floor.zip(links.generation).is_some_and(|(floor, here)| here <= floor);
        met.is_queued = met.is_queued || !(is_too_low && met.flags == OF);
        if met.is_queued {
            self.queue.push((links.time, met.flags & BELOW != 0, id));
            self.open += usize::from(met.flags == OF);
        }
    }
}
