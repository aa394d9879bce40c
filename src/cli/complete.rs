//! Names of this vault's secrets, for completion. It never asks, never opens a secret, and is silent about errors.

use std::ffi::OsString;
use std::path::PathBuf;

use clap_complete::CompletionCandidate;

use super::args::{self, Global};
use super::context::{Context, variable};

/// Secrets of the vault around the folder that the line is for.
pub fn names() -> Vec<CompletionCandidate> {
    let context = Context::silent(&Global { dir: dir(), json: false, quiet: true });
    let names = context.vault().and_then(|vault| vault.live_names()).unwrap_or_default();
    names.iter().map(|name| CompletionCandidate::new(name.as_str())).collect()
}

/// The folder that `-C` names in the line that is being completed: the shell gives it after a `--`. The line is not
/// finished, so that errors in it count for nothing.
fn dir() -> Option<PathBuf> {
    let line: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let matches = args::command().ignore_errors(true).try_get_matches_from(line).ok()?;
    let dir = matches.get_one::<PathBuf>("dir")?;
    match dir.strip_prefix("~") {
        // The shell would make that of it when the line is run.
        Ok(below) => Some(PathBuf::from(variable("HOME")?).join(below)),
        Err(_) => Some(dir.clone()),
    }
}
