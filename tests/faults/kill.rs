//! Killed at every call that changes something: covault with its git, and git alone.
//!
//! Short: a spread sample of about 70 calls. Long: every call of every command:
//! `COVAULT_LONG=1 cargo test --test covault faults::kill -- --nocapture`

use covault::model::roster::Role;

use super::rig::{Act, acts, check_values, copy, each, leftovers, open, points, read, spread, template, traced, value};
use crate::team::admit;
use crate::verifier::second_opinion;
use crate::world::{Person, have};

const SHORT: usize = 10;

fn killed_everywhere(what: &str) {
    if !have("strace") {
        return;
    }
    let (_world, alice) = template();
    let act = acts().into_iter().find(|(name, _)| *name == what).unwrap().1;
    killed_at_each_call(what, &alice, &act, &|_, _| ());
}

/// The same for any act of any machine; `afterwards` looks at it once the act was repeated.
fn killed_at_each_call(what: &str, alice: &Person, act: &Act, afterwards: &dyn Fn(&Person, &str)) {
    let all = points(alice, act);
    let chosen = spread(&all, SHORT);
    let (mut killed, mut locks) = (0, 0);
    each(&chosen, |(call, n)| {
        let at = format!("{what}, killed at {call} number {n}");
        let (_world, person) = copy(alice);
        let options = [format!("--trace={call}"), format!("--inject={call}:signal=KILL:when={n}")];
        let (said, _) = traced(&person, &options, act.args, &act.input);
        killed += usize::from(said.code != 0);
        check_values(&person, act, &at);
        locks += usize::from(next_command_works(&person, &at));
        check_values(&person, act, &at);
        repeating_ends_in_the_new_state(&person, act, &at);
        afterwards(&person, &at);
        yesterday(&person);
        person.covault(["doctor", "--fix"]).ok();
        assert_eq!(leftovers(&person), Vec::<std::path::PathBuf>::new(), "{at}");
    });
    eprintln!("{what}: {} of {} points, {killed} disturbed, {locks} left a lock of git's", chosen.len(), all.len());
    assert!(killed * 2 > chosen.len(), "{killed} of {} were disturbed", chosen.len());
}

/// The same where only git is killed, in the midst of what it does for covault.
fn git_killed_everywhere() {
    use std::os::unix::fs::PermissionsExt as _;
    if !have("strace") {
        return;
    }
    let search = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&search).map(|dir| dir.join("git")).find(|path| path.is_file()).unwrap();
    let (_world, alice) = template();
    let act = acts().into_iter().find(|(name, _)| *name == "set").unwrap().1;
    let mut all = Vec::new();
    for subcommand in ["update-index", "update-ref", "add"] {
        for call in ["write", "rename", "unlink", "openat", "mkdir", "fsync", "close"] {
            all.extend(
                (1..=4).map(|n| (subcommand, call, n * if call == "openat" || call == "close" { 3 } else { 1 })),
            );
        }
    }
    let chosen = spread(&all, SHORT);
    let (mut killed, mut locks) = (0, 0);
    each(&chosen, |(subcommand, call, n)| {
        let at = format!("git {subcommand} killed at {call} number {n}");
        let (world, mut person) = copy(&alice);
        let bin = world.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *' {subcommand} '*) exec strace -qq -o /dev/null --inject={call}:signal=KILL:when={n} \
             {real} \"$@\" ;; esac\nexec {real} \"$@\"\n",
            real = real.display()
        );
        std::fs::write(bin.join("git"), script).unwrap();
        std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&search)));
        person.vars.push(("PATH".to_owned(), path.unwrap().into_string().unwrap()));
        let said = person.covault_fed(act.input.as_bytes(), act.args);
        killed += usize::from(said.code != 0);
        assert!(said.code == 0 || said.err.contains("error: "), "{at}: {}", said.err);
        person.vars.clear();
        check_values(&person, &act, &at);
        locks += usize::from(next_command_works(&person, &at));
        repeating_ends_in_the_new_state(&person, &act, &at);
    });
    eprintln!("git: {} of {} points, {killed} disturbed, {locks} left a lock", chosen.len(), all.len());
}

