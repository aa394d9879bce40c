//! One sealed file, checked against the roster and its place with no key at all.
//!
//! Bytes and a roster in, a version out; it reads no file and can run on many threads at once. It opens nothing.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Mutex;

use super::VaultError;
use super::version::{RefusedSibling, Version, in_order};
use super::wrong::Wrong;
use crate::model::bytes::Hash;
use crate::model::card::{Device, SigningPublic};
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::roster::{Holder, Member, Roster, State, named_among};
use crate::seal::{self, Outline, SealError, SealedFile};

/// Signatures that this machine verified before, and those that it verified just now. It spares work and grants
/// nothing: whose key it is, and whether that key may sign here, is asked each time.
#[derive(Default)]
pub struct Verified {
    known: HashSet<Hash>,
    fresh: Mutex<Vec<Hash>>,
}

impl Verified {
    /// Starts with what is known.
    pub fn new(known: HashSet<Hash>) -> Self {
        Self { known, fresh: Mutex::default() }
    }

    /// Everything, where something was added.
    pub fn grown(self) -> Option<HashSet<Hash>> {
        let fresh = self.fresh.into_inner().unwrap_or_default();
        if fresh.is_empty() {
            return None;
        }
        let mut all = self.known;
        all.extend(fresh);
        Some(all)
    }

    fn signer(&self, sealed: &SealedFile) -> Result<SigningPublic, SealError> {
        let (claimed, digest) = sealed.claimed_signer()?;
        if self.known.contains(&digest) {
            return Ok(claimed);
        }
        let signer = sealed.verify_signature()?;
        if let Ok(mut fresh) = self.fresh.lock() {
            fresh.push(digest);
        }
        Ok(signer)
    }
}

/// Checks a file with no key at all: form, place, author, signature, readers and stanzas. Of siblings each is checked; those
/// that only lack their author's standing, or their readers' right, are kept apart.
pub fn check(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
    verified: Option<&Verified>,
) -> Result<Version, VaultError> {
    let bytes = bytes.into();
    let refused = |what| VaultError::Inconsistent { file: file.to_owned(), what };
    let one = |sealed, wrong: Option<Wrong>| match wrong {
        Some(what) => Err(refused(what)),
        None => Ok(Version { file: file.to_owned(), sealed, siblings: Vec::new(), refused: Vec::new(), stored: None }),
    };
    if !seal::is_siblings(&bytes) {
        let (sealed, standing) = check_but_standing(roster, file, path, bytes, verified)?;
        let wrong = standing.or_else(|| not_entitled(roster, sealed.manifest()));
        return one(sealed, wrong);
    }
    let members = seal::members(&bytes).map_err(|source| VaultError::Sealed { file: file.to_owned(), source })?;
    let (mut good, mut apart) = (Vec::new(), Vec::new());
    for member in members {
        let (sealed, standing) = check_but_standing(roster, file, path, member, verified)?;
        match standing.or_else(|| not_entitled(roster, sealed.manifest())) {
            Some(why) => apart.push(RefusedSibling { sealed, why }),
            None => good.push(sealed),
        }
    }
    let mut good = in_order(good).0.into_iter();
    let Some(sealed) = good.next() else {
        let why = apart.into_iter().next().map(|sibling| sibling.why);
        return Err(
            why.map_or_else(|| VaultError::Sealed { file: file.to_owned(), source: SealError::SiblingsForm }, refused)
        );
    };
    Ok(Version { file: file.to_owned(), sealed, siblings: good.collect(), refused: apart, stored: Some(bytes) })
}

/// The same for a version whose author may not write it (any more): what is wrong then, for a person to decide. It
/// is sealed to nobody who may not read it. A sibling is handed over by itself.
pub(super) fn check_without_standing(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
) -> Result<(Version, Option<Wrong>), VaultError> {
    let (sealed, standing) = check_but_standing(roster, file, path, bytes, None)?;
    match not_entitled(roster, sealed.manifest()) {
        Some(what) => Err(VaultError::Inconsistent { file: file.to_owned(), what }),
        None => {
            let (siblings, refused) = (Vec::new(), Vec::new());
            Ok((Version { file: file.to_owned(), sealed, siblings, refused, stored: None }, standing))
        }
    }
}

