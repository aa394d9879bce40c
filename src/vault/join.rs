//! Asking to be let in: keys, a card, and a request on a branch of its own.
//!
//! HEAD, index and work tree stay as they are; who approves, and whether, is for others to say.

use std::path::Path;

use super::init::own_device;
use super::requests::{self, Asks, BRANCHES, BadRequest};
use super::write::{How, no_signing_key};
use super::{Vault, VaultError, find_me, root_above, setup, trust, words};
use crate::home::{Keys, NewKeys, OwnSigner};
use crate::model::bytes::Hash;
use crate::model::card::{Card, Device, Kind, MAX_DEVICES};
use crate::model::invite::Invite;
use crate::model::names::{DeviceLabel, MemberName};
use crate::model::request::Request;
use crate::model::roster::Refusal;
use crate::repo::{Ancestry, Change, ObjectId, Repo};
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{self, Signer as _};

/// What `join` needs to know.
pub struct Joining {
    /// The name to have; without one, that of an earlier request with these keys.
    pub name: Option<MemberName>,
    /// The invite that it answers.
    pub invite: Option<Invite>,
    /// What this machine is called on the card.
    pub device: DeviceLabel,
    /// Whether the person chose that label.
    pub device_given: bool,
    /// How missing keys are made.
    pub new_keys: NewKeys,
    /// A card with this machine alone.
    pub renew: bool,
    /// Make a token for chat, and no branch.
    pub print: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Joined {
    /// The name on the card.
    pub name: MemberName,
    /// The vault's id as words.
    pub vault_words: String,
    /// `None`: these keys are a member's already.
    pub request: Option<Requested>,
    /// The clone was set up just now.
    pub set_up: bool,
}

/// A request that was made.
#[derive(Debug)]
pub struct Requested {
    /// What it asks for.
    pub asks: Asks,
    /// The card as words, for an admin to compare.
    pub card_words: String,
    /// The card's hash.
    pub card: Hash,
    /// It answers an invite.
    pub invited: bool,
    /// The branch that it is on; where somebody has it already, that branch.
    pub branch: Option<String>,
    /// The remote that the branch would be pushed to.
    pub remote: Option<String>,
    /// The same for chat.
    pub token: String,
    /// It was there already.
    pub unchanged: bool,
}

/// A vault that nobody accepted yet, for people to compare.
pub struct Stranger {
    /// What people call it.
    pub name: String,
    /// Its id.
    pub id: Hash,
    /// The id as words.
    pub words: String,
}

/// The vault around `start` as it says of itself; `invite` must have been made for it.
pub fn look(start: &Path, invite: Option<&Invite>) -> Result<Stranger, VaultError> {
    let repo = Repo::discover(start)?;
    let root = root_above(&repo, None, start)?;
    let roster = trust::verified_roster(&repo, &root)?;
    if let Some(invite) = invite {
        let file = format!("{root}/roster.toml");
        if invite.vault != roster.vault {
            return Err(VaultError::OtherVault { file, found: words(roster.vault), expected: words(invite.vault) });
        }
        if roster.seq_at(invite.head) != Some(invite.seq) {
            return Err(VaultError::NotInvitedTo { file, seq: invite.seq });
        }
    }
    Ok(Stranger { words: words(roster.vault), id: roster.vault, name: roster.name })
}

impl Vault {
    /// Asks to be let in. Keys are made where there are none, and the clone is set up.
    pub fn join(&self, joining: &Joining, how: &How) -> Result<Joined, VaultError> {
        if !joining.print {
            self.repo().committer()?;
        }
        let (keys, signer) = self.home().make_keys(&joining.new_keys)?;
        let signer = signer.ok_or_else(|| no_signing_key(self.home()))?;
        let set_up = setup::install(self.repo(), self.root(), self.roster().vault, &how.program)?;
        let vault_words = self.words();
        if let Some(name) = self.member_already(joining, &keys, &signer)? {
            return Ok(Joined { name, vault_words, request: None, set_up });
        }
        let name = self.wanted_name(joining, &keys)?;
        let device = own_device(&keys, &signer, &joining.device)?;
        let card = self.card_with(&name, device, joining)?;
        let earlier = self.earlier_request(&card, joining.invite.as_ref())?;
        let (request, branch, unchanged) = match earlier {
            Some((request, place)) => (request, Some(place), true),
            None => (self.request_of(card, &signer, joining)?, None, false),
        };
        requests::check_request(self.roster(), &request).map_err(|why| own_request(&name, why))?;
        let branch = match branch {
            Some(branch) => Some(branch),
            None if joining.print => None,
            None => Some(self.put_on_branch(&request, how)?),
        };
        let asked = self.asked(request, "this machine").map_err(|why| own_request(&name, why))?;
        let requested = Requested {
            card_words: asked.request.card.words(),
            card: asked.request.card.hash(),
            invited: asked.request.invite.is_some(),
            token: asked.request.to_token(),
            asks: asked.asks,
            remote: self.repo().remote_of_push(),
            branch,
            unchanged,
        };
        Ok(Joined { name, vault_words, request: Some(requested), set_up })
    }

    /// The member whose these keys are, where nothing is left to ask for.
    fn member_already(
        &self,
        joining: &Joining,
        keys: &Keys,
        signer: &OwnSigner,
    ) -> Result<Option<MemberName>, VaultError> {
        let Some(me) = find_me(self.roster(), &keys.recipients()) else { return Ok(None) };
        let name = me.reference.name;
        if joining.name.as_ref().is_some_and(|wanted| *wanted != name) {
            return Err(VaultError::Refused(Refusal::KeyUsed(name)));
        }
        let Some(member) = self.roster().named(&name) else { return Ok(None) };
        let signs = member.card.signing_keys().any(|key| *key == signer.public());
        let alone = member.card.devices.len() == 1;
        Ok((signs && (!joining.renew || alone)).then_some(name))
    }

