//! Branches without a vault, no branch at all, and clones that have not accepted theirs yet: what is said leads on.

use std::path::Path;

use super::hooks::script;
use super::{all_of, head, json, same};
use crate::world::{Person, World};

/// The words of a person's vault.
fn words(person: &Person) -> String {
    json(&person.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned()
}

/// A branch with a history and files of its own, checked out.
fn orphan(person: &Person, branch: &str) {
    person.git(["checkout", "-q", "--orphan", branch]).ok();
    person.git(["rm", "-rfq", "."]).ok();
    person.git(["commit", "-q", "--allow-empty", "-m", "pages"]).ok();
}

#[test]
fn a_branch_without_a_vault_names_the_one_that_has_it_and_starts_no_second() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("rv", "1");
    // By its name it comes before the trunk.
    alice.git(["branch", "-q", "aaa"]).ok();
    orphan(&alice, "pages");
    let elsewhere = |name: &str| {
        for args in [&["get", "rv"][..], &["join", "--name", "bob"], &["status"], &["setup"]] {
            let said = alice.covault(args).exits(3);
            assert_eq!(
                said.err,
                format!(
                    "error: there is no vault here: the branch pages has none, and {name} has one\n\
                     hint: go there with: git switch main\n"
                )
            );
        }
        let before = all_of(&alice);
        for args in [&[][..], &["--here"], &["--dry-run"]] {
            let said = alice.covault([&["init", "--name", "bob"], args].concat());
            assert_eq!((said.code, said.out.is_empty()), (2, true), "{}", said.err);
            assert!(said.err.contains(&format!("there is a vault already: .covault on {name}\n")), "{}", said.err);
            assert!(said.err.contains("hint: go there with: git switch main; "), "{}", said.err);
            assert!(said.err.contains("covault init --here") && said.err.contains("covault init --another"));
        }
        same(&before, &all_of(&alice));
    };
    elsewhere("main");
    // What only the remote has counts, too.
    alice.git(["branch", "-q", "-D", "main"]).ok();
    elsewhere("origin/main");
    // A folder may have a vault of its own, on any branch.
    std::fs::create_dir_all(alice.repo.join("site")).unwrap();
    alice.covault(["-C", "site", "init", "--here", "--name", "alice"]).ok();
    alice.covault_fed(b"of the site", ["-C", "site", "set", "a"]).ok();
    assert_eq!(alice.covault(["-C", "site", "get", "a"]).ok().text(), "of the site");
    alice.git(["switch", "-q", "main"]).ok();
    alice.covault(["who"]).ok();
    alice.git(["rm", "-rfq", ".covault"]).ok();
    let said = alice.covault(["init", "--name", "bob"]).exits(2);
    assert!(
        said.err.contains(".covault on HEAD\nhint: go there with: git checkout HEAD -- :/.covault"),
        "{}",
        said.err
    );
}

#[test]
fn a_branch_that_another_work_tree_has_is_not_switched_to() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("rv", "1");
    alice.git(["worktree", "add", "-q", "--detach", "../other work tree"]).ok();
    let there = alice.at("../other work tree");
    orphan(&there, "pages");
    let follow = |said: &crate::world::Said, before: &str| {
        let told = said.err.split(before).nth(1).unwrap_or_else(|| panic!("{}", said.err));
        there.fed("sh", b"", ["-ec", told]).ok();
    };
    let said = there.covault(["get", "rv"]).exits(3);
    assert!(said.err.ends_with("go there with: git switch --detach main\n"), "{}", said.err);
    follow(&said, "go there with: ");
    assert_eq!(there.get("rv"), "1");
    // What is to be put back on a branch is put back where it is checked out.
    there.git(["switch", "-q", "-c", "side"]).ok();
    let roster = alice.repo.join(".covault/roster.toml");
    let good = std::fs::read(&roster).unwrap();
    std::fs::write(&roster, [&good[..], b"# hi\n"].concat()).unwrap();
    alice.git(["commit", "-qam", "hi"]).ok();
    let said = there.covault(["get", "rv"]).exits(6);
    follow(&said, "put the good one back with: ");
    assert_eq!((there.get("rv"), alice.get("rv")), ("1".to_owned(), "1".to_owned()));
    assert_eq!(std::fs::read(&roster).unwrap(), good);
    assert_eq!(there.git(["symbolic-ref", "HEAD"]).ok().text(), "refs/heads/side\n");
}

