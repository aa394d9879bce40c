//! `covault rekey`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Map, Value, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::plan::{self, Doing};
use super::{complete, out, progress};
use crate::model::names::SecretPath;
use crate::vault::accept::Vouching;
use crate::vault::access::Pending;
use crate::vault::{Vault, error};

/// New file keys for secrets, or vouch for what somebody wrote who has left
///
/// Values stay as they are. Without a name: finishes what waits, so that every secret is sealed to exactly those who are
/// to read it. With names, or folders: new file keys for these, and files that differ are joined. With --accept: a version
/// in the work tree that is refused because its author may not write it (any more) is shown, joined with what is here, and
/// sealed in your name.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault rekey                        # what waits: somebody came, left, or reads less\n  \
    covault rekey prod/db staging/\n  covault rekey --all\n  covault rekey dev/api --accept       # carol wrote it on a branch before she left\n\n\
    What can go wrong: you cannot open some of them (8); a file to --accept is refused for another reason, or is an \
    older version (6)."
)]
pub struct RekeyArgs {
    /// The secrets, or folders of them
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::names))]
    names: Vec<String>,
    /// All secrets
    #[arg(long, conflicts_with_all = ["names", "pending", "accept"])]
    all: bool,
    /// Only what waits to be sealed for its readers: as without a name
    #[arg(long, conflicts_with_all = ["names", "accept"])]
    pending: bool,
    /// Vouch for versions whose author may not write them any more
    #[arg(long, requires = "names")]
    accept: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RekeyArgs) -> Answer {
    let names: Vec<_> = args.names.iter().map(|name| name.trim_end_matches('/')).collect();
    let names = names.into_iter().map(SecretPath::parse).collect::<Result<Vec<_>, _>>()?;
    let vault = context.vault()?;
    if args.accept {
        return accept(context, &vault, args, names);
    }
    if args.all {
        return rekey(context, &vault, args, None);
    }
    if names.is_empty() {
        return finish(context, &vault, args);
    }
    let named = vault.named_secrets(&names)?;
    rekey(context, &vault, args, Some(&named))
}

/// Seals what waits.
fn finish(context: &Context, vault: &Vault, args: &RekeyArgs) -> Answer {
    let amendment = vault.amendment(Vec::new(), &context.how(&args.write))?;
    let doing = Doing {
        write: &args.write,
        yes: true,
        message: "covault: seal what waits".to_owned(),
        done: "sealed what waits".to_owned(),
        would: "seal what waits".to_owned(),
        more: Map::new(),
    };
    let (code, amended) = plan::carry_out(context, vault, amendment, doing)?;
    let left = amended.map(|amended| amended.left).unwrap_or_default();
    Ok(if left.is_empty() { code } else { exit::FINDINGS })
}

/// New file keys for these, or for all.
fn rekey(context: &Context, vault: &Vault, args: &RekeyArgs, named: Option<&[SecretPath]>) -> Answer {
    let rekeying = vault.rekeying(named)?;
    let pending = rekeying.pending();
    let mine: Vec<_> = pending.iter().filter(|one| one.mine || one.in_part).map(|one| one.path.as_str()).collect();
    if !context.json() {
        context.note(&format!("new file keys for {}", plan::listed(&mine)));
    }
    plan::show(context, &pending);
    rekeying.notes.iter().for_each(|note| context.note(note));
    let refused = refused(context, rekeying.refused());
    let mut more = Map::new();
    more.insert("plan".into(), plan::as_json(&pending));
    let is_whole = refused.is_empty();
    more.insert("refused".into(), refused.into());
    let how = context.how(&args.write);
    let what = match (named, mine.as_slice()) {
        (Some([one]), _) => one.to_string(),
        (_, mine) => format!("{} secrets", mine.len()),
    };
    let (message, would) = (format!("covault: rekey {what}"), format!("rekey {what}"));
    let bar = progress::bar(context, pending.len(), "sealing");
    let rekeyed = vault.rekey(rekeying, &how, &message, &|| bar.inc(1))?;
    bar.finish_and_clear();
    more.insert("sealed".into(), rekeyed.sealed.into());
    more.insert("left".into(), plan::as_json(&rekeyed.left));
    let done = match rekeyed.sealed {
        1 => "1 secret sealed again".to_owned(),
        n => format!("{n} secrets sealed again"),
    };
    out::report_with(context, &rekeyed.report, &done, &would, more)?;
    left_over(context, &rekeyed.left);
    Ok(if rekeyed.left.is_empty() && is_whole { exit::DONE } else { exit::FINDINGS })
}

