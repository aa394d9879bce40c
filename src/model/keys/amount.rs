//! Money: US dollars as decimals with the digits that were written, never floats.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::names::clip;

/// The most that a limit may be, in dollars.
const MOST: i64 = 1_000_000_000;

/// An amount of US dollars. Providers report up to 17 digits of it; all of them are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(Decimal);

/// Why an amount is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// No decimal number.
    #[error("{given:?} is no amount of dollars (10, 2.50)")]
    NotANumber {
        /// What was given.
        given: String,
    },
    /// Negative, or too much.
    #[error("{given:?} is no limit: 0 to {MOST} dollars, in steps of a millionth")]
    OutOfRange {
        /// What was given.
        given: String,
    },
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Reads what a person wrote as a limit: `10`, `2.50`, `$100`; not negative, at most six decimals.
    ///
    /// # Errors
    /// Names what was given.
    pub fn parse_limit(text: &str) -> Result<Self, AmountError> {
        let given = || clip(text);
        let digits = text.strip_prefix('$').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value = Decimal::from_str_exact(digits).ok().filter(|_| plain);
        let value = value.ok_or_else(|| AmountError::NotANumber { given: given() })?.normalize();
        let fits = !value.is_sign_negative() && value <= Decimal::from(MOST) && value.scale() <= 6;
        if fits { Ok(Self(value)) } else { Err(AmountError::OutOfRange { given: given() }) }
    }

    /// Reads a JSON number as a provider sends it: `25.5`, `1e-05`, `-0.25`. What is finer than 28 digits is rounded.
    ///
    /// # Errors
    /// Names what was given.
    pub fn parse_number(text: &str) -> Result<Self, AmountError> {
        let read = if text.contains(['e', 'E']) { Decimal::from_scientific(text) } else { Decimal::from_str(text) };
        let value = match read {
            Ok(value) => value,
            // Smaller than any digit that is kept; what is too large for them is no amount.
            Err(rust_decimal::Error::Underflow | rust_decimal::Error::ScaleExceedsMaximumPrecision(_))
                if !text.contains(['e', 'E']) || text.contains("e-") || text.contains("E-") =>
            {
                Decimal::ZERO
            }
            Err(_) => return Err(AmountError::NotANumber { given: clip(text) }),
        };
        Ok(Self(value.normalize()))
    }

    /// So many hundredths of this, as in `80` percent of a limit.
    pub fn percent(self, percent: u32) -> Self {
        let part = self.0.checked_mul(Decimal::from(percent)).and_then(|part| part.checked_div(Decimal::ONE_HUNDRED));
        Self(part.unwrap_or(self.0).normalize())
    }

    /// This as a whole number of hundredths of `whole`, rounded down; `None` of nothing.
    pub fn percent_of(self, whole: Self) -> Option<u64> {
        use rust_decimal::prelude::ToPrimitive as _;
        self.0.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole.0)?.floor().max(Decimal::ZERO).to_u64()
    }

    /// This, but not less than nothing.
    pub fn or_zero(self) -> Self {
        Self(self.0.max(Decimal::ZERO))
    }

    /// Rounded down to a millionth: what a limit may be.
    pub fn as_limit(self) -> Self {
        Self(self.or_zero().0.trunc_with_scale(6).normalize())
    }

    /// With two decimals at least and no more than are needed up to four, as in `0.50` or `12.3456`, for people.
    pub fn rounded(self) -> String {
        let mut value = self.0.round_dp(4).normalize();
        if value.scale() < 2 {
            value.rescale(2);
        }
        value.to_string()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Add for Amount {
    type Output = Self;

    /// The most there is, where it would be more.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).normalize())
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).normalize())
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| sum + amount)
    }
}

/// As text, so that nothing on the way makes a float of it.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_number(&text).map_err(serde::de::Error::custom)
    }
}
