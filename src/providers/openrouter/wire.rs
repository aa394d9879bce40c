//! What OpenRouter sends and is sent: JSON, with numbers as the digits that were written.
//!
//! Only what a key cannot be without is required; what is new is ignored. What is wrong is said without repeating it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::super::http::Body;
use super::super::{Guardrail, KeySpec, Minted, RemoteKey};
use crate::model::keys::amount::Amount;
use crate::model::keys::limit::{Limit, Window};
use crate::model::keys::record::RemoteId;
use crate::model::keys::usage::Usage;
use crate::model::time::Time;
use crate::plaintext::Plaintext;

/// What is read, or what is wrong with it.
pub(super) type Read<T> = Result<T, String>;

/// Reads a body. The parser's own words would repeat what it found, which may be a key.
pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a Body) -> Read<T> {
    serde_json::from_slice(body.bytes()).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            format!("JSON of another shape, line {} column {}", error.line(), error.column())
        }
        _ => "no JSON".to_owned(),
    })
}

/// What most answers are wrapped in.
#[derive(Deserialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// Reads a wrapped body.
pub(super) fn data<T: DeserializeOwned>(body: &Body) -> Read<T> {
    json::<Data<T>>(body).map(|answer| answer.data)
}

/// A number with its digits, or a number as text.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Number(Box<RawValue>);

impl Number {
    pub(super) fn amount(&self) -> Read<Amount> {
        Amount::parse_number(self.0.get().trim_matches('"')).map_err(|_| "an amount that is no number".to_owned())
    }
}

/// An amount that may be missing.
fn amount(number: Option<&Number>) -> Read<Option<Amount>> {
    number.map(Number::amount).transpose()
}

/// A key, as it is described.
#[derive(Deserialize)]
pub(super) struct KeyObject {
    hash: String,
    name: String,
    disabled: bool,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    limit: Option<Number>,
    #[serde(default)]
    limit_remaining: Option<Number>,
    #[serde(default)]
    limit_reset: Option<String>,
    #[serde(default)]
    usage: Option<Number>,
    #[serde(default)]
    usage_daily: Option<Number>,
    #[serde(default)]
    usage_weekly: Option<Number>,
    #[serde(default)]
    usage_monthly: Option<Number>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    last_used_at: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    pub(super) workspace_id: Option<String>,
}

impl KeyObject {
    pub(super) fn read(self, now: Time) -> Read<RemoteKey> {
        let spent = |number: &Option<Number>| amount(number.as_ref()).map(Option::unwrap_or_default);
        let limit = amount(self.limit.as_ref())?;
        Ok(RemoteKey {
            id: id(&self.hash)?,
            limit: limit.map(|amount| Limit { amount, window: window(self.limit_reset.as_deref()) }),
            remaining: self.limit_remaining.and_then(|number| number.amount().ok()),
            usage: Usage {
                day: spent(&self.usage_daily)?,
                week: spent(&self.usage_weekly)?,
                month: spent(&self.usage_monthly)?,
                total: spent(&self.usage)?,
                as_of: now,
            },
            name: self.name,
            label: self.label.unwrap_or_default(),
            disabled: self.disabled,
            created: self.created_at.unwrap_or_default(),
            last_used: time(self.last_used_at.as_deref()),
            expires: time(self.expires_at.as_deref()),
        })
    }
}

/// An id that is safe in a path.
pub(super) fn id(text: &str) -> Read<RemoteId> {
    RemoteId::parse(text).ok_or_else(|| "an id that is none".to_owned())
}

fn time(text: Option<&str>) -> Option<Time> {
    let stamp: jiff::Timestamp = text?.parse().ok()?;
    Some(Time::from_unix(stamp.as_second()))
}

/// The window of a reset. One that we do not know is taken for none: the limit is there at least.
pub(super) fn window(reset: Option<&str>) -> Window {
    match reset {
        Some("daily") => Window::Day,
        Some("weekly") => Window::Week,
        Some("monthly") => Window::Month,
        _ => Window::Total,
    }
}

/// The reset of a window.
pub(super) fn reset(window: Window) -> Option<&'static str> {
    match window {
        Window::Day => Some("daily"),
        Window::Week => Some("weekly"),
        Window::Month => Some("monthly"),
        Window::Total => None,
    }
}

/// An amount as a JSON number.
fn digits(amount: Amount) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_string()).ok()
}

/// A limit as a change says it: `null` takes it away.
#[derive(Serialize)]
pub(super) struct LimitBody {
    limit: Option<Box<RawValue>>,
    limit_reset: Option<&'static str>,
}

impl LimitBody {
    pub(super) fn of(limit: Option<Limit>) -> Self {
        Self {
            limit: limit.and_then(|limit| digits(limit.amount)),
            limit_reset: limit.and_then(|limit| reset(limit.window)),
        }
    }
}

/// A key that is asked for.
#[derive(Serialize)]
pub(super) struct CreateBody<'a> {
    name: &'a str,
    #[serde(flatten)]
    limit: Option<LimitBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl<'a> CreateBody<'a> {
    pub(super) fn of(spec: &'a KeySpec) -> Self {
        Self {
            name: &spec.name,
            limit: spec.limit.map(|limit| LimitBody::of(Some(limit))),
            expires_at: spec.expires.map(|at| at.to_string()),
        }
    }
}

/// A guardrail's limit, with its name where it is new.
#[derive(Serialize)]
pub(super) struct GuardBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    limit_usd: Option<Box<RawValue>>,
    reset_interval: &'static str,
}

impl<'a> GuardBody<'a> {
    /// `None` for a window that no guardrail has.
    pub(super) fn of(name: Option<&'a str>, limit: Limit) -> Option<Self> {
        Some(Self { name, limit_usd: digits(limit.amount), reset_interval: reset(limit.window)? })
    }
}

/// JSON of ours.
pub(super) fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// A new key: its text stands beside what it is like.
#[derive(Deserialize)]
struct Created<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    data: KeyObject,
}

/// Reads a new key. Its text is copied once, into what it is kept in.
pub(super) fn minted(body: &Body, now: Time) -> Read<Minted> {
    let created: Created<'_> = json(body)?;
    let key = match created.key {
        Cow::Borrowed(text) => Zeroizing::new(text.to_owned()),
        Cow::Owned(text) => Zeroizing::new(text),
    };
    if key.is_empty() || key.len() > 4096 || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("a key that is none".to_owned());
    }
    Ok(Minted { key: created.data.read(now)?, secret: Plaintext::from_text(&key) })
}

/// A guardrail, as it is described.
#[derive(Deserialize)]
pub(super) struct GuardObject {
    id: String,
    name: String,
    #[serde(default)]
    limit_usd: Option<Number>,
    #[serde(default)]
    reset_interval: Option<String>,
}

impl GuardObject {
    pub(super) fn read(self) -> Read<Guardrail> {
        let amount = amount(self.limit_usd.as_ref())?;
        let window = Some(window(self.reset_interval.as_deref())).filter(|window| *window != Window::Total);
        let limit = amount.zip(window).map(|(amount, window)| Limit { amount, window });
        Ok(Guardrail { id: id(&self.id)?, name: self.name, limit })
    }
}

/// What came of a deletion.
pub(super) fn deleted(body: &Body) -> Read<()> {
    #[derive(Deserialize)]
    struct Deleted {
        deleted: bool,
    }
    if json::<Deleted>(body)?.deleted { Ok(()) } else { Err("that it is not deleted".to_owned()) }
}
