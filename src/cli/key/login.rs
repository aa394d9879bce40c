//! `covault key login`.

use clap::Args;
use serde_json::{Value, json};

use super::desk;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::{ask, out, stdin};
use crate::model::names::GroupName;
use crate::plaintext::Plaintext;
use crate::vault::keys::{Managers, Regranted};

/// Keep a provider's management key for those who manage keys
///
/// The key is asked for, hidden, or read from stdin; it is checked with the provider, and kept as a secret that only the
/// admins read, or a group. Grants at providers/ and journal/ say who that is. They stay as they are where neither --group nor
/// --admins says otherwise: use --admins after an admin came or went.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault key login openrouter\n  covault key login --group ops < key.txt\n\n\
    Make the key at https://openrouter.ai/settings/management-keys. It is never taken from the command line, and never \
    handed to another program.")]
pub struct LoginArgs {
    /// The provider
    #[arg(default_value = "openrouter")]
    provider: String,
    /// Let this group manage keys from now on
    #[arg(long)]
    group: Option<String>,
    /// Let the admins manage keys from now on, as they are in the roster
    #[arg(long, conflicts_with = "group")]
    admins: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &LoginArgs) -> Answer {
    let managers = match &args.group {
        Some(group) => Managers::Group(GroupName::parse(group.trim_start_matches('@'))?),
        None if args.admins => Managers::Admins,
        None => Managers::AsGranted,
    };
    let done = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        desk.check_login(&args.provider, &managers)?;
        let key = given(context, args.write.dry_run)?;
        Ok(desk.log_in(&args.provider, key, &managers)?)
    })?;
    let credits = done.account.as_ref().and_then(|account| account.credits);
    if context.json() {
        let credits = credits.map(|(bought, spent)| json!({ "bought": bought, "spent": spent }));
        out::json(&json!({
            "provider": args.provider, "secret": done.path.as_str(), "readers": done.readers, "credits": credits,
            "grants": done.regranted.iter().map(as_json).collect::<Vec<_>>(),
            "commit": done.report.commit, "unchanged": done.report.unchanged, "dry_run": done.report.dry_run,
        }))?;
        return Ok(exit::DONE);
    }
    if let Some((bought, spent)) = credits {
        context.note(&format!("the account has {} dollars left", (bought - spent).rounded()));
    }
    done.regranted.iter().for_each(|grant| context.note(&in_words(grant, done.report.dry_run)));
    let who = done.readers.join(", ");
    out::report(
        context,
        &done.report,
        &format!("kept as {}; read by {who}", done.path),
        &format!("keep it as {}, read by {who}", done.path),
    )
}

/// Who comes and who goes at a folder.
fn in_words(grant: &Regranted, would: bool) -> String {
    let [is, is_not] = if would { ["would be", "would not be"] } else { ["is", "is not"] };
    let added = Some(format!("{is} read by {} from now on", grant.added.join(", ")));
    let removed = Some(format!("{is_not} read by {} any more", grant.removed.join(", ")));
    let parts = [added.filter(|_| !grant.added.is_empty()), removed.filter(|_| !grant.removed.is_empty())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{}/ {}", grant.place, parts.join("; it "))
}

fn as_json(grant: &Regranted) -> Value {
    json!({ "path": grant.place, "added": grant.added, "removed": grant.removed })
}

/// The key, from a hidden prompt or stdin. A dry run asks nobody, and checks the one that it is given.
fn given(context: &Context, dry_run: bool) -> anyhow::Result<Option<Plaintext>> {
    let key = if stdin::is_terminal() {
        if dry_run {
            return Ok(None);
        }
        if !context.can_ask() {
            let hint = "give it on stdin: covault key login < FILE";
            return Err(Refusal::needs_person("nobody can be asked for the management key", hint));
        }
        ask::hidden("management key: ").map(|typed| Plaintext::from_text(typed.trim()))
    } else {
        let read = stdin::value()?;
        read.expose_str().map(|text| Plaintext::from_text(text.trim()))
    };
    match key.filter(|key| !key.is_empty()) {
        None if !dry_run => Err(Refusal::usage("no management key was given", "type it, or give it on stdin")),
        key => Ok(key),
    }
}
