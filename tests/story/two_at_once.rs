//! Two people at once, and a third, and a machine without a key: one question is asked, and nothing is lost.

use crate::cli::json;
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, World};

/// Everything that a person reads, as it is shown.
fn all(person: &Person) -> Vec<String> {
    let names = person.covault(["ls"]).ok().text();
    names.lines().map(|name| person.covault(["show", name, "--reveal"]).ok().text()).collect()
}

/// Exchanges with the others; the code, and what was asked.
fn sync(person: &Person) -> (i32, serde_json::Value) {
    let said = person.covault(["sync", "--json"]);
    let answer = json(&said);
    (said.code, answer)
}

#[test]
fn one_question_is_asked_and_the_log_says_who_did_what() {
    let world = World::new();
    let alice = world.team("alice");
    alice.covault_fed(b"the first password", ["set", "prod/db", "--stdin", "password", "user=app"]).ok();
    alice.set("old/api", "a key that nobody needs");
    alice.git(["push", "-q"]).ok();
    let bob = world.joins(&alice, "bob");
    let carol = world.joins(&alice, "carol");
    bob.git(["pull", "-q", "--ff-only"]).ok();

    // bob rotates a password on a branch of his, while alice adds a tag and admits dave.
    bob.git(["checkout", "-q", "-b", "rotate"]).ok();
    bob.covault_fed(b"rotated by bob", ["set", "prod/db", "--stdin", "password"]).ok();
    bob.push("rotate");
    alice.covault(["set", "prod/db", "--tag", "web"]).ok();
    let dave = world.joins(&alice, "dave");
    // carol, who is offline, deletes another secret, and rotates the same password.
    carol.git(["checkout", "-q", "-b", "offline"]).ok();
    carol.covault(["rm", "old/api"]).ok();
    carol.covault_fed(b"rotated by carol", ["set", "prod/db", "--stdin", "password"]).ok();
    carol.push("offline");

    // A machine without a key merges both branches, and nobody has to be asked for that.
    let bot = world.newcomer("bot");
    bot.covault(["setup"]).ok();
    for branch in ["origin/rotate", "origin/offline"] {
        bot.git(["merge", "-q", "--no-edit", branch]).ok();
    }
    bot.covault(["verify"]).ok();
    bot.push("main");
    for (person, branch) in [(&bob, "rotate"), (&carol, "offline")] {
        person.git(["checkout", "-q", "main"]).ok();
        person.git(["branch", "-q", "-D", branch]).ok();
    }

    // alice goes on meanwhile. The first to exchange hears of the one real question, and nobody hears of it twice.
    alice.covault(["set", "prod/db", "--url", "https://db.example"]).ok();
    let (code, answer) = sync(&alice);
    assert_eq!((code, &answer["conflicts"]), (5, &serde_json::json!(["prod/db/password"])), "{answer}");
    assert_eq!((&answer["pushed"], &answer["contested"]), (&true.into(), &serde_json::json!([])), "{answer}");
    alice.covault(["get", "prod/db/password", "--strict"]).exits(5);
    let asked = json(&alice.covault(["resolve", "--reveal", "--json"]).exits(5));
    let values = asked["fields"][0]["values"].as_array().unwrap();
    let of = |name: &str| values.iter().find(|value| value["author"] == name).unwrap();
    assert_eq!(
        (of("bob")["value"].as_str(), of("carol")["value"].as_str()),
        (Some("rotated by bob"), Some("rotated by carol"))
    );
    alice.covault(["resolve", "prod/db/password", "--pick", of("bob")["id"].as_str().unwrap()]).ok();
    assert_eq!(sync(&alice).0, 0);

    for person in [&bob, &carol, &dave, &alice, &bob, &carol, &dave] {
        let (code, answer) = sync(person);
        assert_eq!(code, 0, "{}: {answer}", person.name);
    }
    // All see the same, and dave reads what was written while he came aboard.
    let seen = all(&alice);
    assert_eq!(seen.len(), 1, "{seen:?}");
    for text in ["rotated by bob", "tags: web", "https://db.example", "user: app", "alice, bob, carol, dave"] {
        assert!(seen[0].contains(text), "{text}: {}", seen[0]);
    }
    for person in [&bob, &carol, &dave] {
        assert_eq!(all(person), seen, "{}", person.name);
        let status = json(&person.covault(["status", "--json"]).ok());
        for key in ["conflicts", "contested", "pending", "refused", "uncommitted"] {
            assert_eq!(status[key], serde_json::json!([]), "{}: {key}", person.name);
        }
        assert_eq!(
            person.git(["rev-parse", "HEAD^{tree}"]).ok().text(),
            alice.git(["rev-parse", "HEAD^{tree}"]).ok().text()
        );
        person.covault(["get", "old/api"]).exits(3);
    }
    bob.covault(["verify", "--history"]).ok();
    if can_judge() {
        assert_eq!(second_opinion(&bob.repo, &["--history"])["verdict"], "good");
    }

    // The log names who did what, by their signatures.
    let log = json(&dave.covault(["log", "prod/db", "--fields", "--json"]).ok()).to_string();
    for author in ["alice", "bob", "carol"] {
        assert!(log.contains(author), "{author}: {log}");
    }
    let deleted = json(&dave.covault(["log", "old/api", "--json"]).ok()).to_string();
    assert!(deleted.contains("carol") && deleted.contains("deleted"), "{deleted}");
}
