//! Env files name secrets: who deletes or moves one is told which lines that breaks, and `doctor` which lead nowhere.

use serde_json::{Value, json};

use super::json as answer;
use crate::world::{Person, World};

const TOK: &str = ".covault/env/default.env, line 1: TOK names default/tok, and run and export stop there until it is \
                   changed or removed";

/// Two secrets, and an env file that names them on its two lines.
fn imported(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.covault_fed(b"TOK=one\nTOK2=two\n", ["import", "-", "--format", "dotenv"]).ok();
    alice
}

fn env_file(person: &Person, name: &str) -> std::path::PathBuf {
    person.repo.join(format!(".covault/env/{name}.env"))
}

/// The warnings among what a command said.
fn warnings(said: &crate::world::Said) -> Vec<String> {
    said.err.lines().filter_map(|line| line.strip_prefix("warning: ")).map(ToOwned::to_owned).collect()
}

#[test]
fn rm_names_the_lines_of_env_files_that_it_breaks_and_leaves_them_alone() {
    let world = World::new();
    let alice = imported(&world);
    let before = std::fs::read(env_file(&alice, "default")).unwrap();
    assert_eq!(warnings(&alice.covault(["rm", "default/tok", "--dry-run"]).ok()), [TOK]);
    assert_eq!(warnings(&alice.covault(["rm", "default/nothing"]).exits(3)), [""; 0]);
    alice.covault(["run", "--", "true"]).ok();
    let said = alice.covault(["rm", "default/tok", "--json", "--quiet"]).ok();
    assert_eq!(warnings(&said), [TOK]);
    let line = json!({
        "file": ".covault/env/default.env", "line": 1, "variable": "TOK", "reference": "covault://default/tok",
        "becomes": null,
    });
    assert_eq!(answer(&said)["references"], Value::from(vec![line]));
    assert_eq!(std::fs::read(env_file(&alice, "default")).unwrap(), before);
    let said = alice.covault(["run", "--", "true"]).exits(3);
    assert!(said.err.contains("default.env, line 1: 'default/tok' was deleted"), "{}", said.err);
    alice.set("other", "named nowhere");
    let said = alice.covault(["rm", "other", "--json"]).ok();
    assert_eq!((warnings(&said).len(), &answer(&said)["references"]), (0, &json!([])));
}

#[test]
fn mv_says_what_the_lines_of_env_files_are_to_be() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"v", ["set", "q", "user=u", "--stdin", "value"]).ok();
    alice.set("q2", "another whose name begins so");
    std::fs::create_dir_all(env_file(&alice, "ci/job").parent().unwrap()).unwrap();
    let write = |name: &str, text: &str| std::fs::write(env_file(&alice, name), text).unwrap();
    write("default", "# c\nUSER_NAME=covault://q/user\r\nV=covault://q\nELSE=covault://q2\n");
    // What `run` refuses because of another line is still named.
    write("ci/job", "LITERAL=hunter2\nV = covault://q/value\n");
    // No env file that `run` takes.
    write("UPPER", "V=covault://q\n");
    std::fs::write(env_file(&alice, "default").with_extension("txt"), "V=covault://q\n").unwrap();
    let said = alice.covault(["mv", "q", "away/q3"]).ok();
    let line = |file: &str, line: u8, variable: &str, to: &str| {
        format!(
            ".covault/env/{file}.env, line {line}: {variable} names q, and run and export stop there until it is: \
             {variable}=covault://away/q3{to}"
        )
    };
    let want =
        [line("ci/job", 2, "V", "/value"), line("default", 2, "USER_NAME", "/user"), line("default", 3, "V", "")];
    assert_eq!(warnings(&said), want);
    alice.covault(["run", "--", "true"]).exits(3);
    write("default", "USER_NAME=covault://away/q3/user\nV=covault://away/q3\n");
    alice.covault(["run", "--", "true"]).ok();
    let said = answer(&alice.covault(["mv", "away/q3", "q4", "--dry-run", "--json"]).ok());
    assert_eq!(said["references"][0]["reference"], "covault://away/q3/user");
    assert_eq!(said["references"][0]["becomes"], "covault://q4/user");
}

#[test]
fn of_many_lines_that_break_some_are_listed_and_the_rest_counted() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("q", "v");
    std::fs::create_dir_all(env_file(&alice, "default").parent().unwrap()).unwrap();
    let lines: String = (0..14).map(|n| format!("V{n}=covault://q\n")).collect();
    std::fs::write(env_file(&alice, "default"), lines).unwrap();
    let said = alice.covault(["rm", "q", "--json"]).ok();
    let warned = warnings(&said);
    assert_eq!(warned.len(), 11, "{}", said.err);
    assert!(warned[10].starts_with("so do 4 more lines"), "{}", said.err);
    assert_eq!(answer(&said)["references"].as_array().unwrap().len(), 14);
}

#[test]
fn doctor_lists_references_that_lead_nowhere() {
    let world = World::new();
    let alice = imported(&world);
    let doctor = |code| alice.covault(["doctor"]).exits(code).text();
    assert!(doctor(0).contains("ok   env files: all 2 references lead to secrets\n"), "{}", doctor(0));
    alice.covault(["rm", "default/tok"]).ok();
    let says = "BAD  env files: .covault/env/default.env, line 1: 'default/tok' was deleted\n       mend: bring it back \
                with: covault restore default/tok\n";
    assert!(doctor(8).contains(says), "{}", doctor(8));
    alice.covault(["mv", "default/tok2", "tok2"]).ok();
    std::fs::write(env_file(&alice, "dev"), "A=covault://never/was\n").unwrap();
    std::fs::write(env_file(&alice, "literal"), "A=hunter2\n").unwrap();
    let said = doctor(8);
    for says in [
        "BAD  env files: .covault/env/default.env, line 1: 'default/tok' was deleted; ",
        "line 2: 'default/tok2' was moved to 'tok2'; ",
        ".covault/env/dev.env, line 1: there is no secret 'never/was'; ",
        ".covault/env/literal.env is refused: line 1: A has a literal value",
        "mend: change or remove those lines",
    ] {
        assert!(said.contains(says) && !said.contains("hunter2"), "{says}: {said}");
    }
    let said = answer(&alice.covault(["doctor", "--json"]).exits(8));
    let found = said["findings"].as_array().unwrap().iter().find(|it| it["what"] == "env files").unwrap();
    assert_eq!(found["health"], "bad");
    std::fs::remove_dir_all(alice.repo.join(".covault/env")).unwrap();
    assert!(doctor(0).contains("ok   env files: none that name secrets\n"));
    // What is no folder of ours is said, and keeps nobody from deleting.
    std::os::unix::fs::symlink("/etc", alice.repo.join(".covault/env")).unwrap();
    assert!(doctor(8).contains("BAD  env files: "));
    alice.covault(["rm", "tok2"]).ok();
}
