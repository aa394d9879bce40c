//! `get`: exact bytes, every form of a name, and several people's values.

use super::{conflict, json};
use crate::world::World;

#[test]
fn every_form_of_a_name_finds_its_field() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"one", ["set", "prod/db", "user=app", "--stdin", "value"]).ok();
    alice.git(["tag", "v1"]).ok();
    alice.set("prod/db", "two");
    alice.covault(["set", "prod/db", "user=root"]).ok();
    for (name, value) in [
        ("prod/db", "two"),
        ("prod/db/value", "two"),
        ("prod/db/user", "root"),
        ("covault://prod/db/user", "root"),
        ("prod/db@1", "one"),
        ("prod/db@2", "two"),
        ("prod/db@v1", "one"),
        ("prod/db@HEAD~2", "one"),
        ("prod/db@HEAD", "two"),
        ("prod/db/user@1", "app"),
        ("prod/db/user@2", "app"),
        ("prod/db/user@HEAD", "root"),
    ] {
        assert_eq!(alice.get(name), value, "{name}");
    }
    let said = json(&alice.covault(["get", "prod/db/user@1", "--json"]).ok());
    let at = said["writes"][0]["at"].clone();
    assert!(at.is_string(), "{said}");
    assert_eq!(
        said,
        serde_json::json!({
            "name": "prod/db", "field": "user", "value": "app", "base64": null, "revision": 1, "valid_for": null,
            "conflicted": false, "writes": [{"author": "alice", "at": at}],
        })
    );
}

#[test]
fn what_is_not_there_is_named_with_what_looks_like_it() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"one", ["set", "prod/db", "user=app", "--stdin", "password"]).ok();
    for (name, error, hint) in [
        ("prod/dv", "there is no secret 'prod/dv'", "did you mean prod/db?"),
        ("db", "there is no secret 'db'", "did you mean prod/db?"),
        (
            "nothing/alike-at-all",
            "there is no secret 'nothing/alike-at-all'",
            "make it with: covault set nothing/alike-at-all",
        ),
        ("prod/db/pass", "'prod/db' has no field 'pass'", "its fields: password, user"),
        ("prod/db", "'prod/db' has several fields and none is called 'value'", "its fields: password, user"),
        ("prod/db/user@7", "'prod/db' has no revision '7'", "see its revisions with: covault log prod/db"),
        ("prod/db@nobranch", "no commit is called `nobranch`", "git log --oneline --all"),
    ] {
        let code = if name == "prod/db" { 2 } else { 3 };
        let said = alice.covault(["get", name]).exits(code);
        assert_eq!(said.err, format!("error: {error}\nhint: {hint}\n"), "{name}");
        assert!(said.out.is_empty());
        let said = alice.covault(["get", name, "--json"]).exits(code);
        let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
        assert!(error["code"] == code && error["hint"] == hint && said.out.is_empty());
    }
    let said = alice.covault(["get", "prod"]).exits(3);
    assert_eq!(
        said.err, "error: there is no secret 'prod'\nhint: it is a folder: name a secret in it, such as prod/db\n",
        "a folder shows what is in it"
    );
    for command in ["get", "show", "restore"] {
        let said = alice.covault([command, "prod/db@"]).exits(2);
        let why = "there is no revision after the @ of 'prod/db@'\nhint: see its revisions with: covault log prod/db";
        assert_eq!(said.err, format!("error: {why}\n"), "{command}");
    }
    for wrong in ["PROD/DB", "", "@1", "prod db"] {
        let said = alice.covault(["get", wrong]).exits(2);
        assert!(said.err.starts_with("error: "), "{}", said.err);
    }
}

