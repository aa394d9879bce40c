//! `covault share` and `covault unshare`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Map, json};

use super::args::WriteFlags;
use super::complete;
use super::context::Context;
use super::exit::Answer;
use super::plan::{self, Doing};
use crate::model::names::{SecretPath, Subject};

/// Let somebody read one secret
///
/// For one secret and somebody whom no grant names: a member, or a group as @dev. Any writer who reads the secret can
/// share it. Its values stay as they are; only its header is written anew. Folders are granted instead, by an admin.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault share prod/db bob\n  covault share prod/db bob @dev --dry-run\n  \
    covault grant prod @dev              # a folder, and what comes into it later\n  covault who prod/db\n\n\
    What can go wrong: nobody can be asked (--yes); you do not read the secret yourself.")]
pub struct ShareArgs {
    #[command(flatten)]
    what: What,
}

/// Take back what share gave
///
/// Seals the secret with a new file key, so that they cannot open what comes after. What they have read they have read:
/// change the values. Who reads by a grant loses that by changing the grant.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault unshare prod/db bob\n  covault unshare prod/db @dev --dry-run\n\n\
    What can go wrong: they read by a grant (covault who NAME says which; covault grant changes it).")]
pub struct UnshareArgs {
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct What {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Members, or groups as @dev
    #[arg(value_name = "SUBJECT", required = true)]
    subjects: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Shares.
pub fn share(context: &Context, args: &ShareArgs) -> Answer {
    run(context, &args.what, true)
}

/// Takes back.
pub fn unshare(context: &Context, args: &UnshareArgs) -> Answer {
    run(context, &args.what, false)
}

fn run(context: &Context, what: &What, yes: bool) -> Answer {
    let path = SecretPath::parse(what.name.trim_end_matches('/'))?;
    let mut subjects = what.subjects.iter().map(|text| Subject::parse(text)).collect::<Result<Vec<_>, _>>()?;
    subjects.sort_unstable();
    subjects.dedup();
    let vault = context.vault()?;
    let sharing = vault.sharing(&path, &subjects, yes, &context.how(&what.write))?;
    if !context.json() {
        sharing.settled.iter().for_each(|note| context.note(note));
    }
    let names = subjects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (verb, past, with) = if yes { ("share", "shared", "with") } else { ("unshare", "unshared", "from") };
    let mut more = Map::new();
    more.insert("settled".into(), json!(sharing.settled));
    let doing = Doing {
        write: &what.write,
        yes: what.yes,
        message: format!("covault: {verb} {path} {with} {names}"),
        done: format!("{past} {path} {with} {names}"),
        would: format!("{verb} {path} {with} {names}"),
        more,
    };
    Ok(plan::carry_out(context, &vault, sharing.amendment, doing)?.0)
}
