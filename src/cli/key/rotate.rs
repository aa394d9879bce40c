//! `covault key rotate`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::Value;

use super::{by_hand, desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::{complete, out};
use crate::model::duration;
use crate::model::names::SecretPath;
use crate::vault::keys::{Outcome, Rotating};
use crate::vault::rotate::Wanted;
use crate::vault::write::Report;

/// Replace keys by new ones, with what is left of their limits
///
/// The new key is made, limited and tried out; then the secret gets it; then, when that is on the trunk, the old one is
/// switched off, deleted, and asked for once more. Limits, guardrail, alerts, sharing and variable stay as they are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key rotate prod/openrouter\n  covault key rotate prod/openrouter --keep-old 24h\n  \
    covault key rotate prod/openrouter --compromised --reason 'in a log'\n\n\
    On a branch the old key stays until the new value has come to the trunk: covault key resume sees to it then."
)]
pub struct RotateArgs {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names), required_unless_present = "due", conflicts_with = "due")]
    name: Option<String>,
    /// Every key that has expired or is due by its secret's --rotate-every
    #[arg(long)]
    due: bool,
    /// Let the old key work for so long beside the new one, such as 24h, or until when
    #[arg(long, value_name = "TIME", conflicts_with = "compromised")]
    keep_old: Option<String>,
    /// The old key is in wrong hands: switch it off first
    #[arg(long)]
    compromised: bool,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RotateArgs) -> Answer {
    let Some(name) = &args.name else { return due(context, args) };
    match one(context, args, name)? {
        Made::Issued(outcome) => said::outcome(context, &outcome, &done(name)),
        Made::ByHand { report, console } => {
            let (done, would) = by_hand_in_words(name);
            let code = out::report(context, &report, &done, &would)?;
            say_old(context, name, &report, console);
            Ok(code)
        }
    }
}

/// A new key.
enum Made {
    /// By its provider.
    Issued(Box<Outcome>),
    /// By a person.
    ByHand {
        /// What was written.
        report: Report,
        /// Where the old one is to be taken away.
        console: &'static str,
    },
}

/// Everything that a provider issued and that has expired or is due.
fn due(context: &Context, args: &RotateArgs) -> Answer {
    let due = context.vault()?.rotation(&Wanted::Due(context.now()))?.at_providers();
    if due.is_empty() && !context.json() {
        context.note("no key is due");
    }
    let (mut code, mut rows) = (exit::DONE, Vec::new());
    for path in due {
        let name = path.as_str();
        let made = one(context, args, name);
        if context.json() {
            // One that fails is no reason to leave the others.
            rows.push(made.map_or_else(
                |error| {
                    code = code.max(exit::code_of(&error));
                    said::failed(&path, &error)
                },
                |made| as_json(name, &made),
            ));
            continue;
        }
        match made {
            Ok(Made::Issued(outcome)) => said::in_words(context, &outcome, &done(name)),
            Ok(Made::ByHand { report, console }) => {
                let (done, would) = by_hand_in_words(name);
                out::say(context, &report, &done, &would);
                say_old(context, name, &report, console);
            }
            Err(error) => code = code.max(exit::report(context, &error)),
        }
    }
    if context.json() {
        out::json(&Value::Array(rows))?;
    }
    Ok(code)
}

fn as_json(name: &str, made: &Made) -> Value {
    match made {
        Made::Issued(outcome) => said::as_json(outcome),
        Made::ByHand { report, .. } => {
            let more = [("secret".to_owned(), Value::from(name))].into_iter().collect();
            out::report_json(report, more)
        }
    }
}

fn done(name: &str) -> String {
    format!("{name} has a new key, and the old one is gone")
}

fn by_hand_in_words(name: &str) -> (String, String) {
    (format!("{name} has a new key"), format!("give {name} a new key"))
}

/// What is left to do about an old key that only a person can take away.
fn say_old(context: &Context, name: &str, report: &Report, console: &str) {
    if !report.dry_run {
        context.note(&format!("take the old key away {console}, then: covault key revoke {name} --done"));
    }
}

fn one(context: &Context, args: &RotateArgs, name: &str) -> anyhow::Result<Made> {
    let keep_old = match &args.keep_old {
        Some(span) => {
            let now = context.now().unix();
            let until = duration::parse_expiry(span, now)?.ok_or_else(|| {
                Refusal::usage("an old key that is kept for ever is no rotation", "say for how long, such as 24h")
            })?;
            until.saturating_sub(now)
        }
        None => 0,
    };
    let reason = match (args.reason.as_str(), args.compromised) {
        ("", true) => "compromised".to_owned(),
        (reason, _) => reason.to_owned(),
    };
    let path = SecretPath::parse(name)?;
    let vault = context.vault()?;
    vault.may_write()?;
    let (provider, _) = vault.issued(&path)?;
    if !provider.issues {
        let key = by_hand::made(context, name, provider.console, args.write.dry_run)?;
        let report = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
            Ok(desk.keep_next(&path, key, &reason)?)
        })?;
        return Ok(Made::ByHand { report, console: provider.console });
    }
    let wanted = Rotating { path, keep_old, compromised: args.compromised, reason };
    let outcome = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.rotate(&wanted)?))?;
    Ok(Made::Issued(Box::new(outcome)))
}

/// What came of rotating several keys.
#[derive(Default)]
pub struct Rotated {
    /// Those that have a new key; the old one may still wait for its end.
    pub rotated: Vec<SecretPath>,
    /// The worst exit code.
    pub code: u8,
}

/// Rotates keys at their providers, one after the other; what fails is told to `left`, and no reason to leave the others.
pub fn all(
    context: &Context,
    paths: &[SecretPath],
    reason: &str,
    keep_old: i64,
    left: &mut dyn FnMut(&SecretPath, String),
) -> Rotated {
    let mut all = Rotated::default();
    for path in paths {
        let wanted = Rotating { path: path.clone(), keep_old, compromised: false, reason: reason.to_owned() };
        match desk::with(context, false, false, |desk| Ok(desk.rotate(&wanted)?)) {
            Ok(outcome) => {
                if outcome.waits.is_some() {
                    all.code = all.code.max(exit::FINDINGS);
                }
                if !context.json() {
                    said::in_words(context, &outcome, &format!("{path} has a new key, and the old one is gone"));
                }
                all.rotated.push(path.clone());
            }
            Err(error) => {
                all.code =
                    all.code.max(if context.json() { exit::code_of(&error) } else { exit::report(context, &error) });
                left(path, format!("{error:#}"));
            }
        }
    }
    all
}
