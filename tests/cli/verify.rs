//! `verify`: what it finds without a key, and what it does not take for a finding.

use std::ffi::OsStr;

use super::{all_of, json, same};
use crate::world::{Person, World};

/// The codes of the findings with their paths, sorted.
#[track_caller]
fn codes(person: &Person, args: &[&str], code: i32) -> Vec<(String, String)> {
    let said = person.covault([&["verify", "--json"], args].concat()).exits(code);
    let said = json(&said);
    let finding = |f: &serde_json::Value| {
        let text = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
        (text("code"), text("path").replace(".covault/", ""))
    };
    let mut all: Vec<_> = said["findings"].as_array().unwrap().iter().map(finding).collect();
    all.sort();
    all.dedup();
    all
}

fn one(code: &str, path: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), path.to_owned())]
}

fn stocked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", "for the database");
    alice.set("dev/db", "known to everybody");
    alice
}

/// Somebody without keys in a clone, who knows which vault it should be.
fn stranger(world: &World, alice: &Person) -> Person {
    let mut zoe = alice.clone_for(world.stranger(&format!("friend of {}", alice.name)));
    zoe.vars.push(("COVAULT_VAULT".to_owned(), words(alice)));
    zoe
}

#[test]
fn a_good_vault_is_good_for_members_and_for_strangers() {
    let world = World::new();
    let alice = stocked(&world);
    alice.covault(["rm", "dev/db"]).ok();
    assert_eq!(codes(&alice, &["--strict"], 0), []);
    let zoe = stranger(&world, &alice);
    let before = all_of(&zoe).into_iter().filter(|(path, _)| path.starts_with(&zoe.repo)).collect();
    let said = json(&zoe.covault(["verify", "--json", "--strict"]).ok());
    assert_eq!((said["files"].clone(), said["good"].clone()), (2.into(), true.into()));
    let after = all_of(&zoe).into_iter().filter(|(path, _)| path.starts_with(&zoe.repo)).collect();
    same(&before, &after);
    let text = zoe.covault(["verify"]).ok();
    assert!(text.text().contains("good: vault acme (") && text.err.is_empty(), "{}{}", text.text(), text.err);
}

#[test]
fn a_vault_that_nobody_named_is_said_to_be_taken_on_trust() {
    let world = World::new();
    let alice = stocked(&world);
    let zoe = alice.clone_for(world.stranger("zoe"));
    let said = zoe.covault(["verify"]).ok();
    assert!(said.err.contains("nobody said which vault"), "{}", said.err);
    zoe.covault(["verify", "--strict"]).exits(8);
    let mut zoe = stranger(&world, &world.founder("mallory"));
    zoe.repo = alice.repo.clone();
    assert_eq!(codes(&zoe, &[], 6), one("roster", "roster.toml"));
    zoe.vars = vec![("COVAULT_VAULT".to_owned(), format!("{}@{}", words(&alice), "0".repeat(64)))];
    assert_eq!(codes(&zoe, &[], 6), one("roster", "roster.toml"));
}

