//! The fake's clock, and the windows in which spends are counted: all in UTC.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

/// A clock that runs with the machine's, perhaps ahead of it, until it is stopped.
#[derive(Debug)]
pub enum Clock {
    Running { ahead: SignedDuration },
    Stopped(Timestamp),
}

impl Clock {
    pub fn new() -> Self {
        Self::Running { ahead: SignedDuration::ZERO }
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::Running { ahead } => Timestamp::now() + *ahead,
            Self::Stopped(at) => *at,
        }
    }

    pub fn stop_at(&mut self, instant: Timestamp) {
        *self = Self::Stopped(instant);
    }

    pub fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap();
        match self {
            Self::Running { ahead } => *ahead += by,
            Self::Stopped(at) => *at += by,
        }
    }
}

/// When a limit starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    Daily,
    Weekly,
    Monthly,
}

impl Reset {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "daily" => Some(Self::Daily),
            "weekly" => Some(Self::Weekly),
            "monthly" => Some(Self::Monthly),
            _ => None,
        }
    }

    /// The first instant of the window that `now` is in.
    pub fn start(self, now: Timestamp) -> Timestamp {
        midnight(self.first_day(now))
    }

    /// The first instant of the next window.
    pub fn end(self, now: Timestamp) -> Timestamp {
        let first = self.first_day(now);
        midnight(match self {
            Self::Daily => first + 1.day(),
            Self::Weekly => first + 1.week(),
            Self::Monthly => first + 1.month(),
        })
    }

    fn first_day(self, now: Timestamp) -> Date {
        let today = day(now);
        match self {
            Self::Daily => today,
            Self::Weekly => today - i32::from(today.weekday().to_monday_zero_offset()).days(),
            Self::Monthly => today.first_of_month(),
        }
    }
}

/// The UTC day of an instant.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// `2026-11-21T10:30:00.363244+00:00`: as `created_at` and `updated_at` are spelled.
pub fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

/// `2026-11-21T10:30:00.363Z`: as `last_used_at` and `resets_at` are spelled.
pub fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2026-11-21T10:30:00Z`: as `expires_at` is spelled.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
