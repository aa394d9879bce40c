//! What honest people do who meet a lie: they see that it is refused, go back to where they were, and somebody puts the
//! trunk right. Who left a team is vouched for where what they wrote before is only merged now.

use std::collections::BTreeSet;

use covault::vault::verify::{self, Also, What};

use super::lies::{Fate, Lie, name};
use super::script::Part;
use super::secrets::By;
use super::sim::{Outcome, Seat, Sim, Violation, violation};

/// A liar puts fewer versions beside a good one.
const MAX_BESIDE: usize = 80;

impl Sim {
    /// Where somebody's branch is, for going back there; nothing where nobody lies.
    pub fn here(&self, seat: Seat) -> Option<String> {
        (!self.lies.all.is_empty()).then(|| self.ask(seat, &["rev-parse", "HEAD"]))
    }

    /// Goes back where git brought a lie, which must show. Says whether it did.
    pub fn turn_away(&mut self, seat: Seat, before: Option<&str>) -> Result<bool, Violation> {
        let (Some(before), false) = (before, self.lies.all.is_empty()) else { return Ok(false) };
        let met = self.lies_at(seat);
        for lie in &met {
            self.must_show(seat, lie)?;
            self.stops.add(format!("turned away: {} ({:?})", lie.kind, lie.fate));
        }
        if !met.is_empty() {
            self.git(seat, &["reset", "-q", "--hard", before]).ok();
        }
        Ok(!met.is_empty())
    }

    /// A lie that lies in a work tree is refused or counts for nothing, and `verify` ends with 6.
    fn must_show(&mut self, seat: Seat, lie: &Lie) -> Result<(), Violation> {
        let who = self.person(seat).name.clone();
        let said = self.person(seat).covault(["verify", "--history"]);
        if said.code != 6 {
            let text = format!("{who}: {} at {}: verify ended with {}", lie.kind, lie.path, said.code);
            return violation("unseen lie", text + &said.text() + &said.err);
        }
        self.work.add("lies that verify saw");
        if self.part(seat) == Part::Bot {
            return Ok(());
        }
        let name = name(&lie.path).unwrap_or("a");
        let said = self.person(seat).covault(["get", name, "--json"]);
        let expected = match lie.fate {
            Fate::Refused | Fate::Roster | Fate::OlderRoster => &[6][..],
            // Who does not read it is told so; a file that never was there has no good version.
            Fate::Apart => &[0, 2, 3, 4, 5],
            Fate::Older | Fate::Merged => &[0, 2, 3, 4, 5, 6],
        };
        let is_right = expected.contains(&said.code) || (said.code == 4 && lie.fate == Fate::Refused);
        if !is_right || said.text().contains(super::liars::PLANTED) {
            let text = format!("{who}: {} at {}: get ended with {}: ", lie.kind, lie.path, said.code);
            return violation("accepted lie", text + &said.text() + &said.err);
        }
        self.work.add(format!("lies met: {} {}", lie.kind, said.code));
        Ok(())
    }

    /// Somebody puts right what is wrong on the trunk, as the hints say: with a good version.
    pub fn mend_trunk(&mut self) -> Result<(), Violation> {
        let seat = Seat { who: 0, linked: false };
        if self.lies.all.is_empty() {
            return Ok(());
        }
        self.git(seat, &["fetch", "-q"]).ok();
        let wrong = self.lies_on_trunk(seat);
        if wrong.is_empty() {
            return Ok(());
        }
        let branch = self.branch(seat);
        self.git(seat, &["switch", "-q", "--detach", "origin/main"]).ok();
        for lie in &wrong {
            let place = self.person(seat).repo.join(&lie.path);
            match &lie.cure {
                Some(bytes) => std::fs::write(place, bytes).unwrap(),
                None => std::fs::remove_file(place).unwrap(),
            }
        }
        self.git(seat, &["add", "-A"]).ok();
        self.git(seat, &["commit", "-q", "-m", "put back what was there"]).ok();
        // Whose version is back may have lost the right to write it while the lie lay there, unheard by who took it; and a
        // merge may have kept a lie beside a good version.
        for _ in 0..MAX_BESIDE {
            // Of several in one file each is vouched for by itself.
            let names = self.without_standing(seat, |_| true);
            if names.is_empty() {
                break;
            }
            self.accept(seat, &names)?;
        }
        let said = verify::verify(&self.person(seat).repo, None, None, What::Commit("HEAD"), Also::default());
        match said {
            Ok(said) if said.findings.is_empty() => {}
            Ok(said) => return violation("not mended", super::judge::findings(&said)),
            Err(error) => return violation("not mended", covault::vault::error::chain(&error)),
        }
        self.git(seat, &["push", "-q", "origin", "HEAD:main"]).ok();
        self.git(seat, &["switch", "-q", if branch.is_empty() { "main" } else { &branch }]).ok();
        self.work.add("times that the trunk was put right");
        Ok(())
    }

    /// What lies on the trunk, each path once.
    fn lies_on_trunk(&self, seat: Seat) -> Vec<Lie> {
        let mut wrong = self.lies_in(seat, "origin/main");
        wrong.sort_by(|a, b| a.path.cmp(&b.path));
        wrong.dedup_by(|a, b| a.path == b.path);
        wrong
    }

