//! Keys that a person makes where there is no API: what to do is said, and what they made is asked for.

use crate::cli::context::Context;
use crate::cli::exit::Refusal;
use crate::cli::{ask, stdin};
use crate::plaintext::Plaintext;

/// A key that is made in a console, once it is made there. In a dry run nobody is asked: an empty one stands for it, as
/// none is kept.
pub fn made(context: &Context, name: &str, console: &str, dry_run: bool) -> anyhow::Result<Plaintext> {
    if dry_run {
        return Ok(Plaintext::new(Vec::new()));
    }
    context.note(&format!("make a new key {console}, then give it here"));
    given(context, name)
}

/// A key, from a hidden prompt or stdin.
pub fn given(context: &Context, name: &str) -> anyhow::Result<Plaintext> {
    let key = if stdin::is_terminal() {
        if !context.can_ask() {
            let hint = "give it on stdin, as in: covault key rotate NAME < FILE";
            return Err(Refusal::needs_person(format!("nobody can be asked for the key of {name}"), hint));
        }
        ask::hidden_twice(&format!("the key of {name}")).map(|typed| Plaintext::from_text(&typed))
    } else {
        Some(stdin::value()?)
    };
    key.filter(|key| !key.is_empty()).ok_or_else(|| Refusal::usage("no key was given", "type it, or give it on stdin"))
}
