//! A system that says no: each call that changes something fails once, with each of the errors that systems have; and
//! one that writes less than it was given.
//!
//! Short: four of each of six commands. Long: 58 of each command: seven of each fault, and two that disturb it for certain:
//! `COVAULT_LONG=1 cargo test --test covault faults::errors -- --nocapture`

use super::campaign::{self, reported};
use super::rig::long;
use super::shim::Shim;
use crate::world::{Said, have};

const ERRORS: &[&str] = &["ENOSPC", "EIO", "EACCES", "EROFS", "EMFILE", "EDQUOT", "EINTR"];
/// How many writes to files a command has that may be cut short: more than the shortest command makes.
const WRITES: usize = 24;
const EACH: usize = 7;

/// What puts a file in its place.
const PLACING: &str = "rename,renameat,renameat2";

/// What fails, and which time.
enum Fault {
    Error(&'static str, String, usize),
    /// No file is put in its place, however often that is tried.
    NothingPlaced,
    ShortWrite(usize),
}

#[test]
fn every_command_that_the_system_refuses_anywhere_is_old_or_new_and_says_so() {
    if !(have("strace") && have("cc")) {
        return;
    }
    let shim = Shim::new();
    let total = campaign::run(
        "errors",
        6,
        |prepared, dice| {
            let points = prepared.copy().points();
            let mut all = Vec::new();
            for error in ERRORS {
                let chosen = dice.some(points.clone(), EACH);
                all.extend(chosen.into_iter().map(|(call, n)| Fault::Error(error, call, n)));
            }
            all.extend(dice.some((1..=WRITES).collect(), EACH).into_iter().map(Fault::ShortWrite));
            // Whatever the dice say, one is refused, and one has a write cut short.
            let others = if long() { all } else { dice.some(all, 2) };
            others.into_iter().chain([Fault::NothingPlaced, Fault::ShortWrite(1)]).collect()
        },
        |prepared, fault| {
            let name = prepared.command.name;
            let mut scene = prepared.copy();
            let (at, said) = match fault {
                Fault::Error(error, call, n) => {
                    let inject = format!("--inject={call}:error={error}:when={n}");
                    (
                        format!("{name}, {error} from {call} number {n}"),
                        scene.traced(&[format!("--trace={call}"), inject]),
                    )
                }
                Fault::NothingPlaced => {
                    let inject = format!("--inject={PLACING}:error=EIO:when=1+");
                    (
                        format!("{name}, where no file is put in its place"),
                        scene.traced(&[format!("--trace={PLACING}"), inject]),
                    )
                }
                Fault::ShortWrite(n) => {
                    let note = shim.cuts_short(&mut scene, *n);
                    let said = scene.run();
                    shim.is_gone(&mut scene);
                    assert!(*n > 1 || note.exists(), "{name}: no write was cut short");
                    (format!("{name}, write number {n} cut short"), said)
                }
            };
            if !is_unheard(&said, &at) {
                scene.says_so(&said, &at);
            }
            let now = scene.old_or_new(&at);
            if said.code == 0 {
                assert_eq!(now, prepared.after, "{at}: called done: {}", said.err);
            }
            let is_to_fail = matches!(fault, Fault::NothingPlaced);
            assert!(said.code != 0 || !is_to_fail, "{at}: nothing was refused: {}", said.err);
            assert!(said.code == 0 || !matches!(fault, Fault::ShortWrite(_)), "{at}: {}", said.err);
            let advised = scene.next_works(&at);
            scene.ends_new(&at);
            reported(&said, advised)
        },
    );
    let count = |word| total.get(word).copied().unwrap_or_default();
    assert!(count("reported") + count("reported, and a lock left") > 0, "nothing was refused: {total:?}");
}

/// To git, less input is less to do: what is not handed over to it is no change that it made.
#[test]
fn what_does_not_reach_git_is_not_called_done() {
    if !have("strace") {
        return;
    }
    // The first that a process writes: a thread that hands something over to git is one to strace.
    let refused = ["--trace=write", "--inject=write:error=EIO:when=1"].map(str::to_owned);
    campaign::run_one(
        "input",
        "unshare",
        |_, _| vec![()],
        |prepared, ()| {
            let scene = prepared.copy();
            let said = scene.traced(&refused);
            assert_ne!(said.code, 0, "{}", said.err);
            assert!(said.err.contains("\nhint: ") && said.err.contains("then repeat it"), "{}", said.err);
            scene.says_so(&said, "input");
            scene.old_or_new("input");
            let advised = scene.next_works("input");
            scene.ends_new("input");
            reported(&said, advised)
        },
    );
}

/// Whether what was refused is what the program had to say, or a wake-up between its own threads: such a write Linux refuses
/// with none of these errors, and the library that made it ends the program.
fn is_unheard(said: &Said, at: &str) -> bool {
    let is_mute = (1..=9).contains(&said.code) && said.err.is_empty();
    at.contains(" from write number ") && (is_mute || said.err.contains("failed to wake I/O driver"))
}
