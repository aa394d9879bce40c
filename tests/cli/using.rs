//! `run`, `export` and `import`, judged by other programs.

use std::os::unix::process::ExitStatusExt as _;

use super::{all_of, head, json, same};
use crate::world::{Person, World, is_there};

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/import").join(name)
}

fn expected() -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap()
}

fn imported(world: &World) -> Person {
    let alice = world.founder("alice");
    std::fs::copy(fixture("dotenv.env"), alice.repo.join(".env")).unwrap();
    alice.covault(["import", ".env"]).ok();
    alice
}

#[test]
fn a_program_sees_exactly_what_the_file_said() {
    let world = World::new();
    let alice = imported(&world);
    assert!(expected().len() > 40);
    let bare = alice.command("env").arg("-0").output().unwrap().stdout;
    let with = alice.covault(["run", "--", "env", "-0"]).ok().out;
    let read = |bytes: &[u8]| -> std::collections::BTreeMap<String, String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.split('\0').filter_map(|v| v.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    };
    let (bare, with) = (read(&bare), read(&with));
    for (name, value) in expected() {
        assert_eq!(with.get(&name).map(String::as_str), value.as_str(), "{name}");
    }
    let more: Vec<_> = with.keys().filter(|n| !bare.contains_key(*n) && !expected().contains_key(*n)).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(alice.get("default/database-url"), expected()["DATABASE_URL"].as_str().unwrap());
}

#[test]
fn every_format_is_read_back_by_somebody_else() {
    let world = World::new();
    let alice = imported(&world);
    let want = expected();
    let want_text = serde_json::to_string(&want).unwrap();
    let got = alice.covault(["export", "--format", "json"]).ok();
    assert_eq!(json(&got), serde_json::Value::Object(want.clone()));
    assert_eq!(json(&alice.covault(["export", "--json"]).ok()), serde_json::Value::Object(want.clone()));
    let judge = |script: &str, text: &[u8]| {
        std::fs::write(world.path().join("want"), &want_text).unwrap();
        let said = alice.fed("python3", text, ["-c", script, world.path().join("want").to_str().unwrap()]);
        assert_eq!(said.code, 0, "{}{}", said.text(), said.err);
    };
    let python = "import json,sys\nwant=json.load(open(sys.argv[1]))\ngot=READ\nassert got==want,[(k,got.get(k),want[k]) for k in want if got.get(k)!=want[k]]";
    judge(&python.replace("READ", "json.load(sys.stdin)"), &got.out);
    judge(
        &python.replace("READ", "__import__('tomllib').load(sys.stdin.buffer)"),
        &alice.covault(["export", "-f", "toml"]).ok().out,
    );
    let names = want.keys().cloned().collect::<Vec<_>>().join(" ");
    let shell = alice.covault(["export", "--format", "shell"]).ok().text();
    let script = format!("{shell}\nfor n in {names}; do printf '%s=' $n; eval \"printf '%s\\0' \\\"\\$$n\\\"\"; done");
    let said = alice.fed("sh", b"", ["-c", &script]).ok();
    let read: serde_json::Map<_, _> =
        said.text().split('\0').filter_map(|v| v.split_once('=')).map(|(n, v)| (n.to_owned(), v.into())).collect();
    assert_eq!(read, want);
    // What we export we import again.
    for format in ["dotenv", "yaml", "toml", "json"] {
        let text = alice.covault(["export", "--format", format]).ok().out;
        let bob = world.founder(&format!("bob-{format}"));
        bob.covault_fed(&text, ["import", "-", "--format", format]).ok();
        let again = json(&bob.covault(["export", "--json"]).ok());
        assert_eq!(again, serde_json::Value::Object(want.clone()), "{format}");
    }
    if is_there("node") {
        let text = alice.covault(["export"]).ok().text();
        std::fs::write(world.path().join("out.env"), text).unwrap();
        let script = "const{parseEnv}=require('util');const fs=require('fs');if(!parseEnv)process.exit(0);const g=parseEnv(fs.readFileSync(process.argv[1],'utf8')),w=JSON.parse(fs.readFileSync(process.argv[2]));\
             for(const k of Object.keys(w))if(g[k]!==w[k])console.log(k,JSON.stringify(g[k]),JSON.stringify(w[k]))";
        std::fs::write(world.path().join("want"), &want_text).unwrap();
        let paths = [world.path().join("out.env"), world.path().join("want")];
        let said = alice.fed("node", b"", ["-e", script, paths[0].to_str().unwrap(), paths[1].to_str().unwrap()]).ok();
        // Node knows only \n among the escapes: values with quotes and backslashes are its own business.
        let differ: Vec<_> = said.text().lines().map(ToOwned::to_owned).collect();
        assert!(differ.len() <= 6, "{differ:#?}");
    }
}

