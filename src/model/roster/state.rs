//! What entries add up to: members, groups, grants; and the rules by which one more entry is taken.
//!
//! Values in, values out: signatures were checked by then, and nothing here knows the chain. A state is cheap to clone:
//! what did not change is shared between them.

use std::collections::BTreeSet;
use std::sync::Arc;

use rpds::{HashTrieMapSync, HashTrieSetSync, RedBlackTreeMapSync};

use super::super::bytes::Hash;
use super::super::card::{Card, Device, Kind};
use super::super::manifest::{FORMAT, MemberRef};
use super::super::names::{GroupName, MemberName, SecretPath};
use super::{Granted, Grantee, Operation, Refusal, Role};

/// A living member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name, kind and devices.
    pub card: Card,
    /// The card's hash.
    pub hash: Hash,
    /// What they may do.
    pub role: Role,
    /// Who took them in; `None` for the founder.
    pub admitted_by: Option<MemberName>,
}

impl Member {
    /// As manifests name them.
    pub fn reference(&self) -> MemberRef {
        MemberRef { name: self.card.name.clone(), card: self.hash }
    }
}

/// Who has this name among members that are sorted by name, as [`State::readers`] gives them.
pub fn named_among<'m>(members: &[&'m Member], name: &MemberName) -> Option<&'m Member> {
    let at = members.binary_search_by(|member| member.card.name.cmp(name)).ok()?;
    members.get(at).copied()
}

/// A card that was ever admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The card.
    pub card: Card,
    /// Whether what was signed under it counts as the member's own: they live, and all its devices stand unchanged on
    /// every card since.
    pub stands: bool,
    /// Who took the member in.
    pub admitted_by: Option<MemberName>,
}

/// Whom a grant names, by name: names follow a member through renewals and are never used again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Every living person.
    People,
    /// A group's living members.
    Group(GroupName),
    /// One member.
    Member(MemberName),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::People => f.write_str("@people"),
            Self::Group(group) => write!(f, "@{group}"),
            Self::Member(name) => f.write_str(name.as_str()),
        }
    }
}

/// Holders of a grant.
pub type Holders = BTreeSet<Holder>;

/// What the entries up to one add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Living members.
    pub(super) members: RedBlackTreeMapSync<MemberName, Arc<Member>>,
    /// Every card that was ever admitted.
    pub(super) cards: HashTrieMapSync<Hash, Arc<Known>>,
    /// Who is meant by a name: the card that they were admitted with.
    pub(super) persons: RedBlackTreeMapSync<MemberName, Hash>,
    /// Every signing key and recipient that was ever admitted, and whose it is.
    pub(super) keys: HashTrieMapSync<String, MemberName>,
    /// By recipient: who signed the entry that first brought it; where branches met, that of either one, also where the
    /// card was left out.
    pub(super) made: HashTrieMapSync<String, BTreeSet<MemberName>>,
    /// Groups; an empty one has ended.
    pub(super) groups: RedBlackTreeMapSync<GroupName, BTreeSet<MemberName>>,
    /// Grants by path; the empty path is the root.
    pub(super) grants: RedBlackTreeMapSync<String, Holders>,
    /// Versions that stay good though their authors may not write them now.
    pub(super) kept: HashTrieSetSync<Hash>,
    /// The format that readers must know.
    pub(super) minimum: u64,
}

impl State {
    /// The state after `found`.
    pub fn founded(founder: &Card) -> Result<Self, Refusal> {
        let mut state = Self {
            grants: std::iter::once((String::new(), Holders::from([Holder::People]))).collect(),
            minimum: FORMAT,
            ..Self::default()
        };
        state.admit(Role::Admin, founder, None)?;
        Ok(state)
    }

    /// The living member with this name.
    pub fn named(&self, name: &MemberName) -> Option<&Member> {
        self.members.get(name).map(Arc::as_ref)
    }

    /// The living member whose present card this is.
    pub fn member(&self, card: Hash) -> Option<&Member> {
        let name = &self.cards.get(&card)?.card.name;
        self.named(name).filter(|member| member.hash == card)
    }

