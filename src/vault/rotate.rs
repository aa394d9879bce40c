//! `rotate`: new values in the place of old ones, for what is named, what is due, and what somebody could read.
//!
//! It says how each value can be made anew and writes what it is handed, as one commit. It generates nothing and asks
//! nobody. Every value is a new write, so that it leaves the exposure ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::expose::Scope;
use super::read::Secret;
use super::set::{Edit, FieldEdit, recipe_of};
use super::write::{How, Report, Writing};
use super::{Vault, VaultError, textconv};
use crate::model::bytes::Hash;
use crate::model::document::Document;
use crate::model::generate::Recipe;
use crate::model::keys::record::{KEY, PROVIDER};
use crate::model::names::{FieldName, MemberName, MetaName, Reference, SecretPath};
use crate::model::read::{self, FieldView};
use crate::model::register::{Key, Value, Write};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::Capabilities;

/// What is to get new values.
pub enum Wanted {
    /// Secrets, or fields of secrets.
    Named(Vec<Reference>),
    /// What this member could read and may not read any more; or, if so said, what their lost devices could read.
    ExposedTo(MemberName, bool),
    /// What has expired, and what wants a new value by its own interval.
    Due(Time),
}

/// How a new value is come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// By generating it as the old one was.
    Generate(Recipe),
    /// From a person.
    Ask,
    /// Not here.
    Elsewhere(Elsewhere),
}

/// Why a value is not made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// A provider issues it, and its key is managed here.
    Provider(String),
    /// A provider issues it, by somebody's word; nothing is known here of its key.
    Unmanaged(String),
    /// It has several lines, or is no text: nobody types that.
    File,
    /// It is the secret of one-time passwords, which is read in a form of its own.
    OneTime,
}

/// One value to be changed.
#[derive(Debug, Clone)]
pub struct Step {
    /// The secret.
    pub path: SecretPath,
    /// The field.
    pub field: FieldName,
    /// How.
    pub means: Means,
}

/// What a rotation comes to.
#[derive(Default)]
pub struct Rotation {
    /// Values, in the order of their secrets.
    pub steps: Vec<Step>,
    /// Secrets that oneself cannot open, with why.
    pub closed: Vec<(SecretPath, String)>,
    /// Machines that read some of it now, with an identity that the member may have.
    pub machines: BTreeSet<MemberName>,
    /// The versions that were looked at.
    seen: BTreeMap<SecretPath, Vec<Hash>>,
}

/// A new value.
pub struct NewValue {
    /// The secret.
    pub path: SecretPath,
    /// The field.
    pub field: FieldName,
    /// Its value.
    pub value: Plaintext,
    /// How it was generated, to do so again.
    pub recipe: Option<Recipe>,
}

impl Vault {
    /// Works out which values are to be changed, and how. Nothing is written.
    ///
    /// # Errors
    /// Those of names that there are not, and of one's own keys.
    pub fn rotation(&self, wanted: &Wanted) -> Result<Rotation, VaultError> {
        let mut rotation = Rotation::default();
        match wanted {
            Wanted::Named(references) => {
                let mut fields: BTreeMap<SecretPath, Option<BTreeSet<FieldName>>> = BTreeMap::new();
                for reference in references {
                    match self.locate(reference)? {
                        (path, None) => drop(fields.insert(path, None)),
                        (path, Some(field)) => {
                            if let Some(some) = fields.entry(path).or_insert_with(|| Some(BTreeSet::new())) {
                                some.insert(field);
                            }
                        }
                    }
                }
                for (path, fields) in fields {
                    self.check_no_journal(&path)?;
                    let secret = self.secret(&path)?;
                    if let Some(fields) = &fields {
                        check_fields(&secret, fields)?;
                    }
                    let named = |field: &FieldView<'_>| fields.as_ref().is_none_or(|f| f.contains(field.name));
                    rotation.add(&path, &secret, named);
                }
            }
            Wanted::ExposedTo(name, devices) => {
                let scope = Scope { branches: false, devices: *devices };
                for one in self.exposures(Some(name), scope)?.list {
                    // A new value is read by such a machine again.
                    if one.until.is_none() {
                        rotation.machines.extend(one.through.iter().cloned());
                    }
                    if one.path.is_journal() {
                        let why = "what was begun at a provider is not over: covault key resume";
                        rotation.closed.push((one.path.clone(), why.to_owned()));
                        continue;
                    }
                    match self.secret(&one.path) {
                        // What is on disk may have been changed already, and not committed.
                        Ok(secret) => {
                            rotation.add(&one.path, &secret, |field| field.writes.iter().any(|write| one.knows(write)));
                        }
                        Err(error) => rotation.closed.push((one.path.clone(), super::error::chain(&error))),
                    }
                }
            }
            Wanted::Due(now) => {
                let names = self.live_names()?;
                for (path, secret) in names.iter().zip(self.open_many(&names, &|| ())?) {
                    match secret {
                        Ok(secret) if textconv::due(&secret, *now).is_some() => {
                            rotation.add(path, &secret, |_| true);
                        }
                        // What is for others is theirs to keep fresh, and what is refused `status` tells.
                        Ok(_) | Err(VaultError::NotAReader { .. }) => {}
                        Err(error) => rotation.closed.push((path.clone(), super::error::chain(&error))),
                    }
                }
            }
        }
        Ok(rotation)
    }