#[test]
fn github_actions_gets_masks_first_and_variables_in_its_file() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("ci/token", "multi\nline \"value\"\n");
    alice.set("ci/name", "x%y");
    alice.covault(["set", "ci/name", "user=deploy"]).ok();
    alice.covault(["export", "--from", "ci", "--format", "github"]).exits(2);
    let file = world.path().join("github env");
    alice.vars.push(("GITHUB_ENV".to_owned(), file.display().to_string()));
    let said = alice.covault(["export", "--from", "ci", "--format", "github"]).ok().text();
    assert!(said.contains("::add-mask::multi\n") && said.contains("::add-mask::x%25y"), "{said}");
    assert!(!said.contains("deploy"), "no secret: {said}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("NAME<<covault_") || text.contains("NAME=x%y"), "{text}");
    assert!(text.contains("TOKEN<<covault_") && text.contains("multi\nline \"value\"\n"), "{text}");
    assert!(text.contains("NAME_USER<<covault_"), "{text}");
    // JSON would show all that is to be masked, and set nothing.
    let before = text.len();
    for format in ["github", "shell", "dotenv", "yaml"] {
        let said = alice.covault(["export", "--from", "ci", "--json", "--format", format]).exits(2);
        assert!(said.out.is_empty() && said.err.contains("leave one of them out"), "{}", said.err);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap().len(), before);
    alice.covault(["export", "--from", "ci", "--json", "--format", "json"]).ok();
}

#[test]
fn a_terminal_is_shown_what_is_exported_without_escapes() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("esc/a", "a\u{1b}]0;pwn\u{7}b");
    for (format, shown) in [
        ("dotenv", "A='a\\u{1b}]0;pwn\\u{7}b'\r\n"),
        ("shell", "export A='a\\u{1b}]0;pwn\\u{7}b'\r\n"),
        ("json", "{\r\n  \"A\": \"a\\u001b]0;pwn\\u0007b\"\r\n}\r\n"),
    ] {
        let args = ["export", "--from", "esc", "--format", format];
        assert_eq!(super::on_terminal(&alice, &[], &args).ok().text(), shown);
        assert!(!alice.covault(args).ok().text().contains("\\u{1b}"), "{format}");
    }
}

#[test]
fn the_childs_end_is_ours() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a/x", "1");
    let run = |command: &[&str]| alice.covault([&["run", "--from", "a", "--"], command].concat());
    for code in [0, 1, 5, 6, 42, 255] {
        run(&["sh", "-c", &format!("exit {code}")]).exits(code);
    }
    let said = run(&["no-such-program"]).exits(127);
    assert!(said.err.starts_with("error: cannot start no-such-program"), "{}", said.err);
    let said = alice.covault(["--json", "run", "--from", "a", "--", "no-such-program"]).exits(127);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["code"], 127);
    std::fs::write(alice.repo.join("plain"), "no program").unwrap();
    run(&["./plain"]).exits(126);
    for signal in [9, 15] {
        let kill = format!("kill -{signal} $$");
        let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
        let status = command.args(["run", "--from", "a", "--", "sh", "-c", &kill]).status().unwrap();
        assert_eq!(status.signal(), Some(signal));
    }
    // stdin, arguments and folder are the child's.
    let said =
        alice.covault_fed(b"in", ["run", "--from", "a", "--", "sh", "-c", "cat; echo \"$1\" >&2", "x", "--json"]);
    assert_eq!((said.text().as_str(), said.err.as_str(), said.code), ("in", "--json\n", 0));
    std::fs::create_dir(alice.repo.join("sub")).unwrap();
    let said = alice.covault(["-C", "sub", "run", "--from", "a", "--", "pwd"]).ok().text();
    assert!(said.trim_end().ends_with("/sub"), "{said}");
    alice.covault(["run", "--from", "a"]).exits(2);
    alice.covault(["run", "--from", "nothing", "--", "true"]).exits(3);
    let said = alice.covault(["run", "--", "true"]).exits(3);
    assert!(said.err.contains("there is no .covault/env/default.env\nhint: "), "{}", said.err);
    alice.covault(["run", "-e", "../x", "--", "true"]).exits(2);
}

