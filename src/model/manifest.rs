//! A manifest: what a secret file's header says, signed, about who sealed what, where, after what and for whom.
//!
//! Its text travels in the stanza `-> covault-manifest`. It knows nothing of age, keys or signatures.

use super::bytes::{Hash, SecretId, Short};
use super::canon::{CanonError, Reader, Writer};
use super::names::{MemberName, SecretPath};
use super::shares::Shares;
use super::time::Time;

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u64 = 1;
/// How many ancestors a manifest names.
pub const MAX_ANCESTORS: usize = 32;
/// How many of them may be landmarks, which are no near ancestors any more.
pub const MAX_LANDMARKS: usize = 16;
/// The last revision: one that follows it has it, too. Nobody stops a secret by numbering it so.
pub const MAX_REVISION: u64 = i64::MAX.unsigned_abs();
/// How many parents a manifest may have.
pub const MAX_PARENTS: usize = 64;
/// How many of its parents that were let go of a manifest names among its ancestors: however many somebody put beside a
/// secret, they take the place of few.
pub const MAX_LET_GO: usize = 8;

/// A member by name, and by the hash of their card, which is what counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberRef {
    /// For people.
    pub name: MemberName,
    /// SHA-256 of the card's body.
    pub card: Hash,
}

impl MemberRef {
    /// `alice 3f…`.
    pub fn to_text(&self) -> String {
        format!("{} {}", self.name, self.card)
    }

    /// Reads what [`MemberRef::to_text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, card) = text.split_once(' ')?;
        Some(Self { name: MemberName::parse(name).ok()?, card: Hash::from_hex(card)? })
    }
}

/// What became of a secret at this path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is here.
    Live,
    /// It was deleted.
    Deleted,
    /// It lives at another path now.
    Moved(SecretPath),
}

/// Where in the roster's chain the author stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterPoint {
    /// Number of the newest entry, from 0.
    pub seq: u64,
    /// SHA-256 of the newest entry's body.
    pub head: Hash,
    /// Git's name of the roster file's blob (40 or 64 hex digits), a hint; may be empty.
    pub blob: String,
}

/// The manifest of one version of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The vault's id.
    pub vault: Hash,
    /// The secret's id.
    pub id: SecretId,
    /// Other ids that were born at the same path; the smallest is `id`. Sorted.
    pub aliases: Vec<SecretId>,
    /// Where it is.
    pub path: SecretPath,
    /// Live, deleted or moved.
    pub state: State,
    /// Largest revision of the parents that count + 1; 1 at birth.
    pub revision: u64,
    /// Hashes of the manifests that it follows, sorted; none at birth.
    pub parents: Vec<Hash>,
    /// First bytes of the newest ancestors, nearest first.
    pub ancestors: Vec<Short>,
    /// Where the author stood in the roster.
    pub roster: RosterPoint,
    /// Whom it is sealed to, in the order of the stanzas; each with all devices of their card.
    pub readers: Vec<MemberRef>,
    /// Who sealed it.
    pub author: MemberRef,
    /// Whom it is shared with besides those who read by a grant.
    pub shares: Shares,
    /// Short names of the live writes of secret fields, sorted.
    pub values: Vec<Short>,
    /// When, by the author's clock.
    pub at: Time,
    /// SHA-256 of the plaintext with its padding.
    pub document: Hash,
    /// SHA-256 of everything after the header.
    pub payload: Hash,
    /// SHA-256 of the header's bytes before the manifest's stanza.
    pub stanzas: Hash,
}

impl Manifest {
    /// The canonical text that is signed.
    pub fn encode(&self) -> String {
        let mut w = Writer::with_capacity(1024 + 96 * self.readers.len());
        w.integer("format", FORMAT)
            .string("vault", &self.vault.to_string())
            .string("id", &self.id.to_string())
            .strings("aliases", self.aliases.iter().map(ToString::to_string))
            .string("path", self.path.as_str());
        self.write_state(&mut w);
        w.integer("revision", self.revision)
            .strings("parents", self.parents.iter().map(ToString::to_string))
            .strings("ancestors", self.ancestors.iter().map(ToString::to_string))
            .integer("roster_seq", self.roster.seq)
            .string("roster_head", &self.roster.head.to_string())
            .string("roster_blob", &self.roster.blob)
            .strings("readers", self.readers.iter().map(MemberRef::to_text))
            .string("author", &self.author.to_text())
            .strings("shares", self.shares.encode())
            .strings("values", self.values.iter().map(ToString::to_string))
            .string("at", &self.at.to_string())
            .string("document", &self.document.to_string())
            .string("payload", &self.payload.to_string())
            .string("stanzas", &self.stanzas.to_string());
        w.finish()
    }

