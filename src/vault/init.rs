//! `init`: a vault with its first member.
//!
//! It asks nothing; names and passphrases are handed in.

use std::path::Path;

use super::write::{How, Report, no_signing_key, random};
use super::{FOLDER, VaultError, branch, setup, words, write};
use crate::home::{Home, HomeError, Keys, NewKeys, OwnSigner, Pin};
use crate::model::bytes::Hash;
use crate::model::card::{Card, Device, Kind};
use crate::model::names::{DeviceLabel, MemberName};
use crate::model::roster;
use crate::repo::{Change, Repo, RepoError, VaultPlace};
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{Identity, SealError, Signer, SigningKey};

/// What `init` needs to know.
pub struct Founding {
    /// What people call the vault.
    pub vault_name: String,
    /// The founder's name.
    pub name: MemberName,
    /// What the founder calls this machine.
    pub device: DeviceLabel,
    /// How missing keys are made.
    pub new_keys: NewKeys,
    /// Add a paper device.
    pub recovery: bool,
    /// Put the vault into the folder where one stands, not at the repository's top.
    pub here: bool,
    /// Start it though another branch has a vault at the same place, which this clone then accepts no more.
    pub another: bool,
}

/// What came of it.
pub struct Founded {
    /// What was written.
    pub report: Report,
    /// The vault's id as words.
    pub words: String,
    /// The vault's id.
    pub id: Hash,
    /// The paper device's two lines: identity and signing key. Shown once and kept nowhere.
    pub paper: Option<zeroize::Zeroizing<String>>,
    /// Where the identity is.
    pub identity_file: std::path::PathBuf,
    /// Whether the identity was made just now.
    pub new_identity: bool,
}

/// Starts a vault in the repository around `start`. A paper key is shown before there is a vault, and where `show`
/// says that nobody got it there is none: it would name a way in that nobody has.
pub fn init(
    start: &Path,
    home: &Home,
    founding: &Founding,
    how: &How,
    show: &dyn Fn(&str) -> bool,
) -> Result<Founded, VaultError> {
    let repo = Repo::discover(start)?;
    let folder = if founding.here { repo.prefix(start)? } else { String::new() };
    let root = if folder.is_empty() { FOLDER.to_owned() } else { format!("{folder}/{FOLDER}") };
    if let VaultPlace::Found(place) = repo.find_vault(start)?
        && place == folder
    {
        return Err(VaultError::VaultExists(root));
    }
    // A clone accepts one vault at a place: a second one would have the first refused on every branch that has it.
    if !founding.another
        && let Some(there) = branch::with_vault(&repo, &root)?
    {
        return Err(VaultError::VaultElsewhere { root, there });
    }
    if !roster::is_vault_name(&founding.vault_name) {
        return Err(VaultError::BadVaultName(founding.vault_name.clone()));
    }
    repo.committer()?;
    let new_identity = !home.has_identity();
    if how.dry_run {
        let report = Report { files: vec![format!("{root}/roster.toml")], dry_run: true, ..Report::default() };
        let (words, id) = ("(a dry run)".to_owned(), Hash([0; 32]));
        return Ok(Founded { report, words, id, paper: None, identity_file: home.identity_file(), new_identity });
    }
    let lock = repo.lock()?;
    let (keys, signer) = home.make_keys(&founding.new_keys)?;
    let signer = signer.as_ref().ok_or_else(|| no_signing_key(home))?;
    let (paper, paper_device) = if founding.recovery { paper_device()? } else { (None, None) };
    let own = own_device(&keys, signer, &founding.device)?;
    let devices = std::iter::once(own).chain(paper_device).collect();
    let text =
        found(founding, devices, signer, how).map_err(|source| VaultError::Signing { what: "the roster", source })?;
    let id = vault_id(&root, &text)?;
    if paper.as_ref().is_some_and(|paper| !show(paper)) {
        return Err(VaultError::PaperNotShown);
    }
    home.set_pin(&Pin { vault: id, seq: 0, head: id })?;
    let before = setup::accepted_before(&repo, &root, id).filter(|_| founding.another);
    let notes = before.map(|words| {
        format!("this clone accepts this vault from now on, in place of {words} (back: covault setup --vault {words})")
    });
    setup::install(&repo, &root, id, &how.program)?;
    let change = Change::write(format!("{root}/roster.toml"), text);
    let message = format!("covault: start the vault {}", founding.vault_name);
    let report = write::commit(&repo, Some((&lock).into()), vec![change], &message, how, notes.into_iter().collect())?;
    Ok(Founded { report, words: words(id), id, paper, identity_file: home.identity_file(), new_identity })
}

