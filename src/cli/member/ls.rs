//! `covault member ls`.

use clap::Args;
use comfy_table::Table;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::out;
use crate::model::card::Device;
use crate::model::names::MemberName;
use crate::model::roster::Member;
use crate::vault::Vault;
use crate::vault::requests::{Asked, RefusedRequest};

/// Who is in, with roles, devices and groups
///
/// Takes no key. A device is shown with its label; --json has its recipient, its signing key and that key's fingerprint
/// as ssh-keygen -l shows it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault member ls\n  covault member ls --requests     # who asks to be let in\n  \
    covault member ls --json"
)]
pub struct LsArgs {
    /// Requests instead: who asks, with the card's words
    #[arg(long)]
    requests: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &LsArgs) -> Answer {
    let vault = context.vault_without_key()?;
    if args.requests {
        return requests(context, &vault);
    }
    let state = vault.roster().state();
    let groups = |name: &MemberName| {
        let of = state.groups().filter(|(_, members)| members.contains(name));
        of.map(|(group, _)| group.to_string()).collect::<Vec<_>>()
    };
    if context.json() {
        let one = |member: &Member| {
            json!({
                "name": member.card.name.as_str(), "kind": member.card.kind.as_str(), "role": member.role.as_str(),
                "card": member.hash.to_string(), "words": member.card.words(),
                "devices": member.card.devices.iter().map(device).collect::<Vec<_>>(),
                "groups": groups(&member.card.name),
                "admitted_by": member.admitted_by.as_ref().map(MemberName::as_str),
            })
        };
        out::json(&json!(state.members().map(one).collect::<Vec<_>>()))?;
        return Ok(exit::DONE);
    }
    let mut table = Table::new();
    let header = ["NAME", "KIND", "ROLE", "DEVICES", "GROUPS", "LET IN BY", "CARD"];
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for member in state.members() {
        let devices: Vec<_> = member.card.devices.iter().map(|device| device.label.as_str()).collect();
        table.add_row([
            member.card.name.to_string(),
            member.card.kind.as_str().to_owned(),
            member.role.to_string(),
            devices.join(" "),
            groups(&member.card.name).join(" "),
            member.admitted_by.as_ref().map_or("(founder)".to_owned(), ToString::to_string),
            member.card.words(),
        ]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))?;
    Ok(exit::DONE)
}

fn device(device: &Device) -> serde_json::Value {
    json!({
        "label": device.label.as_str(), "recipient": device.recipient.to_string(),
        "signing_key": device.signing.as_ref().map(ToString::to_string),
        "fingerprint": device.signing.as_ref().map(crate::model::card::SigningPublic::fingerprint),
    })
}

fn requests(context: &Context, vault: &Vault) -> Answer {
    let found = vault.requests()?;
    let invites = vault.home().invites(vault.roster().vault);
    if context.json() {
        let invites: Vec<_> =
            invites.iter().map(|(name, at)| json!({ "name": name.as_str(), "at": at.to_string() })).collect();
        out::json(&json!({
            "requests": found.asked.iter().map(ask_as_json).collect::<Vec<_>>(),
            "refused": found.refused.iter().map(refused_as_json).collect::<Vec<_>>(),
            "invites": invites,
        }))?;
        return Ok(exit::DONE);
    }
    let mut lines: Vec<_> = found.asked.iter().map(ask_as_text).collect();
    lines.extend(found.refused.iter().map(|refused| format!("REFUSED {}", refused_as_text(refused))));
    lines.extend(invites.iter().map(|(name, at)| format!("{name}: invited on this machine at {at}")));
    out::text(&lines.join("\n"))?;
    Ok(exit::DONE)
}

/// `bob: new member, answers your invite; card able-…; seen in origin/covault/join/bob`.
pub fn ask_as_text(asked: &Asked) -> String {
    let invited = if asked.invited { ", answers your invite" } else { "" };
    let places = asked.places.join(", ");
    format!("{}: {}{invited}; card {}; seen in {places}", asked.name(), asked.asks.as_str(), asked.request.card.words())
}

/// The same for programs.
pub fn ask_as_json(asked: &Asked) -> serde_json::Value {
    json!({
        "name": asked.name().as_str(), "asks": asked.asks.as_str(), "kind": asked.request.card.kind.as_str(),
        "card": asked.request.card.hash().to_string(), "words": asked.request.card.words(), "invited": asked.invited,
        "seen": asked.places,
    })
}

/// `.covault/requests/bob.toml in covault/join/bob: why`.
pub fn refused_as_text(refused: &RefusedRequest) -> String {
    format!("{} in {}: {}", refused.file, refused.place, crate::vault::error::chain(&refused.why))
}

fn refused_as_json(refused: &RefusedRequest) -> serde_json::Value {
    json!({ "file": refused.file, "seen": refused.place, "why": crate::vault::error::chain(&refused.why) })
}
