//! A roster that is gone or refused, and how the good one is put back: where that is, and the commands that bring it where
//! it belongs.
//!
//! For what is told alone: it changes nothing and lets nothing pass. What it finds is judged like anything else once it
//! is there. The commands work when they are followed to the letter, so they name refs and commits and not `HEAD`, which
//! may have a good roster while the trunk has none.

mod search;

use search::{Good, Memory, ROSTERS, Search, committed};

use super::branch::quoted;
use super::error::LeftOutRoster;
use super::trunk::{Here, abbreviated, place, short_ref};
use super::{Vault, VaultError, root_at, trust};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::roster::{self, MAX_ROSTER, Roster};
use crate::repo::{Ancestry, ObjectId, Repo, Trunk, Upstream, from_top};

/// What is to be known of a roster that lacks an entry.
struct Behind {
    /// The trunk, where it is the trunk's.
    trunk: Option<String>,
    /// The commands that put the other one back.
    back: Option<String>,
    /// Whether that one lacks what is there now.
    apart: bool,
}

/// A roster that a commit on the trunk's way had, and that the trunk's newest neither is nor follows.
pub(super) struct LeftOut<'a> {
    /// The roster.
    pub(super) roster: &'a Roster,
    /// The commit that has it.
    pub(super) at: ObjectId,
    /// The commit that went on without it.
    pub(super) by: Option<ObjectId>,
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
        return Some(format!("git checkout HEAD -- {}", from_top(path_on_disk(repo, root, &file))));
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
        return Some(format!("git checkout HEAD -- {}", from_top(&file)));
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
        let good = self.newest_good(memory, head)?;
        let trunk = self.repo.trunk().ok().flatten();
        if let Some(trunk) = trunk.as_ref().filter(|trunk| self.has(&good, trunk.commit)) {
            return Some(format!("git merge {}", quoted(short_ref(&trunk.name))));
        }
        let path = if self.repo.tree_at(head, root).ok()?.is_some() { self.file } else { root };
        let own = Trunk { name: "HEAD".to_owned(), commit: head, remote: false };
        let contained = trunk
            .filter(|trunk| trunk.remote && matches!(self.repo.is_ancestor(trunk.commit, head), Ok(Ancestry::Yes)));
        self.onto(contained.as_ref().unwrap_or(&own), path, &good)
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

    /// The refusal of a roster that lacks the entry with this number.
    pub(super) fn rolled_back(&self, seq: u64) -> VaultError {
        let (vault, file) = (self.roster.vault, format!("{}/roster.toml", self.root));
        let seen = match self.home.pin(vault).ok().flatten() {
            Some(pin) if pin.seq == seq => format!("{} names", self.home.pin_file(vault).display()),
            _ => "this clone saw on the trunk".to_owned(),
        };
        let Behind { trunk, back, apart } = self.behind(&file);
        VaultError::RosterRolledBack { file, seq, seen, trunk, back, apart }
    }

    /// Where a roster that lacks an entry is, and how the newer one is put back.
    fn behind(&self, file: &str) -> Behind {
        let search = Search { repo: self.repo, home: Some(self.home), file };
        let trunk = self.repo.trunk().ok().flatten();
        let short = trunk.as_ref().map(|trunk| short_ref(&trunk.name).to_owned());
        let head = self.repo.head().ok().and_then(|head| head.commit);
        let found = self.memory().zip(trunk.as_ref().map(|trunk| trunk.commit).or(head));
        let Some(good) = found.and_then(|((memory, _), tip)| search.newest_good(memory, tip)) else {
            let has_it = trunk.as_ref().is_some_and(|trunk| self.has_other_at(trunk.commit, file));
            return Behind { trunk: short.filter(|_| has_it), back: None, apart: false };
        };
        let here = |back| Behind { trunk: None, back: Some(back), apart: false };
        match &trunk {
            Some(trunk) if !search.has(&good, trunk.commit) => {
                let theirs = self.roster_at(trunk.commit).ok().flatten();
                let theirs = theirs.map(|theirs| theirs.as_ref().unwrap_or(self.roster).head);
                let apart = theirs.is_some_and(|theirs| !search.goes_on_from(&good, theirs));
                Behind { trunk: short, back: search.onto(trunk, file, &good), apart }
            }
            _ if head.is_some_and(|head| search.has(&good, head)) => {
                here(format!("git checkout HEAD -- {}", from_top(file)))
            }
            _ => here(good.told(&committed(file, &good))),
        }
    }

    /// The trunk's roster, `theirs`, lacks what one on its way had. One that is newer is put back; where both were extended
    /// apart, none is the newer one.
    pub(super) fn left_out(&self, left: &LeftOut<'_>, theirs: &Roster) -> VaultError {
        let file = format!("{}/roster.toml", self.root);
        let search = Search { repo: self.repo, home: Some(self.home), file: &file };
        let trunk = self.repo.trunk().ok().flatten();
        let good = Good::one(left.roster, left.at);
        let back = trunk.as_ref().and_then(|trunk| search.onto(trunk, &file, &good));
        let names = |roster: &Roster| roster.admins_with(theirs).map(|admin| admin.card.name.to_string()).collect();
        let short = |commit: ObjectId| abbreviated(&commit.to_string());
        VaultError::RosterLeftOut(Box::new(LeftOutRoster {
            trunk: trunk.map_or_else(|| "the trunk".to_owned(), |trunk| short_ref(&trunk.name).to_owned()),
            seq: left.roster.seq,
            commit: short(left.at),
            by: left.by.map(short),
            apart: if left.roster.has(theirs.head) { None } else { Some(names(left.roster)) },
            back,
            file,
        }))
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
        let back = good.and_then(|good| search.onto(trunk, &file, &good));
        VaultError::RosterOnTrunk { trunk: short_ref(&trunk.name).to_owned(), file, source: Box::new(source), back }
    }

    /// What is wrong with the trunk's roster, whatever is checked out: it is gone, refused, or older than what was seen or
    /// than what was there on the way from that.
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
                let theirs = theirs.as_ref().unwrap_or(self.roster);
                if !theirs.has(memory.held) {
                    return Some(self.rolled_back(seq));
                }
                // As commands look at it, which refuse what was lost on the way, too.
                let way = self.repo.walk(&[trunk.commit], &[memory.from?]).ok()?;
                self.check_way(&way, memory.held, trunk.commit, theirs).err()
            }
        }
    }
}

impl Search<'_> {
    fn taken_away(&self, branch: &Trunk, memory: Memory) -> Option<VaultError> {
        let good = self.newest_good(memory, branch.commit)?;
        let there = short_ref(&branch.name).to_owned();
        let back = self.onto(branch, self.file, &good)?;
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
