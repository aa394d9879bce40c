//! Entries as they stand in the file: one spelling each, read and written here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::bytes::{Hash, SecretId};
use super::super::canon::{CanonError, Reader, Writer};
use super::super::card::Card;
use super::super::manifest::{FORMAT, MemberRef};
use super::super::names::{GroupName, SecretPath};
use super::super::time::Time;
use super::{MAX_ROSTER, Role, RosterError};

const MAX_VAULT_NAME: usize = 64;
const INHERIT: &str = "@inherit";
const PEOPLE: &str = "@people";

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Begins a vault with its first admin.
    Found {
        /// What people call the vault.
        vault_name: String,
        /// Makes the vault's id unlike any other.
        nonce: [u8; 16],
        /// The first admin's name, kind and devices; the card's vault is the hash of this entry's body.
        founder: Card,
    },
    /// Takes a member in.
    Admit {
        /// What they may do.
        role: Role,
        /// Their card.
        card: Card,
    },
    /// Takes a member out.
    Remove {
        /// Who.
        member: MemberRef,
        /// Versions that stay good.
        live: Vec<Hash>,
    },
    /// Gives a member another role.
    Role {
        /// Who.
        member: MemberRef,
        /// What they may do from now on.
        role: Role,
        /// Versions that stay good.
        live: Vec<Hash>,
    },
    /// Gives a member another card.
    Renew {
        /// Who, by the card that ends.
        member: MemberRef,
        /// The new card.
        card: Card,
        /// Versions that stay good.
        live: Vec<Hash>,
    },
    /// Says who is in a group.
    Group {
        /// Which.
        group: GroupName,
        /// All of its members; none ends it.
        members: Vec<MemberRef>,
        /// Versions that stay good.
        live: Vec<Hash>,
    },
    /// Says who reads what is below a path.
    Grant {
        /// The folder or secret; `None` is the root.
        path: Option<SecretPath>,
        /// Who.
        readers: Granted,
        /// Versions that stay good.
        live: Vec<Hash>,
    },
    /// Embeds the entries of another branch.
    Merge {
        /// Their texts, as they stood in its file.
        entries: Vec<String>,
    },
    /// Raises the format that readers of the vault must know.
    Minimum {
        /// The format.
        minimum: u64,
    },
}

/// What a grant says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// What is above counts.
    Inherit,
    /// These read.
    To(Vec<Grantee>),
}

/// One of those whom a grant names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// Every living person.
    People,
    /// The group's members.
    Group(GroupName),
    /// One member.
    Member(MemberRef),
}

impl Grantee {
    fn to_text(&self) -> String {
        match self {
            Self::People => PEOPLE.to_owned(),
            Self::Group(group) => format!("@{group}"),
            Self::Member(member) => member.to_text(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('@') {
            Some("people") => Some(Self::People),
            Some(group) => GroupName::parse(group).ok().map(Self::Group),
            None => MemberRef::parse(text).map(Self::Member),
        }
    }
}

/// One entry with the bytes that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0.
    pub seq: u64,
    /// SHA-256 of the previous entry's body; `None` for the first.
    pub prev: Option<Hash>,
    /// Card of the member who signed it; `None` for `found`, which brings the card along.
    pub by: Option<Hash>,
    /// When, by the author's clock.
    pub at: Time,
    /// What it does.
    pub operation: Operation,
    /// The canonical lines that `signature` is over.
    pub body: String,
    /// SSHSIG over `body`, namespace `covault-roster`.
    pub signature: Vec<u8>,
    /// SSHSIG over the card's text, namespace `covault-card`, where the operation brings a card.
    pub card_signature: Option<Vec<u8>>,
}

impl Entry {
    /// SHA-256 of the body.
    pub fn hash(&self) -> Hash {
        Hash::of(self.body.as_bytes())
    }

    /// As it stands in the file.
    pub fn text(&self) -> String {
        entry_text(&self.body, &self.signature, self.card_signature.as_deref())
    }