/// The versions in a file that holds none that counts, but whose authors all signed what is there: nothing where one counts, or
/// anything else is wrong.
pub(super) fn all_refused(roster: &Roster, file: &str, path: &SecretPath, bytes: &[u8]) -> Vec<RefusedSibling> {
    let refused = |member: &[u8]| {
        let (sealed, standing) = check_but_standing(roster, file, path, member, None).ok()?;
        let why = standing.or_else(|| not_entitled(roster, sealed.manifest()))?;
        Some(RefusedSibling { sealed, why })
    };
    let members = seal::members(bytes).unwrap_or_default().into_iter();
    members.map(refused).collect::<Option<_>>().unwrap_or_default()
}

/// Everything but whether its readers may read it; whether its author may write it is said and decides nothing here.
fn check_but_standing(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    bytes: impl Into<Vec<u8>>,
    verified: Option<&Verified>,
) -> Result<(SealedFile, Option<Wrong>), VaultError> {
    let refused = |source: SealError| VaultError::Sealed { file: file.to_owned(), source };
    let sealed = SealedFile::parse(bytes).map_err(refused)?;
    let standing = judge_sealed(roster, path, &sealed, verified).map_err(|error| error.of(file))?;
    Ok((sealed, standing))
}

fn judge_sealed(
    roster: &Roster,
    path: &SecretPath,
    sealed: &SealedFile,
    verified: Option<&Verified>,
) -> Result<Option<Wrong>, Judged> {
    judge(
        roster,
        path,
        sealed.manifest(),
        sealed.hash(),
        |devices| sealed.check_devices(devices),
        || verified.map_or_else(|| sealed.verify_signature(), |v| v.signer(sealed)),
    )
}

/// What a roster makes of a sealed file at `path`: nothing wrong, or what. For who judges it by several rosters.
pub(super) fn opinion(roster: &Roster, path: &SecretPath, sealed: &SealedFile) -> Result<(), VaultError> {
    let standing = judge_sealed(roster, path, sealed, None).map_err(|error| error.of(path.as_str()))?;
    match standing.or_else(|| not_entitled(roster, sealed.manifest())) {
        Some(what) => Err(VaultError::Inconsistent { file: path.to_string(), what }),
        None => Ok(()),
    }
}

/// What the versions in a file say, without their bytes: one, or siblings.
pub(super) struct Outlines {
    counting: Vec<Outline>,
    followed: Vec<Outline>,
}

impl Outlines {
    /// Those that count, the one to show first; never none.
    pub(super) fn counting(&self) -> &[Outline] {
        &self.counting
    }

    /// The same, and siblings that another one follows.
    pub(super) fn all(&self) -> impl Iterator<Item = &Outline> {
        self.counting.iter().chain(&self.followed)
    }
}

/// Reads a file for who judges it by several rosters: its form is checked, and its signature.
pub(super) fn outline(bytes: Vec<u8>, verified: &Verified) -> Result<Outlines, SealError> {
    let (counting, followed) = if seal::is_siblings(&bytes) {
        let members = seal::members(&bytes)?.into_iter().map(SealedFile::parse);
        in_order(members.collect::<Result<_, _>>()?)
    } else {
        (vec![SealedFile::parse(bytes)?], Vec::new())
    };
    let outlined = |members: Vec<SealedFile>| -> Vec<Outline> {
        let outlined = members.into_iter().map(|sealed| {
            let signer = verified.signer(&sealed);
            sealed.into_outline(signer)
        });
        outlined.collect()
    };
    Ok(Outlines { counting: outlined(counting), followed: outlined(followed) })
}

