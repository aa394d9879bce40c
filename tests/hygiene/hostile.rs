//! A hostile repository: nothing tracked runs a command, is followed out of the tree, or keeps a command waiting.

use std::path::Path;

use crate::faults::rig::value;
use crate::world::{Person, Said, World};

const COMMANDS: &[&[&str]] = &[
    &["ls"],
    &["ls", "--json"],
    &["status"],
    &["doctor"],
    &["get", "prod/db"],
    &["show", "prod/db"],
    &["log"],
    &["log", "prod/db"],
    &["run", "--from", "prod", "--", "true"],
    &["run", "--", "true"],
    &["export", "--from", "prod"],
    &["diff"],
    &["set", "prod/new"],
    &["restore", "prod/db"],
    &["rm", "prod/new"],
    &["doctor", "--fix"],
];

/// Runs a command that must end soon, and judges that it wrote nothing which a terminal would obey.
fn soon(person: &Person, args: &[&str]) -> Said {
    let words = ["-k", "1", "20", env!("CARGO_BIN_EXE_covault")].into_iter().chain(args.iter().copied());
    let said = person.fed("timeout", b"typed", words);
    let at = format!("covault {}: {}", args.join(" "), said.err);
    assert!(said.code != 124 && said.code != 137, "it hangs: {at}");
    assert!(!said.err.contains("panicked"), "{at}");
    for text in [said.text(), said.err.clone()] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{at}: {text:?}");
        assert!(!text.contains("FromOutside"), "{at}: {text}");
    }
    said
}

#[test]
fn nothing_tracked_runs_a_command() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", &value("a"));
    let marker = world.path().join("marker");
    let touch = format!("touch '{}'; cat", marker.display());
    let write = |path: &str, text: &str| {
        let path = alice.repo.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    // (On the person's other files their filters run as ever.)
    let evil = "*.age filter=evil diff=evil merge=evil text=auto eol=crlf ident working-tree-encoding=UTF-16\n\
                roster.toml filter=evil diff=evil merge=evil text=auto eol=crlf ident\n";
    for place in [
        ".gitattributes",
        ".covault/.gitattributes",
        ".covault/secrets/.gitattributes",
        ".covault/secrets/prod/.gitattributes",
    ] {
        write(place, evil);
    }
    let config = format!(
        "[core]\n\thooksPath = hooks\n\tfsmonitor = {touch}\n\tpager = {touch}\n\tsshCommand = {touch}\n[diff \"evil\"]\n\ttextconv = {touch}\n\
         [filter \"evil\"]\n\tclean = {touch}\n\tsmudge = {touch}\n[covault]\n\tcommit = git\n"
    );
    for place in [".gitconfig", ".covault/config", ".covault/.gitconfig", "config"] {
        write(place, &config);
    }
    for hook in ["pre-commit", "post-commit", "reference-transaction", "post-index-change"] {
        write(&format!("hooks/{hook}"), &format!("#!/bin/sh\n{touch}\n"));
        write(&format!(".covault/hooks/{hook}"), &format!("#!/bin/sh\n{touch}\n"));
    }
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-q", "-m", "hostile"]).ok();
    // A filter and drivers of these names that the person has for other files: still not ours.
    alice.git(["config", "filter.evil.clean", &touch]).ok();
    alice.git(["config", "filter.evil.smudge", &touch]).ok();
    alice.git(["config", "diff.evil.textconv", &touch]).ok();
    alice.git(["config", "merge.evil.driver", &touch]).ok();
    let _ = std::fs::remove_file(&marker);
    alice.set("prod/db", &value("b"));
    assert!(!marker.exists(), "covault set ran a command");
    for args in COMMANDS {
        soon(&alice, args);
        assert!(!marker.exists(), "covault {} ran a command", args.join(" "));
    }
    // What is committed are the bytes on disk, whatever the attributes say.
    let blob = alice.git(["cat-file", "blob", "HEAD:.covault/secrets/prod/db.age"]).ok();
    assert_eq!(blob.out, std::fs::read(alice.file("prod/db")).unwrap());
    assert_eq!(alice.get("prod/db"), value("a"), "restored");
}

#[test]
fn links_fifos_folders_and_giants_in_place_of_secrets_are_not_followed_opened_or_waited_for() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", &value("a"));
    let sealed = std::fs::read(alice.file("prod/db")).unwrap();
    let outside = world.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("db.age"), &sealed).unwrap();
    std::fs::write(outside.join("secret"), "FromOutside").unwrap();
    let secrets = alice.repo.join(".covault/secrets");
    let link = |to: &Path, at: &str| std::os::unix::fs::symlink(to, secrets.join(at)).unwrap();
    link(&outside.join("secret"), "prod/link.age");
    link(&outside, "linked");
    link(Path::new("/proc/self/environ"), "prod/environ.age");
    link(Path::new("loop.age"), "prod/loop.age");
    let fifo = std::process::Command::new("mkfifo").arg(secrets.join("prod/fifo.age")).status().unwrap();
    assert!(fifo.success());
    std::fs::create_dir(secrets.join("prod/folder.age")).unwrap();
    std::fs::File::create(secrets.join("prod/giant.age")).unwrap().set_len(8 << 30).unwrap();
    std::fs::write(secrets.join("prod/empty.age"), "").unwrap();
    for name in
        ["prod/\u{1b}]0;owned\u{7}.age", "prod/a\nb.age", "prod/\u{202e}cod.age", "prod/UPPER.age", "prod/..age"]
    {
        std::fs::write(secrets.join(name), &sealed).unwrap();
    }
    let deep = secrets.join("d/".repeat(60));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("x.age"), &sealed).unwrap();
    let env = alice.repo.join(".covault/env");
    std::fs::create_dir_all(&env).unwrap();
    std::fs::write(env.join("default.env"), "LD_PRELOAD=covault://prod/db\n\u{1b}[31m=x\n").unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), env.join("link.env")).unwrap();
    for args in COMMANDS.iter().take(12) {
        soon(&alice, args);
    }
    for name in ["link", "environ", "loop", "fifo", "folder", "giant", "empty"] {
        let name = format!("prod/{name}");
        let said = soon(&alice, &["get", &name]);
        assert!([1, 3, 6].contains(&said.code), "{name}: {}: {}", said.code, said.err);
        let said = soon(&alice, &["set", &name]);
        assert!(said.code != 0 && said.err.contains(&name), "{name}: {}", said.err);
    }
    assert_ne!(soon(&alice, &["get", "linked/db"]).code, 0);
    assert_ne!(soon(&alice, &["set", "linked/new"]).code, 0);
    assert_ne!(soon(&alice, &["run", "-e", "link", "--", "true"]).code, 0);
    assert_ne!(soon(&alice, &["run", "--", "true"]).code, 0, "a loader variable");
    assert_eq!(alice.get("prod/db"), value("a"));
    alice.set("prod/fine", "still");
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "FromOutside");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 2);
}

#[test]
fn a_vault_folder_or_a_roster_that_is_a_link_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", &value("a"));
    for place in [".covault/roster.toml", ".covault/secrets", ".covault"] {
        let here = alice.repo.join(place);
        let there = world.path().join("moved away");
        std::fs::rename(&here, &there).unwrap();
        std::os::unix::fs::symlink(&there, &here).unwrap();
        for args in [["get", "prod/db"], ["set", "prod/db"]] {
            let said = soon(&alice, &args);
            assert_ne!(said.code, 0, "{place}: {}", said.text());
        }
        std::fs::remove_file(&here).unwrap();
        std::fs::rename(&there, &here).unwrap();
    }
    assert_eq!(alice.get("prod/db"), value("a"));
}
