//! OpenRouter: its keys API with a management key.

mod account;
mod guardrails;
mod keys;
mod pages;
mod wire;

use super::error::{Problem, ProviderError};
use super::http::{self, Body, Call, Http, Method, Repeat};
use super::{
    Account, Capabilities, Guard, Inspect, Issue, Probe, Provider, Result, Revoke, SetLimit, Settings, Switch,
};
use crate::model::keys::limit::Window;
use crate::plaintext::Plaintext;

/// Where it is, if the settings do not say otherwise.
const URL: &str = "https://openrouter.ai/api/v1";

/// Its name.
pub const NAME: &str = "openrouter";

/// One limit on the key, a second one as a guardrail.
pub static CAPABILITIES: Capabilities = Capabilities {
    name: NAME,
    title: "OpenRouter",
    console: "https://openrouter.ai/keys",
    issues: true,
    key_windows: &[Window::Day, Window::Week, Window::Month, Window::Total],
    guardrail_windows: &[Window::Day, Window::Week, Window::Month],
    expiry: true,
    switches: true,
    reports_usage: true,
    revokes: true,
};

/// One account.
pub struct OpenRouter {
    http: Http,
    management: Plaintext,
}

impl OpenRouter {
    /// Reaches it with a management key. Nothing is sent yet.
    ///
    /// # Errors
    /// `Settings`.
    pub fn new(settings: &Settings, management: Plaintext) -> Result<Self> {
        let failed = |problem| ProviderError { provider: NAME, call: "settings", problem };
        http::check_key(&management).map_err(failed)?;
        Ok(Self { http: Http::new(NAME, URL, settings)?, management })
    }

    /// A call that may be made twice.
    fn ask<T>(&self, asked: Asked, read: impl Fn(&Body) -> std::result::Result<T, String>) -> Result<T> {
        self.http.ask(&asked.with(&self.management, Repeat::Safely), read)
    }

    /// A call that makes something.
    fn ask_once<T>(&self, asked: Asked, read: impl Fn(&Body) -> std::result::Result<T, String>) -> Result<T> {
        self.http.ask(&asked.with(&self.management, Repeat::Once), read)
    }
}

/// What is asked, without the key.
struct Asked {
    name: &'static str,
    method: Method,
    path: String,
    body: Option<String>,
}

impl Asked {
    fn get(name: &'static str, path: impl Into<String>) -> Self {
        Self { name, method: Method::GET, path: path.into(), body: None }
    }

    fn with(self, key: &Plaintext, repeat: Repeat) -> Call<'_> {
        Call { name: self.name, method: self.method, path: self.path, body: self.body, key, repeat }
    }
}

/// A 404 is an answer, too.
fn or_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.status() == Some(404) => Ok(None),
        other => other.map(Some),
    }
}

/// What is asked for that there is no call for.
fn refuse<T>(call: &'static str, why: &str) -> Result<T> {
    Err(ProviderError { provider: NAME, call, problem: Problem::Settings(why.to_owned()) })
}

impl Provider for OpenRouter {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }

    fn issuing(&self) -> Option<&dyn Issue> {
        Some(self)
    }

    fn inspecting(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    fn limiting(&self) -> Option<&dyn SetLimit> {
        Some(self)
    }

    fn guarding(&self) -> Option<&dyn Guard> {
        Some(self)
    }

    fn switching(&self) -> Option<&dyn Switch> {
        Some(self)
    }

    fn revoking(&self) -> Option<&dyn Revoke> {
        Some(self)
    }

    fn probing(&self) -> Option<&dyn Probe> {
        Some(self)
    }
}
