//! OpenRouter: its keys API with a management key.

use super::{Capabilities, Provider, Result, Settings};
use crate::model::keys::limit::Window;
use crate::plaintext::Plaintext;

/// Its name.
pub const NAME: &str = "openrouter";

/// One limit on the key, a second one as a guardrail.
pub static CAPABILITIES: Capabilities = Capabilities {
    name: NAME,
    title: "OpenRouter",
    console: "https://openrouter.ai/settings/management-keys",
    issues: true,
    key_windows: &[Window::Day, Window::Week, Window::Month, Window::Total],
    guardrail_windows: &[Window::Day, Window::Week, Window::Month],
    expiry: true,
    switches: true,
    reports_usage: true,
    revokes: true,
};

/// One account.
pub struct OpenRouter {}

impl OpenRouter {
    /// Reaches it with a management key.
    ///
    /// # Errors
    /// `Settings`.
    pub fn new(_settings: &Settings, _management: Plaintext) -> Result<Self> {
        Ok(Self {})
    }
}

impl Provider for OpenRouter {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }
}