    /// The card that the operation brings.
    pub fn card(&self) -> Option<&Card> {
        match &self.operation {
            Operation::Found { founder: card, .. } | Operation::Admit { card, .. } | Operation::Renew { card, .. } => {
                Some(card)
            }
            _ => None,
        }
    }
}

impl Operation {
    /// As written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Admit { .. } => "admit",
            Self::Remove { .. } => "remove",
            Self::Role { .. } => "role",
            Self::Renew { .. } => "renew",
            Self::Group { .. } => "group",
            Self::Grant { .. } => "grant",
            Self::Merge { .. } => "merge",
            Self::Minimum { .. } => "minimum",
        }
    }

    /// Whether it can change who reads or writes the secret at `path`: a grant says nothing about what is elsewhere.
    pub fn concerns(&self, path: &SecretPath) -> bool {
        match self {
            Self::Grant { path: Some(place), .. } => {
                path == place || path.folders().any(|folder| folder == place.as_str())
            }
            _ => true,
        }
    }

    /// The versions that it says stay good.
    pub fn live(&self) -> &[Hash] {
        match self {
            Self::Remove { live, .. }
            | Self::Role { live, .. }
            | Self::Renew { live, .. }
            | Self::Group { live, .. }
            | Self::Grant { live, .. } => live,
            _ => &[],
        }
    }

    /// The same with these versions staying good, where the operation can say so.
    #[must_use]
    pub fn keeping(mut self, versions: Vec<Hash>) -> Self {
        if let Self::Remove { live, .. }
        | Self::Role { live, .. }
        | Self::Renew { live, .. }
        | Self::Group { live, .. }
        | Self::Grant { live, .. } = &mut self
        {
            *live = versions;
            live.sort_unstable();
            live.dedup();
        }
        self
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Found { vault_name, nonce, founder } => {
                w.string("vault_name", vault_name).string("nonce", &hex::encode(nonce));
                founder.write_fields(w);
            }
            Self::Admit { role, card } => {
                w.string("role", role.as_str());
                card.write_fields(w);
            }
            Self::Remove { member, .. } => {
                w.string("member", &member.to_text());
            }
            Self::Role { member, role, .. } => {
                w.string("member", &member.to_text()).string("role", role.as_str());
            }
            Self::Renew { member, card, .. } => {
                w.string("member", &member.to_text());
                card.write_fields(w);
            }
            Self::Group { group, members, .. } => {
                w.string("group", group.as_str()).strings("members", members.iter().map(MemberRef::to_text));
            }
            Self::Grant { path, readers, .. } => {
                w.string("path", path.as_ref().map_or("", SecretPath::as_str));
                match readers {
                    Granted::Inherit => w.strings("readers", [INHERIT]),
                    Granted::To(readers) => w.strings("readers", readers.iter().map(Grantee::to_text)),
                };
            }
            Self::Merge { entries } => {
                w.strings("entries", entries.iter().map(|text| BASE64.encode(text)));
            }
            Self::Minimum { minimum } => {
                w.integer("minimum", *minimum);
            }
        }
        if !matches!(self, Self::Found { .. } | Self::Admit { .. } | Self::Merge { .. } | Self::Minimum { .. }) {
            w.strings("live", self.live().iter().map(ToString::to_string));
        }
    }

    fn read(r: &mut Reader<'_>, name: &str, vault: Hash) -> Result<Option<Self>, CanonError> {
        Ok(Some(match name {
            "found" => {
                let vault_name = r.string("vault_name")?;
                if !is_vault_name(&vault_name) {
                    return Err(r.wrong("vault_name", "1 to 64 bytes without control characters"));
                }
                let nonce = SecretId::from_hex(&r.string("nonce")?).ok_or_else(|| r.wrong("nonce", "32 hex digits"))?;
                Self::Found { vault_name, nonce: nonce.0, founder: Card::read_fields(r, vault)? }
            }
            "admit" => Self::Admit { role: role(r)?, card: Card::read_fields(r, vault)? },
            "remove" => Self::Remove { member: member(r)?, live: live(r)? },
            "role" => Self::Role { member: member(r)?, role: role(r)?, live: live(r)? },
            "renew" => Self::Renew { member: member(r)?, card: Card::read_fields(r, vault)?, live: live(r)? },
            "group" => Self::Group {
                group: GroupName::parse(&r.string("group")?).map_err(|_| r.wrong("group", "a group's name"))?,
                members: sorted(r, "members", "sorted members with their cards", MemberRef::parse)?,
                live: live(r)?,
            },
            "grant" => Self::Grant { path: path(r)?, readers: granted(r)?, live: live(r)? },
            "merge" => {
                let decode = |text: &String| String::from_utf8(BASE64.decode(text).ok()?).ok();
                let entries: Option<Vec<_>> = r.strings("entries")?.iter().map(decode).collect();
                let entries = entries.filter(|entries| !entries.is_empty());
                Self::Merge { entries: entries.ok_or_else(|| r.wrong("entries", "entries in base64"))? }
            }
            "minimum" => Self::Minimum { minimum: r.integer("minimum")? },
            _ => return Ok(None),
        }))
    }
}

