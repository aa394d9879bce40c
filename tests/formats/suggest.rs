//! "Did you mean".

use covault::model::suggest::suggest;

const KNOWN: [&str; 7] =
    ["prod/db", "staging/db", "prod/stripe", "prod/sentry-dsn", "dev/api-key", "dev/smtp", "Prod/Mail"];

#[test]
fn a_slip_of_the_finger_is_recognised() {
    for (wanted, first) in [
        ("prod/bd", "prod/db"),
        ("prod/strpie", "prod/stripe"),
        ("dev/apikey", "dev/api-key"),
        ("prod/mail", "Prod/Mail"),
        ("pord/db", "prod/db"),
        ("sentry-dns", "prod/sentry-dsn"),
    ] {
        assert_eq!(suggest(wanted, KNOWN.into_iter()).first(), Some(&first), "{wanted}");
    }
}

#[test]
fn the_same_last_segment_is_a_suggestion() {
    assert_eq!(suggest("db", KNOWN.into_iter()), ["prod/db", "staging/db"]);
    assert_eq!(suggest("live/smtp", KNOWN.into_iter())[0], "dev/smtp");
}

#[test]
fn at_most_three_are_named_and_nothing_far_away() {
    assert_eq!(suggest("a1", ["a2", "a3", "a4", "a5"].into_iter()), ["a2", "a3", "a4"]);
    assert!(suggest("kubernetes", KNOWN.into_iter()).is_empty());
    assert!(suggest("", KNOWN.into_iter()).is_empty());
    assert!(suggest(&"x".repeat(10_000), KNOWN.into_iter()).is_empty());
    assert_eq!(suggest("a1", ["a2", "a2"].into_iter()), ["a2"]);
}

#[test]
fn a_third_of_the_letters_may_be_wrong() {
    assert_eq!(suggest("telamatri", ["telemetry"].into_iter()), ["telemetry"]);
    assert!(suggest("talamatri", ["telemetry"].into_iter()).is_empty());
}

#[test]
fn names_of_exactly_the_longest_are_compared() {
    let longest = "x".repeat(256);
    assert_eq!(suggest(&longest, [longest.as_str()].into_iter()), [longest.as_str()]);
    let longer = "x".repeat(257);
    assert!(suggest(&longer, [longest.as_str()].into_iter()).is_empty());
    assert!(suggest(&longest, [longer.as_str()].into_iter()).is_empty());
}
