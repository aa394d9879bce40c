//! The exposure ledger of a vault: what somebody who may not read it now could read, and what has not been changed since.
//!
//! It needs no key: every version's manifest says whom it was sealed to and names the writes of its secret fields. A key
//! adds the names of the fields. Nothing is written but a cache in the state folder.

mod cache;
mod past;

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use past::Found;
use rayon::prelude::*;

use super::check::{Verified, check};
use super::read::BATCH;
use super::share::no_such_member;
use super::{Vault, VaultError, sealed};
use crate::home::Home;
use crate::model::bytes::{Hash, Short, WriteName};
use crate::model::card::Card;
use crate::model::document::Document;
use crate::model::exposure::{Exposed, Past, Versions};
use crate::model::keys::record::Retired;
use crate::model::manifest::{MemberRef, State as Life};
use crate::model::names::{FieldName, MemberName, SecretPath};
use crate::model::register::{Key, Write};
use crate::model::roster::{Holder, Member, Role, Roster};
use crate::model::time::Time;
use crate::repo::{ObjectId, Repo};

/// By version: its blob, and the first commit that has it.
type Places = HashMap<Hash, (ObjectId, ObjectId)>;

/// Where a ledger is worked out, and under which roster.
pub struct Place<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// This machine, for its caches, where it has any.
    pub home: Option<&'a Home>,
    /// The vault's folder, from the top.
    pub root: &'a str,
    /// Who is in.
    pub roster: &'a Roster,
    /// Members whose removal was seen elsewhere.
    pub gone: &'a BTreeSet<MemberName>,
    /// Values that a present version has no more, and that may still work: keys that a provider issued and has not
    /// been seen to be without. It takes a key to know them; without one there are none.
    pub outlived: &'a dyn Fn(&SecretPath, ObjectId) -> Vec<Short>,
    /// Earlier writes that held what a present one of the same field holds (it was picked among several, or restored), each
    /// with that one. It takes a key to know them; without one there are none.
    pub repeated: &'a Repeated<'a>,
}

/// Of a version, earlier writes and the present ones that hold the same.
pub type Repeated<'a> = dyn Fn(&SecretPath, ObjectId, &Earlier<'_>) -> Vec<(Short, Short)> + 'a;

/// Where versions are that had one of these values: their names then, and their blobs.
pub type Earlier<'a> = dyn Fn(&[Short]) -> Vec<(SecretPath, ObjectId)> + 'a;

/// How far a ledger goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// Every branch that this clone has counts, not only HEAD.
    pub branches: bool,
    /// What was sealed to devices counts that are not on their member's card any more: lost ones.
    pub devices: bool,
}

/// Something that somebody could read and may not read any more, and that is still in use.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// Who.
    pub member: MemberName,
    /// Whether they live in the roster.
    pub is_member: bool,
    /// The secret, by its present name.
    pub path: SecretPath,
    /// Machines whose identities they may have had in their hands, where it was sealed to those.
    pub through: Vec<MemberName>,
    /// Whether a version was sealed to themselves.
    pub own: bool,
    /// How many of the present values they could read.
    pub known: usize,
    /// How many values the secret has.
    pub total: usize,
    /// How many of them are keys that were replaced, and that their provider has not been seen to be without.
    pub outlived: usize,
    /// Their fields, where a key opens it.
    pub fields: Option<Vec<FieldName>>,
    /// Since when, by the author's clock.
    pub since: Time,
    /// Until when; `None` where the present version is still sealed to them, or to such a machine.
    pub until: Option<Time>,
    /// The number of the newest version that they could read.
    pub revision: u64,
    /// The commit that brought it, in hex.
    pub commit: String,
    values: BTreeSet<Short>,
    blob: ObjectId,
}

/// What the history did not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// It was cut off (a shallow clone).
    pub shallow: bool,
    /// Files and commits whose contents are not here (a partial clone).
    pub missing: usize,
    /// Versions that others follow and that no commit has: squashed, or never committed.
    pub unseen: usize,
}

impl Exposure {
    /// Whether it is about this write.
    pub fn knows(&self, write: &Write) -> bool {
        write.is_secret() && self.values.contains(&write.name().short())
    }
}

