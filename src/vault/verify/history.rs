//! The rules of docs/format.md, "Checking history": nothing that was signed goes missing between a commit and its parents.
//!
//! A commit is compared with each of its parents, file by file, as far as they differ. What is bad in a parent is passed
//! over: the last good versions before it count in its place, also where they lie before the range. Whether a version descends from another is asked at the end,
//! when every version of every commit looked at is known.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Finding;
use super::descent::Descent;
use super::memo::{Memo, Seen};
use super::opening::Opening;
use super::tree::{Refused, judge_entries, roster_entry};
use crate::model::bytes::Hash;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::repo::{ObjectId, TreeChange, TreeEntry, TreeKind, WalkedCommit, from_top};
use crate::vault::VaultError;
use crate::vault::sealed::path_of;
use crate::vault::trunk::abbreviated;

/// What a history says.
#[derive(Default)]
pub(super) struct History {
    /// What went missing.
    pub(super) findings: Vec<Finding>,
    /// What of that which the tip replaced it does not follow.
    pub(super) unfollowed: Vec<Finding>,
    /// How many commits were looked at.
    pub(super) commits: usize,
    /// How many of them have parents that this clone does not have.
    pub(super) cut: usize,
    /// Versions that came with these commits, oldest first.
    pub(super) sealed: Vec<SealedVersion>,
    /// Files that came with these commits and are refused there.
    pub(super) refused: Vec<Finding>,
}

/// A version whose author's signature is good, in the commit that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedVersion {
    /// The commit, in hex.
    pub commit: String,
    /// The secret.
    pub path: SecretPath,
    /// Who signed it.
    pub author: String,
    /// Its revision.
    pub revision: u64,
    /// What became of the secret with it.
    pub state: State,
    /// Its name.
    pub version: Hash,
}

/// A file in a commit.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) entry: (TreeKind, ObjectId),
    /// The versions, where the file's form is good: one, or siblings.
    pub(super) versions: Vec<Hash>,
    /// It passed all steps.
    pub(super) is_good: bool,
    /// It passed steps 2 to 9: who is named as its author signed it.
    is_signed: bool,
    /// The last good versions before it, where it is not good itself.
    pub(super) before: Vec<Hash>,
}

impl Held {
    /// What a child of its commit has to descend from.
    fn newest(&self) -> &[Hash] {
        if self.is_good { &self.versions } else { &self.before }
    }
}

/// What a commit holds, and what counts of it for its children.
#[derive(Clone, Default)]
pub(super) struct Settled {
    pub(super) roster: Option<(TreeKind, ObjectId)>,
    /// Roster entries that have to be there from now on.
    pub(super) heads: BTreeSet<Hash>,
    pub(super) files: BTreeMap<String, Held>,
    /// Those of the files that are not good.
    pub(super) bad: BTreeSet<String>,
}

/// A file that is not the parent's, or gone; whether it descends from it, or one that is there later, is asked at the end.
struct Step {
    commit: ObjectId,
    parent: ObjectId,
    is_merge: bool,
    is_gone: bool,
    file: String,
    /// The versions, where their authors signed them.
    versions: Vec<Hash>,
    olds: Vec<Hash>,
}

pub(super) struct Checker<'a, 'b> {
    pub(super) opening: &'a Opening<'a>,
    pub(super) memo: &'a mut Memo<'b>,
    descent: Descent,
    pub(super) found: History,
    steps: Vec<Step>,
}

