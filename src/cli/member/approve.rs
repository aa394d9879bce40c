//! `covault member approve`, and `covault member renew` for people.

use std::io::Read as _;

use clap::Args;
use serde_json::json;

use super::plan;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{Answer, Refusal};
use crate::cli::{ask, out, progress};
use crate::model::names::{GroupName, MemberName};
use crate::model::request::Request;
use crate::model::roster::{Holder, Role};
use crate::vault::VaultError;
use crate::vault::approve::{Approval, Approving};
use crate::vault::requests::Asks;

/// How much of stdin a request may take.
const MAX_INPUT: u64 = 64 << 10;

/// Let somebody in who asked, or take their new device or keys
///
/// Shows whose request it is and what they will be able to read, asks, and makes one commit: the roster's entry, every
/// secret that they may read sealed to them, too, and their request's file gone. Without a terminal, --yes is enough
/// where the request answers an invite that was made on this machine; else --card says which card is theirs. It works on
/// any branch, so that a pull request can bring it to a protected trunk. Running it again finishes what a killed run left.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault member approve bob\n  covault member approve bob --yes            # bob had an invite from this machine\n  \
    covault member approve bob --card able-baker-charlie-delta-echo-fox --yes\n  \
    covault member approve bob --role reader --group dev\n  covault member approve bob --request - < line-from-chat\n  \
    covault member approve bob --dry-run\n\n\
    What can go wrong: nobody asks under that name (3); the request is no good one (6); it answers no invite of yours,\n\
    or there are several (7); it is your own, and ends the key that you sign with here (7)."
)]
pub struct ApproveArgs {
    /// Whose request
    name: String,
    /// What they may do [default: writer; reader for machines]
    #[arg(long, value_parser = ["reader", "writer", "admin"])]
    role: Option<String>,
    /// A group to put them into, beside those of the invite
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    #[command(flatten)]
    answering: Answering,
}

/// Which request is meant, whose it is known to be, and how it is written: for `approve` and `renew`.
#[derive(Args, Clone)]
pub struct Answering {
    /// The line that their `covault join --print` printed; - reads it from stdin
    #[arg(long, value_name = "LINE")]
    pub request: Option<String>,
    /// The card's words, or at least 16 hex digits, as they told you
    #[arg(long, value_name = "WORDS")]
    pub card: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub write: WriteFlags,
}

impl ApproveArgs {
    /// For somebody who is in already.
    pub fn renewing(name: &str, answering: &Answering) -> Self {
        Self { name: name.to_owned(), role: None, group: Vec::new(), answering: answering.clone() }
    }
}

/// Runs it; `renews` where only who is a member already is meant.
pub fn run(context: &Context, args: &ApproveArgs, renews: bool) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let groups = args.group.iter().map(|group| GroupName::parse(group)).collect::<Result<Vec<_>, _>>()?;
    let request = args.answering.request.as_deref().map(read_request).transpose()?;
    let vault = context.vault()?;
    if renews && vault.roster().named(&name).is_none() {
        return Err(Refusal::usage(format!("{name} is no member yet"), format!("covault member approve {name}")));
    }
    let role = args.role.as_deref().and_then(Role::parse);
    let approving = Approving { name: name.clone(), role, groups, request, card: args.answering.card.clone() };
    let how = context.how(&args.answering.write);
    let approval = vault.approval(&approving, &how)?;
    if approval.is_empty() {
        // Whoever names the request or the card knows that there was one.
        if renews && approving.request.is_none() && approving.card.is_none() {
            return Err(VaultError::RenewsAlone(name).into());
        }
        context.note(&format!("{name} is a member already, and nothing waits"));
        return out::report(context, &crate::vault::setup::nothing_written(&how), "", "");
    }
    say(context, &approval);
    if !args.answering.write.dry_run {
        confirm(context, args, &approval)?;
    }
    let pending = approval.amendment.pending();
    let mut more = serde_json::Map::new();
    more.insert("name".into(), json!(name.as_str()));
    more.insert("secrets".into(), plan::as_json(&pending));
    if let Some(asked) = &approval.asked {
        more.insert("asks".into(), json!(asked.asks.as_str()));
        more.insert("card".into(), json!(asked.request.card.hash().to_string()));
        more.insert("words".into(), json!(asked.request.card.words()));
        more.insert("invited".into(), json!(asked.invited));
    }
    let (done, would) = match &approval.asked {
        Some(asked) if asked.asks == Asks::NewMember => (format!("{name} is in"), format!("let {name} in")),
        Some(_) => (format!("{name} has a new card"), format!("give {name} a new card")),
        None => (format!("finished what waited for {name}"), format!("finish what waits for {name}")),
    };
    let bar = progress::bar(context, pending.len(), "sealing");
    let amended = vault.approve(approval, &how, &|| bar.inc(1))?;
    bar.finish_and_clear();
    plan::say_left(context, &amended);
    more.insert("sealed".into(), json!(amended.sealed));
    more.insert("left".into(), plan::as_json(&amended.left));
    let code = out::report_with(context, &amended.report, &done, &would, more)?;
    if amended.report.commit.is_some() {
        context.note("next: push it, and they can pull");
    }
    Ok(code)
}

