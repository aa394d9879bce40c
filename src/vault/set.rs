//! `set`: new values, tags and metadata for one secret; it is born when there is none.
//!
//! It asks nobody anything: values come as bytes.

use super::basis::put_back;
use super::draft::Draft;
use super::version::Version;
use super::write::{How, Report, Writing};
use super::{Vault, VaultError};
use crate::model::bytes::Hash;
use crate::model::codec::MAX_VALUE;
use crate::model::document::Document;
use crate::model::duration;
use crate::model::envfile::is_variable_name;
use crate::model::loader::is_loader_variable;
use crate::model::manifest::State;
use crate::model::names::{FieldName, MetaName, SecretPath, TagName};
use crate::model::read;
use crate::model::register::{Key, Value};
use crate::model::time::Time;
use crate::plaintext::Plaintext;

/// One field's new value.
pub struct FieldEdit {
    /// Which.
    pub name: FieldName,
    /// Its value; `None` takes the field away.
    pub value: Option<Plaintext>,
    /// No secret.
    pub plain: bool,
}

/// What is to change.
#[derive(Default)]
pub struct Edit {
    /// Fields.
    pub fields: Vec<FieldEdit>,
    /// Tags to set (true) and to take away (false).
    pub tags: Vec<(TagName, bool)>,
    /// Metadata; `None` takes one away.
    pub meta: Vec<(MetaName, Option<String>)>,
    /// Refuse where the secret exists already.
    pub only_new: bool,
    /// A secret field may become one that is shown without being asked for.
    pub may_show: bool,
    /// The versions that the person saw; refuse where there are others by now. None: whatever there is.
    pub seen: Vec<Hash>,
}

impl Edit {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.tags.is_empty() && self.meta.is_empty()
    }
}

impl Vault {
    /// Changes one secret, as one commit.
    pub fn set(&self, path: &SecretPath, mut edit: Edit, how: &How) -> Result<Report, VaultError> {
        let mut writing = self.writing(how)?;
        let mut draft = match writing.start(path) {
            Err(VaultError::Moved { .. }) if edit.only_new => writing.start_over(path)?,
            started => started?,
        };
        if !edit.seen.is_empty() && draft.follows_more_than(&edit.seen) {
            return Err(VaultError::ChangedMeanwhile(path.to_string()));
        }
        let lives = draft.parents.iter().any(|(_, manifest)| manifest.state == State::Live);
        if edit.only_new && lives {
            return Err(VaultError::Exists(path.to_string()));
        }
        let is_empty = edit.is_empty();
        writing.end_past_expiry(&draft.document, &mut edit)?;
        let changed = self.apply(&mut draft, edit, how.now)?;
        if !changed && !draft.joins() {
            // Only taking away from what is not there comes here with an edit.
            if draft.parents.is_empty() && !is_empty {
                return Err(self.unknown(path));
            }
            return match self.unsettled(path)? {
                Some(file) if !how.dry_run => writing.finish(&[], vec![file], &format!("covault: set {path}")),
                _ => Ok(super::setup::nothing_written(how)),
            };
        }
        let verb = if lives { "set" } else { "add" };
        writing.finish(&[draft], Vec::new(), &format!("covault: {verb} {path}"))
    }

    /// Refuses a name at which no secret could be made, before somebody is asked for its value.
    ///
    /// # Errors
    /// Those of [`Vault::set`] that do not depend on the edit.
    pub fn check_can_be_made(&self, path: &SecretPath, only_new: bool, now: Time) -> Result<(), VaultError> {
        match self.draft_for(path, now, &mut Vec::new()) {
            Err(VaultError::Moved { .. }) if only_new => Ok(()),
            started => started.map(drop),
        }
    }

    /// What the next version at `path` starts from: the living secret, the tombstone of a deleted one, or nothing.
    /// `notes` gets what a person should know of it.
    pub(super) fn draft_for(&self, path: &SecretPath, now: Time, notes: &mut Vec<String>) -> Result<Draft, VaultError> {
        self.check_no_journal(path)?;
        let Some(basis) = self.basis(path)? else {
            self.check_free(path)?;
            let mut draft = Draft::birth(self.roster().vault, path.clone());
            self.put_meta(&mut draft.document, "created", Some(&now.to_string()), now)?;
            draft.kept_apart = self.taken_and_refused(path)?;
            if !draft.kept_apart.is_empty() {
                notes.push(put_back(path));
            }
            return Ok(draft);
        };
        notes.extend(basis.note);
        let mut draft = basis.draft;
        match draft.document.state() {
            State::Live => {
                if self.has_living_below(path, None)? {
                    return Err(self.is_a_folder(path));
                }
                Ok(draft)
            }
            State::Moved(to) => Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
            State::Deleted => {
                self.check_free(path)?;
                let alive = self.write_of(&Key::State, Value::text("live"), true, now)?;
                draft.document.unbury(alive);
                Ok(draft)
            }
        }
    }

