//! An account that has less than it had, or is another one than that in which an operation began.

use covault::model::keys::record::{Retired, Standing};
use covault::model::names::SecretPath;

use super::place::{OLD, Place, Template};
use crate::openrouter::fake::{Call, Fault, Rule};

/// From now on the management key is one of an account that has not got this key.
fn unknown(place: &Place, hash: &str) {
    for method in ["GET", "PATCH", "DELETE"] {
        place.fake.inject(Rule::on(format!("{method} /keys/{hash}").as_str(), Fault::Status(404)).before().always());
    }
}

fn old_of(place: &Place) -> String {
    place.fake.key_of(&place.remote.value(OLD).unwrap()).unwrap().hash
}

#[test]
fn going_on_in_another_account_calls_no_key_gone() {
    let place = Template::new().copy();
    let (alice, old) = (place.alice(), old_of(&place));
    place.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    alice.covault(["key", "rotate", OLD]).exits(9);
    place.fake.clear_rules();
    let asked = place.fake.count(Call::CreateKey);
    unknown(&place, &old);
    let said = alice.covault(["key", "resume"]);
    place.check(&said, "another account");
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("has not got the key") && said.err.contains("key login"), "{}", said.err);
    assert_eq!(place.fake.count(Call::CreateKey), asked, "a key was asked for in the other account");
    // With the right one it goes on.
    place.fake.clear_rules();
    place.resume(alice, "the account");
    place.settled("the account");
    let vault = crate::faults::rig::open(alice).unwrap();
    let secret = vault.secret(&SecretPath::parse(OLD).unwrap()).unwrap();
    let gone = Retired::all_of(&secret.document, secret.manifest.at);
    assert!(gone.iter().any(|one| one.standing == Standing::Gone), "{gone:?}");
}

#[test]
fn an_old_key_that_somebody_deleted_meanwhile_stops_no_rotation() {
    let place = Template::new().copy();
    let (alice, old) = (place.alice(), old_of(&place));
    place.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    alice.covault(["key", "rotate", OLD]).exits(9);
    place.fake.clear_rules();
    place.fake.delete(&old);
    let said = alice.covault(["key", "resume"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn a_new_key_that_another_account_does_not_know_is_not_asked_for_again() {
    let place = Template::new().copy();
    let alice = place.alice();
    let old = old_of(&place);
    // It is made, and then there is no answer any more.
    place.hasty();
    place.fake.inject(Rule::on(Call::CreateGuardrail, Fault::Status(500)).before().always());
    place.fake.inject(Rule::on(Call::ListGuardrails, Fault::Status(500)).before().always());
    alice.covault(["key", "rotate", OLD]).exits(9);
    place.fake.clear_rules();
    place.patient();
    let made = place.ours().into_iter().find(|key| key.hash != old).unwrap();
    unknown(&place, &made.hash);
    let asked = place.fake.count(Call::CreateKey);
    let said = alice.covault(["key", "resume"]);
    place.check(&said, "another account");
    assert_eq!(said.code, 4, "{}", said.err);
    assert_eq!(place.fake.count(Call::CreateKey), asked, "asked for another one");
    place.fake.clear_rules();
    place.resume(alice, "the account");
    place.settled("the account");
    assert_eq!(place.ours().first().map(|key| key.hash.clone()), Some(made.hash));
}

#[test]
fn a_guarded_key_goes_where_the_account_has_no_guardrails_any_more() {
    let template = Template::new();
    for (args, left) in [(["key", "rotate", OLD].as_slice(), 1), (&["key", "revoke", OLD, "--yes"], 0)] {
        let at = args.join(" ");
        let place = template.copy();
        place.fake.allow_guardrails(false);
        let said = place.alice().covault(args);
        place.check(&said, &at);
        assert_eq!(said.code, 0, "{at}: {}", said.err);
        assert!(said.err.contains("guardrail"), "{at}: {}", said.err);
        assert_eq!(place.ours().len(), left, "{at}");
        assert!(place.remote.operations().is_empty(), "{at}");
        place.alice().covault(["key", "resume"]).ok();
        assert_eq!(place.fake.guardrails().len(), 1, "{at}");
        // With the next key it is looked for again.
        place.fake.allow_guardrails(true);
        place.alice().covault(["key", "revoke", OLD, "--yes"]).ok();
        assert!(place.fake.guardrails().is_empty(), "{at}");
    }
}
