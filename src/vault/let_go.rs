//! `resolve --discard`: a person lets versions go that lie beside a secret and count for nothing.
//!
//! The next version names them among its parents and takes nothing from them: so the signed history says who let them go,
//! and a merge that brings them once more brings nothing. What somebody wrote before them who may write comes along: it was
//! hidden behind what counts for nothing, and nobody was asked about it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::basis::Basis;
use super::check::{all_refused, check_without_standing};
use super::draft::Draft;
use super::version::{RefusedSibling, Version};
use super::{Vault, VaultError, sealed, trust};
use crate::home::Home;
use crate::model::bytes::{Hash, Short};
use crate::model::manifest::{MAX_PARENTS, Manifest};
use crate::model::names::SecretPath;
use crate::model::roster::{MAX_ROSTER, Roster};
use crate::model::time::Time;
use crate::repo::{ObjectId, Operation, Repo, RepoError};
use crate::seal::{self, MAX_STORED};

/// The versions of one secret in a history.
pub(super) struct Known {
    /// By the beginnings of their names: each with the places that have it.
    places: HashMap<Short, Vec<Place>>,
    /// The commits whose history it is.
    tips: Vec<ObjectId>,
}

impl Known {
    fn first(&self, version: Short) -> Option<&Place> {
        self.places.get(&version)?.first()
    }
}

/// A version in a history.
struct Place {
    manifest: Manifest,
    blob: ObjectId,
}

impl Vault {
    /// What lies in the place of a secret, where nothing of it counts: git takes a version as it is where the other side has not
    /// changed since.
    pub(super) fn refused_alone(&self, path: &SecretPath) -> Result<Vec<RefusedSibling>, VaultError> {
        let file = self.file(path);
        let bytes = self.repo().read_work(&file, MAX_STORED as u64)?.unwrap_or_default();
        Ok(all_refused(self.roster(), &file, path, &bytes))
    }

    /// Begins a version over such a file, on the good ones that were there before, or that lie below it. `None` where nobody
    /// else ever wrote there.
    pub(super) fn over_refused(
        &self,
        path: &SecretPath,
        refused: &[RefusedSibling],
    ) -> Result<Option<Draft>, VaultError> {
        let mut good = self.good_versions(path)?;
        if good.is_empty() {
            let nothing = Draft::birth(self.roster().vault, path.clone());
            good = self.behind(path, refused, &self.known_versions(&self.file(path))?, &nothing)?;
        }
        // What is vouched for where the good version is only not here would take its place.
        if good.is_empty() && self.repo().is_shallow() {
            return Err(VaultError::BelowShallow(path.to_string()));
        }
        let on_disk = self.repo().read_work(&self.file(path), MAX_STORED as u64)?;
        let basis = self.joined(&good, self.found(on_disk.as_deref())?, None)?;
        Ok(basis.map(|Basis { mut draft, .. }| {
            draft.kept_apart.extend(refused.iter().map(|sibling| sibling.bytes().to_vec()));
            draft
        }))
    }

    /// The tombstone of a secret that nobody but they ever wrote: with what counts for nothing it is gone.
    pub(super) fn grave_over(
        &self,
        path: &SecretPath,
        refused: &[RefusedSibling],
        now: Time,
    ) -> Result<Draft, VaultError> {
        let on_disk = self.repo().read_work(&self.file(path), MAX_STORED as u64)?;
        let mut draft = Draft::birth(self.roster().vault, path.clone());
        self.bury(&mut draft.document, None, now)?;
        draft.over = self.found(on_disk.as_deref())?;
        // What one version cannot name stays beside it for the next time.
        draft.kept_apart = refused.iter().map(|sibling| sibling.bytes().to_vec()).collect();
        Ok(draft)
    }

