//! `restore`: old values come back as new writes, so that nothing that a merge knows is taken back.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::draft::Draft;
use super::read::Secret;
use super::version::Version;
use super::write::{How, Report, random};
use super::{Vault, VaultError, sealed};
use crate::model::compare;
use crate::model::document::Document;
use crate::model::keys::record::{KEY, is_record};
use crate::model::manifest::State;
use crate::model::names::{MemberName, MetaName, SecretPath};
use crate::model::read;
use crate::model::register::{Key, Value, Write};
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::{Found, ObjectId, RepoError};
use crate::seal::SealedFile;

/// What is to be done to undo what a commit did to a secret.
enum Undo {
    /// This is written.
    Write(Box<Draft>),
    /// A killed command left it as it was before that commit, and no commit has this file.
    Done((String, Vec<u8>)),
    /// It stays as it is.
    Nothing,
}

/// What was found of what a commit changed.
#[derive(Default)]
struct Tally {
    /// No commit has what lies there.
    is_left: bool,
    /// Something was put back.
    changed: bool,
    /// Something is as it was before that commit.
    as_before: bool,
    /// Something was changed since.
    since: bool,
}

impl Vault {
    /// Brings the values of an older version back. `revision` is a revision's number, a commit, or nothing: the
    /// version before the present one, or the last living one of a deleted secret; or, where an edit outlived a deletion,
    /// what went with that.
    pub fn restore(&self, path: &SecretPath, revision: Option<&str>, how: &How) -> Result<Report, VaultError> {
        self.check_no_journal(path)?;
        let mut writing = self.writing(how)?;
        let mut draft = writing.start(path)?;
        if revision.is_none() && !draft.document.gone_with_deletion().is_empty() {
            return self.restore_gone(writing, draft, how);
        }
        let old = self.living(path, self.open_version(&self.old_version(path, revision)?)?)?;
        let buried = draft.parents.iter().any(|(_, manifest)| manifest.state != State::Live);
        let changed = self.bring_back(&mut draft.document, &old, how.now)?;
        // What somebody took away without deleting it is missing, whatever the trunk had.
        let is_missing = draft.over == Found::Nothing;
        let message = format!("covault: restore {path} to revision {}", old.manifest.revision);
        if !changed && !buried && !draft.joins() && !is_missing {
            return match self.unsettled(path)? {
                Some(file) if !how.dry_run => writing.finish(&[], vec![file], &message),
                _ => Ok(super::setup::nothing_written(how)),
            };
        }
        // What comes back is another write: without a key the exposure ledger cannot know that they know it.
        let knew = self.who_knew(old.hash, path, &draft.shares.holders());
        if !knew.is_empty() {
            let who = knew.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
            writing.note(format!("{who} could read the old values of {path}: covault rotate {path} gives it new ones"));
        }
        writing.finish(&[draft], Vec::new(), &message)
    }

