//! The index, as it is about to be committed: what it holds, and that it follows `HEAD` and what a merge brings.
//!
//! The commit is made in memory and judged like any other, so that a merge that drops one side is found before there is
//! one. What git has unmerged cannot be committed: it is listed and not judged.

use std::collections::BTreeSet;
use std::path::Path;

use super::memo::Memo;
use super::opening::Opening;
use super::{Finding, Verification, history, judge_tree, tree};
use crate::home::Home;
use crate::repo::{Repo, Staged, from_top};
use crate::vault::{FOLDER, VaultError, root_if_any};

/// Judges every vault of what is staged in the repository around `start`, each with the path of its folder. `expected`
/// is about the vault above `start`, or the only one. On a branch without a vault there is none to judge.
pub fn staged(
    start: &Path,
    home: Option<&Home>,
    expected: Option<&str>,
) -> Result<Vec<(String, Verification)>, VaultError> {
    let mut repo = Repo::discover(start)?;
    let staged = repo.stage_in_memory()?;
    let above = root_if_any(&repo, start).ok().flatten();
    let roots = roots(&repo, &staged)?;
    let is_meant = |root: &String| roots.len() == 1 || above.as_ref() == Some(root);
    let mut opening = Opening::at(repo, home);
    let mut all = Vec::with_capacity(roots.len());
    for root in &roots {
        opening.root.clone_from(root);
        opening.expected = expected.filter(|_| is_meant(root));
        all.push((root.clone(), judge(&opening, &staged)?));
    }
    Ok(all)
}

/// The folders of all vaults that the index has, and of those that it would take away.
fn roots(repo: &Repo, staged: &Staged) -> Result<BTreeSet<String>, VaultError> {
    let roster = format!("{FOLDER}/roster.toml");
    let is_roster = |path: &str| path == roster || path.ends_with(&format!("/{roster}"));
    let root = |path: &str| path.strip_suffix("/roster.toml").unwrap_or(path).to_owned();
    let mut roots = BTreeSet::new();
    for entry in repo.entries_at(staged.commit, "")? {
        if is_roster(&entry.path) {
            roots.insert(root(&entry.path));
        }
    }
    for parent in &staged.parents {
        let changes = repo.entries_between(Some(*parent), staged.commit, "")?;
        let gone = changes.iter().filter(|change| change.after.is_none() && is_roster(&change.path));
        roots.extend(gone.map(|change| root(&change.path)));
    }
    Ok(roots)
}

fn judge(opening: &Opening<'_>, staged: &Staged) -> Result<Verification, VaultError> {
    let mut memo = Memo::new(opening);
    let tree = tree::commit(opening, &mut memo, staged.commit)?;
    let mut found = Verification { files: tree.files, requests: tree.requests, ..Verification::default() };
    judge_tree(opening, true, &tree, None, &mut found)?;
    found.contested =
        staged.contested.iter().filter(|path| path.starts_with(&format!("{}/", opening.root))).cloned().collect();
    let seen = history::check(opening, &mut memo, staged.commit, &staged.parents, None)?;
    found.findings.extend(seen.findings);
    memo.remember(tree.roster.as_deref().map(|roster| roster.vault));
    found.findings.retain(|finding| !staged.contested.contains(&finding.path));
    for finding in &mut found.findings {
        say_before(finding, staged);
    }
    found.findings.sort();
    found.findings.dedup();
    Ok(found)
}

/// Says of a finding what helps before there is a commit.
fn say_before(finding: &mut Finding, staged: &Staged) {
    finding.commit = None;
    let file = &finding.path;
    match finding.code {
        "rollback" if staged.parents.len() > 1 => {
            // There is no commit yet whose difference could be shown; joining is the same before and after.
            let hint = finding.hint.take();
            finding.hint = hint.and_then(|hint| hint.rsplit_once("; ").map(|(_, join)| join.to_owned()));
        }
        "rollback" => {
            let file = from_top(file);
            finding.hint = Some(format!("put it back with: git restore --source=HEAD --staged --worktree -- {file}"));
        }
        _ => {}
    }
}