    /// Lets go of what counts for nothing, as far as the next version can name it. What a person should know of that.
    pub(super) fn let_go(&self, refused: &[RefusedSibling], draft: &mut Draft) -> Result<Vec<String>, VaultError> {
        let path = draft.document.path.clone();
        let (known, mut notes) = (self.known_versions(&self.file(&path))?, Vec::new());
        for behind in self.behind(&path, refused, &known, draft)? {
            let manifest = behind.manifest();
            let what = format!("{path}: revision {} by {} lay below it", manifest.revision, manifest.author.name);
            // One place at least is for what is let go of.
            let secret = if draft.parents.len() + 1 < MAX_PARENTS { Some(self.open_version(&behind)) } else { None };
            match secret {
                Some(Ok(secret)) => {
                    draft.join(secret);
                    notes.push(format!("{what} and is joined in"));
                }
                Some(Err(error)) if !matches!(error, VaultError::NotAReader { .. }) => return Err(error),
                _ => {
                    draft.kept_apart.push(behind.stored().to_vec());
                    notes.push(format!("{what} and stays sealed beside the secret until it is joined"));
                }
            }
        }
        // What opens for nobody who may write there was let go of before.
        let room = MAX_PARENTS.saturating_sub(draft.parents.len() + draft.let_go.len());
        // Where there is no room for all, those that the history will ask for come first, and those alone wait for more of it.
        let (asked_for, others): (Vec<_>, Vec<_>) = match refused.len() > room {
            true => {
                let place = (self.repo(), self.home(), self.root());
                let named = refused.iter().map(|one| (one.hash(), one.manifest()));
                let counted = counted_somewhere(place, &path, named, &known)?;
                refused.iter().partition(|one| counted.contains(&one.hash()))
            }
            false => (refused.iter().collect(), Vec::new()),
        };
        draft.let_go.extend(asked_for.iter().chain(&others).take(room).map(|one| one.hash()));
        let left = asked_for.get(room..).unwrap_or_default();
        draft.kept_apart.retain(|file| {
            let is_among = |some: &[&RefusedSibling]| some.iter().any(|one| one.bytes() == file);
            is_among(left) || !(is_among(&asked_for) || is_among(&others))
        });
        if !left.is_empty() {
            notes.push(format!(
                "{path}: {} more than one version can name; repeat it: covault resolve {path} --discard",
                left.len()
            ));
        }
        Ok(notes)
    }

    /// The nearest versions by those who may write that what counts for nothing says it was written on, as far as they are in
    /// the history here or in what git is merging, and the draft follows none that follows them. Where the history is cut off
    /// above one of them nobody can tell what would be lost, and it is refused.
    fn behind(
        &self,
        path: &SecretPath,
        refused: &[RefusedSibling],
        known: &Known,
        draft: &Draft,
    ) -> Result<Vec<Version>, VaultError> {
        let and_names = |(hash, manifest): &(Hash, Manifest)| std::iter::once(hash.short()).chain(names(manifest));
        let followed = all_below(known, draft.parents.iter().flat_map(and_names).collect());
        let mut open: Vec<Short> = refused.iter().flat_map(|one| names(one.manifest())).collect();
        let (mut met, mut found, mut unknown) = (HashSet::new(), Vec::new(), Vec::new());
        // A file of many siblings is judged once, not once for each of them.
        let mut counting: HashMap<ObjectId, HashSet<Hash>> = HashMap::new();
        while let Some(next) = open.pop() {
            if followed.contains(&next) || !met.insert(next) {
                continue;
            }
            let Some(Place { manifest, blob }) = known.first(next) else {
                unknown.push(next);
                continue;
            };
            let here = match counting.entry(*blob) {
                Entry::Occupied(judged) => judged.into_mut(),
                Entry::Vacant(new) => new.insert(self.counting_in(path, *blob)?.iter().map(Version::hash).collect()),
            };
            if here.contains(&manifest.hash()) {
                found.push((manifest, *blob));
            } else {
                open.extend(names(manifest));
            }
        }
        let below = all_below(known, found.iter().flat_map(|(manifest, _)| names(manifest)).collect());
        if self.repo().is_shallow() && unknown.iter().any(|version| !below.contains(version)) {
            return Err(VaultError::BelowShallow(path.to_string()));
        }
        let mut nearest: BTreeMap<ObjectId, BTreeSet<Hash>> = BTreeMap::new();
        for (manifest, blob) in found {
            let hash = manifest.hash();
            if !below.contains(&hash.short()) {
                nearest.entry(blob).or_default().insert(hash);
            }
        }
        let mut behind = Vec::new();
        for (blob, hashes) in nearest {
            let good = self.counting_in(path, blob)?;
            behind.extend(good.into_iter().filter(|one| hashes.contains(&one.hash())));
        }
        behind.sort_by_key(Version::hash);
        Ok(behind)
    }

    /// The versions in a blob whose authors may write them and whose readers may read them.
    fn counting_in(&self, path: &SecretPath, blob: ObjectId) -> Result<Vec<Version>, VaultError> {
        let (file, bytes) = (self.file(path), sealed::bytes_or_none(self.repo(), blob)?);
        let members = seal::members(&bytes).unwrap_or_default().into_iter();
        let checked = members.filter_map(|it| check_without_standing(self.roster(), &file, path, it).ok());
        Ok(checked.filter(|(_, wrong)| wrong.is_none()).map(|(version, _)| version).collect())
    }

