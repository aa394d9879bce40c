//! What every command promises alike: dry runs, staging, JSON, quiet, -C, stdout and stderr, nobody to ask.

use super::{all_of, head, json, on_terminal, same};
use crate::world::{Person, World, said};

/// Every writing command, each as it could be run in [`stocked`].
const WRITING: &[&[&str]] = &[
    &["set", "new/name"],
    &["set", "a", "user=y", "--tag", "t"],
    &["set", "a", "--generate", "value"],
    &["rm", "a"],
    &["mv", "a", "z"],
    &["restore", "a"],
    &["restore", "gone"],
    &["restore", "--commit", "HEAD~1"],
    &["import", ".env"],
    &["import", "-", "--format", "dotenv"],
    &["edit", "a"],
    &["grant", "prod", "alice", "--yes"],
    &["group", "set", "dev", "alice", "--yes"],
    &["rotate", "a/value", "--stdin"],
    &["rekey", "a"],
];

fn stocked(world: &World) -> Person {
    let mut alice = world.founder("alice");
    alice.set("gone", "x");
    alice.set("a", "1");
    alice.set("a", "2");
    alice.covault(["rm", "gone"]).ok();
    std::fs::write(alice.repo.join(".env"), "A=1\nB=2\n").unwrap();
    if let Some(memory) = &world.memory {
        alice.vars.push(("XDG_RUNTIME_DIR".to_owned(), memory.path().display().to_string()));
    }
    let editor = world.path().join("editor.sh");
    std::fs::write(&editor, "#!/bin/sh\nsed -i 's/value = .*/value = \"edited\"/' \"$1\"\n").unwrap();
    alice.command("chmod").arg("+x").arg(&editor).status().unwrap();
    alice.vars.push(("EDITOR".to_owned(), format!("'{}'", editor.display())));
    alice
}

const INPUT: &[u8] = b"NEW=1\n";

#[test]
fn a_dry_run_changes_nothing_at_all() {
    let world = World::new();
    let alice = stocked(&world);
    let before = all_of(&alice);
    for args in WRITING {
        let said = alice.covault_fed(INPUT, [*args, &["--dry-run"]].concat()).ok();
        assert!(said.err.contains("would ") && said.out.is_empty(), "{args:?}: {}", said.err);
        same(&before, &all_of(&alice));
        let said = json(&alice.covault_fed(INPUT, [*args, &["--dry-run", "--json"]].concat()).ok());
        assert!(
            said["dry_run"] == true && said["commit"].is_null() && !said["files"].as_array().unwrap().is_empty(),
            "{said}"
        );
        same(&before, &all_of(&alice));
    }
    // A dry run in a clone that is not set up does not set it up.
    alice.covault(["setup", "--undo"]).ok();
    let before = all_of(&alice);
    alice.covault_fed(b"v", ["set", "b", "--dry-run"]).ok();
    same(&before, &all_of(&alice));
}

#[test]
fn a_dry_run_of_init_makes_no_keys_and_no_folder() {
    let world = World::new();
    let bob = world.person("bob");
    let before = all_of(&bob);
    let outside = world.path().join("elsewhere/vault");
    for args in [
        &["init", "--name", "bob", "--dry-run"][..],
        &["init", "--name", "bob", "--dry-run", "--json", "--recovery", "--here"],
        &["init", "--name", "bob", "--dry-run", "--standalone", outside.to_str().unwrap()],
    ] {
        bob.covault(args).ok();
        same(&before, &all_of(&bob));
    }
    assert!(!world.path().join("elsewhere").exists());
    // A folder that is there and no repository, outside of one and in one.
    for folder in [&outside, &bob.repo.join("vault")] {
        std::fs::create_dir_all(folder).unwrap();
        let said = bob.covault(["init", "--name", "bob", "--dry-run", "--standalone", folder.to_str().unwrap()]).ok();
        assert!(said.err.contains("would make a repository in "), "{}", said.err);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }
    bob.covault(["init", "--name", "bob", "--standalone", outside.to_str().unwrap()]).ok();
    assert!(outside.join(".covault/roster.toml").exists());
    assert!(!bob.repo.join(".covault").exists());
}

