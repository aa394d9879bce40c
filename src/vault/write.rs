//! Writing secrets: documents are sealed for their readers, signed, put in place and committed, all in one step.
//!
//! It does not decide what to write; the verbs do.

use std::collections::BTreeSet;

use super::heal::Healing;
use super::read::Secret;
use super::trunk::Ahead;
use super::{Me, Vault, VaultError, branch, setup};
use crate::home::{Home, OwnSigner};
use crate::model::bytes::{Hash, SecretId};
use crate::model::card::Device;
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{MAX_PARENTS, Manifest, MemberRef, RosterPoint};
use crate::model::names::{MemberName, SecretPath};
use crate::model::read;
use crate::model::register::{Key, Value, Write};
use crate::model::roster::{MAX_ROSTER, Member, Role, Roster};
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::{Change, CommitHow, CommitMode, Found, Head, ObjectId, Outcome, Repo, WriteLock};
use crate::seal::{self, SealError, Sealed, SealedFile, Signer};

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

/// A document to be sealed at its path.
pub struct Draft {
    /// What to seal.
    pub document: Document,
    /// The versions that it follows.
    pub parents: Vec<(Hash, Manifest)>,
    /// Whom it is shared with besides those who read by a grant.
    pub shares: Shares,
    /// Siblings that count for nothing, or are too many to be named, and stay beside it, as they lie in the file.
    pub(super) kept_apart: Vec<Vec<u8>>,
    /// Versions that count for nothing and that a person lets go of: they are named among the parents, and give nothing else.
    pub(super) let_go: Vec<Hash>,
    /// What lay at its path when it was begun.
    pub(super) over: Found,
}

impl Draft {
    /// The next version of an opened secret.
    pub fn after(secret: Secret) -> Self {
        let shares = secret.manifest.shares;
        let (document, parents) = (secret.document, secret.versions);
        let kept_apart = [secret.kept_apart, secret.left_over].concat();
        Self { document, parents, shares, kept_apart, let_go: Vec::new(), over: Found::Unknown }
    }

    /// Whether it follows a version that is none of these, which somebody was shown.
    pub(super) fn follows_more_than(&self, shown: &[Hash]) -> bool {
        self.parents.iter().any(|(hash, _)| !shown.contains(hash))
    }

    /// A new secret, where there is no file.
    pub fn birth(vault: Hash, path: SecretPath) -> Self {
        let document = Document::new(vault, SecretId(random()), path);
        let (parents, shares, kept_apart) = (Vec::new(), Shares::default(), Vec::new());
        Self { document, parents, shares, kept_apart, let_go: Vec::new(), over: Found::Nothing }
    }

    /// Joins another version of the same secret in, which this one follows, too.
    pub fn join(&mut self, secret: Secret) {
        self.document = self.document.join(&secret.document);
        self.shares = self.shares.join(&secret.manifest.shares);
        for (hash, manifest) in secret.versions {
            if !self.parents.iter().any(|(known, _)| *known == hash) {
                self.parents.push((hash, manifest));
            }
        }
        self.kept_apart.extend(secret.kept_apart.into_iter().chain(secret.left_over));
    }

    /// Whether it is news by itself: it follows several versions, which are one then.
    pub(super) fn joins(&self) -> bool {
        self.parents.len() > 1
    }