fn left_over(context: &Context, left: &[Pending]) {
    if !left.is_empty() && !context.json() {
        let names: Vec<_> = left.iter().map(|one| one.path.as_str()).collect();
        context.note(&format!("as they were: {}", plan::listed(&names)));
    }
}

fn refused(context: &Context, refused: &[(String, crate::vault::VaultError)]) -> Vec<Value> {
    let one = |(file, why): &(String, crate::vault::VaultError)| {
        context.warn(&format!("{file} is left alone: {}", error::chain(why)));
        json!({ "file": file, "why": error::chain(why) })
    };
    refused.iter().map(one).collect()
}

/// Vouches for what somebody wrote who may not write it any more.
fn accept(context: &Context, vault: &Vault, args: &RekeyArgs, mut names: Vec<SecretPath>) -> Answer {
    names.sort_unstable();
    names.dedup();
    let how = context.how(&args.write);
    let (mut vouching, mut good) = (Vec::new(), Vec::new());
    for name in &names {
        match vault.vouching(name, how.now)? {
            Some(one) => vouching.push(one),
            None => good.push(name.clone()),
        }
    }
    if !context.json() {
        good.iter().for_each(|name| context.note(&format!("{name} is not refused: there is nothing to accept")));
        vouching.iter().for_each(|one| say(context, one));
    }
    let mut more = Map::new();
    more.insert("accepted".into(), vouching.iter().map(as_json).collect());
    if vouching.is_empty() {
        let report = vault.vouched_before(&good, &how, &message(&good, None))?;
        return out::report_with(context, &report, "committed it", "commit it", more);
    }
    let paths: Vec<_> = vouching.iter().map(|one| one.path.clone()).collect();
    let authors: std::collections::BTreeSet<_> = vouching.iter().map(|one| one.author.as_str()).collect();
    let authors = authors.into_iter().collect::<Vec<_>>().join(" and ");
    let what = paths.iter().map(SecretPath::as_str).collect::<Vec<_>>().join(", ");
    let would = format!("vouch for what {authors} wrote in {what}");
    if !args.write.dry_run {
        plan::confirm(context, args.yes, &would).map_err(|error| {
            if context.can_ask() {
                error
            } else {
                Refusal::needs_person(format!("somebody has to {would}"), again(&paths))
            }
        })?;
    }
    let report = vault.vouch(vouching, &how, &message(&paths, Some(&authors)))?;
    out::report_with(context, &report, &format!("sealed in your name: {what}"), &would, more)
}

fn again(paths: &[SecretPath]) -> String {
    let names: Vec<_> = paths.iter().map(SecretPath::as_str).collect();
    format!("covault rekey {} --accept --yes", names.join(" "))
}

fn message(paths: &[SecretPath], authors: Option<&str>) -> String {
    let what = match paths {
        [one] => one.to_string(),
        many => format!("{} secrets", many.len()),
    };
    authors
        .map_or_else(|| format!("covault: accept {what}"), |who| format!("covault: accept {what} as written by {who}"))
}

/// Who wrote it and which fields it changes: no value.
fn say(context: &Context, one: &Vouching) {
    let left = if one.has_left { ", who has left" } else { ", who may not write it now" };
    context.note(&format!("{}: revision {} by {}{left}, at {}", one.path, one.revision, one.author, one.at));
    for (what, verb) in &one.changes {
        context.note(&format!("  {verb} {what}"));
    }
    if one.changes.is_empty() {
        context.note("  it changes nothing that is shown here");
    }
    for what in &one.replaced {
        context.note(&format!(
            "  {what} was written here meanwhile, too, and takes {}'s value (the other: covault restore {})",
            one.author, one.path
        ));
    }
    if one.other_shares {
        context.note("  who it is shared with is not taken over");
    }
}

fn as_json(one: &Vouching) -> Value {
    let changes = one.changes.iter().map(|(what, verb)| json!({ "what": what, "how": verb }));
    json!({
        "secret": one.path.as_str(), "author": one.author, "has_left": one.has_left, "at": one.at.to_string(),
        "revision": one.revision, "changes": changes.collect::<Vec<_>>(), "replaced": one.replaced,
        "other_shares": one.other_shares,
    })
}
