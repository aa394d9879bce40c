//! Which requests a fault happens to, and on which side of their effect.

use std::fmt;

use super::call::Pattern;
use super::fault::Fault;

/// Whether the call has its effect although it is answered wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has none.
    Before,
    /// It has, and the client is not told.
    After,
}

impl When {
    pub fn all() -> [Self; 2] {
        [Self::Before, Self::After]
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before the effect",
            Self::After => "after the effect",
        })
    }
}

/// Which of the matching requests, counted from when the rule was given.
#[derive(Clone, Copy, Debug)]
enum Which {
    Next(usize),
    Nth(usize),
    Always,
}

/// A fault for some requests: for the next one, before its effect, unless said otherwise.
#[derive(Clone, Debug)]
pub struct Rule {
    pattern: Pattern,
    when: When,
    which: Which,
    fault: Fault,
    seen: usize,
    fired: usize,
}

impl Rule {
    pub fn on(pattern: impl Into<Pattern>, fault: Fault) -> Self {
        Self { pattern: pattern.into(), when: When::Before, which: Which::Next(1), fault, seen: 0, fired: 0 }
    }

    pub fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    pub fn before(self) -> Self {
        self.when(When::Before)
    }

    pub fn after(self) -> Self {
        self.when(When::After)
    }

    /// Only the `n`th from now on; the next is the first.
    pub fn nth(self, n: usize) -> Self {
        Self { which: Which::Nth(n), ..self }
    }

    /// The next `n`.
    pub fn next(self, n: usize) -> Self {
        Self { which: Which::Next(n), ..self }
    }

    /// All of them.
    pub fn always(self) -> Self {
        Self { which: Which::Always, ..self }
    }

    /// Counts a request, and says whether the fault is due.
    fn due(&mut self, method: &str, path: &str) -> bool {
        if !self.pattern.matches(method, path) {
            return false;
        }
        self.seen += 1;
        match self.which {
            Which::Next(n) => self.seen <= n,
            Which::Nth(n) => self.seen == n,
            Which::Always => true,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pattern, when, fault, .. } = self;
        write!(f, "{pattern}: {fault}, {when}")?;
        match self.which {
            Which::Next(1) => Ok(()),
            Which::Next(n) => write!(f, ", {n} times"),
            Which::Nth(n) => write!(f, ", at request {n}"),
            Which::Always => f.write_str(", always"),
        }
    }
}

/// The rules that were given, in their order.
#[derive(Debug, Default)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    /// The first that is due; every one that matches counts the request.
    pub fn hit(&mut self, method: &str, path: &str) -> Option<Rule> {
        let mut hit = None;
        for rule in &mut self.0 {
            if rule.due(method, path) && hit.is_none() {
                rule.fired += 1;
                hit = Some(rule.clone());
            }
        }
        hit
    }

    /// The names of those that have never fired.
    pub fn idle(&self) -> Vec<String> {
        self.0.iter().filter(|rule| rule.fired == 0).map(Rule::to_string).collect()
    }
}

impl Rule {
    pub fn parts(self) -> (When, Fault) {
        (self.when, self.fault)
    }
}
