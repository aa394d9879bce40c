//! Where a good roster is in the history, and the commands that bring it onto a branch.
//!
//! It does not say what is wrong with the one that is there.

use std::collections::HashSet;

use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::roster::Roster;
use crate::repo::{Ancestry, Head, ObjectId, Repo, Trunk, from_top};
use crate::vault::branch::quoted;
use crate::vault::trunk::{abbreviated, short_ref};
use crate::vault::trust;

/// How many commits are looked at, and how many different rosters: whoever pushes may push many.
const MANY: usize = 10_000;
pub(super) const ROSTERS: usize = 256;

/// What was good: an entry that a good roster has, and a commit with such a one where there is a record of it.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    pub(super) vault: Hash,
    pub(super) held: Hash,
    pub(super) from: Option<ObjectId>,
}

/// The newest rosters that are good, each with a commit that has it: one, or several that were extended apart.
pub(super) struct Good {
    vault: Hash,
    found: Vec<(ObjectId, Hash)>,
}

/// Where rosters are looked for.
pub(super) struct Search<'a> {
    pub(super) repo: &'a Repo,
    pub(super) home: Option<&'a Home>,
    /// The roster's file, from the top.
    pub(super) file: &'a str,
}

impl Search<'_> {
    /// The roster in a commit, where it is a good one of this vault and has what is remembered.
    pub(super) fn good_at(&self, memory: Memory, commit: ObjectId) -> Option<Roster> {
        let blob = self.repo.blob_at(commit, self.file).ok()??;
        let roster = trust::good_in_blob(self.repo, self.home, self.file, memory.vault, blob).ok()??;
        Some(roster).filter(|roster| roster.has(memory.held))
    }

    /// The newest good rosters up to `tip`: none that another one goes on from, so that one which lacks what was there before
    /// is none, on whichever side of a merge that was; and none that counts for nothing beside another one, which whoever
    /// pushes could have merged in for just this.
    pub(super) fn newest_good(&self, memory: Memory, tip: ObjectId) -> Option<Good> {
        let hide: Vec<ObjectId> = memory.from.into_iter().collect();
        let walked = self.repo.walk(&[tip], &hide).ok()?;
        let (mut met, mut newest) = (HashSet::new(), Vec::<(ObjectId, Roster)>::new());
        for commit in walked.iter().skip(walked.len().saturating_sub(MANY)).map(|commit| commit.id) {
            let Some(blob) = self.repo.blob_at(commit, self.file).ok().flatten() else { continue };
            if met.len() >= ROSTERS || !met.insert(blob) {
                continue;
            }
            let Some(roster) = self.good_at(memory, commit) else { continue };
            let goes_before = |one: &Roster, other: &Roster| one.has(other.head) || other.is_overruled_by(one);
            if !newest.iter().any(|(_, other)| goes_before(other, &roster)) {
                newest.retain(|(_, other)| !goes_before(&roster, other));
                newest.push((commit, roster));
            }
        }
        let mut found: Vec<_> = newest.iter().map(|(commit, roster)| (*commit, roster.head)).collect();
        if found.is_empty() {
            found.push((memory.from?, memory.held));
        }
        Some(Good { vault: memory.vault, found })
    }

    /// Whether a commit has a roster that goes on from what was good.
    pub(super) fn has(&self, good: &Good, commit: ObjectId) -> bool {
        let Some((_, held)) = good.found.first() else { return false };
        let roster = self.good_at(Memory { vault: good.vault, held: *held, from: None }, commit);
        roster.is_some_and(|roster| good.found.iter().all(|(_, head)| roster.has(*head)))
    }

    /// Whether what was good has an entry, too.
    pub(super) fn goes_on_from(&self, good: &Good, entry: Hash) -> bool {
        let has = |(commit, held): &(ObjectId, Hash)| {
            let memory = Memory { vault: good.vault, held: *held, from: None };
            self.good_at(memory, *commit).is_some_and(|roster| roster.has(entry))
        };
        good.found.iter().any(has)
    }

    /// The commands that put `path` back on a branch as `good` has it: here where what is checked out contains that
    /// branch, else beside it, so that nothing of one's own is in the way; they end on what is checked out. `None` where it
    /// is there already.
    pub(super) fn onto(&self, branch: &Trunk, path: &str, good: &Good) -> Option<String> {
        let (repo, head) = (self.repo, self.repo.head().ok());
        let at = head.as_ref().and_then(|head| head.commit);
        let is_here = at.is_some_and(|head| matches!(repo.is_ancestor(branch.commit, head), Ok(Ancestry::Yes)));
        let blob = |commit| repo.blob_at(commit, self.file).ok().flatten();
        // Git lets a branch be checked out in one work tree only.
        let place = if is_here || branch.remote { None } else { repo.in_use_at(&branch.name).ok().flatten() };
        if let Some(place) = place {
            let commands = committed(path, good).join(" && ");
            return Some(good.told(&[format!("(cd {} && {commands})", quoted(&place))]));
        }
        let mut commands = Vec::new();
        if !is_here {
            let short = short_ref(&branch.name);
            // A tag of the same name would be meant first.
            let is_plain = repo.resolve(short).is_ok_and(|commit| commit == branch.commit);
            let (how, name) = if branch.remote { ("--detach ", branch.name.as_str()) } else { ("", short) };
            commands.push(format!("git switch {how}{}", quoted(if is_plain { short } else { name })));
        }
        let is_there = |head| matches!(good.found.as_slice(), [(good, _)] if blob(head) == blob(*good));
        if !(is_here && at.is_some_and(is_there)) {
            commands.extend(committed(path, good));
        }
        let remote = self.remote_of(branch);
        let push = |(remote, name): (&str, &str)| {
            format!("git push {} {}", quoted(remote), quoted(&format!("HEAD:refs/heads/{name}")))
        };
        commands.extend(remote.map(push));
        let go_back = if is_here { None } else { head.as_ref().and_then(go_back_to) };
        commands.extend(go_back.clone());
        let offer = remote.filter(|_| !is_here && !commands.is_empty()).map(|(remote, _)| {
            let offer: Vec<String> = std::iter::once(push((remote, "put-the-roster-back"))).chain(go_back).collect();
            format!("; where that push is refused, offer it as a branch of its own: {}", offer.join(" && "))
        });
        (!commands.is_empty()).then(|| good.told(&commands) + &offer.unwrap_or_default())
    }

    /// The remote of a branch, and its name there.
    fn remote_of<'b>(&self, branch: &'b Trunk) -> Option<(&'b str, &'b str)> {
        let name = self.repo.remote_branch(&branch.name)?;
        let remote = branch.name.strip_prefix("refs/remotes/")?.strip_suffix(name)?.strip_suffix('/')?;
        Some((remote, name))
    }
}

