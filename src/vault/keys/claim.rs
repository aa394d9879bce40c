//! Whether a key at a provider is the one that a secret's record speaks of.
//!
//! Who writes a secret writes its record, and may not manage keys: an id alone would let them have somebody who does delete
//! any key of the account. So a key is touched where its own name, which its maker gave it, says the same as the record. A
//! secret keeps its key where it moves, and its old name may have another secret since: then it counts who else has the
//! intent, and where what was at the old name went.

use std::collections::BTreeSet;

use super::KeyError;
use super::desk::value_writes;
use super::settle::records_of;
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::record::Retired;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::providers::RemoteKey;
use crate::seal;
use crate::vault::read::Secret;
use crate::vault::{Vault, VaultError, sealed};

/// How many names are followed; more moves than this lead nowhere.
const NAMES: usize = 64;

/// Which secret that lives has which keys, or had them, by their records.
pub(in crate::vault) struct Intents {
    read: Vec<(SecretPath, BTreeSet<Intent>)>,
    /// Those of which one cannot know.
    unread: Vec<SecretPath>,
}

impl Vault {
    /// Refuses a key whose name is that of another secret, vault or intent. A name that is not ours (a key that was taken in)
    /// says nothing: then the secret's value has to look as the provider says that the key does.
    ///
    /// # Errors
    /// `OtherKey`, and those of opening the secret.
    pub(super) fn check_claim(&self, path: &SecretPath, intent: &Intent, key: &RemoteKey) -> Result<(), VaultError> {
        let is_it = match KeyName::parse(&key.name) {
            Some(name) => self.is_claimed(path, intent, &name)?,
            None => self.looks_like(path, &key.label)?,
        };
        if is_it {
            return Ok(());
        }
        Err(KeyError::OtherKey { path: path.to_string(), id: key.id.to_string(), name: key.name.clone() }.into())
    }

    /// Whether a name of ours is that of this wish for a key, and the wish is this secret's: nobody else's record has it, or
    /// none of a secret that can have come from the name which the key has.
    fn is_claimed(&self, path: &SecretPath, intent: &Intent, name: &KeyName) -> Result<bool, VaultError> {
        if !name.is_of(self.roster().vault) || name.intent != *intent {
            return Ok(false);
        }
        let known = self.intents()?;
        let held = known.read.iter().filter(|(other, intents)| other != path && intents.contains(intent));
        let held: Vec<&SecretPath> = held.map(|(other, _)| other).collect();
        let unread: Vec<&SecretPath> = known.unread.iter().filter(|other| *other != path).collect();
        if held.is_empty() && (unread.is_empty() || self.now_at(&name.path)? == *path) {
            return Ok(true);
        }
        let places = self.places_of(&name.path)?;
        Ok(places.contains(path) && held.into_iter().chain(unread).all(|other| !places.contains(other)))
    }

    /// Which secret that lives has which keys, or had them.
    fn intents(&self) -> Result<&Intents, VaultError> {
        if let Some(known) = self.intents.get() {
            return Ok(known);
        }
        let names = self.live_names()?;
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for (name, opened) in names.iter().zip(self.open_many(&names, &|| ())?) {
            match opened {
                Ok(secret) => read.push((name.clone(), intents_of(&secret))),
                Err(_) => unread.push(name.clone()),
            }
        }
        Ok(self.intents.get_or_init(|| Intents { read, unread }))
    }

    /// Where what was at a name is now, as the tombstones say.
    fn now_at(&self, name: &SecretPath) -> Result<SecretPath, VaultError> {
        let mut place = name.clone();
        for _ in 0..NAMES {
            match self.current(&place)?.map(|version| version.manifest().state.clone()) {
                Some(State::Moved(next)) => place = next,
                _ => break,
            }
        }
        Ok(place)
    }

    /// Every name that what was at a name can have by now, also where another secret has taken the place of a tombstone since.
    fn places_of(&self, name: &SecretPath) -> Result<BTreeSet<SecretPath>, VaultError> {
        let (mut places, mut left) = (BTreeSet::new(), vec![name.clone()]);
        while let Some(place) = left.pop().filter(|_| places.len() < NAMES) {
            if !places.insert(place.clone()) {
                continue;
            }
            for entry in self.repo().history_walk("HEAD", &[&self.file(&place)])? {
                for blob in entry?.changes.iter().filter_map(|change| change.after) {
                    let manifests =
                        seal::peek_manifests(&sealed::bytes_or_none(self.repo(), blob)?).unwrap_or_default();
                    left.extend(manifests.into_iter().filter_map(|manifest| match manifest.state {
                        State::Moved(next) => Some(next),
                        State::Live | State::Deleted => None,
                    }));
                }
            }
        }
        Ok(places)
    }

    /// Whether the secret has a value that a masked form such as `sk-or-v1-0e6...c96` can be of.
    fn looks_like(&self, path: &SecretPath, label: &str) -> Result<bool, VaultError> {
        let secret = self.secret(path)?;
        Ok(value_writes(&secret)?.iter().any(|write| write.value.as_text().is_some_and(|text| fits(text, label))))
    }
}

/// Whether a key's text can be what the provider masks so.
pub(super) fn fits(text: &str, label: &str) -> bool {
    let ends = label.split_once("...").filter(|(begin, end)| !begin.is_empty() && !end.is_empty());
    ends.is_some_and(|(begin, end)| text.starts_with(begin) && text.ends_with(end))
}

fn intents_of(secret: &Secret) -> BTreeSet<Intent> {
    let retired = Retired::all_of(&secret.document, secret.manifest.at).into_iter().map(|old| old.intent);
    records_of(secret).into_iter().map(|record| record.intent).chain(retired).collect()
}
