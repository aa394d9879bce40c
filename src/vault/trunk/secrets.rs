//! Whether a secret's file follows the version that the trunk had.

use std::collections::{HashMap, HashSet};

use super::abbreviated;
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::manifest::{MAX_LET_GO, Manifest};
use crate::model::names::{JOURNAL, MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::repo::{ObjectId, Repo};
use crate::seal;
use crate::vault::check::{all_refused, check};
use crate::vault::version::Version;
use crate::vault::wrong::Wrong;
use crate::vault::{Vault, VaultError, let_go, sealed};

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
                    path: version.manifest().path.clone(),
                    joins: self.joins(version),
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
        let past = self.past()?;
        for old in olds {
            if !past.heeds(version, &old)? {
                return Ok(Some((blob, old.manifest)));
            }
        }
        Ok(None)
    }

    fn past(&self) -> Result<Past<'_>, VaultError> {
        let (repo, home, root, roster) = (self.repo(), self.home(), self.root(), self.roster());
        Ok(Past { repo, home, root, roster, tip: repo.head()?.commit })
    }

    /// Those versions in a blob, beside what counts there or in its place, that count for nothing and that a version does not
    /// heed.
    pub(in crate::vault) fn unheeded(&self, version: &Version, blob: ObjectId) -> Result<Vec<Vec<u8>>, VaultError> {
        let (file, path, past) = (version.file(), &version.manifest().path, self.past()?);
        let bytes = sealed::bytes_or_none(self.repo(), blob)?;
        let (alone, mut unheeded) = (all_refused(self.roster(), file, path, &bytes), Vec::new());
        let was_apart = alone.is_empty();
        let refused = match was_apart {
            true => check(self.roster(), file, path, bytes, None).map(Version::into_refused).unwrap_or_default(),
            false => alone,
        };
        for one in refused {
            let old = Bound { was_apart, ..Bound::of(one.manifest(), one.bytes()) };
            if !past.heeds(version, &old)? {
                unheeded.push(old.bytes);
            }
        }
        Ok(unheeded)
    }

    /// Whether a file that the trunk had is missing here, though what is checked out contains that commit.
    pub(in crate::vault) fn was_taken_away(&self, file: &str) -> Result<bool, VaultError> {
        Ok(self.seen_blob(file)?.is_some() && self.trunk.is_contained(self.repo())?)
    }
}

/// A version that was seen, which binds what comes after it.
pub(in crate::vault) struct Bound {
    /// What its author signed.
    pub(in crate::vault) manifest: Manifest,
    /// The file that it would be on its own.
    bytes: Vec<u8>,
    /// It counted for nothing already when it was seen beside what counts.
    was_apart: bool,
}

impl Bound {
    fn of(manifest: &Manifest, bytes: &[u8]) -> Self {
        Self { manifest: manifest.clone(), bytes: bytes.to_vec(), was_apart: false }
    }
}

/// What versions are held against: a roster, and the history of a commit.
pub(in crate::vault) struct Past<'a> {
    pub(in crate::vault) repo: &'a Repo,
    pub(in crate::vault) home: &'a Home,
    /// The vault's folder.
    pub(in crate::vault) root: &'a str,
    pub(in crate::vault) roster: &'a Roster,
    pub(in crate::vault) tip: Option<ObjectId>,
}

impl Past<'_> {
    /// Whether a version heeds one that was seen: it follows it, or, where that one counts for nothing by now, it keeps it
    /// beside it, or one beside it that follows it. Nobody has decided about that one then, and nothing of it is lost. What
    /// counts for nothing vouches for nothing that counts: by the word of one who was removed no good version is followed.
    pub(in crate::vault) fn heeds(&self, version: &Version, old: &Bound) -> Result<bool, VaultError> {
        let (file, path, hash) = (version.file(), &version.manifest().path, old.manifest.hash());
        let follows = descends(self.repo, self.tip, file, version, &old.manifest)?;
        if follows || version.refused().iter().any(|one| one.hash() == hash) {
            return Ok(true);
        }
        if all_refused(self.roster, file, path, &old.bytes).is_empty() {
            return Ok(false);
        }
        // A version has no larger number than one that it lets go of: this is no question of numbers.
        let members = version.members().map(|member| (member.hash(), member.manifest()));
        let from: Vec<_> = members.chain(version.refused().iter().map(|one| (one.hash(), one.manifest()))).collect();
        if leads_to(self.repo, self.tip, file, &from, &old.manifest, |_| true)? {
            return Ok(true);
        }
        // What never counted anywhere is somebody's litter, and whoever clears it away does well.
        Ok(old.was_apart && !self.counted(file, path, &old.manifest)?)
    }

    /// Whether a version counted by the roster of a commit that has it.
    fn counted(&self, file: &str, path: &SecretPath, manifest: &Manifest) -> Result<bool, VaultError> {
        let known = let_go::known_versions(self.repo, self.tip, file)?;
        let one = std::iter::once((manifest.hash(), manifest));
        Ok(!let_go::counted_somewhere((self.repo, self.home, self.root), path, one, &known)?.is_empty())
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
    let members: Vec<_> = version.members().map(|member| (member.hash(), member.manifest())).collect();
    // Revisions only rise, and what is named by `ancestors` alone reaches no further than that.
    leads_to(repo, tip, file, &members, from, |manifest| manifest.revision > from.revision)
}

/// Whether one of these versions of a file is another one, follows it or says the same. Looked for in history it is from those
/// of them that `may_reach` it.
fn leads_to(
    repo: &Repo,
    tip: Option<ObjectId>,
    file: &str,
    versions: &[(Hash, &Manifest)],
    to: &Manifest,
    may_reach: impl Fn(&Manifest) -> bool,
) -> Result<bool, VaultError> {
    let (target, message) = (to.hash(), to.message());
    let reaches = |manifest: &Manifest| manifest.names_as_ancestor(target) || manifest.message() == message;
    if versions.iter().any(|(hash, manifest)| *hash == target || reaches(manifest)) {
        return Ok(true);
    }
    let mut below: Vec<Manifest> = versions.iter().map(|(_, manifest)| (*manifest).clone()).collect();
    below.retain(|manifest| may_reach(manifest));
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

/// What a later version has to heed: the versions of the file that count. A few that count for nothing, too; of those that
/// somebody stuffs a file with no version that lets go of them could go on naming all, and history alone asks for them.
pub(in crate::vault) fn binding(roster: &Roster, file: &str, path: &SecretPath, bytes: Vec<u8>) -> Vec<Bound> {
    let manifests = manifests_of(&bytes);
    let members = seal::members(&bytes).unwrap_or_default();
    let all: Vec<Bound> = manifests.iter().zip(members).map(|(manifest, bytes)| Bound::of(manifest, bytes)).collect();
    if all.len() < 2 {
        return all;
    }
    let Ok(version) = check(roster, file, path, bytes, None) else { return all };
    let counting = version.members().map(|member| Bound::of(member.manifest(), member.bytes()));
    let apart = version.refused().iter().filter(|_| version.refused().len() <= MAX_LET_GO);
    let apart = apart.map(|one| Bound { was_apart: true, ..Bound::of(one.manifest(), one.bytes()) });
    counting.chain(apart).collect()
}

/// What a secret's file says of its versions; nothing where it cannot be read.
fn manifests_of(bytes: &[u8]) -> Vec<Manifest> {
    seal::peek_manifests(bytes).unwrap_or_default()
}
