//! The client of OpenRouter against a fake of it that breaks, and against servers that are something else.

mod again;
mod answers;
mod listing;
mod matrix;
mod ops;
mod script;
mod settings;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use covault::model::keys::record::RemoteId;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::providers::openrouter::OpenRouter;
use covault::providers::{Pace, Settings};

use crate::openrouter::fake::Fake;

/// Waits that tests have time for. The limits are there for what hangs.
pub const PACE: Pace = Pace {
    request: Duration::from_secs(20),
    overall: Duration::from_secs(40),
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(10),
};

pub fn settings(url: &str, pace: Pace) -> Settings {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = Time::from_unix(i64::try_from(now).unwrap());
    Settings { url: Some(url.to_owned()), agent: "covault/0.0.0-test".to_owned(), pace, now }
}

pub fn reach(url: &str, key: &str, pace: Pace) -> OpenRouter {
    OpenRouter::new(&settings(url, pace), Plaintext::from_text(key)).unwrap()
}

/// The account of a fake.
pub fn client(fake: &Fake) -> OpenRouter {
    reach(&fake.url(), &fake.management_key(), PACE)
}

pub fn id(text: &str) -> RemoteId {
    RemoteId::parse(text).unwrap()
}
