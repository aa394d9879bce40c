//! Keys that a person makes where there is no API: what to do is said, and what they made is asked for.

use std::io::IsTerminal as _;

use crate::cli::context::Context;
use crate::cli::exit::Refusal;
use crate::cli::{ask, set};
use crate::plaintext::Plaintext;

/// The new key, from a hidden prompt or stdin.
pub fn given(context: &Context, name: &str) -> anyhow::Result<Plaintext> {
    let key = if std::io::stdin().is_terminal() {
        if !context.can_ask() {
            let hint = "give it on stdin, as in: covault key rotate NAME < FILE";
            return Err(Refusal::needs_person(format!("nobody can be asked for the key of {name}"), hint));
        }
        ask::hidden_twice(&format!("the key of {name}")).map(|typed| Plaintext::from_text(&typed))
    } else {
        Some(set::from_stdin(context)?)
    };
    key.filter(|key| !key.is_empty()).ok_or_else(|| Refusal::usage("no key was given", "type it, or give it on stdin"))
}