    fn is_a_folder(&self, path: &SecretPath) -> VaultError {
        let reason = "it is a folder, and a name is a folder or a secret".to_owned();
        VaultError::InTheWay { name: path.to_string(), reason, above: None }
    }

    /// Applies an edit to a draft; says whether anything changed.
    pub(super) fn apply(&self, draft: &mut Draft, edit: Edit, now: Time) -> Result<bool, VaultError> {
        // Whoever writes, and for which command: a key would work at its provider with nobody knowing it any more.
        if draft.parents.iter().any(|(_, manifest)| manifest.state == State::Live) {
            super::keys::check_not_issued(&draft.document, &edit, now)?;
        }
        let sealed_at = draft.parents.iter().map(|(_, manifest)| manifest.at).max().unwrap_or(now);
        let mut changed = false;
        let mut by_hand = Vec::new();
        for field in edit.fields {
            if field.value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
                return Err(VaultError::ValueTooLarge {
                    name: draft.document.path.to_string(),
                    field: field.name.to_string(),
                });
            }
            let key = Key::Field(field.name.clone());
            let value = field.value.map_or(Value::Absent, Value::new);
            let before = read::field(&draft.document, &field.name, sealed_at);
            let same = match &before {
                None => value == Value::Absent,
                Some(view) => {
                    !view.is_conflicted()
                        && view.writes.len() == 1
                        && view.newest().is_some_and(|w| w.value == value && w.plain == field.plain)
                }
            };
            let was_secret = before.as_ref().and_then(|view| view.newest()).is_some_and(|write| !write.plain);
            if was_secret && field.plain && !edit.may_show {
                return Err(VaultError::IsSecret {
                    name: draft.document.path.to_string(),
                    field: field.name.to_string(),
                });
            }
            if !same {
                let write = self.write_of(&key, value, field.plain, now)?;
                draft.document.put(&key, write);
                changed = true;
                by_hand.push(recipe_of(&field.name));
            }
        }
        // What was generated once and written by hand since is not to be generated again.
        for recipe in by_hand.iter().filter(|recipe| !edit.meta.iter().any(|(name, _)| name.as_str() == **recipe)) {
            self.put_meta(&mut draft.document, recipe, None, now)?;
        }
        for (tag, on) in edit.tags {
            if read::tags(&draft.document).contains(&&tag) != on {
                let value = if on { Value::text("yes") } else { Value::Absent };
                let key = Key::Tag(tag);
                draft.document.put(&key, self.write_of(&key, value, true, now)?);
                changed = true;
            }
        }
        for (name, value) in edit.meta {
            check_meta(name.as_str(), value.as_deref())?;
            changed |= self.put_meta(&mut draft.document, name.as_str(), value.as_deref(), now)?;
        }
        Ok(changed)
    }

    /// Writes one metadatum; says whether that changed it.
    pub(super) fn put_meta(
        &self,
        document: &mut Document,
        name: &str,
        value: Option<&str>,
        now: Time,
    ) -> Result<bool, VaultError> {
        let settled = {
            let register = document.register(&Key::Meta(MetaName::parse(name)?));
            register.is_none_or(|register| register.live().count() <= 1)
        };
        if settled && read::meta(document, name, now) == value {
            return Ok(false);
        }
        let key = Key::Meta(MetaName::parse(name)?);
        document.put(&key, self.write_of(&key, value.map_or(Value::Absent, Value::text), true, now)?);
        Ok(true)
    }

    /// A new secret must not stand where a folder is, nor below another secret.
    pub(super) fn check_free(&self, path: &SecretPath) -> Result<(), VaultError> {
        self.check_free_but(path, None)
    }

    /// As [`Vault::check_free`], as if nothing were at `leaving`, which is about to move.
    pub(super) fn check_free_but(&self, path: &SecretPath, leaving: Option<&SecretPath>) -> Result<(), VaultError> {
        for folder in path.folders() {
            let above = SecretPath::parse(folder)?;
            let lives = |version: Version| version.manifest().state == State::Live;
            if Some(&above) != leaving && self.current(&above)?.is_some_and(lives) {
                return Err(VaultError::InTheWay {
                    name: path.to_string(),
                    reason: format!("'{above}' is a secret, and a name is a folder or a secret"),
                    above: Some(above.to_string()),
                });
            }
        }
        if self.has_living_below(path, leaving)? {
            return Err(self.is_a_folder(path));
        }
        Ok(())
    }
}

