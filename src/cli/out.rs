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
    let mut out = std::io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| anyhow::Error::new(error).context("cannot write to stdout")),
    }
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
    let mut line = escape::json(serde_json::to_string_pretty(value)?);
    line.push('\n');
    bytes(line.as_bytes())
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
    mut more: serde_json::Map<String, serde_json::Value>,
) -> Answer {
    for note in &report.notes {
        context.note(note);
    }
    if context.json() {
        more.insert("files".into(), report.files.clone().into());
        more.insert("commit".into(), report.commit.clone().into());
        more.insert("staged".into(), report.staged.clone().into());
        more.insert("unchanged".into(), report.unchanged.into());
        more.insert("dry_run".into(), report.dry_run.into());
        json(&serde_json::Value::Object(more))?;
        return Ok(exit::DONE);
    }
    let line = match report {
        Report { unchanged: true, .. } => "nothing to change".to_owned(),
        Report { dry_run: true, .. } => format!("would {would}"),
        Report { commit: Some(commit), .. } => format!("{done} (commit {})", short(commit)),
        Report { staged: Some(reason), .. } => format!("{done}; staged, not committed ({reason})"),
        _ => done.to_owned(),
    };
    context.note(&line);
    Ok(exit::DONE)
}

/// The first digits of a commit's name.
pub fn short(commit: &str) -> String {
    commit.chars().take(9).collect()
}