impl Gaps {
    /// Whether this clone has less of the history than there is.
    pub fn is_incomplete(&self) -> bool {
        self.shallow || self.missing > 0
    }
}

/// The ledger.
#[derive(Debug, Default)]
pub struct Exposures {
    /// By member, then by secret.
    pub list: Vec<Exposure>,
    /// Secrets that were deleted with values that somebody could read: the vault cannot tell whether those still work
    /// somewhere.
    pub deleted: Vec<(MemberName, SecretPath)>,
    /// What the history did not have.
    pub gaps: Gaps,
}

impl Place<'_> {
    /// Whether nobody but the founder was ever in.
    fn is_one_persons(&self) -> bool {
        self.roster.state().cards().nth(1).is_none()
    }

    /// Each vault of each clone has a cache of its own.
    fn clone_key(&self) -> PathBuf {
        self.repo.common_dir().join(self.root)
    }

    /// The ledger of everything that can be reached from these commits, of which the first is the one that is checked
    /// out; of one member, or of all. With `devices` lost devices count, too.
    ///
    /// # Errors
    /// Those of reading the repository; not what a clone does not have, which is counted.
    pub fn exposures(
        &self,
        tips: &[ObjectId],
        who: Option<&MemberName>,
        devices: bool,
    ) -> Result<Exposures, VaultError> {
        if tips.is_empty() || self.is_one_persons() {
            return Ok(Exposures::default());
        }
        let (found, mut gaps) = past::read(self, tips)?;
        let places: Places = found.iter().map(|one| (one.version.hash, (one.blob, one.commit))).collect();
        let versions: Versions = found.into_iter().map(|Found { version, .. }| version).collect();
        if !gaps.shallow {
            gaps.unseen = versions.unseen();
        }
        let mut ledger = Exposures { gaps, ..Exposures::default() };
        for (head, shares) in self.present(&versions, &places, tips)? {
            self.judge(&versions, &places, head, &shares, devices, &mut ledger);
        }
        if let Some(who) = who {
            ledger.list.retain(|one| one.member == *who);
            ledger.deleted.retain(|(member, _)| member == who);
        }
        // Of two present versions of one secret the one that says more.
        ledger.list.sort_by(|a, b| (&a.member, &a.path, b.known).cmp(&(&b.member, &b.path, a.known)));
        ledger.list.dedup_by(|later, first| (&later.member, &later.path) == (&first.member, &first.path));
        ledger.deleted.sort();
        ledger.deleted.dedup();
        Ok(ledger)
    }

    /// The versions that count now, each with whom it is shared with: what no other one follows, and what the first
    /// commit has where that is something else (an old file that was put back, a merge that dropped a side).
    fn present<'v>(
        &self,
        versions: &'v Versions,
        places: &Places,
        tips: &[ObjectId],
    ) -> Result<Vec<(&'v Past, Vec<Holder>)>, VaultError> {
        let known = self.home.map(|home| home.verified_manifests(self.roster.vault));
        let verified = Verified::new(known.unwrap_or_default());
        let mut shares: HashMap<Hash, Vec<Holder>> = HashMap::new();
        let (roster, root) = (self.roster, self.root);
        let judge = |path: &SecretPath, bytes: Vec<u8>| -> Option<Vec<Holder>> {
            let file = format!("{root}/{}", path.file());
            check(roster, &file, path, bytes, Some(&verified)).ok().map(|one| one.shares().holders())
        };
        // A file of many siblings is judged once, not once for each of them; what will be asked for most likely, on all cores.
        let mut judged: HashMap<(ObjectId, SecretPath), Option<Vec<Holder>>> = HashMap::new();
        let leaves = versions.leaves().filter_map(|leaf| Some((places.get(&leaf.hash)?.0, &leaf.path)));
        let leaves: Vec<_> = leaves.collect();
        for some in leaves.chunks(BATCH) {
            let read = some.iter().map(|(blob, path)| Ok(((*blob, *path), sealed::bytes_or_none(self.repo, *blob)?)));
            let read = read.collect::<Result<Vec<_>, VaultError>>()?.into_par_iter();
            judged.par_extend(read.map(|((blob, path), bytes)| ((blob, path.clone()), judge(path, bytes))));
        }
        let mut good = |version: &Past| -> Result<bool, VaultError> {
            let Some((blob, _)) = places.get(&version.hash) else { return Ok(false) };
            let holders = match judged.entry((*blob, version.path.clone())) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(judge(&version.path, sealed::bytes_or_none(self.repo, *blob)?)),
            };
            let Some(holders) = holders else { return Ok(false) };
            shares.insert(version.hash, holders.clone());
            Ok(true)
        };
        let mut present = versions.heads(&mut good)?;
        let heads: HashSet<Hash> = present.iter().map(|head| head.hash).collect();
        let by_blob: HashMap<ObjectId, Hash> = places.iter().map(|(hash, (blob, _))| (*blob, *hash)).collect();
        if let Some(tip) = tips.first() {
            for (_, _, blob) in sealed::list_at(self.repo, *tip, self.root)? {
                let version = by_blob.get(&blob).filter(|hash| !heads.contains(*hash));
                if let Some(version) = version.and_then(|hash| versions.get(*hash))
                    && good(version)?
                {
                    present.push(version);
                }
            }
        }
        if let Some((home, verified)) = self.home.zip(verified.grown()) {
            home.remember_manifests(self.roster.vault, &verified);
        }
        Ok(present.into_iter().map(|head| (head, shares.get(&head.hash).cloned().unwrap_or_default())).collect())
    }

    /// Who could read values of a version and may not read what is at `path`, shared with these.
    fn who(
        &self,
        versions: &Versions,
        version: &Past,
        (path, shares): (&SecretPath, &[Holder]),
        devices: bool,
    ) -> BTreeMap<MemberName, Exposed> {
        let state = self.roster.state();
        let lives = |name: &MemberName| self.living(name);
        let readers = self.roster.readers(path, shares);
        let readers: BTreeSet<&MemberName> = readers.into_iter().map(|member| &member.card.name).collect();
        let reads = |name: &MemberName| readers.contains(name) && lives(name).is_some();
        // A card that this roster does not know is somebody else's, whatever name is on it.
        let now = |reader: &MemberRef| {
            let still = |card: &Card| !devices || has_devices(lives(&reader.name), card);
            reads(&reader.name) && state.known(reader).is_some_and(|known| still(&known.card))
        };
        // An admin is trusted with machines; who was one may have kept what they open with.
        let trusted = |name: &MemberName| reads(name) || lives(name).is_some_and(|member| member.role == Role::Admin);
        let makers = |reader: &MemberRef| -> Vec<MemberName> {
            self.roster.makers(reader).into_iter().filter(|maker| !trusted(maker)).cloned().collect()
        };
        versions.exposed(version, &now, &makers)
    }

    /// A member who lives here, and whose removal was seen nowhere.
    fn living(&self, name: &MemberName) -> Option<&Member> {
        self.roster.state().named(name).filter(|_| !self.gone.contains(name))
    }

    /// Enters who could read values of a present version, or of the one that was deleted.
    fn judge(
        &self,
        versions: &Versions,
        places: &Places,
        head: &Past,
        shares: &[Holder],
        devices: bool,
        ledger: &mut Exposures,
    ) {
        let at = (&head.path, shares);
        match head.state {
            Life::Live => {
                let head = &self.with_outlived(versions, places, head, shares, devices);
                for (member, exposed) in self.who(versions, &head.all, at, devices) {
                    let (Some((blob, _)), Some((_, commit))) = (places.get(&head.all.hash), places.get(&exposed.last))
                    else {
                        continue;
                    };
                    // What was written again is the value that stands there now.
                    let now = |value: &Short| head.repeated.get(value).copied().unwrap_or(*value);
                    let values: BTreeSet<Short> = exposed.values.iter().map(now).collect();
                    ledger.list.push(Exposure {
                        is_member: self.living(&member).is_some(),
                        member,
                        path: head.all.path.clone(),
                        through: exposed.through.into_iter().collect(),
                        own: exposed.own,
                        known: values.len(),
                        total: head.all.values.len().saturating_sub(head.repeated.len()),
                        outlived: values.iter().filter(|value| head.outlived.contains(value)).count(),
                        fields: None,
                        since: exposed.since,
                        until: exposed.until,
                        revision: versions.get(exposed.last).map_or(0, |last| last.revision),
                        commit: commit.to_string(),
                        values,
                        blob: *blob,
                    });
                }
            }
            // What a journal held is in a secret by now, or was revoked at the provider.
            Life::Deleted if head.path.is_journal() => {}
            Life::Deleted => {
                for buried in head.parents.iter().filter_map(|parent| versions.get(*parent)) {
                    let who = self.who(versions, buried, at, devices).into_keys();
                    ledger.deleted.extend(who.map(|member| (member, head.path.clone())));
                }
            }
            Life::Moved(_) => {}
        }
    }
}