fn read_request(given: &str) -> anyhow::Result<Request> {
    if given != "-" {
        return Ok(Request::from_token(given).map_err(VaultError::Request)?);
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    Ok(Request::from_token(&text).map_err(VaultError::Request)?)
}

/// Whose request it is, and what comes of it.
fn say(context: &Context, approval: &Approval) {
    let name = &approval.name;
    if let Some(asked) = &approval.asked {
        let card = &asked.request.card;
        context.note(&format!("{name} asks: {} (seen in {})", asked.asks.as_str(), asked.places.join(", ")));
        context.note(&format!("card: {} ({})", card.words(), card.hash()));
        let labels: Vec<_> = card.devices.iter().map(|device| device.label.as_str()).collect();
        context.note(&format!("devices: {}", labels.join(", ")));
        if let Asks::NewKeys { ended } = &asked.asks {
            let ended: Vec<_> = ended.iter().map(ToString::to_string).collect();
            context.note(&format!("these end: {}", ended.join(", ")));
        }
        let how = if asked.invited { "answers your invite" } else { "answers no invite that was made on this machine" };
        context.note(how);
    }
    if let Some(role) = approval.role {
        context.note(&format!("role: {role}"));
    }
    for group in &approval.groups {
        let begins = if approval.new_groups.contains(group) { " (begins now)" } else { "" };
        context.note(&format!("group: {group}{begins}"));
    }
    let folders = folders(approval);
    if !folders.is_empty() {
        context.note(&format!("{name} will read what is below: {}", folders.join(", ")));
    }
    plan::say(context, &approval.amendment);
}

/// The grants that name the member, in one way or another.
fn folders(approval: &Approval) -> Vec<String> {
    let state = approval.amendment.roster.state();
    let Some(member) = state.named(&approval.name) else { return Vec::new() };
    let reads = |holder: &Holder| state.holds(holder, member);
    let grants = state.grants().filter(|(_, holders)| holders.iter().any(reads));
    grants.map(|(path, _)| if path.is_empty() { "everything".to_owned() } else { format!("{path}/") }).collect()
}

/// A person says yes, or a flag and something to go by.
fn confirm(context: &Context, args: &ApproveArgs, approval: &Approval) -> anyhow::Result<()> {
    let name = &approval.name;
    let Some(asked) = &approval.asked else { return Ok(()) };
    let words = asked.request.card.words();
    if args.answering.yes {
        if approval.is_vouched_for() {
            return Ok(());
        }
        return Err(Refusal::needs_person(
            format!("the request of {name} answers no invite that was made on this machine, so --yes is not enough"),
            format!("ask {name} for the words of the card, then: covault member approve {name} --card WORDS --yes"),
        ));
    }
    if !context.can_ask() {
        let flag = if approval.is_vouched_for() { "--yes" } else { "--card WORDS --yes" };
        return Err(Refusal::needs_person(
            format!("somebody has to agree that {name} comes in"),
            format!("covault member approve {name} {flag}"),
        ));
    }
    let question = if approval.is_vouched_for() {
        format!("Let {name} in?")
    } else {
        format!("Did {name} tell you the words {words}, and is {name} to be let in?")
    };
    if ask::confirm(&question, false) {
        Ok(())
    } else {
        Err(Refusal::needs_person("nothing was changed", "ask them for the words that covault join printed"))
    }
}
