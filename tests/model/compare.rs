//! What differs between two versions, as a person is told.

use covault::model::compare::{Difference, differences};
use covault::model::document::Document;
use covault::model::register::{Value, Write};

use super::world::{Pen, at, empty, field, member, nonce, tag};

fn told(differences: &[Difference]) -> Vec<String> {
    let texts =
        |writes: &[Write]| writes.iter().map(|w| w.value.as_text().unwrap_or("-")).collect::<Vec<_>>().join("|");
    let one =
        |it: &Difference| format!("{} {}: {} > {}", it.verb(), it.key.to_text(), texts(&it.before), texts(&it.after));
    differences.iter().map(one).collect()
}

#[test]
fn what_is_added_changed_and_removed_is_told_and_the_state_is_not() {
    let mut before = empty();
    let mut alice = Pen::of("alice", 0);
    for (name, text) in [("user", "app"), ("password", "old"), ("note", "for now")] {
        alice.put(&mut before, &field(name), text);
    }
    let mut after = before.clone();
    alice.put(&mut after, &field("password"), "new");
    alice.put(&mut after, &field("token"), "fresh");
    alice.put(&mut after, &tag("web"), "web");
    alice.remove(&mut after, &field("note"));
    // Said again, which is no difference; that it lives is none, either.
    alice.put(&mut after, &field("user"), "app");
    alice.unbury(&mut after);
    let of = |before, after| told(&differences(before, after));
    let (old, new) = (Some((&before, at(0))), Some((&after, at(0))));
    assert_eq!(
        of(old, new),
        [
            "added tag.web:  > web",
            "removed field.note: for now > ",
            "changed field.password: old > new",
            "added field.token:  > fresh"
        ]
    );
    assert_eq!(
        of(None, old),
        ["added field.note:  > for now", "added field.password:  > old", "added field.user:  > app"]
    );
    assert_eq!(of(new, new), [""; 0]);
    assert_eq!(of(None::<(&Document, _)>, None), [""; 0]);
}

#[test]
fn the_same_value_that_is_no_secret_any_more_is_a_difference() {
    let mut before = empty();
    Pen::of("alice", 0).put(&mut before, &field("user"), "app");
    let mut after = before.clone();
    let plain = Write::new(&field("user"), Value::text("app"), true, member("alice"), at(60), nonce(9));
    after.put(&field("user"), plain);
    assert_eq!(told(&differences(Some((&before, at(0))), Some((&after, at(0))))), ["changed field.user: app > app"]);
}
