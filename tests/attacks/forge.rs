//! The attacker's tools: Covault's own library, with the keys that they have, and a knife for bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use covault::model::bytes::{Hash, SecretId};
use covault::model::card::{Card, Device, Kind};
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::{Manifest, MemberRef, RosterPoint, State};
use covault::model::names::{DeviceLabel, MemberName, SecretPath, Subject};
use covault::model::read;
use covault::model::register::{Key, Value, Write};
use covault::model::roster::{self, Entry, Operation, Roster};
use covault::model::shares::Shares;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identity, SealedFile, SigningKey, seal};

use super::rig::{Case, PLANTED, ROSTER, file};

/// After everything that the team did.
pub const NOW: i64 = 1_800_000_000;

pub fn now() -> Time {
    Time::from_unix(NOW)
}

pub fn member(name: &str) -> MemberName {
    MemberName::parse(name).unwrap()
}

/// Somebody whom nobody knows, with good keys.
pub struct Stranger {
    pub card: Card,
    pub key: SigningKey,
    /// Their own signature over the card.
    pub signature: Vec<u8>,
}

impl Case {
    /// The signing key that lies on somebody's machine.
    pub fn key(&self, name: &str) -> SigningKey {
        let home = self.world.path().join(format!("{name} home/.config/covault/signing_ed25519"));
        SigningKey::from_openssh(&std::fs::read_to_string(home).unwrap(), || None).unwrap()
    }

    pub fn roster(&self) -> Roster {
        Roster::from_entries(&roster::decode(&self.read(ROSTER)).unwrap()).unwrap()
    }

    /// Somebody's newest card, of a member or of one who was removed.
    pub fn reference(&self, name: &str) -> MemberRef {
        let roster = self.roster();
        if let Some(living) = roster.named(&member(name)) {
            return living.reference();
        }
        let (card, _) = roster.state().cards().find(|(_, known)| known.card.name.as_str() == name).unwrap();
        MemberRef { name: member(name), card }
    }

    /// New keys on a card for this vault.
    pub fn stranger(&self, name: &str) -> Stranger {
        self.stranger_with(name, Identity::generate().unwrap())
    }

    pub fn stranger_with(&self, name: &str, identity: Identity) -> Stranger {
        let key = SigningKey::generate().unwrap();
        let device = Device {
            label: DeviceLabel::parse("laptop").unwrap(),
            recipient: identity.recipient().clone(),
            signing: Some(key.public()),
        };
        let card = Card { vault: self.roster().vault, name: member(name), kind: Kind::Person, devices: vec![device] };
        let signature = sshsig::sign(&key, Namespace::Card, card.encode().as_bytes()).unwrap();
        Stranger { card, key, signature }
    }

    /// The next version of a secret with a planted value, as `author` would seal it, by what is public.
    pub fn next(&self, name: &str, author: &str) -> Forgery<'_> {
        let sealed = SealedFile::parse(self.read(&file(name))).unwrap();
        let old = sealed.manifest();
        let author = self.reference(author);
        let manifest = Manifest {
            revision: old.revision + 1,
            parents: vec![sealed.hash()],
            ancestors: Manifest::ancestors_after(&[(sealed.hash(), old.clone())], &[]),
            roster: self.point(),
            author: author.clone(),
            at: now(),
            ..old.clone()
        };
        Forgery::new(self, manifest, self.key(author.name.as_str()))
    }

    /// A new secret by `author`, for those who would read it.
    pub fn birth(&self, name: &str, author: &str) -> Forgery<'_> {
        let roster = self.roster();
        let path = SecretPath::parse(name).unwrap();
        let author = self.reference(author);
        let zero = Hash([0; 32]);
        let manifest = Manifest {
            vault: roster.vault,
            id: SecretId([7; 16]),
            aliases: Vec::new(),
            state: State::Live,
            revision: 1,
            parents: Vec::new(),
            ancestors: Vec::new(),
            roster: self.point(),
            readers: roster.readers(&path, &[]).iter().map(|member| member.reference()).collect(),
            author: author.clone(),
            shares: Shares::default(),
            values: Vec::new(),
            at: now(),
            document: zero,
            payload: zero,
            stanzas: zero,
            path,
        };
        Forgery::new(self, manifest, self.key(author.name.as_str()))
    }

    /// The newest entry of the roster.
    pub fn point(&self) -> RosterPoint {
        let roster = self.roster();
        RosterPoint { seq: roster.seq, head: roster.head, blob: String::new() }
    }

    /// The roster as it was in a commit of the attacker's clone.
    pub fn roster_at(&self, commit: &str) -> Roster {
        Roster::from_entries(&roster::decode(&self.at_commit(commit, ROSTER)).unwrap()).unwrap()
    }

    /// The entries of the roster in the attacker's clone.
    pub fn chain(&self) -> Chain<'_> {
        Chain { case: self, entries: roster::decode(&self.read(ROSTER)).unwrap() }
    }
}

