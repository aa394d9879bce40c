//! Limits of a key: how much it may spend in which window, and which layer sees to that.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::amount::{Amount, AmountError};
use crate::model::names::clip;

/// The time over which a limit counts. All of them are UTC: a day from midnight, a week from Monday, a month from the 1st.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// All of the key's life; it never resets.
    Total,
}

/// Why a limit is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The window.
    #[error("{given:?} is no window of a limit (day, week, month or total, as in 100/month)")]
    Window {
        /// What was given.
        given: String,
    },
    /// Two of one window.
    #[error("there are two limits for one {window}")]
    Twice {
        /// Which.
        window: Window,
    },
}

impl Window {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Total];

    /// `day`, `week`, `month`, `total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Window {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        match text {
            "day" | "daily" | "d" => Ok(Self::Day),
            "week" | "weekly" | "w" => Ok(Self::Week),
            "month" | "monthly" | "m" => Ok(Self::Month),
            "total" | "lifetime" => Ok(Self::Total),
            other => Err(LimitError::Window { given: clip(other) }),
        }
    }
}

/// One limit, spelled `100/month` or `50/total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit {
    /// How much.
    pub amount: Amount,
    /// In which time.
    pub window: Window,
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (amount, window) = text.split_once('/').unwrap_or((text, "total"));
        Ok(Self { amount: Amount::parse_limit(amount)?, window: window.parse()? })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.amount, self.window)
    }
}

/// All limits of a key: at most one for each window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits(BTreeMap<Window, Amount>);

impl Limits {
    /// From single ones.
    ///
    /// # Errors
    /// `Twice`.
    pub fn of(limits: impl IntoIterator<Item = Limit>) -> Result<Self, LimitError> {
        let mut all = BTreeMap::new();
        for limit in limits {
            if all.insert(limit.window, limit.amount).is_some() {
                return Err(LimitError::Twice { window: limit.window });
            }
        }
        Ok(Self(all))
    }

    /// Shortest window first.
    pub fn iter(&self) -> impl Iterator<Item = Limit> {
        self.0.iter().map(|(window, amount)| Limit { amount: *amount, window: *window })
    }

    /// The limit of one window.
    pub fn get(&self, window: Window) -> Option<Amount> {
        self.0.get(&window).copied()
    }

    /// Sets or takes away one.
    pub fn set(&mut self, window: Window, amount: Option<Amount>) {
        match amount {
            Some(amount) => drop(self.0.insert(window, amount)),
            None => drop(self.0.remove(&window)),
        }
    }

    /// The tighter of both for each window that either limits.
    #[must_use]
    pub fn tighter(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for limit in other.iter() {
            let amount = all.get(limit.window).map_or(limit.amount, |amount| amount.min(limit.amount));
            all.set(limit.window, Some(amount));
        }
        all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.iter().map(|limit| limit.to_string()).collect();
        f.write_str(if all.is_empty() { "no limit".to_owned() } else { all.join(", ") }.as_str())
    }
}

/// Which layer holds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The provider, on the key itself.
    Key,
    /// The provider, by a guardrail that is assigned to the key.
    Guardrail,
    /// Covault, as of the last time that it looked: between looks the key may spend more.
    Client,
}

impl Layer {
    /// What a person is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "the key",
            Self::Guardrail => "a guardrail",
            Self::Client => "covault key usage",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
