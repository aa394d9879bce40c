//! `show`, `ls`, `rm` and `mv`.

use super::{head, json, on_terminal};
use crate::world::{Person, World};

fn stocked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.covault_fed(b"1", ["set", "prod/db", "user=app", "--stdin", "value", "--tag", "web", "--kind", "login"]).ok();
    alice.covault_fed(b"2", ["set", "prod/api/url", "--tag", "web", "--tag", "eu"]).exits(0);
    alice.set("prod/api/url", "2");
    alice.set("staging/db", "3");
    alice.covault_fed(b"4", ["set", "old", "--stdin", "value", "--expires", "2020-01-01"]).ok();
    alice
}

#[test]
fn show_masks_unless_it_is_told_to_reveal() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"line one\nline two\n", ["set", "a", "user=app", "--stdin", "value", "--description", "d"]).ok();
    let shown = alice.covault(["show", "a"]).ok().text();
    assert!(shown.contains("value: ********") && !shown.contains("line one"), "{shown}");
    let shown = alice.covault(["show", "a", "--reveal"]).ok().text();
    assert!(shown.contains("  value:\n    line one\n    line two\n"), "{shown}");
    let masked = json(&alice.covault(["show", "a", "--json"]).ok());
    assert!(masked["fields"]["value"][0]["value"].is_null() && masked["fields"]["value"][0]["bytes"] == 18, "{masked}");
    assert_eq!(masked["fields"]["user"][0]["value"], "app");
    let open = json(&alice.covault(["show", "a", "--json", "--reveal"]).ok());
    assert_eq!(open["fields"]["value"][0]["value"], "line one\nline two\n");
    assert_eq!((open["revision"].clone(), open["author"].clone()), (1.into(), "alice".into()));
    alice.set("a", "later");
    assert!(alice.covault(["show", "a", "--reveal", "--at", "1"]).ok().text().contains("line one"));
    assert!(alice.covault(["show", "a", "--reveal", "--at", "HEAD~1"]).ok().text().contains("line one"));
    alice.covault(["show", "a", "--at", "9"]).exits(3);
    alice.covault(["show", "b"]).exits(3);
}

#[test]
fn values_and_metadata_cannot_speak_to_the_terminal_nor_forge_lines() {
    let world = World::new();
    let alice = world.founder("alice");
    let evil = "\u{1b}]0;pwned\u{7}\r\nreaders: nobody\u{202e}";
    alice
        .covault_fed(evil.as_bytes(), ["set", "a", &format!("plain={evil}"), "--stdin", "value", "--description", evil])
        .ok();
    for args in [&["show", "a", "--reveal"][..], &["diff", "HEAD~1", "HEAD", "--reveal"], &["show", "a"]] {
        let shown = alice.covault(args).ok().text();
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("readers: nobody")), "{shown}");
    }
    let shown = alice.git(["show"]).ok().text();
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with("+readers: nobody")), "{shown}");
}

#[test]
fn ls_finds_by_name_without_opening_and_by_content_with() {
    let world = World::new();
    let alice = stocked(&world);
    let ls = |args: &[&str]| alice.covault([&["ls"], args].concat()).ok().text();
    assert_eq!(ls(&[]), "old\nprod/api/url\nprod/db\nstaging/db\n");
    assert_eq!(ls(&["db"]), "prod/db\nstaging/db\n");
    assert_eq!(ls(&["DB prod"]), "prod/db\n");
    assert_eq!(ls(&["prod/*url"]), "prod/api/url\n");
    assert_eq!(ls(&["nothing"]), "");
    assert_eq!(ls(&["--tag", "web"]), "prod/api/url\nprod/db\n");
    assert_eq!(ls(&["--tag", "web", "--tag", "eu"]), "prod/api/url\n");
    assert_eq!(ls(&["--kind", "login"]), "prod/db\n");
    assert_eq!(ls(&["--due"]), "old\n");
    assert_eq!(ls(&["--tree"]), "old\nprod/\n├── api/\n│   └── url\n└── db\nstaging/\n└── db\n");
    let long = ls(&["--long", "prod/db"]);
    assert!(long.starts_with("NAME") && long.contains("alice"), "{long}");
    assert_eq!(json(&alice.covault(["ls", "--json", "db"]).ok()), serde_json::json!(["prod/db", "staging/db"]));
    let long = json(&alice.covault(["ls", "--json", "--long", "db"]).ok());
    assert_eq!((long[0]["name"].clone(), long[0]["revision"].clone()), ("prod/db".into(), 1.into()));
    assert_eq!(long[0]["readers"], serde_json::json!(["alice"]));
    assert_eq!(on_terminal(&alice, &[], &["ls", "staging"]).ok().text(), "staging/\r\n└── db\r\n");
    assert_eq!(on_terminal(&alice, &[], &["ls", "--flat", "staging"]).ok().text(), "staging/db\r\n");
    // Without a key names are still there.
    std::fs::remove_file(alice.identity()).unwrap();
    assert_eq!(ls(&["db"]), "prod/db\nstaging/db\n");
    alice.covault(["ls", "--due"]).exits(4);
}

