//! `covault log`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer};
use super::{complete, out};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::vault::history::LogEntry;

/// Who changed a secret and when
///
/// The revision and its author come from the signed manifest, the commit and its time from git. With --fields, which
/// fields each version changed (opens them).
#[derive(Args)]
#[command(after_help = "Examples:\n  covault log prod/db\n  covault log prod/db --fields\n  covault log -n 20\n\n\
    See the values with: covault diff 2 3 --reveal -- prod/db (numbers of revisions, or commits), or git log -p")]
pub struct LogArgs {
    /// The secret; without one, all of them
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: Option<String>,
    /// Say which fields changed
    #[arg(long)]
    fields: bool,
    /// At most so many commits
    #[arg(long, short = 'n', value_name = "COUNT")]
    limit: Option<usize>,
}

/// Runs it.
pub fn run(context: &Context, args: &LogArgs) -> Answer {
    let vault = context.vault_without_key()?;
    let path = args.name.as_deref().map(SecretPath::parse).transpose()?;
    if args.fields {
        vault.keys()?;
    }
    let entries = vault.log(path.as_ref(), args.limit, args.fields)?;
    if context.json() {
        out::json(&json!(entries.iter().map(as_json).collect::<Vec<_>>()))?;
    } else {
        let text: String = entries.iter().map(|entry| as_text(entry, path.is_none(), args.fields)).collect();
        out::text(&text)?;
    }
    if vault.history_is_shallow() {
        context.note("this clone has only a part of the history (git fetch --unshallow)");
    }
    Ok(exit::DONE)
}

fn what(entry: &LogEntry) -> String {
    match (&entry.version, &entry.problem) {
        (Some(version), _) => {
            let state = match &version.state {
                State::Live => String::new(),
                State::Deleted => ", deleted".to_owned(),
                State::Moved(to) => format!(", moved to {to}"),
            };
            format!("revision {} by {}{state}", version.revision, version.author)
        }
        (None, Some(problem)) => format!("REFUSED: {}", crate::vault::error::chain(problem)),
        (None, None) => "the file was removed".to_owned(),
    }
}

fn as_text(entry: &LogEntry, with_name: bool, fields: bool) -> String {
    let name = if with_name { format!("{}  ", entry.path) } else { String::new() };
    let mut out = format!("{}  {}  {name}{}  {}\n", out::short(&entry.commit), entry.time, what(entry), entry.subject);
    if entry.version.as_ref().is_some_and(|version| version.author != entry.committer) {
        out.push_str(&format!("    committed by {}\n", entry.committer));
    }
    match &entry.differences {
        Some(differences) => {
            differences.iter().for_each(|d| out.push_str(&format!("    {} {}\n", d.verb(), d.key.to_text())));
        }
        None if fields => out.push_str("    (cannot be opened here)\n"),
        None => {}
    }
    out
}

fn as_json(entry: &LogEntry) -> serde_json::Value {
    let version = entry.version.as_ref();
    let state = version.map(|version| match &version.state {
        State::Live => "live".to_owned(),
        State::Deleted => "deleted".to_owned(),
        State::Moved(to) => format!("moved to {to}"),
    });
    json!({
        "commit": entry.commit, "committer": entry.committer, "time": entry.time.to_string(), "subject": entry.subject,
        "name": entry.path.as_str(), "revision": version.map(|v| v.revision), "author": version.map(|v| v.author.as_str()),
        "state": state, "version": version.map(|v| v.hash.as_str()),
        "problem": entry.problem.as_ref().map(|problem| crate::vault::error::chain(problem)),
        "fields": entry.differences.as_ref().map(|all| {
            all.iter().map(|d| json!({ "field": d.key.to_text(), "change": d.verb() })).collect::<Vec<_>>()
        }),
    })
}
