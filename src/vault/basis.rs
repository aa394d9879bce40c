//! What the next version of a secret follows: everything that is known here and not contained in each other.
//!
//! That is the version on disk; while git has the path unmerged, both sides; and HEAD's version where the one on disk
//! does not follow it. They are joined: a writing command never drops a side. It decides nothing else.

use std::collections::{BTreeSet, HashSet};

use super::check::all_refused;
use super::draft::Draft;
use super::read::Secret;
use super::version::{Named, Version};
use super::{Vault, VaultError, sealed};
use crate::model::bytes::Hash;
use crate::model::manifest::Manifest;
use crate::model::names::SecretPath;
use crate::repo::{Found, ObjectId};
use crate::seal::{self, MAX_STORED, SealedFile};

/// Where a draft starts, and what a person should know of it.
pub(super) struct Basis {
    /// The joined document, with every version that it follows.
    pub(super) draft: Draft,
    /// Why it is not simply the version on disk.
    pub(super) note: Option<String>,
}

/// What was seen on the trunk, and neither the file on disk nor `HEAD`'s heeds.
#[derive(Default)]
struct Published {
    /// The versions that count.
    versions: Vec<Version>,
    /// What counts for nothing, where nothing else is missed, as it lay in the file.
    apart: Vec<Vec<u8>>,
}

impl Vault {
    /// What the next version at `path` starts from; `None` where there is nothing yet.
    pub(super) fn basis(&self, path: &SecretPath) -> Result<Option<Basis>, VaultError> {
        let [_, ours, theirs] = self.repo().stages(&self.file(path))?;
        if ours.is_some() || theirs.is_some() {
            let sides = ours.into_iter().chain(theirs).map(|blob| self.version_of_blob(blob, path));
            let versions = sides.collect::<Result<Vec<_>, _>>()?;
            let note = format!("{path} was unmerged: both sides are joined");
            // It may be one side, conflict markers, or anything.
            let on_disk = self.repo().read_work(&self.file(path), MAX_STORED as u64)?;
            return self.joined(&versions, self.found(on_disk.as_deref())?, Some(note));
        }
        let Some(version) = self.current_by_name(path)? else { return self.taken_away(path) };
        let newer = self.committed_beside(path, &version)?;
        let Published { versions: published, apart } = self.published_beside(path, &version, newer.as_ref())?;
        let joined = newer.iter().chain(&published).next().map(|_| {
            let old = format!("covault restore {path}");
            format!("{path} on disk does not follow the newest commit: both are joined (old values: {old})")
        });
        let note = joined.or_else(|| (!apart.is_empty()).then(|| put_back(path)));
        let over = self.found(Some(version.stored()))?;
        let versions: Vec<_> = std::iter::once(version).chain(newer).chain(published).collect();
        let mut basis = self.joined(&versions, over, note)?;
        if let Some(basis) = &mut basis {
            basis.draft.kept_apart.extend(apart);
        }
        Ok(basis)
    }

    /// The version that was seen on the trunk, of a file that somebody removed without a tombstone: a new secret in its
    /// place would be refused by everybody who saw the old one.
    fn taken_away(&self, path: &SecretPath) -> Result<Option<Basis>, VaultError> {
        let file = self.file(path);
        let sights = self.taken_away_from(&file)?;
        let note = format!("{path} was taken away without being deleted: what the trunk had is the one before");
        let versions: Vec<_> = sights.iter().filter_map(|sight| self.version_of_blob(sight.blob, path).ok()).collect();
        if !versions.is_empty() {
            return self.joined(&versions, Found::Nothing, Some(note));
        }
        for sight in sights {
            let alone = all_refused(self.roster(), &file, path, &sealed::bytes_or_none(self.repo(), sight.blob)?);
            if !alone.is_empty() {
                let draft = self.over_refused(path, &alone)?;
                return Ok(draft.map(|draft| Basis { draft, note: Some(put_back(path)) }));
            }
        }
        Ok(None)
    }

    /// What counts for nothing of a secret whose file somebody removed, as the trunk had it: who begins one anew keeps it
    /// beside that until a person decides, as everybody who saw it would refuse what comes without it.
    pub(super) fn taken_and_refused(&self, path: &SecretPath) -> Result<Vec<Vec<u8>>, VaultError> {
        let file = self.file(path);
        let mut taken: Vec<Vec<u8>> = Vec::new();
        for sight in self.taken_away_from(&file)? {
            let alone = all_refused(self.roster(), &file, path, &sealed::bytes_or_none(self.repo(), sight.blob)?);
            taken.extend(alone.iter().map(|refused| refused.bytes().to_vec()));
        }
        taken.dedup();
        Ok(taken)
    }

