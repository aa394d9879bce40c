//! Every command, on one page. The doc comments of their arguments are the help: the first line the short one (-h), all
//! of it the long one (--help, the manual pages, docs/cli.md).

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::exit::Refusal;

/// Encrypted team secrets in git, next to the code
///
/// Each secret is one age-encrypted file under .covault/, sealed to its readers and signed by its author. Git keeps
/// the history; `git diff` shows changes in clear to those who can read them.
#[derive(Parser)]
#[command(
    name = "covault",
    version,
    propagate_version = true,
    after_help = "Start here:\n  covault init\n  covault set prod/db\n  covault get prod/db\n  covault run -- ./server\n\n\
        Exit codes: 0 done, 1 other, 2 usage, 3 not found, 4 no access, 5 conflict, 6 verification failed,\n\
        7 refused, needs a person, 8 findings, 9 remote failed."
)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Args, Clone)]
pub struct Global {
    /// Act as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Write machine-readable JSON to stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but warnings and errors on stderr
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What every writing command understands.
#[derive(Args, Clone, Default)]
pub struct WriteFlags {
    /// Say what would happen and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Stage the change instead of committing it
    #[arg(long)]
    pub no_commit: bool,
}

/// The commands.
#[allow(missing_docs, reason = "a comment on one would take the place of all that its arguments say of it")]
#[derive(Subcommand)]
pub enum Command {
    Init(super::init::InitArgs),
    Join(Box<super::join::JoinArgs>),
    Member(super::member::MemberArgs),
    Setup(super::setup::SetupArgs),
    Sync(super::sync::SyncArgs),
    Status(super::status::StatusArgs),
    Doctor(super::doctor::DoctorArgs),
    Whoami(super::whoami::WhoamiArgs),
    Set(Box<super::set::SetArgs>),
    Get(super::get::GetArgs),
    Show(super::show::ShowArgs),
    Edit(super::edit::EditArgs),
    Ls(super::ls::LsArgs),
    Rm(super::rm::RmArgs),
    Mv(super::mv::MvArgs),
    Log(super::log::LogArgs),
    Diff(super::diff::DiffArgs),
    Restore(super::restore::RestoreArgs),
    Resolve(super::resolve::ResolveArgs),
    Share(super::share::ShareArgs),
    Unshare(super::share::UnshareArgs),
    Who(super::who::WhoArgs),
    Group(super::group::GroupArgs),
    Grant(super::grant::GrantArgs),
    Rekey(super::rekey::RekeyArgs),
    Rotate(super::rotate::RotateArgs),
    Expose(super::expose::ExposeArgs),
    #[command(alias = "openrouter")]
    Key(super::key::KeyArgs),
    Run(super::run::RunArgs),
    Export(super::export::ExportArgs),
    Import(super::import::ImportArgs),
    Verify(super::verify::VerifyArgs),
    Scan(super::scan::ScanArgs),
    #[command(hide = true)]
    Textconv(super::textconv::TextconvArgs),
    #[command(hide = true)]
    MergeDriver(Box<super::merge_driver::MergeDriverArgs>),
    #[command(hide = true)]
    Completions(super::completions::CompletionsArgs),
    #[command(hide = true)]
    Man(super::man::ManArgs),
}

/// The command tree, for completion, manual pages and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    /// Reads the words of a command line, the first the program's own name.
    ///
    /// To build the tree of all commands takes a fifth of a start. Where the second word is a command that is run
    /// often, it is tried alone; what does not fit, and every error and help, is for the whole tree.
    ///
    /// # Errors
    /// Those of the whole tree.
    pub fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        let matches = words.get(1).and_then(|word| alone(word)).map(|tree| tree.try_get_matches_from(words));
        if let Some(Ok(matches)) = matches
            && let Ok(cli) = Self::from_arg_matches(&matches)
        {
            return Ok(cli);
        }
        Self::try_parse_from(words)
    }
}

/// The tree with one command that is run often, by git or by scripts; the rest is as in the whole one.
pub fn alone(word: &OsStr) -> Option<clap::Command> {
    let with = |augment: fn(clap::Command) -> clap::Command, name: &'static str| augment(clap::Command::new(name));
    let command = match word.to_str()? {
        "get" => with(super::get::GetArgs::augment_args, "get"),
        "set" => with(super::set::SetArgs::augment_args, "set"),
        "ls" => with(super::ls::LsArgs::augment_args, "ls"),
        "run" => with(super::run::RunArgs::augment_args, "run"),
        "export" => with(super::export::ExportArgs::augment_args, "export"),
        "textconv" => with(super::textconv::TextconvArgs::augment_args, "textconv"),
        "merge-driver" => with(super::merge_driver::MergeDriverArgs::augment_args, "merge-driver"),
        _ => return None,
    };
    let root = clap::Command::new("covault").version(env!("CARGO_PKG_VERSION")).propagate_version(true);
    Some(Global::augment_args(root.subcommand_required(true)).subcommand(command))
}

/// A name, and the revision that is given after an `@`.
pub fn at_revision(text: &str) -> anyhow::Result<(&str, Option<&str>)> {
    match text.split_once('@') {
        Some((name, "")) => Err(Refusal::no_revision(name)),
        Some((name, revision)) => Ok((name, Some(revision))),
        None => Ok((text, None)),
    }
}
