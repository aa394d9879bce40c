//! `covault verify`.

mod json;
mod sections;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::out;
use crate::home::Home;
use crate::vault::verify::{self, Also, What};

/// Check that everything here is what members signed; needs no key
///
/// Checks the roster, every file below secrets/ and journal/, and the requests: form, place, author, signature, readers.
/// It asks nothing and never writes to the repository. What it cannot tell is that a file opens.
///
/// --range checks what a branch or a pull request brings, commit by commit: nothing that was signed goes missing. It
/// also says who gains or loses access, who sealed what, and what changes in roster, requests and env files. A branch may
/// be behind the one that it is for. What was pushed took the place of what was there: with --pushed, B has to follow all
/// that A holds also where the push took commits away. --history checks all commits.
///
/// --staged judges the index as it is about to be committed, every vault in it, and that it follows HEAD and what a
/// merge brings: a `git add` that drops one side's change is found before it is a commit. covault setup --hooks has
/// git ask before each commit.
///
/// COVAULT_VAULT=ID[@HEAD] says which vault it should be. Exit code 6 where something is not as it should be; with
/// --strict, 8 where something waits for somebody, where somebody could read what they may not read any more and it has
/// not been changed since, where a file is older than what this clone saw on the trunk (the history says whether that is a
/// finding), or where something could not be judged.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault verify\n  covault verify --at v1.2 --json\n  covault verify --history\n  \
        covault verify --staged\n  covault verify --range origin/main..HEAD --strict --format markdown >>\"$GITHUB_STEP_SUMMARY\"\n  \
        covault verify --range \"$BEFORE..HEAD\" --pushed"
)]
pub struct VerifyArgs {
    /// Judge this commit instead of the work tree
    #[arg(long, alias = "rev", value_name = "REV", conflicts_with = "range")]
    at: Option<String>,
    /// Judge what B holds and every commit of B that A does not have, and say what changed
    #[arg(long, value_name = "A..B", conflicts_with = "history")]
    range: Option<String>,
    /// The range is a push: A is what the branch held before, and B has to follow it
    #[arg(long, requires = "range")]
    pushed: bool,
    /// Judge what is staged, as the commit that it would be
    #[arg(long, conflicts_with_all = ["at", "range", "history", "strict"])]
    staged: bool,
    /// Judge all of the history, too
    #[arg(long)]
    history: bool,
    /// Exit with 8 where something waits for somebody or could not be judged
    #[arg(long)]
    strict: bool,
    /// How to say it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Runs it.
pub fn run(context: &Context, args: &VerifyArgs) -> Answer {
    let expected = context.expected_vault();
    // Whoever has no home remembers nothing, and judges all the same.
    let home = context.home().ok();
    if args.staged {
        return staged(context, home.as_ref(), expected.as_deref(), args.format);
    }
    let what = match (&args.range, &args.at) {
        (Some(range), _) => {
            let (from, to) = ends(range)?;
            What::Range { from, to, pushed: args.pushed }
        }
        (None, Some(rev)) => What::Commit(rev),
        (None, None) => What::Work,
    };
    let also = Also { history: args.history, exposures: args.strict };
    let found = verify::verify(context.dir(), home.as_ref(), expected.as_deref(), what, also)?;
    if let Some(judged) = found.judged.as_ref().filter(|judged| judged.assumed) {
        context.warn(&sections::assumed(judged));
    }
    match if context.json() { Format::Json } else { args.format } {
        Format::Json => out::json(&json::of(&found))?,
        Format::Text => out::text(&sections::text(&found))?,
        Format::Markdown => out::text(&sections::markdown(&found))?,
    }
    Ok(match () {
        () if !found.findings.is_empty() => exit::VERIFICATION,
        () if args.strict && found.is_unsettled() => exit::FINDINGS,
        () => exit::DONE,
    })
}

/// What is staged, vault by vault. A quiet one says nothing of what is good: a hook runs it before each commit.
fn staged(context: &Context, home: Option<&Home>, expected: Option<&str>, format: Format) -> Answer {
    let all = verify::staged(context.dir(), home, expected)?;
    let format = if context.json() { Format::Json } else { format };
    if all.is_empty() {
        context.note("there is no vault in what is staged");
    }
    for (_, found) in &all {
        if let Some(judged) = found.judged.as_ref().filter(|judged| judged.assumed) {
            context.note(&sections::assumed(judged));
        }
        let is_worth_saying = !(context.quiet() && found.findings.is_empty());
        match format {
            Format::Json => {}
            Format::Text if is_worth_saying => out::text(&sections::text(found))?,
            Format::Markdown if is_worth_saying => out::text(&sections::markdown(found))?,
            Format::Text | Format::Markdown => {}
        }
    }
    if format == Format::Json {
        let vaults = all.iter().map(|(root, found)| {
            let mut vault = json::of(found);
            if let Some(vault) = vault.as_object_mut() {
                vault.insert("folder".to_owned(), root.as_str().into());
            }
            vault
        });
        out::json(&serde_json::json!({
            "good": all.iter().all(|(_, found)| found.findings.is_empty()),
            "vaults": vaults.collect::<Vec<_>>(),
        }))?;
    }
    let is_good = all.iter().all(|(_, found)| found.findings.is_empty());
    Ok(if is_good { exit::DONE } else { exit::VERIFICATION })
}

/// `A..B`, also with three dots; an end that is left out is `HEAD`.
pub fn ends(range: &str) -> anyhow::Result<(&str, &str)> {
    let (from, to) = range
        .split_once("..")
        .ok_or_else(|| Refusal::usage(format!("{range} is no range"), "covault verify --range origin/main..HEAD"))?;
    Ok((or_head(from), or_head(to.strip_prefix('.').unwrap_or(to))))
}

fn or_head(rev: &str) -> &str {
    if rev.is_empty() { "HEAD" } else { rev }
}