#[test]
fn a_branchs_name_is_one_word_of_the_command_that_is_told() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.git(["branch", "-q", "-m", "$(touch${IFS}x)"]).ok();
    orphan(&alice, "pages");
    let said = alice.covault(["get", "rv"]).exits(3);
    assert!(said.err.ends_with("hint: go there with: git switch '$(touch${IFS}x)'\n"), "{}", said.err);
}

#[test]
fn a_second_vault_takes_the_firsts_place_only_when_told_to_and_words_bring_that_back() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("rv", "1");
    let first = words(&alice);
    orphan(&alice, "pages");
    let said = alice.covault(["init", "--another", "--name", "bob", "--vault-name", "other"]).ok();
    assert!(said.err.contains(&format!("in place of {first} (back: covault setup --vault {first})")), "{}", said.err);
    let id = |person: &Person| person.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let second = id(&alice);
    alice.git(["checkout", "-q", "main"]).ok();
    let refused = |alice: &Person, args: &[&str]| {
        let said = alice.covault(args).exits(6);
        assert!(said.err.contains("is another vault") && said.out.is_empty(), "{}", said.err);
        assert!(said.err.contains("covault setup --vault WORDS"), "{}", said.err);
        assert_eq!(id(alice), second);
    };
    for args in [&["get", "rv"][..], &["set", "rv", "x=1"], &["doctor"], &["setup"], &["setup", "--accept"]] {
        refused(&alice, args);
    }
    // Neither another's words nor what counts for every clone take the place of what was accepted in this one.
    refused(&alice, &["setup", "--vault", &second]);
    refused(&alice, &["setup", "--vault", "able-able-able-able-able-able"]);
    alice.vars.push(("COVAULT_VAULT".to_owned(), first.clone()));
    refused(&alice, &["get", "rv"]);
    refused(&alice, &["setup"]);
    alice.vars.clear();
    let said = alice.covault(["setup", "--vault", &first]).ok();
    assert!(said.err.contains(&format!("for the vault acme ({first}), in place of ")), "{}", said.err);
    assert_eq!(
        (alice.get("rv"), json(&alice.covault(["setup", "--json"]).ok())["before"].is_null()),
        ("1".into(), true)
    );
    // A branch with another vault than the trunk's is refused, whatever words are given: so an attacker's is.
    alice.git(["checkout", "-q", "pages"]).ok();
    let accepted = id(&alice);
    for args in [&["get", "rv"][..], &["setup"], &["setup", "--vault", &second]] {
        alice.covault(args).exits(6);
        assert_eq!(id(&alice), accepted);
    }
}

#[test]
fn a_commit_on_no_branch_is_said_and_how_it_is_kept() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("a", "1");
    let is_said = |text: &str| text.contains("no branch is checked out");
    let detached = |alice: &Person| json(&alice.covault(["status", "--json"]).ok())["detached"].clone();
    assert!(!is_said(&alice.covault(["status"]).ok().text()) && detached(&alice).is_null());
    alice.git(["checkout", "-q", "--detach"]).ok();
    let said = alice.covault_fed(b"x", ["set", "det1"]).ok();
    let commit = head(&alice)[..10].to_owned();
    assert!(is_said(&said.err) && said.err.contains(&format!("git branch NAME {commit}\n")), "{}", said.err);
    let status = alice.covault(["status"]).ok().text();
    assert!(is_said(&status) && status.contains(&format!("git branch NAME {commit})\n")), "{status}");
    assert_eq!(detached(&alice), commit.as_str());
    for args in [&["sync"][..], &["sync", "--dry-run"]] {
        let said = alice.covault(args).exits(2);
        assert!(said.err.starts_with("error: no branch is checked out, "), "{}", said.err);
        assert!(said.err.contains("\nhint: check one out with: git switch BRANCH; "), "{}", said.err);
        assert!(said.err.contains(&format!("git branch NAME {commit}\n")), "{}", said.err);
    }
    // As it is told.
    alice.git(["branch", "kept", &commit]).ok();
    alice.git(["switch", "-q", "kept"]).ok();
    assert_eq!(alice.get("det1"), "x");
    assert!(!is_said(&alice.covault_fed(b"2", ["set", "a"]).ok().err));
    // In the middle of a rebase it is as it should be.
    alice.git(["rebase", "-q", "--exec", "false", "HEAD~1"]).exits(1);
    let said = alice.covault_fed(b"3", ["set", "a"]).ok();
    assert!(said.err.contains("staged, not committed") && !is_said(&said.err), "{}", said.err);
    assert!(!is_said(&alice.covault(["status"]).ok().text()) && detached(&alice).is_null());
}

