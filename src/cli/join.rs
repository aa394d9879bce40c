//! `covault join`.

use std::io::Read as _;

use clap::Args;
use serde_json::json;

use super::context::{Context, program, variable};
use super::exit::{self, Answer, Refusal};
use super::init::{KeyArgs, device_label};
use super::{ask, out};
use crate::home::{HomeError, NewKeys};
use crate::model::invite::Invite;
use crate::model::names::MemberName;
use crate::model::time::Time;
use crate::vault::join::{self, Joined, Joining, Requested};
use crate::vault::requests::Asks;
use crate::vault::write::How;
use crate::vault::{Vault, VaultError};

/// How much of stdin an invite may take.
const MAX_INPUT: u64 = 64 << 10;

/// Ask to be let into this repository's vault
///
/// Makes an age identity and a signing key for you where there are none, accepts the vault that the invite names, sets
/// this clone up, and writes your request as a commit on the branch covault/join/NAME; what you have checked out stays
/// as it is. Prints the command that pushes it. For a member's name on a new machine it asks for another device.
/// Running it again is harmless.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault join --invite covault-invite1-...\n  covault join --name bob --invite - < invite.txt\n  \
    covault join --name bob --vault able-baker-charlie-delta-echo-fox    # after comparing the words with a teammate\n  \
    covault join --name bob --print       # a line for chat instead of a branch\n  \
    covault join --name bob --device desktop     # bob's second machine\n  \
    covault join --renew                  # all other machines of yours are lost\n\n\
    What can go wrong: the roster is another one than the invite names (6); the vault was not named and nobody can be\n\
    asked (7); your name or a key was used before in this vault (7)."
)]
pub struct JoinArgs {
    /// Your name in the vault, such as bob [default: the invite's]
    #[arg(long)]
    name: Option<String>,
    /// The line that an admin's `covault member invite` printed; - reads it from stdin
    #[arg(long, value_name = "LINE")]
    invite: Option<String>,
    /// The vault's words or id, as a teammate told you
    #[arg(long, value_name = "WORDS")]
    vault: Option<String>,
    /// What you call this machine [default: the host's name]
    #[arg(long, value_name = "LABEL")]
    device: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Ask for a card with this machine alone, because your others are lost
    #[arg(long)]
    renew: bool,
    /// Print the request as a line for chat, and make no branch
    #[arg(long)]
    print: bool,
    /// Say what would happen and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &JoinArgs) -> Answer {
    let invite = args.invite.as_deref().map(read_invite).transpose()?;
    let name = args.name.as_deref().map(MemberName::parse).transpose()?;
    let device = device_label(args.device.as_deref())?;
    let home = context.home()?;
    let new_keys = args.keys.new_keys(context, &home, args.dry_run)?;
    let stranger = join::look(context.dir(), invite.as_ref())?;
    if args.dry_run {
        let name = name.or(invite.map(|invite| invite.name)).map_or("NAME".to_owned(), |name| name.to_string());
        let branch = format!("covault/join/{name}");
        if context.json() {
            out::json(&json!({ "name": name, "vault": stranger.words, "branch": branch, "dry_run": true }))?;
        } else {
            context.note(&format!(
                "would ask to be let into {} ({}), on the branch {branch}",
                stranger.name, stranger.words
            ));
        }
        return Ok(exit::DONE);
    }
    let vault = accepted(context, args, invite.as_ref(), &stranger)?;
    let comment = format!("{}@{device} (covault)", name.as_ref().map_or("covault", MemberName::as_str));
    let mut joining = Joining {
        name,
        invite,
        device,
        device_given: args.device.is_some(),
        new_keys: NewKeys { comment, ..new_keys },
        renew: args.renew,
        print: args.print,
    };
    let how = how(context.now());
    let joined = match vault.join(&joining, &how) {
        Err(VaultError::NameNeeded) if context.can_ask() => {
            let default = vault.setting("user.name").and_then(|name| name.split(' ').next().map(str::to_lowercase));
            let default = default.or_else(|| variable("USER")).unwrap_or_default();
            let name = ask::text("Your name in the vault:", &default)
                .ok_or_else(|| Refusal::needs_person("nobody answered", "covault join --name bob"))?;
            joining.name = Some(MemberName::parse(&name)?);
            vault.join(&joining, &how)?
        }
        other => other?,
    };
    say(context, &joined, args.print)
}

