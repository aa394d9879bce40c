//! A roster that is gone or refused, and how the good one is put back: where that is, and the commands that bring it where
//! it belongs.
//!
//! For what is told alone: it changes nothing and lets nothing pass. What it finds is judged like anything else once it
//! is there. The commands work when they are followed to the letter, so they name refs and commits and not `HEAD`, which
//! may have a good roster while the trunk has none.

use std::collections::HashSet;

use super::branch::quoted;
use super::trunk::{Here, abbreviated, place, short_ref};
use super::{Vault, VaultError, root_at, trust};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::roster::{self, MAX_ROSTER, Roster};
use crate::repo::{Ancestry, ObjectId, Repo, Trunk, Upstream};

/// How many commits are looked at, and how many different rosters: whoever pushes may push many.
const MANY: usize = 10_000;
const ROSTERS: usize = 256;

/// What was good: an entry that a good roster has, and a commit with such a one where there is a record of it.
#[derive(Clone, Copy)]
struct Memory {
    vault: Hash,
    held: Hash,
    from: Option<ObjectId>,
}

/// Where rosters are looked for.
struct Search<'a> {
    repo: &'a Repo,
    home: Option<&'a Home>,
    /// The roster's file, from the top.
    file: &'a str,
}

impl Search<'_> {
    /// The roster in a commit, where it is a good one of this vault and has what is remembered.
    fn good_at(&self, memory: Memory, commit: ObjectId) -> Option<Roster> {
        let blob = self.repo.blob_at(commit, self.file).ok()??;
        let bytes = self.repo.blob_within(blob, MAX_ROSTER as u64).ok()??;
        // Of another vault nothing is verified: that takes its time.
        roster::vault_of(&bytes).filter(|vault| *vault == memory.vault)?;
        let roster = match self.home {
            Some(home) => trust::verified_cached(home, self.file, &bytes),
            None => trust::verified(self.file, &bytes),
        };
        roster.ok().filter(|roster| roster.has(memory.held))
    }

    /// The newest commit up to `tip` with a good roster, and what that has: step by step, as the trunk is judged, so that a
    /// roster which lacks what one before it had is none, on whichever side of a merge that was.
    fn newest_good(&self, mut memory: Memory, tip: ObjectId) -> Option<(ObjectId, Memory)> {
        let hide: Vec<ObjectId> = memory.from.into_iter().collect();
        let walked = self.repo.walk(&[tip], &hide).ok()?;
        let mut met = HashSet::new();
        for commit in walked.iter().skip(walked.len().saturating_sub(MANY)).map(|commit| commit.id) {
            let Some(blob) = self.repo.blob_at(commit, self.file).ok().flatten() else { continue };
            if met.len() >= ROSTERS || !met.insert(blob) {
                continue;
            }
            if let Some(roster) = self.good_at(memory, commit) {
                memory = Memory { held: roster.head, from: Some(commit), ..memory };
            }
        }
        memory.from.map(|commit| (commit, memory))
    }

    /// The commands that put `path` back on a branch as `good` has it: here where what is checked out contains that
    /// branch, else beside it, so that nothing of one's own is in the way. `None` where it is there already.
    fn onto(&self, branch: &Trunk, path: &str, good: ObjectId) -> Option<String> {
        let (repo, head) = (self.repo, self.repo.head().ok().and_then(|head| head.commit));
        let is_here = head.is_some_and(|head| matches!(repo.is_ancestor(branch.commit, head), Ok(Ancestry::Yes)));
        let blob = |commit| repo.blob_at(commit, self.file).ok().flatten();
        let mut commands = Vec::new();
        if !is_here {
            let short = short_ref(&branch.name);
            // A tag of the same name would be meant first.
            let is_plain = repo.resolve(short).is_ok_and(|commit| commit == branch.commit);
            let (how, name) = if branch.remote { ("--detach ", branch.name.as_str()) } else { ("", short) };
            commands.push(format!("git switch {how}{}", quoted(if is_plain { short } else { name })));
        }
        if !(is_here && head.and_then(blob) == blob(good)) {
            commands.extend(committed(path, good));
        }
        if let Some((remote, name)) = self.remote_of(branch) {
            commands.push(format!("git push {} {}", quoted(remote), quoted(&format!("HEAD:refs/heads/{name}"))));
        }
        if !is_here {
            commands.push("git switch -".to_owned());
        }
        (!commands.is_empty()).then(|| commands.join(" && "))
    }

    /// The remote of a branch, and its name there.
    fn remote_of<'b>(&self, branch: &'b Trunk) -> Option<(&'b str, &'b str)> {
        let name = self.repo.remote_branch(&branch.name)?;
        let remote = branch.name.strip_prefix("refs/remotes/")?.strip_suffix(name)?.strip_suffix('/')?;
        Some((remote, name))
    }
}