/// A file in the making.
pub struct Forgery<'a> {
    case: &'a Case,
    pub manifest: Manifest,
    pub document: Document,
    /// Devices for each reader; those of their cards where nothing else is said.
    devices: Option<Vec<Vec<Device>>>,
    key: SigningKey,
    as_is: bool,
}

impl<'a> Forgery<'a> {
    fn new(case: &'a Case, manifest: Manifest, key: SigningKey) -> Self {
        let mut document = Document::new(manifest.vault, manifest.id, manifest.path.clone());
        let value = Key::parse("field.value").unwrap();
        let author = manifest.author.name.clone();
        document.put(&value, Write::new(&value, Value::text(PLANTED), false, author, now(), [9; 16]));
        Self { case, manifest, document, devices: None, key, as_is: false }
    }

    /// Changes the manifest before it is signed.
    pub fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    /// Changes the document; the manifest follows it no further.
    pub fn saying(mut self, change: impl FnOnce(&mut Document)) -> Self {
        change(&mut self.document);
        self
    }

    /// The manifest's values are left as they are, whatever the document has.
    pub fn with_values_as_they_are(mut self) -> Self {
        self.as_is = true;
        self
    }

    pub fn signed_by(mut self, key: SigningKey) -> Self {
        self.key = key;
        self
    }

    /// Sealed to exactly these, by their newest cards.
    pub fn to(mut self, names: &[&str]) -> Self {
        self.manifest.readers = names.iter().map(|name| self.case.reference(name)).collect();
        self.manifest.readers.sort();
        self
    }

    /// Another card's devices get one reader's stanzas.
    pub fn stanzas_of(mut self, reader: &str, card: &Card) -> Self {
        let mut devices = self.devices.take().unwrap_or_else(|| self.usual_devices());
        let place = self.manifest.readers.iter().position(|r| r.name.as_str() == reader).unwrap();
        devices[place] = card.devices.clone();
        self.devices = Some(devices);
        self
    }

    /// Somebody whom the roster does not know is among the readers.
    pub fn and_to(mut self, card: &Card) -> Self {
        let reference = MemberRef { name: card.name.clone(), card: card.hash() };
        let mut pairs: Vec<_> = self.manifest.readers.iter().cloned().zip(self.usual_devices()).collect();
        pairs.push((reference, card.devices.clone()));
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        (self.manifest.readers, self.devices) = {
            let (readers, devices) = pairs.into_iter().unzip();
            (readers, Some(devices))
        };
        self
    }

    /// Shared with somebody, by the author's word.
    pub fn shared_with(mut self, name: &str) -> Self {
        let author = self.manifest.author.name.clone();
        self.manifest.shares.put(Subject::parse(name).unwrap(), true, author, now(), [5; 16]);
        self
    }

    fn usual_devices(&self) -> Vec<Vec<Device>> {
        let roster = self.case.roster();
        self.manifest.readers.iter().map(|reader| roster.devices(reader).unwrap_or_default().to_vec()).collect()
    }

    /// The sealed file.
    pub fn bytes(mut self) -> Vec<u8> {
        if !self.as_is {
            self.manifest.values = read::secret_values(&self.document);
        }
        let plaintext = codec::encode(&self.document).unwrap();
        self.sealing(&plaintext)
    }

    /// The same around any plaintext.
    pub fn sealing(self, plaintext: &Plaintext) -> Vec<u8> {
        let devices = self.devices.clone().unwrap_or_else(|| self.usual_devices());
        let devices: Vec<_> = devices.iter().map(Vec::as_slice).collect();
        seal(self.manifest, plaintext, &devices, &self.key).unwrap().bytes
    }

    /// Put where the manifest says.
    pub fn put(self) {
        let name = self.manifest.path.to_string();
        self.put_at(&name);
    }

    pub fn put_at(self, name: &str) {
        let case = self.case;
        case.write(&file(name), self.bytes());
    }
}

/// A roster in the making.
pub struct Chain<'a> {
    case: &'a Case,
    pub entries: Vec<Entry>,
}

