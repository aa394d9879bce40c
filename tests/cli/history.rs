//! `log`, `diff` and `restore`.

use super::{all_of, head, json, same};
use crate::world::World;

#[test]
fn log_tells_who_changed_what_and_when() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"1", ["set", "prod/db", "user=a", "--stdin", "value"]).ok();
    alice.covault(["set", "prod/db", "user=b", "--tag", "web"]).ok();
    alice.set("other", "x");
    alice.covault(["rm", "prod/db"]).ok();
    let log = json(&alice.covault(["log", "prod/db", "--json"]).ok());
    let row = |n: usize| (log[n]["revision"].clone(), log[n]["state"].clone(), log[n]["author"].clone());
    assert_eq!(row(0), (3.into(), "deleted".into(), "alice".into()));
    assert_eq!(row(1), (2.into(), "live".into(), "alice".into()));
    assert_eq!(row(2), (1.into(), "live".into(), "alice".into()));
    assert_eq!((log.as_array().unwrap().len(), log[0]["commit"].as_str().unwrap()), (3, head(&alice).as_str()));
    let text = alice.covault(["log", "prod/db", "--fields"]).ok().text();
    for line in ["changed field.user", "added tag.web", "added field.value"] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    let all = alice.covault(["log"]).ok().text();
    assert!(all.lines().count() == 4 && all.contains("  other  "), "{all}");
    assert_eq!(alice.covault(["log", "-n", "1"]).ok().text().lines().count(), 1);
    alice.covault(["log", "nothing"]).exits(3);
    // A file that git removed is told of, too, and its past can be read.
    alice.git(["rm", "-q", ".covault/secrets/other.age"]).ok();
    alice.git(["commit", "-q", "-m", "plain git rm\u{1b}[31m"]).ok();
    let text = alice.covault(["log", "other"]).ok().text();
    assert!(text.contains("the file was removed") && !text.contains('\u{1b}'), "{text:?}");
    alice.covault(["restore", "other"]).ok();
    assert_eq!(alice.get("other"), "x");
    // A version that somebody damaged is named, and the rest stays readable.
    std::fs::write(alice.file("other"), b"garbage").unwrap();
    alice.git(["commit", "-qam", "oops"]).ok();
    let text = alice.covault(["log", "other"]).ok().text();
    assert!(text.contains("REFUSED: "), "{text}");
}

#[test]
fn log_in_a_shallow_clone_says_that_there_was_more() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.set("a", "2");
    let mut bob = world.stranger("bob");
    bob.home = alice.home.clone();
    let url = format!("file://{}", alice.repo.display());
    bob.git(["clone", "-q", "--depth=1", &url, bob.repo.to_str().unwrap()]).ok();
    let said = bob.covault(["log", "a"]).ok();
    assert!(said.err.contains("only a part of the history"), "{}", said.err);
    assert_eq!(said.text().lines().count(), 1);
    assert_eq!(bob.get("a"), "2");
    for (args, what) in [
        (["restore", "a"], "earlier version"),
        (["restore", "a@1"], "revision '1'"),
        (["get", "a@1"], "revision '1'"),
        (["get", "a@HEAD~1"], "revision 'HEAD~1'"),
    ] {
        let said = bob.covault(args).exits(3);
        let says = format!("only a part of the history, and no {what} of 'a' is in it\nhint: ");
        assert!(said.err.contains(&says) && said.err.contains("git fetch --unshallow"), "{args:?}: {}", said.err);
    }
}

#[test]
fn a_commit_whose_name_is_all_digits_is_one_where_no_revision_has_that_number() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let mut names = (0..).map(|n| {
        alice.git(["commit", "-q", "--allow-empty", "-m", &n.to_string()]).ok();
        alice.git(["rev-parse", "--short=5", "HEAD"]).ok().text().trim().to_owned()
    });
    let commit = names.find(|name| name.bytes().all(|byte| byte.is_ascii_digit())).unwrap();
    alice.set("a", "2");
    alice.set("a", "3");
    assert_eq!(alice.get(&format!("a@{commit}")), "1");
    assert!(alice.covault(["show", "a", "--at", &commit]).ok().text().contains("revision 1"));
    alice.covault(["restore", &format!("a@{commit}")]).ok();
    assert_eq!(alice.get("a"), "1");
    // A revision's number comes first.
    alice.git(["branch", "2", &commit]).ok();
    assert_eq!(alice.get("a@2"), "2");
}

