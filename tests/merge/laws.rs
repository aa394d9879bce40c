//! Laws of the driver's decision, on histories that nobody thought of: made in memory, sealed and signed for real.

use covault::home::Home;
use covault::model::bytes::{Hash, SecretId};
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::{Manifest, RosterPoint};
use covault::model::names::{FieldName, SecretPath};
use covault::model::read;
use covault::model::register::{Key, Value, Write};
use covault::model::shares::Shares;
use covault::model::time::Time;
use covault::seal::{self, SealedFile};
use covault::vault::merge::Labels;
use covault::vault::merge::driver::{Merging, merge};
use covault::vault::{Vault, VaultError};
use proptest::prelude::*;

use crate::model::world::{cases, nonce};
use crate::team;
use crate::world::{Person, World};

const MERGE: &str = "1234abc";
const PICK: &str = "parent of 1234abc (a change)";

/// alice with a vault, in this process.
struct Bench {
    alice: Person,
    vault: Vault,
    home: Home,
    _world: World,
}

/// A version of the secret `db`.
#[derive(Clone)]
struct Version {
    document: Document,
    bytes: Vec<u8>,
}

impl Version {
    fn sealed(&self) -> SealedFile {
        SealedFile::parse(self.bytes.clone()).unwrap()
    }

    fn named(&self) -> (Hash, Manifest) {
        let sealed = self.sealed();
        (sealed.hash(), sealed.manifest().clone())
    }
}

/// An edit: which field, and what tells it from every other edit.
type Edit = (usize, u64);

impl Bench {
    fn new() -> Self {
        let world = World::new();
        let alice = world.founder("alice");
        let (vault, home) = (team::vault(&alice), team::home(&alice));
        Self { alice, vault, home, _world: world }
    }

    /// Seals a document as the version after these.
    fn seal(&self, document: Document, parents: &[&Version]) -> Version {
        let roster = self.vault.roster();
        let named: Vec<_> = parents.iter().map(|parent| parent.named()).collect();
        let mut hashes: Vec<Hash> = named.iter().map(|(hash, _)| *hash).collect();
        hashes.sort_unstable();
        let readers: Vec<_> = roster.readers(&document.path, &[]).iter().map(|one| one.reference()).collect();
        let zero = Hash([0; 32]);
        let manifest = Manifest {
            vault: roster.vault,
            id: document.id,
            aliases: Vec::new(),
            path: document.path.clone(),
            state: document.state(),
            revision: named.iter().map(|(_, manifest)| manifest.next_revision()).max().unwrap_or(1),
            parents: hashes,
            ancestors: Manifest::ancestors_after(&named, &[]),
            roster: RosterPoint { seq: roster.seq, head: roster.head, blob: String::new() },
            author: readers[0].clone(),
            shares: Shares::default(),
            values: read::secret_values(&document),
            at: Time::from_unix(1_790_000_000),
            document: zero,
            payload: zero,
            stanzas: zero,
            readers,
        };
        let devices: Vec<_> = manifest.readers.iter().map(|reader| roster.devices(reader).unwrap()).collect();
        let signer = self.home.signer().unwrap().unwrap();
        let bytes = seal::seal(manifest, &codec::encode(&document).unwrap(), &devices, &signer).unwrap().bytes;
        Version { document, bytes }
    }

    /// One version after another, an edit each.
    fn edited(&self, from: &Version, edits: &[Edit]) -> Version {
        edits.iter().fold(from.clone(), |before, (field, number)| {
            let mut document = before.document.clone();
            write(&mut document, *field, *number);
            self.seal(document, &[&before])
        })
    }

    /// What the driver makes of it: the file from then on.
    fn merges(&self, has_key: bool, label: &str, [base, ours, theirs]: [&[u8]; 3]) -> Vec<u8> {
        let labels = Labels { base: label, ours: "HEAD", theirs: "side" };
        let merging = Merging { file: ".covault/secrets/db.age", base, ours, theirs, labels };
        let unknown = || VaultError::UnknownVault { words: String::new() };
        let vault = if has_key { Ok(team::vault(&self.alice)) } else { Err(unknown()) };
        let now = Time::from_unix(1_790_000_100);
        let merged = merge(vault, &self.home, &self.alice.repo, &merging, now).unwrap();
        assert!(merged.stop.is_none(), "{:?}", merged.stop);
        merged.bytes.unwrap_or_else(|| ours.to_vec())
    }

    /// What a file says, siblings joined.
    fn opened(&self, bytes: &[u8]) -> Document {
        let keys = self.home.keys().unwrap();
        let open = |member: &&[u8]| {
            let opened = SealedFile::parse(*member).unwrap().open(&keys.identities, &[]).unwrap();
            codec::decode(&opened.plaintext).unwrap()
        };
        let documents: Vec<Document> = seal::members(bytes).unwrap().iter().map(open).collect();
        documents.iter().skip(1).fold(documents[0].clone(), |all, one| all.join(one))
    }
}

