//! A secret, or the folder that it is in, that becomes something else on one side of a merge.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::super::rig::{ALL, Attacked, Case, SECRETS, file, harmless};
use super::{DB, FILE, THIRD, branch, head, hers, merged, untouched};

const GET: &[&str] = &["get", DB];

/// The secret is something else on mallory's branch, and alice changed it: she gets what she wrote, or a refusal, and is
/// well again after `git merge --abort` where git stopped, or without the merge where it did not. Nothing is ever at
/// `others`, where no secret was sealed for.
#[track_caller]
fn contested(make: impl Fn(&Case), others: &[&str]) {
    let case = Case::new();
    branch(&case, "main", &make);
    case.alice.set(DB, "what alice wrote meanwhile");
    let before = head(&case);
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    harmless(&["merge"], &said);
    is_under_its_name(&case, "what alice wrote meanwhile", others);
    for args in [&["resolve"], &["status"], &["ls"]] {
        let said = case.alice.covault(args);
        harmless(args, &said);
    }
    is_under_its_name(&case, "what alice wrote meanwhile", others);
    let attacked = back(case, &before);
    hers(attacked).both_find(&[]);
}

/// Every secret is read as what it is, dev/db as `value`, or refused, and nothing is read at `others`.
#[track_caller]
fn is_under_its_name(case: &Case, value: &str, others: &[&str]) {
    let known = SECRETS.map(|(name, first)| (name, if name == DB { value } else { first }));
    for (name, value) in known.into_iter().chain(others.iter().map(|name| (*name, ""))) {
        let said = case.alice.covault(["get", name]);
        harmless(&["get", name], &said);
        let is_right = if said.code == 0 { said.text() == value && !value.is_empty() } else { said.out.is_empty() };
        assert!(is_right, "{name}, {}: {}{}", said.code, said.text(), said.err);
    }
    for folder in ["dev", "prod"] {
        let said = case.alice.covault(["run", "--from", folder, "--", "env"]);
        harmless(&["run"], &said);
        assert!(said.code == 0 || said.out.is_empty(), "{folder}, {}: {}", said.code, said.text());
        let is_elsewhere = |name: &str| !name.starts_with(&format!("{folder}/"));
        let shown = known.into_iter().find(|(name, value)| is_elsewhere(name) && said.text().contains(value));
        assert!(shown.is_none(), "{folder} shows {shown:?}: {}", said.text());
    }
}

/// The way back from where git left the merge: given up where it stopped, else the commit before.
#[track_caller]
fn back(case: Case, before: &str) -> Attacked {
    let attacked = Attacked::of(case);
    let alice = &attacked.case.alice;
    if alice.git(["rev-parse", "-q", "--verify", "MERGE_HEAD"]).code == 0 {
        alice.git(["merge", "--abort"]).ok();
    } else {
        alice.git(["reset", "-q", "--hard", before]).ok();
    }
    untouched(&attacked, before);
    attacked
}

/// The same where alice did not change it: git takes what mallory made of it.
#[track_caller]
fn taken(make: impl Fn(&Case), codes: &[(&str, &str)], why: &str) {
    unchanged(make).both_find(codes).spoils(&[DB]).refuses(GET, why);
}

/// alice has no work of her own, and merges it.
#[track_caller]
fn unchanged(make: impl Fn(&Case)) -> Attacked {
    let case = Case::new();
    branch(&case, "main", make);
    merged(case, false, 0).0
}

#[test]
fn a_secret_becomes_a_link() {
    let make = |case: &Case| {
        case.remove(&file(DB));
        symlink("../../../README", case.path(&file(DB))).unwrap();
    };
    contested(make, &[]);
    taken(make, &[("file", FILE), ("rollback", FILE)], "link");
}

#[test]
fn a_secret_becomes_a_link_to_an_older_version_of_itself() {
    let make = |case: &Case| {
        case.write("kept/db.age", super::old(case, "begun", DB));
        case.remove(&file(DB));
        symlink("../../../kept/db.age", case.path(&file(DB))).unwrap();
    };
    contested(make, &[]);
    taken(make, &[("file", FILE), ("rollback", FILE)], "link");
}

#[test]
fn a_secret_becomes_a_folder() {
    let make = |case: &Case| {
        let bytes = case.read(&file(DB));
        case.remove(&file(DB));
        case.write(&format!("{}/db.age", file(DB)), bytes);
    };
    contested(make, &["dev/db.age/db"]);
    let attacked = unchanged(make);
    let said = attacked.case.alice.covault(GET);
    harmless(GET, &said);
    assert!(said.code != 0 && said.out.is_empty(), "{}", said.code);
}

#[test]
fn a_secret_becomes_a_submodule() {
    let make = |case: &Case| {
        case.remove(&file(DB));
        let commit = case.git(&["rev-parse", "HEAD"]);
        case.git(&["update-index", "--force-remove", &file(DB)]);
        case.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{}", file(DB))]);
        case.git(&["commit", "-q", "-m", "a submodule"]);
        std::fs::create_dir_all(case.path(&file(DB))).unwrap();
    };
    contested(make, &[]);
    taken(make, &[("rollback", FILE)], "db.age");
}

