//! Where git stops: what a person does then, until git has gone through or was told to give up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::secrets::By;
use super::sim::{Outcome, Seat, Sim, Violation, violation};
use crate::world::Person;

/// What git is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Middle {
    Nothing,
    Merge,
    Rebase,
    Pick,
    Patches,
}

/// The sides of the secrets that git has unmerged, by name.
pub fn sides(person: &Person) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (stage, blob, path) in unmerged(person) {
        let name = path.strip_prefix(".covault/secrets/").and_then(|name| name.strip_suffix(".age"));
        if let Some(name) = name.filter(|_| stage != "1") {
            all.entry(name.to_owned()).or_default().push(person.git(["cat-file", "blob", &blob]).out);
        }
    }
    all
}

/// Stage, blob and path of everything unmerged.
fn unmerged(person: &Person) -> Vec<(String, String, String)> {
    let text = person.git(["ls-files", "-u", "-z"]).text();
    let entry = |line: &str| {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split(' ').skip(1);
        let blob = words.next()?.to_owned();
        Some((words.next()?.to_owned(), blob, path.to_owned()))
    };
    text.split('\0').filter_map(entry).collect()
}

pub fn git_dir(person: &Person) -> PathBuf {
    let dot = person.repo.join(".git");
    let text = std::fs::read_to_string(&dot).unwrap_or_default();
    text.trim().strip_prefix("gitdir: ").map_or(dot, |place| Path::new(place).to_path_buf())
}

/// Where a repository's refs are, for a linked work tree, too.
pub fn common_dir(person: &Person) -> PathBuf {
    let dir = git_dir(person);
    let main = dir.parent().filter(|parent| parent.ends_with("worktrees")).and_then(Path::parent);
    main.map_or_else(|| dir.clone(), Path::to_path_buf)
}

pub fn middle(person: &Person) -> Middle {
    let dir = git_dir(person);
    let has = |name: &str| dir.join(name).exists();
    if has("rebase-apply/applying") {
        Middle::Patches
    } else if has("rebase-merge") || has("rebase-apply") {
        Middle::Rebase
    } else if has("CHERRY_PICK_HEAD") {
        Middle::Pick
    } else if has("MERGE_HEAD") {
        Middle::Merge
    } else {
        Middle::Nothing
    }
}

/// What git is in the middle of, and what is left to do. A commit that it could not even try, since a driver refuses what
/// is in it, git counts as done and puts back on the list.
fn step(person: &Person) -> (Middle, [Option<Vec<u8>>; 2]) {
    let left = ["rebase-merge/git-rebase-todo", "rebase-apply/next"];
    (middle(person), left.map(|file| std::fs::read(git_dir(person).join(file)).ok()))
}

impl Sim {
    /// Brings what git began to an end. Says whether it went through.
    pub fn settle(&mut self, seat: Seat, doing: &str) -> Result<bool, Violation> {
        // A rebase of a long branch may stop at each of its commits: what counts is that it goes on.
        let (mut before, mut again) = (None, 0);
        while again < 5 {
            let open = unmerged(self.person(seat));
            let step = step(self.person(seat));
            let middle = step.0;
            let now = Some((open.clone(), step));
            again = if now == before { again + 1 } else { 0 };
            before = now;
            if open.is_empty() && middle == Middle::Nothing {
                return Ok(true);
            }
            if !open.is_empty() {
                let what =
                    if open.iter().any(|(_, _, path)| path.ends_with("roster.toml")) { "roster" } else { "secret" };
                self.stops.add(format!("{doing}: {what}, {}", shape(&open)));
                if !self.resolve(seat, &open)? {
                    self.stops.add(format!("{doing}: given up"));
                    return self.give_up(seat, middle).map(|()| false);
                }
            }
            if !self.go_on(seat, middle)? {
                self.stops.add(format!("{doing}: given up, git would not go on"));
                return self.give_up(seat, middle).map(|()| false);
            }
        }
        violation("endless stop", format!("{} never comes to an end with {doing}", self.person(seat).name))
    }

