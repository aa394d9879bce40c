//! `covault restore`.

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{Answer, Refusal};
use super::{args, complete, out};
use crate::model::names::SecretPath;

/// Bring old values back
///
/// Writes the values of an older version as new ones: nothing is taken back that somebody else may have built upon.
/// Without a revision: the version before the present one, or the last one of a deleted secret; where somebody's edit
/// outlived a deletion, what went with that. What a commit shared is taken back with it; what it unshared, and the
/// roster, are not undone, and it says so.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault restore prod/db\n  covault restore prod/db@3           # revision 3 (see covault log)\n  \
    covault restore prod/db@HEAD~5\n  covault restore --commit 1a2b3c4    # undo what a commit did to secrets"
)]
pub struct RestoreArgs {
    /// The secret, with a revision's number or a commit after an @
    #[arg(value_name = "NAME[@REV]", required_unless_present = "commit", add = ArgValueCandidates::new(complete::names))]
    name: Option<String>,
    /// Undo what this commit did to secrets
    #[arg(long, conflicts_with = "name")]
    commit: Option<String>,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &RestoreArgs) -> Answer {
    let vault = context.vault()?;
    let how = context.how(&args.write);
    if let Some(commit) = &args.commit {
        let report = vault.restore_commit(commit, &how)?;
        let what = format!("what {commit} did to secrets");
        return out::report(context, &report, &format!("undid {what}"), &format!("undo {what}"));
    }
    let text = args.name.as_deref().ok_or_else(|| Refusal::usage("no name was given", "covault restore NAME"))?;
    let (name, revision) = args::at_revision(text)?;
    let path = SecretPath::parse(name)?;
    let report = vault.restore(&path, revision, &how)?;
    let to = revision.map_or_else(|| "its last version".to_owned(), |revision| format!("version {revision}"));
    out::report(context, &report, &format!("restored {path} to {to}"), &format!("restore {path} to {to}"))
}
