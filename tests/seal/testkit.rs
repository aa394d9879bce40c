//! The C2SP CCTV vectors for age, each of them: what age must open opens, and what it must refuse is refused.
//!
//! Covault's header parser, its unwrapping and the payload are judged through `open_foreign`; passphrases through
//! `decrypt_identity_file`. A secret file is judged more strictly still (`refusals`): no grease, no unknown stanza.

use std::collections::BTreeMap;
use std::path::Path;

use covault::seal::{Identities, SealError, decrypt_identity_file, open_foreign};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The one family that `open_foreign` leaves out, valid or not: armor. Sealed files are binary, so that git sees them
/// as such; identity files may be armored, which `decrypt_identity_file` reads with the `age` crate.
const LEFT_OUT: &str = "armor";

struct Vector {
    fields: BTreeMap<String, Vec<String>>,
    file: Vec<u8>,
}

impl Vector {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let at = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
        let mut fields = BTreeMap::<_, Vec<_>>::new();
        for line in std::str::from_utf8(&bytes[..at]).unwrap().lines() {
            let (key, value) = line.split_once(": ").unwrap();
            fields.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        let file = match fields.get("compressed") {
            Some(_) => miniz_oxide::inflate::decompress_to_vec_zlib(&bytes[at + 2..]).unwrap(),
            None => bytes[at + 2..].to_vec(),
        };
        Self { fields, file }
    }

    fn one(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", |values| values[0].as_str())
    }

    fn identities(&self) -> Option<Identities> {
        let text = self.fields.get("identity")?.join("\n");
        Some(Identities::parse(&text, || None).unwrap())
    }

    fn success(&self) -> bool {
        self.one("expect") == "success"
    }
}

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seal/testkit");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), Vector::read(&path)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(all.len(), 120);
    all
}

#[test]
fn every_vector_for_identities_is_opened_or_refused_as_it_says() {
    let (mut opened, mut refused) = (0, 0);
    for (name, vector) in vectors() {
        let Some(identities) = vector.identities() else { continue };
        let result = open_foreign(&vector.file, &identities);
        if name.starts_with(LEFT_OUT) {
            let error = result.unwrap_err();
            assert!(matches!(error, SealError::Armored | SealError::NotAge), "{name}: {error:?}");
            continue;
        }
        match (vector.success(), result) {
            (true, Ok(plaintext)) => {
                assert_eq!(hex::encode(Sha256::digest(plaintext.expose())), vector.one("payload"), "{name}");
                opened += 1;
            }
            (false, Err(error)) => {
                assert!(expected(vector.one("expect"), &error), "{name}: {error:?}");
                refused += 1;
            }
            (true, Err(error)) => panic!("{name} should open: {error:?}"),
            (false, Ok(_)) => panic!("{name} should be refused"),
        }
    }
    eprintln!("testkit: {opened} opened, {refused} refused");
    assert!(opened >= 10 && refused >= 40);
}

/// Whether the refusal is of the kind that the vector names.
fn expected(kind: &str, error: &SealError) -> bool {
    match kind {
        "no match" => *error == SealError::NotAReader,
        "HMAC failure" => *error == SealError::HeaderMac,
        "payload failure" => matches!(error, SealError::Payload | SealError::PayloadTooShort),
        // A missing nonce counts as the header's failure there, and as the payload's here.
        "header failure" => !matches!(error, SealError::NotAReader | SealError::HeaderMac | SealError::Payload),
        _ => false,
    }
}

#[test]
fn every_vector_for_passphrases_is_opened_or_refused_as_it_says() {
    let (mut opened, mut refused) = (0, 0);
    for (name, vector) in vectors() {
        let Some(passphrase) = vector.fields.get("passphrase").map(|p| p[0].clone()) else { continue };
        let mut asked = 0;
        let result = decrypt_identity_file(&vector.file, || {
            asked += 1;
            Some(Zeroizing::new(passphrase))
        });
        assert!(asked <= 1, "{name}");
        match (vector.success(), result) {
            // The vectors hold no text, so the last step refuses what all before it have opened.
            (true, Err(SealError::IdentityNotText)) => opened += 1,
            (true, Ok(text)) => {
                assert_eq!(hex::encode(Sha256::digest(text.as_bytes())), vector.one("payload"), "{name}");
                opened += 1;
            }
            (false, Err(_)) => refused += 1,
            (true, Err(error)) => panic!("{name} should open: {error:?}"),
            (false, Ok(_)) => panic!("{name} should be refused"),
        }
    }
    eprintln!("testkit: {opened} passphrase files opened, {refused} refused");
    assert!(opened >= 1 && refused >= 15);
}
