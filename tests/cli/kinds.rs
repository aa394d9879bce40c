//! Kinds and states of repositories, seen from the command line.

use super::{head, json};
use crate::world::{Person, World};

/// alice, with her repository made by `git init ARGS`.
fn founder_in(world: &World, args: &[&str]) -> Person {
    let alice = world.stranger("alice");
    std::fs::create_dir_all(&alice.repo).unwrap();
    alice.git([&["init", "-q", "-b", "main"], args].concat()).ok();
    alice
}

fn a_day(alice: &Person) {
    alice.covault(["init", "--name", "alice", "--vault-name", "acme"]).ok();
    alice.set("prod/db", "1");
    alice.set("prod/db", "2");
    assert_eq!((alice.get("prod/db"), alice.get("prod/db@1")), ("2".to_owned(), "1".to_owned()));
    alice.covault(["restore", "prod/db"]).ok();
    alice.covault(["mv", "prod/db", "db"]).ok();
    assert_eq!(alice.get("db"), "1");
    assert_eq!(alice.covault(["log", "prod/db"]).ok().text().lines().count(), 4);
    assert!(alice.covault(["diff", "HEAD~1", "--", "db"]).ok().text().contains("db (added)"));
    assert!(alice.git(["log", "-p", "--", ".covault/secrets"]).ok().text().contains("+value: 2"));
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    alice.git(["fsck", "--strict"]).ok();
    alice.covault(["status", "--check"]).ok();
    alice.covault(["doctor"]).ok();
}

#[test]
fn sha256_reftable_and_unborn_branches_serve_a_whole_day() {
    for args in [&["--object-format=sha256"][..], &["--ref-format=reftable"], &[]] {
        let world = World::new();
        let alice = founder_in(&world, args);
        a_day(&alice);
    }
}

#[test]
fn an_unborn_branch_keeps_what_was_staged_before_the_first_commit() {
    let world = World::new();
    let alice = founder_in(&world, &[]);
    std::fs::write(alice.repo.join("mine"), "x").unwrap();
    alice.git(["add", "mine"]).ok();
    alice.covault(["init", "--name", "alice", "--no-commit"]).ok();
    alice.covault_fed(b"1", ["set", "a", "--no-commit"]).ok();
    assert_eq!(alice.get("a"), "1");
    assert_eq!(alice.covault(["log"]).ok().text(), "");
    assert!(alice.covault(["diff"]).ok().text().contains("a (added)"));
    alice.covault(["status"]).ok();
    alice.set("a", "2");
    let files = alice.git(["ls-tree", "-r", "--name-only", "HEAD"]).ok().text();
    assert!(!files.contains("mine") && files.contains(".covault/secrets/a.age"), "{files}");
    assert!(alice.git(["status", "--porcelain"]).ok().text().contains("A  mine"));
}

