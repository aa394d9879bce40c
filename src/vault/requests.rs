//! Who asks to be let in: requests from the work tree, from HEAD and from branches, each checked without any key.
//!
//! Anybody with push rights can put one there. Nothing is decided here but what is no good request.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{Vault, VaultError, trust};
use crate::model::bytes::Hash;
use crate::model::card::{Card, Device};
use crate::model::manifest::MemberRef;
use crate::model::names::{DeviceLabel, MemberName};
use crate::model::request::{MAX_REQUEST, Request, RequestError};
use crate::model::roster::{Operation, Refusal, Role, Roster};
use crate::repo::{Listing, ObjectId, OddKind, Repo, RepoError};
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{self, SealError};

/// What the branches of requests begin with.
pub const BRANCHES: &str = "covault/join/";
/// So many branches, and files of each place, are looked at: of all branches together as many as of one work tree. Who floods
/// a repository is not served.
const MAX_LOOKED_AT: usize = 1_000;
/// A branch asks for one person, as a rule; one with more files leaves room for the others.
const MAX_OF_BRANCH: usize = 100;

/// Why a request is refused. It is shown, and never approved.
#[derive(Debug, Error)]
pub enum BadRequest {
    /// Its form.
    #[error(transparent)]
    Form(#[from] RequestError),
    /// Not a regular file that can be read.
    #[error("it is no readable file")]
    NotAFile,
    /// Its file is called otherwise than its card.
    #[error("it asks for the name {name}, and its file is called otherwise")]
    FileName {
        /// The name on the card.
        name: MemberName,
    },
    /// Made for another vault.
    #[error("it was made for another vault")]
    OtherVault,
    /// A key that is weak or has a second spelling.
    #[error("a key on its card is refused: {0}")]
    Keys(SealError),
    /// The signature over the card.
    #[error("its signature is refused: {0}")]
    Signature(SealError),
    /// Signed with a key that is not on the card.
    #[error("it is signed with a key that is not on its card")]
    Signer,
    /// The roster would not take the card.
    #[error("the roster would refuse it: {0}")]
    Roster(Refusal),
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// To be admitted.
    NewMember,
    /// That a member's card has more devices; all present ones stay.
    AnotherDevice {
        /// The new ones.
        added: Vec<DeviceLabel>,
    },
    /// That a member's card has other devices.
    NewKeys {
        /// Those that end.
        ended: Vec<DeviceLabel>,
    },
}

impl Asks {
    /// In words.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NewMember => "new member",
            Self::AnotherDevice { .. } => "another device",
            Self::NewKeys { .. } => "new keys",
        }
    }
}

/// A request that may be approved.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The card, the answer and the signature.
    pub request: Request,
    /// What it asks for.
    pub asks: Asks,
    /// It answers an invite that this machine made.
    pub invited: bool,
    /// Where it was seen: `work tree`, `HEAD`, or branches by their names.
    pub places: Vec<String>,
}

impl Asked {
    /// Whose it is.
    pub fn name(&self) -> &MemberName {
        &self.request.card.name
    }
}

/// A request that is refused.
#[derive(Debug)]
pub struct RefusedRequest {
    /// Its file.
    pub file: String,
    /// Where it was seen.
    pub place: String,
    /// Why.
    pub why: BadRequest,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Requests {
    /// Those that may be approved, by name.
    pub asked: Vec<Asked>,
    /// Those that never will be.
    pub refused: Vec<RefusedRequest>,
}

/// A request's file as it was found.
struct Found {
    place: String,
    file: String,
    bytes: Result<Vec<u8>, BadRequest>,
}

impl Vault {
    /// Requests in the work tree, in HEAD and on all branches `covault/join/*`, local and fetched. Those that were
    /// answered are left out.
    pub fn requests(&self) -> Result<Requests, VaultError> {
        let mut requests = Requests::default();
        for found in requests_in(self.repo(), self.root())? {
            let checked = found.bytes.and_then(|bytes| self.checked_file(&found.file, &bytes));
            match checked {
                Ok(request) if self.is_answered(&request.card) => {}
                Ok(request) => self.add_request(&mut requests.asked, request, found.place),
                Err(why) => {
                    requests.refused.push(RefusedRequest { file: found.file, place: found.place, why });
                }
            }
        }
        requests.asked.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(requests)
    }

    /// Whether a request's card is, or was, a member's.
    pub(super) fn is_answered(&self, card: &Card) -> bool {
        self.roster().state().known(&MemberRef { name: card.name.clone(), card: card.hash() }).is_some()
    }

    /// A request that came another way, such as by chat.
    pub(super) fn asked(&self, request: Request, place: &str) -> Result<Asked, BadRequest> {
        check_request(self.roster(), &request)?;
        let mut asked = Vec::with_capacity(1);
        self.add_request(&mut asked, request, place.to_owned());
        asked.pop().ok_or(BadRequest::NotAFile)
    }

    /// The same card in several places is one request; an answer to an invite may stand in one of them alone.
    fn add_request(&self, asked: &mut Vec<Asked>, request: Request, place: String) {
        let invited = self.answers_invite(&request);
        if let Some(known) = asked.iter_mut().find(|asked| asked.request.card == request.card) {
            if invited && !known.invited {
                known.request = request;
                known.invited = true;
            }
            known.places.push(place);
            return;
        }
        let asks = asks(self.roster(), &request.card);
        asked.push(Asked { asks, invited, request, places: vec![place] });
    }

    fn answers_invite(&self, request: &Request) -> bool {
        // What this machine remembers badly is no invite.
        let kept = self.home().invite(self.roster().vault, &request.card.name).ok().flatten();
        kept.zip(request.invite)
            .is_some_and(|(kept, answer)| seal::invite::is_answer(kept.token.expose(), &request.card, &answer))
    }

