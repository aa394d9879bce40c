//! Reading secrets: a file is checked against the roster and its place, then opened, then checked against itself.
//!
//! It never writes to the repository.

use std::collections::HashMap;

use rayon::prelude::*;

use super::carry::moved_away;
use super::check::{Verified, check};
use super::keys::{KeyError, is_for_resume};
use super::open::Opener;
use super::trunk::Sight;
use super::version::Version;
use super::{Vault, VaultError, sealed};
use crate::model::bytes::Hash;
use crate::model::document::Document;
use crate::model::manifest::{Manifest, State};
use crate::model::names::{FieldName, Reference, SecretPath};
use crate::model::read::{self, FieldView};
use crate::model::register::Key;
use crate::model::roster::Roster;
use crate::repo::{ObjectId, RepoError, names};
use crate::seal::MAX_STORED;

/// An opened secret.
pub struct Secret {
    /// What is in it.
    pub document: Document,
    /// What its author signed.
    pub manifest: Manifest,
    /// The version's name.
    pub hash: Hash,
    /// It opened, but not with the stanza that the manifest says is ours: a finding.
    pub found_elsewhere: bool,
    /// The versions that were opened for it: several where siblings wait to be joined.
    pub versions: Vec<(Hash, Manifest)>,
    /// Siblings that are kept beside it and count for nothing, as they lie in the file.
    pub(super) kept_apart: Vec<Vec<u8>>,
    /// Siblings that count, and are more than one version can name: they stay for the next one, as they lie in the file.
    pub(super) left_over: Vec<Vec<u8>>,
}

impl Secret {
    /// This secret and a sibling as one. What it says of itself is what a joined version would say; revision, author and
    /// readers stay those of the first.
    pub(super) fn joined(mut self, sibling: Self) -> Self {
        self.document = self.document.join(&sibling.document);
        let manifest = &mut self.manifest;
        manifest.shares = manifest.shares.join(&sibling.manifest.shares);
        manifest.at = manifest.at.max(sibling.manifest.at);
        manifest.id = self.document.id;
        manifest.state = self.document.state();
        manifest.values = read::secret_values(&self.document);
        self.found_elsewhere |= sibling.found_elsewhere;
        self.versions.extend(sibling.versions);
        self
    }

    /// The names of the versions that it shows.
    pub fn names(&self) -> Vec<Hash> {
        self.versions.iter().map(|(hash, _)| *hash).collect()
    }

    /// Whether siblings wait to be joined.
    pub fn has_siblings(&self) -> bool {
        self.versions.len() > 1
    }

    /// What waits for somebody, in a line; nothing where it is one version.
    pub fn waits(&self) -> Option<String> {
        let path = &self.document.path;
        if !self.kept_apart.is_empty() {
            return Some(format!("beside {path} lies what counts for nothing: covault resolve {path}"));
        }
        if let Some(note) = moved_away(&self.document) {
            return Some(note);
        }
        let count = self.versions.len() + self.left_over.len();
        let joined = || format!("{path} is joined from {count} versions, until a command writes it as one");
        self.has_siblings().then(joined)
    }

