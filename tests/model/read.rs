//! How concurrent writes are shown.

use covault::model::document::Document;
use covault::model::names::FieldName;
use covault::model::read;
use covault::model::register::{Key, Value, Write};
use covault::model::time::Time;
use proptest::prelude::*;

use super::world::{DAY, at, bytes, cases, empty, field, member, meta, nonce, tag};

/// Writes that nobody had seen when the others were written.
fn concurrent(key: &Key, writes: &[(Value, i64)]) -> Document {
    let documents = writes.iter().enumerate().map(|(n, (value, time))| {
        let mut document = empty();
        let plain = !matches!(key, Key::Field(_));
        document.put(key, Write::new(key, value.clone(), plain, member("alice"), at(*time), nonce(n as u64)));
        document
    });
    documents.fold(empty(), |all, one| all.join(&one))
}

fn texts(values: &[(&str, i64)]) -> Vec<(Value, i64)> {
    values.iter().map(|(text, time)| (Value::text(text), *time)).collect()
}

fn shown(document: &Document, sealed_at: Time) -> Vec<String> {
    let view = read::field(document, &FieldName::parse("password").unwrap(), sealed_at).unwrap();
    view.writes.iter().map(|write| write.value.as_text().unwrap_or("-").to_owned()).collect()
}

#[test]
fn the_newest_write_is_shown_first() {
    let document = concurrent(&field("password"), &texts(&[("one", 10), ("three", 30), ("two", 20)]));
    assert_eq!(shown(&document, at(30)), ["three", "two", "one"]);
}

#[test]
fn of_two_writes_at_the_same_time_the_greater_name_is_first() {
    let document = concurrent(&field("password"), &texts(&[("one", 10), ("two", 10), ("three", 10)]));
    let view = read::field(&document, &FieldName::parse("password").unwrap(), at(10)).unwrap();
    assert!(view.writes.windows(2).all(|pair| pair[0].name() > pair[1].name()));
}

#[test]
fn a_write_from_more_than_a_day_after_its_manifest_comes_last() {
    let document = concurrent(&field("password"), &texts(&[("honest", 0), ("liar", DAY + 1), ("older", -5)]));
    assert_eq!(shown(&document, at(0)), ["honest", "older", "liar"]);
    // To the second: a clock may be wrong by a day.
    assert_eq!(shown(&document, at(1)), ["liar", "honest", "older"]);
    let liars = concurrent(&field("password"), &texts(&[("honest", 0), ("bold", 9 * DAY), ("bolder", 99 * DAY)]));
    assert_eq!(shown(&liars, at(0)), ["honest", "bolder", "bold"]);
}

#[test]
fn the_end_of_time_is_no_way_to_be_shown_first() {
    let document = concurrent(&field("password"), &texts(&[("honest", 0), ("liar", i64::MAX / 2)]));
    assert_eq!(shown(&document, at(0)), ["honest", "liar"]);
    assert_eq!(shown(&document, Time::from_unix(i64::MAX)), ["liar", "honest"]);
    assert_eq!(shown(&document, Time::from_unix(i64::MIN)), ["liar", "honest"]);
}

#[test]
fn different_values_are_a_conflict_and_equal_ones_are_none() {
    let conflicted = |writes: &[(Value, i64)]| {
        let document = concurrent(&field("password"), writes);
        read::fields(&document, at(0)).iter().any(read::FieldView::is_conflicted)
    };
    assert!(!conflicted(&texts(&[("same", 1)])));
    assert!(!conflicted(&texts(&[("same", 1), ("same", 2), ("same", 3)])));
    assert!(conflicted(&texts(&[("same", 1), ("same", 2), ("other", 3)])));
    assert!(conflicted(&texts(&[("same", 1), ("other", 2), ("same", 3)])));
    assert!(conflicted(&[(Value::text("same"), 1), (Value::Absent, 2)]));
    assert!(conflicted(&[(bytes(&[0xff]), 1), (bytes(&[0xfe]), 2)]));
    assert!(!conflicted(&[(bytes(&[0xff]), 1), (bytes(&[0xff]), 2)]));
}

#[test]
fn an_edit_is_shown_before_a_removal_that_had_not_seen_it() {
    let document = concurrent(&field("password"), &[(Value::text("edit"), 1), (Value::Absent, 2)]);
    assert_eq!(shown(&document, at(0)), ["edit", "-"]);
}

