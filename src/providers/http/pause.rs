//! How long to wait before the next try, and when there is none.

use std::time::{Duration, UNIX_EPOCH};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::RETRY_AFTER;
use tokio::time::Instant;

use crate::model::time::Time;
use crate::providers::Pace;

/// When a call ends, whatever became of it.
pub(super) struct Deadline {
    at: Option<Instant>,
}

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        Self { at: Instant::now().checked_add(time) }
    }

    pub(super) fn left(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether there is time for a try after a pause.
    pub(super) fn allows(&self, pause: Duration) -> bool {
        pause < self.left()
    }
}

/// Waits that double, with jitter.
pub(super) struct Pauses {
    growing: ExponentialBackoff,
    longest: Duration,
}

impl Pauses {
    pub(super) fn new(pace: Pace) -> Self {
        let growing = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(pace.first_wait.min(pace.longest_wait))
            .with_max_delay(pace.longest_wait)
            .with_jitter()
            .without_max_times();
        Self { growing: growing.build(), longest: pace.longest_wait }
    }

    /// The next one: not less than we were asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.growing.next().unwrap_or(self.longest).min(self.longest);
        own.max(asked.unwrap_or_default())
    }
}

/// What a Retry-After asks for: seconds, or a date.
pub(super) fn asked_for(response: &reqwest::Response, now: Time) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_secs(now.unix().unsigned_abs())))
}
