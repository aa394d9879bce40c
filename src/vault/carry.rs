//! Edits that landed where a secret was moved away from, and secrets that two people moved to two places: what belongs
//! together comes together at one path. The smaller one of two stays.
//!
//! Who says where a secret moved may be somebody who cannot read what is there, and ids are no secret. So whoever comes by
//! carries only what lets nobody write or read more than a grant does; the rest waits for a person's word.
//!
//! It makes drafts; the command that writes seals them.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::read::Secret;
use super::{Vault, VaultError};
use crate::model::bytes::{Hash, SecretId};
use crate::model::document::Document;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::shares::Shares;
use crate::model::time::Time;

/// More moves in a row than this lead nowhere.
const MOVES: usize = 16;

/// By whose word something is carried.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// Nobody's: somebody writes something else and comes by.
    Passing,
    /// That of a person, for what is at these names.
    Person(&'a [SecretPath]),
}

/// What is to be carried.
#[derive(Default)]
pub(super) struct Carried {
    /// The next versions.
    pub(super) drafts: Vec<Draft>,
    /// What stays for want of a person's word, each with where it would go.
    pub(super) unasked: Vec<(SecretPath, SecretPath)>,
}

impl Carried {
    /// The drafts by the place where they come together: what belongs together is written together or not at all.
    pub(super) fn by_home(self) -> impl Iterator<Item = Vec<Draft>> {
        let mut homes: BTreeMap<SecretPath, Vec<Draft>> = BTreeMap::new();
        for draft in self.drafts {
            let home = match draft.document.state() {
                State::Moved(home) => home,
                State::Live | State::Deleted => draft.document.path.clone(),
            };
            homes.entry(home).or_default().push(draft);
        }
        homes.into_values()
    }
}

impl Vault {
    /// What is to be written so that nothing is left behind at these paths. What one cannot open or seal stays, for
    /// the next who can.
    pub(super) fn carried(&self, paths: &[SecretPath], by: By<'_>, now: Time) -> Result<Carried, VaultError> {
        let mut carrying = Carrying { vault: self, by, now, carried: Carried::default() };
        paths.iter().try_for_each(|path| carrying.come_together(path))?;
        Ok(carrying.carried)
    }
}

struct Carrying<'a> {
    vault: &'a Vault,
    by: By<'a>,
    now: Time,
    carried: Carried,
}

/// An old name: the ids of what was there, and the place where all of it is to be.
struct Old<'a> {
    path: &'a SecretPath,
    ids: BTreeSet<SecretId>,
    /// Somebody wrote what is there who may not any more.
    is_theirs: bool,
    home: SecretPath,
}