fn role(r: &mut Reader<'_>) -> Result<Role, CanonError> {
    Role::parse(&r.string("role")?).ok_or_else(|| r.wrong("role", "reader, writer or admin"))
}

fn member(r: &mut Reader<'_>) -> Result<MemberRef, CanonError> {
    MemberRef::parse(&r.string("member")?).ok_or_else(|| r.wrong("member", "a member with their card"))
}

fn live(r: &mut Reader<'_>) -> Result<Vec<Hash>, CanonError> {
    sorted(r, "live", "sorted hashes of versions", Hash::from_hex)
}

fn path(r: &mut Reader<'_>) -> Result<Option<SecretPath>, CanonError> {
    let text = r.string("path")?;
    if text.is_empty() {
        return Ok(None);
    }
    SecretPath::parse(&text).map(Some).map_err(|_| r.wrong("path", "a secret's name, or empty"))
}

fn granted(r: &mut Reader<'_>) -> Result<Granted, CanonError> {
    const EXPECTED: &str = "sorted: @people, @GROUP, members with their cards; or @inherit alone";
    let texts = r.strings("readers")?;
    if let [only] = texts.as_slice()
        && only == INHERIT
    {
        return Ok(Granted::Inherit);
    }
    let readers: Option<Vec<_>> = texts.iter().map(|text| Grantee::parse(text)).collect();
    match readers.filter(|_| increasing(&texts) && !texts.is_empty()) {
        Some(readers) => Ok(Granted::To(readers)),
        None => Err(r.wrong("readers", EXPECTED)),
    }
}

fn sorted<T>(
    r: &mut Reader<'_>,
    key: &str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, CanonError> {
    let texts = r.strings(key)?;
    let items: Option<Vec<T>> = texts.iter().map(|text| parse(text)).collect();
    items.filter(|_| increasing(&texts)).ok_or_else(|| r.wrong(key, expected))
}

fn increasing(texts: &[String]) -> bool {
    texts.windows(2).all(|pair| matches!(pair, [a, b] if a < b))
}

/// The body of an entry: what is signed, and whose hash names the entry.
pub fn body(seq: u64, prev: Option<Hash>, by: Option<Hash>, at: Time, operation: &Operation) -> String {
    let text = |hash: Option<Hash>| hash.map(|hash| hash.to_string()).unwrap_or_default();
    let mut w = Writer::with_capacity(1024);
    w.integer("format", FORMAT)
        .integer("seq", seq)
        .string("prev", &text(prev))
        .string("by", &text(by))
        .string("at", &at.to_string())
        .string("op", operation.name());
    operation.write(&mut w);
    w.finish()
}

/// The body of a `found` entry. Its hash is the vault's id.
pub fn found_body(vault_name: &str, nonce: [u8; 16], founder: &Card, at: Time) -> String {
    let operation = Operation::Found { vault_name: vault_name.to_owned(), nonce, founder: founder.clone() };
    body(0, None, None, at, &operation)
}

/// One entry as it stands in the file.
pub fn entry_text(body: &str, signature: &[u8], card_signature: Option<&[u8]>) -> String {
    let mut w = Writer::default();
    w.header("[[entry]]").raw(body).string("signature", &BASE64.encode(signature));
    if let Some(signature) = card_signature {
        w.string("card_signature", &BASE64.encode(signature));
    }
    w.finish()
}

/// Whether people can call a vault so: 1 to 64 bytes without control characters.
pub fn is_vault_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_VAULT_NAME && !text.chars().any(char::is_control)
}

