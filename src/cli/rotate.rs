//! `covault rotate`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Map, Value, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::{ask, complete, key, out, plan, stdin};
use crate::model::names::{MemberName, Reference};
use crate::plaintext::Plaintext;
use crate::vault::rotate::{Elsewhere, Means, NewValue, Rotation, Step, Wanted};
use crate::vault::write::Report;

/// Give secrets new values
///
/// What was generated is generated anew; everything else is asked for. One commit.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault rotate prod/db\n  covault rotate prod/db/password staging/db --yes\n  \
    covault rotate --exposed-to carol\n  covault rotate --exposed-to bob --devices    # a lost laptop, after covault member renew\n  covault rotate --due --dry-run\n  pwgen 32 1 | covault rotate prod/db/password --stdin\n\n\
    What was generated (covault set --generate) is generated anew in the same way; the rest is asked for, hidden. Without a \
    terminal that is left and listed, and the exit code is 8; so is what is not sealed to you, \
    files and one-time passwords. A new value is of use only where it is put to work: nothing outside of the vault changes.\n\n\
    Old values come back with: covault restore prod/db")]
pub struct RotateArgs {
    /// Secrets (all secret fields of each), or fields of secrets
    #[arg(value_name = "NAME[/FIELD]", required_unless_present_any = ["exposed_to", "due"], add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    /// What this member could read, may not read any more, and has not been changed since (see: covault expose)
    #[arg(long, value_name = "MEMBER", conflicts_with_all = ["names", "due"])]
    exposed_to: Option<String>,
    /// With --exposed-to: also what devices could read that are not on the member's card any more
    #[arg(long, requires = "exposed_to")]
    devices: bool,
    /// What has expired, and what wants a new value by its --rotate-every
    #[arg(long, conflicts_with = "names")]
    due: bool,
    /// Read the one value that would be asked for from stdin
    #[arg(long)]
    stdin: bool,
    /// Do not ask whether to go on
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// A value that stays as it is, and why.
struct Left {
    secret: String,
    field: Option<String>,
    why: String,
}

/// Runs it.
pub fn run(context: &Context, args: &RotateArgs) -> Answer {
    let vault = context.vault()?;
    // Before a person types a secret, see that it can be kept.
    if !args.write.dry_run {
        vault.may_write_as(&context.how(&args.write))?;
    }
    let rotation = vault.rotation(&wanted(context, args)?)?;
    let asked = rotation.steps.iter().filter(|step| step.means == Means::Ask).count();
    if args.stdin && asked != 1 {
        let hint = "name one field, as in: covault rotate prod/db/password --stdin";
        return Err(Refusal::usage(format!("--stdin is for one value, and {asked} would be asked for"), hint));
    }
    let can_ask = args.stdin || context.can_ask();
    let mut left = left(&rotation, can_ask);
    let due: Vec<&Step> = rotation.steps.iter().filter(|step| is_made_here(step, can_ask)).collect();
    show(context, &due, &left);
    if !context.json() {
        let issued = rotation.at_providers();
        issued.iter().for_each(|path| context.note(&format!("{path}: a new key from its provider")));
    }
    if !context.json() {
        super::expose::say_machines(context, rotation.machines.iter());
    }
    let would = format!("give {} a new value", count(due.len(), "field"));
    let message = format!("rotated {}", count(due.len(), "field"));
    let issued = rotation.at_providers();
    if args.write.dry_run || due.is_empty() && issued.is_empty() {
        let mut files: Vec<String> = due.iter().map(|step| vault.file(&step.path)).collect();
        files.dedup();
        let unchanged = files.is_empty();
        let report = Report { unchanged, files, dry_run: args.write.dry_run, ..Report::default() };
        out::report_with(context, &report, &message, &would, more(&due, &left))?;
        return Ok(code(&left));
    }
    // Who types the only value has said yes.
    if due.iter().any(|step| step.means != Means::Ask) || !issued.is_empty() {
        let keys = if issued.is_empty() {
            String::new()
        } else {
            format!(", and {} a new key", count(issued.len(), "secret"))
        };
        plan::confirm(context, args.yes, &format!("{would}{keys}"))?;
    }
    let mut values = Vec::with_capacity(due.len());
    let mut done = Vec::with_capacity(due.len());
    for step in due {
        match value(step, args.stdin)? {
            Some((value, recipe)) => {
                values.push(NewValue { path: step.path.clone(), field: step.field.clone(), value, recipe });
                done.push(step);
            }
            None => {
                let one = left_as(step, if args.stdin { "there is nothing on stdin" } else { "nothing was typed" });
                say_left(context, &one);
                left.push(one);
            }
        }
    }
    let report = match values.is_empty() {
        true => Report { unchanged: true, ..Report::default() },
        false => vault.rotate(&rotation, values, &context.how(&args.write))?,
    };
    let message = format!("rotated {}", count(done.len(), "field"));
    let (reason, keep_old) = (why(args), 0);
    let keys = key::rotate::all(context, &issued, &reason, keep_old, &mut |path, why| {
        left.push(Left { secret: path.to_string(), field: None, why });
    });
    let mut more = more(&done, &left);
    more.insert("keys".into(), keys.rotated.iter().map(|path| json!(path.as_str())).collect());
    if !done.is_empty() || keys.rotated.is_empty() {
        out::report_with(context, &report, &message, &would, more)?;
    } else if context.json() {
        out::json(&Value::Object(more))?;
    }
    Ok(code(&left).max(keys.code))
}

fn wanted(context: &Context, args: &RotateArgs) -> anyhow::Result<Wanted> {
    Ok(match &args.exposed_to {
        Some(name) => Wanted::ExposedTo(MemberName::parse(name)?, args.devices),
        None if args.due => Wanted::Due(context.now()),
        None => Wanted::Named(args.names.iter().map(|name| Reference::parse(name)).collect::<Result<_, _>>()?),
    })
}

/// What the records of replaced keys say.
fn why(args: &RotateArgs) -> String {
    match &args.exposed_to {
        Some(name) => format!("{name} could read it"),
        None if args.due => "it was due".to_owned(),
        None => String::new(),
    }
}

/// A new value for a field, with how it was generated; `None` where the person typed nothing, or stdin has nothing.
fn value(step: &Step, from_stdin: bool) -> anyhow::Result<Option<(Plaintext, Option<crate::model::generate::Recipe>)>> {
    if let Means::Generate(recipe) = step.means {
        let mut random = |buffer: &mut [u8]| rand_core::RngCore::fill_bytes(&mut rand_core::OsRng, buffer);
        return Ok(Some((Plaintext::from_text(&recipe.generate(&mut random)?), Some(recipe))));
    }
    let typed = if from_stdin {
        Some(stdin::value()?)
    } else {
        ask::hidden_twice(&name(step)).map(|typed| Plaintext::from_text(&typed))
    };
    Ok(typed.filter(|value| !value.is_empty()).map(|value| (value, None)))
}

fn is_made_here(step: &Step, can_ask: bool) -> bool {
    match step.means {
        Means::Generate(_) => true,
        Means::Ask => can_ask,
        Means::Elsewhere(_) => false,
    }
}

/// What stays as it is, and what to do about it.
fn left(rotation: &Rotation, can_ask: bool) -> Vec<Left> {
    let at_provider = |step: &&Step| matches!(step.means, Means::Elsewhere(Elsewhere::Provider(_)));
    let steps = rotation.steps.iter().filter(|step| !is_made_here(step, can_ask) && !at_provider(step));
    let mut left: Vec<Left> = steps
        .map(|step| {
            let Step { path, field, means } = step;
            let why = match means {
                Means::Elsewhere(Elsewhere::Provider(provider)) => format!("{provider} issues it"),
                Means::Elsewhere(Elsewhere::Unmanaged(provider)) => {
                    format!("{provider} issues it: make a new one there, then covault set {path} --stdin {field}")
                }
                Means::Elsewhere(Elsewhere::File) => format!("it is a file: covault set {path} --file {field}=PATH"),
                Means::Elsewhere(Elsewhere::OneTime) => {
                    format!("it is for one-time passwords: covault set {path} --totp {field}")
                }
                Means::Ask | Means::Generate(_) => {
                    format!("nobody can be asked: covault rotate {path}/{field} --stdin")
                }
            };
            left_as(step, &why)
        })
        .collect();
    let closed = rotation.closed.iter();
    left.extend(closed.map(|(path, why)| Left { secret: path.to_string(), field: None, why: why.clone() }));
    left
}

fn left_as(step: &Step, why: &str) -> Left {
    Left { secret: step.path.to_string(), field: Some(step.field.to_string()), why: why.to_owned() }
}

fn show(context: &Context, due: &[&Step], left: &[Left]) {
    if context.json() {
        return;
    }
    for step in due {
        match &step.means {
            Means::Generate(recipe) => context.note(&format!("{}: generated anew ({recipe})", name(step))),
            _ => context.note(&format!("{}: asked for", name(step))),
        }
    }
    left.iter().for_each(|one| say_left(context, one));
}

fn say_left(context: &Context, one: &Left) {
    if !context.json() {
        let field = one.field.as_ref().map(|field| format!("/{field}")).unwrap_or_default();
        context.note(&format!("left: {}{field}: {}", one.secret, one.why));
    }
}

fn name(step: &Step) -> String {
    format!("{}/{}", step.path, step.field)
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn code(left: &[Left]) -> u8 {
    if left.is_empty() { exit::DONE } else { exit::FINDINGS }
}

fn more(done: &[&Step], left: &[Left]) -> Map<String, Value> {
    let done = done.iter().map(|step| {
        let how = match &step.means {
            Means::Generate(recipe) => recipe.to_string(),
            _ => "asked".to_owned(),
        };
        json!({ "secret": step.path.as_str(), "field": step.field.as_str(), "how": how })
    });
    let left = left.iter().map(|one| json!({ "secret": one.secret, "field": one.field, "why": one.why }));
    let mut more = Map::new();
    more.insert("rotated".into(), done.collect());
    more.insert("left".into(), left.collect());
    more
}