fn words(person: &Person) -> String {
    json(&person.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_there_again_is_not_put_back_over_it() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("um/a", "v1");
    alice.git(["rm", "-q", ".covault/secrets/um/a.age"]).ok();
    alice.git(["commit", "-qm", "away"]).ok();
    let gone = "it is gone, and nobody deleted it with covault: ";
    let said = alice.covault(["verify", "--history"]).exits(6);
    assert!(said.text().contains(gone) && said.text().contains("put it back with: git checkout "), "{}", said.text());
    alice.covault(["restore", "um/a"]).ok();
    alice.set("um/a", "v2");
    let said = alice.covault(["verify", "--history"]).exits(6);
    let text = format!("{}{}", said.text(), said.err);
    assert!(text.contains(gone) && text.contains("; it is there again since"), "{text}");
    assert!(!text.contains("git checkout"), "{text}");
    // Somebody began another at the name.
    alice.set("um/b", "v1");
    alice.git(["rm", "-q", ".covault/secrets/um/b.age"]).ok();
    alice.git(["commit", "-qm", "away"]).ok();
    alice.set("um/b", "v2");
    let said = alice.covault(["verify", "--history"]).exits(6);
    let text = format!("{}{}", said.text(), said.err);
    let hint = text.split("see what it was with: covault ").nth(1).unwrap_or_else(|| panic!("{text}"));
    assert!(!text.contains("git checkout"), "{text}");
    let shown = alice.covault(hint.lines().next().unwrap().split(' ').chain(["--reveal"])).ok().text();
    assert!(shown.contains("value: v1"), "{shown}");
}

#[test]
fn every_kind_of_wrong_file_has_its_code() {
    let world = World::new();
    let alice = stocked(&world);
    let prod = alice.file("prod/db");
    let good = std::fs::read(&prod).unwrap();
    let secrets = alice.repo.join(".covault/secrets");
    let put_back = || std::fs::write(&prod, &good).unwrap();

    std::fs::copy(alice.file("dev/db"), &prod).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("path", "secrets/prod/db.age"));
    std::fs::write(&prod, &good[..good.len() - 1]).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("form", "secrets/prod/db.age"));
    std::fs::write(&prod, vec![b'x'; (3 << 20) + 1]).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("form", "secrets/prod/db.age"));
    put_back();
    for name in ["prod/README", "Prod.age", "prod/.gitattributes", "con.age"] {
        std::fs::write(secrets.join(name), "x").unwrap();
        assert_eq!(codes(&alice, &[], 6), one("file", &format!("secrets/{name}")));
        std::fs::remove_file(secrets.join(name)).unwrap();
    }
    // Being written, or left by a killed run.
    std::fs::write(secrets.join(".covault-tmp-1"), "x").unwrap();
    assert_eq!(codes(&alice, &[], 0), []);
    std::fs::remove_file(&prod).unwrap();
    assert_eq!(codes(&alice, &[], 0), []);
    put_back();
    std::fs::write(alice.repo.join(".covault/roster.toml"), "").unwrap();
    assert_eq!(codes(&alice, &[], 6), one("roster", "roster.toml"));
}

#[test]
fn a_request_that_is_none_is_found_on_disk_and_in_commits() {
    let world = World::new();
    let alice = world.team("alice");
    let asks = |team: &Person, person: Person| {
        person.git([OsStr::new("clone"), "-q".as_ref(), team.repo.as_os_str(), person.repo.as_os_str()]).ok();
        let line = team.covault(["member", "invite", "bob"]).ok().text();
        person.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
        person.git(["cat-file", "blob", "covault/join/bob:.covault/requests/bob.toml"]).ok().out
    };
    let good = asks(&alice, world.stranger("bob"));
    let foreign = asks(&world.founder("mallory"), world.stranger("bob of mallory"));
    // Another signature, still of the right form.
    let mut unsigned = good.clone();
    let place = unsigned.len() - 10;
    unsigned[place] = if unsigned[place] == b'A' { b'B' } else { b'A' };
    let folder = alice.repo.join(".covault/requests");
    let put = |name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    put("bob.toml", &good);
    assert_eq!(codes(&alice, &[], 0), []);
    std::fs::remove_file(folder.join("bob.toml")).unwrap();
    for (name, bytes, why) in [
        ("bob.toml", b"garbage".as_slice(), "not canonical"),
        ("carol.toml", &good, "called otherwise"),
        ("bob.toml", &foreign, "another vault"),
        ("bob.toml", &unsigned, "signature"),
    ] {
        put(name, bytes);
        let expected = one("request", &format!("requests/{name}"));
        assert_eq!(codes(&alice, &[], 6), expected, "{why}");
        let said = alice.covault(["verify"]).exits(6);
        assert!((said.text() + &said.err).contains(why), "{why}: {}{}", said.text(), said.err);
        alice.git(["add", "-A"]).ok();
        alice.git(["commit", "-q", "-m", "a request"]).ok();
        assert_eq!(codes(&alice, &["--at", "HEAD"], 6), expected, "{why}");
        alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
        assert_eq!(codes(&alice, &[], 0), []);
    }
}

