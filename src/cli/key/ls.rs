//! `covault key ls`.

use clap::Args;
use comfy_table::Table;
use serde_json::{Value, json};

use super::{by_hand, desk};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::out;
use crate::model::escape;
use crate::model::keys::record::RemoteId;
use crate::model::names::SecretPath;
use crate::vault::keys::{Adopting, KeyListing, ListedKey};

/// List keys: what the vault has records of and what the account has, side by side
///
/// Nothing is changed. missing has a record and is not in the account; unmanaged is in the account and was made
/// elsewhere; newer is ours by its name, and its record is not checked out here (yet); orphan is ours by its name and has no
/// record; drifted is set differently than its record says; retired was replaced and is still there; open is under way.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key ls\n  covault key ls --json\n  covault key ls --adopt f01d5260... --as prod/openrouter < key.txt\n\n\
    Adopting asks for the key's text, hidden, or reads it from stdin, and compares what the provider says of it with what \
    the account says of that id. It changes nothing at the provider.\n\n\
    Exit code 9 where a provider could not be asked."
)]
pub struct LsArgs {
    /// Only this provider
    #[arg(long)]
    provider: Option<String>,
    /// Take a key in that was made elsewhere, by its provider's id
    #[arg(long, value_name = "ID", requires = "name")]
    adopt: Option<String>,
    /// The secret that it becomes
    #[arg(long = "as", id = "name", value_name = "NAME", requires = "adopt")]
    name: Option<String>,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &LsArgs) -> Answer {
    if let Some((id, name)) = args.adopt.as_deref().zip(args.name.as_deref()) {
        return adopt(context, args, id, name);
    }
    let listing = desk::with(context, false, false, |desk| Ok(desk.list_keys(args.provider.as_deref())?))?;
    if context.json() {
        out::json(&json!(listing.keys.iter().map(as_json).collect::<Vec<_>>()))?;
    } else if listing.keys.is_empty() && listing.failed.is_empty() {
        context.note("no keys: covault key issue NAME");
    } else {
        table(&listing)?;
        for key in &listing.keys {
            let name = named(key);
            key.notes.iter().for_each(|note| context.note(&format!("{name}: {note}")));
        }
    }
    let mut code = exit::DONE;
    for error in listing.failed {
        code = code.max(exit::report(context, &anyhow::Error::new(error)));
    }
    Ok(code)
}

fn table(listing: &KeyListing) -> anyhow::Result<()> {
    if listing.keys.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["NAME", "KEY", "STATUS", "PROVIDER", "SPENT", "LABEL", "ID"]);
    for key in &listing.keys {
        table.add_row([
            named(key),
            key.generation.map_or_else(|| "-".to_owned(), |generation| format!("g{generation}")),
            key.found.as_str().to_owned(),
            key.provider.to_owned(),
            key.usage.map_or_else(|| "-".to_owned(), |usage| usage.total.rounded()),
            escape::terminal(&key.label).into_owned(),
            key.id.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        ]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))
}

/// The secret, or what somebody called the key elsewhere, on one line.
fn named(key: &ListedKey) -> String {
    key.path.as_ref().map_or_else(|| escape::terminal(&key.name).into_owned(), ToString::to_string)
}

fn as_json(key: &ListedKey) -> Value {
    json!({
        "secret": key.path.as_ref().map(SecretPath::as_str),
        "provider": key.provider,
        "generation": key.generation,
        "id": key.id.as_ref().map(ToString::to_string),
        "name": key.name,
        "label": key.label,
        "spent": key.usage.map(|usage| usage.total),
        "status": key.found.as_str(),
        "notes": key.notes,
    })
}

fn adopt(context: &Context, args: &LsArgs, id: &str, name: &str) -> Answer {
    let id = RemoteId::parse(id)
        .ok_or_else(|| Refusal::usage(format!("{id:?} is no provider's id of a key"), "covault key ls shows them"))?;
    let path = SecretPath::parse(name)?;
    let report = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        let provider = args.provider.clone().unwrap_or_else(|| "openrouter".to_owned());
        desk.may_adopt(&provider, &id, &path)?;
        let key = by_hand::given(context, name)?;
        Ok(desk.adopt(Adopting { id: id.clone(), path: path.clone(), provider, key })?)
    })?;
    out::report(context, &report, &format!("{path} has the key {id}"), &format!("keep the key {id} as {path}"))
}
