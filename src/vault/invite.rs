//! Inviting somebody: one line with the vault to trust and a token to answer with.
//!
//! Nothing is written to the repository; the token stays on this machine.

use zeroize::Zeroizing;

use super::write::{How, random};
use super::{Vault, VaultError};
use crate::home::KeptInvite;
use crate::model::bytes::Hash;
use crate::model::invite::{Invite, Token};
use crate::model::names::{GroupName, MemberName};
use crate::model::roster::{self, MAX_ROSTER, Refusal};

/// An invite that was made.
pub struct Invited {
    /// The line for chat.
    pub line: Zeroizing<String>,
    /// The invited name is a member's: it is for another machine of theirs.
    pub is_member: bool,
    /// An earlier invite for this name ended.
    pub replaced: bool,
    /// Groups that do not exist yet.
    pub new_groups: Vec<GroupName>,
}

impl Vault {
    /// Makes an invite and keeps its token.
    pub fn invite(&self, name: &MemberName, groups: &[GroupName], how: &How) -> Result<Invited, VaultError> {
        self.admin("invite somebody")?;
        let state = self.roster().state();
        let is_member = state.named(name).is_some();
        if !is_member && state.cards().any(|(_, known)| known.card.name == *name) {
            return Err(VaultError::Refused(Refusal::NameUsed(name.clone())));
        }
        let new_groups = self.new_groups(groups)?;
        let (seq, head) = self.published_head()?;
        let token = Token::new(random());
        let vault = self.roster().vault;
        let vault_name = self.roster().name.clone();
        let invite = Invite { vault, seq, head, token: token.clone(), name: name.clone(), vault_name };
        let line = invite.to_line().map_err(VaultError::Invite)?;
        let replaced = self.home().invite(vault, name).is_ok_and(|kept| kept.is_some());
        if !how.dry_run {
            let kept = KeptInvite { token, groups: groups.to_vec(), at: how.now };
            self.home().keep_invite(vault, name, &kept)?;
        }
        Ok(Invited { line, is_member, replaced, new_groups })
    }

    /// Those of `groups` that have no member yet; a group that has ended is refused.
    pub(super) fn new_groups(&self, groups: &[GroupName]) -> Result<Vec<GroupName>, VaultError> {
        let state = self.roster().state();
        let mut new = Vec::new();
        for group in groups {
            if state.has_ended(group) {
                return Err(VaultError::Refused(Refusal::GroupEnded(group.clone())));
            }
            if state.group(group).is_none() {
                new.push(group.clone());
            }
        }
        Ok(new)
    }

    /// The newest entry that whoever clones now will have: the trunk's, where it is one of ours, else our own.
    fn published_head(&self) -> Result<(u64, Hash), VaultError> {
        let own = (self.roster().seq, self.roster().head);
        let Some(trunk) = self.repo().trunk()? else { return Ok(own) };
        let file = format!("{}/roster.toml", self.root());
        let Some(blob) = self.repo().blob_at(trunk.commit, &file)? else { return Ok(own) };
        let bytes = self.repo().blob_within(blob, MAX_ROSTER as u64)?.unwrap_or_default();
        let entries = roster::decode(&bytes).unwrap_or_default();
        let newest = entries.last().map(roster::Entry::hash).and_then(|head| Some((self.roster().seq_at(head)?, head)));
        Ok(newest.unwrap_or(own))
    }
}
