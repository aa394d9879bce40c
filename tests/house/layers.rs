//! Who may import whom: the table of docs/architecture.md, read off the `use` lines.

use std::path::{Path, PathBuf};

/// Layer, the layers it may import, and what of the standard library and others it never sees.
pub const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("plaintext", &[], &["std::fs", "std::net", "std::env", "std::process", "std::time", "rand_core"]),
    (
        "model",
        &["plaintext"],
        &["std::fs", "std::io", "std::net", "std::env", "std::process", "std::time", "rand_core", "tokio", "gix"],
    ),
    ("seal", &["model", "plaintext"], &["std::fs", "std::env", "std::process", "gix"]),
    ("repo", &["model"], &["age", "ed25519_dalek", "x25519_dalek"]),
    ("home", &["model", "plaintext", "seal"], &["std::env", "std::process", "gix", "SystemTime", "Instant"]),
    ("providers", &["model", "plaintext"], &["std::fs", "std::env", "std::process", "SystemTime", "gix", "age"]),
    (
        "vault",
        &["model", "plaintext", "seal", "repo", "home", "providers"],
        &["std::env", "std::time", "std::process", "gix", "clap", "reqwest", "std::io"],
    ),
    ("cli", &["model", "plaintext", "vault", "home"], &["gix", "age"]),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let layer = |path: &Path| {
        let first = path.strip_prefix(&root).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    files.into_iter().map(|path| (layer(&path), path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_layer_imports_only_what_the_table_allows() {
    let names: Vec<&str> = TABLE.iter().map(|(layer, ..)| *layer).collect();
    let mut seen = 0;
    for (layer, path, text) in all() {
        if layer == "lib" || layer == "main" {
            continue;
        }
        let (_, allowed, forbidden) = TABLE
            .iter()
            .find(|(name, ..)| *name == layer)
            .unwrap_or_else(|| panic!("{} is in no layer of the table", path.display()));
        for (n, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            for other in names.iter().filter(|name| **name != layer && !allowed.contains(name)) {
                let import = format!("crate::{other}");
                assert!(!code.contains(&import), "{}:{}: {layer} imports {other}", path.display(), n + 1);
            }
            for never in *forbidden {
                let word = |(at, _): (usize, &str)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let used =
                    code.match_indices(&format!("{never}::")).any(word) || code.contains(&format!("use {never};"));
                assert!(!used, "{}:{}: {layer} sees {never}", path.display(), n + 1);
            }
            seen += 1;
        }
    }
    assert!(seen > 5_000, "the sources were not found");
}

/// The fuzzer and the mutants build these layers in a crate of their own, where `crate::model` is there to use and no parent.
#[test]
fn layers_that_are_built_alone_say_who_sees_what_by_where_they_are() {
    for (layer, path, text) in all() {
        let is_alone = ["model", "plaintext", "providers", "seal"].contains(&layer.as_str());
        assert!(!is_alone || !text.contains("pub(in crate"), "{}: pub(super), or pub(crate)", path.display());
    }
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    for (_, path, text) in all() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.len() > 12, "{} does not say what it is", path.display());
    }
}

#[test]
fn nothing_speaks_of_work_left_to_do() {
    for (_, path, text) in all() {
        for word in ["TODO", "FIXME", "XXX", "unimplemented!", "todo!"] {
            assert!(!text.contains(word), "{} has a {word}", path.display());
        }
    }
}

/// `tests/mutants/run layers` builds them with nothing else of tests/.
#[test]
fn the_tests_of_the_model_and_of_sealing_stand_alone() {
    const ALONE: [&str; 5] = ["formats::", "model::", "seal::", "simulation::dice", "world::judges"];
    let mut seen = 0;
    for (path, text) in super::crates::sources(&["tests/formats", "tests/model", "tests/seal"]) {
        for used in text.split("use crate::").skip(1) {
            assert!(ALONE.iter().any(|may| used.starts_with(may)), "{}: {used:.40}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}
