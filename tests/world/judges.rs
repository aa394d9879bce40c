//! What a test cannot judge without, and what becomes of it where that is not there. It imports nothing from the rest.

use std::io::Write as _;

/// Whether this machine lets us do what a test needs and nobody can install: a mount, a folder in memory, another user.
/// In CI it must: a promise that nobody tried is not kept.
pub fn can(possible: bool, what: &str) -> bool {
    possible || goes_without(what, is_ci(&setting))
}

/// The same of a program that a test cannot judge without. It can be installed: it must be there wherever [`must_have`]
/// says so.
pub fn have(program: &str) -> bool {
    has(is_there(program), program)
}

/// The same of a judge that is not looked for in the search path alone.
pub fn has(found: bool, judge: &str) -> bool {
    found || goes_without(judge, must_have(judge, &setting))
}

/// Whether a judge that can be installed must be there: in CI, and in `.ci/run`, which installs all (`COVAULT_MUST=1`)
/// but those that it says cannot be had (`COVAULT_LACKS`).
pub fn must_have(judge: &str, setting: &dyn Fn(&str) -> Option<String>) -> bool {
    let lacks = setting("COVAULT_LACKS").unwrap_or_default();
    let is_asked = setting("COVAULT_MUST").as_deref() == Some("1");
    is_ci(setting) || (is_asked && !lacks.split_whitespace().any(|word| word == judge))
}

fn is_ci(setting: &dyn Fn(&str) -> Option<String>) -> bool {
    setting("CI").as_deref() == Some("true")
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a test does without is said, and written into the file that `COVAULT_SKIPPED` names: nobody sees what a test says
/// that passes.
fn goes_without(what: &str, must: bool) -> bool {
    assert!(!must, "{what} is needed here");
    eprintln!("SKIPPED: {what} is needed (.ci/run installs what can be installed)");
    if let Some(file) = std::env::var_os("COVAULT_SKIPPED") {
        let test = std::thread::current().name().unwrap_or("a thread of some test").to_owned();
        let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
        file.write_all(format!("{what}: {test}\n").as_bytes()).unwrap();
    }
    false
}

/// Whether a program is there, which nothing hangs on.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
