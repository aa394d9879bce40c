//! Names that people type: of secrets, fields, tags, members, groups and devices, and references to a field.
//!
//! The rules hold on every file system that git runs on; nothing here touches one.

use std::fmt;

use thiserror::Error;

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("the {what} is empty")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// It is longer than its limit.
    #[error("the {what} '{name}' is longer than {limit} bytes")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// It has a character that is not allowed.
    #[error("the {what} '{name}' is not made of {allowed}")]
    Characters {
        /// Which kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A path has too many segments.
    #[error("the name '{name}' has more than {MAX_DEPTH} segments")]
    TooDeep {
        /// The name.
        name: String,
    },
    /// A segment that Windows keeps for a device.
    #[error("'{segment}' in the name '{name}' is a device name on Windows")]
    Device {
        /// The segment.
        segment: String,
        /// The whole name.
        name: String,
    },
    /// A segment ends in a dot, which Windows drops.
    #[error("'{segment}' in the name '{name}' ends in a dot")]
    FinalDot {
        /// The segment.
        segment: String,
        /// The whole name.
        name: String,
    },
    /// A segment ends as the files of secrets do: as a folder it would stand where another secret's file is.
    #[error("'{segment}' in the name '{name}' ends in .age, like the files of secrets")]
    FileSuffix {
        /// The segment.
        segment: String,
        /// The whole name.
        name: String,
    },
    /// Not a reference.
    #[error("'{text}' is not a reference like covault://folder/name/field")]
    Reference {
        /// What was given.
        text: String,
    },
}

const MAX_SEGMENT: usize = 64;
const MAX_DEPTH: usize = 8;
const MAX_PATH: usize = 180;
const SEGMENT_RULE: &str = "lower-case letters, digits and . _ - (not first)";
const MEMBER_RULE: &str = "lower-case letters, digits and . _ - (not first, no final dot, no device name of Windows)";
const GROUP_RULE: &str = "what a member's name is made of; people and inherit are kept";
const FIELD_RULE: &str = "letters, digits, _ and - (starting with a letter or _)";

/// The folder of secrets' files, below `.covault/`.
pub const SECRETS: &str = "secrets";
/// The folder of journals' files, below `.covault/`, and the first segment of their names.
pub const JOURNAL: &str = "journal";
/// The folders of sealed files, below `.covault/`.
pub const SEALED: [&str; 2] = [SECRETS, JOURNAL];

/// A secret's place in the vault, such as `prod/db`, or a journal's, such as `journal/4f1d`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPath(String);

impl SecretPath {
    /// Checks a name: segments of `[a-z0-9][a-z0-9._-]*` joined by `/`, at most 64 bytes each, 8 deep and 180 in
    /// all; no final dot or `.age`, no Windows device name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty { what: "name" });
        }
        if text.len() > MAX_PATH {
            return Err(NameError::TooLong { what: "name", name: clip(text), limit: MAX_PATH });
        }
        if text.bytes().filter(|byte| *byte == b'/').count() >= MAX_DEPTH {
            return Err(NameError::TooDeep { name: text.to_owned() });
        }
        for segment in text.split('/') {
            check_segment(segment, text)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `/`.
    pub fn last_segment(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder, without a final `/`; empty at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The folders above it, nearest first: `a/b/c` gives `a/b`, `a`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.folder()), |f| Some(f.rsplit_once('/').map_or("", |(up, _)| up)))
            .take_while(|f| !f.is_empty())
    }

    /// Whether the name is kept for journals: it is `journal`, or below that. No secret has such a name.
    pub fn is_journal(&self) -> bool {
        self.0.split('/').next() == Some(JOURNAL)
    }

    /// Where its file is, relative to `.covault/`.
    pub fn file(&self) -> String {
        if self.is_journal() { format!("{}.age", self.0) } else { format!("{SECRETS}/{}.age", self.0) }
    }

    /// The name that belongs to a file given relative to `.covault/`; `None` where it is neither a secret's file nor a
    /// journal's. A journal is one segment below `journal`.
    pub fn from_file(file: &str) -> Option<Self> {
        let name = file.strip_suffix(".age")?;
        let (folder, below) = name.split_once('/')?;
        match folder {
            SECRETS => Self::parse(below).ok().filter(|path| !path.is_journal()),
            JOURNAL => Self::parse(name).ok().filter(|path| path.folder() == JOURNAL),
            _ => None,
        }
    }
}