fn write(document: &mut Document, field: usize, number: u64) {
    let key = Key::Field(FieldName::parse(["password", "user", "port"][field]).unwrap());
    let (author, at) = (super::rig::member("alice"), Time::from_unix(1_790_000_000));
    document.put(&key, Write::new(&key, Value::text(&format!("value {number}")), false, author, at, nonce(number)));
}

/// What this version says of another one: it is it, follows it, or says the same.
fn has_all_of(result: &[u8], version: &Version) -> bool {
    let (hash, old) = version.named();
    seal::members(result).unwrap().into_iter().any(|member| {
        let sealed = SealedFile::parse(member).unwrap();
        let new = sealed.manifest();
        sealed.hash() == hash || new.names_as_ancestor(hash) || new.message() == old.message()
    })
}

fn messages(bytes: &[u8]) -> Vec<Hash> {
    let members = seal::members(bytes).unwrap().into_iter();
    let mut all: Vec<Hash> = members.map(|one| SealedFile::parse(one).unwrap().manifest().message()).collect();
    all.sort_unstable();
    all
}

fn edits(longest: usize, from: u64) -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(0..3_usize, 0..=longest).prop_map(move |fields| fields.into_iter().zip(from..).collect())
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_driver_holds_its_laws(
        (before, left, right) in (edits(2, 0), edits(3, 100), edits(3, 200)), across in 0..3_usize,
    ) {
        let bench = Bench::new();
        let vault = bench.vault.roster().vault;
        let mut born = Document::new(vault, SecretId(nonce(1000)), SecretPath::parse("db").unwrap());
        write(&mut born, 0, 1001);
        let base = bench.edited(&bench.seal(born, &[]), &before);
        let ours = bench.edited(&base, &left);
        let mut theirs = bench.edited(&base, &right);
        if across > 0 {
            // Theirs took in what ours had a while ago.
            let early = bench.edited(&base, &left[..left.len().min(across - 1)]);
            if early.bytes != base.bytes {
                theirs = bench.seal(theirs.document.join(&early.document), &[&theirs, &early]);
            }
        }
        let (o, a, b) = (&base.bytes[..], &ours.bytes[..], &theirs.bytes[..]);
        let both = ours.document.join(&theirs.document);

        for has_key in [true, false] {
            let merged = bench.merges(has_key, MERGE, [o, a, b]);
            prop_assert_eq!(&bench.opened(&merged), &both, "both sides are in it");
            prop_assert!(has_all_of(&merged, &ours) && has_all_of(&merged, &theirs), "and it says so");
            let other = bench.merges(has_key, MERGE, [o, b, a]);
            prop_assert_eq!(messages(&merged), messages(&other), "whoever merges");
            prop_assert!(has_key || merged == other, "without a key to the byte");
            for again in [[o, &merged, b], [o, a, &merged], [o, b, &merged], [o, &merged, &merged]] {
                prop_assert!(bench.merges(has_key, MERGE, again) == merged, "once more adds nothing");
            }
            // Two who merged at once come to one of the two files, and to the same one.
            let (one, two) =
                (bench.merges(has_key, MERGE, [o, &merged, &other]), bench.merges(has_key, MERGE, [o, &other, &merged]));
            prop_assert!(one == two && (one == merged || one == other));
        }

        // Siblings of a clone without a key come to one version where there is one, whose bytes are then kept.
        let kept = bench.merges(false, MERGE, [o, a, b]);
        let joined = bench.merges(true, MERGE, [o, a, b]);
        for sides in [[o, &kept, &joined], [o, &joined, &kept]] {
            prop_assert!(bench.merges(true, MERGE, sides) == joined, "siblings add nothing to their join");
            prop_assert!(bench.merges(false, MERGE, sides) == joined, "nor without a key");
        }

        // A change is brought, and no version is claimed to be followed that is not all there.
        let picked = bench.merges(true, PICK, [o, a, b]);
        let said = bench.opened(&picked);
        prop_assert_eq!(&said, &ours.document.join_changes(&base.document, &theirs.document));
        prop_assert!(has_all_of(&picked, &ours));
        prop_assert!(!has_all_of(&picked, &theirs) || said.join(&theirs.document) == said);
        prop_assert!(bench.merges(true, PICK, [o, &picked, b]) == picked, "the same change once more adds nothing");

        // Of a commit in the middle, picked onto ours: its change alone, as far as registers go.
        if let Some((_, earlier)) = right.split_last() {
            let parent = bench.edited(&base, earlier);
            let change = bench.edited(&base, &right);
            if parent.bytes != change.bytes {
                let picked = bench.merges(true, PICK, [&parent.bytes, a, &change.bytes]);
                let said = bench.opened(&picked);
                prop_assert_eq!(&said, &ours.document.join_changes(&parent.document, &change.document));
                prop_assert!(!has_all_of(&picked, &change) || said.join(&change.document) == said, "no false parent");
            }
        }
    }
}
