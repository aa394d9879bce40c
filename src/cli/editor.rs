//! The person's editor: which it is, how it is started, and what keeps it from leaving copies of what it shows.
//!
//! It knows vim, neovim and emacs. What others keep is up to them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::context::variable;
use super::exit::Refusal;

/// Opens a file in $VISUAL or $EDITOR and waits until it is closed.
pub fn open(file: &Path) -> anyhow::Result<()> {
    let line = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let words: Vec<String> = shlex::split(&line).unwrap_or_default();
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| Refusal::usage("$EDITOR cannot be read as a command", "EDITOR=vi covault edit NAME"))?;
    // Ours first: the person's own may write and leave.
    let mut command = without_ours(program.as_ref());
    command.args(discreet(program)).args(arguments).arg(file);
    let status =
        command.status().map_err(|error| anyhow::Error::new(error).context(format!("cannot start {program}")))?;
    if status.success() { Ok(()) } else { Err(Refusal::other(format!("{program} ended with {status}"), None)) }
}

/// A program that gets none of our variables.
fn without_ours(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COVAULT_") {
            command.env_remove(name);
        }
    }
    command
}

/// In the foreground, also with windows. With `-c`, which is heard after the person's vimrc: what `--cmd` says, a vimrc
/// takes back. `viminfo` keeps registers, and a vimrc can name its file in spite of `-i`.
const VIM: &[&str] = &["-f", "-n", "-i", "NONE", "-c", NO_COPIES, "-c", "silent! set viminfo="];
const NEOVIM: &[&str] = &["-n", "-i", "NONE", "-c", NO_COPIES, "-c", "silent! set shada="];
const NO_COPIES: &str = "silent! set nobackup nowritebackup noswapfile noundofile patchmode=";
const EMACS: &[&str] = &["--eval", "(setq make-backup-files nil auto-save-default nil create-lockfiles nil)"];

/// Flags that keep known editors from leaving copies behind.
fn discreet(program: &str) -> &'static [&'static str] {
    let place = behind(program);
    // Without what follows the name: vim.basic, vim.tiny, nvim.appimage.
    match place.file_stem().and_then(OsStr::to_str).unwrap_or_default() {
        "vi" if says_that_it_is_vim(&place) => VIM,
        "gvim" | "mvim" => VIM,
        "nvim" => NEOVIM,
        name if name.starts_with("vim") => VIM,
        name if name == "emacs" || name.starts_with("emacs-") => EMACS,
        _ => &[],
    }
}

/// The program that is started by a name: `editor`, `vi` and `view` are links, to vim or to something else.
fn behind(program: &str) -> PathBuf {
    let named = PathBuf::from(program);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|place| place.is_file());
    let place = if named.components().count() > 1 { named } else { found.unwrap_or(named) };
    place.canonicalize().unwrap_or(place)
}

/// A `vi` that is no link may be a small vim, or a script that starts a large one. Others would refuse the flags.
fn says_that_it_is_vim(place: &Path) -> bool {
    let said = without_ours(place.as_os_str()).arg("--version").stdin(Stdio::null()).output();
    said.is_ok_and(|said| said.stdout.starts_with(b"VIM - "))
}