    /// Does what a person does with unmerged files; whether none is left.
    fn resolve(&mut self, seat: Seat, open: &[(String, String, String)]) -> Result<bool, Violation> {
        self.covault(seat, &["resolve", "--newest"], "", true)?;
        let left = unmerged(self.person(seat));
        if !left.is_empty() && !open.iter().any(|(_, _, path)| path.ends_with("roster.toml")) {
            self.stops.add("resolve left something open");
        }
        Ok(left.is_empty())
    }

    /// Tells git to go on after everything is settled.
    fn go_on(&mut self, seat: Seat, middle: Middle) -> Result<bool, Violation> {
        let unchanged = self.git(seat, &["diff", "--cached", "--quiet"]).code == 0;
        let place = |sim: &Self| (sim.ask(seat, &["rev-parse", "HEAD"]), step(sim.person(seat)));
        let before = place(self);
        let args: &[&str] = match (middle, unchanged) {
            (Middle::Nothing, _) => return Ok(true),
            (Middle::Merge, _) => &["commit", "-q", "--no-edit"],
            (Middle::Rebase, false) => &["rebase", "--continue"],
            (Middle::Rebase, true) => &["rebase", "--skip"],
            (Middle::Pick, false) => &["cherry-pick", "--continue"],
            (Middle::Pick, true) => &["cherry-pick", "--skip"],
            (Middle::Patches, false) => &["am", "-q", "--continue"],
            (Middle::Patches, true) => &["am", "-q", "--skip"],
        };
        let said = self.git(seat, args);
        Ok(said.code == 0 || place(self) != before || !unmerged(self.person(seat)).is_empty())
    }

    fn give_up(&mut self, seat: Seat, middle: Middle) -> Result<(), Violation> {
        let args: &[&str] = match middle {
            Middle::Nothing => &["reset", "-q", "--hard"],
            Middle::Merge => &["merge", "--abort"],
            Middle::Rebase => &["rebase", "--abort"],
            Middle::Pick => &["cherry-pick", "--abort"],
            Middle::Patches => &["am", "--abort"],
        };
        self.git(seat, args);
        self.git(seat, &["reset", "-q", "--hard"]);
        if unmerged(self.person(seat)).is_empty() {
            return self.learn(seat, &By::Nobody);
        }
        violation("stuck", format!("{} cannot give up", self.person(seat).name))
    }

    /// Git is asked for something that may stop; what it leaves open is settled.
    pub fn git_through(&mut self, seat: Seat, doing: &str, args: &[&str]) -> Result<Outcome, Violation> {
        let before = self.here(seat);
        let said = self.git(seat, args);
        if said.code != 0 && middle(self.person(seat)) == Middle::Nothing && unmerged(self.person(seat)).is_empty() {
            let why = said.err.lines().chain(said.text().lines()).next().unwrap_or_default().to_owned();
            self.stops.add(format!("{doing}: git refuses: {}", why.chars().take(60).collect::<String>()));
            self.clean(seat, doing)?;
            return Ok(Outcome::Passed);
        }
        if said.code != 0 {
            self.settle(seat, doing)?;
        }
        let is_turned_away = self.turn_away(seat, before.as_deref())?;
        self.learn(seat, &By::Nobody)?;
        Ok(if is_turned_away { Outcome::Passed } else { Outcome::Done })
    }

    /// A work tree is clean between two steps; what git left there without a word is thrown away.
    pub fn clean(&mut self, seat: Seat, doing: &str) -> Result<(), Violation> {
        let left = self.git(seat, &["status", "--porcelain"]).text();
        if !left.is_empty() {
            self.stops.add(format!("{doing}: left a mess"));
            self.git(seat, &["reset", "-q", "--hard"]);
            self.git(seat, &["clean", "-qfd"]);
        }
        self.learn(seat, &By::Nobody)
    }
}

/// Which sides there are, over all unmerged files.
fn shape(open: &[(String, String, String)]) -> &'static str {
    let mut stages: BTreeMap<&str, String> = BTreeMap::new();
    open.iter().for_each(|(stage, _, path)| stages.entry(path).or_default().push_str(stage));
    let has = |text: &str| stages.values().any(|stages| stages == text);
    match (has("123"), has("23"), has("12") || has("13")) {
        (_, _, true) => "changed and removed",
        (true, _, _) => "changed by both",
        (false, true, _) => "added by both",
        _ => "otherwise",
    }
}
