//! What this clone saw of the trunk, held against the work tree: what does not follow it is refused by whoever reads it here.
//!
//! That is no finding: what one clone remembers no member signed, and another clone knows nothing of it. So it is told, and
//! judged by the history alone.

use std::collections::{BTreeMap, BTreeSet};

use super::opening::Opening;
use super::work::is_about_files;
use crate::model::manifest::Manifest;
use crate::model::names::SecretPath;
use crate::model::roster::{MAX_ROSTER, Roster};
use crate::repo::{Ancestry, ObjectId, WorkState, names};
use crate::seal::MAX_STORED;
use crate::vault::check::check;
use crate::vault::error::chain;
use crate::vault::trunk::{Here, Past, Sight, abbreviated};
use crate::vault::{VaultError, sealed};

/// Files of the work tree that do not follow what was seen, each with what that was.
pub(super) fn behind(opening: &Opening<'_>, roster: &Roster) -> Result<Vec<String>, VaultError> {
    let (repo, root) = (&opening.repo, opening.root.as_str());
    let (Some(home), Some(head)) = (opening.home, repo.head()?.commit) else { return Ok(Vec::new()) };
    let Some(seen) = home.seen(roster.vault, repo.common_dir())? else { return Ok(Vec::new()) };
    // The next command that reads takes the trunk as it is now for seen.
    let trunk = repo.trunk()?.filter(|trunk| trunk.remote).map(|trunk| trunk.commit);
    let tips: BTreeSet<ObjectId> = repo.resolve(&seen.commit).ok().into_iter().chain(trunk).collect();
    let past = Past { repo, home, root, roster, tip: Some(head) };
    let mut found = BTreeMap::new();
    // It reads every file: once, whichever commits it is held against.
    let mut here = None;
    for tip in tips {
        if repo.is_ancestor(tip, head)? != Ancestry::Yes {
            continue;
        }
        if here.is_none() {
            here = Some(changed_here(opening)?);
        }
        let committed = sealed::changed_between(repo, Some(tip), head, root)?.into_iter().map(|(path, _)| path);
        for path in committed.chain(here.iter().flatten().cloned()).collect::<BTreeSet<_>>() {
            let file = format!("{root}/{}", path.file());
            if let Some(what) = missed(&past, (&path, &file), tip)? {
                found.entry(file).or_insert(what);
            }
        }
    }
    for held in seen.held {
        let Ok(commit) = repo.resolve(&held.commit) else { continue };
        let Some(path) = sealed::path_of(root, &held.file) else { continue };
        if repo.is_ancestor(commit, head)? == Ancestry::Yes
            && let Some(what) = missed(&past, (&path, &held.file), commit)?
        {
            found.insert(held.file, what);
        }
    }
    Ok(found.into_iter().map(|(file, what)| format!("{file}: {what}")).collect())
}

/// What is wrong with the trunk's roster, where commands that read refuse it whatever is checked out.
pub(super) fn trunk(opening: &Opening<'_>, roster: &Roster) -> Result<Option<String>, VaultError> {
    let (repo, root) = (&opening.repo, opening.root.as_str());
    let Some(home) = opening.home else { return Ok(None) };
    let bytes = repo.read_work(&format!("{root}/roster.toml"), MAX_ROSTER as u64)?.unwrap_or_default();
    let blob = repo.blob_id(&bytes)?;
    let wrong = Here { repo, home, root, roster, blob }.wrong_on_trunk();
    Ok(wrong.map(|error| {
        let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{hint}", chain(&error))
    }))
}

/// The secrets whose files are not as `HEAD` has them.
fn changed_here(opening: &Opening<'_>) -> Result<Vec<SecretPath>, VaultError> {
    let (repo, root) = (&opening.repo, opening.root.as_str());
    if repo.work_dir().is_none() {
        return Ok(Vec::new());
    }
    let files = match repo.status_of(root) {
        Ok(files) => files,
        // What stands in the place of a file is a finding already.
        Err(error) if is_about_files(&error) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let changed = files.into_iter().filter(|(_, state)| *state != WorkState::Clean);
    Ok(changed.filter_map(|(file, _)| sealed::path_of(root, &file)).collect())
}

/// What a commit has of a secret that the file here does not follow.
fn missed(past: &Past<'_>, (path, file): (&SecretPath, &str), tip: ObjectId) -> Result<Option<String>, VaultError> {
    let (repo, roster) = (past.repo, past.roster);
    let Some(blob) = repo.blob_at(tip, file)? else { return Ok(None) };
    let commit = abbreviated(&tip.to_string());
    let said = |old: &Manifest, how: &str| {
        let (revision, author) = (old.revision, &old.author.name);
        format!("{how} revision {revision} by {author}, which this clone saw on the trunk ({commit})")
    };
    // What cannot be read here, or is refused, is a finding already.
    let Ok(bytes) = repo.read_work(file, MAX_STORED as u64) else { return Ok(None) };
    let (version, how) = match bytes {
        Some(bytes) if names(blob, &bytes) => return Ok(None),
        Some(bytes) => match check(roster, file, path, bytes, None) {
            Ok(version) => (Some(version), "it does not follow"),
            Err(_) => return Ok(None),
        },
        None => (None, "it is gone; there was"),
    };
    let missed = past.missed(version.as_ref(), (path, file), Sight { commit: tip, blob })?;
    Ok(missed.first().map(|old| said(&old.manifest, how)))
}
