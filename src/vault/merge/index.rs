//! Settling what git left unmerged in the index: the same join as the driver's, run later.
//!
//! What lies in the work tree is not asked: it may be one side, conflict markers, or anything. Where somebody added one side
//! too early, git still remembers both until the merge is over.

use std::path::Path;

use super::super::write::{How, Report, commit};
use super::super::{Vault, VaultError};
use super::driver::{Merging, Place, Scene};
use super::side::{follows, parse};
use super::{LIMIT, Labels, Operation};
use crate::model::names::SecretPath;
use crate::repo::{Change, ObjectId, Operation as Ongoing, Repo, Stages};
use crate::seal::SealedFile;

/// What came of settling.
#[derive(Debug, Default)]
pub struct Settled {
    /// The secrets that were unmerged and are settled.
    pub names: Vec<SecretPath>,
    /// What was staged.
    pub report: Report,
    /// Files that are still unmerged, with why and the next step.
    pub left: Vec<(String, String)>,
}

/// Settles the unmerged secrets of the vault in `folder`, or `only` those, and stages them as one. Without a key both
/// sides are kept sealed.
///
/// # Errors
/// Those of reading and staging. A file that is refused stays unmerged and is listed.
pub fn settle(
    vault: Result<&Vault, VaultError>,
    folder: &Path,
    only: &[SecretPath],
    how: &How,
) -> Result<Settled, VaultError> {
    let scene = Scene::new(vault, folder)?;
    let place = scene.place();
    let repo = place.repo;
    let lock = if how.dry_run { None } else { Some(repo.lock()?) };
    let (operation, theirs) = ongoing(repo)?;
    let labels = Labels { base: "", ours: "HEAD", theirs };
    let mut settled = Settled::default();
    let mut changes = Vec::new();
    for (file, stages) in place.unmerged()? {
        let path = file.strip_prefix(place.root).and_then(|file| SecretPath::from_file(file.strip_prefix('/')?));
        let Some(path) = path.filter(|path| only.is_empty() || only.contains(path)) else { continue };
        match place.settle_one(&file, &path, stages, &labels, operation, how) {
            Ok((bytes, notes)) => {
                settled.report.notes.extend(notes);
                settled.names.push(path);
                changes.push(Change::write(file, bytes));
            }
            Err(error) => {
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                settled.left.push((file, format!("{}{hint}", super::super::error::chain(&error))));
            }
        }
    }
    if changes.is_empty() {
        settled.report.unchanged = true;
        return Ok(settled);
    }
    // What was unmerged belongs to the commit that ends the merge.
    let how = How { no_commit: true, ..how.clone() };
    let notes = std::mem::take(&mut settled.report.notes);
    settled.report = commit(repo, lock.as_ref(), changes, "covault: settle a merge", &how, notes)?;
    Ok(settled)
}

/// What git is doing, and the name of the commit that comes in.
fn ongoing(repo: &Repo) -> Result<(Operation, &'static str), VaultError> {
    Ok(match repo.operation()? {
        Some(Ongoing::Merge) => (Operation::Merge, "MERGE_HEAD"),
        Some(Ongoing::Revert) => (Operation::Revert, "REVERT_HEAD"),
        Some(Ongoing::CherryPick) => (Operation::Replay, "CHERRY_PICK_HEAD"),
        Some(Ongoing::Rebase) => (Operation::Replay, "REBASE_HEAD"),
        _ => (Operation::Replay, ""),
    })
}

impl Place<'_> {
    /// The unmerged files of secrets; also those that somebody added in a way that drops a side.
    fn unmerged(&self) -> Result<Vec<(String, Stages)>, VaultError> {
        let secrets = format!("{}/secrets", self.root);
        let mut unmerged = self.repo.stages_below(&secrets)?;
        for (file, stages) in self.repo.resolved_below(&secrets)? {
            let staged = self.repo.staged_blob(&file)?;
            let versions = |blob: Option<ObjectId>| -> Result<Vec<SealedFile>, VaultError> {
                let bytes = blob.map(|blob| self.repo.blob_within(blob, LIMIT)).transpose()?.flatten();
                Ok(bytes.and_then(|bytes| parse(&bytes, &file).ok()).unwrap_or_default())
            };
            let now = versions(staged)?;
            let [_, ours, theirs] = stages;
            let is_there = follows(&now, &versions(ours)?) && follows(&now, &versions(theirs)?);
            if !is_there && !unmerged.iter().any(|(other, _)| *other == file) {
                unmerged.push((file, stages));
            }
        }
        Ok(unmerged)
    }

    /// The file that contains both sides, with what a person should know. A side that git deleted says nothing: the edit
    /// stays.
    fn settle_one(
        &self,
        file: &str,
        path: &SecretPath,
        stages: Stages,
        labels: &Labels<'_>,
        operation: Operation,
        how: &How,
    ) -> Result<(Vec<u8>, Vec<String>), VaultError> {
        let read = |blob: Option<ObjectId>| -> Result<Option<Vec<u8>>, VaultError> {
            let too_large = || crate::repo::RepoError::TooLarge { path: file.to_owned(), limit: LIMIT };
            blob.map(|blob| Ok(self.repo.blob_within(blob, LIMIT)?.ok_or_else(too_large)?)).transpose()
        };
        let [base, ours, theirs] = stages;
        let (base, ours, theirs) = (read(base)?.unwrap_or_default(), read(ours)?, read(theirs)?);
        let (ours, theirs) = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours, theirs),
            // What is left alone has to be as good as what is merged.
            (one, other) => {
                let left = one.or(other).unwrap_or(base);
                self.judge(file, path, &left, labels)?;
                return Ok((left, Vec::new()));
            }
        };
        let merging = Merging { file, base: &base, ours: &ours, theirs: &theirs, labels: *labels };
        let merged = self.merge(&merging, operation, how.now)?;
        let mut notes = merged.notes;
        notes.extend(merged.stop.map(|(why, _)| {
            format!(
                "{why}; to undo what a commit did to secrets: git revert --abort, then covault restore --commit COMMIT"
            )
        }));
        Ok((merged.bytes.unwrap_or(ours), notes))
    }
}
