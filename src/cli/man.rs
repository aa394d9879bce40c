//! `covault man`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{self, Answer};
use super::{args, out};

/// Print the manual page, or write all of them into a folder
#[derive(Args)]
#[command(after_help = "Examples:\n  covault man | man -l -\n  covault man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write a page for each command into this folder
    dir: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &ManArgs) -> Answer {
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            clap_mangen::generate_to(args::command(), dir)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(args::command()).render(&mut page)?;
            out::bytes(&page)?;
        }
    }
    Ok(exit::DONE)
}
