//! The decision for one secret: keep ours, take theirs, seal both joined, or keep both sealed.

use std::path::Path;

use super::super::carry::moved_away;
use super::super::check::check;
use super::super::draft::{Draft, beside, seal_draft, stays_apart};
use super::super::error::chain;
use super::super::open::Opener;
use super::super::read::Secret;
use super::super::under::Under;
use super::super::wrong::Wrong;
use super::super::{Vault, VaultError, root_above, sealed, trust};
use super::chains::{Chains, Looking};
use super::side::{self, Side};
use super::{Labels, Operation, is_bystander, keyless, roster};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::document::Document;
use crate::model::manifest::MAX_PARENTS;
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::Roster;
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::{Found, Repo, from_top};
use crate::seal::{self, SealedFile};

/// What git hands to its merge driver, for the file of a secret.
#[derive(Debug, Clone, Copy)]
pub struct Merging<'a> {
    /// The file from the top of the work tree.
    pub file: &'a str,
    /// What both sides come from; empty where there is nothing.
    pub base: &'a [u8],
    /// Our side.
    pub ours: &'a [u8],
    /// Their side.
    pub theirs: &'a [u8],
    /// How git calls the three.
    pub labels: Labels<'a>,
}

/// What comes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The file from now on; `None`: ours, as it is.
    pub bytes: Option<Vec<u8>>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Why git should stop, with the next step.
    pub stop: Option<(String, String)>,
}

/// Merges the file of a secret, or the roster. `vault` is the vault in `folder`, or why it cannot be opened: without a key,
/// or where this machine does not know the vault, what has to be kept is kept sealed.
///
/// # Errors
/// What is no sealed version of this secret by a member, or no roster, on any side. Nothing may be touched then.
pub fn merge(
    vault: Result<Vault, VaultError>,
    home: &Home,
    folder: &Path,
    merging: &Merging<'_>,
    now: Time,
) -> Result<Merged, VaultError> {
    let scene = Scene::new(vault, folder)?;
    let operation = merging.labels.operation();
    if merging.file == format!("{}/roster.toml", scene.place().root) {
        return merge_rosters(home, scene.place().roster.vault, merging, operation, now);
    }
    scene.place().merge(merging, operation, now)
}

/// Where something is merged: a vault that was accepted, or only what lies there.
pub(super) enum Scene {
    /// A vault.
    Vault(Box<Vault>),
    /// A repository with a vault's folder and its roster, which nobody here accepted. No key is used.
    Bystander(Box<(Repo, String, Roster)>),
}

impl Scene {
    /// The vault in `folder`, or what can be seen of it without a key or a vault that this machine knows.
    pub(super) fn new(vault: Result<Vault, VaultError>, folder: &Path) -> Result<Self, VaultError> {
        match vault {
            Ok(vault) => Ok(Self::Vault(Box::new(vault))),
            Err(error) if is_bystander(&error) => {
                let repo = Repo::discover(folder)?;
                let root = root_above(&repo, None, folder)?;
                let roster = trust::verified_roster(&repo, &root)?;
                Ok(Self::Bystander(Box::new((repo, root, roster))))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn place(&self) -> Place<'_> {
        match self {
            Self::Vault(vault) => {
                Place { repo: vault.repo(), root: vault.root(), vault: Some(vault), roster: vault.roster() }
            }
            Self::Bystander(seen) => Place { repo: &seen.0, root: &seen.1, vault: None, roster: &seen.2 },
        }
    }
}

/// The roster: no entry of either side is lost, and who may not bring them together leaves it to who may.
fn merge_rosters(
    home: &Home,
    vault: Hash,
    merging: &Merging<'_>,
    operation: Operation,
    now: Time,
) -> Result<Merged, VaultError> {
    let sides = [merging.base, merging.ours, merging.theirs];
    let united = roster::rosters_of(home, vault, merging.file, sides, now)?;
    let mut notes = united.notes();
    let stop = match (united.conflict(merging.file), operation) {
        (Some(VaultError::RosterTakenBack { .. }), Operation::Merge | Operation::Replay) => {
            notes.push(format!("{}: what comes in is older than what both sides had; ours stays", merging.file));
            None
        }
        (Some(conflict), _) => Some((chain(&conflict), conflict.hint().unwrap_or_default())),
        (None, _) => None,
    };
    Ok(Merged { bytes: Some(united.bytes).filter(|bytes| bytes != merging.ours), notes, stop })
}

/// What a merge of one file needs to know of its surroundings.
pub(super) struct Place<'a> {
    pub(super) repo: &'a Repo,
    pub(super) root: &'a str,
    vault: Option<&'a Vault>,
    roster: &'a Roster,
}

impl Place<'_> {
    fn home(&self) -> Option<&Home> {
        self.vault.map(Vault::home)
    }

