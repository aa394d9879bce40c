//! `covault member renew`.

use clap::Args;

use super::add::{Handed, hand_over};
use super::approve::{self, Answering, ApproveArgs};
use crate::cli::context::Context;
use crate::cli::exit::Answer;
use crate::model::card::Kind;
use crate::model::names::MemberName;

/// Give a machine a new identity, or take a person's new keys
///
/// For a machine: makes another identity, prints it once, and seals what the machine reads to it alone, under new file
/// keys. The old one opens nothing from then on. For a person: `approve`, for a request that their `covault join --renew`
/// made. With --request or --card a machine's own request is taken instead.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault member renew ci | gh secret set COVAULT_IDENTITY\n  \
    covault member renew bob --card able-baker-charlie-delta-echo-fox --yes\n\n\
    What can go wrong: nobody asked for that person's new keys (7); some secrets stay sealed to the old\n\
    identity, because you cannot open them (8).")]
pub struct RenewArgs {
    /// Whose keys end
    name: String,
    #[command(flatten)]
    answering: Answering,
}

/// Runs it.
pub fn run(context: &Context, args: &RenewArgs) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let vault = context.vault()?;
    let is_machine = vault.roster().named(&name).is_some_and(|member| member.card.kind == Kind::Machine);
    let Answering { request, card, write, .. } = &args.answering;
    if !is_machine || request.is_some() || card.is_some() {
        return approve::run(context, &ApproveArgs::renewing(&args.name, &args.answering), true);
    }
    let new = vault.renewed_machine(&name, &context.how(write))?;
    let done = format!("{name} has a new identity, and the old one ends");
    hand_over(context, &vault, new, &Handed { name, done, would: "give it a new identity".to_owned() }, write)
}
