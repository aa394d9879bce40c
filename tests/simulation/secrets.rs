//! What people do with covault: every new write is told to the oracle, with what lay before its author.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use covault::model::names::{FieldName, MetaName, SecretPath, TagName};
use covault::model::register::{Key, Write};
use covault::plaintext::Plaintext;
use covault::vault::set::{Edit, FieldEdit};
use covault::vault::trust;
use covault::vault::{Kind, Vault, VaultError};

use super::oracle::View;
use super::reading::Sealed;
use super::sim::{Outcome, Seat, Sim, Violation, violation};
use crate::team;
use crate::world::Said;

const ROSTER: &str = ".covault/roster.toml";

/// Who may have made a write that nobody knows.
pub enum By<'a> {
    /// A command of somebody's, who had this before them.
    Command(&'a BTreeMap<String, View>),
    /// A command that merged first: what its versions say that they follow.
    Merging,
    /// Nobody: git was at work, and what it calls.
    Nobody,
}

impl Sim {
    /// Records what is new in somebody's work tree.
    pub fn learn(&mut self, seat: Seat, by: &By<'_>) -> Result<(), Violation> {
        let name = self.person(seat).name.clone();
        let nothing = View::default();
        // In the middle of a stop a file may hold anything, and git has its sides.
        let after = self.view(seat, false).or_else(|_| self.view(seat, true))?;
        for (path, after) in after {
            for version in &after.0 {
                let before = match by {
                    By::Command(before) => {
                        let mut before = before.get(&path).unwrap_or(&nothing).clone();
                        // Where a lie put an older file on disk, who writes joins the newest commit first.
                        if !self.lies.all.is_empty() {
                            before.0.extend(self.oracle.parents(version).0);
                        }
                        before
                    }
                    By::Merging => self.oracle.parents(version),
                    By::Nobody => match self.oracle.unknown(version).first() {
                        Some((_, what)) => {
                            return violation("invented write", format!("{name} has {} of {path}", what.register));
                        }
                        None => continue,
                    },
                };
                self.oracle.learn(version, &before, &format!("{name}, step {}", self.number));
            }
        }
        Ok(())
    }

    /// A command of covault that a person types. `stopped`: git is in the middle of something.
    pub fn covault(&mut self, seat: Seat, args: &[&str], input: &str, stopped: bool) -> Result<Said, Violation> {
        let before = self.view(seat, stopped)?;
        let said = self.person(seat).covault_fed(input.as_bytes(), args);
        self.check_said(seat, args, &said)?;
        self.learn(seat, &By::Command(&before))?;
        Ok(said)
    }

    pub fn check_said(&mut self, seat: Seat, args: &[&str], said: &Said) -> Result<(), Violation> {
        let command = args[..args.len().min(1)].join(" ");
        if said.code == 0 {
            return Ok(());
        }
        let first = said.err.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        let refused = said.code == 6 && self.may_refuse(seat, &said.err);
        if !(2..=8).contains(&said.code) || (said.code == 6 && !refused) {
            let who = &self.person(seat).name;
            return violation(
                "strange answer",
                format!("{who}: {} ended with {}: {}", args.join(" "), said.code, said.err),
            );
        }
        self.refusals.add(format!("{command}: {} {}", said.code, kept_short(first)));
        Ok(())
    }

    /// Changes one secret through the library, with the oracle's own time.
    pub fn write(&mut self, seat: Seat, path: &str, edit: Edit, how: Writing) -> Result<Outcome, Violation> {
        let before = self.view(seat, how.stopped)?;
        let wanted = edit.fields.first().map(|field| field.name.to_string());
        let value = edit.fields.first().and_then(|field| field.value.as_ref()).map(text);
        let vault = match open(self, seat) {
            Ok(vault) => vault,
            Err(error) => return self.refused(seat, "open", &error),
        };
        let path_name = SecretPath::parse(path).unwrap();
        if !how.stopped {
            self.check_reading(seat, &vault, &path_name, before.get(path))?;
        }
        let done = vault.set(&path_name, edit, &self.how(seat, how.no_commit));
        self.learn(seat, &By::Command(&before))?;
        if let Err(error) = done {
            return self.refused(seat, "set", &error);
        }
        if let (Some(field), Some(value)) = (wanted, value) {
            self.check_written(seat, path, &field, &value)?;
        }
        Ok(Outcome::Done)
    }

