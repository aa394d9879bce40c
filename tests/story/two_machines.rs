//! One person at two machines, or twice at one: what is written in one place is not lost to what is written in the
//! other.

use crate::cli::head;
use crate::world::{Person, World};

fn second_machine(world: &World, alice: &Person) -> Person {
    let other = alice.clone_for(world.stranger("alice2"));
    other.take_keys_of(alice);
    let who: serde_json::Value = serde_json::from_str(&alice.covault(["whoami", "--json"]).ok().text()).unwrap();
    other.covault(["setup", "--vault", who["words"].as_str().unwrap()]).ok();
    other
}

#[test]
fn writing_to_an_unmerged_secret_joins_both_sides() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "base");
    let other = second_machine(&world, &alice);
    other.covault_fed(b"theirs", ["set", "prod/db", "--stdin", "password"]).ok();
    alice.covault(["set", "prod/db", "user=app"]).ok();
    let path = other.repo.to_str().unwrap().to_owned();
    // As in a clone that is not set up: git stops.
    alice.git(["-c", "merge.covault.driver=exit 1 #", "pull", "-q", "--no-rebase", &path, "main"]).exits(1);
    let said = alice.covault_fed(b"new", ["set", "prod/db", "--stdin", "third"]).ok();
    assert!(said.err.contains("both sides are joined"), "{}", said.err);
    alice.git(["commit", "-q", "-m", "merged"]).ok();
    for (field, value) in [("value", "base"), ("password", "theirs"), ("user", "app"), ("third", "new")] {
        assert_eq!(alice.get(&format!("prod/db/{field}")), value);
    }
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn an_old_file_on_disk_does_not_take_newer_values_back() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "old");
    alice.set("a", "new");
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault/secrets/a.age"]).ok();
    let said = alice.covault(["set", "a", "user=app"]).ok();
    assert!(said.err.contains("does not follow the newest commit"), "{}", said.err);
    assert_eq!(alice.get("a/value"), "new");
    assert_eq!(alice.get("a/user"), "app");
}

#[test]
fn an_old_file_on_disk_is_not_taken_for_what_a_killed_command_left() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "old");
    alice.covault(["rm", "a"]).ok();
    let grave = head(&alice);
    alice.set("a", "new");
    let puts_back = |commit: &str| alice.git(["checkout", "-q", commit, "--", ".covault/secrets/a.age"]).ok();
    // The value is the newest one already: there is nothing to set, and nothing older to commit.
    puts_back("HEAD~2");
    alice.set("a", "new");
    assert_eq!(alice.get("a"), "new");
    // The tombstone on disk is an older one.
    puts_back(&grave);
    alice.covault(["rm", "a"]).ok();
    alice.covault(["get", "a"]).exits(3);
    assert_eq!(alice.git(["status", "--porcelain", ".covault"]).ok().text(), "");
    alice.covault(["verify"]).ok();
}

#[test]
fn a_sheet_that_shows_an_older_version_is_not_taken() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a", "first");
    let covault = env!("CARGO_BIN_EXE_covault");
    let editor = world.path().join("editor");
    let script = format!("#!/bin/sh\nprintf meanwhile | '{covault}' set a -q\nsed -i 's/first/edited/' \"$1\"\n");
    std::fs::write(&editor, script).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    alice.vars.push(("EDITOR".into(), format!("'{}'", editor.display())));
    let said = alice.covault(["edit", "a"]).exits(5);
    assert!(said.err.contains("changed by somebody else meanwhile"), "{}", said.err);
    assert_eq!(alice.get("a"), "meanwhile");
    // An empty sheet shows that there is nothing.
    let script =
        format!("#!/bin/sh\nprintf theirs | '{covault}' set b -q\nprintf '[secret]\\nvalue = \"mine\"\\n' > \"$1\"\n");
    std::fs::write(&editor, script).unwrap();
    let said = alice.covault(["edit", "b"]).exits(2);
    assert!(said.err.contains("there is a secret 'b' already"), "{}", said.err);
    assert_eq!(alice.get("b"), "theirs");
}

#[test]
fn a_tombstone_that_nobody_signed_hides_nothing() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/x", "1");
    alice.set("prod/y", "2");
    // Whoever can push writes `deleted` into the manifest, which is in the clear.
    let file = alice.file("prod/y");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, forged(&bytes)).unwrap();
    assert_eq!(alice.covault(["ls", "--flat"]).ok().text(), "prod/x\nprod/y\n");
    alice.covault(["run", "--from", "prod", "--", "env"]).exits(6);
    alice.covault(["status", "--check"]).exits(8);
}

/// The file with another state in its manifest, and everything else as it was.
fn forged(file: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
    let find = |what: &[u8]| file.windows(what.len()).position(|w| w == what).unwrap();
    let start = find(b"-> covault-manifest\n") + b"-> covault-manifest\n".len();
    let end = find(b"-> covault-signature\n");
    let body: Vec<u8> = file[start..end].iter().copied().filter(|b| *b != b'\n').collect();
    let text = String::from_utf8(BASE64.decode(body).unwrap()).unwrap();
    let text = text.replace("state = \"live\"", "state = \"deleted\"");
    let encoded = BASE64.encode(text);
    let mut lines: Vec<&[u8]> = encoded.as_bytes().chunks(64).collect();
    if lines.last().is_some_and(|line| line.len() == 64) {
        lines.push(b"");
    }
    let mut out = file[..start].to_vec();
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(&file[end..]);
    out
}

