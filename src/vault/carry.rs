//! Edits that landed where a secret was moved away from, and secrets that two people moved to two places: what belongs
//! together comes together at one path. The smaller one of two stays.
//!
//! It makes drafts; the writing command that comes by seals them.

use std::collections::BTreeSet;

use super::read::Secret;
use super::write::Draft;
use super::{Vault, VaultError};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::register::Key;
use crate::model::shares::Shares;
use crate::model::time::Time;

impl Vault {
    /// What is to be written so that nothing is left behind at these paths. What one cannot open or seal stays, for
    /// the next who can.
    pub(super) fn carried(&self, paths: &[SecretPath], now: Time) -> Result<Vec<Draft>, VaultError> {
        let mut drafts: Vec<Draft> = Vec::new();
        for path in paths {
            let Some(secret) = self.opened(path) else { continue };
            let targets = secret.document.moves();
            let home = targets.first().and_then(|target| self.home_of(target));
            // No secret moves to where journals are, nor does one of those move, whatever a tombstone says.
            let Some(home) = home.filter(|home| !home.is_journal() && !path.is_journal()) else { continue };
            let mut all_came = true;
            for target in &targets {
                // Where one moved on, what is to come is at the end of the way.
                match self.home_of(target) {
                    Some(place) => all_came &= self.bring(&place, &home, &mut drafts, now)?,
                    None => all_came &= !self.is_there(target),
                }
            }
            // The tombstone here comes to name home alone: while something is left elsewhere, the one that says so stays.
            // And who says that it lives here means this place, and what that replaced is not what is at the other.
            let is_left = secret.document.state() == State::Live && !secret.document.is_said_to_live();
            if all_came && is_left {
                self.bring(path, &home, &mut drafts, now)?;
            }
        }
        Ok(drafts)
    }

    /// Brings what lives at `place` to `home`, where that is the same secret. Whether nothing of it stays behind.
    fn bring(
        &self,
        place: &SecretPath,
        home: &SecretPath,
        drafts: &mut Vec<Draft>,
        now: Time,
    ) -> Result<bool, VaultError> {
        if place == home {
            return Ok(true);
        }
        if let Some(draft) = drafts.iter().find(|draft| draft.document.path == *place) {
            return Ok(draft.document.state() == State::Moved(home.clone()));
        }
        let Some(from) = self.opened(place) else { return Ok(!self.is_there(place)) };
        let Some(to) = self.opened(home).filter(|to| is_same(&from, to)) else { return Ok(true) };
        if from.document.state() != State::Live {
            return Ok(true);
        }
        let known = drafts.iter().position(|draft| draft.document.path == *home);
        let mut to = known.map_or_else(|| Draft::after(to), |at| drafts.swap_remove(at));
        let shares = to.shares.join(&from.manifest.shares);
        let may_seal = self.may_seal(home, &shares) && self.may_seal(place, &from.manifest.shares);
        if !may_seal || matches!(to.document.state(), State::Moved(_)) {
            drafts.extend(known.map(|_| to));
            return Ok(false);
        }
        to.document = to.document.join(&from.document.at(home.clone()));
        to.shares = shares;
        to.parents.extend(from.versions.iter().cloned());
        let mut left = Draft::after(from);
        let tombstone = self.write_of(&Key::State, left.document.tombstone_value(Some(home)), true, now)?;
        left.document.bury(tombstone);
        drafts.extend([to, left]);
        Ok(true)
    }

    /// Whether oneself may write what is at a path, with these shares.
    fn may_seal(&self, path: &SecretPath, shares: &Shares) -> bool {
        let Ok(me) = self.me() else { return false };
        let readers = self.under().readers(path, shares);
        let own = readers.into_iter().find(|member| member.card.name == me.reference.name);
        own.is_some_and(|own| self.roster().state().is_granted(own, path))
    }

    /// Where a secret that was moved to `target` is by now; nothing where that leads nowhere.
    fn home_of(&self, target: &SecretPath) -> Option<SecretPath> {
        let (mut here, mut met) = (target.clone(), BTreeSet::new());
        while met.insert(here.clone()) {
            match self.opened(&here)?.document.state() {
                State::Moved(next) => here = next,
                State::Live | State::Deleted => return Some(here),
            }
        }
        None
    }

    /// Whether there is something at a path, good or not.
    fn is_there(&self, path: &SecretPath) -> bool {
        !matches!(self.current(path), Ok(None))
    }

    /// What is at a path, living or not, where it is good and opens.
    fn opened(&self, path: &SecretPath) -> Option<Secret> {
        let version = self.current(path).ok()??;
        self.open_version(&version).ok()
    }
}

fn is_same(one: &Secret, other: &Secret) -> bool {
    let ids = |secret: &Secret| -> BTreeSet<_> {
        let all = secret.versions.iter().flat_map(|(_, manifest)| manifest.aliases.iter().chain([&manifest.id]));
        all.copied().collect()
    };
    !ids(one).is_disjoint(&ids(other))
}
