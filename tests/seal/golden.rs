//! One sealed file with fixed keys that opens for ever, and the same file shared with one more reader.
//!
//! `COVAULT_NEW_GOLDEN=1 cargo test golden -- --ignored` wrote the folder; to write it anew is to change the format.

use std::path::PathBuf;

use covault::model::manifest::Manifest;
use covault::plaintext::Plaintext;
use covault::seal::{Identities, Identity, SealedFile, SigningKey, reseal_header, seal};

use super::support::{Member, devices, draft};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/seal/golden")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

#[test]
fn the_golden_file_opens_for_ever() {
    for (file, manifest, readers) in [
        ("db.age", "db.manifest", &[("alice.txt", 0), ("carol.ssh", 1)][..]),
        ("db-shared.age", "db-shared.manifest", &[("alice.txt", 0), ("bob.txt", 1), ("carol.ssh", 2)]),
    ] {
        let sealed = SealedFile::parse(std::fs::read(folder().join(file)).unwrap()).unwrap();
        assert_eq!(sealed.manifest().encode(), read(manifest));
        let signer = SigningKey::parse(read("alice.signing").trim()).unwrap();
        assert_eq!(sealed.verify_signature().unwrap(), signer.public());
        assert_eq!(sealed.device_count(), readers.len());
        for (key, own) in readers {
            let identities = Identities::parse(&read(key), || None).unwrap();
            let opened = sealed.open(&identities, &[*own]).unwrap();
            assert!(!opened.found_elsewhere);
            assert_eq!(opened.plaintext.expose_str().unwrap(), read("db.plaintext"));
        }
    }
}

#[test]
fn the_shared_golden_file_follows_the_first_and_holds_the_same_payload() {
    let file = |name: &str| SealedFile::parse(std::fs::read(folder().join(name)).unwrap()).unwrap();
    let (first, second) = (file("db.age"), file("db-shared.age"));
    assert_eq!(second.manifest().parents, [first.hash()]);
    assert_eq!(first.manifest().payload, second.manifest().payload);
}

#[test]
#[ignore = "writes the golden files, and so a new format"]
fn write_the_golden_files() {
    if std::env::var_os("COVAULT_NEW_GOLDEN").is_none() {
        return;
    }
    std::fs::create_dir_all(folder()).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder().join(name), bytes).unwrap();
    let ssh = SigningKey::generate().unwrap().to_openssh("carol@host").unwrap();
    let people = [
        Member::with_devices("alice", 1),
        Member::with_devices("bob", 1),
        Member::new("carol", vec![Identity::from_openssh(&ssh, || None).unwrap()]),
    ];
    for member in &people[..2] {
        write(&format!("{}.txt", member.name), format!("{}\n", *member.identities[0].to_text().unwrap()).as_bytes());
    }
    write("carol.ssh", ssh.as_bytes());
    write("alice.signing", format!("{}\n", *people[0].signing.to_text().unwrap()).as_bytes());
    let mut text = "vault = \"golden\"\npath = \"prod/db\"\nvalue = \"hunter2 \u{1f511}\"\n".to_owned();
    text.push_str(&"#".repeat(1023 - text.len()));
    text.push('\n');
    write("db.plaintext", text.as_bytes());

    let [alice, bob, carol] = people;
    let old = [alice, carol];
    let first = seal(draft(&old), &Plaintext::from_text(&text), &devices(&old), &old[0].signing).unwrap();
    write("db.age", &first.bytes);
    write("db.manifest", first.manifest.encode().as_bytes());
    let file = SealedFile::parse(first.bytes).unwrap();
    let opened = file.open(&old[0].keys(), &[0]).unwrap();
    let [alice, carol] = old;
    let all = [alice, bob, carol];
    let next = Manifest {
        revision: 2,
        parents: vec![first.hash],
        ancestors: Manifest::ancestors_after(&[(first.hash, first.manifest.clone())], &[]),
        ..draft(&all)
    };
    let second =
        reseal_header(&file, &opened, &[&all[0].devices, &all[2].devices], next, &devices(&all), &all[0].signing)
            .unwrap();
    write("db-shared.age", &second.bytes);
    write("db-shared.manifest", second.manifest.encode().as_bytes());
}