#[test]
fn without_a_key_it_is_said_how_a_vault_is_accepted() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "1");
    let words = words(&alice);
    let zoe = alice.clone_for(world.stranger("zoe"));
    let looking = [
        &["who", "prod/db"][..],
        &["who"],
        &["ls"],
        &["member", "ls"],
        &["group", "ls"],
        &["grant"],
        &["log"],
        &["status"],
        &["doctor"],
        &["expose"],
    ];
    let refused = || {
        for args in looking {
            let said = zoe.covault(args).exits(6);
            let hint = format!("hint: compare the words with a teammate, then: covault setup --vault {words}\n");
            assert!(
                said.err.contains("does not know the vault") && said.err.ends_with(&hint),
                "{args:?}: {}",
                said.err
            );
        }
    };
    refused();
    // Who wants to open something needs a key first.
    let said = zoe.covault(["get", "prod/db"]).exits(4);
    assert!(said.err.contains("no identity on this machine") && said.err.contains("covault join"), "{}", said.err);
    let said = zoe.covault(["setup"]).ok().err;
    assert!(said.contains("is not accepted yet") && said.contains("covault setup --vault WORDS"), "{said}");
    assert!(!said.contains("this clone") && !said.contains(&format!("--vault {words}")), "{said}");
    assert_eq!(json(&zoe.covault(["setup", "--json"]).ok())["accepted"], false);
    refused();
    let said = zoe.covault(["setup", "--vault", &words]).ok().err;
    assert!(said.contains(&format!("this clone set up for the vault acme ({words})\n")), "{said}");
    for args in looking {
        // That there is no identity is what `doctor` finds.
        zoe.covault(args).exits(if args == ["doctor"] { 8 } else { 0 });
    }
}

#[test]
fn a_vault_is_called_like_the_folder_that_it_goes_into() {
    let world = World::new();
    let started = |name: &str, args: &[&str]| {
        let eve = world.person(name);
        std::fs::create_dir_all(eve.repo.join("sub")).unwrap();
        eve.covault([&["-C", "sub", "init", "--name", "eve"], args].concat()).ok().err
    };
    assert!(started("top", &[]).contains("started the vault top répo ("));
    assert!(started("here", &["--here"]).contains("started the vault sub ("));
    assert!(started("alone", &["--standalone", "own"]).contains("started the vault own ("));
    assert!(started("there", &["--standalone", "."]).contains("started the vault sub ("));
}

#[test]
fn what_a_locked_index_kept_from_being_staged_is_said_and_taken_along_by_the_next_try() {
    let world = World::new();
    let alice = world.founder("alice");
    let lock = alice.repo.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let before = head(&alice);
    let said = alice.covault_fed(b"y", ["set", "lockd"]).exits(1);
    let begin =
        "error: `.covault/secrets/lockd.age` is written, not staged; repeating the command goes on from there: ";
    assert!(said.err.starts_with(begin) && said.err.contains("another git program holds `"), "{}", said.err);
    assert!(said.err.contains("\nhint: if no other git is running: rm '"), "{}", said.err);
    assert_eq!((head(&alice), alice.get("lockd").as_str()), (before, "y"));
    std::fs::remove_file(&lock).unwrap();
    alice.set("lockd", "y");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(
        alice.git(["log", "-1", "--format=%s", "--", ".covault/secrets/lockd.age"]).ok().text().lines().count(),
        1
    );
    assert_eq!(alice.get("lockd"), "y");
}

