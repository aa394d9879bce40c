//! What people see, as snapshots: hashes, times, words and paths are taken out.

use super::json;
use crate::world::{Person, World};

fn tidy(person: &Person, text: &str) -> String {
    let words = json(&person.covault(["whoami", "--json"]).ok());
    let text =
        text.replace(words["words"].as_str().unwrap(), "[six words]").replace(person.home.to_str().unwrap(), "[home]");
    let is_hash = |word: &str| word.len() >= 9 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_time = |word: &str| word.parse::<jiff::Timestamp>().is_ok();
    let tidy = |word: &str| -> String {
        let bare = word.trim_matches(['(', ')', ',', ':']);
        if is_time(bare) {
            word.replace(bare, "[time]")
        } else if is_hash(bare) {
            word.replace(bare, "[hash]")
        } else {
            word.to_owned()
        }
    };
    let lines = text.lines().map(|line| line.split(' ').map(tidy).collect::<Vec<_>>().join(" "));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn people_see_this() {
    let world = World::new();
    let alice = world.founder("alice");
    let args = [
        "set",
        "prod/db",
        "user=app",
        "--stdin",
        "value",
        "--tag",
        "web",
        "--kind",
        "login",
        "--description",
        "main database",
    ];
    alice.covault_fed(b"s3cret", args).ok();
    alice.covault_fed(b"two\nlines\n", ["set", "tls/key"]).ok();
    alice.covault_fed(b"next", ["set", "prod/db"]).ok();
    alice.covault_fed(b"old", ["set", "old/token", "--stdin", "value", "--expires", "2020-01-01"]).ok();
    alice.covault(["mv", "tls/key", "tls/private-key"]).ok();
    super::conflict(&alice, "old/token", "value", &["mine", "theirs"]);
    let see = |args: &[&str]| tidy(&alice, &alice.covault(args).text());
    insta::assert_snapshot!("status", see(&["status"]));
    insta::assert_snapshot!("show", see(&["show", "prod/db"]));
    insta::assert_snapshot!("show_reveal", see(&["show", "tls/private-key", "--reveal"]));
    insta::assert_snapshot!("show_conflict", see(&["show", "old/token", "--reveal"]));
    insta::assert_snapshot!("ls", see(&["ls"]));
    insta::assert_snapshot!("ls_tree", see(&["ls", "--tree"]));
    insta::assert_snapshot!("ls_long", see(&["ls", "--long"]).split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!("log", see(&["log"]));
    insta::assert_snapshot!("log_fields", see(&["log", "prod/db", "--fields"]));
    insta::assert_snapshot!("diff", see(&["diff", "HEAD~5", "HEAD~2", "--reveal"]));
    insta::assert_snapshot!("doctor", see(&["doctor"]));
}
