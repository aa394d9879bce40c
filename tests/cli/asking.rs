//! Questions at a terminal: who ends one ends the script that asks, and finds the terminal as it was.

use super::{on_terminal, on_terminal_with};
use crate::world::{Person, Said, World};

/// What a terminal shows of a script that goes on after an error, where ^C is typed at each question, and whether the
/// terminal then shows what is typed and minds ^C.
fn interrupted(alice: &Person, script: &str) -> Said {
    let covault = env!("CARGO_BIN_EXE_covault");
    // Who looks at the terminal afterwards gets the same signal as all others there.
    let around = format!("trap : INT; sh -c '{script}'; echo ended with $?; stty -a");
    let args = ["-c", &around.replace("covault", covault)];
    on_terminal_with(alice, "/bin/sh", &["\x03"; 3], &args)
}

#[track_caller]
fn ends(said: &Said) {
    let text = said.text();
    assert!(!text.contains("deploy runs") && text.contains("ended with 130"), "{text}");
    for mode in ["isig", "icanon", "echo"] {
        assert!(text.split_whitespace().any(|word| word == mode), "{mode}: {text}");
    }
    assert_eq!(said.err, "1", "questions: {text}");
}

#[test]
fn who_types_ctrl_c_at_a_hidden_question_ends_the_script_and_sees_again_what_is_typed() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault(["set", "plain/a", "x=1"]).ok();
    ends(&interrupted(&alice, "for name in one two; do covault set prompt/$name || true; done; echo deploy runs"));
    alice.set("b", "1");
    ends(&interrupted(&alice, "covault rotate b --yes || true; echo deploy runs"));
    assert!(!alice.file("prompt/one").exists());
    // What is typed in full is taken, however long: a terminal's own lines end after 4,095 bytes.
    let long = "long".repeat(2_000);
    on_terminal(&alice, &[&long, &long], &["set", "b"]).ok();
    assert_eq!(alice.get("b"), long);
}

#[test]
fn a_passphrase_is_asked_for_wherever_stderr_goes() {
    let world = World::new();
    let alice = world.person("alice");
    let init = ["init", "--name", "alice", "--vault-name", "x", "--passphrase"];
    on_terminal(&alice, &["swordfish", "swordfish"], &init).ok();
    ends(&interrupted(&alice, "covault set a x=1 || true; echo deploy runs"));
    for (question, to) in [("set a x=1", "2>err"), ("get a/x", "2>err"), ("get a/x", ">out")] {
        let script = format!("{} {question} {to}", env!("CARGO_BIN_EXE_covault"));
        let said = on_terminal_with(&alice, "/bin/sh", &["swordfish"], &["-c", &script]).ok();
        assert!(said.err == "1" && said.text().contains("passphrase of "), "{question} {to}: {}", said.text());
    }
    // Nobody is at a terminal that none of the three leads to.
    let script = format!("{} get a/x </dev/null >out 2>err", env!("CARGO_BIN_EXE_covault"));
    on_terminal_with(&alice, "/bin/sh", &[], &["-c", &script]).exits(7);
}

#[test]
fn who_types_ctrl_c_at_a_question_ends_the_script() {
    let world = World::new();
    let alice = world.person("alice");
    ends(&interrupted(&alice, "covault init --vault-name x || true; echo deploy runs"));
    assert!(!alice.repo.join(".covault").exists());
}

#[test]
fn who_types_ctrl_c_when_asked_whether_to_edit_again_ends_the_script() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.covault(["set", "plain/a", "x=1"]).ok();
    // A sheet that is no TOML.
    alice.vars.push(("EDITOR".into(), "sh -c 'echo [ > \"$1\"' -".into()));
    let said = interrupted(&alice, "covault edit plain/a || true; echo deploy runs");
    ends(&said);
    // It is no answer to the question.
    assert!(!said.text().contains("error: "), "{}", said.text());
}