#[test]
fn a_linked_work_tree_is_as_good_as_the_first() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a", "1");
    let main = alice.repo.clone();
    let linked = world.path().join("linked tree");
    alice.git(["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]).ok();
    alice.repo = linked;
    assert_eq!(alice.get("a"), "1");
    alice.set("a", "2");
    assert!(alice.git(["show"]).ok().text().contains("+value: 2"));
    alice.covault(["doctor"]).ok();
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    alice.repo = main;
    assert_eq!(alice.get("a"), "1");
    assert_eq!(alice.get("a@side"), "2");
}

#[test]
fn a_detached_head_moves_and_no_branch_does() {
    let world = World::new();
    let alice = world.founder("alice");
    let main = head(&alice);
    alice.git(["checkout", "-q", "--detach"]).ok();
    alice.set("a", "1");
    assert_eq!(alice.git(["rev-parse", "main"]).ok().text().trim(), main);
    assert_ne!(head(&alice), main);
    alice.git(["symbolic-ref", "-q", "HEAD"]).exits(1);
}

#[test]
fn sparse_shallow_and_partial_clones_read_and_write() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.set("b/c", "1");
    alice.set("a", "2");
    alice.git(["config", "uploadpack.allowFilter", "true"]).ok();
    alice.git(["config", "uploadpack.allowAnySHA1InWant", "true"]).ok();
    let url = format!("file://{}", alice.repo.display());
    for (n, args) in
        [&["--depth=1"][..], &["--filter=blob:none"], &["--filter=tree:0"], &["--sparse"]].iter().enumerate()
    {
        let mut bob = world.stranger(&format!("bob{n}"));
        bob.home = alice.home.clone();
        bob.git([&["clone", "-q"], *args, &[&url, bob.repo.to_str().unwrap()]].concat()).ok();
        if args == &["--sparse"] {
            bob.git(["sparse-checkout", "set", "--cone", "docs"]).ok();
            assert!(!bob.file("b/c").exists());
        }
        assert_eq!((bob.get("a"), bob.get("b/c")), ("2".to_owned(), "1".to_owned()), "{args:?}");
        assert_eq!(bob.covault(["ls"]).ok().text(), "a\nb/c\n");
        bob.set("a", "3");
        bob.set("b/c", "4");
        bob.set("b/d", "5");
        assert_eq!((bob.get("a"), bob.get("b/c"), bob.get("b/d")), ("3".to_owned(), "4".to_owned(), "5".to_owned()));
        bob.covault(["log", "--fields"]).ok();
        bob.covault(["status"]).ok();
        bob.covault(["diff", "HEAD~3"]).ok();
        if !args.contains(&"--depth=1") {
            assert_eq!(bob.get("a@1"), "1");
        }
        assert_eq!(bob.git(["status", "--porcelain"]).ok().text(), "", "{args:?}");
        // The commit is complete: it can be taken back.
        alice.git(["fetch", "-q", bob.repo.to_str().unwrap(), "HEAD"]).ok();
        assert!(alice.git(["show", "FETCH_HEAD", "--stat"]).ok().text().contains("b/d.age"));
    }
}

#[test]
fn while_git_is_in_the_middle_of_something_changes_are_only_staged() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "0");
    std::fs::write(alice.repo.join("f"), "base\n").unwrap();
    alice.git(["add", "f"]).ok();
    alice.git(["commit", "-qm", "f"]).ok();
    alice.git(["checkout", "-qb", "side"]).ok();
    std::fs::write(alice.repo.join("f"), "side\n").unwrap();
    alice.git(["commit", "-qam", "side"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    std::fs::write(alice.repo.join("f"), "main\n").unwrap();
    alice.git(["commit", "-qam", "main"]).ok();
    let at = head(&alice);
    for (begin, end, what) in [
        (&["merge", "side"][..], &["merge", "--abort"][..], "a merge is in progress"),
        (&["rebase", "side"], &["rebase", "--abort"], "a rebase is in progress"),
        (&["cherry-pick", "side"], &["cherry-pick", "--abort"], "a cherry-pick is in progress"),
        (&["bisect", "start"], &["bisect", "reset"], "a bisect is in progress"),
    ] {
        alice.git(begin);
        let now = head(&alice);
        let said = alice.covault_fed(what.as_bytes(), ["set", "a"]).ok();
        assert!(said.err.contains(&format!("staged, not committed ({what})")), "{}", said.err);
        assert_eq!(head(&alice), now);
        assert_eq!(alice.get("a"), what);
        assert!(alice.covault(["status"]).ok().text().contains(what));
        assert!(alice.git(["diff", "--cached", "--name-only"]).ok().text().contains("a.age"));
        alice.git(["restore", "--staged", "--worktree", "--source", &at, "--", ".covault"]).ok();
        alice.git(end).ok();
        assert_eq!((head(&alice), alice.get("a")), (at.clone(), "0".to_owned()), "{what}");
    }
    std::fs::create_dir(alice.repo.join(".jj")).unwrap();
    let said = json(&alice.covault_fed(b"1", ["set", "a", "--json"]).ok());
    assert!(said["staged"] == "jj keeps this work tree" && head(&alice) == at, "{said}");
}

#[test]
fn in_a_hook_of_git_commit_changes_go_into_that_commit() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "0");
    let hook = alice.repo.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let text = format!("#!/bin/sh\ndate +%N | '{}' set a\n", env!("CARGO_BIN_EXE_covault"));
    std::fs::write(&hook, text).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (n, args) in [&["commit", "-qm", "m"][..], &["commit", "-qam", "m"]].iter().enumerate() {
        std::fs::write(alice.repo.join("README"), n.to_string()).unwrap();
        if n == 0 {
            alice.git(["add", "README"]).ok();
        }
        let before = head(&alice);
        let said = alice.git(*args).ok();
        assert!(said.err.contains("staged, not committed (a commit is in progress)"), "{}", said.err);
        assert_eq!(alice.git(["rev-parse", "HEAD~1"]).ok().text().trim(), before, "one commit, git's own");
        assert_eq!(alice.get("a@HEAD"), alice.get("a"), "{args:?}");
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "", "{args:?}");
    }
    // The index of a commit of some files is thrown away: the next commit would bring the old value back.
    let linked = alice.repo.with_file_name("linked");
    alice.git(["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]).ok();
    for top in [alice.repo.clone(), linked] {
        let alice = Person { repo: top, ..world.stranger("alice") };
        std::fs::write(alice.repo.join("README"), "some file\n").unwrap();
        let (before, value) = (head(&alice), alice.get("a"));
        let said = alice.git(["commit", "-qm", "m", "README"]).exits(1);
        assert!(said.err.contains("git commits only some files") && said.err.contains("\nhint: "), "{}", said.err);
        assert_eq!((head(&alice), alice.get("a")), (before, value.clone()));
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), " M README\n");
        // Reading works, and what is written before is in the next commit and the ones that follow.
        alice.set("a", "before");
        alice.git(["commit", "-qnm", "m", "README"]).ok();
        alice.git(["commit", "-qnm", "m", "--allow-empty"]).ok();
        assert_eq!(alice.get("a@HEAD"), "before");
    }
}

