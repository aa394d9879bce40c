//! What the trunk had on its way from where it was last seen to where it is now: as if each commit had been looked at.
//!
//! Which parent of a merge was the trunk before it, whoever made the merge has chosen. So all of them count.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::check::check;
use super::super::put_back::LeftOut;
use super::super::version::Version;
use super::super::{VaultError, sealed, trust};
use super::secrets::{self, Past, Sight};
use super::{Here, abbreviated};
use crate::home::Held;
use crate::model::bytes::Hash;
use crate::model::manifest::Manifest;
use crate::model::names::SecretPath;
use crate::model::roster::{MAX_ROSTER, Roster};
use crate::repo::{Ancestry, ObjectId, RepoError, WalkedCommit};

/// What the trunk had of secrets, each with its file.
type ByFile = BTreeMap<(SecretPath, String), Vec<Sight>>;

/// A roster that was met on the way.
enum Met {
    /// An earlier state of the roster as it is now, whose newest entry this is.
    Earlier(Hash),
    /// Another one of this vault, which counts beside the roster as it is now.
    Other(Box<Roster>),
    /// None of this vault, or one that counts for nothing.
    Nothing,
}

impl Here<'_> {
    /// The trunk may not lose an entry that it had on its way from what was seen, or that a merge on the way brought: no
    /// roster of those commits that goes on from what was there before it and counts beside what there is
    /// now. `way` are the commits up to `to`, oldest first; `held` is the newest entry that was seen.
    pub(in crate::vault) fn check_way(
        &self,
        way: &[WalkedCommit],
        held: Hash,
        to: ObjectId,
        theirs: &Roster,
    ) -> Result<(), VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let Some(now) = self.repo.blob_at(to, &file)? else { return Ok(()) };
        let text = trust::roster_bytes(self.repo, now, &file)?;
        let mut met: HashMap<ObjectId, Met> = HashMap::from([(now, Met::Earlier(theirs.head))]);
        // The newest entries that count at each commit; several where a roster lacks what another one has.
        let mut heads: HashMap<ObjectId, BTreeSet<Hash>> = HashMap::new();
        let mut own: HashMap<ObjectId, Hash> = HashMap::new();
        for commit in way {
            let of_parent = |parent: &ObjectId| heads.get(parent).cloned().unwrap_or_else(|| BTreeSet::from([held]));
            let mut here: BTreeSet<Hash> = commit.parents.iter().flat_map(of_parent).collect();
            if let Some(blob) = or_nothing(self.repo.blob_at(commit.id, &file))? {
                let met = match met.entry(blob) {
                    Entry::Occupied(met) => met.into_mut(),
                    Entry::Vacant(place) => place.insert(self.met(blob, &file, commit, &text, theirs)?),
                };
                let goes_on = |has: &dyn Fn(Hash) -> bool| here.iter().all(|head| has(*head));
                let newest = match met {
                    Met::Earlier(head) if goes_on(&|it| theirs.contains(*head, it)) => Some(*head),
                    Met::Other(roster) if goes_on(&|it| roster.has(it)) => Some(roster.head),
                    _ => None,
                };
                if let Some(newest) = newest {
                    own.insert(commit.id, newest);
                    here = BTreeSet::from([newest]);
                }
            }
            heads.insert(commit.id, here);
        }
        let lost = heads.get(&to).and_then(|heads| heads.iter().find(|head| !theirs.has(**head)));
        let Some(lost) = lost else { return Ok(()) };
        let roster = met.values().find_map(|met| match met {
            Met::Other(roster) if roster.head == *lost => Some(roster.as_ref()),
            _ => None,
        });
        let at = way.iter().find(|commit| own.get(&commit.id) == Some(lost));
        let Some((roster, at)) = roster.zip(at.map(|commit| commit.id)) else {
            return Err(self.rolled_back(theirs.seq));
        };
        let went_on = |commit: &&WalkedCommit| {
            let has_lost = heads.get(&commit.id).is_some_and(|heads| heads.contains(lost));
            has_lost && own.get(&commit.id) != Some(lost)
        };
        let by = way.iter().find(went_on).map(|commit| commit.id);
        Err(self.left_out(&LeftOut { roster, at, by }, theirs))
    }

    /// Reads the roster in a blob; `text` is that of `theirs`, the roster as it is now.
    fn met(
        &self,
        blob: ObjectId,
        file: &str,
        commit: &WalkedCommit,
        text: &[u8],
        theirs: &Roster,
    ) -> Result<Met, VaultError> {
        let Some(bytes) = self.repo.blob_within(blob, MAX_ROSTER as u64)? else { return Ok(Met::Nothing) };
        if text.starts_with(&bytes) {
            // As nearly always: no need to read it.
            let entries = bytes.split(|byte| *byte == b'\n').filter(|line| *line == b"[[entry]]").count();
            let head = entries.checked_sub(1).and_then(|last| theirs.chain.get(last));
            return Ok(head.map_or(Met::Nothing, |head| Met::Earlier(*head)));
        }
        let name = format!("{file} at {}", abbreviated(&commit.id.to_string()));
        let roster = trust::verified_cached(self.home, &name, &bytes).ok();
        // What somebody signed beside the loss of the right to, anybody could merge in.
        let roster = roster.filter(|it| it.vault == self.roster.vault && !it.is_overruled_by(theirs));
        Ok(roster.map_or(Met::Nothing, |roster| Met::Other(Box::new(roster))))
    }

    /// Files that do not follow at `to` what the trunk had of them: when it was last seen, at `from`; on the `way` from there,
    /// as if each commit had been looked at; or earlier, where they were `held` to that already.
    pub(super) fn still_held(
        &self,
        way: &[WalkedCommit],
        (from, to): (Option<ObjectId>, ObjectId),
        held: Vec<Held>,
        theirs: &Roster,
    ) -> Result<Vec<Held>, VaultError> {
        let past = Past { repo: self.repo, home: self.home, root: self.root, roster: theirs, tip: Some(to) };
        let mut candidates = ByFile::new();
        let mut still = Vec::new();
        for one in held {
            let path = sealed::path_of(self.root, &one.file);
            match (path, secrets::sight(self.repo, &one)?) {
                (Some(path), Some(sight)) => candidates.entry((path, one.file)).or_default().push(sight),
                // Its objects are not here for now.
                _ => still.push(one),
            }
        }
        if let Some(from) = from.filter(|from| matches!(self.repo.is_ancestor(*from, to), Ok(Ancestry::Yes))) {
            for (path, change) in sealed::changed_between(self.repo, Some(from), to, self.root)? {
                if let Some(blob) = change.before {
                    candidates.entry((path, change.path)).or_default().push(Sight { commit: from, blob });
                }
            }
            for (place, lost) in self.lost_on_the_way(way, to, theirs)? {
                candidates.entry(place).or_default().extend(lost);
            }
        }
        for ((path, file), sights) in candidates {
            let now = self.repo.blob_at(to, &file)?.map(|blob| sealed::bytes_or_none(self.repo, blob)).transpose()?;
            let now = now.and_then(|bytes| check(theirs, &file, &path, bytes, None).ok());
            let mut missed = Vec::new();
            for sight in sights {
                let old = past.missed(now.as_ref(), (&path, &file), sight)?;
                missed.extend(old.into_iter().map(|old| (old.manifest, sight.commit)));
            }
            still.extend(
                newest(missed).into_iter().map(|commit| Held { commit: commit.to_string(), file: file.clone() }),
            );
        }
        Ok(still)
    }

    /// The versions that count which those commits brought, and which none at `to` follows, by file.
    fn lost_on_the_way(&self, way: &[WalkedCommit], to: ObjectId, theirs: &Roster) -> Result<ByFile, VaultError> {
        let mut met = ByFile::new();
        for commit in way.iter().rev() {
            let before = commit.parents.first().copied();
            for (path, change) in or_nothing(sealed::changed_between(self.repo, before, commit.id, self.root))? {
                if let Some(blob) = change.after {
                    met.entry((path, change.path)).or_default().push(Sight { commit: commit.id, blob });
                }
            }
        }
        let mut lost = ByFile::new();
        for ((path, file), sights) in met {
            let now = self.repo.blob_at(to, &file)?;
            let mut olds = Vec::new();
            for sight in sights.iter().filter(|sight| Some(sight.blob) != now) {
                // What anybody could have put there binds nobody.
                if let Ok(version) = check(theirs, &file, &path, sealed::bytes_or_none(self.repo, sight.blob)?, None) {
                    olds.extend(version.members().map(|member| (*sight, member.manifest().clone())));
                }
            }
            if olds.is_empty() {
                continue;
            }
            let bytes = now.map(|blob| sealed::bytes_or_none(self.repo, blob)).transpose()?;
            let new = bytes.and_then(|bytes| check(theirs, &file, &path, bytes, None).ok());
            let left: BTreeSet<Sight> = not_reached(new.as_ref(), olds).into_iter().map(|(sight, _)| sight).collect();
            if !left.is_empty() {
                lost.insert((path, file), left.into_iter().collect());
            }
        }
        Ok(lost)
    }
}