#[test]
fn what_changed_just_before_a_listing_was_written_is_looked_at_again() {
    use std::time::{Duration, SystemTime};
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.covault(["rm", "a"]).ok();
    let ls = || alice.covault(["ls"]).ok().text();
    assert_eq!(ls(), "");
    let opened = |file: &std::path::Path| std::fs::File::options().write(true).open(file).unwrap();
    let modified = |file: &std::path::Path| std::fs::metadata(file).unwrap().modified().unwrap();
    // No tombstone any more, and the same size, place and time: what nobody signed hides nothing.
    let file = alice.file("a");
    let (before, mut bytes): (SystemTime, _) = (modified(&file), std::fs::read(&file).unwrap());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    opened(&file).set_modified(before).unwrap();
    let state = alice.home.join(".local/state/covault");
    let all = crate::faults::rig::files(&state);
    let is_listing = |file: &&std::path::PathBuf| file.file_name().unwrap().to_string_lossy().starts_with("listing-");
    let listing = all.iter().find(is_listing).expect("there is no listing");
    let written_after = |time: Duration| opened(listing).set_modified(before + time).unwrap();
    // The control: what was as old when it was listed is not looked at.
    written_after(Duration::from_millis(2010));
    assert_eq!(ls(), "");
    written_after(Duration::from_millis(1990));
    assert_eq!(ls(), "a\n");
}

#[test]
fn a_folder_has_what_lives_below_it_and_only_that_is_looked_at() {
    let world = World::new();
    let alice = stocked(&world);
    alice.set("prod/gone", "5");
    alice.set("production/x", "6");
    alice.covault(["rm", "prod/gone"]).ok();
    alice.covault(["mv", "old", "prod/api/new"]).ok();
    let names = |folder: &str| json(&alice.covault(["export", "--format", "json", "--from", folder]).ok());
    let keys = |folder: &str| names(folder).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for folder in ["prod", "prod/", "prod"] {
        assert_eq!(keys(folder), ["DB", "DB_USER", "NEW", "URL"], "{folder}");
    }
    // What was remembered of the other folders still holds, and what is new in one is seen.
    assert_eq!(alice.covault(["ls"]).ok().text(), "prod/api/new\nprod/api/url\nprod/db\nproduction/x\nstaging/db\n");
    alice.covault(["rm", "prod/api/new"]).ok();
    alice.set("prod/api/more", "7");
    assert_eq!(keys("prod/api"), ["MORE", "URL"]);
    assert_eq!(alice.covault(["ls"]).ok().text(), "prod/api/more\nprod/api/url\nprod/db\nproduction/x\nstaging/db\n");
    // Neither a link nor a file in a folder's place has anything below it.
    let secrets = alice.repo.join(".covault/secrets");
    std::os::unix::fs::symlink("prod", secrets.join("link")).unwrap();
    std::fs::write(secrets.join("file"), "x").unwrap();
    for folder in ["link", "file", "prod/db", "nothing", "pro", "Prod", "../secrets/prod", "prod//api", "."] {
        let said = alice.covault(["export", "--from", folder]).exits(3);
        assert!(said.err.contains(folder), "{folder}: {}", said.err);
    }
    // All of them, for who asks for the top.
    assert_eq!(alice.covault(["run", "--from", "staging", "--", "printenv", "DB"]).ok().text(), "3\n");
    assert!(alice.covault(["export", "--from", "/"]).code != 101);
}

