//! `verify --staged` and the hooks that run it: what they stop before it is a commit, and what they leave alone.

use std::path::PathBuf;

use super::{head, json, photo};
use crate::model::leak::random;
use crate::world::{Person, Said, World};

const BEGIN: &str = "# covault: begin";

fn write(person: &Person, file: &str, text: impl AsRef<[u8]>) {
    let path = person.repo.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn hook(person: &Person, name: &str) -> PathBuf {
    person.repo.join(".git/hooks").join(name)
}

#[cfg(unix)]
pub(super) fn script(person: &Person, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = hook(person, name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn hooked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", "for the database");
    alice.set("prod/api", "for the interface");
    alice.covault(["setup", "--hooks"]).ok();
    alice
}

/// A commit of everything; it comes or it does not.
#[track_caller]
fn commits(person: &Person, args: &[&str], comes: bool) -> Said {
    let before = head(person);
    let said = person.git([&["commit", "-q", "-m", "work"], args].concat());
    assert_eq!(head(person) != before, comes, "{}{}", said.text(), said.err);
    assert_eq!(said.code == 0, comes, "{}", said.err);
    said
}

/// Two branches that changed the same secret, and a merge of them that stopped.
fn conflicted(person: &Person) {
    person.git(["checkout", "-q", "-b", "side"]).ok();
    person.set("prod/db", "the side's new one");
    person.git(["checkout", "-q", "main"]).ok();
    person.set("prod/db", "the main one's new");
    person.git(["config", "merge.covault.driver", "false"]).ok();
    person.git(["merge", "-q", "side"]).exits(1);
}

#[test]
fn innocent_commits_pass_and_say_nothing() {
    let world = World::new();
    let alice = hooked(&world);
    write(&alice, "a", "1\n");
    alice.git(["add", "a"]).ok();
    let said = commits(&alice, &[], true);
    assert!(said.err.is_empty() && said.out.is_empty(), "{}{}", said.text(), said.err);
    write(&alice, "a", "2\n");
    commits(&alice, &["-a"], true);
    write(&alice, "a", "3\n");
    write(&alice, "README", "other\n");
    commits(&alice, &["a"], true);
    commits(&alice, &["--allow-empty"], true);
    commits(&alice, &["--amend", "--allow-empty", "-m", "amended"], true);
    // Covault's own, staged and by itself.
    alice.covault_fed(b"a new one", ["set", "prod/db", "--no-commit"]).ok();
    commits(&alice, &[], true);
    alice.set("prod/db", "once more");
    alice.git(["config", "covault.commit", "git"]).ok();
    alice.set("prod/db", "and through git");
    assert_eq!(alice.get("prod/db"), "and through git");
    // From a folder below, as git allows.
    write(&alice, "sub/b", "1\n");
    alice.git(["-C", "sub", "add", "b"]).ok();
    alice.git(["-C", "sub", "commit", "-q", "-m", "below"]).ok();
    assert!(alice.covault(["doctor"]).ok().text().contains("ok   hooks: each commit is checked"));
}

#[test]
fn who_has_no_identity_commits_and_is_checked_all_the_same() {
    let world = World::new();
    let alice = hooked(&world);
    let zoe = alice.clone_for(world.stranger("zoe"));
    zoe.covault(["setup", "--hooks"]).ok();
    write(&zoe, "a", "1\n");
    zoe.git(["add", "a"]).ok();
    let said = commits(&zoe, &[], true);
    assert!(said.err.is_empty(), "{}", said.err);
    write(&zoe, "a", format!("glpat-{}\n", random("abcdefghijkmnpqrstuvwxyz23456789", 20, 3)));
    commits(&zoe, &["-a"], false);
    zoe.git(["checkout", "-q", "a"]).ok();
    std::fs::copy(zoe.file("prod/api"), zoe.file("prod/db")).unwrap();
    let said = commits(&zoe, &["-a"], false);
    assert!(said.err.contains("[path] .covault/secrets/prod/db.age"), "{}", said.err);
}

#[test]
fn a_value_in_plaintext_stops_a_commit_of_every_kind() {
    let world = World::new();
    let alice = hooked(&world);
    write(&alice, "a", "1\n");
    alice.git(["add", "a"]).ok();
    commits(&alice, &[], true);
    write(&alice, "a", "url=for the database\n");
    let stopped = |args: &[&str]| {
        let said = commits(&alice, args, false);
        assert!(
            said.err.contains("a:1:5: the value of prod/db/value") && said.err.contains("--no-verify"),
            "{}",
            said.err
        );
        assert!(!said.err.contains("for the database"), "{}", said.err);
    };
    // With an index of their own, and with the repository's.
    stopped(&["-a"]);
    stopped(&["a"]);
    stopped(&["--include", "a"]);
    alice.git(["add", "a"]).ok();
    stopped(&[]);
    commits(&alice, &["--no-verify"], true);
    // What was committed is no news.
    write(&alice, "a", "url=for the database\nmore\n");
    commits(&alice, &["-a"], true);
}

#[test]
fn a_forged_secret_an_old_one_and_a_missing_one_stop_a_commit() {
    let world = World::new();
    let alice = hooked(&world);
    let (first, file) = (head(&alice), ".covault/secrets/prod/db.age");
    alice.set("prod/db", "a new value");
    let stopped = |code: &str| {
        let said = commits(&alice, &["-a"], false);
        assert!(said.err.contains(&format!("[{code}] ")), "{}", said.err);
        assert!(said.err.contains("error: ") || said.err.contains("NOT GOOD"), "{}", said.err);
        said.err
    };
    std::fs::copy(alice.file("prod/api"), alice.file("prod/db")).unwrap();
    stopped("path");
    std::fs::write(alice.file("prod/db"), "plaintext").unwrap();
    stopped("form");
    alice.git(["checkout", "-q", &first, "--", file]).ok();
    let said = stopped("rollback");
    assert!(
        said.contains(&format!("hint: put it back with: git restore --source=HEAD --staged --worktree -- :/{file}")),
        "{said}"
    );
    alice.git(["restore", "--source=HEAD", "--staged", "--worktree", "--", file]).ok();
    std::fs::remove_file(alice.file("prod/db")).unwrap();
    stopped("removed");
    alice.git(["checkout", "-q", "HEAD", "--", file]).ok();
    let roster = alice.repo.join(".covault/roster.toml");
    let bytes = std::fs::read(&roster).unwrap();
    std::fs::write(&roster, [bytes.as_slice(), b"\n"].concat()).unwrap();
    stopped("roster");
    std::fs::remove_file(&roster).unwrap();
    stopped("roster-rollback");
    std::fs::write(&roster, bytes).unwrap();
    commits(&alice, &["-a", "--allow-empty"], true);
    // The whole vault.
    alice.git(["rm", "-rq", ".covault"]).ok();
    let said = commits(&alice, &[], false);
    assert!(said.err.contains("roster-rollback"), "{}", said.err);
}

#[test]
fn a_merge_that_drops_one_side_is_stopped_before_it_is_a_commit() {
    let world = World::new();
    let alice = hooked(&world);
    conflicted(&alice);
    let file = ".covault/secrets/prod/db.age";
    // As long as it is contested there is nothing to judge.
    let said = json(&alice.covault(["verify", "--staged", "--json"]).ok());
    assert_eq!((&said["vaults"][0]["contested"][0], &said["good"]), (&file.into(), &true.into()));
    for (side, lost) in [("--ours", "side"), ("--theirs", "main")] {
        alice.git(["checkout", "-q", "-m", "--", file]).ok();
        alice.git(["checkout", "-q", side, "--", file]).ok();
        alice.git(["add", file]).ok();
        let said = commits(&alice, &[], false);
        let dropped = alice.git(["rev-parse", lost]).ok().text();
        assert!(
            said.err.contains(&format!(
                "[rollback] {file}: this merge dropped revision 2 by alice, which {}",
                &dropped[..7]
            )),
            "{}",
            said.err
        );
        let hint = format!("join it in with: covault resolve prod/db --from {}", &dropped[..16]);
        assert!(said.err.contains(&hint), "{}", said.err);
    }
    // What the hint says.
    alice.covault(["resolve", "prod/db", "--from", "main"]).ok();
    commits(&alice, &[], true);
    assert_eq!(alice.git(["rev-list", "--parents", "-1", "HEAD"]).ok().text().split_whitespace().count(), 3);
    alice.covault(["verify", "--history"]).ok();
}

#[test]
fn a_merge_that_git_makes_by_itself_is_checked_against_both_sides() {
    let world = World::new();
    let alice = hooked(&world);
    alice.git(["checkout", "-q", "-b", "side"]).ok();
    alice.set("prod/db", "the side's new one");
    alice.git(["checkout", "-q", "main"]).ok();
    alice.set("prod/api", "the main one's new");
    alice.git(["branch", "start"]).ok();
    // Both are kept.
    alice.git(["merge", "-q", "-m", "merged", "side"]).ok();
    // One side is dropped by the strategy.
    alice.git(["reset", "-q", "--hard", "start"]).ok();
    let said = alice.git(["merge", "-s", "ours", "-m", "merged", "side"]);
    assert!(
        said.code != 0 && said.err.contains("[rollback] .covault/secrets/prod/db.age: this merge dropped"),
        "{}",
        said.err
    );
    assert_eq!(head(&alice), alice.git(["rev-parse", "start"]).ok().text().trim());
    alice.git(["merge", "--abort"]).ok();
    alice.git(["merge", "-q", "--no-verify", "-s", "ours", "-m", "merged", "side"]).ok();
    alice.covault(["verify", "--history"]).exits(6);
}

#[test]
fn verify_staged_judges_the_index_and_not_the_work_tree() {
    let world = World::new();
    let alice = hooked(&world);
    let good = std::fs::read(alice.file("prod/db")).unwrap();
    std::fs::write(alice.file("prod/db"), "plaintext").unwrap();
    alice.covault(["verify"]).exits(6);
    alice.covault(["verify", "--staged"]).ok();
    alice.git(["add", "-A"]).ok();
    std::fs::write(alice.file("prod/db"), good).unwrap();
    alice.covault(["verify"]).ok();
    let before = photo(&alice.repo.join(".git"));
    let said = json(&alice.covault(["verify", "--staged", "--json"]).exits(6));
    super::same(&before, &photo(&alice.repo.join(".git")));
    let vault = &said["vaults"][0];
    assert_eq!((&vault["folder"], &vault["findings"][0]["code"]), (&".covault".into(), &"form".into()));
    assert!(vault["findings"].as_array().unwrap().iter().all(|finding| finding["commit"].is_null()), "{vault}");
    assert!(alice.covault(["verify", "--staged"]).exits(6).text().contains("NOT GOOD: "));
    assert!(alice.covault(["verify", "--staged", "--quiet"]).exits(6).text().contains("[form] "));
    alice.covault(["verify", "--staged", "--at", "HEAD"]).exits(2);
    alice.git(["reset", "-q"]).ok();
    assert!(alice.covault(["verify", "--staged"]).ok().text().contains("good: vault acme"));
    let quiet = alice.covault(["verify", "--staged", "--quiet"]).ok();
    assert!(quiet.out.is_empty() && quiet.err.is_empty(), "{}{}", quiet.text(), quiet.err);
    // Another vault than the one to expect.
    let mut alice = alice;
    alice.vars.push(("COVAULT_VAULT".to_owned(), "0".repeat(64)));
    alice.covault(["verify", "--staged"]).exits(6);
}

#[test]
fn every_vault_of_a_repository_is_judged_and_a_branch_without_one_passes() {
    let world = World::new();
    let alice = world.person("alice");
    for place in ["api", "web"] {
        std::fs::create_dir_all(alice.repo.join(place)).unwrap();
        alice
            .covault(["-C", place, "init", "--here", "--name", "alice", "--vault-name", place, "--device", "laptop"])
            .ok();
        alice.covault_fed(b"some value", ["-C", place, "set", "db"]).ok();
    }
    alice.covault(["-C", "api", "setup", "--hooks"]).ok();
    std::fs::write(alice.repo.join("web/.covault/secrets/db.age"), "plaintext").unwrap();
    let said = commits(&alice, &["-a"], false);
    assert!(said.err.contains("[form] web/.covault/secrets/db.age"), "{}", said.err);
    alice.git(["checkout", "-q", "."]).ok();
    alice.git(["checkout", "-q", "--orphan", "pages"]).ok();
    alice.git(["rm", "-rfq", "."]).ok();
    write(&alice, "index.html", "<p>hello</p>\n");
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-q", "-m", "pages"]).ok();
}

#[test]
fn linked_work_trees_share_the_hooks() {
    let world = World::new();
    let mut alice = hooked(&world);
    let other = world.path().join("other tree");
    alice.git(["worktree", "add", "-q", "-b", "other", other.to_str().unwrap()]).ok();
    alice.repo = other;
    write(&alice, "a", "1\n");
    alice.git(["add", "a"]).ok();
    commits(&alice, &[], true);
    write(&alice, "a", "for the database\n");
    let said = commits(&alice, &["-a"], false);
    assert!(said.err.contains("a:1:1: the value of prod/db/value"), "{}", said.err);
    std::fs::write(alice.file("prod/db"), "plaintext").unwrap();
    let said = commits(&alice, &["-a"], false);
    assert!(said.err.contains("[form] .covault/secrets/prod/db.age"), "{}", said.err);
    alice.covault(["setup", "--undo"]).ok();
    commits(&alice, &["-a"], true);
}

#[cfg(unix)]
#[test]
fn a_shell_hook_that_is_there_runs_too_and_comes_back_byte_for_byte() {
    let world = World::new();
    let alice = hooked(&world);
    alice.covault(["setup", "--undo"]).ok();
    for first in ["#!/bin/sh", "#! /bin/sh -eu", "#!/usr/bin/env bash", "#!/bin/dash"] {
        let text = format!("{first}\necho ran >>.git/ran\nexit 0\n# no line end");
        script(&alice, "pre-commit", &text);
        let before = photo(&alice.repo.join(".git/hooks"));
        alice.covault(["setup", "--hooks"]).ok();
        let now = std::fs::read_to_string(hook(&alice, "pre-commit")).unwrap();
        assert!(now.starts_with(&format!("{first}\n{BEGIN}")) && now.ends_with("# no line end"), "{now}");
        alice.covault(["setup", "--hooks"]).ok();
        assert_eq!(std::fs::read_to_string(hook(&alice, "pre-commit")).unwrap(), now, "written twice");
        commits(&alice, &["--allow-empty"], true);
        assert_eq!(std::fs::read_to_string(alice.repo.join(".git/ran")).unwrap(), "ran\n");
        std::fs::remove_file(alice.repo.join(".git/ran")).unwrap();
        write(&alice, "leak", "for the database\n");
        alice.git(["add", "leak"]).ok();
        commits(&alice, &[], false);
        alice.git(["rm", "-fq", "leak"]).ok();
        alice.covault(["setup", "--undo"]).ok();
        super::same(&before, &photo(&alice.repo.join(".git/hooks")));
    }
    assert!(!alice.repo.join(".git/ran").exists());
    // Theirs still decides.
    script(&alice, "pre-commit", "#!/bin/sh\nexit 1\n");
    alice.covault(["setup", "--hooks"]).ok();
    commits(&alice, &["--allow-empty"], false);
}

#[cfg(unix)]
#[test]
fn setup_undo_takes_out_what_it_put_in() {
    let world = World::new();
    let alice = world.founder("alice");
    let before = photo(&alice.repo.join(".git/hooks"));
    alice.covault(["setup", "--hooks"]).ok();
    assert!(hook(&alice, "pre-commit").exists() && hook(&alice, "pre-merge-commit").exists());
    alice.covault(["setup", "--undo"]).ok();
    super::same(&before, &photo(&alice.repo.join(".git/hooks")));
    assert_eq!(alice.git(["config", "covault.hooks"]).exits(1).text(), "");
    // Lines that somebody wrote into a file of ours are theirs.
    alice.covault(["setup", "--hooks"]).ok();
    let ours = std::fs::read_to_string(hook(&alice, "pre-commit")).unwrap();
    std::fs::write(hook(&alice, "pre-commit"), format!("{ours}echo mine\n")).unwrap();
    alice.covault(["setup", "--undo"]).ok();
    assert_eq!(std::fs::read_to_string(hook(&alice, "pre-commit")).unwrap(), "#!/bin/sh\necho mine\n");
    assert!(!hook(&alice, "pre-merge-commit").exists());
}

#[cfg(unix)]
#[test]
fn hooks_that_others_keep_are_left_alone_and_the_lines_are_printed() {
    let world = World::new();
    let alice = world.founder("alice");
    let left = |what: &str| {
        let before = photo(&alice.repo.join(".git/hooks"));
        let said = alice.covault(["setup", "--hooks"]).exits(7);
        super::same(&before, &photo(&alice.repo.join(".git/hooks")));
        assert!(said.err.contains(what), "{what}: {}", said.err);
        assert!(
            said.text().contains("covault verify --staged --quiet") && said.text().contains("covault scan --staged")
        );
        assert_eq!(said.text().matches("COVAULT_NO_INPUT").count(), said.text().matches("--staged").count());
        assert!(alice.covault(["doctor"]).ok().text().contains("hooks: not asked for"));
        said.text()
    };
    script(&alice, "pre-commit", "#!/usr/bin/env python3\nprint('mine')\n");
    left("there is a pre-commit hook already, and it is no shell script");
    std::fs::remove_file(hook(&alice, "pre-commit")).unwrap();
    std::fs::write(hook(&alice, "pre-merge-commit"), "#!/bin/sh\necho off\n").unwrap();
    left("it is switched off: not executable");
    std::fs::remove_file(hook(&alice, "pre-merge-commit")).unwrap();
    std::os::unix::fs::symlink("../../README", hook(&alice, "pre-commit")).unwrap();
    left("it is a link");
    std::fs::remove_file(hook(&alice, "pre-commit")).unwrap();
    alice.git(["config", "core.hooksPath", "tools/hooks"]).ok();
    left("git takes its hooks from tools/hooks (core.hooksPath); add this in tools/hooks/pre-commit");
    alice.git(["config", "core.hooksPath", ".git/hooks"]).ok();
    for (sign, name, piece) in [
        (".husky/pre-commit", "husky", "covault scan --staged --quiet"),
        ("lefthook.yml", "lefthook", "pre-merge-commit:\n  commands:"),
        (".pre-commit-config.yaml", "pre-commit", "pass_filenames: false"),
        (".overcommit.yml", "overcommit", "PreCommit:"),
    ] {
        write(&alice, sign, "");
        let snippet = left(&format!("{name} keeps the hooks of this repository"));
        assert!(snippet.contains(piece), "{snippet}");
        std::fs::remove_file(alice.repo.join(sign)).unwrap();
        let _ = std::fs::remove_dir(alice.repo.join(".husky"));
    }
    // A setting that names git's own folder is none.
    alice.covault(["setup", "--hooks"]).ok();
    let said = json(&alice.covault(["setup", "--hooks", "--json"]).ok());
    assert_eq!((&said["hooks"], &said["snippet"]), (&true.into(), &serde_json::Value::Null));
}

#[cfg(unix)]
#[test]
fn hooks_find_a_program_that_moved_and_stop_where_there_is_none() {
    let world = World::new();
    let alice = hooked(&world);
    let program = env!("CARGO_BIN_EXE_covault");
    let elsewhere = world.path().join("it's gone/covault");
    for name in ["pre-commit", "pre-merge-commit"] {
        let text = std::fs::read_to_string(hook(&alice, name)).unwrap();
        assert!(text.contains(program));
        std::fs::write(hook(&alice, name), text.replace(program, "/nowhere/covault")).unwrap();
    }
    assert!(alice.covault(["doctor"]).ok().text().contains("look hooks: set up for another program's path"));
    let said = commits(&alice, &["--allow-empty"], false);
    assert!(said.err.contains("covault is not installed") && said.err.contains("--no-verify"), "{}", said.err);
    commits(&alice, &["--allow-empty", "--no-verify"], true);
    // On PATH.
    std::fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(program, &elsewhere).unwrap();
    let path = format!("{}:{}", elsewhere.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut alice = alice;
    alice.vars.push(("PATH".to_owned(), path));
    commits(&alice, &["--allow-empty"], true);
    // setup and doctor --fix put the right one in again.
    alice.covault(["doctor", "--fix"]).ok();
    assert!(std::fs::read_to_string(hook(&alice, "pre-commit")).unwrap().contains(program));
    assert!(alice.covault(["doctor"]).ok().text().contains("ok   hooks: each commit is checked"));
    std::fs::remove_file(hook(&alice, "pre-merge-commit")).unwrap();
    assert!(alice.covault(["doctor"]).exits(8).text().contains("BAD  hooks: pre-merge-commit checks nothing any more"));
    alice.git(["config", "core.hooksPath", "elsewhere"]).ok();
    assert!(alice.covault(["doctor"]).exits(8).text().contains("runs none of ours"));
}

#[cfg(unix)]
/// This build's program, for hooks that look for it.
fn on_path(person: &mut Person) {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    person.vars.push(("PATH".to_owned(), path));
}

#[cfg(unix)]
#[test]
fn the_lines_that_others_are_given_stop_a_commit_wherever_they_stand() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mut alice = world.founder("alice");
    let file = ".covault/secrets/prod/db.age";
    alice.set("prod/db", "for the database");
    let first = head(&alice);
    alice.set("prod/db", "for the database, anew");
    alice.git(["config", "core.hooksPath", "tools/hooks"]).ok();
    let lines = alice.covault(["setup", "--hooks"]).exits(7).text();
    // Something else follows, and is content.
    let theirs = "tools/hooks/pre-commit";
    write(&alice, theirs, format!("#!/bin/sh\n{lines}echo ran >>.git/ran\n"));
    std::fs::set_permissions(alice.repo.join(theirs), std::fs::Permissions::from_mode(0o755)).unwrap();
    on_path(&mut alice);
    alice.git(["add", "-A"]).ok();
    commits(&alice, &[], true);
    assert_eq!(std::fs::read_to_string(alice.repo.join(".git/ran")).unwrap(), "ran\n");
    alice.git(["checkout", "-q", &first, "--", file]).ok();
    let said = commits(&alice, &[], false);
    assert!(said.err.contains("[rollback] "), "{}", said.err);
    alice.git(["restore", "--source=HEAD", "--staged", "--worktree", "--", file]).ok();
    write(&alice, "a", "for the database, anew\n");
    alice.git(["add", "a"]).ok();
    let said = commits(&alice, &[], false);
    assert!(said.err.contains("a:1:1: the value of prod/db/value"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(alice.repo.join(".git/ran")).unwrap(), "ran\n");
}

#[cfg(unix)]
#[test]
fn where_git_runs_no_hooks_none_is_put_in_and_a_folder_that_is_not_made_yet_is_gits_own() {
    let world = World::new();
    let alice = hooked(&world);
    write(&alice, "a", "for the database\n");
    alice.git(["add", "a"]).ok();
    alice.git(["config", "core.hooksPath", ""]).ok();
    // Git says so itself.
    commits(&alice, &[], true);
    let said = alice.covault(["setup", "--hooks"]).exits(7);
    assert!(
        said.err.contains("core.hooksPath is empty") && said.err.contains("git config --unset core.hooksPath"),
        "{}",
        said.err
    );
    assert!(alice.covault(["doctor"]).exits(8).text().contains("core.hooksPath is empty"));
    std::fs::remove_dir_all(alice.repo.join(".git/hooks")).unwrap();
    alice.git(["config", "core.hooksPath", ".git/hooks"]).ok();
    alice.covault(["setup", "--hooks"]).ok();
    write(&alice, "a", "more for the database\n");
    commits(&alice, &["-a"], false);
}

#[test]
fn setup_undo_takes_all_of_it_back_where_the_vaults_are_gone() {
    let world = World::new();
    let alice = world.person("alice");
    let config = || std::fs::read_to_string(alice.repo.join(".git/config")).unwrap();
    let before = config();
    for place in ["api", "web"] {
        std::fs::create_dir_all(alice.repo.join(place)).unwrap();
        alice
            .covault(["-C", place, "init", "--here", "--name", "alice", "--vault-name", place, "--device", "laptop"])
            .ok();
    }
    alice.covault(["-C", "api", "setup", "--hooks"]).ok();
    assert!(config().contains("[covault \"api\"]") && config().contains("[covault \"web\"]"), "{}", config());
    alice.git(["rm", "-rq", "api", "web"]).ok();
    alice.git(["commit", "-q", "--no-verify", "-m", "without"]).ok();
    let said = alice.covault(["setup", "--undo"]).ok();
    assert!(said.err.contains("taken back"), "{}", said.err);
    assert_eq!(config().trim_end(), before.trim_end());
    assert_eq!(std::fs::read_to_string(alice.repo.join(".git/info/attributes")).unwrap_or_default(), "");
    assert!(!hook(&alice, "pre-commit").exists() && !hook(&alice, "pre-merge-commit").exists());
    assert!(alice.covault(["setup", "--undo"]).ok().err.contains("nothing to take back"));
}
