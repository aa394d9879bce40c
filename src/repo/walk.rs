//! The commits between some points of history, oldest first, each after its parents.
//!
//! As `git rev-list --topo-order --reverse`, in this process and without a look at files. It fetches nothing.

use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::bstr::ByteSlice;
use gix::objs::commit::ref_iter::Token;

use crate::repo::error::{RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// A commit as a walk meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkedCommit {
    /// Its name.
    pub id: ObjectId,
    /// Those of its parents that this clone has, the branch that it was made on first.
    pub parents: Vec<ObjectId>,
    /// The author's name, as the commit says.
    pub author: String,
    /// The author's address, as the commit says.
    pub email: String,
    /// When the author says that it was, in seconds since 1970.
    pub time: i64,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// Whether it has parents that this clone does not have: the history goes on where we cannot see it.
    pub boundary: bool,
}

/// How far clocks of committers may be apart before a hidden commit is listed after all.
const DAY: i64 = 86_400;

/// What the walk knows of a commit.
#[derive(Default)]
struct Seen {
    is_hidden: bool,
    is_queued: bool,
    is_absent: bool,
    /// Read and not yet listed.
    commit: Option<WalkedCommit>,
}

/// Newest first; among equals in the order that they came.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<(i64, std::cmp::Reverse<u64>, ObjectId)>,
    count: u64,
}

impl Repo {
    /// The commits reachable from `tips` and not from `hide`, oldest first, parents before children.
    ///
    /// A commit of `hide` that this clone does not have hides nothing. What `hide` reaches is looked for as far back as
    /// the oldest commit listed, and a day further; where dates are more wrong than that, a commit too many is listed,
    /// never one too few.
    ///
    /// # Errors
    /// `ObjectMissing` where a tip is not here; `ObjectUnreadable`, also for what is no commit.
    pub fn walk(&self, tips: &[ObjectId], hide: &[ObjectId]) -> Result<Vec<WalkedCommit>> {
        let links = self.links();
        let mut seen: HashMap<ObjectId, Seen> = HashMap::new();
        let mut queue = Queue::default();
        let mut found: Vec<WalkedCommit> = Vec::new();
        // How many in the queue are to be listed, and the date of the oldest that is.
        let mut open = 0_usize;
        let mut oldest: Option<i64> = None;

        for id in hide {
            if let Some(of_hidden) = links.of(*id)? {
                seen.insert(*id, Seen { is_hidden: true, is_queued: true, ..Seen::default() });
                queue.push(of_hidden.time, *id);
            }
        }
        for id in tips {
            if !seen.contains_key(id) {
                let (commit, time) = self.walked(*id)?.ok_or_else(|| self.missing(*id))?;
                seen.insert(*id, Seen { is_queued: true, commit: Some(commit), ..Seen::default() });
                queue.push(time, *id);
                open += 1;
            }
        }
        while let Some((time, id)) = queue.pop() {
            if open == 0 && oldest.is_none_or(|oldest| time < oldest.saturating_sub(DAY)) {
                break;
            }
            let Some(here) = seen.get_mut(&id).filter(|here| here.is_queued) else { continue };
            here.is_queued = false;
            let is_hidden = here.is_hidden;
            let parents = match here.commit.take() {
                Some(commit) => {
                    open -= 1;
                    oldest = Some(oldest.map_or(time, |oldest| oldest.min(time)));
                    let parents = commit.parents.clone();
                    found.push(commit);
                    parents
                }
                None => links.of(id)?.map(|of_hidden| of_hidden.parents).unwrap_or_default(),
            };
            for parent in parents {
                // A parent that was to be listed may turn out to be hidden, never the other way round.
                let known = seen.get(&parent);
                if known.is_some_and(|known| known.is_hidden || !is_hidden) {
                    continue;
                }
                open -= usize::from(known.is_some_and(|known| known.is_queued));
                let (commit, time) = match is_hidden {
                    true => (None, links.of(parent)?.map(|of_parent| of_parent.time)),
                    false => self.walked(parent)?.map_or((None, None), |(commit, time)| (Some(commit), Some(time))),
                };
                open += usize::from(commit.is_some());
                if let Some(time) = time {
                    queue.push(time, parent);
                }
                let is_queued = time.is_some();
                seen.insert(parent, Seen { is_hidden, is_queued, is_absent: !is_queued, commit });
            }
        }
        found.retain(|commit| seen.get(&commit.id).is_some_and(|here| !here.is_hidden));
        for commit in &mut found {
            let count = commit.parents.len();
            commit.parents.retain(|parent| seen.get(parent).is_some_and(|parent| !parent.is_absent));
            commit.boundary = commit.parents.len() < count;
        }
        Ok(in_order(found))
    }

