//! What is known of keys beside what is checked out: on the trunk, and on the branches that rotations are pushed to where the
//! trunk takes no push.
//!
//! Anybody who may push branches may push one of that name, with anything on it. So no such branch is merged: what comes in
//! is a journal, which only those write who manage keys, and the secret that it is about, where one of them wrote that, too.

use std::collections::BTreeMap;

use super::KeyError;
use super::desk::{Desk, journal_path};
use crate::model::keys::operation::Operation;
use crate::model::names::SecretPath;
use crate::repo::{Ancestry, ObjectId};
use crate::vault::draft::Draft;
use crate::vault::remove::summary;
use crate::vault::trunk::descends;
use crate::vault::version::Version;
use crate::vault::{Vault, VaultError, sealed};

/// What the names of these branches begin with.
pub(super) const ROTATIONS: &str = "covault/rotation/";

/// What is to be written here so that nothing of a version elsewhere is missing.
enum Piece {
    /// That version, as its file lies there: it follows what is here.
    AsIs(String, Vec<u8>),
    /// One that joins the two.
    Joined(Draft),
}

impl Piece {
    fn as_is(version: &Version) -> Self {
        Self::AsIs(version.file().to_owned(), version.stored().to_vec())
    }
}

/// What a commit has of one key that is not here: the name to call it by, and what is to be written, or why it stays there.
type Waiting = (SecretPath, Result<Vec<Piece>, VaultError>);

impl Desk<'_> {
    /// Brings in what the branches of rotations have of journals, and of their secrets.
    pub(super) fn bring_rotations(&self) -> Result<(), VaultError> {
        for (branch, tip) in self.vault()?.rotations(ROTATIONS)? {
            let (vault, how) = (self.vault()?, self.how());
            let (mut drafts, mut files, mut names) = (Vec::new(), Vec::new(), Vec::new());
            for (name, pieces) in vault.waiting_on(tip)? {
                match pieces {
                    Ok(pieces) if pieces.is_empty() => {}
                    Ok(pieces) => {
                        names.push(name.to_string());
                        for piece in pieces {
                            match piece {
                                Piece::AsIs(file, bytes) => files.push((file, bytes)),
                                Piece::Joined(draft) => drafts.push(draft),
                            }
                        }
                    }
                    Err(error) => (self.say)(&format!(
                        "what {branch} has of {name} stays there until it is merged: {}",
                        crate::vault::error::chain(&error)
                    )),
                }
            }
            if names.is_empty() {
                continue;
            }
            let names = summary(&names.iter().map(String::as_str).collect::<Vec<_>>());
            (self.say)(&format!("bringing in what {branch} has of the key of {names}"));
            let message = format!("covault: bring in what is under way for {names}");
            let report = vault.writing(&how)?.finish(&drafts, files, &message)?;
            if let Some(why) = report.staged {
                return Err(KeyError::NotCommitted(why).into());
            }
        }
        Ok(())
    }
}

impl Vault {
    /// Operations for a secret that this clone knows of, but that are not checked out: on the trunk, and on branches that
    /// were made for them.
    pub(super) fn operations_elsewhere(&self, path: &SecretPath) -> Result<Vec<Operation>, VaultError> {
        let journal = journal_path(self, path)?;
        let here = self.current(&journal)?;
        let head = self.repo().head()?.commit;
        let mut found = Vec::new();
        for (_, tip) in self.tips_elsewhere(path)? {
            // What cannot be opened here says nothing; the push will show it.
            let Ok(Some(version)) = self.version_at(tip, &journal) else { continue };
            // What we have, we have seen to the end, by whatever merge it came.
            if let Some(here) = &here
                && self.has_all_of(here, &version, head)?
            {
                continue;
            }
            let Ok(opened) = self.open_version(&version) else { continue };
            let there = Operation::all_of(&opened.document, opened.manifest.at);
            found.extend(there.into_iter().filter(|op| op.path == *path));
        }
        Ok(found)
    }

    /// The trunk, and branches that were made for a secret's rotations, as far as they have commits that are not checked out.
    pub(super) fn tips_elsewhere(&self, path: &SecretPath) -> Result<Vec<(String, ObjectId)>, VaultError> {
        let trunk = self.repo().trunk()?.map(|trunk| (trunk.name, trunk.commit));
        let mut tips: Vec<_> = trunk.into_iter().filter(|(_, tip)| !self.is_checked_out(*tip)).collect();
        tips.extend(self.rotations(&format!("{ROTATIONS}{path}"))?);
        Ok(tips)
    }

