//! `resolve`: the answers of people to the questions that a join leaves.
//!
//! An answer is a write of its own, never the removal of one: two people who answer at once leave another question, and
//! no value is lost. What git left unmerged is settled in `merge/index.rs`.

use std::collections::BTreeSet;

use super::basis::{Basis, put_back};
use super::carry::{By, Carried};
use super::draft::Draft;
use super::keys::{KeyError, is_for_resume};
use super::questions::Question;
use super::trunk::descends;
use super::version::Version;
use super::write::{How, Report};
use super::{Vault, VaultError, sealed};
use crate::model::bytes::WriteName;
use crate::model::manifest::State;
use crate::model::names::{FieldName, SecretPath};
use crate::model::register::{Key, Value, Write};
use crate::model::shares::Shares;
use crate::repo::{Ancestry, Found, ObjectId, Operation, RepoError};

/// Which of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// The one whose name begins so.
    Id(String),
    /// That of the branch on which the merge was made.
    Ours,
    /// That of the branch that was merged.
    Theirs,
    /// The newest.
    Newest,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Answers {
    /// The value that each field has from now on: a write of those that the question lists.
    pub picks: Vec<(SecretPath, FieldName, WriteName)>,
    /// Contested secrets that stay, with what went with the deletion.
    pub keep: Vec<SecretPath>,
    /// Secrets beside which what counts for nothing is let go of.
    pub discard: Vec<SecretPath>,
    /// Secrets that go along where one of them moved, though others may read or write there; none of those that another
    /// answer is about.
    pub bring: Vec<SecretPath>,
    /// Secrets that a person names to be settled: where a killed command had written the answer, it is committed.
    pub named: Vec<SecretPath>,
}

impl Vault {
    /// The write of a question that is picked.
    pub fn picked(&self, question: &Question, pick: &Pick) -> Result<WriteName, VaultError> {
        let nothing = |what: String| VaultError::NoSuchValue {
            name: format!("{}/{}", question.path, question.field),
            what,
            known: question.writes.iter().map(|write| write.name().short().to_string()).collect(),
        };
        let side = |which: fn([BTreeSet<WriteName>; 2]) -> BTreeSet<WriteName>| {
            let side = self.sides_of(question)?.map(which).unwrap_or_default();
            let writes: Vec<&Write> = question.writes.iter().filter(|write| side.contains(&write.name())).collect();
            match writes.as_slice() {
                // A side that had several values itself means none of them.
                [first, rest @ ..] if rest.iter().all(|write| write.value == first.value) => Ok(first.name()),
                _ => Err(VaultError::NoMerge(format!("{}/{}", question.path, question.field))),
            }
        };
        match pick {
            Pick::Newest => question.writes.first().map(Write::name).ok_or_else(|| nothing("newest".to_owned())),
            Pick::Ours => side(|[ours, _]| ours),
            Pick::Theirs => side(|[_, theirs]| theirs),
            Pick::Id(id) => {
                let id = id.to_lowercase();
                let mut found = question.writes.iter().filter(|write| write.name().to_string().starts_with(&id));
                match (found.next(), found.next()) {
                    (Some(write), None) if !id.is_empty() => Ok(write.name()),
                    _ => Err(nothing(id)),
                }
            }
        }
    }

