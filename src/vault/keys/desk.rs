//! What an operation at a provider has around it: the vault, opened afresh for each step; the provider; time.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::Path;

use super::beside::ROTATIONS;
use super::{JOURNAL, KeyError, PROVIDERS};
use crate::home::Home;
use crate::model::keys::intent::Intent;
use crate::model::keys::operation::Operation;
use crate::model::keys::record::{KeyRecord, PROVIDER};
use crate::model::manifest::State;
use crate::model::names::{FieldName, SecretPath};
use crate::model::register::{Key, Write};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::{self, Capabilities, Provider, Settings};
use crate::repo::{Pushed, RepoError, Upstream};
use crate::vault::read::Secret;
use crate::vault::sync::{Synced, Syncing, sync};
use crate::vault::write::How;
use crate::vault::{Vault, VaultError};

/// How often a push is tried that others are faster than.
const TIMES: usize = 8;

/// What an operation has around it.
pub struct Desk<'a> {
    /// Opens the vault afresh.
    pub open: &'a dyn Fn() -> Result<Vault, VaultError>,
    /// The folder to begin in.
    pub start: &'a Path,
    /// The vault that is insisted on.
    pub expected: Option<&'a str>,
    /// This machine.
    pub home: &'a Home,
    /// Program, dry run.
    pub how: How,
    /// How providers are reached.
    pub settings: Settings,
    /// How long to wait before believing that an unanswered request made nothing.
    pub settle: Duration,
    /// How long a new key may take until it works.
    pub patience: Duration,
    /// Tells the time.
    pub clock: &'a dyn Fn() -> Time,
    /// Waits.
    pub sleep: &'a dyn Fn(Duration),
    /// Says what goes on, a line at a time.
    pub say: &'a dyn Fn(&str),
    /// What was written last.
    pub written: Written,
}

/// Operations as this desk wrote or saw them last, by their names: what is there must be that, or somebody else who works
/// in the same clone has gone on with it.
#[derive(Debug, Default)]
pub struct Written(RefCell<BTreeMap<Intent, String>>);

impl Written {
    pub(super) fn note(&self, op: &Operation) {
        self.0.borrow_mut().insert(op.id.clone(), op.to_text());
    }

    pub(super) fn forget(&self, op: &Operation) {
        self.0.borrow_mut().remove(&op.id);
    }

    pub(super) fn of(&self, op: &Operation) -> Option<String> {
        self.0.borrow().get(&op.id).cloned()
    }
}

impl Desk<'_> {
    /// The vault as it is now.
    pub fn vault(&self) -> Result<Vault, VaultError> {
        (self.open)()
    }

    /// How a step is written.
    pub(super) fn how(&self) -> How {
        How { now: self.now(), ..self.how.clone() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        (self.clock)()
    }

    /// A provider, with the management key that the vault has for it.
    pub fn provider(&self, vault: &Vault, name: &str) -> Result<Box<dyn Provider>, VaultError> {
        let known = known_provider(name)?;
        let key = if known.issues { Some(management_key(vault, known.name)?) } else { None };
        let provider = providers::connect(known.name, &self.settings, key).map_err(KeyError::Provider)?;
        Ok(provider.ok_or_else(|| KeyError::UnknownProvider(name.to_owned()))?)
    }

    /// Brings what is committed to where others see it: the branch's upstream, else a branch of its own.
    pub(super) fn share(&self, path: &SecretPath) -> Result<(), VaultError> {
        self.share_while(path, &|| Ok(()))
    }

    /// The same while `holds`, which is asked before each push, and so of all that others were faster with.
    pub(super) fn share_while(
        &self,
        path: &SecretPath,
        holds: &dyn Fn() -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        for _ in 0..TIMES {
            holds()?;
            let vault = self.vault()?;
            let repo = vault.repo();
            let Some(upstream) = repo.exchanged_with()? else {
                // On no branch nothing can be pushed, and what is committed goes with the checkout.
                return match repo.remote_of_push() {
                    Some(remote) => Err(VaultError::NoRemote(format!("a commit that is on no branch (of {remote})"))),
                    None => Ok(()),
                };
            };
            match repo.push(&upstream) {
                Ok(Pushed::Done) => return Ok(()),
                Ok(Pushed::Behind) => self.bring(&upstream)?,
                Err(refused @ RepoError::Remote { .. }) => return self.share_beside(&vault, &upstream, path, refused),
                Err(error) => return Err(error.into()),
            }
        }
        Err(VaultError::Outpaced { remote: "the remote".to_owned(), times: TIMES })
    }

    /// Brings in what the upstream has.
    pub(super) fn bring(&self, upstream: &Upstream) -> Result<(), VaultError> {
        all_merged(&upstream.branch, &sync(&self.syncing(), &|| ())?)
    }

    fn syncing(&self) -> Syncing<'_> {
        Syncing {
            start: self.start,
            expected: self.expected,
            rebase: false,
            push: false,
            how: self.how(),
            open: self.open,
            home: self.home,
        }
    }

    /// Pushes to a branch of the operation's own.
    fn share_beside(
        &self,
        vault: &Vault,
        upstream: &Upstream,
        path: &SecretPath,
        refused: RepoError,
    ) -> Result<(), VaultError> {
        let head = vault.repo().head()?.commit.map(|commit| commit.to_string()).unwrap_or_default();
        let own = format!("{ROTATIONS}{path}");
        let another = format!("{own}-{}", head.chars().take(8).collect::<String>());
        for branch in [own, another] {
            let remote = upstream.remote.clone();
            let to = Upstream { tracking: String::new(), is_set: true, branch, remote };
            match vault.repo().push(&to) {
                Ok(Pushed::Done) => {
                    let there = format!("{}/{}", to.remote, to.branch);
                    (self.say)(&format!(
                        "{}/{} takes no push; what was written is on {there}: bring it to the trunk from there",
                        upstream.remote, upstream.branch
                    ));
                    return Ok(());
                }
                Ok(Pushed::Behind) => {}
                // What the upstream said is the reason that helps.
                Err(_) => break,
            }
        }
        Err(refused.into())
    }

    /// Asks the remote for what is new, the branches of others' rotations included.
    pub(super) fn fetch(&self) -> Result<(), VaultError> {
        let vault = self.vault()?;
        if let Some(upstream) = vault.repo().exchanged_with()? {
            vault.repo().fetch(&upstream.remote)?;
        }
        Ok(())
    }

    /// Whether the trunk, as this clone has heard of it, has this write of the secret's value, or one that replaced it. Where
    /// there is a remote and nobody knows which of its branches the trunk is, it has not.
    pub(super) fn is_on_trunk(&self, path: &SecretPath, write: &str) -> Result<bool, VaultError> {
        let vault = self.vault()?;
        let Some(trunk) = vault.repo().trunk()? else { return Ok(vault.repo().remote_of_push().is_none()) };
        let Some(version) = vault.version_at(trunk.commit, path)? else { return Ok(false) };
        let document = vault.open_version(&version)?.document;
        let field = Key::Field(value_field()?);
        Ok(document.register(&field).is_some_and(|register| {
            let live = register.live().any(|one| one.name().to_string() == write);
            live || register.replaced().iter().any(|name| name.to_string() == write)
        }))
    }

    /// Whether the trunk, as this clone has heard of it, has a secret that lives and has a value. Where there is a remote and
    /// nobody knows which of its branches the trunk is, it may.
    pub(super) fn trunk_gives_out(&self, path: &SecretPath) -> Result<bool, VaultError> {
        let vault = self.vault()?;
        let Some(trunk) = vault.repo().trunk()? else { return Ok(vault.repo().remote_of_push().is_some()) };
        let version = vault.version_at(trunk.commit, path)?.filter(|version| version.manifest().state == State::Live);
        version.map_or(Ok(false), |version| Ok(!value_writes(&vault.open_version(&version)?)?.is_empty()))
    }
}

