//! `covault group`.

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Map, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Answer};
use super::out;
use super::plan::{self, Doing};
use crate::model::names::{GroupName, MemberName};
use crate::vault::group::GroupChange;

/// Names for several members, for grants and shares
///
/// A group is written @dev where it reads. Without a command: lists the groups.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault group\n  covault group set dev alice bob\n  covault group add dev carol\n  \
    covault grant prod @dev"
)]
pub struct GroupArgs {
    #[command(subcommand)]
    command: Option<GroupCommand>,
}

#[derive(Subcommand)]
enum GroupCommand {
    /// List the groups, who is in them, and which grants name them
    #[command(after_help = "Examples:\n  covault group ls\n  covault group ls --json")]
    Ls,
    /// Say who is in a group: exactly these
    #[command(after_help = "Examples:\n  covault group set dev alice bob\n  covault group set dev alice --dry-run")]
    Set(Members),
    /// Take members into a group
    #[command(after_help = "Examples:\n  covault group add dev carol")]
    Add(Members),
    /// Take members out of a group
    #[command(after_help = "Examples:\n  covault group remove dev carol")]
    Remove(Members),
    /// End a group; its name is never used again
    #[command(after_help = "Examples:\n  covault group rm dev\n\n\
        What can go wrong: a grant still names it (covault grant PATH --remove @dev).")]
    Rm(Name),
}

#[derive(Args)]
struct Members {
    /// The group, without the @
    group: String,
    /// The members
    #[arg(value_name = "MEMBER", required = true)]
    members: Vec<String>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Args)]
struct Name {
    /// The group, without the @
    group: String,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Args)]
struct Asking {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &GroupArgs) -> Answer {
    let (group, members, asking, change): (_, _, _, fn(Vec<MemberName>) -> GroupChange) = match &args.command {
        None | Some(GroupCommand::Ls) => return list(context),
        Some(GroupCommand::Set(m)) => (&m.group, &*m.members, &m.asking, GroupChange::Set),
        Some(GroupCommand::Add(m)) => (&m.group, &*m.members, &m.asking, GroupChange::Add),
        Some(GroupCommand::Remove(m)) => (&m.group, &*m.members, &m.asking, GroupChange::Remove),
        Some(GroupCommand::Rm(name)) => (&name.group, &[][..], &name.asking, |_| GroupChange::End),
    };
    let group = GroupName::parse(group.strip_prefix('@').unwrap_or(group))?;
    let mut members = members.iter().map(|name| MemberName::parse(name)).collect::<Result<Vec<_>, _>>()?;
    members.sort();
    members.dedup();
    let names = members.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
    let change = change(members);
    let vault = context.vault()?;
    let amendment = vault.group(&group, &change, &context.how(&asking.write))?;
    let (done, would) = match &change {
        GroupChange::Set(_) => (format!("@{group} is {names}"), format!("make @{group} {names}")),
        GroupChange::Add(_) => (format!("added {names} to @{group}"), format!("add {names} to @{group}")),
        GroupChange::Remove(_) => (format!("took {names} out of @{group}"), format!("take {names} out of @{group}")),
        GroupChange::End => (format!("ended @{group}"), format!("end @{group}")),
    };
    let message = format!("covault: {would}");
    let doing = Doing { write: &asking.write, yes: asking.yes, message, done, would, more: Map::new() };
    Ok(plan::carry_out(context, &vault, amendment, doing)?.0)
}

fn list(context: &Context) -> Answer {
    let groups = context.vault_without_key()?.groups();
    if context.json() {
        let rows = groups.iter().map(|g| json!({ "name": g.name, "members": g.members, "grants": g.grants }));
        out::json(&rows.collect())?;
        return Ok(exit::DONE);
    }
    if groups.is_empty() {
        context.note("there is no group; make one with: covault group set NAME MEMBER...");
        return Ok(exit::DONE);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["GROUP", "MEMBERS", "GRANTS"]);
    for group in &groups {
        table.add_row([format!("@{}", group.name), group.members.join(" "), group.grants.join(" ")]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))?;
    Ok(exit::DONE)
}
