//! Random steps: what people do on ordinary and on bad days, from a seed.

use super::dice::Dice;
use super::script::{Part, Step};

const NAMES: &[&str] = &["a", "b", "prod/db", "prod/web/key", "prod"];
const FIELDS: &[&str] = &["value", "password", "user"];
const TAGS: &[&str] = &["web", "live"];
const META: &[&str] = &["description", "url"];
const BRANCHES: &[&str] = &["main", "side", "topic"];
/// Where people go: mostly home.
const PLACES: &[&str] = &["main", "main", "main", "side", "topic"];

/// How often what is done.
const VERBS: &[(usize, &str)] = &[
    (40, "set"),
    (2, "unset"),
    (4, "tag"),
    (4, "meta"),
    (2, "share"),
    (2, "unshare"),
    (2, "rm"),
    (2, "mv"),
    (3, "restore"),
    (9, "switch"),
    (4, "amend"),
    (9, "merge"),
    (4, "rebase"),
    (2, "onto"),
    (5, "pick"),
    (3, "stash"),
    (3, "pop"),
    (3, "reset"),
    (3, "am"),
    (5, "push"),
    (7, "pull"),
    (2, "force"),
    (3, "bot"),
    (5, "sync"),
    (6, "cross"),
    (1, "resolve"),
    (1, "grant"),
    (1, "ungrant"),
    (1, "admit"),
    (1, "remove"),
    (2, "fetch"),
];

/// Who is there, with so many clones.
pub fn cast(clones: usize) -> Vec<(String, Part)> {
    let names = ["alice", "bob", "carol", "robin", "bot", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
    let part = |n: usize| match n {
        0 | 7 => Part::Admin,
        3 | 9 => Part::Reader,
        4 => Part::Bot,
        _ => Part::Writer,
    };
    let name = |n: usize| names.get(n).map_or_else(|| format!("person{n}"), ToString::to_string);
    (0..clones).map(|n| (name(n), part(n))).collect()
}

/// How a team begins: some keep a folder from one of the writers and from those who only read.
pub fn beginning(dice: &mut Dice, cast: &[(String, Part)]) -> Vec<Step> {
    let writers: Vec<&str> =
        cast.iter().filter(|(_, part)| *part >= Part::Writer).map(|(name, _)| name.as_str()).collect();
    let but_one = writers.len().saturating_sub(1).max(1);
    let readers = writers.into_iter().take(but_one);
    let words: Vec<&str> = ["only", "prod"].into_iter().chain(readers).collect();
    let only = Step::new(&cast[0].0, &words);
    if dice.once_in(2) { vec![only, Step::new("all", &["exchange"])] } else { Vec::new() }
}

/// The next step.
pub fn step(dice: &mut Dice, cast: &[(String, Part)]) -> Step {
    let who = dice.pick(cast).0.clone();
    let mut words = words(dice, cast);
    if words.first() == Some(&"bot".to_owned()) {
        let bot = cast.iter().find(|(_, part)| *part == Part::Bot).map_or("bot", |(name, _)| name);
        let words = match dice.below(4) {
            0 => vec!["switch", *dice.pick(BRANCHES)],
            1 => vec!["pull"],
            2 => vec!["push"],
            _ => vec!["merge", *dice.pick(BRANCHES)],
        };
        return Step::new(bot, &words);
    }
    let linked = ["set", "merge", "rebase", "pick", "am", "amend", "tag", "reset"].contains(&words[0].as_str());
    if linked && dice.once_in(8) {
        words.insert(0, "linked".to_owned());
    }
    Step { who, words }
}

fn words(dice: &mut Dice, cast: &[(String, Part)]) -> Vec<String> {
    let verb = *dice.weighted(VERBS);
    // Few names, so that people meet.
    let name = *dice.pick(&[NAMES, &["a"; 6], &["prod/db"; 6]].concat());
    let branch = *dice.pick(BRANCHES);
    let person = dice.pick(cast).0.clone();
    let reader =
        cast.iter().find(|(_, part)| *part == Part::Reader).map_or("bob", |(name, _)| name.as_str()).to_owned();
    let rest: Vec<String> = match verb {
        "set" | "unset" | "amend" | "stash" => {
            vec![name.into(), (*dice.pick(&[FIELDS, &["password"; 3]].concat())).into()]
        }
        "tag" => vec![name.into(), (*dice.pick(TAGS)).into(), if dice.once_in(3) { "off" } else { "on" }.into()],
        "meta" => vec![name.into(), (*dice.pick(META)).into()],
        "share" | "unshare" => vec![name.into(), if dice.once_in(2) { person } else { reader }],
        "rm" | "restore" => vec![name.into()],
        "mv" => vec![name.into(), (*dice.pick(NAMES)).into()],
        "switch" => vec![(*dice.pick(PLACES)).into()],
        "merge" => match dice.below(8) {
            0 => vec![branch.into(), "squash".into()],
            1 => vec![branch.into(), "resolve".into()],
            2 => BRANCHES.iter().chain(&["octopus"]).map(ToString::to_string).collect(),
            _ => vec![branch.into()],
        },
        "rebase" => vec![branch.into()],
        "onto" => vec![branch.into(), "all".into()],
        "pick" => vec![branch.into(), dice.below(3).to_string()],
        "reset" => vec![(1 + dice.below(4)).to_string()],
        "am" => vec![branch.into(), (1 + dice.below(2)).to_string()],
        "pull" => {
            if dice.once_in(3) {
                vec!["rebase".into()]
            } else {
                Vec::new()
            }
        }
        "cross" => vec![person],
        "grant" => vec!["prod".into(), person],
        "ungrant" => vec!["prod".into(), reader],
        "remove" => vec![reader],
        "admit" => vec![format!("new{}", dice.below(3))],
        _ => Vec::new(),
    };
    let late = ["grant", "ungrant", "remove", "admit"].contains(&verb) && dice.once_in(2);
    let rest = rest.into_iter().chain(late.then(|| "late".to_owned()));
    std::iter::once(verb.to_owned()).chain(rest).collect()
}