#[cfg(unix)]
#[test]
fn links_and_modes_are_found_on_disk_and_in_commits() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = World::new();
    let alice = stocked(&world);
    let prod = alice.file("prod/db");
    std::fs::set_permissions(&prod, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("file", "secrets/prod/db.age"));
    alice.git(["commit", "-qam", "mode"]).ok();
    assert_eq!(codes(&alice, &["--at", "HEAD"], 6), one("file", "secrets/prod/db.age"));
    std::fs::set_permissions(&prod, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::rename(&prod, world.path().join("elsewhere")).unwrap();
    symlink(world.path().join("elsewhere"), &prod).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("file", "secrets/prod/db.age"));
    alice.git(["commit", "-qam", "link"]).ok();
    assert_eq!(codes(&alice, &["--at", "HEAD"], 6), one("file", "secrets/prod/db.age"));
    assert_eq!(codes(&alice, &["--at", "HEAD~2"], 0), []);
    // The whole folder elsewhere.
    let secrets = alice.repo.join(".covault/secrets");
    std::fs::rename(&secrets, world.path().join("secrets")).unwrap();
    symlink(world.path().join("secrets"), &secrets).unwrap();
    assert_eq!(codes(&alice, &[], 6), one("file", "secrets"));
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-qm", "folder"]).ok();
    assert_eq!(codes(&alice, &["--at", "HEAD"], 6), one("file", "secrets"));
}

#[test]
fn what_a_repository_says_is_neither_markup_nor_a_command() {
    let world = World::new();
    let alice = stocked(&world);
    let name = "<img src=x>::set-output name=a::b|[x](http-y)@all`*\u{1b}[31m";
    let dir = alice.repo.join(".covault/secrets/a\n::error::x");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join(name), "x").unwrap();
    let text = alice.covault(["verify"]).exits(6).text();
    assert!(!text.lines().any(|line| line.starts_with("::")) && !text.contains('\u{1b}'), "{text}");
    let text = alice.covault(["verify", "--format", "markdown"]).exits(6).text();
    assert!(!text.contains(['<', '\u{1b}', '`', '@', '|']) && !text.contains("::"), "{text}");
    let rows: Vec<_> = text.lines().filter(|line| line.contains("img")).collect();
    assert!(matches!(rows.as_slice(), [row] if row.starts_with("- ")), "{text}");
}

#[test]
fn who_has_no_home_can_verify() {
    let world = World::new();
    let alice = stocked(&world);
    let mut zoe = stranger(&world, &alice);
    alice.git(["commit", "-q", "--allow-empty", "-m", "nothing"]).ok();
    let covault = |zoe: &Person| {
        let mut command = zoe.command(env!("CARGO_BIN_EXE_covault"));
        command.env_remove("HOME").env_remove("GIT_AUTHOR_NAME").env_remove("GIT_COMMITTER_NAME");
        command.args(["verify", "--strict", "--history"]).output().unwrap()
    };
    assert_eq!(covault(&zoe).status.code(), Some(0));
    zoe.vars.push(("HOME".to_owned(), String::new()));
    assert_eq!(covault(&zoe).status.code(), Some(0));
}