#[test]
fn no_commit_stages_and_leaves_the_branch_where_it_was() {
    let world = World::new();
    for args in WRITING {
        let alice = stocked(&world);
        let (at, index) = (head(&alice), std::fs::read(alice.repo.join(".git/index")).unwrap());
        let said = json(&alice.covault_fed(INPUT, [*args, &["--no-commit", "--json"]].concat()).ok());
        assert!(said["commit"].is_null() && said["staged"].is_string(), "{args:?}: {said}");
        assert_eq!(head(&alice), at);
        assert_ne!(std::fs::read(alice.repo.join(".git/index")).unwrap(), index);
        assert_eq!(alice.git(["diff", "--name-only"]).ok().text(), "", "what is on disk is what is staged");
        for file in said["files"].as_array().unwrap() {
            let staged = alice.git(["diff", "--cached", "--name-only", "--", file.as_str().unwrap()]).ok().text();
            assert!(!staged.is_empty(), "{args:?}: {file}");
        }
        std::fs::remove_dir_all(&alice.repo).unwrap();
        std::fs::remove_dir_all(&alice.home).unwrap();
    }
}

#[test]
fn covault_commit_chooses_between_staging_hooks_and_neither() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let alice = world.founder("alice");
    let hook = alice.repo.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho ran >> \"$(git rev-parse --git-dir)/hook-ran\"\ntest ! -e refuse\n")
        .unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = || alice.repo.join(".git/hook-ran").exists();
    alice.set("a", "1");
    assert!(!ran());
    alice.git(["config", "covault.commit", "stage"]).ok();
    let at = head(&alice);
    let said = alice.covault_fed(b"2", ["set", "a"]).ok();
    assert!(said.err.contains("staged, not committed") && head(&alice) == at && !ran(), "{}", said.err);
    alice.git(["config", "covault.commit", "git"]).ok();
    std::fs::write(alice.repo.join("mine"), "staged work").unwrap();
    alice.git(["add", "mine"]).ok();
    let said = alice.covault_fed(b"3", ["set", "a"]).ok();
    assert!(ran() && head(&alice) != at && said.out.is_empty(), "{}", said.err);
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "A  mine\n");
    std::fs::write(alice.repo.join("refuse"), "").unwrap();
    let at = head(&alice);
    let said = alice.covault_fed(b"4", ["set", "a"]).exits(1);
    assert!(
        said.err.contains("a hook refused") && said.err.contains("hint: git commit") && head(&alice) == at,
        "{}",
        said.err
    );
    assert_eq!(alice.get("a"), "4");
}

#[test]
fn quiet_says_nothing_and_stdout_is_data_only() {
    let world = World::new();
    let alice = stocked(&world);
    for args in WRITING {
        // What nobody reads is warned of.
        let input: &[u8] = if matches!(args, ["set", _, _, ..]) { b"" } else { INPUT };
        let said = alice.covault_fed(input, [*args, &["--dry-run", "--quiet"]].concat()).ok();
        assert_eq!((said.out.as_slice(), said.err.as_str()), (&b""[..], ""), "{args:?}");
    }
    for args in [
        &["get", "a"][..],
        &["show", "a"],
        &["ls"],
        &["log"],
        &["log", "a"],
        &["diff", "HEAD~1"],
        &["status"],
        &["doctor"],
        &["whoami"],
        &["who"],
        &["who", "a"],
        &["who", "--can", "alice"],
        &["grant"],
        &["export", "--from", ""],
        &["setup"],
    ] {
        let said = alice.covault([args, &["-q"]].concat()).ok();
        assert_eq!(said.err, "", "{args:?}");
        assert_eq!(said.out.is_empty(), args == ["setup"], "{args:?}");
        let said = alice.covault([args, &["--json"]].concat()).ok();
        json(&said);
        assert_eq!(said.err, "", "{args:?}");
    }
    // An empty list is said on stderr.
    let said = alice.covault(["expose", "-q"]).ok();
    assert_eq!((said.out.as_slice(), said.err.as_str()), (&b""[..], ""));
    let said = alice.covault(["expose", "--json"]).ok();
    assert!(json(&said)["exposed"].is_array() && said.err.is_empty(), "{}", said.err);
    let said = alice.covault_fed(b"9", ["set", "a", "-q"]).ok();
    assert_eq!((said.out.as_slice(), said.err.as_str()), (&b""[..], ""));
    let said = alice.covault_fed(b"8", ["set", "a"]).ok();
    assert!(said.out.is_empty() && said.err.starts_with("set a (commit "), "{}", said.err);
    let undone = alice.covault(["setup", "--undo", "--json"]).ok();
    assert_eq!(json(&undone)["changed"], true);
}

