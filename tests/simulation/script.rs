//! A script: who is there, and what they do one after the other. It is a text that people can write and a machine can
//! shrink: every step stands for itself, and one that makes no sense where it stands is passed over.
//!
//! ```text
//! # What the case is about.
//! seed 7
//! cast alice:admin bob:writer desk:writer@bob robin:reader bot:bot mona:writer! mallory:bot!
//! alice set prod/db password
//! all exchange
//! bob switch side
//! ```
//!
//! `desk:writer@bob` is another machine of bob's, with keys of its own on his card; who has a `!` lies.

use std::fmt;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Somebody with a clone and no key.
    Bot,
    Reader,
    Writer,
    Admin,
}

impl Part {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Admin, "admin"), (Self::Writer, "writer"), (Self::Reader, "reader"), (Self::Bot, "bot")];
}

/// Somebody at a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Of the machine; of the member, too, where nothing else is said.
    pub name: String,
    pub part: Part,
    /// Whose machine it is, where it is not their first.
    pub of: Option<String>,
    pub lies: bool,
}

impl Role {
    pub fn new(name: &str, part: Part) -> Self {
        Self { name: name.to_owned(), part, of: None, lies: false }
    }

    /// The member's name.
    pub fn member(&self) -> &str {
        self.of.as_deref().unwrap_or(&self.name)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (text, lies) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
        let (name, rest) = text.split_once(':').ok_or_else(|| format!("{text}: NAME:PART"))?;
        let (part, of) = rest.split_once('@').map_or((rest, None), |(part, of)| (part, Some(of.to_owned())));
        let part = Part::ALL.iter().find(|(_, known)| *known == part).ok_or_else(|| format!("{text}: no such part"))?.0;
        Ok(Self { name: name.to_owned(), part, of, lies })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = Part::ALL.iter().find(|(one, _)| *one == self.part).map_or("", |(_, text)| text);
        write!(f, "{}:{part}", self.name)?;
        self.of.iter().try_for_each(|of| write!(f, "@{of}"))?;
        f.write_str(if self.lies { "!" } else { "" })
    }
}

/// Who does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A name, or `all`.
    pub who: String,
    pub words: Vec<String>,
}

impl Step {
    pub fn new(who: &str, words: &[&str]) -> Self {
        Self { who: who.to_owned(), words: words.iter().map(ToString::to_string).collect() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.who, self.words.join(" "))
    }
}

/// Who is there and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Times and values come from it.
    pub seed: u64,
    /// The first is an admin and founds the vault.
    pub cast: Vec<Role>,
    pub steps: Vec<Step>,
}

impl Script {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self { seed: 0, cast: Vec::new(), steps: Vec::new() };
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                ["seed", seed] => script.seed = seed.parse().map_err(|e| format!("{line}: {e}"))?,
                ["cast", cast @ ..] => {
                    for one in cast {
                        script.cast.push(Role::parse(one)?);
                    }
                }
                [who, words @ ..] if !words.is_empty() => script.steps.push(Step::new(who, words)),
                _ => return Err(format!("{line}: nothing is done")),
            }
        }
        let founds = script.cast.first().is_some_and(|role| role.part == Part::Admin);
        if founds { Ok(script) } else { Err("the cast begins with an admin".to_owned()) }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        let cast: Vec<_> = self.cast.iter().map(ToString::to_string).collect();
        writeln!(f, "cast {}", cast.join(" "))?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

#[test]
fn a_script_is_read_as_it_is_written() {
    let text = "seed 7\ncast alice:admin bob:writer desk:writer@bob robin:reader bot:bot mona:writer!\n\
                alice set prod/db password\nall exchange\n";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.to_string(), text);
    assert_eq!(script.cast[2].member(), "bob");
    assert!(script.cast[5].lies && !script.cast[4].lies);
    let spaced = format!("# about\n\n{text}  # the end\n");
    assert_eq!(Script::parse(&spaced), Script::parse(text));
    for bad in ["", "cast bob:writer\n", "cast alice:queen\n", "cast alice:admin\nalice\n", "seed x\n"] {
        assert!(Script::parse(bad).is_err(), "{bad}");
    }
}
