//! What `verify` found, as lists of lines: for a terminal, and as Markdown for a pull request.
//!
//! What comes from the repository is one line each, escaped: it cannot begin a line of its own, nor be markup.

use crate::cli::out;
use crate::model::escape;
use crate::model::names::SecretPath;
use crate::vault::expose::Exposure;
use crate::vault::verify::{
    AccessChange, AddedEntry, Changes, EnvChange, Finding, Judged, SecretChange, Verification, Waiting,
};

/// How many lines of a list a pull request shows: a comment has a largest size.
const SHOWN: usize = 100;
/// How many names a line shows.
const NAMES: usize = 20;

/// A list with its title.
struct Section {
    title: &'static str,
    lines: Vec<Line>,
}

/// A line, and the next step where there is one.
struct Line {
    text: String,
    hint: Option<String>,
}

/// That nobody said which vault it should be.
pub(super) fn assumed(judged: &Judged) -> String {
    format!(
        "nobody said which vault this should be; taken for {} (set COVAULT_VAULT={} where that is right)",
        judged.words, judged.vault
    )
}

/// For a terminal.
pub(super) fn text(found: &Verification) -> String {
    let mut text = String::new();
    for Section { title, lines } in sections(found) {
        text.push_str(&format!("{title}:\n"));
        for line in &lines {
            text.push_str(&format!("  {}\n", escape::terminal(&line.text)));
            if let Some(hint) = &line.hint {
                text.push_str(&format!("    hint: {}\n", escape::terminal(hint)));
            }
        }
        text.push('\n');
    }
    let end = if found.findings.is_empty() { "good" } else { "NOT GOOD" };
    text.push_str(&format!("{end}: {}\n", escape::terminal(&headline(found))));
    text
}

/// For a pull request.
pub(super) fn markdown(found: &Verification) -> String {
    let end = if found.findings.is_empty() { "good" } else { "**not good**" };
    let mut text = format!("### covault verify: {end}\n\n{}\n", plain(&headline(found)));
    if let Some(judged) = found.judged.as_ref().filter(|judged| judged.assumed) {
        text.push_str(&format!("\n{}\n", plain(&assumed(judged))));
    }
    for Section { title, lines } in sections(found) {
        text.push_str(&format!("\n#### {}\n\n", plain(title)));
        for line in lines.iter().take(SHOWN) {
            text.push_str(&format!("- {}\n", plain(&line.text)));
            if let Some(hint) = &line.hint {
                text.push_str(&format!("  - {}\n", plain(hint)));
            }
        }
        if lines.len() > SHOWN {
            text.push_str(&format!("- and {} more\n", lines.len() - SHOWN));
        }
    }
    text
}

/// Text that stays text: no markup of Markdown or HTML, no mention, no link, no command for a workflow.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in escape::terminal(text).chars() {
        let means_something = match c {
            // As references, these mean nothing in any dialect; a colon could be a workflow's command or a link.
            '&' | '<' | '>' | '\\' | '`' | '*' | '_' | '~' | '#' | '[' | ']' | '|' | '!' | '@' | ':' | '$' | '{'
            | '}' => true,
            // At the beginning: a list in the list, or a heading.
            '-' | '+' | '=' | '0'..='9' => before.is_none(),
            // `www.` is a link without being asked.
            '.' => matches!(before, Some('w' | 'W')),
            _ => false,
        };
        if means_something {
            safe.push_str(&format!("&#{};", u32::from(c)));
        } else {
            safe.push(c);
        }
        before = Some(c);
    }
    safe
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn headline(found: &Verification) -> String {
    let vault = match &found.judged {
        Some(judged) => format!("vault {} ({}), roster entry {}", judged.name, judged.words, judged.seq),
        None => "the roster is refused".to_owned(),
    };
    let mut parts = vec![vault, count(found.files, "file")];
    if found.requests > 0 {
        parts.push(count(found.requests, "request"));
    }
    parts.extend(found.commits.map(|commits| count(commits, "commit")));
    parts.push(count(found.findings.len(), "finding"));
    parts.join(", ")
}

