//! `scan`: what it finds in files, in what is staged and in commits, and that it never says a value.

use super::{conflict, json};
use crate::model::leak::random;
use crate::world::{Person, World};

const HEX: &str = "0123456789abcdef";
const VALUE: &str = "tr0ub4dor & three more";

fn key() -> String {
    format!("sk-or-v1-{}", random(HEX, 64, 7))
}

fn stocked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("prod/db", VALUE);
    alice
}

fn write(person: &Person, file: &str, text: impl AsRef<[u8]>) {
    let path = person.repo.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn commit(person: &Person, message: &str) {
    person.git(["add", "-A"]).ok();
    person.git(["commit", "-q", "--allow-empty", "-m", message]).ok();
}

/// The lines of the findings; what was said has none of the secrets.
#[track_caller]
fn lines(person: &Person, args: &[&str]) -> Vec<String> {
    let said = person.covault([&["scan"], args].concat());
    let text = said.text();
    for secret in [VALUE, &key()[9..]] {
        assert!(!text.contains(secret) && !said.err.contains(secret), "{text}{}", said.err);
    }
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    said.exits(if lines.is_empty() { 0 } else { 8 });
    lines
}

/// The findings without the commit in front.
#[track_caller]
fn places(person: &Person, args: &[&str]) -> Vec<String> {
    lines(person, args).iter().map(|line| line.split_once(':').unwrap().1.to_owned()).collect()
}

#[test]
fn a_repository_without_secrets_has_no_findings() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "src/main.rs", "fn main() { println!(\"AKIAIOSFODNN7EXAMPLE\"); }\n");
    write(&alice, "picture.png", [0, 1, 2, 3]);
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    commit(&alice, "work");
    for args in [["--history"], ["--staged"], ["--commit=HEAD"], ["--range=HEAD~1..HEAD"]] {
        assert_eq!(lines(&alice, &args), Vec::<String>::new());
    }
    let said = alice.covault(["scan"]).ok();
    assert!(
        said.err.contains("0 findings; looked at ") && said.err.contains(" for 1 value of the vault"),
        "{}",
        said.err
    );
    assert!(alice.covault(["scan", "--quiet"]).ok().err.is_empty());
}

#[test]
fn values_and_keys_in_files_are_named_by_place() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "app/.env", format!("A=1\nDB_PASSWORD={VALUE}\n"));
    write(&alice, "notes", format!("the key:\n  {}\n", key()));
    write(&alice, "core.bin", [b"\0\0\0".as_slice(), VALUE.as_bytes()].concat());
    let all = [
        "app/.env:2:13: the value of prod/db/value",
        "core.bin:1:4: the value of prod/db/value",
        "notes:2:3: OpenRouter API key",
    ];
    assert_eq!(lines(&alice, &[]), all);
    alice.git(["add", "notes"]).ok();
    assert_eq!(lines(&alice, &[]), all);
    // From below, and parts of it.
    assert_eq!(lines(&alice, &["app"]), all[..1]);
    let said = json(&alice.covault(["-C", "app", "scan", "--json", ".env", "../notes"]).exits(8));
    let first = &said["findings"][0];
    assert_eq!((&first["file"], &first["line"], &first["column"]), (&"app/.env".into(), &2.into(), &13.into()));
    assert_eq!(
        (&first["kind"], &first["secret"], &first["field"]),
        (&"value".into(), &"prod/db".into(), &"value".into())
    );
    assert_eq!(said["findings"][1]["name"], "OpenRouter API key");
    assert!(!said.to_string().contains(VALUE));
    alice.covault(["scan", "no/such/file"]).exits(3);
    alice.covault(["scan", "../elsewhere"]).exits(1);
    // A key in a binary file means nothing.
    write(&alice, "notes", format!("\0{}", key()));
    assert_eq!(lines(&alice, &["notes"]), Vec::<String>::new());
}

#[test]
fn ignored_files_are_looked_at_only_by_name() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, ".gitignore", "*.log\n");
    write(&alice, "build.log", VALUE);
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    assert_eq!(lines(&alice, &["build.log"]), ["build.log:1:1: the value of prod/db/value"]);
}

#[test]
fn a_person_can_allow_lines_and_files() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "tests/fixtures/a.txt", key());
    write(&alice, "b.txt", format!("{} # covault:allow\n{}\n", key(), key()));
    assert_eq!(lines(&alice, &[]), ["b.txt:2:1: OpenRouter API key", "tests/fixtures/a.txt:1:1: OpenRouter API key"]);
    assert!(alice.covault(["scan"]).exits(8).err.contains("2 findings, 1 allowed by a comment"));
    alice.git(["config", "--add", "covault.scanIgnore", "tests/fixtures/"]).ok();
    assert_eq!(lines(&alice, &[]), ["b.txt:2:1: OpenRouter API key"]);
    alice.git(["config", "--add", "covault.scanIgnore", "*.txt"]).ok();
    alice.git(["config", "--add", "covault.scanIgnore", "!b.txt"]).ok();
    assert_eq!(lines(&alice, &[]), ["b.txt:2:1: OpenRouter API key"]);
    // Nothing tracked switches a check off.
    alice.git(["config", "--unset-all", "covault.scanIgnore"]).ok();
    write(&alice, ".gitattributes", "*.txt -covault\n");
    write(&alice, ".gitconfig", "[covault]\n\tscanIgnore = *\n");
    assert_eq!(lines(&alice, &[]).len(), 2);
}

