//! The HTTP clients themselves, made when the first call needs them: TLS and its roots are asked of the system.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Repeat;
use crate::providers::Pace;
use crate::providers::error::Problem;

/// How long a connection that is not used is kept.
const IDLE: Duration = Duration::from_secs(5);
/// How long connecting may take, at most.
const CONNECT: Duration = Duration::from_secs(10);

/// Two clients. What is sent once gets a connection of its own: on one that was kept, it might be lost with the
/// connection, and nobody would know.
pub(super) struct Clients {
    agent: String,
    loopback: bool,
    plain: bool,
    pace: Pace,
    kept: OnceCell<reqwest::Client>,
    fresh: OnceCell<reqwest::Client>,
}

impl Clients {
    pub(super) fn new(agent: String, loopback: bool, plain: bool, pace: Pace) -> Self {
        Self { agent, loopback, plain, pace, kept: OnceCell::new(), fresh: OnceCell::new() }
    }

    /// The client for calls of a kind.
    pub(super) fn get(&self, repeat: Repeat) -> Result<&reqwest::Client, Problem> {
        let (cell, idle) = match repeat {
            Repeat::Safely | Repeat::Briefly => (&self.kept, 1),
            Repeat::Once => (&self.fresh, 0),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let made = self.make(idle)?;
        Ok(cell.get_or_init(|| made))
    }

    fn make(&self, idle: usize) -> Result<reqwest::Client, Problem> {
        // Somebody else may have chosen one: theirs will do.
        let _other = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(self.agent.as_str())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT.min(self.pace.request / 2))
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle);
        if self.loopback {
            let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            builder = builder.no_proxy().resolve_to_addrs("localhost", &here.map(|ip| SocketAddr::new(ip, 0)));
        }
        // Without TLS no roots are needed, and a machine without any will do.
        builder = if self.plain { builder.tls_certs_only([]) } else { builder.https_only(true) };
        builder.build().map_err(|error| Problem::Settings(format!("TLS cannot be set up: {}", deepest(&error))))
    }
}

/// What an error comes down to.
pub(super) fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