#[test]
fn the_child_sees_nothing_of_ours() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a/x", "1");
    let key = std::fs::read_to_string(alice.identity()).unwrap();
    let literal = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap().to_owned();
    alice.vars.push(("COVAULT_IDENTITY".to_owned(), literal));
    alice.vars.push(("COVAULT_NO_INPUT".to_owned(), "1".to_owned()));
    alice.vars.push(("COVAULT_SOMETHING".to_owned(), "1".to_owned()));
    let said = alice.covault(["run", "--from", "a", "--", "env"]).ok().text();
    assert!(!said.contains("COVAULT") && !said.contains("AGE-SECRET") && said.contains("X=1\n"), "{said}");
    let said = alice.covault([
        "run",
        "--from",
        "a",
        "--",
        "sh",
        "-c",
        "ls -l /proc/self/fd | grep -c -e covault -e repo -e '\\.age'",
    ]);
    assert_eq!(said.text(), "0\n", "no file is left open");
}

#[test]
fn files_hand_values_over_in_memory() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"a\0b\xff", ["set", "a/x"]).ok();
    alice.set("a/y", "second");
    let said = alice.covault(["run", "--from", "a", "--", "true"]).exits(2);
    assert!(said.err.contains("the value for X holds a NUL byte") && said.err.contains("--files"), "{}", said.err);
    let said = alice.covault([
        "run",
        "--from",
        "a",
        "--files",
        "--",
        "sh",
        "-c",
        "cat \"$X_FILE\"; cat \"$Y_FILE\" \"$Y_FILE\"",
    ]);
    assert_eq!(said.ok().out, b"a\0b\xffsecondsecond");
    let said = alice.covault([
        "run",
        "--from",
        "a",
        "--files",
        "--",
        "sh",
        "-c",
        "echo \"$Y_FILE\"; echo ${Y-unset}; echo no > \"$Y_FILE\"",
    ]);
    let text = said.text();
    assert!(text.starts_with("/proc/") && text.contains("unset"), "{text}");
    assert_ne!(said.code, 0, "what is handed over cannot be changed");
    let said = alice.covault([
        "run",
        "--from",
        "a",
        "--files",
        "--",
        "python3",
        "-c",
        "import os,subprocess;print(subprocess.check_output(['cat',os.environ['Y_FILE']]).decode())",
    ]);
    assert_eq!(said.ok().text(), "second\n", "grandchildren can read, too");
    for format in ["shell", "dotenv", "json", "yaml", "toml"] {
        let said = alice.covault(["export", "--from", "a", "--format", format]).exits(2);
        assert!(
            said.err.starts_with("error: ") && said.err.contains('X') && said.out.is_empty(),
            "{format}: {}",
            said.err
        );
    }
}

#[test]
fn a_program_that_uses_descriptors_of_its_own_still_finds_the_files() {
    let world = World::new();
    let alice = world.founder("alice");
    for name in ["a/x", "a/y", "a/z"] {
        alice.set(name, name);
    }
    let redirected = (3..=9).map(|n| format!("exec {n}>/dev/null; ")).collect::<String>();
    let script = format!("{redirected}cat \"$X_FILE\" \"$Y_FILE\" \"$Z_FILE\"; echo; echo \"$X_FILE\"");
    let said = alice.covault(["run", "--from", "a", "--files", "--", "sh", "-c", &script]).ok().text();
    let (values, path) = said.trim_end().split_once('\n').unwrap();
    assert_eq!(values, "a/xa/ya/z");
    assert!(!std::path::Path::new(path).exists(), "{path} is there after the program has ended");
}

