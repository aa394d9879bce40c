//! A sealed file: what is parsed is the file, byte for byte; what is sealed opens for its readers; a splice changes nobody's
//! payload; and a byte that is changed afterwards is noticed.
//!
//! Three kinds of input: a file as it lies there; one that begins with 0, which says who seals, splices and flips what; and
//! one that begins with 1, with stanzas, a manifest and a payload by somebody who can sign, parted by `%%`.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use covault::model::bytes::{Hash, SecretId};
use covault::model::card::Device;
use covault::model::manifest::{Manifest, MemberRef, RosterPoint, State};
use covault::model::names::{DeviceLabel, MemberName, SecretPath};
use covault::model::shares::Shares;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{
    Identities, Identity, MAX_FILE, Sealed, SealedFile, SigningKey, only_adds, open_foreign, reseal_header, seal,
};

pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((0, rest)) => ours(rest),
        Some((1, rest)) => forged(rest),
        _ => look(data),
    }
}

/// Any file at all.
fn look(bytes: &[u8]) {
    let file = match SealedFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            super::check_length(&error);
            if let Err(error) = open_foreign(bytes, &people()[0].keys()) {
                super::check_length(&error);
            }
            return;
        }
    };
    assert!(file.bytes() == bytes && bytes.len() <= MAX_FILE);
    assert_eq!(file.hash(), Hash::of(file.manifest().encode().as_bytes()));
    let _ = (file.verify_signature(), file.claimed_signer(), file.check_devices(&[]));
    for person in people() {
        if let Ok(opened) = file.open(&person.keys(), &[0]) {
            assert_eq!(Hash::of(opened.plaintext.expose()), file.manifest().document);
        }
    }
}

/// Sealed, opened, given to others, changed.
fn ours(data: &[u8]) {
    let Some(([old, new, high, low, change], text)) = data.split_first_chunk() else { return };
    let (old, new) = (some(*old), some(*old | *new));
    let plaintext = Plaintext::new(text.to_vec());
    let sealed = seal(draft(&old), &plaintext, &devices(&old), &old[0].signing).expect("sealed");
    let first = opens(&sealed, &old, text);
    let file = SealedFile::parse(sealed.bytes.clone()).expect("ours");
    let draft =
        Manifest { revision: 2, parents: vec![sealed.hash], ancestors: vec![sealed.hash.short()], ..draft(&new) };
    let (before, after) = (devices(&old), devices(&new));
    assert!(only_adds(&before, &after));
    let spliced = reseal_header(&file, &first, &before, draft, &after, &old[0].signing).expect("spliced");
    opens(&spliced, &new, text);
    let payload = |sealed: &Sealed| sealed.bytes[sealed.bytes.len() - (text.len() + 32)..].to_vec();
    assert!(payload(&sealed) == payload(&spliced), "the payload is as it was");

    let mut changed = spliced.bytes;
    let place = (usize::from(*high) << 8 | usize::from(*low)) % changed.len();
    changed[place] ^= change;
    if *change != 0 {
        let verified = SealedFile::parse(changed).and_then(|file| file.verify_signature().map(|_| file));
        // The MAC is not signed; who opens the file checks it.
        assert!(verified.is_err() || verified.is_ok_and(|file| file.open(&new[0].keys(), &[0]).is_err()), "unnoticed");
    }
}

/// For each of its readers and nobody else.
fn opens(sealed: &Sealed, readers: &[&Person], text: &[u8]) -> covault::seal::Opened {
    let file = SealedFile::parse(sealed.bytes.clone()).expect("ours");
    assert_eq!(*file.manifest(), sealed.manifest);
    file.verify_signature().expect("signed");
    file.check_devices(&devices(readers)).expect("their stanzas");
    for person in people() {
        let opened = file.open(&person.keys(), &[]);
        match readers.iter().any(|reader| reader.name == person.name) {
            true => assert!(opened.expect("a reader").plaintext.expose() == text),
            false => assert!(opened.is_err(), "{} reads it", person.name),
        }
    }
    file.open(&readers[0].keys(), &[0]).expect("opened before")
}

