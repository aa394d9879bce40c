//! By a member: what is written at an old name is carried to where the secret moved, by whoever writes next. Nobody gets a
//! value in, or out, that way where no grant lets them.

use covault::model::document::Document;
use covault::model::manifest::State;
use covault::model::names::SecretPath;
use covault::model::register::{Key, Value, Write};

use super::forge::{Forgery, member, now};
use super::rig::{Attacked, Case, PLANTED, pushed};

const SECRET: &str = "prod/db";

/// A secret of wanda's that claims to be prod/db.
fn twin<'a>(case: &'a Case, name: &str) -> Forgery<'a> {
    let known = case.next(SECRET, "wanda").manifest;
    let mut twin = case.birth(name, "wanda");
    (twin.manifest.id, twin.document.id) = (known.id, known.id);
    (twin.manifest.revision, twin.manifest.parents) = (9, known.parents);
    twin.manifest.ancestors = known.ancestors;
    twin
}

/// It has moved to these, says wanda, and was changed here by somebody who had not heard.
fn moved_to<'a>(forgery: Forgery<'a>, places: &[&str]) -> Forgery<'a> {
    forgery.saying(|document| {
        let before = document.clone();
        for place in places {
            let (mut moved, tombstone) = (before.clone(), Value::text(&format!("moved {place}")));
            moved.put(&Key::State, Write::new(&Key::State, tombstone, true, member("wanda"), now(), [1; 16]));
            *document = document.join(&moved);
        }
    })
}

/// alice writes, and then settles what can be settled.
fn alice_writes(attacked: Attacked) -> Attacked {
    let attacked = attacked.ends(&["set", "dev/db"], 0, "");
    attacked.case.alice.covault(["resolve"]);
    attacked
}

#[test]
fn a_value_is_carried_to_where_she_cannot_write() {
    let attacked = alice_writes(pushed(|case| moved_to(twin(case, "dev/decoy"), &[SECRET]).put()));
    let shown = attacked.case.alice.covault(["show", SECRET, "--reveal"]).ok().text();
    assert!(!shown.contains(PLANTED), "{shown}");
    attacked.reads(SECRET, "the production password");
}

#[test]
fn a_secret_is_carried_to_where_she_can_read() {
    let attacked = alice_writes(pushed(|case| {
        twin(case, "dev/aaa").put();
        moved_to(twin(case, "dev/decoy"), &["dev/aaa", SECRET]).put();
    }));
    let shown = attacked.case.alice.covault(["show", "dev/aaa", "--reveal"]).ok().text();
    assert!(!shown.contains("the production password"), "{shown}");
    attacked.reads(SECRET, "the production password");
}

#[test]
fn a_place_of_hers_is_carried_to_where_she_cannot_write() {
    let attacked = alice_writes(pushed(|case| {
        twin(case, "zzz").put();
        moved_to(twin(case, "dev/decoy"), &[SECRET, "zzz"]).put();
    }));
    let shown = attacked.case.alice.covault(["show", SECRET, "--reveal"]).ok().text();
    assert!(!shown.contains(PLANTED), "{shown}");
    attacked.reads(SECRET, "the production password");
}

