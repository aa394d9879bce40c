//! One sealed file: checked against the roster and its place, opened, and checked against itself.
//!
//! Bytes and a roster in, a secret out; it reads no file and can run on many threads at once.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;

use super::read::Secret;
use super::wrong::Wrong;
use super::{Me, VaultError};
use crate::home::Keys;
use crate::model::bytes::{Hash, Short};
use crate::model::card::{Device, SigningPublic};
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{self, Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::roster::{Holder, Member, Roster, State, named_among};
use crate::model::shares::Shares;
use crate::seal::{self, Opened, Outline, SealError, SealedFile};

/// A sealed version that was checked: by a member who may write, for members, at this place. Where a merge without a key
/// left siblings, it is the one to show, and the others are beside it.
pub struct Version {
    file: String,
    sealed: SealedFile,
    siblings: Vec<SealedFile>,
    refused: Vec<RefusedSibling>,
    /// The whole file, where it is a sibling file.
    stored: Option<Vec<u8>>,
}

/// A sibling that is kept and counts for nothing: its author may not write it (any more), or it is sealed to somebody who
/// may not read it.
pub struct RefusedSibling {
    sealed: SealedFile,
    /// Why.
    pub why: Wrong,
}

impl Version {
    /// What its author signed.
    pub fn manifest(&self) -> &Manifest {
        self.sealed.manifest()
    }

    /// The manifest's hash: the version's name.
    pub fn hash(&self) -> Hash {
        self.sealed.hash()
    }

    /// The sealed file itself; of siblings, the one to show.
    pub(super) fn sealed(&self) -> &SealedFile {
        &self.sealed
    }

    /// What lies in the repository.
    pub(super) fn stored(&self) -> &[u8] {
        self.stored.as_deref().unwrap_or_else(|| self.sealed.bytes())
    }

    /// Its file, from the repository's top.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// All versions in the file that count, the one to show first.
    pub(super) fn members(&self) -> impl Iterator<Item = &SealedFile> {
        std::iter::once(&self.sealed).chain(&self.siblings)
    }

    /// Whether several versions wait to be joined.
    pub fn has_siblings(&self) -> bool {
        !self.siblings.is_empty()
    }

    /// Siblings that are kept and count for nothing.
    pub fn refused(&self) -> &[RefusedSibling] {
        &self.refused
    }

    /// The same, for who needs nothing else of it.
    pub(super) fn into_refused(self) -> Vec<RefusedSibling> {
        self.refused
    }

    /// Whom it is shared with besides those who read by a grant, all siblings taken together.
    pub(super) fn shares(&self) -> Shares {
        let all = self.siblings.iter().map(|sibling| &sibling.manifest().shares);
        all.fold(self.manifest().shares.clone(), |shares, more| shares.join(more))
    }
}

impl RefusedSibling {
    /// What its author signed.
    pub fn manifest(&self) -> &Manifest {
        self.sealed.manifest()
    }

    /// The version's name.
    pub(super) fn hash(&self) -> Hash {
        self.sealed.hash()
    }

    /// The file that it would be on its own.
    pub(super) fn bytes(&self) -> &[u8] {
        self.sealed.bytes()
    }
}

/// Who wrote what counts for nothing, each once.
pub(super) fn authors(refused: &[RefusedSibling]) -> BTreeSet<String> {
    refused.iter().map(|sibling| sibling.manifest().author.name.to_string()).collect()
}

/// Puts the one to show first and takes out what another one follows, which is handed over beside them: first is one that
/// lives, else one that says where the secret moved, else the newest.
fn in_order(mut members: Vec<SealedFile>) -> (Vec<SealedFile>, Vec<SealedFile>) {
    let named = Named::by(members.iter().map(SealedFile::manifest));
    let followed = members.extract_if(.., |member| named.has(member.hash())).collect();
    members.sort_by_key(|member| {
        let manifest = member.manifest();
        let (life, to) = match &manifest.state {
            manifest::State::Live => (0, None),
            manifest::State::Moved(to) => (1, Some(to.clone())),
            manifest::State::Deleted => (2, None),
        };
        (life, to, Reverse((manifest.revision, member.hash())))
    });
    (members, followed)
}

/// What versions name as what they follow, near or far: to ask about many at once. A version never names itself.
pub(super) struct Named {
    parents: HashSet<Hash>,
    ancestors: HashSet<Short>,
}

impl Named {
    /// What these manifests name.
    pub(super) fn by<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> Self {
        let mut named = Self { parents: HashSet::new(), ancestors: HashSet::new() };
        for manifest in manifests {
            named.parents.extend(&manifest.parents);
            named.ancestors.extend(&manifest.ancestors);
        }
        named
    }

    /// Whether one of them names this version.
    pub(super) fn has(&self, version: Hash) -> bool {
        self.parents.contains(&version) || self.ancestors.contains(&version.short())
    }
}

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

/// Opens versions with one person's keys.
pub struct Opener<'a> {
    /// Who is in the vault.
    pub roster: &'a Roster,
    /// One's keys.
    pub keys: &'a Keys,
    /// Oneself.
    pub me: &'a Me,
}

