//! Random steps: what people do on ordinary and on bad days, from a seed.

use super::dice::Dice;
use super::script::{Part, Role, Step};

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
    (1, "leave"),
    (2, "fetch"),
];

/// What liars do, and how often.
const LIES: &[(usize, &str)] =
    &[(3, "replay"), (2, "backdate"), (2, "fork"), (4, "forge"), (2, "swap"), (4, "stuff"), (1, "roster")];

/// Who is there, with so many clones, of which so many belong to liars.
pub fn cast(clones: usize, liars: usize) -> Vec<Role> {
    let names = ["alice", "bob", "carol", "robin", "bot", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
    let name = |n: usize| names.get(n).map_or_else(|| format!("person{n}"), ToString::to_string);
    let honest = (0..clones - liars).map(|n| {
        let (part, of) = match n {
            0 | 7 => (Part::Admin, None),
            6 => (Part::Writer, Some(name(1))),
            _ if n % 10 == 4 => (Part::Bot, None),
            _ if n % 10 == 3 || n == 9 => (Part::Reader, None),
            // Every now and then it is the second machine of the one before.
            _ if n % 10 == 6 => (Part::Writer, Some(name(n - 1))),
            _ => (Part::Writer, None),
        };
        Role { name: name(n), part, of, lies: false }
    });
    let parts = [Part::Writer, Part::Bot, Part::Reader];
    let liars =
        (0..liars).map(|n| Role { name: format!("liar{n}"), part: parts[n % parts.len()], of: None, lies: true });
    honest.chain(liars).collect()
}

/// How a team begins: some keep a folder from one of the writers and from those who only read.
pub fn beginning(dice: &mut Dice, cast: &[Role]) -> Vec<Step> {
    let is_writer = |role: &&Role| role.part >= Part::Writer && role.of.is_none() && !role.lies;
    let writers: Vec<&str> = cast.iter().filter(is_writer).map(|role| role.name.as_str()).collect();
    let but_one = writers.len().saturating_sub(1).max(1);
    let readers = writers.into_iter().take(but_one);
    let words: Vec<&str> = ["only", "prod"].into_iter().chain(readers).collect();
    let only = Step::new(&cast[0].name, &words);
    let mut steps = if dice.once_in(2) { vec![only, Step::new("all", &["exchange"])] } else { Vec::new() };
    // Liars need something to lie about.
    if cast.iter().any(|role| role.lies) {
        let first = &cast[0].name;
        steps.extend(["a", "a", "prod/db", "b"].map(|name| Step::new(first, &["set", name, "password"])));
        steps.push(Step::new(first, &["push"]));
    }
    steps
}

/// What one of these does who lie.
pub fn lie(dice: &mut Dice, liars: &[Role]) -> Step {
    let who = dice.pick(liars).name.clone();
    let kind = *dice.weighted(LIES);
    let name = *dice.pick(NAMES);
    let branch = *dice.pick(PLACES);
    Step::new(&who, &["lie", kind, name, branch, &dice.below(84).to_string()])
}

/// The next step.
pub fn step(dice: &mut Dice, cast: &[Role]) -> Step {
    let who = dice.pick(cast).name.clone();
    let mut words = words(dice, cast);
    if words.first() == Some(&"bot".to_owned()) {
        let bots: Vec<&Role> = cast.iter().filter(|role| role.part == Part::Bot).collect();
        let bot = if bots.is_empty() { "bot" } else { &dice.pick(&bots).name };
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

fn words(dice: &mut Dice, cast: &[Role]) -> Vec<String> {
    let verb = *dice.weighted(VERBS);
    // Few names, so that people meet.
    let name = *dice.pick(&[NAMES, &["a"; 6], &["prod/db"; 6]].concat());
    let branch = *dice.pick(BRANCHES);
    let person = dice.pick(cast).name.clone();
    let member = dice.pick(cast).member().to_owned();
    let reader = cast.iter().find(|role| role.part == Part::Reader).map_or("bob", |role| &role.name).to_owned();
    let rest: Vec<String> = match verb {
        "set" | "unset" | "amend" | "stash" => {
            vec![name.into(), (*dice.pick(&[FIELDS, &["password"; 3]].concat())).into()]
        }
        "tag" => vec![name.into(), (*dice.pick(TAGS)).into(), if dice.once_in(3) { "off" } else { "on" }.into()],
        "meta" => vec![name.into(), (*dice.pick(META)).into()],
        "share" | "unshare" => vec![name.into(), if dice.once_in(2) { member } else { reader }],
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
        "grant" => vec!["prod".into(), member],
        "ungrant" => vec!["prod".into(), reader],
        "remove" => vec![reader],
        "leave" => vec![member],
        "admit" => vec![format!("new{}", dice.below(3))],
        _ => Vec::new(),
    };
    let late = ["grant", "ungrant", "remove", "admit"].contains(&verb) && dice.once_in(2);
    let rest = rest.into_iter().chain(late.then(|| "late".to_owned()));
    std::iter::once(verb.to_owned()).chain(rest).collect()
}