/// Checks the commits reachable from `tip` and not from any of `hide`. The tip has to follow `replaced`, too, which it does
/// not contain: as if that were one more parent.
pub(super) fn check(
    opening: &Opening<'_>,
    memo: &mut Memo<'_>,
    tip: ObjectId,
    hide: &[ObjectId],
    replaced: Option<ObjectId>,
) -> Result<History, VaultError> {
    let walked = opening.repo.walk(&[tip], hide)?;
    // What was replaced may be bad itself: then what was good before it counts, in commits that the tip does not have.
    let given_up = match replaced {
        Some(old) => opening.repo.walk(&[old], &[tip])?,
        None => Vec::new(),
    };
    let mut children: HashMap<ObjectId, usize> = HashMap::new();
    for parent in given_up.iter().chain(&walked).flat_map(|commit| &commit.parents).chain(&replaced) {
        *children.entry(*parent).or_default() += 1;
    }
    let (descent, found) = (Descent::default(), History { commits: walked.len(), ..History::default() });
    let mut checker = Checker { opening, memo, descent, found, steps: Vec::new() };
    let mut settled: HashMap<ObjectId, Settled> = HashMap::new();
    let mut last = None;
    let judged = walked.iter().map(|commit| (commit, true));
    for (commit, is_judged) in given_up.iter().map(|commit| (commit, false)).chain(judged) {
        checker.found.cut += usize::from(commit.boundary);
        for parent in &commit.parents {
            if !settled.contains_key(parent) {
                let begin = checker.begin(*parent)?;
                settled.insert(*parent, begin);
            }
        }
        let here = checker.commit(commit, is_judged, &mut settled, &mut children)?;
        if commit.id == tip {
            last = Some(here);
        } else {
            settled.insert(commit.id, here);
        }
    }
    let last = match last {
        // A tip that went back to a commit which was there before brings none.
        None if replaced.is_some() => checker.settle(tip, None, &[], false)?,
        last => last.unwrap_or_default(),
    };
    let there = match replaced {
        Some(old) => Some((old, settled.remove(&old).map_or_else(|| checker.begin(old), Ok)?)),
        None => None,
    };
    checker.conclude(&last);
    if let Some((old, there)) = there {
        let others = std::mem::take(&mut checker.found.findings);
        let expected = expected(&there, &opening.sealed_between(Some(old), tip)?);
        checker.compare((tip, false), old, &there.heads, expected, &last)?;
        checker.conclude(&last);
        checker.found.unfollowed = std::mem::replace(&mut checker.found.findings, others);
    }
    Ok(checker.found)
}

impl Checker<'_, '_> {
    /// Compares a commit with its parents where it is judged, and settles it.
    fn commit(
        &mut self,
        commit: &WalkedCommit,
        is_judged: bool,
        settled: &mut HashMap<ObjectId, Settled>,
        children: &mut HashMap<ObjectId, usize>,
    ) -> Result<Settled, VaultError> {
        let roster = roster_entry(self.opening, commit.id)?;
        // Least is judged again beside a parent that has the same roster.
        let like = commit.parents.iter().find(|parent| settled.get(*parent).is_some_and(|s| s.roster == roster));
        let base = like.or(commit.parents.first()).copied();
        let mut compared = Vec::with_capacity(commit.parents.len());
        let (mut start, mut others) = (None, Vec::new());
        for parent in &commit.parents {
            let left = children.get_mut(parent).map_or(0, |left| {
                *left = left.saturating_sub(1);
                *left
            });
            let there = if left == 0 { settled.remove(parent) } else { settled.get(parent).cloned() };
            let Some(there) = there else { continue };
            let changes = self.opening.sealed_between(Some(*parent), commit.id)?;
            compared.push((*parent, there.heads.clone(), expected(&there, &changes)));
            if start.is_none() && Some(*parent) == base {
                start = Some((there, changes));
            } else {
                others.push(there);
            }
        }
        let here = self.settle(commit.id, start, &others, is_judged)?;
        let is_merge = commit.parents.len() > 1;
        for (parent, heads, expected) in compared.into_iter().filter(|_| is_judged) {
            self.compare((commit.id, is_merge), parent, &heads, expected, &here)?;
        }
        Ok(here)
    }

    fn compare(
        &mut self,
        (commit, is_merge): (ObjectId, bool),
        parent: ObjectId,
        heads: &BTreeSet<Hash>,
        expected: Vec<(String, Vec<Hash>)>,
        here: &Settled,
    ) -> Result<(), VaultError> {
        let (at, from) = (commit.to_string(), abbreviated(&parent.to_string()));
        let roster = if heads.is_empty() { None } else { self.memo.roster_of(here.roster)?.ok() };
        if heads.iter().any(|head| !roster.as_ref().is_some_and(|roster| roster.has(*head))) {
            let file = self.opening.roster_file();
            let text = match here.roster {
                None => format!("the roster is gone, which {from} has"),
                Some(_) => format!("the roster is not that of {from}, nor does it follow it"),
            };
            let hint = format!("put it back with: git checkout {from} -- {}", from_top(&file));
            self.found.findings.push(Finding::new("roster-rollback", &file, Some(&at), text).hinting(hint));
        }
        for (file, olds) in expected {
            let held = here.files.get(&file);
            if held.is_some_and(|held| olds.iter().all(|old| held.versions.contains(old))) {
                continue;
            }
            self.steps.push(Step {
                commit,
                parent,
                is_merge,
                is_gone: held.is_none(),
                file,
                versions: held.filter(|held| held.is_signed).map(|held| held.versions.clone()).unwrap_or_default(),
                olds,
            });
        }
        Ok(())
    }

