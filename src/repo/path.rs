//! Which strings are paths of ours.
//!
//! It never looks at a disk.

use std::path::Path;

use crate::repo::error::{RepoError, Result};

/// The parts of a path, once it is known to be one of ours: relative, no empty part, no `.`, `..` or `.git`.
///
/// An empty path is the top itself and has no parts.
pub(super) fn parts(path: &str) -> Result<Vec<&str>> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/').map(|part| check(part).map(|()| part).map_err(|why| bad(path, why))).collect()
}

/// The folder and the last part of a path that is not the top.
pub(super) fn split(path: &str) -> Result<(Vec<&str>, &str)> {
    let mut parts = parts(path)?;
    let last = parts.pop().ok_or_else(|| bad(path, "it is empty"))?;
    Ok((parts, last))
}

/// `dir` and `name` joined; the top has the empty name.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() {
        return name.to_owned();
    }
    let mut path = String::with_capacity(dir.len() + 1 + name.len());
    path.push_str(dir);
    path.push('/');
    path.push_str(name);
    path
}

/// Whether `path` lies in `dir` (the top holds everything).
pub(super) fn is_below(path: &str, dir: &str) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// A path from the top as git finds it from every folder of the work tree, as one word of a shell line.
pub fn from_top(path: &str) -> String {
    // What git would take for a pattern it is told to take as it is.
    let how = if path.contains(['*', '?', '[', '\\']) { ":(top,literal)" } else { ":/" };
    quoted(&format!("{how}{path}"))
}

/// One word of a shell line.
pub(super) fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| format!("{text:?}"), Into::into)
}

/// `path` below `top`, with `/` between its parts.
pub(super) fn relative(path: &Path, top: &Path) -> Result<String> {
    let outside = || RepoError::Outside { path: path.to_owned(), top: top.to_owned() };
    let rest = path.strip_prefix(top).map_err(|_| outside())?;
    let mut out = String::new();
    for part in rest.components() {
        let part = part.as_os_str().to_str().ok_or_else(|| bad(&path.to_string_lossy(), "it is not UTF-8"))?;
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(part);
    }
    Ok(out)
}

fn check(part: &str) -> Result<(), &'static str> {
    match part {
        "" => Err("a part of it is empty"),
        "." | ".." => Err("it has a `.` or `..` part"),
        _ if part.contains('\0') => Err("it has a NUL"),
        _ if cfg!(windows) && part.contains(['\\', ':']) => Err("it has a separator of Windows"),
        _ if part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1") => Err("it is git's own"),
        _ => Ok(()),
    }
}

fn bad(path: &str, why: &'static str) -> RepoError {
    RepoError::BadPath { path: path.escape_debug().to_string(), why }
}
