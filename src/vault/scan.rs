//! `scan`: secrets where none should be: keys in the forms of their issuers, and values of the vault, in files, in what
//! is staged, in commits and in their messages.
//!
//! A value is named by its secret and never shown. It writes nothing to the repository, and no value leaves this process.

mod commits;
mod look;
mod siblings;
mod values;

use std::path::{Component, Path};

use rayon::prelude::*;

use super::VaultError;
use super::error::chain;
use crate::home::Home;
use crate::repo::{Globs, ObjectId, Repo, RepoError, WorkReader};
use commits::Commits;
use look::{Looker, Raw, is_sealed};

/// Larger files are passed over, and said.
const LIMIT: u64 = 8 << 20;
/// So many findings of one file are listed.
const LISTED: usize = 100;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// The work tree: tracked files, and those that are neither tracked nor ignored.
    Work,
    /// What the next commit would bring.
    Staged,
    /// What a commit brought, and its message.
    Commit(&'a str),
    /// What the commits that one reaches and the other does not have brought.
    Range {
        /// Where it begins, not looked at itself.
        from: &'a str,
        /// Where it ends.
        to: &'a str,
    },
    /// Every commit that `HEAD` reaches.
    History,
}

/// A place that should not be as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The commit that brought it, in hex; `None` in the work tree and in what is staged.
    pub commit: Option<String>,
    /// The file, from the top; `None` for the commit's message.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The byte of the line, from 1.
    pub column: usize,
    /// What it is.
    pub what: Sort,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A value of a vault.
    Value {
        /// The secret.
        secret: String,
        /// The field.
        field: String,
        /// The folder of the vault, from the top.
        vault: String,
    },
    /// A key in an issuer's form.
    Format(&'static str),
    /// Several versions of a secret in its place, which nobody with a key has joined yet.
    Siblings,
}

/// What a look around brought.
#[derive(Debug, Default)]
pub struct Scan {
    /// What should not be as it is.
    pub findings: Vec<Leak>,
    /// How many files were read, or versions of files.
    pub files: usize,
    /// How many commits; none where no history was asked for.
    pub commits: Option<usize>,
    /// How many values were looked for.
    pub values: usize,
    /// How many findings stand beside a person's word that they are meant.
    pub allowed: usize,
    /// Values that cannot be told from other text, by secret and field.
    pub plain: Vec<String>,
    /// What was not done, and why.
    pub skipped: Vec<String>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

/// Looks around in the repository at `start`, in `paths` alone where there are any. `home` makes what a vault is opened
/// with, for each once.
pub fn scan(
    start: &Path,
    home: &dyn Fn() -> Result<Home, VaultError>,
    expected: Option<&str>,
    what: What<'_>,
    paths: &[String],
) -> Result<Scan, VaultError> {
    let mut repo = Repo::discover(start)?;
    let mut found = Scan::default();
    let values = values::gather(&repo, start, home, expected, &mut found)?;
    let looker = Looker::new(values);
    let filter = Filter {
        paths: paths.iter().map(|path| below(&repo, start, path)).collect::<Result<_, _>>()?,
        ignored: Globs::new(&repo.config_all("covault.scanIgnore")),
    };
    let tip = match what {
        What::Work => {
            work(&repo, &looker, &filter, &mut found)?;
            None
        }
        What::Staged => {
            let staged = repo.stage_in_memory()?;
            let mut commits = Commits::new(&repo, &looker, &filter, &mut found);
            commits.bring(staged.commit, &staged.parents, true)?;
            commits.finish()?;
            Some(staged.commit)
        }
        What::Commit(rev) => {
            let commit = repo.resolve(rev)?;
            history(&repo, &looker, &filter, commit, None, &mut found)?;
            Some(commit)
        }
        What::Range { from, to } => {
            let (from, to) = (repo.resolve(from)?, repo.resolve(to)?);
            history(&repo, &looker, &filter, to, Some(&[from]), &mut found)?;
            Some(to)
        }
        What::History => {
            let head = repo.head()?.commit;
            if let Some(head) = head {
                history(&repo, &looker, &filter, head, Some(&[]), &mut found)?;
            }
            head
        }
    };
    siblings::judge(&repo, tip, &mut found)?;
    Ok(found)
}

/// Which files are looked at.
struct Filter {
    /// Files or folders, from the top; none: everything.
    paths: Vec<String>,
    ignored: Globs,
}

impl Filter {
    fn wants(&self, file: &str) -> bool {
        let is_named = |path: &String| {
            let rest = file.strip_prefix(path.as_str());
            path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (self.paths.is_empty() || self.paths.iter().any(is_named)) && !self.ignored.matches(file)
    }
}

/// A path as somebody in `start` names it, from the top. It need not exist: commits have what the work tree has not.
fn below(repo: &Repo, start: &Path, path: &str) -> Result<String, VaultError> {
    let asked = Path::new(path);
    let outside = || {
        let top = repo.work_dir().unwrap_or_else(|| repo.git_dir()).to_owned();
        VaultError::from(RepoError::Outside { path: asked.to_owned(), top })
    };
    if asked.is_absolute() {
        return Ok(repo.prefix(asked)?);
    }
    let prefix = repo.prefix(start)?;
    let mut parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
    for part in asked.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop().ok_or_else(outside)?),
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(outside)?),
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    Ok(parts.join("/"))
}

