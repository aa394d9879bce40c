//! Two rosters of one vault: the one that contains both.
//!
//! Bytes in, bytes out, for git's merge driver; and `settle`, for `resolve`. No entry of either side is ever left out of
//! what comes of it, so that every pin and every manifest that names one stays good. Who may do what afterwards is
//! decided in `model::roster`.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::amend::next_entry;
use super::super::error::chain;
use super::super::share::shown;
use super::super::write::{How, Report, commit};
use super::super::{Vault, VaultError, root_above, trust, words};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::names::MemberName;
use crate::model::roster::{Holders, MAX_ROSTER, Member, Operation, Role, Roster, embeddable};
use crate::model::time::Time;
use crate::repo::{Change, ObjectId, Repo};
use crate::seal::Signer as _;

/// What two rosters come to.
#[derive(Debug)]
pub struct RosterMerge {
    /// What belongs into the file. In a conflict that is what ours has.
    pub bytes: Vec<u8>,
    /// How they came together.
    pub way: Way,
}

/// How two rosters came together.
#[derive(Debug)]
pub enum Way {
    /// Ours has everything.
    Ours,
    /// Theirs has everything.
    Theirs,
    /// Ours with one more entry, signed by oneself, that embeds what theirs has more.
    Merged(Merged),
    /// Theirs is older than the base, as in `git revert`: a conflict, since ours stays as it is.
    TakesBack,
    /// Both have entries that the other lacks, and oneself cannot merge them: a conflict.
    Diverged {
        /// Why oneself cannot.
        because: String,
        /// Who could: admins on both.
        admins: Vec<MemberName>,
    },
    /// Oneself could merge them, and one branch was extended by somebody who is no admin on the other: a conflict until a
    /// person has looked. Whatever they took would be taken.
    Suspect {
        /// Who.
        by: MemberName,
    },
}

/// What a merge did that a person should know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// How many entries it embeds.
    pub entries: usize,
    /// Lived on our side, and the other one removed them.
    pub removed: Vec<MemberName>,
    /// Had a higher role on our side.
    pub lowered: Vec<(MemberName, Role)>,
    /// Admitted on one branch, or on both, by somebody who was losing the right to on the other: they are not in.
    pub left_out: Vec<MemberName>,
    /// Places below which nobody reads now; the root is empty.
    pub unread: Vec<String>,
    /// Who read on one of the branches what is below these other places, lives, and does not read it any more.
    pub lost: BTreeMap<Vec<MemberName>, Vec<String>>,
}

impl Merged {
    /// What became of two rosters in one that has both.
    fn of(merged: &Roster, ours: &Roster, theirs: &Roster) -> Self {
        let unread = unread(merged);
        Self {
            entries: 0,
            removed: removed(merged, ours, theirs),
            lowered: lowered(merged, ours),
            left_out: left_out(merged, ours, theirs),
            lost: lost(merged, ours, theirs, &unread),
            unread,
        }
    }

    /// What a person should know of members and of places, a line each.
    fn notes(&self) -> Vec<String> {
        let removed = self.removed.iter().map(|name| format!("{name} is out: the other branch removed them"));
        let lowered = self.lowered.iter();
        let lowered = lowered.map(|(name, role)| format!("{name} is {} now, by the other branch", role.with_article()));
        let left_out = self.left_out.iter().map(|name| {
            format!(
                "{name}, whom one branch admitted, is not in: on the other, who admitted them lost the right to, or the name \
                 or a key was taken"
            )
        });
        let unread = self.unread.iter().map(|place| {
            let place = shown(place);
            format!("nobody reads what is below {place} now; name somebody with: covault grant {place} READER...")
        });
        let lost = self.lost.iter().map(|(names, places)| {
            let names = names.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
            let some: Vec<String> = places.iter().take(SHOWN).map(|place| shown(place)).collect();
            let more = match places.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} other places"),
            };
            let first = some.first().map_or("PATH", String::as_str);
            format!(
                "taken by one branch from {names}, who read it on the other: what is below {}{more}; who should read it is \
                 let in again with: covault grant {first} --add NAME",
                some.join(", ")
            )
        });
        removed.chain(lowered).chain(left_out).chain(unread).chain(lost).collect()
    }
}

/// How many places are named of many.
const SHOWN: usize = 5;

