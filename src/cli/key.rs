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

#[derive(Subcommand)]
enum KeyCommand {
    /// Keep a provider's management key for those who manage keys
    Login(login::LoginArgs),
    /// Have a provider issue a key, as a new secret
    Issue(Box<issue::IssueArgs>),
    /// Replace keys by new ones, with what is left of their limits
    Rotate(rotate::RotateArgs),
    /// Take a key away at its provider
    Revoke(revoke::RevokeArgs),
    /// Find a living key at a name, or have one issued: for scripts and CI
    Ensure(Box<ensure::EnsureArgs>),
    /// List keys: what the vault has records of and what the account has, side by side
    Ls(ls::LsArgs),
    /// What keys have spent of their limits; who wants to be told is told
    Usage(usage::UsageArgs),
    /// Show what a key may spend, or change it
    Limits(limits::LimitsArgs),
    /// Switch a key off at its provider, until it is enabled again
    Disable(disable::DisableArgs),
    /// Switch a key on again at its provider
    Enable(enable::EnableArgs),
    /// Go on with what is open, or take it back
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
