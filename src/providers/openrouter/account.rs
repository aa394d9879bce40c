//! What a key says of itself: whether a management key manages, and whether a key works.

use serde::Deserialize;

use super::super::error::ProviderError;
use super::super::http::{Body, Repeat, check_key};
use super::super::{Account, AccountInfo, Probe, Probed, Result};
use super::wire::{self, Number, Read};
use super::{Asked, NAME, OpenRouter};
use crate::model::keys::amount::Amount;
use crate::model::keys::limit::Limit;
use crate::plaintext::Plaintext;

const CALL: &str = "GET /key";

/// What a key says of itself.
#[derive(Deserialize)]
struct Itself {
    /// There in all versions of the API: something else that answers does not have it.
    label: String,
    #[serde(default)]
    limit: Option<Number>,
    #[serde(default)]
    limit_reset: Option<String>,
    #[serde(default)]
    is_management_key: bool,
    #[serde(default)]
    is_provisioning_key: bool,
    #[serde(default)]
    budgets: Option<Vec<Budget>>,
}

/// One limit that counts for it.
#[derive(Deserialize)]
struct Budget {
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    limit_usd: Option<Number>,
    #[serde(default)]
    reset_interval: Option<String>,
}

impl Account for OpenRouter {
    fn check(&self) -> Result<AccountInfo> {
        let itself: Itself = self.ask(Asked::get(CALL, "/key"), wire::data)?;
        let manages = itself.is_management_key || itself.is_provisioning_key;
        // Nice to know, and not worth waiting for.
        let asked = Asked::get("GET /credits", "/credits").with(&self.management, Repeat::Briefly);
        let credits = if manages { self.http.ask(&asked, credits).ok() } else { None };
        Ok(AccountInfo { manages, credits })
    }
}

impl Probe for OpenRouter {
    fn probe(&self, secret: &Plaintext) -> Result<Probed> {
        check_key(secret).map_err(|problem| ProviderError { provider: NAME, call: CALL, problem })?;
        let call = Asked::get(CALL, "/key").with(secret, Repeat::Safely);
        match self.http.ask(&call, |body| wire::data::<Itself>(body)?.limits()) {
            Ok(limits) => Ok(Probed::Works(limits)),
            Err(error) if error.status() == Some(401) => Ok(Probed::Refused),
            Err(error) => Err(error),
        }
    }

    fn label(&self, secret: &Plaintext) -> Result<Option<String>> {
        Ok(self.itself(secret)?.map(|itself| itself.label))
    }
}

impl OpenRouter {
    /// What a key says of itself; `None` where it is not taken.
    fn itself(&self, secret: &Plaintext) -> Result<Option<Itself>> {
        check_key(secret).map_err(|problem| ProviderError { provider: NAME, call: CALL, problem })?;
        let call = Asked::get(CALL, "/key").with(secret, Repeat::Safely);
        match self.http.ask(&call, wire::data::<Itself>) {
            Ok(itself) => Ok(Some(itself)),
            Err(error) if error.status() == Some(401) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Itself {
    /// The limits of the key and of its guardrail; those of workspaces and members are not its own.
    fn limits(&self) -> Read<Vec<Limit>> {
        let own = |budget: &&Budget| matches!(budget.scope.as_deref(), Some("key_limit" | "api_key"));
        let budgets = self.budgets.iter().flatten().filter(own);
        let told: Read<Vec<Option<Limit>>> =
            budgets.map(|budget| limit(budget.limit_usd.as_ref(), budget.reset_interval.as_deref())).collect();
        let told: Vec<Limit> = told?.into_iter().flatten().collect();
        if !told.is_empty() {
            return Ok(told);
        }
        Ok(limit(self.limit.as_ref(), self.limit_reset.as_deref())?.into_iter().collect())
    }
}

fn limit(amount: Option<&Number>, reset: Option<&str>) -> Read<Option<Limit>> {
    let amount = amount.map(Number::amount).transpose()?;
    Ok(amount.map(|amount| Limit { amount, window: wire::window(reset) }))
}

fn credits(body: &Body) -> Read<(Amount, Amount)> {
    #[derive(Deserialize)]
    struct Credits {
        total_credits: Number,
        total_usage: Number,
    }
    let credits: Credits = wire::data(body)?;
    Ok((credits.total_credits.amount()?, credits.total_usage.amount()?))
}
