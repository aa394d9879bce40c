//! The documents: what they name is there, and they agree with the code that they describe.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layers::TABLE;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of the repository but what git and cargo keep for themselves.
fn files() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || name == ".git" || (dir == root() && name == "target") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    assert!(found.len() > 100, "the repository was not found");
    found
}

/// Every document, by its path from the top.
fn documents() -> Vec<(String, String)> {
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let documents = files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "md"));
    documents.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What stands between pairs of backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn the_readme_says_how_to_install_and_how_to_test() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme.split("```").skip(1).step_by(2).collect();
    let install = commands.iter().find(|block| block.contains("cargo install --locked --path .")).unwrap();
    assert!(install.contains("covault") && install.contains(" init "), "the first command starts no vault:\n{install}");
    let test = commands.iter().find(|block| block.lines().any(|line| line == "cargo test --locked"));
    assert!(test.is_some(), "the README does not say how to test");
    assert!(read(".ci/run").lines().any(|line| line == "cargo test --locked"), ".ci/run tests in another way");
}

#[test]
fn every_command_is_in_the_documents() {
    let reference = root().join("docs/cli.md");
    let mut text = read("README.md");
    if reference.is_file() {
        text.push_str(&std::fs::read_to_string(reference).unwrap());
    }
    let mentioned: BTreeSet<&str> = code_spans(&text).flat_map(str::split_whitespace).collect();
    let command = covault::cli::args::command();
    let missing: Vec<_> = command.get_subcommands().map(|c| c.get_name()).filter(|n| !mentioned.contains(n)).collect();
    assert!(missing.is_empty(), "neither in README.md nor in docs/cli.md: {missing:?}");
}

#[test]
fn the_readme_names_the_commands_that_cannot_leave_their_commit_out() {
    fn look(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        let knows = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
        if knows("dry-run") && !knows("no-commit") {
            found.push(format!("`{name}`"));
        }
        for below in command.get_subcommands() {
            look(below, format!("{name} {}", below.get_name()).trim_start(), found);
        }
    }
    let mut found = Vec::new();
    look(&covault::cli::args::command(), "", &mut found);
    found.sort();
    let (last, others) = found.split_last().unwrap();
    let sentence = format!("{} and {last} know `--dry-run` alone", others.join(", "));
    let readme = read("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&sentence), "README.md does not say: {sentence}");
}

#[test]
fn the_map_is_short_and_has_every_layer_with_what_it_may_import() {
    let map = read("docs/architecture.md");
    assert!(map.lines().count() < 150, "docs/architecture.md has {} lines", map.lines().count());
    for (layer, allowed, _) in TABLE {
        let begin = format!("| `{layer}` |");
        let row = map.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no row for {layer}"));
        let said = row.split('|').nth(2).unwrap().trim();
        let allowed = if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") };
        assert_eq!(said, allowed, "docs/architecture.md on {layer}");
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut links = 0;
    for (name, text) in documents() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(&name).parent().unwrap().to_owned();
            let path = if file.is_empty() { root().join(&name) } else { folder.join(file) };
            assert!(path.exists(), "{name} links to {target}, which is not there");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let anchors: Vec<String> = text.lines().filter(|l| l.starts_with('#')).map(anchor_of).collect();
                assert!(anchors.iter().any(|a| a == anchor), "{name} links to {target}, which has no such heading");
            }
            links += 1;
        }
    }
    assert!(links > 10);
}

/// As forges make it of a heading.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut named = 0;
    for (name, text) in documents() {
        for span in code_spans(&text) {
            let Some((file, test)) = span.split_once("::").filter(|(file, _)| file.starts_with("tests/")) else {
                continue;
            };
            let source = std::fs::read_to_string(root().join(file));
            let source = source.unwrap_or_else(|error| panic!("{name} names {span}: {error}"));
            let lines: Vec<&str> = source.lines().map(str::trim).collect();
            let head = format!("fn {test}(");
            let at = lines.iter().position(|line| line.starts_with(&head));
            let at = at.unwrap_or_else(|| panic!("{name} names {span}, which is not there"));
            let above: Vec<_> = lines[..at].iter().rev().take_while(|line| line.starts_with(['#', '/'])).collect();
            assert!(above.iter().any(|line| **line == "#[test]"), "{name} names {span}, which is no test");
            assert!(!above.iter().any(|line| line.contains("ignore")), "{name} names {span}, which is not run");
            named += 1;
        }
    }
    assert!(named > 40, "only {named} tests are named");
}

