//! Who reads what: which secrets are sealed to others than the roster says, and sealing those again.
//!
//! Adding a reader writes a new header before the same payload; taking one away makes a new file key. What oneself cannot
//! open stays as it is and is named, for the next who can.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::basis::Basis;
use super::check::check;
use super::draft::{Draft, beside, seal_draft, sealing};
use super::open::Opener;
use super::under::Under;
use super::version::{Version, authors};
use super::{Vault, VaultError};
use crate::model::bytes::Hash;
use crate::model::manifest::{Manifest, MemberRef, RosterPoint, State as Life};
use crate::model::names::SecretPath;
use crate::model::roster::named_among;
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::{Change, Found};
use crate::seal::{self, Sealed, Signer};

/// Files that are refused and left alone, with why.
pub type RefusedFiles = Vec<(String, VaultError)>;

/// A secret whose readers are not those that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The secret.
    pub path: SecretPath,
    /// Whether it lives; tombstones are sealed, too.
    pub lives: bool,
    /// Who should read it and is not sealed to.
    pub gains: Vec<String>,
    /// Who should not read it (any more) and still is sealed to.
    pub losses: Vec<String>,
    /// Who it is sealed to now and could seal it anew: members who may write it.
    pub by: Vec<String>,
    /// Nobody opens all of its versions, and each of those opens one that is not sealed as it should be.
    pub by_parts: bool,
    /// Whether oneself can.
    pub mine: bool,
    /// Whether oneself is one of those who can seal a part of it for all who read it.
    pub in_part: bool,
    /// How many siblings wait to be joined; none where it is one version.
    pub siblings: usize,
}

/// A secret's present version and what is to become of its readers.
pub(super) struct Due {
    pub(super) pending: Pending,
    version: Version,
    shares: Shares,
    /// Oneself could, and git has it unmerged: who names it joins both sides first.
    pub(super) is_unmerged: bool,
    /// It gets a new file key whatever becomes of its readers.
    pub(super) new_key: bool,
}

impl Due {
    /// Whether oneself seals it, or what one opens of it.
    pub(super) fn is_sealed(&self) -> bool {
        self.pending.mine || self.pending.in_part
    }

    /// The version that is there.
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// The versions in its file that count.
    fn versions(&self) -> Vec<(Hash, Manifest)> {
        self.version.members().map(|member| (member.hash(), member.manifest().clone())).collect()
    }

    /// Whether it is sealed as it should be already.
    fn is_settled(&self) -> bool {
        let Pending { gains, losses, siblings, .. } = &self.pending;
        gains.is_empty() && losses.is_empty() && *siblings == 0 && self.shares == self.version.manifest().shares
    }
}

/// What is to change where, and what could not be looked at.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) due: Vec<Due>,
    /// What could not be looked at.
    pub(super) refused: RefusedFiles,
    /// Secrets beside which something lies that counts for nothing, each with an author of that.
    pub(super) apart: Vec<(SecretPath, String)>,
    /// What a person should know of what was sealed.
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// What of it oneself cannot do.
    pub(super) fn left(&self) -> Vec<Pending> {
        self.due.iter().filter(|due| !due.pending.mine).map(|due| due.pending.clone()).collect()
    }

    /// All of it, for people.
    pub(super) fn pending(&self) -> Vec<Pending> {
        self.due.iter().map(|due| due.pending.clone()).collect()
    }
}

impl Vault {
    /// What waits to be sealed to others than it is now. No key is needed.
    pub fn pending(&self) -> Result<(Vec<Pending>, RefusedFiles), VaultError> {
        let plan = self.plan(&self.under(), None, &|_, shares| shares.clone())?;
        Ok((plan.pending(), plan.refused))
    }

    /// Compares every secret (or `only` those) with the readers that it should have under a roster, with the shares that
    /// `reshare` makes of its own.
    pub(super) fn plan(
        &self,
        under: &Under<'_>,
        only: Option<&[SecretPath]>,
        reshare: &(dyn Fn(&SecretPath, &Shares) -> Shares + Sync),
    ) -> Result<Plan, VaultError> {
        self.look_at(under, only, reshare, false)
    }

