//! The person's own configuration, `config.toml` beside the identity: how providers are reached, and what is run on alerts.
//!
//! Nothing of it ever comes from a repository.

use core::time::Duration;
use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;

use super::{Home, HomeError, files};

/// What a person configured. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// By provider.
    #[serde(default)]
    pub providers: BTreeMap<String, Reach>,
    /// How patient calls to providers are.
    #[serde(default)]
    pub calls: Calls,
    /// What is done when a key nears its limit.
    #[serde(default)]
    pub alerts: Alerts,
}

/// How a provider is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Another base URL than its own.
    pub url: Option<String>,
}

/// How patient calls are: `500ms`, `30s`, `2m`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Calls {
    /// How long one request may take.
    pub request: Option<Span>,
    /// How long a call may take with its repetitions.
    pub overall: Option<Span>,
    /// The first wait between two tries.
    pub first_wait: Option<Span>,
    /// The longest one.
    pub longest_wait: Option<Span>,
    /// How long to wait before believing that an unanswered request made nothing.
    pub settle: Option<Span>,
    /// How long a new key may take until it works.
    pub patience: Option<Span>,
}

/// What is done on an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Alerts {
    /// A program with its arguments; it is given the alert as JSON on its standard input, and no shell is started.
    #[serde(default)]
    pub command: Vec<String>,
    /// How long it may take before it is ended.
    pub time_limit: Option<Span>,
}

/// A length of time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        span.map(Self).ok_or_else(|| format!("{text:?} is no length of time (500ms, 30s, 2m)"))
    }
}

impl Home {
    /// Reads it; nothing where there is no such file.
    ///
    /// # Errors
    /// `Io`, and `BadConfig` with the place of what is wrong.
    pub fn configuration(&self) -> Result<Config, HomeError> {
        let file = self.config.join("config.toml");
        let Some(bytes) = files::read_optional(&file)? else { return Ok(Config::default()) };
        let bad = |why: String| HomeError::BadConfig { file: file.clone(), why };
        let text = String::from_utf8(bytes).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        toml::from_str(&text).map_err(|error| bad(error.to_string().trim().replace('\n', " ")))
    }
}
