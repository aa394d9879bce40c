//! `import`: one secret per variable of a file, and the env file that maps them back, as one commit.
//!
//! It reads no file: entries come parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::env::MAX_ENV_FILE;
use super::set::{Edit, FieldEdit};
use super::write::{How, Report};
use super::{Vault, VaultError};
use crate::model::envfile::{self, EnvLine};
use crate::model::formats::Entry;
use crate::model::loader::is_loader_variable;
use crate::model::names::{FieldName, MetaName, SecretPath};
use crate::plaintext::Plaintext;

/// What was imported.
pub struct Imported {
    /// What came of it.
    pub report: Report,
    /// What each key became, in the file's order.
    pub secrets: Vec<ImportedSecret>,
    /// How many of them were new or changed.
    pub changed: usize,
    /// The env file that maps them, from the top; `None` where no variable can be mapped.
    pub env_file: Option<String>,
    /// Whether the env file was not yet what it is now, in `HEAD`, in the index or on disk.
    pub remapped: bool,
    /// Variables that were kept and not mapped, because they decide which programs run.
    pub unmapped: Vec<String>,
    /// Keys that were kept and not mapped, because no variable can be called so.
    pub nameless: Vec<String>,
    /// Variables that the env file has for another secret in `HEAD`, in the index or on disk, and what each named there.
    pub repointed: BTreeSet<(String, String)>,
}

/// What one key of a file became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedSecret {
    /// The variable that the key stands for.
    pub variable: String,
    /// The secret.
    pub path: SecretPath,
    /// It lived already.
    pub existed: bool,
    /// Another value stood there until now.
    pub overwritten: bool,
}

