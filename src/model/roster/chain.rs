//! The whole chain: every entry checked in its order, and the state at each.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::super::bytes::Hash;
use super::super::card::{Card, Kind};
use super::super::manifest::{FORMAT, MemberRef, RosterPoint};
use super::super::names::{MemberName, SecretPath};
use super::merge::Merging;
use super::past::Past;
use super::state::{Holder, Known, Member, State, has_device};
use super::weigh::Point;
use super::{Entry, Operation, Refusal, Role, RosterError};

/// What a signature is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The body of an entry.
    Entry,
    /// A card's text.
    Card,
}

/// Checks what takes cryptography. [`super::Roster::build`] says what has to be checked against which card.
pub trait Judge {
    /// Why it refuses.
    type Error: From<RosterError>;

    /// Whether `signature` is over `message` by one of the signing keys of `signer`.
    fn signature(
        &mut self,
        seq: u64,
        what: Signed,
        signer: &Card,
        message: &str,
        signature: &[u8],
    ) -> Result<(), Self::Error>;

    /// Whether the keys of a card are fit for use: canonical, and not of small order.
    fn card(&mut self, seq: u64, card: &Card) -> Result<(), Self::Error>;
}

/// Believes everything: for rosters whose bytes were verified before.
struct Believe;

impl Judge for Believe {
    type Error = RosterError;

    fn signature(&mut self, _: u64, _: Signed, _: &Card, _: &str, _: &[u8]) -> Result<(), RosterError> {
        Ok(())
    }

    fn card(&mut self, _: u64, _: &Card) -> Result<(), RosterError> {
        Ok(())
    }
}

/// What a chain adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The vault's id: the hash of the first entry's body.
    pub vault: Hash,
    /// What people call it.
    pub name: String,
    /// Number of the newest entry.
    pub seq: u64,
    /// Hash of the newest entry's body.
    pub head: Hash,
    /// Hashes of the chain's own entries' bodies, in their order.
    pub chain: Vec<Hash>,
    /// Every entry of the chain and every embedded one.
    pub(super) past: Past,
    /// Every card that one of them admitted and that a merge left out.
    pub(super) left_out: HashMap<Hash, Arc<Known>>,
    /// The state after the newest entry.
    pub(super) state: State,
}

impl Roster {
    /// Checks and adds up the entries, which come from [`super::decode`]; `judge` checks signatures and keys.
    pub fn build<J: Judge>(entries: &[Entry], judge: &mut J) -> Result<Self, J::Error> {
        let (first, rest) = entries.split_first().ok_or(RosterError::Empty)?;
        let Operation::Found { vault_name, founder, .. } = &first.operation else {
            return Err(RosterError::Founding { seq: first.seq }.into());
        };
        judge_entry(judge, first, founder)?;
        let refused = |why| RosterError::Refused { seq: first.seq, why };
        if founder.kind != Kind::Person {
            return Err(refused(Refusal::MachineAdmin).into());
        }
        let state = State::founded(founder).map_err(refused)?;
        let vault = first.hash();
        let did = OnceLock::new();
        let founding = Point { seq: 0, follows: [None, None], by: None, state: state.clone(), did };
        let mut roster = Self {
            vault,
            name: vault_name.clone(),
            seq: 0,
            head: vault,
            chain: vec![vault],
            past: Past::of(HashMap::from([(vault, founding)])),
            left_out: HashMap::new(),
            state,
        };
        for entry in rest {
            roster.extend(entry, judge)?;
        }
        roster.check_minimum()?;
        Ok(roster)
    }

    /// This roster with one more entry, which `judge` checks; what is there was checked before.
    pub fn extended<J: Judge>(&self, entry: &Entry, judge: &mut J) -> Result<Self, J::Error> {
        let mut next = self.clone();
        next.extend(entry, judge)?;
        next.check_minimum()?;
        Ok(next)
    }

    fn check_minimum(&self) -> Result<(), RosterError> {
        match self.state.minimum() {
            minimum if minimum > FORMAT => Err(RosterError::TooNew { minimum }),
            _ => Ok(()),
        }
    }

    /// Adds up entries whose signatures were checked before.
    pub fn from_entries(entries: &[Entry]) -> Result<Self, RosterError> {
        Self::build(entries, &mut Believe)
    }