impl RosterMerge {
    /// Why a person has to look at it, where it is a conflict. `file` is the roster's.
    pub fn conflict(&self, file: &str) -> Option<VaultError> {
        let file = file.to_owned();
        match &self.way {
            Way::Ours | Way::Theirs | Way::Merged(_) => None,
            Way::TakesBack => Some(VaultError::RosterTakenBack { file }),
            Way::Diverged { because, admins } => {
                let admins = admins.iter().map(ToString::to_string).collect();
                Some(VaultError::RosterDiverged { file, because: because.clone(), admins })
            }
            Way::Suspect { by } => Some(VaultError::RosterSuspect { file, by: by.to_string() }),
        }
    }

    /// What a person should know, a line each.
    pub fn notes(&self) -> Vec<String> {
        let Way::Merged(merged) = &self.way else { return Vec::new() };
        let entries = if merged.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", merged.entries) };
        let mut notes = vec![format!("the roster takes in {entries} of the other branch")];
        notes.extend(merged.notes());
        notes
    }
}

/// Brings two rosters of this vault together; `base` is what both come from, as git has it, and may be anything.
///
/// The same comes out for the same three, but for the time and the signature of a merge.
pub fn rosters(vault: &Vault, base: &[u8], ours: &[u8], theirs: &[u8], now: Time) -> Result<RosterMerge, VaultError> {
    let file = format!("{}/roster.toml", vault.root());
    rosters_of(vault.home(), vault.roster().vault, &file, [base, ours, theirs], now)
}

/// The same for a vault that this machine need not have accepted: base, ours and theirs of `file`.
pub(super) fn rosters_of(
    home: &Home,
    vault: Hash,
    file: &str,
    [base, ours, theirs]: [&[u8]; 3],
    now: Time,
) -> Result<RosterMerge, VaultError> {
    Merging { home, vault, file, is_asked_for: false }.merge(base, ours, theirs, now)
}

/// What a roster is settled with.
#[derive(Debug, Clone, Copy)]
pub enum With<'a> {
    /// The other sides in git's index, where the file is unmerged.
    Index,
    /// The roster of a commit, where it was left out of a merge.
    Commit(&'a str),
}

/// A roster that was settled.
#[derive(Debug)]
pub struct Settled {
    /// How the two came together.
    pub way: Way,
    /// What was written. A vault that was opened before has to be opened again.
    pub report: Report,
}

/// Writes the roster that contains both sides and stages it, in one step; `None` where there is nothing to settle. With a
/// commit's, it is committed as everything else is.
///
/// What waits for a person to look at it ([`Way::Suspect`], [`Way::TakesBack`]) goes on only where `is_asked_for`.
///
/// It needs no vault that can be opened: what lies in the work tree may be anything. What a clone saw of the trunk is not
/// asked, since no entry is lost by this; it is the next time that the vault is opened.
pub fn settle(
    start: &Path,
    home: &Home,
    expected: Option<&str>,
    with: With<'_>,
    is_asked_for: bool,
    how: &How,
) -> Result<Option<Settled>, VaultError> {
    let repo = Repo::discover(start)?;
    let root = root_above(&repo, Some(home), start)?;
    let file = format!("{root}/roster.toml");
    let lock = if how.dry_run { None } else { Some(repo.lock()?) };
    let Some([base, ours, theirs]) = sides(&repo, &file, with)? else { return Ok(None) };
    let id = trust::vault_of(&trust::decode(&file, &ours)?)?;
    let vault = trust::check_vault(&repo, home, &root, (id, &ours), expected.into())
        .map_err(|error| trust::key_first(home.no_identity(), error))?;
    let merging = Merging { home, vault, file: &file, is_asked_for };
    let merge = merging.merge(&base, &ours, &theirs, how.now)?;
    let unmerged = matches!(with, With::Index);
    match merge.conflict(&file) {
        None => {}
        Some(VaultError::RosterTakenBack { .. }) if is_asked_for => {}
        Some(conflict) => return Err(conflict),
    }
    let how = How { no_commit: how.no_commit || unmerged, ..how.clone() };
    let changes = vec![Change::write(file, merge.bytes.as_slice())];
    let message = "covault: merge the rosters of two branches";
    let report = commit(&repo, lock.as_ref().map(Into::into), changes, message, &how, merge.notes())?;
    Ok(Some(Settled { way: merge.way, report }))
}

