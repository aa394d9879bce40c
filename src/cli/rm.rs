//! `covault rm`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::Map;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::Answer;
use super::{complete, key, named, out};
use crate::model::names::SecretPath;

/// Delete secrets
///
/// Seals a tombstone at the name, so that an edit which somebody else makes meanwhile is not lost. Git history keeps the
/// old values: what was secret should be changed where it is used. The key of a secret that a provider issued is taken away
/// there first (covault key revoke); where a person has to take old ones away by hand, that comes first. Lines of env files that name what goes away are listed, and left as they are.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault rm prod/db\n  covault rm prod/db prod/cache --dry-run\n\n\
    Bring one back with: covault restore prod/db")]
pub struct RmArgs {
    /// For what a provider issued: do not ask whether its key may be taken away for good
    #[arg(long, short)]
    yes: bool,
    /// For what a provider issued: leave its key there as it is
    #[arg(long)]
    local_only: bool,
    /// The secrets
    #[arg(required = true, add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RmArgs) -> Answer {
    let mut paths = args.names.iter().map(|name| SecretPath::parse(name)).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    paths.dedup();
    let revoked = match args.local_only {
        true => Vec::new(),
        false => key::revoke::all_issued(context, &paths, args.yes, &args.write)?,
    };
    let vault = context.vault()?;
    let named = vault.named_in_env_files(&paths);
    let removed = vault.remove(&paths, &context.how(&args.write));
    let report = removed.map_err(|error| key::revoke::after(error.into(), &revoked, args.write.dry_run))?;
    named::warn(context, &named, None);
    let mut more = Map::new();
    more.insert("references".into(), named::as_json(&named, None));
    more.insert("revoked".into(), revoked.iter().map(key::revoke::Revoked::as_json).collect());
    let names: Vec<_> = paths.iter().map(SecretPath::as_str).collect();
    let names = names.join(", ");
    out::report_with(context, &report, &format!("deleted {names}"), &format!("delete {names}"), more)
}
