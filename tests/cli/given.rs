//! `set`: what it asks for and reads beside what its arguments say, and what it warns of.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use super::{all_of, json, on_terminal, same};
use crate::world::{Person, World, have};

const NO_VALUE: &str = "warning: no value was given: ";
const NOBODY_READ: &str = "warning: there is something on stdin that nobody read";

/// The names of a secret's fields.
fn fields(person: &Person, name: &str) -> Vec<String> {
    let shown = json(&person.covault(["show", name, "--json"]).ok());
    shown["fields"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_new_secret_gets_the_value_that_a_pipe_has_whatever_else_is_said_of_it() {
    let world = World::new();
    let alice = world.founder("alice");
    for (name, more) in [
        ("a", &["user=app"][..]),
        ("b", &["--tag", "x"]),
        ("c", &["--expires", "30d"]),
        ("d", &["--description", "what it is for", "--kind", "note"]),
        ("e", &["user=app", "--unset", "old"]),
    ] {
        let said = alice.covault_fed(b"topsecret\n", [&["set", name], more].concat()).ok();
        assert!(!said.err.contains("warning"), "{name}: {}", said.err);
        assert!(said.err.contains("all of stdin is the value\n"), "{name}: {}", said.err);
        assert_eq!(alice.get(&format!("{name}/value")), "topsecret", "{name}");
    }
    assert_eq!(alice.get("a/user"), "app");
    std::fs::write(alice.repo.join("file"), "of a file").unwrap();
    alice.fed("sh", b"", ["-c", &format!("'{}' set f user=app <file", env!("CARGO_BIN_EXE_covault"))]).ok();
    assert_eq!(alice.get("f/value"), "of a file");
    // One that was deleted is new, too.
    alice.covault(["rm", "a"]).ok();
    alice.covault_fed(b"another", ["set", "a", "user=app"]).ok();
    assert_eq!(alice.get("a/value"), "another");
    // What only takes away makes nothing, and reads nothing.
    let before = all_of(&alice);
    alice.covault_fed(b"topsecret", ["set", "none", "--unset", "user"]).exits(3);
    alice.covault_fed(b"topsecret", ["set", "none", "--untag", "x"]).exits(3);
    same(&before, &all_of(&alice));
}

#[test]
fn a_script_without_a_value_goes_on_and_hears_that_there_is_none() {
    let world = World::new();
    let alice = world.founder("alice");
    let covault = env!("CARGO_BIN_EXE_covault");
    for (name, stdin) in [("a", "</dev/null"), ("b", "<&-"), ("c", "</dev/zero head -c 0 |")] {
        let line = match stdin.strip_suffix('|') {
            Some(before) => format!("{before} | '{covault}' set {name} user=app"),
            None => format!("'{covault}' set {name} user=app {stdin}"),
        };
        let said = alice.fed("sh", b"", ["-c", &line]).ok();
        let hint = format!("{NO_VALUE}{name} has no secret field; give it one with: covault set {name}\n");
        assert!(said.err.contains(&hint) && !said.err.contains("from stdin is empty"), "{line}: {}", said.err);
        assert_eq!(fields(&alice, name), ["user"]);
        // Said once: afterwards it is a secret like any other.
        let said = alice.fed("sh", b"", ["-c", &line.replace("=app", "=other")]).ok();
        assert!(!said.err.contains("warning"), "{line}: {}", said.err);
    }
    let said = alice.covault(["set", "d", "--generate", "password", "user=app"]).ok();
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[test]
fn a_pipe_that_nobody_reads_is_told_of() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "old");
    for args in [&["set", "a", "--tag", "x"][..], &["set", "b", "--generate", "value"], &["set", "a", "user=app"]] {
        let said = alice.covault_fed(b"topsecret", args).ok();
        let hint = format!("{NOBODY_READ}; keep it with: covault set {} --stdin FIELD\n", args[1]);
        assert!(said.err.contains(&hint), "{args:?}: {}", said.err);
    }
    assert_eq!(alice.get("a/value"), "old");
    // A shell that reads a list itself is in the middle of it.
    std::fs::write(alice.repo.join("list"), "one\ntwo\n").unwrap();
    let covault = env!("CARGO_BIN_EXE_covault");
    let loops = format!("while read tag; do '{covault}' set a --tag \"$tag\"; done <list");
    let said = alice.fed("sh", b"", ["-c", &loops]).ok();
    assert!(!said.err.contains("warning"), "{}", said.err);
    let shown = json(&alice.covault(["show", "a", "--json"]).ok());
    assert_eq!(shown["tags"], serde_json::json!(["one", "two", "x"]));
    let loops = format!("while read name; do '{covault}' set new/\"$name\" user=app; done <list");
    let said = alice.fed("sh", b"", ["-c", &loops]).ok();
    assert!(said.err.contains(&format!("{NO_VALUE}new/two ")), "{}", said.err);
    assert_eq!(fields(&alice, "new/one"), ["user"]);
}

#[test]
fn a_pipe_that_stays_open_is_waited_for_with_a_word() {
    let world = World::new();
    let alice = world.founder("alice");
    let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
    command.args(["set", "slow", "user=app"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    let mut its_words = BufReader::new(child.stderr.take().unwrap());
    its_words.read_line(&mut said).unwrap();
    assert!(said.starts_with("waiting for the value on stdin") && said.contains("</dev/null"), "{said}");
    child.stdin.take().unwrap().write_all(b"at last").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(alice.get("slow/value"), "at last");
}

#[test]
fn a_person_is_asked_for_the_value_of_a_new_secret_and_of_no_other() {
    if !have("python3") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    let said = on_terminal(&alice, &["typed", "typed"], &["set", "asked", "user=app"]).ok();
    assert_eq!(said.err, "2", "{}", said.text());
    assert_eq!(alice.get("asked/value"), "typed");
    for args in [&["set", "asked", "--tag", "x"][..], &["set", "made", "--generate", "value", "user=app"]] {
        assert_eq!(on_terminal(&alice, &[], args).ok().err, "0");
    }
    // Who has none says so with the return key.
    let said = on_terminal(&alice, &["", ""], &["set", "bare", "user=app"]).ok();
    assert!(said.text().contains(NO_VALUE), "{}", said.text());
    assert_eq!(fields(&alice, "bare"), ["user"]);
    // Nobody types what cannot be kept.
    for args in [&["set", "asked/below"][..], &["set", "asked/below", "user=app"]] {
        let said = on_terminal(&alice, &[], args).exits(2);
        assert!(said.err == "0" && said.text().contains("'asked' is a secret"), "{}", said.text());
    }
    let mut script = world.person("script");
    script.repo = alice.repo.clone();
    script.home = alice.home.clone();
    script.vars.push(("COVAULT_NO_INPUT".to_owned(), "1".to_owned()));
    let said = on_terminal(&script, &[], &["set", "unasked", "user=app"]).ok();
    assert!(said.err == "0" && said.text().contains(NO_VALUE), "{}", said.text());
}

#[test]
fn nothing_is_called_what_it_was_nothing_typed_or_nothing_on_stdin() {
    if !have("python3") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    let before = all_of(&alice);
    let said = on_terminal(&alice, &["", ""], &["set", "x"]).exits(7);
    assert!(said.text().contains("error: nothing was typed\r\nhint: repeat it"), "{}", said.text());
    assert!(!said.text().contains("nothing on stdin"), "{}", said.text());
    let said = alice.covault_fed(b"", ["set", "x"]).exits(2);
    let hint = "give the value on stdin; an empty one is kept with: covault set x --stdin value </dev/null";
    assert_eq!(said.err, format!("error: there is nothing on stdin\nhint: {hint}\n"));
    same(&before, &all_of(&alice));
    let said = on_terminal(&alice, &["", ""], &["set", "x", "--prompt", "pin"]).ok();
    assert!(said.text().contains("warning: the value that was typed for 'pin' is empty"), "{}", said.text());
    // What is given to a rotation is said in the same words.
    alice.set("y", "old");
    let said = alice.covault_fed(b"", ["rotate", "y", "--stdin"]).exits(8);
    assert!(said.err.contains("left: y/value: there is nothing on stdin\n"), "{}", said.err);
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[test]
fn a_new_field_in_the_open_that_looks_like_a_secret_is_warned_of() {
    let world = World::new();
    let alice = world.founder("alice");
    let warning = |name: &str, field: &str| {
        format!(
            "warning: {name}/{field} is kept in the open inside the secret: shown without being asked for, not rotated, \
             not looked for; keep it secret with: covault set {name} --stdin {field}\n"
        )
    };
    let said = alice.covault(["set", "p1", "password=hunter2hunter2xyz9", "user=app"]).ok();
    assert!(said.err.contains(&warning("p1", "password")) && !said.err.contains("p1/user"), "{}", said.err);
    let said = alice.covault(["set", "p1", "dsn=postgres://app:hunter2@db.example/app"]).ok();
    assert!(said.err.contains(&warning("p1", "dsn")), "{}", said.err);
    // Not each time: who was told has decided.
    let said = alice.covault(["set", "p1", "password=another"]).ok();
    assert!(!said.err.contains("warning"), "{}", said.err);
    // What it says to do does it.
    alice.covault_fed(b"hunter3", ["set", "p1", "--stdin", "password"]).ok();
    assert!(!alice.covault(["show", "p1"]).ok().text().contains("hunter3"));
    // One that stays secret is not kept in the open.
    let said = alice.covault(["set", "p1", "password=another"]).exits(2);
    assert!(!said.err.contains("warning"), "{}", said.err);
}
