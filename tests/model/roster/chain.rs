//! Chains of entries to try things on: nobody signs anything here, all the rest is real.

use covault::model::bytes::Hash;
use covault::model::card::{Card, Device, Kind, Recipient, SigningPublic};
use covault::model::manifest::MemberRef;
use covault::model::names::{DeviceLabel, GroupName, MemberName};
use covault::model::roster::{self, Entry, Granted, Grantee, Operation, Refusal, Role, Roster, RosterError, State};

use super::super::world::{at, hash, member, nonce, path};

/// A device with keys that follow from its text. `-` at the end: it cannot sign.
pub fn device(text: &str) -> Device {
    use base64::Engine as _;
    let key = hash(text.trim_end_matches('-'));
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend(key.0);
    let signing = SigningPublic(base64::engine::general_purpose::STANDARD.encode(blob));
    Device {
        label: DeviceLabel::parse(&text.replace('-', ".")).or_else(|_| DeviceLabel::parse("device")).unwrap(),
        recipient: Recipient::X25519(format!("age1{}", &key.to_string()[..58])),
        signing: (!text.ends_with('-')).then_some(signing),
    }
}

/// Believes every signature.
pub struct Believe;

impl roster::Judge for Believe {
    type Error = RosterError;

    fn signature(&mut self, _: u64, _: roster::Signed, _: &Card, _: &str, _: &[u8]) -> Result<(), RosterError> {
        Ok(())
    }

    fn card(&mut self, _: u64, _: &Card) -> Result<(), RosterError> {
        Ok(())
    }
}

/// A chain as it would stand in the file.
#[derive(Clone)]
pub struct Chain {
    pub entries: Vec<Entry>,
    roster: Roster,
}

impl Chain {
    /// Alice's vault.
    pub fn new() -> Self {
        let founder =
            Card { vault: hash(""), name: member("alice"), kind: Kind::Person, devices: vec![device("alice.1")] };
        let body = roster::found_body("acme", nonce(1), &founder, at(0));
        let entries = roster::decode(roster::entry_text(&body, b"alice", Some(b"card")).as_bytes()).unwrap();
        let roster = Roster::from_entries(&entries).unwrap();
        Self { entries, roster }
    }

