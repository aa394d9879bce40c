//! What was forged, put back or put elsewhere, by whom, and what it took the place of. The oracle knows nothing of it: whatever
//! these files hold, nobody honest wrote it.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::sim::{Seat, Sim};

/// What has to become of a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The file is refused.
    Refused,
    /// What lies beside the good versions in the file counts for nothing.
    Apart,
    /// A merge put it beside good versions: it counts for nothing there, or the file is refused.
    Merged,
    /// An older file: refused by whoever saw the newer one, and by everybody's look at the history.
    Older,
    /// The roster, and with it everything, is refused.
    Roster,
    /// The same for an older roster.
    OlderRoster,
}

/// One file of a lie, in one commit.
#[derive(Debug, Clone)]
pub struct Lie {
    /// From the top of the repository.
    pub path: String,
    /// What was done, in a word.
    pub kind: String,
    pub fate: Fate,
    digest: [u8; 32],
    /// Git's name for the bytes.
    pub blob: String,
    /// What was there before; nothing where there was no such file.
    pub cure: Option<Vec<u8>>,
    pub commit: String,
    /// What it took the place of was joined in again.
    pub rejoined: bool,
}

/// All lies of a run.
#[derive(Default)]
pub struct Lies {
    pub all: Vec<Lie>,
    /// Whole files that are no good at any name.
    broken: HashSet<[u8; 32]>,
    /// Good files at another name.
    swapped: HashSet<(String, [u8; 32])>,
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The file of a secret, from the repository's top.
pub fn file(name: &str) -> String {
    format!(".covault/secrets/{name}.age")
}

/// The other way round.
pub fn name(file: &str) -> Option<&str> {
    file.strip_prefix(".covault/secrets/")?.strip_suffix(".age")
}

impl Lies {
    /// Whether these bytes count for nothing wherever they lie.
    pub fn is_false(&self, bytes: &[u8]) -> bool {
        !self.broken.is_empty() && self.broken.contains(&digest(bytes))
    }

    /// Whether these bytes are a good file of another secret.
    pub fn is_swapped(&self, name: &str, bytes: &[u8]) -> bool {
        !self.swapped.is_empty() && self.swapped.contains(&(name.to_owned(), digest(bytes)))
    }

    /// From now on these bytes count for nothing.
    pub fn condemn(&mut self, bytes: &[u8]) {
        self.broken.insert(digest(bytes));
    }

    /// From now on these bytes count for nothing at this name.
    pub fn misplace(&mut self, name: &str, bytes: &[u8]) {
        self.swapped.insert((name.to_owned(), digest(bytes)));
    }

    /// The lie that a file is, if it is one. An older file may be an honest one: its commit decides.
    fn of(&self, path: &str, bytes: &[u8]) -> Option<Lie> {
        let digest = digest(bytes);
        let mut at_path = self.all.iter().rev().filter(|lie| lie.path == path);
        if let Some(same) = at_path.clone().find(|lie| lie.digest == digest) {
            return Some(same.clone());
        }
        let members = super::reading::members(bytes).filter(|members| members.len() > 1)?;
        let has_false = members.into_iter().any(|member| self.is_false(member));
        at_path.next().filter(|_| has_false).map(|lie| Lie { fate: Fate::Merged, ..lie.clone() })
    }

    /// Whether a blob of git's at this path was put there by a liar.
    pub fn has(&self, path: &str, blob: &str) -> bool {
        self.all.iter().any(|lie| lie.path == path && lie.blob == blob)
    }
}

impl Sim {
    /// Remembers a file of a liar's commit.
    pub fn note_lie(&mut self, seat: Seat, kind: &str, fate: Fate, path: &str, bytes: &[u8], cure: Option<Vec<u8>>) {
        let commit = self.ask(seat, &["rev-parse", "HEAD"]);
        let blob = self.ask(seat, &["rev-parse", &format!("HEAD:{path}")]);
        let (path, kind) = (path.to_owned(), kind.to_owned());
        self.lies.all.push(Lie { path, kind, fate, digest: digest(bytes), blob, cure, commit, rejoined: false });
    }

    /// The lies that lie in somebody's work tree.
    pub fn lies_at(&self, seat: Seat) -> Vec<Lie> {
        if self.lies.all.is_empty() {
            return Vec::new();
        }
        let repo = self.person(seat).repo.clone();
        let paths: HashSet<&String> = self.lies.all.iter().map(|lie| &lie.path).collect();
        let mut found = Vec::new();
        for path in paths {
            let Ok(bytes) = std::fs::read(repo.join(path)) else { continue };
            let Some(lie) = self.lies.of(path, &bytes) else { continue };
            if self.is_told(seat, &lie, "HEAD") {
                found.push(lie);
            }
        }
        found
    }

    /// Whether a commit with these bytes has them from a liar: old ones may be there because nobody went on. Who picks a
    /// liar's commit has another one with the same change.
    fn is_told(&self, seat: Seat, lie: &Lie, rev: &str) -> bool {
        !matches!(lie.fate, Fate::Older | Fate::OlderRoster)
            || self.git(seat, &["merge-base", "--is-ancestor", &lie.commit, rev]).code == 0
            || self.is_back(seat, lie, rev)
    }

    /// Whether these bytes were there before, and others of somebody honest in between.
    fn is_back(&self, seat: Seat, lie: &Lie, rev: &str) -> bool {
        let log = self.git(seat, &["log", "--format=%H", rev, "--", &lie.path]).text();
        let blobs = log.lines().map(|commit| self.ask(seat, &["rev-parse", &format!("{commit}:{}", lie.path)]));
        let blobs = blobs.filter(|blob| *blob == lie.blob || !self.lies.has(&lie.path, blob));
        let mut others = blobs.skip_while(|blob| *blob == lie.blob).peekable();
        others.peek().is_some() && others.any(|blob| blob == lie.blob)
    }

    /// The lies in a commit.
    pub fn lies_in(&self, seat: Seat, rev: &str) -> Vec<Lie> {
        let text = self.git(seat, &["ls-tree", "-r", "-z", rev, "--", ".covault"]).text();
        let entry = |line: &str| {
            let (head, path) = line.split_once('\t')?;
            let blob = head.rsplit(' ').next()?.to_owned();
            let at = self.lies.all.iter().rposition(|lie| lie.path == path && lie.blob == blob);
            at.map(|at| self.lies.all[at].clone())
        };
        text.split('\0').filter_map(entry).filter(|lie| self.is_told(seat, lie, rev)).collect()
    }

    /// Whether anything that this clone has fetched, checked out or has unmerged is a lie: then it may be refused.
    pub fn has_met_a_lie(&self, seat: Seat) -> bool {
        if self.lies.all.is_empty() {
            return false;
        }
        if !self.lies_at(seat).is_empty() {
            return true;
        }
        let mut revs = self.git(seat, &["for-each-ref", "--format=%(refname)"]).text();
        revs.push_str("HEAD\nFETCH_HEAD\nMERGE_HEAD\nCHERRY_PICK_HEAD\nREBASE_HEAD\n");
        let open = self.git(seat, &["ls-files", "-s"]).text();
        let staged = |lie: &Lie| open.contains(&lie.blob);
        self.lies.all.iter().any(staged) || revs.lines().any(|rev| !self.lies_in(seat, rev).is_empty())
    }
}