/// The rows of the first table below a heading, cell by cell, without its head.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let below = below.take_while(|line| !line.starts_with('#')).skip_while(|line| !line.starts_with('|'));
    let lines = below.take_while(|line| line.starts_with('|')).skip(2);
    let found: Vec<Vec<&str>> =
        lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    assert!(!found.is_empty(), "there is no table below {heading}");
    found
}

#[test]
fn every_promise_and_every_threat_has_a_test_or_says_why_not() {
    let evidence = read("docs/evidence.md");
    let promises = rows(&evidence, "## What is promised, and which test would fail");
    for row in &promises {
        assert!(row.len() == 2 && row[1].contains("::"), "docs/evidence.md names no test: {row:?}");
    }
    for number in 1..=5 {
        let count = promises.iter().filter(|row| row[0].starts_with(&format!("{number}. "))).count();
        assert!(count > 1, "docs/evidence.md has {count} rows for promise {number}");
    }
    let threats = read("docs/threats.md");
    let mut held = 0;
    for line in threats.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        // Other tables compare programs.
        let [_, _, by] = cells.as_slice() else { continue };
        if by.starts_with("---") || *by == "held by" || cells.iter().any(|cell| cell.starts_with("---")) {
            continue;
        }
        assert!(by.contains("::") || ["—", "by nature"].contains(by), "docs/threats.md names no test: {line}");
        held += 1;
    }
    assert!(held > 60, "only {held} rows of docs/threats.md were looked at");
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let folders = ["src/", "tests/", "docs/", "fixtures/", "benches/", ".ci/"];
    // What came with fixtures from elsewhere speaks of elsewhere.
    for (name, text) in documents().into_iter().filter(|(name, _)| !name.starts_with("fixtures/")) {
        for span in code_spans(&text).filter(|span| folders.iter().any(|folder| span.starts_with(folder))) {
            let file = span.split("::").next().unwrap().split_whitespace().next().unwrap().trim_end_matches(':');
            // A placeholder stands for any name.
            if file.contains("NNNN") || file.contains('*') {
                continue;
            }
            assert!(root().join(file).exists(), "{name} names {file}, which is not there");
        }
    }
}

#[test]
fn no_file_has_the_paths_of_somebodys_machine() {
    // In pieces, so that this file has none of them.
    let machine =
        [["/wo", "rk/"], ["/tmp/", "wt"], ["/ro", "ot/"], ["/Us", "ers/"], ["C:\\", "Users"]].map(|p| p.concat());
    let words = [["lorem ", "ipsum"], ["military", "-grade"], ["bank", "-grade"], ["blazing", "ly"], ["seam", "less"]];
    let words = words.map(|p| p.concat());
    for path in files() {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for piece in &machine {
            assert!(!text.contains(piece.as_str()), "{} has the path {piece}", path.display());
        }
        let lower = text.to_lowercase();
        for word in &words {
            assert!(!lower.contains(word.as_str()), "{} says '{word}'", path.display());
        }
    }
}

#[test]
fn decisions_are_numbered_without_gaps_and_have_one_form() {
    let decisions: Vec<_> = documents().into_iter().filter(|(name, _)| name.starts_with("docs/decisions/")).collect();
    for ((name, text), number) in decisions.iter().zip(1..) {
        let digits = format!("{number:04}");
        assert!(name.starts_with(&format!("docs/decisions/{digits}-")), "{name} is not number {digits}");
        assert!(text.starts_with(&format!("# {digits} ")), "{name} does not begin with its number");
        for part in ["## Situation", "## Decision", "## What we gave up"] {
            assert!(text.lines().any(|line| line == part), "{name} has no '{part}'");
        }
    }
}