#[test]
fn set_starts_git_once_and_moves_the_branch_itself() {
    let world = World::new();
    let mut alice = stocked(&world);
    let log = world.path().join("git.log");
    alice.puts_before_git(&format!("echo \"$*\" >>'{}'\n", log.display()));
    alice.set("prod/db", "again");
    let calls = std::fs::read_to_string(&log).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
    assert!(calls.contains(" update-index "), "{calls}");
    // Somebody wants refs to be synced: git knows how.
    std::fs::remove_file(&log).unwrap();
    alice.covault(["--version"]).ok();
    alice.has_git_back();
    alice.git(["config", "core.fsync", "reference"]).ok();
    alice.puts_before_git(&format!("echo \"$*\" >>'{}'\n", log.display()));
    alice.set("prod/db", "once more");
    let calls = std::fs::read_to_string(&log).unwrap();
    assert!(calls.lines().count() == 2 && calls.contains(" update-ref "), "{calls}");
    alice.has_git_back();
    assert_eq!(
        alice.git(["reflog", "--format=%gs", "-2"]).ok().text(),
        "commit: covault: set prod/db\ncommit: covault: set prod/db\n"
    );
}

#[test]
fn rm_buries_what_restore_brings_back() {
    let world = World::new();
    let alice = stocked(&world);
    let before = head(&alice);
    let said = alice.covault(["rm", "prod/db", "prod/nothing"]).exits(3);
    assert!(said.err.contains("there is no secret 'prod/nothing'"), "{}", said.err);
    assert_eq!(head(&alice), before, "one that is missing stops all");
    let said = json(&alice.covault(["rm", "prod/db", "old", "prod/db", "--json"]).ok());
    assert_eq!(said["files"], serde_json::json!([".covault/secrets/old.age", ".covault/secrets/prod/db.age"]));
    assert_eq!(alice.git(["rev-list", "--count", &format!("{before}..")]).ok().text(), "1\n");
    assert!(alice.file("prod/db").exists(), "a tombstone takes its place");
    assert_eq!(alice.covault(["ls"]).ok().text(), "prod/api/url\nstaging/db\n");
    for args in [
        &["get", "prod/db"][..],
        &["show", "prod/db"],
        &["rm", "prod/db"],
        &["mv", "prod/db", "x"],
        &["get", "prod/db/user"],
    ] {
        let said = alice.covault(args).exits(3);
        assert_eq!(said.err, "error: 'prod/db' was deleted\nhint: bring it back with: covault restore prod/db\n");
    }
    alice.covault(["restore", "prod/db"]).ok();
    assert_eq!((alice.get("prod/db"), alice.get("prod/db/user")), ("1".to_owned(), "app".to_owned()));
    assert_eq!(alice.covault(["ls", "--tag", "web"]).ok().text(), "prod/api/url\nprod/db\n");
}

#[test]
fn mv_carries_everything_leaves_a_pointer_and_can_go_back() {
    let world = World::new();
    let alice = stocked(&world);
    alice.set("prod/db", "again");
    let id = |name: &str| json(&alice.covault(["show", name, "--json"]).ok())["id"].clone();
    let before = id("prod/db");
    alice.covault(["mv", "prod/db", "db/main"]).ok();
    assert_eq!((alice.get("db/main"), alice.get("db/main/user")), ("again".to_owned(), "app".to_owned()));
    assert_eq!(id("db/main"), before);
    let said = alice.covault(["get", "prod/db"]).exits(3);
    assert_eq!(
        said.err,
        "error: 'prod/db' was moved to 'db/main'\nhint: use: db/main; for another secret at the old name: covault set prod/db --new\n"
    );
    alice.covault(["mv", "db/main", "prod/db"]).ok();
    assert_eq!((alice.get("prod/db"), id("prod/db")), ("again".to_owned(), before));
    alice.covault(["get", "db/main"]).exits(3);
    // Onto a deleted name: nothing of what was there comes back.
    alice.covault_fed(b"x", ["set", "grave", "ghost=boo", "--stdin", "value"]).ok();
    alice.covault(["rm", "grave"]).ok();
    alice.covault(["mv", "prod/db", "grave"]).ok();
    assert_eq!(alice.get("grave"), "again");
    alice.covault(["get", "grave/ghost"]).exits(3);
    for (from, to, code) in
        [("old", "grave", 2), ("old", "old", 2), ("nothing", "x", 3), ("old", "Bad Name", 2), ("old", "grave/x", 2)]
    {
        let said = alice.covault(["mv", from, to]).exits(code);
        assert!(said.err.starts_with("error: "), "{from} {to}: {}", said.err);
    }
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn a_secret_can_move_into_a_folder_of_its_own_name_and_back() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("app", "1");
    alice.covault(["mv", "app", "app/key"]).ok();
    assert_eq!(alice.get("app/key"), "1");
    alice.covault(["mv", "app/key", "app"]).ok();
    assert_eq!(alice.get("app"), "1");
}
