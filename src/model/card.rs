//! A card: a member's name, kind and devices, which the member signs for one vault.
//!
//! It carries public keys as text and checks their form, not their mathematics.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD as BASE64_NO_PAD};

use super::bytes::Hash;
use super::canon::{CanonError, Reader, Writer};
use super::names::{DeviceLabel, MemberName};
use super::words;

/// How many devices a card may have.
pub const MAX_DEVICES: usize = 8;

/// A person or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody.
    Person,
    /// Something that runs by itself; reads only, unless its card has a signing key.
    Machine,
}

impl Kind {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Machine => "machine",
        }
    }

    /// Reads what [`Kind::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "person" => Some(Self::Person),
            "machine" => Some(Self::Machine),
            _ => None,
        }
    }
}

/// Whom a file key can be wrapped for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// `age1…`: bech32 of an X25519 public key.
    X25519(String),
    /// The base64 blob after `ssh-ed25519 ` in an OpenSSH public key.
    SshEd25519(String),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X25519(text) => f.write_str(text),
            Self::SshEd25519(blob) => write!(f, "ssh-ed25519 {blob}"),
        }
    }
}

/// The base64 blob after `ssh-ed25519 ` in an OpenSSH public key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningPublic(pub String);

impl fmt::Display for SigningPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssh-ed25519 {}", self.0)
    }
}

impl SigningPublic {
    /// `SHA256:…`, as `ssh-keygen -l` shows the key.
    pub fn fingerprint(&self) -> String {
        let blob = BASE64.decode(&self.0).unwrap_or_default();
        format!("SHA256:{}", BASE64_NO_PAD.encode(Hash::of(&blob).0))
    }
}

/// One of a member's devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What its owner calls it.
    pub label: DeviceLabel,
    /// Opens what the member may read.
    pub recipient: Recipient,
    /// Signs what the member writes; a machine that only reads has none.
    pub signing: Option<SigningPublic>,
}

impl Device {
    /// `laptop age1… ssh-ed25519 AAAA…`.
    pub fn to_text(&self) -> String {
        match &self.signing {
            Some(signing) => format!("{} {} {signing}", self.label, self.recipient),
            None => format!("{} {}", self.label, self.recipient),
        }
    }

    /// Reads what [`Device::to_text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let label = DeviceLabel::parse(words.next()?).ok()?;
        let recipient = match words.next()? {
            "ssh-ed25519" => Recipient::SshEd25519(ssh_blob(words.next()?)?),
            text if is_age_recipient(text) => Recipient::X25519(text.to_owned()),
            _ => return None,
        };
        let signing = match words.next() {
            Some("ssh-ed25519") => Some(SigningPublic(ssh_blob(words.next()?)?)),
            Some(_) => return None,
            None => None,
        };
        words.next().is_none().then_some(Self { label, recipient, signing })
    }
}

fn is_age_recipient(text: &str) -> bool {
    text.len() == 62 && text.starts_with("age1") && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// 51 bytes in base64: two length-prefixed strings, `ssh-ed25519` and the key.
fn ssh_blob(text: &str) -> Option<String> {
    let blob = BASE64.decode(text).ok()?;
    let form = blob.len() == 51 && blob.starts_with(b"\0\0\0\x0bssh-ed25519\0\0\0\x20");
    form.then(|| text.to_owned())
}

/// A card. Its hash names the member everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The vault that it was made for.
    pub vault: Hash,
    /// The member's name.
    pub name: MemberName,
    /// Person or machine.
    pub kind: Kind,
    /// One to eight devices with different labels, recipients and signing keys.
    pub devices: Vec<Device>,
}

impl Card {
    /// The canonical text that its owner signs.
    pub fn encode(&self) -> String {
        let mut w = Writer::with_capacity(512);
        w.string("vault", &self.vault.to_string());
        self.write_fields(&mut w);
        w.finish()
    }

    /// Reads exactly what [`Card::encode`] writes.
    pub fn decode(text: &str) -> Result<Self, CanonError> {
        let mut r = Reader::new(text);
        let card = Self::read_text(&mut r)?;
        r.end()?;
        Ok(card)
    }

    /// Reads the whole text of a card from where `r` stands.
    pub(super) fn read_text(r: &mut Reader<'_>) -> Result<Self, CanonError> {
        let vault = Hash::from_hex(&r.string("vault")?).ok_or_else(|| r.wrong("vault", "64 hex digits"))?;
        Self::read_fields(r, vault)
    }

    /// The lines that an entry of the roster embeds (all but the vault).
    pub fn write_fields(&self, w: &mut Writer) {
        w.string("name", self.name.as_str())
            .string("kind", self.kind.as_str())
            .strings("devices", self.devices.iter().map(Device::to_text));
    }

    /// Reads the lines that [`Card::write_fields`] writes.
    pub fn read_fields(r: &mut Reader<'_>, vault: Hash) -> Result<Self, CanonError> {
        let name = MemberName::parse(&r.string("name")?).map_err(|_| r.wrong("name", "a member's name"))?;
        let kind = Kind::parse(&r.string("kind")?).ok_or_else(|| r.wrong("kind", "person or machine"))?;
        let devices: Option<Vec<Device>> = r.strings("devices")?.iter().map(|text| Device::parse(text)).collect();
        let card = Self { vault, name, kind, devices: devices.unwrap_or_default() };
        if card.is_well_formed() { Ok(card) } else { Err(r.wrong("devices", "one to eight different devices")) }
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> Hash {
        Hash::of(self.encode().as_bytes())
    }

    /// The card's hash as words, for people to compare.
    pub fn words(&self) -> String {
        words::words(&self.hash().0, words::DEFAULT_WORDS)
    }

    /// Whether somebody's fingerprint is this card's; see [`words::is_fingerprint`].
    pub fn has_fingerprint(&self, given: &str) -> bool {
        words::is_fingerprint(given, &self.hash().0)
    }

    /// The signing keys of all devices.
    pub fn signing_keys(&self) -> impl Iterator<Item = &SigningPublic> {
        self.devices.iter().filter_map(|device| device.signing.as_ref())
    }

    fn is_well_formed(&self) -> bool {
        let count = self.devices.len();
        let different = |key: fn(&Device) -> Option<String>| {
            let mut keys: Vec<_> = self.devices.iter().filter_map(key).collect();
            let all = keys.len();
            keys.sort();
            keys.dedup();
            keys.len() == all
        };
        (1..=MAX_DEVICES).contains(&count)
            && different(|d| Some(d.label.to_string()))
            && different(|d| Some(d.recipient.to_string()))
            && different(|d| d.signing.as_ref().map(ToString::to_string))
    }
}