    /// Branches of rotations with commits that are not checked out: one's own, and those of the remote that this branch is
    /// exchanged with. What others have in theirs, such as a fork, concerns nobody here.
    fn rotations(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, VaultError> {
        let repo = self.repo();
        let remote = repo.exchanged_with()?.map(|upstream| upstream.remote).or_else(|| repo.remote_of_push());
        let theirs = remote.map(|remote| format!("refs/remotes/{remote}/{prefix}"));
        let is_ours = |name: &str| {
            name.starts_with("refs/heads/") || theirs.as_ref().is_some_and(|theirs| name.starts_with(theirs.as_str()))
        };
        let mut branches = repo.branches(prefix)?;
        branches.retain(|(name, tip)| is_ours(name) && !self.is_checked_out(*tip));
        Ok(branches)
    }

    fn is_checked_out(&self, tip: ObjectId) -> bool {
        let head = self.repo().head().ok().and_then(|head| head.commit);
        head.is_some_and(|head| self.repo().is_ancestor(tip, head).is_ok_and(|it| it == Ancestry::Yes))
    }

    /// What a commit has of journals and their secrets that is not here, each journal by its secret's name where there is one.
    fn waiting_on(&self, tip: ObjectId) -> Result<Vec<Waiting>, VaultError> {
        let there = sealed::list_at(self.repo(), tip, self.root())?;
        let mut secrets = BTreeMap::new();
        for (path, _, blob) in there.iter().filter(|(path, ..)| !path.is_journal()) {
            secrets.insert(journal_path(self, path)?, (path, *blob));
        }
        let mut waiting = Vec::new();
        for (journal, _, blob) in there.iter().filter(|(path, ..)| path.is_journal()) {
            let secret = secrets.get(journal).copied();
            let name = secret.map_or(journal, |(path, _)| path).clone();
            match self.pieces(tip, (journal, *blob), secret) {
                // Who may not manage keys has nothing to go on with.
                Err(VaultError::NotAReader { name, .. }) if name == journal.as_str() => {}
                pieces => waiting.push((name, pieces)),
            }
        }
        Ok(waiting)
    }

    /// A journal and its secret, together or not at all; nothing where that journal is here.
    fn pieces(
        &self,
        tip: ObjectId,
        (journal, blob): (&SecretPath, ObjectId),
        secret: Option<(&SecretPath, ObjectId)>,
    ) -> Result<Vec<Piece>, VaultError> {
        let Some(kept) = self.piece(tip, journal, &self.version_of_blob(blob, journal)?)? else {
            return Ok(Vec::new());
        };
        let mut pieces = vec![kept];
        if let Some((path, blob)) = secret {
            let version = self.version_of_blob(blob, path)?;
            let state = self.roster().state();
            let by_manager = version.members().all(|member| state.may_write(&member.manifest().author, journal));
            let piece = self.piece(tip, path, &version)?;
            if piece.is_some() && !by_manager {
                let what = "who wrote it there may not manage keys".to_owned();
                return Err(KeyError::Unfinished { path: path.to_string(), what }.into());
            }
            pieces.extend(piece);
        }
        Ok(pieces)
    }

    fn piece(&self, tip: ObjectId, path: &SecretPath, there: &Version) -> Result<Option<Piece>, VaultError> {
        let here = self.current(path)?;
        if let Some(here) = &here
            && self.has_all_of(here, there, self.repo().head()?.commit)?
        {
            return Ok(None);
        }
        let secret = self.open_version(there)?;
        let Some(basis) = self.basis(path)? else { return Ok(Some(Piece::as_is(there))) };
        let mut draft = basis.draft;
        let mut follows = draft.kept_apart.is_empty();
        for (_, manifest) in &draft.parents {
            follows = follows && descends(self.repo(), Some(tip), there.file(), there, manifest)?;
        }
        if follows {
            return Ok(Some(Piece::as_is(there)));
        }
        draft.join(secret);
        draft.keep_what_it_cannot_name(here.iter().chain([there]).flat_map(Version::members));
        Ok(Some(Piece::Joined(draft)))
    }

    /// Whether a version here has everything that another one says, by what both say of themselves.
    fn has_all_of(&self, here: &Version, there: &Version, head: Option<ObjectId>) -> Result<bool, VaultError> {
        for member in there.members() {
            if !descends(self.repo(), head, here.file(), here, member.manifest())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
