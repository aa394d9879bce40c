//! What a key has spent, and the windows that its limits count in.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::limit::Window;
use crate::model::time::Time;

/// What was spent in the current windows, as a provider said it at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Today (UTC).
    pub day: Amount,
    /// Since Monday.
    pub week: Amount,
    /// Since the 1st.
    pub month: Amount,
    /// In all.
    pub total: Amount,
    /// When it was asked for.
    pub as_of: Time,
}

impl Usage {
    /// Nothing, at a time.
    pub fn none(as_of: Time) -> Self {
        Self { day: Amount::ZERO, week: Amount::ZERO, month: Amount::ZERO, total: Amount::ZERO, as_of }
    }

    /// What of it counts in a window at `now`: nothing where that window has ended since.
    pub fn within(&self, window: Window, now: Time) -> Amount {
        let spent = match window {
            Window::Day => self.day,
            Window::Week => self.week,
            Window::Month => self.month,
            Window::Total => return self.total,
        };
        if began(window, self.as_of) == began(window, now) { spent } else { Amount::ZERO }
    }

    /// This and what another key of the same secret spent, as of `now`.
    #[must_use]
    pub fn with(&self, other: &Self, now: Time) -> Self {
        let sum = |window| self.within(window, now) + other.within(window, now);
        Self {
            day: sum(Window::Day),
            week: sum(Window::Week),
            month: sum(Window::Month),
            total: sum(Window::Total),
            as_of: self.as_of.max(other.as_of),
        }
    }
}

/// When the window that `now` is in began; `None` for the one that never ends.
pub fn began(window: Window, now: Time) -> Option<Time> {
    let date = Timestamp::from_second(now.unix()).ok()?.to_zoned(TimeZone::UTC).date();
    let first = match window {
        Window::Day => date,
        Window::Week => {
            let since = date.weekday().since(Weekday::Monday);
            date.checked_sub(i64::from(since).days()).ok()?
        }
        Window::Month => date.first_of_month(),
        Window::Total => return None,
    };
    Some(Time::from_unix(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second()))
}

/// When the window that `now` is in ends, and what was spent counts no more; `None` for the one that never ends.
pub fn resets(window: Window, now: Time) -> Option<Time> {
    let first = Timestamp::from_second(began(window, now)?.unix()).ok()?.to_zoned(TimeZone::UTC).date();
    let span = match window {
        Window::Day => 1.day(),
        Window::Week => 7.days(),
        Window::Month => 1.month(),
        Window::Total => return None,
    };
    let next = first.checked_add(span).ok()?;
    Some(Time::from_unix(next.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second()))
}
