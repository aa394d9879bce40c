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
            let mut left: Vec<SecretPath> = targets.into_iter().filter(|target| *target != home).collect();
            // Who says that it lives here means this place, and what that replaced is not what is at the other.
            if secret.document.state() == State::Live && !secret.document.is_said_to_live() {
                left.push(path.clone());
            }
            left.retain(|place| *place != home && !drafts.iter().any(|draft| draft.document.path == *place));
            for place in left {
                self.bring(&place, &home, &mut drafts, now)?;
            }
        }
        Ok(drafts)
    }

    /// Brings what lives at `place` to `home`, where that is the same secret.
    fn bring(
        &self,
        place: &SecretPath,
        home: &SecretPath,
        drafts: &mut Vec<Draft>,
        now: Time,
    ) -> Result<(), VaultError> {
        let Some(from) = self.opened(place).filter(|from| from.document.state() == State::Live) else { return Ok(()) };
        let known = drafts.iter().position(|draft| draft.document.path == *home);
        let mut to = match known {
            Some(at) => drafts.swap_remove(at),
            None => match self.opened(home).filter(|to| is_same(&from, to)) {
                Some(to) => Draft::after(to),
                None => return Ok(()),
            },
        };
        let shares = to.shares.join(&from.manifest.shares);
        if !self.may_seal(home, &shares) || !self.may_seal(place, &from.manifest.shares) {
            drafts.extend(known.map(|_| to));
            return Ok(());
        }
        to.document = to.document.join(&from.document.at(home.clone()));
        to.shares = shares;
        to.parents.extend(from.versions.iter().cloned());
        let mut left = Draft::after(from);
        let tombstone = self.write_of(&Key::State, left.document.tombstone_value(Some(home)), true, now)?;
        left.document.bury(tombstone);
        drafts.extend([to, left]);
        Ok(())
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
