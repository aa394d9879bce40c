//! A file of references never yields a value or a variable that decides which code runs; and the names that we make for
//! variables and secrets are names.

use covault::model::envfile::{EnvLine, encode, env_name_from, is_variable_name, parse, secret_segment_from};
use covault::model::loader::is_loader_variable;
use covault::model::names::{FieldName, SecretPath};

pub fn run(data: &[u8]) {
    match parse(data) {
        Ok(lines) => {
            for line in &lines {
                assert!(is_variable_name(&line.name) && !is_loader_variable(&line.name), "{line:?}");
                assert!(line.reference.len() <= 256 && line.reference.is_ascii() && line.line > 0);
            }
            let plain = |lines: &[EnvLine]| -> Vec<(String, String)> {
                lines.iter().map(|line| (line.name.clone(), line.reference.clone())).collect()
            };
            let again = parse(encode(&lines).as_bytes()).expect("what we wrote");
            assert_eq!(plain(&again), plain(&lines));
        }
        Err(error) => super::check_words(&error),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for line in text.lines().take(20) {
        let segment = secret_segment_from(line);
        SecretPath::parse(&segment).unwrap_or_else(|error| panic!("a secret for {line:?}: {error}"));
        if let Some((path, field)) = line.rsplit_once('/')
            && let (Ok(path), Ok(field)) = (SecretPath::parse(path), FieldName::parse(field))
        {
            let name = env_name_from(path.as_str(), field.as_str());
            assert!(is_variable_name(&name), "a variable for {line}: {name}");
        }
    }
}
