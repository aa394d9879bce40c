//! `covault key usage`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use comfy_table::Table;
use serde_json::{Value, json};

use super::{alert, desk, said};
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::{complete, out};
use crate::model::keys::alert::Threshold;
use crate::model::keys::amount::Amount;
use crate::model::keys::limit::Window;
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::vault::keys::{KeyStatus, KeyUsage, LimitUse, Watch};

/// How many cells a bar has.
const CELLS: u64 = 10;

/// What keys have spent of their limits; who wants to be told is told
///
/// The account is looked at once. Limits that no provider holds are held here, as of each time that this is run: a key's
/// own limit is lowered to what is left, and a key with nothing left is switched off until its limit counts anew. What a
/// rotation had to hold back is given back when the window has ended. What somebody set by hand at the provider is not
/// undone; it shows as drifted.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key usage\n  covault key usage prod/openrouter --fail-over 90%\n  covault key usage --json\n\n\
    Run it often, on one machine (cron, a scheduled job), where limits are held by it. All times are UTC.\n\n\
    Alerts (covault key limits --alert) are warnings; a command of your own gets each as JSON on its standard input, by \
    config.toml beside the identity: [alerts] command = [\"notify\", \"--stdin\"]. Where it fails, or takes more than a \
    minute (time-limit = \"10s\"), the alert is told again the next time.\n\n\
    Exit code 8 where an alert is due, or --fail-over is reached; 9 where a provider could not be asked: figures are then \
    those of the last look."
)]
pub struct UsageArgs {
    /// Secrets; all that one reads without one
    #[arg(add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    /// Exit with 8 where so much of a limit is spent, such as 80%
    #[arg(long, value_name = "PERCENT")]
    fail_over: Option<String>,
}

/// Runs it.
pub fn run(context: &Context, args: &UsageArgs) -> Answer {
    let names = args.names.iter().map(|name| SecretPath::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let fail_over = args.fail_over.as_deref().map(str::parse::<Threshold>).transpose()?;
    desk::with(context, false, false, |desk| {
        let watch = desk.usage(&names)?;
        shown(context, &watch)?;
        let mut code = alert::tell(context, desk, &watch)?;
        let reached =
            |key: &KeyUsage| key.limits.iter().any(|limit| fail_over.is_some_and(|share| limit.has_reached(share)));
        if watch.keys.iter().any(reached) {
            code = code.max(exit::FINDINGS);
        }
        for error in watch.failed {
            code = code.max(exit::report(context, &anyhow::Error::new(error)));
        }
        Ok(code)
    })
}

fn shown(context: &Context, watch: &Watch) -> anyhow::Result<()> {
    if context.json() {
        out::json(&json!(watch.keys.iter().map(as_json).collect::<Vec<_>>()))?;
    } else if watch.keys.is_empty() && watch.failed.is_empty() {
        context.note("no key here tells what it has spent");
    } else if !watch.keys.is_empty() {
        table(context, watch)?;
    }
    said::drift_and_done(context, watch);
    Ok(())
}

fn table(context: &Context, watch: &Watch) -> anyhow::Result<()> {
    let bars = context.stdout_is_terminal();
    let mut table = Table::new();
    let mut header = vec!["NAME", "TODAY", "MONTH", "LIMIT", "LEFT", "RESETS", "AS OF", "STATUS"];
    if bars {
        header.insert(5, "SPENT");
    }
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for key in &watch.keys {
        let limits: Vec<Option<&LimitUse>> =
            if key.limits.is_empty() { vec![None] } else { key.limits.iter().map(Some).collect() };
        for limit in limits {
            table.add_row(row(context, key, limit, bars));
        }
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))
}

fn row(context: &Context, key: &KeyUsage, limit: Option<&LimitUse>, bars: bool) -> Vec<String> {
    let unknown = || "?".to_owned();
    let spent = |window: Window| key.usage.map_or_else(unknown, |usage| usage.within(window, usage.as_of).rounded());
    let none = if key.usage.is_some() { "none" } else { "?" };
    let mut cells = vec![
        key.path.to_string(),
        spent(Window::Day),
        spent(Window::Month),
        limit.map_or_else(|| none.to_owned(), |limit| limit.limit.to_string()),
        limit.map_or_else(String::new, |limit| limit.left.rounded()),
    ];
    if bars {
        cells.push(limit.map_or_else(String::new, bar));
    }
    cells.push(limit.and_then(|limit| limit.resets).map_or_else(String::new, |at| at.to_string()));
    cells.push(key.as_of.map_or_else(|| "never".to_owned(), |at| age(at, context.later())));
    // The worst of the key itself and of this limit.
    let status = limit.map_or(key.standing, |limit| limit.status.max(key.standing));
    cells.push(status.as_str().to_owned());
    cells
}

/// How much of it is spent, in ten cells.
fn bar(limit: &LimitUse) -> String {
    let full = (limit.percent() / CELLS).min(CELLS);
    (0..CELLS).map(|cell| if cell < full { '█' } else { '░' }).collect()
}

/// How long ago: `now`, `5m`, `3h`, `2d`.
fn age(at: Time, now: Time) -> String {
    match now.unix().saturating_sub(at.unix()) {
        ..60 => "now".to_owned(),
        seconds @ 60..3600 => format!("{}m ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h ago", seconds / 3600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}

fn as_json(key: &KeyUsage) -> Value {
    let spent = |window: Window| key.usage.map(|usage| usage.within(window, usage.as_of));
    let windows: serde_json::Map<String, Value> =
        Window::ALL.iter().map(|window| (window.as_str().to_owned(), json!(spent(*window)))).collect();
    let limits = key.limits.iter().map(|limit| {
        json!({
            "window": limit.limit.window.as_str(), "amount": limit.limit.amount, "spent": limit.spent,
            "left": limit.left, "percent": limit.percent(), "held_by": said::layer(limit.layer),
            "resets": limit.resets.map(|at| at.to_string()), "status": limit.status.as_str(),
        })
    });
    json!({
        "secret": key.path.as_str(),
        "provider": key.provider,
        "generation": key.generation,
        "spent": windows,
        "limits": limits.collect::<Vec<_>>(),
        "as_of": key.as_of.map(|at| at.to_string()),
        "fresh": key.standing != KeyStatus::Unknown,
        "status": key.status.as_str(),
        "drift": key.drift.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "done": key.done,
    })
}

/// An amount that a sentence can hold.
pub fn dollars(amount: Amount) -> String {
    format!("{} dollars", amount.rounded())
}
