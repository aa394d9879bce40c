//! What differs between two versions of a document, register by register, as a person would tell it.
//!
//! It compares what is shown, not how it came about.

use std::collections::BTreeSet;

use super::document::Document;
use super::read;
use super::register::{Key, Value, Write};
use super::time::Time;

/// One register that shows something else than before.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Which.
    pub key: Key,
    /// The writes shown before, newest first; empty where there was none.
    pub before: Vec<Write>,
    /// The writes shown after.
    pub after: Vec<Write>,
}

impl Difference {
    /// `added`, `removed` or `changed`.
    pub fn verb(&self) -> &'static str {
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, _) => "added",
            (_, true) => "removed",
            _ => "changed",
        }
    }
}

/// What `after` shows otherwise than `before`. Each comes with the time of its manifest.
pub fn differences(before: Option<(&Document, Time)>, after: Option<(&Document, Time)>) -> Vec<Difference> {
    let sides = || before.iter().chain(&after);
    let keys: BTreeSet<&Key> = sides().flat_map(|(document, _)| document.registers().map(|(key, _)| key)).collect();
    let shown = |side: Option<(&Document, Time)>, key: &Key| -> Vec<Write> {
        let register = side.and_then(|(document, at)| Some((document.register(key)?, at)));
        let writes = register.map(|(register, at)| read::newest_first(register, at)).unwrap_or_default();
        writes.into_iter().filter(|write| write.value != Value::Absent).cloned().collect()
    };
    let difference = |key: &Key| {
        let (before, after) = (shown(before, key), shown(after, key));
        let values = |writes: &[Write]| writes.iter().map(|w| (w.value.clone(), w.plain)).collect::<Vec<_>>();
        (values(&before) != values(&after)).then(|| Difference { key: key.clone(), before, after })
    };
    keys.into_iter().filter(|key| **key != Key::State).filter_map(difference).collect()
}
