//! Names of this vault's secrets, for completion. It never asks, never opens a secret, and is silent about errors.

use clap_complete::CompletionCandidate;

use super::args::Global;
use super::context::Context;

/// Secrets of the vault around the current folder.
pub fn names() -> Vec<CompletionCandidate> {
    let context = Context::silent(&Global { dir: None, json: false, quiet: true });
    let names = context.vault().and_then(|vault| vault.live_names()).unwrap_or_default();
    names.iter().map(|name| CompletionCandidate::new(name.as_str())).collect()
}
