//! Good files where they do not belong: another name, another vault, another folder.

use std::ffi::OsStr;

use super::rig::{ALL, Case, ROSTER, SECRETS, file, pushed};
use crate::world::Person;

/// A vault of mallory's own, with a secret at the same name, on the same machine.
fn vault_of_another(case: &Case) -> Person {
    let other = case.world.founder("other");
    other.set("dev/db", super::rig::PLANTED);
    other
}

#[test]
fn every_pair_of_secrets_exchanged() {
    let case = Case::new();
    for (n, (one, _)) in SECRETS.iter().enumerate() {
        for (other, _) in &SECRETS[..n] {
            let bytes = [one, other].map(|name| std::fs::read(case.alice.file(name)).unwrap());
            std::fs::write(case.alice.file(one), &bytes[1]).unwrap();
            std::fs::write(case.alice.file(other), &bytes[0]).unwrap();
            for name in [one, other] {
                let said = case.alice.covault(["get", name]).exits(6);
                let why = format!(".covault/secrets/{name}.age is refused: it was sealed for another name");
                assert!(said.out.is_empty() && said.err.contains(&why), "{one}, {other}: {}", said.err);
            }
            std::fs::write(case.alice.file(one), &bytes[0]).unwrap();
            std::fs::write(case.alice.file(other), &bytes[1]).unwrap();
        }
    }
    for (name, value) in SECRETS {
        assert_eq!(case.alice.get(name), value);
    }
}

#[test]
fn a_secret_at_a_name_that_nobody_had() {
    pushed(|case| case.write(&file("dev/new"), case.read(&file("prod/db"))))
        .refuses(&["get", "dev/new"], "sealed for another name")
        .refuses(&["set", "dev/new"], "sealed for another name")
        .refuses(&["run", "--from", "dev", "--", "true"], "sealed for another name");
}

#[test]
fn a_secret_in_a_folder_with_more_readers_is_sealed_for_none_of_them() {
    let attacked = pushed(|case| case.write(&file("staging/prod"), case.read(&file("prod/db"))));
    let attacked = attacked.ends(&["set", "dev/other"], 0, "").refuses(&["get", "staging/prod"], "another name");
    let case = &attacked.case;
    assert_eq!(std::fs::read(case.alice.file("staging/prod")).unwrap(), case.read(&file("prod/db")));
    let ci = case.clone_of("ci");
    ci.covault(["get", "staging/prod"]).exits(6);
}

#[test]
fn the_tombstone_of_another_secret() {
    let attacked = pushed(|case| {
        let wanda = case.clone_of("wanda");
        wanda.covault(["rm", "dev/api"]).ok();
        let grave = std::fs::read(wanda.file("dev/api")).unwrap();
        case.write(&file("dev/db"), grave);
    });
    let attacked = attacked.spoils(&["dev/db"]).refuses(&["get", "dev/db"], "sealed for another name");
    attacked.ends(&["ls", "--flat"], 0, "dev/db\n");
}

#[test]
fn a_secret_in_the_place_of_the_roster() {
    pushed(|case| case.write(ROSTER, case.read(&file("dev/db"))))
        .spoils(&ALL)
        .refuses(&["get", "dev/db"], "roster.toml is refused")
        .refuses(&["ls"], "roster.toml is refused");
}

#[test]
fn the_roster_in_the_place_of_a_secret() {
    pushed(|case| case.write(&file("dev/db"), case.read(ROSTER)))
        .spoils(&["dev/db"])
        .refuses(&["get", "dev/db"], "not an age file");
}

#[test]
fn a_secret_of_another_vault() {
    pushed(|case| {
        let other = vault_of_another(case);
        case.write(&file("dev/db"), std::fs::read(other.file("dev/db")).unwrap());
    })
    .spoils(&["dev/db"])
    .refuses(&["get", "dev/db"], "sealed for another vault")
    .refuses(&["set", "dev/db"], "sealed for another vault");
}