#[test]
fn diff_compares_disk_and_commits_masked_or_not() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"one", ["set", "prod/db", "user=a", "--stdin", "value"]).ok();
    alice.set("other", "line 1\nline 2\nline 3\n");
    let base = head(&alice);
    assert_eq!(alice.covault(["diff"]).ok().text(), "");
    alice.covault_fed(b"two", ["set", "prod/db", "user=b", "--stdin", "value", "--no-commit"]).ok();
    let text = alice.covault(["diff"]).ok().text();
    assert!(text.contains("prod/db (changed)\n") && text.contains("  - field.user: a\n  + field.user: b\n"), "{text}");
    assert!(text.contains("- field.value: ********") && !text.contains("two"), "{text}");
    let text = alice.covault(["diff", "--reveal"]).ok().text();
    assert!(text.contains("  - field.value: one\n  + field.value: two\n"), "{text}");
    alice.git(["commit", "-qm", "by hand"]).ok();
    alice.set("other", "line 1\nline two\nline 3\n");
    let text = alice.covault(["diff", &base, "HEAD", "--reveal"]).ok().text();
    assert!(text.contains("      line 1\n    - line 2\n    + line two\n      line 3\n"), "{text}");
    let text = alice.covault(["diff", &base, "HEAD"]).ok().text();
    assert!(!text.contains("line two") && text.contains("other (changed)"), "{text}");
    let text = alice.covault(["diff", &base, "--", "prod"]).ok().text();
    assert!(text.contains("prod/db") && !text.contains("other"), "{text}");
    let text = alice.covault(["diff", &base, "HEAD", "--", "other"]).ok().text();
    assert!(text.contains("other") && !text.contains("prod/db"), "{text}");
    alice.covault(["rm", "other"]).ok();
    alice.covault(["mv", "prod/db", "moved"]).ok();
    let text = alice.covault(["diff", &base, "HEAD"]).ok().text();
    for line in ["other (deleted)", "prod/db (moved to moved)", "moved (added)"] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    let said = json(&alice.covault(["diff", &base, "HEAD", "--json"]).ok());
    assert_eq!(said.as_array().unwrap().len(), 3);
    assert!(!said.to_string().contains("line two"));
    alice.covault(["diff", "nothing"]).exits(3);
    let said = alice.covault(["diff", &base, "HEAD", "--", "no/such"]).exits(3);
    assert!(said.err.contains("no/such"), "{}", said.err);
}

#[test]
fn a_revision_is_named_the_same_way_everywhere() {
    let world = World::new();
    let alice = world.founder("alice");
    for value in ["one", "two", "three"] {
        alice.set("default/a", value);
    }
    alice.set("default/b", "other");
    let text = alice.covault(["diff", "1", "2", "--reveal", "--", "default/a"]).ok().text();
    assert_eq!(text, "default/a (changed)\n  - field.value: one\n  + field.value: two\n");
    let text = alice.covault(["diff", "2", "--reveal", "--", "default/a"]).ok().text();
    assert!(text.contains("  - field.value: two\n  + field.value: three\n"), "{text}");
    let text = alice.covault(["diff", "1", "HEAD~1", "--reveal", "--", "default/a"]).ok().text();
    assert!(text.contains("  - field.value: one\n  + field.value: three\n"), "{text}");
    assert_eq!(alice.covault(["diff", "3", "--", "default/a"]).ok().text(), "");
    let said = alice.covault(["diff", "1", "9", "--", "default/a"]).exits(3);
    assert!(said.err.contains("default/a") && said.err.contains('9'), "{}", said.err);
    // A number is one secret's.
    for args in [
        &["diff", "1", "2"][..],
        &["diff", "1", "2", "--", "default/a", "default/b"],
        &["diff", "1", "2", "--", "default"],
    ] {
        let said = alice.covault(args).exits(2);
        assert!(said.err.contains("hint: covault diff 1 2 -- NAME\n"), "{}", said.err);
    }
    let shown = alice.covault(["show", "default/a@2", "--reveal"]).ok().text();
    assert!(shown.contains("value: two\n"), "{shown}");
    assert_eq!(shown, alice.covault(["show", "default/a", "--at", "2", "--reveal"]).ok().text());
    alice.covault(["show", "default/a@2", "--at", "2"]).exits(2);
}

