//! `rekey --accept`: a version whose author may not write it any more counts again, because a reader vouches for it.
//!
//! It is opened, joined with the good versions that are here, and sealed under one's own signature. Where both sides wrote
//! the same, the value that is vouched for is written once more, in one's own name: that is what was asked for. Nothing
//! else that is wrong with a file is accepted: no other signature, place or vault, no stranger, and no older version.

use std::collections::BTreeSet;

use super::check::check_without_standing;
use super::draft::Draft;
use super::read::Secret;
use super::trunk::{abbreviated, descends};
use super::version::Version;
use super::write::{How, Report};
use super::wrong::Wrong;
use super::{Vault, VaultError, sealed};
use crate::model::compare;
use crate::model::document::Document;
use crate::model::manifest::State as Life;
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::register::{Key, Register, Write};
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::ObjectId;
use crate::seal::{self, MAX_STORED};

/// A version that a person is asked to vouch for.
pub struct Vouching {
    /// The secret.
    pub path: SecretPath,
    /// Who wrote it.
    pub author: String,
    /// Whether they have left.
    pub has_left: bool,
    /// When, by their clock.
    pub at: Time,
    /// Its revision.
    pub revision: u64,
    /// What it changes in what is here: registers such as `field.password`, and how.
    pub changes: Vec<(String, &'static str)>,
    /// Those of the changes that take the place of what was written here meanwhile.
    pub replaced: Vec<String>,
    /// It says who it is shared with in another way than what is here; that is not taken over.
    pub other_shares: bool,
    draft: Draft,
    /// The file when it was looked at.
    seen: Option<Vec<u8>>,
}

/// A good version, and a commit that has it.
struct Good {
    version: Version,
    commit: Option<ObjectId>,
}

impl Vault {
    /// Looks at the version of a secret that is refused for its author's standing. `None` where there is none.
    pub fn vouching(&self, path: &SecretPath, now: Time) -> Result<Option<Vouching>, VaultError> {
        let (me, _) = self.author()?;
        // Who may not write it could not vouch for it, either, whoever opens it.
        if !self.roster().readers(path, &[]).iter().any(|member| member.card.name == me.reference.name) {
            return Err(VaultError::WouldNotRead(path.to_string()));
        }
        let file = self.file(path);
        let seen = self.repo().read_work(&file, MAX_STORED as u64)?;
        let [_, ours, theirs] = self.repo().stages(&file)?;
        let sides: Vec<Vec<u8>> = match (ours, theirs) {
            (None, None) => seen.iter().cloned().collect(),
            _ => {
                let sides = ours.into_iter().chain(theirs);
                sides.map(|blob| sealed::bytes(self.repo(), blob, &file)).collect::<Result<_, _>>()?
            }
        };
        if sides.is_empty() {
            return Err(self.unknown(path));
        }
        let (mut good, mut asked, mut kept_apart) = (Vec::new(), None, Vec::new());
        let mut refused = None;
        for side in sides {
            let members = seal::members(&side).map_err(|source| VaultError::Sealed { file: file.clone(), source })?;
            let is_beside = members.len() > 1;
            for member in members {
                match check_without_standing(self.roster(), &file, path, member) {
                    Ok((version, None)) => good.push(Good { version, commit: None }),
                    // Of several one at a time: each is for a person to judge.
                    Ok((_, Some(_))) if asked.is_some() => kept_apart.push(member.to_vec()),
                    Ok((version, Some(_))) => asked = Some(version),
                    // Sealed to somebody who may not read it: nobody can vouch for that, and it keeps nothing else back.
                    Err(error @ VaultError::Inconsistent { what: Wrong::NotEntitled { .. }, .. }) if is_beside => {
                        kept_apart.push(member.to_vec());
                        refused.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let Some(asked) = asked else {
            if let Some(refused) = refused {
                return Err(refused);
            }
            // Standing is not all: an older version of the trunk is no good one.
            self.newest(path)?;
            return Ok(None);
        };
        self.add_good(path, &mut good)?;
        // Whether it is an older one, or takes the place of a good one, only the rest of the history could tell.
        if good.is_empty() && self.repo().is_shallow() {
            return Err(VaultError::BelowShallow(path.to_string()));
        }
        for good in &good {
            self.check_is_no_step_back(&asked, good)?;
        }
        self.vouching_for(&asked, &good, seen, kept_apart, now).map(Some)
    }

    /// Seals what was vouched for, as one commit.
    pub fn vouch(&self, vouching: Vec<Vouching>, how: &How, message: &str) -> Result<Report, VaultError> {
        let writing = self.writing(how)?;
        for one in &vouching {
            if self.repo().read_work(&self.file(&one.path), MAX_STORED as u64)? != one.seen {
                return Err(VaultError::ChangedMeanwhile(one.path.to_string()));
            }
        }
        let drafts: Vec<_> = vouching.into_iter().map(|one| one.draft).collect();
        writing.finish(&drafts, Vec::new(), message)
    }

    /// Commits what a killed run had sealed, where nothing is left to vouch for.
    pub fn vouched_before(&self, paths: &[SecretPath], how: &How, message: &str) -> Result<Report, VaultError> {
        let (me, _) = self.author()?;
        let mut files = Vec::new();
        for path in paths {
            let mine = self.current(path)?.is_some_and(|version| version.manifest().author == me.reference);
            files.extend(self.unsettled(path)?.filter(|_| mine));
        }
        if files.is_empty() || how.dry_run {
            return Ok(super::setup::nothing_written(how));
        }
        self.writing(how)?.finish(&[], files, message)
    }

    fn vouching_for(
        &self,
        asked: &Version,
        good: &[Good],
        seen: Option<Vec<u8>>,
        kept_apart: Vec<Vec<u8>>,
        now: Time,
    ) -> Result<Vouching, VaultError> {
        let secret = self.open_version(asked)?;
        let manifest = asked.manifest();
        let mut before: Option<Document> = None;
        let mut parents = vec![(asked.hash(), manifest.clone())];
        // Whom it is shared with the good versions say: who vouches for values has not been asked about readers.
        let mut shares = Shares::default();
        for good in good {
            let opened: Secret = self.open_version(&good.version)?;
            shares = shares.join(&opened.manifest.shares);
            parents.push((opened.hash, opened.manifest));
            before = Some(before.map_or_else(|| opened.document.clone(), |before| before.join(&opened.document)));
        }
        let mut after = before.as_ref().map_or_else(|| secret.document.clone(), |before| before.join(&secret.document));
        let mut replaced = Vec::new();
        for (key, theirs) in secret.document.registers().filter(|(key, _)| **key != Key::State) {
            let ours = before.as_ref().and_then(|before| before.register(key));
            let Some(write) = news(theirs, ours, manifest.at) else { continue };
            if after.register(key).is_some_and(|register| register.live().count() > 1) {
                after.put(key, self.write_of(key, write.value.clone(), write.plain, now)?);
                replaced.push(key.to_text());
            }
        }
        let sides = (before.as_ref().map(|before| (before, now)), Some((&after, now)));
        let mut changes: Vec<_> = compare::differences(sides.0, sides.1)
            .iter()
            .map(|difference| (difference.key.to_text(), difference.verb()))
            .collect();
        let was = before.as_ref().map_or(Life::Live, Document::state);
        match after.state() {
            state if state == was => {}
            Life::Live => changes.push(("state".to_owned(), "brought back")),
            Life::Deleted => changes.push(("state".to_owned(), "deleted")),
            Life::Moved(to) => {
                self.check_arrives(&manifest.path, &to)?;
                changes.push(("state".to_owned(), "moved"));
            }
        }
        let state = self.roster().state();
        Ok(Vouching {
            path: manifest.path.clone(),
            author: manifest.author.name.to_string(),
            has_left: state.named(&manifest.author.name).is_none(),
            at: manifest.at,
            revision: manifest.revision,
            changes,
            replaced,
            other_shares: shares != manifest.shares,
            draft: Draft {
                document: after,
                parents,
                shares,
                kept_apart,
                let_go: Vec::new(),
                over: self.found(seen.as_deref())?,
            },
            seen,
        })
    }

    /// The same where nothing on disk counts.
    pub(super) fn good_versions(&self, path: &SecretPath) -> Result<Vec<Version>, VaultError> {
        let mut good = Vec::new();
        self.add_good(path, &mut good)?;
        Ok(good.into_iter().map(|good| good.version).collect())
    }

    /// The good versions that the next one has to follow: HEAD's and the trunk's, or else the newest in HEAD's history.
    fn add_good(&self, path: &SecretPath, good: &mut Vec<Good>) -> Result<(), VaultError> {
        let file = self.file(path);
        let head = self.repo().head()?.commit;
        let mut tips = BTreeSet::from_iter(head);
        tips.extend(self.sights(&file)?.iter().map(|sight| sight.commit));
        for commit in tips {
            if let Ok(Some(version)) = self.version_at(commit, path) {
                add(good, version, commit);
            }
        }
        let (true, Some(head)) = (good.is_empty(), head) else { return Ok(()) };
        for entry in self.repo().history_walk(&head.to_string(), &[&file])? {
            let entry = entry?;
            let blobs = entry.changes.iter().filter(|change| change.path == file).filter_map(|change| change.after);
            for blob in blobs {
                if let Ok(version) = self.version_of_blob(blob, path) {
                    add(good, version, entry.commit);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What a good version follows is an older one: it comes back by `restore` only. What was let go of is followed, too,
    /// but nobody took over what it says: that may still come to count.
    fn check_is_no_step_back(&self, asked: &Version, good: &Good) -> Result<(), VaultError> {
        let head = self.repo().head()?.commit;
        let tip = good.commit.or(head);
        if !descends(self.repo(), tip, asked.file(), &good.version, asked.manifest())? {
            return Ok(());
        }
        if good.version.manifest().state == Life::Live
            && let (Ok(here), Ok(there)) = (self.open_version(&good.version), self.open_version(asked))
            && here.document.join(&there.document) != here.document
        {
            return Ok(());
        }
        let commit = tip.map(|commit| abbreviated(&commit.to_string())).unwrap_or_default();
        let (seen, found) = (good.version.manifest().revision, asked.manifest().revision);
        let path = asked.manifest().path.clone();
        let what = Wrong::RolledBack { commit, seen, found, path, joins: false };
        Err(VaultError::Inconsistent { file: asked.file().to_owned(), what })
    }
}

/// The newest write of theirs that ours does not know; `None` where there is none.
fn news<'a>(theirs: &'a Register, ours: Option<&Register>, at: Time) -> Option<&'a Write> {
    let is_known = |write: &Write| {
        let name = write.name();
        ours.is_some_and(|ours| ours.replaced().contains(&name) || ours.live().any(|live| live.name() == name))
    };
    read::newest_first(theirs, at).into_iter().find(|write| !is_known(write))
}

fn add(good: &mut Vec<Good>, version: Version, commit: ObjectId) {
    match good.iter_mut().find(|known| known.version.hash() == version.hash()) {
        Some(known) => known.commit = Some(commit),
        None => good.push(Good { version, commit: Some(commit) }),
    }
}
