//! What is said of an operation: its end, what it waits for, who holds which limit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit::{self, Answer};
use crate::cli::out;
use crate::model::keys::limit::{Layer, Limit, Limits, Window};
use crate::model::names::SecretPath;
use crate::vault::keys::{Outcome, Watch, mends};

/// Says what came of one operation.
pub fn outcome(context: &Context, outcome: &Outcome, done: &str) -> Answer {
    if context.json() {
        out::json(&as_json(outcome))?;
        return Ok(exit::DONE);
    }
    in_words(context, outcome, done);
    Ok(exit::DONE)
}

/// In sentences.
pub fn in_words(context: &Context, outcome: &Outcome, done: &str) {
    let op = &outcome.op;
    if !outcome.done && outcome.waits.is_none() {
        if op.aborting {
            context.note(&format!("would take back what {} began: to {} {}", op.by, op.kind.as_str(), op.path));
            return;
        }
        context.note(&format!("would {} {}", op.kind.as_str(), op.path));
    }
    if let Some(mint) = &op.mint {
        limits(&op.provider, &mint.limits, &mint.first, &mint.layers).iter().for_each(|line| context.note(line));
        if let Some(end) = mint.expires {
            context.note(&format!("it ends by itself at {end}"));
        }
    }
    match (&outcome.waits, outcome.done) {
        (Some(why), _) => {
            context.note(&format!("{}: {why}", op.path));
            context.note(&format!("go on then, on any machine, with: covault key resume {}", op.path));
        }
        (None, true) => context.note(done),
        (None, false) => {}
    }
}

/// What did not go well with one of several, as JSON.
pub fn failed(path: &SecretPath, error: &anyhow::Error) -> Value {
    json!({ "secret": path.as_str(), "error": format!("{error:#}"), "hint": exit::hint_of(error) })
}

/// As JSON.
pub fn as_json(outcome: &Outcome) -> Value {
    let op = &outcome.op;
    let limits = op.mint.iter().flat_map(|mint| {
        mint.layers.iter().filter_map(|(window, layer)| {
            let amount = mint.limits.get(*window)?;
            let now = mint.first.get(*window).unwrap_or(amount);
            Some(json!({ "window": window.as_str(), "amount": amount, "now": now, "held_by": self::layer(*layer) }))
        })
    });
    let limits: Vec<Value> = limits.collect();
    let retired = op.retire.iter().map(|old| {
        json!({ "generation": old.generation, "id": old.id.as_ref().map(ToString::to_string), "standing": old.standing.as_str() })
    });
    json!({
        "secret": op.path.as_str(),
        "operation": op.kind.as_str(),
        "id": op.id.as_str(),
        "provider": op.provider,
        "generation": op.mint.as_ref().map(|mint| mint.generation),
        "key": op.mint.as_ref().and_then(|mint| mint.id.as_ref()).map(ToString::to_string),
        "limits": limits,
        "retired": retired.collect::<Vec<_>>(),
        "done": outcome.done,
        "waits": outcome.waits,
        "until": outcome.until.map(|until| until.to_string()),
    })
}

/// Each limit, what of it is left by earlier keys, and who holds it.
pub fn limits(provider: &str, limits: &Limits, held: &Limits, layers: &BTreeMap<Window, Layer>) -> Vec<String> {
    let line = |limit: Limit| {
        let Limit { amount, window } = limit;
        let now = held.get(window).filter(|held| *held != amount);
        let now = now.map(|held| format!(", of which {} is left", held.rounded())).unwrap_or_default();
        let how = match layers.get(&window) {
            Some(Layer::Key) => format!("held by the key at {provider}"),
            Some(Layer::Guardrail) => format!("held by a guardrail at {provider}"),
            Some(Layer::Client) | None => "held by covault key usage, as of each time that it is run".to_owned(),
        };
        format!("{} dollars a {window}{now}: {how}", amount.rounded()).replace(" a total", " in all")
    };
    limits.iter().map(line).collect()
}

/// A layer's name in JSON.
pub fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Key => "key",
        Layer::Guardrail => "guardrail",
        Layer::Client => "client",
    }
}

/// Where a provider has something else, and what was set there.
pub fn drift_and_done(context: &Context, watch: &Watch) {
    for key in &watch.keys {
        let drift = key.drift.iter().map(ToString::to_string).chain(mends(&key.drift, &key.path));
        for what in key.done.iter().cloned().chain(drift) {
            context.note(&format!("{}: {what}", key.path));
        }
    }
}
