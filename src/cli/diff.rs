//! `covault diff`.

use clap::Args;
use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::out;
use super::show::value_text;
use crate::model::compare::Difference;
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::register::Write;
use crate::vault::history::{Changed, Side};
use crate::vault::{Vault, VaultError};

/// What differs between two versions, by field
///
/// Without revisions: what is on disk against the newest commit. With one: on disk against it. With two: between them.
/// What follows -- are secrets or folders to look at; of one secret, a revision may be its number (see covault log).
/// Values are masked unless --reveal.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault diff\n  covault diff HEAD~3\n  covault diff v1.0 main --reveal\n  \
    covault diff HEAD~1 HEAD -- prod/db\n  covault diff 2 3 -- prod/db         # revisions of the secret")]
pub struct DiffArgs {
    /// The revisions
    #[arg(value_name = "REV", num_args = 0..=2)]
    revisions: Vec<String>,
    /// Secrets or folders
    #[arg(last = true, value_name = "NAME")]
    names: Vec<String>,
    /// Show the values of secret fields
    #[arg(long)]
    reveal: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &DiffArgs) -> Answer {
    let vault = context.vault()?;
    let changed = changed(&vault, args)?;
    if context.json() {
        out::json(&json!(changed.iter().map(|c| as_json(c, args.reveal)).collect::<Vec<_>>()))?;
    } else {
        let text: String = changed.iter().map(|c| as_text(c, args.reveal)).collect();
        out::text(&text)?;
    }
    Ok(exit::DONE)
}

fn changed(vault: &Vault, args: &DiffArgs) -> anyhow::Result<Vec<Changed>> {
    let has_number = args.revisions.iter().any(|revision| revision.parse::<u64>().is_ok());
    if let ([name], [from, to @ ..], true) = (&args.names[..], &args.revisions[..], has_number)
        && let Ok(path) = SecretPath::parse(name)
        && vault.below(name)?.is_empty()
    {
        return Ok(vault.diff_of(&path, from, to.first().map(String::as_str))?.into_iter().collect());
    }
    let side = |n: usize| args.revisions.get(n).map(|rev| vault.side(rev)).transpose();
    let sides = (|| Ok((side(0)?, side(1)?)))();
    let (from, to) = sides.map_err(|error: VaultError| match has_number {
        true => Refusal::usage(
            format!("{error}; a revision may be a number where one secret is named"),
            format!("covault diff {} -- NAME", args.revisions.join(" ")),
        ),
        false => error.into(),
    })?;
    let from = match from {
        Some(side) => Some(side),
        None => vault.head_side()?,
    };
    Ok(vault.diff(from, to.unwrap_or(Side::Work), &args.names)?)
}

fn headline(changed: &Changed) -> String {
    let lives = |state: &Option<State>| matches!(state, Some(State::Live));
    let what = match (lives(&changed.before), &changed.after) {
        (false, Some(State::Live)) => "added".to_owned(),
        (true, Some(State::Deleted) | None) => "deleted".to_owned(),
        (true, Some(State::Moved(to))) => format!("moved to {to}"),
        (true, Some(State::Live)) => "changed".to_owned(),
        (false, _) => "changed, not living".to_owned(),
    };
    format!("{} ({what})\n", changed.path)
}

fn as_text(changed: &Changed, reveal: bool) -> String {
    let mut out = headline(changed);
    match &changed.differences {
        Err(error) => out.push_str(&format!("  {}\n", crate::vault::error::chain(error))),
        Ok(differences) => differences.iter().for_each(|difference| push(&mut out, difference, reveal)),
    }
    out
}

fn push(out: &mut String, difference: &Difference, reveal: bool) {
    let (before, after) = (difference.before.first(), difference.after.first());
    let text = |write: Option<&Write>| write.map(|write| value_text(write, reveal)).unwrap_or_default();
    let (old, new) = (text(before), text(after));
    let key = difference.key.to_text();
    if old.contains('\n') || new.contains('\n') {
        out.push_str(&format!("  {key}:\n"));
        for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            out.push_str(&format!("    {sign} {}\n", change.value().trim_end_matches('\n')));
        }
        return;
    }
    let masked = |write: Option<&Write>, text: &str| match write {
        // Two masks look the same: the write's name, which is random, tells them apart.
        Some(write) if !reveal && !write.plain => format!("{text} ({})", write.name().short()),
        _ => text.to_owned(),
    };
    if before.is_some() {
        out.push_str(&format!("  - {key}: {}\n", masked(before, &old)));
    }
    if after.is_some() {
        out.push_str(&format!("  + {key}: {}\n", masked(after, &new)));
    }
    for write in difference.after.iter().skip(1) {
        out.push_str(&format!("  + {key}: {} ({}, {})\n", value_text(write, reveal), write.author, write.at));
    }
}

fn as_json(changed: &Changed, reveal: bool) -> serde_json::Value {
    let values = |writes: &[Write]| writes.iter().map(|write| value_text(write, reveal)).collect::<Vec<_>>();
    let differences = changed.differences.as_ref().ok().map(|all| {
        all.iter()
            .map(|d| json!({ "field": d.key.to_text(), "change": d.verb(), "before": values(&d.before), "after": values(&d.after) }))
            .collect::<Vec<_>>()
    });
    let problem = changed.differences.as_ref().err().map(|error| crate::vault::error::chain(error));
    json!({ "name": changed.path.as_str(), "differences": differences, "problem": problem })
}
