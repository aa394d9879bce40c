//! Keys without an API: a person makes them, types them in, and takes the old ones away. What is still to be done is
//! remembered with the secret, so that status and expose list it.

use std::collections::BTreeSet;

use super::begin::{check_place, eight};
use super::desk::{Desk, record_of, value_field};
use super::{Issuing, KeyError};
use crate::model::document::Document;
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::record::{KEY, KeyRecord, PROVIDER, Retired, Standing, is_record};
use crate::model::manifest::State;
use crate::model::names::{MetaName, SecretPath, Subject};
use crate::model::read;
use crate::model::register::{Key, Value};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::Capabilities;
use crate::vault::draft::Draft;
use crate::vault::set::{Edit, check_meta};
use crate::vault::setup::nothing_written;
use crate::vault::write::{Report, Writing, random};
use crate::vault::{Vault, VaultError};

impl Desk<'_> {
    /// Refuses what no first key could be kept for, before a person is asked for one.
    ///
    /// # Errors
    /// `Exists`, `BadMeta`, `Cannot` where limits are asked for that nobody would hold, and those of somebody who may not write.
    pub fn check_first(&self, wanted: &Issuing, provider: &Capabilities) -> Result<(), VaultError> {
        let vault = self.vault()?;
        vault.may_write()?;
        wanted.check()?;
        check_place(&wanted.path)?;
        self.check_expiry(wanted.expires)?;
        if !wanted.limits.is_empty() || !wanted.alerts.is_empty() {
            return Err(KeyError::Cannot { provider: provider.title.to_owned(), what: "hold limits" }.into());
        }
        vault.check_can_be_made(&wanted.path, false, self.now())?;
        match vault.newest(&wanted.path)?.is_some_and(|version| version.manifest().state == State::Live) {
            true => Err(VaultError::Exists(wanted.path.to_string())),
            false => Ok(()),
        }
    }

    /// Keeps a first key that a person made.
    ///
    /// # Errors
    /// `Exists`, `Reserved`, `Ended`, `Cannot` where limits are asked for that nobody would hold, and those of writing.
    pub fn keep_first(&self, wanted: &Issuing, provider: &Capabilities, key: Plaintext) -> Result<Report, VaultError> {
        self.check_first(wanted, provider)?;
        let (vault, how) = (self.vault()?, self.how());
        let mut writing = vault.writing(&how)?;
        let mut draft = writing.start(&wanted.path)?;
        let record = first_record(&vault, &wanted.path, wanted.expires, how.now);
        put_key(&vault, &mut draft, record, key, how.now)?;
        for (name, value) in
            [(PROVIDER, Some(provider.name)), ("kind", Some("api-key")), ("env", wanted.env.as_deref())]
        {
            vault.put_meta(&mut draft.document, name, value, how.now)?;
        }
        let me = vault.me()?.reference.name.clone();
        for subject in &wanted.share {
            let subject = Subject::parse(subject)?;
            vault.known(&subject)?;
            draft.shares.put(subject, true, me.clone(), how.now, random());
        }
        writing.finish(&[draft], Vec::new(), &format!("covault: issue {}", wanted.path))
    }

    /// Keeps a new key that a person made; the old one is to be taken away by hand.
    ///
    /// # Errors
    /// `NotIssued`, `SameValue`, and those of writing.
    pub fn keep_next(&self, path: &SecretPath, key: Plaintext, reason: &str) -> Result<Report, VaultError> {
        let (vault, how) = (self.vault()?, self.how());
        let mut writing = vault.writing(&how)?;
        let mut draft = writing.start_living(path)?;
        if let Some(end) = replace_by_hand(&vault, &mut draft, key, reason, how.now)? {
            writing.note(format!(
                "the key before it was to end at {end}; say when the new one does with: covault set {path} --expires WHEN"
            ));
        }
        writing.finish(&[draft], Vec::new(), &format!("covault: rotate {path}"))
    }

    /// Notes what a person did or is to do about keys that Covault cannot take away, or does not: with `done` they are
    /// gone by that person's word, else the key in use is to go.
    ///
    /// # Errors
    /// `NotIssued`, `Open`, and those of writing.
    pub fn by_hand(&self, path: &SecretPath, done: bool, reason: &str) -> Result<Report, VaultError> {
        let (vault, how) = (self.vault()?, self.how());
        let mut writing = vault.writing(&how)?;
        vault.check_nothing_open(path)?;
        match record_of(&vault.secret(path)?)?.1.standing {
            _ if done => {}
            // What is known to be gone does not become unknown again.
            Standing::Gone => return Err(KeyError::GoneAlready(path.to_string()).into()),
            Standing::ByHand => return Ok(nothing_written(&how)),
            Standing::Active | Standing::Disabled | Standing::Unknown => {}
        }
        let mut draft = writing.start_living(path)?;
        let message = match done {
            true => format!("covault: the old keys of {path} are gone"),
            false => format!("covault: let the key of {path} go"),
        };
        if done {
            self.check_gone(&vault, path)?;
            settle_by_hand(&vault, &mut draft, reason, how.now)?;
        } else {
            let_go(&mut writing, &mut draft, path, reason, how.now)?;
        }
        writing.finish(&[draft], Vec::new(), &message)
    }
}