/// By a member who writes what they like, and signs it.
fn forged(data: &[u8]) {
    let mut parts = Vec::new();
    let mut rest = data;
    for _ in 0..2 {
        let Some(at) = rest.windows(3).position(|window| window == b"%%\n") else { return };
        parts.push(&rest[..at]);
        rest = &rest[at + 3..];
    }
    let mut file = b"age-encryption.org/v1\n".to_vec();
    file.extend_from_slice(parts[0]);
    let text = String::from_utf8_lossy(parts[1]).replace("{stanzas}", &Hash::of(&file).to_string());
    let text = text.replace("{payload}", &Hash::of(rest).to_string());
    let signature = sshsig::sign(&people()[0].signing, Namespace::Secret, text.as_bytes()).expect("signed");
    for (name, body) in [("covault-manifest", text.as_bytes()), ("covault-signature", &signature)] {
        file.extend_from_slice(format!("-> {name}\n").as_bytes());
        let body = BASE64.encode(body);
        for line in body.as_bytes().chunks(64) {
            file.extend_from_slice(line);
            file.push(b'\n');
        }
        if body.len().is_multiple_of(64) {
            file.push(b'\n');
        }
    }
    file.extend_from_slice(format!("--- {}\n", BASE64.encode([0; 32])).as_bytes());
    file.extend_from_slice(rest);
    if let Ok(parsed) = SealedFile::parse(file.clone()) {
        assert_eq!(parsed.manifest().encode(), text);
        parsed.verify_signature().expect("signed");
        assert!(parsed.device_count() > 0);
    }
    look(&file);
}

struct Person {
    name: MemberName,
    secret: String,
    signing: SigningKey,
    devices: Vec<Device>,
}

impl Person {
    fn keys(&self) -> Identities {
        Identity::parse(&self.secret).expect("a key").into()
    }
}

/// The same four for as long as the process lives; the last has an SSH key.
fn people() -> &'static [Person] {
    static PEOPLE: OnceLock<Vec<Person>> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        const ALICE: &str = include_str!("../../../fixtures/seal/golden/alice.txt");
        let others = (1..4).map(|_| Identity::generate().expect("randomness").to_text().expect("a key").to_string());
        let secrets = std::iter::once(ALICE.trim().to_owned()).chain(others);
        let people = secrets.zip(["alice", "bob", "carol", "dave"]).map(|(secret, name)| {
            let signing = SigningKey::generate().expect("randomness");
            let device = Device {
                label: DeviceLabel::parse("laptop").expect("a label"),
                recipient: Identity::parse(&secret).expect("a key").recipient().clone(),
                signing: Some(signing.public()),
            };
            Person { name: MemberName::parse(name).expect("a name"), secret, signing, devices: vec![device] }
        });
        people.collect()
    })
}

/// Those whose bits are set; alice always.
fn some(bits: u8) -> Vec<&'static Person> {
    people().iter().enumerate().filter(|(n, _)| *n == 0 || bits >> n & 1 == 1).map(|(_, person)| person).collect()
}

fn devices<'a>(people: &[&'a Person]) -> Vec<&'a [Device]> {
    people.iter().map(|person| person.devices.as_slice()).collect()
}

fn draft(readers: &[&Person]) -> Manifest {
    let of =
        |person: &&Person| MemberRef { name: person.name.clone(), card: Hash::of(person.name.as_str().as_bytes()) };
    let zero = Hash([0; 32]);
    Manifest {
        vault: Hash::of(b"vault"),
        id: SecretId([7; 16]),
        aliases: Vec::new(),
        path: SecretPath::parse("prod/db").expect("a name"),
        state: State::Live,
        revision: 1,
        parents: Vec::new(),
        ancestors: Vec::new(),
        roster: RosterPoint { seq: 3, head: Hash::of(b"head"), blob: String::new() },
        readers: readers.iter().map(of).collect(),
        author: of(&readers[0]),
        shares: Shares::default(),
        values: Vec::new(),
        at: Time::from_unix(1_760_000_000),
        document: zero,
        payload: zero,
        stanzas: zero,
    }
}
