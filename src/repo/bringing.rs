//! A merge of git's that was killed on the way to the work tree: taken back, so that it can be done again.
//!
//! Git writes the files of a work tree in place before it moves the branch or notes that a merge is going on. Killed there,
//! it leaves files that no commit of this branch has, one of them perhaps empty, and refuses to merge over them
//! afterwards. So what is brought in is noted before git begins, and what git left of it is put back from `HEAD`: only
//! files that were as in `HEAD` then, and only where what lies there now is known to git or is the beginning of what it is.

use std::path::PathBuf;

use crate::repo::commit::KEPT;
use crate::repo::entries::{TreeChange, TreeKind};
use crate::repo::error::{RepoError, Result};
use crate::repo::{Ancestry, BringLock, ObjectId, Repo, path};

/// The first word of the note.
const FORMAT: &str = "covault-bringing 1";
/// Larger files are left to git.
const LIMIT: u64 = 64 << 20;

/// What was being brought in, and the files that git was to change and that were as in `HEAD`.
struct Note {
    head: ObjectId,
    theirs: ObjectId,
    files: Vec<String>,
}

/// What lies at a path.
enum OnDisk {
    Nothing,
    File(ObjectId, Vec<u8>),
}

impl OnDisk {
    fn id(&self) -> Option<ObjectId> {
        match self {
            Self::Nothing => None,
            Self::File(id, _) => Some(*id),
        }
    }
}

impl Repo {
    /// Notes that `theirs` is about to be brought into `head`, until [`Self::forget_bringing`]. The lock is held until then:
    /// a merge that goes on looks like one that was killed.
    ///
    /// # Errors
    /// Errors of reading; `Io`.
    pub fn note_bringing(&self, _lock: &BringLock, head: ObjectId, theirs: ObjectId) -> Result<()> {
        let index = self.read_index()?;
        let mut files = Vec::new();
        for change in self.entries_between(Some(head), theirs, "")?.into_iter().filter(are_files) {
            let was = change.before.map(|(_, id)| id);
            let staged = index.as_ref().map_or(Ok(None), |index| self.index_entry(index, &change.path))?;
            if staged == was && self.on_disk(&change.path)?.is_some_and(|there| there.id() == was) {
                files.push(change.path);
            }
        }
        self.write_note(&Note { head, theirs, files })
    }

    /// Forgets what was noted: it has been brought in, or nothing of it has.
    ///
    /// # Errors
    /// `Io`.
    pub fn forget_bringing(&self) -> Result<()> {
        match std::fs::remove_file(self.note_file()) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(RepoError::io("remove", self.note_file().to_string_lossy(), source))
            }
            _ => Ok(()),
        }
    }

    /// Puts back from `HEAD` what a git that was killed left of a merge that was noted; the files that it put back. What
    /// git itself calls a merge in progress is git's to take back.
    ///
    /// # Errors
    /// `IndexLocked`: the killed git's lock is still there; errors of reading and of `git checkout`.
    pub fn take_back_bringing(&self, _lock: &BringLock) -> Result<Vec<String>> {
        let Some(note) = self.read_note()? else { return Ok(Vec::new()) };
        // A git that outlived its covault is still writing; what it leaves is looked at once it is done.
        self.check_index_is_free()?;
        let Some(head) = self.head()?.commit else { return Ok(Vec::new()) };
        if self.is_ancestor(note.theirs, head)? == Ancestry::Yes || self.operation()?.is_some() {
            self.forget_bringing()?;
            return Ok(Vec::new());
        }
        let index = self.read_index()?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for file in note.files {
            let was = self.blob_at(head, &file)?;
            if was != self.blob_at(note.head, &file)? {
                continue; // Committed since then.
            }
            let staged = index.as_ref().map_or(Ok(None), |index| self.index_entry(index, &file))?;
            let Some(there) = self.on_disk(&file)? else { continue };
            let is_as_it_was = staged == was && there.id() == was;
            if !is_as_it_was && self.is_of_git(&file, &there, note.theirs)? {
                if was.is_some() { old.push(file) } else { new.push(file) }
            }
        }
        if !new.is_empty() {
            let entries: Vec<_> = new.iter().map(|file| (file.as_str(), None)).collect();
            self.set_entries(&entries)?;
            new.iter().try_for_each(|file| self.remove_work(file))?;
        }
        if !old.is_empty() {
            let mut command = self.command();
            command.args(["checkout", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", "HEAD"]);
            let said = self.run(command, Some(old.join("\0").as_bytes()))?;
            if said.code != 0 {
                return Err(said.failed("checkout"));
            }
        }
        self.forget_bringing()?;
        old.append(&mut new);
        Ok(old)
    }

    /// These files are somebody's own from here on.
    pub(super) fn keep_from_taking_back(&self, files: &[&str]) -> Result<()> {
        let Some(mut note) = self.read_note()? else { return Ok(()) };
        let noted = note.files.len();
        note.files.retain(|file| !files.contains(&file.as_str()));
        if note.files.len() == noted { Ok(()) } else { self.write_note(&note) }
    }

    /// Whether git put there what lies in a file, and nobody would miss it: nothing, the beginning of what is brought
    /// in, and of ours whatever git has as an object, as the driver's answers are in no commit yet.
    fn is_of_git(&self, file: &str, there: &OnDisk, theirs: ObjectId) -> Result<bool> {
        let OnDisk::File(id, bytes) = there else { return Ok(true) };
        if bytes.is_empty() || (file.split('/').any(|part| part == KEPT) && self.has_object(*id)) {
            return Ok(true);
        }
        let wanted = self.blob_at(theirs, file)?.map(|blob| self.blob_within(blob, LIMIT)).transpose()?.flatten();
        Ok(wanted.is_some_and(|wanted| wanted.starts_with(bytes)))
    }

    /// What is on disk; `None` where it is something that this leaves to git.
    fn on_disk(&self, file: &str) -> Result<Option<OnDisk>> {
        let Some(reader) = self.reader() else { return Ok(None) };
        match reader.read(file, LIMIT) {
            Ok(Some(bytes)) => Ok(Some(OnDisk::File(self.blob_id(&bytes)?, bytes))),
            Ok(None) => Ok(Some(OnDisk::Nothing)),
            Err(_) => Ok(None),
        }
    }

    fn note_file(&self) -> PathBuf {
        self.git_dir().join("covault.bringing")
    }

    fn write_note(&self, note: &Note) -> Result<()> {
        let text = format!("{FORMAT}\0{}\0{}\0{}", note.head, note.theirs, note.files.join("\0"));
        super::files::replace(&self.note_file(), &text)
    }

    /// A note that cannot be read is none: git says what is in its way.
    fn read_note(&self) -> Result<Option<Note>> {
        let text = super::files::read(&self.note_file())?;
        let mut words = text.split('\0');
        if words.next() != Some(FORMAT) {
            return Ok(None);
        }
        let mut id = || words.next().and_then(|word| ObjectId::from_hex(word.as_bytes()).ok());
        let (Some(head), Some(theirs)) = (id(), id()) else { return Ok(None) };
        let files = words.filter(|file| path::split(file).is_ok()).map(str::to_owned).collect();
        Ok(Some(Note { head, theirs, files }))
    }
}

fn are_files(change: &TreeChange) -> bool {
    let is_file = |side: Option<(TreeKind, ObjectId)>| {
        side.is_none_or(|(kind, _)| matches!(kind, TreeKind::File | TreeKind::Executable))
    };
    is_file(change.before) && is_file(change.after)
}