    /// A commit with all its parents, and when it was committed; `None` where it is not here.
    fn walked(&self, id: ObjectId) -> Result<Option<(WalkedCommit, i64)>> {
        self.commit_here(id)?.map(|data| read(id, &data)).transpose()
    }
}

impl Queue {
    fn push(&mut self, time: i64, id: ObjectId) {
        self.heap.push((time, std::cmp::Reverse(self.count), id));
        self.count += 1;
    }

    fn pop(&mut self) -> Option<(i64, ObjectId)> {
        self.heap.pop().map(|(time, _, id)| (time, id))
    }
}

/// Puts commits that are sorted by date into git's topological order: lines of history stay together.
fn in_order(found: Vec<WalkedCommit>) -> Vec<WalkedCommit> {
    let mut children: HashMap<ObjectId, usize> = found.iter().map(|commit| (commit.id, 0)).collect();
    for parent in found.iter().flat_map(|commit| &commit.parents) {
        if let Some(count) = children.get_mut(parent) {
            *count += 1;
        }
    }
    let is_tip = |commit: &&WalkedCommit| children.get(&commit.id) == Some(&0);
    let mut stack: Vec<ObjectId> = found.iter().filter(is_tip).map(|commit| commit.id).collect();
    stack.reverse();
    let mut by_id: HashMap<ObjectId, WalkedCommit> = found.into_iter().map(|commit| (commit.id, commit)).collect();
    let mut sorted = Vec::with_capacity(by_id.len());
    while let Some(commit) = stack.pop().and_then(|id| by_id.remove(&id)) {
        let mut counted = HashSet::new();
        for parent in commit.parents.iter() {
            if let Some(count) = children.get_mut(parent) {
                *count = count.saturating_sub(1);
                if *count == 0 && counted.insert(*parent) {
                    stack.push(*parent);
                }
            }
        }
        sorted.push(commit);
    }
    sorted.reverse();
    sorted
}

/// Reads a commit. Only its parents must be well-formed: histories have all kinds of things after them.
fn read(id: ObjectId, data: &[u8]) -> Result<(WalkedCommit, i64)> {
    let mut commit = WalkedCommit {
        id,
        parents: Vec::new(),
        author: String::new(),
        email: String::new(),
        time: 0,
        subject: String::new(),
        boundary: false,
    };
    let mut committed = 0;
    let mut is_headed = false;
    for token in gix::objs::CommitRefIter::from_bytes(data, id.kind()) {
        match token {
            Ok(Token::Tree { .. }) => is_headed = true,
            Ok(Token::Parent { id }) => commit.parents.push(id),
            Ok(Token::Author { signature }) => {
                commit.time = signature.seconds();
                commit.author = signature.name.trim().to_str_lossy().into_owned();
                commit.email = signature.email.trim().to_str_lossy().into_owned();
            }
            Ok(Token::Committer { signature }) => committed = signature.seconds(),
            Ok(Token::Message(message)) => commit.subject = subject(message),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    match is_headed {
        true => Ok((commit, committed)),
        false => Err(RepoError::ObjectUnreadable { id, kind: "commit", source: None }),
    }
}

/// The first paragraph on one line, as git's `%s`.
fn subject(message: &[u8]) -> String {
    let lines = message.lines().map(<[u8]>::trim_ascii_end).skip_while(|line| line.is_empty());
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_str_lossy()).collect();
    lines.join(" ")
}
