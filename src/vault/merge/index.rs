//! Settling what git left unmerged in the index: the same join as the driver's, run later.
//!
//! What lies in the work tree is not asked: it may be one side, conflict markers, or anything. Where somebody added one side
//! too early, git still remembers both until the merge is over.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::write::{How, Report, commit};
use super::super::{Vault, VaultError, sealed};
use super::driver::{Merging, Place, Scene, is_unknown};
use super::side::{Side, parse, replaces};
use super::{LIMIT, Labels, Operation};
use crate::model::names::SecretPath;
use crate::repo::{Change, ObjectId, Operation as Ongoing, Repo, Stages};
use crate::seal::SealedFile;

/// A file of a secret that is to be settled.
struct Waiting {
    file: String,
    /// What git has, or had, unmerged.
    stages: Stages,
    /// What lies in the index meanwhile, where that is neither side: it was written after the stop, and stays.
    since: Option<Vec<u8>>,
}

/// What came of settling.
#[derive(Debug, Default)]
pub struct Settled {
    /// The secrets that were unmerged and are settled.
    pub names: Vec<SecretPath>,
    /// What was staged.
    pub report: Report,
    /// Files that are still unmerged, with why and the next step.
    pub left: Vec<(String, String)>,
    /// Files of a roster that was not taken, with why and the next step.
    pub dropped: Vec<(String, String)>,
}

