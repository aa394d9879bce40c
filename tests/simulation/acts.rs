//! What people do: every verb that a script may hold.
//!
//! ```text
//! WHO [linked] set NAME FIELD | unset NAME FIELD | tag NAME TAG on|off | meta NAME METADATUM
//! WHO [linked] rm NAME | mv NAME NAME | restore NAME | share NAME WHO | unshare NAME WHO
//! WHO [linked] switch BRANCH | branch BRANCH | amend NAME FIELD | stash NAME FIELD | pop | reset N
//! WHO [linked] merge BRANCH… [plain|squash|resolve|octopus] | rebase BRANCH | onto BRANCH N | pick BRANCH N | am BRANCH N
//! WHO fetch | push | force | pull [rebase] | sync | resolve | cross WHO
//! WHO admit WHO | remove WHO | only NAME WHO… | grant NAME WHO | ungrant NAME WHO, each [late]: not on the newest trunk
//! WHO leave WHO: an admin removes a writer, who has brought everything to the trunk
//! WHO lie KIND NAME BRANCH NUMBER: see `liars.rs`
//! WHO undriven | careless | putback NAME N: things that must be settled, or must not go unseen
//! all exchange
//! ```

use super::script::{Part, Step};
use super::secrets::{By, Writing, field, meta, tag};
use super::sim::{Outcome, Seat, Sim, Violation};
use crate::world::Person;

use Outcome::{Done, Passed};

pub type Act = Result<Outcome, Violation>;

impl Sim {
    /// Does one step, and says whether it did anything.
    pub fn step(&mut self, step: &Step) -> Act {
        self.tick();
        let mut words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        if step.who == "all" {
            return self.exchange(&self.some_seats(), false).map(|()| Done);
        }
        if let ["lie", rest @ ..] = words.as_slice() {
            return self.lie(&step.who, rest);
        }
        let Some(mut seat) = self.seat(&step.who) else { return Ok(Passed) };
        if words.first() == Some(&"linked") {
            words.remove(0);
            if self.part(seat) == Part::Bot || !self.sit_down(seat)? {
                return Ok(Passed);
            }
            seat.linked = true;
        }
        let outcome = self.act(seat, &words)?;
        if outcome == Done {
            self.steps.add(words.first().copied().unwrap_or_default());
        }
        // What only covault did leaves nothing behind, or the next step says so.
        let verb = words.first().copied().unwrap_or_default();
        if !["set", "unset", "tag", "meta", "fetch", "push", "force", "undriven"].contains(&verb) {
            self.clean(seat, verb)?;
        }
        Ok(outcome)
    }