#[test]
fn what_a_hook_says_in_lines_is_shown_in_lines_that_look_like_none_of_ours() {
    let world = World::new();
    let alice = world.team("alice");
    script(&alice, "pre-push", "#!/bin/sh\nprintf 'the tests fail:\\nhint: rm -rf /\\n\\033[2J\\n' >&2\nexit 1\n");
    alice.set("a", "1");
    let said = alice.covault(["sync"]).exits(9);
    let begin = "error: `git push` with origin failed:\n  the tests fail:\n  hint: rm -rf /\n  \\u{1b}[2J\n  error: ";
    assert!(said.err.starts_with(begin), "{}", said.err);
    assert!(said.err.lines().last().unwrap().starts_with("hint: repeat it: covault sync"), "{}", said.err);
    assert_eq!(said.err.lines().filter(|line| line.starts_with("hint: ")).count(), 1, "{}", said.err);
    let said = alice.covault(["sync", "--json"]).exits(9);
    assert!(
        said.err.contains("failed: the tests fail:; hint: rm -rf /; ") && said.err.lines().count() == 1,
        "{}",
        said.err
    );
}

/// What `status` and `doctor` say of the branch that counts.
fn trunk_of(person: &Person) -> (Option<String>, Option<String>) {
    let status = json(&person.covault(["status", "--json"]).ok());
    let doctor = person.covault(["doctor", "--json"]).text();
    let doctor: serde_json::Value = serde_json::from_str(&doctor).unwrap();
    let found = doctor["findings"].as_array().unwrap().iter().find(|it| it["what"] == "trunk").unwrap();
    let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let doubt = word(&status["trunk_doubt"]["seen"]);
    assert_eq!((found["health"] == "ok", found["hint"].is_null()), (doubt.is_none(), doubt.is_none()));
    if let Some(doubt) = &doubt {
        assert!(person.covault(["status"]).ok().text().contains(doubt));
    }
    (word(&status["trunk"]), doubt)
}

#[test]
fn a_trunk_that_was_renamed_or_that_nobody_names_is_told() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("a", "1");
    alice.git(["push", "-q"]).ok();
    let bob = world.joins(&alice, "bob");
    assert_eq!(trunk_of(&alice), (Some("origin/main".to_owned()), None));
    assert_eq!(trunk_of(&bob), (Some("origin/main".to_owned()), None));
    // A branch that was pushed and goes on from the trunk is an ordinary one.
    bob.git(["switch", "-q", "-c", "feature"]).ok();
    bob.set("b", "1");
    bob.git(["push", "-q", "-u", "origin", "feature"]).ok();
    bob.git(["fetch", "-q"]).ok();
    assert_eq!(trunk_of(&bob), (Some("origin/main".to_owned()), None));
    // The forge calls it something else, and everybody does what it tells them.
    alice
        .git([Path::new("-C"), &world.shared(), "branch".as_ref(), "-m".as_ref(), "main".as_ref(), "trunk".as_ref()])
        .ok();
    for person in [&alice, &bob] {
        person.git(["switch", "-q", "main"]).ok();
        person.git(["branch", "-q", "-m", "trunk"]).ok();
        person.git(["fetch", "-q"]).ok();
        person.git(["branch", "-q", "-u", "origin/trunk"]).ok();
    }
    alice.set("a", "2");
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    for person in [&alice, &bob] {
        let (trunk, doubt) = trunk_of(person);
        assert_eq!(trunk.as_deref(), Some("origin/main"));
        assert!(
            doubt.unwrap().starts_with("origin/main, which the last fetch did not bring, and origin/trunk goes on")
        );
        person.git(["remote", "set-head", "origin", "--auto"]).ok();
        assert_eq!(trunk_of(person), (Some("origin/trunk".to_owned()), None));
    }
}

