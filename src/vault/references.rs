//! The env files of the vault and the secrets that their lines name: which lines break where a secret goes away, and
//! which lead nowhere now.
//!
//! Nothing is written: env files are changed by people. Nothing is opened either, so fields are not looked for.

use super::env::{MAX_ENV_FILE, at_line};
use super::read::check_lives;
use super::{Vault, VaultError};
use crate::model::envfile::{self, EnvLine};
use crate::model::names::{FieldName, Reference, SecretPath};

/// A line of an env file that names a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file, from the top.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The variable that it gives.
    pub variable: String,
    /// The secret.
    pub path: SecretPath,
    /// The field, where the line says which.
    pub field: Option<FieldName>,
}

impl Named {
    /// The reference that would give the same where the secret is at `path`.
    pub fn at(&self, path: &SecretPath) -> String {
        let field = self.field.as_ref().map(|field| format!("/{field}")).unwrap_or_default();
        format!("{}{path}{field}", Reference::SCHEME)
    }
}

impl Vault {
    /// The lines of env files that name one of these secrets, which have not gone away yet. What cannot be read, and a
    /// line that is refused, gives nothing to a program whatever becomes of a secret, and is left out.
    pub fn named_in_env_files(&self, paths: &[SecretPath]) -> Vec<Named> {
        let mut exists = self.asked_once();
        let mut found = Vec::new();
        for name in self.env_names().unwrap_or_default() {
            let file = self.env_file(&name);
            let Ok(Some(bytes)) = self.repo().read_work(&file, MAX_ENV_FILE) else { continue };
            for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
                // Each by itself: one that is refused says nothing of the others.
                let Some(EnvLine { name, reference, .. }) = envfile::parse(text).unwrap_or_default().pop() else {
                    continue;
                };
                // Most name something else, and are not looked for.
                let may_mean = |reference: &Reference| reference.readings().any(|(path, _)| paths.contains(&path));
                if let Ok(reference) = Reference::parse(&reference)
                    && may_mean(&reference)
                    && let Ok((path, field)) = self.locate_by(&reference, &mut exists)
                    && paths.contains(&path)
                {
                    found.push(Named { file: file.clone(), line: index + 1, variable: name, path, field });
                }
            }
        }
        found
    }

    /// How many lines env files have, and what `run` would say of those that lead nowhere and of files that are refused.
    pub(super) fn check_env_files(&self) -> Result<(usize, Vec<VaultError>), VaultError> {
        let mut exists = self.asked_once();
        let (mut count, mut wrong) = (0, Vec::new());
        for name in self.env_names()? {
            let file = self.env_file(&name);
            let lines = match self.env_lines(&name) {
                Ok(lines) => lines.unwrap_or_default(),
                Err(error) => {
                    wrong.push(error);
                    continue;
                }
            };
            count += lines.len();
            for line in &lines {
                if let Err(error) = self.check_leads(line, &mut exists) {
                    wrong.push(at_line(&file, line, error));
                }
            }
        }
        Ok((count, wrong))
    }

    fn check_leads(
        &self,
        line: &EnvLine,
        exists: &mut impl FnMut(&SecretPath) -> Result<bool, VaultError>,
    ) -> Result<(), VaultError> {
        let (path, _) = self.locate_by(&Reference::parse(&line.reference)?, exists)?;
        self.check_for_programs(&path)?;
        // Only a tombstone is looked at further: a file that is refused is not this check's business.
        if !self.is_grave(&self.file(&path), &path) {
            return Ok(());
        }
        self.current(&path)?.map_or(Ok(()), |version| check_lives(&path, &version.manifest().state))
    }

    /// The env files that `run -e` finds here, by the names that it takes, whether git tracks them or not.
    fn env_names(&self) -> Result<Vec<String>, VaultError> {
        let folder = format!("{}/env/", self.root());
        let files = self.repo().list_work(folder.trim_end_matches('/'))?.files;
        let name = |file: &String| Some(file.strip_prefix(&folder)?.strip_suffix(".env")?.to_owned());
        Ok(files.iter().filter_map(name).filter(|name| SecretPath::parse(name).is_ok()).collect())
    }
}