impl Good {
    /// That of one commit.
    pub(super) fn one(roster: &Roster, commit: ObjectId) -> Self {
        Self { vault: roster.vault, found: vec![(commit, roster.head)] }
    }

    /// The commit whose roster is taken; a word in its place where a person has to choose.
    fn rev(&self) -> String {
        match self.found.as_slice() {
            [(commit, _)] => abbreviated(&commit.to_string()),
            _ => "REV".to_owned(),
        }
    }

    /// Commands that name it, with what a person has to know to fill them in.
    pub(super) fn told(&self, commands: &[String]) -> String {
        let commands = commands.join(" && ");
        if self.found.len() == 1 {
            return commands;
        }
        let commits: Vec<_> = self.found.iter().map(|(commit, _)| abbreviated(&commit.to_string())).collect();
        format!(
            "{commands}; REV is one of {}, whose rosters were extended apart: ask the admins which one counts",
            commits.join(", ")
        )
    }
}

/// The commands that commit `path` as another commit has it.
pub(super) fn committed(path: &str, good: &Good) -> [String; 2] {
    let (path, rev) = (from_top(path), good.rev());
    [format!("git checkout {rev} -- {path}"), format!("git commit -m 'put the roster back' -- {path}")]
}

/// The command that checks out again what is checked out now; none where that is nothing yet.
fn go_back_to(head: &Head) -> Option<String> {
    let commit = head.commit?;
    Some(match &head.branch {
        Some(branch) => format!("git switch {}", quoted(branch)),
        None => format!("git switch --detach {}", abbreviated(&commit.to_string())),
    })
}
