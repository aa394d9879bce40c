//! What liars do. Each lie is one commit on the newest trunk or on a branch, pushed; then somebody honest meets it.
//!
//! ```text
//! WHO lie KIND NAME BRANCH NUMBER       the number chooses among the ways of a kind
//!   replay     an older file is put back
//!   backdate   a write by a clock that is years off; without a key, a date in a manifest
//!   fork       two successors of one version, one for the trunk and one for another branch
//!   forge      a version in somebody else's name, a changed manifest or payload, a version by one who may not write it
//!   swap       the file of one secret at another's name
//!   stuff      old, forged or own versions beside the newest, few or more than a version may name
//!   roster     an entry by who may not write one, a changed text, an entry taken away
//! ```

use std::sync::Arc;

use covault::model::names::MemberName;
use covault::model::roster::{Operation, Role};
use covault::model::time::Time;
use covault::seal::{SealedFile, bundle, members};

use super::forging::{Forging, extended, key_of, may_write, reference, roster_of, shortened};
use super::lies::{Fate, file, name};
use super::oracle::View;
use super::script::Part;
use super::secrets::{Writing, field};
use super::sim::{Outcome, Seat, Sim, Violation};
use crate::attacks::forge::Parts;

use Outcome::{Done, Passed};

type Act = Result<Outcome, Violation>;

/// Begins what liars write who may not: nobody ever gets it.
pub const PLANTED: &str = "PlantedByALiar";

const ROSTER: &str = ".covault/roster.toml";

/// What a liar works with: the newest trunk, or a branch.
struct Desk {
    seat: Seat,
    /// The member whose keys they have; nobody where there is none.
    member: String,
    roster: Vec<u8>,
    number: usize,
    at: Time,
}

/// What a liar does to one file.
struct Deed {
    /// What has to become of it; nothing where it counts as what anybody may write.
    fate: Option<Fate>,
    path: String,
    bytes: Vec<u8>,
}

impl Deed {
    fn lie(fate: Fate, path: String, bytes: Vec<u8>) -> Option<Self> {
        Some(Self { fate: Some(fate), path, bytes })
    }
}

