//! Both ends of a move that a person decides about: what arrived counts for nothing, and so may what says that it went
//! there.
//!
//! One of the two decided alone would leave the secret at neither name: where it moved, there would be nothing, and
//! where it was it would have moved. So what is let go of at one end is let go of at the other, or else the good value
//! arrives.

use super::draft::Draft;
use super::version::{RefusedSibling, Version};
use super::write::Writing;
use super::{Vault, VaultError};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::repo::Found;
use crate::seal::{self, MAX_STORED};

impl Vault {
    /// The secrets that say, by a version that counts or by one that does not, that they moved to `to`.
    fn moved_to(&self, to: &SecretPath) -> Result<Vec<(SecretPath, Version)>, VaultError> {
        let mut found = Vec::new();
        for from in self.all_names()?.into_iter().filter(|from| from != to && !from.is_journal()) {
            let bytes = self.repo().read_work(&self.file(&from), MAX_STORED as u64)?.unwrap_or_default();
            let says_so = seal::peek_manifests(&bytes).unwrap_or_default().iter().any(|one| moves(&one.state, to));
            if let Some(version) = if says_so { self.current(&from).ok().flatten() } else { None } {
                found.push((from, version));
            }
        }
        Ok(found)
    }

    /// What is good of a secret that counts as moved to `to`, where all that arrived there counts for nothing: it
    /// arrives now. `None` where no secret counts as moved there.
    pub(super) fn arriving_good(
        &self,
        to: &SecretPath,
        refused: &[RefusedSibling],
    ) -> Result<Option<Draft>, VaultError> {
        for (from, grave) in self.moved_to(to)? {
            if !moves(&grave.manifest().state, to) {
                continue;
            }
            let living = self.open_version(&self.old_version(&from, None)?)?;
            let on_disk = self.repo().read_work(&self.file(to), MAX_STORED as u64)?;
            let over: Found = self.found(on_disk.as_deref())?;
            let document = living.document.at(to.clone());
            let kept_apart = refused.iter().map(|sibling| sibling.bytes().to_vec()).collect();
            return Ok(Some(Draft { document, kept_apart, over, ..Draft::after(living) }));
        }
        Ok(None)
    }

    /// Leaves out, too, that a secret moved to `to`, where that counts for nothing and lies beside one that lives; but
    /// for those that are decided about by name.
    pub(super) fn did_not_move(
        &self,
        writing: &mut Writing<'_>,
        to: &SecretPath,
        named: &[SecretPath],
    ) -> Result<Vec<Draft>, VaultError> {
        let mut drafts = Vec::new();
        for (from, version) in self.moved_to(to)? {
            if version.manifest().state != State::Live || named.contains(&from) {
                continue;
            }
            let moved: Vec<_> =
                version.into_refused().into_iter().filter(|one| moves(&one.manifest().state, to)).collect();
            if moved.is_empty() {
                continue;
            }
            if self.who_decides(&from).is_some() {
                writing.note(format!(
                    "{from} still has beside it that it moved to {to}: covault resolve {from} --discard"
                ));
                continue;
            }
            let mut draft = writing.start_as_it_is(&from)?;
            self.let_go(&moved, &mut draft)?.into_iter().for_each(|note| writing.note(note));
            writing.note(format!("{from}: that it moved to {to} is left out with it"));
            drafts.push(draft);
        }
        Ok(drafts)
    }

    /// Refuses to have a secret moved to where nothing is (any more).
    pub(super) fn check_arrives(&self, from: &SecretPath, to: &SecretPath) -> Result<(), VaultError> {
        match self.current(to) {
            Ok(Some(version)) if version.manifest().state != State::Deleted => Ok(()),
            // What is refused there waits for a decision of its own.
            Err(_) => Ok(()),
            Ok(_) => Err(VaultError::MovedToNothing { name: from.to_string(), to: to.to_string() }),
        }
    }
}

fn moves(state: &State, to: &SecretPath) -> bool {
    matches!(state, State::Moved(there) if there == to)
}
