//! `rotate`: new values for what is named, what is due, and what somebody could read.

use covault::model::names::{FieldName, MemberName, MetaName, SecretPath};
use covault::model::roster::{Operation, Role};
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::vault::set::{Edit, FieldEdit};
use covault::vault::write::How;

use super::{all_of, head, json, on_terminal, same};
use crate::team::{admit, amend, how, vault};
use crate::world::{Person, World};

/// alice with a generated password, a typed token, and a user that is no secret.
fn stocked(world: &World) -> Person {
    let alice = world.founder("alice");
    let args = ["set", "prod/db", "user=app", "--generate", "password:words:5", "--stdin", "token"];
    alice.covault_fed(b"token-by-hand", args).ok();
    alice
}

#[track_caller]
fn field(person: &Person, name: &str) -> String {
    person.covault(["get", name]).ok().text()
}

#[test]
fn what_was_generated_is_generated_anew_in_the_same_way() {
    let world = World::new();
    let alice = stocked(&world);
    let (at, old) = (head(&alice), field(&alice, "prod/db/password"));
    let said = alice.covault(["rotate", "prod/db/password", "--yes"]).ok();
    assert!(said.out.is_empty() && said.err.contains("prod/db/password: generated anew (words:5)"), "{}", said.err);
    assert!(said.err.contains("rotated 1 field (commit "), "{}", said.err);
    let new = field(&alice, "prod/db/password");
    assert!(new != old && new.split('-').count() == 5, "{new}");
    assert_eq!((field(&alice, "prod/db/user"), field(&alice, "prod/db/token")), ("app".into(), "token-by-hand".into()));
    assert_eq!(alice.git(["rev-list", "--count", &format!("{at}..HEAD")]).ok().text(), "1\n");
    assert_eq!(alice.git(["log", "-1", "--format=%s"]).ok().text(), "covault: rotate prod/db\n");
    // And again: the recipe is still there.
    alice.covault(["rotate", "prod/db/password", "--yes"]).ok();
    assert_eq!(field(&alice, "prod/db/password").split('-').count(), 5);
    assert_eq!(field(&alice, "prod/db/password@1"), old);
}

#[test]
fn what_nobody_can_be_asked_for_is_left_and_listed() {
    let world = World::new();
    let alice = stocked(&world);
    let old = field(&alice, "prod/db/password");
    let said = alice.covault(["rotate", "prod/db", "--yes"]).exits(8);
    assert!(
        said.err.contains("left: prod/db/token: nobody can be asked: covault rotate prod/db/token --stdin"),
        "{}",
        said.err
    );
    assert_ne!(field(&alice, "prod/db/password"), old);
    assert_eq!(field(&alice, "prod/db/token"), "token-by-hand");
    // Only what has to be asked for: nothing happens.
    let before = all_of(&alice);
    let said = alice.covault(["rotate", "prod/db/token"]).exits(8);
    assert!(said.err.contains("nothing to change"), "{}", said.err);
    same(&before, &all_of(&alice));
    let said = alice.covault(["rotate", "prod/db/password"]).exits(7);
    assert!(said.err.contains("hint: repeat it with: --yes"), "{}", said.err);
    same(&before, &all_of(&alice));
    // From stdin, for one value.
    alice.covault_fed(b"token-from-a-pipe\n", ["rotate", "prod/db/token", "--stdin"]).ok();
    assert_eq!(field(&alice, "prod/db/token"), "token-from-a-pipe");
    let before = all_of(&alice);
    alice.covault_fed(b"a value", ["rotate", "prod/db/password", "--stdin"]).exits(2);
    let said = alice.covault_fed(b"token-from-a-pipe\n", ["rotate", "prod/db/token", "--stdin"]).exits(2);
    assert!(said.err.contains("is the old one"), "{}", said.err);
    same(&before, &all_of(&alice));
}

#[test]
fn a_person_at_a_terminal_is_asked_hidden_and_twice() {
    let world = World::new();
    let alice = stocked(&world);
    alice.covault_fed(b"-----BEGIN KEY-----\nline\n", ["set", "tls/key", "--stdin", "key"]).ok();
    let answers = ["typed-at-terminal", "typed-at-terminal"];
    let said = on_terminal(&alice, &answers, &["rotate", "prod/db", "tls/key", "--yes"]).exits(8);
    assert!(!said.text().contains("typed-at-terminal") && said.text().contains("prod/db/token: "), "{}", said.text());
    assert!(
        said.text().contains("left: tls/key/key: it is a file: covault set tls/key --file key=PATH"),
        "{}",
        said.text()
    );
    assert_eq!(field(&alice, "prod/db/token"), "typed-at-terminal");
    // Who types nothing leaves it.
    let said = on_terminal(&alice, &["", ""], &["rotate", "prod/db/token"]).exits(8);
    assert!(said.text().contains("nothing to change"), "{}", said.text());
    assert_eq!(field(&alice, "prod/db/token"), "typed-at-terminal");
}

#[test]
fn a_value_that_was_written_by_hand_since_is_not_generated() {
    let world = World::new();
    let alice = stocked(&world);
    alice.covault_fed(b"chosen-by-a-provider", ["set", "prod/db", "--stdin", "password"]).ok();
    alice.covault(["rotate", "prod/db/password", "--yes"]).exits(8);
    assert_eq!(field(&alice, "prod/db/password"), "chosen-by-a-provider");
    let shown = json(&alice.covault(["show", "prod/db", "--json"]).ok());
    assert!(!shown.to_string().contains("generate-password"), "{shown}");
    // One whose recipe came by a merge and does not fit it, either.
    alice.covault(["set", "prod/db", "--meta", "generate-token=alnum:32"]).ok();
    alice.covault(["rotate", "prod/db/token", "--yes"]).exits(8);
    // A provider's is the provider's.
    alice.covault(["set", "prod/db", "--generate", "password", "--meta", "provider=example"]).ok();
    let said = alice.covault(["rotate", "prod/db/password", "--yes"]).exits(8);
    assert!(said.err.contains("example issues it: make a new one there"), "{}", said.err);
}