#[test]
fn a_secret_becomes_executable() {
    let make = |case: &Case| {
        std::fs::set_permissions(case.path(&file(DB)), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    contested(make, &[]);
    unchanged(make).both_find(&[("file", FILE), ("rollback", FILE)]);
}

#[test]
fn the_folder_of_secrets_becomes_a_link() {
    let make = |case: &Case| {
        std::fs::rename(case.path(".covault/secrets"), case.path("elsewhere")).unwrap();
        symlink("../elsewhere", case.path(".covault/secrets")).unwrap();
    };
    contested(make, &[]);
    let attacked = unchanged(make);
    let said = attacked.case.alice.covault(GET).exits(6);
    assert!(said.out.is_empty() && said.err.contains("link"), "{}", said.err);
}

#[test]
fn the_roster_becomes_a_link() {
    let make = |case: &Case| {
        std::fs::rename(case.path(super::super::rig::ROSTER), case.path("roster.toml")).unwrap();
        symlink("../roster.toml", case.path(super::super::rig::ROSTER)).unwrap();
    };
    contested(make, &[]);
    let attacked = unchanged(make);
    let said = attacked.case.alice.covault(GET);
    assert!(said.code != 0 && said.out.is_empty(), "{}", said.err);
}

#[test]
fn the_vault_is_renamed() {
    let make = |case: &Case| std::fs::rename(case.path(".covault"), case.path(".hidden")).unwrap();
    contested(make, &[]);
    let attacked = unchanged(make).spoils(&ALL).refuses(GET, "was taken away");
    attacked.refuses(&["set", DB], "was taken away").refuses(&["run", "--from", "dev", "--", "true"], "was taken away");
}

#[test]
fn the_vault_moves_into_a_folder() {
    let make = |case: &Case| {
        std::fs::create_dir_all(case.path("app")).unwrap();
        std::fs::rename(case.path(".covault"), case.path("app/.covault")).unwrap();
    };
    contested(make, &[]);
    is_under_its_name(&unchanged(make).case, THIRD, &[]);
}

#[test]
fn the_folder_of_secrets_is_renamed() {
    let make = |case: &Case| std::fs::rename(case.path(".covault/secrets"), case.path(".covault/old")).unwrap();
    contested(make, &[]);
    is_under_its_name(&unchanged(make).case, THIRD, &[]);
}

#[test]
fn two_folders_of_secrets_change_places() {
    let make = |case: &Case| {
        let at = |name: &str| case.path(&format!(".covault/secrets/{name}"));
        std::fs::rename(at("dev"), at("between")).unwrap();
        std::fs::rename(at("prod"), at("dev")).unwrap();
        std::fs::rename(at("between"), at("prod")).unwrap();
    };
    let others = ["prod/api", "dev/web/key"];
    contested(make, &others);
    let attacked = unchanged(make);
    is_under_its_name(&attacked.case, THIRD, &others);
    let moved = [("path", "api.age"), ("path", FILE), ("path", "key.age")];
    let attacked = attacked
        .both_find(&[&moved[..], &[("removed", "api.age"), ("removed", "key.age"), ("rollback", FILE)]].concat())
        .spoils(&["dev/api", "dev/db", "prod/db", "prod/web/key"]);
    let why = "it was sealed for another name";
    let attacked = attacked.refuses(&["get", "prod/api"], why).refuses(&["get", "dev/web/key"], why);
    attacked.refuses(&["run", "--from", "prod", "--", "true"], why).refuses(&["set", "prod/api"], why);
}

#[test]
fn a_renamed_folder_takes_a_new_secret_along() {
    for way in ["true", "conflict", "false"] {
        let case = Case::new();
        branch(&case, "main", |case| {
            std::fs::rename(case.path(".covault/secrets/dev"), case.path(".covault/secrets/public")).unwrap();
        });
        case.alice.set("dev/new", "a secret that alice made meanwhile");
        let before = head(&case);
        let setting = format!("merge.directoryRenames={way}");
        let said = case.alice.git(["-c", &setting, "merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
        harmless(&["merge"], &said);
        // Wherever git put it, nobody is shown it under another name.
        for args in [
            &["get", "public/new"][..],
            &["get", "public/db"],
            &["resolve"],
            &["run", "--from", "public", "--", "true"],
        ] {
            let said = case.alice.covault(args);
            harmless(args, &said);
            assert!(said.out.is_empty() || args[0] == "resolve", "{way} {args:?}: {}", said.text());
        }
        let attacked = back(case, &before);
        assert_eq!(attacked.case.alice.get("dev/new"), "a secret that alice made meanwhile");
        attacked.comes_to_nothing();
    }
}

#[test]
fn a_renamed_folder_takes_nothing_along_where_covault_merges() {
    let case = Case::new();
    case.git(&["checkout", "-q", "main"]);
    std::fs::rename(case.path(".covault/secrets/dev"), case.path(".covault/secrets/public")).unwrap();
    case.git(&["add", "-A"]);
    case.git(&["commit", "-qm", "renamed"]);
    case.git(&["push", "-q", "origin", "HEAD:main"]);
    case.alice.set("dev/new", "a secret that alice made meanwhile");
    let said = case.alice.covault(["sync", "--no-push"]);
    harmless(&["sync"], &said);
    assert_eq!(case.alice.get("dev/new"), "a secret that alice made meanwhile");
    case.alice.covault(GET).exits(6);
}

#[test]
fn names_that_differ_in_case_alone() {
    let case = Case::new();
    branch(&case, "main", |case| {
        let bytes = case.read(&file("dev/api"));
        case.write(".covault/secrets/dev/DB.age", &bytes);
        case.write(".covault/secrets/DEV/db.age", &bytes);
        case.write(".COVAULT/secrets/dev/db.age", &bytes);
        case.write(".covault/Secrets/dev/db.age", &bytes);
    });
    let (attacked, _) = merged(case, true, 0);
    hers(attacked).both_find(&[("file", "DB.age"), ("file", FILE)]);
}
