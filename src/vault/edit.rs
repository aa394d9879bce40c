//! `edit`: a secret as a sheet, and a changed sheet as an edit. The editor is started elsewhere.

use super::set::{Edit, FieldEdit};
use super::{Vault, VaultError};
use crate::model::bytes::Hash;
use crate::model::keys::record::is_record;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::sheet::Sheet;
use crate::plaintext::Plaintext;
use zeroize::Zeroizing;

impl Vault {
    /// The sheet of a living secret, or an empty one for a new name.
    /// With it come the versions that it shows.
    pub fn sheet(&self, path: &SecretPath) -> Result<(Sheet, Vec<Hash>), VaultError> {
        self.check_no_journal(path)?;
        let Some(version) = self.current_by_name(path)? else {
            self.check_free(path)?;
            return Ok((Sheet::default(), Vec::new()));
        };
        if version.manifest().state == State::Deleted {
            return Ok((Sheet::default(), Vec::new()));
        }
        let secret = self.secret(path)?;
        let seen = secret.names();
        let mut sheet = Sheet {
            meta: read::metadata(&secret.document, secret.manifest.at)
                .into_iter()
                // What a provider issued is no text to be edited.
                .filter(|(name, _)| !is_record(name.as_str()))
                .map(|(name, value)| (name.clone(), value.to_owned()))
                .collect(),
            tags: read::tags(&secret.document).into_iter().cloned().collect(),
            ..Sheet::default()
        };
        for field in secret.fields() {
            let Some(write) = field.newest() else { continue };
            let Some(text) = write.value.as_text() else {
                let bytes = write.value.present().map_or(0, Plaintext::len);
                sheet.kept.insert(field.name.clone(), bytes);
                continue;
            };
            let side = if write.plain { &mut sheet.plain } else { &mut sheet.secret };
            side.insert(field.name.clone(), Zeroizing::new(text.to_owned()));
        }
        Ok((sheet, seen))
    }
}

/// The edit that leads from one sheet to another.
pub fn between(before: &Sheet, after: &Sheet) -> Edit {
    let mut edit = Edit { may_show: true, ..Edit::default() };
    for (plain, old, new) in [(false, &before.secret, &after.secret), (true, &before.plain, &after.plain)] {
        for (name, value) in new {
            if old.get(name) != Some(value) {
                let value = Some(Plaintext::from_text(value));
                edit.fields.push(FieldEdit { name: name.clone(), value, plain });
            }
        }
    }
    let kept = |name| after.secret.contains_key(name) || after.plain.contains_key(name);
    for name in before.secret.keys().chain(before.plain.keys()).filter(|name| !kept(name)) {
        edit.fields.push(FieldEdit { name: name.clone(), value: None, plain: false });
    }
    for (name, value) in &after.meta {
        if before.meta.get(name) != Some(value) {
            edit.meta.push((name.clone(), Some(value.clone())));
        }
    }
    edit.meta.extend(before.meta.keys().filter(|name| !after.meta.contains_key(name)).map(|name| (name.clone(), None)));
    edit.tags.extend(after.tags.iter().filter(|tag| !before.tags.contains(tag)).map(|tag| (tag.clone(), true)));
    edit.tags.extend(before.tags.iter().filter(|tag| !after.tags.contains(tag)).map(|tag| (tag.clone(), false)));
    edit
}