    fn checked_file(&self, file: &str, bytes: &[u8]) -> Result<Request, BadRequest> {
        let request = Request::decode(bytes)?;
        if !file.ends_with(&format!("/requests/{}.toml", request.card.name)) {
            return Err(BadRequest::FileName { name: request.card.name });
        }
        if !self.is_answered(&request.card) {
            check_request(self.roster(), &request)?;
        }
        Ok(request)
    }
}

/// What a card asks for, by the roster as it is.
fn asks(roster: &Roster, card: &Card) -> Asks {
    let Some(member) = roster.named(&card.name) else { return Asks::NewMember };
    let keeps = |device: &Device, on: &Card| {
        on.devices.iter().any(|other| other.recipient == device.recipient && other.signing == device.signing)
    };
    let labels = |from: &Card, on: &Card| {
        from.devices.iter().filter(|device| !keeps(device, on)).map(|device| device.label.clone()).collect::<Vec<_>>()
    };
    let ended = labels(&member.card, card);
    if ended.is_empty() { Asks::AnotherDevice { added: labels(card, &member.card) } } else { Asks::NewKeys { ended } }
}

/// The operation that a request asks for, with `role` for who is new.
pub(super) fn operation(roster: &Roster, card: &Card, role: Role) -> Operation {
    match roster.named(&card.name) {
        Some(member) => Operation::Renew { member: member.reference(), card: card.clone(), live: Vec::new() },
        None => Operation::Admit { role, card: card.clone() },
    }
}

/// Everything about a request but whether its owner is who they say.
pub(super) fn check_request(roster: &Roster, request: &Request) -> Result<(), BadRequest> {
    check_signed(roster.vault, request)?;
    let card = &request.card;
    // Any admin would do: what is asked is whether the rules would take the card.
    let by = roster.state().admins().next().map_or(Hash([0; 32]), |admin| admin.hash);
    roster.after(&operation(roster, card, Role::Reader), by).map(drop).map_err(BadRequest::Roster)
}

/// Whether a request is for this vault, with keys that are fit for use, and signed by one that is on its card.
pub(super) fn check_signed(vault: Hash, request: &Request) -> Result<(), BadRequest> {
    let card = &request.card;
    if card.vault != vault {
        return Err(BadRequest::OtherVault);
    }
    trust::check_card(card).map_err(BadRequest::Keys)?;
    let signer = sshsig::verify(&request.signature, Namespace::Card, card.encode().as_bytes());
    let signer = signer.map_err(BadRequest::Signature)?.to_public();
    if !card.signing_keys().any(|key| *key == signer) {
        return Err(BadRequest::Signer);
    }
    Ok(())
}

/// Every request's file below `root`, wherever it may stand; each content once for each place.
fn requests_in(repo: &Repo, root: &str) -> Result<Vec<Found>, VaultError> {
    let folder = format!("{root}/requests");
    let mut found = Vec::new();
    if repo.work_dir().is_some() {
        // A link in the folder's place is no reason to hide what is on branches.
        let listing = repo.list_work(&folder).unwrap_or_else(|_| {
            let (place, file) = ("work tree".to_owned(), folder.clone());
            found.push(Found { place, file, bytes: Err(BadRequest::NotAFile) });
            Listing::default()
        });
        for file in listing.files.into_iter().take(MAX_LOOKED_AT) {
            let bytes = match repo.read_work(&file, MAX_REQUEST as u64) {
                Ok(Some(bytes)) => Ok(bytes),
                Err(RepoError::TooLarge { .. }) => Err(RequestError::TooLarge.into()),
                Ok(None) | Err(_) => Err(BadRequest::NotAFile),
            };
            found.push(Found { place: "work tree".to_owned(), file, bytes });
        }
        let odd = listing.odd.into_iter().filter(|odd| odd.kind == OddKind::Symlink);
        found.extend(odd.map(|odd| Found {
            place: "work tree".to_owned(),
            file: odd.path,
            bytes: Err(BadRequest::NotAFile),
        }));
    }
    let head = repo.head()?.commit;
    let in_head: BTreeSet<(String, ObjectId)> = match head {
        Some(head) => repo.files_in(head, &folder, MAX_LOOKED_AT)?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    for (file, blob) in &in_head {
        let bytes = read_blob(repo, *blob);
        // What is on disk as it is in HEAD is one place.
        if !found.iter().any(|other| other.file == *file && other.bytes.as_ref().ok() == bytes.as_ref().ok()) {
            found.push(Found { place: "HEAD".to_owned(), file: file.clone(), bytes });
        }
    }
    let mut left = MAX_LOOKED_AT;
    for (name, commit) in repo.branches(BRANCHES)?.into_iter().take(MAX_LOOKED_AT) {
        // A fetched branch may lack what a partial or shallow clone did not fetch, or have more in that folder than anybody
        // reads: then it says nothing.
        let Ok(mut files) = repo.files_in(commit, &folder, MAX_LOOKED_AT) else { continue };
        files.retain(|item| !in_head.contains(item));
        files.truncate(MAX_OF_BRANCH.min(left));
        left -= files.len();
        for (file, blob) in files {
            found.push(Found { place: short(&name), bytes: read_blob(repo, blob), file });
        }
    }
    Ok(found)
}

fn read_blob(repo: &Repo, blob: ObjectId) -> Result<Vec<u8>, BadRequest> {
    match repo.blob_within(blob, MAX_REQUEST as u64) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(RequestError::TooLarge.into()),
        Err(_) => Err(BadRequest::NotAFile),
    }
}

/// `covault/join/bob`, `origin/covault/join/bob`.
fn short(name: &str) -> String {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/")).unwrap_or(name).to_owned()
}
