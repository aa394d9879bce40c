//! Reads a YAML mapping.
//!
//! Never lets YAML change a value: `NO`, `1.10`, `0123`, `0o17` and `1e3` are imported as written, quoted or not.
//! Only an unquoted `null`, `~` or nothing at all is null. Tags are refused, merge keys (`<<`) are applied, aliases are
//! copied within a limit. There are no lines: the library does not tell them.
//!
//! Two readings, since serde asks for a value either by its type or by its text: the first learns the shape (what is a
//! map, a list, null), the second asks every scalar for its text.
//!
//! Core tags (`!!binary`) are invisible through serde; a `%TAG` line in front of the text turns them into local tags,
//! which are visible. That leaves the verbatim `!<tag:…>`, which is looked for in the text.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::node::{Budget, Node, Pair, flatten};
use super::{Format, ParseError, Parsed, line_at, refuse_crowds};

/// With this in front, `!!binary` means a local tag.
const CORE_TAGS_ARE_LOCAL: &str = "%TAG !! !core-\n";
const DOCUMENT: &str = "---\n";
/// Deeper flow collections are refused before the library sees them.
const MAX_BRACKETS: usize = 1_000;
/// The library clears a buffer as long as the longest run of blanks for every word of a quoted text.
const MAX_BLANKS: usize = 4_096;

/// Reads the text of a YAML file.
///
/// # Errors
/// Says which rule the text breaks, and where.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    let text = without_empty_end(text);
    if let Some(at) = tag_directive(text).or_else(|| verbatim_tag(text)).filter(|_| !is_quoted(text)) {
        return Err(ParseError::Tag { line: line_at(text.as_bytes(), at) });
    }
    refuse_crowds(text)?;
    if let Some(at) = long_blank(text) {
        return Err(ParseError::Blanks { line: line_at(text.as_bytes(), at) });
    }
    if brackets(text) > MAX_BRACKETS && !is_quoted(text) {
        return Err(ParseError::TooDeep { key: "the file".to_owned() });
    }
    // A text that begins its document itself (`---`, after directives perhaps) takes the first form.
    let begins = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let explicit = begins.is_some_and(|line| line.starts_with("---") || line.starts_with('%'));
    let head = if explicit { "" } else { DOCUMENT };
    let whole = Zeroizing::new([CORE_TAGS_ARE_LOCAL, head, text].concat());
    let added = if explicit { 1 } else { 2 };

    let budget = Budget::default();
    let shape = Learn { budget: &budget, depth: 0, key: false }
        .deserialize(yaml_serde::Deserializer::from_str(&whole))
        .map_err(|error| refusal(&budget, &error, added))?;
    let budget = Budget::default();
    let node = Fill { shape: &shape, budget: &budget, depth: 0 }
        .deserialize(yaml_serde::Deserializer::from_str(&whole))
        .map_err(|error| refusal(&budget, &error, added))?;
    match node {
        Node::Map(pairs) => flatten(pairs),
        Node::Null => Ok(Parsed::default()),
        _ => Err(ParseError::NotAMap { format: Format::Yaml }),
    }
}

/// The text without lines `---` at its end that begin documents with nothing in them. At the beginning of a line that is no
/// part of any value.
fn without_empty_end(text: &str) -> &str {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let mut begin = 0;
    for line in text.split_inclusive('\n').take_while(|line| is_blank(line) || line.starts_with('%')) {
        begin += line.len();
    }
    let (mut kept, mut rest) = (text, text);
    while let Some(line) = rest.split_inclusive('\n').next_back().filter(|_| rest.len() > begin) {
        rest = rest.strip_suffix(line).unwrap_or_default();
        let marked = line.strip_prefix("---").filter(|more| is_blank(more) && !more.starts_with('#'));
        if marked.is_some() && rest.len() > begin {
            kept = rest;
        } else if !is_blank(line) {
            break;
        }
    }
    kept
}

/// A `%TAG` line, which could give the tags of the core schema another name.
fn tag_directive(text: &str) -> Option<usize> {
    let begins_line = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
    };
    text.match_indices("%TAG").map(|(at, _)| at).find(begins_line)
}

/// A verbatim tag where a value may begin: after an indicator or an anchor. In a quoted text this is a false alarm, and
/// a rare one where not all of the text is.
fn verbatim_tag(text: &str) -> Option<usize> {
    // The last character that is no blank, the one just before, and the first of the last word.
    let (mut last, mut before, mut first) = ('\n', '\n', '\n');
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let begins =
            matches!(last, '\n' | '\r' | ':' | '-' | '?' | ',' | '[' | '{') || matches!(first, '&' | '[' | '{');
        if begins && c == '!' && chars.peek().is_some_and(|(_, next)| *next == '<') {
            return Some(at);
        }
        if before.is_whitespace() && !c.is_whitespace() {
            first = c;
        }
        if !matches!(c, ' ' | '\t') {
            last = c;
        }
        before = c;
    }
    None
}

fn long_blank(text: &str) -> Option<usize> {
    let mut run = 0_usize;
    text.bytes().position(|byte| {
        run = if byte.is_ascii_whitespace() { run.saturating_add(1) } else { 0 };
        run > MAX_BLANKS
    })
}

