//! The variables that `run` and `export` hand to a program: which secrets they come from, and their values.
//!
//! It starts no program. Names come from paths, env files and metadata, never from values. What is kept for managing keys at
//! providers (management keys, and journals with keys that nobody has got yet) goes to no program, whoever wrote the line
//! that names it: env files are not signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keys::{KeyError, PROVIDERS, is_for_management};
use super::read::{Secret, check_lives};
use super::{Vault, VaultError};
use crate::model::envfile::{self, EnvLine};
use crate::model::loader::is_loader_variable;
use crate::model::names::{FieldName, Reference, SecretPath};
use crate::model::register::Value;
use crate::plaintext::Plaintext;

/// Where variables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `.covault/env/NAME.env`.
    Env(String),
    /// Every secret below a folder.
    Folder(String),
}

/// One variable.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Arc<Plaintext>,
    /// Where it comes from, such as `prod/db/password`.
    pub from: String,
    /// It is no secret: shown without being asked for.
    pub plain: bool,
}

/// Who is told how far long work is.
pub trait Steps: Sync {
    /// So many steps are ahead.
    fn begin(&self, count: usize);
    /// One is done.
    fn step(&self);
}

/// Who does not care how many there are.
impl<F: Fn() + Sync> Steps for F {
    fn begin(&self, _count: usize) {}

    fn step(&self) {
        self();
    }
}

/// The largest env file, in bytes.
pub(super) const MAX_ENV_FILE: u64 = 1 << 20;

