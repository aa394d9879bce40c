//! Keys: made, looked at, limited, switched and deleted.

use std::collections::BTreeSet;

use super::super::error::Problem;
use super::super::http::Method;
use super::super::{Inspect, Issue, KeySpec, Minted, RemoteKey, Result, Revoke, SetLimit, Switch};
use super::pages::Listing;
use super::wire::{self, CreateBody, KeyObject, LimitBody, Read};
use super::{Asked, OpenRouter, or_none};
use crate::model::keys::limit::Limit;
use crate::model::keys::record::RemoteId;

impl Issue for OpenRouter {
    fn create(&self, spec: &KeySpec) -> Result<Minted> {
        let body = Some(wire::text(&CreateBody::of(spec)));
        let asked = Asked { name: "POST /keys", method: Method::POST, path: "/keys".to_owned(), body };
        self.ask_once(asked, |body| wire::minted(body, self.http.now()))
    }
}

impl Inspect for OpenRouter {
    fn list(&self) -> Result<Vec<RemoteKey>> {
        let mut keys = self.keys_of(None)?;
        // The workspace that is listed when none is named, where its keys say which that is.
        let known: BTreeSet<String> = keys.iter().filter_map(|(_, workspace)| workspace.clone()).collect();
        for workspace in self.workspaces()? {
            if known.len() != 1 || !known.contains(workspace.as_str()) {
                keys.extend(self.keys_of(Some(&workspace))?);
            }
        }
        let mut seen = BTreeSet::new();
        let once = keys.into_iter().map(|(key, _)| key).filter(|key| seen.insert(key.id.clone()));
        Ok(once.collect())
    }

    fn get(&self, id: &RemoteId) -> Result<Option<RemoteKey>> {
        let asked = Asked::get("GET /keys/{hash}", format!("/keys/{id}"));
        or_none(self.ask(asked, |body| self.key_named(id, wire::data(body)?)))
    }
}

impl SetLimit for OpenRouter {
    fn set_limit(&self, id: &RemoteId, limit: Option<Limit>) -> Result<RemoteKey> {
        self.change(id, wire::text(&LimitBody::of(limit)))
    }
}

impl Switch for OpenRouter {
    fn set_enabled(&self, id: &RemoteId, on: bool) -> Result<Option<RemoteKey>> {
        or_none(self.change(id, format!("{{\"disabled\":{}}}", !on)))
    }
}

impl Revoke for OpenRouter {
    fn delete(&self, id: &RemoteId) -> Result<()> {
        let path = format!("/keys/{id}");
        let asked = Asked { name: "DELETE /keys/{hash}", method: Method::DELETE, path, body: None };
        or_none(self.ask(asked, wire::deleted)).map(drop)
    }
}

impl OpenRouter {
    fn change(&self, id: &RemoteId, body: String) -> Result<RemoteKey> {
        let path = format!("/keys/{id}");
        let asked = Asked { name: "PATCH /keys/{hash}", method: Method::PATCH, path, body: Some(body) };
        self.ask(asked, |body| self.key_named(id, wire::data(body)?))
    }

    /// A key that was asked for by its id, and no other.
    fn key_named(&self, id: &RemoteId, key: KeyObject) -> Read<RemoteKey> {
        let key = key.read(self.http.now())?;
        if key.id == *id { Ok(key) } else { Err("another key".to_owned()) }
    }

    /// The keys of one workspace, with the workspace that each says it is in.
    fn keys_of(&self, workspace: Option<&RemoteId>) -> Result<Vec<(RemoteKey, Option<String>)>> {
        let mut query = "include_disabled=true&include_expired=true".to_owned();
        if let Some(workspace) = workspace {
            query = format!("{query}&workspace_id={workspace}");
        }
        let listing = Listing { name: "GET /keys", path: "/keys", query };
        let read = |key: KeyObject| {
            let workspace = key.workspace_id.clone();
            Ok((key.read(self.http.now())?, workspace))
        };
        let listed = self.list_all(&listing, read, |(key, _)| key.id.clone());
        let listed = match (listed, workspace) {
            // It went while we asked.
            (Err(error), Some(_)) if error.status() == Some(404) => return Ok(Vec::new()),
            (listed, _) => listed?,
        };
        let mut keys = listed.certain;
        for (key, workspace) in listed.doubtful {
            // Seen once and then no more: it went, or a page slipped by.
            if let Some(key) = self.get(&key.id)? {
                keys.push((key, workspace));
            }
        }
        Ok(keys)
    }

    /// All workspaces; none where the account has nothing of the kind.
    fn workspaces(&self) -> Result<Vec<RemoteId>> {
        #[derive(serde::Deserialize)]
        struct Workspace {
            id: String,
        }
        let listing = Listing { name: "GET /workspaces", path: "/workspaces", query: "limit=100".to_owned() };
        match self.list_all(&listing, |workspace: Workspace| wire::id(&workspace.id), Clone::clone) {
            Ok(listed) => Ok(listed.all().collect()),
            Err(error)
                if error.is_unavailable() || matches!(error.problem, Problem::Unreadable { status: 404, .. }) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}