/// Every list that has something in it.
fn sections(found: &Verification) -> Vec<Section> {
    let bare = |lines: Vec<String>| lines.into_iter().map(|text| Line { text, hint: None }).collect::<Vec<_>>();
    let mut all = vec![("findings", found.findings.iter().map(finding).collect::<Vec<_>>())];
    if let Some(changes) = &found.changes {
        all.extend(told(changes).map(|(title, lines)| (title, bare(lines))));
    }
    all.extend([
        (
            "pending (sealed to others than it should be; the next writing command of who can seals anew)",
            bare(found.pending.iter().map(waiting).collect()),
        ),
        (
            "exposed (could be read by who may not any more, and not changed since; see covault expose)",
            bare(found.exposed.iter().map(exposed).collect()),
        ),
        (
            "older than what this clone saw on the trunk (covault verify --history judges it)",
            bare(found.behind.clone()),
        ),
        ("unmerged in git", bare(found.contested.clone())),
        ("not judged", bare(found.unjudged.clone())),
        ("notes", bare(found.notes.clone())),
    ]);
    let filled = all.into_iter().filter(|(_, lines)| !lines.is_empty());
    filled.map(|(title, lines)| Section { title, lines }).collect()
}

/// What changed in a range.
fn told(changes: &Changes) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    let request = |request: &crate::vault::verify::AddedRequest| {
        format!("{} asks to be let in, or for another card: {} ({})", request.name, request.words, request.file)
    };
    [
        ("roster", changes.entries.iter().map(entry).collect()),
        ("who gains or loses access", changes.access.iter().flat_map(access).collect()),
        ("secrets", changes.secrets.iter().map(secret).collect()),
        ("env files", changes.env.iter().flat_map(env).collect()),
        ("requests (what they say is confirmed by nobody)", changes.requests.iter().map(request).collect()),
    ]
    .into_iter()
}

fn exposed(one: &Exposure) -> String {
    format!("{}: {} of {} values, {}", one.path, one.known, one.total, one.member)
}

fn finding(finding: &Finding) -> Line {
    let commit = finding.commit.as_deref().map(|commit| format!(" ({})", out::short(commit))).unwrap_or_default();
    let text = format!("[{}] {}: {}{commit}", finding.code, finding.path, finding.text);
    Line { text, hint: finding.hint.clone() }
}

fn entry(entry: &AddedEntry) -> String {
    let from = if entry.embedded { ", on another branch" } else { "" };
    format!("entry {}{from}: {} {}", entry.seq, entry.by, entry.text)
}

fn access(change: &AccessChange) -> Vec<String> {
    let line = |what: &str, paths: &[SecretPath]| {
        let some = !paths.is_empty();
        some.then(|| format!("{} {what} {}", change.member, listed(paths.iter().map(SecretPath::as_str))))
    };
    [line("gains", &change.gains), line("loses", &change.losses)].into_iter().flatten().collect()
}

fn secret(change: &SecretChange) -> String {
    let revision = match change.before {
        Some(before) => format!("revision {before} to {}", change.revision),
        None => format!("revision {}", change.revision),
    };
    let what = match &change.moved_to {
        Some(to) => format!("moved to {to}"),
        None => change.what.to_owned(),
    };
    let by = listed(change.authors.iter().map(String::as_str));
    let readers = match change.readers.as_slice() {
        [] => String::new(),
        readers => format!("; read by {}", listed(readers.iter().map(String::as_str))),
    };
    format!("{}: {what}, {revision}, by {by}{readers}", change.path)
}

fn env(change: &EnvChange) -> Vec<String> {
    if let Some(why) = &change.refused {
        return vec![format!("{} is refused: {why}", change.file)];
    }
    let line = |(name, before, after): &(String, Option<String>, Option<String>)| match (before, after) {
        (Some(before), Some(after)) => format!("{}: {name} was {before}, is {after}", change.file),
        (None, Some(after)) => format!("{}: {name} is new, {after}", change.file),
        (Some(before), None) => format!("{}: {name} is gone, was {before}", change.file),
        (None, None) => format!("{}: {name}", change.file),
    };
    match change.variables.as_slice() {
        [] => vec![format!("{}: no variable changed", change.file)],
        variables => variables.iter().map(line).collect(),
    }
}

fn waiting(waiting: &Waiting) -> String {
    let names = |sign: &str, names: &[String]| names.iter().map(|name| format!(" {sign}{name}")).collect::<String>();
    let grave = if waiting.lives { "" } else { " (deleted)" };
    let siblings = match waiting.siblings {
        0 => String::new(),
        siblings => format!(" {siblings} versions to be joined"),
    };
    format!("{}{grave}:{siblings}{}{}", waiting.path, names("+", &waiting.gains), names("-", &waiting.losses))
}

/// Names with commas between, not too many.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let mut text = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        text.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    text
}