/// Another secret can be written at once, or an error names the lock that a killed git left, and how to take it away.
fn next_command_works(person: &Person, at: &str) -> bool {
    let set = || person.covault_fed(value("next").as_bytes(), ["set", "next/one"]);
    let mut said = set();
    let had_lock = said.code != 0;
    // A branch and HEAD have a lock each.
    for _ in 0..2 {
        if said.code == 0 {
            break;
        }
        let lock = said.err.split_once("hint: if no other git is running: rm ").unwrap_or_else(|| {
            panic!("{at}: {}", said.err);
        });
        let word = shlex::split(lock.1.lines().next().unwrap()).unwrap().remove(0);
        assert!(word.ends_with(".lock"), "{at}: {}", said.err);
        std::fs::remove_file(word).unwrap_or_else(|error| panic!("{at}: {error}: {}", said.err));
        said = set();
    }
    said.ok();
    assert_eq!(read(&open(person).unwrap(), "next/one").unwrap(), Some(value("next")), "{at}");
    had_lock
}

/// Who repeats what was killed ends where it would have ended, with nothing uncommitted.
fn repeating_ends_in_the_new_state(person: &Person, act: &Act, at: &str) {
    let said = person.covault_fed(act.input.as_bytes(), act.args);
    // Done already, and committed.
    let gone = ["was deleted", "was moved"].iter().any(|text| said.err.contains(text));
    assert!(said.code == 0 || gone, "{at}: {}", said.err);
    check_values(person, act, at);
    if act.args.first() != Some(&"restore") {
        let vault = open(person).unwrap();
        for (name, allowed) in &act.allowed {
            assert_eq!(read(&vault, name).unwrap(), allowed[1], "{at}: {name}");
        }
        assert_eq!(person.git(["status", "--porcelain", ".covault"]).ok().text(), "", "{at}");
    }
}

/// Objects half written may be another program's; those of yesterday are nobody's.
fn yesterday(person: &Person) {
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    for file in leftovers(person) {
        std::fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn a_git_killed_anywhere_is_reported_and_its_lock_is_named() {
    git_killed_everywhere();
}

#[test]
fn a_new_secret_killed_anywhere_is_there_or_not() {
    killed_everywhere("set a new secret");
}

#[test]
fn a_change_killed_anywhere_is_old_or_new() {
    killed_everywhere("set");
}

#[test]
fn a_removal_killed_anywhere_is_old_or_new() {
    killed_everywhere("rm");
}

#[test]
fn a_move_killed_anywhere_loses_nothing() {
    killed_everywhere("mv");
}

#[test]
fn a_restore_killed_anywhere_is_old_or_new() {
    killed_everywhere("restore");
}

#[test]
fn a_departure_killed_anywhere_is_whole_when_it_is_repeated() {
    if !have("strace") || !have("age") {
        return;
    }
    let (world, alice) = template();
    admit(&world, &alice, "carol", Role::Writer);
    let same = |n: &str| vec![Some(value(n)), Some(value(n))];
    let act = Act {
        args: &["member", "remove", "carol", "--yes"],
        input: String::new(),
        allowed: vec![("prod/db", same("old")), ("prod/other", same("other"))],
    };
    killed_at_each_call("member remove", &alice, &act, &|person, at| {
        let identity = person.home.parent().unwrap().join("carol home/.config/covault/identity.txt");
        assert!(identity.is_file());
        for name in ["prod/db", "prod/other", "gone/away", "next/one"] {
            let opened = person.command("age").arg("-d").arg("-i").arg(&identity).arg(person.file(name)).output();
            assert!(!opened.unwrap().status.success(), "{at}: carol still opens {name}");
        }
        let opinion = second_opinion(&person.repo, &["--history"]);
        assert!(opinion.is_null() || opinion["verdict"] == "good", "{at}: {opinion:#}");
    });
}

#[test]
fn an_import_killed_anywhere_has_whole_values() {
    killed_everywhere("import");
}
