//! Changing the roster: entries are tried, given the versions that stay good, signed and appended, and every secret
//! whose readers change is sealed again, all as one commit.
//!
//! The roster's file is written first: a run that is killed leaves secrets that wait to be sealed, never a secret that
//! nobody may read.

use std::collections::{BTreeSet, HashSet};

use rayon::prelude::*;

use super::access::{Pending, Plan};
use super::check::{Verified, check};
use super::read::BATCH;
use super::under::Under;
use super::write::{How, Report, Writing};
use super::{Vault, VaultError, sealed, trust};
use crate::model::bytes::Hash;
use crate::model::card::Card;
use crate::model::manifest::MemberRef;
use crate::model::names::SecretPath;
use crate::model::roster::{self, Entry, Member, Operation, Role, Roster};
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::{Change, WorkState};
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{self, SealedFile, Signer};

/// An operation, with the signature over the card that it brings.
pub struct Step {
    /// What it does; which versions stay good is filled in.
    pub operation: Operation,
    /// The signature of who the card belongs to; without one, oneself signs for it (a machine that only reads).
    pub card_signature: Option<Vec<u8>>,
}

impl From<Operation> for Step {
    fn from(operation: Operation) -> Self {
        Self { operation, card_signature: None }
    }
}

/// A change of who reads what, worked out and not yet made.
pub struct Amendment {
    text: String,
    /// The roster as it would be.
    pub roster: Roster,
    blob: String,
    pub(super) plan: Plan,
    /// Files that go into the same commit.
    others: Vec<Change>,
    /// The roster on disk is not committed.
    roster_waits: bool,
    /// Versions that the entries say stay good.
    pub kept: usize,
    entries: usize,
    /// All secrets were looked at.
    looked_at_all: bool,
}

impl Amendment {
    /// Which secrets are to be sealed again, and for whom.
    pub fn pending(&self) -> Vec<Pending> {
        self.plan.pending()
    }

    /// Files that are refused and left alone.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &VaultError)> {
        self.plan.refused.iter().map(|(file, error)| (file.as_str(), error))
    }

    /// Whether the roster changes.
    pub fn changes_roster(&self) -> bool {
        self.entries > 0
    }

    /// Whether a run that was killed, or told not to commit, left something that is still to be committed.
    pub fn finishes_another(&self) -> bool {
        !self.others.is_empty() || self.roster_waits
    }

    /// Files that oneself would write, from the top.
    pub fn files(&self, vault: &Vault) -> Vec<String> {
        let roster = self.changes_roster().then(|| format!("{}/roster.toml", vault.root()));
        let sealed = self.plan.due.iter().filter(|due| due.is_sealed()).map(|due| due.version().file().to_owned());
        roster.into_iter().chain(sealed).chain(self.others.iter().map(|other| other.path().to_owned())).collect()
    }

    /// Takes a file into the same commit.
    pub(super) fn take_along(&mut self, file: String, content: Vec<u8>) {
        self.others.push(Change::write(file, content));
    }

    /// Has a file go with the same commit.
    pub(super) fn take_away(&mut self, file: String) {
        self.others.push(Change::delete(file));
    }

    /// Leaves alone all secrets but those that `which` names.
    pub(super) fn narrow(&mut self, which: impl Fn(&Pending) -> bool) {
        self.plan.due.retain(|due| which(&due.pending));
        self.looked_at_all = false;
    }
}

/// What came of an amendment.
#[derive(Debug, Default)]
pub struct Amended {
    /// What was written.
    pub report: Report,
    /// How many secrets were sealed again.
    pub sealed: usize,
    /// What oneself could not seal.
    pub left: Vec<Pending>,
    /// Files that were refused and left alone, with why.
    pub refused: Vec<(String, String)>,
}

impl Vault {
    /// Oneself as an admin.
    pub fn admin(&self, what: &str) -> Result<&super::Me, VaultError> {
        let me = self.me()?;
        let is_admin = self.roster().member(me.reference.card).is_some_and(|member| member.role == Role::Admin);
        if is_admin { Ok(me) } else { Err(VaultError::NotAnAdmin(what.to_owned())) }
    }

