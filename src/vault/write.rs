//! Writing secrets: documents are sealed for their readers, signed, put in place and committed, all in one step.
//!
//! It does not decide what to write; the verbs do.

use std::collections::BTreeSet;

use super::draft::{Draft, beside, seal_draft};
use super::heal::Healing;
use super::under::Under;
use super::{Me, Vault, VaultError, branch, setup};
use crate::home::{Home, OwnSigner};
use crate::model::names::SecretPath;
use crate::model::register::{Key, Value, Write};
use crate::model::roster::{MAX_ROSTER, Role};
use crate::model::time::Time;
use crate::repo::{Change, CommitHow, CommitMode, Head, ObjectId, Outcome, Repo, WriteLock};
use crate::seal::Signer as _;

/// How a writing command goes about it.
#[derive(Debug, Clone)]
pub struct How {
    /// Now.
    pub now: Time,
    /// Say what would happen and do nothing.
    pub dry_run: bool,
    /// Stage only.
    pub no_commit: bool,
    /// The program that the clone is set up to call, absolute.
    pub program: String,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that were written, from the top.
    pub files: Vec<String>,
    /// The new commit, if there is one.
    pub commit: Option<String>,
    /// Why it was only staged.
    pub staged: Option<String>,
    /// Nothing would have changed, and nothing did.
    pub unchanged: bool,
    /// It was a dry run.
    pub dry_run: bool,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Sixteen bytes from the system.
pub fn random() -> [u8; 16] {
    use rand_core::RngCore as _;
    let mut bytes = [0; 16];
    rand_core::OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A writing command's hold on the vault: nobody else writes while it lives.
pub struct Writing<'a> {
    vault: &'a Vault,
    how: &'a How,
    notes: Vec<String>,
    /// What is written beside the drafts.
    more: Vec<Change>,
    lock: Option<WriteLock>,
    /// Where `HEAD` was when it began.
    since: Head,
}

impl Vault {
    /// Begins a writing command: may this person write at all, is the clone set up, is nobody else writing?
    pub fn writing<'a>(&'a self, how: &'a How) -> Result<Writing<'a>, VaultError> {
        self.may_write_as(how)?;
        let lock = if how.dry_run { None } else { Some(self.repo.lock()?) };
        let since = self.repo.head()?;
        // What was read before the lock was ours may have changed while we waited for it.
        let roster = self.repo.read_work(&format!("{}/roster.toml", self.root), MAX_ROSTER as u64)?;
        let read_now = self.repo.blob_id(&roster.unwrap_or_default())?.to_string();
        if read_now != self.roster_blob {
            return Err(VaultError::RosterChanged);
        }
        let mut notes = Vec::new();
        if !how.dry_run && setup::install(&self.repo, &self.root, self.roster.vault, &how.program)? {
            notes.push("set this clone up to show and keep secrets (undo with: covault setup --undo)".to_owned());
        }
        Ok(Writing { vault: self, how, notes, more: Vec::new(), lock, since })
    }

    /// Whether oneself may write here at all: to know before a person is asked for a secret.
    pub fn may_write(&self) -> Result<(), VaultError> {
        self.may_seal()?;
        Ok(self.repo.committer()?)
    }

    /// The same for a command that is told whether to commit: who only stages need not be known to git.
    pub fn may_write_as(&self, how: &How) -> Result<(), VaultError> {
        match mode(&self.repo, how) {
            CommitMode::Stage => self.may_seal(),
            CommitMode::Commit | CommitMode::Git => self.may_write(),
        }
    }

    fn may_seal(&self) -> Result<(), VaultError> {
        self.author()?.1.check_ready()?;
        self.check_fork()
    }

    /// A branch whose roster somebody extended who is no admin any more says nothing about whom to seal for.
    pub(super) fn check_fork(&self) -> Result<(), VaultError> {
        match &self.forked_by {
            Some(name) => {
                Err(VaultError::ForkedRoster { file: format!("{}/roster.toml", self.root), by: name.clone() })
            }
            None => Ok(()),
        }
    }

    /// Oneself as somebody who may write, with the key to sign with.
    pub(super) fn author(&self) -> Result<(&Me, &OwnSigner), VaultError> {
        let me = self.me()?;
        let member = self.roster.member(me.reference.card).ok_or_else(|| self.not_a_member())?;
        if member.role < Role::Writer || self.ahead.as_ref().is_some_and(|it| it.took_writing(&member.card.name)) {
            return Err(VaultError::NotAWriter);
        }
        let signer = self.signer()?.ok_or_else(|| no_signing_key(&self.home))?;
        let public = signer.public();
        if !member.card.signing_keys().any(|key| *key == public) {
            return Err(VaultError::SigningKeyUnknown(public.to_string()));
        }
        Ok((me, signer))
    }

