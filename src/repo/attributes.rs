//! Attributes: our block in `info/attributes`, our lines in the root's `.gitattributes`.
//!
//! The person's lines stay as they are, in both.

use std::path::PathBuf;

use crate::repo::error::{RepoError, Result};
use crate::repo::{Change, Repo, files};

/// The first line of a block of ours in a file that others write, too.
pub(super) const BEGIN: &str = "# covault: begin (`covault setup --undo` takes this block out)";
/// The last line of a block.
pub(super) const END: &str = "# covault: end";
/// The file at the root.
const TRACKED: &str = ".gitattributes";
/// More than this is no attributes file.
const LIMIT: u64 = 4 << 20;

/// A value that `git check-attr` gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// `attr`
    Set,
    /// `-attr`
    Unset,
    /// `attr=value`
    Value(String),
}

impl Repo {
    /// Puts `block` between our markers in the `info/attributes` that all work trees share, in place of what is
    /// there; whether that changed anything.
    ///
    /// # Errors
    /// `Io`.
    pub fn edit_info_attributes(&self, block: &str) -> Result<bool> {
        self.rewrite_info(|rest| {
            let gap = if rest.is_empty() || rest.ends_with('\n') { "" } else { "\n" };
            format!("{rest}{gap}{BEGIN}\n{}\n{END}\n", block.trim_end_matches('\n'))
        })
    }

    /// Takes our block out of `info/attributes`; whether it was there.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove_info_attributes(&self) -> Result<bool> {
        self.rewrite_info(str::to_owned)
    }

    /// What `info/attributes` has now; empty where there is none.
    ///
    /// # Errors
    /// `Io`.
    pub fn info_attributes(&self) -> Result<String> {
        files::read(&self.info_path())
    }

    /// What git makes of `attr` for `path` when all attributes files are taken together; `None`: unspecified.
    ///
    /// # Errors
    /// `Git`, `GitAnswer`.
    pub fn check_attr(&self, path: &str, attr: &str) -> Result<Option<AttributeValue>> {
        let what = "check-attr";
        let answer = || RepoError::GitAnswer { what: what.into() };
        let out = self.ask(&[what, "-z", attr, "--", path])?.ok_or_else(answer)?;
        let value = out.split(|byte| *byte == 0).nth(2).ok_or_else(answer)?;
        Ok(match value {
            b"unspecified" => None,
            b"set" => Some(AttributeValue::Set),
            b"unset" => Some(AttributeValue::Unset),
            value => Some(AttributeValue::Value(String::from_utf8_lossy(value).into_owned())),
        })
    }

    /// The change that brings `lines` into the root's `.gitattributes` where they are missing; `None` where they
    /// are everywhere.
    ///
    /// # Errors
    /// As for [`Self::change_in_three`].
    pub fn gitattributes_change(&self, lines: &[&str]) -> Result<Option<Change>> {
        self.change_in_three(TRACKED, LIMIT, &mut |old| with_lines(old, lines))
    }

    fn info_path(&self) -> PathBuf {
        self.common_dir().join("info").join("attributes")
    }

    fn rewrite_info(&self, make: impl FnOnce(&str) -> String) -> Result<bool> {
        let path = self.info_path();
        let old = files::read(&path)?;
        let new = make(&without_block(&old));
        if new == old {
            return Ok(false);
        }
        files::replace(&path, &new)?;
        Ok(true)
    }
}

/// `text` without our block; an end marker that somebody lost ends at the end of the file's own lines.
pub(super) fn without_block(text: &str) -> String {
    let Some((before, rest)) = text.split_once(BEGIN) else { return text.to_owned() };
    match rest.split_once(END) {
        Some((_, after)) => format!("{before}{}", without_block(after.strip_prefix('\n').unwrap_or(after))),
        None => format!("{before}{}", rest.strip_prefix('\n').unwrap_or(rest)),
    }
}

/// `old` with those of `lines` appended that it lacks.
fn with_lines(old: &[u8], lines: &[&str]) -> Vec<u8> {
    let has = |line: &str| old.split(|byte| *byte == b'\n').any(|have| have.trim_ascii() == line.trim().as_bytes());
    let mut new = old.to_vec();
    for line in lines.iter().filter(|line| !has(line)) {
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.push(b'\n');
        }
        new.extend_from_slice(line.trim().as_bytes());
        new.push(b'\n');
    }
    new
}