    /// Works out what `steps` do to the roster, and then to the readers of every secret. Nothing is written.
    pub fn amendment(&self, steps: Vec<Step>, how: &How) -> Result<Amendment, VaultError> {
        self.amendment_with(steps, None, &|_, shares| shares.clone(), how)
    }

    /// The same, with other shares for `only` these secrets.
    pub(super) fn amendment_with(
        &self,
        steps: Vec<Step>,
        only: Option<&[SecretPath]>,
        reshare: &(dyn Fn(&SecretPath, &Shares) -> Shares + Sync),
        how: &How,
    ) -> Result<Amendment, VaultError> {
        let file = format!("{}/roster.toml", self.root());
        let bytes = self.repo().read_work(&file, roster::MAX_ROSTER as u64)?.ok_or(VaultError::NoVault)?;
        let mut text = String::from_utf8(bytes).map_err(|_| VaultError::RosterChanged)?;
        let blob = self.repo().blob_id(text.as_bytes())?.to_string();
        if blob != self.roster_blob {
            return Err(VaultError::RosterChanged);
        }
        let (entries, mut kept) = (steps.len(), 0);
        let mut current = self.roster().clone();
        for step in steps {
            let me = self.admin(step.operation.name())?;
            let operation = match &step.operation {
                Operation::Admit { .. } | Operation::Merge { .. } | Operation::Minimum { .. } => step.operation,
                _ => {
                    let live = self.losing_authorship(&current, &step.operation, me.reference.card)?;
                    kept += live.len();
                    step.operation.keeping(live)
                }
            };
            let by = current.named(&me.reference.name).map_or(me.reference.card, |member| member.hash);
            current.after(&operation, by).map_err(VaultError::Refused)?;
            let entry = self.signed(&current, by, operation, step.card_signature, how)?;
            let entry = entry.text();
            text.push('\n');
            text.push_str(&entry);
            current = trust::extended(&file, &current, entry)?;
            self.check_still_signs(&current)?;
        }
        // Nobody would read it any more, oneself neither.
        if text.len() > roster::MAX_ROSTER {
            return Err(VaultError::RosterTooLarge { size: text.len() });
        }
        let blob = self.repo().blob_id(text.as_bytes())?.to_string();
        let gone = self.gone.clone();
        let under = Under { roster: &current, blob: &blob, gone: &gone, ..self.under() };
        let plan = self.plan(&under, only, reshare)?;
        let others = if only.is_none() { self.sealed_and_uncommitted(&plan)? } else { Vec::new() };
        let looked_at_all = only.is_none();
        let roster_waits = self.roster_and_uncommitted()?.is_some();
        Ok(Amendment { text, roster: current, blob, plan, others, roster_waits, kept, entries, looked_at_all })
    }

    /// What a killed run had sealed again and not committed: the next version of HEAD's by oneself, with the same
    /// document for other readers. What the plan seals anyway is left out.
    fn sealed_and_uncommitted(&self, plan: &Plan) -> Result<Vec<Change>, VaultError> {
        let Some(head) = self.repo().head()?.commit else { return Ok(Vec::new()) };
        let me = self.me()?;
        let mut found = Vec::new();
        for (file, state) in self.repo().status_of(self.root())? {
            let is_open = matches!(state, WorkState::Modified | WorkState::Staged);
            let Some(path) = self.path_of(&file).filter(|_| is_open) else { continue };
            if plan.due.iter().any(|due| due.is_sealed() && due.pending.path == path) {
                continue;
            }
            let (Ok(Some(version)), Some(committed)) = (self.current(&path), self.repo().read_at(head, &file)?) else {
                continue;
            };
            let Ok(committed) = seal::peek_manifest(&committed) else { continue };
            let manifest = version.manifest();
            let follows = manifest.author.name == me.reference.name && manifest.parents == [committed.hash()];
            if follows && manifest.document == committed.document && manifest.shares == committed.shares {
                found.push(Change::write(file, version.stored()));
            }
        }
        Ok(found)
    }