/// The metadatum that says how a field was generated.
pub fn recipe_of(field: &FieldName) -> String {
    format!("generate-{field}")
}

/// What others read as a date, an interval or a variable must be one, whoever wrote it.
pub(super) fn check_meta(name: &str, value: Option<&str>) -> Result<(), VaultError> {
    let Some(value) = value else { return Ok(()) };
    let expected = match name {
        "env" if !is_variable_name(value) || is_loader_variable(value) => "a name like DATABASE_URL",
        "expires" if Time::parse(value).is_none() => "a time like 2027-01-31T00:00:00Z",
        "rotate-every" if duration::parse_every(value).is_err() => "an interval like 90d",
        _ => return Ok(()),
    };
    Err(VaultError::BadMeta { name: name.to_owned(), value: value.to_owned(), expected })
}

/// The next version of a secret, with an edit made to it.
pub(super) struct Begun {
    /// A secret lived there.
    pub(super) existed: bool,
    /// A field of the edit had another value.
    pub(super) overwritten: bool,
    /// What is to be written; `None` where that would change nothing.
    pub(super) draft: Option<Draft>,
}

impl Writing<'_> {
    /// Starts another secret at a name that one was moved away from.
    fn start_over(&mut self, path: &SecretPath) -> Result<Draft, VaultError> {
        let basis = self.vault().basis(path)?.ok_or_else(|| self.vault().unknown(path))?;
        self.vault().check_free(path)?;
        let mut draft = basis.draft;
        draft.document.unbury(self.vault().write_of(&Key::State, Value::text("live"), true, self.now())?);
        Ok(draft)
    }

    /// Starts the next version at `path`.
    pub(super) fn start(&mut self, path: &SecretPath) -> Result<Draft, VaultError> {
        let mut notes = Vec::new();
        let draft = self.vault().draft_for(path, self.now(), &mut notes)?;
        notes.into_iter().for_each(|note| self.note(note));
        Ok(draft)
    }

    /// Starts the next version of a secret, whatever became of it.
    pub(super) fn start_as_it_is(&mut self, path: &SecretPath) -> Result<Draft, VaultError> {
        self.vault().check_no_journal(path)?;
        let basis = self.vault().basis(path)?.ok_or_else(|| self.vault().unknown(path))?;
        basis.note.into_iter().for_each(|note| self.note(note));
        Ok(basis.draft)
    }

    /// Starts the next version of a secret that lives.
    pub(super) fn start_living(&mut self, path: &SecretPath) -> Result<Draft, VaultError> {
        let draft = self.start_as_it_is(path)?;
        match draft.document.state() {
            State::Live => Ok(draft),
            State::Deleted => Err(VaultError::Deleted { name: path.to_string(), bare: false }),
            State::Moved(to) => Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
    }

    /// Starts the next version at `path` and applies `edit`.
    pub(super) fn begin(&mut self, path: &SecretPath, mut edit: Edit) -> Result<Begun, VaultError> {
        let mut draft = self.start(path)?;
        let born = draft.parents.is_empty();
        let existed = draft.parents.iter().any(|(_, manifest)| manifest.state == State::Live);
        if !existed {
            super::keys::check_place(path)?;
        }
        let differs = |field: &FieldEdit| {
            let before = read::field(&draft.document, &field.name, self.now());
            let before = before.iter().flat_map(|view| &view.writes).filter_map(|write| write.value.present());
            before.into_iter().any(|value| Some(value) != field.value.as_ref())
        };
        let overwritten = edit.fields.iter().any(differs);
        self.end_past_expiry(&draft.document, &mut edit)?;
        let changed = self.vault().apply(&mut draft, edit, self.now())?;
        Ok(Begun { existed, overwritten, draft: (changed || born || draft.joins()).then_some(draft) })
    }
}
