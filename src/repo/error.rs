//! What can go wrong between us and git, one name for each.
//!
//! An error says its own level once; the cause is its `source`, the next step its `hint`.

use std::path::PathBuf;

use crate::repo::ObjectId;
use crate::repo::path::{from_top, quoted};

/// What this layer answers with.
pub type Result<T, E = RepoError> = std::result::Result<T, E>;

/// A cause from another crate, kept for the chain of sources.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure of the git layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepoError {
    /// No repository at the place asked about, nor above it.
    #[error("no git repository at `{path}` or above it")]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The place asked about does not exist.
    #[error("there is no folder `{path}`")]
    NoSuchFolder {
        /// Where the search was to begin.
        path: PathBuf,
    },
    /// The repository's folders belong to another user and no `safe.directory` names them.
    #[error("dubious ownership: the repository at `{path}` belongs to another user")]
    DubiousOwnership {
        /// The work tree, or the git directory where there is none.
        path: PathBuf,
    },
    /// A repository is there and cannot be opened.
    #[error("cannot open the git repository at `{path}`")]
    Open {
        /// Where the search began.
        path: PathBuf,
        /// What gix says.
        source: Cause,
    },
    /// A new repository could not be made.
    #[error("cannot make a git repository at `{path}`")]
    Init {
        /// The folder asked for.
        path: PathBuf,
        /// What gix says.
        source: Cause,
    },
    /// The repository is bare, so there are no files to change.
    #[error("the repository at `{git_dir}` has no work tree")]
    NoWorkTree {
        /// The git directory.
        git_dir: PathBuf,
    },
    /// A path outside the work tree.
    #[error("`{path}` is outside the work tree at `{top}`")]
    Outside {
        /// The path asked about.
        path: PathBuf,
        /// The top of the work tree.
        top: PathBuf,
    },
    /// A path that cannot be one of ours.
    #[error("`{path}` cannot be a path in a repository: {why}")]
    BadPath {
        /// The path, escaped.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A symbolic link where a file or a folder is expected.
    #[error("`{path}` is a symbolic link, which is never followed")]
    Symlink {
        /// The link, relative to the top.
        path: String,
    },
    /// Neither a file nor a folder.
    #[error("`{path}` is not a regular file")]
    NotAFile {
        /// The path, relative to the top.
        path: String,
    },
    /// Something else stands where a folder is needed.
    #[error("`{path}` is not a folder")]
    NotAFolder {
        /// The path, relative to the top.
        path: String,
    },
    /// More bytes than the caller allows.
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge {
        /// The path or the object.
        path: String,
        /// The limit that the caller set.
        limit: u64,
    },
    /// An object of more bytes than any that is read; it was not read.
    #[error("the {kind} `{id}` is larger than {limit} bytes")]
    ObjectTooLarge {
        /// Its name.
        id: ObjectId,
        /// What it is.
        kind: &'static str,
        /// The limit.
        limit: u64,
    },
    /// More in a commit than is read of one.
    #[error("`{path}` in {} is refused: {what}", .at.to_hex_with_len(10))]
    TooMuch {
        /// The commit (of a sparse index, the tree).
        at: ObjectId,
        /// The path, relative to the top.
        path: String,
        /// What there is too much of.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The path it was done to.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Git has no name and address to write into a commit.
    #[error("git does not know who you are, so it cannot commit")]
    NoIdentity,
    /// A revision that does not exist.
    #[error("no commit is called `{rev}`")]
    RevNotFound {
        /// What was asked for.
        rev: String,
        /// Whether the clone is shallow: it may be older than what is here.
        is_shallow: bool,
    },
    /// `HEAD` cannot be read.
    #[error("cannot read `HEAD`")]
    Head {
        /// What gix says.
        source: Cause,
    },
    /// The refs cannot be listed.
    #[error("cannot read the refs")]
    Refs {
        /// What gix says.
        source: Cause,
    },
    /// A name that no branch can have.
    #[error("`{name}` cannot be the name of a branch")]
    BadBranch {
        /// The name, escaped.
        name: String,
    },
    /// A branch that is checked out somewhere, so that it is its work tree's to move.
    #[error("`{name}` is in use by the work tree at `{place}`")]
    BranchInUse {
        /// The full name of its ref.
        name: String,
        /// The work tree, or the git directory of one that is in the middle of a rebase or bisection.
        place: String,
    },
    /// An object that this clone does not have.
    #[error("the object `{id}` is missing")]
    ObjectMissing {
        /// Its name.
        id: ObjectId,
        /// Whether the clone is shallow or partial.
        incomplete: bool,
    },
    /// An object that is there and cannot be read, or is of another kind.
    #[error("the object `{id}` cannot be read as a {kind}")]
    ObjectUnreadable {
        /// Its name.
        id: ObjectId,
        /// What it should have been.
        kind: &'static str,
        /// What gix says.
        source: Option<Cause>,
    },
    /// An object could not be written.
    #[error("cannot write a {kind} into the object database")]
    ObjectWrite {
        /// What was being written.
        kind: &'static str,
        /// What gix says.
        source: Cause,
    },
    /// The index cannot be read.
    #[error("cannot read the index `{path}`")]
    Index {
        /// The index file.
        path: PathBuf,
        /// What gix says.
        source: Cause,
    },
    /// Another program holds the index for longer than we wait.
    #[error("another git program holds `{lock}`")]
    IndexLocked {
        /// The lock file.
        lock: PathBuf,
    },
    /// Files were written, and git could not take them into its index.
    #[error("{} written, not staged; repeating the command goes on from there", those(.files))]
    Unstaged {
        /// The files, relative to the top; never none.
        files: Vec<String>,
        /// Why.
        source: Box<RepoError>,
    },
    /// Git commits only some files, or somebody named an index of their own: what is staged there does not stay.
    #[error("git commits only some files, with an index that does not stay: `{index}`; nothing was written")]
    IndexPasses {
        /// The index that is named to us.
        index: PathBuf,
    },
    /// A path has several versions in the index, left by a merge.
    #[error("`{path}` is unmerged")]
    Unmerged {
        /// The path.
        path: String,
    },
    /// Another covault holds the write lock for longer than we wait.
    #[error("another covault{} holds `{path}`", .by.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that took it, where it said so.
        by: Option<u32>,
    },
    /// Git's configuration cannot be changed.
    #[error("cannot change git's configuration `{path}`")]
    Config {
        /// The file.
        path: PathBuf,
        /// What gix says.
        source: Cause,
    },
    /// Somebody else's version came to a path between reading it and putting ours there.
    #[error("`{path}` was changed by somebody else meanwhile{}", but_staged(*.staged))]
    Overtaken {
        /// The path, relative to the top.
        path: String,
        /// Whether the change is in the index.
        staged: bool,
    },
    /// Other commits kept arriving while ours was made.
    #[error("`{name}` was moved by somebody else {attempts} times while committing{}", but_staged(*.staged))]
    RefMoved {
        /// The ref.
        name: String,
        /// How often we tried.
        attempts: u32,
        /// Whether the change is in the index.
        staged: bool,
    },
    /// The ref could not be moved although nobody else moved it.
    #[error("cannot move `{name}` to the new commit{}", but_staged(*.staged))]
    RefUpdate {
        /// The ref.
        name: String,
        /// What gix or git says.
        source: Cause,
        /// Whether the change is in the index.
        staged: bool,
    },
    /// `commit.gpgsign` is on and the signing program failed.
    #[error("the commit could not be signed{}: {}", but_staged(*.staged), in_one_line(.said))]
    Signing {
        /// What the program said, line by line.
        said: String,
        /// Whether the change is in the index.
        staged: bool,
    },
    /// `git commit` or one of its hooks refused.
    #[error("git or a hook refused the commit (exit code {code}); the change is staged")]
    CommitRefused {
        /// Git's exit code.
        code: i32,
    },
    /// The `git` program is not there.
    #[error("cannot start `git`")]
    NoGit {
        /// What the system says.
        source: std::io::Error,
    },
    /// The `git` program failed.
    #[error("`git {what}` failed: {}", in_one_line(.said))]
    Git {
        /// The subcommand.
        what: String,
        /// What it said, line by line.
        said: String,
    },
    /// The `git` program was ended from outside before it could say anything.
    #[error("`git {what}` was ended by a signal")]
    GitEnded {
        /// The subcommand.
        what: String,
    },
    /// A remote did not give or take what it should.
    #[error("`git {what}` with {remote} failed: {}", in_one_line(.said))]
    Remote {
        /// `fetch` or `push`.
        what: &'static str,
        /// The remote's name.
        remote: String,
        /// What git, a hook or the remote said, line by line.
        said: String,
    },
    /// The branch checked out follows one of another name, and nothing says that it is to be pushed there.
    #[error("`{branch}` follows {remote}/{there}, a branch of another name: nothing was pushed")]
    FollowsAnother {
        /// The branch checked out.
        branch: String,
        /// The remote.
        remote: String,
        /// The branch there that it follows.
        there: String,
    },
    /// The `git` program answered something that we do not understand.
    #[error("`git {what}` gave an answer that is not understood")]
    GitAnswer {
        /// The subcommand.
        what: String,
    },
}

