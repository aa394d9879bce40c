//! How a document is read: which of several concurrent writes a person sees, and what they are warned of.
//!
//! The rules are read-time; nothing here changes a document.
//!
//! **The rules.** Fields: all stay; the newest is first (time, then name; one that claims to be more than a day newer
//! than its manifest comes last, and after those one that removes the field: an edit wins). Metadata: the newest; of expiries the earliest. Tags: there if any write says so.

use super::document::Document;
use super::names::{FieldName, MetaName, TagName};
use super::register::{Key, Register, Value, Write};
use super::time::Time;

const A_DAY: i64 = 86_400;
/// The metadatum that says when a secret expires: the earliest of several counts.
pub const EXPIRES: &str = "expires";

/// A field as a person sees it.
#[derive(Debug)]
pub struct FieldView<'a> {
    /// Its name.
    pub name: &'a FieldName,
    /// What was written, the one to show first; several where people wrote at the same time.
    pub writes: Vec<&'a Write>,
}

impl<'a> FieldView<'a> {
    /// The write to show.
    pub fn newest(&self) -> Option<&'a Write> {
        self.writes.first().copied()
    }

    /// Whether several people wrote different things at the same time.
    pub fn is_conflicted(&self) -> bool {
        self.writes.windows(2).any(|pair| matches!(pair, [a, b] if a.value != b.value))
    }
}

/// The fields that have a value, in the order of their names. `sealed_at` is the manifest's time.
pub fn fields(document: &Document, sealed_at: Time) -> Vec<FieldView<'_>> {
    let fields = document.registers().filter_map(|(key, register)| match key {
        Key::Field(name) => {
            let mut writes = newest_first(register, sealed_at);
            writes.sort_by_key(|write| write.value == Value::Absent);
            Some(FieldView { name, writes })
        }
        _ => None,
    });
    fields.filter(|field| field.writes.iter().any(|write| write.value != Value::Absent)).collect()
}

/// One field, if it has a value.
pub fn field<'a>(document: &'a Document, name: &FieldName, sealed_at: Time) -> Option<FieldView<'a>> {
    fields(document, sealed_at).into_iter().find(|field| field.name == name)
}

/// The field that is meant where none is named: the only one, or the one called `value`.
pub fn default_field<'a>(fields: &'a [FieldView<'a>]) -> Option<&'a FieldView<'a>> {
    match fields {
        [only] => Some(only),
        several => several.iter().find(|field| field.name.as_str() == "value"),
    }
}

/// One metadatum's text.
pub fn meta<'a>(document: &'a Document, name: &str, sealed_at: Time) -> Option<&'a str> {
    let register = document.register(&Key::Meta(MetaName::parse(name).ok()?))?;
    if name == EXPIRES {
        return register.live().filter_map(|write| write.value.as_text()).min();
    }
    newest_first(register, sealed_at).first().and_then(|write| write.value.as_text())
}

/// All metadata that have a value.
pub fn metadata(document: &Document, sealed_at: Time) -> Vec<(&MetaName, &str)> {
    let names = document.registers().filter_map(|(key, _)| match key {
        Key::Meta(name) => Some(name),
        _ => None,
    });
    names.filter_map(|name| Some((name, meta(document, name.as_str(), sealed_at)?))).collect()
}

/// The tags that any live write sets.
pub fn tags(document: &Document) -> Vec<&TagName> {
    let tags = document.registers().filter_map(|(key, register)| match key {
        Key::Tag(name) => register.live().any(|write| write.value != Value::Absent).then_some(name),
        _ => None,
    });
    tags.collect()
}

/// Short names of the live writes of secret fields, sorted: what the manifest lists as `values`.
pub fn secret_values(document: &Document) -> Vec<super::bytes::Short> {
    let fields = document.registers().filter(|(key, _)| matches!(key, Key::Field(_)));
    let mut names: Vec<_> = fields
        .flat_map(|(_, register)| register.live().filter(|write| write.is_secret()).map(|write| write.name().short()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The live writes of a register, the one to show first.
pub fn newest_first(register: &Register, sealed_at: Time) -> Vec<&Write> {
    let mut writes: Vec<_> = register.live().collect();
    let from_the_future = |write: &Write| write.at.unix() > sealed_at.unix() + A_DAY;
    writes.sort_by_key(|write| (from_the_future(write), std::cmp::Reverse((write.at, write.name()))));
    writes
}