#[test]
fn where_variables_are_too_large_the_largest_is_named() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a/small", "x");
    alice.covault_fed(&vec![b'x'; 200_000], ["set", "a/certificate-chain"]).ok();
    let said = alice.covault(["run", "--from", "a", "--", "true"]).exits(126);
    assert!(said.err.contains("CERTIFICATE_CHAIN has 200000 bytes\nhint: covault run --files"), "{}", said.err);
    let script = "wc -c < \"$CERTIFICATE_CHAIN_FILE\"";
    assert_eq!(alice.covault(["run", "--from", "a", "--files", "--", "sh", "-c", script]).ok().text(), "200000\n");
}

#[test]
fn references_that_name_nothing_are_told_with_file_and_line() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"v", ["set", "dev/db", "user=u", "--stdin", "password"]).ok();
    alice.set("dev/gone", "x");
    alice.set("dev/old", "x");
    alice.covault(["rm", "dev/gone"]).ok();
    alice.covault(["mv", "dev/old", "dev/new"]).ok();
    std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
    let file = alice.repo.join(".covault/env/default.env");
    let case = |text: &str| {
        std::fs::write(&file, text).unwrap();
        alice.covault(["run", "--", "env"])
    };
    assert!(case("# c\nU=covault://dev/db/user\nP=covault://dev/db/password\n").ok().text().contains("U=u\n"));
    for (text, code, says) in [
        ("# c\n\nA=covault://dev/nothing\n", 3, "default.env, line 3: there is no secret 'dev/nothing'"),
        ("A=covault://dev/db/user\nB=covault://dev/db/pass\n", 3, "default.env, line 2: 'dev/db' has no field 'pass'"),
        ("A=covault://dev/db\n", 2, "default.env, line 1: 'dev/db' has several fields"),
        ("A=covault://dev/gone\n", 3, "default.env, line 1: 'dev/gone' was deleted"),
        ("A=covault://dev/old\n", 3, "default.env, line 1: 'dev/old' was moved to 'dev/new'"),
        ("A=covault://DEV/DB\n", 2, "line 1"),
        ("A=hunter2-literal\n", 2, "line 1: A has a literal value"),
        ("\nLD_PRELOAD=covault://dev/db/user\n", 2, "line 2: LD_PRELOAD"),
        ("A=covault://dev/db/user\nA=covault://dev/db/user\n", 2, "line 2: A stands on line 1 already"),
        ("B\u{1b}[31m=covault://dev/db/user\n", 2, "line 1"),
    ] {
        let said = case(text).exits(code);
        assert!(said.err.contains(says), "{says}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.contains("hunter2") && !said.err.contains('\u{1b}'), "{}", said.err);
        assert!(code == 2 || said.err.contains("\nhint: "), "{}", said.err);
    }
    let said = case("\nDB_URL=hunter2-literal\n").exits(2);
    let hint =
        "hint: keep its value with: covault set default/db-url, and let line 2 be: DB_URL=covault://default/db-url\n";
    assert!(said.err.ends_with(hint), "{}", said.err);
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    let said = alice.covault(["run", "--", "env"]);
    assert!(said.code != 0 && said.err.contains("symbolic link"), "{}", said.err);
}

#[test]
fn two_secrets_cannot_give_one_variable_and_none_can_change_how_programs_load() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a/x-y", "1");
    alice.set("a/b/x.y", "2");
    let said = alice.covault(["run", "--from", "a", "--", "true"]).exits(2);
    assert!(said.err.contains("X_Y: a/b/x.y/value and a/x-y/value\nhint: "), "{}", said.err);
    alice.covault(["set", "a/b/x.y", "--env", "OTHER"]).ok();
    let said = alice.covault(["run", "--from", "a", "--", "sh", "-c", "echo $X_Y $OTHER"]).ok().text();
    assert_eq!(said, "1 2\n");
    alice.set("l/ld-preload", "/evil.so");
    let said = alice.covault(["run", "--from", "l", "--", "true"]).exits(2);
    assert!(said.err.contains("LD_PRELOAD"), "{}", said.err);
    alice.covault(["export", "--from", "l"]).exits(2);
    alice.covault_fed(b"x", ["set", "f/bash", "--stdin", "env"]).ok();
    alice.covault(["run", "--from", "f", "--", "true"]).exits(2);
}

