//! Everybody meets: all merge and push until nobody has anything new, and then it is judged what there is.

use super::script::Part;
use super::secrets::{By, Writing, field};
use super::sim::{Outcome, Seat, Sim, Violation, violation};

/// More rounds than people ever need.
const ROUNDS: usize = 12;

/// No more than so many meet before the end.
const SOME: usize = 10;

impl Sim {
    /// The founder and some of the others, where there are many.
    pub fn some_seats(&self) -> Vec<Seat> {
        let all = self.seats();
        let step = all.len().div_ceil(SOME).max(1);
        let chosen = |at: &usize| *at == 0 || (at + self.number).is_multiple_of(step);
        (0..all.len()).filter(chosen).map(|at| all[at]).collect()
    }

    /// They bring their main branch to the others. At the `end`, all other branches, too.
    pub fn exchange(&mut self, seats: &[Seat], end: bool) -> Result<(), Violation> {
        self.mend_trunk()?;
        for seat in seats {
            if self.branch(*seat) != "main" && self.git(*seat, &["switch", "-q", "main"]).code != 0 {
                return violation("stuck", format!("{} cannot go to main", self.person(*seat).name));
            }
            if end {
                self.bring_branches(*seat)?;
            }
        }
        let mut rounds = 0;
        while !self.round(seats)? || self.vouched(seats[0])? || self.rejoined(seats[0])? {
            rounds += 1;
            if rounds > ROUNDS {
                return violation("no end", format!("after {ROUNDS} rounds there is still something new"));
            }
        }
        self.work.add("exchanges");
        self.judge(seats[0], false)
    }

    /// What a leaver wrote is vouched for, and pushed; whether there was any.
    fn vouched(&mut self, seat: Seat) -> Result<bool, Violation> {
        let any = self.vouch(seat)?;
        if any {
            self.git(seat, &["push", "-q", "origin", "main"]).ok();
        }
        Ok(any)
    }

    /// What an old file took the place of is joined in again, and pushed; whether there was any.
    fn rejoined(&mut self, seat: Seat) -> Result<bool, Violation> {
        let any = self.rejoin(seat)?;
        if any {
            self.git(seat, &["push", "-q", "origin", "main"]).ok();
        }
        Ok(any)
    }

    /// Everybody who has not what is there fetches, merges and pushes once; whether all had the same before.
    fn round(&mut self, seats: &[Seat]) -> Result<bool, Violation> {
        let mut same = true;
        for seat in seats {
            if head_of(&self.world.shared()) == head_of(&self.person(*seat).repo.join(".git")) {
                continue;
            }
            same = false;
            self.git(*seat, &["fetch", "-q"]).ok();
            if self.git_through(*seat, "exchange", &["merge", "-q", "--no-edit", "origin/main"])? == Outcome::Passed {
                self.helped(*seat)?;
            }
            if head_of(&self.world.shared()) != head_of(&self.person(*seat).repo.join(".git")) {
                self.git(*seat, &["push", "-q", "origin", "main"]);
            }
        }
        Ok(same)
    }

    /// Somebody who cannot merge leaves it to an admin, who fetches from them.
    fn helped(&mut self, seat: Seat) -> Result<(), Violation> {
        let admin = Seat { who: 0, linked: false };
        if seat == admin {
            return Ok(());
        }
        let repo = self.person(seat).repo.to_string_lossy().into_owned();
        self.git(admin, &["fetch", "-q", &repo, "main"]).ok();
        self.git_through(admin, "help", &["merge", "-q", "--no-edit", "FETCH_HEAD"])?;
        self.git(admin, &["push", "-q", "origin", "main"]);
        Ok(())
    }

