//! Whether a secret's file follows the version that the trunk had.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::abbreviated;
use crate::home::{Held, Home};
use crate::model::bytes::Hash;
use crate::model::manifest::{MAX_LET_GO, Manifest};
use crate::model::names::{JOURNAL, MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::repo::{ObjectId, Repo};
use crate::seal;
use crate::vault::check::{all_refused, check};
use crate::vault::version::Version;
use crate::vault::wrong::Wrong;
use crate::vault::{Vault, VaultError, let_go, sealed, trust};

/// What the trunk had of a file: a blob, and a commit that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::vault) struct Sight {
    pub(in crate::vault) commit: ObjectId,
    pub(in crate::vault) blob: ObjectId,
}

/// What a file is held against; `None` where that is not in this repository.
pub(super) fn sight(repo: &Repo, held: &Held) -> Result<Option<Sight>, VaultError> {
    let Ok(commit) = repo.resolve(&held.commit) else { return Ok(None) };
    Ok(repo.blob_at(commit, &held.file)?.map(|blob| Sight { commit, blob }))
}

impl Vault {
    /// What the trunk had at a file: when it was last seen, and before that, where what came then did not follow.
    pub(in crate::vault) fn sights(&self, file: &str) -> Result<Vec<Sight>, VaultError> {
        let mut sights = Vec::new();
        for held in self.trunk.held.iter().filter(|held| held.file == file) {
            sights.extend(sight(self.repo(), held)?);
        }
        if let Some(commit) = self.trunk.seen {
            sights.extend(self.repo().blob_at(commit, file)?.map(|blob| Sight { commit, blob }));
        }
        Ok(sights)
    }

    /// The secrets that did not follow what the trunk had of them, each once.
    pub(in crate::vault) fn held_paths(&self) -> BTreeSet<SecretPath> {
        self.trunk.held.iter().filter_map(|held| sealed::path_of(self.root(), &held.file)).collect()
    }

    /// The same for many, by file: everything in the folder that has them all.
    pub(in crate::vault) fn sights_above(
        &self,
        paths: &[SecretPath],
    ) -> Result<HashMap<String, Vec<Sight>>, VaultError> {
        let mut common = paths.first().map(SecretPath::folder).unwrap_or_default();
        while !common.is_empty() && !paths.iter().all(|path| path.folders().any(|folder| folder == common)) {
            common = common.rsplit_once('/').map_or("", |(above, _)| above);
        }
        let mut sights: HashMap<String, Vec<Sight>> = HashMap::new();
        for held in &self.trunk.held {
            sights.entry(held.file.clone()).or_default().extend(sight(self.repo(), held)?);
        }
        let Some(commit) = self.trunk.seen else { return Ok(sights) };
        let files = match common {
            "" => {
                let files = sealed::list_at(self.repo(), commit, self.root())?;
                files.into_iter().map(|(_, file, blob)| (file, blob)).collect()
            }
            JOURNAL => self.repo().list_at(commit, &format!("{}/{JOURNAL}", self.root()))?.files,
            _ => self.repo().list_at(commit, &format!("{}/{common}", sealed::secrets(self.root())))?.files,
        };
        for (file, blob) in files {
            sights.entry(file).or_default().push(Sight { commit, blob });
        }
        Ok(sights)
    }

    /// Refuses a version that does not follow what the trunk had.
    pub(in crate::vault) fn check_follows(&self, version: &Version, sights: &[Sight]) -> Result<(), VaultError> {
        for sight in sights {
            if let Some(old) = self.seen_beside(version, *sight)? {
                return Err(VaultError::Inconsistent {
                    file: version.file().to_owned(),
                    what: Wrong::RolledBack {
                        commit: abbreviated(&sight.commit.to_string()),
                        seen: old.revision,
                        found: version.manifest().revision,
                        path: version.manifest().path.clone(),
                        joins: self.joins(version),
                    },
                });
            }
        }
        Ok(())
    }

    /// Whether oneself could join another version into this one. For anybody else the newer one is put back.
    fn joins(&self, version: &Version) -> bool {
        let manifest = version.manifest();
        let reads = |name: &MemberName| manifest.readers.iter().any(|reader| reader.name == *name);
        !manifest.path.is_journal() && self.author().is_ok_and(|(me, _)| reads(&me.reference.name))
    }

