//! The judge: whether a commit holds what it must by the recorded history, and nothing else.
//!
//! What counts is what is reachable from the commit: a write is there if it lives in any version of any commit. It is
//! lost if nobody who had seen it replaced it and yet it lives no more; it is stale if somebody did and yet it lives.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign as _;
use std::sync::Arc;

use covault::vault::verify::{self, Also, What};

use super::lies::{Fate, Lie};
use super::oracle::{Number, View};
use super::reading::{Does, Sealed};
use super::sim::{Seat, Sim, Violation, violation};
use crate::verifier::second_opinion;

/// Blobs that were read before.
#[derive(Default)]
pub struct Judged {
    blobs: BTreeMap<String, Vec<Arc<Sealed>>>,
}

impl Sim {
    /// Judges what somebody has checked out. Before the `end`, what lies where a secret was moved from may wait to be carried
    /// to its new place; until then there are old values in both.
    pub fn judge(&mut self, seat: Seat, end: bool) -> Result<(), Violation> {
        let surviving = self.surviving(seat)?;
        let (replaced, buried) = self.oracle.replaced(&surviving);
        let (mut live, mut carried) = (BTreeSet::new(), BTreeSet::new());
        let mut places: BTreeMap<Number, BTreeSet<String>> = BTreeMap::new();
        for (path, view) in self.view(seat, false)? {
            let here = self.oracle.live(&view);
            let does = |number: &Number| self.oracle.events[*number].what.does;
            if !self.oracle.lives(&here) {
                // Of what is deleted or moved away, the state and the shares still count.
                live.extend(here.into_iter().filter(|number| does(number) != Does::Put));
            } else if !end && here.iter().any(|number| does(number) == Does::Move) {
                carried.extend(here);
            } else {
                for number in &here {
                    places.entry(*number).or_default().insert(path.clone());
                }
                live.extend(here);
            }
            self.check_state(&path, &view)?;
        }
        let waits = self.oracle.replaced(&carried).0;
        let is_elsewhere = |number: &Number| {
            places.get(number).is_some_and(|places| self.oracle.was_moved_before(*number, places, &surviving))
        };
        let stale = live.intersection(&replaced).find(|number| !waits.contains(number) && !is_elsewhere(number));
        if let Some(stale) = stale {
            return violation("stale value", self.tell_fate(*stale, &surviving));
        }
        live.extend(carried);
        let lost = surviving
            .iter()
            .find(|number| !live.contains(number) && !replaced.contains(number) && !buried.contains(number));
        if let Some(lost) = lost {
            return violation("lost update", self.tell_fate(*lost, &surviving));
        }
        self.work.0.entry("writes judged".to_owned()).and_modify(|n| *n += surviving.len()).or_insert(surviving.len());
        self.work.add("checks");
        self.check_findings(seat)
    }

    /// A version says itself whether its secret lives; the recorded history must agree.
    fn check_state(&self, path: &str, view: &View) -> Result<(), Violation> {
        let [version] = view.0.as_slice() else { return Ok(()) };
        let lives = self.oracle.lives(&self.oracle.live(view));
        if lives == (version.state == covault::model::manifest::State::Live) {
            return Ok(());
        }
        violation("wrong state", format!("{path} says {:?}", version.state))
    }

    /// Every write that lives in any version that the commit's history holds.
    fn surviving(&mut self, seat: Seat) -> Result<BTreeSet<Number>, Violation> {
        let mut all = BTreeSet::new();
        for version in self.versions_in(seat, &["HEAD"])? {
            for (name, what) in &version.live {
                let Some(number) = self.oracle.number(name) else {
                    return violation("invented write", format!("{}: {} {:?}", version.path, what.register, what.text));
                };
                all.insert(number);
            }
        }
        Ok(all)
    }

