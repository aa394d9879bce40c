//! A key, what was spent with it, and how the API shows it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::clock::{Reset, micros, millis, seconds};
use super::money::Usd;

/// A key as the fake keeps it, for ever: a deleted one is marked so.
#[derive(Clone, Debug)]
pub struct Key {
    pub hash: String,
    pub secret: String,
    pub name: String,
    pub disabled: bool,
    pub limit: Option<Decimal>,
    pub limit_reset: Option<Reset>,
    pub include_byok_in_limit: bool,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub workspace_id: String,
    pub creator_user_id: Option<String>,
    pub spends: Vec<Spend>,
    /// So many uses of the secret are still answered as if it were unknown.
    pub refusals_left: u32,
    /// So many reads still show it as not disabled.
    pub late_reads_left: u32,
}

/// An amount at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Spend {
    pub at: Timestamp,
    pub usd: Decimal,
    /// Paid with somebody's own key at the model's provider.
    pub byok: bool,
}

impl Key {
    /// Whether the secret opens something, apart from delays.
    pub fn works(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && !self.disabled && !self.expired(now)
    }

    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The masked form: `sk-or-v1-0e6...c96`.
    pub fn label(&self) -> String {
        label(&self.secret)
    }

    /// What was spent in the window; ever, without one.
    pub fn usage(&self, window: Option<Reset>, byok: bool, now: Timestamp) -> Decimal {
        let from = window.map(|window| window.start(now));
        let counts = |spend: &&Spend| spend.byok == byok && from.is_none_or(|from| spend.at >= from);
        self.spends.iter().filter(counts).map(|spend| spend.usd).sum()
    }

    /// What counts against a limit in its window.
    pub fn counted(&self, window: Option<Reset>, with_byok: bool, now: Timestamp) -> Decimal {
        let byok = if with_byok { self.usage(window, true, now) } else { Decimal::ZERO };
        self.usage(window, false, now) + byok
    }

    pub fn remaining(&self, now: Timestamp) -> Option<Decimal> {
        self.limit.map(|limit| limit - self.counted(self.limit_reset, self.include_byok_in_limit, now))
    }

    /// Whether a read sees it as disabled; a read that is early counts.
    pub fn seen_disabled(&mut self) -> bool {
        if self.disabled && self.late_reads_left > 0 {
            self.late_reads_left -= 1;
            return false;
        }
        self.disabled
    }

    /// The key object of create, list, get and update.
    pub fn object(&self, disabled: bool, now: Timestamp) -> KeyObject {
        KeyObject {
            hash: self.hash.clone(),
            name: self.name.clone(),
            label: self.label(),
            disabled,
            limit: self.limit.map(Usd),
            limit_remaining: self.remaining(now).map(Usd),
            limit_reset: self.limit_reset,
            include_byok_in_limit: self.include_byok_in_limit,
            usages: self.usages(now),
            created_at: micros(self.created_at),
            updated_at: self.updated_at.map(micros),
            last_used_at: self.spends.iter().map(|spend| spend.at).max().map(millis),
            expires_at: self.expires_at.map(seconds),
            creator_user_id: self.creator_user_id.clone(),
            workspace_id: self.workspace_id.clone(),
            external_user: None,
        }
    }

    pub fn usages(&self, now: Timestamp) -> Usages {
        let usd = |window, byok| Usd(self.usage(window, byok, now));
        Usages {
            usage: usd(None, false),
            usage_daily: usd(Some(Reset::Daily), false),
            usage_weekly: usd(Some(Reset::Weekly), false),
            usage_monthly: usd(Some(Reset::Monthly), false),
            byok_usage: usd(None, true),
            byok_usage_daily: usd(Some(Reset::Daily), true),
            byok_usage_weekly: usd(Some(Reset::Weekly), true),
            byok_usage_monthly: usd(Some(Reset::Monthly), true),
        }
    }
}

/// `sk-or-v1-0e6f…1c96` → `sk-or-v1-0e6...c96`.
pub fn label(secret: &str) -> String {
    format!("{}...{}", &secret[..12], &secret[secret.len() - 3..])
}

#[derive(Serialize)]
pub struct KeyObject {
    hash: String,
    name: String,
    label: String,
    disabled: bool,
    limit: Option<Usd>,
    limit_remaining: Option<Usd>,
    limit_reset: Option<Reset>,
    include_byok_in_limit: bool,
    #[serde(flatten)]
    usages: Usages,
    created_at: String,
    updated_at: Option<String>,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    creator_user_id: Option<String>,
    workspace_id: String,
    external_user: Option<String>,
}

#[derive(Default, Serialize)]
pub struct Usages {
    usage: Usd,
    usage_daily: Usd,
    usage_weekly: Usd,
    usage_monthly: Usd,
    byok_usage: Usd,
    byok_usage_daily: Usd,
    byok_usage_weekly: Usd,
    byok_usage_monthly: Usd,
}
