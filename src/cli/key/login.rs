//! `covault key login`.

use clap::Args;
use serde_json::json;

use super::desk;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::{ask, out, stdin};
use crate::model::names::GroupName;
use crate::plaintext::Plaintext;

/// Keep a provider's management key for those who manage keys
///
/// The key is asked for, hidden, or read from stdin; it is checked with the provider, and kept as a secret that only the
/// admins read, or a group. Grants at providers/ and journal/ say who that is: repeat the command after an admin came or went.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault key login openrouter\n  covault key login --group ops < key.txt\n\n\
    Make the key at https://openrouter.ai/settings/management-keys. It is never taken from the command line, and never \
    handed to another program.")]
pub struct LoginArgs {
    /// The provider
    #[arg(default_value = "openrouter")]
    provider: String,
    /// Let this group manage keys, instead of the admins
    #[arg(long)]
    group: Option<String>,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &LoginArgs) -> Answer {
    let group = args.group.as_deref().map(|group| GroupName::parse(group.trim_start_matches('@'))).transpose()?;
    let done = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        desk.check_login(&args.provider, group.as_ref())?;
        let key = given(context, args.write.dry_run)?;
        Ok(desk.log_in(&args.provider, key, group.as_ref())?)
    })?;
    let credits = done.account.as_ref().and_then(|account| account.credits);
    if context.json() {
        let credits = credits.map(|(bought, spent)| json!({ "bought": bought, "spent": spent }));
        out::json(&json!({
            "provider": args.provider, "secret": done.path.as_str(), "readers": done.readers, "credits": credits,
            "commit": done.report.commit, "unchanged": done.report.unchanged, "dry_run": done.report.dry_run,
        }))?;
        return Ok(exit::DONE);
    }
    if let Some((bought, spent)) = credits {
        context.note(&format!("the account has {} dollars left", (bought - spent).rounded()));
    }
    let who = done.readers.join(", ");
    out::report(
        context,
        &done.report,
        &format!("kept as {}; read by {who}", done.path),
        &format!("keep it as {}, read by {who}", done.path),
    )
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
