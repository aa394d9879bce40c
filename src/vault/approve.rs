//! Letting somebody in: a request becomes an entry of the roster, and what its owner may read is sealed to them, too.
//!
//! Whether the request is really theirs a person decides, or the invite that it answers.

use super::amend::{Amended, Amendment, Step};
use super::requests::{self, Asked};
use super::write::How;
use super::{Vault, VaultError};
use crate::model::card::{Card, Kind};
use crate::model::manifest::MemberRef;
use crate::model::names::{GroupName, MemberName};
use crate::model::request::Request;
use crate::model::roster::{Operation, Role, State};
use crate::repo::Change;

/// What an admin wants.
pub struct Approving {
    /// Whom to let in.
    pub name: MemberName,
    /// What they may do; writers and machines that read are the default.
    pub role: Option<Role>,
    /// Groups to put them into, beside those of the invite.
    pub groups: Vec<GroupName>,
    /// The request, where it came by chat.
    pub request: Option<Request>,
    /// The card that the person has, by its words or digits.
    pub card: Option<String>,
}

/// What approving would do.
pub struct Approval {
    /// The member's name.
    pub name: MemberName,
    /// The request; `None` where it was approved already, and something is left to be done.
    pub asked: Option<Asked>,
    /// The card that was named is this one.
    pub is_named: bool,
    /// The role that a new member gets.
    pub role: Option<Role>,
    /// Groups that they come into.
    pub groups: Vec<GroupName>,
    /// Those of the groups that begin with them.
    pub new_groups: Vec<GroupName>,
    /// The roster's change, and which secrets are sealed again.
    pub amendment: Amendment,
    /// The request's file in the tree, which goes.
    leaves: Option<String>,
}

impl Approval {
    /// Whether there is nothing to do at all.
    pub fn is_empty(&self) -> bool {
        let amendment = &self.amendment;
        let changes = amendment.changes_roster() || amendment.finishes_another();
        !changes && amendment.pending().is_empty() && self.leaves.is_none()
    }

    /// Whether a person has vouched for it: with the card's words, or with an invite.
    pub fn is_vouched_for(&self) -> bool {
        self.is_named || self.asked.as_ref().is_none_or(|asked| asked.invited)
    }
}

impl Vault {
    /// Works out what approving does. Nothing is written.
    pub fn approval(&self, approving: &Approving, how: &How) -> Result<Approval, VaultError> {
        self.admin("let somebody in")?;
        let name = approving.name.clone();
        let file = self.request_file(&name)?;
        let Some(asked) = self.chosen(approving)? else {
            // Approved before: what a killed run left is finished.
            let amendment = self.amendment(Vec::new(), how)?;
            let (groups, new_groups) = (Vec::new(), Vec::new());
            return Ok(Approval {
                name,
                asked: None,
                is_named: false,
                role: None,
                groups,
                new_groups,
                amendment,
                leaves: file,
            });
        };
        let card = asked.request.card.clone();
        let is_new = self.roster().named(&name).is_none();
        if !is_new && approving.role.is_some() {
            return Err(VaultError::HasRole(name));
        }
        let default = if card.kind == Kind::Machine { Role::Reader } else { Role::Writer };
        let role = approving.role.unwrap_or(default);
        let invited = if asked.invited { self.home().invite(self.roster().vault, &name)? } else { None };
        let mut groups = approving.groups.clone();
        groups.extend(invited.into_iter().flat_map(|invite| invite.groups));
        groups.sort();
        groups.dedup();
        let new_groups = self.new_groups(&groups)?;
        let operation = requests::operation(self.roster(), &card, role);
        let mut steps = vec![Step { operation, card_signature: Some(asked.request.signature.clone()) }];
        let state = self.roster().state();
        let joined: Vec<_> = groups.into_iter().filter(|group| !is_in(state, group, &name)).collect();
        steps.extend(joined.iter().map(|group| group_with(state, group, &card).into()));
        let amendment = self.amendment(steps, how)?;
        let is_named = approving.card.is_some();
        let role = is_new.then_some(role);
        Ok(Approval { name, asked: Some(asked), is_named, role, groups: joined, new_groups, amendment, leaves: file })
    }