#[test]
fn a_range_says_who_gains_and_loses_access_and_who_sealed_what() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.git(["push", "-q"]).ok();
    let bob = world.joins(&alice, "bob");
    let start = head(&alice);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.set("prod/api", "for nobody else");
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    bob.set("dev/db", "for everybody");
    let env = bob.repo.join(".covault/env/default.env");
    std::fs::create_dir_all(env.parent().unwrap()).unwrap();
    std::fs::write(&env, "DATABASE_URL=covault://dev/db\n").unwrap();
    bob.git(["add", "-A"]).ok();
    bob.git(["commit", "-q", "-m", "env"]).ok();
    let range = format!("{start}..HEAD");
    let said = json(&bob.covault(["verify", "--json", "--range", &range]).ok());
    let changes = &said["changes"];
    assert_eq!(changes["access"], serde_json::json!([{ "member": "bob", "gains": [], "losses": ["prod/db"] }]));
    assert_eq!(changes["roster"][0]["text"], "lets alice read prod");
    assert_eq!((&changes["roster"][0]["by"], &changes["roster"][0]["seq"]), (&"alice".into(), &2.into()));
    let told: Vec<_> = changes["secrets"].as_array().unwrap().iter().collect();
    let of = |n: usize| (told[n]["name"].as_str().unwrap(), told[n]["what"].as_str().unwrap(), &told[n]["authors"][0]);
    assert_eq!(of(0), ("dev/db", "new", &"bob".into()));
    assert_eq!(of(1), ("prod/api", "new", &"alice".into()));
    // Bob's stanza went, and with it the file key: the values are the same.
    assert_eq!(of(2), ("prod/db", "sealed anew", &"alice".into()));
    let variable = serde_json::json!({ "name": "DATABASE_URL", "before": null, "after": "dev/db" });
    assert_eq!(changes["env"][0]["variables"], serde_json::json!([variable]));
    let text = bob.covault(["verify", "--range", &range]).ok().text();
    for line in ["bob loses prod/db", "dev/db: new, revision 1, by bob; read by alice, bob"] {
        assert!(text.contains(line), "{text}");
    }
    // Before, Bob came.
    let said = json(&bob.covault(["verify", "--json", "--range", &format!("{start}~1..{start}")]).ok());
    assert_eq!(
        said["changes"]["access"][0],
        serde_json::json!({ "member": "bob", "gains": ["prod/db"], "losses": [] })
    );
    assert!(said["changes"]["roster"][0]["text"].as_str().unwrap().starts_with("admits bob (person; laptop; "));
    bob.covault(["verify", "--range", "HEAD"]).exits(2);
}

fn head(person: &Person) -> String {
    person.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned()
}

#[test]
fn a_merge_that_dropped_a_side_is_found_and_what_it_dropped_can_be_brought_back() {
    let world = World::new();
    let alice = stocked(&world);
    alice.git(["switch", "-qc", "side"]).ok();
    alice.set("prod/db", "of the side");
    let side = head(&alice);
    alice.git(["switch", "-q", "main"]).ok();
    alice.set("prod/db", "of the trunk");
    assert_eq!(codes(&alice, &["--history"], 0), []);
    alice.git(["merge", "-q", "-s", "ours", "--no-edit", "side"]).ok();
    let dropped = [("rollback".to_owned(), "secrets/prod/db.age".to_owned())];
    assert_eq!(codes(&alice, &[], 0), []);
    assert_eq!(codes(&alice, &["--history"], 6), dropped);
    assert_eq!(codes(&alice, &["--range", "HEAD~1..HEAD"], 6), dropped);
    let text = alice.covault(["verify", "--history"]).exits(6).text();
    assert!(text.contains("this merge dropped revision 2 by alice"), "{text}");
    assert!(text.contains("1 of its secret values is not there"), "{text}");
    let hint = text.lines().find_map(|line| line.split_once("covault resolve ")).unwrap().1.to_owned();
    assert!(hint.starts_with(&format!("prod/db --from {}", &side[..10])), "{hint}");
    alice.covault(["resolve"].into_iter().chain(hint.split(' '))).ok();
    let shown = alice.covault(["show", "prod/db", "--reveal"]).ok().text();
    assert!(shown.contains("of the side") && shown.contains("of the trunk"), "{shown}");
}

#[test]
fn what_history_is_missing_is_said() {
    let world = World::new();
    let alice = stocked(&world);
    let zoe = world.stranger("zoe");
    let from = format!("file://{}", alice.repo.display());
    zoe.git(["clone", "-q", "--depth=1", &from, zoe.repo.to_str().unwrap()]).ok();
    let mut zoe = zoe;
    zoe.vars.push(("COVAULT_VAULT".to_owned(), words(&alice)));
    zoe.covault(["verify", "--strict"]).ok();
    let said = zoe.covault(["verify", "--strict", "--history"]).exits(8).text();
    assert!(said.contains("git fetch --unshallow"), "{said}");
    zoe.covault(["verify", "--history"]).ok();
}

