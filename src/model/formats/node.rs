//! What JSON, YAML and TOML have in common: a tree of maps, lists and texts, and how it becomes entries.
//!
//! Knows no notation, and never holds a tree deeper or larger than its limits.

use std::cell::{Cell, RefCell};

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{Collector, Entry, MAX_BYTES, MAX_DEPTH, ParseError, Parsed, Warning};
use crate::model::names::clip;

/// The most nodes of one tree, list members and aliases counted.
pub(super) const MAX_NODES: usize = 200_000;

/// A value as it stands in a file.
pub(super) enum Node {
    Null,
    /// A number, a boolean or a date: its source text.
    Word(Zeroizing<String>),
    Text(Zeroizing<String>),
    List(Vec<Node>),
    Map(Vec<Pair>),
}

/// A key of a map and its value.
pub(super) struct Pair {
    pub key: String,
    pub line: Option<usize>,
    pub node: Node,
}

/// The outermost map as entries.
pub(super) fn flatten(pairs: Vec<Pair>) -> Result<Parsed, ParseError> {
    let mut found = Collector::default();
    let mut path = Vec::new();
    walk(pairs, &mut path, &mut found)?;
    Ok(found.finish())
}

fn walk(pairs: Vec<Pair>, path: &mut Vec<String>, found: &mut Collector) -> Result<(), ParseError> {
    for Pair { key, line, node } in pairs {
        path.push(key);
        let value = match node {
            Node::Null => {
                found.warn(Warning::NullSkipped { key: clip(&path.join(".")), line });
                None
            }
            Node::Map(inner) if inner.is_empty() => {
                found.warn(Warning::EmptyMapSkipped { key: clip(&path.join(".")), line });
                None
            }
            Node::Map(inner) => {
                walk(inner, path, found)?;
                None
            }
            Node::Word(text) | Node::Text(text) => Some(text),
            list @ Node::List(_) => {
                let mut text = Zeroizing::new(String::new());
                write_json(&list, &mut text);
                Some(text)
            }
        };
        if let Some(text) = value {
            let value = Zeroizing::new(text.as_bytes().to_vec());
            found.push(Entry { key: path.clone(), value, line, expands: false })?;
        }
        path.pop();
    }
    Ok(())
}

/// Compact JSON text; a number or boolean that JSON knows stays what it is, anything else is a string.
fn write_json(node: &Node, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Word(word) if serde_json::from_str::<IgnoredAny>(word).is_ok() => out.push_str(word),
        Node::Word(text) | Node::Text(text) => super::render::json_string(text, out),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Node::Map(pairs) => {
            out.push('{');
            for (index, pair) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                super::render::json_string(&pair.key, out);
                out.push(':');
                write_json(&pair.node, out);
            }
            out.push('}');
        }
    }
}

/// What one reading may still use up, and the first refusal with its proper name (a serde error can carry only text).
#[derive(Default)]
pub(super) struct Budget {
    nodes: Cell<usize>,
    bytes: Cell<usize>,
    path: RefCell<Vec<String>>,
    refusal: RefCell<Option<ParseError>>,
}

impl Budget {
    /// One more value of so many bytes, so deep.
    pub fn spend(&self, bytes: usize, depth: usize) -> Result<(), ParseError> {
        self.nodes.set(self.nodes.get().saturating_add(1));
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        if depth > MAX_DEPTH {
            return Err(ParseError::TooDeep { key: self.path() });
        }
        if self.nodes.get() > MAX_NODES || self.bytes.get() > MAX_BYTES {
            return Err(ParseError::Explodes);
        }
        Ok(())
    }

    /// The same for who answers to serde.
    pub fn charge<E: serde::de::Error>(&self, bytes: usize, depth: usize) -> Result<(), E> {
        self.spend(bytes, depth).map_err(|error| self.refuse(error))
    }

    pub fn enter(&self, key: &str) {
        self.path.borrow_mut().push(key.to_owned());
    }

    pub fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    pub fn path(&self) -> String {
        clip(&self.path.borrow().join("."))
    }

    /// Keeps the name of a refusal while serde carries a stand-in upwards.
    pub fn refuse<E: serde::de::Error>(&self, error: ParseError) -> E {
        self.refusal.borrow_mut().get_or_insert(error);
        E::custom("refused")
    }

    pub fn refusal(&self) -> Option<ParseError> {
        self.refusal.borrow_mut().take()
    }
}
