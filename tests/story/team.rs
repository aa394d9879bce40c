//! A day with a team: every command of docs/team.md, run by whom the page names, over a bare remote.

use std::collections::BTreeMap;
use std::path::Path;

use super::page::{Line, lines};
use crate::world::{Person, Said, World, said};

/// The people of the page, and what they read to each other.
struct Day<'a> {
    world: &'a World,
    people: BTreeMap<String, Person>,
    variables: BTreeMap<&'static str, String>,
}

impl Day<'_> {
    /// A shell line in somebody's clone, with this build's program on the path.
    fn run(&self, who: &str, line: &str) -> Said {
        let program = Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
        let inherited = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(program.to_path_buf()).chain(std::env::split_paths(&inherited));
        let mut command = self.people[who].command("sh");
        command.args(["-c", line]).env("PATH", std::env::join_paths(path).unwrap());
        command.envs(self.variables.iter().filter(|(name, _)| line.contains(&format!("${name}"))));
        said(command.output().unwrap())
    }

    /// What somebody's screen shows, for who is asked to read it out.
    fn seen_by(&self, who: &str) -> serde_json::Value {
        serde_json::from_slice(&self.people[who].covault(["status", "--json"]).ok().out).unwrap()
    }

    /// Fills in what the next line needs to know.
    fn prepare(&mut self, who: &str, line: &str) {
        if !self.people.contains_key(who) {
            let mut person = self.world.newcomer(who);
            let whose = [("desktop", "bob"), ("newlaptop", "alice")].into_iter().find(|(machine, _)| *machine == who);
            if let Some((_, name)) = whose {
                name.clone_into(&mut person.name);
            }
            if who == "ci" {
                // All that the job has.
                let words = self.seen_by("alice")["words"].as_str().unwrap().to_owned();
                person.vars = vec![
                    ("COVAULT_IDENTITY".to_owned(), self.variables["IDENTITY"].clone()),
                    ("COVAULT_VAULT".to_owned(), words),
                ];
            }
            self.people.insert(who.to_owned(), person);
        }
        if line.contains("$WORDS") {
            self.variables.insert("WORDS", self.seen_by("alice")["words"].as_str().unwrap().to_owned());
        }
        if line.contains("$CARD") {
            self.variables.insert("CARD", self.seen_by(who)["requests"][0]["words"].as_str().unwrap().to_owned());
        }
    }

    /// Keeps what a line printed that somebody needs later.
    fn keep(&mut self, line: &str, printed: &str) {
        if line.ends_with(" --recovery") {
            self.variables.insert("PAPER", printed.to_owned());
        }
        let last = printed.lines().last().unwrap_or_default().to_owned();
        if line.starts_with("covault member invite") {
            self.variables.insert("INVITE", last);
        } else if line.starts_with("covault member add") {
            self.variables.insert("IDENTITY", last);
        }
    }
}

#[test]
fn every_command_of_the_page_does_what_the_page_says() {
    let world = World::new();
    let alice = world.person("alice");
    let shared = world.shared();
    alice.git(["init", "-q", "--bare", "-b", "main", shared.to_str().unwrap()]).ok();
    alice.git(["remote", "add", "origin", shared.to_str().unwrap()]).ok();
    alice.git(["push", "-q", "-u", "origin", "main"]).ok();
    let mut day = Day { world: &world, people: BTreeMap::new(), variables: BTreeMap::new() };
    day.people.insert("alice".to_owned(), alice);

    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/team.md")).unwrap();
    let mut ran = 0;
    for Line { who, command, exit, .. } in lines(&page) {
        day.prepare(who, command);
        let said = day.run(who, command);
        assert_eq!(said.code, exit, "{who}$ {command}\n{}\n{}", said.text(), said.err);
        day.keep(command, &said.text());
        ran += 1;
    }
    assert!(ran >= 90, "{ran} lines");

    let people = &day.people;
    for who in ["newlaptop", "desktop"] {
        people[who].git(["pull", "-q"]).ok();
        assert_eq!(people[who].get("prod/db/password"), "third-secret-of-prod");
        assert_eq!(people[who].get("dev/api"), "third-key-of-dev");
        people[who].git(["fsck", "--strict"]).ok();
    }
    people["alice"].git(["pull", "-q"]).ok();
    people["alice"].covault(["get", "prod/db/password"]).exits(4);
    people["carol"].git(["switch", "-q", "main"]).ok();
    people["carol"].git(["pull", "-q"]).ok();
    people["carol"].covault(["get", "prod/db/password"]).exits(4);
}