impl Opener<'_> {
    /// Opens one sealed file that was checked.
    pub(super) fn open_one(&self, file: &str, sealed: &SealedFile) -> Result<Secret, VaultError> {
        let (opened, document) = self.unseal_document(file, sealed)?;
        Ok(Secret {
            document,
            manifest: sealed.manifest().clone(),
            hash: sealed.hash(),
            found_elsewhere: opened.found_elsewhere,
            versions: vec![(sealed.hash(), sealed.manifest().clone())],
            kept_apart: Vec::new(),
            left_over: Vec::new(),
        })
    }

    /// The same for who seals it again, with its file key; a version without siblings.
    pub(super) fn unseal(&self, version: &Version) -> Result<Opened, VaultError> {
        Ok(self.unseal_document(&version.file, &version.sealed)?.0)
    }

    fn unseal_document(&self, file: &str, sealed: &SealedFile) -> Result<(Opened, Document), VaultError> {
        let manifest = sealed.manifest();
        let file = || file.to_owned();
        let opened = sealed.open(&self.keys.identities, &self.own_stanzas(manifest)).map_err(|source| {
            if matches!(source, SealError::NotAReader) {
                let readers: Vec<_> = manifest.readers.iter().map(|r| r.name.to_string()).collect();
                let (name, readers) = (manifest.path.to_string(), readers.join(", "));
                return VaultError::NotAReader { name, readers, has_part: false };
            }
            VaultError::Sealed { file: file(), source }
        })?;
        let document =
            codec::decode(&opened.plaintext).map_err(|source| VaultError::Document { file: file(), source })?;
        check_agreement(&document, manifest)
            .map_err(|what| VaultError::Inconsistent { file: file(), what: Wrong::Document(what) })?;
        Ok((opened, document))
    }

    /// Where one's own stanza stands: after those of the readers before, at one's own device.
    fn own_stanzas(&self, manifest: &Manifest) -> Vec<usize> {
        let mut before = 0;
        for reader in &manifest.readers {
            let devices = self.roster.devices(reader).unwrap_or_default();
            // It may be sealed to an earlier card of one's own, where this device has another place.
            if let Some(place) = devices.iter().position(|device| device.recipient == self.me.recipient) {
                return vec![before + place];
            }
            before += devices.len();
        }
        Vec::new()
    }
}

/// The document repeats what the manifest says, so that nobody can cut a manifest off and put on another.
fn check_agreement(document: &Document, manifest: &Manifest) -> Result<(), &'static str> {
    if document.vault != manifest.vault {
        return Err("its document belongs to another vault");
    }
    if document.id != manifest.id {
        return Err("its document has another id");
    }
    if document.path != manifest.path {
        return Err("its document belongs to another name");
    }
    if document.state() != manifest.state {
        return Err("its document and its manifest disagree on whether it lives");
    }
    if read::secret_values(document) != manifest.values {
        return Err("its document and its manifest disagree on the values");
    }
    Ok(())
}
