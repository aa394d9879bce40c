//! Keys in the forms that their issuers give them: a table, and what a text has of it.
//!
//! A form alone is no key: what stands for one in an example is passed over (see `plain.rs`). To add a form: a line of
//! the table, and a key of that form in `tests/model/leak.rs`.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::plain;

/// A form of key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Format {
    /// What it is called.
    pub name: &'static str,
    /// What it looks like; the first group is the part that nobody knows.
    pattern: &'static str,
    /// The bits a character that a key of this form has at least, by how often each occurs.
    surprise: f64,
    /// Whether no part of it repeats: the text of a key that was made in one piece, not a file's with a beginning of its own.
    is_one_piece: bool,
}

/// One more hexadecimal alphabet has four bits a character, base64 six; short keys show less of it.
const HEX: f64 = 2.8;
const BASE64: f64 = 3.2;

const fn form(name: &'static str, pattern: &'static str, surprise: f64) -> Format {
    Format { name, pattern, surprise, is_one_piece: true }
}

const fn file(name: &'static str, pattern: &'static str) -> Format {
    Format { name, pattern, surprise: BASE64, is_one_piece: false }
}

/// The table. Where two forms match at one place the first is said.
const FORMATS: &[Format] = &[
    form("OpenRouter API key", r"\bsk-or-v1-([0-9a-f]{64})\b", HEX),
    form("Anthropic API key", r"\bsk-ant-[a-z]{3,6}[0-9]{2}-([A-Za-z0-9_-]{80,120})", BASE64),
    form("OpenAI API key", r"\bsk-(?:proj|svcacct|admin|None)-([A-Za-z0-9_-]{40,200})", BASE64),
    form("OpenAI API key", r"\bsk-([A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})\b", BASE64),
    form("AWS access key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)([A-Z2-7]{16})\b", 2.6),
    form(
        "AWS secret access key",
        r#"(?i:aws|amazon)[A-Za-z0-9_.-]{0,24}(?i:secret|private)[A-Za-z0-9_.-]{0,24}["']?\s{0,3}(?:=>|[=:])\s{0,3}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        BASE64,
    ),
    form("GitHub token", r"\bgh[pousr]_([A-Za-z0-9]{36,251})\b", BASE64),
    form("GitHub token", r"\bgithub_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b", BASE64),
    form("GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-([A-Za-z0-9_-]{20,64})", BASE64),
    form("Slack token", r"\bxox[abeoprs]-((?:[0-9]+-)*[A-Za-z0-9-]{20,200})", HEX),
    form("Slack app token", r"\bxapp-[0-9]-[A-Z0-9]+-[0-9]+-([a-f0-9]{64})\b", HEX),
    form(
        "Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/(?:T[A-Z0-9]{8,12}/[A-Z0-9]{8,12}/)([A-Za-z0-9]{24})\b",
        BASE64,
    ),
    form("Stripe key", r"\b[sr]k_live_([A-Za-z0-9]{20,247})\b", BASE64),
    form("Stripe webhook secret", r"\bwhsec_([A-Za-z0-9+/]{32,64})", BASE64),
    form("Google API key", r"\bAIza([A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)", BASE64),
    form("Google OAuth secret", r"\bGOCSPX-([A-Za-z0-9_-]{28})(?:[^A-Za-z0-9_-]|$)", BASE64),
    form("npm token", r"\bnpm_([A-Za-z0-9]{36})\b", BASE64),
    form("PyPI token", r"\bpypi-(Ag(?:EIcHlwaS5vcmc|ENdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,1000})", BASE64),
    form("crates.io token", r"\bcio([A-Za-z0-9]{32})\b", BASE64),
    form("SendGrid API key", r"\bSG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)", BASE64),
    form("Twilio API key", r"\bSK([0-9a-f]{32})\b", HEX),
    form(
        "Twilio auth token",
        r#"(?i:twilio)[A-Za-z0-9_.-]{0,24}(?i:token|secret)["']?\s{0,3}(?:=>|[=:])\s{0,3}["']?([0-9a-f]{32})\b"#,
        HEX,
    ),
    form("Mailgun API key", r"\bkey-([0-9a-f]{32})\b", HEX),
    form("Hugging Face token", r"\bhf_([A-Za-z]{34})\b", BASE64),
    form("DigitalOcean token", r"\bdo[opr]_v1_([0-9a-f]{64})\b", HEX),
    form("Docker Hub token", r"\bdckr_[op]at_([A-Za-z0-9_-]{27,32})", BASE64),
    form("Shopify token", r"\bshp(?:at|ca|pa|ss)_([0-9a-fA-F]{32})\b", HEX),
    form("HashiCorp Vault token", r"\bhv[sb]\.([A-Za-z0-9_-]{90,300})", BASE64),
    form("Databricks token", r"\bdapi([0-9a-f]{32})\b", HEX),
    form("Grafana token", r"\bgl(?:sa_([A-Za-z0-9]{32}_[0-9a-f]{8})|c_([A-Za-z0-9+/]{32,400}))", BASE64),
    form("Linear API key", r"\blin_api_([A-Za-z0-9]{40})\b", BASE64),
    form("age identity", r"\bAGE-SECRET-KEY-(?:PQ-)?1([QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,64})\b", BASE64),
    form("covault signing key", r"\bCOVAULT-SIGNING-KEY-1([QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})\b", BASE64),
    file(
        "private key",
        r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|SSH2 ENCRYPTED) )?PRIVATE KEY-----(?:\s|\\[nr]|\\)*(?:[A-Za-z-]+: [^\n]*(?:\s|\\[nr])+)*([A-Za-z0-9+/=]{40,100})",
    ),
    file(
        "PGP private key",
        r"-----BEGIN PGP PRIVATE KEY BLOCK-----(?:\s|\\[nr])*(?:[A-Za-z-]+: [^\n]*(?:\s|\\[nr])+)*([A-Za-z0-9+/=]{40,100})",
    ),
    form("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,8000}\.([A-Za-z0-9_-]{20,1000})", BASE64),
];

