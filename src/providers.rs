//! OTHER PEOPLE'S APIs: providers that issue keys. One small trait per ability; what a provider can do is data.
//!
//! A call is made as the provider documents it, repeated where that is safe, and answered with what is known afterwards.
//! Nothing here knows of vaults, and nothing is remembered. To add a provider: a file or folder here, and a line in [`KNOWN`].

pub mod error;
mod http;
pub mod manual;
pub mod openrouter;

use std::time::Duration;

pub use error::{Problem, ProviderError};

use crate::model::keys::amount::Amount;
use crate::model::keys::limit::{Limit, Window};
use crate::model::keys::record::RemoteId;
use crate::model::keys::usage::Usage;
use crate::model::time::Time;
use crate::plaintext::Plaintext;

/// What came of a call.
pub type Result<T> = std::result::Result<T, ProviderError>;

/// All providers, with what each can do.
pub const KNOWN: &[&Capabilities] = &[&openrouter::CAPABILITIES, &manual::CAPABILITIES];

/// What a provider can do, as data: commands plan by it.
#[derive(Debug)]
pub struct Capabilities {
    /// Its name in commands and records.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where a person makes a management key, or does by hand what there is no call for.
    pub console: &'static str,
    /// It makes keys when it is asked.
    pub issues: bool,
    /// Windows that a limit of the key itself can have; one of them at a time.
    pub key_windows: &'static [Window],
    /// Windows that a guardrail can have; one of them at a time.
    pub guardrail_windows: &'static [Window],
    /// A key can be given an end when it is made.
    pub expiry: bool,
    /// A key can be switched off and on.
    pub switches: bool,
    /// It tells what a key has spent.
    pub reports_usage: bool,
    /// It deletes keys when it is asked.
    pub revokes: bool,
}

impl Capabilities {
    /// The provider of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KNOWN.iter().copied().find(|known| known.name == name)
    }
}

/// How a provider is reached: from the person's own configuration, never from a repository.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Another base URL than the provider's own, for tests and proxies.
    pub url: Option<String>,
    /// The name and version that we give ourselves.
    pub agent: String,
    /// How patient a call is.
    pub pace: Pace,
    /// Now, as figures that are asked for are dated.
    pub now: Time,
}

/// How patient a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long one request may take, from the first byte sent to the last one received.
    pub request: Duration,
    /// How long a call may take with all its repetitions; a Retry-After beyond it ends the call.
    pub overall: Duration,
    /// The first wait between two tries; the next ones double, with jitter.
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(30),
            overall: Duration::from_secs(120),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(20),
        }
    }
}

/// A provider with one account's management key. Each ability is there or not, as its [`Capabilities`] say.
pub trait Provider {
    /// What it can do.
    fn capabilities(&self) -> &'static Capabilities;

    /// Checking the management key.
    fn account(&self) -> Option<&dyn Account> {
        None
    }

    /// Making keys.
    fn issuing(&self) -> Option<&dyn Issue> {
        None
    }

    /// Looking at keys.
    fn inspecting(&self) -> Option<&dyn Inspect> {
        None
    }

    /// Limits of keys themselves.
    fn limiting(&self) -> Option<&dyn SetLimit> {
        None
    }

    /// Limits beside the key's own.
    fn guarding(&self) -> Option<&dyn Guard> {
        None
    }

    /// Switching keys off and on.
    fn switching(&self) -> Option<&dyn Switch> {
        None
    }

    /// Deleting keys.
    fn revoking(&self) -> Option<&dyn Revoke> {
        None
    }

    /// Trying a key out.
    fn probing(&self) -> Option<&dyn Probe> {
        None
    }
}

/// A key as its provider describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// What the provider calls it.
    pub id: RemoteId,
    /// Its name: free text, not unique.
    pub name: String,
    /// A masked form of the key, for people.
    pub label: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Its own limit; a window that we do not know counts as a limit over its whole life.
    pub limit: Option<Limit>,
    /// What is left of that.
    pub remaining: Option<Amount>,
    /// What it spent.
    pub usage: Usage,
    /// When it was made, in the provider's spelling.
    pub created: String,
    /// When it was used last; `None` where the provider does not say or it never was.
    pub last_used: Option<Time>,
    /// When it ends by itself.
    pub expires: Option<Time>,
}

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// Its name, which has the intent in it.
    pub name: String,
    /// Its own limit.
    pub limit: Option<Limit>,
    /// When it is to end by itself.
    pub expires: Option<Time>,
}

/// A key that was made. Its text is told once and never again.
#[derive(Debug)]
pub struct Minted {
    /// The key.
    pub secret: Plaintext,
    /// What it is like.
    pub key: RemoteKey,
}

/// What a management key is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Whether it may manage keys at all: an ordinary key may not.
    pub manages: bool,
    /// Bought, and spent, in dollars, where the provider tells.
    pub credits: Option<(Amount, Amount)>,
}

