//! Amounts of USD: exact decimals within, JSON numbers on the wire.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount as JSON has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usd(pub Decimal);

impl Usd {
    /// As JavaScript writes a number: no zeros at the end, and an exponent below a millionth.
    pub fn text(self) -> String {
        let amount = self.0.normalize();
        if amount.is_zero() || amount.abs() >= Decimal::new(1, 6) {
            return amount.to_string();
        }
        let sign = if amount.is_sign_negative() { "-" } else { "" };
        let digits = amount.mantissa().unsigned_abs().to_string();
        let exponent = i64::from(amount.scale()) - i64::try_from(digits.len()).unwrap() + 1;
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}e-{exponent}")
    }

    /// Reads a JSON number.
    pub fn parse(json: &str) -> Option<Decimal> {
        if !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return None;
        }
        if json.contains(['e', 'E']) { Decimal::from_scientific(json).ok() } else { Decimal::from_str(json).ok() }
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}