/// The commands that commit `path` as another commit has it.
fn committed(path: &str, good: ObjectId) -> [String; 2] {
    let (path, good) = (quoted(path), abbreviated(&good.to_string()));
    [format!("git checkout {good} -- {path}"), format!("git commit -m 'put the roster back' -- {path}")]
}

/// What this clone remembers of the vault at `root`: what it saw of its trunk.
fn recorded(repo: &Repo, home: Option<&Home>, file: &str) -> Option<Memory> {
    let all = home?.seen_at(&place(repo)).into_iter();
    all.filter_map(|(vault, seen)| Some((vault, seen.head, repo.resolve(&seen.commit).ok()?)))
        .find(|(vault, _, from)| vault_at(repo, file, *from) == Some(*vault))
        .map(|(vault, held, from)| Memory { vault, held, from: Some(from) })
}

/// The vault whose roster a commit has, by its own word.
fn vault_at(repo: &Repo, file: &str, commit: ObjectId) -> Option<Hash> {
    let blob = repo.blob_at(commit, file).ok()??;
    roster::vault_of(&repo.blob_within(blob, MAX_ROSTER as u64).ok()??)
}

/// How the roster below `root`, which the work tree lacks, is put back: from `HEAD`, or from before it was taken away there.
/// `None` where what is checked out never had it.
///
/// Where nothing is remembered the history is searched only if one is to `look_back`: in a repository that never had a
/// vault that takes long.
pub(super) fn missing(repo: &Repo, home: Option<&Home>, root: &str, look_back: bool) -> Option<String> {
    let file = format!("{root}/roster.toml");
    let search = Search { repo, home, file: &file };
    let head = repo.head().ok()?.commit?;
    if repo.blob_at(head, &file).ok()?.is_some() {
        return Some(format!("git checkout HEAD -- {}", quoted(path_on_disk(repo, root, &file))));
    }
    let memory = match recorded(repo, home, &file) {
        Some(memory) if matches!(repo.is_ancestor(memory.from?, head), Ok(Ancestry::Yes)) => memory,
        None if look_back => search.before_it_was_gone(head)?,
        _ => return None,
    };
    search.here(memory, head, root)
}

/// How the roster below `root` is put back, where the one in the work tree is refused and this clone saw a good one in what
/// is checked out.
pub(super) fn refused(repo: &Repo, home: &Home, root: &str) -> Option<String> {
    let file = format!("{root}/roster.toml");
    let search = Search { repo, home: Some(home), file: &file };
    let (head, memory) = (repo.head().ok()?.commit?, recorded(repo, Some(home), &file)?);
    if !matches!(repo.is_ancestor(memory.from?, head), Ok(Ancestry::Yes)) {
        return None;
    }
    if search.good_at(memory, head).is_some() {
        return Some(format!("git checkout HEAD -- {}", quoted(&file)));
    }
    search.here(memory, head, root)
}

/// What is missing on the disk: the roster, or the whole folder.
fn path_on_disk<'p>(repo: &Repo, root: &'p str, file: &'p str) -> &'p str {
    let is_there = repo.work_dir().is_some_and(|top| top.join(root).is_dir());
    if is_there { file } else { root }
}

