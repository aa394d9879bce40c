//! Damaged files: a flipped bit at every byte, every truncation, things appended. Never a panic, never a wrong value;
//! the right value, or an error that names the file.
//!
//! Short: one bit of each byte. Long: all eight: `COVAULT_LONG=1 cargo test --test covault faults::damage`

use std::path::{Path, PathBuf};

use covault::model::names::SecretPath;
use covault::model::time::Time;
use covault::vault::set::{Edit, FieldEdit};
use covault::vault::write::How;
use covault::vault::{Kind, VaultError};

use super::rig::{files, long, open, read, template, value};
use crate::world::Person;

/// A file's bytes in all the ways in which they may be damaged.
fn damaged(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for at in 0..whole.len() {
        for bit in if long() { 0..8 } else { at % 8..at % 8 + 1 } {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << bit;
            all.push((format!("bit {bit} of byte {at} flipped"), bytes));
        }
    }
    all.extend((0..whole.len()).map(|len| (format!("cut to {len} bytes"), whole[..len].to_vec())));
    for more in [b"\n".as_slice(), b"x", b"\0", &[0; 5000], whole] {
        all.push((format!("{} bytes appended", more.len()), [whole, more].concat()));
    }
    all
}

/// Damages `file` in all ways and puts it right again.
fn damage_each(file: &Path, mut judge: impl FnMut(&str)) -> usize {
    let whole = std::fs::read(file).unwrap();
    let all = damaged(&whole);
    for (how, bytes) in &all {
        std::fs::write(file, bytes).unwrap();
        judge(&format!("{}: {how}", file.display()));
    }
    std::fs::write(file, &whole).unwrap();
    eprintln!("{}: {} ways", file.file_name().unwrap().to_string_lossy(), all.len());
    all.len()
}

fn chain(error: &VaultError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text.push_str(&format!(": {one}"));
        cause = one.source();
    }
    text
}

#[track_caller]
fn names(error: &VaultError, file: &str, at: &str) {
    let text = chain(error);
    assert!(text.contains(file), "{at}: {text}");
    assert!(matches!(error.kind(), Kind::Verification | Kind::NoAccess | Kind::Other | Kind::NotFound), "{at}: {text}");
    assert!(!text.contains(super::rig::CANARY), "{at}: {text}");
}

#[test]
fn a_damaged_secret_is_refused_by_its_file_s_name_and_others_are_not_disturbed() {
    let (_world, alice) = template();
    let vault = open(&alice).unwrap();
    damage_each(&alice.file("prod/db"), |at| match read(&vault, "prod/db") {
        Ok(found) => panic!("{at}: {found:?}"),
        Err(error) => names(&error, ".covault/secrets/prod/db.age", at),
    });
    assert_eq!(read(&vault, "prod/db").unwrap(), Some(value("old")));
}

#[test]
fn a_damaged_roster_is_refused_by_its_name() {
    let (_world, alice) = template();
    damage_each(&alice.repo.join(".covault/roster.toml"), |at| match open(&alice) {
        Ok(_) => panic!("{at}: accepted"),
        Err(error) => names(&error, "roster.toml", at),
    });
    open(&alice).unwrap();
}

#[test]
fn a_damaged_identity_opens_nothing_or_the_right_thing() {
    let (_world, alice) = template();
    damage_each(&alice.identity(), |at| match read(&open(&alice).unwrap(), "prod/db") {
        // A comment was hit.
        Ok(found) => assert_eq!(found, Some(value("old")), "{at}"),
        Err(error) => names(&error, "identity.txt", at),
    });
}

#[test]
fn a_damaged_signing_key_signs_nothing_that_is_not_good() {
    let (_world, alice) = template();
    // In this process git knows nothing of a person's environment.
    alice.git(["config", "user.name", "alice"]).ok();
    alice.git(["config", "user.email", "alice@example.org"]).ok();
    let file = alice.home.join(".config/covault/signing_ed25519");
    let how = How { now: Time::from_unix(1_800_000_000), dry_run: true, no_commit: false, program: "covault".into() };
    damage_each(&file, |at| {
        let vault = open(&alice).unwrap();
        let field = FieldEdit {
            name: covault::model::names::FieldName::parse("value").unwrap(),
            value: Some(covault::plaintext::Plaintext::from_text("x")),
            plain: false,
        };
        let edit = Edit { fields: vec![field], ..Edit::default() };
        if let Err(error) = vault.set(&SecretPath::parse("prod/db").unwrap(), edit, &how) {
            let text = chain(&error);
            assert!(text.contains("signing_ed25519") || text.contains("signing key"), "{at}: {text}");
        }
        match read(&vault, "prod/db") {
            Ok(found) => assert_eq!(found, Some(value("old")), "{at}"),
            Err(error) => names(&error, "signing_ed25519", at),
        }
    });
}

#[test]
fn a_damaged_pin_is_named_or_distrusts_the_roster() {
    let (_world, alice) = template();
    let file = state_file(&alice, "pin");
    damage_each(&file, |at| match open(&alice).map(|vault| read(&vault, "prod/db")) {
        Ok(found) => assert_eq!(found.unwrap(), Some(value("old")), "{at}"),
        Err(error) => {
            let text = format!("{} {}", chain(&error), error.hint().unwrap_or_default());
            assert!(text.contains(&*file.to_string_lossy()), "{at}: {text}");
        }
    });
}

#[test]
fn damaged_caches_change_nothing() {
    let (_world, alice) = template();
    alice.covault(["ls"]).ok();
    alice.covault(["status"]).ok();
    let names =
        || -> Vec<String> { open(&alice).unwrap().live_names().unwrap().iter().map(ToString::to_string).collect() };
    let before = names();
    let state = alice.home.join(".local/state/covault");
    let caches: Vec<PathBuf> = files(&state).into_iter().filter(|file| !file.ends_with("pin")).collect();
    assert!(caches.iter().any(|file| file.to_string_lossy().contains("listing-")), "{caches:?}");
    for cache in caches {
        damage_each(&cache, |at| {
            assert_eq!(names(), before, "{at}");
            assert_eq!(read(&open(&alice).unwrap(), "prod/db").unwrap(), Some(value("old")), "{at}");
        });
    }
}

#[test]
fn a_damaged_env_file_gives_right_values_or_is_named() {
    let (_world, alice) = template();
    alice
        .covault_fed(
            format!("DB={}\nKEY={}\n", value("one"), value("two")).as_bytes(),
            ["import", "-", "--format", "dotenv"],
        )
        .ok();
    let vault = open(&alice).unwrap();
    let known = [value("one"), value("two")];
    damage_each(&alice.repo.join(".covault/env/default.env"), |at| {
        let source = covault::vault::env::Source::Env("default".into());
        match vault.variables(&source, true, &|| {}, &mut |_| {}) {
            Ok(variables) => {
                let wrong = |text: &str| !known.iter().any(|value| value == text);
                assert!(!variables.iter().any(|v| v.value.expose_str().is_none_or(wrong)), "{at}");
            }
            Err(error) => {
                let text = chain(&error);
                assert!(["default.env", "variable", "secret"].iter().any(|word| text.contains(word)), "{at}: {text}");
            }
        }
    });
}

fn state_file(alice: &Person, name: &str) -> PathBuf {
    files(&alice.home.join(".local/state/covault")).into_iter().find(|file| file.ends_with(name)).unwrap()
}