    /// Writes new values, as one commit. An expiry that has passed goes with the value that it was of.
    ///
    /// # Errors
    /// `SameValue`, `ChangedMeanwhile`, and those of writing.
    pub fn rotate(&self, rotation: &Rotation, values: Vec<NewValue>, how: &How) -> Result<Report, VaultError> {
        let mut by_path: BTreeMap<SecretPath, Edit> = BTreeMap::new();
        for NewValue { path, field, value, recipe } in values {
            let edit = by_path.entry(path).or_default();
            if let Some(recipe) = recipe {
                edit.meta.push((MetaName::parse(&recipe_of(&field))?, Some(recipe.to_string())));
            }
            edit.fields.push(FieldEdit { name: field, value: Some(value), plain: false });
        }
        let mut writing = self.writing(how)?;
        let (mut drafts, mut names, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for (path, mut edit) in by_path {
            let mut draft = writing.start_living(&path)?;
            if draft.follows_more_than(rotation.seen.get(&path).map_or(&[], Vec::as_slice)) {
                return Err(VaultError::ChangedMeanwhile(path.to_string()));
            }
            if let Some(field) = edit.fields.iter().find(|field| is_in(&draft.document, field, how.now)) {
                let Some(file) = self.written_before(&path, &draft.document, &edit, how.now)? else {
                    return Err(VaultError::SameValue { name: path.to_string(), field: field.name.to_string() });
                };
                names.push(path.to_string());
                written.push(file);
                continue;
            }
            writing.end_past_expiry(&draft.document, &mut edit)?;
            let end = self.take_over_by_hand(&mut draft, &mut edit, how.now)?;
            if let Some(end) = end.filter(|end| *end > how.now) {
                writing.note(format!(
                    "the key of {path} was to end at {end}; say when the new one does with: covault set {path} --expires WHEN"
                ));
            }
            self.apply(&mut draft, edit, how.now)?;
            names.push(path.to_string());
            drafts.push(draft);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("covault: rotate {}", super::remove::summary(&names));
        writing.finish(&drafts, written, &message)
    }
}

impl Vault {
    /// The file of a secret that has all these values already and is not committed, where HEAD has none of them: what a
    /// run that was killed has written. Whoever repeats it means the values that it was given.
    fn written_before(
        &self,
        path: &SecretPath,
        document: &Document,
        edit: &Edit,
        now: Time,
    ) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let Some(file) = self.unsettled(path)?.filter(|_| edit.fields.iter().all(|one| is_in(document, one, now)))
        else {
            return Ok(None);
        };
        let committed = match self.repo().head()?.commit {
            Some(head) => self.version_at(head, path)?,
            None => None,
        };
        let committed = committed.map(|version| self.open_version(&version)).transpose()?;
        let is_old = committed.is_some_and(|old| edit.fields.iter().any(|one| is_in(&old.document, one, now)));
        Ok((!is_old).then_some(file))
    }

    /// A key that a person made elsewhere gets its record with its value, and the old one is remembered.
    /// When that was to end is the answer.
    fn take_over_by_hand(
        &self,
        draft: &mut super::draft::Draft,
        edit: &mut Edit,
        now: Time,
    ) -> Result<Option<Time>, VaultError> {
        if read::meta(&draft.document, KEY, now).is_none() {
            return Ok(None);
        }
        let Some(place) = edit.fields.iter().position(|field| field.name.as_str() == "value") else { return Ok(None) };
        match edit.fields.swap_remove(place).value {
            Some(key) => super::keys::replace_by_hand(self, draft, key, "", now),
            None => Ok(None),
        }
    }
}

impl Rotation {
    /// Secrets whose keys a provider issues, each once: they are rotated there.
    pub fn at_providers(&self) -> Vec<SecretPath> {
        let issued = |step: &&Step| matches!(step.means, Means::Elsewhere(Elsewhere::Provider(_)));
        let mut paths: Vec<SecretPath> = self.steps.iter().filter(issued).map(|step| step.path.clone()).collect();
        paths.dedup();
        paths
    }