impl RepoError {
    /// The command or the step that mends it, where there is one.
    pub fn hint(&self) -> Option<String> {
        if let Self::Unstaged { source, .. } = self {
            return source.hint().or_else(|| Some("repeat the command".into()));
        }
        if let Some(lock) = self.lock_in_the_way() {
            return Some(format!("if no other git is running: rm {}", quoted(&lock)));
        }
        Some(match self {
            Self::NotARepository { .. } => "git init".into(),
            Self::DubiousOwnership { path } => {
                format!("git config --global --add safe.directory {}", quoted(&path.to_string_lossy()))
            }
            Self::NoWorkTree { .. } => "run it in a clone with files, not in a bare repository".into(),
            Self::Symlink { path } => format!("rm {}  # and put a file in its place", quoted(path)),
            Self::NotAFile { path } | Self::NotAFolder { path } | Self::TooLarge { path, .. } => {
                format!(
                    "git log -- {}  # who put it there; a good one comes back with: git checkout REV",
                    from_top(path)
                )
            }
            Self::ObjectTooLarge { id, .. } => format!("git log --all --find-object={id}  # who put it there"),
            Self::TooMuch { at, path, .. } => {
                format!("git log {at} -- {}  # who put it there; a commit on top takes it out again", from_top(path))
            }
            Self::NoIdentity => "git config user.name \"Your Name\" && git config user.email you@example.com".into(),
            Self::RevNotFound { is_shallow: true, .. } => {
                "git fetch --unshallow  # what is here begins late; then, if need be: git log --oneline --all".into()
            }
            Self::RevNotFound { .. } => "git log --oneline --all".into(),
            Self::ObjectMissing { incomplete: true, .. } => "git fetch --unshallow  # or: git fetch --refetch".into(),
            Self::ObjectMissing { .. } | Self::ObjectUnreadable { .. } => "git fsck".into(),
            Self::Index { .. } => "git status".into(),
            Self::IndexLocked { lock } => {
                format!("if no other git is running: rm {}", quoted(&lock.to_string_lossy()))
            }
            Self::IndexPasses { .. } => {
                "run it before `git commit` or after it; GIT_INDEX_FILE names that index".into()
            }
            Self::FollowsAnother { branch, remote, there } => {
                let (branch, remote) = (quoted(branch), quoted(remote));
                format!(
                    "git push --set-upstream {remote} {branch}  # a branch of its own there; or once to the other: git push \
                     {remote} {}",
                    quoted(&format!("HEAD:{there}"))
                )
            }
            Self::Unmerged { path } => format!("git status {}", from_top(path)),
            Self::Locked { by: Some(pid), .. } => format!("wait for it, or end it: kill {pid}"),
            Self::Locked { .. } => "wait for the other covault to end, then repeat".into(),
            Self::RefMoved { staged: true, .. } | Self::RefUpdate { staged: true, .. } => {
                "git commit  # what is staged, or repeat".into()
            }
            Self::RefMoved { .. } | Self::Overtaken { .. } | Self::GitEnded { .. } => "repeat it".into(),
            Self::Git { .. } => "git status  # once nothing is in git's way any more, repeat it".into(),
            Self::RefUpdate { name, .. } => format!("git show-ref {}  # or repeat", quoted(name)),
            Self::BranchInUse { .. } => "git worktree list".into(),
            Self::Refs { .. } => "git for-each-ref".into(),
            Self::Signing { staged: false, .. } => {
                "git config commit.gpgsign false  # or mend the key, then repeat".into()
            }
            Self::Signing { .. } => "git config commit.gpgsign false  # or mend the key, then: git commit".into(),
            Self::CommitRefused { .. } => "git commit  # once the hook is content".into(),
            Self::NoGit { .. } => "install git, or put it on the PATH".into(),
            Self::Remote { what: "push", .. } => {
                "repeat it: covault sync; where the branch is protected, push another one and open a pull request"
                    .into()
            }
            Self::Remote { .. } => "repeat it: covault sync; or without the remote: covault resolve".into(),
            _ => return None,
        })
    }