#[test]
fn another_folder_is_as_good_as_standing_in_it() {
    let world = World::new();
    let alice = stocked(&world);
    let sub = alice.repo.join("ein Ordner/ünder");
    std::fs::create_dir_all(&sub).unwrap();
    let mut away = alice.command(env!("CARGO_BIN_EXE_covault"));
    let said = away.current_dir(&alice.home).args(["-C", sub.to_str().unwrap(), "get", "a"]).output().unwrap();
    assert_eq!(said.stdout, b"2");
    let mut inside = alice.command(env!("CARGO_BIN_EXE_covault"));
    let said = inside.current_dir(&sub).args(["get", "a"]).output().unwrap();
    assert_eq!(said.stdout, b"2");
    alice.covault_fed(b"3", ["-C", sub.to_str().unwrap(), "set", "a"]).ok();
    assert_eq!(alice.get("a"), "3");
    let said = alice.covault(["-C", "nowhere", "ls"]).exits(3);
    assert!(said.err.contains("nowhere"), "{}", said.err);
    let said = alice.covault(["-C", alice.home.to_str().unwrap(), "ls"]).exits(3);
    assert!(said.err.contains("no git repository") && said.err.contains("hint: git init"), "{}", said.err);
    let bob = world.person("bob");
    let said = bob.covault(["ls"]).exits(3);
    assert_eq!(
        said.err,
        "error: there is no vault here: no .covault folder in this repository\nhint: start one with: covault init\n"
    );
}

#[test]
fn nobody_is_asked_without_a_terminal_and_the_flag_is_named() {
    let world = World::new();
    let mut alice = stocked(&world);
    for (args, flag) in [
        (&["set", "a", "--prompt", "value"][..], "--stdin value"),
        (&["init", "--passphrase", "--name", "x", "--here"], "--no-passphrase"),
    ] {
        let person = if args[0] == "init" { world.person("carol") } else { world.stranger("nobody") };
        let who = if args[0] == "init" { &person } else { &alice };
        let said = who.covault(args).exits(7);
        assert!(said.err.contains("\nhint: ") && said.err.contains(flag), "{}", said.err);
    }
    // On a terminal with COVAULT_NO_INPUT, too.
    alice.vars.push(("COVAULT_NO_INPUT".to_owned(), "1".to_owned()));
    let said = on_terminal(&alice, &[], &["set", "a"]).exits(7);
    assert!(said.text().contains("--stdin"), "{}", said.text());
    alice.vars.pop();
    let said = on_terminal(&alice, &["typed value", "typed value"], &["set", "a"]).ok();
    assert!(!said.text().contains("typed value"), "{}", said.text());
    assert_eq!(alice.get("a"), "typed value");
    let said = on_terminal(&alice, &["one", "two", "three", "three"], &["set", "a"]).ok();
    assert!(said.text().contains("they differ"), "{}", said.text());
    assert_eq!(alice.get("a"), "three");
    let dave = world.person("dave");
    let said = dave.covault(["init", "--vault-name", "x"]).exits(2);
    assert!(said.err.contains("hint: covault init --name"), "{}", said.err);
    same(&all_of(&dave), &all_of(&dave));
    assert!(!dave.home.join(".config").exists());
}

#[test]
fn wrong_words_are_usage_and_say_what_was_meant() {
    let world = World::new();
    let alice = world.founder("alice");
    for args in [
        &["sett", "a"][..],
        &["get"],
        &["get", "a", "--nothing"],
        &["ls", "--flat", "--tree"],
        &["restore", "a", "--commit", "x"],
        &["export", "--format", "xml"],
        &["completions", "tcsh"],
    ] {
        let said = alice.covault(args).exits(2);
        assert!(said.err.starts_with("error: ") && said.out.is_empty(), "{args:?}: {}", said.err);
    }
    assert!(alice.covault(["sett", "a"]).err.contains("'set'"));
    assert!(alice.covault(["--help"]).ok().text().contains("Exit codes"));
    assert!(alice.covault(["--version"]).ok().text().starts_with("covault 0."));
    assert!(alice.covault(["set", "--version"]).ok().text().contains("0."));
}

#[test]
fn words_that_make_no_sense_are_refused_in_json_where_that_is_asked_for() {
    let world = World::new();
    let alice = world.stranger("alice");
    for (args, error, hint) in [
        (&["--json", "run", "ls"][..], "unexpected argument 'ls' found", "usage: covault run"),
        (&["--json", "set"], "the following required arguments were not provided: <NAME>", "usage: covault set"),
        (&["ls", "--kind", "--json"], "a value is required for '--kind <KIND>'", "--help"),
        (&["sett", "--json"], "unrecognized subcommand 'sett'", "'set'"),
        (&["get", "a", "b\u{1b}[31m", "--json"], "unexpected argument 'b", "usage: covault get"),
        (&["member", "--json"], "subcommand", "usage: covault member"),
        (&["--json", "export", "--format", "xml"], "[possible values: dotenv, shell,", "'toml'"),
        (&["--json", "member"], "missing", "usage: covault member"),
        (&["--json", "rotate"], "", "usage: covault rotate"),
        (&["--json"], "", "usage: covault"),
    ] {
        let said = alice.covault(args).exits(2);
        let read: serde_json::Value = serde_json::from_str(&said.err).unwrap_or_else(|e| panic!("{e}: {}", said.err));
        assert_eq!((&read["code"], said.out.len()), (&2.into(), 0), "{args:?}: {}", said.err);
        for (member, says) in [("error", error), ("hint", hint)] {
            let text = read[member].as_str().unwrap_or_else(|| panic!("{args:?}: {}", said.err));
            assert!(!text.is_empty() && !text.contains('\n') && !text.starts_with("error"), "{args:?}: {}", said.err);
            assert!(text.contains(says), "{args:?}: {says:?} is not in {}", said.err);
        }
    }
    // What another program is asked for is no word of ours, and help is no refusal.
    let said = alice.covault(["run", "--nothing", "--", "env", "--json"]).exits(2);
    assert!(said.err.starts_with("error: unexpected argument '--nothing'"), "{}", said.err);
    assert!(alice.covault(["--json", "--help"]).ok().text().contains("Exit codes"));
}

