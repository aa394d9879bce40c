//! `covault key revoke`.

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::{desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{Answer, Refusal};
use crate::cli::{ask, complete, out};
use crate::model::names::SecretPath;
use crate::vault::VaultError;
use crate::vault::keys::{KeyError, Revoking};

/// Take a key away at its provider
///
/// It is switched off, deleted, and asked for once more: it counts as gone when the provider does not know it. The secret
/// stays, without a value, and says what became of its key.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key revoke prod/openrouter --dry-run\n  covault key revoke prod/openrouter\n  \
    covault key revoke prod/openrouter --yes --reason 'project ended'\n\n\
    Exit code 9 where it is not known what came of it: it is listed by covault status until covault key resume knows."
)]
pub struct RevokeArgs {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Ask the provider for nothing: forget the value, and list the key until somebody has taken it away
    #[arg(long, conflicts_with = "done")]
    local_only: bool,
    /// A person has taken away what was listed to be taken away by hand
    #[arg(long)]
    done: bool,
    /// Do not ask for the name
    #[arg(long, short)]
    yes: bool,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    write: WriteFlags,
}

/// What a person did, or is to do.
fn by_hand(context: &Context, args: &RevokeArgs, path: &SecretPath, done: bool) -> Answer {
    let report = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        Ok(desk.by_hand(path, done, &args.reason)?)
    })?;
    if done {
        return out::report(context, &report, &format!("the old keys of {path} are gone"), "note that they are gone");
    }
    let code = out::report(context, &report, &format!("{path} has no key any more"), &format!("let {path} go"))?;
    context.note(&format!("it may still work: take it away where it was made, then: covault key revoke {path} --done"));
    Ok(code)
}

/// Runs it.
pub fn run(context: &Context, args: &RevokeArgs) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    if args.done {
        return by_hand(context, args, &path, true);
    }
    let (provider, record) = context.vault()?.issued(&path)?;
    let id = record.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    context.note(&format!("key {} of {}{id}: {}", record.generation, provider.title, record.standing.as_str()));
    if !args.yes && !args.write.dry_run {
        if !context.can_ask() {
            return Err(Refusal::needs_person(
                format!("the key of {path} would be gone for good"),
                format!("covault key revoke {path} --yes"),
            ));
        }
        if ask::text(&format!("type {path} to take its key away for good:"), "").as_deref() != Some(path.as_str()) {
            return Err(Refusal::needs_person("nothing was taken away", "type the name as it is"));
        }
    }
    if args.local_only || !provider.revokes {
        return by_hand(context, args, &path, false);
    }
    let wanted = Revoking { path, reason: args.reason.clone() };
    let outcome = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.revoke(&wanted)?))?;
    said::outcome(context, &outcome, &format!("the key of {} is gone", args.name))
}

/// Takes the keys of those secrets away that a provider issued, before they are deleted.
pub fn all_issued(context: &Context, paths: &[SecretPath], yes: bool, write: &WriteFlags) -> anyhow::Result<()> {
    for path in paths {
        let vault = context.vault()?;
        let (provider, record) = match vault.issued(path) {
            Ok(issued) => issued,
            Err(VaultError::Key(KeyError::BadRecord(_) | KeyError::UnknownProvider(_))) => {
                let what = format!("what {path} says about its key cannot be read, and the key may work on");
                return Err(Refusal::needs_person(what, format!("covault rm {path} --local-only")));
            }
            // Not issued, or not to be deleted at all: the deletion says so.
            Err(_) => continue,
        };
        if !record.standing.may_work() {
            continue;
        }
        let args = RevokeArgs {
            name: path.to_string(),
            yes,
            local_only: false,
            done: false,
            reason: "deleted".to_owned(),
            write: write.clone(),
        };
        if !provider.revokes {
            context.note(&format!("take the key of {path} away where it was made"));
            continue;
        }
        run(context, &args)?;
    }
    Ok(())
}
