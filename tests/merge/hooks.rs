//! Hooks that git runs within a `sync`: they are where they would be without covault.

use std::os::unix::fs::PermissionsExt as _;

use super::rig::Team;
use crate::cli::head;
use crate::world::Person;

/// What a test suite does that a hook runs: it makes a repository of its own and commits there.
const FIXTURE: &str = "cd \"$(mktemp -d)\" && git init -q . && git config user.email test@example.org && echo x >x \
                       && git add -A && git commit -qm fixture";

fn hook(person: &Person, name: &str) {
    let git_dir = person.git(["rev-parse", "--path-format=absolute", "--git-common-dir"]).ok().text();
    let path = std::path::Path::new(git_dir.trim()).join("hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{{ {FIXTURE}; }} >&2 && echo {name} >>\"$HOME/ran\"\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_hook_that_makes_a_repository_of_its_own_leaves_this_one_alone() {
    let by_merge: &[&str] = &["pre-push", "pre-merge-commit", "post-merge"];
    let by_rebase: &[&str] = &["pre-push", "post-checkout", "post-rewrite"];
    for (args, hooks) in [(&["sync"][..], by_merge), (&["sync", "--rebase"], by_rebase)] {
        let team = Team::new();
        let (alice, bob) = (&team.alice, &team.bob);
        hooks.iter().for_each(|name| hook(alice, name));
        let settings = alice.git(["config", "--local", "--list"]).ok().text();
        bob.covault(["set", "dev/db", "user=bob"]).ok();
        bob.covault(["sync"]).ok();
        alice.set("dev/db", "written by alice");
        std::fs::write(alice.repo.join("draft.txt"), "not for anybody yet\n").unwrap();
        let said = alice.covault(args).ok();
        let ran = std::fs::read_to_string(alice.home.join("ran")).unwrap_or_default();
        hooks.iter().for_each(|name| assert!(ran.lines().any(|line| line == *name), "{name}: {ran}{}", said.err));
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "?? draft.txt\n", "{args:?}");
        assert_eq!(alice.git(["config", "--local", "--list"]).ok().text(), settings, "{args:?}");
        assert!(!alice.git(["log", "--format=%s"]).ok().text().contains("fixture"), "{args:?}");
        bob.covault(["sync"]).ok();
        assert_eq!(head(alice), head(bob));
    }
}

#[test]
fn a_repository_whose_git_directory_lies_elsewhere_is_exchanged_all_the_same() {
    for way in ["a linked work tree", "a file that points there", "variables"] {
        let mut team = Team::new();
        let (alice, bob) = (&mut team.alice, &team.bob);
        bob.covault(["set", "dev/db", "user=bob"]).ok();
        bob.covault(["sync"]).ok();
        alice.set("dev/db", "written by alice");
        let elsewhere = alice.repo.with_file_name("elsewhere");
        let place = elsewhere.to_str().unwrap().to_owned();
        match way {
            "a linked work tree" => {
                alice.git(["checkout", "-q", "--detach"]).ok();
                alice.git(["worktree", "add", "-q", &place, "main"]).ok();
                alice.repo = elsewhere.join(".covault");
            }
            "variables" => {
                std::fs::rename(alice.repo.join(".git"), &elsewhere).unwrap();
                alice.vars.push(("GIT_DIR".to_owned(), place));
                alice.vars.push(("GIT_WORK_TREE".to_owned(), alice.repo.to_str().unwrap().to_owned()));
            }
            _ => drop(alice.git(["init", "-q", "--separate-git-dir", &place]).ok()),
        }
        alice.covault(["sync"]).ok();
        assert_eq!(alice.get("dev/db/user"), "bob", "{way}");
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "", "{way}");
        bob.covault(["sync"]).ok();
        assert_eq!(head(alice), head(bob), "{way}");
    }
}
