//! `covault resolve`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Map, Value, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::show::value_text;
use super::{ask, complete, out, progress};
use crate::model::escape;
use crate::model::names::{Reference, SecretPath};
use crate::vault::Vault;
use crate::vault::merge::{index, roster};
use crate::vault::questions::{Question, Questions};
use crate::vault::resolve::{Answers, Pick};
use crate::vault::write::{How, Report};

/// Settle what a merge left: unmerged files, and fields that several people wrote at once
///
/// Joins the sealed versions that git left unmerged (also where one was added too early), and stages them; git commit
/// then ends the merge. Then it asks which value a field has, where two people wrote it at once, or takes the one that
/// a flag names. Nothing is lost: the other value stays in history.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault resolve                          # settle what can be settled; list, or ask, the rest\n  \
    covault resolve --reveal                 # with the values\n  covault resolve prod/db/password --pick 3fa9\n  \
    covault resolve prod/db --newest\n  covault resolve prod/db --keep           # changed by one, deleted by another: it stays\n  \
    covault resolve db --bring               # changed by one, moved by another: it goes along\n  \
    covault resolve --from 1a2b3c4           # a merge elsewhere dropped what this commit had: join it in\n\n\
    Exit code 5 where a question is left open. A value is named by the first digits of its id.\n\n\
    What can go wrong: only an admin of both branches can bring two rosters together; the message names them."
)]
pub struct ResolveArgs {
    /// Secrets, or fields of secrets [default: all]
    #[arg(value_name = "NAME[/FIELD]", add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    /// The value with this id
    #[arg(long, value_name = "ID", group = "choice", requires = "names")]
    pick: Option<String>,
    /// The value of the branch on which the merge was made; not where a squash, a cherry-pick or a rebase brought it
    #[arg(long, group = "choice")]
    ours: bool,
    /// The value of the branch that was merged
    #[arg(long, group = "choice")]
    theirs: bool,
    /// The newest value
    #[arg(long, group = "choice")]
    newest: bool,
    /// Secrets that one deleted or moved and another changed stay, with what went with the deletion
    #[arg(long)]
    keep: bool,
    /// A secret that one moved and another changed goes to where it moved, though others may write or read there; so does
    /// what is at other places that it moved to, where they are named, too
    #[arg(long, requires = "names", conflicts_with_all = ["choice", "keep", "discard"])]
    bring: bool,
    /// Leave out versions that are kept beside a secret and count for nothing
    #[arg(long, requires = "names")]
    discard: bool,
    /// Join in what this commit has, where a merge dropped it
    #[arg(long, value_name = "REV", conflicts_with_all = ["choice", "keep", "bring", "discard"])]
    from: Option<String>,
    /// Show the values, too
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    write: WriteFlags,
}

impl ResolveArgs {
    fn choice(&self) -> Option<Pick> {
        match (&self.pick, self.ours, self.theirs, self.newest) {
            (Some(id), ..) => Some(Pick::Id(id.clone())),
            (_, true, ..) => Some(Pick::Ours),
            (_, _, true, _) => Some(Pick::Theirs),
            (_, _, _, true) => Some(Pick::Newest),
            _ => None,
        }
    }
}

/// Runs it.
pub fn run(context: &Context, args: &ResolveArgs) -> Answer {
    let how = context.how(&args.write);
    let (home, expected) = (context.home()?, context.expected_vault());
    // First the roster: who may read what depends on it.
    let with = args.from.as_deref().map_or(roster::With::Index, roster::With::Commit);
    let roster = roster::settle(context.dir(), &home, expected.as_deref(), with, true, &how)?;
    if let Some(settled) = &roster {
        settled.report.notes.iter().for_each(|note| context.note(note));
        if !settled.report.unchanged {
            context.note("the roster contains both branches now");
        }
    }
    // Who asks for an answer to be written has to hear why it is not.
    let is_asking = args.choice().is_some() || args.keep || args.bring || args.discard || args.from.is_some();
    let vault = match context.vault() {
        Err(why) if is_asking => return Err(why.into()),
        vault => vault,
    };
    if let Some(vault) = vault.as_ref().ok().filter(|_| is_asking) {
        vault.may_write()?;
    }
    let references: Vec<Reference> = args.names.iter().map(|name| Reference::parse(name)).collect::<Result<_, _>>()?;
    let wanted = match &vault {
        Ok(vault) => located(vault, &references)?,
        Err(_) => references.iter().filter_map(|one| one.readings().next()).map(|(path, _)| (path, None)).collect(),
    };
    let only: Vec<SecretPath> = wanted.iter().map(|(path, _)| path.clone()).collect();
    let mut settled = index::Settled::default();
    if args.from.is_none() {
        settled = index::settle(context.vault(), context.dir(), &only, &how)?;
        settled.report.notes.iter().for_each(|note| context.note(note));
        for (file, why) in &settled.left {
            context.warn(&format!("{file} stays unmerged: {why}"));
        }
    }
    let Ok(vault) = vault else { return said(context, None, &settled, &Questions::default(), args) };
    if let Some(rev) = &args.from {
        let report = vault.resolve_from(rev, &only, &how)?;
        let done = format!("joined in what {rev} had");
        return out::report(context, &report, &done, &format!("join in what {rev} had"));
    }
    put_back_dropped(context, &vault, &only, &how, &mut settled)?;
    // A reader sees what is open, and somebody without a key here has seen all that they can.
    if vault.may_write().is_err() {
        let seen = if vault.me().is_ok() { questions(context, &vault, &wanted) } else { Ok(Questions::default()) };
        let open = if settled.names.is_empty() { seen? } else { seen.unwrap_or_default() };
        return said(context, None, &settled, &open, args);
    }
    let questions = questions(context, &vault, &wanted)?;
    let answers = answers(context, args, &vault, &wanted, &questions)?;
    let report = vault.resolve(&answers, &how)?;
    let left = if how.dry_run { questions } else { self::questions(context, &context.vault()?, &wanted)? };
    said(context, Some(&report), &settled, &left, args)
}

