//! `textconv`: what git shows of a sealed file. It never fails, never prompts, and writes nothing.
//!
//! Where a file cannot be opened, one line says who sealed it and names the payload, so that a change still shows.

use super::{Vault, VaultError};
use crate::model::escape;
use crate::model::manifest::{Manifest, State};
use crate::model::read;
use crate::model::register::Write;
use crate::model::time::Time;
use crate::seal;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// Values, as a person asks for.
    Values,
    /// Only that and what changed: values are replaced by the names of their writes, which are random.
    Masked,
}

/// The text for a sealed file. `vault` is the vault, or why there is none to open it with.
pub fn text(vault: Result<&Vault, &VaultError>, bytes: &[u8], reveal: Reveal) -> String {
    let manifests = seal::peek_manifests(bytes);
    let (manifest, siblings) = match manifests.as_deref() {
        Ok([manifest, siblings @ ..]) => (manifest, siblings),
        other => {
            let why = other.err().map(ToString::to_string).unwrap_or_default();
            let hash = crate::model::bytes::Hash::of(bytes).short();
            return format!("covault: not a sealed secret ({why}); sha256 {hash}\n");
        }
    };
    let opened = vault.map_err(why).and_then(|vault| {
        let file = vault.file(&manifest.path);
        vault
            .check(&file, &manifest.path, bytes)
            .and_then(|version| vault.open_version(&version))
            .map_err(|error| why(&error))
    });
    match opened {
        Ok(secret) => document(&secret, reveal),
        Err(reason) => std::iter::once(manifest)
            .chain(siblings)
            .map(|one| {
                let (author, revision, payload) = (&one.author.name, one.revision, one.payload.short());
                format!(
                    "covault: cannot open it ({reason}); sealed by {author}, revision {revision}, payload {payload}\n"
                )
            })
            .collect(),
    }
}

/// Whether the file says that it belongs to this vault.
pub fn belongs_to(vault: &Vault, bytes: &[u8]) -> bool {
    let is_ours = |all: Vec<Manifest>| all.iter().all(|manifest| manifest.vault == vault.roster().vault);
    seal::peek_manifests(bytes).is_ok_and(is_ours)
}

fn why(error: &VaultError) -> String {
    escape::terminal(&super::error::chain(error)).into_owned()
}

fn document(secret: &super::read::Secret, reveal: Reveal) -> String {
    let mut out = format!("secret: {}\n", secret.document.path);
    match &secret.manifest.state {
        State::Live => {}
        State::Deleted => out.push_str("state: deleted\n"),
        State::Moved(to) => out.push_str(&format!("state: moved to {to}\n")),
    }
    if secret.has_siblings() {
        out.push_str(&format!("versions that wait to be joined: {}\n", secret.versions.len()));
    }
    for (name, value) in read::metadata(&secret.document, secret.manifest.at) {
        out.push_str(&format!("{name}: {}\n", escape::terminal(value)));
    }
    let tags: Vec<_> = read::tags(&secret.document).iter().map(|tag| tag.as_str()).collect();
    if !tags.is_empty() {
        out.push_str(&format!("tags: {}\n", tags.join(" ")));
    }
    for field in secret.fields() {
        let several = field.writes.len() > 1;
        for write in field.writes {
            let by = if several { format!(" ({}, {})", write.author, write.at) } else { String::new() };
            push_value(&mut out, &format!("{}{by}", field.name), write, reveal);
        }
    }
    out
}

fn push_value(out: &mut String, name: &str, write: &Write, reveal: Reveal) {
    let shown = match write.value.present() {
        None => "(taken away)".to_owned(),
        Some(_) if reveal == Reveal::Masked && !write.plain => format!("(hidden, {})", write.name().short()),
        Some(value) => match value.expose_str() {
            None => {
                format!("({} bytes, sha256 {})", value.len(), crate::model::bytes::Hash::of(value.expose()).short())
            }
            Some(text) if text.contains('\n') => {
                out.push_str(&format!("{name}:\n"));
                let (body, end) = text.strip_suffix('\n').map_or((text, "    (no final newline)\n"), |body| (body, ""));
                for line in body.split('\n') {
                    out.push_str(&format!("    {}\n", escape::terminal(line)));
                }
                out.push_str(end);
                return;
            }
            Some(text) => escape::terminal(text).into_owned(),
        },
    };
    out.push_str(&format!("{name}: {shown}\n"));
}

/// Whether the time is such that a date has passed or is near: for `ls --due` and `status`.
pub fn due(secret: &super::read::Secret, now: Time) -> Option<String> {
    let expires = secret.meta(read::EXPIRES).and_then(Time::parse);
    if let Some(expires) = expires.filter(|expires| *expires <= now) {
        return Some(format!("expired {expires}"));
    }
    let every = crate::model::duration::parse_every(secret.meta("rotate-every")?).ok()?;
    // Each secret field is as old as its newest value, and the secret as the oldest of them: a new user name makes no
    // password new.
    let ages = secret.fields().into_iter().filter_map(|field| field.writes.into_iter().find(|write| write.is_secret()));
    let oldest = ages.map(|write| write.at).min()?;
    let due_at = Time::from_unix(oldest.unix() + every.seconds());
    (due_at <= now).then(|| format!("due for rotation since {due_at}"))
}
