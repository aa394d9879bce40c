//! `/guardrails`: budgets that keys are assigned to, one a key.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::{Account, Assignment, Guardrail, USER, uuid};
use super::answer::{Answer, Refusal};
use super::clock::{Reset, micros};
use super::fields::{Fields, page};
use super::http::Ask;
use super::money::Usd;

#[derive(Serialize)]
struct Object {
    id: String,
    name: String,
    description: Option<String>,
    limit_usd: Option<Usd>,
    reset_interval: Option<Reset>,
    include_byok_in_budgets: bool,
    workspace_id: String,
    created_at: String,
    updated_at: Option<String>,
    /// What the fake knows only by name.
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Serialize)]
struct Page<T> {
    data: Vec<T>,
    total_count: usize,
}

impl Object {
    fn of(guardrail: &Guardrail) -> Self {
        let others = ["allowed_models", "allowed_providers", "ignored_models", "ignored_providers", "enforce_zdr"];
        Self {
            id: guardrail.id.clone(),
            name: guardrail.name.clone(),
            description: guardrail.description.clone(),
            limit_usd: guardrail.limit_usd.map(Usd),
            reset_interval: guardrail.reset_interval,
            include_byok_in_budgets: guardrail.include_byok,
            workspace_id: guardrail.workspace_id.clone(),
            created_at: micros(guardrail.created_at),
            updated_at: guardrail.updated_at.map(micros),
            others: others.into_iter().map(|name| (name.to_owned(), Value::Null)).collect(),
        }
    }
}

pub fn create(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let fields = Fields::of(ask)?;
    let workspace = fields.uuid("workspace_id")?.unwrap_or_else(|| account.default_workspace());
    if !account.has_workspace(&workspace) {
        return Err(Refusal::field("workspace_id", "no such workspace"));
    }
    let guardrail = Guardrail {
        id: uuid(),
        name: fields.name("name")?.ok_or_else(|| Refusal::field("name", "required"))?,
        description: fields.text("description")?.flatten(),
        limit_usd: fields.money("limit_usd")?.flatten(),
        reset_interval: fields.reset("reset_interval")?.flatten(),
        include_byok: fields.flag("include_byok_in_budgets")?.unwrap_or(false),
        workspace_id: workspace,
        created_at: account.now(),
        updated_at: None,
    };
    both_or_none(guardrail.limit_usd, guardrail.reset_interval)?;
    account.guardrails.push(guardrail.clone());
    Ok(Answer::data(201, Object::of(&guardrail)))
}

pub fn list(account: &Account, ask: &Ask) -> Result<Answer, Refusal> {
    let wanted = ask.query("workspace_id");
    let rows = account.guardrails.iter().rev().filter(|one| wanted.is_none_or(|id| one.workspace_id == id));
    paged(ask, rows.map(Object::of).collect())
}

pub fn get(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    Ok(Answer::data(200, Object::of(find(account, ask)?)))
}

pub fn update(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let fields = Fields::of(ask)?;
    let known = ["name", "description", "limit_usd", "reset_interval", "include_byok_in_budgets"];
    if !known.iter().any(|name| fields.has(name)) {
        return Err(Refusal::new(400, "No update fields provided"));
    }
    let name = fields.name("name")?;
    let description = fields.text("description")?;
    let limit = fields.money("limit_usd")?;
    let interval = fields.reset("reset_interval")?;
    let include_byok = fields.flag("include_byok_in_budgets")?;

    let now = account.now();
    let guardrail = find(account, ask)?;
    let (limit, interval) = (limit.unwrap_or(guardrail.limit_usd), interval.unwrap_or(guardrail.reset_interval));
    both_or_none(limit, interval)?;
    guardrail.limit_usd = limit;
    guardrail.reset_interval = interval;
    name.into_iter().for_each(|name| guardrail.name = name);
    description.into_iter().for_each(|text| guardrail.description = text);
    include_byok.into_iter().for_each(|include| guardrail.include_byok = include);
    guardrail.updated_at = Some(now);
    Ok(Answer::data(200, Object::of(guardrail)))
}

pub fn delete(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let id = find(account, ask)?.id.clone();
    account.guardrails.retain(|guardrail| guardrail.id != id);
    account.assignments.retain(|assignment| assignment.guardrail_id != id);
    Ok(Answer::json(200, &json!({ "deleted": true })))
}

pub fn assign(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let id = find(account, ask)?.id.clone();
    let hashes = hashes(account, ask)?;
    account.assignments.retain(|assignment| !hashes.contains(&assignment.key_hash));
    for hash in &hashes {
        account.assignments.push(Assignment {
            id: uuid(),
            key_hash: hash.clone(),
            guardrail_id: id.clone(),
            created_at: account.now(),
        });
    }
    Ok(Answer::json(200, &json!({ "assigned_count": hashes.len() })))
}

pub fn unassign(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let id = find(account, ask)?.id.clone();
    let hashes = hashes(account, ask)?;
    let before = account.assignments.len();
    account.assignments.retain(|one| one.guardrail_id != id || !hashes.contains(&one.key_hash));
    Ok(Answer::json(200, &json!({ "unassigned_count": before - account.assignments.len() })))
}

pub fn keys_of(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let id = find(account, ask)?.id.clone();
    let rows = account.assignments.iter().filter(|one| one.guardrail_id == id);
    paged(ask, rows.map(|one| row(account, one)).collect())
}

pub fn assignments(account: &Account, ask: &Ask) -> Result<Answer, Refusal> {
    paged(ask, account.assignments.iter().map(|one| row(account, one)).collect())
}

fn row(account: &Account, assignment: &Assignment) -> Value {
    let key = account.keys.iter().find(|key| key.hash == assignment.key_hash);
    json!({
        "id": assignment.id,
        "guardrail_id": assignment.guardrail_id,
        "key_hash": assignment.key_hash,
        "key_name": key.map(|key| key.name.clone()),
        "key_label": key.map(|key| key.label()),
        "assigned_by": USER,
        "created_at": micros(assignment.created_at),
    })
}

fn paged<T: Serialize>(ask: &Ask, rows: Vec<T>) -> Result<Answer, Refusal> {
    let total_count = rows.len();
    Ok(Answer::json(200, &Page { data: page(ask, rows)?, total_count }))
}

fn find<'a>(account: &'a mut Account, ask: &Ask) -> Result<&'a mut Guardrail, Refusal> {
    let id = ask.segment(1);
    account.guardrails.iter_mut().find(|guardrail| guardrail.id == id).ok_or_else(Refusal::not_found)
}

fn hashes(account: &mut Account, ask: &Ask) -> Result<Vec<String>, Refusal> {
    let wanted = Fields::of(ask)?.texts("key_hashes")?.filter(|hashes| !hashes.is_empty());
    let mut hashes = wanted.ok_or_else(|| Refusal::field("key_hashes", "expected at least one hash"))?;
    hashes.sort();
    hashes.dedup();
    if hashes.iter().any(|hash| account.live(hash).is_none()) {
        return Err(Refusal::not_found());
    }
    Ok(hashes)
}

fn both_or_none(limit: Option<Decimal>, interval: Option<Reset>) -> Result<(), Refusal> {
    if limit.is_some() == interval.is_some() {
        return Ok(());
    }
    Err(Refusal::field("reset_interval", "limit_usd and reset_interval must be given together"))
}
