//! Whether the roster in front of us is the one that this machine accepted.
//!
//! It decides nothing about secrets; those are checked against the roster in [`super::read`].

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::trunk::{Ahead, Findings, Here, View};
use super::{VaultError, put_back, words};
use crate::home::{Home, HomeError, RosterSum};
use crate::model::bytes::Hash;
use crate::model::card::Card;
use crate::model::names::MemberName;
use crate::model::roster::{self, Entry, Judge, MAX_ROSTER, Roster, RosterError, Signed};
use crate::repo::{ObjectId, Repo};
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
    /// Somebody who extended this branch's roster and is no admin on the trunk.
    pub(super) forked_by: Option<String>,
    /// What the trunk knows and this branch does not.
    pub(super) ahead: Option<Ahead>,
    /// What this clone saw of the trunk.
    pub(super) trunk: View,
}

/// Who says which vault to expect, beside what this clone and this machine remember.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// Nobody.
    Not,
    /// The environment (`COVAULT_VAULT`), which counts for every clone: what this one was set up for has to agree.
    Insisted(&'a str),
    /// A person, of this very clone: it takes the place of what the clone was set up for before.
    Told(&'a str),
}

impl<'a> From<Option<&'a str>> for Named<'a> {
    fn from(expected: Option<&'a str>) -> Self {
        expected.map_or(Self::Not, Self::Insisted)
    }
}

impl<'a> Named<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Not => None,
            Self::Insisted(text) | Self::Told(text) => Some(text),
        }
    }
}

/// Reads, verifies and accepts the roster below `root`.
///
/// Accepted is the vault that `named` and this clone's setting name, as far as they are there, else one that this
/// machine has a pin of. One that nobody named is [`VaultError::UnknownVault`]. Then it is compared with the trunk
/// (`trunk.rs`).
pub fn load_roster(repo: &Repo, home: &Home, root: &str, named: Named<'_>) -> Result<Accepted, VaultError> {
    let (roster, blob) = roster_here(repo, home, root, named)?;
    let here = Here { repo, home, root, roster: &roster, blob };
    let Findings { view, gone, forked_by, ahead } = here.judge()?;
    let gone = gone.iter().filter_map(|name| MemberName::parse(name).ok()).collect();
    Ok(Accepted { blob: blob.to_string(), roster, gone, forked_by, ahead, trunk: view })
}

/// What came of accepting a trunk that lost something which was seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The number of the roster's newest entry that counts from now on.
    pub seq: u64,
    /// Names of members whose removal was seen, and who are in by what was accepted.
    pub back: Vec<String>,
}

/// Accepts what the trunk holds now, after it was rewritten or rolled back; the vault's id stays what it was.
pub fn accept_trunk(repo: &Repo, home: &Home, root: &str, named: Named<'_>) -> Result<Acceptance, VaultError> {
    let (roster, blob) = roster_here(repo, home, root, named)?;
    Here { repo, home, root, roster: &roster, blob }.accept()
}

/// The verified roster in the work tree, of a vault that was named as the one to expect here, and git's name of its file.
fn roster_here(repo: &Repo, home: &Home, root: &str, named: Named<'_>) -> Result<(Roster, ObjectId), VaultError> {
    let file = format!("{root}/roster.toml");
    let bytes = Arc::new(repo.read_work(&file, MAX_ROSTER as u64)?.ok_or(VaultError::NoVault)?);
    let digest = Hash::of(&bytes);
    let read = || {
        if let Some((roster, blob)) = remembered(home, &bytes, digest) {
            check_vault(repo, home, root, (roster.vault, &bytes), named)?;
            let blob = repo.own_id(&blob).map_or_else(|| repo.blob_id(&bytes), Ok)?;
            return Ok::<_, VaultError>((roster, blob));
        }
        let entries = decode(&file, &bytes)?;
        check_vault(repo, home, root, (vault_of(&entries)?, &bytes), named)?;
        let roster = build_cached(home, &file, digest, &entries)?;
        let blob = repo.blob_id(&bytes)?;
        remember_sum(home, digest, &roster, &blob.to_string());
        Ok((roster, blob))
    };
    let (roster, blob) = match read() {
        // What lies there is what git made of two rosters.
        Err(source) if is_refused(&source) && repo.stages(&file)?.iter().any(Option::is_some) => {
            return Err(VaultError::RosterUnmerged { file, source: Box::new(source) });
        }
        Err(source) if is_refused(&source) && repo.converted_below(root)?.iter().any(|it| it.path() == file) => {
            return Err(VaultError::Converted { file });
        }
        Err(refused) if is_refused(&refused) => {
            return Err(match put_back::refused(repo, home, root) {
                Some(back) => VaultError::RosterHere { file, refused: Box::new(refused), back },
                None => refused,
            });
        }
        read => read?,
    };
    check_head(&file, &roster, named.text())?;
    Ok((roster, blob))
}

