//! `covault show`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::{args, complete, out};
use crate::model::escape;
use crate::model::keys::record::{KeyRecord, PROVIDER, RemoteId, Retired, is_record};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::register::Write;
use crate::vault::read::Secret;

/// Show a secret with all its fields, masked
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault show prod/db\n  covault show prod/db --reveal\n  covault show prod/db@3\n  \
    covault show prod/db --json --reveal"
)]
pub struct ShowArgs {
    /// The secret, with a revision's number or a commit after an @
    #[arg(value_name = "NAME[@REV]", add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Show the values of secret fields, too
    #[arg(long)]
    reveal: bool,
    /// As it was at an older revision: its number, or a commit
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Runs it.
pub fn run(context: &Context, args: &ShowArgs) -> Answer {
    let vault = context.vault()?;
    let (name, revision) = args::at_revision(&args.name)?;
    let path = SecretPath::parse(name)?;
    let secret = match revision.or(args.at.as_deref()) {
        Some(_) if revision.is_some() && args.at.is_some() => {
            return Err(Refusal::usage("a revision stands after the @ and after --at", "leave one of them out"));
        }
        Some(revision) => vault.secret_at(&path, revision)?,
        None => vault.secret(&path)?,
    };
    secret.waits().iter().for_each(|line| context.note(line));
    if context.json() {
        out::json(&as_json(&secret, args.reveal))?;
    } else {
        out::text(&as_text(&secret, args.reveal))?;
    }
    Ok(exit::DONE)
}

/// A value as it may be shown.
pub fn value_text(write: &Write, reveal: bool) -> String {
    match write.value.present() {
        None => "(taken away)".to_owned(),
        Some(_) if !reveal && !write.plain => "********".to_owned(),
        Some(value) => match value.expose_str() {
            Some(text) if text.starts_with("otpauth://") && !reveal => "(one-time password)".to_owned(),
            Some(text) => text.to_owned(),
            None => format!("({} bytes; covault get writes them)", value.len()),
        },
    }
}

fn as_text(secret: &Secret, reveal: bool) -> String {
    let manifest = &secret.manifest;
    let mut out = format!("{}\n", secret.document.path);
    for field in secret.fields() {
        let several = field.is_conflicted();
        for write in &field.writes {
            let by = if several { format!("  ({}, {})", write.author, write.at) } else { String::new() };
            let text = value_text(write, reveal);
            if text.contains('\n') {
                let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
                out.push_str(&format!("  {}:{by}\n{}\n", field.name, lines.join("\n")));
            } else {
                out.push_str(&format!("  {}: {text}{by}\n", field.name));
            }
        }
    }
    let tags: Vec<_> = read::tags(&secret.document).iter().map(|tag| tag.as_str()).collect();
    if !tags.is_empty() {
        out.push_str(&format!("tags: {}\n", tags.join(" ")));
    }
    for (name, value) in read::metadata(&secret.document, manifest.at) {
        if is_record(name.as_str()) {
            continue;
        }
        // A line break in it would look like a line of ours.
        out.push_str(&format!("{name}: {}\n", escape::terminal(value)));
    }
    out.push_str(&key_text(secret));
    let readers: Vec<_> = manifest.readers.iter().map(|reader| reader.name.as_str()).collect();
    out.push_str(&format!("readers: {}\n", readers.join(", ")));
    out.push_str(&format!("revision {} by {}, {}\n", manifest.revision, manifest.author.name, manifest.at));
    out
}

/// What a provider issued, in a line for each key.
fn key_text(secret: &Secret) -> String {
    let at = secret.manifest.at;
    let (Some(provider), Some(record)) = (secret.meta(PROVIDER), KeyRecord::of(&secret.document, at)) else {
        return String::new();
    };
    let id = |id: &Option<RemoteId>| id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let why = |reason: &str| if reason.is_empty() { String::new() } else { format!("; {}", escape::terminal(reason)) };
    let (number, standing) = (record.generation, record.standing.as_str());
    let mut out = format!(
        "key {number} of {}{}: {standing}, issued {}, limits {}{}\n",
        escape::terminal(provider),
        id(&record.id),
        record.issued,
        record.limits,
        why(&record.reason)
    );
    let before = Retired::all_of(&secret.document, at);
    for old in before.iter().rev().filter(|old| old.intent != record.intent) {
        let spent = old.usage.map(|usage| format!(", spent {}", usage.total.rounded())).unwrap_or_default();
        let (number, standing) = (old.generation, old.standing.as_str());
        let line =
            format!("  key {number}{}: {standing}, replaced {}{spent}{}\n", id(&old.id), old.since, why(&old.reason));
        out.push_str(&line);
    }
    out
}

fn as_json(secret: &Secret, reveal: bool) -> serde_json::Value {
    let manifest = &secret.manifest;
    let write = |write: &Write| {
        let shown = (reveal || write.plain).then(|| write.value.as_text()).flatten();
        json!({
            "value": shown, "secret": !write.plain, "author": write.author.as_str(), "at": write.at.to_string(),
            "bytes": write.value.present().map(crate::plaintext::Plaintext::len),
        })
    };
    let fields: serde_json::Map<_, _> = secret
        .fields()
        .iter()
        .map(|field| (field.name.to_string(), field.writes.iter().map(|w| write(w)).collect::<Vec<_>>().into()))
        .collect();
    let meta: serde_json::Map<_, _> = read::metadata(&secret.document, manifest.at)
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into()))
        .collect();
    json!({
        "name": secret.document.path.as_str(),
        "id": secret.document.id.to_string(),
        "fields": fields,
        "tags": read::tags(&secret.document).iter().map(|tag| tag.as_str()).collect::<Vec<_>>(),
        "meta": meta,
        "revision": manifest.revision,
        "author": manifest.author.name.as_str(),
        "at": manifest.at.to_string(),
        "readers": manifest.readers.iter().map(|reader| reader.name.as_str()).collect::<Vec<_>>(),
        "version": secret.hash.to_string(),
    })
}
