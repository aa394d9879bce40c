//! By a member: what is written at an old name is carried to where the secret moved, by whoever writes next. Nobody gets a
//! value in, or out, that way where no grant lets them.

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
