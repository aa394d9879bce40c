//! stdout is data, everything else is stderr; what comes from a repository is escaped before it meets a terminal.

use std::io::Write as _;

use super::context::Context;
use super::exit::{self, Answer};
use crate::model::escape;
use crate::vault::write::Report;

/// One line to stderr.
pub fn to_stderr(text: &str) {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr().lock(), "{}", escape::terminal_multiline(text));
}

/// Bytes to stdout, as they are. A reader who has gone away (`| head`) is no error.
pub fn bytes(data: &[u8]) -> anyhow::Result<()> {
    match only_copy(data) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| anyhow::Error::new(error).context("cannot write to stdout")),
    }
}

/// The same for what exists nowhere else: here a reader who has gone away is an error, like all others.
pub fn only_copy(data: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(data).and_then(|()| out.flush())
}

/// Text to stdout, escaped, with a final newline where it lacks one.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut safe = escape::terminal_multiline(text).into_owned();
    if !safe.is_empty() && !safe.ends_with('\n') {
        safe.push('\n');
    }
    bytes(safe.as_bytes())
}

/// JSON to stdout.
pub fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    bytes(json_text(value)?.as_bytes())
}

/// JSON to stdout, with what exists nowhere else: as `only_copy`.
pub fn json_only_copy(value: &serde_json::Value) -> std::io::Result<()> {
    only_copy(json_text(value)?.as_bytes())
}

fn json_text(value: &serde_json::Value) -> std::io::Result<String> {
    let mut line = escape::json(serde_json::to_string_pretty(value)?);
    line.push('\n');
    Ok(line)
}

/// Says what a writing command did. `done` and `would` are its sentences.
pub fn report(context: &Context, report: &Report, done: &str, would: &str) -> Answer {
    report_with(context, report, done, would, serde_json::Map::new())
}

/// As [`report`], with more members for the JSON.
pub fn report_with(
    context: &Context,
    report: &Report,
    done: &str,
    would: &str,
    more: serde_json::Map<String, serde_json::Value>,
) -> Answer {
    if context.json() {
        json(&report_json(report, more))?;
    }
    say(context, report, done, would);
    Ok(exit::DONE)
}

/// What the JSON says of a writing command, beside `more`.
pub fn report_json(report: &Report, mut more: serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    more.insert("files".into(), report.files.clone().into());
    more.insert("commit".into(), report.commit.clone().into());
    more.insert("staged".into(), report.staged.clone().into());
    more.insert("unchanged".into(), report.unchanged.into());
    more.insert("dry_run".into(), report.dry_run.into());
    serde_json::Value::Object(more)
}

/// The same for a person.
pub fn say(context: &Context, report: &Report, done: &str, would: &str) {
    for note in &report.notes {
        context.note(note);
    }
    if context.json() {
        return;
    }
    let line = match report {
        Report { unchanged: true, .. } => "nothing to change".to_owned(),
        Report { dry_run: true, .. } => format!("would {would}"),
        Report { commit: Some(commit), .. } => format!("{done} (commit {})", short(commit)),
        Report { staged: Some(reason), .. } => format!("{done}; staged, not committed ({reason})"),
        _ => done.to_owned(),
    };
    context.note(&line);
}

/// The first digits of a commit's name.
pub fn short(commit: &str) -> String {
    commit.chars().take(9).collect()
}