#[test]
fn the_roster_of_another_vault() {
    pushed(|case| {
        let other = vault_of_another(case);
        case.write(ROSTER, std::fs::read(other.repo.join(ROSTER)).unwrap());
    })
    .spoils(&ALL)
    .refuses(&["get", "dev/db"], "is another vault")
    .refuses(&["set", "dev/new"], "is another vault")
    .refuses(&["ls"], "is another vault")
    .refuses(&["status"], "is another vault")
    .refuses(&["run", "--from", "dev", "--", "true"], "is another vault")
    .refuses(&["setup"], "another vault");
}

#[test]
fn a_whole_vault_of_the_same_name_in_the_place_of_ours() {
    pushed(|case| {
        let other = vault_of_another(case);
        std::fs::remove_dir_all(case.path(".covault")).unwrap();
        let (from, to) = (other.repo.join(".covault"), case.path(".covault"));
        case.at.command("cp").args([OsStr::new("-R"), from.as_os_str(), to.as_os_str()]).status().unwrap();
    })
    .spoils(&ALL)
    .refuses(&["get", "dev/db"], "is another vault")
    .refuses(&["set", "dev/db"], "is another vault");
}

#[test]
fn a_vault_of_somebody_else_in_a_folder_below() {
    pushed(|case| {
        let other = vault_of_another(case);
        std::fs::create_dir_all(case.path("app")).unwrap();
        let (from, to) = (other.repo.join(".covault"), case.path("app/.covault"));
        case.at.command("cp").args([OsStr::new("-R"), from.as_os_str(), to.as_os_str()]).status().unwrap();
    })
    .refuses(&["-C", "app", "get", "dev/db"], "does not know the vault")
    .refuses(&["-C", "app", "set", "dev/db"], "does not know the vault")
    .comes_to_nothing();
}

#[test]
fn a_vault_of_somebody_else_on_a_branch() {
    let case = Case::new();
    let (other, alice) = (vault_of_another(&case), &case.alice);
    let id = other.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let branch = OsStr::new("main:pages");
    alice.git([OsStr::new("fetch"), OsStr::new("-q"), other.repo.as_os_str(), branch]).ok();
    alice.git(["checkout", "-q", "pages"]).ok();
    // Whatever words an attacker talks her into: the trunk has another vault.
    for args in [&["get", "dev/db"][..], &["set", "dev/db"], &["setup"], &["setup", "--vault", &id], &["status"]] {
        let said = alice.covault_fed(b"new", args).exits(6);
        assert!(said.err.contains("is another vault") && said.out.is_empty(), "{args:?}: {}", said.err);
    }
    alice.git(["checkout", "-q", "main"]).ok();
    assert_eq!(alice.get("dev/db"), "the third value of dev db");
}

#[test]
fn our_own_vault_moved_into_a_folder() {
    pushed(|case| {
        std::fs::create_dir_all(case.path("app")).unwrap();
        std::fs::rename(case.path(".covault"), case.path("app/.covault")).unwrap();
    })
    .ends_without_looking(&["get", "dev/db"], 3, "but below it: app")
    .ends(&["-C", "app", "get", "dev/db"], 0, "the third value of dev db");
}

#[test]
fn an_environment_that_names_another_vault() {
    let mut case = Case::new();
    let other = vault_of_another(&case);
    let id = other.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let own = case.alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    case.alice.vars.push(("COVAULT_VAULT".to_owned(), id.clone()));
    let said = case.alice.covault(["get", "dev/db"]).exits(6);
    assert!(said.err.contains("is another vault") && said.out.is_empty(), "{}", said.err);
    case.alice.vars[0].1 = format!("{own}@{id}");
    let said = case.alice.covault(["get", "dev/db"]).exits(6);
    assert!(said.err.contains("does not have the entry"), "{}", said.err);
    case.alice.vars[0].1 = format!("{own}@{own}");
    assert_eq!(case.alice.get("dev/db"), "the third value of dev db");
}