fn how(now: Time) -> How {
    How { now, dry_run: false, no_commit: false, program: program() }
}

fn read_invite(given: &str) -> anyhow::Result<Invite> {
    if given != "-" {
        return Ok(Invite::parse(given).map_err(VaultError::Invite)?);
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    Ok(Invite::parse(&text).map_err(VaultError::Invite)?)
}

/// The vault, accepted because the invite or the person names it, because this machine knows it, or after the words
/// were compared.
fn accepted(
    context: &Context,
    args: &JoinArgs,
    invite: Option<&Invite>,
    stranger: &join::Stranger,
) -> anyhow::Result<Vault> {
    let open = |expected: Option<&str>| Vault::open(context.dir(), context.home()?, expected);
    let id = stranger.id.to_string();
    let given = args.vault.clone().or_else(|| context.expected_vault());
    if let Some(given) = given {
        return Ok(open(Some(&given))?);
    }
    if invite.is_some() {
        // Its entry is in the roster: `look` has seen to that.
        return Ok(open(Some(&id))?);
    }
    match open(None) {
        Err(VaultError::UnknownVault { .. } | VaultError::Home(HomeError::NoIdentity { .. })) => {}
        known => return Ok(known?),
    }
    let words = &stranger.words;
    let question = format!("The vault calls itself {words}. Did a teammate tell you these words?");
    if context.can_ask() && ask::confirm(&question, false) {
        return Ok(open(Some(&id))?);
    }
    Err(Refusal::needs_person(
        format!("nobody said yet that the vault {words} is the right one"),
        format!(
            "with an invite: covault join --invite LINE; or compare the words with a teammate, then: covault join --vault {words}"
        ),
    ))
}

fn say(context: &Context, joined: &Joined, print: bool) -> Answer {
    if joined.set_up {
        context.note("set this clone up to show and keep secrets (undo with: covault setup --undo)");
    }
    let Some(requested) = &joined.request else {
        context.note(&format!("you are a member already: {}", joined.name));
        if context.json() {
            out::json(&json!({ "name": joined.name.as_str(), "vault": joined.vault_words, "member": true }))?;
        }
        return Ok(exit::DONE);
    };
    let push = requested.branch.as_deref().map(|branch| push_line(requested, branch));
    if context.json() {
        out::json(&json!({
            "name": joined.name.as_str(), "vault": joined.vault_words, "member": false, "asks": requested.asks.as_str(),
            "card": requested.card.to_string(), "words": requested.card_words, "invited": requested.invited,
            "branch": requested.branch, "push": push, "token": requested.token, "unchanged": requested.unchanged,
        }))?;
        return Ok(exit::DONE);
    }
    let what = match &requested.asks {
        Asks::NewMember => "to be let in".to_owned(),
        Asks::AnotherDevice { .. } => "for another device".to_owned(),
        Asks::NewKeys { ended } => {
            let ended: Vec<_> = ended.iter().map(ToString::to_string).collect();
            format!("for new keys (these end: {})", ended.join(", "))
        }
    };
    let again = if requested.unchanged { "asked already" } else { "asked" };
    context.note(&format!("{} {again} {what}", joined.name));
    context.note(&format!("your card: {}", requested.card_words));
    let next = if requested.invited {
        "whoever invited you approves it"
    } else {
        "an admin compares the card's words with you and approves it"
    };
    match push.filter(|_| !print) {
        Some(push) => {
            context.note(&format!("next: push it with the line below; {next}"));
            out::text(&push)?;
        }
        None => {
            context.note(&format!("next: send the line below to an admin; {next}"));
            out::text(&requested.token)?;
        }
    }
    Ok(exit::DONE)
}

/// `git push origin covault/join/bob`.
fn push_line(requested: &Requested, branch: &str) -> String {
    let remote = requested.remote.as_deref().unwrap_or("REMOTE");
    let remote = shlex::try_quote(remote).map_or_else(|_| "REMOTE".to_owned(), |remote| remote.to_string());
    format!("git push {remote} {branch}")
}