    /// The fields that have a value.
    pub fn fields(&self) -> Vec<FieldView<'_>> {
        read::fields(&self.document, self.manifest.at)
    }

    /// The refusal to choose between the values of a field, with who does.
    pub fn conflict(&self, field: &FieldName) -> VaultError {
        let name = self.document.path.to_string();
        match is_for_resume(&self.document, field, self.manifest.at) {
            true => KeyError::Several { path: name }.into(),
            false => VaultError::Conflicted { name, field: field.to_string() },
        }
    }

    /// One metadatum.
    pub fn meta(&self, name: &str) -> Option<&str> {
        read::meta(&self.document, name, self.manifest.at)
    }

    /// The field that is meant: the named one, the only one, or the one called `value`.
    pub fn field(&self, name: Option<&FieldName>) -> Result<FieldView<'_>, VaultError> {
        let mut fields = self.fields();
        let known = || self.fields().iter().map(|field| field.name.to_string()).collect();
        let secret = || self.document.path.to_string();
        let wanted = match name {
            Some(name) => fields
                .iter()
                .position(|field| field.name == name)
                .ok_or_else(|| VaultError::NoSuchField { name: secret(), field: name.to_string(), known: known() })?,
            None => {
                let default = read::default_field(&fields).map(|field| field.name);
                let place = default.and_then(|name| fields.iter().position(|field| field.name == name));
                place.ok_or_else(|| match fields.as_slice() {
                    [] => VaultError::NoSuchField { name: secret(), field: "value".to_owned(), known: Vec::new() },
                    _ => VaultError::FieldNeeded { name: secret(), known: known() },
                })?
            }
        };
        Ok(fields.swap_remove(wanted))
    }
}

/// Refuses a name whose secret was deleted or lives elsewhere.
pub(super) fn check_lives(path: &SecretPath, state: &State) -> Result<(), VaultError> {
    match state {
        State::Live => Ok(()),
        State::Deleted => Err(VaultError::Deleted { name: path.to_string(), bare: false }),
        State::Moved(to) => Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
    }
}

/// How many files are held in memory at once where all are looked at and most are only counted: one that a hundred read takes
/// 60 KB, parsed.
pub(super) const BATCH: usize = 512;

/// A secret's name, its file and what is in it.
pub(super) type ReadFile = (SecretPath, String, Result<Vec<u8>, VaultError>);

/// A secret's file on its way to be opened.
struct Unread<'a> {
    path: &'a SecretPath,
    file: String,
    /// What git had of it, where the work tree was not to be asked.
    here: Option<Result<Option<Vec<u8>>, RepoError>>,
}

impl Vault {
    /// The version in the work tree, `None` where there is no file.
    pub fn current(&self, path: &SecretPath) -> Result<Option<Version>, VaultError> {
        let file = self.file(path);
        let bytes = self.repo.read_work(&file, MAX_STORED as u64)?;
        bytes.map(|bytes| self.check(&file, path, &bytes)).transpose()
    }

    /// The same for a person who asks for it by name: a refusal also says how the file came there, which costs a look at
    /// history.
    pub(super) fn current_by_name(&self, path: &SecretPath) -> Result<Option<Version>, VaultError> {
        self.current(path).map_err(|error| self.misplaced(error))
    }

    /// The version in the work tree, which follows what the trunk had; `None` where there is no file, and never was.
    pub fn newest(&self, path: &SecretPath) -> Result<Option<Version>, VaultError> {
        let file = self.file(path);
        match self.current_by_name(path)? {
            Some(version) => {
                self.check_follows(&version, &self.sights(&file)?)?;
                Ok(Some(version))
            }
            None => self.check_taken_away(path).map(|()| None),
        }
    }

    /// Refuses a name whose file the trunk had, and which is missing here though nobody deleted it.
    fn check_taken_away(&self, path: &SecretPath) -> Result<(), VaultError> {
        let file = self.file(path);
        match self.taken_away_from(&file)?.first() {
            Some(sight) => Err(VaultError::TakenAway { file, commit: sight.commit.to_string() }),
            None => Ok(()),
        }
    }

    /// The secrets that the trunk had, and whose files are missing here though nobody deleted them: each refused by name. What
    /// was deleted before somebody took its file away is deleted.
    pub(super) fn taken_away_files(&self) -> Result<Vec<(SecretPath, VaultError)>, VaultError> {
        let mut taken = Vec::new();
        for path in self.held_paths() {
            let file = self.file(&path);
            if self.repo.read_work(&file, MAX_STORED as u64)?.is_some() {
                continue;
            }
            let sights = self.taken_away_from(&file)?;
            let lived = |sight: &&Sight| {
                self.version_of_blob(sight.blob, &path).is_ok_and(|it| it.manifest().state == State::Live)
            };
            if let Some(sight) = sights.iter().find(lived) {
                taken.push((path, VaultError::TakenAway { file, commit: sight.commit.to_string() }));
            }
        }
        Ok(taken)
    }

