//! The two folders of sealed files: `secrets/`, and `journal/` for what is open at providers.
//!
//! What is checked, merged, sealed again or must not go back may be in either. What people list as secrets is in the
//! first alone, which whoever lists them asks for by itself.

use super::draft::Draft;
use super::write::Writing;
use super::{Vault, VaultError};
use crate::model::manifest::State;
use crate::model::names::{JOURNAL, SEALED, SECRETS, SecretPath};
use crate::repo::{HistoryChange, ObjectId, Repo, RepoError, TreeChange};
use crate::seal::{MAX_STORED, SealError};

/// The folders, from the top, of the vault at `root`.
pub(super) fn folders(root: &str) -> [String; 2] {
    SEALED.map(|folder| format!("{root}/{folder}"))
}

/// The folder of secrets, from the top.
pub(super) fn secrets(root: &str) -> String {
    format!("{root}/{SECRETS}")
}

/// The secret or journal whose file this is, from the top.
pub(super) fn path_of(root: &str, file: &str) -> Option<SecretPath> {
    SecretPath::from_file(file.strip_prefix(root)?.strip_prefix('/')?)
}

/// Whether a file is below one of the folders, or stands in the place of one.
pub(super) fn is_among(root: &str, file: &str) -> bool {
    let inside = file.strip_prefix(root).and_then(|file| file.strip_prefix('/'));
    inside.is_some_and(|inside| SEALED.contains(&inside.split('/').next().unwrap_or(inside)))
}

/// The bytes of a sealed file that git has; one that is larger than any is refused unread.
pub(super) fn bytes(repo: &Repo, blob: ObjectId, file: &str) -> Result<Vec<u8>, VaultError> {
    if let Some(bytes) = repo.blob_within(blob, MAX_STORED as u64)? {
        return Ok(bytes);
    }
    let size = usize::try_from(repo.blob_size(blob)?).unwrap_or(usize::MAX);
    Err(VaultError::Sealed { file: file.to_owned(), source: SealError::FileTooLarge { size, limit: MAX_STORED } })
}

/// The same where a file that is no version says nothing: one that is larger than any is empty.
pub(super) fn bytes_or_none(repo: &Repo, blob: ObjectId) -> Result<Vec<u8>, RepoError> {
    Ok(repo.blob_within(blob, MAX_STORED as u64)?.unwrap_or_default())
}

/// The sealed files of a commit, each with its name.
pub(super) fn list_at(
    repo: &Repo,
    commit: ObjectId,
    root: &str,
) -> Result<Vec<(SecretPath, String, ObjectId)>, RepoError> {
    let mut found = Vec::new();
    for folder in folders(root) {
        let files = repo.list_at(commit, &folder)?.files;
        found.extend(files.into_iter().filter_map(|(file, blob)| Some((path_of(root, &file)?, file, blob))));
    }
    Ok(found)
}

/// The sealed files that differ between two commits (no `from`: everything is new), each with its name.
pub(super) fn changed_between(
    repo: &Repo,
    from: Option<ObjectId>,
    to: ObjectId,
    root: &str,
) -> Result<Vec<(SecretPath, HistoryChange)>, RepoError> {
    // One look at the vault's folder: what does not differ in it is not read.
    let changes = repo.changed_between(from, to, root)?;
    Ok(changes.into_iter().filter_map(|change| Some((path_of(root, &change.path)?, change))).collect())
}

/// Whatever differs in the folders between two commits, whether it is a sealed file or not.
pub(super) fn entries_between(
    repo: &Repo,
    from: Option<ObjectId>,
    to: ObjectId,
    root: &str,
) -> Result<Vec<TreeChange>, RepoError> {
    let mut changes = repo.entries_between(from, to, root)?;
    changes.retain(|change| is_among(root, &change.path));
    Ok(changes)
}

impl Vault {
    /// Names of the journals that live, sorted.
    ///
    /// # Errors
    /// Those of listing the folder.
    pub fn journals(&self) -> Result<Vec<SecretPath>, VaultError> {
        let files = self.repo().list_work(&format!("{}/{JOURNAL}", self.root()))?.files;
        let named = files.iter().filter_map(|file| Some((self.path_of(file)?, file)));
        let mut names: Vec<_> = named.filter(|(path, file)| !self.is_grave(file, path)).map(|(path, _)| path).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Refuses a name that is kept for journals: those are written by what rotates keys at providers, never by hand.
    ///
    /// # Errors
    /// `IsJournal`.
    pub fn check_no_journal(&self, path: &SecretPath) -> Result<(), VaultError> {
        if path.is_journal() { Err(VaultError::IsJournal(path.to_string())) } else { Ok(()) }
    }
}

impl Writing<'_> {
    /// Starts the next version of a journal, or a new one: a document with nothing in it.
    ///
    /// # Errors
    /// `Deleted` for one that is over; those of opening it; `NoSuchSecret` for a name that is no journal's.
    pub fn journal(&mut self, path: &SecretPath) -> Result<Draft, VaultError> {
        let vault = self.vault();
        if !path.is_journal() || SecretPath::from_file(&path.file()).is_none() {
            return Err(vault.unknown(path));
        }
        let Some(basis) = vault.basis(path)? else {
            return Ok(Draft::birth(vault.roster().vault, path.clone()));
        };
        match basis.draft.document.state() {
            State::Live => {
                basis.note.into_iter().for_each(|note| self.note(note));
                Ok(basis.draft)
            }
            State::Deleted | State::Moved(_) => Err(VaultError::Deleted { name: path.to_string(), bare: false }),
        }
    }

    /// Ends a journal: what was in it is not in the next version any more.
    ///
    /// # Errors
    /// `NotAMember`, where nobody could sign it.
    pub fn end_journal(&self, draft: &mut Draft) -> Result<(), VaultError> {
        self.vault().bury(&mut draft.document, None, self.now())
    }
}
