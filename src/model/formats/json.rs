//! Reads a JSON object.
//!
//! Never rounds a number: `serde_json` keeps a number as 64 bits, so its source text is taken from the file itself.
//! Of a key that stands twice the last one is taken, as JavaScript does, with a warning.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::node::{Budget, Node, Pair, flatten};
use super::{Format, ParseError, Parsed};

/// Reads the text of a JSON file.
///
/// # Errors
/// Says which rule the text breaks, and where.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    let budget = Budget::default();
    let source = RefCell::new(scan(text));
    let mut json = serde_json::Deserializer::from_str(text);
    let reader = Reader { budget: &budget, source: &source, depth: 0 };
    let read = reader.deserialize(&mut json).and_then(|node| json.end().map(|()| node));
    match read {
        Ok(Node::Map(pairs)) => flatten(pairs),
        Ok(_) => Err(ParseError::NotAMap { format: Format::Json }),
        Err(error) => Err(budget.refusal().unwrap_or(ParseError::Syntax {
            format: Format::Json,
            line: error.line(),
            column: error.column(),
        })),
    }
}

/// What serde does not hand over, in the order in which it will ask.
#[derive(Default)]
struct Source<'a> {
    numbers: VecDeque<&'a str>,
    key_lines: VecDeque<usize>,
}

/// Numbers and keys outside strings. For text that is no JSON this finds nonsense, which is never asked for.
fn scan(text: &str) -> Source<'_> {
    let mut found = Source::default();
    let mut line = 1_usize;
    let mut last_string_line = 1;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                last_string_line = line;
                string_length(rest)
            }
            '-' | '0'..='9' => {
                let end = rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
                let number = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
                found.numbers.push_back(number);
                number.len()
            }
            ':' => {
                found.key_lines.push_back(last_string_line);
                1
            }
            '\n' => {
                line = line.saturating_add(1);
                1
            }
            c => c.len_utf8(),
        };
        rest = rest.get(length..).unwrap_or("");
    }
    found
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

#[derive(Clone, Copy)]
struct Reader<'a, 's> {
    budget: &'a Budget,
    source: &'a RefCell<Source<'s>>,
    depth: usize,
}

impl Reader<'_, '_> {
    fn text<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.budget.charge(text.len(), self.depth)?;
        Ok(Node::Text(Zeroizing::new(text.to_owned())))
    }

    fn number<E: serde::de::Error>(self) -> Result<Node, E> {
        let number = self.source.borrow_mut().numbers.pop_front();
        self.word(number.ok_or_else(|| E::custom("a number that the scan did not see"))?)
    }

    fn word<E: serde::de::Error>(self, word: &str) -> Result<Node, E> {
        self.budget.charge(word.len(), self.depth)?;
        Ok(Node::Word(Zeroizing::new(word.to_owned())))
    }

    fn deeper<E: serde::de::Error>(mut self) -> Result<Self, E> {
        self.budget.charge(0, self.depth)?;
        self.depth = self.depth.saturating_add(1);
        Ok(self)
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.budget.charge(0, self.depth)?;
        Ok(Node::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.word(if value { "true" } else { "false" })
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Node, E> {
        self.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Node, E> {
        self.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Node, E> {
        self.number()
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let line = self.source.borrow_mut().key_lines.pop_front();
            self.budget.charge(key.len(), self.depth)?;
            self.budget.enter(&key);
            let node = map.next_value_seed(inner)?;
            self.budget.leave();
            if line.is_none() {
                return Err(A::Error::custom("a key that the scan did not see"));
            }
            pairs.push(Pair { key, line, node });
        }
        Ok(Node::Map(pairs))
    }
}
