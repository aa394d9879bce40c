//! `covault run`.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::exit::{Answer, Refusal};
use super::progress;
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
#[derive(Args)]
#[command(after_help = "Examples:\n  covault run -- ./server\n  covault run -e staging -- npm start\n  \
    covault run --from prod -- sh -c 'echo $DATABASE_URL'\n  covault run --files -- ./server    # NAME_FILE holds a path\n\n\
    What can go wrong: a reference in the env file names nothing (3); two secrets give one variable, or one would change\n\
    how programs are loaded (2).")]
pub struct RunArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Hand each value over as a file in memory, its path in NAME_FILE
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
            command.env(format!("{}_FILE", variable.name), &file.1);
            files.push(file.0);
        } else {
            command.env(&variable.name, value(variable)?);
        }
    }
    start(command, program, files)
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
fn start(mut command: std::process::Command, program: &OsString, files: Vec<std::fs::File>) -> Answer {
    use std::os::unix::process::CommandExt as _;
    super::process::restore();
    let error = command.exec();
    drop(files);
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let message = format!("cannot start {}: {error}", program.to_string_lossy());
    // What a shell answers for a command that is not there, or cannot be run.
    super::out::to_stderr(&format!("error: {message}"));
    Ok(if missing { 127 } else { 126 })
}

#[cfg(not(unix))]
fn start(mut command: std::process::Command, program: &OsString, _files: Vec<std::fs::File>) -> Answer {
    match command.status() {
        Ok(status) => Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => Err(Refusal::other(format!("cannot start {}: {error}", program.to_string_lossy()), None)),
    }
}

/// A file that lives in memory for as long as the program does, and its path.
#[cfg(target_os = "linux")]
fn memory_file(variable: &Variable) -> anyhow::Result<(std::fs::File, String)> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use std::io::{Seek as _, Write as _};
    use std::os::fd::AsRawFd as _;
    // Without CLOEXEC: the program inherits it.
    let fd = memfd_create("covault", MemfdFlags::ALLOW_SEALING)?;
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
