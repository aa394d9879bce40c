//! `covault status`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer};
use super::{member, out, progress};
use crate::model::escape;
use crate::vault::access::Pending;
use crate::vault::error::chain;
use crate::vault::status::Status;

/// Where the vault stands, and what waits for somebody
///
/// Opens every secret that you can read, to find fields that several people wrote at once, what has expired and what
/// is due for a new value.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault status\n  covault status --check     # exit 8 if something waits\n  covault status --json"
)]
pub struct StatusArgs {
    /// Exit with 8 where something waits for somebody
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &StatusArgs) -> Answer {
    let vault = context.vault_without_key()?;
    let bar = progress::bar(context, vault.live_names()?.len(), "opening");
    let status = vault.status(context.now(), &|| bar.inc(1))?;
    bar.finish_and_clear();
    if context.json() {
        out::json(&as_json(&status))?;
    } else {
        out::text(&as_text(&status, vault.has_identity()))?;
    }
    Ok(if args.check && status.has_findings() { exit::FINDINGS } else { exit::DONE })
}

fn as_text(status: &Status, has_identity: bool) -> String {
    let mut out = format!("vault {} ({})\n", status.name, status.words);
    let me = match &status.me {
        Some(name) => format!("you are {name}"),
        None if status.unopened.is_some() => "your identity could not be opened".to_owned(),
        None if has_identity => "your identity belongs to no member".to_owned(),
        None => "there is no identity on this machine".to_owned(),
    };
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    out.push_str(&format!("{}, {}, {me}\n", count(status.secrets, "secret"), count(status.members, "member")));
    if let Some(error) = &status.unopened {
        let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        out.push_str(&format!("nothing was looked into: {}{hint}\n", chain(error)));
    }
    if !status.set_up {
        out.push_str("this clone is not set up: covault setup\n");
    }
    if let Some(operation) = &status.operation {
        out.push_str(&format!("git is in the middle of something ({operation}): changes are staged only\n"));
    }
    if status.one_key {
        out.push_str(
            "one admin and no paper key: if that admin's keys are lost, nobody can let anybody in (make somebody else an \
             admin: covault member role NAME admin; or keep a copy of both keys, the one that \
             opens and the one that signs)\n",
        );
    }
    let asked: Vec<_> = status.requests.asked.iter().map(member::ask_as_text).collect();
    let bad: Vec<_> = status.requests.refused.iter().map(member::refused_as_text).collect();
    section(&mut out, "asking to be let in (covault member approve NAME)", &asked);
    section(&mut out, "requests that are refused", &bad);
    let pairs = |items: &[(String, String)]| items.iter().map(|(a, b)| format!("{a}: {b}")).collect::<Vec<_>>();
    let uncommitted: Vec<_> = status.uncommitted.iter().map(|(file, how)| format!("{file}: {how}")).collect();
    let pending: Vec<_> = status.pending.iter().map(waiting).collect();
    section(&mut out, "waiting to be sealed again (covault rekey)", &pending);
    section(&mut out, "open at providers (covault key resume)", &pairs(&status.operations));
    section(&mut out, "keys that may still work at their providers", &pairs(&status.outlived));
    section(&mut out, "not committed", &uncommitted);
    section(&mut out, "written by several people at once (covault resolve)", &status.conflicts);
    section(
        &mut out,
        "deleted or moved by somebody and changed by somebody else (kept; covault resolve)",
        &status.contested,
    );
    let apart: Vec<_> = status.apart.iter().map(apart).collect();
    section(&mut out, "kept beside a secret and counts for nothing, until somebody decides", &apart);
    let gone: Vec<_> = status.gone.iter().map(|(name, gone)| format!("{name}: {}", gone.join(", "))).collect();
    section(&mut out, "went with the deletion of what somebody else changed (covault restore NAME)", &gone);
    section(&mut out, "expired or due for a new value", &pairs(&status.due));
    let of = |(name, secrets): &(String, usize)| format!("{name}: {}", count(*secrets, "secret"));
    let exposed: Vec<_> = status.exposed.iter().map(of).collect();
    section(&mut out, "could be read by who may not any more, and not changed since (covault expose)", &exposed);
    section(&mut out, "a secret and a folder at once (covault mv one of them)", &status.both);
    section(&mut out, "refused", &pairs(&status.refused));
    section(&mut out, "no secrets, but among them", &status.strangers);
    if let Some(commit) = &status.detached {
        out.push_str(&format!(
            "\nno branch is checked out: what is committed now is on none (git switch BRANCH; to keep what was: git \
             branch NAME {commit})\n"
        ));
    }
    if let Some(doubt) = &status.trunk_doubt {
        let line = format!("the trunk: {} ({})", doubt.seen, doubt.hint);
        out.push_str(&format!("\n{}\n", escape::terminal(&line)));
    }
    out
}