    fn act(&mut self, seat: Seat, words: &[&str]) -> Act {
        let part = self.part(seat);
        let late = words.last() == Some(&"late");
        let words = words.strip_suffix(&["late"]).unwrap_or(words);
        match words {
            [
                "set" | "unset" | "tag" | "meta" | "rm" | "mv" | "restore" | "share" | "unshare" | "amend" | "stash",
                ..,
            ] if part < Part::Writer => Ok(Passed),
            ["grant" | "ungrant" | "only" | "remove" | "admit" | "leave", ..] if part < Part::Admin => Ok(Passed),
            ["set", name, what] => {
                let value = self.value();
                self.write(seat, name, field(what, Some(&value)), Writing::default())
            }
            ["unset", name, what] => self.write(seat, name, field(what, None), Writing::default()),
            ["tag", name, what, on] => self.write(seat, name, tag(what, *on == "on"), Writing::default()),
            ["meta", name, what] => {
                let value = self.value();
                self.write(seat, name, meta(what, &value), Writing::default())
            }
            ["rm", name] => self.command(seat, &["rm", name]),
            ["mv", from, to] => self.command(seat, &["mv", from, to]),
            ["restore", name] => self.command(seat, &["restore", name]),
            ["share", name, whom] => self.command(seat, &["share", name, whom, "--yes"]),
            ["unshare", name, whom] => self.command(seat, &["unshare", name, whom, "--yes"]),
            ["amend", name, what] => self.amend(seat, name, what),
            ["stash", name, what] => self.stash(seat, name, what),
            ["pop"] => self.pop(seat),
            ["switch", branch] => Ok(self.switch(seat, branch)),
            ["branch", branch] => Ok(self.quiet(seat, &["branch", branch])),
            ["reset", back] => self.reset(seat, back),
            ["merge", rest @ ..] => self.merge(seat, rest),
            ["rebase", branch] => match self.rev(seat, branch) {
                Some(rev) => self.git_through(seat, "rebase", &["rebase", "-q", &rev]),
                None => Ok(Passed),
            },
            ["onto", branch, count] => self.onto(seat, branch, count),
            ["pick", branch, back] => self.pick(seat, branch, back),
            ["am", branch, count] => self.patches(seat, branch, count),
            ["fetch"] => Ok(self.quiet(seat, &["fetch", "-q"])),
            ["push"] => Ok(self.push(seat, false)),
            ["force"] => Ok(self.push(seat, true)),
            ["pull"] => self.pull(seat, false),
            ["pull", "rebase"] => self.pull(seat, true),
            ["sync"] => self.sync(seat),
            ["resolve"] if part >= Part::Writer => self.command(seat, &["resolve", "--newest"]),
            // From now on the driver stops at everything, as where it is not installed.
            ["undriven"] => Ok(self.drive(seat, "exit 1 #")),
            // From now on it keeps ours and says that all is well, which must not go unseen.
            ["careless"] => Ok(self.drive(seat, "exit 0 #")),
            // An old file is committed again with git's own means, which must not go unseen either.
            ["putback", name, back] => {
                let file = format!(".covault/secrets/{name}.age");
                self.git(seat, &["checkout", "-q", &format!("HEAD~{back}"), "--", &file]);
                Ok(self.quiet(seat, &["commit", "-q", "-m", "as it was"]))
            }
            ["cross", other] => self.cross(seat, other),
            ["only", name, readers @ ..] => {
                let args: Vec<&str> =
                    ["grant", name].into_iter().chain(readers.iter().copied()).chain(["--yes"]).collect();
                self.roster(seat, &args, late)
            }
            ["grant", name, reader] => self.roster(seat, &["grant", name, "--add", reader, "--yes"], late),
            ["ungrant", name, reader] => self.roster(seat, &["grant", name, "--remove", reader, "--yes"], late),
            ["remove", whom] => self.remove(seat, whom, late),
            ["leave", whom] => self.leave(seat, whom),
            ["admit", name] => self.admit(seat, name, late),
            _ => Ok(Passed),
        }
    }

    /// A command that writes, as one commit.
    fn command(&mut self, seat: Seat, args: &[&str]) -> Act {
        let said = self.covault(seat, args, "", false)?;
        Ok(if said.code == 0 || said.code == 8 { Done } else { Passed })
    }

    /// Git is asked for something that cannot stop.
    fn quiet(&self, seat: Seat, args: &[&str]) -> Outcome {
        if self.git(seat, args).code == 0 { Done } else { Passed }
    }

    /// Has somebody's git call another merge driver.
    fn drive(&mut self, seat: Seat, line: &str) -> Outcome {
        let settings = [("COUNT", "1"), ("KEY_0", "merge.covault.driver"), ("VALUE_0", line)];
        let vars = settings.map(|(name, value)| (format!("GIT_CONFIG_{name}"), value.to_owned()));
        self.actors[seat.who].person.vars.extend(vars);
        Done
    }

    /// A branch here, or as it was fetched.
    fn rev(&self, seat: Seat, branch: &str) -> Option<String> {
        let known =
            |rev: &String| !self.ask(seat, &["rev-parse", "-q", "--verify", &format!("{rev}^{{commit}}")]).is_empty();
        [branch.to_owned(), format!("origin/{branch}")].into_iter().find(known)
    }

    /// The linked work tree of somebody, made where it is not there yet.
    fn sit_down(&mut self, seat: Seat) -> Result<bool, Violation> {
        if self.actors[seat.who].linked.is_some() {
            return Ok(true);
        }
        let person = self.person(seat);
        let place = self.world.path().join(format!("{} linked", person.name));
        let branch = format!("tree-{}", person.name);
        let made = person.git(["worktree", "add", "-q", "-B", &branch, place.to_str().unwrap(), "HEAD"]).code == 0;
        if made {
            let linked =
                Person { name: person.name.clone(), home: person.home.clone(), repo: place, vars: person.vars.clone() };
            self.actors[seat.who].linked = Some(linked);
        }
        Ok(made)
    }