#[test]
fn importing_twice_changes_nothing() {
    let world = World::new();
    let alice = imported(&world);
    let before = all_of(&alice);
    let said = alice.covault(["import", ".env"]).ok();
    assert!(said.err.contains("nothing to change"), "{}", said.err);
    same(&before, &all_of(&alice));
    assert_eq!(alice.git(["rev-list", "--count", "HEAD"]).ok().text(), "3\n", "one commit for all");
    // A changed line is one changed secret.
    let text = std::fs::read_to_string(alice.repo.join(".env")).unwrap().replace("PORT=3000", "PORT=4000");
    std::fs::write(alice.repo.join(".env"), text).unwrap();
    let said = json(&alice.covault(["import", ".env", "--json"]).ok());
    assert!(
        said["changed"] == 1 && said["ever_committed"] == false && said["files"].as_array().unwrap().len() == 1,
        "{said}"
    );
    assert_eq!(alice.get("default/port"), "4000");
    assert!(alice.repo.join(".env").exists());
}

#[test]
fn a_file_that_was_ever_committed_is_warned_of() {
    let world = World::new();
    let alice = world.founder("alice");
    std::fs::write(alice.repo.join(".env"), "A=1\n").unwrap();
    let said = alice.covault(["import", ".env"]).ok();
    assert!(said.err.contains(".env was never committed here"), "{}", said.err);
    alice.git(["add", ".env"]).ok();
    alice.git(["commit", "-qm", "oops"]).ok();
    alice.git(["rm", "-q", "--cached", ".env"]).ok();
    alice.git(["commit", "-qm", "better"]).ok();
    std::fs::write(alice.repo.join(".env"), "A=2\n").unwrap();
    let said = alice.covault(["import", ".env"]).ok();
    assert!(said.err.contains("warning: .env was committed once"), "{}", said.err);
}

#[test]
fn nested_files_become_folders_and_bad_lines_are_named_without_their_values() {
    let world = World::new();
    let alice = world.founder("alice");
    std::fs::write(alice.repo.join("c.yaml"), "database:\n  url: postgres://x\n  pool: 5\nname: app\n").unwrap();
    alice.covault(["import", "c.yaml", "--to", "app", "--env", "dev"]).ok();
    assert_eq!(alice.covault(["ls"]).ok().text(), "app/database/pool\napp/database/url\napp/name\n");
    let said = json(&alice.covault(["export", "-e", "dev", "--json"]).ok());
    assert_eq!(said, serde_json::json!({"DATABASE_URL": "postgres://x", "DATABASE_POOL": "5", "name": "app"}));
    assert_eq!(json(&alice.covault(["export", "--from", "app", "--json"]).ok()), said);
    let before = head(&alice);
    for (file, text, says) in [
        ("a.env", "A=1\nB='hunter2\n", "line 2"),
        ("b.env", "A.B=hunter2\nA_B=x\n", "another key became already"),
        ("c.json", "{\"a\": \"hunter2\", ", ""),
        ("d.txt", "A=hunter2", "no format is known for 'd.txt'"),
        ("e.yaml", "a: [hunter2\n", ""),
        ("f.toml", "a = hunter2 x\n", ""),
    ] {
        std::fs::write(alice.repo.join(file), text).unwrap();
        let said = alice.covault(["import", file]).exits(2);
        assert!(said.err.contains(says) && !said.err.contains("hunter2"), "{file}: {}", said.err);
    }
    alice.covault(["import", "nowhere.env"]).exits(3);
    assert_eq!(head(&alice), before);
    // What programs load by is kept, but never mapped, and that is said.
    std::fs::write(alice.repo.join(".env"), "PATH=/evil\nFINE=1\n").unwrap();
    let said = alice.covault(["import", ".env"]).ok();
    assert!(said.err.contains("PATH"), "{}", said.err);
    assert_eq!(json(&alice.covault(["export", "--json"]).ok()), serde_json::json!({"FINE": "1"}));
}
