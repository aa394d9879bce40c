//! A canary value is looked for after every command: in arguments, environments, stderr, stdout where nobody asked,
//! and every file and object that is left.

use covault::seal::peek_manifest;

use super::trace::{COVAULT, Shows, traced, watched, watched_for, watched_program};
use crate::faults::commands::{editor, field};
use crate::faults::rig::{CANARY, contains, holding, no_canary, value};
use crate::keys::place::KEY;
use crate::keys::rig::Rig;
use crate::team::{admit, take_from};
use crate::world::{World, can, have};

#[test]
fn no_command_shows_a_secret_to_anybody_who_did_not_ask() {
    use Shows::{Nothing, Values};
    if !have("strace") {
        return;
    }
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.vars.push(("EDITOR".into(), editor()));
    if let Some(memory) = &world.memory {
        alice.vars.push(("XDG_RUNTIME_DIR".into(), memory.path().to_string_lossy().into_owned()));
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("value");
    std::fs::write(&file, value("file")).unwrap();
    let from_file = format!("value={}", file.display());
    let dotenv = format!("ONE={}\nTWO={}\n", value("one"), value("two"));
    let v = value("old");
    let all: Vec<(Vec<&str>, &str, Shows)> = vec![
        (vec!["set", "prod/db"], &v, Nothing),
        (vec!["set", "prod/db", "--stdin", "password", "--tag", "web"], &v, Nothing),
        (vec!["set", "prod/key", "--file", &from_file], "", Nothing),
        (vec!["set", "prod/db", "--dry-run"], &v, Nothing),
        (vec!["set", "prod/db", "--no-commit", "--json"], &dotenv, Nothing),
        (vec!["set", "prod/db"], &v, Nothing),
        (vec!["get", "prod/db/password"], "", Values),
        (vec!["get", "prod/db/password", "--json"], "", Values),
        (vec!["show", "prod/db"], "", Nothing),
        (vec!["show", "prod/db", "--json"], "", Nothing),
        (vec!["show", "prod/db", "--reveal"], "", Values),
        (vec!["ls"], "", Nothing),
        (vec!["ls", "--json"], "", Nothing),
        (vec!["status"], "", Nothing),
        (vec!["doctor"], "", Nothing),
        (vec!["doctor", "--fix"], "", Nothing),
        (vec!["whoami", "--json"], "", Nothing),
        (vec!["log"], "", Nothing),
        (vec!["log", "prod/db", "--json"], "", Nothing),
        (vec!["diff", "prod/db", "prod/key"], "", Values),
        (vec!["import", "-", "--format", "dotenv"], &dotenv, Nothing),
        (vec!["import", "-", "--format", "dotenv", "--json", "--dry-run"], &dotenv, Nothing),
        (vec!["export"], "", Values),
        (vec!["run", "--", "printenv", "ONE"], "", Values),
        (vec!["mv", "prod/key", "prod/other"], "", Nothing),
        (vec!["rm", "prod/other"], "", Nothing),
        (vec!["restore", "prod/other"], "", Nothing),
        (vec!["edit", "prod/db"], "", Nothing),
        (vec!["setup"], "", Nothing),
        (vec!["completions", "bash"], "", Nothing),
    ];
    for (args, input, shows) in &all {
        if args[0] == "diff" {
            // Values, or how to ask for them: either is what the person asked for.
            let said = alice.covault(args);
            assert!(!said.err.contains(CANARY), "{}", said.err);
            no_canary(&alice, "diff");
            continue;
        }
        if args[0] == "edit" && !can(world.memory.is_some(), "the folder /dev/shm") {
            continue;
        }
        watched(&alice, args, input.as_bytes(), *shows);
    }
    eprintln!("{} commands watched", all.len());
}

#[test]
fn what_is_made_for_a_person_is_shown_to_nobody_either() {
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    for args in [["set", "prod/made", "--generate", "value"], ["rotate", "prod/made", "--yes", "--quiet"]] {
        // No canary is in it: it is known afterwards.
        let (said, trace) = traced(COVAULT, &alice, &args, b"");
        trace.keeps(&alice, &said, &alice.get("prod/made"), Shows::Nothing);
    }
}

#[test]
fn no_key_of_a_provider_is_shown_or_written_while_it_is_issued_rotated_and_revoked() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    let management = rig.fake.replace_management_key();
    for (args, input) in [
        (["key", "login"].as_slice(), management.as_str()),
        (&["key", "issue", "prod/key", "--limit", "10/day"], ""),
        (&["key", "rotate", "prod/key"], ""),
        (&["key", "revoke", "prod/key", "--yes"], ""),
    ] {
        watched_for(KEY, COVAULT, &rig.alice, args, input.as_bytes(), Shows::Nothing);
    }
}