    /// Writes the answers, as one commit, and whatever else waits for oneself.
    ///
    /// # Errors
    /// `Several` where a pick is of keys that several clones had issued, `ChangedMeanwhile`, and those of writing.
    pub fn resolve(&self, answers: &Answers, how: &How) -> Result<Report, VaultError> {
        let mut writing = self.writing(how)?;
        let paths: BTreeSet<&SecretPath> =
            answers.picks.iter().map(|(path, _, _)| path).chain(&answers.keep).chain(&answers.discard).collect();
        let mut drafts = Vec::with_capacity(paths.len());
        for path in &paths {
            let is_let_go = answers.discard.contains(path);
            let alone = if is_let_go { self.refused_alone(path)? } else { Vec::new() };
            let only_that =
                is_let_go && !answers.keep.contains(path) && answers.picks.iter().all(|(of, _, _)| of != *path);
            let mut draft = match only_that {
                true if !alone.is_empty() => match self.over_refused(path, &alone)? {
                    Some(draft) => draft,
                    None => match self.arriving_good(path, &alone)? {
                        Some(draft) => draft,
                        None => {
                            let named: Vec<SecretPath> = paths.iter().map(|path| (*path).clone()).collect();
                            drafts.extend(self.did_not_move(&mut writing, path, &named)?);
                            self.grave_over(path, &alone, how.now)?
                        }
                    },
                },
                // What lies beside a tombstone can be let go of, too.
                true => match self.without_lost(path)? {
                    Some(draft) => draft,
                    None => writing.start_as_it_is(path)?,
                },
                false => writing.start_living(path)?,
            };
            for (_, field, name) in answers.picks.iter().filter(|(of, _, _)| of == *path) {
                // A value without its record would be nobody's key, and the others would live on.
                if is_for_resume(&draft.document, field, how.now) {
                    return Err(KeyError::Several { path: path.to_string() }.into());
                }
                let key = Key::Field(field.clone());
                let register = draft.document.register(&key);
                let write = register.and_then(|register| register.live().find(|write| write.name() == *name));
                let Some(write) = write else { return Err(VaultError::ChangedMeanwhile(path.to_string())) };
                let answer = self.write_of(&key, write.value.clone(), write.plain, how.now)?;
                draft.document.put(&key, answer);
            }
            if answers.keep.contains(path) && draft.document.is_contested() {
                // Nobody knows what went with the deletion once that counts for nothing.
                let mut notes = Vec::new();
                self.bring_back_gone(&mut draft, how.now, &mut notes)?;
                notes.into_iter().for_each(|note| writing.note(note));
                let alive = self.write_of(&Key::State, Value::text("live"), true, how.now)?;
                draft.document.put(&Key::State, alive);
            }
            if is_let_go {
                let version = if alone.is_empty() { self.current(path)? } else { None };
                let refused = version.as_ref().map_or(alone.as_slice(), Version::refused);
                self.let_go(refused, &mut draft)?.into_iter().for_each(|note| writing.note(note));
            }
            drafts.push(draft);
        }
        let mut left = Vec::new();
        // While git is in the middle of something, what no commit has yet is as it should be.
        if self.repo().operation()?.is_none() {
            for path in answers.named.iter().filter(|path| !paths.contains(path)) {
                left.extend(self.unsettled(path)?.map(|file| (path, file)));
            }
        }
        let brought = self.carried(&answers.bring, By::Person(&answers.bring), how.now)?;
        self.say_what_comes(&answers.bring, &brought).into_iter().for_each(|note| writing.note(note));
        drafts.extend(brought.drafts);
        let settled = left.iter().map(|(path, _)| *path);
        let names: Vec<&str> = paths.into_iter().chain(&answers.bring).chain(settled).map(SecretPath::as_str).collect();
        let message = match names.as_slice() {
            [] => "covault: settle what waited".to_owned(),
            names => format!("covault: resolve {}", super::remove::summary(names)),
        };
        writing.finish(&drafts, left.into_iter().map(|(_, file)| file).collect(), &message)
    }