    /// Reads exactly what [`Manifest::encode`] writes.
    pub fn decode(text: &str) -> Result<Self, CanonError> {
        let mut r = Reader::new(text);
        if r.integer("format")? != FORMAT {
            return Err(r.wrong("format", "a format that this version knows (1)"));
        }
        let manifest = Self {
            vault: hash(&mut r, "vault")?,
            id: SecretId::from_hex(&r.string("id")?).ok_or_else(|| r.wrong("id", "32 hex digits"))?,
            aliases: list(&mut r, "aliases", "sorted ids", SecretId::from_hex)?,
            path: path(&mut r, "path")?,
            state: match r.string("state")?.as_str() {
                "live" => State::Live,
                "deleted" => State::Deleted,
                "moved" => State::Moved(path(&mut r, "moved_to")?),
                _ => return Err(r.wrong("state", "live, deleted or moved")),
            },
            revision: r.integer("revision")?,
            parents: list(&mut r, "parents", "sorted hashes", Hash::from_hex)?,
            ancestors: list(&mut r, "ancestors", "short hashes", Short::from_hex)?,
            roster: RosterPoint {
                seq: r.integer("roster_seq")?,
                head: hash(&mut r, "roster_head")?,
                blob: r.string("roster_blob")?,
            },
            readers: list(&mut r, "readers", "members with their cards", MemberRef::parse)?,
            author: MemberRef::parse(&r.string("author")?)
                .ok_or_else(|| r.wrong("author", "a member with their card"))?,
            shares: Shares::decode(&r.strings("shares")?)
                .ok_or_else(|| r.wrong("shares", "at most 512 shares in order"))?,
            values: list(&mut r, "values", "sorted short names", Short::from_hex)?,
            at: Time::parse(&r.string("at")?).ok_or_else(|| r.wrong("at", "a time in UTC"))?,
            document: hash(&mut r, "document")?,
            payload: hash(&mut r, "payload")?,
            stanzas: hash(&mut r, "stanzas")?,
        };
        r.end()?;
        manifest.check(&r)?;
        Ok(manifest)
    }

    /// SHA-256 of the canonical text: the version's name.
    pub fn hash(&self) -> Hash {
        Hash::of(self.encode().as_bytes())
    }

    /// Whether the nearest ancestor is a parent, and there is none without parents: so nothing is born that claims to follow.
    pub fn has_consistent_ancestors(&self) -> bool {
        match self.ancestors.first() {
            Some(first) => self.parents.iter().any(|parent| parent.short() == *first),
            None => self.parents.is_empty(),
        }
    }

    /// The revision of a child of this manifest.
    pub fn next_revision(&self) -> u64 {
        self.revision.saturating_add(1).min(MAX_REVISION)
    }

    /// Whether it names another version as one that it follows, near or far.
    pub fn names_as_ancestor(&self, other: Hash) -> bool {
        self.parents.contains(&other) || self.ancestors.contains(&other.short())
    }

    /// A digest of what it says, and for whom, whoever sealed it, when and after what. Two people who join the same two
    /// versions make two versions with the same one.
    pub fn message(&self) -> Hash {
        let mut w = Writer::with_capacity(1024 + 96 * self.readers.len());
        w.string("vault", &self.vault.to_string())
            .string("id", &self.id.to_string())
            .strings("aliases", self.aliases.iter().map(ToString::to_string))
            .string("path", self.path.as_str());
        self.write_state(&mut w);
        w.strings("readers", self.readers.iter().map(MemberRef::to_text))
            .strings("shares", self.shares.encode())
            .string("document", &self.document.to_string());
        Hash::of(w.finish().as_bytes())
    }

    fn write_state(&self, w: &mut Writer) {
        match &self.state {
            State::Live => w.string("state", "live"),
            State::Deleted => w.string("state", "deleted"),
            State::Moved(to) => w.string("state", "moved").string("moved_to", to.as_str()),
        };
    }

    /// What a child of all these (each with its hash) names as its ancestors: the newest parent first, then the others, then
    /// what each of them names, by turns. A join that no commit ever had hides none of its sides so.
    ///
    /// Where that is too much, what a parent names of `landmarks` (versions that history will compare the child with) stays
    /// at the end, in the place of what is as far: what was staged often, or is squashed, would seem to follow none of
    /// them. What no parent names is never named, whatever the landmarks are.
    pub fn ancestors_after(parents: &[(Hash, Self)], landmarks: &[Hash]) -> Vec<Short> {
        Self::ancestors_letting_go(parents, &[], landmarks)
    }