impl Vault {
    /// All variables of a source, sorted by name as the source has them; `progress` hears how many secrets are opened, and
    /// of each. With `strict`, a field that several people wrote at once is refused; without, the newest is taken and `warn`
    /// is told.
    pub fn variables(
        &self,
        source: &Source,
        strict: bool,
        progress: &dyn Steps,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Variable>, VaultError> {
        match source {
            Source::Env(name) => self.env_file_variables(name, strict, progress, warn),
            Source::Folder(folder) => self.folder_variables(folder, strict, progress, warn),
        }
    }

    /// Path of an env file from the top.
    pub fn env_file(&self, name: &str) -> String {
        format!("{}/env/{name}.env", self.root())
    }

    /// The lines of an env file; `None` where there is none.
    pub fn env_lines(&self, name: &str) -> Result<Option<Vec<EnvLine>>, VaultError> {
        // The name becomes a file's name: it is held to the same rule as a secret's segment.
        SecretPath::parse(name)?;
        let file = self.env_file(name);
        let Some(bytes) = self.repo().read_work(&file, MAX_ENV_FILE)? else { return Ok(None) };
        envfile::parse(&bytes).map(Some).map_err(|error| VaultError::EnvFile { file, source: error })
    }

    fn env_file_variables(
        &self,
        name: &str,
        strict: bool,
        progress: &dyn Steps,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Variable>, VaultError> {
        let file = self.env_file(name);
        let lines = self.env_lines(name)?.ok_or_else(|| VaultError::NoEnvFile(file.clone()))?;
        let mut places = Vec::with_capacity(lines.len());
        let mut exists = self.asked_once();
        for line in &lines {
            let reference = Reference::parse(&line.reference).map_err(VaultError::from);
            let place = reference.and_then(|reference| self.locate_by(&reference, &mut exists));
            let place = place.and_then(|place| self.check_for_programs(&place.0).map(|()| place));
            places.push(place.map_err(|error| at_line(&file, line, error))?);
        }
        let mut paths: Vec<SecretPath> = places.iter().map(|(path, _)| path.clone()).collect();
        paths.sort_unstable();
        paths.dedup();
        progress.begin(paths.len());
        let opened = self.open_many(&paths, &|| progress.step())?;
        let mut secrets = BTreeMap::new();
        for (path, secret) in paths.iter().zip(opened) {
            secrets.insert(path, secret.and_then(|secret| self.living(path, secret)));
        }
        say_waiting(secrets.values().filter_map(|secret| secret.as_ref().ok()), warn);
        let mut variables = Vec::with_capacity(lines.len());
        for (line, (path, field)) in lines.iter().zip(&places) {
            // The first line that names a secret which cannot be opened takes its refusal.
            let secret = match secrets.get(path) {
                Some(Ok(secret)) => secret,
                _ => match secrets.remove(path) {
                    Some(Err(error)) => return Err(at_line(&file, line, self.misplaced(error))),
                    _ => continue,
                },
            };
            let variable = variable(line.name.clone(), secret, field.as_ref(), strict, warn);
            variables.push(variable.map_err(|error| at_line(&file, line, error))?);
        }
        Ok(variables)
    }

    fn folder_variables(
        &self,
        folder: &str,
        strict: bool,
        progress: &dyn Steps,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Variable>, VaultError> {
        let mut paths = self.below(folder)?;
        // Who asks for a folder with more in it gets the rest.
        let kept: Vec<SecretPath> = paths.extract_if(.., |path| is_for_management(path)).collect();
        if let Some(path) = kept.first() {
            if paths.is_empty() {
                return self.check_for_programs(path).map(|()| Vec::new());
            }
            warn(format!("{PROVIDERS}/ is left out: management keys are handed to no program"));
        }
        if paths.is_empty() {
            let name = folder.trim_end_matches('/');
            return Err(match SecretPath::parse(name) {
                Ok(path) if self.lives(&path)? => VaultError::NoFolder(name.to_owned()),
                _ => VaultError::NoSuchFolder(folder.to_owned()),
            });
        }
        let mut by_name: BTreeMap<String, Variable> = BTreeMap::new();
        progress.begin(paths.len());
        let secrets = self.open_many(&paths, &|| progress.step())?.into_iter().collect::<Result<Vec<_>, _>>();
        let secrets = secrets.map_err(|error| self.misplaced(error))?;
        say_waiting(secrets.iter(), warn);
        for (path, secret) in paths.iter().zip(secrets) {
            for field in secret.fields() {
                let name = variable_name(&secret, path, field.name);
                if !envfile::is_variable_name(&name) {
                    return Err(VaultError::BadVariable { name: path.to_string(), variable: name });
                }
                if is_loader_variable(&name) {
                    return Err(VaultError::LoaderVariable(name));
                }
                let variable = variable(name.clone(), &secret, Some(field.name), strict, warn)?;
                let from = variable.from.clone();
                if let Some(other) = by_name.insert(name.clone(), variable) {
                    return Err(VaultError::SameVariable { variable: name, first: other.from, second: from });
                }
            }
        }
        Ok(by_name.into_values().collect())
    }

    /// Refuses what no program is handed.
    pub(super) fn check_for_programs(&self, path: &SecretPath) -> Result<(), VaultError> {
        self.check_no_journal(path)?;
        match is_for_management(path) {
            true => Err(KeyError::ForManagement(path.to_string()).into()),
            false => Ok(()),
        }
    }

    /// The secret, unless it is a tombstone.
    pub(super) fn living(&self, path: &SecretPath, secret: Secret) -> Result<Secret, VaultError> {
        check_lives(path, &secret.manifest.state).map(|()| secret)
    }
}

/// One line, however many there are.
fn say_waiting<'a>(secrets: impl Iterator<Item = &'a Secret>, warn: &mut dyn FnMut(String)) {
    let mut waiting = secrets.filter_map(Secret::waits);
    if let Some(first) = waiting.next() {
        let more = match waiting.count() {
            0 => String::new(),
            more => format!(" (and {more} more: covault status)"),
        };
        warn(format!("{first}{more}"));
    }
}

/// What is wrong with a line of an env file.
pub(super) fn at_line(file: &str, line: &EnvLine, source: VaultError) -> VaultError {
    VaultError::EnvLine { file: file.to_owned(), line: line.line, source: Box::new(source) }
}

/// A secret's env name, else its last segment; `_FIELD` added unless the field is called `value`.
fn variable_name(secret: &Secret, path: &SecretPath, field: &FieldName) -> String {
    match secret.meta("env") {
        Some(env) if field.as_str() == "value" => env.to_owned(),
        Some(env) => format!("{env}_{}", field.as_str().to_uppercase().replace('-', "_")),
        None => envfile::env_name_from(path.last_segment(), field.as_str()),
    }
}

fn variable(
    name: String,
    secret: &Secret,
    field: Option<&FieldName>,
    strict: bool,
    warn: &mut dyn FnMut(String),
) -> Result<Variable, VaultError> {
    let view = secret.field(field)?;
    let from = format!("{}/{}", secret.document.path, view.name);
    if view.is_conflicted() {
        if strict {
            return Err(secret.conflict(view.name));
        }
        warn(format!("{from} was written by several people at once; the newest is used"));
    }
    let value = view.writes.iter().find_map(|write| match &write.value {
        Value::Text(value) | Value::Bytes(value) => Some((Arc::clone(value), write.plain)),
        Value::Absent => None,
    });
    let (value, plain) = value.ok_or_else(|| VaultError::NoSuchField {
        name: secret.document.path.to_string(),
        field: view.name.to_string(),
        known: super::restore::field_names(secret),
    })?;
    Ok(Variable { name, value, from, plain })
}