    /// What a commit holds: worked out from what one parent held and what changed since, and from nothing without one.
    /// `is_new`: what it brings is told.
    pub(super) fn settle(
        &mut self,
        commit: ObjectId,
        start: Option<(Settled, Vec<TreeChange>)>,
        others: &[Settled],
        is_new: bool,
    ) -> Result<Settled, VaultError> {
        let name = commit.to_string();
        let roster = roster_entry(self.opening, commit)?;
        let judged = self.memo.roster_of(roster)?;
        let (Settled { roster: old_roster, heads: old_heads, mut files, mut bad }, changes) = match start {
            Some(start) => start,
            None => {
                let all = self.opening.sealed_between(None, commit)?;
                (Settled { roster, ..Settled::default() }, all)
            }
        };
        let mut again: BTreeMap<String, (TreeKind, ObjectId)> = BTreeMap::new();
        if roster != old_roster {
            again.extend(files.iter().map(|(file, held)| (file.clone(), held.entry)));
        }
        let mut olds: HashMap<String, Held> = HashMap::new();
        for TreeChange { path, after, .. } in changes {
            match after {
                Some(entry) => drop(again.insert(path, entry)),
                None => {
                    again.remove(&path);
                    bad.remove(&path);
                    files.remove(&path);
                }
            }
        }
        let entries: Vec<TreeEntry> =
            again.into_iter().map(|(path, (kind, id))| TreeEntry { path, id, kind }).collect();
        let found = judge_entries(self.memo, &self.opening.root, judged.as_deref().ok(), &name, &entries)?;
        for (entry, (file, judged)) in entries.iter().zip(found) {
            let before = files.remove(&file);
            let had = |there: &Held| there.entry == (entry.kind, entry.id);
            let is_brought = is_new
                && !before.as_ref().is_some_and(had)
                && !others.iter().any(|other| other.files.get(&file).is_some_and(had));
            let held = self.held(&name, entry, &judged, is_brought);
            if let Some(before) = before {
                olds.insert(file.clone(), before);
            }
            if held.is_good {
                bad.remove(&file);
            } else {
                bad.insert(file.clone());
            }
            files.insert(file, held);
        }
        // What counts in the place of a file that is not good, from all parents.
        for file in &bad {
            let parents = olds.get(file).into_iter().chain(others.iter().filter_map(|other| other.files.get(file)));
            let mut before: BTreeSet<Hash> = parents.flat_map(|held| held.newest().iter().copied()).collect();
            let Some(held) = files.get_mut(file) else { continue };
            if !olds.contains_key(file) {
                before.extend(held.before.iter().copied());
            }
            held.before = before.into_iter().collect();
        }
        let heads = match &judged {
            Ok(roster) => BTreeSet::from([roster.head]),
            Err(_) if roster.is_none() => BTreeSet::new(),
            Err(_) => {
                old_heads.into_iter().chain(others.iter().flat_map(|other| other.heads.iter().copied())).collect()
            }
        };
        Ok(Settled { roster, heads, files, bad })
    }

    pub(super) fn held(
        &mut self,
        commit: &str,
        entry: &TreeEntry,
        judged: &Result<Seen, Refused>,
        is_brought: bool,
    ) -> Held {
        let (seen, is_signed) = match judged {
            Ok(seen) => (Some(seen), true),
            // Of siblings, one whose form is bad says nothing, and so the file says nothing.
            Err(refused) if refused.finding.code == "form" => (None, false),
            Err(refused) => (refused.seen.as_ref(), matches!(refused.finding.code, "standing" | "entitled")),
        };
        if let Some(seen) = seen.filter(|_| is_signed) {
            self.descent.learn(seen);
            if let Some(path) = path_of(&self.opening.root, &entry.path).filter(|_| is_brought) {
                self.found.sealed.extend(seen.counting().iter().map(|outline| SealedVersion {
                    commit: commit.to_owned(),
                    path: path.clone(),
                    author: outline.manifest.author.name.to_string(),
                    revision: outline.manifest.revision,
                    state: outline.manifest.state.clone(),
                    version: outline.hash,
                }));
            }
        }
        if let Some(refused) = judged.as_ref().err().filter(|_| is_brought) {
            self.found.refused.push(refused.finding.clone());
        }
        let hashes = |seen: &Seen| seen.counting().iter().map(|outline| outline.hash).collect();
        let versions = seen.map(hashes).unwrap_or_default();
        Held { entry: (entry.kind, entry.id), versions, is_good: judged.is_ok(), is_signed, before: Vec::new() }
    }