impl Chain<'_> {
    /// One more entry by somebody's present (or last) card and their key.
    pub fn then(self, by: &str, operation: Operation) -> Self {
        let (key, card) = (self.case.key(by), self.case.reference(by).card);
        self.signed(Some(card), operation, &key, None)
    }

    /// The same for an operation that brings a card.
    pub fn admits(self, by: &str, operation: Operation, card_signature: &[u8]) -> Self {
        let (key, card) = (self.case.key(by), self.case.reference(by).card);
        self.signed(Some(card), operation, &key, Some(card_signature.to_vec()))
    }

    /// One more entry in the name of a card, by any key.
    pub fn signed(
        self,
        by: Option<Hash>,
        operation: Operation,
        key: &SigningKey,
        card_signature: Option<Vec<u8>>,
    ) -> Self {
        let (seq, prev) = (self.entries.len() as u64, self.entries.last().map(Entry::hash));
        self.entry(seq, prev, by, operation, key, Namespace::Roster, card_signature)
    }

    /// One more entry with everything as it is given.
    #[allow(clippy::too_many_arguments)]
    pub fn entry(
        mut self,
        seq: u64,
        prev: Option<Hash>,
        by: Option<Hash>,
        operation: Operation,
        key: &SigningKey,
        namespace: Namespace,
        card_signature: Option<Vec<u8>>,
    ) -> Self {
        let body = roster::body(seq, prev, by, now(), &operation);
        let signature = sshsig::sign(key, namespace, body.as_bytes()).unwrap();
        self.entries.push(Entry { seq, prev, by, at: now(), operation, body, signature, card_signature });
        self
    }

    /// Only the first so many entries.
    pub fn first(mut self, count: usize) -> Self {
        self.entries.truncate(count);
        self
    }

    pub fn text(&self) -> String {
        self.entries.iter().map(Entry::text).collect::<Vec<_>>().join("\n")
    }

    pub fn put(self) {
        self.case.write(ROSTER, self.text());
    }
}

/// A sealed file, taken apart at its seams.
pub struct Parts {
    pub stanzas: Vec<u8>,
    pub manifest: String,
    pub signature: Vec<u8>,
    /// The line that ends the header, without its line end.
    pub mac: Vec<u8>,
    pub payload: Vec<u8>,
}

const MANIFEST: &[u8] = b"-> covault-manifest\n";
const SIGNATURE: &[u8] = b"-> covault-signature\n";

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|part| part == what).unwrap()
}

fn decoded(lines: &[u8]) -> Vec<u8> {
    BASE64.decode(String::from_utf8(lines.to_vec()).unwrap().replace('\n', "")).unwrap()
}

/// A stanza's body as age wraps it.
pub fn wrapped(bytes: &[u8]) -> Vec<u8> {
    let text = BASE64.encode(bytes);
    let mut out: Vec<u8> = Vec::new();
    for line in text.as_bytes().chunks(64) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    if text.len().is_multiple_of(64) {
        out.push(b'\n');
    }
    out
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Self {
        let (manifest, signature) = (find(bytes, MANIFEST), find(bytes, SIGNATURE));
        let end = signature + find(&bytes[signature..], b"\n--- ") + 1;
        let line_end = end + find(&bytes[end..], b"\n");
        Self {
            stanzas: bytes[..manifest].to_vec(),
            manifest: String::from_utf8(decoded(&bytes[manifest + MANIFEST.len()..signature])).unwrap(),
            signature: decoded(&bytes[signature + SIGNATURE.len()..end]),
            mac: bytes[end..line_end].to_vec(),
            payload: bytes[line_end + 1..].to_vec(),
        }
    }

    /// Put together again; `middle` is what stands between the readers' stanzas and the last line.
    pub fn around(&self, middle: &[u8]) -> Vec<u8> {
        [&self.stanzas, middle, &self.mac, b"\n", &self.payload].concat()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.around(&[self.manifest_stanza(), self.signature_stanza()].concat())
    }

    pub fn manifest_stanza(&self) -> Vec<u8> {
        [MANIFEST, &wrapped(self.manifest.as_bytes())].concat()
    }

    pub fn signature_stanza(&self) -> Vec<u8> {
        [SIGNATURE, &wrapped(&self.signature)].concat()
    }

    /// Signs the manifest as it stands.
    pub fn sign(&mut self, key: &SigningKey, namespace: Namespace) {
        self.signature = sshsig::sign(key, namespace, self.manifest.as_bytes()).unwrap();
    }

    /// Each reader's stanza with its lines.
    pub fn reader_stanzas(&self) -> Vec<Vec<u8>> {
        let text = String::from_utf8(self.stanzas.clone()).unwrap();
        text.split("-> ").skip(1).map(|stanza| format!("-> {stanza}").into_bytes()).collect()
    }

    pub fn set_reader_stanzas(&mut self, stanzas: &[Vec<u8>]) {
        self.stanzas = [b"age-encryption.org/v1\n".to_vec(), stanzas.concat()].concat();
    }

    /// Writes a key's line of the manifest anew.
    pub fn set(&mut self, key: &str, value: &str) {
        let begin = format!("{key} = ");
        let lines = self
            .manifest
            .lines()
            .map(|line| if line.starts_with(&begin) { format!("{begin}{value}\n") } else { format!("{line}\n") });
        self.manifest = lines.collect();
    }
}

impl Case {
    /// Takes a secret's file apart, changes it and puts it back.
    pub fn carve(&self, name: &str, knife: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::of(&self.read(&file(name)));
        knife(&mut parts);
        self.write(&file(name), parts.bytes());
    }
}