    /// Undoes what one commit did to secrets. What was changed again since then stays and is noted.
    pub fn restore_commit(&self, commit: &str, how: &How) -> Result<Report, VaultError> {
        let mut writing = self.writing(how)?;
        let id = self.repo().resolve(commit)?;
        let parent = self.repo().parents(id)?.first().copied();
        let (mut drafts, mut others, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (path, change) in sealed::changed_between(self.repo(), parent, id, self.root())? {
            if path.is_journal() {
                // It says what a provider was asked for, and that cannot be taken back here.
                writing.note(format!("{path} is no secret and stays as it is"));
                continue;
            }
            let open = |blob: Option<ObjectId>| {
                blob.map(|blob| self.open_version(&self.version_of_blob(blob, &path)?)).transpose()
            };
            let (before, after) = (open(change.before)?, open(change.after)?);
            let mut notes = Vec::new();
            match self.undo(&path, before.as_ref(), after.as_ref(), how.now, &mut notes)? {
                Undo::Write(draft) => {
                    drafts.push(*draft);
                    names.push(path.to_string());
                }
                Undo::Done(file) => {
                    others.push(file);
                    names.push(path.to_string());
                }
                Undo::Nothing => {}
            }
            notes.into_iter().for_each(|note| writing.note(note));
        }
        let roster = format!("{}/roster.toml", self.root());
        let roster_at = |commit: Option<ObjectId>| commit.map_or(Ok(None), |it| self.repo().blob_at(it, &roster));
        if roster_at(parent)? != roster_at(Some(id))? {
            writing.note(format!(
                "{roster} stays as it is: who reads is changed with covault grant, group and member, not undone"
            ));
        }
        if drafts.is_empty() && others.is_empty() {
            let mut report = super::setup::nothing_written(how);
            report.notes = writing.into_notes();
            return Ok(report);
        }
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let short: String = id.to_string().chars().take(12).collect();
        let message = format!("covault: restore {} from before {short}", super::remove::summary(&names));
        writing.finish(&drafts, others, &message)
    }

    fn undo(
        &self,
        path: &SecretPath,
        before: Option<&Secret>,
        after: Option<&Secret>,
        now: Time,
        notes: &mut Vec<String>,
    ) -> Result<Undo, VaultError> {
        let lived = |side: Option<&Secret>| side.is_some_and(|secret| secret.manifest.state == State::Live);
        let Some(basis) = self.basis(path)? else { return Ok(Undo::Nothing) };
        notes.extend(basis.note);
        let mut draft = basis.draft;
        let left = self.unsettled(path)?;
        let lives = draft.document.state() == State::Live;
        let untouched = matches!((draft.parents.as_slice(), after), ([(hash, _)], Some(after)) if *hash == after.hash);
        if !lived(before) {
            // It was born (or came back) with that commit: it goes again, unless somebody changed it since.
            if !lived(after) || !lives {
                let is_done = lived(after) && draft.document.state() == State::Deleted;
                return Ok(left.filter(|_| is_done).map_or(Undo::Nothing, Undo::Done));
            }
            if !untouched {
                notes.push(format!("{path} was changed again since and stays"));
                return Ok(Undo::Nothing);
            }
            let tombstone = self.write_of(&Key::State, draft.document.tombstone_value(None), true, now)?;
            draft.document.bury(tombstone);
            return Ok(Undo::Write(Box::new(draft)));
        }
        let Some(before) = before else { return Ok(Undo::Nothing) };
        if !lives {
            if lived(after) || !untouched {
                notes.push(format!("{path} was deleted or moved since and stays"));
                return Ok(Undo::Nothing);
            }
            if let Some(State::Moved(to)) = after.map(|after| &after.manifest.state)
                && !self.arrived_untouched(to, before)?
            {
                // Else there would be two of one secret.
                notes.push(format!("{path} moved to {to}, was changed again since and stays there"));
                return Ok(Undo::Nothing);
            }
            draft.document.unbury(self.write_of(&Key::State, Value::text("live"), true, now)?);
            self.bring_back(&mut draft.document, before, now)?;
            return Ok(Undo::Write(Box::new(draft)));
        }
        let (before_side, after_side) =
            (Some((&before.document, before.manifest.at)), after.map(|after| (&after.document, after.manifest.at)));
        let here = compare::differences(before_side, Some((&draft.document, now)));
        let mut found = Tally { is_left: left.is_some(), ..Tally::default() };
        for difference in compare::differences(before_side, after_side) {
            let live = |document: &Document| -> BTreeSet<_> {
                let register = document.register(&difference.key);
                register.map(|r| r.live().map(Write::name).collect()).unwrap_or_default()
            };
            if document_has_key(&draft.document) && is_of_provider(&difference.key) {
                notes.push(format!("{path}: a provider issues its key, and old ones do not come back"));
                continue;
            }
            if found.is_left && here.iter().all(|other| other.key != difference.key) {
                found.as_before = true;
                continue;
            }
            if after.is_some_and(|after| live(&after.document) != live(&draft.document)) {
                found.since = true;
                notes.push(format!("{path}: {} was changed again since and stays", difference.key.to_text()));
                continue;
            }
            self.put_back(&mut draft.document, &difference.key, difference.before.first(), now)?;
            found.changed = true;
        }
        if let Some(after) = after {
            let shares = [&before.manifest.shares, &after.manifest.shares];
            self.undo_shares(&mut draft, shares, now, &mut found, notes)?;
        }
        Ok(match (found, left) {
            (Tally { changed: true, .. }, _) => Undo::Write(Box::new(draft)),
            (Tally { as_before: true, since: false, .. }, Some(file)) => Undo::Done(file),
            _ => Undo::Nothing,
        })
    }

    /// Takes back what a commit shared. What it unshared lets somebody read again: that is a command of its own, which shows
    /// who gains what.
    fn undo_shares(
        &self,
        draft: &mut Draft,
        [before, after]: [&Shares; 2],
        now: Time,
        found: &mut Tally,
        notes: &mut Vec<String>,
    ) -> Result<(), VaultError> {
        let path = draft.document.path.clone();
        let me = &self.me()?.reference.name;
        let mut changed = false;
        for subject in before.differing(after) {
            if found.is_left && draft.shares.is_shared(subject) == before.is_shared(subject) {
                found.as_before = true;
            } else if !draft.shares.says_the_same_of(subject, after) {
                found.since = true;
                notes.push(format!("{path}: whether {subject} shares it was changed again since and stays"));
            } else if before.is_shared(subject) {
                notes.push(format!("{path} stays unshared from {subject}: covault share {path} {subject} shares it"));
            } else {
                draft.shares.put(subject.clone(), false, me.clone(), now, random());
                notes.push(format!("{path} is not shared with {subject} any more"));
                changed = true;
            }
        }
        if changed && !draft.shares.fits() {
            return Err(VaultError::TooManyShares(path.to_string()));
        }
        found.changed |= changed;
        Ok(())
    }

    /// Whether what lives at `to` is what moved there: the next version of `before`, and nothing after it. A killed command
    /// may have buried it already, which no commit has.
    fn arrived_untouched(&self, to: &SecretPath, before: &Secret) -> Result<bool, VaultError> {
        let is_next = |version: &Version| {
            let manifest = version.manifest();
            manifest.state == State::Live && manifest.parents.contains(&before.hash)
        };
        let Some(here) = self.current(to)? else { return Ok(false) };
        if here.manifest().state != State::Deleted {
            return Ok(is_next(&here));
        }
        let committed = self.repo().head()?.commit.map(|head| self.version_at(head, to)).transpose()?.flatten();
        Ok(committed.is_some_and(|arrived| is_next(&arrived) && here.manifest().parents.contains(&arrived.hash())))
    }

    /// Makes a document show what an older one shows; says whether that changed anything.
    fn bring_back(&self, document: &mut Document, old: &Secret, now: Time) -> Result<bool, VaultError> {
        let differences = compare::differences(Some((&old.document, old.manifest.at)), Some((document, now)));
        let is_issued = document_has_key(document) || document_has_key(&old.document);
        let mut changed = false;
        for difference in differences.iter().filter(|difference| !(is_issued && is_of_provider(&difference.key))) {
            self.put_back(document, &difference.key, difference.before.first(), now)?;
            changed = true;
        }
        Ok(changed)
    }

    pub(super) fn put_back(
        &self,
        document: &mut Document,
        key: &Key,
        old: Option<&Write>,
        now: Time,
    ) -> Result<(), VaultError> {
        let (value, plain) = old.map_or((Value::Absent, true), |write| (write.value.clone(), write.plain));
        document.put(key, self.write_of(key, value, plain, now)?);
        Ok(())
    }

    /// The version that a revision names: a number of its own before a commit whose name is all digits.
    pub fn old_version(&self, path: &SecretPath, revision: Option<&str>) -> Result<Version, VaultError> {
        let number = revision.and_then(|text| text.parse::<u64>().ok());
        if let Some(text) = revision
            && number.is_none()
        {
            return match self.repo().resolve(text) {
                Err(RepoError::RevNotFound { .. }) if self.history_is_shallow() => Err(self.missing(path, revision)),
                commit => self
                    .version_at(commit?, path)?
                    .ok_or_else(|| VaultError::NoSuchRevision { name: path.to_string(), revision: text.to_owned() }),
            };
        }
        let current = self.current(path)?;
        let is_wanted = |version: &Version, there: &SecretPath| {
            let manifest = version.manifest();
            match number {
                Some(number) => manifest.revision == number && manifest.state == State::Live,
                None => {
                    // What a secret was called before says the same as what it is called now.
                    let is_current = current.as_ref().is_some_and(|current| {
                        let same_values = there != path && current.manifest().values == manifest.values;
                        current.hash() == version.hash() || same_values
                    });
                    manifest.state == State::Live && !is_current
                }
            }
        };
        let (mut found, mut has_history) = (Vec::<(Version, ObjectId)>::new(), false);
        self.trail(path, None, &mut |commit| {
            has_history = true;
            for (there, blob) in commit.changes.iter().filter_map(|it| self.path_of(&it.path).zip(it.after)) {
                // A version that is damaged or not ours is no version to come back to.
                let version = self.version_of_blob(blob, &there).ok().filter(|version| is_wanted(version, &there));
                let Some(version) = version else { continue };
                let is_known = |(known, _): &&mut (Version, ObjectId)| {
                    known.members().map(SealedFile::hash).eq(version.members().map(SealedFile::hash))
                };
                match found.iter_mut().find(is_known) {
                    Some((_, made_by)) => *made_by = commit.commit,
                    None => found.push((version, commit.commit)),
                }
                if number.is_none() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        // Two branches count on from the same number.
        if let Some(revision) = number.filter(|_| found.len() > 1) {
            let commits = found.iter().map(|(_, commit)| commit.to_string().chars().take(12).collect()).collect();
            return Err(VaultError::SeveralRevisions { name: path.to_string(), revision, commits });
        }
        if let Some((version, _)) = found.pop() {
            return Ok(version);
        }
        if current.is_none() && !has_history {
            return Err(self.unknown(path));
        }
        let commit = revision.and_then(|text| self.repo().resolve(text).ok());
        let version = commit.map(|commit| self.version_at(commit, path)).transpose()?.flatten();
        version.ok_or_else(|| self.missing(path, revision))
    }

    /// Why there is no such version; a clone that has not the whole history cannot know whether there is.
    fn missing(&self, path: &SecretPath, revision: Option<&str>) -> VaultError {
        let name = path.to_string();
        match revision {
            _ if self.history_is_shallow() => {
                let what = revision.map_or_else(|| "earlier version".to_owned(), |text| format!("revision '{text}'"));
                VaultError::BeforeShallow { name, what }
            }
            Some(revision) => VaultError::NoSuchRevision { name, revision: revision.to_owned() },
            None => VaultError::NothingEarlier(name),
        }
    }

    /// The value of a field in an older version: for `get NAME@REV`.
    pub fn secret_at(&self, path: &SecretPath, revision: &str) -> Result<Secret, VaultError> {
        self.living(path, self.open_version(&self.old_version(path, Some(revision))?)?)
    }
}

/// Names of the fields that a secret has, for people.
pub fn field_names(secret: &Secret) -> Vec<String> {
    read::fields(&secret.document, secret.manifest.at).iter().map(|field| field.name.to_string()).collect()
}

/// Whether a provider issued the value of a secret.
pub(super) fn document_has_key(document: &Document) -> bool {
    let key = MetaName::parse(KEY).ok().and_then(|name| document.register(&Key::Meta(name)));
    key.is_some_and(|register| register.live().any(|write| write.value != Value::Absent))
}

/// Whether a register holds what a provider issued: the key's text, or what is known of it.
pub(super) fn is_of_provider(key: &Key) -> bool {
    match key {
        Key::Field(name) => name.as_str() == "value",
        Key::Meta(name) => is_record(name.as_str()) || name.as_str() == read::EXPIRES,
        _ => false,
    }
}