fn all_merged(what: &str, synced: &Synced) -> Result<(), VaultError> {
    match synced.unmerged.first() {
        Some((file, why)) => Err(VaultError::Ongoing(format!("{what}: {file}: {why}"))),
        None => Ok(()),
    }
}

/// The secret that holds a provider's management key.
pub(super) fn management_path(provider: &str) -> Result<SecretPath, VaultError> {
    Ok(SecretPath::parse(&format!("{PROVIDERS}/{provider}"))?)
}

/// Where the journal of a secret is.
pub(super) fn journal_path(vault: &Vault, path: &SecretPath) -> Result<SecretPath, VaultError> {
    let name = crate::model::bytes::Hash::of(format!("{}\0{path}", vault.roster().vault).as_bytes());
    Ok(SecretPath::parse(&format!("{JOURNAL}/{}", name.short()))?)
}

/// The writes of the field that holds a key, the one to show first.
pub(super) fn value_writes(secret: &Secret) -> Result<Vec<&Write>, VaultError> {
    let field = value_field()?;
    Ok(secret.fields().into_iter().filter(|one| *one.name == field).flat_map(|one| one.writes).collect())
}

/// The field that holds a key.
pub(super) fn value_field() -> Result<FieldName, VaultError> {
    Ok(FieldName::parse("value")?)
}

fn management_key(vault: &Vault, provider: &str) -> Result<Plaintext, VaultError> {
    let path = management_path(provider)?;
    let secret = match vault.secret(&path) {
        Ok(secret) => secret,
        Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. }) => {
            return Err(KeyError::NoManagementKey(provider.to_owned()).into());
        }
        Err(error) => return Err(error),
    };
    let field = secret.field(Some(&value_field()?))?;
    let value = field.newest().and_then(|write| write.value.present());
    let value = value.ok_or_else(|| KeyError::NoManagementKey(provider.to_owned()))?;
    Ok(Plaintext::new(value.expose().to_vec()))
}

/// The provider of this name.
pub(super) fn known_provider(name: &str) -> Result<&'static Capabilities, KeyError> {
    Capabilities::named(name).ok_or_else(|| KeyError::UnknownProvider(name.to_owned()))
}

/// A secret's record and its provider.
pub fn record_of(secret: &Secret) -> Result<(&'static Capabilities, KeyRecord), VaultError> {
    let path = || secret.document.path.to_string();
    let name = secret.meta(PROVIDER).ok_or_else(|| KeyError::NotIssued(path()))?;
    let provider = known_provider(name)?;
    let record = KeyRecord::of(&secret.document, secret.manifest.at);
    Ok((provider, record.ok_or_else(|| KeyError::BadRecord(path()))?))
}