/// The vault of a chain: the hash of its first entry.
pub(super) fn vault_of(entries: &[Entry]) -> Result<Hash, VaultError> {
    entries.first().map(Entry::hash).ok_or(VaultError::NoVault)
}

/// What a roster's bytes added up to when they were verified, and git's name of them then.
fn remembered(home: &Home, bytes: &Arc<Vec<u8>>, digest: Hash) -> Option<(Roster, String)> {
    let vault = roster::vault_of(bytes)?;
    let RosterSum { blob, text } = home.roster_sum(vault, digest)?;
    let roster = Roster::from_sum(&text, Arc::clone(bytes)).filter(|roster| roster.vault == vault)?;
    Some((roster, blob))
}

/// Remembers what a roster added up to, after it was verified.
pub(super) fn remember_sum(home: &Home, digest: Hash, roster: &Roster, blob: &str) {
    if let Some(text) = roster.sum() {
        home.remember_sum(roster.vault, digest, &RosterSum { blob: blob.to_owned(), text });
    }
}

/// Whether it is the roster itself that is refused.
pub(super) fn is_refused(error: &VaultError) -> bool {
    matches!(error, VaultError::Roster { .. } | VaultError::RosterSignature { .. } | VaultError::RosterSigner { .. })
}

/// Whether a roster, with its vault and bytes, is of a vault that was named as the one to expect here.
pub(super) fn check_vault(
    repo: &Repo,
    home: &Home,
    root: &str,
    (vault, bytes): (Hash, &[u8]),
    named: Named<'_>,
) -> Result<Hash, VaultError> {
    let known_here = repo.config_str(&setting(root)).filter(|_| !matches!(named, Named::Told(_)));
    let file = format!("{root}/roster.toml");
    check_accepted(&file, bytes, vault, named.text(), known_here.as_deref(), home.pin(vault)?.is_some())?;
    Ok(vault)
}

/// For who is to open or to seal something: without any key, which vault it is is not yet the question.
pub(super) fn key_first(keyless: Option<HomeError>, error: VaultError) -> VaultError {
    match (error, keyless) {
        (VaultError::UnknownVault { .. }, Some(keyless)) => keyless.into(),
        (error, _) => error,
    }
}

/// The bytes of a roster that git has; one that is larger than any is refused unread. `file` is for the error.
pub(super) fn roster_bytes(repo: &Repo, blob: ObjectId, file: &str) -> Result<Vec<u8>, VaultError> {
    if let Some(bytes) = repo.blob_within(blob, MAX_ROSTER as u64)? {
        return Ok(bytes);
    }
    let size = usize::try_from(repo.blob_size(blob)?).unwrap_or(usize::MAX);
    Err(VaultError::Roster { file: file.to_owned(), source: RosterError::TooLarge { size } })
}

/// The roster in a blob, where it is a good one of `vault`: what is too large, refused or another vault's is none. Signatures
/// are remembered in `home`, where there is one; `file` is what the roster is called.
///
/// # Errors
/// Those of reading the object.
pub(super) fn good_in_blob(
    repo: &Repo,
    home: Option<&Home>,
    file: &str,
    vault: Hash,
    blob: ObjectId,
) -> Result<Option<Roster>, VaultError> {
    let Some(bytes) = repo.blob_within(blob, MAX_ROSTER as u64)? else { return Ok(None) };
    // Of another vault nothing is verified: that takes its time.
    if roster::vault_of(&bytes) != Some(vault) {
        return Ok(None);
    }
    let roster = match home {
        Some(home) => verified_cached(home, file, &bytes),
        None => verified(file, &bytes),
    };
    Ok(roster.ok())
}

/// Decodes and verifies a roster's bytes, but for signatures that this machine verified before; `file` is for errors.
pub fn verified_cached(home: &Home, file: &str, bytes: &[u8]) -> Result<Roster, VaultError> {
    build_cached(home, file, Hash::of(bytes), &decode(file, bytes)?)
}

/// The same for a roster that is asked for at each start: what it adds up to is remembered, too. `blob` is git's name of it.
pub(super) fn verified_summed(home: &Home, file: &str, bytes: Vec<u8>, blob: &str) -> Result<Roster, VaultError> {
    let (digest, bytes) = (Hash::of(&bytes), Arc::new(bytes));
    if let Some((roster, _)) = remembered(home, &bytes, digest) {
        return Ok(roster);
    }
    let roster = build_cached(home, file, digest, &decode(file, &bytes)?)?;
    remember_sum(home, digest, &roster, blob);
    Ok(roster)
}