    /// With ann, an admin; walt, a writer; rita, a reader; bot, a machine.
    pub fn team() -> Self {
        let mut chain = Self::new();
        chain.admit("alice", "ann", Role::Admin);
        chain.admit("alice", "walt", Role::Writer);
        chain.admit("alice", "rita", Role::Reader);
        let bot = Card { kind: Kind::Machine, ..chain.card("bot", &["bot.1"]) };
        chain.add("alice", Operation::Admit { role: Role::Writer, card: bot });
        chain
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub fn state(&self) -> &State {
        self.roster.state()
    }

    pub fn text(&self) -> String {
        self.entries.iter().map(Entry::text).collect::<Vec<_>>().join("\n")
    }

    pub fn card(&self, name: &str, devices: &[&str]) -> Card {
        let devices = devices.iter().map(|text| device(text)).collect();
        Card { vault: self.roster.vault, name: member(name), kind: Kind::Person, devices }
    }

    /// A member by their present card.
    pub fn who(&self, name: &str) -> MemberRef {
        self.roster.named(&member(name)).unwrap_or_else(|| panic!("{name} does not live")).reference()
    }

    pub fn lives(&self, name: &str) -> bool {
        self.roster.named(&member(name)).is_some()
    }

    pub fn role_of(&self, name: &str) -> Option<Role> {
        self.roster.named(&member(name)).map(|member| member.role)
    }

    /// Who reads what, sorted.
    pub fn readers(&self, secret: &str) -> Vec<&str> {
        self.state().readers(&path(secret), &[]).into_iter().map(|member| member.card.name.as_str()).collect()
    }

    /// One more entry, as it would be signed by somebody with this card.
    pub fn signed(&self, by: Hash, operation: Operation) -> Entry {
        let (seq, prev) = (self.roster.seq + 1, Some(self.roster.head));
        let at = at(60 * seq as i64);
        let body = roster::body(seq, prev, Some(by), at, &operation);
        let card = matches!(operation, Operation::Admit { .. } | Operation::Renew { .. });
        let card_signature = card.then(|| b"card".to_vec());
        Entry { seq, prev, by: Some(by), at, operation, body, signature: b"entry".to_vec(), card_signature }
    }

    /// Appends an entry by somebody with this card where the rules allow it.
    pub fn try_by(&mut self, by: Hash, operation: Operation) -> Result<(), Refusal> {
        let expected = self.roster.after(&operation, by);
        let mut entries = self.entries.clone();
        entries.push(self.signed(by, operation));
        match Roster::from_entries(&entries) {
            Ok(roster) => {
                assert_eq!(expected.as_ref(), Ok(roster.state()), "tried and done differ");
                (self.entries, self.roster) = (entries, roster);
                assert!(self.roster.sum().is_some(), "its sum is read back as another one");
                Ok(())
            }
            Err(RosterError::Refused { why, .. }) if expected == Err(why.clone()) => Err(why),
            Err(error) => match expected {
                Err(Refusal::Embedded(inner)) if *inner == error => Err(Refusal::Embedded(inner)),
                other => panic!("{error} where {other:?}"),
            },
        }
    }

    pub fn attempt(&mut self, by: &str, operation: Operation) -> Result<(), Refusal> {
        self.try_by(self.who(by).card, operation)
    }

    /// Appends an entry.
    pub fn add(&mut self, by: &str, operation: Operation) {
        let name = operation.name();
        self.attempt(by, operation).unwrap_or_else(|why| panic!("{name} by {by}: {why}"));
    }

    pub fn admit(&mut self, by: &str, name: &str, role: Role) {
        let card = self.card(name, &[&format!("{name}.1")]);
        self.add(by, Operation::Admit { role, card });
    }

    pub fn remove(&mut self, by: &str, name: &str) {
        let operation = self.removing(name);
        self.add(by, operation);
    }

    pub fn removing(&self, name: &str) -> Operation {
        Operation::Remove { member: self.who(name), live: vec![] }
    }

    pub fn role(&mut self, by: &str, name: &str, role: Role) {
        let operation = Operation::Role { member: self.who(name), role, live: vec![] };
        self.add(by, operation);
    }

    pub fn renewing(&self, name: &str, devices: &[&str]) -> Operation {
        let kind = self.roster.named(&member(name)).unwrap().card.kind;
        let card = Card { kind, ..self.card(name, devices) };
        Operation::Renew { member: self.who(name), card, live: vec![] }
    }

    pub fn renew(&mut self, by: &str, name: &str, devices: &[&str]) {
        let operation = self.renewing(name, devices);
        self.add(by, operation);
    }

    pub fn grouping(&self, group: &str, members: &[&str]) -> Operation {
        let mut members: Vec<_> = members.iter().map(|name| self.who(name)).collect();
        members.sort();
        Operation::Group { group: GroupName::parse(group).unwrap(), members, live: vec![] }
    }

    pub fn group(&mut self, by: &str, group: &str, members: &[&str]) {
        let operation = self.grouping(group, members);
        self.add(by, operation);
    }

    /// `@inherit` alone takes the grant away; the empty path is the root.
    pub fn granting(&self, at: &str, readers: &[&str]) -> Operation {
        let readers = match readers {
            ["@inherit"] => Granted::Inherit,
            names => Granted::To(names.iter().map(|name| self.grantee(name)).collect()),
        };
        Operation::Grant { path: (!at.is_empty()).then(|| path(at)), readers, live: vec![] }
    }

    fn grantee(&self, name: &str) -> Grantee {
        match name.strip_prefix('@') {
            Some("people") => Grantee::People,
            Some(group) => Grantee::Group(GroupName::parse(group).unwrap()),
            None => Grantee::Member(self.who(name)),
        }
    }

    pub fn grant(&mut self, by: &str, at: &str, readers: &[&str]) {
        let operation = self.granting(at, readers);
        self.add(by, operation);
    }

    /// What a merge of `theirs` into this chain would be.
    pub fn merging(&self, theirs: &Self) -> Operation {
        Operation::Merge { entries: roster::embeddable(&self.roster, &theirs.entries) }
    }

    /// Merges what `theirs` has and this chain has not.
    pub fn merge(&mut self, by: &str, theirs: &Self) {
        let operation = self.merging(theirs);
        self.add(by, operation);
    }
}

/// The name that `name` stands for.
pub fn named(name: &str) -> MemberName {
    member(name)
}

/// The group that `name` stands for.
pub fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}