    /// A version that the trunk had, where the one in hand does not heed it though it should.
    pub(in crate::vault) fn seen_beside(
        &self,
        version: &Version,
        sight: Sight,
    ) -> Result<Option<Manifest>, VaultError> {
        if crate::repo::names(sight.blob, version.stored()) {
            return Ok(None);
        }
        let place = (&version.manifest().path, version.file());
        let missed = self.past()?.missed(Some(version), place, sight)?;
        let Some(old) = missed.into_iter().next() else { return Ok(None) };
        Ok(self.trunk.contains(self.repo(), sight.commit)?.then_some(old.manifest))
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

    /// What the trunk had of a file that is missing here, as far as it counted and what is checked out contains that commit.
    pub(in crate::vault) fn taken_away_from(&self, file: &str) -> Result<Vec<Sight>, VaultError> {
        let Some(path) = sealed::path_of(self.root(), file) else { return Ok(Vec::new()) };
        let mut taken = Vec::new();
        for sight in self.sights(file)? {
            if self.trunk.contains(self.repo(), sight.commit)?
                && !self.past()?.missed(None, (&path, file), sight)?.is_empty()
            {
                taken.push(sight);
            }
        }
        Ok(taken)
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
    /// Those versions in `sight` that bind what comes after them, and that the one at `path` and its file, where there is one
    /// that counts, does not heed.
    pub(in crate::vault) fn missed(
        &self,
        version: Option<&Version>,
        (path, file): (&SecretPath, &str),
        sight: Sight,
    ) -> Result<Vec<Bound>, VaultError> {
        let bytes = sealed::bytes_or_none(self.repo, sight.blob)?;
        // As nearly always, and without verifying what is older.
        if let (Some(version), [old]) = (version, manifests_of(&bytes).as_slice())
            && descends(self.repo, self.tip, file, version, old)?
        {
            return Ok(Vec::new());
        }
        let mut missed = Vec::new();
        for old in self.binding((path, file), sight.commit, bytes)? {
            let heeded = match version {
                Some(version) => self.heeds(version, &old)?,
                None => false,
            };
            if !heeded {
                missed.push(old);
            }
        }
        Ok(missed)
    }

    /// What a later version has to heed of the bytes that a commit has: the versions of the file that count. A few that count for
    /// nothing, too; of those that somebody stuffs a file with no version that lets go of them could go on naming all, and
    /// history alone asks for them. Where nothing counts by now, it is what counted once. What anybody could have put there binds
    /// nobody.
    fn binding(
        &self,
        (path, file): (&SecretPath, &str),
        commit: ObjectId,
        bytes: Vec<u8>,
    ) -> Result<Vec<Bound>, VaultError> {
        let alone = all_refused(self.roster, file, path, &bytes);
        if !alone.is_empty() {
            let mut counted = Vec::new();
            for one in alone {
                if self.counted(file, path, one.manifest())? {
                    counted.push(Bound::of(one.manifest(), one.bytes()));
                }
            }
            return Ok(counted);
        }
        let version = match check(self.roster, file, path, bytes.clone(), None) {
            Ok(version) => Some(version),
            // Sealed under a roster that a merge has dropped since.
            Err(_) => self.roster_at(commit)?.and_then(|then| check(&then, file, path, bytes, None).ok()),
        };
        let Some(version) = version else { return Ok(Vec::new()) };
        let counting = version.members().map(|member| Bound::of(member.manifest(), member.bytes()));
        let apart = version.refused().iter().filter(|_| version.refused().len() <= MAX_LET_GO);
        let apart = apart.map(|one| Bound { was_apart: true, ..Bound::of(one.manifest(), one.bytes()) });
        Ok(counting.chain(apart).collect())
    }

    /// The roster that a commit has, where it is a good one of this vault.
    fn roster_at(&self, commit: ObjectId) -> Result<Option<Roster>, VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let Some(blob) = self.repo.blob_at(commit, &file)? else { return Ok(None) };
        trust::good_in_blob(self.repo, Some(self.home), &file, self.roster.vault, blob)
    }

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

/// What a secret's file says of its versions; nothing where it cannot be read.
fn manifests_of(bytes: &[u8]) -> Vec<Manifest> {
    seal::peek_manifests(bytes).unwrap_or_default()
}