#[test]
fn a_push_has_to_follow_what_it_replaced_and_an_offered_branch_may_be_behind() {
    let world = World::new();
    let alice = stocked(&world);
    let old = head(&alice);
    alice.set("prod/db", "for the next database");
    let new = head(&alice);
    alice.git(["switch", "-qc", "back", &old]).ok();
    let range = format!("{new}..back");
    let rollback = one("rollback", "secrets/prod/db.age");
    assert_eq!(codes(&alice, &["--range", &range, "--strict"], 0), []);
    let text = alice.covault(["verify", "--range", &range]).ok().text();
    assert!(text.contains("so that the range has no commits") && text.contains("--pushed"), "{text}");
    assert_eq!(codes(&alice, &["--range", &range, "--pushed"], 6), rollback);
    alice.set("dev/db", "as if nothing were");
    assert_eq!(codes(&alice, &["--range", &range, "--strict"], 0), []);
    let text = alice.covault(["verify", "--range", &range, "--pushed"]).exits(6).text();
    assert!(text.contains("prod/db: changed, revision 2 to 1"), "{text}");
    let hint = text.lines().find_map(|line| line.split_once("covault resolve ")).unwrap().1.to_owned();
    alice.covault(["resolve"].into_iter().chain(hint.split(' '))).ok();
    assert_eq!(alice.get("prod/db"), "for the next database");
    assert_eq!(codes(&alice, &["--range", &range, "--pushed", "--strict"], 0), []);
    // Where the history is cut off it is held against what was there, and what lies between is said not to be judged.
    let zoe = world.stranger("zoe");
    let from = format!("file://{}", alice.repo.display());
    zoe.git(["clone", "-q", "--depth=1", &from, zoe.repo.to_str().unwrap()]).ok();
    zoe.git(["fetch", "-q", "--depth=1", "origin", &new]).ok();
    let range = format!("{new}..HEAD");
    let text = zoe.covault(["verify", "--range", &range, "--pushed"]).ok().text();
    assert!(text.contains("may not contain") && text.contains("it was held against it"), "{text}");
    assert!(text.contains("not judged:\n  2 commits have parents") && text.contains("git fetch --unshallow"), "{text}");
    zoe.covault(["verify", "--range", &range, "--pushed", "--strict"]).exits(8);
    alice.covault(["verify", "--pushed"]).exits(2);
}

#[test]
fn what_waits_is_no_finding_unless_one_is_strict() {
    let world = World::new();
    let alice = stocked(&world);
    assert_eq!(codes(&alice, &["--strict"], 0), []);
    // A literal value is refused by what reads env files; nobody signed them.
    let start = head(&alice);
    std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
    std::fs::write(alice.repo.join(".covault/env/default.env"), "TOKEN=in-the-clear\n").unwrap();
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-q", "-m", "env"]).ok();
    let range = format!("{start}..");
    let text = alice.covault(["verify", "--range", &range]).ok().text();
    assert!(text.contains("default.env is refused") && !text.contains("in-the-clear"), "{text}");
    alice.covault(["verify", "--strict", "--range", &range]).exits(8);
}

#[test]
fn what_is_older_than_what_this_clone_saw_is_told_and_left_to_the_history() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("rv", "the first");
    alice.set("rv", "the second");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("rv"), "the second");
    alice.covault(["verify", "--strict"]).ok();
    alice.git(["revert", "--no-edit", "HEAD"]).ok();
    alice.covault(["get", "rv"]).exits(6);
    let said = alice.covault(["verify"]).ok().text();
    assert!(said.contains("older than what this clone saw") && said.contains("rv.age: it does not follow"), "{said}");
    let found = json(&alice.covault(["verify", "--json"]).ok());
    assert_eq!((&found["good"], &found["settled"]), (&true.into(), &false.into()), "{found:#}");
    alice.covault(["verify", "--strict"]).exits(8);
    alice.covault(["verify", "--strict", "--at", "HEAD"]).ok();
    alice.covault(["verify", "--history"]).exits(6);
    alice.covault_fed(b"the third", ["set", "rv"]).ok();
    alice.covault(["verify", "--strict"]).ok();
    // The same where it lies on disk alone.
    alice.git(["push", "-q"]).ok();
    alice.git(["checkout", "-q", "HEAD~2", "--", ".covault/secrets/rv.age"]).ok();
    alice.covault(["verify"]).ok();
    assert_eq!(json(&alice.covault(["verify", "--json"]).ok())["behind"].as_array().unwrap().len(), 1);
}
