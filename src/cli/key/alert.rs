//! Telling somebody that a key nears its limit: a warning, and the person's own command.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::usage::dollars;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::model::keys::limit::Window;
use crate::vault::VaultError;
use crate::vault::keys::Alert;

/// Tells of each; the exit code.
pub fn tell(context: &Context, alerts: &[Alert]) -> anyhow::Result<u8> {
    let home = context.home()?;
    for alert in alerts {
        context.warn(&in_words(alert));
        let command = home.configuration().map_err(VaultError::Home)?.alerts.command;
        if let Some((program, arguments)) = command.split_first()
            && let Err(why) = run(program, arguments, &as_json(alert))
        {
            context.warn(&format!("the command of [alerts] in config.toml: {why}"));
        }
    }
    Ok(if alerts.is_empty() { exit::DONE } else { exit::FINDINGS })
}

fn in_words(alert: &Alert) -> String {
    let Alert { path, limit, threshold, spent, resets, .. } = alert;
    let window = match limit.window {
        Window::Total => "in all".to_owned(),
        window => format!("a {window}"),
    };
    let until = resets.map(|at| format!("; it counts anew at {at}")).unwrap_or_default();
    let (spent, all) = (dollars(*spent), dollars(limit.amount));
    format!("{path}: {spent} of {all} {window} are spent, {threshold} or more{until}")
}

fn as_json(alert: &Alert) -> Value {
    json!({
        "secret": alert.path.as_str(),
        "provider": alert.provider,
        "window": alert.limit.window.as_str(),
        "limit": alert.limit.amount,
        "spent": alert.spent,
        "threshold": alert.threshold.percent(),
        "resets": alert.resets.map(|at| at.to_string()),
    })
}

/// Runs the person's own command, without a shell and without anything that opens the vault.
fn run(program: &str, arguments: &[String], alert: &Value) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COVAULT_") {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing closes its end; that is its right.
        let _ = writeln!(stdin, "{alert}");
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}