/// Looks at the work tree.
fn work(repo: &Repo, looker: &Looker, filter: &Filter, found: &mut Scan) -> Result<(), VaultError> {
    let (mut files, unnamed) = repo.files_of_work()?;
    if unnamed > 0 {
        found.skipped.push(format!("{unnamed} files whose names are not UTF-8"));
    }
    files.retain(|file| filter.wants(file));
    let Some(reader) = repo.reader() else { return Ok(()) };
    // Who names a file wants it looked at, ignored or not.
    for path in &filter.paths {
        let is_listed = |file: &String| file == path || path.is_empty() || file.starts_with(&format!("{path}/"));
        if !files.iter().any(is_listed) {
            if !repo.exists_work(path).unwrap_or(true) {
                return Err(VaultError::NothingToScan(path.clone()));
            }
            files.push(path.clone());
        }
    }
    let read: Vec<_> = files.par_iter().map(|file| (file, read_file(&reader, looker, file))).collect();
    for (file, read) in read {
        match read {
            Ok(Some(raws)) => {
                found.files += 1;
                tell(found, None, Some(file), &raws, looker);
            }
            Ok(None) => {}
            Err(why) => found.skipped.push(format!("{file}: {why}")),
        }
    }
    Ok(())
}

/// What a file has; `None` where there is none, or no file. Else why it was passed over.
fn read_file(reader: &WorkReader, looker: &Looker, file: &str) -> Result<Option<Vec<Raw>>, String> {
    match reader.read(file, LIMIT) {
        Ok(Some(bytes)) => Ok(Some(looker.look(&bytes, is_sealed(file)))),
        // Gone meanwhile, left out by a sparse checkout, a submodule, a link: what a link points to has its own name.
        Ok(None) | Err(RepoError::Symlink { .. } | RepoError::NotAFile { .. } | RepoError::NotAFolder { .. }) => {
            Ok(None)
        }
        Err(RepoError::TooLarge { .. }) => Err(too_large()),
        Err(error) => Err(chain(&error)),
    }
}

fn too_large() -> String {
    format!("it has more than {} MiB", LIMIT >> 20)
}

/// Looks at a commit alone, or at what it reaches and `hide` does not.
fn history(
    repo: &Repo,
    looker: &Looker,
    filter: &Filter,
    tip: ObjectId,
    hide: Option<&[ObjectId]>,
    found: &mut Scan,
) -> Result<(), VaultError> {
    let mut cut = 0;
    let mut commits = Commits::new(repo, looker, filter, found);
    match hide {
        None => commits.bring(tip, &repo.parents(tip)?, false)?,
        Some(hide) => {
            for commit in repo.walk(&[tip], hide)? {
                cut += usize::from(commit.boundary);
                commits.bring(commit.id, &commit.parents, false)?;
            }
        }
    }
    commits.finish()?;
    if cut > 0 {
        found.skipped.push("what lies before this clone's history (get it with: git fetch --unshallow)".to_owned());
    }
    Ok(())
}

/// Lists what a text has.
fn tell(found: &mut Scan, commit: Option<&str>, file: Option<&str>, raws: &[Raw], looker: &Looker) {
    let (allowed, said): (Vec<&Raw>, Vec<&Raw>) = raws.iter().partition(|raw| raw.is_allowed);
    found.allowed += allowed.len();
    for raw in said.iter().take(LISTED) {
        found.findings.push(Leak {
            commit: commit.map(str::to_owned),
            file: file.map(str::to_owned),
            line: raw.line,
            column: raw.column,
            what: looker.sort(raw.what),
        });
    }
    if said.len() > LISTED {
        let place = file.unwrap_or("a message");
        found.notes.push(format!("{place} has {} more findings that are not listed", said.len() - LISTED));
    }
}
