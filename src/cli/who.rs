//! `covault who`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use comfy_table::Table;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::{self, Answer};
use super::plan::listed;
use super::{complete, out};
use crate::model::card::Kind;
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::Role;
use crate::vault::who::{Readers, Reading, View, Way};
use crate::vault::{VaultError, error};

/// Who reads a secret, and what somebody reads
///
/// No key is needed, and nothing is opened. Says by which grant or share somebody reads, who a secret is not yet sealed
/// to, and who it is still sealed to. Without arguments: every member, with how many secrets they read.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault who\n  covault who prod/db\n  covault who --can bob\n  covault who prod/db --at v1.0"
)]
pub struct WhoArgs {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: Option<String>,
    /// What this member can read
    #[arg(long, value_name = "MEMBER", conflicts_with = "name")]
    can: Option<String>,
    /// As it was in a commit, by the roster and the files of that commit
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Runs it.
pub fn run(context: &Context, args: &WhoArgs) -> Answer {
    let vault = context.vault_without_key()?;
    let view = vault.view(args.at.as_deref())?;
    match (&args.name, &args.can) {
        (Some(name), _) => secret(context, &view, &SecretPath::parse(name)?),
        (None, Some(member)) => member_can(context, &view, &MemberName::parse(member)?),
        (None, None) => everybody(context, &view),
    }
}

fn secret(context: &Context, view: &View<'_>, path: &SecretPath) -> Answer {
    let readers = view.secret(path)?;
    if context.json() {
        out::json(&secret_json(&readers))?;
        return Ok(exit::DONE);
    }
    let mut table = table(["READER", "ROLE", "BY", "SEALED"]);
    for reader in &readers.readers {
        let ways = reader.ways.iter().map(way_text).collect::<Vec<_>>().join(", ");
        let role = role_text(reader.role, reader.kind);
        table.add_row([reader.name.clone(), role, ways, if reader.sealed { "yes" } else { "not yet" }.to_owned()]);
    }
    for name in &readers.still {
        table.add_row([name.as_str(), "", "may not read it (any more)", "still"]);
    }
    print(&table)?;
    Ok(exit::DONE)
}

fn member_can(context: &Context, view: &View<'_>, name: &MemberName) -> Answer {
    let (reading, refused) = view.member(name)?;
    warn(context, &refused);
    if context.json() {
        out::json(&reading_json(&reading))?;
        return Ok(exit::DONE);
    }
    let mut text = String::new();
    for (path, _) in reading.secrets.iter().filter(|(path, _)| !reading.not_yet.contains(path)) {
        text.push_str(&format!("{path}\n"));
    }
    out::text(&text)?;
    if reading.member.is_none() {
        context.note(&format!("{name} has left the vault"));
    } else if reading.secrets.is_empty() {
        context.note(&format!("{name} reads nothing"));
    }
    let names = |paths: &[SecretPath]| {
        let names: Vec<_> = paths.iter().map(SecretPath::as_str).collect();
        listed(&names)
    };
    if !reading.not_yet.is_empty() {
        context.note(&format!("not yet sealed to {name}, who may read them: {}", names(&reading.not_yet)));
    }
    if !reading.still.is_empty() {
        context.note(&format!("still sealed to {name}, who may not read them: {}", names(&reading.still)));
    }
    Ok(exit::DONE)
}

fn everybody(context: &Context, view: &View<'_>) -> Answer {
    let (all, refused) = view.everybody()?;
    warn(context, &refused);
    if context.json() {
        out::json(&all.iter().map(reading_json).collect())?;
        return Ok(exit::DONE);
    }
    let mut table = table(["MEMBER", "ROLE", "READS", "NOT YET", "STILL"]);
    for reading in &all {
        let role = reading.member.map_or_else(|| "has left".to_owned(), |(role, kind)| role_text(role, kind));
        let some = |paths: &[SecretPath]| if paths.is_empty() { String::new() } else { paths.len().to_string() };
        let reads = reading.secrets.len().to_string();
        table.add_row([reading.name.clone(), role, reads, some(&reading.not_yet), some(&reading.still)]);
    }
    print(&table)?;
    Ok(exit::DONE)
}

fn role_text(role: Role, kind: Kind) -> String {
    match kind {
        Kind::Person => role.to_string(),
        Kind::Machine => format!("{role} (machine)"),
    }
}

fn way_text(way: &Way) -> String {
    match way {
        Way::Grant { place, to } => format!("grant {place} to {to}"),
        Way::Share { with } => format!("shared with {with}"),
    }
}

fn way_json(way: &Way) -> Value {
    match way {
        Way::Grant { place, to } => json!({ "grant": place, "to": to }),
        Way::Share { with } => json!({ "share": with }),
    }
}

fn secret_json(readers: &Readers) -> Value {
    let rows = readers.readers.iter().map(|reader| {
        json!({
            "name": reader.name, "role": reader.role.as_str(), "kind": reader.kind.as_str(),
            "by": reader.ways.iter().map(way_json).collect::<Value>(), "sealed": reader.sealed,
        })
    });
    json!({
        "secret": readers.path.as_str(), "revision": readers.revision, "author": readers.author,
        "readers": rows.collect::<Value>(), "still_sealed_to": readers.still,
    })
}

fn reading_json(reading: &Reading) -> Value {
    let paths = |paths: &[SecretPath]| paths.iter().map(SecretPath::as_str).collect::<Value>();
    let secrets = reading
        .secrets
        .iter()
        .map(|(path, ways)| json!({ "secret": path.as_str(), "by": ways.iter().map(way_json).collect::<Value>() }));
    json!({
        "name": reading.name, "role": reading.member.map(|(role, _)| role.as_str()),
        "kind": reading.member.map(|(_, kind)| kind.as_str()), "secrets": secrets.collect::<Value>(),
        "not_yet_sealed": paths(&reading.not_yet), "still_sealed": paths(&reading.still),
    })
}

fn warn(context: &Context, refused: &[(String, VaultError)]) {
    for (_, why) in refused {
        context.warn(&error::chain(why));
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    table
}

fn print(table: &Table) -> anyhow::Result<()> {
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))
}
