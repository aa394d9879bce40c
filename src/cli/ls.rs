//! `covault ls`.

use std::collections::BTreeSet;

use clap::Args;
use comfy_table::Table;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer};
use super::{out, progress};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::vault::list::Listed;
use crate::vault::read::Secret;
use crate::vault::{Vault, textconv};

/// List secrets by name
///
/// Names come from file names: nothing is opened, unless --tag, --kind or --due ask for what is inside. On a terminal
/// they are drawn as a tree; in a pipe there is one name a line.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault ls\n  covault ls prod                # names with prod in them\n  \
    covault ls 'prod/*url'\n  covault ls --long\n  covault ls --tag web --kind login\n  covault ls --due")]
pub struct LsArgs {
    /// Words that must all occur in the name; * stands for anything
    query: Option<String>,
    /// One name a line, also on a terminal
    #[arg(long, conflicts_with_all = ["tree", "long"])]
    flat: bool,
    /// A tree, also in a pipe
    #[arg(long, conflicts_with = "long")]
    tree: bool,
    /// With revision, author, time and readers, by the manifests' word
    #[arg(long, short)]
    long: bool,
    /// Only those with this tag (opens them)
    #[arg(long)]
    tag: Vec<String>,
    /// Only those of this kind (opens them)
    #[arg(long)]
    kind: Option<String>,
    /// Only those that are expired or due for a new value (opens them)
    #[arg(long)]
    due: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &LsArgs) -> Answer {
    let vault = context.vault_without_key()?;
    let mut names = vault.find(args.query.as_deref())?;
    if args.due || args.kind.is_some() || !args.tag.is_empty() {
        names = inside(context, &vault, &names, args)?;
    }
    if args.long {
        let wanted: BTreeSet<_> = names.iter().collect();
        let listed: Vec<_> = vault.list(false)?.into_iter().filter(|l| wanted.contains(&l.path)).collect();
        return long(context, &listed);
    }
    if context.json() {
        out::json(&json!(names.iter().map(SecretPath::as_str).collect::<Vec<_>>()))?;
    } else if args.tree || (context.stdout_is_terminal() && !args.flat) {
        out::text(&tree(&names))?;
    } else {
        let mut text = String::with_capacity(names.len() * 24);
        for name in &names {
            text.push_str(name.as_str());
            text.push('\n');
        }
        out::bytes(text.as_bytes())?;
    }
    Ok(exit::DONE)
}

/// Opens the secrets and keeps those that match.
fn inside(context: &Context, vault: &Vault, names: &[SecretPath], args: &LsArgs) -> anyhow::Result<Vec<SecretPath>> {
    let bar = progress::bar(context, names.len(), "opening");
    let opened = vault.open_many(names, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let mut kept = Vec::new();
    for (name, secret) in names.iter().zip(opened) {
        match secret {
            Ok(secret) if matches(&secret, args, context) => kept.push(name.clone()),
            Ok(_) => {}
            Err(error) => context.warn(&crate::vault::error::chain(&error)),
        }
    }
    Ok(kept)
}

fn matches(secret: &Secret, args: &LsArgs, context: &Context) -> bool {
    let tags = read::tags(&secret.document);
    args.tag.iter().all(|wanted| tags.iter().any(|tag| tag.as_str() == wanted))
        && args.kind.as_deref().is_none_or(|kind| secret.meta("kind") == Some(kind))
        && (!args.due || textconv::due(secret, context.now()).is_some())
}

fn long(context: &Context, listed: &[Listed]) -> Answer {
    if context.json() {
        let rows: Vec<_> = listed
            .iter()
            .map(|l| {
                let m = l.manifest.as_ref();
                json!({
                    "name": l.path.as_str(), "revision": m.map(|m| m.revision),
                    "author": m.map(|m| m.author.name.as_str()), "at": m.map(|m| m.at.to_string()),
                    "readers": m.map(|m| m.readers.iter().map(|r| r.name.as_str()).collect::<Vec<_>>()),
                })
            })
            .collect();
        out::json(&json!(rows))?;
        return Ok(exit::DONE);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["NAME", "REV", "BY", "SEALED", "READERS"]);
    for Listed { path, manifest } in listed {
        match manifest {
            Some(m) => table.add_row([
                path.to_string(),
                m.revision.to_string(),
                m.author.name.to_string(),
                m.at.to_string(),
                m.readers.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(" "),
            ]),
            None => table.add_row([path.as_str(), "?", "?", "cannot be read", ""]),
        };
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))?;
    Ok(exit::DONE)
}

/// Folders once, with what is in them below.
fn tree(names: &[SecretPath]) -> String {
    let split: Vec<Vec<&str>> = names.iter().map(|name| name.as_str().split('/').collect()).collect();
    let mut out = String::new();
    branch(&mut out, &split, 0, "");
    out
}

fn branch(out: &mut String, names: &[Vec<&str>], depth: usize, indent: &str) {
    let groups: Vec<_> = names.chunk_by(|a, b| a.get(depth) == b.get(depth)).collect();
    for (n, group) in groups.iter().enumerate() {
        let Some(segment) = group.first().and_then(|name| name.get(depth)) else { continue };
        let last = n + 1 == groups.len();
        let (elbow, pipe) = match (depth, last) {
            (0, _) => ("", ""),
            (_, true) => ("└── ", "    "),
            (_, false) => ("├── ", "│   "),
        };
        let below: Vec<Vec<&str>> = group.iter().filter(|name| name.len() > depth + 1).cloned().collect();
        let slash = if below.is_empty() { "" } else { "/" };
        out.push_str(&format!("{indent}{elbow}{segment}{slash}\n"));
        branch(out, &below, depth + 1, &format!("{indent}{pipe}"));
    }
}