    /// The version in a commit, `None` where there is no file.
    pub fn version_at(&self, commit: ObjectId, path: &SecretPath) -> Result<Option<Version>, VaultError> {
        let file = self.file(path);
        let bytes = self.repo.read_at(commit, &file)?;
        bytes.map(|bytes| self.check(&file, path, &bytes)).transpose()
    }

    /// The version in a blob.
    pub fn version_of_blob(&self, blob: ObjectId, path: &SecretPath) -> Result<Version, VaultError> {
        let file = self.file(path);
        self.check(&file, path, &sealed::bytes(&self.repo, blob, &file)?)
    }

    /// Checks a file with no key at all: form, place, author, signature, readers and stanzas.
    pub fn check(&self, file: &str, path: &SecretPath, bytes: &[u8]) -> Result<Version, VaultError> {
        check(&self.roster, file, path, bytes, None)
    }

    /// Opens a version with one's own keys and checks that the document is the one that was signed.
    pub fn open_version(&self, version: &Version) -> Result<Secret, VaultError> {
        self.opener()?.open(version)
    }

    pub(super) fn opener(&self) -> Result<Opener<'_>, VaultError> {
        let own = self.own()?;
        let me = own.me.as_ref().ok_or_else(|| self.not_a_member())?;
        Ok(Opener { roster: &self.roster, keys: &own.keys, me })
    }

    /// The living secret at a name; deleted, moved and unknown names are refused with what would help.
    pub fn secret(&self, path: &SecretPath) -> Result<Secret, VaultError> {
        let version = self.newest(path)?.ok_or_else(|| self.unknown(path))?;
        check_lives(path, &version.manifest().state).map_err(|error| match error {
            VaultError::Deleted { name, .. } => VaultError::Deleted { name, bare: self.is_bare(&version) },
            other => other,
        })?;
        let secret = self.open_version(&version)?;
        // Siblings may together say what none of them says alone.
        check_lives(path, &secret.manifest.state)?;
        Ok(secret)
    }

    /// Whether a tombstone is of a secret that nobody ever wrote whose word counts: there is nothing in it that was
    /// deleted.
    fn is_bare(&self, version: &Version) -> bool {
        // A tombstone names the writes that it buried.
        let buried_nothing = |secret: Secret| {
            let mut registers = secret.document.registers();
            registers.all(|(key, register)| {
                *key == Key::State && register.live().all(|write| write.value.as_text() == Some("deleted"))
            })
        };
        self.open_version(version).is_ok_and(buried_nothing)
    }

    /// Which secret and field a reference names: the reading that lives, else one with a
    /// tombstone.
    pub fn locate(&self, reference: &Reference) -> Result<(SecretPath, Option<FieldName>), VaultError> {
        self.locate_by(reference, &mut |path| self.exists(path))
    }

    /// The same, for one of many; `exists` is [`Self::asked_once`].
    pub(super) fn locate_by(
        &self,
        reference: &Reference,
        exists: &mut impl FnMut(&SecretPath) -> Result<bool, VaultError>,
    ) -> Result<(SecretPath, Option<FieldName>), VaultError> {
        let readings: Vec<_> = reference.readings().collect();
        let mut there = Vec::with_capacity(readings.len());
        for reading in &readings {
            if exists(&reading.0)? {
                there.push(reading);
            }
        }
        // Only where both have a file does it matter which one lives.
        if let [_, _] = there.as_slice() {
            for reading in &there {
                if self.lives(&reading.0)? {
                    return Ok((*reading).clone());
                }
            }
        }
        if let Some(reading) = there.first() {
            return Ok((*reading).clone());
        }
        // What somebody removed without a tombstone is not unknown.
        for (path, _) in &readings {
            self.check_taken_away(path)?;
        }
        readings.first().map_or(Err(VaultError::NoVault), |(path, _)| Err(self.unknown(path)))
    }

    /// Whether there is a file at this name, living or not.
    pub fn exists(&self, path: &SecretPath) -> Result<bool, VaultError> {
        Ok(self.repo.exists_work(&self.file(path))?)
    }

    /// What `exists` answers, where many are asked about: references into one folder share a reading.
    pub(super) fn asked_once(&self) -> impl FnMut(&SecretPath) -> Result<bool, VaultError> {
        let reader = self.repo.reader().filter(|_| !self.repo.is_sparse());
        let mut known: HashMap<SecretPath, bool> = HashMap::new();
        move |path| {
            if let Some(is_there) = known.get(path) {
                return Ok(*is_there);
            }
            let is_there = match &reader {
                Some(reader) => reader.exists(&self.file(path))?,
                None => self.exists(path)?,
            };
            known.insert(path.clone(), is_there);
            Ok(is_there)
        }
    }

    /// Whether a secret lives at this name.
    pub fn lives(&self, path: &SecretPath) -> Result<bool, VaultError> {
        Ok(self.current_by_name(path)?.is_some_and(|version| version.manifest().state == State::Live))
    }

    /// Opens many secrets on all cores, in the order given; `progress` is told after each. Keys are read (and a
    /// passphrase asked for) once, before the first; failing there is the outer error.
    pub fn open_many(
        &self,
        paths: &[SecretPath],
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<Result<Secret, VaultError>>, VaultError> {
        let opener = self.opener()?;
        let verified = Verified::new(self.home.verified_manifests(self.roster.vault));
        let reader = self.repo.reader();
        let mut files = Vec::with_capacity(paths.len());
        let seen = match paths {
            [] => HashMap::new(),
            // A walk over all of them costs more than a few look-ups.
            few if few.len() < 16 => {
                let mut seen = HashMap::new();
                for path in few {
                    let file = self.file(path);
                    seen.insert(file.clone(), self.sights(&file)?);
                }
                seen
            }
            _ => self.sights_above(paths)?,
        };
        for path in paths {
            let file = self.file(path);
            // What is on disk is read by many threads; what a sparse checkout left out comes from git, by one.
            let here = match &reader {
                Some(_) if !self.repo.is_sparse() => None,
                _ => Some(self.repo.read_work(&file, MAX_STORED as u64)),
            };
            files.push(Unread { path, file, here });
        }
        let open = |Unread { path, file, here }: Unread<'_>| {
            let on_disk = || reader.as_ref().map_or(Ok(None), |reader| reader.read(&file, MAX_STORED as u64));
            let bytes = here.unwrap_or_else(on_disk)?;
            let missing = || VaultError::NoSuchSecret { name: path.to_string(), above: None, similar: Vec::new() };
            let version = check(opener.roster, &file, path, bytes.ok_or_else(missing)?, Some(&verified))?;
            let secret = opener.open(&version);
            progress();
            // What is as it was on the trunk needs no second look; that takes git's objects, which have one thread.
            let seen = seen.get(&file).filter(|seen| seen.iter().any(|sight| !names(sight.blob, version.stored())));
            Ok((secret?, seen.map(|seen| (version, seen.as_slice()))))
        };
        let opened: Vec<Result<_, VaultError>> = files.into_par_iter().map(open).collect();
        type Read<'s> = (Secret, Option<(Version, &'s [Sight])>);
        let follow = |opened: Result<Read<'_>, VaultError>| {
            let (secret, changed) = opened?;
            changed.map_or(Ok(()), |(version, seen)| self.check_follows(&version, seen))?;
            Ok(secret)
        };
        let opened = opened.into_iter().map(follow).collect();
        if let Some(verified) = verified.grown() {
            self.home.remember_manifests(self.roster.vault, &verified);
        }
        Ok(opened)
    }

    /// Reads and checks the files of many secrets on all cores, and keeps what `look` makes of each. Not all of them are in
    /// memory at once.
    pub(super) fn look_at_files<T: Send>(
        &self,
        roster: &Roster,
        paths: &[SecretPath],
        look: impl Fn(SecretPath, String, Result<Version, VaultError>) -> T + Sync,
    ) -> Result<Vec<T>, VaultError> {
        self.look_at_batches(roster, paths.chunks(BATCH).map(|some| self.read_files(some)), look)
    }

    /// The same with files from anywhere, a [`BATCH`] at a time.
    pub(super) fn look_at_batches<T: Send>(
        &self,
        roster: &Roster,
        batches: impl Iterator<Item = Result<Vec<ReadFile>, VaultError>>,
        look: impl Fn(SecretPath, String, Result<Version, VaultError>) -> T + Sync,
    ) -> Result<Vec<T>, VaultError> {
        let verified = Verified::new(self.home.verified_manifests(self.roster.vault));
        let mut looked = Vec::new();
        for batch in batches {
            looked.par_extend(batch?.into_par_iter().map(|(path, file, bytes)| {
                let version = bytes.and_then(|bytes| check(roster, &file, &path, bytes, Some(&verified)));
                look(path, file, version)
            }));
        }
        if let Some(verified) = verified.grown() {
            self.home.remember_manifests(self.roster.vault, &verified);
        }
        Ok(looked)
    }

    /// The bytes of many secrets' files, as they are on disk.
    pub(super) fn read_files(&self, paths: &[SecretPath]) -> Result<Vec<ReadFile>, VaultError> {
        let reader = self.repo.reader();
        let sparse = self.repo.is_sparse();
        let missing =
            |path: &SecretPath| VaultError::NoSuchSecret { name: path.to_string(), above: None, similar: Vec::new() };
        // What a sparse checkout left out comes from git, by one thread.
        let Some(reader) = reader.filter(|_| !sparse) else {
            let read = |path: &SecretPath| {
                let file = self.file(path);
                let bytes = self.repo.read_work(&file, MAX_STORED as u64)?.ok_or_else(|| missing(path));
                Ok((path.clone(), file, bytes))
            };
            return paths.iter().map(read).collect();
        };
        let root = self.root();
        let read = |path: &SecretPath| {
            let file = format!("{root}/{}", path.file());
            let bytes = reader.read(&file, MAX_STORED as u64).map_err(VaultError::from);
            let bytes = bytes.and_then(|bytes| bytes.ok_or_else(|| missing(path)));
            (path.clone(), file, bytes)
        };
        Ok(paths.par_iter().map(read).collect())
    }

    /// "There is no such secret", with the secret that it may be a field of, or names that look like it.
    pub fn unknown(&self, path: &SecretPath) -> VaultError {
        VaultError::NoSuchSecret {
            name: path.to_string(),
            above: self.secret_above(path).map(|above| above.to_string()),
            similar: self.similar(path),
        }
    }

    /// The secret that has the name of a folder above `path`: below it there is none.
    fn secret_above(&self, path: &SecretPath) -> Option<SecretPath> {
        let mut folders = path.folders().filter_map(|folder| SecretPath::parse(folder).ok());
        folders.find(|folder| self.lives(folder).unwrap_or(false))
    }

    /// At most three names that look like one.
    pub fn similar(&self, path: &SecretPath) -> Vec<String> {
        let names: Vec<String> = self.live_names().unwrap_or_default().iter().map(ToString::to_string).collect();
        let below = format!("{path}/");
        let mut similar: Vec<&str> =
            names.iter().map(String::as_str).filter(|n| n.starts_with(&below)).take(3).collect();
        if similar.is_empty() {
            similar = crate::model::suggest::suggest(path.as_str(), names.iter().map(String::as_str));
        }
        similar.into_iter().map(ToOwned::to_owned).collect()
    }
}