    /// HEAD's version, where the one on disk is neither it nor a descendant of it. A version in HEAD that is refused is
    /// no reason to hold back who puts a good one in its place.
    pub(super) fn committed_beside(&self, path: &SecretPath, version: &Version) -> Result<Option<Version>, VaultError> {
        let Some(head) = self.repo().head()?.commit else { return Ok(None) };
        let Ok(Some(committed)) = self.version_at(head, path) else { return Ok(None) };
        let there: HashSet<Hash> = version.members().map(SealedFile::hash).collect();
        let said: HashSet<Hash> = version.members().map(|member| member.manifest().message()).collect();
        let named = Named::by(version.members().map(SealedFile::manifest));
        let is_named = |hash: Hash| there.contains(&hash) || named.has(hash);
        let follows = committed.members().all(|one| is_named(one.hash()) || said.contains(&one.manifest().message()));
        Ok((!follows).then_some(committed))
    }

    /// The version that was seen on the trunk, where neither the one on disk nor HEAD's follows it though they should.
    fn published_beside(
        &self,
        path: &SecretPath,
        version: &Version,
        newer: Option<&Version>,
    ) -> Result<Published, VaultError> {
        let mut published = Published::default();
        for sight in self.sights(&self.file(path))? {
            let Some(old) = self.seen_beside(version, sight)? else { continue };
            if let Some(newer) = newer
                && self.seen_beside(newer, sight)?.is_none()
            {
                continue;
            }
            // What is refused by now is no reason to hold back who puts a good one in its place, and is not lost to them,
            // either: everybody who saw it would refuse what comes without it.
            let (there, hash) = (self.version_of_blob(sight.blob, path).ok(), old.hash());
            match there.filter(|there| there.members().any(|member| member.hash() == hash)) {
                Some(there) => published.versions.push(there),
                None => published.apart.extend(self.unheeded(version, sight.blob)?),
            }
        }
        Ok(published)
    }

    /// Whether nothing in HEAD or on the trunk stands beside the version on disk.
    pub(super) fn is_followed_by(&self, path: &SecretPath, version: &Version) -> Result<bool, VaultError> {
        let newer = self.committed_beside(path, version)?;
        Ok(newer.is_none() && self.published_beside(path, version, None)?.versions.is_empty())
    }

    /// Versions that the next one at `path` will be compared with: HEAD's, the one that was seen on the trunk, and the one
    /// that waits to be pushed there. It goes on naming those that one of its parents names, however many versions that no
    /// history may ever have (staged, amended, rebased, squashed away) lie between. Only looked for where there is no room
    /// for all.
    pub(super) fn landmarks(&self, path: &SecretPath, parents: &[(Hash, Manifest)]) -> Result<Vec<Hash>, VaultError> {
        if Manifest::crowd_out(parents) { self.all_landmarks(path) } else { Ok(Vec::new()) }
    }

    /// The same, looked for whether or not there is room.
    pub(super) fn all_landmarks(&self, path: &SecretPath) -> Result<Vec<Hash>, VaultError> {
        let (repo, file) = (self.repo(), self.file(path));
        let mut blobs: BTreeSet<ObjectId> = self.sights(&file)?.iter().map(|sight| sight.blob).collect();
        for commit in repo.head()?.commit.into_iter().chain(self.unpublished()?) {
            blobs.extend(repo.blob_at(commit, &file)?);
        }
        let manifests = blobs.into_iter().flat_map(|blob| {
            // What is not here, or cannot be read, holds nobody up.
            let bytes = repo.blob_within(blob, MAX_STORED as u64).ok().flatten().unwrap_or_default();
            seal::peek_manifests(&bytes).unwrap_or_default()
        });
        // The newest first: a file may be stuffed with what they follow.
        let mut landmarks: Vec<(u64, Hash)> = manifests.map(|one| (one.revision, one.hash())).collect();
        landmarks.sort_unstable_by_key(|one| std::cmp::Reverse(*one));
        Ok(landmarks.into_iter().map(|(_, hash)| hash).collect())
    }

    /// What lies in the work tree, for who puts the next version over it.
    pub(super) fn found(&self, on_disk: Option<&[u8]>) -> Result<Found, VaultError> {
        Ok(on_disk.map(|bytes| self.repo().blob_id(bytes)).transpose()?.map_or(Found::Nothing, Found::Blob))
    }

    pub(super) fn joined(
        &self,
        versions: &[Version],
        over: Found,
        note: Option<String>,
    ) -> Result<Option<Basis>, VaultError> {
        let mut draft: Option<Draft> = None;
        for version in versions {
            let secret: Secret = self.open_version(version)?;
            match &mut draft {
                None => draft = Some(Draft::after(secret)),
                Some(draft) => draft.join(secret),
            }
        }
        Ok(draft.map(|mut draft| {
            draft.keep_what_it_cannot_name(versions.iter().flat_map(Version::members));
            draft.over = over;
            Basis { draft, note }
        }))
    }
}

/// What a person should know where versions that count for nothing are kept beside a secret again.
pub(super) fn put_back(path: &SecretPath) -> String {
    format!("beside {path} is again what counts for nothing until a person decides: covault resolve {path}")
}
