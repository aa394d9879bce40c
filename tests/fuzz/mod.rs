//! Fuzzing, the short form: every kept input goes through its target. `tests/fuzz/run` looks for new ones.

#[path = "targets/answers.rs"]
mod answers;
mod targets;

use std::collections::BTreeSet;
use std::path::PathBuf;

use targets::TARGETS;

#[test]
fn every_kept_input_holds_the_law_of_its_target() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let folders = std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let all = || TARGETS.iter().chain(std::iter::once(&answers::TARGET));
    let names: BTreeSet<String> = all().map(|(name, _, _)| (*name).to_owned()).collect();
    assert_eq!(folders.collect::<BTreeSet<_>>(), names, "a folder for each target");
    let mut broken = Vec::new();
    for (name, target, longest) in all() {
        let mut files: Vec<_> = std::fs::read_dir(corpus.join(name)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty() && files.len() <= 120, "{} inputs of {name}", files.len());
        for file in files {
            let input = std::fs::read(&file).unwrap();
            assert!(input.len() <= *longest, "{} is too long to be tried", file.display());
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "what is said above is of {broken:#?}");
}