/// The name of the folder that a vault goes into which is started in `dir`: of `dir` itself where that is asked for, or
/// where there is no repository yet, else of the repository's top.
pub fn folder_name(dir: &Path, here: bool) -> Option<String> {
    let repo = if here { None } else { Repo::discover(dir).ok() };
    let folder = repo
        .as_ref()
        .and_then(|repo| repo.work_dir())
        .map_or_else(|| std::path::absolute(dir).ok(), |top| Some(top.into()));
    Some(folder?.file_name()?.to_string_lossy().into_owned())
}

/// Makes a repository for a vault of its own. Where git does not know who commits, it is told for this repository
/// alone: `name`, at an address that goes nowhere.
pub fn new_repository(dir: &Path, name: &MemberName) -> Result<(), VaultError> {
    let repo = repository_at(dir).map_or_else(|| Repo::init(dir, None), Ok)?;
    if matches!(repo.committer(), Err(RepoError::NoIdentity)) {
        let email = format!("{name}@localhost");
        repo.set_config(&[("user", None, "name", name.as_str()), ("user", None, "email", &email)])?;
    }
    Ok(())
}

/// Whether `new_repository` would find one, and not one that `dir` is merely a folder of.
pub fn is_repository(dir: &Path) -> bool {
    repository_at(dir).is_some()
}

fn repository_at(dir: &Path) -> Option<Repo> {
    Repo::discover(dir).ok().filter(|repo| repo.work_dir().is_some_and(|top| same(top, dir)))
}

fn same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// This machine as a device of a card.
pub(super) fn own_device(keys: &Keys, signer: &OwnSigner, label: &DeviceLabel) -> Result<Device, VaultError> {
    let recipient = keys.recipients().into_iter().next().ok_or(HomeError::Making(SealError::NoIdentity))?;
    Ok(Device { label: label.clone(), recipient, signing: Some(signer.public()) })
}

/// What a paper device is called.
pub(super) const PAPER: &str = "paper";

type Paper = (Option<zeroize::Zeroizing<String>>, Option<Device>);

/// An identity and a signing key that exist on paper only.
fn paper_device() -> Result<Paper, VaultError> {
    let failed = |source| VaultError::Signing { what: "a paper device", source };
    let identity = Identity::generate().map_err(failed)?;
    let signer = SigningKey::generate().map_err(failed)?;
    let secret = identity.to_text().ok_or_else(|| failed(SealError::NoIdentity))?;
    let lines = zeroize::Zeroizing::new(format!("{}\n{}\n", *secret, *signer.to_text().map_err(failed)?));
    let recipient = identity.recipient().clone();
    let label = DeviceLabel::parse(PAPER)?;
    Ok((Some(lines), Some(Device { label, recipient, signing: Some(signer.public()) })))
}

/// The roster's text with its one entry, signed.
fn found(founding: &Founding, devices: Vec<Device>, signer: &OwnSigner, how: &How) -> Result<String, SealError> {
    let mut card = Card { vault: Hash([0; 32]), name: founding.name.clone(), kind: Kind::Person, devices };
    let body = roster::found_body(&founding.vault_name, random(), &card, how.now);
    card.vault = Hash::of(body.as_bytes());
    let signature = sshsig::sign(signer, Namespace::Roster, body.as_bytes())?;
    let card_signature = sshsig::sign(signer, Namespace::Card, card.encode().as_bytes())?;
    Ok(roster::entry_text(&body, &signature, Some(&card_signature)))
}

/// Reads the new roster back: what we would not accept we do not write.
fn vault_id(root: &str, text: &str) -> Result<Hash, VaultError> {
    let refused = |source| VaultError::Roster { file: format!("{root}/roster.toml"), source };
    let entries = roster::decode(text.as_bytes()).map_err(refused)?;
    Ok(roster::Roster::from_entries(&entries).map_err(refused)?.vault)
}
