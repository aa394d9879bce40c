//! What is read as a name, an amount or a time is printed as it was given, and read again as the same.

use std::fmt::{Debug, Display};

use covault::model::bytes::{Hash, SecretId, Short};
use covault::model::card::Device;
use covault::model::duration::{humanize, parse_every, parse_expiry};
use covault::model::keys::amount::Amount;
use covault::model::keys::intent::KeyName;
use covault::model::keys::limit::Limit;
use covault::model::keys::record::RemoteId;
use covault::model::manifest::MemberRef;
use covault::model::names::{
    DeviceLabel, FieldName, GroupName, MemberName, MetaName, Reference, SecretPath, Subject, TagName,
};
use covault::model::otp;
use covault::model::register::Key;
use covault::model::time::Time;
use covault::model::words;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    named(text, FieldName::parse);
    named(text, MetaName::parse);
    named(text, TagName::parse);
    named(text, MemberName::parse);
    named(text, GroupName::parse);
    named(text, DeviceLabel::parse);
    named(text, Subject::parse);
    path(text);
    reference(text);
    spelled(text, Key::parse(text).map(|key| key.to_text()));
    spelled(text, MemberRef::parse(text).map(|member| member.to_text()));
    spelled(text, Device::parse(text).map(|device| device.to_text()));
    spelled(text, Time::parse(text).map(|time| time.to_string()));
    spelled(text, Hash::from_hex(text).map(|hash| hash.to_string()));
    spelled(text, SecretId::from_hex(text).map(|id| id.to_string()));
    spelled(text, Short::from_hex(text).map(|short| short.to_string()));
    spelled(text, RemoteId::parse(text).map(|id| id.to_string()));
    spelled(text, KeyName::parse(text).map(|name| name.to_string()));
    amounts(text);
    times(text);
    codes(text);
    assert!(!words::matches(text, &[0; 32]) || words::words(&[0; 32], 24).starts_with("abandon"));
}

/// One that has a spelling prints it.
fn spelled(text: &str, again: Option<String>) {
    assert!(again.as_ref().is_none_or(|again| again == text), "{text:?} is printed as {again:?}");
}

fn named<T: Display, E: Display + Debug>(text: &str, parse: impl Fn(&str) -> Result<T, E>) {
    match parse(text) {
        Ok(name) => assert_eq!(name.to_string(), text),
        Err(error) => super::check_length(&error),
    }
}

fn path(text: &str) {
    named(text, SecretPath::parse);
    if let Ok(path) = SecretPath::parse(text) {
        assert!(path.folders().all(|folder| text.starts_with(&format!("{folder}/"))));
        assert!(text.ends_with(path.last_segment()));
        let file = path.file();
        if !path.is_journal() || path.folder() == "journal" {
            assert_eq!(SecretPath::from_file(&file), Some(path));
        } else {
            assert_eq!(SecretPath::from_file(&file), None, "{file} is nobody's");
        }
    }
    if let Some(path) = SecretPath::from_file(text) {
        assert_eq!(path.file(), text);
    }
}

fn reference(text: &str) {
    let reference = match Reference::parse(text) {
        Ok(reference) => reference,
        Err(error) => return super::check_length(&error),
    };
    assert_eq!(Reference::parse(&format!("{}{}", Reference::SCHEME, reference.as_str())).as_ref(), Ok(&reference));
    assert!(reference.readings().next().is_some());
    for (path, field) in reference.readings() {
        let printed = field.map_or_else(|| path.to_string(), |field| format!("{path}/{field}"));
        assert_eq!(printed, reference.as_str());
    }
}

fn amounts(text: &str) {
    match Amount::parse_limit(text) {
        Ok(amount) => {
            assert_eq!(Amount::parse_limit(&amount.to_string()), Ok(amount));
            assert_eq!(amount.as_limit(), amount);
        }
        Err(error) => super::check_length(&error),
    }
    match Amount::parse_number(text) {
        Ok(amount) => {
            let again = Amount::parse_number(&amount.to_string());
            assert_eq!(again, Ok(amount));
            let _ = (amount.percent(80), amount.percent_of(amount), amount.or_zero(), amount.rounded());
            // What is left of any amount can be a limit again.
            let limit = amount.as_limit();
            assert!(Amount::parse_limit(&limit.to_string()).map_or(true, |again| again == limit));
        }
        Err(error) => super::check_length(&error),
    }
    match text.parse::<Limit>() {
        Ok(limit) => assert_eq!(limit.to_string().parse::<Limit>().as_ref(), Ok(&limit)),
        Err(error) => super::check_length(&error),
    }
}

fn times(text: &str) {
    const NOW: i64 = 1_790_000_000;
    match parse_expiry(text, NOW) {
        Ok(Some(at)) => {
            let printed = Time::from_unix(at).to_string();
            assert_eq!(parse_expiry(&printed, NOW), Ok(Some(at)), "{text:?} is {printed}");
            let _ = humanize(at.saturating_sub(NOW));
        }
        Ok(None) => {}
        Err(error) => super::check_length(&error),
    }
    match parse_every(text) {
        Ok(every) => assert!(every.days() > 0 && every.seconds() == i64::from(every.days()) * 86_400),
        Err(error) => super::check_length(&error),
    }
}

fn codes(text: &str) {
    match otp::normalize(text, "alice") {
        Ok(uri) => {
            let code = otp::code(&uri, 1_790_000_000);
            let code = code.unwrap_or_else(|error| panic!("an address of ours has no code: {error}"));
            assert!((6..=10).contains(&code.digits.len()) && code.valid_for > 0, "{} digits", code.digits.len());
            let again = otp::normalize(&uri, "bob").map(|uri| uri.to_string());
            assert_eq!(again.as_ref(), Ok(&*uri), "one spelling");
        }
        Err(error) => super::check_words(&error),
    }
    if let Err(error) = otp::code(text, 0) {
        super::check_words(&error);
    }
}
