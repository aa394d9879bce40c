//! `covault key disable`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use super::desk;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::{complete, out};
use crate::model::names::SecretPath;

/// Switch a key off at its provider, until it is enabled again
///
/// The provider is asked first, and looked at afterwards; then the secret's record says so. An old key that is kept beside
/// it (key rotate --keep-old) is switched off, too. A rotation does not bring a key back that is switched off.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key disable prod/openrouter --reason 'looks odd'\n  covault key enable prod/openrouter\n\n\
    Exit code 9 where it is not known what came of it: the same command finds out."
)]
pub struct DisableArgs {
    #[command(flatten)]
    what: Which,
}

/// Which key, and why.
#[derive(Args)]
pub struct Which {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &DisableArgs) -> Answer {
    switch(context, &args.what, false)
}

/// Switches one on or off, and says so.
pub fn switch(context: &Context, args: &Which, on: bool) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    let done = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        Ok(desk.switch(&path, on, &args.reason)?)
    })?;
    if context.json() {
        out::json(&json!({
            "secret": path.as_str(), "enabled": on, "changed": done.changed, "kept": done.kept,
            "commit": done.commit, "dry_run": done.dry_run,
        }))?;
        return Ok(exit::DONE);
    }
    let word = if on { "on" } else { "off" };
    context.note(&match (done.dry_run, done.changed, &done.commit) {
        (true, true, _) => format!("would switch the key of {path} {word}"),
        (_, true, _) => format!("the key of {path} is switched {word}"),
        (_, false, Some(commit)) => {
            format!("the key of {path} was {word}, and is noted so (commit {})", out::short(commit))
        }
        (_, false, None) => format!("the key of {path} is {word} already"),
    });
    for generation in &done.kept {
        context.note(&format!("key {generation}, which is kept beside it, is switched {word}, too"));
    }
    Ok(exit::DONE)
}
