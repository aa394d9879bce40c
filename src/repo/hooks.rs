//! Git's hooks: a block of ours in the files that all linked work trees share, beside what somebody has there.
//!
//! What is no plain shell script stays as it is. Nothing is run here.

use std::path::{Path, PathBuf};

use crate::repo::attributes::{BEGIN, END, without_block};
use crate::repo::error::{RepoError, Result};
use crate::repo::{Repo, files};

/// Says in a block that the file was made for it, and may go with it.
const MADE: &str = "# made by covault";
/// What a file of ours begins with.
const SHELL: &str = "#!/bin/sh\n";
/// More than this is no hook that somebody wrote.
const LIMIT: u64 = 1 << 20;

/// A hook as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// There is none.
    Absent,
    /// A shell script that git runs, with the lines of our block where it has one.
    Shell(Option<String>),
    /// Something else, and why nothing can be put into it.
    Other(&'static str),
}

impl Repo {
    /// The folder from which git takes hooks, where a setting names another than the repository's own. An empty one
    /// does: git takes hooks from nowhere then.
    pub fn hooks_elsewhere(&self) -> Option<String> {
        let set = self.config_str("core.hooksPath")?;
        // The folder itself may not be made yet.
        let real = |path: &Path| match path.canonicalize() {
            Ok(real) => Some(real),
            Err(_) => Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)),
        };
        let top = self.work_dir().unwrap_or_else(|| self.git_dir());
        let is_own = real(&top.join(&set)).is_some_and(|path| real(&self.hooks_folder()) == Some(path));
        (!is_own).then_some(set)
    }

    /// Whether the top of the work tree has something with one of these names.
    pub fn has_at_top(&self, names: &[&str]) -> bool {
        self.work_dir().is_some_and(|top| names.iter().any(|name| top.join(name).symlink_metadata().is_ok()))
    }

    /// A hook as it is.
    ///
    /// # Errors
    /// `Io`.
    pub fn hook(&self, name: &str) -> Result<Hook> {
        Ok(match self.hook_text(name)? {
            Ok(None) => Hook::Absent,
            Ok(Some(text)) => Hook::Shell(block_of(&text)),
            Err(why) => Hook::Other(why),
        })
    }

    /// Puts `block` between our markers at the beginning of a hook: after whatever ends the script it would not be
    /// reached. Whether that changed anything; nothing where `hook` says `Other`.
    ///
    /// # Errors
    /// `Io`.
    pub fn set_hook(&self, name: &str, block: &str) -> Result<bool> {
        let Ok(old) = self.hook_text(name)? else { return Ok(false) };
        let path = self.hooks_folder().join(name);
        let is_made = old.as_deref().is_none_or(is_made_by_us);
        let rest = old.as_deref().map_or_else(|| SHELL.to_owned(), without_block);
        let (shell, rest) = rest.split_once('\n').unwrap_or((&rest, ""));
        let made = if is_made { format!("{MADE}\n") } else { String::new() };
        let new = format!("{shell}\n{BEGIN}\n{made}{}\n{END}\n{rest}", block.trim_end_matches('\n'));
        if old.as_deref() == Some(new.as_str()) {
            return Ok(false);
        }
        files::replace(&path, &new)?;
        if old.is_none() {
            allow_running(&path).map_err(|source| RepoError::io("make executable", path.to_string_lossy(), source))?;
        }
        Ok(true)
    }

    /// Takes our block out of a hook, and the file where it was made for it and has nothing else; whether it was there.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove_hook(&self, name: &str) -> Result<bool> {
        let path = self.hooks_folder().join(name);
        // Somebody may have switched the hook off meanwhile; the block goes all the same.
        let Some(text) = read_text(&path)? else { return Ok(false) };
        if block_of(&text).is_none() {
            return Ok(false);
        }
        let rest = without_block(&text);
        if is_made_by_us(&text) && rest == SHELL {
            std::fs::remove_file(&path).map_err(|source| RepoError::io("remove", path.to_string_lossy(), source))?;
        } else {
            files::replace(&path, &rest)?;
        }
        Ok(true)
    }

    /// The text of a hook, or why it is none that lines can be put into.
    fn hook_text(&self, name: &str) -> Result<Result<Option<String>, &'static str>> {
        let path = self.hooks_folder().join(name);
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(None)),
            Err(source) => return Err(RepoError::io("read", path.to_string_lossy(), source)),
        };
        if !meta.is_file() {
            return Ok(Err("it is a link or a folder"));
        }
        Ok(match read_text(&path)? {
            Some(text) if is_shell(&text) && is_run(&meta) => Ok(Some(text)),
            Some(text) if is_shell(&text) => Err("it is switched off: not executable"),
            _ => Err("it is no shell script"),
        })
    }

    fn hooks_folder(&self) -> PathBuf {
        self.common_dir().join("hooks")
    }
}

/// The text of a file; `None` where there is none, or something that is not text.
fn read_text(path: &Path) -> Result<Option<String>> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() && meta.len() <= LIMIT => {}
        _ => return Ok(None),
    }
    let bytes = std::fs::read(path).map_err(|source| RepoError::io("read", path.to_string_lossy(), source))?;
    Ok(String::from_utf8(bytes).ok())
}

/// The lines between our markers, without what says who made the file.
fn block_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (block, _) = rest.split_once(END)?;
    let block = block.trim_start_matches('\n');
    Some(block.strip_prefix(MADE).unwrap_or(block).trim_matches('\n').to_owned())
}

fn is_made_by_us(text: &str) -> bool {
    text.split_once(BEGIN).is_some_and(|(_, rest)| rest.trim_start_matches('\n').starts_with(MADE))
}

/// Whether the first line names a shell that understands what all of them do.
fn is_shell(text: &str) -> bool {
    let Some((line, _)) = text.split_once('\n') else { return false };
    let mut words = line.strip_prefix("#!").unwrap_or_default().split(' ').filter(|word| !word.is_empty());
    let program = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut shell = words.next().map(program).unwrap_or_default();
    if shell == "env" {
        shell = words.next().map(program).unwrap_or_default();
    }
    ["sh", "bash", "dash", "ash", "ksh"].contains(&shell.as_str())
}

#[cfg(unix)]
fn is_run(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_run(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn allow_running(path: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
fn allow_running(_: &Path) -> std::io::Result<()> {
    Ok(())
}
