//! What git shows of sealed files, to whom, and that it never fails.

use super::head;
use crate::world::{Person, World, have};

fn two_versions(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.covault_fed(b"first-value", ["set", "a", "user=app", "--stdin", "value"]).ok();
    alice.set("a", "second-value");
    alice
}

const CLEAR: &[&[&str]] = &[
    &["diff", "HEAD~1"],
    &["diff", "HEAD~1", "HEAD", "--", ".covault"],
    &["log", "-p"],
    &["log", "-p", "--all", "--", ".covault/secrets/a.age"],
    &["show"],
    &["-c", "core.pager=cat", "show", "HEAD"],
    &["--no-pager", "whatchanged", "-p"],
    &["blame", ".covault/secrets/a.age"],
    &["lg"],
];

#[test]
fn people_see_values_when_they_look() {
    let world = World::new();
    let alice = two_versions(&world);
    alice.git(["config", "alias.lg", "log -p --oneline"]).ok();
    for args in CLEAR {
        let said = alice.git(*args).ok();
        assert!(said.text().contains("value: second-value"), "{args:?}: {}{}", said.text(), said.err);
        assert!(said.err.is_empty(), "{args:?}: {}", said.err);
    }
    alice.covault_fed(b"third-value", ["set", "a", "--no-commit"]).ok();
    assert!(alice.git(["diff", "--cached"]).ok().text().contains("+value: third-value"));
}

#[test]
fn what_keeps_its_diff_gets_masks() {
    let world = World::new();
    let mut alice = two_versions(&world);
    alice.git(["config", "alias.lg", "log -p --oneline"]).ok();
    let hidden = |alice: &Person, args: &[&str]| {
        let said = alice.git(args);
        let text = said.text();
        assert!(!text.contains("-value:") || !text.contains("second-value"), "{args:?}: {text}");
        assert!(!text.contains("second-value"), "{args:?}: {text}");
        text
    };
    for (name, value) in [("CI", "true"), ("CLAUDECODE", "1"), ("GEMINI_CLI", "1")] {
        alice.vars = vec![(name.to_owned(), value.to_owned())];
        for args in CLEAR {
            assert!(hidden(&alice, args).contains("value: (hidden, "), "{name} {args:?}");
        }
        assert!(alice.git(["diff", "HEAD~1"]).ok().text().contains("-value: (hidden, "), "a change still shows");
    }
    alice.vars.clear();
    alice.git(["config", "covault.diff", "mask"]).ok();
    for args in CLEAR {
        hidden(&alice, args);
    }
    alice.git(["config", "--unset", "covault.diff"]).ok();
    hidden(&alice, &["-c", "covault.diff=mask", "diff", "HEAD~1"]);
    hidden(&alice, &["-c", "Covault.Diff=mask", "log", "-p"]);
    for args in [
        &["diff", "--output=f", "HEAD~1"][..],
        &["diff", "--output", "f", "HEAD~1"],
        &["log", "-p", "--output=f"],
        &["show", "--output=f"],
    ] {
        alice.git(args).ok();
        let text = std::fs::read_to_string(alice.repo.join("f")).unwrap();
        assert!(text.contains("value: (hidden, ") && !text.contains("second-value"), "{args:?}: {text}");
        std::fs::remove_file(alice.repo.join("f")).unwrap();
    }
    assert!(!hidden(&alice, &["diff-tree", "-p", "--textconv", "HEAD"]).is_empty());
    hidden(&alice, &["format-patch", "--textconv", "--stdout", "-1"]);
    hidden(&alice, &["-c", "alias.x=!git diff-tree -p --textconv HEAD", "x"]);
    // git commit -v writes its diff into a file, for the editor.
    alice.covault_fed(b"third-value", ["set", "a", "--no-commit"]).ok();
    alice.vars.push((
        "GIT_EDITOR".to_owned(),
        format!("cp .git/COMMIT_EDITMSG '{}'; false", world.path().join("seen").display()),
    ));
    alice.git(["commit", "-v"]).exits(1);
    let seen = std::fs::read_to_string(world.path().join("seen")).unwrap();
    assert!(seen.contains("+value: (hidden, ") && !seen.contains("third-value"), "{seen}");
    // Picking hunks goes through files, too.
    alice.git(["reset", "-q"]).ok();
    for args in [&["stash", "-p"][..], &["add", "-p"], &["checkout", "-p"]] {
        let said = alice.fed("git", b"q\n", args);
        assert!(!said.text().contains("third-value") && !said.err.contains("third-value"), "{args:?}: {}", said.text());
    }
}

#[test]
fn a_hook_that_is_far_above_is_found_all_the_same() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let alice = two_versions(&world);
    let hook = alice.repo.join(".git/hooks/pre-commit");
    // What follows each call keeps the shell from giving its place to it.
    let script = "#!/bin/sh\nleft=${1:-80}\nif [ \"$left\" -gt 0 ]; then sh \"$0\" $((left - 1)); else git diff HEAD~1 >hook.txt; fi\n:\n";
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    alice.git(["commit", "-q", "--allow-empty", "-m", "below eighty shells"]).ok();
    let text = std::fs::read_to_string(alice.repo.join("hook.txt")).unwrap();
    assert!(text.contains("+value: (hidden, ") && !text.contains("second-value"), "{text}");
}