    /// Checks one more entry and adds it.
    fn extend<J: Judge>(&mut self, entry: &Entry, judge: &mut J) -> Result<(), J::Error> {
        if entry.prev != Some(self.head) || entry.seq != self.seq + 1 {
            return Err(RosterError::BrokenChain { seq: entry.seq }.into());
        }
        let (state, embeds, did) = match &entry.operation {
            Operation::Merge { entries } => {
                let signer = admin(&self.state, entry)?.clone();
                judge_entry(judge, entry, &signer.card)?;
                let mut merging = Merging::new(self.vault, self.past.points());
                let merged = merging.merge(self.head, entry.seq, &signer, entries, judge)?;
                let points = merging.points;
                let met = self.state.cards.iter().chain(points.values().flat_map(|point| point.state.cards.iter()));
                for (hash, known) in met.filter(|(hash, _)| !merged.state.cards.contains_key(*hash)) {
                    self.left_out.entry(*hash).or_insert_with(|| Arc::clone(known));
                }
                self.past.extend(points);
                (merged.state, Some(merged.end), OnceLock::from(merged.did))
            }
            _ => (step(&self.state, entry, judge)?, None, OnceLock::new()),
        };
        let hash = entry.hash();
        let follows = [Some(self.head), embeds];
        let point = Point { seq: entry.seq, follows, by: entry.by, state: state.clone(), did };
        self.past.insert(hash, point);
        self.chain.push(hash);
        self.seq = entry.seq;
        self.head = hash;
        self.state = state;
        Ok(())
    }

    /// The state after the newest entry.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the entry with this hash is in the chain or embedded in it.
    pub fn has(&self, entry: Hash) -> bool {
        self.seq_at(entry).is_some()
    }

    /// Whether a manifest may name this place.
    pub fn has_point(&self, point: &RosterPoint) -> bool {
        let own = usize::try_from(point.seq).ok().and_then(|seq| self.chain.get(seq));
        own == Some(&point.head) || self.seq_at(point.head) == Some(point.seq)
    }

    /// The number of the entry with this hash.
    pub fn seq_at(&self, entry: Hash) -> Option<u64> {
        self.past.seq(&self.chain, entry)
    }

    /// The state after the entry with this hash.
    pub fn state_at(&self, entry: Hash) -> Option<&State> {
        if entry == self.head {
            return Some(&self.state);
        }
        self.past.points().get(&entry).map(|point| &point.state)
    }

    /// Whether `entry` has `earlier` in its history, or is it: before it in its own branch, or embedded by a merge there.
    pub fn contains(&self, entry: Hash, earlier: Hash) -> bool {
        let mut met = HashSet::new();
        let mut next = vec![entry];
        while let Some(at) = next.pop() {
            if at == earlier {
                return self.has(at);
            }
            if met.insert(at)
                && let Some(point) = self.past.points().get(&at)
            {
                next.extend(point.follows.into_iter().flatten());
            }
        }
        false
    }

    /// Somebody who signed an entry, in the chain or embedded in it, that `base` lacks, and who may not by what `base` says.
    /// Whom `base` never met was taken in by an entry that is looked at as well; one whom a merge left out there it has met.
    pub fn extended_without_right(&self, base: &Self) -> Option<&MemberName> {
        let without = self.beyond(base).into_iter().filter(|(.., right)| *right == Some(false));
        without.map(|(seq, entry, name, _)| (seq, entry, name)).min().map(|(.., name)| name)
    }

    /// Whether what this roster has beyond `other` counts for nothing beside it: all of it was signed by those from whom
    /// `other` took the right to, and by whom they took in, and `other` was extended by nobody without a right here.
    ///
    /// One entry of somebody who has the right in `other` vouches for those that it follows. Two who took the right from each
    /// other overrule each other in neither way: which of them was first, a history does not tell.
    pub fn is_overruled_by(&self, other: &Self) -> bool {
        let ours = self.beyond(other);
        let is_taken = ours.iter().any(|(.., right)| *right == Some(false));
        is_taken && ours.iter().all(|(.., right)| *right != Some(true)) && other.extended_without_right(self).is_none()
    }

    /// The entries that `base` lacks, with their numbers and signers, and whether these may extend it by what it says; none
    /// where this roster goes on from it. Nobody can say of whom it never met.
    fn beyond(&self, base: &Self) -> Vec<(u64, Hash, &MemberName, Option<bool>)> {
        if self.has(base.head) {
            return Vec::new();
        }
        let points = self.past.points();
        let (mut met, mut next) = (HashSet::new(), vec![self.head]);
        let mut found = Vec::new();
        while let Some(entry) = next.pop() {
            // What comes before an entry that it has it has, too.
            if base.has(entry) || !met.insert(entry) {
                continue;
            }
            let Some(point) = points.get(&entry) else { continue };
            let before = point.follows.first().copied().flatten().and_then(|before| points.get(&before));
            let signer = before.zip(point.by).and_then(|(before, by)| before.state.member(by).zip(Some(&before.state)));
            if let Some((signer, before)) = signer {
                found.push((point.seq, entry, &signer.card.name, base.lets_extend(signer, before)));
            }
            next.extend(point.follows.into_iter().flatten());
        }
        found
    }

    /// Whether what a member of another state signs there may count here: they are an admin here, by the card that signed
    /// or, where it is not known, as the same person. `None` where nobody here has met them.
    fn lets_extend(&self, signer: &Member, there: &State) -> Option<bool> {
        let name = &signer.card.name;
        let admin = self.named(name).filter(|member| member.role == Role::Admin);
        if self.card(signer.hash).is_some() {
            return Some(admin.is_some_and(|admin| signer.card.devices.iter().all(|it| has_device(&admin.card, it))));
        }
        let person = there.person(name).filter(|person| self.card(*person).is_some())?;
        Some(admin.is_some() && self.state.person(name) == Some(person))
    }