    /// A file of a secret that no commit has yet, and its bytes: a killed command leaves it so, and who repeats the
    /// command wants it committed. Beside a version in HEAD that it does not follow it is no such file: committed as it
    /// is, it would take that version back.
    pub(super) fn unsettled(&self, path: &SecretPath) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let Some(found) = self.unsettled_file(self.file(path))? else { return Ok(None) };
        let beside = match self.current(path) {
            Ok(Some(version)) => self.committed_beside(path, &version)?,
            _ => None,
        };
        Ok(beside.is_none().then_some(found))
    }

    /// The same for any file of the vault.
    pub(super) fn unsettled_file(&self, file: String) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let Some(bytes) = self.repo.read_work(&file, crate::seal::MAX_STORED as u64)? else { return Ok(None) };
        let committed = match self.repo.head()?.commit {
            Some(commit) => self.repo.read_at(commit, &file)?,
            None => None,
        };
        Ok((committed.as_deref() != Some(&bytes)).then_some((file, bytes)))
    }

    /// The roster, where no commit has it yet (a killed command left it so): what is sealed under it must not be
    /// committed without it. While git has it unmerged, it is the person's to settle.
    pub(super) fn roster_and_uncommitted(&self) -> Result<Option<Change>, VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let Some(head) = self.repo.head()?.commit else { return Ok(None) };
        let committed = self.repo.blob_at(head, &file)?.map(|blob| blob.to_string());
        if committed.as_ref() == Some(&self.roster_blob) || self.repo.stages(&file)?.iter().any(Option::is_some) {
            return Ok(None);
        }
        let bytes = self.repo.read_work(&file, MAX_ROSTER as u64)?;
        Ok(bytes.map(|bytes| Change::write(file, bytes)))
    }

    /// Whether the roster in front of us is in HEAD, or staged for the next commit. What is sealed under another one is refused
    /// by everybody who has not got it.
    pub(super) fn is_roster_committed(&self) -> Result<bool, VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let (ours, name) = (Some(self.roster_blob.clone()), |blob: Option<ObjectId>| blob.map(|blob| blob.to_string()));
        let committed = match self.repo.head()?.commit {
            Some(head) => self.repo.blob_at(head, &file)?,
            None => None,
        };
        Ok(name(committed) == ours || name(self.repo.staged_blob(&file)?) == ours)
    }

    /// A write by oneself, now.
    pub fn write_of(&self, key: &Key, value: Value, plain: bool, now: Time) -> Result<Write, VaultError> {
        Ok(Write::new(key, value, plain, self.me()?.reference.name.clone(), now, random()))
    }

    /// The roster as it is, to seal under.
    pub(super) fn under(&self) -> Under<'_> {
        let (gone, ahead) = (&self.gone, self.ahead.as_ref());
        Under { roster: &self.roster, blob: &self.roster_blob, gone, ahead, beside: &[] }
    }

    /// Seals a draft for the readers of its path, and opens it once more: what we cannot read back we do not put in place.
    pub(super) fn sealed_change(&self, draft: &Draft, now: Time) -> Result<Change, VaultError> {
        let (me, signer) = self.author()?;
        let (path, file) = (&draft.document.path, self.file(&draft.document.path));
        let landmarks = match draft.let_go.as_slice() {
            [] => self.landmarks(path, &draft.parents)?,
            _ => self.all_landmarks(path)?,
        };
        let sealed = seal_draft(draft, &file, &landmarks, me, signer, &self.under(), now)?;
        let version = self.check(&file, path, &sealed.bytes)?;
        self.open_version(&version)?;
        Ok(Change::write(file.clone(), beside(&file, sealed.bytes, &draft.kept_apart)?).over(draft.over))
    }
}

/// Why nothing can be signed on this machine, by where a key was looked for.
pub(super) fn no_signing_key(home: &Home) -> VaultError {
    match home.signing_place() {
        Some(file) => VaultError::NoSigningKey(file.display().to_string()),
        None => VaultError::IdentityAlone,
    }
}

