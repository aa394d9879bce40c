//! `rekey`: the same values for those who are to read them, under new file keys.
//!
//! Files that differ from each other are joined on the way, as every writing command does.

use rayon::prelude::*;

use super::access::{Due, Pending, Plan, RefusedFiles};
use super::draft::Draft;
use super::error::Part;
use super::write::{How, Report};
use super::{Vault, VaultError};
use crate::model::names::SecretPath;
use crate::repo::{Change, ObjectId};

/// What is to get new file keys.
pub struct Rekeying {
    plan: Plan,
    /// Secrets with several versions here, joined.
    drafts: Vec<Draft>,
    /// What a person should know of them.
    pub notes: Vec<String>,
}

impl Rekeying {
    /// The secrets with who gains and who loses them by it, and which of them oneself can seal.
    pub fn pending(&self) -> Vec<Pending> {
        self.plan.pending()
    }

    /// Files that are refused and left alone.
    pub fn refused(&self) -> &RefusedFiles {
        &self.plan.refused
    }
}

/// What came of it.
pub struct Rekeyed {
    /// What was written.
    pub report: Report,
    /// How many secrets were sealed.
    pub sealed: usize,
    /// What oneself could not open.
    pub left: Vec<Pending>,
}

impl Vault {
    /// Secrets by their names, or all that are below a folder.
    pub fn named_secrets(&self, names: &[SecretPath]) -> Result<Vec<SecretPath>, VaultError> {
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            let below = if self.exists(name)? { Vec::new() } else { self.below(name.as_str())? };
            match below.as_slice() {
                [] if self.exists(name)? => all.push(name.clone()),
                [] => return Err(self.unknown(name)),
                _ => all.extend(below),
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Works out new file keys for these secrets, or for all. Nothing is written.
    pub fn rekeying(&self, only: Option<&[SecretPath]>) -> Result<Rekeying, VaultError> {
        self.author()?;
        let mut plan = self.look_at(&self.under(), only, &|_, shares| shares.clone(), true)?;
        // What git has unmerged is joined before it is sealed.
        plan.due.iter_mut().for_each(|due| due.pending.mine |= due.is_unmerged);
        // Who names a secret is told why it is refused.
        if only.is_some()
            && let Some((_, error)) = plan.refused.pop()
        {
            return Err(error);
        }
        if only.is_some()
            && let Some(first) = plan.due.first().filter(|_| !plan.due.iter().any(Due::is_sealed))
        {
            // What of it is in the way says why.
            self.open_version(first.version())?;
            return Err(VaultError::NotAReader {
                name: first.pending.path.to_string(),
                readers: first.pending.by.join(", "),
                part: Part::Nothing,
            });
        }
        let (mut drafts, mut notes) = (Vec::new(), Vec::new());
        let head = self.repo().head()?.commit;
        let blobs = self.repo().blob_ids(plan.due.par_iter().map(|due| due.version().stored()))?;
        for (due, blob) in plan.due.iter_mut().zip(blobs) {
            due.new_key = true;
            if !due.pending.mine || self.is_alone(&due.pending.path, blob, head)? {
                continue;
            }
            let Some(basis) = self.basis(&due.pending.path)? else { continue };
            notes.extend(basis.note);
            drafts.push(basis.draft);
        }
        Ok(Rekeying { plan, drafts, notes })
    }

    /// Seals them, as one commit.
    pub fn rekey(
        &self,
        rekeying: Rekeying,
        how: &How,
        message: &str,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Rekeyed, VaultError> {
        let writing = self.writing(how)?;
        let Rekeying { mut plan, drafts, .. } = rekeying;
        if how.dry_run {
            let mine = plan.due.iter().filter(|due| due.is_sealed());
            let files: Vec<_> = mine.map(|due| due.version().file().to_owned()).collect();
            let report = Report { unchanged: files.is_empty(), files, dry_run: true, ..Report::default() };
            return Ok(Rekeyed { report, sealed: 0, left: Vec::new() });
        }
        self.check_unchanged(&plan)?;
        let is_joined = |path: &SecretPath| drafts.iter().any(|draft| draft.document.path == *path);
        let joined: Vec<_> = plan.due.extract_if(.., |due| is_joined(&due.pending.path)).collect();
        let sealed = self.reseal(&mut plan, &self.under(), how.now, progress)?;
        let left = plan.left();
        let count = sealed.len() + joined.len();
        if count == 0 {
            let report = super::setup::nothing_written(how);
            return Ok(Rekeyed { report, sealed: 0, left });
        }
        let bytes = |change: &Change| Some((change.path().to_owned(), change.committed()?.to_vec()));
        let sealed = sealed.iter().filter_map(bytes).collect();
        let report = writing.finish(&drafts, sealed, message)?;
        Ok(Rekeyed { report, sealed: count, left })
    }

    /// Whether what lies on disk, which git calls `stored`, is the only version here: nothing in `head`, in the index or on the
    /// trunk stands beside it.
    pub(super) fn is_alone(
        &self,
        path: &SecretPath,
        stored: ObjectId,
        head: Option<ObjectId>,
    ) -> Result<bool, VaultError> {
        let file = self.file(path);
        let [_, ours, theirs] = self.repo().stages(&file)?;
        if ours.is_some() || theirs.is_some() {
            return Ok(false);
        }
        let committed = match head {
            Some(head) => self.repo().blob_at(head, &file)?,
            None => None,
        };
        Ok(committed == Some(stored) && self.sights(&file)?.iter().all(|sight| sight.blob == stored))
    }
}
