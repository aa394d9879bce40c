//! What can go wrong between us and a provider, told by what is known afterwards.

use thiserror::Error;

/// A call that did not bring what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{provider}: {call}: {problem}")]
pub struct ProviderError {
    /// Whose.
    pub provider: &'static str,
    /// Which call, such as `POST /keys`.
    pub call: &'static str,
    /// What happened.
    pub problem: Problem,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The base URL, or TLS on this machine.
    #[error("{0}")]
    Settings(String),
    /// No connection was made: nothing was sent.
    #[error("cannot be reached ({0})")]
    NotSent(String),
    /// It was sent, and no whole answer came: what it did is not known.
    #[error("no answer ({0})")]
    NoAnswer(String),
    /// Something answered that is not the provider's API: an error page, a portal, JSON of another shape.
    #[error("answered {status} with something else than expected ({why})")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What was wrong with it.
        why: String,
    },
    /// It wants us to ask elsewhere, where we do not take keys.
    #[error("answered {status}, sending us elsewhere, which is refused")]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// It was deleted, and is there all the same.
    #[error("still has the key after its deletion")]
    StillThere,
    /// It said no.
    #[error("answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words, cut at 200 characters, controls taken out.
        message: String,
    },
}

impl ProviderError {
    /// A key that is there after its deletion.
    pub fn still_there(provider: &'static str) -> Self {
        Self { provider, call: "DELETE", problem: Problem::StillThere }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match &self.problem {
            Problem::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether nothing can have happened at the provider.
    pub fn was_not_sent(&self) -> bool {
        matches!(self.problem, Problem::NotSent(_) | Problem::Settings(_))
    }

    /// Whether the account has nothing of this kind, so that another way has to be found.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.status(), Some(402 | 403 | 404 | 405 | 501))
    }
}
