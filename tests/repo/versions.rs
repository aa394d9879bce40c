//! Which commits made a version of a file, over random histories with merges: what every tree says is the judge.

use std::collections::BTreeMap;

use covault::repo::{HistoryEntry, Repo};
use proptest::prelude::*;

use super::Place;
use crate::model::world::cases;

/// A commit of the model: all its files, with mode and text.
struct Made {
    parents: Vec<usize>,
    files: BTreeMap<&'static str, (&'static str, String)>,
    date: i64,
}

/// What an entry of a history says: commit, and path with the text before and after.
type Said = (usize, Vec<(String, Option<String>, Option<String>)>);

const FILES: [&str; 6] = ["a", "a/d/z", "a/x", "a/y", "b", "c.txt"];
const MODES: [&str; 3] = ["100644", "100755", "120000"];
const QUESTIONS: [&[&str]; 5] = [&["a/x"], &["a"], &["b", "a/d"], &["a/d/z"], &[]];

/// Numbers out of one number, as many as somebody needs.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn make(seeds: &[u64]) -> Vec<Made> {
    let mut all: Vec<Made> = Vec::new();
    for (number, seed) in seeds.iter().enumerate() {
        let mut dice = Dice(*seed);
        let count = [1, 1, 1, 1, 2, 2, 3, 0][dice.below(8)];
        let mut parents: Vec<usize> = Vec::new();
        for _ in 0..if number == 0 { 0 } else { count } {
            let parent = number - 1 - dice.below(number.min(4));
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        // Each file as one of the parents has it; now and then as none has.
        let mut files = BTreeMap::new();
        for file in FILES {
            let from = if parents.is_empty() { None } else { Some(parents[dice.below(parents.len())]) };
            let kept = from.and_then(|from| all[from].files.get(file).cloned());
            let is_new = dice.below(4) == 0;
            let text = (MODES[[0, 0, 0, 1, 2][dice.below(5)]], format!("text {}", dice.below(9)));
            let is_there = dice.below(5) > 0;
            if let Some(here) = if is_new { Some(text).filter(|_| is_there) } else { kept } {
                files.insert(file, here);
            }
        }
        // A name is a file or a folder.
        if files.keys().any(|file| file.starts_with("a/")) && dice.below(6) > 0 {
            files.remove("a");
        } else if files.contains_key("a") {
            files.retain(|file, _| !file.starts_with("a/"));
        }
        // Clocks are wrong, and often the same.
        let date = 1_700_000_000 + 600 * i64::try_from(number).unwrap() - 900 * i64::try_from(dice.below(4)).unwrap();
        all.push(Made { parents, files, date });
    }
    all
}

fn write(place: &Place, all: &[Made]) {
    let mut stream = String::new();
    for (number, made) in all.iter().enumerate() {
        // Each on a ref of its own, so that one without parents begins a history.
        stream += &format!("commit refs/heads/b{number}\nmark :{}\n", number + 1);
        stream += &format!("committer Alice <alice@example.com> {} +0000\n", made.date);
        stream += &format!("data {}\n{number}\n", number.to_string().len());
        for (at, parent) in made.parents.iter().enumerate() {
            stream += &format!("{} :{}\n", if at == 0 { "from" } else { "merge" }, parent + 1);
        }
        stream += "deleteall\n";
        for (file, (mode, text)) in &made.files {
            stream += &format!("M {mode} inline {file}\ndata {}\n{text}\n", text.len());
        }
        stream += "\n";
    }
    place.import(&stream);
    place.git(&["symbolic-ref", "HEAD", &format!("refs/heads/b{}", all.len() - 1)]);
}

/// What the model says, in the order that git lists commits without a look at files.
fn expected(all: &[Made], order: &[usize], question: &[&str]) -> Vec<Said> {
    let is_asked = |file: &str| {
        let inside =
            |asked: &&str| file.strip_prefix(*asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        question.is_empty() || question.iter().any(inside)
    };
    let text = |made: &Made, file: &str| made.files.get(file).map(|(_, text)| text.clone());
    let mut said = Vec::new();
    for number in order {
        let made = &all[*number];
        let mut changes = Vec::new();
        for file in FILES.into_iter().filter(|file| is_asked(file)) {
            let here = made.files.get(file);
            let mut befores: Vec<_> = made.parents.iter().map(|parent| all[*parent].files.get(file)).collect();
            if befores.is_empty() {
                befores.push(None);
            }
            if befores.iter().all(|before| *before != here) {
                let before = made.parents.first().and_then(|parent| text(&all[*parent], file));
                changes.push((file.to_owned(), before, text(made, file)));
            }
        }
        if !changes.is_empty() {
            said.push((*number, changes));
        }
    }
    said
}

fn said(repo: &Repo, entry: &HistoryEntry) -> Said {
    let text = |blob| String::from_utf8(repo.blob(blob).unwrap()).unwrap();
    let changes = entry.changes.iter().map(|it| (it.path.clone(), it.before.map(text), it.after.map(text)));
    (entry.subject.parse().unwrap(), changes.collect())
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_history_lists_what_each_commit_has_otherwise_than_each_parent(seeds in prop::collection::vec(any::<u64>(), 1..40)) {
        let (place, all) = (Place::empty(&[]), make(&seeds));
        write(&place, &all);
        let order: Vec<usize> =
            place.git(&["log", "--format=%s"]).lines().map(|line| line.parse().unwrap()).collect();
        for graph in [None, Some("--no-changed-paths"), Some("--changed-paths")] {
            if let Some(option) = graph {
                place.git(&["commit-graph", "write", "--reachable", option]);
            }
            let repo = place.repo();
            for question in QUESTIONS {
                let expected = expected(&all, &order, question);
                let listed: Vec<Said> =
                    repo.history("HEAD", question, None).unwrap().iter().map(|entry| said(&repo, entry)).collect();
                prop_assert_eq!(&listed, &expected, "{:?} {:?}", graph, question);
                // Who stops looking has seen the same until then, and leaves no git behind.
                let some = repo.history_walk("HEAD", question).unwrap().take(2);
                let some: Vec<Said> = some.map(|entry| said(&repo, &entry.unwrap())).collect();
                prop_assert_eq!(&some[..], &expected[..expected.len().min(2)]);
            }
        }
    }
}
