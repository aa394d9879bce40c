//! `/keys`: create, list, get, update, delete.

use serde::Serialize;
use serde_json::json;

use super::account::Account;
use super::answer::{Answer, Refusal};
use super::fields::{self, Fields};
use super::http::Ask;
use super::key::KeyObject;

/// Keys on a page of the list.
const PAGE: usize = 100;

#[derive(Serialize)]
struct Created {
    key: String,
    data: KeyObject,
}

pub fn create(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let fields = Fields::of(ask)?;
    let name = fields.name("name")?.ok_or_else(|| Refusal::field("name", "required"))?;
    let limit = fields.money("limit")?.flatten();
    let limit_reset = fields.reset("limit_reset")?.flatten();
    let include_byok = fields.flag("include_byok_in_limit")?.unwrap_or(false);
    let expires_at = fields.instant("expires_at")?.flatten();
    fields.text("creator_user_id")?;
    if fields.has("external") {
        return Err(Refusal::new(403, "External keys are not enabled for this account"));
    }
    let workspace = workspace(account, &fields)?;

    let hash = account.add_key(&name).hash;
    let now = account.now();
    let key = account.live(&hash).ok_or_else(Refusal::not_found)?;
    key.limit = limit;
    key.limit_reset = limit_reset;
    key.include_byok_in_limit = include_byok;
    key.expires_at = expires_at;
    if let Some(workspace) = workspace {
        key.workspace_id = workspace;
    }
    Ok(Answer::json(201, &Created { key: key.secret.clone(), data: key.object(false, now) }))
}

pub fn list(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let offset = fields::number(ask, "offset")?.unwrap_or(0);
    let with_disabled = fields::switch(ask, "include_disabled")?;
    let with_expired = fields::switch(ask, "include_expired")?;
    let workspace = match ask.query("workspace_id") {
        None => account.default_workspace(),
        Some(id) if !fields::is_uuid(id) => return Err(Refusal::field("workspace_id", "expected a UUID")),
        Some(id) if !account.has_workspace(id) => return Err(Refusal::not_found()),
        Some(id) => id.to_owned(),
    };
    let now = account.now();
    let mut rows = Vec::new();
    for key in account.keys.iter_mut().rev() {
        if key.deleted_at.is_some() || key.workspace_id != workspace || (key.expired(now) && !with_expired) {
            continue;
        }
        let disabled = key.seen_disabled();
        if !disabled || with_disabled {
            rows.push(key.object(disabled, now));
        }
    }
    Ok(Answer::data(200, rows.into_iter().skip(offset).take(PAGE).collect::<Vec<_>>()))
}

pub fn get(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let now = account.now();
    let key = account.live(ask.segment(1)).ok_or_else(Refusal::not_found)?;
    let disabled = key.seen_disabled();
    Ok(Answer::data(200, key.object(disabled, now)))
}

pub fn update(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    let accepted = ["name", "disabled", "limit", "limit_reset", "include_byok_in_limit", "workspace_id"];
    let fields = Fields::of(ask)?;
    if !accepted.iter().any(|name| fields.has(name)) {
        return Err(Refusal::new(400, "No update fields provided"));
    }
    let name = fields.name("name")?;
    let disabled = fields.flag("disabled")?;
    let limit = fields.money("limit")?;
    let limit_reset = fields.reset("limit_reset")?;
    let include_byok = fields.flag("include_byok_in_limit")?;
    let workspace = workspace(account, &fields)?;

    let (now, late) = (account.now(), account.disable_late);
    let key = account.live(ask.segment(1)).ok_or_else(Refusal::not_found)?;
    if let Some(disabled) = disabled {
        key.late_reads_left = if disabled && !key.disabled { late } else { 0 };
        key.disabled = disabled;
    }
    name.into_iter().for_each(|name| key.name = name);
    limit.into_iter().for_each(|limit| key.limit = limit);
    limit_reset.into_iter().for_each(|reset| key.limit_reset = reset);
    include_byok.into_iter().for_each(|include| key.include_byok_in_limit = include);
    workspace.into_iter().for_each(|workspace| key.workspace_id = workspace);
    key.updated_at = Some(now);
    Ok(Answer::data(200, key.object(key.disabled, now)))
}

pub fn delete(account: &mut Account, ask: &Ask) -> Result<Answer, Refusal> {
    if account.delete_key(ask.segment(1)) {
        Ok(Answer::json(200, &json!({ "deleted": true })))
    } else {
        Err(Refusal::not_found())
    }
}

fn workspace(account: &Account, fields: &Fields) -> Result<Option<String>, Refusal> {
    let workspace = fields.uuid("workspace_id")?;
    if workspace.as_deref().is_some_and(|id| !account.has_workspace(id)) {
        return Err(Refusal::field("workspace_id", "no such workspace"));
    }
    Ok(workspace)
}