/// The commits with those of these versions that no other one follows, the newest first; each version once.
fn newest(mut missed: Vec<(Manifest, ObjectId)>) -> Vec<ObjectId> {
    missed.sort_by_key(|(manifest, _)| std::cmp::Reverse(manifest.revision));
    let mut kept: Vec<(Manifest, ObjectId)> = Vec::new();
    for (manifest, commit) in missed {
        let hash = manifest.hash();
        if !kept.iter().any(|(newer, _)| newer.hash() == hash || newer.names_as_ancestor(hash)) {
            kept.push((manifest, commit));
        }
    }
    let mut met = HashSet::new();
    kept.into_iter().map(|(_, commit)| commit).filter(|commit| met.insert(*commit)).collect()
}

/// Nothing where there is more than is read of a commit: what is over is no reason to stop, and who can push could make one.
fn or_nothing<T: Default>(read: Result<T, RepoError>) -> Result<T, RepoError> {
    match read {
        Err(RepoError::TooMuch { .. } | RepoError::ObjectTooLarge { .. }) => Ok(T::default()),
        read => read,
    }
}

/// Which of `olds` a version does not reach by way of the others, which is nearly always none: without a look at the history.
fn not_reached(new: Option<&Version>, mut olds: Vec<(Sight, Manifest)>) -> Vec<(Sight, Manifest)> {
    let mut nearer: Vec<Manifest> =
        new.into_iter().flat_map(Version::members).map(|member| member.manifest().clone()).collect();
    while let Some(near) = nearer.pop() {
        let named = olds.extract_if(.., |(_, old)| near.names_as_ancestor(old.hash()));
        nearer.extend(named.map(|(_, old)| old));
        // What says the same is as good, and nothing goes on from there.
        olds.retain(|(_, old)| near.message() != old.message());
    }
    olds
}
