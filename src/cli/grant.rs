//! `covault grant`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use comfy_table::Table;
use serde_json::{Map, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::plan::{self, Doing};
use super::{complete, out};
use crate::model::names::{SecretPath, Subject};
use crate::model::roster::Holder;
use crate::vault::Vault;
use crate::vault::grant::GrantChange;

/// Who reads what is below a path
///
/// The nearest grant above a secret decides who reads it. READER is a member, a group as @dev, or @people: everybody who
/// is no machine. Named readers replace those of the grant; --add and --remove change it, starting from those who read
/// there now. Without any, shows the grants. Only admins change them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault grant                        # all grants\n  covault grant prod @ops alice        # exactly these\n  \
    covault grant staging --add ci\n  covault grant / --remove @people --add @dev\n  covault grant prod --inherit         # the grant above decides again\n\n\
    What can go wrong: a secret that you cannot open stays sealed as it was, until somebody who can writes (exit 8)."
)]
pub struct GrantArgs {
    /// A folder or a secret; / is everything
    #[arg(value_name = "PATH", add = ArgValueCandidates::new(complete::names))]
    path: Option<String>,
    /// Exactly these read from now on
    #[arg(value_name = "READER", conflicts_with_all = ["add", "remove", "inherit"])]
    readers: Vec<String>,
    /// Let these read, too
    #[arg(long, value_name = "READER")]
    add: Vec<String>,
    /// Let these not read any more
    #[arg(long, value_name = "READER")]
    remove: Vec<String>,
    /// Take the grant away: the one above decides
    #[arg(long, conflicts_with_all = ["add", "remove"])]
    inherit: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &GrantArgs) -> Answer {
    let path = args.path.as_deref().map(place).transpose()?;
    let vault = context.vault_without_key()?;
    let change = if args.inherit {
        GrantChange::Inherit
    } else if !args.readers.is_empty() {
        GrantChange::Set(holders(&args.readers)?)
    } else if args.add.is_empty() && args.remove.is_empty() {
        return list(context, &vault, path.as_ref().map(Option::as_ref));
    } else {
        GrantChange::Edit { add: holders(&args.add)?, remove: holders(&args.remove)? }
    };
    let Some(path) = path else {
        return Err(Refusal::usage(
            "a path is needed: where the grant is",
            "covault grant / …, or covault grant FOLDER …",
        ));
    };
    let amendment = vault.grant(path.as_ref(), &change, &context.how(&args.write))?;
    let shown = path.as_ref().map_or("/", SecretPath::as_str);
    let (done, would) = said(shown, &change);
    if let Some(path) = &path {
        say_if_empty(context, &vault, path)?;
    }
    let message = format!("covault: {would}");
    let doing = Doing { write: &args.write, yes: args.yes, message, done, would, more: Map::new() };
    Ok(plan::carry_out(context, &vault, amendment, doing)?.0)
}

/// Says so where a grant is for secrets that are still to come: the path may be mistyped.
pub fn say_if_empty(context: &Context, vault: &Vault, path: &SecretPath) -> anyhow::Result<()> {
    if vault.below(path.as_str())?.is_empty() && !vault.exists(path)? {
        context.note(&format!("there is no secret below {path} yet"));
    }
    Ok(())
}

fn said(place: &str, change: &GrantChange) -> (String, String) {
    let names = |holders: &[Holder]| holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match change {
        GrantChange::Inherit => {
            (format!("the grant above {place} decides now"), format!("let the grant above {place} decide"))
        }
        GrantChange::Set(readers) => {
            (format!("granted {place} to {}", names(readers)), format!("grant {place} to {}", names(readers)))
        }
        GrantChange::Edit { add, remove } => {
            let part = |sign: &str, holders: &[Holder]| match holders {
                [] => String::new(),
                _ => format!(" {sign} {}", names(holders)),
            };
            let parts = format!("{}{}", part("with", add), part("without", remove));
            (format!("granted {place}{parts}"), format!("grant {place}{parts}"))
        }
    }
}

fn list(context: &Context, vault: &Vault, path: Option<Option<&SecretPath>>) -> Answer {
    let mut grants = vault.grants()?;
    if let Some(path) = path {
        let decides = vault.grant_over(path);
        grants.retain(|grant| grant.place == decides);
    }
    if context.json() {
        let rows = grants.iter().map(|g| json!({ "path": g.place, "readers": g.readers, "secrets": g.secrets }));
        out::json(&rows.collect())?;
        return Ok(exit::DONE);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["PATH", "SECRETS", "READERS"]);
    for grant in &grants {
        table.add_row([grant.place.clone(), grant.secrets.to_string(), grant.readers.join(" ")]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    out::text(&lines.join("\n"))?;
    Ok(exit::DONE)
}

/// A folder, a secret, or `/`, which is `None`.
fn place(text: &str) -> anyhow::Result<Option<SecretPath>> {
    let path = text.trim_end_matches('/');
    if path.is_empty() && !text.is_empty() {
        return Ok(None);
    }
    if path.starts_with('@') {
        return Err(Refusal::usage(format!("'{text}' is no path"), format!("for everything: covault grant / {text}")));
    }
    Ok(Some(SecretPath::parse(path)?))
}

fn holders(texts: &[String]) -> anyhow::Result<Vec<Holder>> {
    let holder = |text: &String| match text.as_str() {
        "@people" => Ok(Holder::People),
        text => Subject::parse(text).map(|subject| match subject {
            Subject::Member(name) => Holder::Member(name),
            Subject::Group(group) => Holder::Group(group),
        }),
    };
    let mut all = texts.iter().map(holder).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    all.dedup();
    Ok(all)
}
