//! `covault sync`.

use clap::Args;
use serde_json::{Map, json};

use super::context::{Context, program};
use super::exit::{self, Answer};
use super::{out, progress};
use crate::model::names::SecretPath;
use crate::vault::questions::{Deciders, Question};
use crate::vault::sync::{self, Synced, Syncing};
use crate::vault::write::How;

/// Exchange with the remote: fetch, join, seal what waits, push
///
/// Brings in what others pushed to the branch that this one follows, joins secrets that both sides changed, seals what
/// waits for its readers, and pushes where `git push` would; again, where somebody was faster. Nothing is forced.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault sync\n  covault sync --rebase\n  covault sync --no-push\n  covault sync --dry-run     # fetch, and say what would come and go\n\n\
    Exit code 5 where two people wrote the same field at once, or what somebody wrote counts for nothing who may not write \
    it any more (see: covault resolve), or git needs help with other files; 6 where what came in is refused; 7 where the branch \
    follows one of another name, to which git would not push it either; 9 where the remote failed.\n\n\
    What can go wrong: the roster was changed on both sides, and only an admin can bring that together; the message names \
    them, and the branch is as it was. What the other branch has is refused (6), and nothing is brought in: a roster that is \
    gone there, refused or older than one that was seen, or a file that both sides changed. Of a bad file that only the \
    other side changed git asks nobody: it comes in, and is named (6) when the exchange is done."
)]
pub struct SyncArgs {
    /// Replay your own commits on top instead of merging
    #[arg(long)]
    rebase: bool,
    /// Bring in, and push nothing
    #[arg(long)]
    no_push: bool,
    /// Fetch, and say what would happen
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &SyncArgs) -> Answer {
    let (home, expected) = (context.home()?, context.expected_vault());
    let open = || context.vault();
    let syncing = Syncing {
        start: context.dir(),
        expected: expected.as_deref(),
        rebase: args.rebase,
        push: !args.no_push,
        how: How { now: context.now(), dry_run: args.dry_run, no_commit: false, program: program() },
        open: &open,
        home: &home,
    };
    let bar = progress::bar(context, 0, "opening");
    let synced = sync::sync(&syncing, &|| bar.inc(1))?;
    bar.finish_and_clear();
    said(context, args, &synced)
}

fn said(context: &Context, args: &SyncArgs, synced: &Synced) -> Answer {
    let names = |paths: &[SecretPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let named = |question: &Question| format!("{}/{}", question.path, question.field);
    let contested = names(&synced.questions.contested);
    let code = match synced.unmerged.is_empty() && synced.questions.is_empty() {
        _ if !synced.refused.is_empty() => exit::VERIFICATION,
        true => exit::DONE,
        false => exit::CONFLICT,
    };
    for note in &synced.notes {
        context.note(note);
    }
    if context.json() {
        let mut all = Map::new();
        all.insert("with".into(), synced.with.clone().into());
        all.insert("received".into(), synced.received.into());
        all.insert("sent".into(), synced.sent.into());
        all.insert("pushed".into(), synced.pushed.into());
        all.insert("changed".into(), names(&synced.changed).into());
        all.insert("conflicts".into(), synced.questions.fields.iter().map(named).collect());
        all.insert("contested".into(), contested.into());
        let gone = synced.questions.gone.iter();
        all.insert("gone".into(), gone.map(|(path, gone)| json!({ "name": path.as_str(), "gone": gone })).collect());
        let apart = synced.questions.apart.iter();
        let apart = apart.map(|(path, author)| json!({ "name": path.as_str(), "author": author }));
        all.insert("apart".into(), apart.collect());
        let refused = synced.refused.iter();
        let refused = refused.map(|(path, why, hint)| json!({ "name": path.as_str(), "why": why, "hint": hint }));
        all.insert("refused".into(), refused.collect());
        let unmerged = synced.unmerged.iter().map(|(file, why)| json!({ "file": file, "why": why }));
        all.insert("unmerged".into(), unmerged.collect());
        all.insert("dry_run".into(), args.dry_run.into());
        out::json(&all.into())?;
        return Ok(code);
    }
    for (file, why) in &synced.unmerged {
        context.warn(&format!("{file}: {why}"));
    }
    let (issued, fields): (Vec<&Question>, Vec<&Question>) =
        synced.questions.fields.iter().partition(|question| question.issued);
    for question in issued {
        let path = &question.path;
        context.warn(&format!("{path}: several clones made keys for it at the same time (covault key resume {path})"));
    }
    let fields: Vec<String> = fields.into_iter().map(named).collect();
    if !fields.is_empty() {
        context.warn(&format!("written by several people at once: {} (covault resolve)", fields.join(", ")));
    }
    if !contested.is_empty() {
        context.warn(&format!(
            "deleted or moved by one and changed by another: {} (covault resolve)",
            contested.join(", ")
        ));
    }
    for (path, gone) in &synced.questions.gone {
        context.warn(&format!("{path}: {} went with the deletion (covault restore {path})", gone.join(", ")));
    }
    for (path, author) in &synced.questions.apart {
        let questions = &synced.questions;
        let how = match questions.lost.contains(path) {
            true => "opens for nobody who may write it, and keeps the rest back",
            false if questions.alone.contains(path) => "is all that is there and counts for nothing",
            false => "is kept beside it and counts for nothing",
        };
        let next = questions.others.get(path).map_or_else(|| "covault resolve".to_owned(), Deciders::how);
        context.warn(&format!("{path}: what {author} wrote {how} ({next})"));
    }
    for (_, why, hint) in &synced.refused {
        let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        context.warn(&format!("{why}{hint}"));
    }
    context.note(&line(args, synced));
    Ok(code)
}

/// `with origin/main: 3 commits in, 1 out; 2 secrets changed`.
fn line(args: &SyncArgs, synced: &Synced) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut line = format!("with {}: {} in", synced.with, count(synced.received, "commit"));
    let out = match (args.dry_run, args.no_push, synced.pushed) {
        _ if synced.sent == 0 => String::new(),
        (false, false, true) => format!(", {} out", synced.sent),
        _ => format!(", {} to be pushed", synced.sent),
    };
    line.push_str(&out);
    if !synced.changed.is_empty() {
        line.push_str(&format!("; {} changed", count(synced.changed.len(), "secret")));
    }
    line
}
