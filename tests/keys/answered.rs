//! Which value an issued key has is no question for people: `covault key resume` settles it, also where an older covault
//! let somebody answer, or let go of a key that an operation was open for.

use covault::model::keys::record::{KeyRecord, Standing};
use covault::model::names::{FieldName, MetaName, SecretPath};
use covault::model::register::{Key, Value};
use covault::model::time::Time;
use covault::vault::draft::Draft;
use covault::vault::write::How;

use super::place::{OLD, Place, Template};
use super::races::{all_resume, rotated_on_two_branches};
use crate::world::Person;

/// Writes the value as an older covault did, and the record where one is given, and pushes that.
fn write_value(person: &Person, value: &Value, standing: Option<Standing>) {
    // The library writes in this process, which knows nothing of the person's settings.
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", &format!("{}@example.org", person.name)]).ok();
    let vault = crate::faults::rig::open(person).unwrap();
    let secret = vault.secret(&SecretPath::parse(OLD).unwrap()).unwrap();
    let record = KeyRecord::of(&secret.document, secret.manifest.at).unwrap();
    let now = Time::from_unix(secret.manifest.at.unix() + 1);
    let how = How { now, dry_run: false, no_commit: false, program: env!("CARGO_BIN_EXE_covault").to_owned() };
    let writing = vault.writing(&how).unwrap();
    let mut draft = Draft::after(secret);
    let field = Key::Field(FieldName::parse("value").unwrap());
    draft.document.put(&field, vault.write_of(&field, value.clone(), false, now).unwrap());
    if let Some(standing) = standing {
        let key = Key::Meta(MetaName::parse("key").unwrap());
        let text = KeyRecord { standing, ..record }.to_text();
        draft.document.put(&key, vault.write_of(&key, Value::text(&text), true, now).unwrap());
    }
    writing.finish(&[draft], Vec::new(), "written by an older covault").unwrap();
    person.push("main");
}

/// The values that bob has of the secret.
fn values(place: &Place) -> Vec<Value> {
    let vault = crate::faults::rig::open(place.bob()).unwrap();
    let secret = vault.secret(&SecretPath::parse(OLD).unwrap()).unwrap();
    let fields = secret.fields();
    fields.iter().flat_map(|field| field.writes.iter().map(|write| write.value.clone())).collect()
}

fn twice() -> Template {
    let place = Template::new().copy();
    rotated_on_two_branches(&place);
    Template::after(place)
}

#[test]
fn which_of_two_issued_values_counts_is_answered_by_resume() {
    let place = twice().copy();
    let bob = place.bob();
    for args in [["resolve", OLD, "--newest"].as_slice(), &["get", OLD, "--strict"]] {
        let said = bob.covault(args);
        place.check(&said, &args.join(" "));
        assert_eq!(said.code, 5, "{args:?}: {}", said.err);
        assert!(said.err.contains(&format!("covault key resume {OLD}")), "{args:?}: {}", said.err);
    }
    for args in [["resolve"].as_slice(), &["status"]] {
        let said = bob.covault(args);
        let all = format!("{}{}", said.text(), said.err);
        assert!(all.contains("several clones made keys") && all.contains("covault key resume"), "{args:?}: {all}");
    }
    assert_eq!(values(&place).len(), 2);
    all_resume(&place, "two branches");
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn an_answer_that_was_given_all_the_same_keeps_the_key_that_was_picked() {
    let template = twice();
    for pick in 0..2 {
        let at = format!("value {pick} was picked");
        let place = template.copy();
        let picked = values(&place)[pick].clone();
        write_value(place.bob(), &picked, None);
        all_resume(&place, &at);
        assert_eq!(place.ours().len(), 1, "{at}");
        assert_eq!(place.remote.value(OLD).as_deref(), picked.as_text(), "{at}");
    }
}

#[test]
fn an_answer_that_is_the_value_of_no_key_ends_with_a_new_one() {
    let place = twice().copy();
    write_value(place.bob(), &Value::text("something else"), None);
    place.resume(place.bob(), "another value");
    all_resume(&place, "another value");
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn keys_whose_value_was_taken_out_all_go() {
    let place = twice().copy();
    write_value(place.bob(), &Value::Absent, None);
    all_resume(&place, "no value");
    assert_eq!(place.ours().len(), 0);
}

#[test]
fn a_key_is_not_let_go_of_while_something_is_open_for_it() {
    let place = Template::new().copy();
    let alice = place.alice();
    alice.covault(["key", "rotate", OLD, "--keep-old", "1h"]).ok();
    let said = alice.covault(["key", "revoke", OLD, "--local-only", "--yes"]).exits(5);
    assert!(said.err.contains(&format!("covault key resume {OLD}")), "{}", said.err);
    assert!(place.remote.value(OLD).is_some());
    // Where an older covault did, everything goes that the operation knows of.
    write_value(alice, &Value::Absent, Some(Standing::ByHand));
    all_resume(&place, "let go");
    assert_eq!(place.ours().len(), 0);
}