/// Settles the unmerged secrets of the vault in `folder`, or `only` those, and stages them as one. Without a key both
/// sides are kept sealed.
///
/// # Errors
/// Those of reading and staging. A file that is refused stays unmerged and is listed.
pub fn settle(
    vault: Result<Vault, VaultError>,
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
    let is_over = matches!(repo.operation()?, None | Some(Ongoing::Bisect | Ongoing::Jujutsu));
    for waiting in place.unmerged(&labels, is_over)? {
        let file = waiting.file.clone();
        let Some(path) = place.path_of(&file).filter(|path| only.is_empty() || only.contains(path)) else { continue };
        match place.settle_one(&waiting, &labels, operation, how) {
            // What was written since then has both.
            Ok((bytes, _)) if waiting.since.as_ref() == Some(&bytes) => {}
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
    settled.report = commit(repo, lock.as_ref().map(Into::into), changes, "covault: settle a merge", &how, notes)?;
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
    /// The unmerged files of secrets; also those that somebody added in a way that drops a side. Git remembers that for
    /// longer than it lasts: what was committed since is over.
    fn unmerged(&self, labels: &Labels<'_>, is_over: bool) -> Result<Vec<Waiting>, VaultError> {
        let is_sealed = |(file, _): &(String, Stages)| sealed::is_among(self.root, file);
        let listed = self.repo.stages_below(self.root)?.into_iter().filter(is_sealed);
        let mut unmerged: Vec<Waiting> = listed.map(|(file, stages)| Waiting { file, stages, since: None }).collect();
        let head = self.repo.head()?.commit;
        for (file, stages) in self.repo.resolved_below(self.root)?.into_iter().filter(is_sealed) {
            if unmerged.iter().any(|other| other.file == file) {
                continue;
            }
            let staged = self.repo.staged_blob(&file)?;
            let committed = head.map(|head| self.repo.blob_at(head, &file)).transpose()?.flatten();
            if is_over && staged == committed {
                continue;
            }
            let read = |blob: Option<ObjectId>| -> Result<Option<Vec<u8>>, VaultError> {
                Ok(blob.map(|blob| self.repo.blob_within(blob, LIMIT)).transpose()?.flatten())
            };
            let now = read(staged)?.unwrap_or_default();
            let versions = parse(&now, &file).unwrap_or_default();
            let [_, ours, theirs] = stages;
            let mut is_there = true;
            for side in [ours, theirs].into_iter().filter(Option::is_some) {
                let bytes = read(side)?.unwrap_or_default();
                // What counts for nothing may have been left out since; a side that was added as it is decides nothing.
                let counting = match staged {
                    staged if staged == ours || staged == theirs => parse(&bytes, &file).unwrap_or_default(),
                    _ => self.counting(&file, &bytes, labels).unwrap_or_default(),
                };
                is_there &= replaces(&versions, &counting);
            }
            if !is_there || versions.is_empty() {
                let is_new = !versions.is_empty() && staged != ours && staged != theirs;
                unmerged.push(Waiting { file, stages, since: Some(now).filter(|_| is_new) });
            }
        }
        Ok(unmerged)
    }

    /// The file that contains both sides, and what was written since, with what a person should know. A side that git
    /// deleted says nothing: the edit stays.
    fn settle_one(
        &self,
        waiting: &Waiting,
        labels: &Labels<'_>,
        operation: Operation,
        how: &How,
    ) -> Result<(Vec<u8>, Vec<String>), VaultError> {
        let file = waiting.file.as_str();
        let read = |blob: Option<ObjectId>| -> Result<Option<Vec<u8>>, VaultError> {
            let too_large = || crate::repo::RepoError::TooLarge { path: file.to_owned(), limit: LIMIT };
            blob.map(|blob| Ok(self.repo.blob_within(blob, LIMIT)?.ok_or_else(too_large)?)).transpose()
        };
        let [base, ours, theirs] = waiting.stages;
        let (base, ours, theirs) = (read(base)?.unwrap_or_default(), read(ours)?, read(theirs)?);
        let mut notes = Vec::new();
        let mut merge = |ours: &[u8], theirs: &[u8]| -> Result<Vec<u8>, VaultError> {
            let merging = Merging { file, base: &base, ours, theirs, labels: *labels };
            if let Some((bytes, note)) = self.side_of_the_roster(&merging)? {
                notes.push(note);
                return Ok(bytes);
            }
            let merged = self.merge(&merging, operation, how.now)?;
            notes.extend(merged.notes);
            notes.extend(merged.stop.map(|(why, _)| {
                format!(
                    "{why}; to undo what a commit did to secrets: git revert --abort, then covault restore --commit \
                     COMMIT"
                )
            }));
            Ok(merged.bytes.unwrap_or_else(|| ours.to_vec()))
        };
        let bytes = match (ours, theirs, &waiting.since) {
            (Some(ours), Some(theirs), None) => merge(&ours, &theirs)?,
            (ours, theirs, Some(since)) => {
                let now = parse(since, file)?;
                let lacks = |side: &[u8]| self.counting(file, side, labels).map(|side| !replaces(&now, &side));
                let mut bytes = since.clone();
                if let Some(ours) = ours
                    && lacks(&ours)?
                {
                    bytes = merge(&ours, &bytes)?;
                }
                match theirs {
                    Some(theirs) if lacks(&theirs)? => merge(&bytes, &theirs)?,
                    _ => bytes,
                }
            }
            (one, other, None) => {
                let only = one.or(other).unwrap_or(base);
                self.counting(file, &only, labels)?;
                only
            }
        };
        Ok((bytes, notes))
    }

    /// Where a person took one of two rosters that nobody may bring together: the side that is good under that one,
    /// where the other is of the one that was dropped. Nobody would know what to make of it beside the secret.
    ///
    /// # Errors
    /// Where neither side is good: `RosterSuspect`, or what is wrong with one of them under every roster.
    fn side_of_the_roster(&self, merging: &Merging<'_>) -> Result<Option<(Vec<u8>, String)>, VaultError> {
        let Merging { file, ours, theirs, .. } = *merging;
        let roster = format!("{}/roster.toml", self.root);
        let (Some(path), false) = (self.path_of(file), self.repo.stages(&roster)?.iter().any(Option::is_some)) else {
            return Ok(None);
        };
        let (Ok(our), Ok(their)) = (parse(ours, file), parse(theirs, file)) else { return Ok(None) };
        let chains = self.chains(&merging.labels, our.iter().chain(&their))?;
        let Some(by) = &chains.suspect else { return Ok(None) };
        let authors = |versions: &[SealedFile]| {
            let names: BTreeSet<&str> = versions.iter().map(|one| one.manifest().author.name.as_str()).collect();
            names.into_iter().collect::<Vec<_>>().join(" and ")
        };
        let (our_authors, their_authors) = (authors(&our), authors(&their));
        let judged = [our, their].map(|side| Side::judge(side, file, &path, &chains).err());
        let (bytes, left_out) = match judged {
            [None, Some(error)] if is_unknown(&error) => (ours, their_authors),
            [Some(error), None] if is_unknown(&error) => (theirs, our_authors),
            // No side is good: what is wrong under every roster comes first.
            [Some(error), Some(other)] => {
                let suspect = || VaultError::RosterSuspect { file: roster, by: by.to_string() };
                return Err([error, other].into_iter().find(|error| !is_unknown(error)).unwrap_or_else(suspect));
            }
            _ => return Ok(None),
        };
        let note = format!(
            "{path}: what {left_out} wrote is of the roster that was not taken, and is left out: it has to be written again"
        );
        Ok(Some((bytes.to_vec(), note)))
    }
}