/// Puts back what git took as it is from the side whose roster was not taken.
fn put_back_dropped(
    context: &Context,
    vault: &Vault,
    only: &[SecretPath],
    how: &How,
    settled: &mut index::Settled,
) -> anyhow::Result<()> {
    let dropped = vault.dropped(only)?;
    if dropped.is_empty() || vault.may_write().is_err() {
        return Ok(());
    }
    let done = vault.put_back_dropped(&dropped, how)?;
    done.report.notes.iter().for_each(|note| context.note(note));
    done.left.iter().for_each(|(_, why)| context.warn(why));
    settled.dropped.extend(done.left);
    let names: Vec<&str> = done.names.iter().map(SecretPath::as_str).collect();
    match &done.report.commit {
        _ if names.is_empty() => {}
        Some(commit) => context.note(&format!("good again: {} (commit {})", names.join(", "), out::short(commit))),
        None => settled.names.extend(done.names),
    }
    Ok(())
}

/// The secrets and fields that names mean.
type Wanted = Vec<(SecretPath, Option<crate::model::names::FieldName>)>;

fn located(vault: &Vault, references: &[Reference]) -> anyhow::Result<Wanted> {
    Ok(references.iter().map(|reference| vault.locate(reference)).collect::<Result<_, _>>()?)
}

fn questions(context: &Context, vault: &Vault, wanted: &Wanted) -> anyhow::Result<Questions> {
    let only: Option<Vec<SecretPath>> =
        (!wanted.is_empty()).then(|| wanted.iter().map(|(path, _)| path.clone()).collect());
    let count = only.as_ref().map_or_else(|| vault.asking_names().map(|names| names.len()), |only| Ok(only.len()))?;
    let bar = progress::bar(context, count, "opening");
    let mut questions = vault.questions(only.as_deref(), &|| bar.inc(1))?;
    bar.finish_and_clear();
    if !wanted.is_empty() {
        let is_wanted = |question: &Question| {
            wanted.iter().any(|(path, field)| {
                *path == question.path && field.as_ref().is_none_or(|field| *field == question.field)
            })
        };
        questions.fields.retain(is_wanted);
    }
    Ok(questions)
}

/// What the flags say, or the person at the terminal.
fn answers(
    context: &Context,
    args: &ResolveArgs,
    vault: &Vault,
    wanted: &Wanted,
    questions: &Questions,
) -> anyhow::Result<Answers> {
    let mut answers = Answers::default();
    // Of none, an earlier one that was killed may have written the answer.
    if args.pick.is_some() && questions.fields.len() > 1 {
        let hint = "name one field, as in: covault resolve prod/db/password --pick ID";
        return Err(Refusal::usage(format!("--pick is for one field, and {} are open", questions.fields.len()), hint));
    }
    if args.bring {
        answers.bring = wanted.iter().map(|(path, _)| path.clone()).collect();
        return Ok(answers);
    }
    for question in &questions.fields {
        let pick = match args.choice() {
            // Nobody's answer to what was asked for all; one that is named hears why.
            _ if question.issued && wanted.is_empty() => None,
            Some(pick) => Some(pick),
            None if question.issued => None,
            None if context.can_ask() && !context.json() && !args.write.dry_run => asked(question, args.reveal),
            None => None,
        };
        if let Some(pick) = pick {
            let write = vault.picked(question, &pick)?;
            answers.picks.push((question.path.clone(), question.field.clone(), write));
        }
    }
    if args.keep {
        answers.keep.clone_from(&questions.contested);
    }
    if args.choice().is_some() || args.keep || args.discard {
        answers.named = wanted.iter().map(|(path, _)| path.clone()).collect();
    }
    if args.discard {
        answers.discard = questions.apart.iter().map(|(path, _)| path.clone()).collect();
        answers.discard.dedup();
    }
    Ok(answers)
}

