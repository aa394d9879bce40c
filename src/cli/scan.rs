//! `covault scan`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer};
use super::out;
use super::verify::ends;
use crate::model::escape;
use crate::vault::scan::{self, Leak, Scan, Sort, What};

/// So many names are listed on a line.
const NAMES: usize = 12;

/// Look for plaintext secrets where none should be
///
/// Looks for keys in the forms that their issuers give them (API keys, tokens, private keys), and for the values of this
/// vault that you can open, word for word. A value is named by its secret and never shown. In binary files only values
/// are looked for; files over 8 MiB are passed over and named. Without an identity only forms are looked for.
///
/// Without more it looks at the work tree: files that git tracks, and those that it would. With a PATH, at that alone,
/// ignored or not. --staged, --commit, --range and --history look at what commits bring: a line that a parent has in the
/// same file is not said again. covault setup --hooks has git ask before each commit.
///
/// Exit code 8 where something is found.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault scan\n  covault scan --staged\n  covault scan --range origin/main..HEAD\n  \
    covault scan --history --json\n  covault scan build/output.log\n\n\
    What is meant to be there: write covault:allow on the same line, or name files in your git configuration, as in \
    .gitignore:\n  git config --add covault.scanIgnore 'tests/fixtures/'\n\n\
    On a branch from which something is deployed (git config covault.deploy 'main release'; the trunk, if it is not \
    set) secrets of which several versions wait to be joined are findings, too.\n\n\
    What it cannot find: values with fewer than 8 bytes, words, names and addresses (it says which), values that are \
    encoded, and keys without a form of their own."
)]
pub struct ScanArgs {
    /// Files or folders to look at
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<String>,
    /// Look at what the next commit would bring
    #[arg(long, conflicts_with_all = ["commit", "range", "history"])]
    staged: bool,
    /// Look at what this commit brought, and at its message
    #[arg(long, value_name = "REV", conflicts_with_all = ["range", "history"])]
    commit: Option<String>,
    /// Look at what the commits of B brought that A does not have
    #[arg(long, value_name = "A..B", conflicts_with = "history")]
    range: Option<String>,
    /// Look at every commit
    #[arg(long)]
    history: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &ScanArgs) -> Answer {
    let ends = args.range.as_deref().map(ends).transpose()?;
    let what = match (&args.commit, ends) {
        (Some(rev), _) => What::Commit(rev),
        (None, Some((from, to))) => What::Range { from, to },
        (None, None) if args.staged => What::Staged,
        (None, None) if args.history => What::History,
        (None, None) => What::Work,
    };
    let expected = context.expected_vault();
    let found = scan::scan(context.dir(), &|| context.home(), expected.as_deref(), what, &args.paths)?;
    if context.json() {
        out::json(&as_json(&found))?;
    } else {
        out::text(&found.findings.iter().map(|leak| format!("{}\n", as_text(leak))).collect::<String>())?;
    }
    say(context, &found);
    Ok(if found.findings.is_empty() { exit::DONE } else { exit::FINDINGS })
}

/// One line: where, and what.
fn as_text(leak: &Leak) -> String {
    let commit = leak.commit.as_deref().map(|commit| format!("{}:", out::short(commit))).unwrap_or_default();
    let file = leak.file.as_deref().unwrap_or("(message)");
    let what = match &leak.what {
        Sort::Value { secret, field, vault } if vault == ".covault" => format!("the value of {secret}/{field}"),
        Sort::Value { secret, field, vault } => format!("the value of {secret}/{field} in {vault}"),
        Sort::Format(name) => (*name).to_owned(),
        Sort::Siblings => "several versions, which wait to be joined".to_owned(),
    };
    escape::terminal(&format!("{commit}{file}:{}:{}: {what}", leak.line, leak.column)).into_owned()
}

/// What was looked at and what was not, on stderr.
fn say(context: &Context, found: &Scan) {
    for note in &found.notes {
        context.note(note);
    }
    for skipped in &found.skipped {
        context.note(&format!("not looked for or at: {skipped}"));
    }
    if !found.plain.is_empty() {
        let more = match found.plain.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<&str> = found.plain.iter().take(NAMES).map(String::as_str).collect();
        context.note(&format!("too short or too common to be looked for: {}{more}", names.join(", ")));
    }
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let commits = found.commits.map(|commits| format!(" of {}", count(commits, "commit"))).unwrap_or_default();
    let allowed = if found.allowed == 0 { String::new() } else { format!(", {} allowed by a comment", found.allowed) };
    let values = count(found.values, "value");
    context.note(&format!(
        "{}{allowed}; looked at {}{commits} for {values} of the vault and for keys",
        count(found.findings.len(), "finding"),
        count(found.files, "file"),
    ));
    if !found.findings.is_empty() {
        context.note(
            "a secret that was pushed needs a new value (covault rotate); keep it with covault set, and write \
             covault:allow on a line that is meant to be so",
        );
    }
}

fn as_json(found: &Scan) -> serde_json::Value {
    let leak = |leak: &Leak| {
        let (kind, name, secret, field, vault) = match &leak.what {
            Sort::Value { secret, field, vault } => ("value", None, Some(secret), Some(field), Some(vault)),
            Sort::Format(name) => ("key", Some(*name), None, None, None),
            Sort::Siblings => ("siblings", None, None, None, None),
        };
        json!({
            "commit": leak.commit, "file": leak.file, "line": leak.line, "column": leak.column, "kind": kind,
            "name": name, "secret": secret, "field": field, "vault": vault,
        })
    };
    json!({
        "findings": found.findings.iter().map(leak).collect::<Vec<_>>(),
        "files": found.files,
        "commits": found.commits,
        "values": found.values,
        "allowed": found.allowed,
        "plain": found.plain,
        "skipped": found.skipped,
        "notes": found.notes,
    })
}
