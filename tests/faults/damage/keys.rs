//! Keys: an identity opens the right thing or nothing, a signing key signs nothing that is not good, and a file that names
//! another one is named itself where that is not there.

use covault::home::{Home, KeySources};
use covault::model::names::{FieldName, SecretPath};
use covault::model::time::Time;
use covault::seal::{Identity, SigningKey, encrypt_identity_file};
use covault::vault::set::{Edit, FieldEdit};
use covault::vault::write::How;
use covault::vault::{Vault, VaultError};
use zeroize::Zeroizing;

use super::super::rig::{open, read, template, value};
use super::{Plan, damage, names, overwrite, right, told};
use crate::world::Person;

fn value_of(alice: &Person) -> Result<Option<String>, VaultError> {
    open(alice).and_then(|vault| read(&vault, "prod/db"))
}

#[test]
fn a_damaged_identity_opens_nothing_or_the_right_thing() {
    let (_world, alice) = template();
    let other = Identity::generate().unwrap();
    let other = format!("# public key: {}\n{}\n", other.recipient(), *other.to_text().unwrap());
    // What is right where only a comment was hit.
    damage("identity file", &alice.identity(), other.as_bytes(), &Plan::usual(), overwrite, |_| {
        right(value_of(&alice), &Some(value("old")), "identity.txt")
    });
}

#[test]
fn a_damaged_identity_with_a_passphrase_opens_nothing_or_the_right_thing() {
    let (_world, alice) = template();
    let clear = std::fs::read_to_string(alice.identity()).unwrap();
    let horse = || Zeroizing::new("horse".to_owned());
    let encrypted = || encrypt_identity_file(&clear, &horse(), 4).unwrap();
    std::fs::write(alice.identity(), encrypted()).unwrap();
    let below = |folder: &str| alice.home.join(folder);
    let vault = || {
        let ask = Box::new(move |_: &str| Some(horse()));
        let home = Home::new(below(".config/covault"), below(".local/state/covault"), KeySources::default(), ask);
        Vault::open(&alice.repo, home, None)
    };
    assert_eq!(read(&vault().unwrap(), "prod/db").unwrap(), Some(value("old")));
    damage("identity file with a passphrase", &alice.identity(), &encrypted(), &Plan::usual(), overwrite, |_| {
        right(vault().and_then(|vault| read(&vault, "prod/db")), &Some(value("old")), "identity.txt")
    });
}

#[test]
fn a_damaged_signing_key_signs_nothing_that_is_not_good() {
    let (_world, alice) = template();
    // In this process git knows nothing of a person's environment.
    alice.git(["config", "user.name", "alice"]).ok();
    alice.git(["config", "user.email", "alice@example.org"]).ok();
    let file = alice.home.join(".config/covault/signing_ed25519");
    let other = SigningKey::generate().unwrap().to_openssh("alice@laptop (covault)").unwrap();
    let how = How { now: Time::from_unix(1_800_000_000), dry_run: true, no_commit: false, program: "covault".into() };
    let set = |vault: &Vault| {
        let field = FieldEdit {
            name: FieldName::parse("value").unwrap(),
            value: Some(covault::plaintext::Plaintext::from_text("x")),
            plain: false,
        };
        let edit = Edit { fields: vec![field], ..Edit::default() };
        vault.set(&SecretPath::parse("prod/db").unwrap(), edit, &how).map(drop)
    };
    damage("signing key", &file, other.as_bytes(), &Plan::usual(), overwrite, |_| {
        let vault = open(&alice).map_err(|error| error.to_string())?;
        // What was signed is read once more before it is written: a wrong key would show there.
        if let Err(error) = set(&vault) {
            let text = told(&error);
            let is_named = text.contains("signing_ed25519") || text.contains("signing key");
            is_named.then_some(()).ok_or(text)?;
        }
        right(read(&vault, "prod/db"), &Some(value("old")), "signing_ed25519")
    });
}

#[test]
fn a_damaged_file_that_names_a_key_is_named_itself() {
    let (_world, alice) = template();
    let config = alice.home.join(".config/covault");
    for (pointer, key, elsewhere) in
        [("identity-file", "identity.txt", "my identity"), ("signing-key-file", "signing_ed25519", "my signing key")]
    {
        let (from, to) = (config.join(key), alice.home.join(elsewhere));
        std::fs::rename(from, &to).unwrap();
        std::fs::write(config.join(pointer), to.to_str().unwrap()).unwrap();
        let text = format!("{}/another", alice.home.display());
        damage(pointer, &config.join(pointer), text.as_bytes(), &Plan::usual(), overwrite, |_| {
            let vault = open(&alice).map_err(|error| error.to_string())?;
            let outcome = if key == "identity.txt" {
                read(&vault, "prod/db").map(|found| found == Some(value("old")))
            } else {
                vault.signer().map(|signer| signer.is_some())
            };
            match outcome {
                Ok(true) => Ok(()),
                Ok(false) => Err("another key, or none".to_owned()),
                Err(error) => names(&error, pointer),
            }
        });
    }
}
