//! `covault key`: API keys that a provider issues; one file a command below.

mod alert;
mod by_hand;
pub mod desk;
mod disable;
mod enable;
mod ensure;
mod issue;
mod limits;
mod login;
mod ls;
mod resume;
pub mod revoke;
pub mod rotate;
pub mod said;
mod usage;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::Answer;

/// API keys that a provider issues: with limits, rotated, revoked
///
/// A provider's management key is kept in the vault for those who manage keys (covault key login). Each issued key is a
/// secret like any other, shared and read in the same way. What is under way is written into a sealed journal and pushed
/// before the provider is asked, so that a crash leaves no key that is not listed: covault key resume goes on, on any
/// machine.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key login openrouter\n  covault key issue prod/openrouter --limit 100/month --limit 10/day --expires 30d\n  \
    covault key rotate prod/openrouter --keep-old 24h\n  covault key resume\n  covault key revoke prod/openrouter",
    subcommand_required = true
)]
pub struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

// No comment on any of them: it would take the place of all that its arguments say in help.
#[derive(Subcommand)]
enum KeyCommand {
    Login(login::LoginArgs),
    Issue(Box<issue::IssueArgs>),
    Rotate(rotate::RotateArgs),
    Revoke(revoke::RevokeArgs),
    Ensure(Box<ensure::EnsureArgs>),
    Ls(ls::LsArgs),
    Usage(usage::UsageArgs),
    Limits(limits::LimitsArgs),
    Disable(disable::DisableArgs),
    Enable(enable::EnableArgs),
    Resume(resume::ResumeArgs),
}

/// Runs it.
pub fn run(context: &Context, args: &KeyArgs) -> Answer {
    match &args.command {
        KeyCommand::Login(args) => login::run(context, args),
        KeyCommand::Issue(args) => issue::run(context, args),
        KeyCommand::Rotate(args) => rotate::run(context, args),
        KeyCommand::Revoke(args) => revoke::run(context, args),
        KeyCommand::Ensure(args) => ensure::run(context, args),
        KeyCommand::Ls(args) => ls::run(context, args),
        KeyCommand::Usage(args) => usage::run(context, args),
        KeyCommand::Limits(args) => limits::run(context, args),
        KeyCommand::Disable(args) => disable::run(context, args),
        KeyCommand::Enable(args) => enable::run(context, args),
        KeyCommand::Resume(args) => resume::run(context, args),
    }
}
