//! What this clone saw of the trunk, and whether what is in front of us follows it.
//!
//! The record is one commit: its tree names every byte that was there. A checked-out commit that contains it has to hold
//! that roster and those secrets, or what descends from them; other branches and old commits are read as they are. A file
//! that did not follow what the trunk had of it is held against the commit that had that, until it does: by itself, so that
//! what is wrong with one says nothing of the others.

mod doubt;
mod secrets;
mod way;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

pub use doubt::Doubt;
pub(super) use secrets::{Past, Sight, descends};

use super::trust::{self, Acceptance};
use super::{Vault, VaultError};
use crate::home::{Held, Home, Pin, Seen};
use crate::model::bytes::Hash;
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::{Holder, Role, Roster, State};
use crate::repo::{Ancestry, ObjectId, Repo, Trunk};

/// What this clone knows of the trunk.
pub(super) struct View {
    /// The commit whose contents count as seen.
    seen: Option<ObjectId>,
    /// Files that are held against another commit as well.
    held: Vec<Held>,
    /// Which of these commits what is checked out contains; found out when it is asked for.
    contained: RefCell<HashMap<ObjectId, bool>>,
    /// What the local branch of the trunk's name holds; found out when it is asked for.
    unpublished: OnceCell<Option<ObjectId>>,
}

/// What the trunk says about the roster that is checked out.
pub(super) struct Findings {
    pub(super) view: View,
    /// Members whose removal was seen on the trunk or in another clone.
    pub(super) gone: BTreeSet<String>,
    /// Somebody who extended this branch's roster and is no admin on the trunk.
    pub(super) forked_by: Option<String>,
    /// What the trunk knows and this branch does not.
    pub(super) ahead: Option<Ahead>,
}

/// A roster on the trunk with entries that the one in front of us lacks: what those take away counts here, too, as far as
/// something is sealed or signed. What they give waits until they are brought in.
pub(super) struct Ahead {
    /// The trunk's.
    theirs: Roster,
    /// Its newest entry that both have.
    shared: Hash,
}

impl Ahead {
    fn of(ours: &Roster, theirs: &Roster) -> Option<Self> {
        if ours.has(theirs.head) {
            return None;
        }
        // A head that was merged in is in no chain of its own.
        let in_chain = theirs.chain.iter().rev().find(|entry| ours.has(**entry));
        let shared = if theirs.has(ours.head) { Some(ours.head) } else { in_chain.copied() };
        shared.map(|shared| Self { theirs: theirs.clone(), shared })
    }

    /// Whether somebody could read the secret at `path` where both rosters were one, and cannot by the trunk's.
    pub(super) fn took_reading(&self, name: &MemberName, path: &SecretPath, shares: &[Holder]) -> bool {
        let reads = |state: &State| state.named(name).is_some_and(|member| state.reads(member, path, shares));
        self.theirs.state_at(self.shared).is_some_and(reads) && !reads(self.theirs.state())
    }

    /// The same of writing.
    pub(super) fn took_writing(&self, name: &MemberName) -> bool {
        let writes = |state: &State| state.named(name).is_some_and(|member| member.role >= Role::Writer);
        self.theirs.state_at(self.shared).is_some_and(writes) && !writes(self.theirs.state())
    }
}

/// The roster in front of us.
pub(super) struct Here<'a> {
    pub(super) repo: &'a Repo,
    pub(super) home: &'a Home,
    /// The vault's folder.
    pub(super) root: &'a str,
    pub(super) roster: &'a Roster,
    /// Git's name of its blob.
    pub(super) blob: ObjectId,
}

