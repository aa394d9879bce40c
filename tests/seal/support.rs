//! alice, bob and others with their keys, and drafts of manifests.

use covault::model::bytes::{Hash, SecretId};
use covault::model::card::Device;
use covault::model::manifest::{Manifest, MemberRef, RosterPoint, State};
use covault::model::names::{DeviceLabel, MemberName, SecretPath};
use covault::model::shares::Shares;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::seal::{Identities, Identity, Opened, SealError, Sealed, SealedFile, SigningKey, seal};

/// A member with one or more devices.
pub struct Member {
    pub name: String,
    pub identities: Vec<Identity>,
    pub signing: SigningKey,
    pub devices: Vec<Device>,
}

impl Member {
    pub fn new(name: &str, identities: Vec<Identity>) -> Self {
        let signing = SigningKey::generate().unwrap();
        let devices = identities
            .iter()
            .zip(0..)
            .map(|(identity, n)| Device {
                label: DeviceLabel::parse(&format!("device{n}")).unwrap(),
                recipient: identity.recipient().clone(),
                signing: (n == 0).then(|| signing.public()),
            })
            .collect();
        Self { name: name.to_owned(), identities, signing, devices }
    }

    pub fn with_devices(name: &str, count: usize) -> Self {
        Self::new(name, (0..count).map(|_| Identity::generate().unwrap()).collect())
    }

    pub fn reference(&self) -> MemberRef {
        MemberRef { name: MemberName::parse(&self.name).unwrap(), card: Hash::of(self.name.as_bytes()) }
    }

    /// The first device's identity, as the only one at hand.
    pub fn keys(&self) -> Identities {
        let text = self.identities[0].to_text().unwrap();
        Identity::parse(&text).unwrap().into()
    }
}

/// `count` members `m000`, `m001`, … with one device each.
pub fn team(count: usize) -> Vec<Member> {
    (0..count).map(|n| Member::with_devices(&format!("m{n:03}"), 1)).collect()
}

pub fn devices(members: &[Member]) -> Vec<&[Device]> {
    members.iter().map(|m| m.devices.as_slice()).collect()
}

pub fn zero() -> Hash {
    Hash([0; 32])
}

pub fn draft(readers: &[Member]) -> Manifest {
    Manifest {
        vault: Hash::of(b"vault"),
        id: SecretId([7; 16]),
        aliases: Vec::new(),
        path: SecretPath::parse("prod/db").unwrap(),
        state: State::Live,
        revision: 1,
        parents: Vec::new(),
        ancestors: Vec::new(),
        roster: RosterPoint { seq: 3, head: Hash::of(b"head"), blob: String::new() },
        readers: readers.iter().map(Member::reference).collect(),
        author: readers[0].reference(),
        shares: Shares::default(),
        values: Vec::new(),
        at: Time::from_unix(1_760_000_000),
        document: zero(),
        payload: zero(),
        stanzas: zero(),
    }
}

/// Sealed by the first of the readers.
pub fn seal_for(readers: &[Member], text: &[u8]) -> Sealed {
    seal(draft(readers), &Plaintext::new(text.to_vec()), &devices(readers), &readers[0].signing).unwrap()
}

/// All that a careful caller does.
pub fn open_fully(bytes: &[u8], identities: &Identities, own: &[usize]) -> Result<Opened, SealError> {
    let file = SealedFile::parse(bytes)?;
    file.verify_signature()?;
    file.open(identities, own)
}

/// The error, for results whose good side has no `Debug`.
pub fn refusal<T>(result: Result<T, SealError>) -> SealError {
    match result {
        Ok(_) => panic!("was accepted"),
        Err(error) => error,
    }
}