#[test]
fn a_name_below_a_secret_is_said_to_be_its_field() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("z", "one");
    alice.set("prod/db", "two");
    for (args, above, field) in [
        (&["show", "z/value"][..], "z", "value"),
        (&["rm", "z/value"], "z", "value"),
        (&["who", "z/value"], "z", "value"),
        (&["share", "z/value", "alice"], "z", "value"),
        (&["show", "prod/db/user"], "prod/db", "user"),
    ] {
        let said = alice.covault(args).exits(3);
        let hint = format!(
            "hint: '{above}' is a secret, and '{field}' can be a field of it: covault show {above}; to take the field \
             away: covault set {above} --unset {field}\n"
        );
        assert_eq!(said.err, format!("error: there is no secret '{above}/{field}'\n{hint}"), "{args:?}");
    }
    // What was the next step of each of them has one itself.
    let said = alice.covault_fed(b"v", ["set", "z/value"]).exits(2);
    assert!(said.err.ends_with("\nhint: for a field of it: covault set z --stdin value\n"), "{}", said.err);
    let said = alice.covault(["show", "z/a/b"]).exits(3);
    assert!(said.err.ends_with("hint: 'z' is a secret, and nothing is below it: covault show z\n"), "{}", said.err);
    // Where a folder is asked for.
    for (folder, hint) in [
        ("z", "write it with: covault get z"),
        ("prod/db/", "name the folder that it is in: prod; or write it with: covault get prod/db"),
    ] {
        for args in [&["export", "--from", folder][..], &["run", "--from", folder, "--", "true"]] {
            let said = alice.covault(args).exits(3);
            let name = folder.trim_end_matches('/');
            assert_eq!(said.err, format!("error: '{name}' is a secret, and no folder\nhint: {hint}\n"), "{args:?}");
        }
    }
}

#[test]
fn a_pipe_gets_the_bytes_and_a_terminal_no_escapes() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("x", "a\u{1b}[31mred\u{202e}");
    assert_eq!(alice.get("x"), "a\u{1b}[31mred\u{202e}");
    let shown = super::on_terminal(&alice, &[], &["get", "x"]).ok().text();
    assert_eq!(shown, "a\\u{1b}[31mred\\u{202e}\r\n");
    alice.covault_fed(b"\xff\x00", ["set", "x"]).ok();
    let said = super::on_terminal(&alice, &[], &["get", "x"]).exits(2).text();
    assert!(said.contains("no text") && said.contains("covault get x > FILE"), "{said}");
}

#[test]
fn of_several_peoples_values_the_newest_is_given_with_a_warning_and_strict_refuses() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("prod/db", "base");
    conflict(&alice, "prod/db", "value", &["mine", "theirs"]);
    let said = alice.covault(["get", "prod/db"]).ok();
    assert_eq!(said.text(), "mine");
    assert!(
        said.err.starts_with("warning: 'value' of 'prod/db' was written by several people at once"),
        "{}",
        said.err
    );
    // Who reads no stderr is told as well.
    let told = json(&alice.covault(["get", "prod/db", "--json"]).ok());
    assert!(told["value"] == "mine" && told["conflicted"] == true, "{told}");
    assert_eq!(told["writes"].as_array().map(Vec::len), Some(2), "{told}");
    let strict = alice.covault(["get", "prod/db", "--strict"]).exits(5);
    assert!(
        strict.err.contains("hint: see both and pick one with: covault resolve prod/db --reveal")
            && strict.out.is_empty(),
        "{}",
        strict.err
    );
    let shown = alice.covault(["show", "prod/db", "--reveal"]).ok().text();
    assert!(shown.contains("mine") && shown.contains("theirs"), "{shown}");
    assert!(!alice.covault(["show", "prod/db"]).ok().text().contains("mine"));
    alice.covault(["run", "--from", "prod", "--strict", "--", "true"]).exits(5);
    alice.covault(["export", "--from", "prod", "--strict"]).exits(5);
    let said = alice.covault(["run", "--from", "prod", "--", "printenv", "DB"]).ok();
    assert!(
        said.text() == "mine\n" && said.err.contains("warning: prod/db/value was written by several"),
        "{}",
        said.err
    );
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert_eq!(status["conflicts"], serde_json::json!(["prod/db/value"]));
    alice.covault(["status", "--check"]).exits(8);
    alice.vars.push(("CI".to_owned(), "1".to_owned()));
    alice.covault(["get", "prod/db"]).exits(5);
    alice.covault(["run", "--from", "prod", "--", "true"]).exits(5);
    alice.covault(["export", "--from", "prod"]).exits(5);
    alice.vars.clear();
    // Writing the newest again is a decision, not "nothing to change".
    alice.set("prod/db", "mine");
    assert!(alice.covault(["get", "prod/db", "--strict"]).ok().err.is_empty());
    alice.covault(["status", "--check"]).ok();
}

#[test]
fn the_same_value_twice_is_no_conflict() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("x", "base");
    conflict(&alice, "x", "value", &["same", "same"]);
    let said = alice.covault(["get", "x", "--strict"]).ok();
    assert!(said.text() == "same" && said.err.is_empty(), "{}", said.err);
}
