//! One tree of a commit: its roster, everything below `secrets/` and `journal/`, and the requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::finding::of_versions;
use super::memo::{Memo, Seen};
use super::opening::Opening;
use super::{Finding, request};
use crate::model::names::SecretPath;
use crate::model::request::MAX_REQUEST;
use crate::model::roster::Roster;
use crate::repo::{ObjectId, TreeChange, TreeEntry, TreeKind};
use crate::seal::SealError;
use crate::vault::VaultError;
use crate::vault::check::check_outline;
use crate::vault::sealed::path_of;

/// Why what is neither a secret's file nor a journal's is refused.
const UNNAMED: &str = "its name is not that of a secret or a journal";
/// The code of what is wrong with a request.
pub(super) const REQUEST: &str = "request";

/// What a tree holds.
#[derive(Default)]
pub(super) struct Tree {
    /// Its roster, where that is good.
    pub(super) roster: Option<Arc<Roster>>,
    /// The files that are good.
    pub(super) good: BTreeMap<SecretPath, Seen>,
    /// How many files below `secrets/` and `journal/` there are.
    pub(super) files: usize,
    /// How many requests.
    pub(super) requests: usize,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
}

/// Why something in the folders of sealed files cannot be one, whatever is in it.
pub(super) fn oddity(root: &str, file: &str, kind: TreeKind) -> Option<&'static str> {
    match kind {
        TreeKind::Link => Some("it is a symbolic link"),
        TreeKind::Submodule => Some("it is no regular file"),
        TreeKind::NotUtf8 => Some(UNNAMED),
        TreeKind::File | TreeKind::Executable if path_of(root, file).is_none() => Some(UNNAMED),
        TreeKind::Executable => Some("it is executable"),
        TreeKind::File => None,
    }
}

/// What a commit holds. Where its roster is refused nothing else can be judged.
pub(super) fn commit(opening: &Opening<'_>, memo: &mut Memo<'_>, commit: ObjectId) -> Result<Tree, VaultError> {
    let (repo, root) = (&opening.repo, opening.root.as_str());
    let name = commit.to_string();
    let at = Some(name.as_str());
    let roster = match memo.roster_of(roster_entry(opening, commit)?)? {
        Ok(roster) => roster,
        Err((code, text)) => {
            let finding = Finding::new(code, &opening.roster_file(), at, text);
            return Ok(Tree { findings: vec![finding], ..Tree::default() });
        }
    };
    let mut tree = Tree { roster: Some(Arc::clone(&roster)), ..Tree::default() };
    let changes = opening.sealed_between(None, commit)?.into_iter();
    let entry = |change: TreeChange| change.after.map(|(kind, id)| TreeEntry { path: change.path, id, kind });
    let entries: Vec<TreeEntry> = changes.filter_map(entry).collect();
    tree.files = entries.len();
    for (path, judged) in judge_entries(memo, root, Some(&roster), &name, &entries)? {
        match (judged, path_of(root, &path)) {
            (Ok(seen), Some(path)) => drop(tree.good.insert(path, seen)),
            (Ok(_), None) => {}
            (Err(refused), _) => tree.findings.push(refused.finding),
        }
    }
    for TreeEntry { path: file, id, kind } in repo.entries_at(commit, &opening.requests())? {
        tree.requests += 1;
        let why = match kind {
            TreeKind::File | TreeKind::Executable => match repo.blob_within(id, MAX_REQUEST as u64)? {
                Some(bytes) => judge_request(&roster, root, &file, &bytes),
                None => Some(format!("it has more than {MAX_REQUEST} bytes")),
            },
            _ => Some("it is no regular file".to_owned()),
        };
        tree.findings.extend(why.map(|why| Finding::new(REQUEST, &file, at, why)));
    }
    Ok(tree)
}

/// What stands in the roster's place in a commit; `None` where nothing does, or a folder.
pub(super) fn roster_entry(
    opening: &Opening<'_>,
    commit: ObjectId,
) -> Result<Option<(TreeKind, ObjectId)>, VaultError> {
    let file = opening.roster_file();
    let entries = opening.repo.entries_at(commit, &file)?;
    Ok(entries.into_iter().find(|entry| entry.path == file).map(|entry| (entry.kind, entry.id)))
}

/// A file that is refused.
pub(super) struct Refused {
    /// What it says, where its form is good.
    pub(super) seen: Option<Seen>,
    /// Why.
    pub(super) finding: Finding,
}

/// A file with what is judged of it.
pub(super) type JudgedFile = (String, Result<Seen, Refused>);

/// Judges entries in the folders of sealed files of a commit by its roster, each with its file's path. Without a roster all are
/// refused, and only their form is known.
pub(super) fn judge_entries(
    memo: &mut Memo<'_>,
    root: &str,
    roster: Option<&Roster>,
    commit: &str,
    entries: &[TreeEntry],
) -> Result<Vec<JudgedFile>, VaultError> {
    let is_secret = |entry: &&TreeEntry| oddity(root, &entry.path, entry.kind).is_none();
    memo.load(entries.iter().filter(is_secret).map(|entry| entry.id))?;
    let known = |entry| Ok((entry, if is_secret(&entry) { Some(memo.file(entry.id)?) } else { None }));
    let known = entries.iter().map(known).collect::<Result<Vec<_>, VaultError>>()?;
    let look = |(entry, known): (&TreeEntry, Option<Result<&Seen, &SealError>>)| {
        let file = entry.path.as_str();
        let refuse = |finding| Refused { seen: None, finding };
        let (Some(known), Some(path)) = (known, path_of(root, file)) else {
            let why = oddity(root, file, entry.kind).unwrap_or_default();
            return Err(refuse(Finding::new("file", file, Some(commit), why)));
        };
        let refused = |source: &SealError| VaultError::Sealed { file: file.to_owned(), source: source.clone() };
        let seen = known.map_err(|source| refuse(Finding::of(&refused(source), file, Some(commit))))?;
        let judged = match roster {
            Some(roster) => check_outline(roster, file, &path, seen)
                .map_err(|error| of_versions(&error, roster, &path, (file, Some(commit)), seen)),
            None => Err(Finding::new("roster", file, Some(commit), "there is no good roster")),
        };
        judged.map(|()| Arc::clone(seen)).map_err(|finding| Refused { seen: Some(Arc::clone(seen)), finding })
    };
    Ok(known.into_par_iter().map(|(entry, known)| (entry.path.clone(), look((entry, known)))).collect())
}

/// Why the file at `file` is no request.
pub(super) fn judge_request(roster: &Roster, root: &str, file: &str, bytes: &[u8]) -> Option<String> {
    let name = file.strip_prefix(root).and_then(|file| file.strip_prefix("/requests/")?.strip_suffix(".toml"));
    match name {
        Some(name) => request::refusal(roster, name, bytes),
        None => Some("its name is not NAME.toml".to_owned()),
    }
}
