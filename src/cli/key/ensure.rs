//! `covault key ensure`.

use clap::Args;
use serde_json::json;

use super::issue::What;
use super::{desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::out;
use crate::vault::keys::Ensured;

/// Find a living key at a name, or have one issued: for scripts and CI
///
/// A good key is left as it is, and nothing is written. Limits and alerts that are asked for and differ are set. A key that
/// is gone or has ended is replaced by one that has them from the beginning; one that is switched off is a person's to
/// decide. Where two machines want one at the same time, one makes it and the other waits for it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key ensure ci/openrouter --limit 5/day\n  covault run --from ci -- ./job\n\n\
    In CI a machine member with COVAULT_IDENTITY and a signing key runs it, which may read the management key and may push."
)]
pub struct EnsureArgs {
    /// The secret
    name: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &EnsureArgs) -> Answer {
    let wanted = args.what.wanted(context, &args.name)?;
    let done = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.ensure(&wanted)?))?;
    if context.json() {
        let Ensured { created, replaced, changed, generation, id, outcome } = &done;
        out::json(&json!({
            "secret": wanted.path.as_str(), "created": created, "replaced": replaced, "changed": changed,
            "generation": generation, "key": id.as_ref().map(ToString::to_string),
            "waits": outcome.as_ref().and_then(|outcome| outcome.waits.clone()), "dry_run": args.write.dry_run,
        }))?;
        return Ok(exit::DONE);
    }
    match &done.outcome {
        Some(outcome) => said::in_words(context, outcome, &format!("{} has a key of {}", args.name, wanted.provider)),
        None if done.changed.is_empty() => context.note(&format!("{} has its key already", args.name)),
        None => {}
    }
    done.changed.iter().for_each(|what| context.note(&format!("{}: {what}", args.name)));
    Ok(exit::DONE)
}