/// alice moves the production password on and begins another at its name; wanda's clone has both.
fn two_in_production() -> Case {
    let case = Case::new();
    case.alice.covault(["mv", SECRET, "prod/x"]).ok();
    case.alice.covault_fed(b"another one", ["set", SECRET, "--new"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    case
}

#[test]
fn two_secrets_that_she_cannot_read_are_joined() {
    let case = two_in_production();
    moved_to(twin(&case, "dev/decoy"), &[SECRET, "prod/x"]).put();
    case.deliver();
    case.alice.covault(["set", "dev/other", "user=app"]).ok();
    case.alice.covault(["resolve"]).exits(5);
    assert_eq!(case.alice.get("prod/x"), "the production password");
    assert_eq!(case.alice.get(SECRET), "another one");
}

#[test]
fn a_persons_word_for_one_name_takes_no_other_along() {
    let case = Case::new();
    twin(&case, "dev/aaa").put();
    moved_to(twin(&case, "dev/decoy"), &["dev/aaa", SECRET]).put();
    case.deliver();
    let said = case.alice.covault(["resolve"]).exits(5);
    assert!(said.text().contains("--bring takes it to dev/aaa or prod/db"), "{}", said.text());
    let said = case.alice.covault(["resolve", "dev/decoy", "--bring"]).exits(5);
    let asked = "prod/db would come along to dev/aaa, which adam, alice, rita, wanda can read: if that is right, covault \
                 resolve dev/decoy prod/db --bring";
    assert!(said.err.contains(asked), "{}", said.err);
    assert_eq!(case.alice.get(SECRET), "the production password");
    let shown = case.alice.covault(["show", "dev/aaa", "--reveal"]).ok().text();
    assert!(!shown.contains("the production password"), "{shown}");
}

#[test]
fn a_secret_that_she_reads_by_a_share_is_carried_to_where_she_writes() {
    let case = Case::new();
    case.alice.covault(["share", SECRET, "wanda", "rita", "--yes"]).ok();
    case.alice.covault(["grant", "dev", "@ops", "wanda", "rita", "--yes"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    twin(&case, "dev/aaa").put();
    moved_to(twin(&case, "dev/decoy"), &["dev/aaa", SECRET]).put();
    case.deliver();
    case.alice.covault(["set", "dev/other", "user=app"]).ok();
    assert_eq!(case.alice.get(SECRET), "the production password");
}

#[test]
fn what_is_too_much_for_one_version_holds_nobody_up() {
    let case = Case::new();
    let many = |forgery: Forgery<'_>, first: u16| {
        forgery
            .saying(|document| {
                for n in first..first + 900 {
                    let key = Key::parse(&format!("field.f{n}")).unwrap();
                    let value = Value::text(&"x".repeat(2_000));
                    document.put(&key, Write::new(&key, value, false, member("wanda"), now(), [3; 16]));
                }
            })
            .with(|_| ())
            .put();
    };
    many(twin(&case, "dev/aaa"), 0);
    many(moved_to(twin(&case, "dev/decoy"), &["dev/aaa"]), 900);
    case.deliver();
    // Nor does it hold up another that moved.
    case.alice.covault(["set", "dev/old", "user=first"]).ok();
    case.alice.git(["branch", "-q", "late"]).ok();
    case.alice.covault(["mv", "dev/old", "dev/place"]).ok();
    case.alice.git(["checkout", "-q", "late"]).ok();
    case.alice.covault(["set", "dev/old", "user=late"]).ok();
    case.alice.git(["checkout", "-q", "-"]).ok();
    case.alice.git(["merge", "-q", "--no-edit", "late"]).ok();
    case.alice.covault(["set", "dev/other", "user=app"]).ok();
    assert_eq!(case.alice.get("dev/place/user"), "late");
    assert_eq!(case.alice.get("dev/aaa/f1").len(), 2_000);
    assert_eq!(case.alice.get("dev/decoy/f901").len(), 2_000);
}

#[test]
fn a_tombstone_that_waited_until_she_could_not_read_what_is_there() {
    let case = Case::new();
    moved_to(case.next("dev/api", "wanda"), &["zzz/mirror"]).put();
    case.deliver();
    case.alice.covault(["grant", "dev", "alice", "adam", "--yes"]).ok();
    case.alice.covault_fed(b"a value that wanda does not know", ["set", "dev/api"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    let known = case.next("dev/api", "wanda").manifest;
    let mut mirror = case.birth("zzz/mirror", "wanda");
    (mirror.manifest.id, mirror.document.id) = (known.id, known.id);
    mirror.put();
    case.deliver();
    case.alice.covault(["set", "dev/other", "user=app"]).ok();
    let shown = case.alice.covault(["show", "zzz/mirror", "--reveal"]).ok().text();
    assert!(!shown.contains("wanda does not know"), "{shown}");
    assert_eq!(case.alice.get("dev/api"), "a value that wanda does not know");
}

#[test]
fn a_place_that_a_secret_passed_through_sends_nothing_to_her() {
    let case = Case::new();
    case.alice.git(["branch", "late"]).ok();
    case.alice.covault(["mv", SECRET, "dev/passed", "--yes"]).ok();
    case.alice.covault(["mv", "dev/passed", "prod/db2"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    twin(&case, "dev/evil").put();
    let passed = case.next("dev/passed", "wanda").saying(|document| {
        *document = Document::new(document.vault, document.id, document.path.clone());
        let tombstone = Value::text("moved dev/evil");
        document.put(&Key::State, Write::new(&Key::State, tombstone, true, member("wanda"), now(), [1; 16]));
    });
    passed.with(|manifest| manifest.state = State::Moved(SecretPath::parse("dev/evil").unwrap())).put();
    case.deliver();
    case.alice.git(["checkout", "-q", "late"]).ok();
    case.alice.set(SECRET, "edited late");
    case.alice.git(["checkout", "-q", "main"]).ok();
    case.alice.git(["merge", "-q", "--no-edit", "late"]).ok();
    case.alice.covault(["set", "dev/other", "user=app"]).ok();
    let shown = case.alice.covault(["show", "dev/evil", "--reveal"]).ok().text();
    assert!(!shown.contains("edited late"), "{shown}");
    assert_eq!(case.alice.get(SECRET), "edited late");
}
