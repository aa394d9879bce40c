//! Credits, activity, workspaces, and the one call that spends.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

use super::account::{Account, USER, uuid};
use super::answer::{Answer, Refusal};
use super::clock::{day, micros};
use super::current;
use super::fields::{self, Fields, is_uuid};
use super::http::Ask;
use super::money::Usd;

const MODEL: &str = "openai/gpt-4.1-mini";

#[derive(Serialize)]
struct Credits {
    total_credits: Usd,
    total_usage: Usd,
}

pub fn credits(account: &Account) -> Answer {
    let (bought, used) = (account.total_credits, account.total_usage());
    Answer::data(200, Credits { total_credits: Usd(bought), total_usage: Usd(used) })
}

#[derive(Serialize)]
struct Activity {
    date: String,
    model: &'static str,
    model_permaslug: &'static str,
    endpoint_id: &'static str,
    provider_name: &'static str,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    reasoning_tokens: u64,
    cached_tokens: u64,
    usage: Usd,
    byok_usage_inference: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
}

pub fn activity(account: &Account, ask: &Ask) -> Result<Answer, Refusal> {
    let today = day(account.now());
    let completed = |date: &Date| *date < today && *date >= today - 30.days();
    let wanted = match ask.query("date") {
        None => None,
        Some(text) => Some(
            Some(text)
                .filter(|text| text.len() == 10)
                .and_then(|text| text.parse::<Date>().ok())
                .filter(completed)
                .ok_or_else(|| {
                    Refusal::new(400, "Date must be within the last 30 (completed) UTC days, as YYYY-MM-DD")
                })?,
        ),
    };
    let hash = match ask.query("api_key_hash") {
        Some(hash) if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            return Err(Refusal::field("api_key_hash", "expected 64 hexadecimal digits"));
        }
        Some(hash) if !account.keys.iter().any(|key| key.hash == hash) => return Err(Refusal::not_found()),
        hash => hash,
    };
    let workspace = match ask.query("workspace_id") {
        Some(id) if !is_uuid(id) => return Err(Refusal::field("workspace_id", "expected a UUID")),
        Some(id) if !account.has_workspace(id) => return Err(Refusal::not_found()),
        id => id,
    };
    let by_workspace = match ask.query("group_by") {
        None => false,
        Some("workspace") => true,
        Some(_) => return Err(Refusal::field("group_by", "expected workspace")),
    };

    let mut rows: BTreeMap<(Date, Option<String>), Activity> = BTreeMap::new();
    for key in &account.keys {
        if hash.is_some_and(|hash| key.hash != hash) || workspace.is_some_and(|id| key.workspace_id != id) {
            continue;
        }
        for spend in &key.spends {
            let date = day(spend.at);
            if !completed(&date) || wanted.is_some_and(|wanted| wanted != date) {
                continue;
            }
            let group = by_workspace.then(|| key.workspace_id.clone());
            let row = rows.entry((date, group.clone())).or_insert_with(|| Activity::new(date, group));
            let sum = if spend.byok { &mut row.byok_usage_inference } else { &mut row.usage };
            sum.0 += spend.usd;
            row.requests += 1;
            row.prompt_tokens += 50;
            row.completion_tokens += 125;
        }
    }
    Ok(Answer::data(200, rows.into_values().rev().collect::<Vec<_>>()))
}

impl Activity {
    fn new(date: Date, workspace_id: Option<String>) -> Self {
        Self {
            date: date.to_string(),
            model: MODEL,
            model_permaslug: "openai/gpt-4.1-mini-2025-04-14",
            endpoint_id: "550e8400-e29b-41d4-a716-446655440000",
            provider_name: "OpenAI",
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            reasoning_tokens: 0,
            cached_tokens: 0,
            usage: Usd(Decimal::ZERO),
            byok_usage_inference: Usd(Decimal::ZERO),
            workspace_id,
        }
    }
}

pub fn workspaces(account: &Account, ask: &Ask) -> Result<Answer, Refusal> {
    let rows = account.workspaces.iter().map(|workspace| {
        json!({
            "id": workspace.id,
            "name": workspace.name,
            "slug": workspace.name.to_lowercase(),
            "description": null,
            "created_at": micros(workspace.created_at),
            "created_by": USER,
            "updated_at": null,
            "default_guardrail_id": workspace.id,
            "default_image_model": null,
            "default_provider_sort": null,
            "default_text_model": null,
            "io_logging_api_key_ids": null,
            "io_logging_sampling_rate": 1,
            "is_data_discount_logging_enabled": false,
            "is_observability_broadcast_enabled": false,
            "is_observability_io_logging_enabled": false,
        })
    });
    let data = fields::page(ask, rows.collect())?;
    Ok(Answer::json(200, &json!({ "data": data, "total_count": account.workspaces.len() })))
}

#[derive(Serialize)]
struct Cost {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    cost: Usd,
}

#[derive(Serialize)]
struct Chat {
    id: String,
    object: &'static str,
    created: i64,
    model: &'static str,
    system_fingerprint: Option<String>,
    choices: serde_json::Value,
    usage: Cost,
}

/// Spends the amount in `spend`, one cent where there is none, unless a budget is spent already.
pub fn chat(account: &mut Account, ask: &Ask, hash: &str) -> Result<Answer, Refusal> {
    let usd = Fields::of(ask)?.money("spend")?.flatten().unwrap_or(Decimal::new(1, 2));
    if account.total_usage() >= account.total_credits {
        let source = json!({ "limit_source": "openrouter_credits" });
        return Err(Refusal::new(402, "Insufficient credits").about(source));
    }
    let key = account.live(hash).cloned().ok_or_else(|| Refusal::new(401, "User not found."))?;
    if let Some(spent) = current::budgets(account, &key).iter().find(|budget| budget.is_spent()) {
        let message = match spent.scope {
            "key_limit" => "Key limit exceeded. Manage it using https://openrouter.ai/settings/keys",
            _ => "Budget limit exceeded",
        };
        return Err(Refusal::new(account.limit_status, message).about(spent.refusal()));
    }
    account.spend(hash, usd, false);
    let answer = json!({ "role": "assistant", "content": "ok", "refusal": null, "reasoning": null });
    Ok(Answer::json(
        200,
        &Chat {
            id: format!("gen-{}", uuid()),
            object: "chat.completion",
            created: account.now().as_second(),
            model: MODEL,
            system_fingerprint: None,
            choices: json!([{ "index": 0, "finish_reason": "stop", "message": answer }]),
            usage: Cost { prompt_tokens: 50, completion_tokens: 125, total_tokens: 175, cost: Usd(usd) },
        },
    ))
}
