//! `covault member`: one file a command below.

mod add;
mod approve;
mod invite;
mod ls;
mod plan;
mod remove;
mod renew;
mod role;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::Answer;

pub use ls::{ask_as_json, ask_as_text, refused_as_text};

/// Who is in the vault: invite, approve, add, remove, list
///
/// Only admins change it; everybody can list it, without any key.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault member invite bob          # a line for bob's covault join\n  \
    covault member approve bob\n  covault member add ci --machine --grant staging/\n  covault member ls\n  \
    covault member remove carol",
    subcommand_required = true
)]
pub struct MemberArgs {
    #[command(subcommand)]
    command: MemberCommand,
}

// No comment on any of them: it would take the place of all that its arguments say in help.
#[derive(Subcommand)]
enum MemberCommand {
    Ls(ls::LsArgs),
    Invite(invite::InviteArgs),
    Approve(Box<approve::ApproveArgs>),
    Renew(renew::RenewArgs),
    Add(add::AddArgs),
    Role(role::RoleArgs),
    Remove(remove::RemoveArgs),
}

/// Runs it.
pub fn run(context: &Context, args: &MemberArgs) -> Answer {
    match &args.command {
        MemberCommand::Ls(args) => ls::run(context, args),
        MemberCommand::Invite(args) => invite::run(context, args),
        MemberCommand::Approve(args) => approve::run(context, args, false),
        MemberCommand::Renew(args) => renew::run(context, args),
        MemberCommand::Add(args) => add::run(context, args),
        MemberCommand::Role(args) => role::run(context, args),
        MemberCommand::Remove(args) => remove::run(context, args),
    }
}