    /// What lies in stashes and on other branches comes to main.
    pub fn bring_branches(&mut self, seat: Seat) -> Result<(), Violation> {
        while self.pop(seat)? == Outcome::Done {}
        let all = self.git(seat, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]).text();
        for branch in all.lines().filter(|branch| *branch != "main") {
            self.git_through(seat, "last merge", &["merge", "-q", "--no-edit", branch])?;
        }
        Ok(())
    }

    /// The end: everything meets, everybody (in a fixed script the founder) writes once more, and nothing waits any more.
    pub fn finish(&mut self) -> Result<(), Violation> {
        self.tick();
        let everybody = self.seats();
        self.exchange(&everybody, true)?;
        let writing = if self.thorough { &everybody[..] } else { &everybody[..1] };
        for seat in writing.iter().copied() {
            if self.part(seat) >= Part::Writer {
                let (name, value) = (format!("last/{}", self.person(seat).name), self.value());
                if self.write(seat, &name, field("value", Some(&value)), Writing::default())? == Outcome::Passed {
                    return violation("cannot write", self.person(seat).name.clone());
                }
            }
        }
        if self.thorough {
            self.exchange(&everybody, false)?;
        }
        // What somebody vouched for at last may lie where a secret moved on from twice: each sync carries it one move on.
        let founder = Seat { who: 0, linked: false };
        // And what is at an old name where others write than at the new one waits for a person's word.
        let moves = if self.thorough { 3 } else { 1 };
        for _ in 0..moves {
            if self.thorough {
                self.sync(founder)?;
            }
            self.bring(founder)?;
        }
        self.judge(founder, true)?;
        self.nothing_waits(Seat { who: 0, linked: false })?;
        self.no_traces()
    }

    /// What is contested goes to where it moved.
    fn bring(&mut self, seat: Seat) -> Result<(), Violation> {
        let status = crate::cli::json(&self.person(seat).covault(["status", "--json"]));
        let all = self.person(seat).covault(["ls", "--flat"]).text();
        for name in status["contested"].as_array().into_iter().flatten().filter_map(|name| name.as_str()) {
            let places = all.lines().filter(|place| *place != name);
            let words: Vec<&str> = ["resolve", name].into_iter().chain(places).chain(["--bring"]).collect();
            self.covault(seat, &words, "", false)?;
            self.work.add("brought by a person's word");
        }
        Ok(())
    }

    /// Two people merge each other's branch at the same time, twice: then they have the same bytes. Each seals for whom the own
    /// roster names, so that it takes once more where these differed.
    pub fn cross(&mut self, seat: Seat, other: &str) -> Result<Outcome, Violation> {
        let Some(other) = self.seat(other) else { return Ok(Outcome::Passed) };
        let both = [seat, other];
        let ready =
            |sim: &Self, one: &Seat| sim.branch(*one) == "main" && sim.part(*one) >= Part::Writer && !one.linked;
        if seat == other || !both.iter().all(|one| ready(self, one)) {
            return Ok(Outcome::Passed);
        }
        let mut stopped = false;
        // Who has heard of a departure seals for fewer, wherever their branch is.
        both.iter().for_each(|one| drop(self.git(*one, &["fetch", "-q"])));
        let rosters = both.map(|one| self.ask(one, &["rev-parse", "HEAD:.covault/roster.toml"]));
        let rounds = if rosters[0] == rosters[1] { 2 } else { 3 };
        for _ in 0..rounds {
            let heads: Vec<String> = both.iter().map(|one| self.ask(*one, &["rev-parse", "HEAD"])).collect();
            for (one, from, head) in [(seat, other, &heads[1]), (other, seat, &heads[0])] {
                let repo = self.person(from).repo.to_string_lossy().into_owned();
                self.git(one, &["fetch", "-q", &repo, "main"]).ok();
                let before = self.stops.0.values().sum::<usize>();
                self.git_through(one, "cross", &["merge", "-q", "--no-edit", head])?;
                stopped |= self.stops.0.values().sum::<usize>() != before;
            }
        }
        let trees: Vec<String> =
            both.iter().map(|one| self.ask(*one, &["rev-parse", "HEAD:.covault/secrets"])).collect();
        if trees[0] != trees[1] && !stopped {
            let differ = self.git(seat, &["diff", "--name-only", &trees[0], "HEAD:.covault/secrets"]).text();
            let files = self.differing(seat, other);
            return violation("other bytes", format!("after {rounds} exchanges: {differ}{files}"));
        }
        self.learn(seat, &By::Nobody)?;
        self.work.add("crossings");
        Ok(Outcome::Done)
    }

    fn differing(&mut self, one: Seat, other: Seat) -> String {
        let (Ok(ours), Ok(theirs)) = (self.view(one, false), self.view(other, false)) else { return String::new() };
        let versions = |view: Option<&super::oracle::View>| -> Vec<String> {
            view.into_iter().flat_map(|view| view.0.iter().map(|version| version.version.clone())).collect()
        };
        let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let pairs = names.into_iter().map(|name| (name, versions(ours.get(name)), versions(theirs.get(name))));
        pairs.filter(|(_, a, b)| a != b).map(|(name, a, b)| format!("{name}: {a:?} and {b:?}; ")).collect()
    }
}

/// Where main is in a repository; nothing where git has packed it away.
fn head_of(git: &std::path::Path) -> Option<String> {
    let head = std::fs::read_to_string(git.join("refs/heads/main")).ok()?;
    Some(head.trim().to_owned())
}
