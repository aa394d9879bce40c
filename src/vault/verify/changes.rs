//! What changed between two commits, as a reviewer wants to know it: who gains or loses access, who sealed what, what
//! happened to the roster, to requests and to env files.
//!
//! Only what was verified is told as a fact; what a refused file says is not told at all.

use std::collections::{BTreeMap, BTreeSet};

use super::history::SealedVersion;
use super::memo::Seen;
use super::opening::Opening;
use super::tree::{self, Tree};
use crate::model::envfile;
use crate::model::manifest::{Manifest, State};
use crate::model::names::SecretPath;
use crate::model::request::{MAX_REQUEST, Request};
use crate::model::roster::{self, Entry, MAX_ROSTER, Operation, Roster};
use crate::repo::{ObjectId, TreeKind};
use crate::vault::VaultError;
use crate::vault::error::chain;

/// The largest env file that is looked at.
const MAX_ENV: u64 = 1024 * 1024;

/// What changed between two commits.
#[derive(Debug, Default)]
pub struct Changes {
    /// The commit before, in hex.
    pub from: String,
    /// The commit after, in hex.
    pub to: String,
    /// Entries that the roster has now and had not.
    pub entries: Vec<AddedEntry>,
    /// Who reads more or less than before, of secrets that were there before.
    pub access: Vec<AccessChange>,
    /// Secrets that changed.
    pub secrets: Vec<SecretChange>,
    /// Every version that came, oldest first.
    pub sealed: Vec<SealedVersion>,
    /// Requests that came.
    pub requests: Vec<AddedRequest>,
    /// Env files that changed.
    pub env: Vec<EnvChange>,
}

/// An entry of the roster that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedEntry {
    /// Its number in its chain.
    pub seq: u64,
    /// Who signed it.
    pub by: String,
    /// What operation it is.
    pub operation: &'static str,
    /// What it does, as a sentence without its subject: `admits bob (person) as writer …`.
    pub text: String,
    /// It came from another branch, by a merge entry: what it did there may be left out here.
    pub embedded: bool,
}

/// Somebody whose access changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessChange {
    /// Who.
    pub member: String,
    /// Secrets that are sealed to them now, or that they may read now.
    pub gains: Vec<SecretPath>,
    /// Secrets that they neither may read any more nor are sealed to them.
    pub losses: Vec<SecretPath>,
}

/// What became of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretChange {
    /// Which.
    pub path: SecretPath,
    /// `new`, `changed`, `sealed anew`, `deleted`, `moved` or `back`.
    pub what: &'static str,
    /// Where it moved.
    pub moved_to: Option<SecretPath>,
    /// The revision before.
    pub before: Option<u64>,
    /// The revision now.
    pub revision: u64,
    /// Whose signatures came with it.
    pub authors: Vec<String>,
    /// Who reads it, where it is new.
    pub readers: Vec<String>,
}

/// A request to be let in, or for another card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedRequest {
    /// The file.
    pub file: String,
    /// The name in it, which nobody has confirmed.
    pub name: String,
    /// The card's fingerprint as words.
    pub words: String,
}

/// What changed in an env file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvChange {
    /// The file.
    pub file: String,
    /// Variables with the reference before and after.
    pub variables: Vec<(String, Option<String>, Option<String>)>,
    /// Why the file is refused now.
    pub refused: Option<String>,
}

/// What is told of a range: the trees at its ends, and the versions that came in between.
pub(super) struct Ends<'a> {
    pub(super) from: ObjectId,
    pub(super) to: ObjectId,
    pub(super) before: &'a Tree,
    pub(super) after: &'a Tree,
}

/// Tells what changed.
pub(super) fn tell(opening: &Opening<'_>, ends: &Ends<'_>, sealed: Vec<SealedVersion>) -> Result<Changes, VaultError> {
    let mut changes = Changes { from: ends.from.to_string(), to: ends.to.to_string(), ..Changes::default() };
    if let Some(roster) = ends.after.roster.as_deref() {
        changes.entries = added_entries(opening, roster, ends)?;
        changes.access = access(roster, ends);
        changes.secrets = secrets(opening, ends, &sealed)?;
    }
    changes.sealed = sealed;
    changes.requests = requests(opening, ends)?;
    changes.env = env(opening, ends)?;
    Ok(changes)
}