/// A present version with the values that outlived it.
struct Head {
    all: Past,
    outlived: Vec<Short>,
    /// Earlier writes of values that are there now.
    repeated: HashMap<Short, Short>,
}

impl Place<'_> {
    /// A secret is opened for it only where somebody could read any of its values who may not read it now.
    fn with_outlived(
        &self,
        versions: &Versions,
        places: &Places,
        head: &Past,
        shares: &[Holder],
        devices: bool,
    ) -> Head {
        let mut ever = head.clone();
        ever.values = versions.values_at(&head.path);
        let was_read = !self.who(versions, &ever, (&head.path, shares), devices).is_empty();
        let blob = places.get(&head.hash).filter(|_| was_read);
        let mut outlived = blob.map(|(blob, _)| (self.outlived)(&head.path, *blob)).unwrap_or_default();
        outlived.retain(|value| !head.values.contains(value));
        let earlier = |values: &[Short]| -> Vec<(SecretPath, ObjectId)> {
            let had = versions.with_any(values);
            let had = had.into_iter().filter_map(|one| Some((one.path.clone(), places.get(&one.hash)?.0)));
            had.collect::<BTreeSet<_>>().into_iter().collect()
        };
        let repeated = blob.map(|(blob, _)| (self.repeated)(&head.path, *blob, &earlier)).unwrap_or_default();
        let is_new = |old: &Short| !head.values.contains(old) && !outlived.contains(old);
        let repeated: HashMap<Short, Short> = repeated.into_iter().filter(|(old, _)| is_new(old)).collect();
        let mut all = head.clone();
        all.values.extend(outlived.iter().chain(repeated.keys()));
        Head { all, outlived, repeated }
    }
}