/// Keys that everybody has seen, from manuals.
const PUBLISHED: &[&str] =
    &["SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "cThIIoDvwdueQB468K5xDc5633seEFoqwxjF_xSJyQQ"];

/// Which forms occur at all: most texts have none, and are read once.
static ANY: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSetBuilder::new(FORMATS.iter().map(|format| format.pattern)).unicode(false).build().ok());

/// Each by itself, made when its form is met.
static EACH: [OnceLock<Option<Regex>>; FORMATS.len()] = [const { OnceLock::new() }; FORMATS.len()];

/// The names of all forms, each once.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
    names.dedup();
    names
}

/// The keys in a text: where each begins, and its form. Sorted by place.
pub fn formats(text: &[u8]) -> Vec<(usize, &'static Format)> {
    let Some(any) = ANY.as_ref() else { return Vec::new() };
    let mut found: Vec<(usize, &'static Format)> = Vec::new();
    for n in any.matches(text) {
        let (Some(format), Some(once)) = (FORMATS.get(n), EACH.get(n)) else { continue };
        let made = once.get_or_init(|| RegexBuilder::new(format.pattern).unicode(false).build().ok());
        let Some(regex) = made else { continue };
        for captures in regex.captures_iter(text) {
            let key = captures.iter().skip(1).flatten().next();
            let (Some(whole), Some(key)) = (captures.get(0), key) else { continue };
            if !plain::is_stand_in(key.as_bytes(), format.surprise, format.is_one_piece)
                && !is_published(key.as_bytes())
            {
                found.push((whole.start(), format));
            }
        }
    }
    // Stable: of two forms at one place the table's first stays.
    found.sort_by_key(|(at, _)| *at);
    found.dedup_by_key(|(at, _)| *at);
    found
}

fn is_published(key: &[u8]) -> bool {
    PUBLISHED.iter().any(|known| known.as_bytes() == key)
}