    /// All versions in these commits and what they follow.
    pub fn versions_in(&mut self, seat: Seat, commits: &[&str]) -> Result<Vec<Arc<Sealed>>, Violation> {
        let objects = self.git(seat, &[&["rev-list", "--objects"], commits].concat()).text();
        let is_secret = |path: &str| path.starts_with(".covault/secrets/") && path.ends_with(".age");
        let blobs: Vec<String> = objects
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, path)| is_secret(path))
            .map(|(blob, _)| blob.to_owned())
            .collect();
        let unread: Vec<&String> = blobs.iter().filter(|blob| !self.judged.blobs.contains_key(*blob)).collect();
        let input: String = unread.iter().map(|blob| format!("{blob}\n")).collect();
        let said = self.person(seat).fed("git", input.as_bytes(), ["cat-file", "--batch"]);
        for (blob, bytes) in unread.into_iter().zip(objects_of(&said.out)) {
            match self.open(&bytes) {
                Ok(versions) => {
                    self.judged.blobs.insert(blob.clone(), versions);
                }
                Err(why) => return violation("broken file", format!("blob {blob} in the history: {why:?}")),
            }
        }
        Ok(blobs.iter().filter_map(|blob| self.judged.blobs.get(blob)).flatten().cloned().collect())
    }

    /// Everybody's branch and live writes: for who looks into a failure.
    pub fn tell_all(&mut self) -> String {
        let mut text = String::new();
        for who in 0..self.actors.len() {
            let seat = Seat { who, linked: false };
            text.push_str(&format!("  {} on {}\n", self.person(seat).name, self.branch(seat)));
            for (path, view) in self.view(seat, false).unwrap_or_default() {
                let live: Vec<_> = self.oracle.live(&view).into_iter().map(|number| self.tell(number)).collect();
                text.push_str(&format!("    {path} ({} versions): {}\n", view.0.len(), live.join("; ")));
            }
        }
        text
    }

    fn tell_fate(&self, number: Number, surviving: &BTreeSet<Number>) -> String {
        let replaces = |other: &&Number| {
            let (replaced, buried) = self.oracle.replaced(&BTreeSet::from([**other]));
            replaced.contains(&number) || buried.contains(&number)
        };
        let by: Vec<String> = surviving.iter().filter(replaces).map(|other| self.tell(*other)).collect();
        let by = if by.is_empty() { "nobody".to_owned() } else { by.join("; ") };
        format!("{}; replaced by: {by}", self.tell(number))
    }

    /// Everything was signed by who may, follows what it must, and nobody reads too much.
    fn check_findings(&mut self, seat: Seat) -> Result<(), Violation> {
        let said = verify::verify(&self.person(seat).repo, None, None, What::Commit("HEAD"), Also::default());
        match said {
            Ok(said) if said.findings.is_empty() => Ok(()),
            Ok(said) => violation("finding", findings(&said)),
            Err(error) => violation("verify failed", covault::vault::error::chain(&error)),
        }
    }

    /// The last look: both verifiers, all of the history, nothing pending, and git's own check.
    pub fn nothing_waits(&mut self, seat: Seat) -> Result<(), Violation> {
        let repo = self.person(seat).repo.clone();
        let also = Also { history: true, exposures: false };
        match verify::verify(&repo, None, None, What::Commit("HEAD"), also) {
            Ok(said) if said.pending.is_empty() && said.findings.iter().all(|found| self.is_a_lie(seat, found)) => {
                self.all_lies_are_found(seat, &said)?;
                self.work.0.entry("lies found in histories".to_owned()).or_default().add_assign(said.findings.len());
            }
            Ok(mut said) => {
                said.findings.retain(|found| !self.is_a_lie(seat, found));
                return violation("finding in the history", findings(&said));
            }
            Err(error) => return violation("verify failed", covault::vault::error::chain(&error)),
        }
        if self.thorough {
            second_opinion(&repo, &["--history"]);
        }
        for (path, view) in self.view(seat, false)? {
            if view.0.len() != 1 {
                return violation("still pending", format!("{path} holds {} versions", view.0.len()));
            }
        }
        let joined = self.judged.blobs.values().flatten().filter(|version| version.parents.len() > 1);
        let joined: BTreeSet<&String> = joined.map(|version| &version.version).collect();
        let kept = self.judged.blobs.values().filter(|versions| versions.len() > 1).count();
        let counts = [("versions that follow several", joined.len()), ("files that kept several versions", kept)];
        for (what, count) in counts {
            *self.work.0.entry(what.to_owned()).or_default() += count;
        }
        // Of many clones some: they hold much the same objects.
        let step = self.actors.len().div_ceil(10);
        for actor in self.actors.iter().step_by(step) {
            let said = actor.person.git(["fsck", "--full", "--strict"]);
            if said.code != 0 {
                return violation("git fsck", format!("{}: {}", actor.person.name, said.err));
            }
        }
        Ok(())
    }
}

impl Sim {
    /// Every lie that took something back is found in the history, in its commit. What was only refused there hides nothing.
    fn all_lies_are_found(&self, seat: Seat, said: &verify::Verification) -> Result<(), Violation> {
        let found: BTreeSet<&str> = said.findings.iter().filter_map(|found| found.commit.as_deref()).collect();
        let takes_back = |lie: &&Lie| matches!(lie.fate, Fate::Older | Fate::Roster | Fate::OlderRoster);
        for lie in self.lies.all.iter().filter(takes_back).filter(|lie| !found.contains(lie.commit.as_str())) {
            if self.git(seat, &["merge-base", "--is-ancestor", &lie.commit, "HEAD"]).code == 0 {
                let text = format!("{} at {} in {}; {}", lie.kind, lie.path, lie.commit, findings(said));
                return violation("unseen in the history", text);
            }
        }
        Ok(())
    }

    /// Whether what was found in a commit is what a liar put there, or comes of it.
    fn is_a_lie(&self, seat: Seat, found: &verify::Finding) -> bool {
        let Some(commit) = &found.commit else { return false };
        let blob = self.ask(seat, &["rev-parse", "-q", "--verify", &format!("{commit}:{}", found.path)]);
        self.lies.has(&found.path, &blob) || self.was_taken_back_there(seat, found, commit)
    }

    /// Whether a merge lacks a version since a liar had put an older one in its place on one of the branches: whoever merges
    /// sees the files alone, and the other branch has that version as it came from where they parted.
    fn was_taken_back_there(&self, seat: Seat, found: &verify::Finding, commit: &str) -> bool {
        let has_it = found.text.split(", which ").nth(1).and_then(|rest| rest.split(' ').next());
        let Some(has_it) = has_it.filter(|_| found.code == "rollback") else { return false };
        let before =
            |earlier: &str, later: &str| self.git(seat, &["merge-base", "--is-ancestor", earlier, later]).code == 0;
        let took_back = |lie: &&Lie| lie.path == found.path && lie.fate == Fate::Older;
        self.lies.all.iter().filter(took_back).any(|lie| before(&lie.commit, commit) && !before(&lie.commit, has_it))
    }
}

pub fn findings(said: &verify::Verification) -> String {
    let found = said.findings.iter().map(|f| format!("{} {} {} {:?}", f.code, f.path, f.text, f.commit));
    let waits = said.pending.iter().map(|w| format!("{} waits: {:?} {:?}", w.path, w.gains, w.losses));
    found.chain(waits).collect::<Vec<_>>().join("; ")
}

/// The contents in what `git cat-file --batch` says.
fn objects_of(mut text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).unwrap_or(0);
        all.push(text[end + 1..end + 1 + size].to_vec());
        text = &text[end + 2 + size..];
    }
    all
}