    /// Living members by name.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values().map(Arc::as_ref)
    }

    /// A card that was ever admitted under this name.
    pub fn known(&self, reference: &MemberRef) -> Option<&Known> {
        self.cards.get(&reference.card).map(Arc::as_ref).filter(|known| known.card.name == reference.name)
    }

    /// Every card that was ever admitted, in no order.
    pub fn cards(&self) -> impl Iterator<Item = (Hash, &Known)> {
        self.cards.iter().map(|(hash, known)| (*hash, known.as_ref()))
    }

    /// Living groups with their members (who may have been removed since).
    pub fn groups(&self) -> impl Iterator<Item = (&GroupName, &BTreeSet<MemberName>)> {
        self.groups.iter().filter(|(_, members)| !members.is_empty())
    }

    /// The living members of a group.
    pub fn group(&self, group: &GroupName) -> Option<BTreeSet<MemberName>> {
        let members = self.groups.get(group).filter(|members| !members.is_empty())?;
        Some(members.iter().filter(|name| self.members.contains_key(*name)).cloned().collect())
    }

    /// Whether there was a group of this name, whose name is not used again.
    pub fn has_ended(&self, group: &GroupName) -> bool {
        self.groups.get(group).is_some_and(BTreeSet::is_empty)
    }

    /// Grants by path; the empty path is the root.
    pub fn grants(&self) -> impl Iterator<Item = (&str, &Holders)> {
        self.grants.iter().map(|(path, holders)| (path.as_str(), holders))
    }

    /// The path and holders of the grant that decides about `path`; the empty path asks for the root's.
    pub fn grant_for(&self, path: &str) -> (&str, &Holders) {
        static NOBODY: Holders = Holders::new();
        let mut at = path;
        loop {
            if let Some((place, holders)) = self.grants.get_key_value(at) {
                return (place, holders);
            }
            match at.rsplit_once('/') {
                Some((above, _)) => at = above,
                // There is always a grant at the root.
                None if at.is_empty() => return ("", &NOBODY),
                None => at = "",
            }
        }
    }

    /// Whether a living member is among those whom `holder` stands for.
    pub fn holds(&self, holder: &Holder, member: &Member) -> bool {
        match holder {
            Holder::People => member.card.kind == Kind::Person,
            Holder::Group(group) => self.groups.get(group).is_some_and(|names| names.contains(&member.card.name)),
            Holder::Member(name) => *name == member.card.name,
        }
    }

    /// Whether a living member reads what is at `path` by a grant.
    pub fn is_granted(&self, member: &Member, path: &SecretPath) -> bool {
        self.reads(member, path, [])
    }

    /// Whether whoever a grant lets write at `place` may write at `home`, too, as far as the grants name the same people:
    /// that the one has no other living members says nothing about who wrote there before they left.
    pub fn is_granted_within(&self, place: &SecretPath, home: &SecretPath) -> bool {
        let (_, there) = self.grant_for(home.as_str());
        let is_person = |name: &MemberName| {
            let mut cards = self.cards.values().filter(|known| known.card.name == *name);
            cards.all(|known| known.card.kind == Kind::Person)
        };
        let are_people = |holder: &Holder| match holder {
            Holder::People => true,
            Holder::Group(group) => self.groups.get(group).is_some_and(|names| names.iter().all(is_person)),
            Holder::Member(name) => is_person(name),
        };
        let is_in = |holder| there.contains(holder) || (there.contains(&Holder::People) && are_people(holder));
        let (_, here) = self.grant_for(place.as_str());
        here.iter().all(is_in)
    }

    /// Whether a living member reads the secret at `path`, which is shared with `shares`.
    pub fn reads<'a>(&self, member: &Member, path: &SecretPath, shares: impl IntoIterator<Item = &'a Holder>) -> bool {
        let (_, holders) = self.grant_for(path.as_str());
        holders.iter().any(|holder| self.holds(holder, member))
            || shares.into_iter().any(|holder| self.holds(holder, member))
    }

    /// Who reads a secret at `path` that is shared with `shares`, sorted by name.
    pub fn readers(&self, path: &SecretPath, shares: &[Holder]) -> Vec<&Member> {
        let mut readers: Vec<&Member> = Vec::new();
        for holder in self.grant_for(path.as_str()).1.iter().chain(shares) {
            match holder {
                Holder::People => readers.extend(self.members().filter(|member| self.holds(holder, member))),
                Holder::Group(group) => {
                    readers.extend(self.groups.get(group).into_iter().flatten().filter_map(|name| self.named(name)));
                }
                Holder::Member(name) => readers.extend(self.named(name)),
            }
        }
        readers.sort_unstable_by(|a, b| a.card.name.cmp(&b.card.name));
        readers.dedup_by(|a, b| a.card.name == b.card.name);
        readers
    }

    /// Whether `author` may write the secret at `path`, signing by this card. A grant has to say so: a share stands in the
    /// manifest that its own author signed, and would let any writer into any secret.
    pub fn may_write(&self, author: &MemberRef, path: &SecretPath) -> bool {
        self.known(author).is_some_and(|known| known.stands)
            && self
                .named(&author.name)
                .is_some_and(|member| member.role >= Role::Writer && self.is_granted(member, path))
    }

    /// Whether a version stays good whoever wrote it.
    pub fn keeps(&self, version: Hash) -> bool {
        self.kept.contains(&version)
    }

    /// The format that readers of this vault must know.
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// How many admins there are.
    pub fn admins(&self) -> impl Iterator<Item = &Member> {
        self.members().filter(|member| member.role == Role::Admin)
    }

    /// Whether this card, which stands, is a living admin's.
    pub(super) fn admin_by(&self, card: Hash) -> bool {
        let name = self.cards.get(&card).filter(|known| known.stands).map(|known| &known.card.name);
        name.and_then(|name| self.named(name)).is_some_and(|member| member.role == Role::Admin)
    }

    /// The card that who has or had this name was admitted with.
    pub(super) fn person(&self, name: &MemberName) -> Option<Hash> {
        self.persons.get(name).copied()
    }

    /// Whether `name` is an admin here and in another state, and a card of theirs stands in both.
    pub(super) fn has_admin_in_common(&self, other: &Self, name: &MemberName) -> bool {
        self.cards_of(name).any(|(card, _)| self.admin_by(*card) && other.admin_by(*card))
    }

    fn cards_of<'a>(&'a self, name: &'a MemberName) -> impl Iterator<Item = (&'a Hash, &'a Arc<Known>)> {
        self.cards.iter().filter(move |(_, known)| known.card.name == *name)
    }

    /// The state after one more operation by `by` (the hash of a card). All rules of docs/format.md but those about
    /// signatures and keys' mathematics; `merge` is not one of these.
    pub fn apply(&self, operation: &Operation, by: Hash) -> Result<Self, Refusal> {
        let signer = self.member(by).filter(|member| member.role == Role::Admin).ok_or(Refusal::NotAnAdmin)?;
        let mut next = self.clone();
        match operation {
            Operation::Found { .. } | Operation::Merge { .. } => return Err(Refusal::NothingChanged),
            Operation::Admit { role, card } => next.admit(*role, card, Some(signer.card.name.clone()))?,
            Operation::Remove { member, .. } => next.remove(member)?,
            Operation::Role { member, role, .. } => next.set_role(member, *role)?,
            Operation::Renew { member, card, .. } => next.renew(member, card, Some(&signer.card.name))?,
            Operation::Group { group, members, .. } => {
                let names = members.iter().map(|member| next.present(member)).collect::<Result<_, _>>()?;
                next.set_group(group, names)?;
            }
            Operation::Grant { path, readers, .. } => {
                let path = path.as_ref().map_or("", SecretPath::as_str);
                let holders = match readers {
                    Granted::Inherit => None,
                    Granted::To(readers) => {
                        Some(readers.iter().map(|reader| next.holder(reader)).collect::<Result<_, _>>()?)
                    }
                };
                next.set_grant(path, holders)?;
            }
            Operation::Minimum { minimum } => next.raise(*minimum)?,
        }
        next.keep(operation.live());
        Ok(next)
    }

    /// Counts these versions as good from now on.
    fn keep(&mut self, versions: &[Hash]) {
        versions.iter().for_each(|version| self.kept.insert_mut(*version));
    }

    fn admit(&mut self, role: Role, card: &Card, by: Option<MemberName>) -> Result<(), Refusal> {
        let name = card.name.clone();
        if self.persons.contains_key(&name) {
            return Err(Refusal::NameUsed(name));
        }
        check_role(card, role)?;
        self.take_keys(card, by.as_ref())?;
        let hash = card.hash();
        let known = Known { card: card.clone(), stands: true, admitted_by: by.clone() };
        self.cards.insert_mut(hash, Arc::new(known));
        self.persons.insert_mut(name.clone(), hash);
        let member = Member { card: card.clone(), hash, role, admitted_by: by };
        self.members.insert_mut(name, Arc::new(member));
        Ok(())
    }

    fn remove(&mut self, member: &MemberRef) -> Result<(), Refusal> {
        let name = self.present(member)?;
        self.members.remove_mut(&name);
        // No card of theirs stands any more.
        self.stand(&name, |_| false);
        self.check_admins()
    }

    fn set_role(&mut self, member: &MemberRef, role: Role) -> Result<(), Refusal> {
        let name = self.present(member)?;
        let mut changed = self.named(&name).cloned().ok_or(Refusal::NoSuchMember(name.clone()))?;
        if changed.role == role {
            return Err(Refusal::NothingChanged);
        }
        check_role(&changed.card, role)?;
        changed.role = role;
        self.members.insert_mut(name, Arc::new(changed));
        self.check_admins()
    }

    fn renew(&mut self, member: &MemberRef, card: &Card, by: Option<&MemberName>) -> Result<(), Refusal> {
        let name = self.present(member)?;
        let mut changed = self.named(&name).cloned().ok_or(Refusal::NoSuchMember(name.clone()))?;
        if card.name != name || card.kind != changed.card.kind {
            return Err(Refusal::AnotherPerson);
        }
        let hash = card.hash();
        if self.cards.contains_key(&hash) {
            return Err(Refusal::NothingChanged);
        }
        check_role(card, changed.role)?;
        self.take_keys(card, by)?;
        self.stand(&name, |earlier| earlier.devices.iter().all(|device| has_device(card, device)));
        let known = Known { card: card.clone(), stands: true, admitted_by: changed.admitted_by.clone() };
        self.cards.insert_mut(hash, Arc::new(known));
        changed.card = card.clone();
        changed.hash = hash;
        self.members.insert_mut(name, Arc::new(changed));
        Ok(())
    }

    fn set_group(&mut self, group: &GroupName, names: BTreeSet<MemberName>) -> Result<(), Refusal> {
        let before = self.groups.get(group);
        if before.is_some_and(BTreeSet::is_empty) {
            return Err(Refusal::GroupEnded(group.clone()));
        }
        if names.is_empty() {
            if before.is_none() {
                return Err(Refusal::NoSuchGroup(group.clone()));
            }
            let holder = Holder::Group(group.clone());
            if self.grants.values().any(|holders| holders.contains(&holder)) {
                return Err(Refusal::GroupGranted(group.clone()));
            }
        }
        if before == Some(&names) {
            return Err(Refusal::NothingChanged);
        }
        self.groups.insert_mut(group.clone(), names);
        Ok(())
    }

    fn set_grant(&mut self, path: &str, holders: Option<Holders>) -> Result<(), Refusal> {
        if self.grants.get(path) == holders.as_ref() {
            return Err(Refusal::NothingChanged);
        }
        if holders.is_none() && path.is_empty() {
            return Err(Refusal::RootInherits);
        }
        self.put_grant(path, holders);
        Ok(())
    }

    /// These hold the grant at `path` from now on, whatever there was; `None`: there is none.
    pub(super) fn put_grant(&mut self, path: &str, holders: Option<Holders>) {
        match holders {
            None => drop(self.grants.remove_mut(path)),
            Some(holders) => self.grants.insert_mut(path.to_owned(), holders),
        }
    }

    fn raise(&mut self, minimum: u64) -> Result<(), Refusal> {
        if minimum <= self.minimum {
            return Err(Refusal::MinimumFalls);
        }
        self.minimum = minimum;
        Ok(())
    }

    /// The name of a living member who is named by their present card.
    fn present(&self, reference: &MemberRef) -> Result<MemberName, Refusal> {
        match self.named(&reference.name) {
            Some(member) if member.hash == reference.card => Ok(reference.name.clone()),
            Some(_) => Err(Refusal::OldCard(reference.name.clone())),
            None => Err(Refusal::NoSuchMember(reference.name.clone())),
        }
    }

    fn holder(&self, grantee: &Grantee) -> Result<Holder, Refusal> {
        match grantee {
            Grantee::People => Ok(Holder::People),
            Grantee::Group(group) if self.groups.get(group).is_some_and(|names| !names.is_empty()) => {
                Ok(Holder::Group(group.clone()))
            }
            Grantee::Group(group) => Err(Refusal::NoSuchGroup(group.clone())),
            Grantee::Member(member) => self.present(member).map(Holder::Member),
        }
    }

    pub(super) fn check_admins(&self) -> Result<(), Refusal> {
        if self.admins().next().is_some() { Ok(()) } else { Err(Refusal::LastAdmin) }
    }

    /// No key may stand on two members' cards, ever. `by` brings them.
    pub(super) fn take_keys(&mut self, card: &Card, by: Option<&MemberName>) -> Result<(), Refusal> {
        let texts: Vec<String> = card.devices.iter().flat_map(device_keys).collect();
        if let Some(owner) = texts.iter().filter_map(|text| self.keys.get(text)).find(|owner| **owner != card.name) {
            return Err(Refusal::KeyUsed(owner.clone()));
        }
        for recipient in card.devices.iter().map(|device| device.recipient.to_string()) {
            if let Some(by) = by.filter(|_| !self.keys.contains_key(&recipient)) {
                self.take_makers(&recipient, [by]);
            }
        }
        texts.into_iter().for_each(|text| self.keys.insert_mut(text, card.name.clone()));
        Ok(())
    }

    /// Counts more people among those who brought a recipient.
    pub(super) fn take_makers<'a>(&mut self, recipient: &str, more: impl IntoIterator<Item = &'a MemberName>) {
        let mut makers = self.made.get(recipient).cloned().unwrap_or_default();
        makers.extend(more.into_iter().cloned());
        self.made.insert_mut(recipient.to_owned(), makers);
    }

    /// Lets the cards of `name` that stand stand on where `still` says so.
    fn stand(&mut self, name: &MemberName, still: impl Fn(&Card) -> bool) {
        let falls = |known: &Known| known.stands && known.card.name == *name && !still(&known.card);
        let fallen: Vec<_> = self
            .cards
            .iter()
            .filter(|(_, known)| falls(known))
            .map(|(hash, known)| (*hash, Known::clone(known)))
            .collect();
        for (hash, known) in fallen {
            self.cards.insert_mut(hash, Arc::new(Known { stands: false, ..known }));
        }
    }
}

/// The keys of a device. One that both opens and signs (an SSH key) is one key.
fn device_keys(device: &Device) -> impl Iterator<Item = String> {
    std::iter::once(device.recipient.to_string()).chain(device.signing.as_ref().map(ToString::to_string))
}

pub(super) fn has_device(card: &Card, device: &Device) -> bool {
    let same = |other: &Device| other.recipient == device.recipient && other.signing == device.signing;
    card.devices.iter().any(same)
}

pub(super) fn check_role(card: &Card, role: Role) -> Result<(), Refusal> {
    if role >= Role::Writer && card.signing_keys().next().is_none() {
        return Err(Refusal::NoSigningKey);
    }
    if role == Role::Admin && card.kind == Kind::Machine {
        return Err(Refusal::MachineAdmin);
    }
    Ok(())
}
