//! `covault textconv`, which git calls. It never fails and never asks.

use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::context::{Context, variable};
use super::exit::{self, Answer};
use super::out;

use crate::vault::textconv::{self, Reveal};
use crate::vault::{Vault, VaultError};

/// Show a sealed file to git
///
/// git runs this for `git diff`, `git log -p`, `git show` and `git blame`, as `covault setup` configured it. Anything
/// else gets masked values, and so does everything where CI or an agent's variable is set, or covault.diff is mask.
#[derive(Args)]
pub struct TextconvArgs {
    /// The sealed file
    file: PathBuf,
}

/// Runs it.
pub fn run(context: &Context, args: &TextconvArgs) -> Answer {
    let shown = match std::fs::read(context.dir().join(&args.file)) {
        Ok(bytes) => text(context, &bytes),
        Err(error) => format!("covault: cannot read {}: {error}\n", args.file.display()),
    };
    out::text(&shown)?;
    Ok(exit::DONE)
}

fn text(context: &Context, bytes: &[u8]) -> String {
    // git starts us at the top of the work tree, where a vault in a folder is not above: the place of a vault is not
    // needed to open a file, only its roster is, so each vault is tried.
    let vault = context.vault().or_else(|error| match &error {
        VaultError::SeveralVaults(places) => {
            places.iter().find_map(|place| vault_in(context, place, bytes)).ok_or(error)
        }
        _ => Err(error),
    });
    let reveal = match &vault {
        Ok(vault) if !context.is_watched() && !is_masked(vault) => {
            let alias = |name: &str| vault.setting(&format!("alias.{name}"));
            if super::caller::asked_by_a_person(&alias) { Reveal::Values } else { Reveal::Masked }
        }
        _ => Reveal::Masked,
    };
    textconv::text(vault.as_ref(), bytes, reveal)
}

/// Whether covault.diff says mask, in a file or by `git -c`, which hands its settings on in a variable.
fn is_masked(vault: &Vault) -> bool {
    let by_flag = variable("GIT_CONFIG_PARAMETERS").unwrap_or_default().to_lowercase();
    vault.setting("covault.diff").as_deref() == Some("mask")
        || (by_flag.contains("covault.diff") && by_flag.contains("mask"))
}

fn vault_in(context: &Context, place: &str, bytes: &[u8]) -> Option<Vault> {
    let dir = Some(context.dir().join(place));
    let vault = Context::silent(&Global { dir, json: false, quiet: true }).vault().ok()?;
    textconv::belongs_to(&vault, bytes).then_some(vault)
}