/// What [`check`] asks of a file whose form is good. A sibling that [`check`] would keep apart is a refusal here; of
/// several refusals it is the one of the earliest step, so that nobody takes a forged sibling for a signed one.
pub(super) fn check_outline(
    roster: &Roster,
    file: &str,
    path: &SecretPath,
    outlines: &Outlines,
) -> Result<(), VaultError> {
    let step = |error: &VaultError| STEPS.iter().position(|step| *step == error.code());
    match outlines.all().filter_map(|outline| refusal(roster, file, path, outline)).min_by_key(step) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Whether one of the versions in a file is good: where others lie beside it that [`check`] would keep apart, it is what
/// people read.
pub(super) fn has_good(roster: &Roster, file: &str, path: &SecretPath, outlines: &Outlines) -> bool {
    outlines.all().any(|outline| refusal(roster, file, path, outline).is_none())
}

/// Why one of the versions in a file is refused.
fn refusal(roster: &Roster, file: &str, path: &SecretPath, outline: &Outline) -> Option<VaultError> {
    let devices = |devices: &[&[Device]]| outline.check_devices(devices);
    let judged = judge(roster, path, &outline.manifest, outline.hash, devices, || outline.signer.clone());
    match judged.map_err(|error| error.of(file)) {
        Ok(standing) => {
            let wrong = standing.or_else(|| not_entitled(roster, &outline.manifest));
            wrong.map(|what| VaultError::Inconsistent { file: file.to_owned(), what })
        }
        Err(error) => Some(error),
    }
}

/// The codes of steps 3 to 10 of "Checking a secret" in docs/format.md, in their order.
const STEPS: [&str; 10] =
    ["form", "vault", "path", "point", "author", "reader", "stanza", "signature", "standing", "entitled"];

/// Why a version is refused, before it is said which file it is in.
enum Judged {
    Sealed(SealError),
    Wrong(Wrong),
}

impl From<SealError> for Judged {
    fn from(error: SealError) -> Self {
        Self::Sealed(error)
    }
}

impl From<Wrong> for Judged {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Judged {
    fn of(self, file: &str) -> VaultError {
        let file = file.to_owned();
        match self {
            Self::Sealed(source) => VaultError::Sealed { file, source },
            Self::Wrong(what) => VaultError::Inconsistent { file, what },
        }
    }
}

/// Steps 4 to 9 of "Checking a secret" in docs/format.md, in their order. What is wrong with the author's standing (9) is
/// the answer; the readers (10) are for [`not_entitled`].
fn judge(
    roster: &Roster,
    path: &SecretPath,
    manifest: &Manifest,
    hash: Hash,
    check_devices: impl FnOnce(&[&[Device]]) -> Result<(), SealError>,
    signer: impl FnOnce() -> Result<SigningPublic, SealError>,
) -> Result<Option<Wrong>, Judged> {
    if !manifest.has_consistent_ancestors() {
        return Err(Wrong::Ancestors.into());
    }
    if manifest.vault != roster.vault {
        return Err(Wrong::Vault.into());
    }
    if manifest.path != *path {
        return Err(Wrong::Path { says: manifest.path.clone(), stray: None }.into());
    }
    if !roster.has_point(&manifest.roster) {
        return Err(Wrong::Point.into());
    }
    let state = roster.state();
    let author = roster.admitted(&manifest.author).ok_or(Wrong::UnknownAuthor)?;
    if !manifest.readers.contains(&manifest.author) {
        return Err(Wrong::AuthorIsNoReader.into());
    }
    let devices: Option<Vec<_>> = manifest.readers.iter().map(|reader| roster.devices(reader)).collect();
    check_devices(&devices.ok_or(Wrong::UnknownReader)?)?;
    let signer = signer()?;
    if !author.signing_keys().any(|key| *key == signer) {
        return Err(Wrong::Signer.into());
    }
    let stands = state.may_write(&manifest.author, path) || state.keeps(hash);
    let standing = || Wrong::NoStanding { author: manifest.author.name.to_string(), path: path.to_string() };
    Ok((!stands).then(standing))
}

/// A reader who may not read, by the card that it is sealed to, now or at the entry that the manifest names.
fn not_entitled<'r>(roster: &'r Roster, manifest: &Manifest) -> Option<Wrong> {
    let shares: Vec<Holder> = manifest.shares.holders();
    let readers = |state: &'r State| state.readers(&manifest.path, &shares);
    let reads = |readers: &[&Member], reader: &MemberRef| {
        named_among(readers, &reader.name).is_some_and(|member| member.hash == reader.card)
    };
    let now = readers(roster.state());
    let then = OnceCell::new();
    let then = || then.get_or_init(|| roster.state_at(manifest.roster.head).map(readers).unwrap_or_default());
    let reader = manifest.readers.iter().find(|reader| !reads(&now, reader) && !reads(then(), reader))?;
    Some(Wrong::NotEntitled { reader: reader.name.to_string() })
}