impl Issuing {
    /// Refuses what would be found to be wrong only where the key is used: the provider has made it by then.
    pub(super) fn check(&self) -> Result<(), VaultError> {
        check_meta("env", self.env.as_deref())
    }
}

impl Desk<'_> {
    /// A provider that can be asked is asked: a person's word is for those that cannot.
    fn check_gone(&self, vault: &Vault, path: &SecretPath) -> Result<(), VaultError> {
        let secret = vault.secret(path)?;
        let (known, _) = record_of(&secret)?;
        if !known.revokes {
            return Ok(());
        }
        let provider = self.provider(vault, known.name)?;
        let Some(inspect) = provider.inspecting() else { return Ok(()) };
        for old in Retired::all_of(&secret.document, secret.manifest.at) {
            let Some(id) = old.id.filter(|_| matches!(old.standing, Standing::ByHand | Standing::Unknown)) else {
                continue;
            };
            if inspect.get(&id).map_err(KeyError::Provider)?.is_some() {
                let what = format!("key {} of {path} is still there ({id}): covault key revoke {path}", old.generation);
                return Err(KeyError::NeedsPerson(what).into());
            }
        }
        Ok(())
    }
}

/// The record of a first key.
fn first_record(vault: &Vault, path: &SecretPath, expires: Option<Time>, now: Time) -> KeyRecord {
    let intent = Intent::new(eight());
    KeyRecord {
        generation: 1,
        name: KeyName::new(vault.roster().vault, path.clone(), 1, intent.clone()).to_string(),
        intent,
        id: None,
        standing: Standing::Active,
        issued: now,
        updated: now,
        rotated: None,
        expires,
        limits: crate::model::keys::limit::Limits::default(),
        first: crate::model::keys::limit::Limits::default(),
        layers: std::collections::BTreeMap::new(),
        guardrail: None,
        alerts: BTreeSet::new(),
        reason: String::new(),
        before: crate::model::keys::amount::Amount::ZERO,
        write: String::new(),
    }
}

/// Puts a key and its record into a draft.
fn put_key(
    vault: &Vault,
    draft: &mut Draft,
    mut record: KeyRecord,
    key: Plaintext,
    now: Time,
) -> Result<(), VaultError> {
    let field = Key::Field(value_field()?);
    let write = vault.write_of(&field, Value::new(key), false, now)?;
    record.write = write.name().to_string();
    draft.document.put(&field, write);
    vault.put_meta(&mut draft.document, "expires", record.expires.map(|at| at.to_string()).as_deref(), now)?;
    vault.put_meta(&mut draft.document, KEY, Some(&record.to_text()), now).map(drop)
}

/// Replaces the key of a draft; the old one is to be taken away by hand. When that was to end is the answer: the new one may
/// end at another time, and nobody has said when.
pub(in crate::vault) fn replace_by_hand(
    vault: &Vault,
    draft: &mut Draft,
    key: Plaintext,
    reason: &str,
    now: Time,
) -> Result<Option<Time>, VaultError> {
    let path = draft.document.path.clone();
    let old = KeyRecord::of(&draft.document, now).ok_or_else(|| KeyError::BadRecord(path.to_string()))?;
    let field = Key::Field(value_field()?);
    let same = |register: &crate::model::register::Register| {
        register.live().any(|write| write.value.present().is_some_and(|value| *value == key))
    };
    if draft.document.register(&field).is_some_and(same) {
        return Err(VaultError::SameValue { name: path.to_string(), field: "value".to_owned() });
    }
    let mut retired = Retired::from_record(&old, None, now, reason);
    retired.standing = Standing::ByHand;
    let fresh = first_record(vault, &path, None, now);
    let generation = old.generation.saturating_add(1);
    let record = KeyRecord {
        generation,
        name: KeyName::new(vault.roster().vault, path, generation, fresh.intent.clone()).to_string(),
        rotated: Some(now),
        reason: reason.to_owned(),
        ..fresh
    };
    vault.put_meta(&mut draft.document, &retired.meta_name(), Some(&retired.to_text()), now)?;
    let end = old_end(&draft.document, now);
    put_key(vault, draft, record, key, now)?;
    Ok(end)
}

fn old_end(document: &Document, now: Time) -> Option<Time> {
    read::meta(document, read::EXPIRES, now).and_then(Time::parse)
}

