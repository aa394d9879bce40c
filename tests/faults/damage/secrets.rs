//! What is sealed: secrets, siblings in a secret's place, journals. And env files, which say where values come from.

use std::cell::Cell;
use std::collections::BTreeSet;

use covault::model::names::SecretPath;
use covault::seal;
use covault::vault::env::Source;
use covault::vault::{Vault, VaultError};

use super::super::rig::{long, open, read, template, value};
use super::{Plan, damage, names, now_and_then, overwrite, refused, right};
use crate::team;
use crate::world::Person;

const DB: &str = ".covault/secrets/prod/db.age";

/// What every command does that reads a secret's file, without the file.
fn opened(vault: &Vault, file: &str, path: &SecretPath, bytes: &[u8]) -> Result<String, VaultError> {
    let secret = vault.open_version(&vault.check(file, path, bytes)?)?;
    Ok(format!("{:?}", secret.fields().iter().map(|field| field.name).collect::<Vec<_>>()))
}

#[test]
fn a_damaged_secret_is_refused_by_its_file_s_name_and_others_are_not_disturbed() {
    let (_world, alice) = template();
    let vault = open(&alice).unwrap();
    let other = std::fs::read(alice.file("prod/other")).unwrap();
    let (path, tried) = (SecretPath::parse("prod/db").unwrap(), Cell::new(0));
    damage("secret", &alice.file("prod/db"), &other, &Plan::usual(), overwrite, |bytes| {
        refused(opened(&vault, DB, &path, bytes), DB)?;
        if now_and_then(&tried) {
            refused(read(&vault, "prod/db"), DB)?;
            right(read(&vault, "prod/other"), &Some(value("other")), "nothing")?;
        }
        Ok(())
    });
    assert_eq!(read(&vault, "prod/db").unwrap(), Some(value("old")));
}

#[test]
fn a_secret_with_blocks_of_its_older_version_is_refused() {
    let (_world, alice) = template();
    let vault = open(&alice).unwrap();
    let before = alice.git(["log", "--format=%H", "--", DB]).ok().text().lines().nth(1).unwrap().to_owned();
    let older = alice.git(["cat-file", "blob", &format!("{before}:{DB}")]).ok().out;
    let plan = Plan { flips: Some(0), cuts: Some(0), tails: 0, swaps: 0, splices: if long() { 1_000 } else { 10 } };
    let path = SecretPath::parse("prod/db").unwrap();
    damage("secret and its older version", &alice.file("prod/db"), &older, &plan, overwrite, |bytes| {
        refused(opened(&vault, DB, &path, bytes), DB)
    });
}

/// Every value that waits at a name.
fn all_values(vault: &Vault, name: &str) -> Result<BTreeSet<String>, VaultError> {
    let secret = vault.secret(&SecretPath::parse(name).unwrap())?;
    let field = secret.field(None)?;
    let present = field.writes.iter().filter_map(|write| write.value.present());
    Ok(present.map(|value| String::from_utf8_lossy(value.expose()).into_owned()).collect())
}

/// Two versions of prod/db that nobody has joined, in one file; and the bytes of such a file of other versions.
fn siblings(alice: &Person) -> Vec<u8> {
    let version = |branch: &str, text: &str| {
        alice.git(["switch", "-q", "-c", branch]).ok();
        alice.set("prod/db", &value(text));
        let bytes = std::fs::read(alice.file("prod/db")).unwrap();
        alice.git(["switch", "-q", "main"]).ok();
        bytes
    };
    let [one, two, three, four] = ["one", "two", "three", "four"].map(|text| version(&format!("branch-{text}"), text));
    std::fs::write(alice.file("prod/db"), seal::bundle(vec![one, two]).unwrap()).unwrap();
    seal::bundle(vec![three, four]).unwrap()
}

#[test]
fn a_damaged_sibling_file_is_refused_by_its_name_and_never_read_as_one_side() {
    let (_world, alice) = template();
    let other = siblings(&alice);
    let vault = open(&alice).unwrap();
    let both = BTreeSet::from([value("one"), value("two")]);
    assert_eq!(all_values(&vault, "prod/db").unwrap(), both);
    let (path, tried) = (SecretPath::parse("prod/db").unwrap(), Cell::new(0));
    damage("sibling file", &alice.file("prod/db"), &other, &Plan::usual(), overwrite, |bytes| {
        refused(opened(&vault, DB, &path, bytes), DB)?;
        match now_and_then(&tried) {
            true => refused(all_values(&vault, "prod/db"), DB),
            false => Ok(()),
        }
    });
    assert_eq!(all_values(&vault, "prod/db").unwrap(), both);
}

#[test]
fn a_damaged_journal_is_refused_by_its_name() {
    let (_world, alice) = template();
    for (name, text) in [("4f1d00aa00bb00cc", "minted"), ("4f1d00aa00bb00cd", "another")] {
        team::journal(&alice, name, &[("minted", &value(text))]);
    }
    let file = team::journal_file(&alice, "4f1d00aa00bb00cc");
    let other = std::fs::read(team::journal_file(&alice, "4f1d00aa00bb00cd")).unwrap();
    let vault = open(&alice).unwrap();
    let minted = || read(&vault, "journal/4f1d00aa00bb00cc/minted");
    assert_eq!(minted().unwrap(), Some(value("minted")));
    let (path, tried) = (SecretPath::parse("journal/4f1d00aa00bb00cc").unwrap(), Cell::new(0));
    let named = ".covault/journal/4f1d00aa00bb00cc.age";
    damage("journal", &file, &other, &Plan::usual(), overwrite, |bytes| {
        refused(opened(&vault, named, &path, bytes), named)?;
        match now_and_then(&tried) {
            true => refused(minted(), named),
            false => Ok(()),
        }
    });
}

#[test]
fn a_damaged_env_file_gives_values_of_the_secrets_that_it_names_or_is_named() {
    let (_world, alice) = template();
    let secrets = [("first", "one"), ("second", "two"), ("third_one", "three")];
    let text: String =
        secrets.iter().map(|(name, text)| format!("{}={}\n", name.to_uppercase(), value(text))).collect();
    alice.covault_fed(text.as_bytes(), ["import", "-", "--format", "dotenv"]).ok();
    let file = alice.repo.join(".covault/env/default.env");
    let other = b"ANOTHER=covault://prod/db\nTHE_LAST=covault://prod/other\nFIRST=covault://prod/other\n";
    let vault = open(&alice).unwrap();
    let source = Source::Env("default".into());
    let known: Vec<(String, String)> = secrets
        .iter()
        .map(|(name, text)| (format!("default/{}/value", name.replace('_', "-")), value(text)))
        .chain([("prod/db/value".to_owned(), value("old")), ("prod/other/value".to_owned(), value("other"))])
        .collect();
    let variables = || vault.variables(&source, true, &|| {}, &mut |_| {});
    assert_eq!(variables().unwrap().len(), 3);
    damage("env file", &file, other, &Plan::usual(), overwrite, |bytes| match variables() {
        Ok(variables) => variables.iter().try_for_each(|it| {
            // It is not signed: a line that was changed may name another secret, and gets no value but that one's.
            let value = it.value.expose_str().unwrap().to_owned();
            let line = String::from_utf8_lossy(bytes).contains(it.from.trim_end_matches("/value"));
            match line && known.contains(&(it.from.clone(), value.clone())) {
                true => Ok(()),
                false => Err(format!("{} is {value}, from {}", it.name, it.from)),
            }
        }),
        Err(error) => names(&error, ".covault/env/default.env"),
    });
}
