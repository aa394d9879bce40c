//! Killed at every call that changes something: covault with its git, and git alone.
//!
//! Short: one call of each command. Long: every call of every command:
//! `COVAULT_LONG=1 cargo test --test covault faults::kill -- --nocapture`. One of them again:
//! `COVAULT_ONLY=mv COVAULT_POINT="rename 3"`.

use super::campaign::{self, reported};
use super::rig::long;
use crate::world::have;

#[test]
fn every_command_killed_anywhere_is_old_or_new_and_the_next_one_works() {
    if !have("strace") {
        return;
    }
    let total = campaign::run(
        "kill",
        usize::MAX,
        |prepared, dice| {
            if let Ok(point) = std::env::var("COVAULT_POINT") {
                let (call, n) = point.split_once(' ').expect("COVAULT_POINT=\"rename 3\"");
                return vec![(call.to_owned(), n.parse().unwrap())];
            }
            let all = prepared.copy().points();
            println!("{}: {} calls that change something", prepared.command.name, all.len());
            if long() { all } else { dice.some(all, 1) }
        },
        |prepared, (call, n)| {
            let at = format!("{}, killed at {call} number {n}", prepared.command.name);
            let scene = prepared.copy();
            let said = scene.traced(&[format!("--trace={call}"), format!("--inject={call}:signal=KILL:when={n}")]);
            let torn = scene.mends_what_git_tore(&at);
            scene.old_or_new(&at);
            let advised = scene.next_works(&at);
            scene.ends_new(&at);
            scene.nothing_is_left(&at);
            match (said.code, advised) {
                (0, _) => "done all the same",
                _ if torn => "killed while git wrote a file",
                (_, true) => "killed and left a lock of git's",
                _ => "killed",
            }
        },
    );
    let count = |word| total.get(word).copied().unwrap_or_default();
    assert!(count("done all the same") * 2 <= count("tried"), "too few were disturbed: {total:?}");
}

/// What a shell does before git: this subcommand, after `first`, is killed at a call of its own.
fn killing(subcommand: &str, call: &str, n: usize, first: &str) -> String {
    let killed = format!("exec strace -qq -o /dev/null --inject={call}:signal=KILL:when={n} \"$git\" \"$@\"");
    format!("case \" $* \" in *' {subcommand} '*) {first}; {killed} ;; esac\n")
}

/// The same where only git is killed, in the midst of what it does for covault.
#[test]
fn a_git_killed_anywhere_is_reported_and_its_lock_is_named() {
    if !have("strace") {
        return;
    }
    let total = campaign::run_one(
        "kill git",
        "set change",
        |_, dice| {
            let mut all = Vec::new();
            for subcommand in ["update-index", "update-ref", "add"] {
                for call in ["write", "rename", "unlink", "openat", "mkdir", "fsync", "close"] {
                    let times = if call == "openat" || call == "close" { 3 } else { 1 };
                    all.extend((1..=4).map(|n| (subcommand, call, n * times)));
                }
            }
            // Most of these come too late to disturb anything. Killed where it would put its lock in the index's place, it leaves that.
            let with_a_lock = ("update-index", "rename", 1);
            if long() { all } else { dice.some(all, 7).into_iter().chain([with_a_lock]).collect() }
        },
        |prepared, (subcommand, call, n)| {
            let at = format!("git {subcommand} killed at {call} number {n}");
            let mut scene = prepared.copy();
            scene.alice_mut().puts_before_git(&killing(subcommand, call, *n, ":"));
            let said = scene.run();
            scene.says_so(&said, &at);
            scene.alice_mut().has_git_back();
            scene.old_or_new(&at);
            let advised = scene.next_works(&at);
            scene.ends_new(&at);
            reported(&said, advised)
        },
    );
    assert!(total.contains_key("reported, and a lock left"), "no git was disturbed: {total:?}");
}

/// A git that dies while it takes in a pack leaves no object of it, and each is written for itself.
#[test]
fn a_git_killed_while_it_takes_in_many_files_at_once_keeps_nothing_from_being_done() {
    if !have("strace") {
        return;
    }
    let total = campaign::run_one(
        "kill git index-pack",
        "import many",
        |_, dice| {
            let mut all: Vec<(&str, usize)> = Vec::new();
            for (call, most) in
                [("openat", 40), ("write", 12), ("pread64", 8), ("fsync", 4), ("link", 2), ("rename", 2)]
            {
                all.extend((1..=most).map(|n| (call, n)));
            }
            if long() { all } else { dice.some(all, 3) }
        },
        |prepared, (call, n)| {
            let at = format!("git index-pack killed at {call} number {n}");
            let mut scene = prepared.copy();
            let met = scene.alice().home.join("a pack came");
            let note = format!("echo > '{}'", met.display());
            scene.alice_mut().puts_before_git(&killing("index-pack", call, *n, &note));
            let said = scene.run();
            assert!(met.exists(), "{at}: there was no pack");
            scene.alice_mut().has_git_back();
            assert_eq!(said.code, 0, "{at}: {}", said.err);
            assert_eq!(scene.old_or_new(&at), prepared.after, "{at}");
            scene.ends_new(&at);
            "done all the same"
        },
    );
    assert_eq!(total.get("done all the same"), total.get("tried"));
}
