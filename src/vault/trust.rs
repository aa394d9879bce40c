//! Whether the roster in front of us is the one that this machine accepted.
//!
//! It decides nothing about secrets; those are checked against the roster in [`super::read`].

use std::collections::BTreeSet;
use std::path::Path;

use super::{VaultError, words};
use crate::home::{Home, HomeError, Pin};
use crate::model::bytes::Hash;
use crate::model::card::Card;
use crate::model::names::MemberName;
use crate::model::roster::{self, Entry, Judge, MAX_ROSTER, Roster, RosterError, Signed};
use crate::repo::Repo;
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{self, SealError};

/// Key of the clone's own setting that says which vault is expected here.
pub const VAULT_SETTING: &str = "covault.vault";

/// A roster that was verified and accepted.
pub struct Accepted {
    /// What it says.
    pub roster: Roster,
    /// Git's name of its blob.
    pub blob: String,
    /// Members whose removal was seen elsewhere: on the trunk, or in another clone.
    pub gone: BTreeSet<MemberName>,
}

/// Reads, verifies and accepts the roster below `root`.
///
/// Accepted is what `expected` names (`COVAULT_VAULT`), else what this clone was set up for, else what this machine
/// has a pin of. A vault that nobody named is [`VaultError::UnknownVault`], or [`HomeError::NoIdentity`] on a machine
/// that could open nothing anyway.
pub fn load_roster(repo: &Repo, home: &Home, root: &str, expected: Option<&str>) -> Result<Accepted, VaultError> {
    let file = format!("{root}/roster.toml");
    let bytes = repo.read_work(&file, MAX_ROSTER as u64)?.ok_or(VaultError::NoVault)?;
    let entries = decode(&file, &bytes)?;
    let roster = add_up(&file, &entries)?;
    let digest = Hash::of(&bytes);
    let known_here = repo.config_str(&setting(root));
    let (pin, pin_file) = (home.pin(roster.vault)?, home.pin_file(roster.vault));
    match check_accepted(&file, &entries, &roster, expected, known_here.as_deref(), pin.as_ref().zip(Some(&*pin_file)))
    {
        // Without any key, which vault it is is not yet the question.
        Err(VaultError::UnknownVault { .. }) if !home.has_identity() => {
            return Err(HomeError::NoIdentity { looked: home.identity_file() }.into());
        }
        accepted => accepted?,
    }
    if !home.is_verified_roster(roster.vault, digest) {
        verify(&file, &entries)?;
        home.remember_roster(roster.vault, digest);
    }
    if pin.is_none() {
        // It was accepted by its name: from now on it is remembered. A machine that cannot remember still may read.
        let _ = home.set_pin(&Pin { vault: roster.vault, seq: roster.seq, head: roster.head });
    }
    Ok(Accepted { roster, blob: repo.blob_id(&bytes)?.to_string(), gone: BTreeSet::new() })
}

/// Reads and verifies a roster without asking whether anybody accepted it: for `setup`, which is about to ask.
pub fn verified_roster(repo: &Repo, root: &str) -> Result<Roster, VaultError> {
    let file = format!("{root}/roster.toml");
    let bytes = repo.read_work(&file, MAX_ROSTER as u64)?.ok_or(VaultError::NoVault)?;
    let entries = decode(&file, &bytes)?;
    verify(&file, &entries)
}

/// Decodes and verifies a roster's bytes; `file` is for the errors.
pub fn verified(file: &str, bytes: &[u8]) -> Result<Roster, VaultError> {
    verify(file, &decode(file, bytes)?)
}

/// The clone's setting for a vault: `covault.vault` at the top, `covault.FOLDER.vault` below.
pub fn setting(root: &str) -> String {
    match root.strip_suffix("/.covault") {
        Some(folder) => format!("covault.{folder}.vault"),
        None => VAULT_SETTING.to_owned(),
    }
}

/// Whether `text` (an id in hex or as words, anything after an `@` left out) names this vault.
pub fn names_vault(text: &str, vault: Hash) -> bool {
    let id = text.split('@').next().unwrap_or_default().trim();
    id.eq_ignore_ascii_case(&vault.to_string()) || crate::model::words::matches(id, &vault.0)
}

