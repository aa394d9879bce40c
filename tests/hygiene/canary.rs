//! A canary value is looked for after every command: in arguments, environments, stderr, stdout where nobody asked,
//! and every file and object that is left.

use covault::seal::peek_manifest;

use crate::faults::rig::{CANARY, contains, holding, no_canary, value};
use crate::world::{Person, Said, World, have};

/// What a command may show on stdout.
#[derive(PartialEq)]
enum Shows {
    Nothing,
    Values,
}

/// Runs covault with every start of a program and everything that is written traced, and judges what it left behind.
fn watched(person: &Person, args: &[&str], input: &[u8], shows: &Shows) -> Said {
    watched_program(env!("CARGO_BIN_EXE_covault"), person, args, input, shows)
}

/// What a file descriptor stands for where no disk is behind it, as strace spells it.
const IN_MEMORY: [&str; 4] = ["<pipe:", "<socket:", "</memfd:", "</dev/null>"];

fn watched_program(program: &str, person: &Person, args: &[&str], input: &[u8], shows: &Shows) -> Said {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let path = trace.path().to_string_lossy().into_owned();
    let calls = "trace=execve,write,writev,pwrite64,pwritev,pwritev2";
    let options = ["-f", "-qq", "-v", "-y", "-s", "65536", "-e", calls, "-e", "signal=none", "-o", &path, "--"];
    let words = options.into_iter().chain([program]).chain(args.iter().copied());
    let said = person.fed("strace", input, words);
    let at = format!("{program} {}", args.join(" "));
    assert!(said.code == 0 || said.code == 8, "{at}: {}", said.err);
    assert!(!said.err.contains(CANARY), "{at}: stderr: {}", said.err);
    if *shows == Shows::Nothing {
        assert!(!said.text().contains(CANARY), "{at}: stdout: {}", said.text());
    }
    // The first is covault itself, with what the person gave it.
    let (mut starts, mut writes) = (0, 0);
    for start in std::fs::read_to_string(trace.path()).unwrap().lines() {
        // Not for a moment either: what holds a value goes to a pipe or to memory, or is not written.
        if start.contains("write") && !start.contains("execve(") {
            writes += 1;
            let is_kept = !IN_MEMORY.iter().any(|kind| start.contains(kind));
            assert!(!(start.contains(CANARY) && is_kept), "{at}: written to disk: {start}");
            continue;
        }
        starts += 1;
        if starts == 1 {
            continue;
        }
        let is_the_child_of_run = args.contains(&"run") && start.contains("[\"printenv\"");
        assert!(is_the_child_of_run || !start.contains(CANARY), "{at}: {start}");
        assert!(!start.contains("COVAULT_") && !start.contains("AGE-SECRET-KEY"), "{at}: {start}");
    }
    assert!(starts > 0 && (writes > 0 || said.out.is_empty()), "{at}: nothing was traced");
    no_canary(person, &at);
    said
}

#[test]
fn no_command_shows_a_secret_to_anybody_who_did_not_ask() {
    use Shows::{Nothing, Values};
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("value");
    std::fs::write(&file, value("file")).unwrap();
    let from_file = format!("value={}", file.display());
    let dotenv = format!("ONE={}\nTWO={}\n", value("one"), value("two"));
    let v = value("typed");
    let all: Vec<(Vec<&str>, &str, Shows)> = vec![
        (vec!["set", "prod/db"], &v, Nothing),
        (vec!["set", "prod/db", "--stdin", "password", "--tag", "web"], &v, Nothing),
        (vec!["set", "prod/key", "--file", &from_file], "", Nothing),
        (vec!["set", "prod/made", "--generate", "value"], "", Nothing),
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
        watched(&alice, args, input.as_bytes(), shows);
    }
    eprintln!("{} commands watched", all.len());
}

#[test]
fn no_command_of_a_team_writes_a_value_to_disk_and_neither_does_git_through_us() {
    use Shows::{Nothing, Values};
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.team("alice");
    crate::team::admit(&world, &alice, "bob", covault::model::roster::Role::Writer);
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
    for (program, args, shows) in [
        ("git", ["merge", "-q", "--no-edit", "merged"].as_slice(), Nothing),
        ("git", &["diff", "HEAD~1"], Values),
        ("git", &["show"], Values),
        ("git", &["log", "-p", "-3"], Values),
        ("git", &["cherry-pick", "rebased"], Nothing),
    ] {
        watched_program(program, &alice, args, b"", &shows);
    }
    let typed = value("typed");
    for (args, shows) in [
        (["resolve", "prod/db", "--newest"].as_slice(), Nothing),
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
        (&["sync"], Nothing),
        (&["run", "--from", "prod", "--files", "--", "true"], Nothing),
    ] {
        watched(&alice, args, typed.as_bytes(), &shows);
    }
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
    watched(&alice, &["set", "prod/db"], value("signed").as_bytes(), &Shows::Nothing);
    assert!(alice.git(["cat-file", "commit", "HEAD"]).ok().text().contains("gpgsig"));
    alice.git(["config", "covault.commit", "git"]).ok();
    watched(&alice, &["set", "prod/db"], value("hooked").as_bytes(), &Shows::Nothing);
    assert!(alice.repo.join("hook-was-here").exists());
    alice.vars.push(("COVAULT_IDENTITY".into(), key));
    watched(&alice, &["get", "prod/db"], b"", &Shows::Values);
    watched(&alice, &["run", "--from", "prod", "--", "printenv", "DB"], b"", &Shows::Values);
    watched(&alice, &["log", "prod/db"], b"", &Shows::Nothing);
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