    fn switch(&self, seat: Seat, branch: &str) -> Outcome {
        // A linked work tree keeps to its branch.
        if seat.linked || self.branch(seat) == branch {
            return Passed;
        }
        if self.quiet(seat, &["switch", "-q", branch]) == Done {
            return Done;
        }
        self.quiet(seat, &["switch", "-q", "-c", branch])
    }

    fn amend(&mut self, seat: Seat, name: &str, what: &str) -> Act {
        // A commit that others have is not amended.
        let pushed = !self.git(seat, &["branch", "-r", "--contains", "HEAD"]).text().is_empty();
        if pushed {
            return Ok(Passed);
        }
        let value = self.value();
        let how = Writing { no_commit: true, stopped: false };
        if self.write(seat, name, field(what, Some(&value)), how)? == Passed {
            return Ok(Passed);
        }
        self.git_through(seat, "amend", &["commit", "-q", "--amend", "--no-edit"])
    }

    fn stash(&mut self, seat: Seat, name: &str, what: &str) -> Act {
        let value = self.value();
        let how = Writing { no_commit: true, stopped: false };
        if self.write(seat, name, field(what, Some(&value)), how)? == Passed {
            return Ok(Passed);
        }
        self.git_through(seat, "stash", &["stash", "push", "-q", "--include-untracked"])
    }

    pub fn pop(&mut self, seat: Seat) -> Act {
        if !super::stops::common_dir(self.person(seat)).join("refs/stash").exists() {
            return Ok(Passed);
        }
        let said = self.git(seat, &["stash", "pop", "-q"]);
        let conflicts = said.code != 0 && !self.git(seat, &["ls-files", "-u"]).text().is_empty();
        if said.code != 0 && !conflicts {
            self.stops.add("pop: git refuses");
            return Ok(Passed);
        }
        if !self.settle(seat, "pop")? {
            return Ok(Passed);
        }
        if conflicts {
            self.git(seat, &["stash", "drop", "-q"]);
        }
        self.learn(seat, &By::Nobody)?;
        self.git(seat, &["add", "-A"]);
        self.git(seat, &["commit", "-q", "-m", "what was stashed"]);
        Ok(Done)
    }

    fn reset(&mut self, seat: Seat, back: &str) -> Act {
        let target = format!("HEAD~{back}");
        // What somebody writes under a roster that gave them more than the newest does is refused by everybody, and rightly.
        if self.git(seat, &["diff", "--quiet", &target, "HEAD", "--", ".covault/roster.toml"]).code != 0 {
            return Ok(Passed);
        }
        Ok(self.quiet(seat, &["reset", "-q", "--hard", &target]))
    }

    fn merge(&mut self, seat: Seat, words: &[&str]) -> Act {
        const WAYS: [&str; 4] = ["plain", "squash", "resolve", "octopus"];
        let way = words.iter().find(|word| WAYS.contains(word)).copied().unwrap_or("plain");
        let branches = words.iter().filter(|word| !WAYS.contains(word));
        let revs: Vec<String> = branches.filter_map(|branch| self.rev(seat, branch)).collect();
        if revs.is_empty() {
            return Ok(Passed);
        }
        let mut args = vec!["merge", "-q", "--no-edit"];
        match way {
            "squash" => args.push("--squash"),
            "resolve" => args.extend(["-s", "resolve"]),
            "octopus" => args.extend(["-s", "octopus"]),
            _ => {}
        }
        args.extend(revs.iter().map(String::as_str));
        if way != "squash" {
            return self.git_through(seat, &format!("merge {way}"), &args);
        }
        let outcome = self.git_through(seat, "merge squash", &args)?;
        if self.git(seat, &["diff", "--cached", "--quiet"]).code == 0 {
            return Ok(Passed);
        }
        self.git(seat, &["commit", "-q", "-m", "squashed"]).ok();
        Ok(outcome)
    }

    /// The newest commits, on top of a branch.
    fn onto(&mut self, seat: Seat, branch: &str, count: &str) -> Act {
        let Some(rev) = self.rev(seat, branch) else { return Ok(Passed) };
        // All that the branch does not have: nothing is dropped.
        let base = match count {
            "all" => self.ask(seat, &["merge-base", &rev, "HEAD"]),
            count => format!("HEAD~{count}"),
        };
        self.git_through(seat, "rebase --onto", &["rebase", "-q", "--onto", &rev, &base])
    }