    /// Every version of a file in the history of `HEAD`, and of what git is merging.
    fn known_versions(&self, file: &str) -> Result<Known, VaultError> {
        let repo = self.repo();
        let mut tips: BTreeSet<ObjectId> = repo.head()?.commit.into_iter().collect();
        // A cherry-pick or a rebase brings one commit's change, and nothing of what that was written on.
        if repo.operation()? == Some(Operation::Merge) {
            match repo.resolve("MERGE_HEAD") {
                Ok(commit) => drop(tips.insert(commit)),
                Err(RepoError::RevNotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        known_versions(repo, tips, file)
    }
}

/// Those of the versions that some commit in the history may have for good: by its own roster, who wrote them might. Looked for
/// in a repository, with what this machine remembers, by the vault's folder.
///
/// Every roster that stood beside a version is asked, not that of one commit which brought it: anybody who can push could bring
/// the same bytes once more, where their author has lost the right.
pub(super) fn counted_somewhere<'m>(
    (repo, home, root): (&Repo, &Home, &str),
    path: &SecretPath,
    versions: impl Iterator<Item = (Hash, &'m Manifest)>,
    known: &Known,
) -> Result<HashSet<Hash>, VaultError> {
    let (file, roster_file) = (format!("{root}/{}", path.file()), format!("{root}/roster.toml"));
    let mut open: HashMap<ObjectId, Vec<(Hash, &Manifest)>> = HashMap::new();
    for (hash, manifest) in versions {
        for place in known.places.get(&hash.short()).into_iter().flatten() {
            open.entry(place.blob).or_default().push((hash, manifest));
        }
    }
    let (mut rosters, mut met) = (HashMap::<ObjectId, Option<Roster>>::new(), HashSet::new());
    let mut counted = HashSet::new();
    for tip in &known.tips {
        for entry in repo.states_walk(&tip.to_string(), &[&file, &roster_file])? {
            let commit = entry?.commit;
            let at = |file: &str| match repo.blob_at(commit, file) {
                // Who can push could make a commit that is too large to be read.
                Err(RepoError::TooMuch { .. } | RepoError::ObjectTooLarge { .. }) => Ok(None),
                blob => blob,
            };
            let Some(blob) = at(&file)?.filter(|blob| open.contains_key(blob)) else { continue };
            let Some(roster) = at(&roster_file)?.filter(|roster| met.insert((blob, *roster))) else { continue };
            let roster = match rosters.entry(roster) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(new) => {
                    let bytes = repo.blob_within(roster, MAX_ROSTER as u64)?.unwrap_or_default();
                    new.insert(trust::verified_cached(home, &roster_file, &bytes).ok())
                }
            };
            let Some((vault, state)) = roster.as_ref().map(|roster| (roster.vault, roster.state())) else { continue };
            let counts = |(hash, manifest): &(Hash, &Manifest)| {
                manifest.vault == vault && (state.may_write(&manifest.author, path) || state.keeps(*hash))
            };
            counted.extend(open.get(&blob).into_iter().flatten().filter(|one| counts(one)).map(|(hash, _)| *hash));
            open.retain(|_, here| {
                here.retain(|(hash, _)| !counted.contains(hash));
                !here.is_empty()
            });
            if open.is_empty() {
                return Ok(counted);
            }
        }
    }
    Ok(counted)
}

/// Every version of a file in the history of these commits.
pub(super) fn known_versions(
    repo: &Repo,
    tips: impl IntoIterator<Item = ObjectId>,
    file: &str,
) -> Result<Known, VaultError> {
    let (mut known, mut met) = (Known { places: HashMap::new(), tips: tips.into_iter().collect() }, HashSet::new());
    for tip in &known.tips {
        for entry in repo.history_walk(&tip.to_string(), &[file])? {
            let changes = entry?.changes.into_iter();
            let after = changes.filter(|change| change.path == file).filter_map(|change| change.after);
            for blob in after.filter(|blob| met.insert(*blob)) {
                let manifests = seal::peek_manifests(&sealed::bytes_or_none(repo, blob)?).unwrap_or_default();
                for manifest in manifests {
                    known.places.entry(manifest.hash().short()).or_default().push(Place { manifest, blob });
                }
            }
        }
    }
    Ok(known)
}

/// What a version says that it follows.
fn names(manifest: &Manifest) -> Vec<Short> {
    manifest.parents.iter().map(Hash::short).chain(manifest.ancestors.iter().copied()).collect()
}

/// These versions and all that they follow, near or far.
fn all_below(known: &Known, mut open: Vec<Short>) -> HashSet<Short> {
    let mut met = HashSet::new();
    while let Some(next) = open.pop() {
        if met.insert(next)
            && let Some(place) = known.first(next)
        {
            open.extend(names(&place.manifest));
        }
    }
    met
}
