//! Which git command runs us as textconv: a person's diff, or something that keeps what it gets.
//!
//! It looks at the processes above this one and changes nothing.

/// Commands with which people look at changes.
const LOOKING: &[&str] = &["diff", "log", "show", "blame", "annotate", "whatchanged"];
/// How many processes up we look: shells, editors and hooks stand between. Who is farther below a git command than that
/// is no person who looks.
const HEIGHT: usize = 1024;

/// Whether every git command above us is one with which people look at changes: `git format-patch` and hooks start
/// `git log` and `git diff` of their own, and keep what those show. `alias` resolves git's aliases.
pub fn asked_by_a_person(alias: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some(callers) = git_callers() else { return false };
    let (nearest, above) =
        callers.split_first().map_or((None, callers.as_slice()), |(first, rest)| (Some(first), rest));
    nearest.is_some_and(|words| is_looking(words, alias))
        && above.iter().all(|words| is_looking(words, alias) || is_shell_alias(words, alias))
}

/// Whether a git command line is a shell line of the person's own, such as `alias.changes = !git log -p | less`.
fn is_shell_alias(arguments: &[String], alias: &dyn Fn(&str) -> Option<String>) -> bool {
    arguments.first().and_then(|name| alias(name)).is_some_and(|meant| meant.starts_with('!'))
}

/// Judges a git command line, `git` itself left out.
pub fn is_looking(arguments: &[String], alias: &dyn Fn(&str) -> Option<String>) -> bool {
    let mut rest = arguments.iter();
    let mut command = None;
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" | "--config-env"
            | "--attr-source" => {
                rest.next();
            }
            option if option.starts_with('-') => {}
            name => {
                command = Some(name.to_owned());
                break;
            }
        }
    }
    let Some(command) = command else { return false };
    // What goes into a file stays there.
    let keeps = |word: &String| word.starts_with("--ou") && !word.starts_with("--output-indicator");
    if rest.any(keeps) {
        return false;
    }
    if LOOKING.contains(&command.as_str()) {
        return true;
    }
    let Some(meant) = alias(&command) else { return false };
    let words = shlex::split(&meant).unwrap_or_default();
    !meant.starts_with('!') && is_looking(&words, &|_| None)
}

/// The words of all git processes above us, the nearest first, without `git` itself; up to the first process that the
/// system hides, which is somebody else's. `None` where there is no end of them.
#[cfg(target_os = "linux")]
fn git_callers() -> Option<Vec<Vec<String>>> {
    let mut callers = Vec::new();
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..HEIGHT {
        let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return Some(callers) };
        let mut words: Vec<_> =
            line.split(|byte| *byte == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
        words.pop();
        push_git(&mut callers, words);
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        match parent {
            Some(parent) if parent > 1 => pid = parent,
            _ => return Some(callers),
        }
    }
    None
}

/// The same through `ps`, where there is no /proc.
#[cfg(all(unix, not(target_os = "linux")))]
fn git_callers() -> Option<Vec<Vec<String>>> {
    let mut callers = Vec::new();
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..HEIGHT {
        let asked =
            std::process::Command::new("/bin/ps").args(["-o", "ppid=,command=", "-p", &pid.to_string()]).output();
        let Ok(said) = asked else { return Some(callers) };
        let line = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let Some((parent, command)) = line.split_once(char::is_whitespace) else { return Some(callers) };
        push_git(&mut callers, command.split_whitespace().map(ToOwned::to_owned).collect());
        match parent.parse() {
            Ok(parent) if parent > 1 => pid = parent,
            _ => return Some(callers),
        }
    }
    None
}

#[cfg(not(unix))]
fn git_callers() -> Option<Vec<Vec<String>>> {
    Some(Vec::new())
}

#[cfg(unix)]
fn push_git(callers: &mut Vec<Vec<String>>, mut words: Vec<String>) {
    let is_git = |program: &String| std::path::Path::new(program).file_name().is_some_and(|name| name == "git");
    if words.first().is_some_and(is_git) {
        words.remove(0);
        callers.push(words);
    }
}
