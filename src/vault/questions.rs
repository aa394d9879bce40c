//! The questions that a join leaves to people: what several wrote at once, what was deleted and changed, what counts
//! for nothing.
//!
//! It answers none of them; [`super::resolve`] does.

use std::collections::{BTreeMap, BTreeSet};

use super::gone::gone;
use super::keys::is_for_resume;
use super::read::Secret;
use super::share::shown;
use super::version::authors;
use super::{Vault, VaultError};
use crate::model::names::{FieldName, MemberName, SecretPath};
use crate::model::register::Write;
use crate::model::roster::Role;
use crate::model::shares::Shares;
use crate::repo::ObjectId;

/// A field that several people wrote at once.
#[derive(Debug)]
pub struct Question {
    /// The secret.
    pub path: SecretPath,
    /// The field.
    pub field: FieldName,
    /// What was written, the newest first.
    pub writes: Vec<Write>,
    /// They are keys that several clones had issued: `covault key resume` settles which of them stays.
    pub issued: bool,
}

/// What waits for a person.
#[derive(Debug, Default)]
pub struct Questions {
    /// Fields with several values.
    pub fields: Vec<Question>,
    /// Secrets that somebody deleted or moved while somebody else changed them.
    pub contested: Vec<SecretPath>,
    /// Where those of them were moved that were.
    pub moved: BTreeMap<SecretPath, BTreeSet<SecretPath>>,
    /// What went with the deletion of those of them that lost something.
    pub gone: BTreeMap<SecretPath, Vec<String>>,
    /// Versions that are kept beside a secret, or lie in its place, and count for nothing, with their author.
    pub apart: Vec<(SecretPath, String)>,
    /// Those of their secrets that are refused, as nothing of them counts.
    pub alone: BTreeSet<SecretPath>,
    /// Those of them of which a part opens for nobody who may write there, which keeps the others back.
    pub lost: BTreeSet<SecretPath>,
    /// Those of them that are not for oneself to decide about.
    pub others: BTreeMap<SecretPath, Deciders>,
}

/// Who decides about what counts for nothing, where oneself may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deciders {
    /// Those who may write there, by name; nobody, where an admin has to let somebody in first.
    pub names: Vec<String>,
    /// Where the grant stands that says so, as `grant` takes it.
    pub place: String,
}

impl Deciders {
    /// Who, and how it comes to that.
    pub fn how(&self) -> String {
        match self.names.as_slice() {
            [] => format!("nobody may write there: covault grant {} READER... names who decides", self.place),
            names => format!("{} may decide", names.join(" or ")),
        }
    }
}

impl Questions {
    fn ask(&mut self, path: &SecretPath, secret: &Secret) {
        for field in secret.fields().into_iter().filter(|field| field.is_conflicted()) {
            let writes = field.writes.into_iter().cloned().collect();
            let issued = is_for_resume(&secret.document, field.name, secret.manifest.at);
            self.fields.push(Question { path: path.clone(), field: field.name.clone(), writes, issued });
        }
        if secret.document.is_contested() {
            self.contested.push(path.clone());
            let moves = secret.document.moves();
            self.moved.extend((!moves.is_empty()).then(|| (path.clone(), moves)));
            let gone = gone(&secret.document);
            self.gone.extend((!gone.is_empty()).then(|| (path.clone(), gone)));
        }
    }

    /// Each author of what is kept beside it, once.
    fn list_apart(&mut self, path: &SecretPath, authors: BTreeSet<String>) {
        self.apart.extend(authors.into_iter().map(|author| (path.clone(), author)));
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.contested.is_empty() && self.apart.is_empty()
    }
}

/// Secrets that could not be asked, each with why.
type Unopened = Vec<(SecretPath, VaultError)>;

