//! A team and its provider: every command of docs/provider-keys.md, run by whom the page names, against the fake.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::page::{Line, lines};
use crate::keys::rig::reaches;
use crate::openrouter::fake::{Fake, Fault, Rule, Victim};
use crate::world::{Person, Said, World, said};

/// The people of the page and their provider.
struct Day {
    world: World,
    fake: Fake,
    people: BTreeMap<String, Person>,
    near: bool,
}

impl Day {
    fn begin() -> Self {
        let (world, fake) = (World::new(), Fake::start());
        let mut alice = world.team("alice");
        reaches(&mut alice, &fake);
        let file = |name: &str| world.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(file("management key"), format!("{}\n", fake.management_key())).unwrap();
        alice.vars.push(("MANAGEMENT_KEY_FILE".to_owned(), file("management key")));
        alice.vars.push(("IDENTITY_FILE".to_owned(), file("identity")));
        let bob = world.joins(&alice, "bob");
        let carol = world.joins(&alice, "carol");
        alice.covault(["member", "role", "bob", "admin", "--yes"]).ok();
        alice.push("main");
        let mut day = Self { world, fake, people: BTreeMap::new(), near: false };
        for mut person in [bob, carol] {
            reaches(&mut person, &day.fake);
            person.git(["pull", "-q"]).ok();
            day.people.insert(person.name.clone(), person);
        }
        day.people.insert("alice".to_owned(), alice);
        day
    }

    /// Fills in what the next line needs, and what happens in between.
    fn prepare(&mut self, who: &str, command: &str) {
        if !self.people.contains_key(who) {
            let mut machine = self.world.newcomer(who);
            reaches(&mut machine, &self.fake);
            let identity = std::fs::read_to_string(self.world.path().join("identity")).unwrap();
            let words = self.people["alice"].covault(["status", "--json"]);
            let words: serde_json::Value = serde_json::from_slice(&words.out).unwrap();
            machine.vars.push(("COVAULT_IDENTITY".to_owned(), identity.trim().to_owned()));
            machine.vars.push(("COVAULT_VAULT".to_owned(), words["words"].as_str().unwrap().to_owned()));
            self.people.insert(who.to_owned(), machine);
        }
        if command == "covault key usage" && !self.near {
            // The app spends.
            let key = self.people["alice"].get("prod/openrouter");
            self.fake.spend(&self.fake.key_of(&key).unwrap().hash, "8.50");
            self.near = true;
        }
    }

    /// A shell line in somebody's clone, with this build's program on the path; `killed` dies while the provider answers
    /// its request for a key.
    fn run(&self, who: &str, line: &str, killed: bool) -> Said {
        let program = Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
        let inherited = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(program.to_path_buf()).chain(std::env::split_paths(&inherited));
        let mut command = self.people[who].command("sh");
        let line = if killed { format!("exec {line}") } else { line.to_owned() };
        command.args(["-c", &line]).env("PATH", std::env::join_paths(path).unwrap());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if !killed {
            return said(command.output().unwrap());
        }
        let victim = Victim::new();
        self.fake.inject(Rule::on("POST /keys", Fault::Kill(victim.clone())).after());
        let child = command.spawn().unwrap();
        victim.is(child.id());
        said(child.wait_with_output().unwrap())
    }
}

#[test]
fn every_command_of_the_page_about_keys_does_what_the_page_says() {
    let mut day = Day::begin();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/provider-keys.md")).unwrap();
    let mut ran = 0;
    for Line { who, command, exit, comment } in lines(&page) {
        day.prepare(who, command);
        let said = day.run(who, command, comment == "killed");
        println!("{who}$ {command}  -> {}\n{}{}", said.code, said.text(), said.err);
        let expected = if comment == "killed" { -1 } else { exit };
        assert_eq!(said.code, expected, "{who}$ {command}\n{}\n{}", said.text(), said.err);
        ran += 1;
    }
    assert!(ran >= 45, "{ran} lines");
    assert!(day.fake.live_keys().is_empty(), "{:?}", day.fake.live_keys());
    let alice = &day.people["alice"];
    assert_eq!(alice.get("prod/stripe"), "sk_live_second");
    alice.covault(["verify"]).ok();
    alice.git(["fsck", "--strict"]).ok();
}
