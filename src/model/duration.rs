//! Times as people write them: when something expires, how often it changes, how long ago it was.
//!
//! Asks no clock and no time zone: now is an argument, and a date is midnight UTC at its beginning.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::names::clip;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;
const MAX_EVERY_DAYS: u32 = 3650;
/// The end of the year 9999, beyond which there are no dates.
const LATEST: i64 = 253_402_300_799;

/// Why a time is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Neither a span nor a date.
    #[error("{given:?} is no time (90m, 12h, 30d, 2w, 1y, 2027-01-31, 2027-01-31T12:00:00Z or never)")]
    NotATime {
        /// What was given.
        given: String,
    },
    /// Zero, or beyond the year 9999.
    #[error("{given:?} is too short or too long")]
    OutOfRange {
        /// What was given.
        given: String,
    },
    /// An interval that is not whole days between 1 and 3650.
    #[error("{given:?} is no interval of whole days (30d, 2w or 1y, at most {MAX_EVERY_DAYS}d)")]
    NotDays {
        /// What was given.
        given: String,
    },
}

/// When something expires, in seconds since 1970; none for `never`. A year is 365 days. A date in the past is
/// answered as it is: whether that makes sense is the caller's question.
///
/// # Errors
/// Names what was given.
pub fn parse_expiry(text: &str, now: i64) -> Result<Option<i64>, DurationError> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    let out_of_range = || DurationError::OutOfRange { given: clip(text) };
    if let Some(span) = span(text) {
        let then = span.and_then(|seconds| now.checked_add(seconds)).filter(|then| (0..=LATEST).contains(then));
        return then.map(Some).ok_or_else(out_of_range);
    }
    let day = || {
        let date: Date = text.parse().ok()?;
        // "20270131" and the like would parse too; one spelling is enough.
        (date.to_string() == text).then(|| date.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()))?
    };
    let instant = || text.parse::<Timestamp>().ok();
    let then = day().or_else(instant).ok_or_else(|| DurationError::NotATime { given: clip(text) })?;
    Some(then.as_second()).filter(|then| (0..=LATEST).contains(then)).map(Some).ok_or_else(out_of_range)
}

/// A number and a unit, in seconds: nothing if the text is no span, nothing inside if it is zero or too long.
fn span(text: &str) -> Option<Option<i64>> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let each = match unit.trim_start() {
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => WEEK,
        "y" => YEAR,
        _ => return None,
    };
    if number.is_empty() {
        return None;
    }
    Some(number.parse::<i64>().ok().filter(|n| *n > 0).and_then(|n| n.checked_mul(each)))
}

/// How often something should change, in whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Every {
    days: u32,
}

impl Every {
    /// The interval in days, 1 to 3650.
    pub fn days(self) -> u32 {
        self.days
    }

    /// The interval in seconds.
    pub fn seconds(self) -> i64 {
        i64::from(self.days).saturating_mul(DAY)
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.days)
    }
}

impl FromStr for Every {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse_every(text)
    }
}

/// Reads `30d`, `2w` or `1y`.
///
/// # Errors
/// Names what was given.
pub fn parse_every(text: &str) -> Result<Every, DurationError> {
    let text = text.trim();
    span(text)
        .flatten()
        .filter(|seconds| seconds.checked_rem(DAY) == Some(0))
        .and_then(|seconds| u32::try_from(seconds / DAY).ok())
        .filter(|days| (1..=MAX_EVERY_DAYS).contains(days))
        .map(|days| Every { days })
        .ok_or_else(|| DurationError::NotDays { given: clip(text) })
}

/// A distance from now, in its largest whole unit: `in 3 days`, `2 hours ago`, `just now`.
pub fn humanize(seconds: i64) -> String {
    let distance = seconds.unsigned_abs();
    let units = [(YEAR, "year"), (30 * DAY, "month"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    let found = units.into_iter().find_map(|(unit, name)| {
        let count = distance.checked_div(unit.unsigned_abs())?;
        (count > 0).then_some((count, name))
    });
    let Some((count, name)) = found else {
        return if seconds > 0 { "in a moment".to_owned() } else { "just now".to_owned() };
    };
    let plural = if count == 1 { "" } else { "s" };
    if seconds > 0 { format!("in {count} {name}{plural}") } else { format!("{count} {name}{plural} ago") }
}
