//! The judges: `.ci/run` installs what the tests cannot do without, and where it did, it must be there.

use std::collections::BTreeSet;

use super::crates::{read, sources};
use crate::world::must_have;

/// What stands between the quotes behind each of these words.
fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once('"').map(|(word, _)| word))
}

#[test]
fn every_judge_that_a_test_asks_for_is_one_that_ci_run_sees_to() {
    let script = read(".ci/run");
    let mut judges = BTreeSet::new();
    // In pieces, so that this file asks for none.
    let asks = [["have", "(\""], ["program", "(\""], ["opens_ours", "(\""], ["has", "(found.is_some(), \""]];
    for before in asks.map(|pieces| pieces.concat()) {
        for (_, text) in sources(&["tests"]) {
            judges.extend(quoted(&text, &before).map(str::to_owned));
        }
    }
    assert!(judges.len() > 10 && judges.contains("age") && judges.contains("openrouter"), "{judges:?}");
    // git itself needs a shell.
    judges.remove("sh");
    for judge in judges {
        let is_installed = script.contains(&format!(" {judge}:")) || script.contains(&format!("lacks {judge} "));
        assert!(is_installed, ".ci/run does not install {judge}");
    }
}

#[test]
fn what_ci_run_installs_must_be_there_but_for_what_it_says_cannot_be_had() {
    let must = |set: &[(&str, &str)]| {
        let find = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        must_have("rage", &find)
    };
    assert!(!must(&[]) && !must(&[("CI", ""), ("COVAULT_MUST", "")]));
    assert!(must(&[("CI", "true"), ("COVAULT_LACKS", "rage")]));
    assert!(must(&[("COVAULT_MUST", "1")]));
    assert!(must(&[("COVAULT_MUST", "1"), ("COVAULT_LACKS", "storage vim")]));
    assert!(!must(&[("COVAULT_MUST", "1"), ("COVAULT_LACKS", "vim rage")]));
    let script = read(".ci/run");
    assert!(script.contains("export COVAULT_MUST=1") && script.contains("sort -u \"$COVAULT_SKIPPED\""));
}