fn added_entries(opening: &Opening<'_>, roster: &Roster, ends: &Ends<'_>) -> Result<Vec<AddedEntry>, VaultError> {
    let Some((_, blob)) = tree::roster_entry(opening, ends.to)? else { return Ok(Vec::new()) };
    let Some(bytes) = opening.repo.blob_within(blob, MAX_ROSTER as u64)? else { return Ok(Vec::new()) };
    let entries = roster::decode(&bytes).unwrap_or_default();
    let mut added = Vec::new();
    add(roster, ends.before.roster.as_deref(), &entries, false, &mut added);
    Ok(added)
}

fn add(roster: &Roster, before: Option<&Roster>, entries: &[Entry], embedded: bool, added: &mut Vec<AddedEntry>) {
    for entry in entries.iter().filter(|entry| !before.is_some_and(|before| before.has(entry.hash()))) {
        if let Operation::Merge { entries } = &entry.operation {
            add(roster, before, &roster::decode_embedded(entries, roster.vault).unwrap_or_default(), true, added);
        }
        let card = entry.by.or_else(|| entry.card().map(|card| card.hash()));
        let by = card.and_then(|card| roster.card(card));
        added.push(AddedEntry {
            seq: entry.seq,
            by: by.map(|card| card.name.to_string()).unwrap_or_default(),
            operation: entry.operation.name(),
            text: super::sentence::of(&entry.operation),
            embedded,
        });
    }
}

/// Who can open a version, or may be given it: those whom it is sealed to, and those who may read it.
fn readers(roster: &Roster, path: &SecretPath, seen: &Seen) -> BTreeSet<String> {
    let of_one = |manifest: &Manifest| {
        let may = roster.readers(path, &manifest.shares.holders());
        let sealed = manifest.readers.iter().map(|reader| reader.name.to_string());
        sealed.chain(may.iter().map(|member| member.card.name.to_string())).collect::<Vec<_>>()
    };
    seen.all().flat_map(|one| of_one(&one.manifest)).collect()
}

fn is_same(old: &Seen, new: &Seen) -> bool {
    old.all().map(|one| one.hash).eq(new.all().map(|one| one.hash))
}

fn access(after: &Roster, ends: &Ends<'_>) -> Vec<AccessChange> {
    let Some(before) = ends.before.roster.as_deref() else { return Vec::new() };
    let same_roster = before.head == after.head;
    let mut changes: BTreeMap<String, (Vec<SecretPath>, Vec<SecretPath>)> = BTreeMap::new();
    for (path, new) in &ends.after.good {
        let Some(old) = ends.before.good.get(path).filter(|old| !(same_roster && is_same(old, new))) else {
            continue;
        };
        let (old, new) = (readers(before, path, old), readers(after, path, new));
        for name in new.difference(&old) {
            changes.entry(name.clone()).or_default().0.push(path.clone());
        }
        for name in old.difference(&new) {
            changes.entry(name.clone()).or_default().1.push(path.clone());
        }
    }
    changes.into_iter().map(|(member, (gains, losses))| AccessChange { member, gains, losses }).collect()
}

