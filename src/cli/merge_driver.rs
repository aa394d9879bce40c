//! `covault merge-driver`, which git calls. It never asks, and writes nothing but git's temporary file, last of all.
//!
//! What git makes of the exit code: 0 is merged; 1 is a conflict, with what is in the file; 129 and above stops the whole
//! merge, with nothing touched.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::Global;
use super::context::Context;
use super::exit::Answer;
use crate::vault::merge::driver::{self, Merged, Merging};
use crate::vault::merge::{LIMIT, Labels};
use crate::vault::{VaultError, error};

/// git goes on.
const MERGED: u8 = 0;
/// git stops, and the person settles it.
const CONFLICT: u8 = 1;
/// git stops as if nothing had been begun.
const REFUSED: u8 = 129;

/// Merge two versions of a sealed file for git
///
/// git runs this as `covault setup` configured it: %O %A %B %L %P %S %X %Y. The result is put in the place of %A. Other tools
/// that hand over three files name another place for it (see docs/merging.md for jj).
#[derive(Args)]
pub struct MergeDriverArgs {
    /// %O: what both come from
    base: PathBuf,
    /// %A: ours, and where the result goes
    ours: PathBuf,
    /// %B: theirs
    theirs: PathBuf,
    /// %L: the size of conflict markers, of which there are none
    marker: String,
    /// %P: the file's path from the top
    #[arg(allow_hyphen_values = true)]
    path: String,
    /// Where the result goes, if not in the place of ours
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// %S: how git calls what both come from
    #[arg(default_value = "%S", allow_hyphen_values = true)]
    base_label: String,
    /// %X: how git calls ours
    #[arg(default_value = "%X", allow_hyphen_values = true)]
    ours_label: String,
    /// %Y: how git calls theirs
    #[arg(default_value = "%Y", allow_hyphen_values = true)]
    theirs_label: String,
}

/// git takes a commit that a driver refuses up again, and `git rebase --skip` with it.
const LEAVE_OUT: &str = "\nhint: in a rebase, leave that commit out with: git rebase --edit-todo (take its line away), \
                         git rebase --continue; or end it with: git rebase --abort";

impl MergeDriverArgs {
    fn labels(&self) -> Labels<'_> {
        Labels { base: &self.base_label, ours: &self.ours_label, theirs: &self.theirs_label }
    }
}

/// Runs it.
pub fn run(context: &Context, args: &MergeDriverArgs) -> Answer {
    Ok(match merge(context, args) {
        Ok(code) => code,
        Err(refused) => {
            let hint = refused.downcast_ref::<VaultError>().and_then(VaultError::hint);
            let mut hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            if args.labels().is_replay() {
                hint.push_str(LEAVE_OUT);
            }
            super::out::to_stderr(&format!("error: {}: {}{hint}", args.path, error::chain(refused.as_ref())));
            REFUSED
        }
    })
}

fn merge(context: &Context, args: &MergeDriverArgs) -> anyhow::Result<u8> {
    let at = |path: &Path| context.dir().join(path);
    let (base, ours, theirs) = (read(&at(&args.base))?, read(&at(&args.ours))?, read(&at(&args.theirs))?);
    let merging = Merging { file: &args.path, base: &base, ours: &ours, theirs: &theirs, labels: args.labels() };
    // git starts us at the top; a vault in a folder is below it.
    let folder = args.path.rfind(".covault/").and_then(|at| args.path.get(..at)).unwrap_or_default();
    let dir = at(Path::new(folder));
    anyhow::ensure!(dir.is_dir(), VaultError::NotOnDisk(args.path.clone()));
    let here = Context::silent(&Global { dir: Some(dir.clone()), json: false, quiet: context.quiet() });
    let merged = driver::merge(here.vault(), &here.home()?, &dir, &merging, context.now())?;
    let Merged { bytes, notes, stop } = merged;
    notes.iter().for_each(|note| context.warn(note));
    match (&args.output, bytes) {
        (Some(output), bytes) => put(&at(output), bytes.as_deref().unwrap_or(&ours))?,
        (None, Some(bytes)) => put(&at(&args.ours), &bytes)?,
        (None, None) => {}
    }
    match stop {
        None => Ok(MERGED),
        Some((why, hint)) => {
            super::out::to_stderr(&format!("error: {why}\nhint: {hint}"));
            Ok(CONFLICT)
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= LIMIT, "it has more than {LIMIT} bytes");
    Ok(bytes)
}

/// Puts the result in place in one step, after reading it back. It is not synced: git reads it at once and removes it.
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".merge_file_covault_").tempfile_in(folder)?;
    file.write_all(bytes)?;
    anyhow::ensure!(std::fs::read(file.path())? == bytes, "what was written is not what is there");
    file.persist(path)?;
    Ok(())
}
