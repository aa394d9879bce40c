//! Rosters and sealed files by the names that git gives their bytes: each is read and its signatures checked once,
//! however many commits hold it.
//!
//! Whether a version is good is asked of it and a roster together, each time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::Finding;
use super::opening::Opening;
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::roster::{MAX_ROSTER, Roster};
use crate::repo::{ObjectId, Repo, RepoError, TreeKind};
use crate::seal::{MAX_STORED, SealError};
use crate::vault::VaultError;
use crate::vault::check::{Outlines, Verified, outline};
use crate::vault::trust::{self, Verifier};

/// A secret's file without its bytes: one version, or siblings.
pub(super) type Seen = Arc<Outlines>;

/// How many files are held in memory at once.
const BATCH: usize = 512;

/// How many files without their bytes are: a long history of a large vault is not held as a whole.
const HELD: usize = 50_000;

/// A roster, or code and reason of its refusal.
pub(super) type JudgedRoster = Result<Arc<Roster>, (&'static str, String)>;

/// What was read.
pub(super) struct Memo<'a> {
    repo: &'a Repo,
    home: Option<&'a Home>,
    roster_file: String,
    rosters: HashMap<ObjectId, JudgedRoster>,
    verifier: Verifier,
    files: HashMap<ObjectId, Result<Seen, SealError>>,
    verified: Option<Verified>,
}

impl<'a> Memo<'a> {
    /// Nothing yet.
    pub(super) fn new(opening: &'a Opening<'_>) -> Self {
        Self {
            repo: &opening.repo,
            home: opening.home,
            roster_file: opening.roster_file(),
            rosters: HashMap::new(),
            verifier: Verifier::default(),
            files: HashMap::new(),
            verified: None,
        }
    }

    /// The roster that a tree has in the roster's place.
    pub(super) fn roster_of(&mut self, entry: Option<(TreeKind, ObjectId)>) -> Result<JudgedRoster, VaultError> {
        match entry {
            None => Ok(Err(("roster", "it is not there".to_owned()))),
            Some((TreeKind::File | TreeKind::Executable, blob)) => self.roster(blob),
            Some(_) => Ok(Err(("roster", "it is no regular file".to_owned()))),
        }
    }

    fn roster(&mut self, blob: ObjectId) -> Result<JudgedRoster, VaultError> {
        if let Some(known) = self.rosters.get(&blob) {
            return Ok(known.clone());
        }
        let judged = match self.repo.blob_within(blob, MAX_ROSTER as u64)? {
            None => Err(("roster", format!("it has more than {MAX_ROSTER} bytes"))),
            Some(bytes) => self.judge_roster(&bytes).map_err(|error| {
                let finding = Finding::of(&error, "", None);
                (finding.code, finding.text)
            }),
        };
        self.rosters.insert(blob, judged.clone());
        Ok(judged)
    }

    /// The roster in these bytes.
    pub(super) fn judge_roster(&mut self, bytes: &[u8]) -> Result<Arc<Roster>, VaultError> {
        let roster = trust::verified_by(&mut self.verifier, &self.roster_file, bytes)?;
        if self.verified.is_none() {
            let known = self.home.map(|home| home.verified_manifests(roster.vault));
            self.verified = Some(Verified::new(known.unwrap_or_default()));
        }
        Ok(Arc::new(roster))
    }

    /// Signatures that were checked before.
    pub(super) fn verified(&self) -> &Verified {
        static NOTHING: std::sync::LazyLock<Verified> = std::sync::LazyLock::new(Verified::default);
        self.verified.as_ref().unwrap_or(&NOTHING)
    }

    /// Reads the sealed files in these blobs, on all cores.
    pub(super) fn load(&mut self, blobs: impl IntoIterator<Item = ObjectId>) -> Result<(), VaultError> {
        if self.files.len() > HELD {
            self.files.clear();
        }
        let mut wanted: HashSet<ObjectId> = blobs.into_iter().collect();
        wanted.retain(|blob| !self.files.contains_key(blob));
        let wanted: Vec<ObjectId> = wanted.into_iter().collect();
        self.repo.fetch_promised(&wanted)?;
        for batch in wanted.chunks(BATCH) {
            let mut read = Vec::with_capacity(batch.len());
            for blob in batch {
                let bytes = self.repo.blob_within(*blob, MAX_STORED as u64)?;
                read.push((*blob, bytes));
            }
            let verified = self.verified();
            let look = |(blob, bytes): (ObjectId, Option<Vec<u8>>)| {
                let too_large = SealError::FileTooLarge { size: MAX_STORED + 1, limit: MAX_STORED };
                (blob, bytes.ok_or(too_large).and_then(|bytes| outline(bytes, verified)).map(Seen::from))
            };
            let seen: Vec<_> = read.into_par_iter().map(look).collect();
            self.files.extend(seen);
        }
        Ok(())
    }

    /// The sealed file in a blob that was loaded.
    pub(super) fn file(&self, blob: ObjectId) -> Result<Result<&Seen, &SealError>, VaultError> {
        let known = self.files.get(&blob).ok_or(RepoError::ObjectMissing { id: blob, incomplete: false })?;
        Ok(known.as_ref())
    }

    /// Remembers which signatures were good.
    pub(super) fn remember(self, vault: Option<Hash>) {
        let grown = self.verified.and_then(Verified::grown);
        if let Some(((home, vault), verified)) = self.home.zip(vault).zip(grown) {
            home.remember_manifests(vault, &verified);
        }
    }
}