    fn add(&mut self, path: &SecretPath, secret: &Secret, wanted: impl Fn(&FieldView<'_>) -> bool) {
        self.seen.insert(path.clone(), secret.names());
        for field in secret.fields() {
            if wanted(&field) && field.writes.iter().any(|write| write.is_secret()) {
                let means = means(secret, field.name, field.newest());
                self.steps.push(Step { path: path.clone(), field: field.name.clone(), means });
            }
        }
    }
}

fn means(secret: &Secret, field: &FieldName, newest: Option<&Write>) -> Means {
    if let Some(provider) = secret.meta(PROVIDER) {
        if secret.meta(KEY).is_none() {
            return Means::Elsewhere(Elsewhere::Unmanaged(provider.to_owned()));
        }
        if field.as_str() != "value" {
            return Means::Ask;
        }
        let by_hand = Capabilities::named(provider).is_some_and(|provider| !provider.issues);
        return if by_hand { Means::Ask } else { Means::Elsewhere(Elsewhere::Provider(provider.to_owned())) };
    }
    let Some(value) = newest.map(|write| &write.value).filter(|value| **value != Value::Absent) else {
        return Means::Ask;
    };
    let recipe = secret.meta(&recipe_of(field)).and_then(|text| text.parse::<Recipe>().ok());
    match (value.as_text(), recipe) {
        (Some(text), Some(recipe)) if recipe.fits(text) => Means::Generate(recipe),
        (Some(text), _) if text.starts_with("otpauth://") => Means::Elsewhere(Elsewhere::OneTime),
        (Some(text), _) if !text.contains('\n') => Means::Ask,
        _ => Means::Elsewhere(Elsewhere::File),
    }
}

/// Whether a field has the value of an edit.
fn is_in(document: &Document, edit: &FieldEdit, now: Time) -> bool {
    let same = |write: &&Write| edit.value.as_ref().zip(write.value.present()).is_some_and(|(a, b)| a == b);
    read::field(document, &edit.name, now).is_some_and(|view| view.writes.iter().any(same))
}

/// That each is there, and a secret.
fn check_fields(secret: &Secret, fields: &BTreeSet<FieldName>) -> Result<(), VaultError> {
    for name in fields {
        let field = secret.field(Some(name))?;
        if !field.writes.iter().any(|write| write.is_secret()) {
            return Err(VaultError::NoSecretField { name: secret.document.path.to_string(), field: name.to_string() });
        }
    }
    Ok(())
}

impl Writing<'_> {
    /// Values that are all new have not expired because the old ones have. While one is as old as the expiry that has passed,
    /// that stays, and so it does where it is the end of a key that its provider was told.
    pub(super) fn end_past_expiry(&mut self, document: &Document, edit: &mut Edit) -> Result<(), VaultError> {
        let now = self.now();
        let is_new = |field: &FieldEdit| field.value.is_some() && !field.plain && !is_in(document, field, now);
        let is_said = edit.meta.iter().any(|(name, _)| name.as_str() == read::EXPIRES);
        if is_said || !edit.fields.iter().any(is_new) || super::keys::ends_at_provider(document, now) {
            return Ok(());
        }
        let Some((past, since)) = past_expiry(document, now) else { return Ok(()) };
        let path = &document.path;
        let goes = |name: &FieldName| {
            let kept = |field: &&FieldEdit| field.value.is_some() && !field.plain && is_in(document, field, now);
            edit.fields.iter().any(|field| field.name == *name)
                && !edit.fields.iter().filter(kept).any(|f| f.name == *name)
        };
        let fields = read::fields(document, now);
        let old = fields.iter().filter(|view| !goes(view.name)).filter(|view| {
            let newest = view.writes.iter().find(|write| write.is_secret());
            newest.is_some_and(|write| write.at <= since)
        });
        let old: Vec<&str> = old.map(|view| view.name.as_str()).collect();
        if old.is_empty() {
            self.note(format!(
                "{path} expired {past}; give the new value an expiry with: covault set {path} --expires WHEN"
            ));
            edit.meta.push((MetaName::parse(read::EXPIRES)?, None));
        } else {
            self.note(format!(
                "{path} expired {past}, and is due until there are new values of {}, too",
                old.join(", ")
            ));
        }
        Ok(())
    }
}

/// An expiry that has passed, and up to when values are those that it is of: it may have been written when it had passed.
fn past_expiry(document: &Document, now: Time) -> Option<(Time, Time)> {
    let past = read::meta(document, read::EXPIRES, now).and_then(Time::parse).filter(|expires| *expires <= now)?;
    let register = document.register(&Key::Meta(MetaName::parse(read::EXPIRES).ok()?))?;
    let written = register.live().filter(|write| write.value != Value::Absent).map(|write| write.at).max();
    Some((past, written.map_or(past, |at| at.max(past))))
}
