//! `covault diff`.

use clap::Args;
use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::context::Context;
use super::exit::{self, Answer};
use super::out;
use super::show::value_text;
use crate::model::compare::Difference;
use crate::model::manifest::State;
use crate::model::register::Write;
use crate::vault::history::{Changed, Side};

/// What differs between two versions, by field
///
/// Without revisions: what is on disk against the newest commit. With one: on disk against it. With two: between them.
/// What follows -- are secrets or folders to look at. Values are masked unless --reveal.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault diff\n  covault diff HEAD~3\n  covault diff v1.0 main --reveal\n  \
    covault diff HEAD~1 HEAD -- prod/db")]
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
    let side = |n: usize| args.revisions.get(n).map(|rev| vault.side(rev)).transpose();
    let from = match side(0)? {
        Some(side) => Some(side),
        None => vault.head_side()?,
    };
    let to = side(1)?.unwrap_or(Side::Work);
    let changed = vault.diff(from, to, &args.names)?;
    if context.json() {
        out::json(&json!(changed.iter().map(|c| as_json(c, args.reveal)).collect::<Vec<_>>()))?;
    } else {
        let text: String = changed.iter().map(|c| as_text(c, args.reveal)).collect();
        out::text(&text)?;
    }
    Ok(exit::DONE)
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