fn secrets(opening: &Opening<'_>, ends: &Ends<'_>, sealed: &[SealedVersion]) -> Result<Vec<SecretChange>, VaultError> {
    let mut authors: BTreeMap<&SecretPath, BTreeSet<&str>> = BTreeMap::new();
    for version in sealed {
        authors.entry(&version.path).or_default().insert(&version.author);
    }
    let mut changes = Vec::new();
    for (path, new) in &ends.after.good {
        let old = ends.before.good.get(path);
        if old.is_some_and(|old| is_same(old, new)) {
            continue;
        }
        // Of siblings the one that is shown first.
        let Some(manifest) = new.counting().first().map(|one| &one.manifest) else { continue };
        let before = old.and_then(|old| old.counting().first()).map(|one| &one.manifest);
        // What is refused where the range begins is not told, and was there.
        let was_there = || opening.repo.blob_at(ends.from, &format!("{}/{}", opening.root, path.file()));
        let was_live = before.is_some_and(|before| before.state == State::Live);
        let what = match (&manifest.state, before) {
            (State::Live, _) if new.counting().len() > 1 => "left as siblings",
            (State::Deleted, _) => "deleted",
            (State::Moved(_), _) => "moved",
            (State::Live, None) if was_there()?.is_some() => "changed",
            (State::Live, None) => "new",
            (State::Live, Some(_)) if !was_live => "back",
            (State::Live, Some(before)) if before.document == manifest.document => "sealed anew",
            (State::Live, Some(_)) => "changed",
        };
        let moved_to = match &manifest.state {
            State::Moved(to) => Some(to.clone()),
            State::Live | State::Deleted => None,
        };
        let mut by: Vec<String> = authors.get(path).into_iter().flatten().map(|author| (*author).to_owned()).collect();
        if by.is_empty() {
            by.push(manifest.author.name.to_string());
        }
        let roster = ends.after.roster.as_deref().filter(|_| old.is_none());
        let readers = roster.map(|roster| readers(roster, path, new).into_iter().collect()).unwrap_or_default();
        changes.push(SecretChange {
            path: path.clone(),
            what,
            moved_to,
            before: before.map(|before| before.revision),
            revision: manifest.revision,
            authors: by,
            readers,
        });
    }
    Ok(changes)
}

fn requests(opening: &Opening<'_>, ends: &Ends<'_>) -> Result<Vec<AddedRequest>, VaultError> {
    let mut found = Vec::new();
    for change in opening.repo.entries_between(Some(ends.from), ends.to, &opening.requests())? {
        let Some((TreeKind::File, blob)) = change.after else { continue };
        let Some(bytes) = opening.repo.blob_within(blob, MAX_REQUEST as u64)? else { continue };
        // One that is refused is a finding of the tree.
        if let Ok(request) = Request::decode(&bytes) {
            let (name, words) = (request.card.name.to_string(), request.card.words());
            found.push(AddedRequest { file: change.path, name, words });
        }
    }
    Ok(found)
}

fn env(opening: &Opening<'_>, ends: &Ends<'_>) -> Result<Vec<EnvChange>, VaultError> {
    let mut found = Vec::new();
    for change in opening.repo.entries_between(Some(ends.from), ends.to, &opening.env())? {
        let old = lines(opening, change.before)?.unwrap_or_default();
        let (new, refused) = match lines(opening, change.after)? {
            Ok(new) => (new, None),
            Err(why) => (BTreeMap::new(), Some(why)),
        };
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let differ = names.into_iter().filter(|name| refused.is_none() && old.get(*name) != new.get(*name));
        let variables = differ.map(|name| (name.clone(), old.get(name).cloned(), new.get(name).cloned())).collect();
        found.push(EnvChange { file: change.path, variables, refused });
    }
    Ok(found)
}

/// The variables of an env file with their references, or why it is refused.
fn lines(
    opening: &Opening<'_>,
    entry: Option<(TreeKind, ObjectId)>,
) -> Result<Result<BTreeMap<String, String>, String>, VaultError> {
    let blob = match entry {
        None => return Ok(Ok(BTreeMap::new())),
        Some((TreeKind::File | TreeKind::Executable, blob)) => blob,
        Some(_) => return Ok(Err("it is no regular file".to_owned())),
    };
    let Some(bytes) = opening.repo.blob_within(blob, MAX_ENV)? else {
        return Ok(Err(format!("it has more than {MAX_ENV} bytes")));
    };
    let parsed = envfile::parse(&bytes).map_err(|error| chain(&error));
    Ok(parsed.map(|lines| lines.into_iter().map(|line| (line.name, line.reference)).collect()))
}