    /// Of `members`, from which it was joined, those that are more than one version can name stay beside it, for the
    /// next time.
    pub(super) fn keep_what_it_cannot_name<'a>(&mut self, members: impl Iterator<Item = &'a SealedFile>) {
        if self.parents.len() <= MAX_PARENTS {
            return;
        }
        let unnamed: BTreeSet<Hash> = self.parents.drain(MAX_PARENTS..).map(|(hash, _)| hash).collect();
        self.kept_apart.extend(members.filter(|it| unnamed.contains(&it.hash())).map(|it| it.bytes().to_vec()));
    }
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
    pub(super) fn author(&self) -> Result<(&super::Me, &OwnSigner), VaultError> {
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

/// The manifest of a draft, as far as it is known before sealing.
fn manifest_of(
    draft: &Draft,
    landmarks: &[Hash],
    me: &Me,
    under: &Under<'_>,
    now: Time,
) -> Result<Manifest, VaultError> {
    let path = &draft.document.path;
    let (document, aliases) = with_smallest_id(draft);
    let named = draft.parents.get(..MAX_PARENTS).unwrap_or(&draft.parents);
    let let_go = draft.let_go.get(..MAX_PARENTS.saturating_sub(named.len())).unwrap_or(&draft.let_go);
    let mut parents: Vec<Hash> = named.iter().map(|(hash, _)| *hash).chain(let_go.iter().copied()).collect();
    parents.sort_unstable();
    parents.dedup();
    // What is let go of has no say in the number: whoever made it chose its own.
    let newest = draft.parents.iter().max_by_key(|(hash, manifest)| (manifest.revision, *hash));
    let readers = under.readers(path, &draft.shares);
    // A share lets nobody write: neither here nor, where the trunk took the grant away, there.
    let taken = |name| under.ahead.is_some_and(|ahead| ahead.took_reading(name, path, &[]));
    if taken(&me.reference.name) {
        return Err(VaultError::TakenOnTrunk(path.to_string()));
    }
    let granted = |member: &&&Member| under.roster.state().is_granted(member, path);
    let author = readers.iter().find(|member| member.card.name == me.reference.name).filter(granted);
    let author = author.ok_or_else(|| VaultError::WouldNotRead(path.to_string()))?.reference();
    Ok(Manifest {
        vault: under.roster.vault,
        id: document.id,
        aliases,
        path: path.clone(),
        state: document.state(),
        // What follows only what is let go of is no birth, either.
        revision: newest.map_or(if parents.is_empty() { 1 } else { 2 }, |(_, manifest)| manifest.next_revision()),
        parents,
        ancestors: Manifest::ancestors_letting_go(named, let_go, landmarks),
        roster: RosterPoint { seq: under.roster.seq, head: under.roster.head, blob: under.blob.to_owned() },
        readers: readers.iter().map(|member| member.reference()).collect(),
        author,
        shares: draft.shares.clone(),
        values: read::secret_values(&document),
        at: now,
        document: Hash([0; 32]),
        payload: Hash([0; 32]),
        stanzas: Hash([0; 32]),
    })
}

/// Seals a draft at `file` for the readers of its path, by oneself; `landmarks` are [`Vault::landmarks`].
pub(super) fn seal_draft(
    draft: &Draft,
    file: &str,
    landmarks: &[Hash],
    me: &Me,
    signer: &dyn Signer,
    under: &Under<'_>,
    now: Time,
) -> Result<Sealed, VaultError> {
    let manifest = manifest_of(draft, landmarks, me, under, now)?;
    let devices = under.devices(&manifest.readers);
    let (document, _) = with_smallest_id(draft);
    let plaintext =
        codec::encode(&document).map_err(|source| VaultError::Document { file: file.to_owned(), source })?;
    seal::seal(manifest, &plaintext, &devices, signer).map_err(|source| sealing(file.to_owned(), source))
}

/// A sealed file with the siblings that stay beside it.
pub(super) fn beside(file: &str, sealed: Vec<u8>, kept_apart: &[Vec<u8>]) -> Result<Vec<u8>, VaultError> {
    let all = std::iter::once(sealed).chain(kept_apart.iter().cloned()).collect();
    seal::bundle(all).map_err(|source| VaultError::Sealed { file: file.to_owned(), source })
}

/// Whether a version cannot be sealed for what it holds or for who would seal it: what it was to join stays apart, then.
pub(super) fn stays_apart(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::WouldNotRead(_)
            | VaultError::TakenOnTrunk(_)
            | VaultError::Document { .. }
            | VaultError::Sealed { .. }
            | VaultError::Inconsistent { .. }
    )
}

/// Why sealing failed: an agent that does not sign is no fault of the file.
pub(super) fn sealing(file: String, source: SealError) -> VaultError {
    match source {
        SealError::NotSigned { .. } => VaultError::Signing { what: "the new version", source },
        source => VaultError::Sealed { file, source },
    }
}

/// The roster that something is sealed under.
pub(super) struct Under<'a> {
    pub(super) roster: &'a Roster,
    /// Git's name of its blob.
    pub(super) blob: &'a str,
    /// Members whose removal was seen on the trunk or in another clone.
    pub(super) gone: &'a BTreeSet<MemberName>,
    /// What the trunk knows and this branch does not.
    pub(super) ahead: Option<&'a Ahead>,
    /// Rosters by which a reader has to read, too: those of the other side while git merges.
    pub(super) beside: &'a [Roster],
}

impl<'a> Under<'a> {
    /// Who reads a secret, sorted by name; nobody whose removal was seen anywhere, or from whom the trunk took it.
    pub(super) fn readers(&self, path: &SecretPath, shares: &Shares) -> Vec<&'a Member> {
        let mut readers = self.roster.readers(path, &shares.holders());
        let taken = |name| self.ahead.is_some_and(|ahead| ahead.took_reading(name, path, &shares.holders()));
        readers.retain(|member| !self.gone.contains(&member.card.name) && !taken(&member.card.name));
        for roster in self.beside {
            let also: BTreeSet<Hash> =
                roster.readers(path, &shares.holders()).iter().map(|member| member.hash).collect();
            readers.retain(|member| also.contains(&member.hash));
        }
        readers
    }

    /// Whether one of these versions of a secret is by somebody who may not write it any more by what is known of the trunk,
    /// whatever the roster here says: sealed anew by another, it would count again. What the roster keeps good counts as it is.
    pub(super) fn is_by_who_lost_it<'m>(
        &self,
        path: &SecretPath,
        mut versions: impl Iterator<Item = (Hash, &'m Manifest)>,
    ) -> bool {
        versions.any(|(hash, version)| {
            let name = &version.author.name;
            let is_taken = |ahead: &Ahead| ahead.took_writing(name) || ahead.took_reading(name, path, &[]);
            let is_lost = self.gone.contains(name) || self.ahead.is_some_and(is_taken);
            is_lost && !self.roster.state().keeps(hash)
        })
    }

    /// The devices of each reader, in their order.
    pub(super) fn devices(&self, readers: &[MemberRef]) -> Vec<&'a [Device]> {
        readers.iter().filter_map(|reader| self.roster.devices(reader)).collect()
    }
}

/// Where two secrets were born at one path the smaller id wins and the others become aliases.
fn with_smallest_id(draft: &Draft) -> (Document, Vec<SecretId>) {
    let mut document = draft.document.clone();
    let mut ids: Vec<_> = std::iter::once(document.id)
        .chain(draft.parents.iter().flat_map(|(_, m)| std::iter::once(m.id).chain(m.aliases.iter().copied())))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let smallest = ids.remove(0);
    document.id = smallest;
    (document, ids)
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