impl Carrying<'_> {
    fn come_together(&mut self, path: &SecretPath) -> Result<(), VaultError> {
        let Some(secret) = self.opened(path) else { return Ok(()) };
        let targets = secret.document.moves();
        let home = targets.first().and_then(|target| self.home_of(path, target));
        let Some(home) = home else { return Ok(()) };
        let old = Old { path, ids: ids(&secret), is_theirs: self.is_theirs(&secret), home };
        let mut all_came = true;
        for target in &targets {
            // Where one moved on, what is to come is at the end of the way.
            match self.home_of(path, target) {
                Some(place) => all_came &= self.bring(&old, &place)?,
                None => all_came &= !self.is_there(target),
            }
        }
        // The tombstone here comes to name home alone: while something is left elsewhere, the one that says so stays.
        // And who says that it lives here means this place, and what that replaced is not what is at the other; a person who
        // names it says otherwise.
        let is_named = matches!(self.by, By::Person(named) if named.contains(path));
        let is_left = secret.document.state() == State::Live && (is_named || !secret.document.is_said_to_live());
        if all_came && is_left {
            self.bring(&old, path)?;
        }
        Ok(())
    }

    /// Brings what lives at `place` home, where that is the same secret. Whether nothing of it stays behind.
    fn bring(&mut self, old: &Old<'_>, place: &SecretPath) -> Result<bool, VaultError> {
        let home = &old.home;
        if place == home {
            return Ok(true);
        }
        // No secret moves to where journals are, nor does one of those move, whatever a tombstone says.
        if [old.path, place, home].iter().any(|path| path.is_journal()) {
            return Ok(false);
        }
        if let Some(draft) = self.carried.drafts.iter().find(|draft| draft.document.path == *place) {
            return Ok(draft.document.state() == State::Moved(home.clone()));
        }
        let Some(from) = self.opened(place) else { return Ok(!self.is_there(place)) };
        let Some(to) = self.opened(home).filter(|_| from.document.state() == State::Live) else { return Ok(true) };
        let is_same = !ids(&from).is_disjoint(&ids(&to));
        // Who says that it lives there, whatever was there before, may mean another secret than the one that moved.
        let anew = from.document.is_said_to_live() || to.document.is_said_to_live();
        // Two that were begun apart at the old name and moved apart meet nowhere else.
        if !is_same && [&from, &to].iter().any(|secret| ids(secret).is_disjoint(&old.ids)) {
            return Ok(true);
        }
        let is_theirs = old.is_theirs || self.is_theirs(&from) || self.is_theirs(&to);
        let known = self.carried.drafts.iter().position(|draft| draft.document.path == *home);
        let mut to = known.map_or_else(|| Draft::after(to), |at| self.carried.drafts.swap_remove(at));
        let shares = to.shares.join(&from.manifest.shares);
        let is_asked = match self.by {
            By::Person(named) => named.contains(place),
            By::Passing => is_same && !anew && !is_theirs && self.gives_nobody_more(old, &from, &shares),
        };
        let may_seal = self.may_seal(home, &shares) && self.may_seal(place, &from.manifest.shares);
        // What git has unmerged is for those who know both sides.
        let unmerged = self.vault.repo().unmerged_below(self.vault.root())?;
        let is_unmerged = [home, place].iter().any(|path| unmerged.binary_search(&self.vault.file(path)).is_ok());
        if !is_asked || !may_seal || is_unmerged || matches!(to.document.state(), State::Moved(_)) {
            self.carried.unasked.extend((!is_asked).then(|| (place.clone(), home.clone())));
            self.carried.drafts.extend(known.map(|_| to));
            return Ok(false);
        }
        to.document = to.document.join(&from.document.at(home.clone()));
        to.shares = shares;
        to.parents.extend(from.versions.iter().cloned());
        let mut left = Draft::after(from);
        self.vault.bury(&mut left.document, Some(home), self.now)?;
        self.carried.drafts.extend([to, left]);
        Ok(true)
    }

    /// Whether everybody who may write it may write what is at home, and everybody who then reads home reads it already: a
    /// tombstone may have waited since its author could read what is there. A second place is moved by what stands at the old
    /// name: that takes the same people at all three.
    fn gives_nobody_more(&self, old: &Old<'_>, from: &Secret, shares: &Shares) -> bool {
        let (place, state) = (&from.document.path, self.vault.roster().state());
        let readers = |path: &SecretPath, shares: &Shares| -> BTreeSet<Hash> {
            self.vault.under().readers(path, shares).into_iter().map(|member| member.hash).collect()
        };
        if !readers(&old.home, shares).is_subset(&readers(place, &from.manifest.shares)) {
            return false;
        }
        let holders = |path: &SecretPath| state.grant_for(path.as_str()).1;
        let are_same = || holders(place) == holders(&old.home) && holders(place) == holders(old.path);
        if place == old.path { state.is_granted_within(place, &old.home) } else { are_same() }
    }

    /// Whether somebody wrote it who may not any more.
    fn is_theirs(&self, secret: &Secret) -> bool {
        let versions = secret.versions.iter().map(|(hash, manifest)| (*hash, manifest));
        self.vault.under().is_by_who_lost_it(&secret.document.path, versions)
    }

    /// Whether oneself may write what is at a path, with these shares.
    fn may_seal(&self, path: &SecretPath, shares: &Shares) -> bool {
        let Ok(me) = self.vault.me() else { return false };
        let readers = self.vault.under().readers(path, shares);
        let own = readers.into_iter().find(|member| member.card.name == me.reference.name);
        own.is_some_and(|own| self.vault.roster().state().is_granted(own, path))
    }

    /// Where a secret that was moved from `path` to `target` is by now; nothing where that leads nowhere, or where somebody
    /// moved it on who may not write at `path`, unless a person names where it goes.
    fn home_of(&self, path: &SecretPath, target: &SecretPath) -> Option<SecretPath> {
        let mut here = target.clone();
        for _ in 0..MOVES {
            let State::Moved(next) = self.opened(&here)?.document.state() else { return Some(here) };
            let is_named = matches!(self.by, By::Person(named) if named.contains(&next));
            if !is_named && !self.vault.roster().state().is_granted_within(&here, path) {
                return None;
            }
            here = next;
        }
        None
    }

    /// Whether there is something at a path, good or not.
    fn is_there(&self, path: &SecretPath) -> bool {
        !matches!(self.vault.current(path), Ok(None))
    }

    /// What is at a path, living or not, where it is good, follows what the trunk had, and opens.
    fn opened(&self, path: &SecretPath) -> Option<Secret> {
        let version = self.vault.newest(path).ok()??;
        self.vault.open_version(&version).ok()
    }
}

/// What waits at a name that a secret moved away from while somebody changed it there, in a line.
pub(super) fn moved_away(document: &Document) -> Option<String> {
    let places: Vec<String> = document.moves().iter().map(ToString::to_string).collect();
    (document.is_contested() && !places.is_empty()).then(|| {
        let (path, to) = (&document.path, places.join(" and "));
        format!("{path} was moved to {to} by one and changed by another, which {to} does not have yet: covault resolve")
    })
}

/// Every id that a secret goes by, in any of its versions.
fn ids(secret: &Secret) -> BTreeSet<SecretId> {
    secret.versions.iter().flat_map(|(_, manifest)| manifest.aliases.iter().chain([&manifest.id])).copied().collect()
}