    /// A reader vouches for what people wrote before they left, or before they heard that a folder is not theirs any more, and
    /// nobody had merged; it is the reader's from then on.
    pub fn vouch(&mut self, seat: Seat) -> Result<bool, Violation> {
        if self.part(seat) < Part::Writer {
            return Ok(false);
        }
        let somebody_left = self.actors.iter().any(|actor| actor.gone);
        let is_honest = |text: &str| {
            let author = text.strip_prefix("its author ").and_then(|rest| rest.split(' ').next());
            self.actors.iter().any(|actor| Some(actor.role.member()) == author && !actor.role.lies)
        };
        let names = self.without_standing(seat, |finding| somebody_left || is_honest(&finding.text));
        self.accept(seat, &names)?;
        Ok(!names.is_empty())
    }

    /// Secrets whose authors may not write them (any more).
    fn without_standing(&self, seat: Seat, counts: impl Fn(&verify::Finding) -> bool) -> BTreeSet<String> {
        let said = verify::verify(&self.person(seat).repo, None, None, What::Commit("HEAD"), Also::default());
        let Ok(said) = said else { return BTreeSet::new() };
        let standing = said.findings.iter().filter(|finding| finding.code == "standing" && counts(finding));
        standing.filter_map(|finding| name(&finding.path).map(str::to_owned)).collect()
    }

    fn accept(&mut self, seat: Seat, names: &BTreeSet<String>) -> Result<(), Violation> {
        for name in names {
            let before = self.view(seat, false)?;
            let bytes = std::fs::read(self.person(seat).file(name)).unwrap_or_default();
            let members = super::reading::members(&bytes).unwrap_or_default();
            // A person sees what was planted, and what it took the place of.
            let said = if members.into_iter().any(|member| self.lies.is_false(member)) {
                self.stops.add("left out what a liar put beside");
                if let Some(good) = self.before_lie(seat, name) {
                    self.person(seat).covault(["resolve", name, "--from", &good]).ok();
                }
                self.person(seat).covault(["resolve", name, "--discard"])
            } else {
                self.stops.add("vouched for what somebody wrote who left");
                self.person(seat).covault(["rekey", name, "--accept", "--yes"])
            };
            self.learn(seat, &By::Command(&before))?;
            // What is left may be a question for a person.
            if !matches!(said.code, 0 | 5) {
                return violation("cannot vouch", format!("{name}: {}", said.err));
            }
        }
        Ok(())
    }

    /// An old file that somebody merged who had not seen the newer one is named by `verify --history`, with what joins in what was
    /// there before. Whether anything was.
    pub fn rejoin(&mut self, seat: Seat) -> Result<bool, Violation> {
        let start = self.here(seat);
        for at in 0..self.lies.all.len() {
            let lie = self.lies.all[at].clone();
            let Some(secret) = name(&lie.path).filter(|_| lie.fate == Fate::Older && !lie.rejoined) else { continue };
            if self.git(seat, &["merge-base", "--is-ancestor", &lie.commit, "HEAD"]).code != 0 {
                continue;
            }
            let before = self.view(seat, false)?;
            let said = self.person(seat).covault(["resolve", secret, "--from", &format!("{}^", lie.commit)]);
            self.learn(seat, &By::Command(&before))?;
            if !matches!(said.code, 0 | 5) {
                return violation("cannot join in", format!("{secret}: {}: {}", said.code, said.err));
            }
            self.lies.all[at].rejoined = true;
        }
        let any = self.here(seat) != start;
        if any {
            self.stops.add("joined in what an old file had taken the place of");
        }
        Ok(any)
    }

    /// The commit before the last lie at a secret's file that is in somebody's history.
    fn before_lie(&self, seat: Seat, name: &str) -> Option<String> {
        let path = super::lies::file(name);
        let is_there = |commit: &str| self.git(seat, &["merge-base", "--is-ancestor", commit, "HEAD"]).code == 0;
        let last = self.lies.all.iter().rev().find(|lie| lie.path == path && is_there(&lie.commit))?;
        Some(format!("{}^", last.commit))
    }

    /// A writer leaves: they bring what they have to the trunk, an admin removes them, and they keep their keys.
    pub fn leave(&mut self, admin: Seat, whom: &str) -> Result<Outcome, Violation> {
        let is_theirs = |actor: &super::sim::Actor| actor.role.member() == whom && !actor.role.lies && !actor.gone;
        let machines: Vec<usize> = (1..self.actors.len()).filter(|who| is_theirs(&self.actors[*who])).collect();
        let is_writer = |who: &usize| self.actors[*who].role.part == Part::Writer;
        if machines.is_empty() || !machines.iter().all(is_writer) || self.branch(admin) != "main" || admin.linked {
            return Ok(Outcome::Passed);
        }
        self.mend_trunk()?;
        for who in &machines {
            let seat = Seat { who: *who, linked: false };
            if self.branch(seat) != "main" && self.git(seat, &["switch", "-q", "main"]).code != 0 {
                return Ok(Outcome::Passed);
            }
            self.bring_branches(seat)?;
            self.git(seat, &["fetch", "-q"]).ok();
            self.git_through(seat, "leave", &["merge", "-q", "--no-edit", "origin/main"])?;
            if self.git(seat, &["push", "-q", "origin", "main"]).code != 0 {
                return Ok(Outcome::Passed);
            }
        }
        let outcome = self.roster(admin, &["member", "remove", whom, "--yes"], false)?;
        if outcome == Outcome::Done {
            for who in machines {
                self.actors[who].gone = true;
                self.actors[who].role.lies = true;
            }
        }
        Ok(outcome)
    }
}
