//! What `verify` found, as JSON.

use serde_json::{Value, json};

use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::vault::verify::{Changes, SealedVersion, Verification};

/// Everything.
pub(super) fn of(found: &Verification) -> Value {
    let judged = found.judged.as_ref();
    json!({
        "good": found.findings.is_empty(),
        "settled": !found.is_unsettled(),
        "vault": judged.map(|judged| judged.vault.to_string()),
        "words": judged.map(|judged| judged.words.as_str()),
        "name": judged.map(|judged| judged.name.as_str()),
        "roster_seq": judged.map(|judged| judged.seq),
        "roster_head": judged.map(|judged| judged.head.to_string()),
        "assumed": judged.map(|judged| judged.assumed),
        "files": found.files,
        "requests": found.requests,
        "commits": found.commits,
        "findings": found.findings.iter().map(|finding| json!({
            "code": finding.code, "path": finding.path, "commit": finding.commit, "text": finding.text,
            "hint": finding.hint,
        })).collect::<Vec<_>>(),
        "pending": found.pending.iter().map(|waiting| json!({
            "name": waiting.path.as_str(), "lives": waiting.lives, "gains": waiting.gains, "losses": waiting.losses,
            "siblings": waiting.siblings,
        })).collect::<Vec<_>>(),
        "exposed": found.exposed.iter().map(|one| json!({
            "member": one.member.as_str(), "secret": one.path.as_str(), "known": one.known, "total": one.total,
        })).collect::<Vec<_>>(),
        "behind": found.behind,
        "contested": found.contested,
        "unjudged": found.unjudged,
        "notes": found.notes,
        "changes": found.changes.as_ref().map(changes),
    })
}

fn changes(changes: &Changes) -> Value {
    let names = |paths: &[SecretPath]| paths.iter().map(SecretPath::as_str).collect::<Value>();
    json!({
        "from": changes.from,
        "to": changes.to,
        "roster": changes.entries.iter().map(|entry| json!({
            "seq": entry.seq, "by": entry.by, "op": entry.operation, "text": entry.text, "embedded": entry.embedded,
        })).collect::<Value>(),
        "access": changes.access.iter().map(|change| json!({
            "member": change.member, "gains": names(&change.gains), "losses": names(&change.losses),
        })).collect::<Value>(),
        "secrets": changes.secrets.iter().map(|change| json!({
            "name": change.path.as_str(), "what": change.what, "before": change.before, "revision": change.revision,
            "moved_to": change.moved_to.as_ref().map(SecretPath::as_str), "authors": change.authors,
            "readers": change.readers,
        })).collect::<Value>(),
        "sealed": changes.sealed.iter().map(sealed).collect::<Value>(),
        "requests": changes.requests.iter().map(|request| json!({
            "path": request.file, "name": request.name, "words": request.words,
        })).collect::<Value>(),
        "env": changes.env.iter().map(|change| json!({
            "path": change.file,
            "refused": change.refused,
            "variables": change.variables.iter().map(|(name, before, after)| json!({
                "name": name, "before": before, "after": after,
            })).collect::<Value>(),
        })).collect::<Value>(),
    })
}

fn sealed(version: &SealedVersion) -> Value {
    let (state, moved_to) = match &version.state {
        State::Live => ("live", None),
        State::Deleted => ("deleted", None),
        State::Moved(to) => ("moved", Some(to.as_str())),
    };
    json!({
        "commit": version.commit, "name": version.path.as_str(), "author": version.author,
        "revision": version.revision, "state": state, "moved_to": moved_to, "version": version.version.to_string(),
    })
}