    /// The same; with `all` every secret that was looked at is in it, also where nothing is to change.
    pub(super) fn look_at(
        &self,
        under: &Under<'_>,
        only: Option<&[SecretPath]>,
        reshare: &(dyn Fn(&SecretPath, &Shares) -> Shares + Sync),
        all: bool,
    ) -> Result<Plan, VaultError> {
        let paths = match only {
            Some(paths) => paths.to_vec(),
            None => self.all_names()?,
        };
        let me = self.me().ok().map(|me| me.reference.name.clone());
        // What git has unmerged is for `resolve` and `set`, which know both sides: to seal the one on disk would settle it.
        let unmerged = self.repo().unmerged_below(self.root())?;
        let look = |path: SecretPath, file: String, version: Result<Version, VaultError>| {
            let version = match version {
                Ok(version) => version,
                Err(error) => return Err(Box::new((file, error))),
            };
            let manifest = version.manifest();
            let apart: Vec<_> = authors(version.refused()).into_iter().map(|author| (path.clone(), author)).collect();
            let shares = reshare(&path, &version.shares());
            let readers = under.readers(&path, &shares);
            let sealed = version.sealed_to();
            let wanted: Vec<MemberRef> = readers.iter().map(|member| member.reference()).collect();
            let wanted: BTreeSet<&MemberRef> = wanted.iter().collect();
            let granted = under.roster.readers(&path, &[]);
            let names = |refs: Vec<&&MemberRef>| refs.into_iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
            let writers = sealed.writers(&readers, &granted);
            let by = names(sealed.all.intersection(&writers).collect());
            let of_a_part = names(sealed.who_has_a_part(&writers, &wanted).iter().collect());
            let is_me = |by: &[String]| me.as_ref().is_some_and(|me| by.iter().any(|name| name == me.as_str()));
            let could = is_me(&by);
            // Who has another card by now, with every key that it is sealed to, loses nothing.
            let keeps = |reader: &&MemberRef| {
                named_among(&readers, &reader.name).is_some_and(|member| {
                    let now: Vec<_> = member.card.devices.iter().map(|device| &device.recipient).collect();
                    let before = under.roster.devices(reader);
                    before.is_some_and(|before| before.iter().all(|device| now.contains(&&device.recipient)))
                })
            };
            let is_unmerged = could && unmerged.binary_search(&file).is_ok();
            let mine = could && !is_unmerged;
            let pending = Pending {
                lives: manifest.state == Life::Live,
                gains: names(wanted.difference(&sealed.all).collect()),
                losses: names(sealed.any.difference(&wanted).filter(|reader| !keeps(reader)).collect()),
                siblings: if version.has_siblings() { version.members().count() } else { 0 },
                in_part: is_me(&of_a_part) && unmerged.binary_search(&file).is_err(),
                by_parts: !of_a_part.is_empty(),
                by: if of_a_part.is_empty() { by } else { of_a_part },
                mine,
                path,
            };
            let due = Due { pending, version, shares, is_unmerged, new_key: false };
            Ok((Some(due).filter(|due| all || !due.is_settled()), apart))
        };
        let mut plan = Plan::default();
        // Whom an entry gives a right back wrote what counts again: it is sealed with everything else.
        for item in self.look_at_files(under.roster, &paths, look)? {
            match item {
                Ok((due, apart)) => {
                    plan.due.extend(due);
                    plan.apart.extend(apart);
                }
                Err(refused) => plan.refused.push(*refused),
            }
        }
        Ok(plan)
    }