fn build_cached(home: &Home, file: &str, digest: Hash, entries: &[Entry]) -> Result<Roster, VaultError> {
    let vault = vault_of(entries)?;
    if home.is_verified_roster(vault, digest) {
        return add_up(file, entries);
    }
    let roster = verify(file, entries)?;
    home.remember_roster(vault, digest);
    Ok(roster)
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

/// A roster with one more entry, as it is to stand in the file: decoded and verified again.
pub(super) fn extended(file: &str, roster: &Roster, entry: String) -> Result<Roster, VaultError> {
    let refused = |source| VaultError::Roster { file: file.to_owned(), source };
    let entries = roster::decode_embedded(&[entry], roster.vault).map_err(refused)?;
    let entry = entries.first().ok_or_else(|| refused(RosterError::Empty))?;
    roster.extended(entry, &mut Verifier::default()).map_err(|error| error.of(file))
}

/// As [`verified`], with a verifier that remembers what it found good in other versions of the roster.
pub(super) fn verified_by(verifier: &mut Verifier, file: &str, bytes: &[u8]) -> Result<Roster, VaultError> {
    Roster::build(&decode(file, bytes)?, verifier).map_err(|error| error.of(file))
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
    bytes: &[u8],
    vault: Hash,
    expected: Option<&str>,
    known_here: Option<&str>,
    is_pinned: bool,
) -> Result<(), VaultError> {
    for text in expected.into_iter().chain(known_here) {
        if !names_vault(text, vault) {
            return Err(VaultError::OtherVault {
                file: file.to_owned(),
                found: words(vault),
                expected: expected_words(text),
            });
        }
    }
    if expected.is_none() && known_here.is_none() && !is_pinned {
        // Before anybody compares its words it has to be a good one.
        verified(file, bytes)?;
        return Err(VaultError::UnknownVault { words: words(vault) });
    }
    Ok(())
}

/// The entry that `COVAULT_VAULT` names after an `@` is in the chain, or embedded in it.
fn check_head(file: &str, roster: &Roster, expected: Option<&str>) -> Result<(), VaultError> {
    let Some((_, head)) = expected.and_then(|text| text.split_once('@')) else { return Ok(()) };
    let head = head.trim().to_lowercase();
    if Hash::from_hex(&head).is_some_and(|head| roster.has(head)) {
        return Ok(());
    }
    Err(VaultError::NoSuchEntry { file: file.to_owned(), head })
}

/// A vault's id as words, where it is given in hex.
pub(super) fn expected_words(text: &str) -> String {
    Hash::from_hex(text.split('@').next().unwrap_or_default()).map_or_else(|| text.to_owned(), words)
}

/// Reads a roster's bytes into entries; no signature is checked.
pub(super) fn decode(file: &str, bytes: &[u8]) -> Result<Vec<Entry>, VaultError> {
    roster::decode(bytes).map_err(|source| VaultError::Roster { file: file.to_owned(), source })
}

/// Checks every signature and rule of the chain and adds it up.
fn verify(file: &str, entries: &[Entry]) -> Result<Roster, VaultError> {
    Roster::build(entries, &mut Verifier::default()).map_err(|error| error.of(file))
}

/// The same for a roster whose very bytes were verified before.
fn add_up(file: &str, entries: &[Entry]) -> Result<Roster, VaultError> {
    Roster::from_entries(entries).map_err(|source| VaultError::Roster { file: file.to_owned(), source })
}

/// Checks signatures and keys with real cryptography, each signature once.
#[derive(Default)]
pub(super) struct Verifier {
    /// Hashes of signer, namespace, message and signature that were good.
    good: HashSet<Hash>,
}

/// Why a chain is refused, before it is known which file it is in.
pub(super) enum ChainError {
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
        let parts = [signer.hash(), Hash::of(namespace.as_str().as_bytes()), Hash::of(message.as_bytes())];
        let mut digest: Vec<u8> = parts.iter().flat_map(|hash| hash.0).collect();
        digest.extend(signature);
        let digest = Hash::of(&digest);
        if self.good.contains(&digest) {
            return Ok(());
        }
        let key = sshsig::verify(signature, namespace, message.as_bytes())
            .map_err(|source| ChainError::Signature { seq, source })?
            .to_public();
        if !signer.signing_keys().any(|own| *own == key) {
            return Err(ChainError::Signer { seq });
        }
        self.good.insert(digest);
        Ok(())
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
