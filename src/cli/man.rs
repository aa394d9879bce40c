//! `covault man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::context::Context;
use super::exit::{self, Answer};
use super::{args, out};

/// Print the manual page, or write all of them into a folder
#[derive(Args)]
#[command(after_help = "Examples:\n  covault man | man -l -\n  covault man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write a page for each command into this folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs it.
pub fn run(context: &Context, args: &ManArgs) -> Answer {
    match &args.folder {
        Some(folder) => {
            let dir = context.dir().join(folder);
            let made = std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(args::command(), &dir));
            made.with_context(|| format!("cannot write to {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(args::command()).render(&mut page)?;
            out::bytes(&page)?;
        }
    }
    Ok(exit::DONE)
}