    /// Judges the steps, now that every version is known.
    fn conclude(&mut self, tip: &Settled) {
        for step in std::mem::take(&mut self.steps) {
            let now = tip.files.get(&step.file).filter(|held| held.is_good);
            if step.is_gone {
                self.found.findings.push(self.removed(&step, now));
                continue;
            }
            for old in &step.olds {
                let follows = |versions: &[Hash]| versions.iter().any(|version| self.descent.descends(*version, *old));
                if !follows(&step.versions) {
                    let is_mended = now.is_some_and(|held| follows(&held.versions));
                    self.found.findings.push(self.rollback(&step, *old, is_mended));
                    break;
                }
            }
        }
    }

    /// A file that a commit took away. Where one is there by now, putting the old one back would take that away.
    fn removed(&self, step: &Step, now: Option<&Held>) -> Finding {
        let from = abbreviated(&step.parent.to_string());
        let mut text = format!("it is gone, and nobody deleted it with covault: {from} has it");
        let follows = |now: &Held, old: Hash| now.versions.iter().any(|it| self.descent.descends(*it, old));
        let hint = match now {
            None => Some(format!("put it back with: git checkout {from} -- {}", from_top(&step.file))),
            Some(now) if step.olds.iter().all(|old| follows(now, *old)) => {
                text.push_str("; it is there again since");
                None
            }
            Some(_) => {
                text.push_str("; it is there again since, in a version that does not follow it");
                path_of(&self.opening.root, &step.file)
                    .map(|name| format!("see what it was with: covault show {name}@{from}"))
            }
        };
        let finding = Finding::new("removed", &step.file, Some(&step.commit.to_string()), text);
        match hint {
            Some(hint) => finding.hinting(hint),
            None => finding,
        }
    }

    fn rollback(&self, step: &Step, old: Hash, is_mended: bool) -> Finding {
        let from = abbreviated(&step.parent.to_string());
        let was = match self.descent.about(old) {
            Some(about) => format!("revision {} by {}", about.revision, about.author),
            None => "the version".to_owned(),
        };
        let mut text = if step.is_merge {
            format!("this merge dropped {was}, which {from} has")
        } else {
            format!("{was}, which {from} has, was replaced by one that does not follow it")
        };
        if let Some(lost) = self.descent.lost(&step.versions, old) {
            text.push_str(&match lost {
                0 => "; all its secret values are there".to_owned(),
                1 => "; 1 of its secret values is not there".to_owned(),
                lost => format!("; {lost} of its secret values are not there"),
            });
        }
        if is_mended {
            text.push_str("; a later version follows it again");
        }
        let finding = Finding::new("rollback", &step.file, Some(&step.commit.to_string()), text);
        match path_of(&self.opening.root, &step.file) {
            Some(_) if is_mended => finding,
            Some(name) => finding.hinting(format!(
                "see it with: covault diff {} {from} -- {name}; join it in with: covault resolve {name} --from {parent}",
                abbreviated(&step.commit.to_string()),
                parent = step.parent.to_string().chars().take(16).collect::<String>(),
            )),
            None => finding,
        }
    }
}

/// The files of a parent that a child may have otherwise, with what it has to descend from.
fn expected(parent: &Settled, changes: &[TreeChange]) -> Vec<(String, Vec<Hash>)> {
    let all: BTreeSet<&String> = changes.iter().map(|change| &change.path).chain(&parent.bad).collect();
    let of = |file: &String| {
        let newest = parent.files.get(file)?.newest().to_vec();
        if newest.is_empty() { None } else { Some((file.clone(), newest)) }
    };
    all.into_iter().filter_map(of).collect()
}