/// Reads a roster file into its entries and checks that they form a chain. Rules and signatures are checked by
/// [`super::Roster::build`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Entry>, RosterError> {
    if bytes.len() > MAX_ROSTER {
        return Err(RosterError::TooLarge { size: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| RosterError::NotText)?;
    let mut r = Reader::new(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut vault = None;
    let mut newest = None;
    while !r.at_end() {
        let entry = decode_entry(&mut r, text, vault)?;
        let hash = entry.hash();
        if entry.seq != entries.len() as u64 || entry.prev != newest {
            return Err(RosterError::BrokenChain { seq: entries.len() as u64 });
        }
        vault = vault.or(Some(hash));
        newest = Some(hash);
        entries.push(entry);
    }
    if entries.is_empty() { Err(RosterError::Empty) } else { Ok(entries) }
}

/// The vault that a roster file begins, by its first entry alone: what follows may be anything.
pub fn vault_of(bytes: &[u8]) -> Option<Hash> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_ROSTER)?;
    decode_entry(&mut Reader::new(text), text, None).ok().map(|entry| entry.hash())
}

/// Reads the entries that a `merge` embeds and checks that they follow each other.
pub fn decode_embedded(texts: &[String], vault: Hash) -> Result<Vec<Entry>, RosterError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(texts.len());
    for text in texts {
        let mut r = Reader::new(text);
        let entry = decode_entry(&mut r, text, Some(vault))?;
        r.end()?;
        if let Some(before) = entries.last()
            && (entry.prev != Some(before.hash()) || Some(entry.seq) != before.seq.checked_add(1))
        {
            return Err(RosterError::BrokenChain { seq: entry.seq });
        }
        entries.push(entry);
    }
    if entries.is_empty() { Err(RosterError::Empty) } else { Ok(entries) }
}

/// The entries of `theirs` that `ours` does not have, as a `merge` embeds them. Both belong to one vault.
pub fn embeddable(ours: &super::Roster, theirs: &[Entry]) -> Vec<String> {
    theirs.iter().filter(|entry| !ours.has(entry.hash())).map(Entry::text).collect()
}

/// `vault` is known for every entry but the first, whose body's hash it is.
fn decode_entry(r: &mut Reader<'_>, text: &str, vault: Option<Hash>) -> Result<Entry, RosterError> {
    r.header("[[entry]]")?;
    let start = r.position();
    if r.integer("format")? != FORMAT {
        return Err(r.wrong("format", "a format that this version knows (1)").into());
    }
    let seq = r.integer("seq")?;
    let prev = optional_hash(r, "prev")?;
    let by = optional_hash(r, "by")?;
    let at = Time::parse(&r.string("at")?).ok_or_else(|| r.wrong("at", "a time in UTC"))?;
    let name = r.string("op")?;
    // The founder's card is made for the vault whose id is the hash of this very body: filled in below.
    let read = Operation::read(r, &name, vault.unwrap_or(Hash([0; 32])))?;
    let Some(mut operation) = read else {
        // It may be as long as a roster.
        return Err(RosterError::UnknownOperation { seq, operation: name.chars().take(40).collect() });
    };
    let founds = matches!(operation, Operation::Found { .. });
    if founds == vault.is_some() {
        return Err(RosterError::Founding { seq });
    }
    if by.is_none() != founds || prev.is_none() != founds || (seq == 0) != founds {
        return Err(r.wrong("by", "empty, as prev, in the first entry and in no other").into());
    }
    let body = text.get(start..r.position()).unwrap_or_default().to_owned();
    if let Operation::Found { founder, .. } = &mut operation {
        founder.vault = Hash::of(body.as_bytes());
    }
    let signature = base64(r, "signature")?;
    let brings_card = matches!(operation, Operation::Found { .. } | Operation::Admit { .. } | Operation::Renew { .. });
    let card_signature = if brings_card { Some(base64(r, "card_signature")?) } else { None };
    Ok(Entry { seq, prev, by, at, operation, body, signature, card_signature })
}

fn optional_hash(r: &mut Reader<'_>, key: &str) -> Result<Option<Hash>, CanonError> {
    let text = r.string(key)?;
    if text.is_empty() {
        return Ok(None);
    }
    Hash::from_hex(&text).map(Some).ok_or_else(|| r.wrong(key, "64 hex digits"))
}

fn base64(r: &mut Reader<'_>, key: &str) -> Result<Vec<u8>, CanonError> {
    let text = r.string(key)?;
    BASE64.decode(text).map_err(|_| r.wrong(key, "base64"))
}
