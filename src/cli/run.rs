//! `covault run`.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::exit::{Answer, Refusal};
use super::progress;
use crate::model::loader::is_loader_variable;
use crate::vault::env::{Source, Variable};
use crate::vault::{Vault, VaultError};

/// Where variables come from.
#[derive(Args, Clone)]
pub struct SourceArgs {
    /// The env file .covault/env/ENV.env [default: default]
    #[arg(short = 'e', long = "env", value_name = "ENV", conflicts_with = "from")]
    env: Option<String>,
    /// All secrets below this folder instead
    #[arg(long, value_name = "FOLDER")]
    from: Option<String>,
    /// Exit with 5 where several people wrote a field at once [default where CI is set]
    #[arg(long)]
    strict: bool,
}

impl SourceArgs {
    /// Opens them all.
    pub fn variables(&self, context: &Context, vault: &Vault) -> anyhow::Result<Vec<Variable>> {
        let source = match (&self.from, &self.env) {
            (Some(folder), _) => Source::Folder(folder.clone()),
            (None, Some(env)) => Source::Env(env.clone()),
            (None, None) => Source::Env("default".to_owned()),
        };
        let bar = progress::Later::new(context, "opening");
        let strict = self.strict || context.in_ci();
        let variables = vault.variables(&source, strict, &bar, &mut |text| context.warn(&text))?;
        bar.finish();
        Ok(variables)
    }
}

/// Run a program with secrets in its environment
///
/// The program takes this one's place: signals, terminal and exit code are its own. Variables come from an env file of
/// references (.covault/env/ENV.env), or from every secret below a folder. COVAULT_* variables are taken out.
///
/// The files of --files are never on a disk, and are there for as long as the program runs, and no longer: what it leaves
/// behind when it ends cannot open them any more.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault run -- ./server\n  covault run -e staging -- npm start\n  \
    covault run --from prod -- sh -c 'echo $DATABASE_URL'\n  covault run --files -- ./server    # NAME_FILE holds a path\n\n\
    What can go wrong: a reference in the env file names nothing (3); two secrets give one variable, or one would change\n\
    how programs are loaded (2); the values are too large for variables (126, use --files).")]
pub struct RunArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Hand each value over as a file in memory that is there while the program runs, its path in NAME_FILE
    #[arg(long)]
    files: bool,
    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs it. It comes back only where the program could not be started.
pub fn run(context: &Context, args: &RunArgs) -> Answer {
    let vault = context.vault()?;
    let variables = args.source.variables(context, &vault)?;
    let (program, arguments) =
        args.command.split_first().ok_or_else(|| Refusal::usage("no command was given", "covault run -- COMMAND"))?;
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(context.dir());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COVAULT_") {
            command.env_remove(name);
        }
    }
    let mut files = Vec::new();
    for variable in &variables {
        if args.files {
            let file = memory_file(variable)?;
            command.env(file_variable(variable)?, &file.1);
            files.push(file.0);
        } else {
            command.env(&variable.name, value(variable)?);
        }
    }
    // Files take no room that variables have.
    let largest = variables.iter().filter(|_| !args.files).max_by_key(|variable| variable.value.len());
    start(command, program, largest, files)
}

/// The variable with a file's path. It is asked about as it is set: SSL_CERT decides nothing, SSL_CERT_FILE whom a program
/// trusts.
fn file_variable(variable: &Variable) -> Result<String, VaultError> {
    let name = format!("{}_FILE", variable.name);
    if is_loader_variable(&name) { Err(VaultError::LoaderVariable(name)) } else { Ok(name) }
}

#[cfg(unix)]
fn value(variable: &Variable) -> Result<OsString, VaultError> {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = variable.value.expose();
    if bytes.contains(&0) {
        return Err(VaultError::NulInVariable(variable.name.clone()));
    }
    Ok(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn value(variable: &Variable) -> Result<OsString, VaultError> {
    let text = variable.value.expose_str().filter(|text| !text.contains('\0'));
    text.map(OsString::from).ok_or_else(|| VaultError::NulInVariable(variable.name.clone()))
}

#[cfg(unix)]
fn start(
    mut command: std::process::Command,
    program: &OsString,
    largest: Option<&Variable>,
    files: Vec<std::fs::File>,
) -> Answer {
    use std::io::ErrorKind;
    use std::os::unix::process::CommandExt as _;
    super::process::restore();
    let error = command.exec();
    drop(files);
    let program = program.to_string_lossy();
    let (message, hint) = match (error.kind(), largest) {
        (ErrorKind::ArgumentListTooLong, Some(Variable { name, value, .. })) => (
            format!(
                "cannot start {program}: its arguments and variables are more than the system takes, and {name} has {} bytes",
                value.len()
            ),
            Some("covault run --files …    # values as files, the path of each in NAME_FILE".to_owned()),
        ),
        _ => (format!("cannot start {program}: {error}"), None),
    };
    // What a shell answers for a command that is not there, or cannot be run.
    let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
    Err(Refusal::not_started(code, message, hint))
}

#[cfg(not(unix))]
fn start(
    mut command: std::process::Command,
    program: &OsString,
    _largest: Option<&Variable>,
    _files: Vec<std::fs::File>,
) -> Answer {
    match command.status() {
        Ok(status) => Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => Err(Refusal::other(format!("cannot start {}: {error}", program.to_string_lossy()), None)),
    }
}

/// A file that lives in memory for as long as the program does, and its path.
#[cfg(target_os = "linux")]
fn memory_file(variable: &Variable) -> anyhow::Result<(std::fs::File, String)> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
    use std::io::{Seek as _, Write as _};
    use std::os::fd::AsRawFd as _;
    /// Scripts redirect the low ones by number, and the path would lead to what they opened.
    const LOWEST: i32 = 100;
    let low = memfd_create("covault", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC)?;
    // Where the limit on open files is lower than that, a low one is better than none.
    let fd = fcntl_dupfd_cloexec(&low, LOWEST).unwrap_or(low);
    // The program inherits it.
    fcntl_setfd(&fd, FdFlags::empty())?;
    let mut file = std::fs::File::from(fd);
    file.write_all(variable.value.expose())?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file, path))
}

#[cfg(not(target_os = "linux"))]
fn memory_file(variable: &Variable) -> anyhow::Result<(std::fs::File, String)> {
    let hint = "leave --files out".to_owned();
    Err(Refusal::other(format!("no files in memory on this system for {}", variable.name), Some(hint)))
}