#[test]
fn restore_writes_old_values_as_new_ones() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"1", ["set", "a", "user=x", "--stdin", "value", "--tag", "t", "--description", "d"]).ok();
    let first = head(&alice);
    alice
        .covault_fed(b"2", ["set", "a", "--unset", "user", "--stdin", "value", "--untag", "t", "--description", ""])
        .ok();
    alice.set("a", "3");
    alice.covault(["restore", "a"]).ok();
    assert_eq!(alice.get("a"), "2");
    alice.set("new", "1");
    let said = alice.covault(["restore", "new"]).exits(3);
    assert!(said.err.contains("error: there is no earlier version of 'new'\nhint: "), "{}", said.err);
    alice.covault(["restore", "a@1"]).ok();
    assert_eq!((alice.get("a"), alice.get("a/user")), ("1".to_owned(), "x".to_owned()));
    let said = json(&alice.covault(["show", "a", "--json"]).ok());
    assert!(
        said["tags"] == serde_json::json!(["t"]) && said["meta"]["description"] == "d" && said["revision"] == 5,
        "{said}"
    );
    assert!(said["fields"]["user"][0]["secret"] == false, "what was no secret stays none");
    alice.set("a", "4");
    alice.covault(["restore", &format!("a@{first}")]).ok();
    assert_eq!(alice.get("a"), "1");
    let before = head(&alice);
    let said = alice.covault(["restore", "a@1"]).ok();
    assert!(said.err.contains("nothing to change") && head(&alice) == before, "{}", said.err);
    let said = alice.covault(["restore", "a@99"]).exits(3);
    assert!(said.err.contains("'a' has no revision '99'\nhint: "), "{}", said.err);
    alice.covault(["restore", "nothing"]).exits(3);
    alice.covault(["restore"]).exits(2);
    // A tombstone is no version to come back to, nor to read.
    alice.covault(["rm", "a"]).ok();
    for args in [&["restore", "a@HEAD"][..], &["get", "a@HEAD"], &["show", "a", "--at", "HEAD"]] {
        let said = alice.covault(args).exits(3);
        assert!(said.err.contains("'a' was deleted"), "{args:?}: {}", said.err);
    }
    alice.covault(["restore", "a"]).ok();
    assert_eq!(alice.get("a"), "1");
    alice.covault(["set", "bare", "x=1"]).ok();
    alice.covault(["set", "bare", "--unset", "x"]).ok();
    let said = alice.covault(["get", "bare"]).exits(3);
    assert!(said.err.contains("'bare' has no field 'value'\nhint: it has no fields"), "{}", said.err);
    // What lies on disk and was never committed can be thrown back, too.
    alice.covault_fed(b"5", ["set", "a", "--no-commit"]).ok();
    alice.covault(["restore", "a"]).ok();
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn restore_commit_undoes_births_deaths_moves_and_changes() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"1", ["set", "a", "user=x", "--stdin", "value"]).ok();
    let undo = |commit: &str| alice.covault(["restore", "--commit", commit]).ok();
    // Changed.
    alice.set("a", "2");
    let changed = head(&alice);
    alice.covault(["set", "a", "user=y"]).ok();
    undo(&changed);
    assert_eq!((alice.get("a"), alice.get("a/user")), ("1".to_owned(), "y".to_owned()));
    // Changed since: stays and is said.
    alice.set("a", "3");
    let changed = head(&alice);
    alice.set("a", "4");
    let before = head(&alice);
    let said = undo(&changed);
    assert!(said.err.contains("a: field.value was changed again since and stays"), "{}", said.err);
    assert_eq!((alice.get("a"), head(&alice)), ("4".to_owned(), before));
    // Born.
    alice.set("born", "x");
    undo(&head(&alice));
    alice.covault(["get", "born"]).exits(3);
    alice.set("born2", "x");
    let birth = head(&alice);
    alice.set("born2", "y");
    let said = undo(&birth);
    assert!(said.err.contains("born2 was changed again since and stays") && alice.get("born2") == "y", "{}", said.err);
    // Deleted.
    alice.covault(["rm", "a", "born2"]).ok();
    undo(&head(&alice));
    assert_eq!((alice.get("a"), alice.get("born2")), ("4".to_owned(), "y".to_owned()));
    // Moved.
    alice.covault(["mv", "a", "b"]).ok();
    undo(&head(&alice));
    assert_eq!((alice.get("a"), alice.get("a/user")), ("4".to_owned(), "y".to_owned()));
    alice.covault(["get", "b"]).exits(3);
    // Moved and changed at the new place since: one secret stays one.
    alice.covault(["mv", "a", "c"]).ok();
    let moved = head(&alice);
    alice.set("c", "5");
    let said = undo(&moved);
    assert!(said.err.contains("c was changed again since and stays"), "{}", said.err);
    assert_eq!(alice.get("c"), "5");
    alice.covault(["get", "a"]).exits(3);
    // Deleted after the change that is to be undone: it stays deleted.
    alice.set("c", "6");
    let changed = head(&alice);
    alice.covault(["rm", "c"]).ok();
    let said = undo(&changed);
    assert!(said.err.contains("c was deleted or moved since and stays"), "{}", said.err);
    alice.covault(["get", "c"]).exits(3);
    // A commit without secrets.
    alice.git(["commit", "-q", "--allow-empty", "-m", "nothing"]).ok();
    assert!(undo("HEAD").err.contains("nothing to change"));
    alice.covault(["restore", "--commit", "nowhere"]).exits(3);
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn a_number_that_two_branches_used_names_both_commits() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("db", "first");
    alice.git(["branch", "side"]).ok();
    alice.set("db", "from main");
    let main = head(&alice);
    alice.git(["checkout", "-q", "side"]).ok();
    alice.set("db", "from the side");
    let side = head(&alice);
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["merge", "-q", "side"]).ok();
    let before = head(&alice);
    for args in [["get", "db@2"], ["restore", "db@2"]] {
        let said = alice.covault(args).exits(2);
        assert!(said.err.contains("2 versions with the number 2") && said.out.is_empty(), "{}", said.err);
        for commit in [&main, &side] {
            assert!(said.err.contains(&format!("db@{}", &commit[..12])), "{commit}: {}", said.err);
        }
    }
    assert_eq!(head(&alice), before);
    for (rev, value) in [("1", "first"), (&main, "from main"), (&side, "from the side")] {
        assert_eq!(alice.get(&format!("db@{rev}")), value);
    }
}

#[test]
fn reading_history_changes_nothing() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.set("a", "2");
    let before = all_of(&alice);
    for args in [
        &["log"][..],
        &["log", "a", "--fields"],
        &["diff", "HEAD~1"],
        &["show", "a"],
        &["get", "a@1"],
        &["ls", "--long"],
        &["status"],
        &["doctor"],
        &["whoami"],
        &["export", "--from", "", "--json"],
    ] {
        alice.covault(args).ok();
    }
    // What the state folder remembers, to be quicker next time, is no part of the vault.
    let kept = |all: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| -> std::collections::BTreeMap<_, _> {
        all.into_iter().filter(|(path, _)| !path.to_string_lossy().contains("/.local/state/")).collect()
    };
    same(&kept(before), &kept(all_of(&alice)));
}