#[test]
fn what_is_staged_counts_and_not_what_was_there() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "old", format!("{VALUE}\n"));
    write(&alice, "new", "1\n");
    commit(&alice, "long ago");
    // In the work tree only.
    write(&alice, "new", key());
    assert_eq!(lines(&alice, &["--staged"]), Vec::<String>::new());
    alice.git(["add", "-A"]).ok();
    write(&alice, "new", "1\n");
    assert_eq!(lines(&alice, &["--staged"]), ["new:1:1: OpenRouter API key"]);
    assert_eq!(lines(&alice, &["--staged", "old"]), Vec::<String>::new());
    // Another line of a file that had it: no news. The same once more in a line of its own is.
    write(&alice, "old", format!("a line\n{VALUE}\n"));
    alice.git(["add", "old", "new"]).ok();
    assert_eq!(lines(&alice, &["--staged"]), Vec::<String>::new());
    write(&alice, "old", format!("{VALUE}\nx={VALUE}\n"));
    alice.git(["add", "old"]).ok();
    assert_eq!(lines(&alice, &["--staged"]), ["old:2:3: the value of prod/db/value"]);
    // Only to be added some day.
    alice.git(["reset", "-q", "--hard"]).ok();
    write(&alice, "later", VALUE);
    alice.git(["add", "-N", "later"]).ok();
    assert_eq!(lines(&alice, &["--staged"]), Vec::<String>::new());
}

#[test]
fn history_has_what_was_taken_out_and_what_messages_say() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "a", VALUE);
    commit(&alice, "oops");
    let brought = super::head(&alice);
    write(&alice, "a", "clean\n");
    commit(&alice, &format!("take it out\n\nit was {VALUE}, see {}\n", key()));
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    let found = lines(&alice, &["--history"]);
    assert_eq!(found[0], format!("{}:a:1:1: the value of prod/db/value", &brought[..9]));
    let message = ["(message):3:8: the value of prod/db/value", "(message):3:36: OpenRouter API key"];
    assert_eq!(places(&alice, &["--history"])[1..], message);
    assert_eq!(places(&alice, &["--commit", "HEAD"]), message);
    assert_eq!(places(&alice, &["--range", "HEAD~1..HEAD"]), message);
    assert_eq!(places(&alice, &["--range", "HEAD~2..HEAD"]).len(), 3);
    assert_eq!(places(&alice, &["--range", "HEAD~2..HEAD~1"]), ["a:1:1: the value of prod/db/value"]);
    assert_eq!(places(&alice, &["--history", "a"]), ["a:1:1: the value of prod/db/value"]);
    // A merge brings nothing that one of its sides has.
    alice.git(["checkout", "-q", "-b", "side", "HEAD~1"]).ok();
    write(&alice, "b", "2\n");
    commit(&alice, "side");
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["merge", "-q", "-m", "merged", "side"]).ok();
    assert_eq!(places(&alice, &["--commit", "HEAD"]), Vec::<String>::new());
    assert_eq!(places(&alice, &["--history"]).len(), 3);
    alice.covault(["scan", "--commit", "nothing"]).exits(3);
    alice.covault(["scan", "--range", "HEAD"]).exits(2);
    alice.covault(["scan", "--staged", "--history"]).exits(2);
}

#[test]
fn every_live_value_counts_and_what_is_no_secret_does_not() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"the first one!", ["set", "a", "--stdin", "password", "user=public-user-name-7"]).ok();
    conflict(&alice, "a", "password", &["the second one!", "the third one!"]);
    write(&alice, "x", "the first one!\nthe second one!\nthe third one!\npublic-user-name-7\n");
    assert_eq!(lines(&alice, &[]), ["x:2:1: the value of a/password", "x:3:1: the value of a/password"]);
    // Deleted, and so no value of this vault.
    alice.covault(["rm", "a"]).ok();
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    // As env files have them.
    write(&alice, ".env", "NODE_ENV=production\nHOST=localhost\nTOKEN=tr0ub4dor-and-3\n");
    alice.covault(["import", ".env"]).ok();
    write(&alice, ".env", "");
    write(&alice, "config.js", "if (env === 'production' && host === 'localhost') {}\n");
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    let said = alice.covault(["scan"]).ok().err;
    assert!(
        said.contains("too short or too common to be looked for: default/host/value, default/node-env/value"),
        "{said}"
    );
}

