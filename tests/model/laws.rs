//! What a join must be, whatever it joins.

use std::fmt::Debug;

use covault::model::codec;
use covault::model::document::Document;
use covault::model::register::{Register, Value, Write};
use proptest::prelude::*;

use super::world::{any_document, any_register, any_write, at, cases, empty, field, member, nonce, write_of};

/// Commutative, associative, idempotent, and never behind either side.
pub fn a_join_holds_the_laws<T: Clone + PartialEq + Debug>(a: &T, b: &T, c: &T, join: impl Fn(&T, &T) -> T) {
    assert_eq!(join(a, a), *a, "idempotent");
    let ab = join(a, b);
    assert_eq!(ab, join(b, a), "commutative");
    assert_eq!(join(&ab, c), join(a, &join(b, c)), "associative");
    assert_eq!(join(&ab, a), ab, "a join has both sides in it already");
}

proptest! {
    #![proptest_config(cases(384))]

    #[test]
    fn registers_of_liars_join_by_the_laws(
        a in any_register(field("password")),
        b in any_register(field("password")),
        c in any_register(field("password")),
        copied in any_write(),
    ) {
        // Somebody copied one of bob's writes into theirs.
        let mut d = c.clone();
        d.put(write_of(&field("password"), copied));
        if let Some(write) = b.live().next() {
            d.put(write.clone());
        }
        a_join_holds_the_laws(&a, &b, &c, Register::join);
        a_join_holds_the_laws(&a, &b, &d, Register::join);
        a_join_holds_the_laws(&d, &c, &b, Register::join);
    }

    #[test]
    fn documents_of_liars_join_by_the_laws(a in any_document(), b in any_document(), c in any_document()) {
        a_join_holds_the_laws(&a, &b, &c, Document::join);
        let (ab, ba) = (codec::encode(&a.join(&b)).unwrap(), codec::encode(&b.join(&a)).unwrap());
        prop_assert_eq!(ab.expose(), ba.expose());
    }

    #[test]
    fn what_changed_is_joined_as_everything_where_ours_has_the_base(
        base in any_document(), ours in any_document(), theirs in any_document(),
    ) {
        let ours = ours.join(&base);
        prop_assert_eq!(ours.join_changes(&base, &theirs), ours.join(&theirs));
    }

    #[test]
    fn two_writes_have_the_same_name_only_if_they_are_the_same(a in any_write(), b in any_write()) {
        let (a, b) = (write_of(&field("user"), a), write_of(&field("user"), b));
        prop_assert_eq!(a.name() == b.name(), a == b);
    }
}

#[test]
fn a_name_depends_on_every_part_of_a_write() {
    let base = Write::new(&field("user"), Value::text("app"), false, member("alice"), at(0), nonce(0));
    let others = [
        Write::new(&field("user2"), Value::text("app"), false, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::text("app2"), false, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::Absent, false, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::Absent, true, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::text(""), false, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::text("app"), true, member("alice"), at(0), nonce(0)),
        Write::new(&field("user"), Value::text("app"), false, member("alice2"), at(0), nonce(0)),
        Write::new(&field("user"), Value::text("app"), false, member("alice"), at(1), nonce(0)),
        Write::new(&field("user"), Value::text("app"), false, member("alice"), at(0), nonce(1)),
    ];
    let mut names: Vec<_> = others.iter().chain([&base]).map(Write::name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 10);
}

#[test]
fn a_write_is_stored_under_the_name_that_it_has_in_its_register() {
    let mut document = empty();
    // Made for one register, changed afterwards, put into another: still the document can be read again.
    let mut write = Write::new(&field("a"), Value::text("x"), false, member("alice"), at(0), nonce(0));
    write.value = Value::text("y");
    document.put(&field("b"), write);
    let encoded = codec::encode(&document).unwrap();
    assert_eq!(codec::decode(&encoded).unwrap(), document);
}

#[test]
fn a_write_that_is_live_or_replaced_already_is_not_put_again() {
    let write = |n| Write::new(&field("a"), Value::text("x"), false, member("alice"), at(0), nonce(n));
    let mut register = Register::default();
    register.put(write(1));
    let once = register.clone();
    register.put(write(1));
    assert_eq!(register, once);
    register.put(write(2));
    let twice = register.clone();
    register.put(write(1));
    assert_eq!(register, twice);
    assert!(Register::from_parts([write(1)], [write(1).name()].into()).is_none());
}
