//! A folder below the work tree, reached part by part without following a link.
//!
//! It knows names and bytes; it never takes a path with a `/` in it.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use other::Dir;
#[cfg(unix)]
pub(super) use unix::Dir;

use std::path::Path;

use crate::repo::error::Result;

/// How the names of our temporary files begin, so that a later run can sweep them away.
pub(super) const TEMPORARY: &str = ".covault-tmp-";

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    File,
    Folder,
    Link,
    Special,
}

/// What the system says about a file, without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) entry: Entry,
    pub(super) size: u64,
    pub(super) mtime_ns: i128,
    pub(super) inode: u64,
}

/// The folder `parts` below `top`; `None` where it does not exist.
pub(super) fn walk(top: &Path, parts: &[&str]) -> Result<Option<Dir>> {
    let mut dir = Dir::top(top)?;
    for part in parts {
        match dir.enter(part)? {
            Some(next) => dir = next,
            None => return Ok(None),
        }
    }
    Ok(Some(dir))
}

/// The folder `parts` below `top`, made where it does not exist.
pub(super) fn walk_or_create(top: &Path, parts: &[&str]) -> Result<Dir> {
    let mut dir = Dir::top(top)?;
    for part in parts {
        dir = dir.enter_or_create(part)?;
    }
    Ok(dir)
}

/// A name that no other thread or process uses now.
fn temporary_name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{TEMPORARY}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
