//! What the program stands on: no unsafe code of ours, no dependency that nobody uses, no exception without a reason.

use std::path::{Path, PathBuf};

/// A file of the repository, by its path from the top.
pub fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn toml(file: &str) -> toml::Table {
    read(file).parse().unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Every Rust file below these folders, with its text.
pub fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(!found.is_empty());
    found
}

/// Its words, as far as Rust goes: letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[test]
fn the_compiler_forbids_unsafe_code_and_nothing_asks_it_not_to() {
    assert_eq!(toml("Cargo.toml")["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for (path, text) in sources(&["src"]) {
        for (n, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let found = words(code).find(|word| ["unsafe", "unsafe_code"].contains(word));
            assert_eq!(found, None, "{}:{}: {line}", path.display(), n + 1);
        }
    }
}

#[test]
fn every_dependency_is_used() {
    let manifest = toml("Cargo.toml");
    for (table, folders) in
        [("dependencies", ["src"].as_slice()), ("dev-dependencies", &["tests", "benches"]), ("build-dependencies", &[])]
    {
        let Some(table) = manifest.get(table).and_then(|table| table.as_table()) else { continue };
        let files = sources(folders);
        for name in table.keys() {
            let name = name.replace('-', "_");
            let paths = [format!("{name}::"), format!("use {name};"), format!("{name}!")];
            let is_used = files.iter().any(|(_, text)| paths.iter().any(|path| text.contains(path.as_str())));
            assert!(is_used, "nothing in {folders:?} uses {name}");
        }
    }
}

#[test]
fn dependencies_come_from_the_registry_and_exceptions_have_reasons() {
    let manifest = toml("Cargo.toml");
    for (name, wanted) in manifest["dependencies"].as_table().unwrap() {
        let version = wanted.as_str().or_else(|| wanted.get("version").and_then(|version| version.as_str()));
        assert!(version.is_some_and(|version| !version.contains('*')), "{name} has no version");
        assert!(wanted.get("git").is_none() && wanted.get("path").is_none(), "{name} is from elsewhere");
    }
    let deny = toml("deny.toml");
    assert_eq!(deny["bans"]["multiple-versions"].as_str(), Some("deny"));
    assert_eq!(deny["bans"]["wildcards"].as_str(), Some("deny"));
    assert_eq!(deny["sources"]["allow-git"].as_array().map(Vec::len), Some(0));
    let exceptions = [&deny["bans"]["skip"], &deny["advisories"]["ignore"]].into_iter().flat_map(|it| it.as_array());
    for one in exceptions.flatten() {
        let reason = one.get("reason").and_then(|reason| reason.as_str());
        assert!(reason.is_some_and(|reason| reason.len() > 5), "no reason: {one}");
    }
    assert!(deny["licenses"].get("exceptions").is_none());
    assert!(read(".ci/run").contains("bans licenses sources"), ".ci/run does not ask cargo-deny");
}
