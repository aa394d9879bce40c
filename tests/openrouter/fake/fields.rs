//! The fields of a request's body and query: absent, null and wrong are three things.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::answer::Refusal;
use super::clock::Reset;
use super::http::Ask;
use super::money::Usd;

/// A JSON object, its values as they were sent.
pub struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub fn of(ask: &Ask) -> Result<Self, Refusal> {
        let json = ask.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if !json {
            return Err(Refusal::field("Content-Type", "expected application/json"));
        }
        serde_json::from_slice(&ask.body).map(Self).map_err(|_| Refusal::field("body", "expected a JSON object"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// `None` where it is absent, `Some(None)` where it is null.
    fn nullable<T>(
        &self,
        name: &str,
        want: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<Option<T>>, Refusal> {
        match self.0.get(name).map(|raw| raw.get()) {
            None => Ok(None),
            Some("null") => Ok(Some(None)),
            Some(raw) => read(raw).map(|value| Some(Some(value))).ok_or_else(|| Refusal::field(name, want)),
        }
    }

    /// A field that may be absent, but not null.
    fn plain<T>(&self, name: &str, want: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        match self.nullable(name, want, read)? {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(Refusal::field(name, want)),
        }
    }

    /// At least one character.
    pub fn name(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.plain(name, "expected a string of at least one character", |raw| text(raw).filter(|text| !text.is_empty()))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.plain(name, "expected a boolean", |raw| serde_json::from_str(raw).ok())
    }

    pub fn uuid(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.plain(name, "expected a UUID", |raw| text(raw).filter(|text| is_uuid(text)))
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.plain(name, "expected an array of strings", |raw| serde_json::from_str(raw).ok())
    }

    pub fn text(&self, name: &str) -> Result<Option<Option<String>>, Refusal> {
        self.nullable(name, "expected a string or null", text)
    }

    pub fn money(&self, name: &str) -> Result<Option<Option<Decimal>>, Refusal> {
        self.nullable(name, "expected a number that is not negative, or null", |raw| {
            Usd::parse(raw).filter(|amount| !amount.is_sign_negative() || amount.is_zero())
        })
    }

    pub fn reset(&self, name: &str) -> Result<Option<Option<Reset>>, Refusal> {
        self.nullable(name, "expected daily, weekly, monthly or null", |raw| Reset::parse(&text(raw)?))
    }

    /// RFC 3339 in UTC with seconds, and nothing else of RFC 3339.
    pub fn instant(&self, name: &str) -> Result<Option<Option<Timestamp>>, Refusal> {
        self.nullable(name, "expected a date and time in UTC with seconds, such as 2027-12-31T23:59:59Z", |raw| {
            instant(&text(raw)?)
        })
    }
}

fn text(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

fn instant(text: &str) -> Option<Timestamp> {
    let form = regex::bytes::Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$");
    if form.unwrap().is_match(text.as_bytes()) { text.parse().ok() } else { None }
}

pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A number in the query that is not negative.
pub fn number(ask: &Ask, name: &str) -> Result<Option<usize>, Refusal> {
    let read = |text: &str| text.parse().map_err(|_| Refusal::field(name, "expected a number that is not negative"));
    ask.query(name).map(read).transpose()
}

/// A switch in the query.
pub fn switch(ask: &Ask, name: &str) -> Result<bool, Refusal> {
    match ask.query(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::field(name, "expected true or false")),
    }
}

/// One page of a list with `offset` and `limit`.
pub fn page<T>(ask: &Ask, rows: Vec<T>) -> Result<Vec<T>, Refusal> {
    let offset = number(ask, "offset")?.unwrap_or(0);
    let limit = number(ask, "limit")?.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::field("limit", "expected 1 to 100"));
    }
    Ok(rows.into_iter().skip(offset).take(limit).collect())
}
