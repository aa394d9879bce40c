//! `covault member role`.

use clap::Args;
use serde_json::json;

use super::plan;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{Answer, Refusal};
use crate::cli::{ask, out};
use crate::model::names::MemberName;
use crate::model::roster::{Operation, Role};

/// Give a member another role
///
/// Admins change the roster, writers change secrets, readers read. What somebody wrote who may not write any more stays
/// good. The last admin stays one.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault member role bob admin\n  covault member role bob reader --yes\n\n\
    What can go wrong: there is no such member (3); bob is the last admin (7); a machine cannot be an admin (7).")]
pub struct RoleArgs {
    /// Whose
    name: String,
    /// What they may do from now on
    #[arg(value_parser = ["reader", "writer", "admin"])]
    role: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RoleArgs) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let role = Role::parse(&args.role).ok_or_else(|| Refusal::usage("no such role", "reader, writer or admin"))?;
    let vault = context.vault()?;
    let how = context.how(&args.write);
    let member = vault.living_member(&name)?;
    let before = member.role;
    let becomes = role.with_article();
    let steps = if before == role {
        vault.admin("give somebody another role")?;
        Vec::new()
    } else {
        vec![Operation::Role { member: member.reference(), role, live: Vec::new() }.into()]
    };
    let amendment = vault.amendment(steps, &how)?;
    if before != role {
        context.note(&format!("{name} is {} and would be {becomes}", before.with_article()));
    }
    plan::say(context, &amendment);
    if !args.write.dry_run && !args.yes && before != role {
        let again = format!("covault member role {name} {role} --yes");
        if !context.can_ask() {
            return Err(Refusal::needs_person(format!("somebody has to agree that {name} becomes {becomes}"), again));
        }
        if !ask::confirm(&format!("Make {name} {becomes}?"), false) {
            return Err(Refusal::needs_person("nothing was changed", again));
        }
    }
    let mut more = serde_json::Map::new();
    more.insert("name".into(), json!(name.as_str()));
    more.insert("role".into(), json!(role.as_str()));
    more.insert("secrets".into(), plan::as_json(&amendment.pending()));
    let message = format!("covault: make {name} {becomes}");
    let amended = vault.amend(vault.writing(&how)?, amendment, Vec::new(), &message, &|| ())?;
    plan::say_left(context, &amended);
    out::report_with(context, &amended.report, &format!("{name} is {becomes}"), &format!("make {name} {becomes}"), more)
}
