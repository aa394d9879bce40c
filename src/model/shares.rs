//! Shares: whom a secret is shared with besides those who read by a grant. The manifest carries them.
//!
//! One multi-value register for each member or group that was ever named, like those of a document, and joined like
//! them. It does not know who is in a group, or who may share.
//!
//! **Deny wins.** A secret is shared with a subject if there is a live write and all live writes say yes: somebody
//! who was taken out on one branch does not come back because another branch still had them.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{SecretId, WriteName};
use super::names::{MemberName, Subject};
use super::register::{Register, Value, Write};
use super::roster::Holder;
use super::time::Time;

/// How many strings the shares of a manifest may have.
pub const MAX_SHARES: usize = 512;

const YES: &str = "yes";
const NO: &str = "no";
const PAST: &str = "past";

/// The registers of all subjects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// None of them is empty.
    registers: BTreeMap<Subject, Register>,
}

impl Shares {
    /// The strings of the manifest, sorted: `SUBJECT yes AUTHOR TIME NONCE`, the same with `no`, and
    /// `SUBJECT past NAME`.
    pub fn encode(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.registers.iter().flat_map(|(subject, register)| lines(subject, register)).collect();
        lines.sort_unstable();
        lines
    }

    /// Reads exactly what [`Shares::encode`] writes, up to [`MAX_SHARES`] of them; anything else is `None`.
    pub fn decode(lines: &[String]) -> Option<Self> {
        if lines.len() > MAX_SHARES {
            return None;
        }
        let mut parts: BTreeMap<Subject, (Vec<Write>, BTreeSet<WriteName>)> = BTreeMap::new();
        for line in lines {
            let (subject, rest) = line.split_once(' ')?;
            let subject = Subject::parse(subject).ok()?;
            match rest.split(' ').collect::<Vec<_>>().as_slice() {
                [PAST, name] => {
                    parts.entry(subject).or_default().1.insert(WriteName::from_hex(name)?);
                }
                [answer @ (YES | NO), author, at, nonce] => {
                    let author = MemberName::parse(author).ok()?;
                    let nonce = SecretId::from_hex(nonce)?.0;
                    let write = write(&subject, *answer == YES, author, Time::parse(at)?, nonce);
                    parts.entry(subject).or_default().0.push(write);
                }
                _ => return None,
            }
        }
        let registers = parts.into_iter().map(|(s, (live, past))| Some((s, Register::from_parts(live, past)?)));
        let shares = Self { registers: registers.collect::<Option<_>>()? };
        // Order and repetitions are all that is left to be wrong.
        (shares.encode() == lines).then_some(shares)
    }

    /// Whether a manifest has room for them. They only grow: names of past writes stay.
    pub fn fits(&self) -> bool {
        let count = |register: &Register| register.live().count() + register.replaced().len();
        self.registers.values().map(count).sum::<usize>() <= MAX_SHARES
    }

    /// Shares with `subject`, or takes it back, in the place of all that was said about it before.
    pub fn put(&mut self, subject: Subject, yes: bool, author: MemberName, at: Time, nonce: [u8; 16]) {
        let write = write(&subject, yes, author, at, nonce);
        self.registers.entry(subject).or_default().put(write);
    }

    /// Register by register, the union of the live writes minus what either side replaced.
    pub fn join(&self, other: &Self) -> Self {
        let mut registers = self.registers.clone();
        for (subject, theirs) in &other.registers {
            registers
                .entry(subject.clone())
                .and_modify(|ours| *ours = ours.join(theirs))
                .or_insert_with(|| theirs.clone());
        }
        Self { registers }
    }

    /// Joins in what changed from `base` to `theirs`, as a three-way merge does.
    pub fn join_changes(&self, base: &Self, theirs: &Self) -> Self {
        let changed =
            theirs.registers.iter().filter(|(subject, register)| base.registers.get(subject) != Some(register));
        let registers = changed.map(|(subject, register)| (subject.clone(), register.clone())).collect();
        self.join(&Self { registers })
    }

    /// Whom the secret is shared with.
    pub fn shared(&self) -> impl Iterator<Item = &Subject> {
        self.registers.iter().filter(|(_, register)| says_yes(register)).map(|(subject, _)| subject)
    }

    /// The same as the roster knows them.
    pub fn holders(&self) -> Vec<Holder> {
        let holder = |subject: &Subject| match subject {
            Subject::Member(name) => Holder::Member(name.clone()),
            Subject::Group(group) => Holder::Group(group.clone()),
        };
        self.shared().map(holder).collect()
    }

    /// Of whom one says that the secret is shared with them, and the other does not.
    pub fn differing<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a Subject> {
        let (here, there) = (self.shared().collect::<BTreeSet<_>>(), other.shared().collect());
        here.symmetric_difference(&there).copied().collect()
    }

    /// Whether both say the same of `subject`, by the same writes.
    pub fn says_the_same_of(&self, subject: &Subject, other: &Self) -> bool {
        let live = |shares: &Self| -> BTreeSet<WriteName> {
            shares.registers.get(subject).into_iter().flat_map(Register::live).map(Write::name).collect()
        };
        live(self) == live(other)
    }

    /// Whether the secret is shared with `subject` itself; a member may be in a group with which it is.
    pub fn is_shared(&self, subject: &Subject) -> bool {
        self.registers.get(subject).is_some_and(says_yes)
    }
}

/// Shares are no secret and stand under `share.SUBJECT`, which no document has.
fn write(subject: &Subject, yes: bool, author: MemberName, at: Time, nonce: [u8; 16]) -> Write {
    let value = Value::text(if yes { YES } else { NO });
    Write::in_register(&format!("share.{subject}"), value, true, author, at, nonce)
}

fn lines(subject: &Subject, register: &Register) -> impl Iterator<Item = String> {
    let live = register.live().map(move |write| {
        let answer = if is_yes(write) { YES } else { NO };
        format!("{subject} {answer} {} {} {}", write.author, write.at, hex::encode(write.nonce))
    });
    live.chain(register.replaced().iter().map(move |name| format!("{subject} {PAST} {name}")))
}

fn says_yes(register: &Register) -> bool {
    let mut live = register.live().peekable();
    live.peek().is_some() && live.all(is_yes)
}

fn is_yes(write: &Write) -> bool {
    write.value.as_text() == Some(YES)
}