    /// The same where the child lets versions go that count for nothing: a few of them are named behind the other parents, so
    /// that children know of them, too. Nothing is taken from what they say themselves: nobody here answers for that.
    pub fn ancestors_letting_go(parents: &[(Hash, Self)], let_go: &[Hash], landmarks: &[Hash]) -> Vec<Short> {
        let mut newest_first: Vec<&(Hash, Self)> = parents.iter().collect();
        newest_first.sort_by_key(|(hash, manifest)| std::cmp::Reverse((manifest.revision, *hash)));
        let line = |(hash, manifest): &&(Hash, Self)| -> Vec<Short> {
            std::iter::once(hash.short()).chain(manifest.ancestors.iter().copied()).collect()
        };
        let lines: Vec<Vec<Short>> = newest_first.iter().map(line).collect();
        let mut met = std::collections::BTreeSet::new();
        let turn = |turn: usize| lines.iter().filter_map(move |line| line.get(turn)).copied();
        let let_go = let_go.iter().take(MAX_LET_GO).map(Hash::short);
        let by_turns = turn(0).chain(let_go).chain((1..=MAX_ANCESTORS).flat_map(turn));
        let mut named: Vec<Short> = by_turns.filter(|name| met.insert(*name)).collect();
        if named.len() <= MAX_ANCESTORS {
            return named;
        }
        let is_parent = |landmark: &Hash| parents.iter().any(|(hash, _)| hash == landmark);
        let is_named = |landmark: &Hash| parents.iter().any(|(_, parent)| parent.names_as_ancestor(*landmark));
        let near = named.get(..MAX_ANCESTORS - MAX_LANDMARKS).unwrap_or_default();
        let mut far: Vec<Short> = Vec::new();
        for landmark in landmarks.iter().filter(|landmark| !is_parent(landmark) && is_named(landmark)) {
            let name = landmark.short();
            if far.len() < MAX_LANDMARKS && !near.contains(&name) && !far.contains(&name) {
                far.push(name);
            }
        }
        named.retain(|name| !far.contains(name));
        named.truncate(MAX_ANCESTORS - far.len());
        named.extend(far);
        named
    }

    /// Whether a child of all these cannot name everything that they name.
    pub fn crowd_out(parents: &[(Hash, Self)]) -> bool {
        parents.iter().map(|(_, parent)| 1 + parent.ancestors.len()).sum::<usize>() > MAX_ANCESTORS
    }

    fn check(&self, r: &Reader<'_>) -> Result<(), CanonError> {
        if !increasing(&self.aliases) || self.aliases.iter().any(|a| *a <= self.id) {
            return Err(r.wrong("aliases", "sorted ids above the secret's own"));
        }
        if !increasing(&self.parents) || self.parents.len() > MAX_PARENTS {
            return Err(r.wrong("parents", "at most 64 hashes in order"));
        }
        if self.ancestors.len() > MAX_ANCESTORS {
            return Err(r.wrong("ancestors", "at most 32 short hashes"));
        }
        if self.revision == 0 || (self.revision == 1) != self.parents.is_empty() {
            return Err(r.wrong("revision", "1 without parents and more with them"));
        }
        if !increasing(&self.values) {
            return Err(r.wrong("values", "sorted"));
        }
        if !increasing(&self.readers) {
            return Err(r.wrong("readers", "sorted by name, each once"));
        }
        if self.readers.windows(2).any(|w| matches!(w, [a, b] if a.name == b.name)) {
            return Err(r.wrong("readers", "one card for a name"));
        }
        let blob = self.roster.blob.as_str();
        if !(blob.is_empty() || (matches!(blob.len(), 40 | 64) && is_lower_hex(blob))) {
            return Err(r.wrong("roster_blob", "a git object's name"));
        }
        if matches!(&self.state, State::Moved(to) if *to == self.path) {
            return Err(r.wrong("moved_to", "another path"));
        }
        Ok(())
    }
}

fn hash(r: &mut Reader<'_>, key: &str) -> Result<Hash, CanonError> {
    Hash::from_hex(&r.string(key)?).ok_or_else(|| r.wrong(key, "64 hex digits"))
}

fn path(r: &mut Reader<'_>, key: &str) -> Result<SecretPath, CanonError> {
    SecretPath::parse(&r.string(key)?).map_err(|_| r.wrong(key, "a secret's name"))
}

fn list<T>(
    r: &mut Reader<'_>,
    key: &str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, CanonError> {
    let texts = r.strings(key)?;
    texts.iter().map(|text| parse(text)).collect::<Option<_>>().ok_or_else(|| r.wrong(key, expected))
}

fn increasing<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| matches!(pair, [a, b] if a < b))
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
