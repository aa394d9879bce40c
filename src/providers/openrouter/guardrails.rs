//! Guardrails: a second limit, of another window than the key's own. It does nothing until it is assigned.

use serde::Deserialize;

use super::super::http::{Body, Method};
use super::super::{Guard, Guardrail, Result};
use super::pages::Listing;
use super::wire::{self, GuardBody, GuardObject, Read};
use super::{Asked, OpenRouter, or_none, refuse};
use crate::model::keys::limit::Limit;
use crate::model::keys::record::RemoteId;

/// A limit that only a key itself can have.
const NO_WINDOW: &str = "a guardrail limits by day, week or month, and not in total";

impl Guard for OpenRouter {
    fn guardrails(&self) -> Result<Vec<Guardrail>> {
        let listing = Listing { name: "GET /guardrails", path: "/guardrails", query: "limit=100".to_owned() };
        Ok(self.list_all(&listing, GuardObject::read, |guardrail| guardrail.id.clone())?.all().collect())
    }

    fn create_guardrail(&self, name: &str, limit: Limit) -> Result<Guardrail> {
        let call = "POST /guardrails";
        let Some(body) = GuardBody::of(Some(name), limit) else { return refuse(call, NO_WINDOW) };
        let (path, body) = ("/guardrails".to_owned(), Some(wire::text(&body)));
        self.ask_once(Asked { name: call, method: Method::POST, path, body }, guardrail)
    }

    fn change_guardrail(&self, id: &RemoteId, limit: Limit) -> Result<Guardrail> {
        let call = "PATCH /guardrails/{id}";
        let Some(body) = GuardBody::of(None, limit) else { return refuse(call, NO_WINDOW) };
        let (path, body) = (format!("/guardrails/{id}"), Some(wire::text(&body)));
        self.ask(Asked { name: call, method: Method::PATCH, path, body }, |body| {
            guardrail(body).and_then(|found| if found.id == *id { Ok(found) } else { Err("another one".to_owned()) })
        })
    }

    fn assignments(&self) -> Result<Vec<(RemoteId, RemoteId)>> {
        #[derive(Deserialize)]
        struct Assignment {
            key_hash: String,
            guardrail_id: String,
        }
        let path = "/guardrails/assignments/keys";
        let listing = Listing { name: "GET /guardrails/assignments/keys", path, query: "limit=100".to_owned() };
        let read = |found: Assignment| Ok((wire::id(&found.key_hash)?, wire::id(&found.guardrail_id)?));
        Ok(self.list_all(&listing, read, Clone::clone)?.all().collect())
    }

    fn assign(&self, guardrail: &RemoteId, key: &RemoteId) -> Result<()> {
        #[derive(Deserialize)]
        struct Assigned {
            #[serde(rename = "assigned_count")]
            _count: u64,
        }
        let path = format!("/guardrails/{guardrail}/assignments/keys");
        let body = Some(format!("{{\"key_hashes\":[\"{key}\"]}}"));
        let name = "POST /guardrails/{id}/assignments/keys";
        let asked = Asked { name, method: Method::POST, path, body };
        self.ask(asked, |body| wire::json::<Assigned>(body).map(drop))
    }

    fn delete_guardrail(&self, id: &RemoteId) -> Result<()> {
        let path = format!("/guardrails/{id}");
        let asked = Asked { name: "DELETE /guardrails/{id}", method: Method::DELETE, path, body: None };
        or_none(self.ask(asked, wire::deleted)).map(drop)
    }
}

fn guardrail(body: &Body) -> Read<Guardrail> {
    wire::data::<GuardObject>(body)?.read()
}
