//! What `verify` says: findings with the codes of docs/format.md, and what only waits.

use std::collections::BTreeSet;

use super::memo::Seen;
use crate::model::manifest::State;
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::vault::VaultError;
use crate::vault::check::{Outlines, has_good};
use crate::vault::error::chain;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the top of the work tree.
    pub path: String,
    /// The commit where it was found, in hex; `None` in the work tree.
    pub commit: Option<String>,
    /// The code of docs/format.md.
    pub code: &'static str,
    /// What is wrong.
    pub text: String,
    /// The next step, where there is an obvious one.
    pub hint: Option<String>,
}

impl Finding {
    /// One about a file here or in a commit.
    pub(super) fn new(code: &'static str, path: &str, commit: Option<&str>, text: impl Into<String>) -> Self {
        Self { code, path: path.to_owned(), commit: commit.map(str::to_owned), text: text.into(), hint: None }
    }

    /// The same with a next step.
    pub(super) fn hinting(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// One that is a refusal.
    pub(super) fn of(error: &VaultError, path: &str, commit: Option<&str>) -> Self {
        Self::new(error.code(), path, commit, bare(error))
    }
}

/// One that is a refusal of a file with these versions: with the ways on where it is for a person to decide about one of them.
pub(super) fn of_versions(
    error: &VaultError,
    roster: &Roster,
    path: &SecretPath,
    (file, commit): (&str, Option<&str>),
    versions: &Outlines,
) -> Finding {
    let finding = Finding::of(error, file, commit);
    if !matches!(finding.code, "standing" | "entitled") || path.is_journal() {
        return finding;
    }
    let (accept, discard) = (format!("covault rekey {path} --accept"), format!("covault resolve {path} --discard"));
    match (finding.code, has_good(roster, file, path, versions)) {
        ("standing", true) => finding.hinting(format!("vouch for it with: {accept}; or leave it out with: {discard}")),
        (_, true) => finding.hinting(format!("leave it out with: {discard}")),
        (_, false) => Finding { hint: error.hint(), ..finding },
    }
}

/// The reason of a refusal, without the file's name in front, which a finding has beside it.
fn bare(error: &VaultError) -> String {
    match error {
        VaultError::Roster { source, .. } => chain(source),
        VaultError::Sealed { source, .. } => chain(source),
        VaultError::Inconsistent { what, .. } => what.to_string(),
        other => chain(other),
    }
}

/// A secret that waits to be sealed to others than it is now, or whose siblings wait to be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The secret.
    pub path: SecretPath,
    /// Whether it lives; tombstones are sealed, too.
    pub lives: bool,
    /// Who should read it and is not sealed to.
    pub gains: Vec<String>,
    /// Who should not read it (any more) and still is sealed to.
    pub losses: Vec<String>,
    /// How many siblings wait to be joined; none where it is one version.
    pub siblings: usize,
}

/// What of a secret waits, if anything does.
pub(super) fn waiting(roster: &Roster, path: &SecretPath, seen: &Seen) -> Option<Waiting> {
    let seen = seen.counting();
    let first = &seen.first()?.manifest;
    let shares = seen.iter().skip(1).fold(first.shares.clone(), |all, more| all.join(&more.manifest.shares));
    let wanted = roster.readers(path, &shares.holders());
    let gains: Vec<String> = wanted
        .iter()
        .filter(|member| !seen.iter().all(|one| one.manifest.readers.contains(&member.reference())))
        .map(|member| member.card.name.to_string())
        .collect();
    // One who reads by another card now only gains.
    let is_wanted = |name: &MemberName| wanted.iter().any(|member| member.card.name == *name);
    let losses: BTreeSet<String> = seen
        .iter()
        .flat_map(|one| &one.manifest.readers)
        .filter(|reader| !is_wanted(&reader.name))
        .map(|reader| reader.name.to_string())
        .collect();
    let siblings = if seen.len() > 1 { seen.len() } else { 0 };
    if gains.is_empty() && losses.is_empty() && siblings == 0 {
        return None;
    }
    let lives = first.state == State::Live;
    Some(Waiting { path: path.clone(), lives, gains, losses: losses.into_iter().collect(), siblings })
}
