//! `resolve` after two admins took the right from each other: a person took one of the two rosters, and git took
//! secrets as they are that only the other side had changed. Those are of a roster that nobody follows, and are refused
//! by everybody.
//!
//! The version that is good under the roster that was taken comes back as it lay there. What oneself had begun on the
//! other side is written again. What others began there is named: to sign it would be to vouch for whoever that roster
//! let in.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::version::Version;
use super::write::{How, Report};
use super::{Vault, VaultError, remove, trust};
use crate::model::names::SecretPath;
use crate::repo::{ObjectId, from_top};
use crate::seal::{self, MAX_STORED, SealedFile, Signer as _};

/// What came of putting good versions back.
#[derive(Debug, Default)]
pub struct PutBack {
    /// The secrets that are good again.
    pub names: Vec<SecretPath>,
    /// What was written, with what a person should know.
    pub report: Report,
    /// Files that nobody here can put right by itself, each with why and the next step.
    pub left: Vec<(String, String)>,
}

/// What takes the place of a file.
enum Instead {
    /// A version as it lay somewhere.
    Bytes(Vec<u8>),
    /// The next version of several, or what oneself had begun.
    Draft(Box<Draft>, &'static str),
}

impl Vault {
    /// Secrets, of these or of all, whose file was sealed under a roster that somebody extended who is no admin here.
    pub fn dropped(&self, only: &[SecretPath]) -> Result<Vec<SecretPath>, VaultError> {
        let roster = format!("{}/roster.toml", self.root());
        // While both rosters lie there, nobody has taken one.
        if self.repo().stages(&roster)?.iter().any(Option::is_some) {
            return Ok(Vec::new());
        }
        let names = if only.is_empty() { self.all_names()? } else { only.to_vec() };
        let look = |path: SecretPath, _: String, version: Result<Version, VaultError>| {
            version.err().filter(VaultError::is_of_another_roster).map(|_| path)
        };
        let unknown: Vec<SecretPath> = self.look_at_files(self.roster(), &names, look)?.into_iter().flatten().collect();
        let unmerged = self.repo().unmerged_below(self.root())?;
        let mut dropped = Vec::new();
        for path in unknown {
            let file = self.file(&path);
            if unmerged.binary_search(&file).is_err() && self.is_of_dropped_roster(&file)? {
                dropped.push(path);
            }
        }
        Ok(dropped)
    }

    /// Puts the good versions of these back, as one commit; while git merges they are staged.
    pub fn put_back_dropped(&self, paths: &[SecretPath], how: &How) -> Result<PutBack, VaultError> {
        let mut writing = self.writing(how)?;
        let (mut done, mut drafts, mut others) = (PutBack::default(), Vec::new(), Vec::new());
        for path in paths {
            let file = self.file(path);
            let (versions, authors) = self.versions_in(&file)?;
            let what = format!("{path}: what {authors} wrote is of the roster that was not taken, and is");
            match self.instead(path, &versions)? {
                Some(Instead::Bytes(bytes)) => {
                    writing.note(format!("{what} left out: it has to be written again"));
                    others.push((file, bytes));
                }
                Some(Instead::Draft(draft, how)) => {
                    writing.note(format!("{what} {how}"));
                    drafts.push(*draft);
                }
                None => {
                    let why = format!(
                        "{what} refused: {authors} can write it again (covault resolve), or it goes with: git rm -f \
                         -- {}",
                        from_top(&file)
                    );
                    done.left.push((file, why));
                    continue;
                }
            }
            done.names.push(path.clone());
        }
        if done.names.is_empty() {
            done.report = super::setup::nothing_written(how);
            return Ok(done);
        }
        let names: Vec<&str> = done.names.iter().map(SecretPath::as_str).collect();
        done.report = writing.finish(&drafts, others, &format!("covault: resolve {}", remove::summary(&names)))?;
        Ok(done)
    }

    /// What is to lie in the place of such a file, where anybody can tell.
    fn instead(&self, path: &SecretPath, versions: &[SealedFile]) -> Result<Option<Instead>, VaultError> {
        let good = self.good_versions(path)?;
        if let [only] = good.as_slice() {
            return Ok(Some(Instead::Bytes(only.stored().to_vec())));
        }
        let on_disk = self.repo().read_work(&self.file(path), MAX_STORED as u64)?;
        let over = self.found(on_disk.as_deref())?;
        if !good.is_empty() {
            let basis = self.joined(&good, over, None)?;
            let how = "left out: it has to be written again";
            return Ok(basis.map(|basis| Instead::Draft(Box::new(basis.draft), how)));
        }
        let (me, signer) = self.author()?;
        let is_mine = |one: &SealedFile| {
            one.manifest().author.name == me.reference.name
                && one.verify_signature().is_ok_and(|by| by == signer.public())
        };
        let [mine] = versions else { return Ok(None) };
        if !is_mine(mine) || mine.manifest().path != *path || mine.manifest().vault != self.roster().vault {
            return Ok(None);
        }
        let Ok(secret) = self.opener()?.open_one(&self.file(path), mine) else { return Ok(None) };
        // What it followed is of the other roster, too.
        let draft = Draft { parents: Vec::new(), over, ..Draft::after(secret) };
        Ok(Some(Instead::Draft(Box::new(draft), "written again under this one")))
    }

    /// The versions in a file, whatever they count for, and who wrote them.
    fn versions_in(&self, file: &str) -> Result<(Vec<SealedFile>, String), VaultError> {
        let bytes = self.repo().read_work(file, MAX_STORED as u64)?.unwrap_or_default();
        let members = seal::members(&bytes).unwrap_or_default().into_iter();
        let versions: Vec<SealedFile> = members.filter_map(|member| SealedFile::parse(member).ok()).collect();
        let authors: BTreeSet<&str> = versions.iter().map(|one| one.manifest().author.name.as_str()).collect();
        let authors = authors.into_iter().collect::<Vec<_>>().join(" and ");
        Ok((versions, authors))
    }

    /// Whether a version in a file names a roster of this vault that somebody extended who is no admin here.
    fn is_of_dropped_roster(&self, file: &str) -> Result<bool, VaultError> {
        let (versions, _) = self.versions_in(file)?;
        for point in versions.iter().map(|one| &one.manifest().roster).filter(|point| !self.roster().has(point.head)) {
            let Ok(blob) = ObjectId::from_hex(point.blob.as_bytes()) else { continue };
            // What is not here, too large or refused says nothing.
            let good = trust::good_in_blob(self.repo(), Some(self.home()), file, self.roster().vault, blob);
            if good.ok().flatten().is_some_and(|roster| roster.extended_without_right(self.roster()).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
