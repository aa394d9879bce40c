//! `rm` and `mv`: both are writes, so that an edit somewhere else is never lost to them.
//!
//! No file of a secret is ever deleted here; a tombstone takes its place.

use super::draft::Draft;
use super::version::Version;
use super::write::{How, Report};
use super::{Vault, VaultError};
use crate::model::document::Document;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::register::{Key, Value};
use crate::model::time::Time;

impl Vault {
    /// Deletes secrets, as one commit: each gets a tombstone at its path.
    pub fn remove(&self, paths: &[SecretPath], how: &How) -> Result<Report, VaultError> {
        paths.iter().try_for_each(|path| self.check_no_journal(path))?;
        let mut writing = self.writing(how)?;
        let (mut drafts, mut others) = (Vec::new(), Vec::new());
        for path in paths {
            self.check_nothing_open(path)?;
            if let Some(file) = self.buried_and_uncommitted(path, None)? {
                others.push(file);
                continue;
            }
            let mut draft = writing.start_living(path)?;
            self.bury(&mut draft.document, None, how.now)?;
            drafts.push(draft);
        }
        let names: Vec<_> = paths.iter().map(SecretPath::as_str).collect();
        writing.finish(&drafts, others, &format!("covault: remove {}", summary(&names)))
    }

    /// Moves a secret: the same document at the new path, and a tombstone that names it at the old one.
    pub fn rename(&self, from: &SecretPath, to: &SecretPath, how: &How) -> Result<Report, VaultError> {
        self.check_no_journal(from)?;
        super::keys::check_place(to)?;
        if from == to {
            return Err(VaultError::Exists(to.to_string()));
        }
        self.check_nothing_open(from)?;
        let mut writing = self.writing(how)?;
        let message = format!("covault: move {from} to {to}");
        if let Some(grave) = self.buried_and_uncommitted(from, Some(to))? {
            let files = self.unsettled(to)?.into_iter().chain([grave]).collect();
            return writing.finish(&[], files, &message);
        }
        let mut old = writing.start_living(from)?;
        if let Some(file) = self.half_moved(&old, to)? {
            self.bury(&mut old.document, Some(to), how.now)?;
            return writing.finish(&[old], vec![file], &message);
        }
        let mut new = self.arriving(&old, from, to, how.now)?;
        new.parents.extend(old.parents.iter().cloned());
        self.bury(&mut old.document, Some(to), how.now)?;
        writing.finish(&[new, old], Vec::new(), &message)
    }

    /// The tombstone at `path`, where a killed `rm` or `mv` (to `to`) left it uncommitted.
    fn buried_and_uncommitted(
        &self,
        path: &SecretPath,
        to: Option<&SecretPath>,
    ) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let Some(version) = self.current_by_name(path)? else { return Ok(None) };
        let is_meant = match &version.manifest().state {
            State::Live => false,
            State::Deleted => to.is_none(),
            State::Moved(there) => to == Some(there),
        };
        if is_meant { self.unsettled(path) } else { Ok(None) }
    }

    /// The new place of a secret, where a killed `mv` came no further than to put it there.
    fn half_moved(&self, old: &Draft, to: &SecretPath) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let Some(version) = self.current(to)? else { return Ok(None) };
        let manifest = version.manifest();
        let is_ours = manifest.state == State::Live
            && manifest.id == old.document.id
            && old.parents.iter().any(|(hash, _)| manifest.parents.contains(hash))
            && manifest.values == read::secret_values(&old.document);
        if is_ours { self.unsettled(to) } else { Ok(None) }
    }

    /// Who reads it now and who would after a move, by name.
    pub fn readers_of_move(&self, from: &SecretPath, to: &SecretPath) -> (Vec<String>, Vec<String>) {
        let shares = self.current(from).ok().flatten().map(|v| v.shares()).unwrap_or_default();
        let names = |path| self.under().readers(path, &shares).iter().map(|m| m.card.name.to_string()).collect();
        (names(from), names(to))
    }

    /// Puts a tombstone on a document, which moves to a place or is gone.
    pub(super) fn bury(&self, document: &mut Document, to: Option<&SecretPath>, now: Time) -> Result<(), VaultError> {
        let tombstone = self.write_of(&Key::State, document.tombstone_value(to), true, now)?;
        document.bury(tombstone);
        Ok(())
    }

    /// The document that arrives at `to`: joined with what was buried there, so that none of it comes back.
    fn arriving(&self, old: &Draft, from: &SecretPath, to: &SecretPath, now: Time) -> Result<Draft, VaultError> {
        let moved = old.document.at(to.clone());
        let grave = self.current(to)?;
        let over = self.found(grave.as_ref().map(Version::stored))?;
        if grave.as_ref().is_some_and(|grave| grave.manifest().state == State::Live) {
            return Err(VaultError::Exists(to.to_string()));
        }
        self.check_free_but(to, Some(from))?;
        let Some(grave) = grave else {
            let shares = old.shares.clone();
            let draft = Draft::birth(moved.vault, to.clone());
            return Ok(Draft { document: moved, shares, over, ..draft });
        };
        let mut draft = Draft { over, ..Draft::after(self.open_version(&grave)?) };
        draft.shares = draft.shares.join(&old.shares);
        // A secret that comes back to where it once was brings the very writes that were buried here: only what it
        // no longer has counts as replaced.
        draft.document = draft.document.revive(&moved, self.write_of(&Key::State, Value::text("live"), true, now)?);
        Ok(draft)
    }
}

/// `a, b and 3 more`.
pub(super) fn summary(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [a] => (*a).to_owned(),
        [a, b] => format!("{a} and {b}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more", rest.len()),
    }
}
