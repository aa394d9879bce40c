//! Reads a TOML document.
//!
//! Never normalises: numbers, booleans and dates are their source text (`1_000`, `0x2A`, `1979-05-27`).

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::node::{Budget, Node, Pair, flatten};
use super::{Format, ParseError, Parsed, line_at, refuse_crowds};

/// Reads the text of a TOML file.
///
/// # Errors
/// Says which rule the text breaks, and where.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    refuse_crowds(text)?;
    let document = DeTable::parse(text).map_err(|error| syntax(text, error.span().map_or(0, |span| span.start)))?;
    let budget = Budget::default();
    let reader = Reader { text, lines: line_starts(text), budget: &budget };
    let mut parsed = flatten(reader.table(document.get_ref(), 1)?)?;
    // A table may be continued further down; what people see is the order of the lines.
    parsed.entries.sort_by_key(|entry| entry.line);
    Ok(parsed)
}

fn syntax(text: &str, offset: usize) -> ParseError {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()).saturating_add(1);
    ParseError::Syntax { format: Format::Toml, line: line_at(text.as_bytes(), offset), column }
}

fn line_starts(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at).collect()
}

struct Reader<'a> {
    text: &'a str,
    /// Where the lines end.
    lines: Vec<usize>,
    budget: &'a Budget,
}

impl Reader<'_> {
    fn table(&self, table: &DeTable<'_>, depth: usize) -> Result<Vec<Pair>, ParseError> {
        let mut members: Vec<_> = table.iter().collect();
        members.sort_by_key(|(key, _)| key.span().start);
        let mut pairs = Vec::new();
        for (key, value) in members {
            self.budget.spend(key.get_ref().len(), depth)?;
            self.budget.enter(key.get_ref());
            let node = self.value(value.get_ref(), value.span(), depth)?;
            self.budget.leave();
            let line = self.lines.partition_point(|end| *end < key.span().start).saturating_add(1);
            pairs.push(Pair { key: key.get_ref().to_string(), line: Some(line), node });
        }
        Ok(pairs)
    }

    fn value(&self, value: &DeValue<'_>, span: std::ops::Range<usize>, depth: usize) -> Result<Node, ParseError> {
        let inner = depth.saturating_add(1);
        match value {
            DeValue::String(text) => {
                self.budget.spend(text.len(), depth)?;
                Ok(Node::Text(Zeroizing::new(text.to_string())))
            }
            DeValue::Array(items) => {
                self.budget.spend(0, depth)?;
                let items = items.iter().map(|item| self.value(item.get_ref(), item.span(), inner));
                Ok(Node::List(items.collect::<Result<_, _>>()?))
            }
            DeValue::Table(table) => {
                self.budget.spend(0, depth)?;
                Ok(Node::Map(self.table(table, inner)?))
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                let word = self.text.get(span.clone()).ok_or_else(|| syntax(self.text, span.start))?;
                self.budget.spend(word.len(), depth)?;
                Ok(Node::Word(Zeroizing::new(word.to_owned())))
            }
        }
    }
}