impl Search<'_> {
    /// The commands that put it back in what is checked out, and from there on the trunk.
    fn here(&self, memory: Memory, head: ObjectId, root: &str) -> Option<String> {
        let (good, memory) = self.newest_good(memory, head)?;
        let trunk = self.repo.trunk().ok().flatten();
        if let Some(trunk) = trunk.as_ref().filter(|trunk| self.good_at(memory, trunk.commit).is_some()) {
            return Some(format!("git merge {}", quoted(short_ref(&trunk.name))));
        }
        let path = if self.repo.tree_at(head, root).ok()?.is_some() { self.file } else { root };
        let own = Trunk { name: "HEAD".to_owned(), commit: head, remote: false };
        let contained = trunk
            .filter(|trunk| trunk.remote && matches!(self.repo.is_ancestor(trunk.commit, head), Ok(Ancestry::Yes)));
        self.onto(contained.as_ref().unwrap_or(&own), path, good)
    }

    /// What the history of `tip` had before its newest change, where that took the roster away. In a partial clone the
    /// search would fetch.
    fn before_it_was_gone(&self, tip: ObjectId) -> Option<Memory> {
        if self.repo.is_partial() {
            return None;
        }
        let mut entries = self.repo.history_walk(&tip.to_string(), &[self.file]).ok()?;
        let newest = entries.next()?.ok()?;
        if newest.changes.iter().any(|change| change.after.is_some()) {
            return None;
        }
        std::iter::once(newest.parents.first().copied())
            .chain(entries.take(ROSTERS).map(|entry| entry.ok().map(|entry| entry.commit)))
            .flatten()
            .find_map(|commit| {
                let vault = vault_at(self.repo, self.file, commit)?;
                let pin = self.home.and_then(|home| home.pin(vault).ok().flatten());
                let memory = Memory { vault, held: pin.map_or(vault, |pin| pin.head), from: Some(commit) };
                self.good_at(memory, commit).map(|roster| Memory { held: roster.head, ..memory })
            })
    }
}

/// The folders above `prefix` that could be a vault's, the nearest first.
pub(super) fn roots_above(prefix: &str) -> Vec<String> {
    let mut roots: Vec<String> = Vec::new();
    let mut dir = Some(prefix).filter(|prefix| !prefix.is_empty());
    while let Some(here) = dir {
        roots.push(root_at(here));
        dir = here.rsplit_once('/').map(|(above, _)| above);
    }
    roots.push(root_at(""));
    roots
}

/// The commit of the trunk that this clone saw with a vault at one of `roots`.
pub(super) fn seen_with_vault(repo: &Repo, home: Option<&Home>, roots: &[String]) -> Option<ObjectId> {
    roots.iter().find_map(|root| recorded(repo, home, &format!("{root}/roster.toml"))?.from)
}

