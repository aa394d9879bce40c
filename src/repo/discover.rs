//! Finding, opening and making a repository.
//!
//! Nothing is written but by `init`, and no program is started.

use std::path::{Path, PathBuf};

use gix::sec::{Trust, trust::DefaultForLevel};

use crate::repo::apart::Apart;
use crate::repo::error::{RepoError, Result};
use crate::repo::known::Known;
use crate::repo::path;

/// An opened repository and its work tree.
///
/// It stays on one thread; `reader()` gives a handle that does not.
pub struct Repo {
    pub(super) git: gix::Repository,
    top: Option<PathBuf>,
    pub(super) reftable: bool,
    pub(super) sparse: bool,
    pub(super) known: Known,
    pub(super) apart: Apart,
}

/// How many bytes of unpacked objects are kept at hand.
const PACK_CACHE: usize = 16 << 20;

impl Repo {
    /// Opens the repository that `start` lies in, as git would: `GIT_DIR` first, then upwards.
    ///
    /// # Errors
    /// `NoSuchFolder`, `NotARepository`, `DubiousOwnership` (git's own rule, `safe.directory` included) and `Open`.
    pub fn discover(start: &Path) -> Result<Self> {
        if !start.exists() {
            // A bare repository has its folders in its commits alone.
            let found = Self::discover(split(start).0).ok().filter(|repo| repo.work_dir().is_none());
            return found.ok_or_else(|| RepoError::NoSuchFolder { path: start.to_owned() });
        }
        let start = real(start)?;
        let trust = gix::sec::trust::Mapping {
            full: gix::open::Options::default_for_level(Trust::Full),
            reduced: gix::open::Options::default_for_level(Trust::Reduced),
        };
        let options = gix::discover::upwards::Options { match_ceiling_dir_or_error: false, ..Default::default() };
        let found = gix::ThreadSafeRepository::discover_with_environment_overrides_opts(&start, options, trust);
        let git: gix::Repository = match found {
            Ok(found) => found.into(),
            Err(error) if error.is_not_found() && !has_git_above(&start) => {
                return Err(RepoError::NotARepository { path: start });
            }
            Err(error) => return Err(RepoError::Open { path: start, source: Box::new(error) }),
        };
        Self::wrap(git)
    }

    /// Makes a repository in `dir` with `branch` checked out and unborn; without one, as `init.defaultBranch` says,
    /// else `main`.
    ///
    /// # Errors
    /// `Init`, also where `dir` has a `.git` already.
    pub fn init(dir: &Path, branch: Option<&str>) -> Result<Self> {
        let mut open = gix::open::Options::default_for_level(Trust::Full);
        if let Some(branch) = branch {
            open = open.config_overrides([format!("init.defaultBranch={branch}")]);
        }
        let failed = |error: gix::Error| RepoError::Init { path: dir.to_owned(), source: Box::new(error) };
        gix::ThreadSafeRepository::init_opts(
            dir,
            gix::create::Kind::WithWorktree,
            gix::create::Options::default(),
            open,
        )
        .map_err(failed)?;
        Self::discover(dir)
    }

    /// The top of the work tree; none in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// The git directory of this work tree, which has `HEAD` and the index.
    pub fn git_dir(&self) -> &Path {
        self.git.git_dir()
    }

    /// The git directory that all linked work trees share, which has the configuration and the objects.
    pub fn common_dir(&self) -> &Path {
        self.git.common_dir()
    }

    /// `start` relative to the top of the work tree; empty at the top. In a bare repository, relative to that: a folder of
    /// what it holds, not of its own.
    ///
    /// # Errors
    /// `Outside` and `BadPath` (not UTF-8).
    pub fn prefix(&self, start: &Path) -> Result<String> {
        let Some(top) = self.work_dir() else { return self.prefix_in_bare(start) };
        path::relative(&real(start)?, top)
    }

    /// Where one stands in a bare repository's own folders says nothing of what it holds; a folder that it does not have is
    /// meant as one of that.
    fn prefix_in_bare(&self, start: &Path) -> Result<String> {
        let (_, folder) = split(start);
        let folder = path::relative(folder, Path::new(""))?;
        path::parts(&folder).map(|_| folder.clone())
    }

    /// Whether the history ends early because the clone is shallow.
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow().unwrap_or(false)
    }

    /// The top of the work tree, or an error that says that there is none.
    pub(super) fn need_top(&self) -> Result<&Path> {
        self.work_dir().ok_or_else(|| RepoError::NoWorkTree { git_dir: self.git_dir().to_owned() })
    }

    fn wrap(mut git: gix::Repository) -> Result<Self> {
        let top = git.workdir().map(real).transpose()?;
        if git.git_dir_trust() != Trust::Full {
            let path = top.unwrap_or_else(|| git.git_dir().to_owned());
            return Err(RepoError::DubiousOwnership { path });
        }
        if !git.git_dir().is_absolute() {
            let path = git.git_dir().to_owned();
            git.make_paths_absolute().map_err(|error| RepoError::Open { path, source: Box::new(error) })?;
        }
        // Packs keep a folder of one commit as what is different in that of the next. Who walks along history would undo
        // the same chains over and over.
        git.objects.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE)));
        let config = git.config_snapshot();
        let reftable = config.string("extensions.refStorage").is_some_and(|kind| kind == "reftable");
        let sparse = config.boolean("core.sparseCheckout").unwrap_or(false);
        let apart = Apart::of(&git);
        Ok(Self { git, top, reftable, sparse, known: Known::default(), apart })
    }
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("git_dir", &self.git_dir()).field("top", &self.top).finish()
    }
}

/// What is there of a path, and what is not. A relative one begins where one stands.
fn split(path: &Path) -> (&Path, &Path) {
    let above = path.ancestors().find(|above| above.as_os_str().is_empty() || above.exists()).unwrap_or(path);
    let rest = path.strip_prefix(above).unwrap_or(path);
    (if above.as_os_str().is_empty() { Path::new(".") } else { above }, rest)
}

/// The path with its links resolved; where its end does not exist, as far as it does.
fn real(path: &Path) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(source) => Err(RepoError::io("find", path.to_string_lossy(), source)),
    }
}

/// Whether some folder from `start` upwards has a `.git`: then a failure is not "no repository".
fn has_git_above(start: &Path) -> bool {
    start.ancestors().any(|dir| dir.join(".git").symlink_metadata().is_ok())
}
