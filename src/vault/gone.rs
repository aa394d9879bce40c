//! What went with a deletion that an unseen edit outlived: it is named, and brought back from the versions that had it.
//!
//! The edit brings back what it was made beside. What the deleter had changed before that has no value in the document
//! any more, only its name in the tombstone.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::draft::Draft;
use super::restore::{document_has_key, is_of_provider};
use super::write::{How, Report, Writing};
use super::{Vault, VaultError};
use crate::model::bytes::Hash;
use crate::model::document::Document;
use crate::model::names::MemberName;
use crate::model::read::newest_first;
use crate::model::register::{Key, Value, Write};
use crate::model::time::Time;

/// What went with a deletion, for people: fields by their names, the rest as `meta.url` or `tag.web`.
pub fn gone(document: &Document) -> Vec<String> {
    document.gone_with_deletion().keys().map(shown).collect()
}

fn shown(key: &Key) -> String {
    match key {
        Key::Field(name) => name.to_string(),
        key => key.to_text(),
    }
}

impl Vault {
    /// `restore` of a secret that an edit kept alive: what went with the deletion comes back beside the edit.
    pub(super) fn restore_gone(
        &self,
        mut writing: Writing<'_>,
        mut draft: Draft,
        how: &How,
    ) -> Result<Report, VaultError> {
        let (mut notes, path) = (Vec::new(), draft.document.path.clone());
        let changed = self.bring_back_gone(&mut draft, how.now, &mut notes)?;
        notes.into_iter().for_each(|note| writing.note(note));
        if !changed {
            let mut report = super::setup::nothing_written(how);
            report.notes = writing.into_notes();
            return Ok(report);
        }
        writing.finish(&[draft], Vec::new(), &format!("covault: restore what was deleted of {path}"))
    }

    /// Brings back what went with a deletion, where a commit here has it; whether that was anything. The rest is noted.
    pub(super) fn bring_back_gone(
        &self,
        draft: &mut Draft,
        now: Time,
        notes: &mut Vec<String>,
    ) -> Result<bool, VaultError> {
        let path = draft.document.path.clone();
        let mut missing = draft.document.gone_with_deletion();
        if missing.is_empty() {
            return Ok(false);
        }
        let (mut found, mut versions, mut issued): (Vec<(Key, Write)>, BTreeSet<Hash>, Vec<Key>) = Default::default();
        let has_key = document_has_key(&draft.document);
        self.trail(&path, None, &mut |commit| {
            for (there, blob) in commit.changes.iter().filter_map(|it| self.path_of(&it.path).zip(it.after)) {
                // What is damaged, or sealed to others, brings nothing back.
                let version = self.version_of_blob(blob, &there).ok();
                let Some(old) = version.and_then(|version| self.open_version(&version).ok()) else { continue };
                let is_issued = has_key || document_has_key(&old.document);
                missing.retain(|key, names| {
                    let register = old.document.register(key);
                    let writes = register.map(|it| newest_first(it, old.manifest.at)).unwrap_or_default();
                    let Some(write) = writes.into_iter().find(|write| names.contains(&write.name())) else {
                        return true;
                    };
                    if is_issued && is_of_provider(key) {
                        issued.push(key.clone());
                    } else {
                        found.push((key.clone(), write.clone()));
                        versions.insert(old.hash);
                    }
                    false
                });
            }
            Ok(if missing.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        for (key, write) in &found {
            self.put_back(&mut draft.document, key, Some(write), now)?;
        }
        let names = |keys: &mut dyn Iterator<Item = &Key>| keys.map(shown).collect::<Vec<_>>().join(", ");
        let mut say = |names: String, what: &str| {
            if !names.is_empty() {
                notes.push(format!("{path}: {names} went with the deletion {what}"));
            }
        };
        let present = found.iter().filter(|(_, write)| write.value != Value::Absent);
        say(names(&mut present.map(|(key, _)| key)), "and is back");
        say(names(&mut issued.iter()), "and stays away: a provider issues its key, and old ones do not come back");
        say(names(&mut missing.keys()), "and is in no commit of this branch that opens");
        // As with every old value that comes back.
        let knew = versions.iter().flat_map(|version| self.who_knew(*version, &path, &draft.shares.holders()));
        let knew: BTreeSet<MemberName> = knew.collect();
        if !knew.is_empty() {
            let who = knew.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
            notes.push(format!("{who} could read the old values of {path}: covault rotate {path} gives it new ones"));
        }
        Ok(!found.is_empty())
    }
}
