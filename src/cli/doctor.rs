//! `covault doctor`.

use clap::Args;
use serde_json::json;

use super::context::{Context, program};
use super::edit::{self, private_folder};
use super::exit::{self, Answer};
use super::out;
use crate::vault::doctor::{Finding, Health};

/// Look for what could betray or lose a secret on this machine
///
/// Checks your keys and the folders that they are in, how git is set up to show and keep sealed files, what was left
/// behind, and whether the lines of env files lead to secrets. Exits with 8 where something is wrong.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault doctor\n  covault doctor --fix")]
pub struct DoctorArgs {
    /// Mend what can be mended without asking
    #[arg(long)]
    fix: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &DoctorArgs) -> Answer {
    edit::sweep_disk();
    if args.fix {
        let swept = context.vault_without_key()?.mend(&program())?;
        if swept > 0 {
            context.note(&format!("{swept} left-over files removed"));
        }
    }
    let mut findings = context.vault_without_key()?.doctor(&program())?;
    findings.push(editor_files());
    let bad = findings.iter().any(|finding| finding.health == Health::Bad);
    if context.json() {
        let all: Vec<_> = findings.iter().map(as_json).collect();
        out::json(&json!({ "findings": all, "healthy": !bad }))?;
    } else {
        let lines: Vec<_> = findings.iter().map(as_text).collect();
        out::text(&lines.join("\n"))?;
    }
    Ok(if bad { exit::FINDINGS } else { exit::DONE })
}

fn editor_files() -> Finding {
    match private_folder() {
        Some(_) => Finding { what: "editor files", health: Health::Good, seen: "in memory".to_owned(), hint: None },
        None => Finding {
            what: "editor files",
            health: Health::Warning,
            seen: "no folder in memory: covault edit needs --on-disk".to_owned(),
            hint: None,
        },
    }
}

fn mark(health: Health) -> &'static str {
    match health {
        Health::Good => "ok",
        Health::Warning => "look",
        Health::Bad => "BAD",
    }
}

fn as_text(finding: &Finding) -> String {
    let hint = finding.hint.as_ref().map(|hint| format!("\n       mend: {hint}")).unwrap_or_default();
    format!("{:<5}{}: {}{hint}", mark(finding.health), finding.what, finding.seen)
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({ "what": finding.what, "health": mark(finding.health).to_lowercase(), "seen": finding.seen, "hint": finding.hint })
}
