//! `covault member remove`.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::key;
use crate::cli::plan::{self, Doing};
use crate::model::names::{MemberName, SecretPath};
use crate::vault::Vault;
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
    let will_lose: Vec<SecretPath> = departure
        .amendment
        .pending()
        .into_iter()
        .filter(|change| is_theirs(&name, change))
        .map(|one| one.path)
        .collect();
    let mut made = plan::make(context, &vault, departure.amendment, doing)?;
    if !context.json() {
        made.say(context)?;
    }
    let keys = match &made.amended {
        None => plan_their_keys(context, args, &vault, &name, will_lose)?,
        Some(_) => {
            vault.home().forget_invite(vault.roster().vault, &name)?;
            rotate_their_keys(context, args, &name)?
        }
    };
    let code = made.code.max(keys.code);
    if context.json() {
        made.more.insert("keys".into(), keys.as_json());
        made.say(context)?;
        return Ok(code);
    }
    let Some(amended) = made.amended else { return Ok(code) };
    let still = amended.left.iter().filter(|change| is_theirs(&name, change));
    let still: Vec<_> = still.map(|pending| pending.path.as_str()).collect();
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

fn is_theirs(name: &MemberName, change: &Pending) -> bool {
    change.losses.iter().any(|loser| loser == name.as_str())
}

/// What becomes of the keys that providers issued and that they could read.
#[derive(Default)]
struct Keys {
    known: Vec<SecretPath>,
    rotated: Vec<SecretPath>,
    left: Vec<(SecretPath, String)>,
    code: u8,
}

impl Keys {
    fn as_json(&self) -> Value {
        let names = |paths: &[SecretPath]| json!(paths.iter().map(SecretPath::as_str).collect::<Vec<_>>());
        let left = self.left.iter().map(|(path, why)| json!({ "secret": path.as_str(), "why": why }));
        json!({ "known": names(&self.known), "rotated": names(&self.rotated), "left": left.collect::<Vec<_>>() })
    }
}

/// Says which keys would be replaced: those that they lose now, and those that they knew before.
fn plan_their_keys(
    context: &Context,
    args: &RemoveArgs,
    vault: &Vault,
    name: &MemberName,
    mut known: Vec<SecretPath>,
) -> anyhow::Result<Keys> {
    let issued = |path: &SecretPath| {
        let issued = vault.issued(path);
        issued.is_ok_and(|(provider, record)| provider.issues && record.standing.may_work())
    };
    known.retain(|path| issued(path));
    known.extend(vault.rotation(&Wanted::ExposedTo(name.clone(), false))?.at_providers());
    known.sort();
    known.dedup();
    if !known.is_empty() {
        let names: Vec<&str> = known.iter().map(SecretPath::as_str).collect();
        let listed = plan::listed(&names);
        context.note(&match args.keep_keys {
            true => format!("keys at providers that {name} knows would stay as they are: {listed}"),
            false => format!("keys at providers that {name} knows would get new ones, and die: {listed}"),
        });
    }
    Ok(Keys { known, ..Keys::default() })
}

/// Replaces the keys that providers issued and that they could read; lists what failed.
fn rotate_their_keys(context: &Context, args: &RemoveArgs, name: &MemberName) -> anyhow::Result<Keys> {
    let rotation = context.vault()?.rotation(&Wanted::ExposedTo(name.clone(), false))?;
    let known = rotation.at_providers();
    if known.is_empty() || args.write.no_commit {
        return Ok(Keys { known, ..Keys::default() });
    }
    let names: Vec<&str> = known.iter().map(SecretPath::as_str).collect();
    if args.keep_keys {
        context.note(&format!("keys that {name} knows and that still work: {}", plan::listed(&names)));
        return Ok(Keys { known, code: exit::FINDINGS, ..Keys::default() });
    }
    context.note(&format!("keys at providers that {name} knows get new ones: {}", plan::listed(&names)));
    let mut left = Vec::new();
    let done =
        key::rotate::all(context, &known, &format!("{name} left"), 0, &mut |path, why| left.push((path.clone(), why)));
    for (path, why) in &left {
        context.warn(&format!("{name} still knows a key that is not gone, that of {path}: {why}"));
    }
    let code = if left.is_empty() { done.code } else { done.code.max(exit::FINDINGS) };
    Ok(Keys { known, rotated: done.rotated, left, code })
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
