//! `share` and `unshare`: one secret, for somebody whom no grant names.
//!
//! A writer who reads the secret says so in its manifest; the roster stays as it is. What a grant gives is not taken
//! here: that takes an admin.

use super::amend::Amendment;
use super::write::{How, random};
use super::{Vault, VaultError};
use crate::model::manifest::State as Life;
use crate::model::names::{GroupName, MemberName, SecretPath, Subject};
use crate::model::roster::{Holder, Member, Roster, State};
use crate::model::shares::Shares;
use crate::model::suggest::suggest;

/// What sharing would do.
pub struct Sharing {
    /// The secret, sealed for its new readers.
    pub amendment: Amendment,
    /// What was so already and stays.
    pub settled: Vec<String>,
    /// Whether the shares change at all.
    pub changes: bool,
}

impl Vault {
    /// Works out what it means to share a secret with these (`yes`), or to take it back. Nothing is written.
    pub fn sharing(
        &self,
        path: &SecretPath,
        subjects: &[Subject],
        yes: bool,
        how: &How,
    ) -> Result<Sharing, VaultError> {
        self.check_no_journal(path)?;
        let (me, _) = self.author()?;
        let shares = self.shares_of(path)?;
        let mut wanted = shares.clone();
        let mut settled = Vec::new();
        for subject in subjects {
            match self.so_already(path, &wanted, subject, yes)? {
                Some(note) => settled.push(note),
                None => wanted.put(subject.clone(), yes, me.reference.name.clone(), how.now, random()),
            }
        }
        if !wanted.fits() {
            return Err(VaultError::TooManyShares(path.to_string()));
        }
        // Who reads it by a share alone shares it no further.
        if !self.under().readers(path, &Shares::default()).iter().any(|member| member.card.name == me.reference.name) {
            return Err(VaultError::WouldNotRead(path.to_string()));
        }
        let changes = wanted != shares;
        let mut amendment =
            self.amendment_with(Vec::new(), Some(std::slice::from_ref(path)), &|_, _| wanted.clone(), how)?;
        if !changes && let Some((file, bytes)) = self.unsettled(path)? {
            // A killed run came no further than the file.
            amendment.take_along(file, bytes);
        }
        Ok(Sharing { amendment, settled, changes })
    }

    /// The shares of a living secret that oneself can open and that has one version here.
    fn shares_of(&self, path: &SecretPath) -> Result<Shares, VaultError> {
        let Some(version) = self.current_by_name(path)? else {
            let is_folder = self.has_living_below(path, None)?;
            return Err(if is_folder { VaultError::NotOneSecret(path.to_string()) } else { self.unknown(path) });
        };
        match &version.manifest().state {
            Life::Live => {}
            Life::Deleted => return Err(VaultError::Deleted { name: path.to_string(), bare: false }),
            Life::Moved(to) => return Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
        match self.basis(path)? {
            Some(basis) if basis.note.is_some() => Err(VaultError::NotJoined(path.to_string())),
            _ => Ok(version.shares()),
        }
    }

    /// Why nothing has to be written about one of them.
    fn so_already(
        &self,
        path: &SecretPath,
        shares: &Shares,
        subject: &Subject,
        yes: bool,
    ) -> Result<Option<String>, VaultError> {
        let state = self.roster().state();
        let is_shared = shares.is_shared(subject);
        if yes || !is_shared {
            // Who has left may still be taken out.
            self.known(subject)?;
        }
        let granted = by_grant(state, path, subject);
        if yes {
            return Ok(match granted {
                Some((place, holder)) => {
                    let of = if holder == subject.to_string() { String::new() } else { format!(" to {holder}") };
                    Some(format!("{subject} reads {path} already, by the grant{of} at {place}"))
                }
                None => is_shared.then(|| format!("{path} is shared with {subject} already")),
            });
        }
        if let Some((place, holder)) = granted {
            let (name, subject) = (path.to_string(), subject.to_string());
            return Err(VaultError::ReadsByGrant { name, subject, holder, place });
        }
        let named = |name: &MemberName| state.named(name);
        let through = |member: &Member| {
            let holders = shares.holders();
            holders.into_iter().find(|h| matches!(h, Holder::Group(_)) && state.holds(h, member))
        };
        if let Subject::Member(name) = subject
            && let Some(group) = named(name).and_then(through)
        {
            let (name, subject) = (path.to_string(), subject.to_string());
            return Err(VaultError::ReadsByShare { name, subject, group: group.to_string() });
        }
        Ok((!is_shared).then(|| format!("{path} is not shared with {subject}")))
    }

    /// A living member or group, or which ones look like it.
    pub(super) fn known(&self, subject: &Subject) -> Result<(), VaultError> {
        match subject {
            Subject::Member(name) => self.living_member(name).map(|_| ()),
            Subject::Group(name) => self.living_group(name).map(|_| ()),
        }
    }

    /// A living member, or which ones look like it.
    pub fn living_member(&self, name: &MemberName) -> Result<&Member, VaultError> {
        self.roster().named(name).ok_or_else(|| no_such_member(name, self.roster()))
    }

    /// The living members of a group, or which groups look like it.
    pub(super) fn living_group(&self, name: &GroupName) -> Result<std::collections::BTreeSet<MemberName>, VaultError> {
        let state = self.roster().state();
        state.group(name).ok_or_else(|| {
            let known = state.groups().map(|(group, _)| group.as_str());
            let similar = suggest(name.as_str(), known).into_iter().map(|group| format!("@{group}")).collect();
            VaultError::NoSuchGroup { name: name.to_string(), similar }
        })
    }
}

/// The grant by which somebody reads a secret: where it is, and whom of them it names. A group reads only where it is
/// named itself: who comes into it later would not read because all who are in it now do.
pub(super) fn by_grant(state: &State, path: &SecretPath, subject: &Subject) -> Option<(String, String)> {
    let (place, holders) = state.grant_for(path.as_str());
    let holder = match subject {
        Subject::Member(name) => {
            let member = state.named(name)?;
            holders.iter().find(|holder| state.holds(holder, member))
        }
        Subject::Group(group) => holders.get(&Holder::Group(group.clone())),
    }?;
    Some((shown(place), holder.to_string()))
}

/// "There is no such member", with names that look like it.
pub(super) fn no_such_member(name: &MemberName, roster: &Roster) -> VaultError {
    let known = roster.members().map(|member| member.card.name.as_str());
    let similar = suggest(name.as_str(), known).into_iter().map(ToOwned::to_owned).collect();
    VaultError::NoSuchMember { name: name.to_string(), similar }
}

/// A grant's place as people write it.
pub(super) fn shown(place: &str) -> String {
    if place.is_empty() { "/".to_owned() } else { place.to_owned() }
}