    /// Merges the file of a secret.
    pub(super) fn merge(&self, merging: &Merging<'_>, operation: Operation, now: Time) -> Result<Merged, VaultError> {
        let file = merging.file;
        if merging.ours == merging.theirs || merging.base == merging.theirs {
            return Ok(Merged::default());
        }
        // The vault that it belongs to is not on disk, as in a sparse checkout.
        if file.strip_prefix(self.root).is_none_or(|rest| !rest.starts_with('/')) {
            return Err(VaultError::NotOnDisk(file.to_owned()));
        }
        let Some(path) = self.path_of(file) else {
            let why = format!("{file} is neither a secret's file nor a journal's, and is not merged");
            return Ok(Merged { stop: Some((why, format!("git rm -- {}", from_top(file)))), ..Merged::default() });
        };
        let (ours, theirs) = match (side::parse(merging.ours, file), side::parse(merging.theirs, file)) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(error), _) | (_, Err(error)) => {
                return self.keep_unknown(&path, merging)?.ok_or(error);
            }
        };
        let chains = self.chains(&merging.labels, ours.iter().chain(&theirs))?;
        // A base that is none, or that nobody here signed, is as good as no base: more is joined then, not less.
        let base = side::parse(merging.base, file).unwrap_or_default();
        let base: Vec<SealedFile> =
            base.into_iter().filter(|one| side::judge_one(one, file, &path, &chains).is_ok()).collect();
        let (mut ours, mut theirs) =
            match (Side::judge(ours, file, &path, &chains), Side::judge(theirs, file, &path, &chains)) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                // A person has to look at the roster first; then this can be judged.
                (Err(error), _) | (_, Err(error)) => match chains.suspect.as_ref().filter(|_| is_unknown(&error)) {
                    Some(by) => return Ok(suspect(&path, by)),
                    None => return Err(error),
                },
            };
        side::settle_refused(&mut ours, &mut theirs);
        let apart = side::apart(&base, &ours, &theirs);
        let mut notes = Vec::new();
        for refused in apart.iter().filter(|one| theirs.refused.iter().any(|it| it.hash() == one.hash())) {
            let author = &refused.manifest().author.name;
            notes.push(format!(
                "{path}: what {author} wrote is kept beside it and counts for nothing, since {author} may not write it: \
                 covault rekey {path} --accept vouches for it"
            ));
        }
        // What comes in is older than what it comes from: a commit is undone, or an old file was put back. Where git merged the
        // bases of a criss-cross, it comes from what nobody has; then ours does not follow it, and has to name what comes in.
        let has_it = operation != Operation::Merge || ours.follows(&theirs) || side::follows(&ours.good, &base);
        let may_be_older = theirs.refused.is_empty() && has_it;
        if may_be_older && side::follows(&base, &theirs.good) && !side::follows(&theirs.good, &base) {
            return Ok(older(&path, operation, notes));
        }
        // In a merge the base says only whether what comes in is older, and mostly the manifests say so already.
        let is_newer = operation == Operation::Merge && side::follows(&theirs.good, &base);
        let asked = if is_newer { &[] } else { base.as_slice() };
        let opened = match self.opener() {
            Some(opener) => self.open(&opener, file, asked, &ours, &theirs).map(|sides| (opener, sides)),
            None => None,
        };
        if let Some((opener, (base, a, b))) = &opened {
            if may_be_older && base.as_ref().is_some_and(|base| is_part(b, base) && !is_part(base, b)) {
                return Ok(older(&path, operation, notes));
            }
            let sides = Sides { merging, ours: &ours, theirs: &theirs, apart: &apart, a, b, base: base.as_ref() };
            if let Some(bytes) = self.join(opener, &chains, &sides, operation, now, &mut notes)? {
                return Ok(Merged { bytes: Some(bytes).filter(|bytes| bytes != merging.ours), notes, stop: None });
            }
        }
        let kept = keyless::unite(&base, &ours, &theirs);
        let count = kept.len();
        let bytes = seal::bundle(kept).map_err(|source| VaultError::Sealed { file: file.to_owned(), source })?;
        if count > 1 {
            notes.push(format!("{path}: {count} versions are kept sealed, to be joined by the next who writes"));
        }
        if count > TOO_MANY {
            notes.push(format!("{path} has more than {TOO_MANY} versions: covault resolve {path}"));
        }
        Ok(Merged { bytes: Some(bytes).filter(|bytes| bytes != merging.ours), notes, stop: None })
    }

    /// Both sides as they are, where a later version of covault wrote one; `None` where none did.
    fn keep_unknown(&self, path: &SecretPath, merging: &Merging<'_>) -> Result<Option<Merged>, VaultError> {
        let Merging { file, base, ours, theirs, labels } = *merging;
        let Some(kept) = self.unite_unknown(file, &labels, [base, ours, theirs])? else { return Ok(None) };
        let note = format!(
            "{path}: a later version of covault wrote one side; both are kept sealed, and that version joins them"
        );
        let bytes = seal::bundle(kept).map_err(|source| VaultError::Sealed { file: file.to_owned(), source })?;
        let bytes = Some(bytes).filter(|bytes| bytes != ours);
        Ok(Some(Merged { bytes, notes: vec![note], stop: None }))
    }

    /// [`keyless::unite_unknown`] by the rosters in sight: those of the commits, since what a later version names is not read.
    fn unite_unknown(
        &self,
        file: &str,
        labels: &Labels<'_>,
        [base, ours, theirs]: [&[u8]; 3],
    ) -> Result<Option<Vec<Vec<u8>>>, VaultError> {
        let chains = self.chains(labels, std::iter::empty())?;
        keyless::unite_unknown(file, &chains, base, ours, theirs)
    }

    /// The versions in a file that count.
    ///
    /// # Errors
    /// What is no sealed version of this secret by a member; one of a later format passes, and counts for nothing here.
    pub(super) fn counting(
        &self,
        file: &str,
        bytes: &[u8],
        labels: &Labels<'_>,
    ) -> Result<Vec<SealedFile>, VaultError> {
        let versions = match side::parse(bytes, file) {
            Ok(versions) => versions,
            Err(error) => {
                return self.unite_unknown(file, labels, [b"", bytes, bytes])?.map(|_| Vec::new()).ok_or(error);
            }
        };
        let Some(path) = self.path_of(file) else { return Ok(versions) };
        let chains = self.chains(labels, versions.iter())?;
        Ok(Side::judge(versions, file, &path, &chains)?.good)
    }

    /// Which secret a file is.
    pub(super) fn path_of(&self, file: &str) -> Option<SecretPath> {
        sealed::path_of(self.root, file)
    }

    /// The rosters in sight of these versions.
    pub(super) fn chains<'s>(
        &self,
        labels: &Labels<'_>,
        versions: impl Iterator<Item = &'s SealedFile>,
    ) -> Result<Chains<'_>, VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let blob = self.vault.map_or("", |vault| vault.roster_blob.as_str());
        let look = Looking { repo: self.repo, home: self.home(), file, ours: self.roster, blob };
        Chains::collect(&look, labels, versions)
    }

    /// One's keys, where one may write here at all.
    fn opener(&self) -> Option<Opener<'_>> {
        let vault = self.vault?;
        vault.author().ok()?;
        vault.check_fork().ok()?;
        vault.opener().ok()
    }

    /// All sides, where each of their versions opens. The base need not: without it everything is joined.
    fn open(
        &self,
        opener: &Opener<'_>,
        file: &str,
        base: &[SealedFile],
        ours: &Side,
        theirs: &Side,
    ) -> Option<(Option<Secret>, Secret, Secret)> {
        let open = |versions: &[SealedFile]| -> Option<Secret> {
            let mut secrets = versions.iter().map(|sealed| opener.open_one(file, sealed).ok());
            let first = secrets.next()??;
            let secret = secrets.try_fold(first, |all, next| Some(all.joined(next?)))?;
            Some(secret)
        };
        Some((open(base), open(&ours.good)?, open(&theirs.good)?))
    }

    /// The file of the joined secret; `None` where oneself may not seal it, or not yet.
    fn join(
        &self,
        opener: &Opener<'_>,
        chains: &Chains<'_>,
        sides: &Sides<'_>,
        operation: Operation,
        now: Time,
        notes: &mut Vec<String>,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(vault) = self.vault else { return Ok(None) };
        let (document, shares) = sides.joined(operation);
        let all = (sides.a.document.join(&sides.b.document), sides.a.manifest.shares.join(&sides.b.manifest.shares));
        let brings_all = document == all.0 && shares == all.1;
        let is = |side: &Secret| side.document == document && side.manifest.shares == shares;
        if let Some(kept) = sides.kept(is(sides.a), is(sides.b), brings_all, operation) {
            return Ok(Some(kept.to_vec()));
        }
        let mut parents = sides.a.versions.clone();
        if brings_all {
            parents.extend(sides.b.versions.iter().cloned());
            parents.sort_by_key(|(hash, _)| *hash);
            parents.dedup_by_key(|(hash, _)| *hash);
        }
        // What one version cannot name stays sealed, too, until the next who writes joins it in steps.
        if parents.len() > MAX_PARENTS {
            return Ok(None);
        }
        if !vault.is_roster_committed()? {
            notes.push(format!(
                "{}/roster.toml is in no commit yet, and nothing is sealed under it: commit it, or take it back",
                self.root
            ));
            return Ok(None);
        }
        let kept_apart = sides.apart.iter().map(|one| one.bytes().to_vec()).collect();
        let draft = Draft { document, parents, shares, kept_apart, let_go: Vec::new(), over: Found::Unknown };
        let under = Under { beside: &chains.others, ..vault.under() };
        let (file, (me, signer)) = (sides.merging.file, vault.author()?);
        let landmarks = vault.landmarks(&draft.document.path, &draft.parents)?;
        let sealed = match seal_draft(&draft, file, &landmarks, me, signer, &under, now) {
            Ok(sealed) => sealed,
            // What oneself may not seal (or the agent does not sign), and what is too much for one version, stays sealed as it is.
            Err(error) if stays_apart(&error) || matches!(error, VaultError::Signing { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // What we cannot read back we do not put in place.
        let version = check(self.roster, file, &draft.document.path, sealed.bytes.as_slice(), None)?;
        let again = opener.open(&version)?;
        if !again.document.registers().eq(draft.document.registers()) {
            let what = Wrong::Document("what was sealed is not what was joined");
            return Err(VaultError::Inconsistent { file: file.to_owned(), what });
        }
        // Who reads the new name sees nothing of it.
        let is_news = [sides.a, sides.b].iter().all(|side| moved_away(&side.document).is_none());
        notes.extend(moved_away(&again.document).filter(|_| is_news));
        beside(file, sealed.bytes, &draft.kept_apart).map(Some)
    }
}

/// More siblings than this are worth a warning.
const TOO_MANY: usize = 64;

/// Both sides, sealed and opened.
struct Sides<'a> {
    merging: &'a Merging<'a>,
    ours: &'a Side,
    theirs: &'a Side,
    /// What counts for nothing and stays beside the result.
    apart: &'a [&'a SealedFile],
    a: &'a Secret,
    b: &'a Secret,
    base: Option<&'a Secret>,
}