/// A person says that what was to be done by hand is done.
fn settle_by_hand(vault: &Vault, draft: &mut Draft, reason: &str, now: Time) -> Result<(), VaultError> {
    let mut any = false;
    for mut old in Retired::all_of(&draft.document, now) {
        if matches!(old.standing, Standing::ByHand | Standing::Unknown) {
            (old.standing, old.gone, any) = (Standing::Gone, Some(now), true);
            if !reason.is_empty() {
                reason.clone_into(&mut old.reason);
            }
            vault.put_meta(&mut draft.document, &old.meta_name(), Some(&old.to_text()), now)?;
        }
    }
    if !any {
        return Err(KeyError::NothingOpen(draft.document.path.to_string()).into());
    }
    // Where the key in use was given up, its record says the same.
    let record = KeyRecord::of(&draft.document, now);
    if let Some(mut record) = record.filter(|record| matches!(record.standing, Standing::ByHand | Standing::Unknown)) {
        (record.standing, record.updated) = (Standing::Gone, now);
        vault.put_meta(&mut draft.document, KEY, Some(&record.to_text()), now)?;
    }
    Ok(())
}

/// The key in use is given up here, and may work on until a person takes it away.
fn let_go(
    writing: &mut Writing<'_>,
    draft: &mut Draft,
    path: &SecretPath,
    reason: &str,
    now: Time,
) -> Result<(), VaultError> {
    let vault = writing.vault();
    let mut record = KeyRecord::of(&draft.document, now).ok_or_else(|| KeyError::BadRecord(path.to_string()))?;
    let mut retired = Retired::from_record(&record, None, now, reason);
    retired.standing = Standing::ByHand;
    (record.standing, record.updated) = (Standing::ByHand, now);
    reason.clone_into(&mut record.reason);
    let field = Key::Field(value_field()?);
    draft.document.put(&field, vault.write_of(&field, Value::Absent, false, now)?);
    for (name, text) in [(retired.meta_name(), Some(retired.to_text())), (KEY.to_owned(), Some(record.to_text()))] {
        vault.put_meta(&mut draft.document, &name, text.as_deref(), now)?;
    }
    vault.put_meta(&mut draft.document, "expires", None, now).map(drop)
}

/// Refuses to write by hand what a provider issued: the record beside it would speak of another key.
pub(in crate::vault) fn check_not_issued(document: &Document, edit: &Edit, now: Time) -> Result<(), VaultError> {
    let value = value_field()?;
    let writes = edit.fields.iter().any(|field| field.name == value)
        || edit.meta.iter().any(|(name, _)| is_record(name.as_str()));
    let Some(record) = KeyRecord::of(document, now).filter(|record| record.standing.may_work()) else { return Ok(()) };
    if writes {
        return Err(KeyError::Issued(document.path.to_string()).into());
    }
    let here = record.expires.map(|at| at.to_string());
    let differs = |(name, value): &(MetaName, Option<String>)| name.as_str() == read::EXPIRES && *value != here;
    match ends_at_provider(document, now) && edit.meta.iter().any(differs) {
        true => Err(KeyError::EndsThere(document.path.to_string()).into()),
        false => Ok(()),
    }
}

/// Whether a secret's expiry is the end of a key that its provider was told as it was made: what is said here would be
/// something else.
pub(in crate::vault) fn ends_at_provider(document: &Document, now: Time) -> bool {
    let issues = read::meta(document, PROVIDER, now).and_then(Capabilities::named).is_some_and(|known| known.issues);
    issues && KeyRecord::of(document, now).is_some_and(|record| record.standing.may_work())
}

impl Vault {
    /// Refuses while something is under way at a provider for a secret: what goes on with it would not find it again.
    pub(in crate::vault) fn check_nothing_open(&self, path: &SecretPath) -> Result<(), VaultError> {
        if self.journals()?.is_empty() {
            return Ok(());
        }
        let open = self.operations()?.into_iter().find(|op| op.path == *path);
        open.map_or(Ok(()), |op| Err(super::begin::is_open(&op)))
    }

    /// Refuses to delete a secret with keys that nobody can take away but a person, and that only it remembers.
    ///
    /// # Errors
    /// `Outlived`, and those of opening it.
    pub fn check_none_outlives(&self, path: &SecretPath) -> Result<(), VaultError> {
        let secret = self.secret(path)?;
        let old = Retired::all_of(&secret.document, secret.manifest.at).into_iter();
        let keys: Vec<String> =
            old.filter(|old| old.standing.may_work()).map(|old| format!("key {}", old.generation)).collect();
        match keys.is_empty() {
            true => Ok(()),
            false => Err(KeyError::Outlived { path: path.to_string(), keys }.into()),
        }
    }

    /// Who issues the key of a secret, and its record, where somebody does.
    ///
    /// # Errors
    /// Those of opening it; `NotIssued`, `BadRecord`.
    pub fn issued(&self, path: &SecretPath) -> Result<(&'static Capabilities, KeyRecord), VaultError> {
        record_of(&self.secret(path)?)
    }
}
