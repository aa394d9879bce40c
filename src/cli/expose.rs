//! `covault expose`.

use clap::Args;
use comfy_table::Table;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::{self, Answer};
use super::out;
use super::plan::listed;
use crate::model::names::{FieldName, MemberName};
use crate::model::time::Time;
use crate::vault::expose::{Exposure, Exposures, Scope};

/// What somebody could read and has not been changed since
///
/// Lists what they may not read any more: who leaves, or loses a share or a grant, keeps what they read. No key is
/// needed; with one, fields are named.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault expose\n  covault expose carol\n  covault expose carol --check     # exit 8 while something is on the list\n  \
    covault expose bob --devices     # what a laptop could read that bob has lost\n  covault expose --json\n\nA secret stays on the list until the values that they could read were changed, and that was committed:\n  covault rotate --exposed-to carol\n\n\
    Without a key values are counted; with one their fields are named. A member's list has also what was sealed to \
    machines whose identities they made: covault member renew gives such a machine a new one.\n\n\
    It goes by the versions in the history of HEAD, merged branches included, and says where this clone lacks some. \
    A secret that was deleted is off the list and noted: the vault cannot know whether its value still works somewhere. \
    An old value that was written anew (covault restore, covault set) stays on the list where your key opens both \
    versions. Without a key it is another write, and not known to be the same: \
    restore nothing that somebody who left could read."
)]
pub struct ExposeArgs {
    /// The member; everybody, if left out
    name: Option<String>,
    /// Exit with 8 where something is on the list
    #[arg(long)]
    check: bool,
    /// Look at every branch that this clone has, not only at HEAD
    #[arg(long)]
    all: bool,
    /// Count devices that are not on their member's card any more: what a lost laptop could read
    #[arg(long)]
    devices: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &ExposeArgs) -> Answer {
    let vault = context.vault_without_key()?;
    let who = args.name.as_deref().map(MemberName::parse).transpose()?;
    let mut ledger = vault.exposures(who.as_ref(), Scope { branches: args.all, devices: args.devices })?;
    if vault.has_identity() {
        vault.name_exposed(&mut ledger);
    }
    if context.json() {
        out::json(&as_json(&ledger))?;
    } else {
        out::text(&as_text(&ledger))?;
        notes(context, &ledger, who.as_ref());
    }
    Ok(if args.check && !ledger.list.is_empty() { exit::FINDINGS } else { exit::DONE })
}

fn as_text(ledger: &Exposures) -> String {
    if ledger.list.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["MEMBER", "SECRET", "COULD READ", "SINCE", "UNTIL", "LAST"]);
    for one in &ledger.list {
        let until = one.until.map_or_else(|| "still sealed".to_owned(), day);
        let last = format!("revision {} ({})", one.revision, out::short(&one.commit));
        table.add_row([one.member.to_string(), one.path.to_string(), known(one), day(one.since), until, last]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

/// Which values, and by which way if not their own.
fn known(one: &Exposure) -> String {
    let what = match &one.fields {
        Some(fields) if !fields.is_empty() => fields.iter().map(FieldName::as_str).collect::<Vec<_>>().join(", "),
        _ => format!("{} of {} values", one.known, one.total),
    };
    let what = match one.outlived {
        0 => what,
        all if all == one.known => "a key that was replaced and may still work (covault status)".to_owned(),
        _ => format!("{what}, and a key that was replaced and may still work"),
    };
    let machines: Vec<_> = one.through.iter().map(MemberName::as_str).collect();
    if one.own || machines.is_empty() { what } else { format!("{what} (through {})", machines.join(", ")) }
}

/// The day of a time, in UTC.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

fn notes(context: &Context, ledger: &Exposures, who: Option<&MemberName>) {
    if ledger.list.is_empty() {
        let whom = who.map_or_else(|| "who may not read it".to_owned(), ToString::to_string);
        context.note(&format!("nothing in use could be read by {whom}"));
    }
    let mut deleted: Vec<&str> = ledger.deleted.iter().map(|(_, path)| path.as_str()).collect();
    deleted.dedup();
    if !deleted.is_empty() {
        context.note(&format!("deleted, and perhaps still in use somewhere: {}", listed(&deleted)));
    }
    say_machines(context, machines_still(ledger).into_iter());
    incomplete(context, ledger);
}

/// Says which machines make a new value known again.
pub fn say_machines<'a>(context: &Context, machines: impl Iterator<Item = &'a MemberName>) {
    for machine in machines {
        context.note(&format!(
            "{machine} still reads, with an identity that somebody on the list may have; give it a new one with: covault \
             member renew {machine}"
        ));
    }
}

/// Machines that read now, with an identity that somebody on the list may have.
fn machines_still(ledger: &Exposures) -> Vec<&MemberName> {
    let still = ledger.list.iter().filter(|one| one.until.is_none());
    let mut machines: Vec<_> = still.flat_map(|one| &one.through).collect();
    machines.sort();
    machines.dedup();
    machines
}

/// Says what the history did not have.
fn incomplete(context: &Context, ledger: &Exposures) {
    let gaps = &ledger.gaps;
    if gaps.shallow {
        context.warn(
            "this clone has only a part of the history: more may have been read; get it with: git fetch --unshallow",
        );
    }
    if gaps.missing > 0 {
        context.warn(&format!(
            "this clone lacks {} commits or files of the history, and they could not be fetched: more may have been read",
            gaps.missing
        ));
    }
    if gaps.unseen > 0 {
        context.note(&format!(
            "{} earlier version{} that others follow {} not in this history (squashed, never committed, or refused): \
             who could read {} is not known",
            gaps.unseen,
            if gaps.unseen == 1 { "" } else { "s" },
            if gaps.unseen == 1 { "is" } else { "are" },
            if gaps.unseen == 1 { "it" } else { "them" },
        ));
    }
}

/// For scripts.
fn as_json(ledger: &Exposures) -> Value {
    let names = |names: &[MemberName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let list = ledger.list.iter().map(|one| {
        json!({
            "member": one.member.as_str(),
            "is_member": one.is_member,
            "secret": one.path.as_str(),
            "fields": one.fields.as_ref().map(|fields| fields.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "known": one.known,
            "total": one.total,
            "outlived": one.outlived,
            "own": one.own,
            "through": names(&one.through),
            "since": one.since.to_string(),
            "until": one.until.map(|until| until.to_string()),
            "revision": one.revision,
            "commit": one.commit,
        })
    });
    let deleted = ledger.deleted.iter().map(|(name, path)| json!({ "member": name.as_str(), "secret": path.as_str() }));
    json!({
        "exposed": list.collect::<Vec<_>>(),
        "deleted": deleted.collect::<Vec<_>>(),
        "incomplete": ledger.gaps.is_incomplete(),
        "shallow": ledger.gaps.shallow,
        "missing": ledger.gaps.missing,
        "unseen": ledger.gaps.unseen,
    })
}
