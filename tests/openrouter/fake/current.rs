//! `GET /key`: what a secret is good for. It says neither hash nor name.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use super::account::{Account, USER};
use super::answer::Answer;
use super::clock::{Reset, millis, seconds};
use super::key::{Key, Usages, label};
use super::money::Usd;
use super::routes::Caller;

#[derive(Serialize)]
struct Current {
    label: String,
    limit: Option<Usd>,
    limit_remaining: Option<Usd>,
    limit_reset: Option<Reset>,
    include_byok_in_limit: bool,
    #[serde(flatten)]
    usages: Usages,
    is_free_tier: bool,
    is_management_key: bool,
    is_provisioning_key: bool,
    creator_user_id: Option<String>,
    organization_id: Option<String>,
    workspace_id: Option<String>,
    expires_at: Option<String>,
    allowed_data_regions: [&'static str; 1],
    free_model_daily_requests: Value,
    budgets: Vec<Budget>,
    effective_budget: Option<Budget>,
    rate_limit: Value,
}

/// One of the limits that a request is held against.
#[derive(Clone, Serialize)]
pub struct Budget {
    pub scope: &'static str,
    guardrail_id: Option<String>,
    budget_id: Option<String>,
    include_byok: bool,
    limit_usd: Usd,
    spend_usd: Usd,
    remaining_usd: Usd,
    pub reset_interval: Option<Reset>,
    resets_at: Option<String>,
}

impl Budget {
    fn new(
        key: &Key,
        scope: &'static str,
        limit: Decimal,
        window: Option<Reset>,
        include_byok: bool,
        now: Timestamp,
    ) -> Self {
        let spend = key.counted(window, include_byok, now);
        Self {
            scope,
            guardrail_id: None,
            budget_id: None,
            include_byok,
            limit_usd: Usd(limit),
            spend_usd: Usd(spend),
            remaining_usd: Usd(limit - spend),
            reset_interval: window,
            resets_at: window.map(|window| millis(window.end(now))),
        }
    }

    pub fn is_spent(&self) -> bool {
        self.remaining_usd.0 <= Decimal::ZERO
    }

    /// The metadata of a refusal.
    pub fn refusal(&self) -> Value {
        let source = if self.scope == "key_limit" { "openrouter_key_limit" } else { "openrouter_budget_limit" };
        let mut metadata = serde_json::to_value(self).unwrap();
        metadata["limit_source"] = source.into();
        metadata
    }
}

/// Every budget of a key, in the order in which they are looked at.
pub fn budgets(account: &Account, key: &Key) -> Vec<Budget> {
    let now = account.now();
    let guardrail = account.guardrail_of(&key.hash).and_then(|guardrail| {
        let (limit, id) = (guardrail.limit_usd?, guardrail.id.clone());
        let budget = Budget::new(key, "api_key", limit, guardrail.reset_interval, guardrail.include_byok, now);
        Some(Budget { guardrail_id: Some(id), ..budget })
    });
    let own =
        key.limit.map(|limit| Budget::new(key, "key_limit", limit, key.limit_reset, key.include_byok_in_limit, now));
    guardrail.into_iter().chain(own).collect()
}

pub fn current(account: &Account, caller: &Caller) -> Answer {
    let now = account.now();
    let (key, managing) = match caller {
        Caller::Key(hash) => (account.keys.iter().find(|key| key.hash == *hash), false),
        Caller::Management => (None, true),
    };
    let budgets = key.map(|key| budgets(account, key)).unwrap_or_default();
    let effective = budgets.iter().find(|budget| budget.is_spent());
    let effective = effective.or_else(|| budgets.iter().min_by_key(|budget| budget.remaining_usd.0)).cloned();
    let nothing = Usages::default();
    Answer::data(
        200,
        Current {
            label: key.map_or_else(|| label(&account.management), Key::label),
            limit: key.and_then(|key| key.limit).map(Usd),
            limit_remaining: key.and_then(|key| key.remaining(now)).map(Usd),
            limit_reset: key.and_then(|key| key.limit_reset),
            include_byok_in_limit: key.is_some_and(|key| key.include_byok_in_limit),
            usages: key.map_or(nothing, |key| key.usages(now)),
            is_free_tier: false,
            is_management_key: managing,
            is_provisioning_key: managing,
            creator_user_id: Some(USER.to_owned()),
            organization_id: None,
            workspace_id: Some(key.map_or_else(|| account.default_workspace(), |key| key.workspace_id.clone())),
            expires_at: key.and_then(|key| key.expires_at).map(seconds),
            allowed_data_regions: ["global"],
            free_model_daily_requests: json!({ "limit": 1000, "remaining": 1000, "used": 0 }),
            budgets,
            effective_budget: effective,
            rate_limit: json!({
                "interval": "10s",
                "note": "This field is deprecated and safe to ignore.",
                "requests": -1,
            }),
        },
    )
}