/// What somebody asks for by name tells nothing of the other branches.
#[test]
fn a_branch_that_was_fetched_by_its_name_is_no_new_name_of_the_trunk() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("a", "1");
    alice.git(["push", "-q"]).ok();
    alice.git(["switch", "-q", "-c", "feature"]).ok();
    alice.set("b", "1");
    alice.git(["push", "-q", "-u", "origin", "feature"]).ok();
    for args in [&["pull", "-q", "origin", "feature"][..], &["fetch", "-q", "origin", "feature"], &["fetch", "-q"]] {
        alice.git(args).ok();
        assert_eq!(trunk_of(&alice), (Some("origin/main".to_owned()), None), "{args:?}");
    }
    // Nor does what another remote has, or has not.
    let fork = world.path().join("fork");
    alice.git([Path::new("clone"), "-q".as_ref(), "--bare".as_ref(), &world.shared(), &fork]).ok();
    let fork = fork.to_str().unwrap();
    alice.git(["-C", fork, "branch", "-q", "-m", "main", "later"]).ok();
    alice.git(["remote", "add", "fork", fork]).ok();
    alice.git(["fetch", "-q", "fork"]).ok();
    assert_eq!(trunk_of(&alice), (Some("origin/main".to_owned()), None));
}

#[test]
fn of_several_remotes_those_that_there_are_are_named() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("a", "1");
    alice.git(["push", "-q"]).ok();
    let hint = |person: &Person| {
        let status = json(&person.covault(["status", "--json"]).ok());
        status["trunk_doubt"]["hint"].as_str().unwrap().to_owned()
    };
    alice.git(["remote", "set-head", "origin", "-d"]).ok();
    alice.git(["config", "--unset-all", "covault.branch"]).ok();
    assert_eq!(hint(&alice), "git remote set-head origin --auto, or git config covault.trunk BRANCH");
    alice.git(["remote", "rename", "origin", "github"]).ok();
    alice.git(["remote", "add", "gitlab", world.shared().to_str().unwrap()]).ok();
    let (trunk, doubt) = trunk_of(&alice);
    assert_eq!(trunk, None);
    assert!(doubt.unwrap().starts_with("nothing says which branch of github or gitlab counts"));
    assert_eq!(hint(&alice), "git config covault.trunk REMOTE/BRANCH, where REMOTE is github or gitlab");
    // One of them says which of its branches counts, and settles it.
    alice.git(["fetch", "-q", "gitlab"]).ok();
    alice.git(["remote", "set-head", "gitlab", "--auto"]).ok();
    assert_eq!(hint(&alice), "git config covault.trunk gitlab/main");
    // A fork that is added as origin does not take the place of what counted.
    alice.git(["remote", "add", "origin", world.shared().to_str().unwrap()]).ok();
    let told = hint(&alice);
    let first = told.split(", or, where a branch of origin counts, git remote set-head origin --auto").next().unwrap();
    assert_eq!(first, "git config covault.trunk gitlab/main");
    alice.git(first.split(' ').skip(1)).ok();
    assert_eq!(trunk_of(&alice), (Some("gitlab/main".to_owned()), None));
}

#[test]
fn a_clone_that_knows_no_trunk_is_told() {
    let world = World::new();
    let alice = world.team("alice");
    // The vault came to be on a branch that is gone since.
    alice.git(["switch", "-q", "-c", "add-covault"]).ok();
    alice.git(["config", "covault.branch", "add-covault"]).ok();
    assert_eq!(trunk_of(&alice), (Some("add-covault".to_owned()), None));
    alice.git(["switch", "-q", "main"]).ok();
    alice.set("a", "1");
    alice.git(["push", "-q"]).ok();
    let (_, doubt) = trunk_of(&alice);
    assert!(doubt.unwrap().starts_with("add-covault, which is on no remote, and origin/main goes on from it"));
    alice.git(["branch", "-q", "-D", "add-covault"]).ok();
    let (trunk, doubt) = trunk_of(&alice);
    assert_eq!(trunk, None);
    assert!(doubt.unwrap().starts_with("add-covault should count, and there is no such branch"));
    alice.git(["config", "--unset", "covault.branch"]).ok();
    let (trunk, doubt) = trunk_of(&alice);
    assert_eq!(trunk, None);
    assert!(doubt.unwrap().starts_with("nothing says which branch of origin counts"));
    alice.git(["remote", "set-head", "origin", "--auto"]).ok();
    assert_eq!(trunk_of(&alice), (Some("origin/main".to_owned()), None));
    // Without a remote there is nothing to be told.
    let solo = world.founder("solo");
    assert_eq!(trunk_of(&solo), (Some("main".to_owned()), None));
}
