//! Every call that a provider is asked for, with an account in which it works.

use std::fmt::Debug;

use covault::model::keys::limit::Limit;
use covault::plaintext::Plaintext;
use covault::providers::openrouter::OpenRouter;
use covault::providers::{
    Account as _, Guard as _, Inspect as _, Issue as _, KeySpec, Probe as _, Probed, ProviderError, Result,
    Revoke as _, SetLimit as _, Switch as _,
};

use super::id;
use crate::openrouter::fake::{Call, Fake};

/// Something that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Check,
    Create,
    List,
    Get,
    SetLimit,
    Enable,
    Delete,
    Probe,
    Guardrails,
    CreateGuardrail,
    ChangeGuardrail,
    GuardrailOf,
    Assign,
    DeleteGuardrail,
}

/// What came of it.
#[derive(Debug)]
pub enum Came {
    Good,
    /// There is no such thing, which was an answer.
    Absent,
    /// A key was not taken.
    NotTaken,
    Failed(ProviderError),
}

/// Whom it is done to.
pub struct Scene {
    pub fake: Fake,
    pub hash: String,
    pub secret: String,
    pub guardrail: String,
}

impl Scene {
    pub fn new() -> Self {
        let fake = Fake::start();
        fake.add_key("another");
        let key = fake.add_key("ours");
        let guard = crate::openrouter::wire::Caller::new(fake.url(), fake.management_key());
        let body = r#"{"name":"g","limit_usd":5,"reset_interval":"monthly"}"#;
        let guardrail = guard.post("/guardrails", body).is(201).data()["id"].as_str().unwrap().to_owned();
        let path = format!("/guardrails/{guardrail}/assignments/keys");
        guard.post(&path, format!("{{\"key_hashes\":[\"{}\"]}}", key.hash)).is(200);
        fake.clear_requests();
        Self { fake, hash: key.hash, secret: key.secret, guardrail }
    }
}

impl Op {
    pub const ALL: [Self; 14] = [
        Self::Check,
        Self::Create,
        Self::List,
        Self::Get,
        Self::SetLimit,
        Self::Enable,
        Self::Delete,
        Self::Probe,
        Self::Guardrails,
        Self::CreateGuardrail,
        Self::ChangeGuardrail,
        Self::GuardrailOf,
        Self::Assign,
        Self::DeleteGuardrail,
    ];

    /// The calls that it makes; the first is the one that it is about.
    pub fn calls(self) -> &'static [Call] {
        match self {
            Self::Check => &[Call::CurrentKey, Call::Credits],
            Self::Create => &[Call::CreateKey],
            Self::List => &[Call::ListKeys, Call::ListWorkspaces],
            Self::Get => &[Call::GetKey],
            Self::SetLimit | Self::Enable => &[Call::UpdateKey],
            Self::Delete => &[Call::DeleteKey],
            Self::Probe => &[Call::CurrentKey],
            Self::Guardrails => &[Call::ListGuardrails],
            Self::CreateGuardrail => &[Call::CreateGuardrail],
            Self::ChangeGuardrail => &[Call::UpdateGuardrail],
            Self::GuardrailOf => &[Call::ListAssignments],
            Self::Assign => &[Call::AssignKeys],
            Self::DeleteGuardrail => &[Call::DeleteGuardrail],
        }
    }

    /// Whether each request that arrives makes something.
    pub fn makes(self) -> bool {
        matches!(self, Self::Create | Self::CreateGuardrail)
    }

    /// Whether a 404 is an answer.
    pub fn may_be_absent(self) -> bool {
        matches!(self, Self::Get | Self::Enable | Self::Delete | Self::DeleteGuardrail)
    }

    /// Does it, and checks what a good answer says.
    pub fn run(self, client: &OpenRouter, scene: &Scene) -> (Came, String) {
        let (key, guardrail) = (id(&scene.hash), id(&scene.guardrail));
        let limit: Limit = "12.5/day".parse().unwrap();
        let monthly: Limit = "7.25/month".parse().unwrap();
        match self {
            Self::Check => came(client.check(), |info| info.manages),
            Self::Create => {
                let spec = KeySpec { name: "new".to_owned(), limit: Some(limit), expires: None };
                came(client.create(&spec), |minted| {
                    let known = scene.fake.key_of(minted.secret.expose_str().unwrap()).unwrap();
                    known.hash == minted.key.id.as_str() && minted.key.limit == Some(limit)
                })
            }
            Self::List => came(client.list(), |all| all.len() == 2 && all.iter().any(|one| one.id == key)),
            Self::Get => maybe(client.get(&key), |found| found.id == key),
            Self::SetLimit => came(client.set_limit(&key, Some(limit)), |key| key.limit == Some(limit)),
            Self::Enable => maybe(client.set_enabled(&key, false), |key| key.disabled),
            Self::Delete => came(client.delete(&key), |()| true),
            Self::Probe => match client.probe(&Plaintext::from_text(&scene.secret)) {
                Ok(Probed::Refused) => (Came::NotTaken, String::new()),
                other => came(other, |said| *said == Probed::Works(vec!["5/month".parse().unwrap()])),
            },
            Self::Guardrails => came(client.guardrails(), |all| all.len() == 1 && all[0].id == guardrail),
            Self::CreateGuardrail => {
                came(client.create_guardrail("new", monthly), |made| made.limit == Some(monthly) && made.name == "new")
            }
            Self::ChangeGuardrail => {
                came(client.change_guardrail(&guardrail, monthly), |found| found.limit == Some(monthly))
            }
            Self::GuardrailOf => came(client.guardrail_of(&key), |found| found.as_ref() == Some(&guardrail)),
            Self::Assign => came(client.assign(&guardrail, &key), |()| true),
            Self::DeleteGuardrail => came(client.delete_guardrail(&guardrail), |()| true),
        }
    }
}

/// With all that it shows of itself.
fn came<T: Debug>(result: Result<T>, right: impl FnOnce(&T) -> bool) -> (Came, String) {
    let shown = format!("{result:?}");
    match result {
        Ok(said) => {
            assert!(right(&said), "it came, but not as it should: {said:?}");
            (Came::Good, shown)
        }
        Err(error) => {
            let shown = format!("{shown} {error}");
            (Came::Failed(error), shown)
        }
    }
}

fn maybe<T: Debug>(result: Result<Option<T>>, right: impl FnOnce(&T) -> bool) -> (Came, String) {
    match result {
        Ok(None) => (Came::Absent, String::new()),
        other => came(other, |found| right(found.as_ref().unwrap())),
    }
}