impl Vault {
    /// What waits for a person, in these secrets or in all. `progress` is told after each.
    pub fn questions(
        &self,
        only: Option<&[SecretPath]>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Questions, VaultError> {
        let names = only.map_or_else(|| self.asking_names(), |only| Ok(only.to_vec()))?;
        let (questions, refused) = self.asked_by(&names, progress)?;
        // What is not ours to read, or refused, is not ours to answer; `status` lists it.
        match refused.into_iter().next().filter(|_| only.is_some()) {
            Some((_, error)) => Err(error),
            None => Ok(questions),
        }
    }

    /// The same, with what does not open, or is refused and not for a person to decide about.
    pub(super) fn asked_by(
        &self,
        names: &[SecretPath],
        progress: &(dyn Fn() + Sync),
    ) -> Result<(Questions, Unopened), VaultError> {
        let (mut questions, mut unopened) = (Questions::default(), Vec::new());
        for (path, secret) in names.iter().zip(self.open_many(names, progress)?) {
            match secret {
                Ok(secret) => {
                    questions.ask(path, &secret);
                    if !secret.kept_apart.is_empty()
                        && let Some(version) = self.current(path)?
                    {
                        questions.list_apart(path, authors(version.refused()));
                    }
                }
                Err(error @ VaultError::NotAReader { .. }) => match self.asked_unopened(path)? {
                    (mine, lost) if mine.is_empty() && lost.is_empty() => unopened.push((path.clone(), error)),
                    (mine, lost) => {
                        questions.lost.extend((!lost.is_empty()).then(|| path.clone()));
                        questions.list_apart(path, mine.into_iter().chain(lost).collect());
                    }
                },
                Err(error) => {
                    let alone = if error.is_about_standing() { self.refused_alone(path)? } else { Vec::new() };
                    questions.list_apart(path, authors(&alone));
                    match alone.is_empty() {
                        true => unopened.push((path.clone(), error)),
                        false => drop(questions.alone.insert(path.clone())),
                    }
                }
            }
        }
        for (path, _) in &questions.apart {
            if let Some(others) = self.who_decides(path) {
                questions.others.insert(path.clone(), others);
            }
        }
        Ok((questions, unopened))
    }

    /// What is asked of a secret that is not sealed to oneself: what one wrote there oneself and counts for nothing,
    /// and, where one opens a part, who wrote what opens for nobody who may write there.
    fn asked_unopened(&self, path: &SecretPath) -> Result<(BTreeSet<String>, BTreeSet<String>), VaultError> {
        let Some(version) = self.current(path)? else { return Ok(Default::default()) };
        let me = self.me()?.reference.name.as_str();
        let mine = authors(version.refused()).into_iter().filter(|author| author == me).collect();
        let has_part = self.opener()?.open_part(&version).is_ok();
        let lost = if has_part { self.lost_in(&version) } else { Vec::new() };
        Ok((mine, lost.iter().map(|one| one.manifest().author.name.to_string()).collect()))
    }

    /// Who decides about what counts for nothing at a path, where oneself may not: who may write there.
    pub(super) fn who_decides(&self, path: &SecretPath) -> Option<Deciders> {
        let me = self.me().ok().map(|me| &me.reference.name);
        let readers = self.under().readers(path, &Shares::default());
        let writers = readers.iter().filter(|member| member.role >= Role::Writer).map(|member| &member.card.name);
        let writers: Vec<&MemberName> = writers.collect();
        let is_mine = writers.iter().any(|name| Some(*name) == me);
        let (place, _) = self.roster().state().grant_for(path.as_str());
        (!is_mine).then(|| Deciders { names: writers.iter().map(ToString::to_string).collect(), place: shown(place) })
    }

    /// What a secret asked as it was in a commit, where it opens.
    pub(super) fn questions_at(&self, commit: ObjectId, path: &SecretPath) -> Result<Questions, VaultError> {
        let mut questions = Questions::default();
        if let Some(version) = self.version_at(commit, path)? {
            questions.list_apart(path, authors(version.refused()));
            match self.open_version(&version) {
                Ok(secret) => questions.ask(path, &secret),
                Err(VaultError::NotAReader { .. }) => {
                    let lost = self.lost_in(&version);
                    questions.list_apart(path, lost.iter().map(|one| one.manifest().author.name.to_string()).collect());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(questions)
    }
}
