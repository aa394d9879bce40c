//! Git's configuration: reading what counts, writing the repository's own file.
//!
//! It never writes the person's global file, and never reads one that is tracked.

use gix::bstr::ByteSlice;

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
        self.edit_config(|file| {
            let name = subsection.map(|name| name.as_bytes().as_bstr());
            let Ok(mut found) = file.section_mut(section, name) else { return Ok(false) };
            let mut removed = false;
            while found.remove(key).is_some() {
                removed = true;
            }
            // A heading over nothing is nothing that the person wrote; a comment is.
            let has_values = found.num_values() > 0;
            let has_comment = |section: gix::config::file::SectionRef<'_>| {
                section.to_bstring().iter().any(|byte| b"#;".contains(byte))
            };
            if removed && !has_values && !file.section(section, name).is_ok_and(has_comment) {
                file.remove_section(section, name);
            }
            Ok(removed)
        })
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
