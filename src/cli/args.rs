//! Every command with its arguments, on one page. The doc comments are the help.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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
#[derive(Subcommand)]
pub enum Command {
    /// Start a vault in this repository
    Init(super::init::InitArgs),
    /// Ask to be let into this repository's vault
    Join(Box<super::join::JoinArgs>),
    /// Who is in the vault: invite, approve, add, remove, list
    Member(super::member::MemberArgs),
    /// Set this clone up: git shows secrets, and knows which vault it belongs to
    Setup(super::setup::SetupArgs),
    /// Exchange with the remote: fetch, join, seal what waits, push
    Sync(super::sync::SyncArgs),
    /// Where the vault stands, and what waits for somebody
    Status(super::status::StatusArgs),
    /// Look for what could betray or lose a secret on this machine
    Doctor(super::doctor::DoctorArgs),
    /// Who this machine is to the vault
    Whoami(super::whoami::WhoamiArgs),
    /// Make a secret or change it
    Set(Box<super::set::SetArgs>),
    /// Write a value to stdout, byte for byte
    Get(super::get::GetArgs),
    /// Show a secret with all its fields, masked
    Show(super::show::ShowArgs),
    /// Change a secret in your editor
    Edit(super::edit::EditArgs),
    /// List secrets by name
    Ls(super::ls::LsArgs),
    /// Delete secrets
    Rm(super::rm::RmArgs),
    /// Move a secret to another name
    Mv(super::mv::MvArgs),
    /// Who changed a secret and when
    Log(super::log::LogArgs),
    /// What differs between two versions, by field
    Diff(super::diff::DiffArgs),
    /// Bring old values back
    Restore(super::restore::RestoreArgs),
    /// Settle what a merge left: unmerged files, and fields that several people wrote at once
    Resolve(super::resolve::ResolveArgs),
    /// Let somebody read one secret
    Share(super::share::ShareArgs),
    /// Take back what share gave
    Unshare(super::share::UnshareArgs),
    /// Who reads a secret, and what somebody reads
    Who(super::who::WhoArgs),
    /// Names for several members, for grants and shares
    Group(super::group::GroupArgs),
    /// Who reads what is below a path
    Grant(super::grant::GrantArgs),
    /// New file keys for secrets, or vouch for what somebody wrote who has left
    Rekey(super::rekey::RekeyArgs),
    /// Give secrets new values
    Rotate(super::rotate::RotateArgs),
    /// What somebody could read and has not been changed since
    Expose(super::expose::ExposeArgs),
    /// API keys that a provider issues: with limits, rotated, revoked
    #[command(alias = "openrouter")]
    Key(super::key::KeyArgs),
    /// Run a program with secrets in its environment
    Run(super::run::RunArgs),
    /// Write secrets as variables in the format of another tool
    Export(super::export::ExportArgs),
    /// Take variables over from a file, one secret each
    Import(super::import::ImportArgs),
    /// Check that everything here is what members signed; needs no key
    Verify(super::verify::VerifyArgs),
    /// Look for plaintext secrets where none should be
    Scan(super::scan::ScanArgs),
    /// Show a sealed file to git
    #[command(hide = true)]
    Textconv(super::textconv::TextconvArgs),
    /// Merge two versions of a sealed file for git
    #[command(hide = true)]
    MergeDriver(Box<super::merge_driver::MergeDriverArgs>),
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions(super::completions::CompletionsArgs),
    /// Print the manual page, or write all of them into a folder
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
