//! `covault member invite`.

use clap::Args;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::{args::WriteFlags, out, qr};
use crate::model::names::{GroupName, MemberName};

/// Make an invite: one line for somebody's `covault join`
///
/// The line names this vault, so that whoever joins with it accepts no other, and holds a token, so that their request
/// can be told from anybody else's: send it to them alone. The token stays on this machine until they were approved
/// here. For a member's name it invites another machine of theirs. Nothing is written to the repository.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault member invite bob\n  covault member invite bob --group dev\n  \
    covault member invite bob > invite.txt\n\n\
    What can go wrong: you are no admin (4); the name was used by somebody who has left (7).")]
pub struct InviteArgs {
    /// The name that they will have
    name: String,
    /// A group to put them into
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Say what would happen and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &InviteArgs) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let mut groups = args.group.iter().map(|group| GroupName::parse(group)).collect::<Result<Vec<_>, _>>()?;
    groups.sort();
    groups.dedup();
    let how = context.how(&WriteFlags { dry_run: args.dry_run, no_commit: false });
    let invited = context.vault()?.invite(&name, &groups, &how)?;
    if args.dry_run {
        context.note(&format!("would invite {name}"));
        if context.json() {
            out::json(&json!({ "name": name.as_str(), "dry_run": true }))?;
        }
        return Ok(exit::DONE);
    }
    for group in &invited.new_groups {
        context.note(&format!("the group {group} begins with {name}"));
    }
    if invited.replaced {
        context.note(&format!("the earlier invite for {name} ends"));
    }
    let what = if invited.is_member { "another machine of theirs" } else { "them" };
    if context.json() {
        let groups: Vec<_> = groups.iter().map(GroupName::as_str).collect();
        out::json(
            &json!({ "name": name.as_str(), "invite": *invited.line, "groups": groups, "device": invited.is_member }),
        )?;
        return Ok(exit::DONE);
    }
    out::text(&invited.line)?;
    if context.stdout_is_terminal()
        && let Some(code) = qr::qr(&invited.line).filter(|code| fits(code))
    {
        out::bytes(code.as_bytes())?;
    }
    context.note(&format!(
        "send this line to {name} alone, for {what}: covault join --invite LINE; then here: covault member approve {name}"
    ));
    Ok(exit::DONE)
}

/// Whether the terminal has room for it.
fn fits(code: &str) -> bool {
    #[cfg(unix)]
    {
        let lines = code.lines().count();
        let columns = code.lines().next().map_or(0, |line| line.chars().filter(|c| !c.is_ascii() || *c == ' ').count());
        let size = rustix::termios::tcgetwinsize(std::io::stdout());
        size.is_ok_and(|size| usize::from(size.ws_col) >= columns && usize::from(size.ws_row) > lines)
    }
    #[cfg(not(unix))]
    {
        !code.is_empty()
    }
}