#[test]
fn a_variable_comes_from_a_name_and_nothing_else() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("prod/x", "1");
    for env in ["PATH=/evil:", "PATH", "A B", "LD_PRELOAD"] {
        alice.covault(["set", "prod/x", "--env", env]).exits(2);
        alice.covault(["set", "prod/x", "--meta", &format!("env={env}")]).exits(2);
    }
    alice.vars.push(("EDITOR".into(), "sh -c 'echo \"env = \\\"PATH=/evil\\\"\" >> \"$0\"'".into()));
    alice.covault(["edit", "prod/x"]).exits(2);
    assert_eq!(alice.covault(["run", "--from", "prod", "--", "printenv", "X"]).ok().text(), "1\n");
}

#[test]
fn a_secret_field_does_not_become_one_that_everybody_sees() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"hunter2", ["set", "a", "--stdin", "password"]).ok();
    let said = alice.covault(["set", "a", "password=hunter3"]).exits(2);
    assert!(said.err.contains("--stdin password"), "{}", said.err);
    assert_eq!(alice.get("a/password"), "hunter2");
}

#[test]
fn nothing_on_stdin_overwrites_nothing() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "kept");
    alice.covault(["set", "a"]).exits(2);
    assert_eq!(alice.get("a"), "kept");
    alice.covault_fed(b"", ["set", "a", "--stdin", "value"]).ok();
    assert_eq!(alice.get("a"), "");
}

#[test]
fn a_deleted_secret_does_not_stand_before_a_field_of_the_same_name() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("p/db/password", "gone");
    alice.covault(["rm", "p/db/password"]).ok();
    alice.covault_fed(b"field", ["set", "p/db", "--stdin", "password"]).ok();
    assert_eq!(alice.get("p/db/password"), "field");
}

#[test]
fn a_name_that_a_secret_was_moved_from_can_be_used_for_another() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("q/db", "moved");
    alice.covault(["mv", "q/db", "q/db-old"]).ok();
    let said = alice.covault_fed(b"new", ["set", "q/db"]).exits(3);
    assert!(said.err.contains("covault set q/db --new"), "{}", said.err);
    alice.covault_fed(b"new", ["set", "q/db", "--new"]).ok();
    assert_eq!((alice.get("q/db"), alice.get("q/db-old")), ("new".into(), "moved".into()));
}

#[test]
fn one_import_makes_no_folder_of_a_secret_and_keeps_peoples_comments() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(br#"{"a":"1","A":{"b":"2"}}"#, ["import", "-", "--format", "json"]).exits(2);
    alice.covault_fed(b"FOO=1\n", ["import", "-", "--format", "dotenv"]).ok();
    let file = alice.repo.join(".covault/env/default.env");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("# what the app needs\n{text}")).unwrap();
    alice.covault_fed(b"BAR=2\n", ["import", "-", "--format", "dotenv"]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, "# what the app needs\nFOO=covault://default/foo\nBAR=covault://default/bar\n");
}

#[test]
fn what_keeps_a_patch_gets_masked_values() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "SECRET-ONE");
    alice.git(["checkout", "-q", "-b", "topic"]).ok();
    alice.set("a", "SECRET-TWO");
    alice.git(["branch", "t2"]).ok();
    alice.set("a", "SECRET-THREE");
    let shown = alice.git(["log", "-p", "-1"]).ok().text();
    assert!(shown.contains("SECRET-THREE"));
    let patches = world.path().join("patches");
    let range = ["--range-diff=main..t2", "--creation-factor=200", "main..topic"];
    let out = patches.to_str().unwrap();
    alice.git(["format-patch", "-q", "-o", out, "--cover-letter"].into_iter().chain(range)).ok();
    for entry in std::fs::read_dir(&patches).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("SECRET-"));
    }
    let hook = alice.repo.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ngit diff --cached main > hook.txt\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    alice.git(["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    let text = std::fs::read_to_string(alice.repo.join("hook.txt")).unwrap();
    assert!(text.contains("hidden") && !text.contains("SECRET-"), "{text}");
}

#[test]
fn a_secret_keeps_its_history_when_it_moves() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("old/name", "first");
    alice.set("old/name", "second");
    alice.covault(["mv", "old/name", "middle"]).ok();
    alice.covault(["mv", "middle", "new/name"]).ok();
    let log = alice.covault(["log", "new/name"]).ok().text();
    assert!(log.contains("add old/name") && log.contains("revision 1 by alice"), "{log}");
    assert_eq!(alice.get("new/name@1"), "first");
    alice.covault(["restore", "new/name"]).ok();
    assert_eq!(alice.get("new/name"), "first");
}
