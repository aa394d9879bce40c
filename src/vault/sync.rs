//! `sync`: fetch, bring in, settle, seal what waits, push; again where somebody was faster.
//!
//! It needs no driver that is set up: git is given it for this once. What it cannot settle it leaves as git left it, or as
//! it was before; it forces nothing.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::Kind;
use super::merge::{index, is_bystander, roster};
use super::questions::Questions;
use super::resolve::Answers;
use super::verify::{self, Also, What};
use super::version::{RefusedSibling, authors};
use super::write::How;
use super::{FOLDER, Vault, VaultError, branch, root_above, root_in, sealed, setup};
use crate::home::Home;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::repo::{Ancestry, BringLock, Brought, ObjectId, Operation, Pushed, Repo, RepoError, Upstream, Way};

/// How often others may be faster.
const TIMES: usize = 8;
/// How many commits of a rebase may need settling.
const STEPS: usize = 10_000;

/// How to go about it.
pub struct Syncing<'a> {
    /// The folder to begin in.
    pub start: &'a Path,
    /// The vault that is insisted on.
    pub expected: Option<&'a str>,
    /// Replay one's own commits on top instead of merging.
    pub rebase: bool,
    /// Push what came of it.
    pub push: bool,
    /// Time, program, dry run.
    pub how: How,
    /// Opens the vault afresh.
    pub open: &'a dyn Fn() -> Result<Vault, VaultError>,
    /// This machine.
    pub home: &'a Home,
}

/// A secret that is refused, with why and the next step.
pub type Refused = (SecretPath, String, Option<String>);

/// What came of it.
#[derive(Debug, Default)]
pub struct Synced {
    /// Where it was exchanged with, such as `origin/main`.
    pub with: String,
    /// How many commits came in.
    pub received: usize,
    /// How many went out (or would).
    pub sent: usize,
    /// Whether the remote has everything that is here.
    pub pushed: bool,
    /// Secrets that changed by what came in.
    pub changed: Vec<SecretPath>,
    /// Questions that were not there before.
    pub questions: Questions,
    /// Secrets that git brought in without asking and that are refused.
    pub refused: Vec<Refused>,
    /// Files that are unmerged, where git is left in the middle of it, each with why.
    pub unmerged: Vec<(String, String)>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Exchanges the branch that is checked out with its upstream.
pub fn sync(syncing: &Syncing<'_>, progress: &(dyn Fn() + Sync)) -> Result<Synced, VaultError> {
    let repo = Repo::discover(syncing.start)?;
    not_amid(&repo)?;
    let head = repo.head()?;
    let branch = head.branch.ok_or_else(|| VaultError::NoBranch(head.commit.map(|commit| commit.to_string())))?;
    let upstream = repo.exchanged_with()?.ok_or(VaultError::NoRemote(branch))?;
    let mut synced = Synced { with: format!("{}/{}", upstream.remote, upstream.branch), ..Synced::default() };
    if !syncing.how.dry_run {
        take_back(&repo, &repo.lock_bringing()?, &mut synced)?;
    }
    let before = repo.head()?.commit;
    let mut received = BTreeSet::new();
    for _ in 0..TIMES {
        repo.fetch(&upstream.remote)?;
        let theirs = repo.resolve(&upstream.tracking).ok();
        if let Some(theirs) = theirs {
            // What is refused on the trunk is refused before anything of it is brought in.
            let is_new = check(syncing, &repo, (&upstream, theirs))? == Before::Nothing;
            let head = repo.head()?.commit;
            received.extend(repo.walk(&[theirs], head.as_slice())?.into_iter().map(|commit| commit.id));
            if !syncing.how.dry_run && !bring(syncing, &repo, theirs, &mut synced)? {
                // What git is in the middle of counts; what was taken back does not.
                synced.received = if repo.operation()?.is_some() { received.len() } else { 0 };
                return Ok(synced);
            }
            if is_new && !syncing.how.dry_run {
                // It was not there to be looked at before.
                welcome(syncing, &mut synced)?;
            }
        }
        if !syncing.how.dry_run {
            heal(syncing, &mut synced)?;
        }
        let head = repo.head()?.commit;
        let goes = repo.goes_to(&upstream);
        // What is sent may go to another branch than what comes in is from.
        let elsewhere = goes.as_ref().ok().filter(|to| to.tracking != upstream.tracking);
        let there = elsewhere.map_or(theirs, |to| repo.resolve(&to.tracking).ok());
        let hidden: Vec<ObjectId> = there.or(theirs).into_iter().collect();
        synced.sent = head.map_or(Ok(0), |head| repo.walk(&[head], &hidden).map(|commits| commits.len()))?;
        let has_all = head.is_none() || (synced.sent == 0 && there.is_some());
        let to = if syncing.push && !has_all { Some(goes?) } else { None };
        let Some(to) = to.filter(|_| !syncing.how.dry_run) else {
            synced.pushed = synced.sent == 0;
            return finish(syncing, &repo, before, &received, synced, progress);
        };
        match repo.push(&upstream)? {
            Pushed::Done => {
                synced.pushed = true;
                if to.tracking != upstream.tracking {
                    synced.notes.push(format!("pushed to {}/{}", to.remote, to.branch));
                }
                return finish(syncing, &repo, before, &received, synced, progress);
            }
            Pushed::Behind => {}
        }
    }
    Err(VaultError::Outpaced { remote: upstream.remote, times: TIMES })
}

/// Nothing is brought in while git is in the middle of something.
fn not_amid(repo: &Repo) -> Result<(), VaultError> {
    match repo.operation()? {
        None | Some(Operation::Jujutsu) => Ok(()),
        Some(operation) => Err(VaultError::Ongoing(operation.to_string())),
    }
}

/// What there was before anything was brought in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A vault, or what is no reason to stop.
    Vault,
    /// No vault here, and one there: a branch with no commit yet, or one from before there was a vault.
    Nothing,
}