#[test]
fn a_removed_field_is_not_there() {
    let document = concurrent(&field("password"), &[(Value::Absent, 1), (Value::Absent, 2)]);
    assert!(read::fields(&document, at(0)).is_empty());
    assert!(read::field(&document, &FieldName::parse("password").unwrap(), at(0)).is_none());
    assert!(read::secret_values(&document).is_empty());
}

#[test]
fn the_default_field_is_the_only_one_or_the_one_called_value() {
    let of = |names: &[&str]| {
        let one = |name: &&str| concurrent(&field(name), &texts(&[("x", 0)]));
        let document = names.iter().map(one).fold(empty(), |all, next| all.join(&next));
        read::default_field(&read::fields(&document, at(0))).map(|view| view.name.to_string())
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&["password"]).as_deref(), Some("password"));
    assert_eq!(of(&["password", "user"]), None);
    assert_eq!(of(&["password", "user", "value"]).as_deref(), Some("value"));
    assert_eq!(of(&["password", "Value"]), None);
}

#[test]
fn of_several_expiries_the_earliest_counts() {
    let times = texts(&[("2027-01-01T00:00:00Z", 5), ("2026-06-01T00:00:00Z", 1), ("2028-01-01T00:00:00Z", 9)]);
    let document = concurrent(&meta("expires"), &times);
    assert_eq!(read::meta(&document, "expires", at(0)), Some("2026-06-01T00:00:00Z"));
    // Whatever the time of the write claims, and although somebody took theirs away.
    let removed = concurrent(&meta("expires"), &[(Value::text("2026-06-01"), 9 * DAY), (Value::Absent, 10)]);
    assert_eq!(read::meta(&removed, "expires", at(0)), Some("2026-06-01"));
    assert_eq!(read::metadata(&removed, at(0)).len(), 1);
}

#[test]
fn of_other_metadata_the_newest_counts() {
    let document = concurrent(&meta("kind"), &texts(&[("note", 5), ("login", 9), ("file", 1), ("liar", 9 * DAY)]));
    assert_eq!(read::meta(&document, "kind", at(0)), Some("login"));
    let removed = concurrent(&meta("kind"), &[(Value::text("note"), 5), (Value::Absent, 9)]);
    assert_eq!(read::meta(&removed, "kind", at(0)), None);
    assert!(read::metadata(&removed, at(0)).is_empty());
    assert_eq!(read::meta(&document, "url", at(0)), None);
    assert_eq!(read::meta(&document, "no name at all", at(0)), None);
}

#[test]
fn a_tag_is_there_if_anybody_says_so() {
    let document = concurrent(&tag("web"), &[(Value::Absent, 9), (Value::text("1"), 1)])
        .join(&concurrent(&tag("gone"), &[(Value::Absent, 9)]));
    let tags: Vec<_> = read::tags(&document).iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["web"]);
}

#[test]
fn the_manifest_lists_secret_fields_and_nothing_else() {
    let password = concurrent(&field("password"), &texts(&[("one", 1), ("two", 2)]));
    let mut document = password.join(&concurrent(&tag("web"), &texts(&[("1", 1)])));
    let user = field("user");
    document.put(&user, Write::new(&user, Value::text("app"), true, member("alice"), at(0), nonce(77)));
    let mut expected: Vec<_> =
        password.register(&field("password")).unwrap().live().map(|w| w.name().short()).collect();
    expected.sort();
    assert_eq!(read::secret_values(&document), expected);
}

proptest! {
    #![proptest_config(cases(128))]

    /// Against a plain reading of the rule.
    #[test]
    fn the_order_is_honest_before_future_and_newest_before_older(
        times in prop::collection::vec(-3 * DAY..6 * DAY, 1..8), sealed in -DAY..DAY,
    ) {
        let writes: Vec<_> = times.iter().enumerate().map(|(n, t)| (Value::text(&format!("{n}")), *t)).collect();
        let document = concurrent(&field("password"), &writes);
        let view = read::field(&document, &FieldName::parse("password").unwrap(), at(sealed)).unwrap();
        prop_assert_eq!(view.writes.len(), times.len());
        let future = |w: &Write| w.at.unix() - at(sealed).unix() > DAY;
        for pair in view.writes.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            prop_assert!(future(a) <= future(b));
            prop_assert!(future(a) != future(b) || (a.at, a.name()) > (b.at, b.name()));
        }
        prop_assert_eq!(view.newest(), view.writes.first().copied());
    }
}
