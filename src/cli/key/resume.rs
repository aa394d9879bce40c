//! `covault key resume`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::Value;

use super::{desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::{complete, out};
use crate::model::names::SecretPath;
use crate::vault::keys::Way;

/// Go on with what is open, or take it back
///
/// Whatever a crash, a wait or another machine left open is brought to its end: a key that nobody got is deleted, a new
/// one is asked for, old ones go when their time has come. What two machines began at the same time is settled.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key resume\n  covault key resume prod/openrouter\n  covault key resume prod/openrouter --roll-back\n\n\
    Exit code 8 where something still waits; 9 where a provider or the remote failed."
)]
pub struct ResumeArgs {
    /// Secrets; all that are open without one
    #[arg(add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    /// Take back what is not published yet, instead of finishing it
    #[arg(long)]
    roll_back: bool,
    /// Let old keys go that were to be kept for some time yet
    #[arg(long, conflicts_with = "roll_back")]
    now: bool,
    #[command(flatten)]
    write: WriteFlags,
}

fn way(args: &ResumeArgs) -> Way {
    match (args.roll_back, args.now) {
        (true, _) => Way::Back,
        (_, true) => Way::Now,
        _ => Way::On,
    }
}

/// Runs it.
pub fn run(context: &Context, args: &ResumeArgs) -> Answer {
    let paths = args.names.iter().map(|name| SecretPath::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let resumed =
        desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.resume(&paths, way(args))?))?;
    // A dry run leaves open what it found.
    let is_over = resumed.outcomes.is_empty() || !args.write.dry_run;
    let mut code = exit::DONE;
    let mut rows: Vec<Value> = Vec::new();
    for (path, outcome) in resumed.outcomes {
        match outcome {
            Ok(outcome) => {
                if outcome.waits.is_some() {
                    code = code.max(exit::FINDINGS);
                }
                if context.json() {
                    rows.push(said::as_json(&outcome));
                } else {
                    let done = if args.roll_back { "was taken back" } else { "is finished" };
                    said::in_words(context, &outcome, &format!("{path}: what was open {done}"));
                }
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                if context.json() {
                    rows.push(said::failed(&path, &error));
                    code = code.max(exit::code_of(&error));
                } else {
                    code = code.max(exit::report(context, &error));
                }
            }
        }
    }
    if context.json() {
        out::json(&Value::Array(rows))?;
    } else if code == exit::DONE && args.names.is_empty() && is_over {
        context.note("nothing is open any more");
    }
    Ok(code)
}