fn check(syncing: &Syncing<'_>, repo: &Repo, (upstream, theirs): (&Upstream, ObjectId)) -> Result<Before, VaultError> {
    match (syncing.open)() {
        Ok(vault) => {
            vault.check_brings_roster(upstream, theirs)?;
            if !syncing.how.dry_run && vault.may_write().is_ok() {
                setup::install(vault.repo(), vault.root(), vault.roster().vault, &syncing.how.program)?;
            }
            Ok(Before::Vault)
        }
        Err(error) if is_bystander(&error) => Ok(Before::Vault),
        Err(VaultError::NoVault | VaultError::NoVaultOnBranch { .. } | VaultError::RosterTakenAway { .. })
            if root_in(repo, syncing.start, &[theirs])?.is_some_and(|root| branch::has_roster(repo, theirs, &root)) =>
        {
            Ok(Before::Nothing)
        }
        Err(error) => Err(error),
    }
}

/// What came in is a vault that was not here: it is set up like any other, or the next command is said.
fn welcome(syncing: &Syncing<'_>, synced: &mut Synced) -> Result<(), VaultError> {
    match (syncing.open)() {
        Ok(vault) if vault.may_write().is_ok() => {
            setup::install(vault.repo(), vault.root(), vault.roster().vault, &syncing.how.program)?;
        }
        Ok(_) => {}
        Err(error) if is_bystander(&error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            synced.notes.push(format!("{error}{hint}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Brings a commit in and settles what git leaves of ours; whether the branch has both.
fn bring(syncing: &Syncing<'_>, repo: &Repo, theirs: ObjectId, synced: &mut Synced) -> Result<bool, VaultError> {
    let way = if syncing.rebase { Way::Rebase } else { Way::Merge };
    let settings = setup::for_this_once(repo, &syncing.how.program)?;
    // Another `sync` of this work tree may have been in the midst of it, and got further.
    let lock = repo.lock_bringing()?;
    take_back(repo, &lock, synced)?;
    not_amid(repo)?;
    if let Some(head) = repo.head()?.commit
        && repo.is_ancestor(theirs, head)? == Ancestry::Yes
    {
        return Ok(true);
    }
    let before = repo.head()?.commit;
    if let (Way::Merge, Some(head)) = (way, before) {
        repo.note_bringing(&lock, head, theirs)?;
    }
    let brought = repo.bring(&theirs.to_string(), way, &settings);
    if brought.is_err() && way == Way::Merge {
        // Where that fails, too, what git said first is what counts; the next `sync` does it.
        drop(repo.take_back_bringing(&lock));
    }
    let brought = or_back(repo, way, brought);
    let mut brought = brought.map_err(|error| refused_there(syncing, theirs, &synced.with, error))?;
    repo.forget_bringing()?;
    drop(lock);
    for _ in 0..STEPS {
        if brought == Brought::Done {
            say_of_rosters(syncing, repo, before, theirs, synced)?;
            return Ok(true);
        }
        let (left, who) = settle(syncing, synced)?;
        if left.is_empty() && repo.unmerged_below("")?.is_empty() {
            brought = or_back(repo, way, repo.go_on(way, &settings))?;
            continue;
        }
        // Where it takes another person, nothing is left half done.
        if who == Who::Another {
            repo.give_up(way)?;
            let with = &synced.with;
            synced.notes.push(format!(
                "nothing was brought in: the branch is as it was (by hand it begins with: git merge {with})"
            ));
        }
        let others = repo.unmerged_below("")?.into_iter().filter(|file| !left.iter().any(|(known, _)| known == file));
        synced.unmerged = others.map(|file| (file, "git left it unmerged".to_owned())).collect();
        synced.unmerged.extend(left);
        return Ok(false);
    }
    Ok(false)
}

/// What became of two rosters, unless it was said when they were settled.
fn say_of_rosters(
    syncing: &Syncing<'_>,
    repo: &Repo,
    before: Option<ObjectId>,
    theirs: ObjectId,
    synced: &mut Synced,
) -> Result<(), VaultError> {
    let (Some(before), Some(now)) = (before, repo.head()?.commit) else { return Ok(()) };
    let Ok(root) = root_above(repo, Some(syncing.home), syncing.start) else { return Ok(()) };
    let notes = roster::notes_of_merge(repo, syncing.home, &format!("{root}/roster.toml"), [before, theirs, now])?;
    let news: Vec<String> = notes.into_iter().filter(|note| !synced.notes.contains(note)).collect();
    synced.notes.extend(news);
    Ok(())
}

/// A rebase that fails halfway is taken back: the branch is as it was.
fn or_back(repo: &Repo, way: Way, brought: Result<Brought, RepoError>) -> Result<Brought, VaultError> {
    if brought.is_err() && way == Way::Rebase && repo.operation()? == Some(Operation::Rebase) {
        repo.give_up(way)?;
    }
    Ok(brought?)
}

/// Why git could not bring a commit in, where that is a file in it which our driver refused: git says so only in words.
fn refused_there(syncing: &Syncing<'_>, theirs: ObjectId, with: &str, error: VaultError) -> VaultError {
    let commit = theirs.to_string();
    let judged =
        verify::verify(syncing.start, Some(syncing.home), syncing.expected, What::Commit(&commit), Also::default());
    let words = super::error::chain(&error);
    let met = judged.ok().and_then(|judged| judged.findings.into_iter().find(|found| words.contains(&found.path)));
    let with = if with.is_empty() { commit } else { with.to_owned() };
    met.map_or(error, |found| VaultError::RefusedThere { with, file: found.path, why: found.text })
}

/// Puts right what a `sync` that was killed left in the midst of git's merge.
fn take_back(repo: &Repo, lock: &BringLock, synced: &mut Synced) -> Result<(), VaultError> {
    let files = repo.take_back_bringing(lock)?;
    if let Some(first) = files.first() {
        let others = match files.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let what = format!("an interrupted merge was taken back first: {first}{others} put back as committed");
        synced.notes.push(what);
    }
    Ok(())
}

/// Who can go on with what is left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Oneself, with `resolve`.
    Oneself,
    /// Somebody else, as they are admins where one is none.
    Another,
}

/// Settles what is ours; what is left of it, with why.
fn settle(syncing: &Syncing<'_>, synced: &mut Synced) -> Result<(Vec<(String, String)>, Who), VaultError> {
    let (start, how) = (syncing.start, &syncing.how);
    match roster::settle(start, syncing.home, syncing.expected, roster::With::Index, false, how) {
        Ok(settled) => synced.notes.extend(settled.into_iter().flat_map(|settled| settled.report.notes)),
        Err(
            error @ (VaultError::RosterDiverged { .. }
            | VaultError::RosterSuspect { .. }
            | VaultError::RosterTakenBack { .. }),
        ) => {
            let is_ours = matches!(error, VaultError::RosterSuspect { .. });
            let root =
                root_above(&Repo::discover(start)?, Some(syncing.home), start).unwrap_or_else(|_| FOLDER.to_owned());
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let left = vec![(format!("{root}/roster.toml"), format!("{}{hint}", super::error::chain(&error)))];
            return Ok((left, if is_ours { Who::Oneself } else { Who::Another }));
        }
        Err(error) => return Err(error),
    }
    let settled = index::settle((syncing.open)(), start, &[], how)?;
    synced.notes.extend(settled.report.notes);
    Ok((settled.left, Who::Oneself))
}

/// Seals what waits for oneself. Who cannot write leaves it to the next who can.
fn heal(syncing: &Syncing<'_>, synced: &mut Synced) -> Result<(), VaultError> {
    match (syncing.open)() {
        Ok(vault) if vault.may_write().is_ok() => {
            let report = vault.resolve(&Answers::default(), &syncing.how)?;
            synced.notes.extend(report.notes);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) if is_bystander(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Looks at what changed, and which questions are new.
fn finish(
    syncing: &Syncing<'_>,
    repo: &Repo,
    before: Option<ObjectId>,
    received: &BTreeSet<ObjectId>,
    mut synced: Synced,
    progress: &(dyn Fn() + Sync),
) -> Result<Synced, VaultError> {
    synced.received = received.len();
    let Ok(vault) = (syncing.open)() else { return Ok(synced) };
    let Some(now) = repo.head()?.commit.filter(|now| Some(*now) != before) else { return Ok(synced) };
    let changes = vault.repo().changed_between(before, now, &sealed::secrets(vault.root()))?;
    let there = changes.iter().filter(|change| change.after.is_some());
    synced.changed = there.filter_map(|change| vault.path_of(&change.path)).collect();
    let mut open = on_the_way(&vault, received)?;
    open.extend(synced.changed.iter().cloned());
    if vault.me().is_err() {
        synced.refused = refused(&vault, &open);
        say_who_is_out(&vault, before, &mut synced)?;
        return Ok(synced);
    }
    // What is deleted or moved asks nothing but what becomes of what lies beside it; a file that is refused may.
    let asks = |path: &&SecretPath| match vault.current(path) {
        Ok(version) => version
            .is_some_and(|it| it.manifest().state == State::Live || it.has_siblings() || !it.refused().is_empty()),
        Err(_) => true,
    };
    let asking: Vec<SecretPath> = synced.changed.iter().filter(asks).cloned().collect();
    let (mut questions, unopened) = vault.asked_by(&asking, progress)?;
    // What opens was asked everything. What does not, for another reason, may be refused, too.
    let (bad, unopened): (Vec<_>, Vec<_>) =
        unopened.into_iter().partition(|(_, error)| error.kind() == Kind::Verification);
    open.retain(|path| !asking.contains(path) || unopened.iter().any(|(other, _)| other == path));
    synced.refused = bad.into_iter().map(|(path, error)| said(path, &error)).collect();
    synced.refused.extend(refused(&vault, &open));
    synced.refused.sort();
    if let Some(before) = before {
        // What was asked before is no news.
        let was_asked = |path: &SecretPath| vault.questions_at(before, path).unwrap_or_default();
        questions.fields.retain(|question| {
            let old = was_asked(&question.path);
            !old.fields.iter().any(|asked| asked.field == question.field)
        });
        questions.contested.retain(|path| was_asked(path).contested.is_empty());
        questions.gone.retain(|path, _| questions.contested.contains(path));
        questions.apart.retain(|(path, author)| !was_asked(path).apart.iter().any(|(_, known)| known == author));
    }
    synced.questions = questions;
    Ok(synced)
}

/// The secrets that any of the commits which came in changed, also where that is as it was before.
fn on_the_way(vault: &Vault, received: &BTreeSet<ObjectId>) -> Result<BTreeSet<SecretPath>, VaultError> {
    let (repo, mut paths) = (vault.repo(), BTreeSet::new());
    for commit in received {
        let parent = repo.parents(*commit)?.first().copied();
        match sealed::changed_between(repo, parent, *commit, vault.root()) {
            Ok(changes) => paths.extend(changes.into_iter().map(|(path, _)| path)),
            // Who can push could make a commit that is too large to be read.
            Err(RepoError::TooMuch { .. } | RepoError::ObjectTooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(paths)
}

/// Those of the secrets that whoever reads them here is refused, also for what the trunk had on the way. Of what somebody wrote
/// who may not write it any more a person is asked elsewhere.
fn refused(vault: &Vault, paths: &BTreeSet<SecretPath>) -> Vec<Refused> {
    let mut refused = Vec::new();
    for path in paths {
        match vault.newest(path) {
            Err(error) if error.is_about_standing() => {}
            Err(error) if error.kind() == Kind::Verification => refused.push(said(path.clone(), &error)),
            // Whatever else keeps it from being read, the exchange is done.
            Ok(_) | Err(_) => {}
        }
    }
    refused
}

fn said(path: SecretPath, error: &VaultError) -> Refused {
    (path, super::error::chain(error), error.hint())
}

/// Tells somebody who was a member and is none any more, and which of what they wrote counts for nothing.
fn say_who_is_out(vault: &Vault, before: Option<ObjectId>, synced: &mut Synced) -> Result<(), VaultError> {
    let Some(name) = vault.was_member() else { return Ok(()) };
    synced.notes.push(format!("{name} is no member of this vault any more, and what {name} writes counts for nothing"));
    for path in &synced.changed {
        let is_theirs = |refused: &[RefusedSibling]| authors(refused).contains(name.as_str());
        let was_there = before.and_then(|before| vault.version_at(before, path).ok().flatten());
        // That is told once.
        if was_there.is_some_and(|version| is_theirs(version.refused())) {
            continue;
        }
        let is_alone = is_theirs(&vault.refused_alone(path)?);
        let is_beside = matches!(vault.current(path), Ok(Some(version)) if is_theirs(version.refused()));
        if is_alone || is_beside {
            let questions = &mut synced.questions;
            questions.apart.push((path.clone(), name.to_string()));
            questions.others.extend(vault.who_decides(path).map(|others| (path.clone(), others)));
            questions.alone.extend(is_alone.then(|| path.clone()));
        }
    }
    Ok(())
}