impl Here<'_> {
    /// Compares with the trunk and with what was seen of it, and moves the record where the trunk has moved on.
    pub(super) fn judge(&self) -> Result<Findings, VaultError> {
        let (repo, home, vault) = (self.repo, self.home, self.roster.vault);
        let trunk = repo.trunk()?;
        let place = place(repo);
        let seen = home.seen(vault, &place)?;
        let pin = home.pin(vault)?;
        let published = match &trunk {
            Some(trunk) => self.roster_at(trunk.commit).map_err(|error| self.refused_on(trunk, error))?,
            None => None,
        };
        let seen = match &trunk {
            Some(trunk) => self.with_own_commit(seen, trunk)?,
            None => seen,
        };
        let Some((trunk, theirs)) = trunk.zip(published) else {
            return self.without_trunk(seen, pin.as_ref());
        };
        let theirs = theirs.as_ref().unwrap_or(self.roster);
        // A local branch is moved by nobody but its owner: it is its own record, and the pin holds its roster.
        let seen = seen.filter(|_| trunk.remote);
        self.check_trunk(&trunk, theirs, seen.as_ref(), pin.as_ref())?;
        let now = match &seen {
            Some(seen) => self.moved_on(&trunk, seen, trunk.commit, theirs)?,
            None => record_of(&trunk, trunk.commit, theirs.seq, theirs.head),
        };
        if trunk.remote && seen.as_ref() != Some(&now) {
            // A machine that cannot remember still may read.
            let _ = home.set_seen(vault, &place, &now);
        }
        if pin.as_ref().is_none_or(|pin| pin.head != theirs.head && theirs.has(pin.head)) {
            let _ = home.set_pin(&Pin { vault, seq: theirs.seq, head: theirs.head });
        }
        let view = View::new(Some(trunk.commit), now.held);
        self.check_checkout(&view, theirs)?;
        let ahead = Ahead::of(self.roster, theirs);
        Ok(Findings { view, gone: self.gone(theirs)?, forked_by: self.forked_by(theirs), ahead })
    }

    /// Accepts what the trunk (or, without one, what is checked out) holds now, whatever was seen before.
    pub(super) fn accept(&self) -> Result<Acceptance, VaultError> {
        let vault = self.roster.vault;
        let trunk = self.repo.trunk()?;
        let published = match &trunk {
            Some(trunk) => self.roster_at(trunk.commit).map_err(|error| self.refused_on(trunk, error))?,
            None => None,
        };
        let accepted = published.as_ref().and_then(Option::as_ref).unwrap_or(self.roster);
        let (seq, head) = (accepted.seq, accepted.head);
        if let Some(trunk) = trunk.filter(|trunk| trunk.remote) {
            self.home.set_seen(vault, &place(self.repo), &record_of(&trunk, trunk.commit, seq, head))?;
        }
        self.home.set_pin(&Pin { vault, seq, head })?;
        // Somebody who is in by what was accepted is no more one whose removal was seen.
        let gone = dead(accepted);
        let back = self.home.removed(vault)?.difference(&gone).cloned().collect();
        self.home.remember_removed(vault, &gone)?;
        Ok(Acceptance { seq, back })
    }

    /// Without a trunk, or with one that has no vault, what it held when it was last seen counts: its roster and its
    /// secrets. Where it was never seen only the pin says what was there.
    fn without_trunk(&self, seen: Option<Seen>, pin: Option<&Pin>) -> Result<Findings, VaultError> {
        let vault = self.roster.vault;
        let held = seen.as_ref().map(|seen| (seen.head, seen.seq));
        let held = held.or_else(|| pin.map(|pin| (pin.head, pin.seq)));
        if let Some((_, seq)) = held.filter(|(head, _)| !self.roster.has(*head)) {
            return Err(self.rolled_back(seq));
        }
        // What a branch has beyond the trunk is no pin, and who it removed is not gone: the trunk may come without it.
        if seen.is_none() && pin.is_none() {
            let _ = self.home.set_pin(&Pin { vault, seq: self.roster.seq, head: self.roster.head });
        }
        let at = seen.as_ref().and_then(|seen| self.repo.resolve(&seen.commit).ok());
        let view = View::new(at, seen.map(|seen| seen.held).unwrap_or_default());
        let mut gone = dead(self.roster);
        gone.extend(self.home.removed(vault)?);
        Ok(Findings { view, gone, forked_by: None, ahead: None })
    }

    /// The trunk may not lose an entry or a commit that was seen on it.
    fn check_trunk(
        &self,
        trunk: &Trunk,
        theirs: &Roster,
        seen: Option<&Seen>,
        pin: Option<&Pin>,
    ) -> Result<(), VaultError> {
        match (seen, pin) {
            (Some(seen), _) if !theirs.has(seen.head) => return Err(self.rolled_back(seen.seq)),
            // A clone that has seen nothing yet is held to what this machine saw elsewhere.
            (None, Some(pin)) if !theirs.has(pin.head) && !self.roster.has(pin.head) => {
                return Err(self.rolled_back(pin.seq));
            }
            _ => {}
        }
        let Some(seen) = seen else { return Ok(()) };
        let is_there = match self.repo.resolve(&seen.commit) {
            Ok(commit) => self.repo.is_ancestor(commit, trunk.commit)?,
            // Its objects are gone from this clone.
            Err(_) if self.repo.is_shallow() => Ancestry::Unknown,
            Err(_) => Ancestry::No,
        };
        match is_there {
            Ancestry::Yes | Ancestry::Unknown => Ok(()),
            Ancestry::No => Err(VaultError::TrunkRewritten {
                trunk: short_ref(&trunk.name).to_owned(),
                commit: abbreviated(&seen.commit),
            }),
        }
    }

    /// What this clone committed itself counts as seen as soon as the trunk has it, whoever pushed something on top: where it was
    /// pushed it was the trunk, which of other commits on the way nobody can tell.
    fn with_own_commit(&self, seen: Option<Seen>, trunk: &Trunk) -> Result<Option<Seen>, VaultError> {
        let (repo, vault, place) = (self.repo, self.roster.vault, place(self.repo));
        let tip = trunk.commit.to_string();
        if !trunk.remote || seen.as_ref().is_some_and(|seen| seen.commit == tip) {
            return Ok(seen);
        }
        let own = self.home.written(vault, &place)?.and_then(|commit| repo.resolve(&commit).ok());
        let is_there = |own: &ObjectId| matches!(repo.is_ancestor(*own, trunk.commit), Ok(Ancestry::Yes));
        let Some(own) = own.filter(is_there) else { return Ok(seen) };
        let Some(roster) = self.roster_at(own)? else { return Ok(seen) };
        let roster = roster.as_ref().unwrap_or(self.roster);
        let record = match seen {
            None => record_of(trunk, own, roster.seq, roster.head),
            Some(seen) => {
                let from = repo.resolve(&seen.commit).ok();
                if !from.is_some_and(|from| matches!(repo.is_ancestor(from, own), Ok(Ancestry::Yes))) {
                    return Ok(Some(seen));
                }
                self.moved_on(trunk, &seen, own, roster)?
            }
        };
        let _ = self.home.set_seen(vault, &place, &record);
        Ok(Some(record))
    }

    /// The record when the trunk has moved on `to` a commit with the roster `theirs`, which may not lose an entry that it had.
    fn moved_on(&self, trunk: &Trunk, seen: &Seen, to: ObjectId, theirs: &Roster) -> Result<Seen, VaultError> {
        let from = self.repo.resolve(&seen.commit).ok();
        if from == Some(to) {
            return Ok(seen.clone());
        }
        let way = match from {
            Some(from) => self.repo.walk(&[to], &[from])?,
            None => Vec::new(),
        };
        self.check_way(&way, seen.head, to, theirs)?;
        let held = self.still_held(&way, (from, to), seen.held.clone(), theirs)?;
        Ok(Seen { held, ..record_of(trunk, to, theirs.seq, theirs.head) })
    }

    /// A checked-out commit that contains what was seen on the trunk has its roster, too.
    fn check_checkout(&self, view: &View, theirs: &Roster) -> Result<(), VaultError> {
        if self.roster.has(theirs.head) {
            return Ok(());
        }
        let Some(seen) = view.seen else { return Ok(()) };
        let Some(record) = self.roster_at(seen)? else { return Ok(()) };
        let record = record.as_ref().unwrap_or(self.roster);
        if !self.roster.has(record.head) && view.contains(self.repo, seen)? {
            return Err(self.rolled_back(record.seq));
        }
        Ok(())
    }

    /// The roster in a commit: outside `None` where it has none, inside `None` where it is the one in front of us.
    pub(super) fn roster_at(&self, commit: ObjectId) -> Result<Option<Option<Roster>>, VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let Some(blob) = self.repo.blob_at(commit, &file)? else { return Ok(None) };
        if blob == self.blob {
            return Ok(Some(None));
        }
        let name = format!("{file} at {}", abbreviated(&commit.to_string()));
        let bytes = trust::roster_bytes(self.repo, blob, &name)?;
        let roster = trust::verified_summed(self.home, &name, bytes, &blob.to_string())?;
        if roster.vault != self.roster.vault {
            return Err(VaultError::OtherVault {
                file: name,
                found: super::words(roster.vault),
                expected: super::words(self.roster.vault),
            });
        }
        Ok(Some(Some(roster)))
    }

    /// Members whose removal was seen anywhere, and who is in this roster by the word of such a one alone.
    fn gone(&self, theirs: &Roster) -> Result<BTreeSet<String>, VaultError> {
        let vault = self.roster.vault;
        let mut gone = dead(theirs);
        let known = self.home.removed(vault)?;
        if !gone.is_subset(&known) {
            let _ = self.home.remember_removed(vault, &gone.union(&known).cloned().collect());
        }
        gone.extend(known);
        Ok(gone)
    }

    /// Who extended this branch's roster without being an admin on the trunk.
    fn forked_by(&self, theirs: &Roster) -> Option<String> {
        self.roster.extended_without_right(theirs).map(ToString::to_string)
    }
}