/// How many brackets stay open at most, strings and comments counted too: an upper bound is enough.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open = open.saturating_add(1),
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// Whether there are quoted names and values alone, a line each, as we write them: what is in quotes opens nothing.
fn is_quoted(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.strip_prefix("? ").or_else(|| line.strip_prefix(": ")).unwrap_or(line);
        let rest = after_quoted(line);
        rest == Some("") || rest.and_then(|rest| rest.strip_prefix(": ")).and_then(after_quoted) == Some("")
    })
}

/// What comes after a text in double quotes.
fn after_quoted(text: &str) -> Option<&str> {
    let mut is_escaped = false;
    let (_, rest) = text.strip_prefix('"')?.split_once(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    Some(rest)
}

/// What the library says where a second document follows.
const SEVERAL: &str = "deserializing from YAML containing more than one document is not supported";

fn refusal(budget: &Budget, error: &yaml_serde::Error, added: usize) -> ParseError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let here = line.saturating_sub(added).max(1);
    match budget.refusal() {
        Some(ParseError::Tag { .. }) => ParseError::Tag { line: here },
        Some(ParseError::ComplexKey { .. }) => ParseError::ComplexKey { line: here },
        Some(refusal) => refusal,
        // Read to tell this one apart, never shown: other messages of the library may hold a value, and begin with a key.
        None if error.to_string() == "repetition limit exceeded" => ParseError::Explodes,
        None if error.to_string() == SEVERAL => ParseError::SeveralDocuments,
        None => ParseError::Syntax { format: Format::Yaml, line: here, column },
    }
}

/// What the first reading learns.
enum Shape {
    Null,
    Word,
    Text,
    List(Vec<Shape>),
    Map(Vec<Shape>),
}

#[derive(Clone, Copy)]
struct Learn<'a> {
    budget: &'a Budget,
    depth: usize,
    /// Whether what comes is a key, which must be plain.
    key: bool,
}

impl Learn<'_> {
    fn scalar<E: serde::de::Error>(self, shape: Shape, bytes: usize) -> Result<Shape, E> {
        self.budget.charge(bytes, self.depth)?;
        Ok(shape)
    }

    fn deeper<E: serde::de::Error>(mut self) -> Result<Self, E> {
        if self.key {
            return Err(self.budget.refuse(ParseError::ComplexKey { line: 0 }));
        }
        self.budget.charge(0, self.depth)?;
        self.depth = self.depth.saturating_add(1);
        Ok(self)
    }
}

impl<'de> DeserializeSeed<'de> for Learn<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Learn<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Shape, E> {
        self.scalar(Shape::Null, 0)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Shape, E> {
        self.scalar(Shape::Null, 0)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Shape, E> {
        self.scalar(Shape::Word, 0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Shape, E> {
        self.scalar(Shape::Text, text.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        while map.next_key_seed(Learn { key: true, ..inner })?.is_some() {
            members.push(map.next_value_seed(inner)?);
        }
        Ok(Shape::Map(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Shape, A::Error> {
        Err(self.budget.refuse(ParseError::Tag { line: 0 }))
    }
}

#[derive(Clone, Copy)]
struct Fill<'a> {
    shape: &'a Shape,
    budget: &'a Budget,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.shape {
            Shape::Null => deserializer.deserialize_any(self),
            Shape::Word | Shape::Text => deserializer.deserialize_str(self),
            Shape::List(_) => deserializer.deserialize_seq(self),
            Shape::Map(_) => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of the first reading")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.budget.charge(text.len(), self.depth)?;
        let text = Zeroizing::new(text.to_owned());
        Ok(if matches!(self.shape, Shape::Word) { Node::Word(text) } else { Node::Text(text) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let Shape::List(shapes) = self.shape else { return Err(A::Error::custom("another shape")) };
        let mut items = Vec::new();
        for shape in shapes {
            let seed = Fill { shape, budget: self.budget, depth: self.depth.saturating_add(1) };
            items.extend(seq.next_element_seed(seed)?);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let Shape::Map(shapes) = self.shape else { return Err(A::Error::custom("another shape")) };
        let mut pairs = Vec::new();
        let mut merged = Vec::new();
        let mut seen = HashSet::new();
        for shape in shapes {
            let Some(key) = map.next_key::<String>()? else { break };
            self.budget.charge(key.len(), self.depth)?;
            self.budget.enter(&key);
            if !seen.insert(key.clone()) {
                return Err(self.budget.refuse(ParseError::DuplicateKey { key: self.budget.path() }));
            }
            let node = map.next_value_seed(Fill { shape, budget: self.budget, depth: self.depth.saturating_add(1) })?;
            match (key.as_str(), node) {
                ("<<", node) => {
                    let bad = || self.budget.refuse(ParseError::BadMerge { key: self.budget.path() });
                    merged.extend(merge_sources(node).ok_or_else(bad)?);
                }
                (_, node) => pairs.push(Pair { key, line: None, node }),
            }
            self.budget.leave();
        }
        // A map's own keys win, then the first map that is merged in.
        for pair in merged {
            if seen.insert(pair.key.clone()) {
                pairs.push(pair);
            }
        }
        Ok(Node::Map(pairs))
    }
}

fn merge_sources(node: Node) -> Option<Vec<Pair>> {
    match node {
        Node::Map(pairs) => Some(pairs),
        Node::List(items) => {
            let mut all = Vec::new();
            for item in items {
                let Node::Map(pairs) = item else { return None };
                all.extend(pairs);
            }
            Some(all)
        }
        _ => None,
    }
}
