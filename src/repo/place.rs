//! Where the vault is: the nearest `.covault` folder with a roster, from a folder up to the top.
//!
//! It does not read the roster.

use std::collections::BTreeSet;
use std::path::Path;

use gix::bstr::ByteSlice;

use crate::repo::error::{RepoError, Result};
use crate::repo::{Repo, path};

/// The vault's folder.
const VAULT: &str = ".covault";
/// The file that makes it one.
const ROSTER: &str = "roster.toml";

/// The answer to "which vault is this?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultPlace {
    /// The folder that holds `.covault`, relative to the top; empty at the top.
    Found(String),
    /// None above, these below.
    Below(Vec<String>),
    /// None at all.
    None,
}

impl Repo {
    /// Looks for a vault from `start` upwards to the top of the work tree, then below the top.
    ///
    /// A sparse checkout is looked up in the index, a bare repository in `HEAD`.
    ///
    /// # Errors
    /// `Symlink` where `.covault` or its roster is a link; `Outside`; errors of reading.
    pub fn find_vault(&self, start: &Path) -> Result<VaultPlace> {
        let prefix = self.prefix(start)?;
        let mut dir = Some(prefix.as_str());
        while let Some(here) = dir {
            if self.has_vault(here)? {
                return Ok(VaultPlace::Found(here.to_owned()));
            }
            dir = match here.rsplit_once('/') {
                Some((above, _)) => Some(above),
                None if here.is_empty() => None,
                None => Some(""),
            };
        }
        let below = self.vaults_below()?;
        Ok(if below.is_empty() { VaultPlace::None } else { VaultPlace::Below(below) })
    }

    /// All folders with a vault in the index (in `HEAD` where there is no index), and those at the top of the work
    /// tree or one folder below it that nobody has added yet. Sorted.
    ///
    /// # Errors
    /// Errors of reading the index, `HEAD` or the work tree.
    pub fn vaults_below(&self) -> Result<Vec<String>> {
        let mut found = BTreeSet::new();
        let ending = format!("{VAULT}/{ROSTER}");
        let mut take = |path: &str| {
            if let Some(dir) = path.strip_suffix(&ending)
                && (dir.is_empty() || dir.ends_with('/'))
            {
                found.insert(dir.trim_end_matches('/').to_owned());
            }
        };
        match self.read_index()? {
            Some(index) => {
                for entry in index.entries() {
                    if let Ok(path) = entry.path(&index).to_str() {
                        take(path);
                    }
                }
                for (path, _) in self.sparse_entries(&index, "")? {
                    take(&path);
                }
            }
            None => {
                if let Some(commit) = self.head()?.commit {
                    for (path, _) in self.list_at(commit, "")?.files {
                        take(&path);
                    }
                }
            }
        }
        if let Some(top) = self.work_dir() {
            let folders = std::fs::read_dir(top)
                .map_err(|source| RepoError::io("list", top.to_string_lossy(), source))?
                .filter_map(|entry| entry.ok())
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| name != ".git" && name != VAULT);
            for dir in folders.chain([String::new()]) {
                if top.join(&dir).join(VAULT).join(ROSTER).symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                    found.insert(dir);
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    fn has_vault(&self, dir: &str) -> Result<bool> {
        let vault = path::join(dir, VAULT);
        let roster = path::join(&vault, ROSTER);
        let Some(top) = self.work_dir() else {
            return match self.head()?.commit {
                Some(commit) => Ok(self.entry_at(commit, &roster)?.is_some()),
                None => Ok(false),
            };
        };
        for (path, is_last) in [(&vault, false), (&roster, true)] {
            match top.join(path).symlink_metadata() {
                Ok(meta) if meta.file_type().is_symlink() => return Err(RepoError::Symlink { path: path.clone() }),
                Ok(meta) if is_last && meta.is_file() => return Ok(true),
                Ok(meta) if !is_last && meta.is_dir() => {}
                _ => break,
            }
        }
        if self.sparse
            && let Some(index) = self.read_index()?
        {
            return Ok(self.skipped_entry(&index, &roster)?.is_some());
        }
        Ok(false)
    }
}