    /// Where another program said several lines: what comes before them, and the lines. The error's own text has them
    /// in one.
    pub fn in_lines(&self) -> Option<(String, Vec<&str>)> {
        let (Self::Git { said, .. } | Self::Remote { said, .. } | Self::Signing { said, .. }) = self else {
            return None;
        };
        let lines: Vec<&str> = said.lines().collect();
        let whole = self.to_string();
        let first = whole.strip_suffix(&in_one_line(said)).filter(|_| lines.len() > 1)?;
        Some((first.trim_end().to_owned(), lines))
    }

    /// The lock file that git or gix found taken. A killed git leaves such a file behind, and nothing tells it from one
    /// in use.
    fn lock_in_the_way(&self) -> Option<String> {
        let said = match self {
            Self::Git { said, .. } => said.clone(),
            Self::RefUpdate { source, .. } => source.to_string(),
            Self::Config { path, .. } => {
                let lock = format!("{}.lock", path.to_string_lossy());
                return std::path::Path::new(&lock).exists().then_some(lock);
            }
            _ => return None,
        };
        let (_, rest) = said.split_once("Unable to create '")?;
        rest.split_once("': File exists").map(|(lock, _)| lock.to_owned()).filter(|lock| lock.ends_with(".lock"))
    }

    /// An error of the operating system, with what was being done and to what.
    pub(super) fn io(doing: &'static str, path: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        let path: String = path.into();
        let path = if path.is_empty() { ".".to_owned() } else { path };
        Self::Io { doing, path, source: source.into() }
    }
}

/// The first of these files, and how many there are besides: `a.age is`, `a.age and 2 more files are`.
fn those(files: &[String]) -> String {
    let first = files.first().map_or("", String::as_str);
    match files.len().saturating_sub(1) {
        0 => format!("`{first}` is"),
        1 => format!("`{first}` and another file are"),
        more => format!("`{first}` and {more} more files are"),
    }
}

fn in_one_line(said: &str) -> String {
    said.lines().collect::<Vec<_>>().join("; ")
}

fn but_staged(staged: bool) -> &'static str {
    if staged { "; the change is staged" } else { "" }
}