impl Here<'_> {
    /// What this clone, else this machine, remembers, and the number of that entry.
    fn memory(&self) -> Option<(Memory, u64)> {
        let vault = self.roster.vault;
        if let Some(seen) = self.home.seen(vault, &place(self.repo)).ok().flatten() {
            let from = self.repo.resolve(&seen.commit).ok();
            return Some((Memory { vault, held: seen.head, from }, seen.seq));
        }
        let pin = self.home.pin(vault).ok().flatten()?;
        Some((Memory { vault, held: pin.head, from: None }, pin.seq))
    }

    /// For a roster that lacks an entry: the trunk, where it is the trunk's, and how the newer one is put back.
    pub(super) fn behind(&self, file: &str) -> (Option<String>, Option<String>) {
        let search = Search { repo: self.repo, home: Some(self.home), file };
        let trunk = self.repo.trunk().ok().flatten();
        let short = trunk.as_ref().map(|trunk| short_ref(&trunk.name).to_owned());
        let head = self.repo.head().ok().and_then(|head| head.commit);
        let found = self.memory().zip(trunk.as_ref().map(|trunk| trunk.commit).or(head));
        let Some((good, memory)) = found.and_then(|((memory, _), tip)| search.newest_good(memory, tip)) else {
            let has_it = trunk.as_ref().is_some_and(|trunk| self.has_other_at(trunk.commit, file));
            return (short.filter(|_| has_it), None);
        };
        match &trunk {
            Some(trunk) if search.good_at(memory, trunk.commit).is_none() => (short, search.onto(trunk, file, good)),
            _ if head.is_some_and(|head| search.good_at(memory, head).is_some()) => {
                (None, Some(format!("git checkout HEAD -- {}", quoted(file))))
            }
            _ => (None, Some(committed(file, good).join(" && "))),
        }
    }

    /// Whether a commit has another roster than the one in front of us.
    fn has_other_at(&self, commit: ObjectId, file: &str) -> bool {
        self.repo.blob_at(commit, file).ok().flatten().is_some_and(|blob| blob != self.blob)
    }

    /// A refusal of the trunk's roster: what is checked out may be good, and it is there that it has to be put back.
    pub(super) fn refused_on(&self, trunk: &Trunk, source: VaultError) -> VaultError {
        if !trust::is_refused(&source) && !matches!(source, VaultError::OtherVault { .. }) {
            return source;
        }
        let file = format!("{}/roster.toml", self.root);
        let search = Search { repo: self.repo, home: Some(self.home), file: &file };
        let good = self.memory().and_then(|(memory, _)| search.newest_good(memory, trunk.commit));
        let back = good.and_then(|(good, _)| search.onto(trunk, &file, good));
        VaultError::RosterOnTrunk { trunk: short_ref(&trunk.name).to_owned(), file, source: Box::new(source), back }
    }

    /// What is wrong with the trunk's roster, whatever is checked out: it is gone, refused, or older than what was seen.
    pub(super) fn wrong_on_trunk(&self) -> Option<VaultError> {
        let trunk = self.repo.trunk().ok().flatten().filter(|trunk| trunk.remote)?;
        let (memory, seq) = self.memory()?;
        let file = format!("{}/roster.toml", self.root);
        let search = Search { repo: self.repo, home: Some(self.home), file: &file };
        let has_it = self.repo.blob_at(trunk.commit, &file).ok()?.is_some();
        if !has_it {
            let from =
                memory.from.filter(|from| matches!(self.repo.is_ancestor(*from, trunk.commit), Ok(Ancestry::Yes)));
            return from.and_then(|_| search.taken_away(&trunk, memory));
        }
        match self.roster_at(trunk.commit) {
            Err(error) => Some(self.refused_on(&trunk, error)),
            Ok(theirs) => {
                let theirs = theirs.flatten();
                let has_it = theirs.as_ref().unwrap_or(self.roster).has(memory.held);
                (!has_it).then(|| self.rolled_back(seq))
            }
        }
    }
}

impl Search<'_> {
    fn taken_away(&self, branch: &Trunk, memory: Memory) -> Option<VaultError> {
        let (good, _) = self.newest_good(memory, branch.commit)?;
        let there = short_ref(&branch.name).to_owned();
        let back = self.onto(branch, self.file, good)?;
        Some(VaultError::RosterTakenAway { file: self.file.to_owned(), there, back })
    }
}

impl Vault {
    /// Refuses to bring in a branch that takes the roster away: nothing here could be read any more.
    pub(super) fn check_brings_roster(&self, upstream: &Upstream, theirs: ObjectId) -> Result<(), VaultError> {
        let (repo, file) = (self.repo(), format!("{}/roster.toml", self.root()));
        let Some(head) = repo.head()?.commit else { return Ok(()) };
        if repo.blob_at(theirs, &file)?.is_some() {
            return Ok(());
        }
        // Where what both come from has none either, it is new here, or it was put back here.
        let base = repo.merge_base(head, theirs)?;
        let Some(base) = base.filter(|base| matches!(repo.blob_at(*base, &file), Ok(Some(_)))) else { return Ok(()) };
        let search = Search { repo, home: Some(self.home()), file: &file };
        let vault = self.roster().vault;
        let memory = recorded(repo, Some(self.home()), &file).filter(|memory| memory.vault == vault);
        let memory = memory.unwrap_or(Memory { vault, held: vault, from: Some(base) });
        let branch = Trunk { name: upstream.tracking.clone(), commit: theirs, remote: true };
        search.taken_away(&branch, memory).map_or(Ok(()), Err)
    }
}