/// Base, ours and theirs. A side that has no roster any more is no reason to lose the other's.
fn sides(repo: &Repo, file: &str, with: With<'_>) -> Result<Option<[Vec<u8>; 3]>, VaultError> {
    let blob = |id| trust::roster_bytes(repo, id, file);
    let [base, ours, theirs] = match with {
        With::Index => {
            let [base, ours, theirs] = repo.stages(file)?;
            // What both come from may be anything.
            [base.and_then(|id| blob(id).ok()), ours.map(blob).transpose()?, theirs.map(blob).transpose()?]
        }
        With::Commit(rev) => {
            let theirs =
                repo.blob_at(repo.resolve(rev)?, file)?.ok_or_else(|| VaultError::NoVaultAt(rev.to_owned()))?;
            let ours = repo.read_work(file, MAX_ROSTER as u64)?.ok_or(VaultError::NoVault)?;
            [None, Some(ours), Some(blob(theirs)?)]
        }
    };
    let (Some(ours), Some(theirs)) = (ours.as_ref().or(theirs.as_ref()), theirs.as_ref().or(ours.as_ref())) else {
        return Ok(None);
    };
    Ok(Some([base.unwrap_or_default(), ours.clone(), theirs.clone()]))
}

/// Whose rosters are brought together.
struct Merging<'a> {
    home: &'a Home,
    /// The vault that was accepted.
    vault: Hash,
    /// The roster's file, from the top.
    file: &'a str,
    /// A person asked for just this, and is told what it does.
    is_asked_for: bool,
}

impl Merging<'_> {
    fn merge(&self, base: &[u8], ours: &[u8], theirs: &[u8], now: Time) -> Result<RosterMerge, VaultError> {
        let (our_roster, their_roster) = (self.read("our side", ours)?, self.read("the other side", theirs)?);
        let took = |bytes: &[u8], way| Ok(RosterMerge { bytes: bytes.to_vec(), way });
        if our_roster.head == their_roster.head {
            // Two of somebody's devices may have signed the same entry: everybody is to keep the same one.
            return if ours <= theirs { took(ours, Way::Ours) } else { took(theirs, Way::Theirs) };
        }
        if their_roster.has(our_roster.head) {
            return took(theirs, Way::Theirs);
        }
        if self.takes_back(base, &their_roster) {
            return took(ours, Way::TakesBack);
        }
        if our_roster.has(their_roster.head) {
            return took(ours, Way::Ours);
        }
        self.embed(ours, &our_roster, theirs, &their_roster, now)
    }

    /// One side, fully verified, and of this vault.
    fn read(&self, side: &str, bytes: &[u8]) -> Result<Roster, VaultError> {
        let file = format!("{} at {side}", self.file);
        let roster = trust::verified_cached(self.home, &file, bytes)?;
        if roster.vault == self.vault {
            return Ok(roster);
        }
        Err(VaultError::OtherVault { file, found: words(roster.vault), expected: words(self.vault) })
    }

    /// Whether theirs is an earlier state of the base. A base that is no roster of this vault says nothing.
    fn takes_back(&self, base: &[u8], theirs: &Roster) -> bool {
        self.read("the base", base).is_ok_and(|base| base.head != theirs.head && base.has(theirs.head))
    }

    /// Ours with a `merge` entry, where oneself may sign one.
    fn embed(
        &self,
        ours: &[u8],
        our_roster: &Roster,
        theirs: &[u8],
        their_roster: &Roster,
        now: Time,
    ) -> Result<RosterMerge, VaultError> {
        let diverged = |because: String| {
            let admins = our_roster.admins_with(their_roster).map(|admin| admin.card.name.clone()).collect();
            Ok(RosterMerge { bytes: ours.to_vec(), way: Way::Diverged { because, admins } })
        };
        let signer = match self.home.signer() {
            Ok(Some(signer)) => signer,
            Ok(None) => return diverged("there is no signing key on this machine".to_owned()),
            Err(error) => return diverged(chain(&error)),
        };
        let public = signer.public();
        let has_key = |key: &crate::model::card::SigningPublic| *key == public;
        // The card that signs is the present one on our side.
        let me = our_roster.admins_with(their_roster).find(|admin| admin.card.signing_keys().any(has_key));
        let Some(me) = me else {
            return diverged("your signing key is on no card of somebody who is an admin on both".to_owned());
        };
        let their_entries = trust::decode(self.file, theirs)?;
        if !self.is_asked_for {
            let theirs = their_roster.extended_without_right(our_roster);
            if let Some(by) = theirs.or_else(|| our_roster.extended_without_right(their_roster)) {
                return Ok(RosterMerge { bytes: ours.to_vec(), way: Way::Suspect { by: by.clone() } });
            }
        }
        let entries = embeddable(our_roster, &their_entries);
        let count = entries.len();
        let operation = Operation::Merge { entries };
        our_roster.after(&operation, me.hash).map_err(VaultError::Refused)?;
        let entry = match next_entry(&signer, our_roster, me.hash, operation, now) {
            Ok(entry) => entry,
            Err(error) => return diverged(chain(&error)),
        };
        let bytes = [ours, b"\n", entry.text().as_bytes()].concat();
        // What we hand out is read as anybody will read it.
        let roster = self.read("the merge", &bytes)?;
        if !roster.has(our_roster.head) || !roster.has(their_roster.head) {
            return Err(VaultError::RosterChanged);
        }
        let merged = Merged::of(&roster, our_roster, their_roster);
        Ok(RosterMerge { bytes, way: Way::Merged(Merged { entries: count, ..merged }) })
    }
}