    fn refused(&mut self, seat: Seat, what: &str, error: &VaultError) -> Result<Outcome, Violation> {
        let text = covault::vault::error::chain(error);
        let refused = error.kind() == Kind::Verification && self.may_refuse(seat, &text);
        if matches!(error.kind(), Kind::Verification | Kind::Other) && !refused {
            return violation("strange answer", format!("{}: {what}: {text}", self.person(seat).name));
        }
        self.refusals.add(format!("{what}: {:?} {}", error.kind(), kept_short(&text)));
        Ok(Outcome::Passed)
    }

    /// Whether a file may be refused here: for a lie, or for what somebody wrote who left.
    fn may_refuse(&self, seat: Seat, why: &str) -> bool {
        let has_left = self.actors.iter().any(|actor| actor.gone);
        (has_left && why.contains("may not write")) || self.has_met_a_lie(seat)
    }

    /// The versions whose authors may still write there.
    fn standing_at(&self, seat: Seat, path: &SecretPath, view: &View) -> View {
        let roster = std::fs::read(self.person(seat).repo.join(ROSTER)).unwrap();
        let roster = trust::verified(ROSTER, &roster).unwrap();
        let stands = |version: &&Arc<Sealed>| roster.state().may_write(&version.author, path);
        View(view.0.iter().filter(stands).cloned().collect())
    }

    /// Who reads a secret sees what the oracle says is there. Of several versions, those count whose authors still write there.
    fn check_reading(
        &self,
        seat: Seat,
        vault: &Vault,
        path: &SecretPath,
        view: Option<&View>,
    ) -> Result<(), Violation> {
        let (Some(view), Ok(secret)) = (view, vault.secret(path)) else { return Ok(()) };
        let view = &if view.0.len() == 1 { view.clone() } else { self.standing_at(seat, path, view) };
        let shown: BTreeSet<String> = secret
            .document
            .registers()
            .filter(|(key, _)| !matches!(key, Key::State))
            .flat_map(|(_, register)| register.live().map(|write: &Write| write.name().to_string()))
            .collect();
        let expected: BTreeSet<String> = self
            .oracle
            .live(view)
            .into_iter()
            .map(|number| &self.oracle.events[number])
            .filter(|event| event.what.does == super::reading::Does::Put)
            .map(|event| event.name.clone())
            .collect();
        if shown == expected {
            return Ok(());
        }
        let name = |name: &String| self.oracle.number(name).map_or_else(|| name.clone(), |n| self.tell(n));
        let more: Vec<_> = shown.difference(&expected).map(name).collect();
        let fewer: Vec<_> = expected.difference(&shown).map(name).collect();
        violation("wrong reading", format!("of {path} is shown too much: {more:?}, too little: {fewer:?}"))
    }

    /// What was just written is there, and alone.
    fn check_written(&mut self, seat: Seat, path: &str, field: &str, value: &str) -> Result<(), Violation> {
        let after = self.view(seat, false)?;
        let view = after.get(path).cloned().unwrap_or_default();
        let register = format!("field.{field}");
        let live: Vec<_> = self.oracle.live(&view).into_iter().map(|n| &self.oracle.events[n].what).collect();
        let there: Vec<_> = live.iter().filter(|what| what.register == register).map(|what| &what.text).collect();
        if there == [value] {
            Ok(())
        } else {
            violation("own write", format!("{path}/{field} is {there:?}, not {value}"))
        }
    }

    /// A write in words.
    pub fn tell(&self, number: usize) -> String {
        let event = &self.oracle.events[number];
        format!("{} = {:?} by {}", event.what.register, event.what.text, event.by)
    }
}

/// How a write goes about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writing {
    pub no_commit: bool,
    pub stopped: bool,
}

pub fn field(name: &str, value: Option<&str>) -> Edit {
    let field = FieldEdit {
        name: FieldName::parse(name).unwrap(),
        value: value.map(Plaintext::from_text),
        plain: name == "user",
    };
    Edit { fields: vec![field], may_show: true, ..Edit::default() }
}

pub fn tag(name: &str, on: bool) -> Edit {
    Edit { tags: vec![(TagName::parse(name).unwrap(), on)], ..Edit::default() }
}

pub fn meta(name: &str, value: &str) -> Edit {
    Edit { meta: vec![(MetaName::parse(name).unwrap(), Some(value.to_owned()))], ..Edit::default() }
}

fn text(value: &Plaintext) -> String {
    value.expose_str().unwrap_or_default().to_owned()
}

fn open(sim: &Sim, seat: Seat) -> Result<Vault, VaultError> {
    let person = sim.person(seat);
    Vault::open(&person.repo, team::home(person), None)
}

/// Without names and numbers, so that the same refusals count as one.
fn kept_short(text: &str) -> String {
    text.chars().take(70).collect()
}