#[test]
fn a_file_of_several_lines_is_known_by_each() {
    let world = World::new();
    let alice = world.founder("alice");
    let lines_of = |seed| random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 64, seed);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", lines_of(1), lines_of(2));
    alice.covault_fed(pem.as_bytes(), ["set", "tls", "--stdin", "key"]).ok();
    write(&alice, "a", format!("const KEY = '{}';\n", lines_of(2)));
    assert_eq!(lines(&alice, &[]), ["a:1:14: the value of tls/key"]);
    write(&alice, "a", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
}

#[test]
fn who_opens_nothing_looks_for_keys_and_is_told() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, "a", format!("{VALUE}\n{}\n", key()));
    commit(&alice, "oops");
    let zoe = alice.clone_for(world.stranger("zoe"));
    assert_eq!(lines(&zoe, &[]), ["a:2:1: OpenRouter API key"]);
    let said = zoe.covault(["scan"]).exits(8).err;
    assert!(said.contains("not looked for or at: values of the vault: there is no identity on this machine"), "{said}");
    // Without any vault, too.
    let bob = world.person("bob");
    write(&bob, "a", key());
    assert_eq!(lines(&bob, &[]), ["a:1:1: OpenRouter API key"]);
    bob.git(["add", "-A"]).ok();
    assert_eq!(lines(&bob, &["--staged"]), ["a:1:1: OpenRouter API key"]);
    // Before the first commit.
    let eve = world.stranger("eve");
    std::fs::create_dir_all(&eve.repo).unwrap();
    eve.git(["init", "-q"]).ok();
    write(&eve, "a", key());
    eve.git(["add", "-A"]).ok();
    assert_eq!(lines(&eve, &["--staged"]), ["a:1:1: OpenRouter API key"]);
    assert_eq!(lines(&eve, &["--history"]), Vec::<String>::new());
}

#[test]
fn large_files_links_and_odd_names_stop_nobody() {
    let world = World::new();
    let alice = stocked(&world);
    let mut large = vec![b'x'; (8 << 20) + 1];
    large.splice(0..0, VALUE.bytes());
    write(&alice, "large", &large);
    write(&alice, "line\nbreak: 1", VALUE);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        std::os::unix::fs::symlink(alice.identity(), alice.repo.join("link")).unwrap();
        std::fs::write(alice.repo.join(std::ffi::OsStr::from_bytes(b"\xff")), VALUE).unwrap();
    }
    let all = lines(&alice, &[]);
    assert_eq!(all, ["line\\u{a}break: 1:1:1: the value of prod/db/value"]);
    let said = alice.covault(["scan"]).exits(8).err;
    assert!(said.contains("not looked for or at: large: it has more than 8 MiB"), "{said}");
    commit(&alice, "all of it");
    let said = alice.covault(["scan", "--history"]).exits(8);
    assert!(said.err.contains("large: it has more than 8 MiB"), "{}", said.err);
    assert_eq!(said.text().lines().count(), 2, "{}", said.text());
}

#[test]
fn versions_that_wait_are_findings_where_something_is_deployed() {
    let world = World::new();
    let alice = stocked(&world);
    write(&alice, ".covault/secrets/prod/two.age", b"covault-siblings 1\n\0\0\0\0\x02");
    let line = ".covault/secrets/prod/two.age:1:1: several versions, which wait to be joined";
    assert_eq!(lines(&alice, &[]), [line]);
    alice.git(["checkout", "-q", "-b", "feature"]).ok();
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    assert!(alice.covault(["scan"]).ok().err.contains("prod/two.age has several versions, which wait to be joined"));
    alice.git(["config", "--add", "covault.deploy", "release staging"]).ok();
    alice.git(["config", "--add", "covault.deploy", "feature"]).ok();
    assert_eq!(lines(&alice, &[]), [line]);
    alice.git(["checkout", "-q", "main"]).ok();
    assert_eq!(lines(&alice, &[]), Vec::<String>::new());
    alice.git(["checkout", "-q", "feature"]).ok();
    alice.git(["add", "-A"]).ok();
    assert_eq!(lines(&alice, &["--staged"]), [line]);
    commit(&alice, "merged");
    assert_eq!(places(&alice, &["--commit", "HEAD"]), [line]);
    assert_eq!(places(&alice, &["--history"]), [line]);
    alice.git(["rm", "-q", ".covault/secrets/prod/two.age"]).ok();
    commit(&alice, "joined");
    assert_eq!(places(&alice, &["--history"]), Vec::<String>::new());
}

#[test]
fn values_of_every_vault_below_are_looked_for() {
    let world = World::new();
    let alice = world.person("alice");
    for (place, value) in [("api", VALUE), ("web", "another secret value")] {
        std::fs::create_dir_all(alice.repo.join(place)).unwrap();
        alice
            .covault(["-C", place, "init", "--here", "--name", "alice", "--vault-name", place, "--device", "laptop"])
            .ok();
        alice.covault_fed(value.as_bytes(), ["-C", place, "set", "db"]).ok();
    }
    write(&alice, "a", format!("{VALUE}\nanother secret value\n"));
    assert_eq!(
        lines(&alice, &[]),
        ["a:1:1: the value of db/value in api/.covault", "a:2:1: the value of db/value in web/.covault"]
    );
}