    fn pick(&mut self, seat: Seat, branch: &str, back: &str) -> Act {
        let Some(rev) = self.rev(seat, branch) else { return Ok(Passed) };
        let commit = format!("{rev}~{back}");
        let parents = self.ask(seat, &["log", "-1", "--format=%P", &commit]);
        if parents.split(' ').count() != 1 || parents.is_empty() {
            return Ok(Passed);
        }
        self.git_through(seat, "cherry-pick", &["cherry-pick", &commit])
    }

    fn patches(&mut self, seat: Seat, branch: &str, count: &str) -> Act {
        let Some(rev) = self.rev(seat, branch) else { return Ok(Passed) };
        let args = ["format-patch", "--binary", "--full-index", "--stdout", &format!("-{count}"), &rev];
        let patches = self.git(seat, &args);
        if patches.code != 0 || patches.out.is_empty() {
            return Ok(Passed);
        }
        let before = self.here(seat);
        let said = self.person(seat).fed("git", &patches.out, ["am", "-q", "-3", "--keep-non-patch"]);
        if said.code != 0 && super::stops::middle(self.person(seat)) == super::stops::Middle::Nothing {
            self.stops.add("am: git refuses");
            return Ok(Passed);
        }
        self.settle(seat, "am")?;
        self.turn_away(seat, before.as_deref())?;
        self.learn(seat, &By::Nobody)?;
        Ok(Done)
    }

    fn push(&mut self, seat: Seat, force: bool) -> Outcome {
        let branch = self.branch(seat);
        if branch.is_empty() || (force && branch == "main") {
            return Passed;
        }
        let args = ["push", "-q", if force { "--force" } else { "--no-force" }, "origin", &branch];
        let outcome = self.quiet(seat, &args);
        if outcome == Passed {
            self.stops.add("push: somebody was faster");
        }
        outcome
    }

    fn pull(&mut self, seat: Seat, rebase: bool) -> Act {
        let branch = self.branch(seat);
        let there = self.git(seat, &["ls-remote", "--exit-code", "--heads", "origin", &branch]).code == 0;
        let from = if there { branch.as_str() } else { "main" };
        let how = if rebase { "--rebase" } else { "--no-rebase" };
        self.git_through(
            seat,
            if rebase { "pull --rebase" } else { "pull" },
            &["pull", "-q", how, "--no-edit", "origin", from],
        )
    }

    pub fn sync(&mut self, seat: Seat) -> Act {
        if self.part(seat) == Part::Bot || self.branch(seat) != "main" {
            return Ok(Passed);
        }
        let before = self.here(seat);
        let said = self.person(seat).covault(["sync"]);
        self.check_said(seat, &["sync"], &said)?;
        // What it joined is in the merge, and what it healed follows that.
        let since = before.as_ref().map(|before| format!("^{before}"));
        let commits: Vec<&str> = ["HEAD"].into_iter().chain(since.as_deref()).collect();
        for version in self.versions_in(seat, &commits)? {
            self.oracle.remember(&version);
        }
        self.learn(seat, &By::Merging)?;
        self.settle(seat, "sync")?;
        self.turn_away(seat, before.as_deref())?;
        Ok(Done)
    }

    /// An admin changes the roster: on the newest trunk, and pushes at once; or, `late`, wherever they are.
    pub fn roster(&mut self, seat: Seat, args: &[&str], late: bool) -> Act {
        if late {
            return self.command(seat, args);
        }
        if self.branch(seat) != "main" || seat.linked {
            return Ok(Passed);
        }
        self.pull(seat, false)?;
        let outcome = self.command(seat, args)?;
        self.push(seat, false);
        Ok(outcome)
    }

    /// Somebody leaves who only read: what a writer wrote and nobody merged yet would be refused from now on.
    fn remove(&mut self, seat: Seat, whom: &str, late: bool) -> Act {
        let Some(leaver) = self.seat(whom).filter(|leaver| self.part(*leaver) == Part::Reader) else {
            return Ok(Passed);
        };
        let outcome = self.roster(seat, &["member", "remove", whom, "--yes"], late)?;
        self.actors[leaver.who].gone |= outcome == Done;
        Ok(outcome)
    }

    /// Somebody new, in the short way: their card is taken in by an admin's commit.
    fn admit(&mut self, seat: Seat, name: &str, late: bool) -> Act {
        if self.branch(seat) != "main" || seat.linked || self.actors.iter().any(|actor| actor.person.name == name) {
            return Ok(Passed);
        }
        if !late {
            self.pull(seat, false)?;
        }
        self.add_member(seat, name)
    }
}
