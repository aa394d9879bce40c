//! The sheet that `edit` puts before a person: a secret as TOML, and the edit that a changed sheet asks for.
//!
//! Bytes that are no text are told of on the sheet, in a comment, and stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use thiserror::Error;
use toml::{Table, Value as Toml};
use zeroize::Zeroizing;

use super::names::{FieldName, MetaName, NameError, TagName};

/// What a sheet says.
#[derive(Default, PartialEq, Eq)]
pub struct Sheet {
    /// Secret fields.
    pub secret: BTreeMap<FieldName, Zeroizing<String>>,
    /// Fields that are no secret.
    pub plain: BTreeMap<FieldName, Zeroizing<String>>,
    /// Metadata.
    pub meta: BTreeMap<MetaName, String>,
    /// Tags.
    pub tags: Vec<TagName>,
    /// Fields that are no text, and how many bytes each has. Nothing is read of them from a sheet.
    pub kept: BTreeMap<FieldName, usize>,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sheet(redacted)")
    }
}

/// Why a sheet cannot be taken. Values never stand in the text.
#[derive(Debug, Error)]
pub enum SheetError {
    /// It is no TOML.
    #[error("line {line} of the sheet is no TOML")]
    Syntax {
        /// The line, from 1.
        line: usize,
    },
    /// A table or key that a sheet does not have.
    #[error("the sheet has no place for '{0}'")]
    Unknown(String),
    /// Something that must be text is not.
    #[error("'{0}' on the sheet must be text in quotes")]
    NotText(String),
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A field that is both.
    #[error("'{0}' stands under secret and under plain")]
    Twice(String),
}

impl Sheet {
    /// The sheet as text.
    pub fn to_text(&self, title: &str) -> Zeroizing<String> {
        let mut out = Zeroizing::new(format!(
            "# {title}\n# Save and leave to keep the changes; leave without saving, or empty the sheet, to keep things as they are.\n"
        ));
        let tags: Vec<_> = self.tags.iter().map(|tag| quote(tag.as_str())).collect();
        out.push_str(&format!("\ntags = [{}]\n\n[secret]\n", tags.join(", ")));
        for (name, bytes) in &self.kept {
            out.push_str(&format!("# {name}: {bytes} bytes, kept as it is\n"));
        }
        push_fields(&mut out, &self.secret);
        out.push_str("\n# no secrets: shown without being asked for\n[plain]\n");
        push_fields(&mut out, &self.plain);
        out.push_str("\n[meta]\n");
        for (name, value) in &self.meta {
            out.push_str(&format!("{name} = {}\n", quote(value)));
        }
        out
    }

    /// What this sheet made of `base`, done to `theirs`, which is what others made of it meanwhile; and the names of what
    /// both changed, each in their own way. There this sheet counts.
    pub fn onto(&self, base: &Self, theirs: &Self) -> (Self, Vec<String>) {
        let mut both = Vec::new();
        let fields = carry(&base.fields(), &self.fields(), theirs.fields(), &mut both);
        let meta = carry(&base.meta, &self.meta, theirs.meta.clone(), &mut both);
        let tags = |sheet: &Self| sheet.tags.iter().map(|tag| (tag.clone(), ())).collect();
        let tags = carry(&tags(base), &tags(self), tags(theirs), &mut both);
        let side = |wanted: bool| {
            let of = fields.iter().filter(|(_, (plain, _))| *plain == wanted);
            of.map(|(name, (_, text))| (name.clone(), (*text).clone())).collect()
        };
        let (tags, kept) = (tags.into_keys().collect(), theirs.kept.clone());
        (Self { secret: side(false), plain: side(true), meta, tags, kept }, both)
    }

    /// All fields, with whether they are plain.
    fn fields(&self) -> BTreeMap<FieldName, (bool, &Zeroizing<String>)> {
        let of = |plain, fields| {
            let with = move |(name, text): (&FieldName, _)| (name.clone(), (plain, text));
            BTreeMap::iter(fields).map(with)
        };
        of(false, &self.secret).chain(of(true, &self.plain)).collect()
    }

    /// Reads a sheet; `None` for an empty one.
    pub fn parse(text: &str) -> Result<Option<Self>, SheetError> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(None);
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| SheetError::Syntax {
            line: error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1)),
        })?;
        let mut sheet = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("tags", Toml::Array(tags)) => {
                    for tag in tags {
                        sheet.tags.push(TagName::parse(tag.as_str().ok_or_else(|| SheetError::NotText(key.clone()))?)?);
                    }
                }
                ("secret", Toml::Table(table)) => sheet.secret = fields(table)?,
                ("plain", Toml::Table(table)) => sheet.plain = fields(table)?,
                ("meta", Toml::Table(table)) => {
                    for (name, value) in table {
                        let text = value.as_str().ok_or_else(|| SheetError::NotText(name.clone()))?;
                        sheet.meta.insert(MetaName::parse(&name)?, text.to_owned());
                    }
                }
                _ => return Err(SheetError::Unknown(key)),
            }
        }
        if let Some(twice) = sheet.secret.keys().find(|name| sheet.plain.contains_key(name)) {
            return Err(SheetError::Twice(twice.to_string()));
        }
        Ok(Some(sheet))
    }
}

/// Does to `theirs` what `mine` did to `base`.
fn carry<K: Ord + Clone + Display, V: PartialEq + Clone>(
    base: &BTreeMap<K, V>,
    mine: &BTreeMap<K, V>,
    mut theirs: BTreeMap<K, V>,
    both: &mut Vec<String>,
) -> BTreeMap<K, V> {
    let names: BTreeSet<&K> = base.keys().chain(mine.keys()).collect();
    for name in names {
        let (was, is) = (base.get(name), mine.get(name));
        if is == was {
            continue;
        }
        if theirs.get(name) != was && theirs.get(name) != is {
            both.push(name.to_string());
        }
        match is {
            Some(value) => theirs.insert(name.clone(), value.clone()),
            None => theirs.remove(name),
        };
    }
    theirs
}

fn fields(table: Table) -> Result<BTreeMap<FieldName, Zeroizing<String>>, SheetError> {
    let field = |(name, value): (String, Toml)| match value {
        Toml::String(text) => Ok((FieldName::parse(&name)?, Zeroizing::new(text))),
        _ => Err(SheetError::NotText(name)),
    };
    table.into_iter().map(field).collect()
}

fn push_fields(out: &mut String, fields: &BTreeMap<FieldName, Zeroizing<String>>) {
    for (name, value) in fields {
        out.push_str(&format!("{name} = {}\n", quote(value)));
    }
}

/// A TOML string; several lines where that reads better and says the same.
fn quote(text: &str) -> String {
    let block = text.contains('\n') && !text.contains("'''") && !text.chars().any(|c| c.is_control() && c != '\n');
    if block && !text.ends_with('\'') { format!("'''\n{text}'''") } else { Toml::String(text.to_owned()).to_string() }
}
