//! The work tree: its roster, everything below `secrets/` and `journal/`, and the requests, as they lie on disk.

use std::sync::Arc;

use rayon::prelude::*;

use super::Finding;
use super::finding::of_versions;
use super::memo::{Memo, Seen};
use super::opening::Opening;
use super::tree::{REQUEST, Tree, judge_request, oddity};
use crate::model::names::SecretPath;
use crate::model::request::MAX_REQUEST;
use crate::model::roster::MAX_ROSTER;
use crate::repo::{OddKind, RepoError, TreeKind};
use crate::seal::MAX_STORED;
use crate::vault::check::{check_outline, outline};
use crate::vault::error::chain;
use crate::vault::sealed::path_of;
use crate::vault::{VaultError, put_back};

/// A file that is about to be judged; `bytes` where they were read already.
struct Ready<'a> {
    path: SecretPath,
    file: &'a str,
    bytes: Option<Result<Option<Vec<u8>>, RepoError>>,
}

/// The work tree.
pub(super) fn judge(opening: &Opening<'_>, memo: &mut Memo<'_>) -> Result<Tree, VaultError> {
    let mut tree = Tree::default();
    let (repo, root) = (&opening.repo, opening.root.as_str());
    let roster_file = opening.roster_file();
    let roster = match read(opening, &roster_file, MAX_ROSTER) {
        Ok(Some(bytes)) => memo.judge_roster(&bytes).map_err(|error| {
            let back = opening.home.and_then(|home| put_back::refused(repo, home, root));
            put_back_with(Finding::of(&error, &roster_file, None), back)
        }),
        Ok(None) => {
            let back = put_back::missing(repo, opening.home, root, true);
            Err(put_back_with(Finding::new("roster", &roster_file, None, "it is not there"), back))
        }
        Err(error) if is_about_files(&error) => Err(Finding::new("roster", &roster_file, None, chain(&error))),
        Err(error) => return Err(error.into()),
    };
    let roster = match roster {
        Ok(roster) => roster,
        Err(finding) => return Ok(Tree { findings: vec![finding], ..Tree::default() }),
    };
    tree.roster = Some(Arc::clone(&roster));
    let mut files = Vec::new();
    for folder in opening.sealed() {
        for (file, kind) in listed(opening, &folder, "file", &mut tree.findings)? {
            tree.files += 1;
            match oddity(root, &file, kind) {
                Some(why) => tree.findings.push(Finding::new("file", &file, None, why)),
                None => files.push(file),
            }
        }
    }
    let executable = repo.executables(&files)?;
    let reader = repo.reader().filter(|_| !repo.is_sparse());
    let mut ready = Vec::with_capacity(files.len());
    for file in &files {
        if executable.contains(file.as_str()) {
            tree.findings
                .extend(oddity(root, file, TreeKind::Executable).map(|why| Finding::new("file", file, None, why)));
        } else if let Some(path) = path_of(root, file) {
            // What is on disk is read by many threads; what a sparse checkout left out comes from git, by one.
            let bytes = if reader.is_none() { Some(read(opening, file, MAX_STORED)) } else { None };
            ready.push(Ready { path, file, bytes });
        }
    }
    let verified = memo.verified();
    let look = |Ready { path, file, bytes }: Ready<'_>| {
        let on_disk = || reader.as_ref().map_or(Ok(None), |reader| reader.read(file, MAX_STORED as u64));
        let bytes = match bytes.unwrap_or_else(on_disk) {
            Ok(Some(bytes)) => bytes,
            // It was listed a moment ago, so that somebody is at work here.
            Ok(None) => return Ok(None),
            Err(RepoError::TooLarge { .. }) => {
                let text = format!("it has more than {MAX_STORED} bytes");
                return Ok(Some(Err(Finding::new("form", file, None, text))));
            }
            Err(error) if is_about_files(&error) => {
                return Ok(Some(Err(Finding::new("file", file, None, chain(&error)))));
            }
            Err(error) => return Err(VaultError::from(error)),
        };
        let seen = match outline(bytes, verified) {
            Ok(seen) => seen,
            Err(source) => {
                let error = VaultError::Sealed { file: file.to_owned(), source };
                return Ok(Some(Err(Finding::of(&error, file, None))));
            }
        };
        Ok(Some(match check_outline(&roster, file, &path, &seen) {
            Ok(()) => Ok((path, Seen::from(seen))),
            Err(error) => Err(of_versions(&error, &roster, &path, (file, None), &seen)),
        }))
    };
    let judged: Vec<Result<_, VaultError>> = ready.into_par_iter().map(look).collect();
    for one in judged {
        match one? {
            Some(Ok((path, seen))) => drop(tree.good.insert(path, seen)),
            Some(Err(finding)) => tree.findings.push(finding),
            None => {}
        }
    }
    for (file, kind) in listed(opening, &opening.requests(), REQUEST, &mut tree.findings)? {
        tree.requests += 1;
        let bytes = match kind {
            TreeKind::File => read(opening, &file, MAX_REQUEST),
            _ => Err(RepoError::NotAFile { path: file.clone() }),
        };
        let why = match bytes {
            Ok(Some(bytes)) => judge_request(&roster, root, &file, &bytes),
            Ok(None) => None,
            Err(error) => Some(chain(&error)),
        };
        tree.findings.extend(why.map(|why| Finding::new(REQUEST, &file, None, why)));
    }
    Ok(tree)
}

/// What is wrong with the roster, and the commands that put a good one back, where they are known.
fn put_back_with(finding: Finding, back: Option<String>) -> Finding {
    match back {
        Some(back) => finding.hinting(format!("put the good one back with: {back}")),
        None => finding,
    }
}

/// Everything at `dir` of the work tree and below it; where `dir` is none, a finding.
fn listed(
    opening: &Opening<'_>,
    dir: &str,
    code: &'static str,
    findings: &mut Vec<Finding>,
) -> Result<Vec<(String, TreeKind)>, VaultError> {
    let listing = match opening.repo.list_work(dir) {
        Ok(listing) => listing,
        Err(error) if is_about_files(&error) => {
            findings.push(Finding::new(code, dir, None, chain(&error)));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let odd = listing.odd.into_iter().filter_map(|odd| {
        let kind = match odd.kind {
            OddKind::Symlink => TreeKind::Link,
            OddKind::Special => TreeKind::Submodule,
            OddKind::NotUtf8 => TreeKind::NotUtf8,
            // Being written, or left by a killed run; nobody reads it.
            OddKind::Leftover => return None,
        };
        Some((odd.path, kind))
    });
    Ok(listing.files.into_iter().map(|file| (file, TreeKind::File)).chain(odd).collect())
}

fn read(opening: &Opening<'_>, file: &str, limit: usize) -> Result<Option<Vec<u8>>, RepoError> {
    opening.repo.read_work(file, limit as u64)
}

/// Whether something else than a file of ours stands in its place.
pub(super) fn is_about_files(error: &RepoError) -> bool {
    matches!(
        error,
        RepoError::Symlink { .. }
            | RepoError::NotAFile { .. }
            | RepoError::NotAFolder { .. }
            | RepoError::TooLarge { .. }
    )
}