impl Sides<'_> {
    /// Everything that both have; where one commit's change is brought here, ours and that change.
    fn joined(&self, operation: Operation) -> (Document, Shares) {
        let (a, b) = (self.a, self.b);
        match self.base.filter(|_| operation != Operation::Merge) {
            Some(base) => (
                a.document.join_changes(&base.document, &b.document),
                a.manifest.shares.join_changes(&base.manifest.shares, &b.manifest.shares),
            ),
            None => (a.document.join(&b.document), a.manifest.shares.join(&b.manifest.shares)),
        }
    }

    /// One side's file, where the result says what that side says, and nothing of the other is to be recorded.
    fn kept(&self, is_ours: bool, is_theirs: bool, brings_all: bool, operation: Operation) -> Option<&[u8]> {
        let (ours, theirs) = (self.ours.only(), self.theirs.only());
        let (is_ours, is_theirs) = (
            is_ours && ours.is_some() && self.ours.keeps_apart(self.apart),
            is_theirs && theirs.is_some() && self.theirs.keeps_apart(self.apart),
        );
        // One version beside siblings that say the same takes their place.
        let (ours_follows, theirs_follows) = (self.ours.follows(self.theirs), self.theirs.follows(self.ours));
        if is_ours && (self.ours.replaces(self.theirs) || !brings_all) && !(theirs_follows && theirs.is_some()) {
            return Some(self.merging.ours);
        }
        if is_theirs && self.theirs.replaces(self.ours) && !(ours_follows && ours.is_some()) {
            return Some(self.merging.theirs);
        }
        // Of two that say the same, one that names the other knows more: what the other does not name stays followed.
        let names = |new: Option<&SealedFile>, old: Option<&SealedFile>| {
            new.zip(old).is_some_and(|(new, old)| new.manifest().names_as_ancestor(old.hash()))
        };
        if is_ours && names(ours, theirs) {
            return Some(self.merging.ours);
        }
        if is_theirs && names(theirs, ours) {
            return Some(self.merging.theirs);
        }
        // Two who merged the same versions. Where they followed others, both are named: else what led to one of them would look
        // as if it had been dropped.
        if ours.is_some() && ours.map(side::said_after) == theirs.map(side::said_after) {
            let is_smaller = Hash::of(self.merging.ours) <= Hash::of(self.merging.theirs);
            match (is_ours, is_theirs) {
                (true, true) => return Some(if is_smaller { self.merging.ours } else { self.merging.theirs }),
                (true, false) => return Some(self.merging.ours),
                (false, true) => return Some(self.merging.theirs),
                (false, false) => {}
            }
        }
        // A change that is here already makes no new version where only a change was to be brought.
        (is_ours && matches!(operation, Operation::Replay)).then_some(self.merging.ours)
    }
}