impl Vault {
    /// Imports `entries` below `folder` and maps them in `env/ENV.env`.
    pub fn import(&self, entries: &[Entry], folder: &str, env: &str, how: &How) -> Result<Imported, VaultError> {
        let mut writing = self.writing(how)?;
        // Refused before anything is written, and not needed beyond that.
        self.env_lines(env)?;
        let (mut mapped, mut keys) = (Vec::new(), BTreeMap::new());
        let (mut drafts, mut secrets, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unmapped, mut nameless, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for entry in entries {
            let (variable, path) = place(folder, &entry.key)?;
            if !seen.insert(path.clone()) {
                return Err(VaultError::SameSecret { variable: entry.name(), name: path.to_string() });
            }
            check_batch(&seen, &path)?;
            let mut edit = Edit {
                fields: vec![FieldEdit {
                    name: FieldName::parse("value")?,
                    value: Some(Plaintext::new(entry.value.to_vec())),
                    plain: false,
                }],
                ..Edit::default()
            };
            if !envfile::is_variable_name(&variable) {
                nameless.push(entry.name());
            } else if is_loader_variable(&variable) {
                unmapped.push(variable.clone());
            } else {
                if let Some(first) = keys.insert(variable.clone(), entry.name()) {
                    return Err(VaultError::SameKey { first, second: entry.name(), variable });
                }
                if envfile::env_name_from(path.last_segment(), "value") != variable {
                    edit.meta.push((MetaName::parse("env")?, Some(variable.clone())));
                }
                mapped.push((variable.clone(), path.to_string()));
            }
            let begun = writing.begin(&path, edit)?;
            match begun.draft {
                Some(draft) => drafts.push(draft),
                None => others.extend(self.unsettled(&path)?),
            }
            secrets.push(ImportedSecret { variable, path, existed: begun.existed, overwritten: begun.overwritten });
        }
        let changed = drafts.len();
        let file = self.env_file(env);
        let mut repointed = BTreeSet::new();
        let mut with = |old: &[u8]| map(old, &mapped, &mut repointed);
        let mapping =
            if mapped.is_empty() { None } else { self.repo().change_in_three(&file, MAX_ENV_FILE, &mut with)? };
        let is_empty = drafts.is_empty() && others.is_empty() && mapping.is_none();
        let remapped = mapping.is_some();
        mapping.into_iter().for_each(|change| writing.also(change));
        let report = if is_empty {
            super::setup::nothing_written(how)
        } else {
            let message = match changed {
                0 if remapped => format!("covault: map {folder} in env/{env}.env"),
                _ => format!("covault: import {} into {folder}", count(changed)),
            };
            writing.finish(&drafts, others, &message)?
        };
        let env_file = (!mapped.is_empty()).then_some(file);
        Ok(Imported { report, secrets, changed, env_file, remapped, unmapped, nameless, repointed })
    }

    /// Whether a file of the work tree was ever committed on any branch; `None` where it is not in this repository.
    pub fn was_ever_committed(&self, file: &Path) -> Result<Option<bool>, VaultError> {
        self.inside(file).map(|path| Ok(self.repo().ever_tracked(&path)?)).transpose()
    }

    /// Whether git leaves a file of the work tree out by itself.
    pub fn is_ignored(&self, file: &Path) -> Result<bool, VaultError> {
        self.inside(file).map_or(Ok(false), |path| Ok(self.repo().is_ignored(&path)?))
    }

    /// The path of a file from the top of the work tree; `None` where it is not in there.
    fn inside(&self, file: &Path) -> Option<String> {
        let top = self.work_dir()?.canonicalize().ok()?;
        let file = file.canonicalize().ok()?;
        Some(file.strip_prefix(&top).ok()?.to_str()?.to_owned())
    }
}

/// So many secrets, in words.
fn count(number: usize) -> String {
    format!("{number} secret{}", if number == 1 { "" } else { "s" })
}

/// The variable and the secret for a key: `["DATABASE_URL"]` gives `DATABASE_URL` at `default/database-url`. A key that is
/// no variable's name gives one as a nested one does: `["db-url"]` gives `DB_URL`.
fn place(folder: &str, key: &[String]) -> Result<(String, SecretPath), VaultError> {
    let variable = match key {
        [one] if envfile::is_variable_name(one) => one.clone(),
        several => several.iter().map(|k| envfile::env_name_from(k, "value")).collect::<Vec<_>>().join("_"),
    };
    let mut segments: Vec<String> = folder.split('/').filter(|s| !s.is_empty()).map(ToOwned::to_owned).collect();
    for part in key {
        segments.push(envfile::secret_segment_from(part));
    }
    Ok((variable, SecretPath::parse(&segments.join("/"))?))
}

/// An env file with these variables mapped: lines that map them to something else are replaced where they stand, which
/// `repointed` gets, new ones come last, and everything else stays, also what is refused.
fn map(old: &[u8], mapped: &[(String, String)], repointed: &mut BTreeSet<(String, String)>) -> Vec<u8> {
    let line_of = |name: &str, reference: &str| {
        envfile::encode(&[EnvLine { name: name.to_owned(), reference: reference.to_owned(), line: 1 }]).into_bytes()
    };
    let mut left: BTreeMap<&str, &str> =
        mapped.iter().map(|(name, reference)| (name.as_str(), reference.as_str())).collect();
    let mut out = Vec::with_capacity(old.len() + 64 * mapped.len());
    for line in old.split_inclusive(|byte| *byte == b'\n') {
        let there = envfile::parse(line).unwrap_or_default().pop();
        match there.and_then(|there| Some((left.remove(there.name.as_str())?, there))) {
            // The field `value` may be named or left out.
            Some((reference, there))
                if there.reference.strip_suffix("/value").unwrap_or(&there.reference) != reference =>
            {
                out.extend(line_of(&there.name, reference));
                repointed.insert((there.name, there.reference));
            }
            _ => out.extend_from_slice(line),
        }
    }
    if !left.is_empty() && !out.is_empty() && !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    let new = mapped.iter().filter(|(name, _)| left.contains_key(name.as_str()));
    out.extend(new.flat_map(|(name, reference)| line_of(name, reference)));
    out
}

/// Within one import, too, a name is a folder or a secret.
fn check_batch(seen: &BTreeSet<SecretPath>, path: &SecretPath) -> Result<(), VaultError> {
    let above = path.folders().find(|folder| SecretPath::parse(folder).is_ok_and(|folder| seen.contains(&folder)));
    let inside = format!("{path}/");
    let near = seen.range(path.clone()..).take_while(|other| other.as_str().starts_with(path.as_str()));
    let below = near.into_iter().find(|other| other.as_str().starts_with(&inside));
    match above.map(ToOwned::to_owned).or_else(|| below.map(ToString::to_string)) {
        None => Ok(()),
        Some(other) => {
            let reason = format!("'{other}' comes from the same file, and a name is a folder or a secret");
            Err(VaultError::InTheWay { name: path.to_string(), reason, above: None })
        }
    }
}