    /// Seals what oneself can of a plan, on all cores; `progress` is told after each. What turns out not to open with
    /// one's keys is marked as not one's own. Where a newer version stands beside the one on disk, as after somebody looked at an
    /// old one, both are joined.
    pub(super) fn reseal(
        &self,
        plan: &mut Plan,
        under: &Under<'_>,
        now: Time,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<Change>, VaultError> {
        if !plan.due.iter().any(Due::is_sealed) {
            return Ok(Vec::new());
        }
        let opener = self.opener()?;
        let (_, signer) = self.author()?;
        // What it takes to look at git's objects has one thread.
        let mut joined: Vec<Option<Result<Basis, VaultError>>> = Vec::with_capacity(plan.due.len());
        let mut over = Vec::with_capacity(plan.due.len());
        let mut landmarks = Vec::with_capacity(plan.due.len());
        let head = self.repo().head()?.commit;
        let blobs = self.repo().blob_ids(plan.due.par_iter().map(|due| due.version.stored()))?;
        for (due, blob) in plan.due.iter().zip(blobs) {
            let path = &due.pending.path;
            let is_joined = due.is_sealed() && !self.is_alone(path, blob, head)?;
            let basis = match due.pending.in_part {
                true if is_joined && self.is_followed_by(path, &due.version)? => None,
                _ if is_joined => self.basis(path).transpose(),
                _ => None,
            };
            landmarks.push(match &basis {
                _ if !due.is_sealed() => Vec::new(),
                Some(Ok(basis)) => self.landmarks(path, &basis.draft.parents)?,
                _ => self.landmarks(path, &due.versions())?,
            });
            joined.push(basis);
            over.push(if due.is_sealed() { Found::Blob(blob) } else { Found::Unknown });
        }
        plan.notes.extend(joined.iter().flatten().flatten().filter_map(|basis| basis.note.clone()));
        let resealed: Vec<_> = plan
            .due
            .par_iter()
            .zip(joined)
            .zip(landmarks)
            .map(|((due, joined), landmarks)| {
                let sealed = due.is_sealed().then(|| match joined {
                    Some(basis) => join_drafts(due, basis?.draft, &landmarks, &opener, under, signer, now),
                    None if due.version.has_siblings() => {
                        let secret = match due.pending.in_part {
                            true => opener.open_part(&due.version)?.0,
                            false => opener.open(&due.version)?,
                        };
                        let draft = Draft::after(secret);
                        join_drafts(due, draft, &landmarks, &opener, under, signer, now)
                    }
                    None => reseal_one(due, &landmarks, &opener, under, signer, now),
                });
                progress();
                sealed.transpose()
            })
            .collect();
        let mut changes = Vec::with_capacity(resealed.len());
        for ((due, sealed), over) in plan.due.iter_mut().zip(resealed).zip(over) {
            match sealed {
                Ok(Some(bytes)) => changes.push(Change::write(due.version.file(), bytes).over(over)),
                Ok(None) => {}
                // The manifest said that it is sealed to us, and it is not: for the next who can.
                Err(VaultError::NotAReader { .. }) => {
                    due.pending.mine = false;
                    due.pending.in_part = false;
                }
                Err(error) => plan.refused.push((due.version.file().to_owned(), error)),
            }
        }
        Ok(changes)
    }
}

/// Several versions as one, for its readers.
fn join_drafts(
    due: &Due,
    mut draft: Draft,
    landmarks: &[Hash],
    opener: &Opener<'_>,
    under: &Under<'_>,
    signer: &(dyn Signer + Sync),
    now: Time,
) -> Result<Vec<u8>, VaultError> {
    draft.shares = draft.shares.join(&due.shares);
    let sealed = seal_draft(&draft, due.version.file(), landmarks, opener.me, signer, under, now)?;
    read_back(due, under, sealed, &draft.kept_apart)
}

/// One secret, for its new readers; its document is untouched.
fn reseal_one(
    due: &Due,
    landmarks: &[Hash],
    opener: &Opener<'_>,
    under: &Under<'_>,
    signer: &(dyn Signer + Sync),
    now: Time,
) -> Result<Vec<u8>, VaultError> {
    let version = &due.version;
    let old = version.manifest();
    let readers: Vec<MemberRef> =
        under.readers(&old.path, &due.shares).iter().map(|member| member.reference()).collect();
    let author = readers.iter().find(|reader| reader.name == opener.me.reference.name).cloned();
    let author = author.ok_or_else(|| VaultError::WouldNotRead(old.path.to_string()))?;
    let devices = under.devices(&readers);
    let before: Vec<_> = old.readers.iter().filter_map(|reader| opener.roster.devices(reader)).collect();
    let draft = Manifest {
        revision: old.next_revision(),
        parents: vec![version.hash()],
        ancestors: Manifest::ancestors_after(&due.versions(), landmarks),
        roster: RosterPoint { seq: under.roster.seq, head: under.roster.head, blob: under.blob.to_owned() },
        readers,
        author,
        shares: due.shares.clone(),
        at: now,
        document: Hash([0; 32]),
        payload: Hash([0; 32]),
        stanzas: Hash([0; 32]),
        ..old.clone()
    };
    let opened = opener.unseal(version)?;
    let sealed = if !due.new_key && seal::only_adds(&before, &devices) {
        seal::reseal_header(version.sealed(), &opened, &before, draft, &devices, signer)
    } else {
        seal::seal(draft, &opened.plaintext, &devices, signer)
    };
    let sealed = sealed.map_err(|source| sealing(version.file().to_owned(), source))?;
    let kept_apart: Vec<_> = version.refused().iter().map(|sibling| sibling.bytes().to_vec()).collect();
    read_back(due, under, sealed, &kept_apart)
}

/// What others would refuse under the roster that it is sealed for is not put in place. By itself: a sibling beside it
/// must not stand in for it.
fn read_back(due: &Due, under: &Under<'_>, sealed: Sealed, kept_apart: &[Vec<u8>]) -> Result<Vec<u8>, VaultError> {
    let file = due.version.file();
    check(under.roster, file, &due.pending.path, sealed.bytes.as_slice(), None)?;
    beside(file, sealed.bytes, kept_apart)
}