    /// Does it, as one commit, and forgets the invite.
    pub fn approve(&self, approval: Approval, how: &How, progress: &(dyn Fn() + Sync)) -> Result<Amended, VaultError> {
        let writing = self.writing(how)?;
        let name = &approval.name;
        let verb = match (&approval.role, &approval.asked) {
            (Some(_), _) => "admit",
            (None, Some(_)) => "renew",
            (None, None) => "seal what waits for",
        };
        let others = approval.leaves.map(Change::delete).into_iter().collect();
        let message = format!("covault: {verb} {name}");
        let amended = self.amend(writing, approval.amendment, others, &message, progress)?;
        if !how.dry_run {
            self.home().forget_invite(self.roster().vault, name)?;
        }
        Ok(amended)
    }

    /// The one request that is meant; `None` where the named member has none and is in already.
    fn chosen(&self, approving: &Approving) -> Result<Option<Asked>, VaultError> {
        let name = &approving.name;
        let mut asked = match &approving.request {
            Some(request) if self.is_answered(&request.card) && request.card.name == *name => Vec::new(),
            Some(request) => {
                let bad = |why| VaultError::BadRequest { name: name.clone(), why };
                if request.card.name != *name {
                    return Err(bad(requests::BadRequest::FileName { name: request.card.name.clone() }));
                }
                vec![self.asked(request.clone(), "the line that was given").map_err(bad)?]
            }
            None => self.good_requests(name)?,
        };
        if let Some(given) = &approving.card
            && !asked.is_empty()
        {
            let found: Vec<_> = asked.iter().map(|asked| asked.request.card.words()).collect();
            asked.retain(|asked| asked.request.card.has_fingerprint(given));
            if asked.is_empty() {
                let (name, given, found) = (name.clone(), given.clone(), found.join(", "));
                return Err(VaultError::OtherCard { name, given, found });
            }
        }
        match asked.len() {
            0 if self.roster().named(name).is_some() => Ok(None),
            0 => Err(VaultError::NoRequest(name.clone())),
            1 => Ok(asked.pop()),
            _ => {
                let card = |asked: &Asked| format!("{} ({})", asked.request.card.words(), asked.places.join(", "));
                Err(VaultError::SeveralRequests { name: name.clone(), cards: asked.iter().map(card).collect() })
            }
        }
    }

    /// The good requests of a name; where there are bad ones only, why.
    fn good_requests(&self, name: &MemberName) -> Result<Vec<Asked>, VaultError> {
        let found = self.requests()?;
        let asked: Vec<_> = found.asked.into_iter().filter(|asked| asked.name() == name).collect();
        let file = format!("/requests/{name}.toml");
        let bad = found.refused.into_iter().find(|refused| refused.file.ends_with(&file));
        match bad {
            Some(bad) if asked.is_empty() && self.roster().named(name).is_none() => {
                Err(VaultError::BadRequest { name: name.clone(), why: bad.why })
            }
            _ => Ok(asked),
        }
    }

    /// The file of a request, where the tree has one.
    pub(super) fn request_file(&self, name: &MemberName) -> Result<Option<String>, VaultError> {
        let file = format!("{}/requests/{name}.toml", self.root());
        let in_head = match self.repo().head()?.commit {
            Some(head) => self.repo().blob_at(head, &file)?.is_some(),
            None => false,
        };
        Ok((in_head || self.repo().exists_work(&file)?).then_some(file))
    }
}

fn is_in(state: &State, group: &GroupName, name: &MemberName) -> bool {
    state.group(group).is_some_and(|members| members.contains(name))
}

/// A group with its living members and one more, whose card this is.
fn group_with(state: &State, group: &GroupName, card: &Card) -> Operation {
    let newcomer = MemberRef { name: card.name.clone(), card: card.hash() };
    let members = state.group(group).unwrap_or_default();
    let others = members.iter().filter(|name| **name != card.name).filter_map(|name| state.named(name));
    let mut members: Vec<_> = others.map(|member| member.reference()).chain([newcomer]).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Operation::Group { group: group.clone(), members, live: Vec::new() }
}