fn check_accepted(
    file: &str,
    entries: &[Entry],
    roster: &Roster,
    expected: Option<&str>,
    known_here: Option<&str>,
    pin: Option<(&Pin, &Path)>,
) -> Result<(), VaultError> {
    let other = |expected: &str| VaultError::OtherVault {
        file: file.to_owned(),
        found: words(roster.vault),
        expected: expected_words(expected),
    };
    if let Some(text) = expected {
        if !names_vault(text, roster.vault) {
            return Err(other(text));
        }
        if let Some((_, head)) = text.split_once('@').map(|(id, head)| (id, head.trim().to_lowercase()))
            && !entries.iter().any(|entry| entry.hash().to_string() == head)
        {
            return Err(VaultError::NoSuchEntry { file: file.to_owned(), head });
        }
    }
    if let Some(id) = known_here
        && !names_vault(id, roster.vault)
    {
        return Err(other(id));
    }
    if expected.is_none() && known_here.is_none() && pin.is_none() {
        return Err(VaultError::UnknownVault { words: words(roster.vault) });
    }
    match pin {
        Some((pin, pin_file)) if !entries.iter().any(|entry| entry.hash() == pin.head) => {
            let seen = pin_file.display().to_string();
            Err(VaultError::RosterRolledBack { file: file.to_owned(), seq: pin.seq, seen })
        }
        _ => Ok(()),
    }
}

fn expected_words(text: &str) -> String {
    Hash::from_hex(text.split('@').next().unwrap_or_default()).map_or_else(|| text.to_owned(), words)
}

fn decode(file: &str, bytes: &[u8]) -> Result<Vec<Entry>, VaultError> {
    roster::decode(bytes).map_err(|source| VaultError::Roster { file: file.to_owned(), source })
}

/// Checks every signature and rule of the chain and adds it up.
fn verify(file: &str, entries: &[Entry]) -> Result<Roster, VaultError> {
    Roster::build(entries, &mut Verifier).map_err(|error| error.of(file))
}

/// The same for a roster whose very bytes were verified before.
fn add_up(file: &str, entries: &[Entry]) -> Result<Roster, VaultError> {
    Roster::from_entries(entries).map_err(|source| VaultError::Roster { file: file.to_owned(), source })
}

/// Checks signatures and keys with real cryptography.
struct Verifier;

/// Why a chain is refused, before it is known which file it is in.
enum ChainError {
    Rule(RosterError),
    Signature { seq: u64, source: SealError },
    Signer { seq: u64 },
}

impl From<RosterError> for ChainError {
    fn from(error: RosterError) -> Self {
        Self::Rule(error)
    }
}

impl ChainError {
    fn of(self, file: &str) -> VaultError {
        let file = file.to_owned();
        match self {
            Self::Rule(source) => VaultError::Roster { file, source },
            Self::Signature { seq, source } => VaultError::RosterSignature { file, seq, source },
            Self::Signer { seq } => VaultError::RosterSigner { file, seq },
        }
    }
}

impl Judge for Verifier {
    type Error = ChainError;

    fn signature(
        &mut self,
        seq: u64,
        what: Signed,
        signer: &Card,
        message: &str,
        signature: &[u8],
    ) -> Result<(), ChainError> {
        let namespace = match what {
            Signed::Entry => Namespace::Roster,
            Signed::Card => Namespace::Card,
        };
        let key = sshsig::verify(signature, namespace, message.as_bytes())
            .map_err(|source| ChainError::Signature { seq, source })?
            .to_public();
        if signer.signing_keys().any(|own| *own == key) { Ok(()) } else { Err(ChainError::Signer { seq }) }
    }

    fn card(&mut self, seq: u64, card: &Card) -> Result<(), ChainError> {
        check_card(card).map_err(|source| ChainError::Signature { seq, source })
    }
}

/// Whether the keys of a card are fit for use.
pub fn check_card(card: &Card) -> Result<(), SealError> {
    for device in &card.devices {
        seal::check_recipient(&device.recipient)?;
        if let Some(signing) = &device.signing {
            seal::VerifyingPublic::parse(signing)?;
        }
    }
    Ok(())
}