#[test]
fn no_command_of_a_team_writes_a_value_to_disk_and_neither_does_git_through_us() {
    use Shows::{Nothing, Values};
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.team("alice");
    alice.set("dev/api", &value("of the interface"));
    let bob = admit(&world, &alice, "bob", covault::model::roster::Role::Writer);
    alice.set("prod/db", &value("of before"));
    alice.set("prod/made", &value("to be made anew"));
    alice.git(["push", "-q"]).ok();
    let diverge = |branch: &str| {
        alice.git(["switch", "-q", "-c", branch]).ok();
        alice.set("prod/db", &value(branch));
        alice.git(["switch", "-q", "main"]).ok();
        alice.set("prod/db", &value(&format!("beside {branch}")));
    };
    diverge("merged");
    diverge("rebased");
    diverge("unmerged");
    for (program, args, shows) in [
        ("git", ["merge", "-q", "--no-edit", "merged"].as_slice(), Nothing),
        ("git", &["diff", "HEAD~1"], Values),
        ("git", &["show"], Values),
        ("git", &["log", "-p", "-3"], Values),
        ("git", &["cherry-pick", "rebased"], Nothing),
    ] {
        watched_program(program, &alice, args, b"", shows);
    }
    // Git stops where it does not know us.
    alice.git(["-c", "merge.covault.driver=exit 1 #", "merge", "-q", "unmerged"]).exits(1);
    watched(&alice, &["resolve", "prod/db", "--newest"], b"", Nothing);
    alice.git(["commit", "-q", "--no-edit"]).ok();
    world.asks(&alice, "dora");
    let typed = value("typed");
    for (args, shows) in [
        (["member", "approve", "dora", "--yes"].as_slice(), Nothing),
        (&["grant", "prod", "alice", "--yes"], Nothing),
        (&["share", "prod/db", "bob", "--yes"], Nothing),
        (&["unshare", "prod/db", "bob", "--yes"], Nothing),
        (&["rekey", "prod/db", "--yes"], Nothing),
        (&["rotate", "prod/made", "--stdin", "--yes"], Nothing),
        (&["who", "prod/db", "--json"], Nothing),
        (&["expose", "--json"], Nothing),
        (&["scan", "--history"], Nothing),
        (&["verify", "--history", "--json"], Nothing),
        (&["member", "remove", "bob", "--yes"], Nothing),
        (&["run", "--from", "prod", "--files", "--", "true"], Nothing),
    ] {
        watched(&alice, args, typed.as_bytes(), shows);
    }
    // Bob has not heard yet that he has left.
    bob.set("dev/api", &value("of one who has left"));
    take_from(&alice, &bob, "dev/api");
    watched(&alice, &["rekey", "dev/api", "--accept", "--yes"], b"", Nothing);
    alice.git(["push", "-q"]).ok();
    let desk = world.machine_of(&alice, "desk");
    field(&desk, "theirs");
    desk.push("main");
    field(&alice, "ours");
    watched(&alice, &["sync"], b"", Nothing);
    assert_eq!(alice.get("prod/db/theirs"), value("theirs"));
    alice.covault(["setup", "--hooks"]).ok();
    std::fs::write(alice.repo.join("README"), "more\n").unwrap();
    watched_program("git", &alice, &["commit", "-q", "-a", "-m", "work"], b"", Nothing);
}

