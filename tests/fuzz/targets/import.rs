//! What other tools' files hold comes out in each of our notations as it went in; no refusal and no warning shows a value; and
//! nothing is larger than it may be.

use covault::model::formats::render::{Output, render};
use covault::model::formats::{Format, MAX_BYTES, MAX_DEPTH, MAX_ENTRIES, parse};

use super::NEEDLE;

pub fn dotenv(data: &[u8]) {
    run(Format::Dotenv, data);
}

pub fn json(data: &[u8]) {
    run(Format::Json, data);
}

pub fn toml(data: &[u8]) {
    run(Format::Toml, data);
}

pub fn yaml(data: &[u8]) {
    run(Format::Yaml, data);
}

fn run(format: Format, data: &[u8]) {
    let parsed = match parse(format, data) {
        Ok(parsed) => parsed,
        Err(error) if is_only_a_value(format, data) => return super::check_words(&error),
        Err(_) => return,
    };
    if is_only_a_value(format, data) {
        parsed.warnings.iter().for_each(super::check_words);
    }
    assert!(parsed.entries.len() <= MAX_ENTRIES && parsed.entries.iter().all(|entry| entry.key.len() <= MAX_DEPTH));
    let size: usize = parsed.entries.iter().map(|entry| entry.value.len()).sum();
    assert!(size <= 8 * MAX_BYTES, "{} bytes became {size}", data.len());
    assert!(!format!("{parsed:?}").contains(NEEDLE) || !is_only_a_value(format, data), "a value is in what is printed");
    let pairs: Vec<(String, &[u8])> =
        parsed.entries.iter().map(|entry| (entry.name(), entry.value.as_slice())).collect();
    for (output, back) in [
        (Output::Dotenv, Format::Dotenv),
        (Output::Json, Format::Json),
        (Output::Yaml, Format::Yaml),
        (Output::Toml, Format::Toml),
    ] {
        let written = match render(output, &pairs, "") {
            Ok(written) => written,
            Err(error) if is_only_a_value(format, data) => {
                super::check_words(&error);
                continue;
            }
            Err(_) => continue,
        };
        let again = parse(back, &written).unwrap_or_else(|error| panic!("{back} of ours: {error}"));
        let again: Vec<(String, &[u8])> =
            again.entries.iter().map(|entry| (entry.name(), entry.value.as_slice())).collect();
        assert!(again == pairs, "{back} says something else: {:?}", String::from_utf8_lossy(&written));
    }
}

/// Whether the needle stands in no name: errors show those.
fn is_only_a_value(format: Format, data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    if format == Format::Dotenv {
        return true;
    }
    // An anchor, a merge or an explicit key may make a name of what stands elsewhere as a value; escapes may spell one.
    let plain = !text.contains(['*', '?', '\\', '<', '|', '>', '\'']);
    let is_value = |after: &str| after.starts_with("\",\n") || after.starts_with("\"\n");
    plain && text.split(NEEDLE).skip(1).all(is_value) && !text.contains(&format!("[{NEEDLE}"))
}
