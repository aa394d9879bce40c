//! `covault key revoke`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::Value;

use super::{desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{Answer, Refusal};
use crate::cli::{ask, complete, out};
use crate::model::keys::record::KeyRecord;
use crate::model::names::SecretPath;
use crate::vault::keys::{Capabilities, KeyError, Outcome, Revoking};
use crate::vault::write::How;
use crate::vault::{Vault, VaultError};

/// Who issued a key, and its record.
type Issued = (&'static Capabilities, KeyRecord);

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

/// Says which key it is, and asks whether it may go; `command` decides beforehand.
fn confirm(context: &Context, path: &SecretPath, issued: &Issued, yes: bool, command: &str) -> anyhow::Result<()> {
    let (provider, record) = issued;
    let id = record.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    context.note(&format!("key {} of {}{id}: {}", record.generation, provider.title, record.standing.as_str()));
    if yes {
        return Ok(());
    }
    if !context.can_ask() {
        return Err(Refusal::needs_person(format!("the key of {path} would be gone for good"), command));
    }
    if ask::text(&format!("type {path} to take its key away for good:"), "").as_deref() != Some(path.as_str()) {
        return Err(Refusal::needs_person("nothing was taken away", "type the name as it is"));
    }
    Ok(())
}

/// Takes it away at its provider.
fn take_away(context: &Context, path: &SecretPath, reason: &str, write: &WriteFlags) -> anyhow::Result<Outcome> {
    let wanted = Revoking { path: path.clone(), reason: reason.to_owned() };
    desk::with(context, write.dry_run, write.no_commit, |desk| Ok(desk.revoke(&wanted)?))
}

/// Runs it.
pub fn run(context: &Context, args: &RevokeArgs) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    if args.done {
        return by_hand(context, args, &path, true);
    }
    let issued = context.vault()?.issued(&path)?;
    let command = format!("covault key revoke {path} --yes");
    confirm(context, &path, &issued, args.yes || args.write.dry_run, &command)?;
    if args.local_only || !issued.0.revokes {
        return by_hand(context, args, &path, false);
    }
    let outcome = take_away(context, &path, &args.reason, &args.write)?;
    said::outcome(context, &outcome, &format!("the key of {path} is gone"))
}

/// What is to be done about the key of a secret before that is deleted.
enum Leaving {
    /// Its provider takes it away.
    There(SecretPath, Box<Issued>),
    /// A person does.
    ByHand(SecretPath),
}

/// What the keys of secrets need before those are deleted. The provider is asked for nothing.
fn leaving(vault: &Vault, paths: &[SecretPath]) -> anyhow::Result<Vec<Leaving>> {
    let mut all = Vec::new();
    for path in paths {
        let issued = match vault.issued(path) {
            Ok(issued) => issued,
            Err(VaultError::Key(KeyError::BadRecord(_) | KeyError::UnknownProvider(_))) => {
                let what = format!("what {path} says about its key cannot be read, and the key may work on");
                return Err(Refusal::needs_person(what, format!("covault rm {path} --local-only")));
            }
            // Not issued, or not to be deleted at all: the deletion says so.
            Err(_) => continue,
        };
        if !issued.0.revokes {
            vault.check_none_outlives(path)?;
            if issued.1.standing.may_work() {
                all.push(Leaving::ByHand(path.clone()));
            }
        } else if issued.1.standing.may_work() || vault.check_none_outlives(path).is_err() {
            // What is left of earlier keys goes with it.
            all.push(Leaving::There(path.clone(), Box::new(issued)));
        }
    }
    Ok(all)
}

/// Takes the keys of those secrets away that a provider issued, before they are deleted; what came of each, for the JSON.
/// What cannot be deleted is said, and what a person has to say is asked, before the first of them goes: none comes back.
pub fn all_issued(
    context: &Context,
    paths: &[SecretPath],
    yes: bool,
    write: &WriteFlags,
) -> anyhow::Result<Vec<Revoked>> {
    let vault = context.vault()?;
    let all = leaving(&vault, paths)?;
    if all.iter().any(|one| matches!(one, Leaving::There(..))) {
        vault.remove(paths, &How { dry_run: true, ..context.how(write) })?;
    }
    let names: Vec<&str> = paths.iter().map(SecretPath::as_str).collect();
    let command = format!("covault rm {} --yes", names.join(" "));
    for one in &all {
        match one {
            Leaving::ByHand(path) => context.note(&format!("take the key of {path} away where it was made")),
            Leaving::There(path, issued) => confirm(context, path, issued, yes || write.dry_run, &command)?,
        }
    }
    let mut revoked = Vec::new();
    for one in all {
        let Leaving::There(path, _) = one else { continue };
        let outcome =
            take_away(context, &path, "deleted", write).map_err(|error| after(error, &revoked, write.dry_run))?;
        if !context.json() {
            said::in_words(context, &outcome, &format!("the key of {path} is gone"));
        }
        revoked.push(Revoked { path, outcome });
    }
    Ok(revoked)
}

/// A key that was taken away before its secret is deleted.
pub struct Revoked {
    path: SecretPath,
    outcome: Outcome,
}

impl Revoked {
    /// As JSON.
    pub fn as_json(&self) -> Value {
        said::as_json(&self.outcome)
    }
}

/// An error after which some keys are gone and none of the secrets is deleted.
pub fn after(error: anyhow::Error, revoked: &[Revoked], dry_run: bool) -> anyhow::Error {
    let gone: Vec<&str> = revoked.iter().filter(|one| one.outcome.done).map(|one| one.path.as_str()).collect();
    if gone.is_empty() || dry_run {
        return error;
    }
    let keys = if gone.len() == 1 { "the key" } else { "the keys" };
    Refusal::with_more(&error, &format!("{keys} of {} went before that, and no secret is deleted", gone.join(", ")))
}