impl Writing<'_> {
    /// The vault.
    pub fn vault(&self) -> &Vault {
        self.vault
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.how.now
    }

    /// What a person should know so far, where nothing is to be written.
    pub fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// Adds something that a person should know.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds a change of a file in which the person may have edits of their own.
    pub(super) fn also(&mut self, change: Change) {
        self.more.push(change);
    }

    /// Seals the drafts, opens each again, and writes them with `others` (files from the top) as one commit.
    pub fn finish(self, drafts: &[Draft], others: Vec<(String, Vec<u8>)>, message: &str) -> Result<Report, VaultError> {
        let mut changes = Vec::with_capacity(drafts.len() + others.len());
        for draft in drafts {
            changes.push(self.vault.sealed_change(draft, self.how.now)?);
        }
        let other_paths: Vec<_> = others.iter().filter_map(|(file, _)| self.vault.path_of(file)).collect();
        changes.extend(others.into_iter().map(|(file, content)| Change::write(file, content)));
        changes.extend(self.more);
        let written: Vec<_> = drafts.iter().map(|draft| &draft.document.path).chain(&other_paths).collect();
        let mut healing =
            if self.how.dry_run { Healing::default() } else { self.vault.heal(&written, self.how.now)? };
        changes.extend(self.vault.roster_and_uncommitted()?);
        let there: BTreeSet<String> = changes.iter().map(|change| change.path().to_owned()).collect();
        changes.extend(std::mem::take(&mut healing.changes).into_iter().filter(|c| !there.contains(c.path())));
        let mut notes = self.notes;
        notes.extend(healing.note.take());
        let held = self.lock.as_ref().map(|lock| Held { lock, since: Some(&self.since) });
        let report = commit(self.vault.repo(), held, changes, message, self.how, notes)?;
        self.vault.remember_written(report.commit.as_deref());
        if report.commit.is_some() {
            self.vault.remember_healed(&healing);
        }
        Ok(report)
    }
}

impl Writing<'_> {
    /// Writes changes as one commit.
    pub(super) fn commit(self, changes: Vec<Change>, message: &str) -> Result<Report, VaultError> {
        let held = self.lock.as_ref().map(|lock| Held { lock, since: Some(&self.since) });
        let report = commit(self.vault.repo(), held, changes, message, self.how, self.notes)?;
        self.vault.remember_written(report.commit.as_deref());
        Ok(report)
    }
}

/// Proof that nobody else of ours writes.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    lock: &'a WriteLock,
    /// Where `HEAD` was when what is written was begun.
    since: Option<&'a Head>,
}

impl<'a> From<&'a WriteLock> for Held<'a> {
    fn from(lock: &'a WriteLock) -> Self {
        Self { lock, since: None }
    }
}

/// Writes changes as `how` and the setting `covault.commit` say.
pub(super) fn commit(
    repo: &Repo,
    held: Option<Held<'_>>,
    mut changes: Vec<Change>,
    message: &str,
    how: &How,
    mut notes: Vec<String>,
) -> Result<Report, VaultError> {
    let mut report = Report {
        files: changes.iter().map(|change| change.path().to_owned()).collect(),
        dry_run: how.dry_run,
        ..Report::default()
    };
    let Some(Held { lock, since }) = held else {
        report.notes = notes;
        return Ok(report);
    };
    changes.extend(repo.gitattributes_change(setup::TRACKED_ATTRIBUTES)?);
    let (mode, now) = (mode(repo, how), how.now.unix());
    match repo.commit(lock, &changes, &CommitHow { message, mode, now, since, progress: None })? {
        Outcome::Committed { commit } => {
            report.commit = Some(commit.to_string());
            notes.extend(branch::on_no_branch(repo, commit));
        }
        Outcome::Staged { because } => {
            report.staged = Some(because.map_or_else(|| "as asked for".to_owned(), |operation| operation.to_string()));
        }
        // The files that are named had something else, in the work tree or in the index.
        Outcome::Written => {}
        Outcome::Unchanged => {
            report.unchanged = true;
            report.files.clear();
        }
    }
    report.notes.append(&mut notes);
    Ok(report)
}

/// How it is recorded, as far as `how` and the setting `covault.commit` say.
fn mode(repo: &Repo, how: &How) -> CommitMode {
    match repo.config_str("covault.commit").as_deref() {
        _ if how.no_commit => CommitMode::Stage,
        Some("stage") => CommitMode::Stage,
        Some("git") => CommitMode::Git,
        _ => CommitMode::Commit,
    }
}
