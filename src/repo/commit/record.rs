//! The commit: blobs, trees, author and committer, signature, and the swap of the ref.
//!
//! The index and the work tree are done by now and are not touched, but for an entry that somebody changed since.

use std::collections::BTreeMap;
use std::time::Duration;

use gix::objs::tree::EntryKind;
use gix::objs::{Kind, Write as _};
use gix::odb::loose;
use rayon::prelude::*;

use super::pack::{self, Packing};
use super::{CommitHow, MANY, Outcome, Planned, Step};
use crate::repo::error::{Cause, RepoError, Result};
use crate::repo::head::parse_id;
use crate::repo::{Head, ObjectId, Repo};

/// How often we start again when others commit at the same time.
pub(super) const ATTEMPTS: u32 = 12;

/// Who a commit says made it.
pub(super) struct Identity {
    author: gix::actor::Signature,
    pub(super) committer: gix::actor::Signature,
}

impl Repo {
    /// Whether git knows whom to name in a commit: ask before anything is written.
    ///
    /// # Errors
    /// `NoIdentity`.
    pub fn committer(&self) -> Result<()> {
        self.identity(0).map(|_| ())
    }

    /// Writes the blobs of a plan, those of the commit and those of the index; `meanwhile` needs none of them. Many are packed
    /// by git while that goes on.
    pub(super) fn write_blobs(&self, plan: &[Planned<'_>], meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut missing = BTreeMap::new();
        for planned in plan {
            let (change, ids) = (planned.change, [planned.committed, planned.staged]);
            for (id, bytes) in ids.into_iter().zip([change.committed(), change.staged()]) {
                if let Some((id, bytes)) = id.zip(bytes).filter(|(id, _)| !self.has_object_now(*id)) {
                    missing.insert(id, bytes);
                }
            }
        }
        if missing.len() < pack::FROM {
            meanwhile()?;
        } else {
            let (blobs, packing): (Vec<_>, _) = (missing.values().copied().collect(), Packing::of(self));
            let (done, is_packed) = std::thread::scope(|scope| {
                let packed = scope.spawn(|| packing.write(&blobs));
                (meanwhile(), packed.join().unwrap_or(false))
            });
            done?;
            if is_packed {
                return Ok(());
            }
        }
        // Packing takes more than all the rest of it. What writes objects in this process has one thread; its files have not.
        let objects = &self.git.objects;
        let options = loose::Options { alloc_limit_bytes: None, compression: objects.loose_compression };
        let files = loose::Store::at_opts(objects.store_ref().path(), self.git.object_hash(), options);
        let write = |(id, bytes): (ObjectId, &[u8])| {
            files.write_buf_with_known_id(Kind::Blob, bytes, id).map(drop).map_err(|error| unwritten("blob", error))
        };
        match missing.len() {
            0..MANY => missing.into_iter().try_for_each(write),
            _ => missing.into_par_iter().try_for_each(write),
        }
    }

    /// Commits the plan on top of `HEAD`, again where somebody else was faster.
    pub(super) fn record(&self, plan: &[Planned<'_>], how: &CommitHow<'_>, step: &dyn Fn(Step)) -> Result<Outcome> {
        let identity = self.identity(how.now)?;
        let sign = self.config_bool("commit.gpgsign").unwrap_or(false);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(u64::from(attempt) * 7));
            }
            let head = self.head()?;
            self.check_head(plan, how.since, head.commit, true)?;
            if attempt > 0 {
                self.stage_again(plan)?;
            }
            let old_tree = head.commit.map(|commit| self.commit_tree(commit)).transpose()?;
            let tree = self.write_tree(old_tree, plan)?;
            if old_tree == Some(tree) {
                // Somebody's own commit took along what we had staged.
                let theirs = head.commit.filter(|_| attempt > 0);
                return Ok(theirs.map_or(Outcome::Written, |commit| Outcome::Committed { commit }));
            }
            let message = how.message;
            let commit = match sign {
                false => self.write_commit(tree, head.commit, message, &identity)?,
                true => self.write_signed_commit(tree, head.commit, message, &identity)?,
            };
            self.share_objects(plan, tree, commit)?;
            step(Step::Objects);
            let subject = message.lines().next().unwrap_or_default();
            let log = if head.commit.is_some() { "commit: " } else { "commit (initial): " };
            match self.swap_ref("HEAD", head.commit, commit, &format!("{log}{subject}"), &identity.committer) {
                Ok(()) => {
                    step(Step::Ref);
                    return Ok(Outcome::Committed { commit });
                }
                // Somebody else moved it, or holds it for a moment: look again.
                Err(source) if attempt + 1 == ATTEMPTS && self.head()? == head => {
                    return Err(RepoError::RefUpdate { name: name_of(&head), source, staged: true });
                }
                Err(_) => {}
            }
        }
        Err(RepoError::RefMoved { name: name_of(&self.head()?), attempts: ATTEMPTS, staged: true })
    }

    /// The tree of `HEAD` with `lines` appended to its root's `.gitattributes`: for a git that is to read attributes there.
    /// `None` before the first commit. Nothing points to it, and `git gc` takes it away.
    ///
    /// # Errors
    /// Those of reading `HEAD`, and of writing objects.
    pub fn tree_with_attributes(&self, lines: &str) -> Result<Option<ObjectId>> {
        const FILE: &str = ".gitattributes";
        let Some(head) = self.head()?.commit else { return Ok(None) };
        let mut text = self.read_at(head, FILE)?.unwrap_or_default();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(lines.as_bytes());
        let blob = self.git.write_blob(&text).map_err(|error| unwritten("blob", error))?.detach();
        let (change, id) = (super::Change::write(FILE, text), Some(blob));
        let planned = Planned {
            change: &change,
            committed: id,
            staged: id,
            to_disk: false,
            to_index: false,
            to_head: false,
            skipped: false,
        };
        self.write_tree(Some(self.commit_tree(head)?), std::slice::from_ref(&planned)).map(Some)
    }

    pub(super) fn write_tree(&self, old: Option<ObjectId>, plan: &[Planned<'_>]) -> Result<ObjectId> {
        let old = old.unwrap_or_else(|| ObjectId::empty_tree(self.git.object_hash()));
        // A partial clone may have to fetch the trees on the way first.
        for planned in plan {
            self.entry_in(old, &planned.change.path)?;
        }
        let root = match old.is_empty_tree() {
            true => gix::objs::Tree::empty(),
            false => {
                let data = self.object(old, gix::objs::Kind::Tree)?;
                gix::objs::TreeRef::from_bytes(&data, old.kind()).map_err(|error| unwritten("tree", error))?.into()
            }
        };
        // Not the editor of gix's repository: it wants every file of a folder here, which a partial clone has not.
        let mut editor = gix::objs::tree::Editor::new(root, &self.git.objects, self.git.object_hash());
        for planned in plan {
            let parts = planned.change.path.split('/');
            let edited = match planned.committed {
                Some(id) => editor.upsert(parts, EntryKind::Blob, id),
                None => editor.remove(parts),
            };
            edited.map_err(|error| unwritten("tree", error))?;
        }
        editor.write(|tree| self.git.write_object(tree).map(gix::Id::detach)).map_err(|error| unwritten("tree", error))
    }

    pub(super) fn write_commit(
        &self,
        tree: ObjectId,
        parent: Option<ObjectId>,
        message: &str,
        identity: &Identity,
    ) -> Result<ObjectId> {
        let commit = gix::objs::Commit {
            message: with_newline(message).into(),
            tree,
            author: identity.author.clone(),
            committer: identity.committer.clone(),
            encoding: None,
            parents: parent.into_iter().collect(),
            extra_headers: Vec::new(),
        };
        self.git.write_object(&commit).map(gix::Id::detach).map_err(|error| unwritten("commit", error))
    }

    /// `git commit-tree -S`, which knows gpg, ssh and x509 and asks the agent; gix would hand the signing program
    /// our whole environment.
    pub(super) fn write_signed_commit(
        &self,
        tree: ObjectId,
        parent: Option<ObjectId>,
        message: &str,
        identity: &Identity,
    ) -> Result<ObjectId> {
        let mut command = self.command();
        command.args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-S", "-F", "-"]);
        if let Some(parent) = parent {
            command.arg("-p").arg(parent.to_string());
        }
        command.arg(tree.to_string());
        for (role, who) in [("AUTHOR", &identity.author), ("COMMITTER", &identity.committer)] {
            command.env(format!("GIT_{role}_NAME"), who.name.to_string());
            command.env(format!("GIT_{role}_EMAIL"), who.email.to_string());
            command.env(format!("GIT_{role}_DATE"), raw_date(who.time));
        }
        let said = self.run(command, Some(with_newline(message).as_bytes()))?;
        if said.code != 0 {
            return Err(RepoError::Signing { said: said.last_words(), staged: true });
        }
        parse_id(&said.stdout).ok_or_else(|| RepoError::GitAnswer { what: "commit-tree".into() })
    }

    pub(super) fn identity(&self, now: i64) -> Result<Identity> {
        let here = gix::date::Time::new(now, gix::date::Time::now_local_or_utc().offset);
        let resolve = |found: Option<gix::Result<gix::actor::SignatureRef<'_>>>, date: &str| {
            let found = found.and_then(|found| found.ok())?;
            let given = self.config_str(date).and_then(|_| found.time().ok());
            let (name, email) = (cleaned(found.name), cleaned(found.email));
            let is_usable = !name.is_empty() && !email.is_empty();
            let who = gix::actor::Signature { name: name.into(), email: email.into(), time: given.unwrap_or(here) };
            is_usable.then_some(who)
        };
        let author = resolve(self.git.author(), "gitoxide.commit.authorDate");
        let committer = resolve(self.git.committer(), "gitoxide.commit.committerDate");
        match (author, committer) {
            (Some(author), Some(committer)) => Ok(Identity { author, committer }),
            _ => Err(RepoError::NoIdentity),
        }
    }
}

/// What git leaves of a name: no brackets, no line ends, no crumbs at the ends.
fn cleaned(name: &gix::bstr::BStr) -> String {
    let name = String::from_utf8_lossy(name);
    let kept: String = name.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\0')).collect();
    let is_crumb = |c: char| c.is_ascii_control() || matches!(c, ' ' | '.' | ',' | ':' | ';' | '"' | '\\' | '\'');
    kept.trim_matches(is_crumb).to_owned()
}

/// A time as `GIT_COMMITTER_DATE` takes it.
pub(in crate::repo) fn raw_date(time: gix::date::Time) -> String {
    let minutes = time.offset.abs() / 60;
    let sign = if time.offset < 0 { '-' } else { '+' };
    format!("@{} {sign}{:02}{:02}", time.seconds, minutes / 60, minutes % 60)
}

fn with_newline(message: &str) -> String {
    format!("{}\n", message.trim_end_matches('\n'))
}

fn name_of(head: &Head) -> String {
    head.branch.clone().unwrap_or_else(|| "HEAD".into())
}

fn unwritten(kind: &'static str, error: impl Into<Cause>) -> RepoError {
    RepoError::ObjectWrite { kind, source: error.into() }
}
