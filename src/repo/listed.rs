//! What somebody may have written a secret into: every file that git knows or would take, and the messages of commits.
//!
//! It gives names and bytes; what they mean is asked elsewhere.

use gix::bstr::{BStr, ByteSlice};

use crate::repo::error::{RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// The path of each file, and how many names are not UTF-8.
pub type Listed = (Vec<String>, usize);

impl Repo {
    /// The files of the work tree that are tracked, or that are not and are not ignored either; sorted, each once.
    ///
    /// # Errors
    /// `NoWorkTree`, `Git`.
    pub fn files_of_work(&self) -> Result<Listed> {
        self.need_top()?;
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let out = self.ask(&args)?.ok_or_else(|| RepoError::GitAnswer { what: "ls-files".into() })?;
        let names = out.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.ends_with(b"/"));
        let (mut files, mut others) = (Vec::new(), 0);
        for name in names {
            match name.to_str() {
                Ok(name) => files.push(name.to_owned()),
                Err(_) => others += 1,
            }
        }
        files.sort_unstable();
        files.dedup();
        Ok((files, others))
    }

    /// The message of a commit, as it was written.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`.
    pub fn message_of(&self, commit: ObjectId) -> Result<Vec<u8>> {
        let data = self.object(commit, gix::objs::Kind::Commit)?;
        // After the first empty line comes what a person wrote.
        let body = data.find(b"\n\n").and_then(|at| data.get(at + 2..));
        Ok(body.unwrap_or_default().to_vec())
    }

    /// All values of a setting, from the most general file to the repository's own.
    pub fn config_all(&self, key: &str) -> Vec<String> {
        let config = self.git.config_snapshot();
        let values = config.plumbing().strings(key).unwrap_or_default();
        values.iter().map(|value| value.to_str_lossy().into_owned()).collect()
    }
}

/// Patterns as in `.gitignore`: the last that matches a file or a folder above it decides.
pub struct Globs(Vec<gix::glob::Pattern>);

impl Globs {
    /// Reads them; what is empty or a comment is none.
    pub fn new(lines: &[String]) -> Self {
        Self(lines.iter().filter_map(|line| gix::glob::Pattern::from_bytes(line.trim().as_bytes())).collect())
    }

    /// Whether the file at `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| (at, true)).chain([(path.len(), false)]);
        ends.filter_map(|(end, is_dir)| Some((path.get(..end)?, is_dir))).any(|(part, is_dir)| self.says(part, is_dir))
    }

    fn says(&self, path: &str, is_dir: bool) -> bool {
        use gix::glob::pattern::{Case, Mode};
        let name = path.rfind('/').map(|at| at + 1);
        let is_meant = |pattern: &&gix::glob::Pattern| {
            let wildcards = gix::glob::wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
            pattern.matches_repo_relative_path(BStr::new(path), name, Some(is_dir), Case::Sensitive, wildcards)
        };
        let last = self.0.iter().rev().find(is_meant);
        last.is_some_and(|pattern| !pattern.mode.contains(Mode::NEGATIVE))
    }
}