impl View {
    fn new(seen: Option<ObjectId>, held: Vec<Held>) -> Self {
        Self { seen, held, contained: RefCell::default(), unpublished: OnceCell::new() }
    }

    /// Whether what is checked out contains a commit. Where this clone's history is too short to tell, it does not.
    fn contains(&self, repo: &Repo, commit: ObjectId) -> Result<bool, VaultError> {
        if let Some(known) = self.contained.borrow().get(&commit) {
            return Ok(*known);
        }
        let contained = match repo.head()?.commit {
            Some(head) => repo.is_ancestor(commit, head)? == Ancestry::Yes,
            None => false,
        };
        self.contained.borrow_mut().insert(commit, contained);
        Ok(contained)
    }
}

impl Vault {
    /// What waits in this clone to be pushed to the trunk, where there is a branch for that.
    pub(super) fn unpublished(&self) -> Result<Option<ObjectId>, VaultError> {
        if let Some(known) = self.trunk.unpublished.get() {
            return Ok(*known);
        }
        let found = match self.repo().trunk()? {
            Some(trunk) => self.repo().trunk_at_home(&trunk)?,
            None => None,
        };
        Ok(*self.trunk.unpublished.get_or_init(|| found))
    }

    /// Remembers what this clone has just committed, so that it counts once the trunk has it; the first push makes the trunk.
    pub(super) fn remember_written(&self, commit: Option<&str>) {
        if let Some(commit) = commit {
            self.home().remember_written(self.roster().vault, &place(self.repo()), commit);
        }
    }

    /// The commit of the trunk that counts as seen.
    pub fn seen_commit(&self) -> Option<String> {
        self.trunk.seen.map(|seen| seen.to_string())
    }
}

/// Names that a roster had and has no more.
fn dead(roster: &Roster) -> BTreeSet<String> {
    let state = roster.state();
    let names = state.cards().map(|(_, known)| &known.card.name).filter(|name| state.named(name).is_none());
    names.map(ToString::to_string).collect()
}

/// Each clone has a record of its own; linked worktrees share one.
pub(super) fn place(repo: &Repo) -> PathBuf {
    repo.common_dir().to_path_buf()
}

/// The record that `commit` was seen on the trunk, with the roster's newest entry there.
fn record_of(trunk: &Trunk, commit: ObjectId, seq: u64, head: Hash) -> Seen {
    Seen { trunk: trunk.name.clone(), commit: commit.to_string(), seq, head, held: Vec::new() }
}

/// A ref's name without what says where it is: `main`, `origin/main`.
pub(super) fn short_ref(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/")).unwrap_or(name)
}

/// The first digits of a commit's name.
pub(super) fn abbreviated(commit: &str) -> String {
    commit.chars().take(10).collect()
}
