//! Secrets that somebody issues without an API: a person makes them, types them in, and takes the old ones away.
//!
//! It has no ability at all; the commands say what to do, take the new value and remember what is still to be done.

use super::{Capabilities, Provider};

/// Its name.
pub const NAME: &str = "manual";

/// Nothing of it is automatic.
pub static CAPABILITIES: Capabilities = Capabilities {
    name: NAME,
    title: "by hand",
    console: "where it was made",
    issues: false,
    key_windows: &[],
    guardrail_windows: &[],
    expiry: false,
    switches: false,
    reports_usage: false,
    revokes: false,
};

/// The provider without an API.
pub struct Manual;

impl Provider for Manual {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }
}