    /// The name that was given, else that of the invite, of the member whose keys these are, or of an earlier request.
    fn wanted_name(&self, joining: &Joining, keys: &Keys) -> Result<MemberName, VaultError> {
        let invited = joining.invite.as_ref().map(|invite| &invite.name);
        if let (Some(given), Some(invited)) = (&joining.name, invited)
            && given != invited
        {
            return Err(VaultError::InvitedAs { given: given.clone(), invited: invited.clone() });
        }
        if let Some(name) = joining.name.as_ref().or(invited) {
            return Ok(name.clone());
        }
        let recipients = keys.recipients();
        if let Some(me) = find_me(self.roster(), &recipients) {
            return Ok(me.reference.name);
        }
        let mine = |card: &Card| card.devices.iter().any(|device| recipients.contains(&device.recipient));
        let earlier = self.requests()?.asked.into_iter().find(|asked| mine(&asked.request.card));
        earlier.map(|asked| asked.name().clone()).ok_or(VaultError::NameNeeded)
    }

    /// The card to ask for: with this machine alone, or as one more device of a member.
    fn card_with(&self, name: &MemberName, mut own: Device, joining: &Joining) -> Result<Card, VaultError> {
        let vault = self.roster().vault;
        let Some(member) = self.roster().named(name) else {
            let was = self.roster().state().cards().any(|(_, known)| known.card.name == *name);
            if was {
                return Err(VaultError::Refused(Refusal::NameUsed(name.clone())));
            }
            return Ok(Card { vault, name: name.clone(), kind: Kind::Person, devices: vec![own] });
        };
        let kind = member.card.kind;
        if joining.renew {
            return Ok(Card { vault, name: name.clone(), kind, devices: vec![own] });
        }
        // A device with the same identity or signing key is this machine with another key beside it.
        let other = |device: &&Device| device.recipient != own.recipient && device.signing != own.signing;
        let mut devices: Vec<Device> = member.card.devices.iter().filter(other).cloned().collect();
        if devices.len() >= MAX_DEVICES {
            return Err(VaultError::TooManyDevices(name.clone()));
        }
        let is_taken = |label: &DeviceLabel| devices.iter().any(|device| device.label == *label);
        if is_taken(&own.label) && joining.device_given {
            return Err(VaultError::DeviceExists { name: name.clone(), device: own.label });
        }
        let base: String = own.label.as_str().chars().take(44).collect();
        let mut number = 2;
        while is_taken(&own.label) {
            own.label = DeviceLabel::parse(&format!("{base}-{number}"))?;
            number += 1;
        }
        devices.push(own);
        Ok(Card { vault, name: name.clone(), kind, devices })
    }

    fn request_of(&self, card: Card, signer: &OwnSigner, joining: &Joining) -> Result<Request, VaultError> {
        let failed = |source| VaultError::Signing { what: "the request", source };
        let signature = sshsig::sign(signer, Namespace::Card, card.encode().as_bytes()).map_err(failed)?;
        let invite = joining.invite.as_ref().map(|invite| seal::invite::answer(invite.token.expose(), &card));
        Ok(Request { card, invite, signature })
    }

    /// A request for this very card that is somewhere already, and where; with an invite, one that answers it.
    fn earlier_request(&self, card: &Card, invite: Option<&Invite>) -> Result<Option<(Request, String)>, VaultError> {
        let answer = invite.map(|invite| seal::invite::answer(invite.token.expose(), card));
        let serves = |request: &Request| request.card == *card && (answer.is_none() || request.invite == answer);
        let asked = self.requests()?.asked.into_iter().find(|asked| serves(&asked.request));
        Ok(asked.and_then(|asked| Some((asked.request, asked.places.into_iter().next()?))))
    }

    fn put_on_branch(&self, request: &Request, how: &How) -> Result<String, VaultError> {
        let name = &request.card.name;
        let branch = format!("{BRANCHES}{name}");
        let file = format!("{}/requests/{name}.toml", self.root());
        let base = self.base_of_request(&branch)?;
        let message = format!("covault: {name} asks to join");
        let change = Change::write(file, request.encode());
        self.repo().commit_on_branch(&branch, base, &[change], &message, how.now.unix())?;
        Ok(branch)
    }

    /// Where a request's branch begins: at what an earlier request pushed, so that this one can be pushed, too; where there
    /// was none, or what is checked out has it, at what is checked out.
    fn base_of_request(&self, branch: &str) -> Result<Option<ObjectId>, VaultError> {
        let head = self.repo().head()?.commit;
        for (name, tip) in self.repo().branches(branch)? {
            let is_pushed = name.starts_with("refs/remotes/") && name.ends_with(&format!("/{branch}"));
            let is_merged = match head {
                Some(head) => self.repo().is_ancestor(tip, head)? == Ancestry::Yes,
                None => false,
            };
            if is_pushed && !is_merged {
                return Ok(Some(tip));
            }
        }
        Ok(head)
    }
}

/// Why one's own request is none. What the rules say is for who asks; the rest is said as to an admin.
fn own_request(name: &MemberName, why: BadRequest) -> VaultError {
    match why {
        BadRequest::Roster(why) => VaultError::Refused(why),
        why => VaultError::BadRequest { name: name.clone(), why },
    }
}
