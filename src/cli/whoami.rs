//! `covault whoami`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer};
use super::out;

/// Who this machine is to the vault
///
/// Prints your name and role, this device, and the public halves of your keys.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault whoami\n  covault whoami --json")]
pub struct WhoamiArgs {}

/// Runs it.
pub fn run(context: &Context, _args: &WhoamiArgs) -> Answer {
    let vault = context.vault()?;
    let who = vault.whoami()?;
    let words = vault.words();
    if context.json() {
        out::json(&json!({
            "name": who.name, "role": who.role, "device": who.device, "recipients": who.recipients,
            "signing_key": who.signing, "on_card": who.on_card, "in_agent": who.agent.as_ref().map(Result::is_ok), "identity_file": who.identity_file, "card": who.card,
            "vault": vault.roster().name, "words": words,
        }))?;
        return Ok(exit::DONE);
    }
    let name = who.name.as_deref().unwrap_or("nobody in this vault");
    let mut text = format!("{name}{}\n", who.role.map(|role| format!(" ({role})")).unwrap_or_default());
    text.push_str(&format!("vault: {} ({words})\n", vault.roster().name));
    if let Some(device) = &who.device {
        text.push_str(&format!("device: {device}\n"));
    }
    text.push_str(&format!("identity: {}\n", who.identity_file));
    who.recipients.iter().for_each(|recipient| text.push_str(&format!("recipient: {recipient}\n")));
    let holder = match &who.agent {
        None => String::new(),
        Some(Ok(())) => " (in ssh-agent)".to_owned(),
        Some(Err(error)) => format!(" (not usable: {error})"),
    };
    let stray = if who.on_card == Some(false) { " (not on your card: it signs nothing here)" } else { "" };
    text.push_str(&format!("signing key: {}{stray}{holder}\n", who.signing.as_deref().unwrap_or("none")));
    out::text(&text)?;
    Ok(exit::DONE)
}
