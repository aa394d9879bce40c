//! What the library's steps cost, at 1 to 100 readers, beside the one X25519 operation that opening needs.
//!
//! `cargo bench --bench library`. Whole processes against the peers: `benches/compare/run.py`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;

use covault::model::bytes::{Hash, SecretId};
use covault::model::card::Device;
use covault::model::codec;
use covault::model::document::Document;
use covault::model::manifest::{FORMAT, Manifest, MemberRef, RosterPoint, State};
use covault::model::names::{DeviceLabel, FieldName, MemberName, SecretPath};
use covault::model::register::{Key, Value, Write};
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::seal::{self, Identities, Identity, SealedFile, SigningKey};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

struct Fixture {
    sealed: Vec<u8>,
    identities: Identities,
    own: usize,
    draft: Manifest,
    plaintext: Plaintext,
    cards: Vec<Device>,
    signer: SigningKey,
}

fn document(fields: usize) -> Document {
    let path = SecretPath::parse("prod/db").unwrap();
    let mut document = Document::new(Hash([7; 32]), SecretId([1; 16]), path);
    for n in 0..fields {
        let key = Key::Field(FieldName::parse(&format!("field{n}")).unwrap());
        let author = MemberName::parse("alice").unwrap();
        let value = Value::text(&format!("value number {n}"));
        document.put(&key, Write::new(&key, value, false, author, Time::from_unix(1_790_000_000), [3; 16]));
    }
    document
}

/// A file for so many readers; ours is the last.
fn fixture(readers: usize) -> Fixture {
    let mut identity = None;
    let mut cards = Vec::new();
    for _ in 0..readers {
        let made = Identity::generate().unwrap();
        let recipient = made.recipient().clone();
        cards.push(Device { label: DeviceLabel::parse("laptop").unwrap(), recipient, signing: None });
        identity = Some(made);
    }
    let signer = SigningKey::generate().unwrap();
    let member = |n: usize| MemberRef {
        name: MemberName::parse(&format!("member{n:03}")).unwrap(),
        card: Hash::of(&n.to_be_bytes()),
    };
    let document = document(3);
    let zero = Hash([0; 32]);
    let draft = Manifest {
        vault: document.vault,
        id: document.id,
        aliases: Vec::new(),
        path: document.path.clone(),
        state: State::Live,
        revision: FORMAT,
        parents: Vec::new(),
        ancestors: Vec::new(),
        roster: RosterPoint { seq: 0, head: document.vault, blob: String::new() },
        readers: (0..readers).map(member).collect(),
        author: member(0),
        shares: covault::model::shares::Shares::default(),
        values: covault::model::read::secret_values(&document),
        at: Time::from_unix(1_790_000_000),
        document: zero,
        payload: zero,
        stanzas: zero,
    };
    let plaintext = codec::encode(&document).unwrap();
    let sealed = seal::seal(draft.clone(), &plaintext, &slices(&cards), &signer).unwrap().bytes;
    let identities = Identities::from(identity.unwrap());
    Fixture { sealed, identities, own: readers - 1, draft, plaintext, cards, signer }
}

fn slices(cards: &[Device]) -> Vec<&[Device]> {
    cards.iter().map(std::slice::from_ref).collect()
}

fn opening(c: &mut Criterion) {
    let secret = x25519_dalek::StaticSecret::from([9; 32]);
    let public = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from([8; 32]));
    c.bench_function("one X25519 operation", |b| b.iter(|| black_box(&secret).diffie_hellman(black_box(&public))));
    let mut group = c.benchmark_group("readers");
    for readers in [1, 10, 50, 100] {
        let f = fixture(readers);
        let id = |name| BenchmarkId::new(name, readers);
        group.bench_function(id("parse"), |b| {
            b.iter_batched(|| f.sealed.clone(), |bytes| SealedFile::parse(bytes).unwrap(), BatchSize::SmallInput);
        });
        let parsed = SealedFile::parse(f.sealed.clone()).unwrap();
        group.bench_function(id("verify the signature"), |b| b.iter(|| parsed.verify_signature().unwrap()));
        group.bench_function(id("open"), |b| b.iter(|| parsed.open(&f.identities, &[f.own]).unwrap()));
        group.bench_function(id("seal"), |b| {
            b.iter(|| seal::seal(f.draft.clone(), &f.plaintext, &slices(&f.cards), &f.signer).unwrap());
        });
    }
    group.finish();
}

fn documents(c: &mut Criterion) {
    let mut group = c.benchmark_group("document");
    for fields in [1, 10, 100] {
        let one = document(fields);
        let plaintext = codec::encode(&one).unwrap();
        group.bench_function(BenchmarkId::new("encode", fields), |b| b.iter(|| codec::encode(&one).unwrap()));
        group.bench_function(BenchmarkId::new("decode", fields), |b| b.iter(|| codec::decode(&plaintext).unwrap()));
        group.bench_function(BenchmarkId::new("join", fields), |b| b.iter(|| black_box(&one).join(black_box(&one))));
    }
    group.finish();
}

criterion_group!(benches, opening, documents);
criterion_main!(benches);