/// Whether everything that one side says is said by the other.
fn is_part(one: &Secret, other: &Secret) -> bool {
    one.document.join(&other.document) == other.document
        && one.manifest.shares.join(&other.manifest.shares) == other.manifest.shares
}

/// Whether a version names what no roster in sight knows.
pub(super) fn is_unknown(error: &VaultError) -> bool {
    error.is_of_another_roster()
}

/// A version under a roster that somebody extended who is no admin in ours.
fn suspect(path: &SecretPath, by: &MemberName) -> Merged {
    let why = format!("{path}: it was sealed under a roster that {by} extended, who is no admin here");
    let hint = "see what they did, and if it is right, go on with: covault resolve".to_owned();
    Merged { bytes: None, notes: Vec::new(), stop: Some((why, hint)) }
}

/// What comes in is older than what it comes from: ours stays. A revert stops, since what it asks for is another command;
/// an old file that somebody put back changes nothing.
fn older(path: &SecretPath, operation: Operation, mut notes: Vec<String>) -> Merged {
    if operation == Operation::Merge || operation == Operation::Replay {
        notes.push(format!("{path}: what comes in is older than what both sides had; ours stays"));
        return Merged { notes, ..Merged::default() };
    }
    let why = format!("{path}: a revert would bring old values back unseen; ours stays");
    let hint = "git revert --abort, then: covault restore --commit COMMIT".to_owned();
    Merged { bytes: None, notes, stop: Some((why, hint)) }
}