#[test]
fn a_reader_who_goes_away_and_a_full_disk_are_no_panic() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(&vec![b'x'; 1 << 20], ["set", "big"]).ok();
    let line = format!("'{}' get big | head -c 1; true", env!("CARGO_BIN_EXE_covault"));
    let said = alice.fed("sh", b"", ["-c", &line]).ok();
    assert_eq!((said.text().as_str(), said.err.as_str()), ("x", ""));
    let line = format!("'{}' get big > /dev/full", env!("CARGO_BIN_EXE_covault"));
    let said = alice.fed("sh", b"", ["-c", &line]).exits(1);
    assert!(said.err.starts_with("error: cannot write to stdout"), "{}", said.err);
    for line in ["ls <&- >&-", "get big >/dev/null 2>&-", "set big <&-", "show big 2>/dev/full"] {
        let said = alice.fed("sh", b"", ["-c", &format!("'{}' {line}", env!("CARGO_BIN_EXE_covault"))]);
        assert!(!said.err.contains("panicked") && said.code < 100, "{line}: {} {}", said.code, said.err);
    }
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("f/a", "1");
    let no_folder = alice.repo.join("README/below").display().to_string();
    alice.vars.push(("GITHUB_ENV".to_owned(), no_folder.clone()));
    for (args, what) in [
        (&["set", "a/b"][..], "read stdin"),
        (&["rotate", "f/a", "--stdin"], "read stdin"),
        (&["import", "-", "--format", "json"], "read stdin"),
        (&["export", "--from", "f", "--format", "github"], &format!("write to GITHUB_ENV ({no_folder})")),
        (&["man", &no_folder], &format!("write to {no_folder}")),
    ] {
        let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
        let said = said(command.args(args).stdin(std::fs::File::open("/").unwrap()).output().unwrap());
        assert!(said.code != 0 && said.err.contains(&format!("error: cannot {what}: ")), "{args:?}: {}", said.err);
    }
}

#[test]
fn edit_changes_what_was_changed_on_the_sheet_and_nothing_else() {
    let world = World::new();
    let mut alice = stocked(&world);
    alice.covault(["set", "a", "user=app", "--tag", "t"]).ok();
    alice.covault(["edit", "a"]).ok();
    assert_eq!((alice.get("a"), alice.get("a/user")), ("edited".to_owned(), "app".to_owned()));
    let at = head(&alice);
    alice.vars.retain(|(name, _)| name != "EDITOR");
    alice.vars.push(("EDITOR".to_owned(), "true".to_owned()));
    assert!(alice.covault(["edit", "a"]).ok().err.contains("nothing to change") && head(&alice) == at);
    alice.covault(["edit", "gone"]).ok();
    alice.covault(["get", "gone"]).exits(3);
    alice.covault(["edit", "brand/new"]).ok();
    assert!(!alice.file("brand/new").exists(), "a sheet that was left alone makes nothing");
    assert_eq!(head(&alice), at);
    alice.vars.retain(|(name, _)| name != "EDITOR");
    for (editor, code) in
        [("false", 1), ("no-such-editor", 3), ("sh -c 'echo not toml > \"$0\"'", 2), ("sh -c ': > \"$0\"'", 0)]
    {
        alice.vars.push(("EDITOR".to_owned(), editor.to_owned()));
        let said = alice.covault(["edit", "a"]).exits(code);
        assert!(!said.err.contains("edited"), "{}", said.err);
        assert_eq!((alice.get("a"), head(&alice)), ("edited".to_owned(), at.clone()));
        alice.vars.pop();
    }
    let left = world.memory.iter().flat_map(|memory| std::fs::read_dir(memory.path()).unwrap());
    assert_eq!(left.count(), 0, "nothing stays behind");
}
