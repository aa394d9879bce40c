//! `covault key limits`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};

use super::{desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::{complete, out};
use crate::model::keys::alert::Threshold;
use crate::model::keys::limit::{Limit, Limits, Window};
use crate::model::names::SecretPath;
use crate::vault::keys::{Limited, Limiting};

/// Show what a key may spend, or change it
///
/// Without an option it shows the limits and who holds each. A change is noted first, and then set at the provider: what
/// tightens first, what loosens last. Where that fails in between the key shows as drifted, and the same command mends it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key limits prod/openrouter\n  covault key limits prod/openrouter --limit 20/day --limit 200/month\n  \
    covault key limits prod/openrouter --no-limit day --alert 50% --alert 90%\n  covault key limits prod/openrouter --apply\n\n\
    Exit code 9 where the provider could not be asked or does not show the change."
)]
pub struct LimitsArgs {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// What it may spend from now on, such as 10/day, 100/month or 50/total; one for each window
    #[arg(long = "limit", value_name = "AMOUNT/WINDOW")]
    limits: Vec<String>,
    /// Take the limit of this window away: day, week, month or total
    #[arg(long = "no-limit", value_name = "WINDOW")]
    no_limits: Vec<String>,
    /// Tell when so much of a limit is spent, such as 80%
    #[arg(long = "alert", value_name = "PERCENT")]
    alerts: Vec<String>,
    /// Do not tell of this share any more
    #[arg(long = "no-alert", value_name = "PERCENT")]
    no_alerts: Vec<String>,
    /// Set at the provider what the record says, where it has something else
    #[arg(long)]
    apply: bool,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &LimitsArgs) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    let set = args.limits.iter().map(|limit| limit.parse::<Limit>()).collect::<Result<Vec<_>, _>>()?;
    let set = Limits::of(set)?;
    let clear = args.no_limits.iter().map(|window| window.parse::<Window>()).collect::<Result<Vec<_>, _>>()?;
    let thresholds =
        |texts: &[String]| texts.iter().map(|text| text.parse::<Threshold>()).collect::<Result<Vec<_>, _>>();
    let (tell, hush) = (thresholds(&args.alerts)?, thresholds(&args.no_alerts)?);
    let limited = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
        let now = desk.limits(&path)?;
        let (mut limits, mut alerts) = (now.limits.clone(), now.alerts.clone());
        clear.iter().for_each(|window| limits.set(*window, None));
        set.iter().for_each(|limit| limits.set(limit.window, Some(limit.amount)));
        alerts.extend(&tell);
        alerts.retain(|threshold| !hush.contains(threshold));
        let is_about_limits = args.apply || !set.is_empty() || !clear.is_empty();
        if !is_about_limits && tell.is_empty() && hush.is_empty() {
            return Ok(now);
        }
        let wanted = Limiting {
            path: path.clone(),
            limits: is_about_limits.then_some(limits),
            alerts: Some(alerts),
            reason: args.reason.clone(),
        };
        Ok(desk.limit(&wanted)?)
    })?;
    if context.json() {
        out::json(&as_json(&path, &limited))?;
        return Ok(exit::DONE);
    }
    let would = if limited.dry_run { "would set " } else { "" };
    for what in &limited.done {
        context.note(&format!("{would}{what}"));
    }
    out::text(&in_words(&limited))?;
    Ok(exit::DONE)
}

fn in_words(limited: &Limited) -> String {
    let mut lines: Vec<String> = said::limits(limited.provider, &limited.limits, &limited.held, &limited.layers);
    if lines.is_empty() {
        lines.push("no limit".to_owned());
    }
    if !limited.alerts.is_empty() {
        let all: Vec<String> = limited.alerts.iter().map(ToString::to_string).collect();
        lines.push(format!("told at {}", all.join(", ")));
    }
    lines.join("\n")
}

fn as_json(path: &SecretPath, limited: &Limited) -> Value {
    let limits = limited.limits.iter().map(|limit| {
        let layer = limited.layers.get(&limit.window).copied().map(said::layer);
        let now = limited.held.get(limit.window);
        json!({ "window": limit.window.as_str(), "amount": limit.amount, "now": now, "held_by": layer })
    });
    json!({
        "secret": path.as_str(),
        "provider": limited.provider,
        "limits": limits.collect::<Vec<_>>(),
        "alerts": limited.alerts.iter().map(|threshold| threshold.percent()).collect::<Vec<_>>(),
        "done": limited.done,
        "commit": limited.commit,
        "dry_run": limited.dry_run,
    })
}
