//! `covault mv`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::Map;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::Answer;
use super::{complete, named, out, plan};
use crate::model::names::SecretPath;
use crate::vault::write::How;

/// Move a secret to another name
///
/// Seals it at the new name, with its history, and leaves a tombstone that names the new place. Says first how the
/// readers change, where they do, and asks where somebody would read it who does not. Lines of env files that name the
/// old place are listed, and left as they are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault mv prod/db prod/database\n  covault mv staging/key prod/key --dry-run\n  \
    covault mv prod/key dev/key --yes      # more people read dev\n\n\
    What can go wrong: there is a secret at the new name already; others would read it there, and nobody can be asked \
    (--yes)."
)]
pub struct MvArgs {
    /// Where it is
    #[arg(add = ArgValueCandidates::new(complete::names))]
    from: String,
    /// Where it goes
    to: String,
    /// Do not ask whether others may read it there
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &MvArgs) -> Answer {
    let (from, to) = (SecretPath::parse(&args.from)?, SecretPath::parse(&args.to)?);
    let vault = context.vault()?;
    let (before, after) = vault.readers_of_move(&from, &to);
    if before != after {
        context.note(&format!("readers change from {} to {}", before.join(", "), after.join(", ")));
    }
    let named = vault.named_in_env_files(std::slice::from_ref(&from));
    let how = context.how(&args.write);
    let gains: Vec<&str> = after.iter().filter(|name| !before.contains(name)).map(String::as_str).collect();
    if !gains.is_empty() && !how.dry_run {
        // What cannot be done is not asked about.
        vault.rename(&from, &to, &How { dry_run: true, ..how.clone() })?;
        plan::confirm(context, args.yes, &format!("let {} read {from}, as {to}", gains.join(", ")))?;
    }
    let report = vault.rename(&from, &to, &how)?;
    named::warn(context, &named, Some(&to));
    let mut more = Map::new();
    more.insert("references".into(), named::as_json(&named, Some(&to)));
    out::report_with(context, &report, &format!("moved {from} to {to}"), &format!("move {from} to {to}"), more)
}