    /// Makes an amendment: the roster, the secrets that oneself can seal, and `others`, as one commit.
    pub fn amend(
        &self,
        writing: Writing<'_>,
        mut amendment: Amendment,
        others: Vec<Change>,
        message: &str,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Amended, VaultError> {
        self.check_unchanged(&amendment.plan)?;
        let gone = self.gone.clone();
        let under = Under { roster: &amendment.roster, blob: &amendment.blob, gone: &gone, ..self.under() };
        let sealed = self.reseal(&mut amendment.plan, &under, writing.now(), progress)?;
        let count = sealed.len();
        let file = format!("{}/roster.toml", self.root());
        let mut changes = Vec::with_capacity(sealed.len() + others.len() + 1);
        // First: a secret under an entry that the roster lacks would be refused.
        changes.push(Change::write(file, amendment.text.as_bytes()));
        changes.extend(sealed);
        changes.extend(amendment.others);
        changes.extend(others);
        let mut report = writing.commit(changes, message)?;
        report.notes.append(&mut amendment.plan.notes);
        if !report.dry_run {
            let digest = Hash::of(amendment.text.as_bytes());
            self.home().remember_roster(amendment.roster.vault, digest);
            trust::remember_sum(self.home(), digest, &amendment.roster, &amendment.blob);
        }
        if amendment.looked_at_all && report.commit.is_some() {
            self.remember_looked_at(amendment.roster.head);
        }
        let refused = amendment.plan.refused.iter().map(|(file, e)| (file.clone(), super::error::chain(e))).collect();
        Ok(Amended { report, sealed: count, left: amendment.plan.left(), refused })
    }

    /// The plan was made, and perhaps a person asked, before the lock was ours: somebody may have written meanwhile.
    pub(super) fn check_unchanged(&self, plan: &Plan) -> Result<(), VaultError> {
        let mine: Vec<_> = plan.due.iter().filter(|due| due.is_sealed()).collect();
        let paths: Vec<_> = mine.iter().map(|due| due.pending.path.clone()).collect();
        for (due, (path, _, bytes)) in mine.iter().zip(self.read_files(&paths)?) {
            if bytes? != due.version().stored() {
                return Err(VaultError::ChangedMeanwhile(path.to_string()));
            }
        }
        Ok(())
    }

    /// The versions whose authors may write them now and may not after `operation`: those it has to keep good. They are
    /// looked for on disk, in HEAD and on the trunk.
    fn losing_authorship(&self, now: &Roster, operation: &Operation, by: Hash) -> Result<Vec<Hash>, VaultError> {
        let after = now.after(operation, by).map_err(VaultError::Refused)?;
        let before = now.state();
        let verified = Verified::new(self.home().verified_manifests(now.vault));
        // What stays good already, by a word of before, needs no other.
        let loses_right =
            |author: &MemberRef, path: &SecretPath| !after.may_write(author, path) && before.may_write(author, path);
        let loses = |(path, file, bytes): (SecretPath, String, Vec<u8>)| {
            // Most authors lose nothing: whose manifest, good or not, says so need not be looked at further.
            if !seal::is_siblings(&bytes) {
                let claimed = seal::peek_manifest(&bytes).ok()?;
                loses_right(&claimed.author, &path).then_some(())?;
            }
            // What is refused already stays so.
            let version = check(now, &file, &path, bytes, Some(&verified)).ok()?;
            // One of several that opens for nobody who lives would keep all of it from everybody, for ever; so would
            // one that opens for nobody who may write, where somebody may who opens another.
            let opens = |one: &SealedFile, for_whom: &dyn Fn(&Member) -> bool| {
                one.manifest().readers.iter().any(|reader| after.named(&reader.name).is_some_and(for_whom))
            };
            let may_write = |member: &Member| member.role >= Role::Writer && after.is_granted(member, &path);
            let has_writer = version.members().any(|one| opens(one, &may_write));
            let opens = |one: &SealedFile| match version.has_siblings() {
                true if has_writer => opens(one, &may_write),
                true => opens(one, &|_| true),
                false => true,
            };
            let lost = version.members().filter(|one| loses_right(&one.manifest().author, &path) && opens(one));
            Some(lost.map(SealedFile::hash).collect::<Vec<_>>())
        };
        let mut names = self.all_names()?;
        names.retain(|path| operation.concerns(path));
        let (mut lost, mut on_disk) = (BTreeSet::new(), HashSet::with_capacity(names.len()));
        for some in names.chunks(BATCH) {
            let read = self.read_files(some)?.into_iter();
            let files: Vec<_> = read.filter_map(|(path, file, bytes)| Some((path, file, bytes.ok()?))).collect();
            let blobs = self.repo().blob_ids(files.par_iter().map(|(.., bytes)| bytes.as_slice()))?;
            on_disk.extend(files.iter().zip(blobs).map(|((_, file, _), blob)| (file.clone(), blob)));
            lost.par_extend(files.into_par_iter().filter_map(loses).flatten_iter());
        }
        for commit in self.known_tips()? {
            let mut listed = sealed::list_at(self.repo(), commit, self.root())?;
            listed.retain(|(path, file, blob)| operation.concerns(path) && !on_disk.contains(&(file.clone(), *blob)));
            for some in listed.chunks(BATCH) {
                let read = some.iter().map(|(path, file, blob)| {
                    Ok((path.clone(), file.clone(), sealed::bytes_or_none(self.repo(), *blob)?))
                });
                let files = read.collect::<Result<Vec<_>, VaultError>>()?;
                lost.par_extend(files.into_par_iter().filter_map(loses).flatten_iter());
            }
        }
        if let Some(verified) = verified.grown() {
            self.home().remember_manifests(now.vault, &verified);
        }
        Ok(lost.into_iter().collect())
    }

    /// HEAD and the trunk, as far as there are commits.
    fn known_tips(&self) -> Result<BTreeSet<crate::repo::ObjectId>, VaultError> {
        let head = self.repo().head()?.commit;
        let trunk = self.repo().trunk()?.map(|trunk| trunk.commit);
        Ok(head.into_iter().chain(trunk).collect())
    }

    /// What is sealed again names one's card of then: without the key that one signs with there, nobody could read it.
    fn check_still_signs(&self, after: &Roster) -> Result<(), VaultError> {
        let (me, signer) = self.author()?;
        let (name, public) = (&me.reference.name, signer.public());
        let signs = |card: &Card| card.signing_keys().any(|key| *key == public);
        match after.named(name) {
            Some(member) if !signs(&member.card) => Err(VaultError::EndsOwnKey(name.clone())),
            _ => Ok(()),
        }
    }

    fn signed(
        &self,
        current: &Roster,
        by: Hash,
        operation: Operation,
        card_signature: Option<Vec<u8>>,
        how: &How,
    ) -> Result<Entry, VaultError> {
        let (_, signer) = self.author()?;
        let card = match &operation {
            Operation::Admit { card, .. } | Operation::Renew { card, .. } => Some(card),
            _ => None,
        };
        let card_signature = match (card, card_signature) {
            (None, _) => None,
            (Some(_), Some(signature)) => Some(signature),
            (Some(card), None) => Some(
                sshsig::sign(signer, Namespace::Card, card.encode().as_bytes())
                    .map_err(|source| VaultError::Signing { what: "the roster", source })?,
            ),
        };
        Ok(Entry { card_signature, ..next_entry(signer, current, by, operation, how.now)? })
    }
}

/// The entry after the newest one, signed; without a signature over a card.
pub(super) fn next_entry(
    signer: &dyn Signer,
    current: &Roster,
    by: Hash,
    operation: Operation,
    at: Time,
) -> Result<Entry, VaultError> {
    let seq = current.seq + 1;
    let body = roster::body(seq, Some(current.head), Some(by), at, &operation);
    let signature = sshsig::sign(signer, Namespace::Roster, body.as_bytes())
        .map_err(|source| VaultError::Signing { what: "the roster", source })?;
    let prev = Some(current.head);
    Ok(Entry { seq, prev, by: Some(by), at, operation, body, signature, card_signature: None })
}
