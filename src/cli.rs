//! PEOPLE: the command line. The only layer that prints, asks, reads the environment or the clock.
//!
//! A command is its arguments plus a page: gather, call one verb of the vault, say what came of it. To add one: a file
//! here, and a line in [`args`].

pub mod args;
mod ask;
mod caller;
mod complete;
mod completions;
mod context;
mod diff;
mod doctor;
mod edit;
mod editor;
mod exit;
mod export;
mod expose;
mod get;
mod grant;
mod group;
mod import;
mod init;
mod interrupt;
mod join;
mod key;
mod log;
mod ls;
mod man;
mod member;
mod merge_driver;
mod mv;
mod named;
mod out;
mod plan;
mod process;
mod progress;
pub mod qr;
mod rekey;
mod resolve;
mod restore;
mod rm;
mod rotate;
mod run;
mod scan;
mod set;
mod setup;
mod share;
mod show;
mod status;
mod stdin;
mod sync;
mod textconv;
mod verify;
mod who;
mod whoami;

use std::ffi::OsString;
use std::process::ExitCode;

use args::{Cli, Command};
use context::Context;

pub use process::harden;

/// Runs the program: `args` are its words, the first its own name. Errors are printed; the answer is the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    clap_complete::CompleteEnv::with_factory(args::command).complete();
    let words: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(exit::report_words(&words, &error)),
    };
    // git calls these for every file that it shows or merges.
    if !matches!(cli.command, Command::Textconv(_) | Command::MergeDriver(_)) {
        edit::sweep();
    }
    let context = match &cli.command {
        Command::Textconv(_) | Command::MergeDriver(_) => Context::silent(&cli.global),
        _ => Context::new(&cli.global),
    };
    let outcome = match cli.command {
        Command::Init(args) => init::run(&context, &args),
        Command::Join(args) => join::run(&context, &args),
        Command::Member(args) => member::run(&context, &args),
        Command::Setup(args) => setup::run(&context, &args),
        Command::Sync(args) => sync::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Whoami(args) => whoami::run(&context, &args),
        Command::Set(args) => set::run(&context, &args),
        Command::Get(args) => get::run(&context, &args),
        Command::Show(args) => show::run(&context, &args),
        Command::Edit(args) => edit::run(&context, &args),
        Command::Ls(args) => ls::run(&context, &args),
        Command::Rm(args) => rm::run(&context, &args),
        Command::Mv(args) => mv::run(&context, &args),
        Command::Log(args) => log::run(&context, &args),
        Command::Diff(args) => diff::run(&context, &args),
        Command::Restore(args) => restore::run(&context, &args),
        Command::Resolve(args) => resolve::run(&context, &args),
        Command::Share(args) => share::share(&context, &args),
        Command::Unshare(args) => share::unshare(&context, &args),
        Command::Who(args) => who::run(&context, &args),
        Command::Group(args) => group::run(&context, &args),
        Command::Grant(args) => grant::run(&context, &args),
        Command::Rekey(args) => rekey::run(&context, &args),
        Command::Rotate(args) => rotate::run(&context, &args),
        Command::Expose(args) => expose::run(&context, &args),
        Command::Key(args) => key::run(&context, &args),
        Command::Run(args) => run::run(&context, &args),
        Command::Export(args) => export::run(&context, &args),
        Command::Import(args) => import::run(&context, &args),
        Command::Verify(args) => verify::run(&context, &args),
        Command::Scan(args) => scan::run(&context, &args),
        Command::Textconv(args) => textconv::run(&context, &args),
        Command::MergeDriver(args) => merge_driver::run(&context, &args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&context, &args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => ExitCode::from(exit::report(&context, &error)),
    }
}
