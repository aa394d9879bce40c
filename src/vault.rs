//! THE USE-CASES: one verb a file, plain values in, plain values out.
//!
//! No terminal, no environment, no clock: the time is handed in.

pub mod accept;
pub mod access;
mod advice;
pub mod amend;
pub mod approve;
mod arrival;
mod basis;
pub mod branch;
mod carry;
pub mod check;
pub mod doctor;
pub mod draft;
mod dropped;
pub mod edit;
pub mod env;
pub mod error;
pub mod expose;
pub mod gone;
pub mod grant;
pub mod group;
mod heal;
pub mod history;
pub mod hooks;
pub mod import;
pub mod init;
pub mod invite;
pub mod join;
pub mod keys;
pub mod leave;
mod let_go;
pub mod list;
pub mod machine;
pub mod merge;
pub mod misplaced;
pub mod open;
mod parts;
mod put_back;
pub mod questions;
pub mod read;
pub mod references;
pub mod rekey;
pub mod remove;
pub mod requests;
pub mod resolve;
pub mod restore;
pub mod rotate;
pub mod scan;
mod sealed;
pub mod set;
pub mod setup;
pub mod share;
pub mod status;
pub mod sync;
pub mod textconv;
mod trunk;
pub mod trust;
mod under;
pub mod verify;
pub mod version;
pub mod who;
pub mod write;
pub mod wrong;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;

pub use error::{Kind, VaultError};
pub use trunk::Doubt;

use crate::home::{Home, Keys, OwnSigner};
use crate::model::bytes::Hash;
use crate::model::card::{Card, Recipient};
use crate::model::manifest::MemberRef;
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::repo::{ObjectId, Repo, VaultPlace};

/// The name of the folder that makes a repository's folder a vault.
pub const FOLDER: &str = ".covault";

/// An accepted vault in a repository, seen from this machine.
pub struct Vault {
    repo: Repo,
    home: Home,
    /// Path of the `.covault` folder from the work tree's top, such as `.covault` or `api/.covault`.
    root: String,
    roster: Roster,
    /// Git's name of the roster's blob.
    roster_blob: String,
    /// Members whose removal was seen elsewhere: on the trunk, or in another clone.
    gone: BTreeSet<MemberName>,
    /// Somebody who extended this branch's roster and is no admin on the trunk.
    forked_by: Option<String>,
    /// What the trunk knows and this branch does not.
    ahead: Option<trunk::Ahead>,
    /// What this clone saw of the trunk.
    trunk: trunk::View,
    keys: OnceCell<Own>,
    signer: OnceCell<Option<OwnSigner>>,
    /// Which secret has which key; read once.
    intents: OnceCell<keys::Intents>,
}

/// One's keys, and whose they are.
struct Own {
    keys: Keys,
    me: Option<Me>,
}

/// Oneself in the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Name and card.
    pub reference: MemberRef,
    /// Which of the card's devices this machine is.
    pub device: usize,
    /// That device's recipient.
    pub recipient: Recipient,
}

impl Vault {
    /// Finds the vault above `start`, checks its roster and that this machine accepted it. `expected` is an id (or its
    /// words) to insist on, with the hash of a roster entry that must be in the chain after an `@`.
    ///
    /// A vault that nobody accepted is [`crate::home::HomeError::NoIdentity`] on a machine without any key.
    pub fn open(start: &Path, home: Home, expected: Option<&str>) -> Result<Self, VaultError> {
        let keyless = home.no_identity();
        Self::open_without_key(start, home, expected).map_err(|error| trust::key_first(keyless, error))
    }

    /// The same for who opens no secret and seals none: a vault that nobody accepted is [`VaultError::UnknownVault`],
    /// which names how to accept it, whether there is a key or not.
    pub fn open_without_key(start: &Path, home: Home, expected: Option<&str>) -> Result<Self, VaultError> {
        let repo = Repo::discover(start)?;
        let root = root_above(&repo, Some(&home), start)?;
        let accepted = trust::load_roster(&repo, &home, &root, expected.into())?;
        Ok(Self {
            repo,
            home,
            root,
            roster: accepted.roster,
            roster_blob: accepted.blob,
            gone: accepted.gone,
            forked_by: accepted.forked_by,
            ahead: accepted.ahead,
            trunk: accepted.trunk,
            keys: OnceCell::new(),
            signer: OnceCell::new(),
            intents: OnceCell::new(),
        })
    }

    /// Who is in the vault.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The git repository.
    pub(crate) fn repo(&self) -> &Repo {
        &self.repo
    }

    /// This machine.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The repository's top folder.
    pub fn work_dir(&self) -> Option<&Path> {
        self.repo.work_dir()
    }

