//! Somebody leaves: one entry takes them out, and what they could read gets new file keys, as one commit.
//!
//! What they have read they have read: which values to change is not said here.

use super::amend::{Amendment, Step};
use super::share::no_such_member;
use super::write::How;
use super::{Vault, VaultError};
use crate::model::card::Kind;
use crate::model::names::{GroupName, MemberName};
use crate::model::roster::{Member, Operation, Role};

/// Somebody's departure, worked out and not yet made.
pub struct Departure {
    /// Who leaves.
    pub name: MemberName,
    /// What they are; `None` where they were taken out already, and what is left is finished.
    pub was: Option<(Role, Kind)>,
    /// Living members whom they had let in.
    pub admitted: Vec<MemberName>,
    /// Machines whose present identity they have had in their hands, and which keep it.
    pub kept: Vec<MemberName>,
    /// Groups that they are in.
    pub groups: Vec<GroupName>,
    /// Their removal was seen elsewhere, and is not in this branch.
    pub gone_elsewhere: bool,
    /// The roster's change, and which secrets are sealed again.
    pub amendment: Amendment,
}

impl Vault {
    /// Works out what it means that a member leaves; `keep` are machines that may keep an identity which they have had in
    /// their hands. Nothing is written.
    pub fn departure(&self, name: &MemberName, keep: &[MemberName], how: &How) -> Result<Departure, VaultError> {
        self.admin("take somebody out")?;
        let state = self.roster().state();
        if let Some(unknown) = keep.iter().find(|machine| state.named(machine).is_none()) {
            return Err(no_such_member(unknown, self.roster()));
        }
        let request = self.request_file(name)?;
        let Some(member) = state.named(name) else {
            if !state.cards().any(|(_, known)| known.card.name == *name) {
                return Err(no_such_member(name, self.roster()));
            }
            // Taken out before: what a killed run left, or what oneself could not open then.
            let mut amendment = self.amendment(Vec::new(), how)?;
            amendment.narrow(|pending| pending.losses.iter().any(|loser| loser == name.as_str()));
            request.into_iter().for_each(|file| amendment.take_away(file));
            return Ok(Departure {
                name: name.clone(),
                was: None,
                admitted: Vec::new(),
                kept: Vec::new(),
                groups: Vec::new(),
                gone_elsewhere: false,
                amendment,
            });
        };
        let made = self.machines_of(name);
        let open: Vec<_> = made.iter().filter(|machine| !keep.contains(machine)).map(ToString::to_string).collect();
        let leaves = Operation::Remove { member: member.reference(), live: Vec::new() };
        let mut amendment = self.amendment(vec![Step::from(leaves)], how)?;
        if !open.is_empty() {
            return Err(VaultError::MachinesOf { name: name.to_string(), machines: open });
        }
        request.into_iter().for_each(|file| amendment.take_away(file));
        let by = |member: &&Member| member.admitted_by.as_ref() == Some(name);
        Ok(Departure {
            name: name.clone(),
            was: Some((member.role, member.card.kind)),
            admitted: state.members().filter(by).map(|member| member.card.name.clone()).collect(),
            kept: made,
            groups: state.groups().filter(|(_, names)| names.contains(name)).map(|(group, _)| group.clone()).collect(),
            gone_elsewhere: self.gone.contains(name),
            amendment,
        })
    }

    /// Machines of which somebody brought a device: the identity was in their hands.
    fn machines_of(&self, name: &MemberName) -> Vec<MemberName> {
        let state = self.roster().state();
        let is_theirs =
            |member: &&Member| member.card.name != *name && self.roster().makers(&member.reference()).contains(name);
        state.members().filter(is_theirs).map(|member| member.card.name.clone()).collect()
    }
}
