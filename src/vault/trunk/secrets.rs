//! Whether a secret's file follows the version that the trunk had.

use std::collections::{HashMap, HashSet};

use super::abbreviated;
use crate::model::bytes::Hash;
use crate::model::manifest::Manifest;
use crate::model::names::{JOURNAL, MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::repo::{ObjectId, Repo};
use crate::seal;
use crate::vault::open::{Version, check};
use crate::vault::wrong::Wrong;
use crate::vault::{Vault, VaultError, sealed};

impl Vault {
    /// The blob that the trunk had at a file when it was last seen, where what is checked out contains that commit.
    pub(in crate::vault) fn seen_blob(&self, file: &str) -> Result<Option<ObjectId>, VaultError> {
        let Some(seen) = self.trunk.seen else { return Ok(None) };
        Ok(self.repo().blob_at(seen, file)?)
    }

    /// The same for many, by file: everything in the folder that has them all.
    pub(in crate::vault) fn seen_blobs_above(
        &self,
        paths: &[SecretPath],
    ) -> Result<HashMap<String, ObjectId>, VaultError> {
        let Some(seen) = self.trunk.seen else { return Ok(HashMap::new()) };
        let mut common = paths.first().map(SecretPath::folder).unwrap_or_default();
        while !common.is_empty() && !paths.iter().all(|path| path.folders().any(|folder| folder == common)) {
            common = common.rsplit_once('/').map_or("", |(above, _)| above);
        }
        let files = match common {
            "" => {
                let files = sealed::list_at(self.repo(), seen, self.root())?;
                files.into_iter().map(|(_, file, blob)| (file, blob)).collect()
            }
            JOURNAL => self.repo().list_at(seen, &format!("{}/{JOURNAL}", self.root()))?.files,
            _ => self.repo().list_at(seen, &format!("{}/{common}", sealed::secrets(self.root())))?.files,
        };
        Ok(files.into_iter().collect())
    }

    /// Refuses a version that does not follow the one that the trunk had in `seen`.
    pub(in crate::vault) fn check_follows(&self, version: &Version, seen: Option<ObjectId>) -> Result<(), VaultError> {
        match self.seen_beside(version, seen)? {
            None => Ok(()),
            Some((_, old)) => Err(VaultError::Inconsistent {
                file: version.file().to_owned(),
                what: Wrong::RolledBack {
                    commit: self.trunk.seen.map(|seen| abbreviated(&seen.to_string())).unwrap_or_default(),
                    seen: old.revision,
                    found: version.manifest().revision,
                    joins: Some(&version.manifest().path).filter(|_| self.joins(version)).map(ToString::to_string),
                },
            }),
        }
    }

    /// Whether oneself could join another version into this one. For anybody else the newer one is put back.
    fn joins(&self, version: &Version) -> bool {
        let manifest = version.manifest();
        let reads = |name: &MemberName| manifest.readers.iter().any(|reader| reader.name == *name);
        !manifest.path.is_journal() && self.author().is_ok_and(|(me, _)| reads(&me.reference.name))
    }

    /// The version that was seen on the trunk, where the one in hand does not follow it though it should.
    pub(in crate::vault) fn seen_beside(
        &self,
        version: &Version,
        seen: Option<ObjectId>,
    ) -> Result<Option<(ObjectId, Manifest)>, VaultError> {
        let Some(blob) = seen.filter(|blob| !crate::repo::names(*blob, version.stored())) else {
            return Ok(None);
        };
        let path = &version.manifest().path;
        let olds = binding(self.roster(), version.file(), path, sealed::bytes_or_none(self.repo(), blob)?);
        if olds.is_empty() || !self.trunk.is_contained(self.repo())? {
            return Ok(None);
        }
        let head = self.repo().head()?.commit;
        for old in olds {
            if !descends(self.repo(), head, version.file(), version, &old)? {
                return Ok(Some((blob, old)));
            }
        }
        Ok(None)
    }

    /// Whether a file that the trunk had is missing here, though what is checked out contains that commit.
    pub(in crate::vault) fn was_taken_away(&self, file: &str) -> Result<bool, VaultError> {
        Ok(self.seen_blob(file)?.is_some() && self.trunk.is_contained(self.repo())?)
    }
}

/// Whether a version (one of its siblings) follows another one of the same file, or says the same: by what it says itself,
/// or by way of versions in the history of `tip`.
pub(in crate::vault) fn descends(
    repo: &Repo,
    tip: Option<ObjectId>,
    file: &str,
    version: &Version,
    from: &Manifest,
) -> Result<bool, VaultError> {
    let (target, message) = (from.hash(), from.message());
    let reaches = |manifest: &Manifest| manifest.names_as_ancestor(target) || manifest.message() == message;
    if version.members().any(|member| member.hash() == target || reaches(member.manifest())) {
        return Ok(true);
    }
    // Revisions only rise, and what is named by `ancestors` alone reaches no further than that.
    let mut below: Vec<Manifest> = version.members().map(|member| member.manifest().clone()).collect();
    below.retain(|manifest| manifest.revision > from.revision);
    let (Some(tip), false) = (tip, below.is_empty()) else { return Ok(false) };
    // Beside the versions that lead from this one towards the past, those of which that is not known yet.
    let (mut others, mut met) = (HashMap::new(), HashSet::new());
    for entry in repo.history_walk(&tip.to_string(), &[file])? {
        for blob in entry?.changes.iter().filter_map(|change| change.after) {
            let known = manifests_of(&sealed::bytes_or_none(repo, blob)?);
            let known = known.into_iter().map(|manifest| (manifest.hash(), manifest));
            others.extend(known.filter(|(hash, _)| met.insert(*hash)));
        }
        let is_below = |hash: &Hash, below: &[Manifest]| below.iter().any(|it| it.names_as_ancestor(*hash));
        while let Some(hash) = others.keys().find(|hash| is_below(hash, &below)).copied() {
            let Some(nearer) = others.remove(&hash) else { break };
            if reaches(&nearer) {
                return Ok(true);
            }
            below.push(nearer);
        }
    }
    Ok(false)
}

/// What a later version has to follow: what the file says of its versions, siblings excepted that count for nothing.
pub(in crate::vault) fn binding(roster: &Roster, file: &str, path: &SecretPath, bytes: Vec<u8>) -> Vec<Manifest> {
    let all = manifests_of(&bytes);
    if all.len() < 2 {
        return all;
    }
    match check(roster, file, path, bytes, None) {
        Ok(version) => version.members().map(|member| member.manifest().clone()).collect(),
        Err(_) => all,
    }
}

/// What a secret's file says of its versions; nothing where it cannot be read.
fn manifests_of(bytes: &[u8]) -> Vec<Manifest> {
    seal::peek_manifests(bytes).unwrap_or_default()
}