/// Checking the management key.
pub trait Account {
    /// Whether the provider takes the management key, and what the account has.
    ///
    /// # Errors
    /// `Refused` with 401 where it does not.
    fn check(&self) -> Result<AccountInfo>;
}

/// Making keys.
pub trait Issue {
    /// Asks for one key, once. It is asked again only where the request cannot have arrived or was turned away with 429.
    ///
    /// # Errors
    /// After any error but `NotSent` the key may exist all the same: look for its name.
    fn create(&self, spec: &KeySpec) -> Result<Minted>;
}

/// Looking at keys.
pub trait Inspect {
    /// All keys of the account, in every workspace; switched off and expired ones, too. Each once.
    ///
    /// # Errors
    /// Any; a page that cannot be read is an error, never an end.
    fn list(&self) -> Result<Vec<RemoteKey>>;

    /// One key; `None` where the provider says that there is none.
    ///
    /// # Errors
    /// Any but a 404.
    fn get(&self, id: &RemoteId) -> Result<Option<RemoteKey>>;
}

/// Limits of keys themselves.
pub trait SetLimit {
    /// Sets or takes away the key's own limit.
    ///
    /// # Errors
    /// Any. Repeating it is safe.
    fn set_limit(&self, id: &RemoteId, limit: Option<Limit>) -> Result<RemoteKey>;
}

/// A limit beside the key's own. It counts for each key that it is assigned to by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// What the provider calls it.
    pub id: RemoteId,
    /// Its name: free text, not unique.
    pub name: String,
    /// What it limits; `None` where it limits something else.
    pub limit: Option<Limit>,
}

/// Limits beside the key's own.
pub trait Guard {
    /// All guardrails.
    ///
    /// # Errors
    /// `Refused` with 403 or 404 where the account has none of this.
    fn guardrails(&self) -> Result<Vec<Guardrail>>;

    /// Makes one, once; found again by its name.
    ///
    /// # Errors
    /// As for [`Issue::create`].
    fn create_guardrail(&self, name: &str, limit: Limit) -> Result<Guardrail>;

    /// Changes what one limits.
    ///
    /// # Errors
    /// Any. Repeating it is safe.
    fn change_guardrail(&self, id: &RemoteId, limit: Limit) -> Result<Guardrail>;

    /// Which key has which guardrail.
    ///
    /// # Errors
    /// Any.
    fn assignments(&self) -> Result<Vec<(RemoteId, RemoteId)>>;

    /// Which guardrail a key has.
    ///
    /// # Errors
    /// Any.
    fn guardrail_of(&self, key: &RemoteId) -> Result<Option<RemoteId>> {
        let mut all = self.assignments()?.into_iter();
        Ok(all.find(|(of, _)| of == key).map(|(_, guardrail)| guardrail))
    }

    /// Assigns one to a key, in the place of any other.
    ///
    /// # Errors
    /// Any. Repeating it is safe.
    fn assign(&self, guardrail: &RemoteId, key: &RemoteId) -> Result<()>;

    /// Deletes one; that there is none is no error.
    ///
    /// # Errors
    /// Any but a 404.
    fn delete_guardrail(&self, id: &RemoteId) -> Result<()>;
}

/// Switching keys off and on.
pub trait Switch {
    /// Switches a key on or off. `None` where there is no such key.
    ///
    /// # Errors
    /// Any. Repeating it is safe.
    fn set_enabled(&self, id: &RemoteId, on: bool) -> Result<Option<RemoteKey>>;
}

/// Deleting keys.
pub trait Revoke {
    /// Deletes a key. That there is none is no error. Whether it is gone says [`Inspect::get`] afterwards, not this.
    ///
    /// # Errors
    /// Any but a 404; the key may be gone all the same.
    fn delete(&self, id: &RemoteId) -> Result<()>;
}

/// What a provider says to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// It takes it, and counts these limits for it.
    Works(Vec<Limit>),
    /// It does not take it (any more, or yet).
    Refused,
}

/// Trying a key out.
pub trait Probe {
    /// Asks the provider about a key, with that key, spending nothing.
    ///
    /// # Errors
    /// Any but that the key is not taken: what is not known is never "refused".
    fn probe(&self, secret: &Plaintext) -> Result<Probed>;

    /// How the provider masks a key, asked with that key; `None` where it does not take it.
    ///
    /// # Errors
    /// As for `probe`.
    fn label(&self, secret: &Plaintext) -> Result<Option<String>>;
}

/// Reaches a provider with a management key; `manual` needs none.
///
/// # Errors
/// `Settings` for a base URL that is none, or that would send keys unencrypted over a network.
pub fn connect(name: &str, settings: &Settings, management: Option<Plaintext>) -> Result<Option<Box<dyn Provider>>> {
    match (name, management) {
        (openrouter::NAME, Some(key)) => Ok(Some(Box::new(openrouter::OpenRouter::new(settings, key)?))),
        (manual::NAME, _) => Ok(Some(Box::new(manual::Manual))),
        _ => Ok(None),
    }
}