    /// Path of the vault's folder from the top, such as `.covault`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The vault's id as words.
    pub fn words(&self) -> String {
        words(self.roster.vault)
    }

    /// Where the file of a secret or journal is, from the top.
    pub fn file(&self, path: &SecretPath) -> String {
        format!("{}/{}", self.root, path.file())
    }

    /// The secret or journal whose file this is.
    pub fn path_of(&self, file: &str) -> Option<SecretPath> {
        sealed::path_of(&self.root, file)
    }

    /// One's keys; read once.
    pub fn keys(&self) -> Result<&Keys, VaultError> {
        Ok(&self.own()?.keys)
    }

    /// The key that one signs with, if there is one; read once, and only where something is signed or shown.
    pub fn signer(&self) -> Result<Option<&OwnSigner>, VaultError> {
        if let Some(signer) = self.signer.get() {
            return Ok(signer.as_ref());
        }
        let signer = self.home.signer()?;
        Ok(self.signer.get_or_init(|| signer).as_ref())
    }

    /// Oneself, if one is a member.
    pub fn me(&self) -> Result<&Me, VaultError> {
        self.own()?.me.as_ref().ok_or_else(|| self.not_a_member())
    }

    /// A setting of this clone or person, such as `covault.commit`.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.repo.config_str(key)
    }

    /// Whether this machine has an identity at all.
    pub fn has_identity(&self) -> bool {
        self.home.has_identity()
    }

    /// Who oneself was in the vault, by the card that one's keys are on; nothing for a stranger, and for who still is
    /// in.
    pub(crate) fn was_member(&self) -> Option<MemberName> {
        let own = self.own().ok().filter(|own| own.me.is_none())?;
        let recipients = own.keys.recipients();
        let is_mine = |card: &&Card| card.devices.iter().any(|device| recipients.contains(&device.recipient));
        self.roster.cards().find(is_mine).map(|card| card.name.clone())
    }

    fn not_a_member(&self) -> VaultError {
        VaultError::NotAMember(self.home.identity_name())
    }

    fn own(&self) -> Result<&Own, VaultError> {
        if let Some(own) = self.keys.get() {
            return Ok(own);
        }
        let keys = self.home.keys()?;
        let me = find_me(&self.roster, &keys.recipients());
        Ok(self.keys.get_or_init(|| Own { keys, me }))
    }
}

/// Path of the `.covault` folder above `start`, from the top.
fn root_above(repo: &Repo, home: Option<&Home>, start: &Path) -> Result<String, VaultError> {
    root_if_any(repo, start)?.ok_or_else(|| branch::no_vault(repo, home, start))
}

/// The same for who knows where else to look: `None` where there is no vault in the work tree.
fn root_if_any(repo: &Repo, start: &Path) -> Result<Option<String>, VaultError> {
    match repo.find_vault(start)? {
        VaultPlace::Found(place) => Ok(Some(root_at(&place))),
        VaultPlace::Below(mut places) => {
            // One that git has at this folder or above it lacks its roster on the disk: it is not below.
            let above = put_back::roots_above(&repo.prefix(start)?);
            places.retain(|place| !above.contains(&root_at(place)));
            if places.is_empty() { Ok(None) } else { Err(VaultError::SeveralVaults(places)) }
        }
        VaultPlace::None => Ok(None),
    }
}

/// The vault's folder in a folder, from the top.
fn root_at(folder: &str) -> String {
    if folder.is_empty() { FOLDER.to_owned() } else { format!("{folder}/{FOLDER}") }
}

/// Path of the `.covault` folder above `start` in the first of `commits` that has one, from the top.
fn root_in(repo: &Repo, start: &Path, commits: &[ObjectId]) -> Result<Option<String>, VaultError> {
    let prefix = repo.prefix(start)?;
    for commit in commits {
        let mut dir = Some(prefix.as_str());
        while let Some(here) = dir {
            let root = root_at(here);
            if repo.tree_at(*commit, &root)?.is_some() {
                return Ok(Some(root));
            }
            dir = match here.rsplit_once('/') {
                Some((above, _)) => Some(above),
                None if here.is_empty() => None,
                None => Some(""),
            };
        }
    }
    Ok(None)
}

/// A vault's id as six words (66 bits), for people to compare.
pub fn words(vault: Hash) -> String {
    crate::model::words::words(&vault.0, 6)
}

fn find_me(roster: &Roster, own: &[Recipient]) -> Option<Me> {
    let mut places = roster.members().flat_map(|member| {
        let devices = member.card.devices.iter().enumerate();
        devices.map(move |(n, device)| (member, n, &device.recipient))
    });
    let (member, device, recipient) = places.find(|(_, _, recipient)| own.contains(recipient))?;
    Some(Me { reference: member.reference(), device, recipient: recipient.clone() })
}