#[test]
fn neither_a_key_in_the_environment_nor_a_value_reaches_git_gpg_or_a_hook() {
    if !have("strace") {
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mut alice = world.founder("alice");
    let script = |name: &str, text: &str| {
        let path = alice.repo.join(".git").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let gpg = script("gpg", "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho signed\n");
    script("hooks/pre-commit", "#!/bin/sh\nenv > hook-was-here\n");
    alice.git(["config", "gpg.program", &gpg.to_string_lossy()]).ok();
    alice.git(["config", "commit.gpgsign", "true"]).ok();
    let identity = std::fs::read_to_string(alice.identity()).unwrap();
    let key = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap().to_owned();
    alice.vars.push(("COVAULT_IDENTITY_FILE".into(), alice.identity().to_string_lossy().into_owned()));
    watched(&alice, &["set", "prod/db"], value("signed").as_bytes(), Shows::Nothing);
    assert!(alice.git(["cat-file", "commit", "HEAD"]).ok().text().contains("gpgsig"));
    alice.git(["config", "covault.commit", "git"]).ok();
    watched(&alice, &["set", "prod/db"], value("hooked").as_bytes(), Shows::Nothing);
    assert!(alice.repo.join("hook-was-here").exists());
    alice.vars.push(("COVAULT_IDENTITY".into(), key));
    watched(&alice, &["get", "prod/db"], b"", Shows::Values);
    watched(&alice, &["run", "--from", "prod", "--", "printenv", "DB"], b"", Shows::Values);
    watched(&alice, &["log", "prod/db"], b"", Shows::Nothing);
}

#[test]
fn a_sealed_file_shows_no_field_tag_or_metadatum_and_its_manifest_only_what_threats_md_lists() {
    let world = World::new();
    let alice = world.founder("alice");
    let words = ["canaryfield", "canaryplain", "canarytext", "canarytag", "canarywords", "canary.example"];
    let set = ["set", "prod/db", "--stdin", "canaryfield", "canaryplain=canarytext", "--tag", "canarytag"];
    let about = ["--description", "canarywords", "--url", "https://canary.example"];
    alice.covault_fed(value("fielded").as_bytes(), set.iter().chain(&about)).ok();
    let shown = alice.covault(["show", "prod/db", "--json", "--reveal"]).ok().text();
    let objects = alice.git(["cat-file", "--batch-all-objects", "--batch", "--unordered"]).ok().out;
    // In base64 no search would find them: the manifest is looked into by itself.
    let manifest = peek_manifest(&std::fs::read(alice.file("prod/db")).unwrap()).unwrap().encode();
    for word in words {
        assert!(shown.contains(word), "{word} is nowhere: {shown}");
        let found = holding(world.path(), word);
        assert!(found.is_empty() && !contains(&objects, word.as_bytes()), "{word}: {found:?}");
        assert!(!manifest.contains(word), "{word}: {manifest}");
    }
    let listed = "format vault id aliases path state revision parents ancestors roster_seq roster_head roster_blob readers author \
                  shares values at document payload stanzas";
    let keys: Vec<&str> = manifest.lines().map(|line| line.split(" = ").next().unwrap()).collect();
    assert_eq!(keys, listed.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn git_shows_values_to_who_looks_and_keeps_none() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", &value("a"));
    alice.set("prod/db", &value("b"));
    assert!(alice.git(["log", "-p"]).ok().text().contains(CANARY));
    alice.git(["diff", "HEAD~1"]).ok();
    alice.git(["show"]).ok();
    alice.git(["blame", ".covault/secrets/prod/db.age"]).ok();
    no_canary(&alice, "git log, diff, show, blame");
    std::fs::write(alice.repo.join("README"), "more\n").unwrap();
    alice.git(["commit", "-q", "-v", "-a", "-m", "more"]).ok();
    alice.git(["format-patch", "-o", "patches", "HEAD~3"]).ok();
    alice.git(["gc", "-q"]).ok();
    no_canary(&alice, "git commit -v, format-patch, gc");
    // An agent, or CI, gets no values, not even from git.
    let mut watched = alice;
    watched.vars.push(("CI".into(), "true".into()));
    assert!(!watched.git(["log", "-p"]).ok().text().contains(CANARY));
}
