//! Groups: names for several members, which grants and shares may use.

use std::collections::BTreeSet;

use super::amend::{Amendment, Step};
use super::share::shown;
use super::write::How;
use super::{Vault, VaultError};
use crate::model::names::{GroupName, MemberName};
use crate::model::roster::{Holder, Member, Operation, Refusal};

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, without the `@`.
    pub name: String,
    /// Its living members.
    pub members: Vec<String>,
    /// Where grants name it; `/` is the root.
    pub grants: Vec<String>,
}

/// What is to become of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// It has exactly these members; it is made where there is none.
    Set(Vec<MemberName>),
    /// These come in.
    Add(Vec<MemberName>),
    /// These go out.
    Remove(Vec<MemberName>),
    /// It ends. Its name is never used again.
    End,
}

impl Vault {
    /// All groups, by name. No key is needed.
    pub fn groups(&self) -> Vec<Group> {
        let state = self.roster().state();
        let group = |name: &GroupName| {
            let holder = Holder::Group(name.clone());
            let grants = state.grants().filter(|(_, holders)| holders.contains(&holder));
            Group {
                name: name.to_string(),
                members: state.group(name).unwrap_or_default().iter().map(ToString::to_string).collect(),
                grants: grants.map(|(place, _)| shown(place)).collect(),
            }
        };
        state.groups().map(|(name, _)| group(name)).collect()
    }

    /// Works out a change of a group. Where it is so already, what still waits to be sealed is all that remains. Nothing
    /// is written.
    pub fn group(&self, name: &GroupName, change: &GroupChange, how: &How) -> Result<Amendment, VaultError> {
        let there = self.living_group(name);
        let (before, after) = match change {
            GroupChange::Set(members) => (there.ok(), members.iter().cloned().collect()),
            GroupChange::Add(members) => {
                let before = there?;
                (Some(before.clone()), before.into_iter().chain(members.iter().cloned()).collect())
            }
            GroupChange::Remove(members) => {
                let before = there?;
                let after = before.iter().filter(|name| !members.contains(name)).cloned().collect();
                members.iter().try_for_each(|name| self.living_member(name).map(|_| ()))?;
                if BTreeSet::is_empty(&after) {
                    return Err(VaultError::EmptyGroup(name.to_string()));
                }
                (Some(before), after)
            }
            // A killed run may have ended it already.
            GroupChange::End if there.is_err() && self.has_ended(name)? => return self.amendment(Vec::new(), how),
            GroupChange::End => (Some(there?), BTreeSet::new()),
        };
        let members = after.iter().map(|name| self.living_member(name).map(Member::reference));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        if before.as_ref() == Some(&after) && *change != GroupChange::End {
            return self.amendment(Vec::new(), how);
        }
        let operation = Operation::Group { group: name.clone(), members, live: Vec::new() };
        let amendment = self.amendment(vec![Step::from(operation)], how)?;
        self.check_sealable(&amendment)?;
        Ok(amendment)
    }

    fn has_ended(&self, name: &GroupName) -> Result<bool, VaultError> {
        let end = Operation::Group { group: name.clone(), members: Vec::new(), live: Vec::new() };
        let refused = self.roster().after(&end, self.admin("group")?.reference.card).err();
        Ok(matches!(refused, Some(Refusal::GroupEnded(_))))
    }
}