#[test]
fn git_aliases_and_rebases_can_use_secrets() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.set("b", "2");
    std::fs::create_dir(alice.repo.join("sub")).unwrap();
    let alias = format!("alias.cv=!'{}' get a", env!("CARGO_BIN_EXE_covault"));
    assert_eq!(alice.git(["-C", "sub", "-c", &alias, "cv"]).ok().text(), "1");
    let line = format!("'{}' get a", env!("CARGO_BIN_EXE_covault"));
    assert_eq!(alice.git(["rebase", "-q", "-x", &line, "HEAD~1"]).ok().text(), "1");
    let linked = world.path().join("linked");
    alice.git(["worktree", "add", "-q", linked.to_str().unwrap()]).ok();
    assert_eq!(alice.git(["-C", linked.to_str().unwrap(), "-c", &alias, "cv"]).ok().text(), "1");
}

#[test]
fn what_the_person_staged_changed_and_left_lying_stays_as_it_was() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "0");
    for file in ["staged", "both", "changed", "gone", ".gitattributes"] {
        let text = std::fs::read_to_string(alice.repo.join(file)).unwrap_or_default();
        std::fs::write(alice.repo.join(file), format!("{text}# base\n")).unwrap();
    }
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-qm", "work"]).ok();
    let put = |file: &str, text: &str| std::fs::write(alice.repo.join(file), text).unwrap();
    put("staged", "s");
    put("both", "one");
    put("new", "n");
    alice.git(["add", "staged", "both", "new"]).ok();
    alice.git(["rm", "-q", "--cached", "gone"]).ok();
    put("both", "two");
    put("changed", "c");
    put("untracked", "u");
    let status = alice.git(["status", "--porcelain"]).ok().text();
    let cached = alice.git(["diff", "--cached"]).ok().text();
    for args in [&["set", "a"][..], &["set", "b/c"], &["rm", "a"], &["restore", "a"], &["mv", "a", "d"]] {
        alice.covault_fed(b"v", args).ok();
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), status, "{args:?}");
        assert_eq!(alice.git(["diff", "--cached"]).ok().text(), cached, "{args:?}");
        let files = alice.git(["show", "--format=", "--name-only"]).ok().text();
        assert!(files.lines().all(|file| file.starts_with(".covault/")), "{files}");
    }
}

