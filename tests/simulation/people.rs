//! Who comes aboard while the script runs.

use covault::model::card::Kind;
use covault::model::roster::{Operation, Role};
use covault::vault::amend::Step as Change;

use super::script::Part;
use super::sim::{Actor, Outcome, Seat, Sim, Violation};
use crate::team;

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
        let (shared, repo) = (self.world.shared(), person.repo.clone());
        if self.git(admin, &["push", "-q", "origin", "main"]).code != 0 {
            // Somebody was faster: they get their clone from the admin's.
            let from = self.person(admin).repo.clone();
            person.git(["clone".as_ref(), "-q".as_ref(), from.as_os_str(), repo.as_os_str()]).ok();
            person.git(["remote".as_ref(), "set-url".as_ref(), "origin".as_ref(), shared.as_os_str()]).ok();
            person.git(["fetch", "-q"]).ok();
        } else {
            person.git(["clone".as_ref(), "-q".as_ref(), shared.as_os_str(), repo.as_os_str()]).ok();
        }
        person.git(["config", "user.name", name]).ok();
        person.git(["config", "user.email", &format!("{name}@example.org")]).ok();
        person.git(["config", "covault.vault", &id]).ok();
        person.covault(["setup"]).ok();
        self.actors.push(Actor { person, part: Part::Writer, linked: None, skew: 0, gone: false });
        Ok(Outcome::Done)
    }
}
