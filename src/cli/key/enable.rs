//! `covault key enable`.

use clap::Args;

use super::disable::{Which, switch};
use crate::cli::context::Context;
use crate::cli::exit::Answer;

/// Switch a key on again at its provider
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key enable prod/openrouter\n  covault key enable prod/openrouter --dry-run\n\n\
    Exit code 9 where it is not known what came of it: the same command finds out."
)]
pub struct EnableArgs {
    #[command(flatten)]
    what: Which,
}

/// Runs it.
pub fn run(context: &Context, args: &EnableArgs) -> Answer {
    switch(context, &args.what, true)
}