impl Sim {
    /// One lie, and somebody who meets it.
    pub fn lie(&mut self, name: &str, words: &[&str]) -> Act {
        let &[kind, secret, branch, number] = words else { return Ok(Passed) };
        let Some(who) = self.actors.iter().position(|actor| actor.person.name == name && actor.role.lies) else {
            return Ok(Passed);
        };
        let seat = Seat { who, linked: false };
        if branch == "main" {
            self.mend_trunk()?;
        }
        if !self.begin_lying(seat, branch) {
            return Ok(Passed);
        }
        let number: usize = number.parse().unwrap_or(0);
        let roster = std::fs::read(self.person(seat).repo.join(ROSTER)).unwrap();
        let member = self.actors[who].role.member().to_owned();
        let at = Time::from_unix(self.now + clock(number));
        let desk = Desk { seat, member, roster, number, at };
        let witness = self.witness(number)?;
        let deed = match kind {
            "backdate" if self.is_writer(&desk, secret) => return self.backdate(&desk, secret, branch, witness),
            "fork" if self.is_writer(&desk, secret) => return self.fork(&desk, secret, branch, witness),
            "replay" => self.replayed(&desk, secret),
            "swap" => self.swapped(&desk, secret),
            "stuff" => self.stuffed(&desk, secret),
            "roster" => self.roster_lie(&desk),
            _ => self.forged(&desk, secret),
        };
        let Some(Deed { fate, path, bytes }) = deed else { return Ok(Passed) };
        let place = self.person(seat).repo.join(&path);
        let cure = std::fs::read(&place).ok();
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, &bytes).unwrap();
        self.git(seat, &["add", "-A", "-f", "."]).ok();
        if self.git(seat, &["commit", "-q", "--no-verify", "-m", "an innocent change"]).code != 0 {
            return Ok(Passed);
        }
        match fate {
            Some(Fate::Refused) if kind == "swap" => self.lies.misplace(name_in(&path), &bytes),
            Some(Fate::Refused) => self.lies.condemn(&bytes),
            _ => {}
        }
        if let Some(fate) = fate {
            let kind = format!("{kind} by a {}", self.standing(&desk));
            self.note_lie(seat, &kind, fate, &path, &bytes, cure);
            self.steps.add(format!("lie: {kind}: {fate:?}"));
        } else {
            self.steps.add(format!("lie: {kind}, which counts"));
        }
        self.publish(seat, branch);
        self.meet(witness, branch).map(|()| Done)
    }

    /// What somebody is who lies, in a word.
    fn standing(&self, desk: &Desk) -> &'static str {
        let actor = &self.actors[desk.seat.who];
        match actor.role.part {
            _ if actor.gone => "leaver",
            Part::Bot => "pusher",
            Part::Reader => "reader",
            Part::Writer | Part::Admin => "writer",
        }
    }

    /// A clean copy of the newest trunk or branch in the liar's clone; nothing where there is a lie already.
    fn begin_lying(&mut self, seat: Seat, branch: &str) -> bool {
        self.git(seat, &["fetch", "-q"]).ok();
        let there = format!("origin/{branch}");
        let known = !self.ask(seat, &["rev-parse", "-q", "--verify", &there]).is_empty();
        let good = known && self.lies_in(seat, &there).is_empty() && !self.has_lie_below(seat, &there);
        let base = if good { there } else { "origin/main".to_owned() };
        if !self.lies_in(seat, &base).is_empty() {
            return false;
        }
        self.git(seat, &["checkout", "-q", "-f", "-B", "lying", &base]).ok();
        self.git(seat, &["clean", "-qfd"]).ok();
        true
    }

    /// A branch that nobody puts right carries a lie in its history: it is begun anew.
    fn has_lie_below(&self, seat: Seat, rev: &str) -> bool {
        rev != "origin/main"
            && self.lies.all.iter().any(|lie| {
                self.git(seat, &["merge-base", "--is-ancestor", &lie.commit, rev]).code == 0
                    && self.git(seat, &["merge-base", "--is-ancestor", &lie.commit, "origin/main"]).code != 0
            })
    }

    fn publish(&mut self, seat: Seat, branch: &str) {
        let force = if branch == "main" { "--no-force" } else { "--force" };
        self.git(seat, &["push", "-q", force, "origin", &format!("HEAD:refs/heads/{branch}")]).ok();
    }

    /// Somebody honest who has what is on the trunk, and has looked at it.
    fn witness(&mut self, number: usize) -> Result<Option<Seat>, Violation> {
        let mut seats = self.seats();
        seats.retain(|seat| self.branch(*seat) == "main");
        if seats.is_empty() {
            return Ok(None);
        }
        let seat = seats[(number * 7 + self.number) % seats.len()];
        self.git(seat, &["fetch", "-q"]).ok();
        self.git_through(seat, "witness", &["merge", "-q", "--no-edit", "origin/main"])?;
        self.person(seat).covault(["status"]);
        Ok(Some(seat))
    }

    /// A witness merges the branch with the lie, as people do; the rest is done by [`Sim::turn_away`].
    fn meet(&mut self, witness: Option<Seat>, branch: &str) -> Result<(), Violation> {
        let Some(seat) = witness else { return Ok(()) };
        self.git(seat, &["fetch", "-q"]).ok();
        let there = format!("origin/{branch}");
        self.git_through(seat, "meets a liar", &["merge", "-q", "--no-edit", &there])?;
        Ok(())
    }

    fn is_writer(&self, desk: &Desk, secret: &str) -> bool {
        if self.actors[desk.seat.who].gone || self.part_of(desk) < Part::Writer {
            return false;
        }
        let bytes = std::fs::read(self.person(desk.seat).file(secret)).unwrap_or_default();
        let sealed = SealedFile::parse(bytes);
        sealed.is_ok_and(|sealed| may_write(&roster_of(&desk.roster), &desk.member, sealed.manifest()))
    }

    fn part_of(&self, desk: &Desk) -> Part {
        self.actors[desk.seat.who].role.part
    }

    /// A member's own write with a clock that is years off: it counts as any other.
    fn backdate(&mut self, desk: &Desk, secret: &str, branch: &str, witness: Option<Seat>) -> Act {
        let skew = self.actors[desk.seat.who].skew;
        self.actors[desk.seat.who].skew = clock(desk.number);
        let value = self.value();
        let outcome = self.write(desk.seat, secret, field("password", Some(&value)), Writing::default());
        self.actors[desk.seat.who].skew = skew;
        if outcome? == Passed {
            return Ok(Passed);
        }
        self.publish(desk.seat, branch);
        self.steps.add("lie: backdate, which counts");
        self.meet(witness, branch).map(|()| Done)
    }

    /// Two successors of one version, with one number and one time: one for the trunk, one for a branch.
    fn fork(&mut self, desk: &Desk, secret: &str, branch: &str, witness: Option<Seat>) -> Act {
        let base = self.ask(desk.seat, &["rev-parse", "HEAD"]);
        for place in ["main", if branch == "main" { "side" } else { branch }] {
            self.git(desk.seat, &["checkout", "-q", "-f", "-B", "lying", &base]).ok();
            let value = self.value();
            let what = if desk.number.is_multiple_of(2) { "password" } else { place };
            if self.write(desk.seat, secret, field(what, Some(&value)), Writing::default())? == Passed {
                return Ok(Passed);
            }
            if place == "main" && !self.lies_in(desk.seat, "origin/main").is_empty() {
                continue;
            }
            let target = format!("HEAD:refs/heads/{place}");
            let force = if place == "main" { "--no-force" } else { "--force" };
            self.git(desk.seat, &["push", "-q", force, "origin", &target]);
            self.meet(witness, place)?;
        }
        self.steps.add("lie: fork, which counts");
        Ok(Done)
    }

    /// An older version that was alone in its file. One that follows all that is there, or says the same, takes nothing back:
    /// it is no lie.
    fn replayed(&mut self, desk: &Desk, secret: &str) -> Option<Deed> {
        let path = file(secret);
        let read = |bytes: &[u8]| SealedFile::parse(bytes).ok();
        let now = std::fs::read(self.person(desk.seat).repo.join(&path)).unwrap_or_default();
        let now: Vec<SealedFile> = members(&now).into_iter().flatten().filter_map(read).collect();
        let takes_back = |old: &SealedFile| {
            let (hash, old) = (old.hash(), old.manifest());
            now.iter().any(|new| {
                new.hash() != hash && !old.names_as_ancestor(new.hash()) && new.manifest().message() != old.message()
            })
        };
        let mut old = self.older(desk, &path, usize::MAX);
        old.retain(|old| read(old).is_some_and(|old| takes_back(&old)));
        old.truncate(1 + desk.number % 4);
        Deed::lie(Fate::Older, path, old.pop()?)
    }

    /// Older files at a path, each once and none of them the newest or a lie, from the newest to the oldest.
    fn older(&mut self, desk: &Desk, path: &str, count: usize) -> Vec<Vec<u8>> {
        let now = std::fs::read(self.person(desk.seat).repo.join(path)).unwrap_or_default();
        let log = self.git(desk.seat, &["log", "--format=%H", "-12", "--", path]).text();
        let mut found: Vec<Vec<u8>> = Vec::new();
        for commit in log.lines() {
            let said = self.git(desk.seat, &["cat-file", "blob", &format!("{commit}:{path}")]);
            let bytes = said.out;
            let is_one = said.code == 0 && members(&bytes).is_ok_and(|members| members.len() == 1);
            let at_home = name(path).is_some_and(|name| !self.lies.is_swapped(name, &bytes));
            if is_one && at_home && bytes != now && !self.lies.is_false(&bytes) && !found.contains(&bytes) {
                found.push(bytes);
            }
        }
        found.truncate(count);
        found
    }

    /// The file of a secret at another's name.
    fn swapped(&mut self, desk: &Desk, secret: &str) -> Option<Deed> {
        let root = self.person(desk.seat).repo.join(".covault/secrets");
        let bytes = std::fs::read(self.person(desk.seat).file(secret)).ok()?;
        let mut others = crate::faults::rig::files(&root);
        others.sort();
        let names = others.iter().filter_map(|file| {
            let path = file.strip_prefix(&self.person(desk.seat).repo).ok()?.to_string_lossy().into_owned();
            name(&path).filter(|name| *name != secret).map(ToOwned::to_owned)
        });
        let names: Vec<String> = names.chain(["swapped/new".to_owned()]).collect();
        let other = &names[desk.number % names.len()];
        Deed::lie(Fate::Refused, file(other), bytes)
    }

    /// What is no good: in another's name, changed by hand, or by one who may not.
    fn forged(&mut self, desk: &Desk, secret: &str) -> Option<Deed> {
        let path = file(secret);
        let bytes = std::fs::read(self.person(desk.seat).repo.join(&path)).ok()?;
        let is_one = members(&bytes).is_ok_and(|members| members.len() == 1);
        if !is_one {
            return Deed::lie(Fate::Refused, path, format!("{PLANTED} {}\n", self.number).into_bytes());
        }
        let carved = |knife: &dyn Fn(&mut Parts)| {
            let mut parts = Parts::of(&bytes);
            knife(&mut parts);
            Some(parts.bytes())
        };
        let planted = format!("{PLANTED} {}", self.number);
        let forged = match desk.number % 6 {
            0 => self.version(desk, &bytes, Some("alice"), &planted, 0),
            1 => carved(&|parts| parts.set("at", "\"2031-01-01T00:00:00Z\"")),
            2 => carved(&|parts| parts.set("revision", "1000000")),
            3 => carved(&|parts| *parts.payload.last_mut().unwrap() ^= 1),
            4 => carved(&|parts| parts.sign(&key_of(self.person(desk.seat)), covault::seal::sshsig::Namespace::Secret)),
            // In their own name, where they may not write.
            _ if !self.is_writer(desk, secret) => self.version(desk, &bytes, None, &planted, 0),
            _ => Some(format!("{PLANTED} {}\n", self.number).into_bytes()),
        };
        // Who signs what is their own with their own key has forged nothing.
        let own = desk.number % 6 == 4 && reading_author(&bytes) == desk.member;
        Deed::lie(Fate::Refused, path, forged.filter(|forged| !own && *forged != bytes)?)
    }

    /// The next version, by the liar's key: in their own name, or in another's.
    fn version(&mut self, desk: &Desk, bytes: &[u8], name: Option<&str>, value: &str, more: usize) -> Option<Vec<u8>> {
        let roster = roster_of(&desk.roster);
        let name = name.unwrap_or(&desk.member);
        let author = reference(&roster, name).or_else(|| reference(&roster, &self.actors[0].person.name))?;
        let key = key_of(self.person(desk.seat));
        let mut nonce = [0x1e; 16];
        self.number_of_writes += 1;
        nonce[..8].copy_from_slice(&(self.number_of_writes as u64).to_be_bytes());
        let at = Time::from_unix(desk.at.unix() + more as i64);
        let honest = !value.starts_with(PLANTED);
        let forging = Forging { roster: &roster, author, key: &key, at, value, nonce };
        let opens = team_keys(self);
        forging.next(bytes, honest.then_some(&opens))
    }

    /// More versions in the file than the one that counts.
    fn stuffed(&mut self, desk: &Desk, secret: &str) -> Option<Deed> {
        let path = file(secret);
        let bytes = std::fs::read(self.person(desk.seat).repo.join(&path)).ok()?;
        members(&bytes).ok().filter(|members| members.len() == 1)?;
        let mut all = vec![bytes.clone()];
        let fate = match desk.number % 4 {
            // Older ones beside the newest change nothing: they are told apart by what they follow.
            0 => {
                all.extend(self.older(desk, &path, 5));
                None
            }
            1 => {
                let planted = format!("{PLANTED} {}", self.number);
                let other = if desk.member == "bob" { "alice" } else { "bob" };
                all.extend(self.version(desk, &bytes, Some(other), &planted, 0));
                Some(Fate::Refused)
            }
            few if self.is_writer(desk, secret) => {
                let before = View(self.open(&bytes).unwrap_or_default());
                for more in 0..if few == 2 { 3 } else { 62 + desk.number % 7 } {
                    let value = self.value();
                    let version = self.version(desk, &bytes, None, &value, more)?;
                    let read: Vec<Arc<_>> = self.open(&version).unwrap_or_default();
                    let by = format!("{}, step {}", self.person(desk.seat).name, self.number);
                    read.iter().for_each(|version| {
                        self.oracle.learn(version, &before, &by);
                    });
                    all.push(version);
                }
                None
            }
            few => {
                let known = reference(&roster_of(&desk.roster), &desk.member).is_some();
                for more in 0..if few == 2 { 1 } else { 70 } {
                    let planted = format!("{PLANTED} {} {more}", self.number);
                    let version = self.version(desk, &bytes, None, &planted, more)?;
                    self.lies.condemn(&version);
                    all.push(version);
                }
                // Somebody without a card has only another's name to use.
                Some(if known { Fate::Apart } else { Fate::Refused })
            }
        };
        let stuffed = bundle(all).ok().filter(|stuffed| *stuffed != bytes)?;
        Some(Deed { fate, path, bytes: stuffed })
    }

    /// A roster that no admin made.
    fn roster_lie(&mut self, desk: &Desk) -> Option<Deed> {
        let text = String::from_utf8(desk.roster.clone()).unwrap();
        let roster = roster_of(&desk.roster);
        let key = key_of(self.person(desk.seat));
        let fate = if desk.number.is_multiple_of(3) { Fate::OlderRoster } else { Fate::Roster };
        let lie = match desk.number % 3 {
            0 => shortened(&desk.roster),
            1 if text.contains("\"reader\"") => text.replacen("\"reader\"", "\"admin\"", 1),
            _ => {
                let member = roster.named(&MemberName::parse("bob").unwrap())?.reference();
                let by = reference(&roster, &desk.member).or_else(|| reference(&roster, "alice"))?.card;
                let operation = Operation::Role { member, role: Role::Admin, live: Vec::new() };
                extended(&desk.roster, by, &key, operation, desk.at)
            }
        };
        Deed::lie(fate, ROSTER.to_owned(), lie.into_bytes())
    }
}

/// The keys of who founded the vault: a liar who reads a secret reads what they do.
fn team_keys(sim: &Sim) -> covault::seal::Identities {
    crate::team::home(&sim.actors[0].person).keys().unwrap().identities
}

fn reading_author(bytes: &[u8]) -> String {
    SealedFile::parse(bytes).map_or_else(|_| String::new(), |it| it.manifest().author.name.to_string())
}

fn name_in(path: &str) -> &str {
    name(path).unwrap_or_default()
}

/// How far off a liar's clock is, in seconds: years, days and not at all.
fn clock(number: usize) -> i64 {
    const DAY: i64 = 86_400;
    [-3650 * DAY, -40 * DAY, -2 * DAY, 0, 2 * DAY, 40 * DAY, 3650 * DAY][number % 7]
}
