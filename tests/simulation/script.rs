//! A script: who is there, and what they do one after the other. It is a text that people can write and a machine can
//! shrink: every step stands for itself, and one that makes no sense where it stands is passed over.
//!
//! ```text
//! # What the case is about.
//! seed 7
//! cast alice:admin bob:writer robin:reader bot:bot
//! alice set prod/db password
//! all exchange
//! bob switch side
//! ```

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
    pub cast: Vec<(String, Part)>,
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
                        let (name, part) = one.split_once(':').ok_or_else(|| format!("{one}: NAME:PART"))?;
                        let part = Part::ALL.iter().find(|(_, text)| *text == part);
                        script.cast.push((name.to_owned(), part.ok_or_else(|| format!("{one}: no such part"))?.0));
                    }
                }
                [who, words @ ..] if !words.is_empty() => script.steps.push(Step::new(who, words)),
                _ => return Err(format!("{line}: nothing is done")),
            }
        }
        let founds = script.cast.first().is_some_and(|(_, part)| *part == Part::Admin);
        if founds { Ok(script) } else { Err("the cast begins with an admin".to_owned()) }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        let part = |part: &Part| Part::ALL.iter().find(|(one, _)| one == part).map_or("", |(_, text)| text);
        let cast: Vec<_> = self.cast.iter().map(|(name, one)| format!("{name}:{}", part(one))).collect();
        writeln!(f, "cast {}", cast.join(" "))?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

#[test]
fn a_script_is_read_as_it_is_written() {
    let text = "seed 7\ncast alice:admin bob:writer robin:reader bot:bot\nalice set prod/db password\nall exchange\n";
    assert_eq!(Script::parse(text).unwrap().to_string(), text);
    let spaced = format!("# about\n\n{text}  # the end\n");
    assert_eq!(Script::parse(&spaced), Script::parse(text));
    for bad in ["", "cast bob:writer\n", "cast alice:queen\n", "cast alice:admin\nalice\n", "seed x\n"] {
        assert!(Script::parse(bad).is_err(), "{bad}");
    }
}