#[test]
fn what_is_due_gets_a_new_value_and_is_not_due_any_more() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault(["set", "old", "--generate", "value", "--expires", "2020-01-01"]).ok();
    alice.covault(["set", "fresh", "--generate", "value", "--rotate-every", "90d"]).ok();
    let (old, fresh) = (field(&alice, "old"), field(&alice, "fresh"));
    let said = json(&alice.covault(["rotate", "--due", "--dry-run", "--json"]).ok());
    assert_eq!(said["rotated"][0]["secret"], "old");
    assert_eq!(
        (&said["files"], said["rotated"].as_array().unwrap().len()),
        (&serde_json::json!([".covault/secrets/old.age"]), 1)
    );
    assert_eq!(field(&alice, "old"), old);
    let said = alice.covault(["rotate", "--due", "--yes"]).ok();
    assert!(said.err.contains("old expired 2020-01-01") && said.err.contains("--expires WHEN"), "{}", said.err);
    assert!(field(&alice, "old") != old && field(&alice, "fresh") == fresh);
    let said = alice.covault(["rotate", "--due"]).ok();
    assert!(said.err.contains("nothing to change"), "{}", said.err);
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["due"], serde_json::json!([]));
}

#[test]
fn what_is_due_stays_due_until_each_of_its_secrets_is_new() {
    let world = World::new();
    let alice = world.founder("alice");
    let field = |name: &str, value: &str, plain| FieldEdit {
        name: FieldName::parse(name).unwrap(),
        value: Some(Plaintext::from_text(value)),
        plain,
    };
    let edit = Edit {
        fields: vec![field("password", "old", false), field("token", "old", false), field("user", "app", true)],
        meta: vec![(MetaName::parse("rotate-every").unwrap(), Some("30d".to_owned()))],
        ..Edit::default()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let long_ago = Time::from_unix(i64::try_from(now).unwrap() - 100 * 86_400);
    vault(&alice).set(&SecretPath::parse("prod/db").unwrap(), edit, &How { now: long_ago, ..how() }).unwrap();
    let is_due = || alice.covault(["ls", "--due"]).ok().text() == "prod/db\n";
    assert!(is_due());
    alice.covault(["set", "prod/db", "user=other"]).ok();
    assert!(is_due(), "a user name is no secret");
    alice.covault_fed(b"new", ["set", "prod/db", "--stdin", "password"]).ok();
    assert!(is_due(), "the token is as old as before");
    alice.covault_fed(b"new", ["set", "prod/db", "--stdin", "token"]).ok();
    assert!(!is_due());
}

#[test]
fn what_somebody_who_left_could_read_is_rotated_in_one_commit() {
    let world = World::new();
    let alice = stocked(&world);
    admit(&world, &alice, "carol", Role::Writer);
    alice.covault(["set", "api", "--generate", "value"]).ok();
    alice.covault(["grant", "own", "alice", "--yes"]).ok();
    alice.covault(["set", "own/key", "--generate", "value"]).ok();
    let member = vault(&alice).roster().named(&MemberName::parse("carol").unwrap()).unwrap().reference();
    amend(&alice, vec![Operation::Remove { member, live: vec![] }.into()], "covault: remove carol");
    let (at, own) = (head(&alice), field(&alice, "own/key"));
    let said = json(&alice.covault(["rotate", "--exposed-to", "carol", "--yes", "--json"]).exits(8));
    assert_eq!(said["rotated"].as_array().unwrap().len(), 2, "{said}");
    assert_eq!((&said["left"][0]["secret"], &said["left"][0]["field"]), (&"prod/db".into(), &"token".into()));
    assert_eq!(alice.git(["rev-list", "--count", &format!("{at}..HEAD")]).ok().text(), "1\n");
    assert_eq!(field(&alice, "own/key"), own);
    let list = json(&alice.covault(["expose", "carol", "--json"]).ok());
    assert_eq!(list["exposed"][0]["fields"], serde_json::json!(["token"]), "{list}");
    alice.covault_fed(b"another-token", ["rotate", "--exposed-to", "carol", "--stdin"]).ok();
    alice.covault(["expose", "--check"]).ok();
    assert!(alice.covault(["rotate", "--exposed-to", "carol"]).ok().err.contains("nothing to change"));
    alice.covault(["rotate", "--exposed-to", "zacharias"]).exits(3);
}

#[test]
fn wrong_words_are_usage_and_change_nothing() {
    let world = World::new();
    let alice = stocked(&world);
    let before = all_of(&alice);
    for (args, code, what) in [
        (&["rotate"][..], 2, "required"),
        (&["rotate", "prod/db", "--due"], 2, "cannot be used with"),
        (&["rotate", "prod/db/user"], 2, "hint: change it with: covault set prod/db user=TEXT"),
        (&["rotate", "prod/db/nothing"], 3, "nothing"),
        (&["rotate", "nowhere"], 3, "nowhere"),
    ] {
        let said = alice.covault(args).exits(code);
        assert!(said.err.contains(what), "{args:?}: {}", said.err);
    }
    same(&before, &all_of(&alice));
}