/// Asks which value counts; `None` leaves the question open.
fn asked(question: &Question, reveal: bool) -> Option<Pick> {
    let lines = lines(question, reveal);
    let chosen =
        ask::choose(&format!("{}/{} has several values. Which one counts?", question.path, question.field), lines)?;
    question.writes.get(chosen).map(|write| Pick::Id(write.name().to_string()))
}

fn lines(question: &Question, reveal: bool) -> Vec<String> {
    let line = |write: &crate::model::register::Write| {
        let value = escape::terminal(&value_text(write, reveal)).into_owned();
        format!("{}  {} by {}, {}", write.name().short(), value, write.author, write.at)
    };
    question.writes.iter().map(line).collect()
}

/// Says what came of it, and what is left.
fn said(
    context: &Context,
    report: Option<&Report>,
    settled: &index::Settled,
    left: &Questions,
    args: &ResolveArgs,
) -> Answer {
    let open = !left.is_empty() || !settled.left.is_empty() || !settled.dropped.is_empty();
    let code = if open { exit::CONFLICT } else { exit::DONE };
    let names: Vec<&str> = settled.names.iter().map(SecretPath::as_str).collect();
    if context.json() {
        let mut all = Map::new();
        all.insert("settled".into(), json!(names));
        let unmerged = settled.left.iter().map(|(file, why)| json!({ "file": file, "why": why }));
        all.insert("unmerged".into(), unmerged.collect());
        let dropped = settled.dropped.iter().map(|(file, why)| json!({ "file": file, "why": why }));
        all.insert("dropped".into(), dropped.collect());
        all.insert("fields".into(), left.fields.iter().map(|question| as_json(question, args.reveal)).collect());
        all.insert("contested".into(), json!(left.contested.iter().map(SecretPath::as_str).collect::<Vec<_>>()));
        let gone = left.gone.iter().map(|(path, gone)| json!({ "name": path.as_str(), "gone": gone }));
        all.insert("gone".into(), gone.collect());
        let apart = left.apart.iter().map(|(path, by)| json!({ "name": path.as_str(), "author": by }));
        all.insert("apart".into(), apart.collect());
        out::report_with(context, report.unwrap_or(&settled.report), "", "", all)?;
        return Ok(code);
    }
    if !names.is_empty() {
        let how = if args.write.dry_run { "would settle" } else { "settled and staged" };
        context.note(&format!("{how}: {} (git commit, or git rebase --continue, goes on)", names.join(", ")));
    }
    if let Some(report) = report.filter(|report| !report.unchanged || names.is_empty()) {
        if report.unchanged && open {
            report.notes.iter().for_each(|note| context.note(note));
            context.note("nothing is settled yet: what follows waits for an answer");
        } else {
            out::report(context, report, "settled what waited", "settle what waits")?;
        }
    }
    for question in &left.fields {
        let values: Vec<String> = lines(question, args.reveal).into_iter().map(|line| format!("  {line}")).collect();
        out::text(&format!("{}/{}\n{}", question.path, question.field, values.join("\n")))?;
        if question.issued {
            let path = &question.path;
            out::text(&format!(
                "  several clones made keys for it at the same time: covault key resume {path} settles it"
            ))?;
        }
    }
    for path in &left.contested {
        let bring = left.moved.get(path).map_or_else(String::new, |places| {
            let places: Vec<&str> = places.iter().map(SecretPath::as_str).collect();
            format!(", --bring takes it to {}", places.join(" or "))
        });
        out::text(&format!(
            "{path}\n  deleted or moved by one and changed by another: covault resolve {path} --keep leaves it here{bring}, \
             covault rm {path} drops it"
        ))?;
        if let Some(gone) = left.gone.get(path) {
            let gone = gone.join(", ");
            out::text(&format!(
                "  {gone} went with the deletion: covault restore {path} brings it back, and so does --keep"
            ))?;
        }
    }
    for (path, author) in &left.apart {
        let how = match left.others.get(path) {
            Some(others) => format!("counts for nothing, and {}", others.how()),
            None if left.lost.contains(path) => format!(
                "opens for nobody who may write {path}, and keeps the rest of it back: covault resolve {path} \
                 --discard leaves it out; or let one who reads it write with: covault member role NAME writer"
            ),
            None => format!(
                "counts for nothing: covault rekey {path} --accept vouches for it, covault resolve {path} \
                 --discard leaves it out"
            ),
        };
        out::text(&format!("{path}\n  what {author} wrote {how}"))?;
    }
    Ok(code)
}

fn as_json(question: &Question, reveal: bool) -> Value {
    let write = |write: &crate::model::register::Write| {
        let value = (reveal || write.plain).then(|| write.value.as_text()).flatten();
        json!({
            "id": write.name().to_string(), "author": write.author.as_str(), "at": write.at.to_string(),
            "value": value, "absent": write.value.present().is_none(),
        })
    };
    json!({
        "name": question.path.as_str(), "field": question.field.as_str(),
        "values": question.writes.iter().map(write).collect::<Vec<_>>(),
    })
}