    /// Admins of this roster who can merge it with another one of the vault: they are admins there, too, by a card that
    /// stands in both.
    pub fn admins_with(&self, other: &Self) -> impl Iterator<Item = &Member> {
        self.state.admins().filter(|admin| self.state.has_admin_in_common(&other.state, &admin.card.name))
    }

    /// Living members by name.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.state.members()
    }

    /// The living member whose present card has this hash.
    pub fn member(&self, card: Hash) -> Option<&Member> {
        self.state.member(card)
    }

    /// The living member with this name.
    pub fn named(&self, name: &MemberName) -> Option<&Member> {
        self.state.named(name)
    }

    /// Who reads a secret at `path` that is shared with `shares`, sorted by name.
    pub fn readers(&self, path: &SecretPath, shares: &[Holder]) -> Vec<&Member> {
        self.state.readers(path, shares)
    }

    /// A card that an entry of the chain, or an embedded one, ever admitted under this name. Whether it counts for
    /// anything is another question.
    pub fn admitted(&self, reference: &MemberRef) -> Option<&Card> {
        self.card(reference.card).filter(|card| card.name == reference.name)
    }

    /// The same by its hash alone.
    pub fn card(&self, hash: Hash) -> Option<&Card> {
        self.state.cards.get(&hash).or_else(|| self.left_out.get(&hash)).map(|known| &known.card)
    }

    /// Every card that there ever was, those that a merge left out included.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.state.cards.values().chain(self.left_out.values()).map(|known| &known.card)
    }

    /// Whether there ever was a card under this name, one that a merge left out included.
    pub fn has_known(&self, name: &MemberName) -> bool {
        self.state.cards.values().chain(self.left_out.values()).any(|known| known.card.name == *name)
    }

    /// Who may have had a machine's identities in their hands: those who brought its recipients into the roster, or onto a
    /// branch whose machine a merge left out. Nobody for a person, whose keys are made on a machine of their own.
    pub fn makers(&self, reference: &MemberRef) -> BTreeSet<&MemberName> {
        let card = self.admitted(reference).filter(|card| card.kind == Kind::Machine);
        let devices = card.into_iter().flat_map(|card| &card.devices);
        devices.filter_map(|device| self.state.made.get(&device.recipient.to_string())).flatten().collect()
    }

    /// The devices that a reference stands for: those of the card that it names, living or not.
    pub fn devices(&self, reference: &MemberRef) -> Option<&[super::super::card::Device]> {
        self.admitted(reference).map(|card| card.devices.as_slice())
    }

    /// This roster after one more entry, whose signature is not asked for: to know whether it would be taken.
    pub fn after(&self, operation: &Operation, by: Hash) -> Result<State, Refusal> {
        match operation {
            Operation::Merge { entries } => {
                let signer = self.member(by).filter(|member| member.role == Role::Admin);
                let signer = signer.ok_or(Refusal::NotAnAdmin)?.clone();
                let mut merging = Merging::new(self.vault, self.past.points());
                let merged = merging.merge(self.head, self.seq + 1, &signer, entries, &mut Believe);
                merged.map(|merged| merged.state).map_err(|error| match error {
                    RosterError::Refused { why, .. } => why,
                    other => Refusal::Embedded(Box::new(other)),
                })
            }
            _ => self.state.apply(operation, by),
        }
    }
}

/// Checks one entry that is no merge against the state before it; the state after it.
pub(super) fn step<J: Judge>(before: &State, entry: &Entry, judge: &mut J) -> Result<State, J::Error> {
    let signer = admin(before, entry)?;
    judge_entry(judge, entry, &signer.card)?;
    let refused = |why| RosterError::Refused { seq: entry.seq, why };
    Ok(before.apply(&entry.operation, signer.hash).map_err(refused)?)
}

/// The admin who signed an entry, by the state before it.
pub(super) fn admin<'a>(before: &'a State, entry: &Entry) -> Result<&'a Member, RosterError> {
    let signer = entry.by.and_then(|by| before.member(by)).filter(|member| member.role == Role::Admin);
    signer.ok_or(RosterError::Refused { seq: entry.seq, why: Refusal::NotAnAdmin })
}

/// Has the signatures of an entry checked, and the keys of the card that it brings.
pub(super) fn judge_entry<J: Judge>(judge: &mut J, entry: &Entry, signer: &Card) -> Result<(), J::Error> {
    if let Some(card) = entry.card() {
        judge.card(entry.seq, card)?;
        // A machine that only reads cannot sign; who takes it in vouches for its card.
        let owner = if card.signing_keys().next().is_some() { card } else { signer };
        let signature = entry.card_signature.as_deref().unwrap_or_default();
        judge.signature(entry.seq, Signed::Card, owner, &card.encode(), signature)?;
    }
    judge.signature(entry.seq, Signed::Entry, signer, &entry.body, &entry.signature)
}
