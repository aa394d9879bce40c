//! Where a provider has something else than a key's record says, and which command mends it.

use std::fmt;

use crate::model::names::SecretPath;
use crate::model::time::Time;

/// One such thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// A limit, in words.
    Limit(String),
    /// The key is switched off there, and the record does not say so.
    Off,
    /// It is switched on there, and the record says that it is off.
    On,
    /// It ends at another time.
    Ends {
        /// When it does.
        there: Option<Time>,
        /// When the record says that it does.
        here: Option<Time>,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |at: Option<Time>| at.map_or_else(|| "never".to_owned(), |at| format!("at {at}"));
        match self {
            Self::Limit(what) => f.write_str(what),
            Self::Off => f.write_str("it is switched off there"),
            Self::On => f.write_str("it is switched on there"),
            Self::Ends { there, here } => write!(f, "it ends {} there, not {}", when(*there), when(*here)),
        }
    }
}

impl Drift {
    fn mend(&self, path: &SecretPath) -> String {
        match self {
            Self::Limit(_) => format!("to have it as the record says: covault key limits {path} --apply"),
            Self::Off => format!("covault key enable {path} switches it on again, covault key disable {path} notes it"),
            Self::On => format!("covault key disable {path} switches it off again, covault key enable {path} notes it"),
            Self::Ends { .. } => format!("when a key ends is set as it is made: covault key rotate {path}"),
        }
    }
}

/// The commands that mend it all, each once.
pub fn mends(drift: &[Drift], path: &SecretPath) -> Vec<String> {
    let mut all: Vec<String> = drift.iter().map(|one| one.mend(path)).collect();
    all.dedup();
    all
}
