//! Who comes aboard while the script runs.

use covault::model::card::Kind;
use covault::model::roster::{Operation, Role};
use covault::vault::amend::Step as Change;

use std::path::Path;

use super::script::Part;
use super::sim::{Actor, Outcome, Seat, Sim, Violation};
use crate::team;
use crate::world::Person;

impl Sim {
    /// Takes somebody in as a writer, by the hand of an admin who stands on the trunk.
    pub fn add_member(&mut self, admin: Seat, name: &str) -> Result<Outcome, Violation> {
        let person = self.world.stranger(name);
        let vault = team::vault(self.person(admin));
        let (card, signature) = team::card(&vault, &person, name, Kind::Person);
        let operation = Operation::Admit { role: Role::Writer, card };
        let id = vault.roster().vault.to_string();
        drop(vault);
        let how = self.how(admin, false);
        let vault = team::vault(self.person(admin));
        let change = Change { operation, card_signature: Some(signature) };
        let amendment = vault.amendment(vec![change], &how).unwrap();
        vault
            .amend(vault.writing(&how).unwrap(), amendment, Vec::new(), &format!("covault: admit {name}"), &|| ())
            .unwrap();
        let pushed = self.git(admin, &["push", "-q", "origin", "main"]).code == 0;
        let shared = self.world.shared();
        // Where somebody was faster with a push, they get their clone from the admin's.
        clone(&person, if pushed { &shared } else { &self.person(admin).repo }, Some(&id));
        if !pushed {
            person.git(["remote".as_ref(), "set-url".as_ref(), "origin".as_ref(), shared.as_os_str()]).ok();
            person.git(["fetch", "-q"]).ok();
        }
        self.actors.push(Actor { person, part: Part::Writer, linked: None, skew: 0, gone: false });
        Ok(Outcome::Done)
    }
}

/// A clone that is set up, and that knows its vault where its owner has a key.
pub fn clone(person: &Person, from: &Path, vault: Option<&str>) {
    let settings = [
        format!("user.name={}", person.name),
        format!("user.email={}@example.org", person.name),
        "maintenance.auto=false".to_owned(),
    ];
    let settings: Vec<String> = settings.into_iter().chain(vault.map(|id| format!("covault.vault={id}"))).collect();
    let settings = settings.iter().flat_map(|setting| ["-c".as_ref(), setting.as_ref()]);
    let words = ["clone".as_ref(), "-q".as_ref()].into_iter().chain(settings);
    person.git(words.chain([from.as_os_str(), person.repo.as_os_str()])).ok();
    person.covault(["setup"]).ok();
}
