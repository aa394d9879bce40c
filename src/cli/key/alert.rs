//! Telling somebody that a key nears its limit: a warning, and the person's own command.

use core::time::Duration;
use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::usage::dollars;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::home::Span;
use crate::model::keys::limit::Window;
use crate::vault::VaultError;
use crate::vault::keys::{Alert, Desk, Watch};

/// How long the person's command may take, where they said nothing else.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked whether it has ended.
const TICK: Duration = Duration::from_millis(10);

/// Tells of each; the exit code. What the person's command did not take is told again the next time.
pub fn tell(context: &Context, desk: &Desk<'_>, watch: &Watch) -> anyhow::Result<u8> {
    let home = context.home()?;
    for alert in &watch.alerts {
        context.warn(&in_words(alert));
        let config = home.configuration().map_err(VaultError::Home)?.alerts;
        let limit = config.time_limit.map_or(TIME_LIMIT, |Span(span)| span);
        let ran = config.command.split_first().map(|(program, args)| run(program, args, &as_json(alert), limit));
        match ran {
            Some(Err(why)) => context.warn(&format!("the command of [alerts] in config.toml: {why}")),
            Some(Ok(())) | None => desk.told(watch, alert)?,
        }
    }
    Ok(if watch.alerts.is_empty() { exit::DONE } else { exit::FINDINGS })
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

/// Runs the person's own command, without a shell and without anything that opens the vault, for so long at most.
fn run(program: &str, arguments: &[String], alert: &Value, limit: Duration) -> Result<(), String> {
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
    match end_of(&mut child, limit).map_err(|error| error.to_string())? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{program} ended with {status}")),
        None => Err(format!("{program} was ended: it took longer than {limit:?} (time-limit)")),
    }
}

/// How a program ended; `None` where it had to be ended.
fn end_of(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(TICK);
    }
}