/// Who lives on our side, and is known on the other and does not live there.
fn removed(merged: &Roster, ours: &Roster, theirs: &Roster) -> Vec<MemberName> {
    let names = ours.members().map(|member| &member.card.name);
    let is_dead = |name: &&MemberName| theirs.state().cards().any(|(_, known)| known.card.name == **name);
    names.filter(|name| merged.named(name).is_none() && theirs.named(name).is_none()).filter(is_dead).cloned().collect()
}

/// Who has a lower role than on our side, and which.
fn lowered(merged: &Roster, ours: &Roster) -> Vec<(MemberName, Role)> {
    let both = ours.members().filter_map(|member| Some((member, merged.named(&member.card.name)?)));
    both.filter(|(before, now)| now.role < before.role).map(|(_, now)| (now.card.name.clone(), now.role)).collect()
}

/// Who lives on one side, lives on the other or was never known there, and does not live after the merge.
fn left_out(merged: &Roster, ours: &Roster, theirs: &Roster) -> Vec<MemberName> {
    let beside = |one: &Roster, other: &Roster| -> Vec<MemberName> {
        let is_dead =
            |member: &Member| other.admitted(&member.reference()).is_some() && other.member(member.hash).is_none();
        let out = one.members().filter(|member| merged.member(member.hash).is_none() && !is_dead(member));
        out.map(|member| member.card.name.clone()).collect()
    };
    let mut names = beside(ours, theirs);
    names.extend(beside(theirs, ours));
    names.sort_unstable();
    names.dedup();
    names
}

/// Who read on one of the branches what a grant decides about, and does not read it any more, though they live. Places
/// that are `unread` are left out: there it is everybody.
fn lost(merged: &Roster, ours: &Roster, theirs: &Roster, unread: &[String]) -> BTreeMap<Vec<MemberName>, Vec<String>> {
    let reads = |roster: &Roster, name: &MemberName, path: &str| {
        let (state, member) = (roster.state(), roster.named(name));
        member.is_some_and(|member| state.grant_for(path).1.iter().any(|holder| state.holds(holder, member)))
    };
    let mut lost: BTreeMap<Vec<MemberName>, Vec<String>> = BTreeMap::new();
    for (path, _) in merged.state().grants().filter(|(path, _)| !unread.iter().any(|place| place == path)) {
        let names = merged.members().map(|member| &member.card.name);
        let names = names.filter(|name| !reads(merged, name, path));
        let mut names: Vec<MemberName> =
            names.filter(|name| reads(ours, name, path) || reads(theirs, name, path)).cloned().collect();
        names.sort_unstable();
        if !names.is_empty() {
            lost.entry(names).or_default().push(path.to_owned());
        }
    }
    lost
}

/// What a merge of `ours` and `theirs` that git made, and that our driver signed, did to members and places: git keeps
/// to itself what its driver says. Nothing where the roster `now` is one of the two.
pub(in crate::vault) fn notes_of_merge(
    repo: &Repo,
    home: &Home,
    file: &str,
    [ours, theirs, now]: [ObjectId; 3],
) -> Result<Vec<String>, VaultError> {
    let read = |commit: ObjectId| -> Result<Option<Roster>, VaultError> {
        let Some(blob) = repo.blob_at(commit, file)? else { return Ok(None) };
        Ok(trust::verified_cached(home, file, &trust::roster_bytes(repo, blob, file)?).ok())
    };
    let (Some(ours), Some(theirs), Some(now)) = (read(ours)?, read(theirs)?, read(now)?) else { return Ok(Vec::new()) };
    let is_of_both = [&ours, &theirs].iter().all(|side| now.head != side.head && now.has(side.head));
    Ok(if is_of_both { Merged::of(&now, &ours, &theirs).notes() } else { Vec::new() })
}

/// Places with a grant that names nobody who lives.
fn unread(merged: &Roster) -> Vec<String> {
    let state = merged.state();
    let reads =
        |holders: &Holders| holders.iter().any(|holder| state.members().any(|member| state.holds(holder, member)));
    state.grants().filter(|(_, holders)| !reads(holders)).map(|(path, _)| path.to_owned()).collect()
}
