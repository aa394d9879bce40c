//! `covault completions`.

use clap::Args;
use clap_complete::env::Shells;

use super::exit::{self, Answer, Refusal};
use super::{context, out};

/// Print a completion script for a shell
///
/// It completes names of secrets, too, by asking this program.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  source <(covault completions bash)\n  covault completions zsh > ~/.zfunc/_covault\n  \
    covault completions fish > ~/.config/fish/completions/covault.fish"
)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    shell: String,
}

/// Runs it.
pub fn run(args: &CompletionsArgs) -> Answer {
    let shells = Shells::builtins();
    let known: Vec<_> = shells.names().collect();
    let shell = shells.completer(&args.shell).ok_or_else(|| {
        Refusal::usage(format!("no completions for '{}'", args.shell), format!("one of: {}", known.join(", ")))
    })?;
    let mut script = Vec::new();
    shell.write_registration("COMPLETE", "covault", "covault", &context::program(), &mut script)?;
    out::bytes(&script)?;
    Ok(exit::DONE)
}