#[test]
fn more_than_a_thousand_processes_down_nobody_looks() {
    let world = World::new();
    let alice = two_versions(&world);
    let script = "if [ \"$1\" -gt 0 ]; then sh \"$0\" $(($1 - 1)); else git diff HEAD~1; fi\n:\n";
    let file = world.path().join("deeper");
    std::fs::write(&file, script).unwrap();
    let below = |shells: &str| alice.fed("sh", b"", [file.as_os_str(), shells.as_ref()]).ok().text();
    let text = below("100");
    assert!(text.contains("+value: second-value"), "{text}");
    let text = below("1100");
    assert!(text.contains("+value: (hidden, ") && !text.contains("second-value"), "{text}");
}

#[test]
fn it_never_fails_and_says_one_line_for_what_cannot_be_opened() {
    let world = World::new();
    let alice = two_versions(&world);
    let good = std::fs::read(alice.file("a")).unwrap();
    let other = world.founder("bob");
    other.set("a", "bobs-value");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("garbage", b"garbage \x1b[31m\0\xff".to_vec()),
        ("text", b"<<<<<<< HEAD\n".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("cut", good[..good.len() - 1].to_vec()),
        ("header only", good[..40].to_vec()),
        ("flipped", good.iter().enumerate().map(|(n, b)| if n == good.len() - 9 { b ^ 1 } else { *b }).collect()),
        ("another vault", std::fs::read(other.file("a")).unwrap()),
        ("large", vec![0; 20 << 20]),
    ];
    for (what, bytes) in cases {
        let file = world.path().join("blob.age");
        std::fs::write(&file, bytes).unwrap();
        let said = alice.covault(["textconv", file.to_str().unwrap()]).ok();
        let text = said.text();
        assert!(text.starts_with("covault: ") && text.lines().count() == 1 && text.ends_with('\n'), "{what}: {text:?}");
        assert!(
            said.err.is_empty() && !text.contains(['\u{1b}', '\0']) && !text.contains("value:"),
            "{what}: {text:?}"
        );
    }
    for file in ["/nonexistent", "/", "/dev/null"] {
        assert_eq!(alice.covault(["textconv", file]).ok().text().lines().count(), 1);
    }
    // Outside of a repository, and without a home.
    let file = alice.file("a");
    let said =
        alice.command(env!("CARGO_BIN_EXE_covault")).current_dir("/").arg("textconv").arg(&file).output().unwrap();
    assert!(said.status.success() && String::from_utf8_lossy(&said.stdout).contains("sealed by alice, revision 2"));
    let said =
        alice.command(env!("CARGO_BIN_EXE_covault")).env_remove("HOME").arg("textconv").arg(&file).output().unwrap();
    assert!(said.status.success() && said.stdout.starts_with(b"covault: cannot open it"));
}

#[test]
fn git_goes_on_where_the_program_has_moved() {
    let world = World::new();
    let alice = two_versions(&world);
    let line = alice.git(["config", "diff.covault.textconv"]).ok().text();
    let moved = line.trim_end().replace(env!("CARGO_BIN_EXE_covault"), "/nowhere/covault");
    alice.git(["config", "diff.covault.textconv", &moved]).ok();
    let blob = alice.git(["rev-parse", "HEAD:.covault/secrets/a.age"]).ok().text();
    let text = alice.git(["show"]).ok().text();
    assert!(text.contains(&format!("sealed by covault, which is not installed: {}", blob.trim())), "{text}");
    assert!(text.contains("-sealed by covault") && text.contains("+sealed by covault"), "{text}");
    assert_eq!(alice.git(["config", "diff.covault.cachetextconv"]).ok().text(), "false\n");
    assert!(alice.covault(["doctor"]).ok().text().contains("look git diff: "));
    // An alias of the shell, a name with a space: the program is found on PATH.
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let said = alice.command("git").env("PATH", path).args(["show"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("+value: second-value"));
}

#[test]
fn a_deleted_a_moved_and_a_binary_secret_can_be_shown() {
    let world = World::new();
    let alice = two_versions(&world);
    alice.covault(["mv", "a", "b"]).ok();
    let text = alice.git(["show", "--no-renames"]).ok().text();
    assert!(text.contains("+state: moved to b") && text.contains("+secret: b"), "{text}");
    alice.covault(["rm", "b"]).ok();
    assert!(alice.git(["show"]).ok().text().contains("+state: deleted"));
    alice.covault_fed(b"\xff\x00\x01", ["set", "bin"]).ok();
    assert!(alice.git(["show"]).ok().text().contains("+value: (3 bytes, sha256 "));
    // Long enough that no ciphertext has it by chance.
    alice.covault_fed(b"the-first-line\nl2\n", ["set", "bin"]).ok();
    let text = alice.git(["show"]).ok().text();
    assert!(text.contains("+value:\n+    the-first-line\n+    l2\n"), "{text}");
    let at = head(&alice);
    assert!(
        !alice
            .git(["cat-file", "-p", &format!("{at}:.covault/secrets/bin.age")])
            .ok()
            .text()
            .contains("the-first-line")
    );
}

#[test]
fn nobody_is_asked_for_a_passphrase_by_git() {
    if !have("script") {
        return;
    }
    let world = World::new();
    let alice = world.person("alice");
    super::on_terminal(&alice, &["pw", "pw"], &["init", "--name", "alice", "--vault-name", "x", "--passphrase"]).ok();
    super::on_terminal(&alice, &["pw", "", ""], &["set", "a", "user=app"]).ok();
    let said = alice.fed("script", b"", ["-qec", "git --no-pager show", "/dev/null"]);
    assert_eq!(said.code, 0, "{}", said.text());
    assert!(said.text().contains("needs its passphrase") && !said.text().contains("passphrase of"), "{}", said.text());
}