    /// Where what is brought goes and who reads it there; what stays, and why.
    fn say_what_comes(&self, asked: &[SecretPath], brought: &Carried) -> Vec<String> {
        let names = |path: &SecretPath, shares: &Shares| {
            let readers = self.under().readers(path, shares);
            readers.iter().map(|member| member.card.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let is_home = |draft: &&Draft| !matches!(draft.document.state(), State::Moved(_));
        let come = brought.drafts.iter().filter(is_home).map(|draft| {
            format!("comes to {}, which {} can read", draft.document.path, names(&draft.document.path, &draft.shares))
        });
        let all = || asked.iter().map(SecretPath::as_str).collect::<Vec<_>>().join(" ");
        let unasked = brought.unasked.iter().map(|(place, home)| {
            let readers = names(home, &Shares::default());
            format!(
                "{place} would come along to {home}, which {readers} can read: if that is right, covault resolve {} {place} --bring",
                all()
            )
        });
        let mut notes: Vec<String> = come.chain(unasked).collect();
        if notes.is_empty() && !asked.is_empty() {
            let what = asked.iter().map(SecretPath::as_str).collect::<Vec<_>>().join(", ");
            notes.push(format!(
                "{what}: nothing moved, or not every place is yours to read and write, or one is unmerged, or somebody moved it on \
                 who may not write here: name where it goes, too"
            ));
        }
        notes
    }

    /// Joins in what a commit has and a merge dropped: of these secrets, or of all.
    pub fn resolve_from(&self, rev: &str, only: &[SecretPath], how: &How) -> Result<Report, VaultError> {
        let writing = self.writing(how)?;
        let commit = self.repo().resolve(rev)?;
        let head = self.repo().head()?.commit;
        let (mut drafts, mut names, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut refused, mut has_more) = (None, false);
        let was_here = head.is_some_and(|head| matches!(self.repo().is_ancestor(commit, head), Ok(Ancestry::Yes)));
        for (path, _, blob) in sealed::list_at(self.repo(), commit, self.root())? {
            if !only.is_empty() && !only.contains(&path) {
                continue;
            }
            let here = self.current(&path);
            // What counts for nothing there, was in this history, and was dropped here before a person decided is kept beside what
            // is here again. What another branch has of such is not brought in.
            let apart = match &here {
                Ok(Some(here)) if was_here => self.unheeded(here, blob)?,
                _ => Vec::new(),
            };
            let there = match self.version_of_blob(blob, &path) {
                Ok(version) => version,
                Err(_) if !apart.is_empty() => {
                    self.keep_beside(&path, apart, &mut drafts, &mut notes)?;
                    names.push(path.to_string());
                    continue;
                }
                Err(error) => {
                    notes.push(format!("{path} is refused there: {}", super::error::chain(&error)));
                    refused.get_or_insert(error);
                    continue;
                }
            };
            let here = here?;
            if let Some(here) = &here
                && self.follows(here, &there, head)?
            {
                has_more = true;
                if !apart.is_empty() {
                    self.keep_beside(&path, apart, &mut drafts, &mut notes)?;
                    names.push(path.to_string());
                }
                continue;
            }
            let secret = match self.open_version(&there) {
                Ok(secret) => secret,
                Err(VaultError::NotAReader { readers, .. }) => {
                    notes.push(format!("{path} is not sealed to you there: {readers} can"));
                    has_more = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let draft = match self.basis(&path)? {
                Some(basis) => {
                    let mut draft = basis.draft;
                    draft.join(secret);
                    draft.keep_what_it_cannot_name(here.iter().chain([&there]).flat_map(Version::members));
                    draft
                }
                None => Draft { over: Found::Nothing, ..Draft::after(secret) },
            };
            drafts.push(draft);
            names.push(path.to_string());
        }
        if drafts.is_empty() {
            if let Some(error) = refused.filter(|_| !has_more) {
                let commit = super::trunk::abbreviated(&commit.to_string());
                return Err(VaultError::NothingThere { commit, source: Box::new(error) });
            }
            let mut report = super::setup::nothing_written(how);
            report.notes = writing.into_notes();
            report.notes.extend(notes);
            return Ok(report);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let short: String = commit.to_string().chars().take(12).collect();
        let message = format!("covault: resolve {} from {short}", super::remove::summary(&names));
        let mut report = writing.finish(&drafts, Vec::new(), &message)?;
        report.notes.extend(notes);
        Ok(report)
    }

    /// Begins a version of what is here with these beside it, which count for nothing.
    fn keep_beside(
        &self,
        path: &SecretPath,
        apart: Vec<Vec<u8>>,
        drafts: &mut Vec<Draft>,
        notes: &mut Vec<String>,
    ) -> Result<(), VaultError> {
        if let Some(Basis { mut draft, .. }) = self.basis(path)? {
            draft.kept_apart.extend(apart);
            drafts.push(draft);
            notes.push(put_back(path));
        }
        Ok(())
    }

    /// Whether everything in `there` is in `here`, by what the manifests say.
    fn follows(&self, here: &Version, there: &Version, head: Option<ObjectId>) -> Result<bool, VaultError> {
        for member in there.members() {
            if !descends(self.repo(), head, here.file(), here, member.manifest())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Which of the asked writes either side brought into the merge that made the question: the one that git is in the middle
    /// of, or else the commit of this branch that was the first to have all of them. `None` where that is no merge, or the
    /// sides do not share them out: after a squash, a cherry-pick or a rebase an older merge knows nothing of them.
    fn sides_of(&self, question: &Question) -> Result<Option<[BTreeSet<WriteName>; 2]>, VaultError> {
        let all: BTreeSet<WriteName> = question.writes.iter().map(Write::name).collect();
        let shared_out = |ours: BTreeSet<_>, theirs: BTreeSet<_>| {
            let is_whole = ours.is_disjoint(&theirs) && ours.union(&theirs).eq(&all);
            (is_whole && !ours.is_empty() && !theirs.is_empty()).then_some([ours, theirs])
        };
        let Some(mut commit) = self.repo().head()?.commit else { return Ok(None) };
        let here = self.asked_at(commit, question);
        if here != all {
            let Some(other) = self.brought_by_git()? else { return Ok(None) };
            return Ok(shared_out(here, self.asked_at(other, question)));
        }
        let file = self.file(&question.path);
        loop {
            let parents = self.repo().parents(commit)?;
            let Some(first) = parents.first().copied() else { return Ok(None) };
            if self.repo().blob_at(first, &file)? != self.repo().blob_at(commit, &file)? {
                let before = self.asked_at(first, question);
                match parents.as_slice() {
                    _ if before == all => {}
                    [_, second] => return Ok(shared_out(before, self.asked_at(*second, question))),
                    _ => return Ok(None),
                }
            }
            commit = first;
        }
    }

    /// The asked writes that are live in a commit. What does not open there says nothing.
    fn asked_at(&self, commit: ObjectId, question: &Question) -> BTreeSet<WriteName> {
        let version = self.version_at(commit, &question.path).ok().flatten();
        let secret = version.and_then(|version| self.open_version(&version).ok());
        let register = secret.as_ref().and_then(|it| it.document.register(&Key::Field(question.field.clone())));
        let live = register.into_iter().flat_map(|register| register.live().map(Write::name));
        live.filter(|name| question.writes.iter().any(|write| write.name() == *name)).collect()
    }

    /// The commit that git is bringing here, where it is in the middle of that.
    fn brought_by_git(&self) -> Result<Option<ObjectId>, VaultError> {
        let other = match self.repo().operation()? {
            Some(Operation::Merge) => "MERGE_HEAD",
            Some(Operation::CherryPick) => "CHERRY_PICK_HEAD",
            Some(Operation::Rebase) => "REBASE_HEAD",
            _ => return Ok(None),
        };
        match self.repo().resolve(other) {
            Ok(other) => Ok(Some(other)),
            Err(RepoError::RevNotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
