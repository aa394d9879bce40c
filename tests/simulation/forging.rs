//! A liar's tools: the next version of a secret with any author and any time, sealed with the keys that they have.

use covault::model::bytes::Hash;
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::{Manifest, MemberRef, RosterPoint, State};
use covault::model::names::MemberName;
use covault::model::read;
use covault::model::register::{Key, Value, Write};
use covault::model::roster::{self, Entry, Operation, Role, Roster};
use covault::model::time::Time;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identities, SealedFile, SigningKey, seal};

use crate::world::Person;

/// The signing key on somebody's machine; a fresh one where there is none.
pub fn key_of(person: &Person) -> SigningKey {
    let file = person.home.join(".config/covault/signing_ed25519");
    match std::fs::read_to_string(file) {
        Ok(text) => SigningKey::from_openssh(&text, || None).unwrap(),
        Err(_) => SigningKey::generate().unwrap(),
    }
}

/// The roster in these bytes.
pub fn roster_of(bytes: &[u8]) -> Roster {
    Roster::from_entries(&roster::decode(bytes).unwrap()).unwrap()
}

/// Somebody's newest card, of a member or of one who left.
pub fn reference(roster: &Roster, name: &str) -> Option<MemberRef> {
    let name = MemberName::parse(name).ok()?;
    if let Some(living) = roster.named(&name) {
        return Some(living.reference());
    }
    let (card, _) = roster.state().cards().find(|(_, known)| known.card.name == name)?;
    Some(MemberRef { name, card })
}

/// Whether somebody may write a secret that is sealed like this, by the roster alone.
pub fn may_write(roster: &Roster, name: &str, old: &Manifest) -> bool {
    let Some(member) = MemberName::parse(name).ok().and_then(|name| roster.named(&name)) else { return false };
    let reads = roster.readers(&old.path, &old.shares.holders());
    member.role >= Role::Writer && reads.iter().any(|reader| reader.card.name.as_str() == name)
}

/// What a forged version says.
pub struct Forging<'a> {
    pub roster: &'a Roster,
    pub author: MemberRef,
    pub key: &'a SigningKey,
    pub at: Time,
    /// What it writes, and 16 bytes that no other write has.
    pub value: &'a str,
    pub nonce: [u8; 16],
}

impl Forging<'_> {
    /// The version after this one, which lives and is alone in its file. With a key that opens it everything in it stays.
    pub fn next(&self, bytes: &[u8], opens: Option<&Identities>) -> Option<Vec<u8>> {
        let sealed = SealedFile::parse(bytes).ok()?;
        let old = sealed.manifest();
        if old.state != State::Live {
            return None;
        }
        let readers = self.roster.readers(&old.path, &old.shares.holders());
        let mut readers: Vec<MemberRef> = readers.iter().map(|member| member.reference()).collect();
        if !readers.contains(&self.author) {
            readers.push(self.author.clone());
        }
        readers.sort();
        let manifest = Manifest {
            revision: old.revision + 1,
            parents: vec![sealed.hash()],
            ancestors: Manifest::ancestors_after(&[(sealed.hash(), old.clone())], &[]),
            roster: self.point(),
            author: self.author.clone(),
            readers,
            at: self.at,
            ..old.clone()
        };
        let document = match opens {
            Some(identities) => codec::decode(&sealed.open(identities, &[]).ok()?.plaintext).ok()?,
            None => Document::new(old.vault, old.id, old.path.clone()),
        };
        self.sealed(manifest, document)
    }

    fn sealed(&self, mut manifest: Manifest, mut document: Document) -> Option<Vec<u8>> {
        let key = Key::parse("field.password")?;
        let write = Write::new(&key, Value::text(self.value), false, self.author.name.clone(), self.at, self.nonce);
        document.put(&key, write);
        manifest.values = read::secret_values(&document);
        let devices = manifest.readers.iter().map(|reader| self.roster.devices(reader).unwrap_or_default());
        let devices: Vec<_> = devices.collect();
        Some(seal(manifest.clone(), &codec::encode(&document).ok()?, &devices, self.key).ok()?.bytes)
    }

    fn point(&self) -> RosterPoint {
        RosterPoint { seq: self.roster.seq, head: self.roster.head, blob: String::new() }
    }
}

/// The roster with one more entry by this card and key.
pub fn extended(bytes: &[u8], by: Hash, key: &SigningKey, operation: Operation, at: Time) -> String {
    let mut entries = roster::decode(bytes).unwrap();
    let (seq, prev) = (entries.len() as u64, entries.last().map(Entry::hash));
    let body = roster::body(seq, prev, Some(by), at, &operation);
    let signature = sshsig::sign(key, Namespace::Roster, body.as_bytes()).unwrap();
    entries.push(Entry { seq, prev, by: Some(by), at, operation, body, signature, card_signature: None });
    text(&entries)
}

/// The roster without its newest entry.
pub fn shortened(bytes: &[u8]) -> String {
    let mut entries = roster::decode(bytes).unwrap();
    entries.pop();
    text(&entries)
}

fn text(entries: &[Entry]) -> String {
    entries.iter().map(Entry::text).collect::<Vec<_>>().join("\n")
}
