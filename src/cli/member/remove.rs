//! `covault member remove`.

use clap::Args;
use serde_json::{Map, json};

use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::key;
use crate::cli::plan::{self, Doing};
use crate::model::names::{MemberName, SecretPath};
use crate::vault::access::Pending;
use crate::vault::leave::Departure;
use crate::vault::rotate::Wanted;

/// Take a member out
///
/// One commit: the roster's entry, and a new file key for everything that they could read. What they wrote until now stays
/// good; what they sign from now on is refused. What they have read they keep: change those values (covault expose NAME).
/// Keys that a provider issued and that they could read are replaced at once, and die there (covault key rotate).
/// A secret that you cannot open yourself stays sealed to them until somebody who can runs a writing command or covault
/// rekey; repeating the command says what is left. Names are never used again.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault member remove carol --dry-run\n  covault member remove carol --yes\n  \
    covault member remove carol --keep ci --yes      # carol made ci's identity, and it may keep it\n\n\
    What can go wrong: carol is the last admin, or made the identity of a machine (7); some secrets are still sealed to \
    carol, because you cannot open them (8).")]
pub struct RemoveArgs {
    /// Who leaves
    name: String,
    /// A machine that keeps its identity though they made it
    #[arg(long, value_name = "MACHINE")]
    keep: Vec<String>,
    /// Leave keys that providers issued as they are, though they know them
    #[arg(long)]
    keep_keys: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RemoveArgs) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let keep = args.keep.iter().map(|machine| MemberName::parse(machine)).collect::<Result<Vec<_>, _>>()?;
    let vault = context.vault()?;
    let departure = vault.departure(&name, &keep, &context.how(&args.write))?;
    if let Some(other) = keep.iter().find(|machine| departure.was.is_some() && !departure.kept.contains(machine)) {
        return Err(Refusal::usage(
            format!("{name} has not made the identity of {other}"),
            format!("leave --keep {other} out"),
        ));
    }
    say(context, &departure);
    let more = facts(&departure);
    let could_read = !departure.amendment.pending().is_empty();
    let first = departure.was.is_some();
    let (message, done, would) = if first {
        (format!("covault: remove {name}"), format!("{name} is out"), format!("take {name} out"))
    } else {
        (
            format!("covault: seal what was sealed to {name}"),
            format!("sealed what was sealed to {name}"),
            format!("seal what is sealed to {name}"),
        )
    };
    let doing = Doing { write: &args.write, yes: args.yes, message, done, would, more };
    let (code, amended) = plan::carry_out(context, &vault, departure.amendment, doing)?;
    let Some(amended) = amended else { return Ok(code) };
    vault.home().forget_invite(vault.roster().vault, &name)?;
    let code = code.max(rotate_their_keys(context, args, &name)?);
    if context.json() {
        return Ok(code);
    }
    let is_theirs = |pending: &&Pending| pending.losses.iter().any(|loser| loser == name.as_str());
    let still: Vec<_> = amended.left.iter().filter(is_theirs).map(|pending| pending.path.as_str()).collect();
    if !still.is_empty() {
        context.note(&format!(
            "still sealed to {name}: {}; who can open them seals them with: covault rekey",
            plan::listed(&still)
        ));
    } else if !first {
        context.note(&format!("nothing is sealed to {name} any more"));
    }
    if first && could_read {
        context.note(&format!("see what to rotate with: covault expose {name}"));
    }
    if amended.report.commit.is_some() {
        context.note("next: push it, so that everybody seals without them");
    }
    Ok(code)
}

/// Replaces the keys that providers issued and that they could read; lists what failed.
fn rotate_their_keys(context: &Context, args: &RemoveArgs, name: &MemberName) -> anyhow::Result<u8> {
    let rotation = context.vault()?.rotation(&Wanted::ExposedTo(name.clone(), false))?;
    let issued = rotation.at_providers();
    if issued.is_empty() || args.write.no_commit {
        return Ok(exit::DONE);
    }
    let names: Vec<&str> = issued.iter().map(SecretPath::as_str).collect();
    if args.keep_keys {
        context.note(&format!("keys that {name} knows and that still work: {}", plan::listed(&names)));
        return Ok(exit::FINDINGS);
    }
    context.note(&format!("keys at providers that {name} knows get new ones: {}", plan::listed(&names)));
    let mut failed = Vec::new();
    let done = key::rotate::all(context, &issued, &format!("{name} left"), 0, &mut |path, _| failed.push(path.clone()));
    for path in &failed {
        context.warn(&format!("{name} still knows a key that works: covault key rotate {path}"));
    }
    Ok(if failed.is_empty() { done.code } else { done.code.max(exit::FINDINGS) })
}

/// Who it is, and what hangs on them beside secrets.
fn say(context: &Context, departure: &Departure) {
    if context.json() {
        return;
    }
    let name = &departure.name;
    let list = |names: &[MemberName]| names.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
    match departure.was {
        Some((role, kind)) => context.note(&format!("{name} is {} ({})", role.with_article(), kind.as_str())),
        None => context.note(&format!("{name} was taken out already")),
    }
    if departure.gone_elsewhere {
        context.warn(&format!(
            "{name} was taken out in another clone or on the trunk already; bring that here first with: git pull"
        ));
    }
    if !departure.groups.is_empty() {
        let groups: Vec<_> = departure.groups.iter().map(|group| format!("@{group}")).collect();
        context.note(&format!("in the groups: {}", groups.join(", ")));
    }
    if !departure.admitted.is_empty() {
        context.note(&format!("{name} let in: {}; they stay", list(&departure.admitted)));
    }
    if !departure.kept.is_empty() {
        context.note(&format!("{name} made the identities of: {}; they are kept as they are", list(&departure.kept)));
    }
    if departure.amendment.kept > 0 {
        context.note(&format!("versions of theirs that stay good: {}", departure.amendment.kept));
    }
}

fn facts(departure: &Departure) -> Map<String, serde_json::Value> {
    let names = |names: &[MemberName]| json!(names.iter().map(MemberName::as_str).collect::<Vec<_>>());
    let mut more = Map::new();
    more.insert("name".into(), json!(departure.name.as_str()));
    more.insert("role".into(), json!(departure.was.map(|(role, _)| role.as_str())));
    more.insert("kind".into(), json!(departure.was.map(|(_, kind)| kind.as_str())));
    more.insert("admitted".into(), names(&departure.admitted));
    more.insert("kept_machines".into(), names(&departure.kept));
    more.insert("groups".into(), json!(departure.groups.iter().map(|group| group.as_str()).collect::<Vec<_>>()));
    more.insert("stay_good".into(), json!(departure.amendment.kept));
    more
}