fn check_segment(segment: &str, name: &str) -> Result<(), NameError> {
    if segment.len() > MAX_SEGMENT {
        return Err(NameError::TooLong { what: "segment", name: segment.to_owned(), limit: MAX_SEGMENT });
    }
    if !is_segment(segment) {
        return Err(NameError::Characters { what: "name", name: name.to_owned(), allowed: SEGMENT_RULE });
    }
    if segment.ends_with('.') {
        return Err(NameError::FinalDot { segment: segment.to_owned(), name: name.to_owned() });
    }
    if segment.ends_with(".age") {
        return Err(NameError::FileSuffix { segment: segment.to_owned(), name: name.to_owned() });
    }
    if is_device(segment) {
        return Err(NameError::Device { segment: segment.to_owned(), name: name.to_owned() });
    }
    Ok(())
}

fn is_segment(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

/// Names that Windows gives to devices, with any extension.
fn is_device(segment: &str) -> bool {
    // Few have a stem of three or four bytes, and this is asked of every part of every name.
    let ends_at = |at: usize| matches!(segment.as_bytes().get(at), None | Some(b'.'));
    if !ends_at(3) && !ends_at(4) {
        return false;
    }
    let stem = segment.split('.').next().unwrap_or(segment);
    matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|c: char| c.is_ascii_digit()))
}

/// As much of a text as an error shows: somebody else's may be of any length.
pub fn clip(text: &str) -> String {
    const SHOWN: usize = 60;
    let end = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    text.chars().take(SHOWN).chain(end.chars()).collect()
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal, $allowed:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the name against its rule and its limit.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if text.is_empty() {
                    Err(NameError::Empty { what: $what })
                } else if text.len() > $limit {
                    Err(NameError::TooLong { what: $what, name: clip(text), limit: $limit })
                } else if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError::Characters { what: $what, name: text.to_owned(), allowed: $allowed })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

name_type!(
    /// A field of a secret, such as `password`: `[A-Za-z_][A-Za-z0-9_-]*`, at most 64 bytes.
    FieldName, "field", 64, FIELD_RULE, is_key
);
name_type!(
    /// A metadatum of a secret, such as `expires` or `generate-password`: spelled like a field, at most 80 bytes.
    MetaName, "metadatum", 80, FIELD_RULE, is_key
);
name_type!(
    /// A tag: `[a-z0-9][a-z0-9_-]*`, at most 64 bytes.
    TagName, "tag", 64, "lower-case letters, digits, _ and - (not first)", is_tag
);
name_type!(
    /// A person or a machine in the roster: `[a-z0-9][a-z0-9._-]*`, at most 48 bytes. It names files, so that it has
    /// no final dot and is no Windows device name.
    MemberName, "member name", 48, MEMBER_RULE, is_member
);
name_type!(
    /// A group of members, written `@dev`: spelled like a member, and neither `people` nor `inherit`, which have a
    /// meaning of their own after an `@`.
    GroupName, "group", 48, GROUP_RULE, |t| is_member(t) && !matches!(t, "people" | "inherit")
);
name_type!(
    /// A member's device, such as `laptop`: `[a-z0-9][a-z0-9._-]*`, at most 48 bytes.
    DeviceLabel, "device label", 48, SEGMENT_RULE, is_segment
);

fn is_member(text: &str) -> bool {
    is_segment(text) && !text.ends_with('.') && !is_device(text)
}

fn is_key(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn is_tag(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// Whom a secret is shared with: one member, or all of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// `bob`.
    Member(MemberName),
    /// `@dev`.
    Group(GroupName),
}

impl Subject {
    /// Reads `bob` or `@dev`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix('@') {
            Some(group) => GroupName::parse(group).map(Self::Group),
            None => MemberName::parse(text).map(Self::Member),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "{name}"),
            Self::Group(name) => write!(f, "@{name}"),
        }
    }
}

/// A secret, or one field of it: `prod/db` or `prod/db/password`, in env files with `covault://` before it.
///
/// Whether the last segment is a field cannot be told from the text alone: see [`Reference::readings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// The scheme of references in env files.
    pub const SCHEME: &'static str = "covault://";

    /// Takes the text of a reference, with or without its scheme.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let body = text.strip_prefix(Self::SCHEME).unwrap_or(text);
        let reference = Self(body.to_owned());
        if reference.readings().next().is_none() {
            // A plain wrong name deserves the precise reason.
            SecretPath::parse(body)?;
            return Err(NameError::Reference { text: clip(text) });
        }
        Ok(reference)
    }

    /// The text without its scheme.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it can mean, in the order in which to try: the whole as a secret, then the last segment as a field.
    pub fn readings(&self) -> impl Iterator<Item = (SecretPath, Option<FieldName>)> {
        let whole = SecretPath::parse(&self.0).ok().map(|path| (path, None));
        let field = self
            .0
            .rsplit_once('/')
            .and_then(|(path, field)| Some((SecretPath::parse(path).ok()?, Some(FieldName::parse(field).ok()?))));
        whole.into_iter().chain(field)
    }
}
