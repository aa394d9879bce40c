//! Git's configuration: reading what counts, writing the repository's own file.
//!
//! It never writes the person's global file, and never reads one that is tracked.

use gix::bstr::{BStr, ByteSlice};

use crate::repo::Repo;
use crate::repo::error::{RepoError, Result};

/// One value to set: section, subsection, key, value.
pub type ConfigEntry<'a> = (&'a str, Option<&'a str>, &'a str, &'a str);

impl Repo {
    /// The value that counts for `key` (`covault.trunk`, `alias.x`), as it was when the repository was opened.
    pub fn config_str(&self, key: &str) -> Option<String> {
        self.git.config_snapshot().string(key).map(|value| value.to_str_lossy().into_owned())
    }

    /// The same as a boolean; `None` where it is not set or not a boolean.
    pub fn config_bool(&self, key: &str) -> Option<bool> {
        self.git.config_snapshot().boolean(key)
    }

    /// The subsections of a section in which `key` is set, in their order.
    pub fn config_subsections(&self, section: &str, key: &str) -> Vec<String> {
        let config = self.git.config_snapshot();
        let sections = config.plumbing().sections_by_name(section).into_iter().flatten();
        let set = sections.filter(|section| section.value(key).is_some());
        set.filter_map(|section| section.header().subsection_name()?.to_str().ok().map(ToOwned::to_owned)).collect()
    }

    /// Sets values in the repository's own configuration, all of them in one write or none; comments stay.
    ///
    /// They count for the next `discover`; this `Repo` keeps what it has read.
    ///
    /// # Errors
    /// `Config`, also where another program holds the file.
    pub fn set_config(&self, entries: &[ConfigEntry<'_>]) -> Result<()> {
        self.edit_config(|file| {
            for (section, subsection, key, value) in entries {
                let subsection = subsection.map(str::as_bytes).map(ByteSlice::as_bstr);
                file.set_raw_value_by(section, subsection, *key, value.as_bytes().as_bstr())?;
            }
            Ok(true)
        })?;
        Ok(())
    }

    /// Takes a section out of the repository's own configuration, each time it occurs; whether it was there.
    ///
    /// # Errors
    /// As `set_config`.
    pub fn remove_config_section(&self, section: &str, subsection: Option<&str>) -> Result<bool> {
        self.edit_config(|file| {
            let mut found = false;
            while file.remove_section(section, subsection.map(|name| name.as_bytes().as_bstr())).is_some() {
                found = true;
            }
            Ok(found)
        })
    }

    /// Takes one value out of the repository's own configuration; whether it was there.
    ///
    /// # Errors
    /// As `set_config`.
    pub fn remove_config_value(&self, section: &str, subsection: Option<&str>, key: &str) -> Result<bool> {
        let name = subsection.map(|name| name.as_bytes().as_bstr());
        self.edit_config(|file| Ok(remove_value(file, section, key, |found| found == name)))
    }

    /// The same of a section and of all its subsections.
    ///
    /// # Errors
    /// As `set_config`.
    pub fn remove_config_values(&self, section: &str, key: &str) -> Result<bool> {
        self.edit_config(|file| Ok(remove_value(file, section, key, |_| true)))
    }

    fn edit_config(&self, edit: impl FnOnce(&mut gix::config::File) -> gix::Result<bool>) -> Result<bool> {
        let path = self.common_dir().join("config");
        let apply = || {
            let mut file = self.git.config_file_mut(&path)?;
            let changed = edit(&mut file)?;
            if changed {
                file.commit()?;
            }
            Ok(changed)
        };
        apply().map_err(|error: gix::Error| RepoError::Config { path: path.clone(), source: Box::new(error) })
    }
}

/// Takes `key` out of each section of this name whose subsection is meant; whether it was in any.
fn remove_value(
    file: &mut gix::config::File,
    section: &str,
    key: &str,
    is_meant: impl Fn(Option<&BStr>) -> bool,
) -> bool {
    let meant: Vec<_> = file
        .sections_and_ids_by_name(section)
        .into_iter()
        .flatten()
        .filter(|(section, _)| is_meant(section.header().subsection_name()))
        .map(|(_, id)| id)
        .collect();
    let mut removed = false;
    for id in meant {
        let Some(mut found) = file.section_mut_by_id(id) else { continue };
        let mut removed_here = false;
        while found.remove(key).is_some() {
            removed_here = true;
        }
        // A heading over nothing is nothing that the person wrote; a comment is.
        let is_empty = found.num_values() == 0 && !found.to_bstring().iter().any(|byte| b"#;".contains(byte));
        if removed_here && is_empty {
            file.remove_section_by_id(id);
        }
        removed |= removed_here;
    }
    removed
}
