//! Times as people write them.

use covault::model::duration::{DurationError, humanize, parse_every, parse_expiry};

const NOW: i64 = 1_800_000_000; // 2027-01-15T08:00:00Z
const DAY: i64 = 86_400;

#[test]
fn spans_count_from_now() {
    for (text, span) in
        [("30d", 30 * DAY), ("2w", 14 * DAY), ("12h", 43_200), ("90m", 5_400), ("1y", 365 * DAY), (" 1 d ", DAY)]
    {
        assert_eq!(parse_expiry(text, NOW), Ok(Some(NOW + span)), "{text}");
    }
    assert_eq!(parse_expiry("never", NOW), Ok(None));
}

#[test]
fn dates_are_midnight_utc_and_instants_are_exact() {
    for (text, at) in [
        ("2027-01-31", 1_801_353_600),
        ("2027-01-31T12:00:00Z", 1_801_396_800),
        ("2027-01-31T12:00:00+02:00", 1_801_389_600),
        ("2027-01-31T12:00:00.5Z", 1_801_396_800),
        ("1970-01-01", 0),
    ] {
        assert_eq!(parse_expiry(text, NOW), Ok(Some(at)), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "d",
        "30",
        "30x",
        "1.5d",
        "-1d",
        "2027-02-30",
        "2027-1-31",
        "20270131",
        "31.01.2027",
        "2027-01-31T12:00:00",
        "tomorrow",
        "Never!",
        "30d 2h",
    ] {
        assert!(matches!(parse_expiry(text, NOW), Err(DurationError::NotATime { .. })), "{text}");
    }
    for text in ["0d", "99999999999999999999d", "9223372036854775807y", "9000y", "1969-12-31"] {
        assert!(matches!(parse_expiry(text, NOW), Err(DurationError::OutOfRange { .. })), "{text}");
    }
    assert!(parse_expiry("1d", i64::MAX).is_err());
}

#[test]
fn intervals_are_whole_days_and_come_back() {
    for (text, days) in [("30d", 30), ("2w", 14), ("1y", 365), ("24h", 1), ("3650d", 3650)] {
        let every = parse_every(text).unwrap();
        assert_eq!(every.days(), days);
        assert_eq!(parse_every(&every.to_string()), Ok(every));
        assert_eq!(every.seconds(), i64::from(days) * DAY);
    }
    for text in ["", "0d", "12h", "90m", "11y", "3651d", "never", "2027-01-31", "-3d"] {
        assert!(matches!(parse_every(text), Err(DurationError::NotDays { .. })), "{text}");
    }
}

#[test]
fn distances_are_said_in_their_largest_unit() {
    for (seconds, text) in [
        (3 * DAY, "in 3 days"),
        (3 * DAY + 5, "in 3 days"),
        (-7_200, "2 hours ago"),
        (-3_600, "1 hour ago"),
        (60, "in 1 minute"),
        (59, "in a moment"),
        (0, "just now"),
        (-59, "just now"),
        (45 * DAY, "in 1 month"),
        (-400 * DAY, "1 year ago"),
        (-800 * DAY, "2 years ago"),
    ] {
        assert_eq!(humanize(seconds), text);
    }
    assert!(humanize(i64::MIN).ends_with("years ago") && humanize(i64::MAX).starts_with("in "));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,20}|[0-9]{0,20}[mhdwy]|[0-9:TZ+-]{0,25}", now: i64) {
        let _ = parse_expiry(&text, now);
        let _ = parse_every(&text);
        let _ = humanize(now);
    }
}