#[test]
fn commits_are_signed_where_the_person_signs() {
    let world = World::new();
    let alice = world.founder("alice");
    let key = world.path().join("sign key");
    alice.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    let public = std::fs::read_to_string(world.path().join("sign key.pub")).unwrap();
    std::fs::write(world.path().join("allowed"), format!("alice@example.org {public}")).unwrap();
    alice.git(["config", "gpg.format", "ssh"]).ok();
    alice.git(["config", "user.signingkey", key.to_str().unwrap()]).ok();
    alice.git(["config", "gpg.ssh.allowedSignersFile", world.path().join("allowed").to_str().unwrap()]).ok();
    alice.git(["config", "commit.gpgsign", "true"]).ok();
    alice.set("a", "1");
    let said = alice.git(["verify-commit", "HEAD"]).ok();
    assert!(said.err.contains("Good \"git\" signature for alice@example.org"), "{}", said.err);
    std::fs::remove_file(&key).unwrap();
    let at = head(&alice);
    let said = alice.covault_fed(b"2", ["set", "a"]).exits(1);
    assert!(said.err.contains("could not be signed; the change is staged") && head(&alice) == at, "{}", said.err);
}

#[test]
fn a_bare_repository_can_be_read_and_not_written() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a", "1");
    let bare = world.path().join("bare.git");
    alice.git(["clone", "-q", "--bare", alice.repo.to_str().unwrap(), bare.to_str().unwrap()]).ok();
    alice.repo = bare;
    assert_eq!(alice.get("a"), "1");
    assert_eq!(alice.covault(["ls"]).ok().text(), "a\n");
    alice.covault(["status"]).ok();
    alice.covault(["log"]).ok();
    let said = alice.covault_fed(b"2", ["set", "a"]).exits(1);
    assert!(said.err.contains("has no work tree") && said.err.contains("\nhint: "), "{}", said.err);
}

#[test]
fn several_vaults_below_are_listed_and_each_is_its_own() {
    let world = World::new();
    let alice = world.person("alice");
    for folder in ["api", "ein Ordner/wéb"] {
        std::fs::create_dir_all(alice.repo.join(folder)).unwrap();
        alice.covault(["-C", folder, "init", "--here", "--name", "alice", "--vault-name", "x"]).ok();
        alice.covault_fed(folder.as_bytes(), ["-C", folder, "set", "a"]).ok();
    }
    let said = alice.covault(["ls"]).exits(3);
    assert_eq!(
        said.err,
        "error: there is no vault above this folder, but below it: api, ein Ordner/wéb\nhint: name one with: covault -C api\n"
    );
    for folder in ["api", "ein Ordner/wéb"] {
        assert_eq!(alice.covault(["-C", folder, "get", "a"]).ok().text(), folder);
        alice.covault(["-C", folder, "doctor"]).ok();
        assert_eq!(json(&alice.covault(["-C", folder, "status", "--json"]).ok())["set_up"], true);
        alice.covault(["-C", folder, "run", "--from", "", "--", "true"]).ok();
    }
    let log = alice.git(["log", "-p"]).ok().text();
    assert!(log.contains("+value: api") && log.contains("+value: ein Ordner/wéb"), "{log}");
    let attributes = alice.git(["show", "HEAD:.gitattributes"]).ok().text();
    assert!(attributes.contains("**/.covault/secrets/** -text -merge diff=covault"), "{attributes}");
    // A secret of one vault in the other's folder is refused.
    std::fs::copy(
        alice.repo.join("api/.covault/secrets/a.age"),
        alice.repo.join("ein Ordner/wéb/.covault/secrets/a.age"),
    )
    .unwrap();
    alice.covault(["-C", "ein Ordner/wéb", "get", "a"]).exits(6);
}