/// `prod/db: for bob, without carol; alice can`.
fn waiting(pending: &Pending) -> String {
    let part = |word: &str, names: &[String]| match names {
        [] => None,
        _ => Some(format!("{word} {}", names.join(" and "))),
    };
    let siblings = (pending.siblings > 0).then(|| format!("{} versions to be joined", pending.siblings));
    let whom = [siblings, part("for", &pending.gains), part("without", &pending.losses)];
    let by = match pending.by.as_slice() {
        [] => "nobody can".to_owned(),
        by if pending.by_parts => format!("{} can, each a part", by.join(" and ")),
        by => format!("{} can", by.join(" or ")),
    };
    let whom: Vec<_> = whom.into_iter().flatten().collect();
    format!("{}: {}; {by}", pending.path, whom.join(", "))
}

/// `prod/db: what bob wrote; … vouches for it, … lets it go`.
fn apart((name, author): &(String, String)) -> String {
    format!(
        "{name}: what {author} wrote; covault rekey {name} --accept vouches for it, covault resolve {name} --discard \
         leaves it out"
    )
}

/// One line an item: a file's name with a line feed would begin another section.
fn section(out: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        out.push_str(&format!("\n{title}:\n"));
        items.iter().for_each(|item| out.push_str(&format!("  {}\n", escape::terminal(item))));
    }
}

fn as_json(status: &Status) -> serde_json::Value {
    let pairs = |items: &[(String, String)]| {
        items.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect::<Vec<_>>()
    };
    json!({
        "name": status.name,
        "words": status.words,
        "me": status.me,
        "unopened": status.unopened.as_ref().map(|error| chain(error)),
        "secrets": status.secrets,
        "members": status.members,
        "set_up": status.set_up,
        "operation": status.operation,
        "uncommitted": status.uncommitted.iter().map(|(file, how)| json!({ "file": file, "state": how })).collect::<Vec<_>>(),
        "conflicts": status.conflicts,
        "contested": status.contested,
        "apart": status.apart.iter().map(|(name, by)| json!({ "name": name, "author": by })).collect::<Vec<_>>(),
        "gone": status.gone.iter().map(|(name, gone)| json!({ "name": name, "gone": gone })).collect::<Vec<_>>(),
        "due": pairs(&status.due),
        "operations": pairs(&status.operations),
        "outlived": pairs(&status.outlived),
        "both": status.both,
        "refused": pairs(&status.refused),
        "strangers": status.strangers,
        "one_key": status.one_key,
        "exposed": status.exposed.iter().map(|(name, secrets)| json!({ "member": name, "secrets": secrets })).collect::<Vec<_>>(),
        "pending": status.pending.iter().map(|pending| json!({
            "name": pending.path.as_str(), "gains": pending.gains, "losses": pending.losses, "by": pending.by,
            "mine": pending.mine, "in_part": pending.in_part, "siblings": pending.siblings,
        })).collect::<Vec<_>>(),
        "requests": status.requests.asked.iter().map(member::ask_as_json).collect::<Vec<_>>(),
        "refused_requests": status.requests.refused.iter().map(member::refused_as_text).collect::<Vec<_>>(),
        "detached": status.detached,
        "trunk": status.trunk,
        "trunk_doubt": status.trunk_doubt.as_ref().map(|doubt| json!({ "seen": doubt.seen, "hint": doubt.hint })),
    })
}