impl Vault {
    /// The ledger of what HEAD reaches, of one member or of all. No key is needed.
    ///
    /// # Errors
    /// `NoSuchMember` for a name that was never a member's; those of reading the repository.
    pub fn exposures(&self, who: Option<&MemberName>, scope: Scope) -> Result<Exposures, VaultError> {
        if let Some(who) = who.filter(|who| !self.roster().has_known(who)) {
            return Err(no_such_member(who, self.roster()));
        }
        let mut tips: Vec<ObjectId> = self.repo().head()?.commit.into_iter().collect();
        if scope.branches {
            tips.extend(self.repo().branches("")?.into_iter().map(|(_, commit)| commit));
            tips.dedup();
        }
        // Each file is opened once, of however many siblings it is made.
        let (outlived, repeated) = (RefCell::new(HashMap::new()), RefCell::new(HashMap::new()));
        let outlived = |path: &SecretPath, blob: ObjectId| -> Vec<Short> {
            let mut known = outlived.borrow_mut();
            known.entry((path.clone(), blob)).or_insert_with(|| self.outlived(path, blob)).clone()
        };
        let repeated = |path: &SecretPath, blob: ObjectId, earlier: &Earlier<'_>| -> Vec<(Short, Short)> {
            let mut known = repeated.borrow_mut();
            known.entry((path.clone(), blob)).or_insert_with(|| self.repeated(path, blob, earlier)).clone()
        };
        let place = Place { outlived: &outlived, repeated: &repeated, ..self.place() };
        place.exposures(&tips, who, scope.devices)
    }

    fn place(&self) -> Place<'_> {
        let (repo, home, root, roster) = (self.repo(), Some(self.home()), self.root(), self.roster());
        let (outlived, repeated) = (&|_: &SecretPath, _| Vec::new(), &|_: &SecretPath, _, _: &Earlier<'_>| Vec::new());
        Place { repo, home, root, roster, gone: &self.gone, outlived, repeated }
    }

    /// Earlier writes whose values the present version has again by another name, each with that one: as far as one's
    /// key opens both.
    fn repeated(&self, path: &SecretPath, blob: ObjectId, earlier: &Earlier<'_>) -> Vec<(Short, Short)> {
        let Ok(opener) = self.opener() else { return Vec::new() };
        let open =
            |path: &SecretPath, blob| Ok::<_, VaultError>(opener.open(&self.version_of_blob(blob, path)?)?.document);
        let Ok(present) = open(path, blob) else { return Vec::new() };
        let fields = || present.registers().filter(|(key, _)| matches!(key, Key::Field(_)));
        let replaced: Vec<Short> = fields().flat_map(|(_, it)| it.replaced().iter().map(WriteName::short)).collect();
        let mut found = Vec::new();
        for (path, blob) in earlier(&replaced) {
            let Ok(past) = open(&path, blob) else { continue };
            for (key, register) in fields() {
                let old = past.register(key).into_iter().flat_map(|register| register.live());
                for old in old.filter(|write| write.is_secret()) {
                    let same = register.live().find(|now| now.is_secret() && now.value == old.value);
                    found.extend(same.map(|now| (old.name().short(), now.name().short())));
                }
            }
        }
        found.retain(|(old, now)| old != now);
        found
    }

    /// Keys of a version that were replaced, and that their provider has not been seen to be without.
    fn outlived(&self, path: &SecretPath, blob: ObjectId) -> Vec<Short> {
        let opened = self.opener().and_then(|opener| opener.open(&self.version_of_blob(blob, path)?));
        let Ok(secret) = opened else { return Vec::new() };
        let retired = Retired::all_of(&secret.document, secret.manifest.at);
        let may_work = retired.iter().filter(|old| old.standing.may_work());
        may_work.filter_map(|old| WriteName::from_hex(&old.write)).map(|name| name.short()).collect()
    }

    /// Who could read values of an old version and may not read what is at `path`, shared with these: what comes back
    /// with it they know. Nobody, where this clone cannot tell.
    pub(super) fn who_knew(&self, version: Hash, path: &SecretPath, shares: &[Holder]) -> Vec<MemberName> {
        let place = self.place();
        let Ok(Some(head)) = self.repo().head().map(|head| head.commit) else { return Vec::new() };
        if self.repo().is_partial() || place.is_one_persons() {
            return Vec::new();
        }
        let Ok((found, _)) = past::read(&place, &[head]) else { return Vec::new() };
        let versions: Versions = found.into_iter().map(|Found { version, .. }| version).collect();
        let Some(version) = versions.get(version) else { return Vec::new() };
        place.who(&versions, version, (path, shares), false).into_keys().collect()
    }

    /// Fills in the names of the fields, where one's own key opens the secret.
    pub fn name_exposed(&self, ledger: &mut Exposures) {
        let Ok(opener) = self.opener() else { return };
        let mut opened: HashMap<ObjectId, Option<Vec<(Short, FieldName)>>> = HashMap::new();
        for one in &mut ledger.list {
            let names = opened.entry(one.blob).or_insert_with(|| {
                let version = self.version_of_blob(one.blob, &one.path).ok()?;
                Some(secret_fields(&opener.open(&version).ok()?.document))
            });
            let Some(names) = names else { continue };
            let known = names.iter().filter(|(value, _)| one.values.contains(value)).map(|(_, name)| name.clone());
            let known: BTreeSet<FieldName> = known.collect();
            one.fields = Some(known.into_iter().collect());
        }
    }
}

/// Whether a member still has all devices of a card, each with its recipient.
fn has_devices(member: Option<&Member>, card: &Card) -> bool {
    let present = member.map(|member| member.card.devices.as_slice()).unwrap_or_default();
    card.devices.iter().all(|device| present.iter().any(|other| other.recipient == device.recipient))
}

/// The names of live secret writes, with their fields.
fn secret_fields(document: &Document) -> Vec<(Short, FieldName)> {
    let mut names = Vec::new();
    for (key, register) in document.registers() {
        if let Key::Field(name) = key {
            let secret = register.live().filter(|write| write.is_secret());
            names.extend(secret.map(|write| (write.name().short(), name.clone())));
        }
    }
    names
}
