//! Putting files into the work tree: temporary file, sync, rename, sync of the folder.
//!
//! Each file is its old or its new version at every moment; no link is followed.

use std::collections::BTreeMap;

use super::Planned;
use crate::repo::Repo;
use crate::repo::dir::{self, Dir, Entry, TEMPORARY};
use crate::repo::error::Result;
use crate::repo::path;

/// How many files are made durable by one sync where there are many.
const BATCH: usize = 64;
/// From how many files on.
const MANY: usize = 16;
/// Folders that become empty are removed up to this one.
pub(in crate::repo) const KEPT: &str = ".covault";

impl Repo {
    /// Writes and removes what differs on disk.
    pub(super) fn place(&self, plan: &[Planned<'_>]) -> Result<()> {
        let pending: Vec<_> = plan.iter().filter(|planned| planned.to_disk).collect();
        let (writes, removals): (Vec<_>, Vec<_>) = pending.into_iter().partition(|one| one.change.work().is_some());
        for batch in writes.chunks(BATCH) {
            self.write_batch(batch, writes.len() >= MANY)?;
        }
        removals.iter().try_for_each(|planned| self.remove_work(&planned.change.path))
    }

    fn write_batch(&self, batch: &[&Planned<'_>], many: bool) -> Result<()> {
        let top = self.need_top()?;
        let mut folders: BTreeMap<Vec<&str>, Dir> = BTreeMap::new();
        let mut waiting = Vec::with_capacity(batch.len());
        let written = batch.iter().try_for_each(|planned| {
            let Some(bytes) = planned.change.work() else { return Ok(()) };
            let (parts, name) = path::split(&planned.change.path)?;
            if !folders.contains_key(&parts) {
                let folder = dir::walk_or_create(top, &parts)?;
                sweep(&folder)?;
                folders.insert(parts.clone(), folder);
            }
            if let Some(folder) = folders.get(&parts) {
                waiting.push((parts, folder.write_temporary(bytes, !many)?, name));
            }
            Ok(())
        });
        let synced = written.and_then(|()| if many { sync_many(top, &folders, &waiting) } else { Ok(()) });
        if let Err(error) = synced {
            for (parts, temporary, _) in &waiting {
                drop(folders.get(parts).map(|folder| folder.remove(temporary)));
            }
            return Err(error);
        }
        for (parts, temporary, name) in &waiting {
            if let Some(folder) = folders.get(parts) {
                folder.rename(temporary, name)?;
            }
        }
        folders.values().try_for_each(Dir::sync)
    }

    /// Removes one file, and the folders that are empty then.
    pub(in crate::repo) fn remove_work(&self, path: &str) -> Result<()> {
        let top = self.need_top()?;
        let (mut parts, name) = path::split(path)?;
        let Some(folder) = dir::walk(top, &parts)? else { return Ok(()) };
        folder.remove(name)?;
        folder.sync()?;
        while let Some(last) = parts.pop() {
            let empty = match dir::walk(top, &parts)? {
                Some(above) => last != KEPT && above.remove_folder(last),
                None => false,
            };
            if !empty {
                break;
            }
        }
        Ok(())
    }
}

/// Removes what a killed run left in a folder; nobody else writes while we hold the lock.
fn sweep(folder: &Dir) -> Result<()> {
    for (name, entry) in folder.list()? {
        if let Some(name) = name.to_str().filter(|name| entry == Entry::File && name.starts_with(TEMPORARY)) {
            folder.remove(name)?;
        }
    }
    Ok(())
}

/// One sync for all temporary files where the system has that, else one for each.
fn sync_many(
    top: &std::path::Path,
    folders: &BTreeMap<Vec<&str>, Dir>,
    waiting: &[(Vec<&str>, String, &str)],
) -> Result<()> {
    if Dir::top(top)?.sync_all() {
        return Ok(());
    }
    for (parts, temporary, _) in waiting {
        if let Some(folder) = folders.get(parts) {
            folder.sync_file(temporary)?;
        }
    }
    Ok(())
}
