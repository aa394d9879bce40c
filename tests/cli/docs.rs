//! docs/cli.md is what the program says of itself.

use std::fmt::Write as _;

use crate::world::World;

#[test]
fn docs_cli_md_is_what_help_says() {
    let world = World::new();
    let alice = world.stranger("alice");
    let mut text = String::from(
        "# The command line\n\nWhat `covault COMMAND --help` says, one command after the other. This page is made by a test\n\
         (`UPDATE_DOCS=1 cargo test docs_cli_md`); change the doc comments in `src/cli/`, not the page.\n",
    );
    let mut page = |title: &str, args: &[&str]| {
        let help = alice.covault([args, &["--help"]].concat()).ok().text();
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        write!(text, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
    };
    page("covault", &[]);
    let tree = covault::cli::args::command();
    for command in tree.get_subcommands() {
        page(&format!("covault {}", command.get_name()), &[command.get_name()]);
        for below in command.get_subcommands() {
            let title = format!("covault {} {}", command.get_name(), below.get_name());
            page(&title, &[command.get_name(), below.get_name()]);
        }
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "docs/cli.md is not what --help says; run: UPDATE_DOCS=1 cargo test docs_cli_md");
}

#[test]
fn every_visible_command_has_an_example_and_every_argument_a_sentence() {
    for command in covault::cli::args::command().get_subcommands() {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name}");
        if !command.is_hide_set() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:"), "{name} has no examples");
        }
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name} {}", argument.get_id());
        }
    }
}

/// The command lines of a help text's examples.
fn examples(help: &str) -> Vec<Vec<String>> {
    let block = help.split("Examples:\n").nth(1).unwrap_or_default();
    let lines = block.lines().take_while(|line| !line.is_empty());
    // What the shell makes of a line, up to where covault's own words end.
    let words = lines.filter_map(shlex::split).flat_map(|words| {
        let ours = words.split(|word| word == "|").filter(|part| part.first().is_some_and(|word| word == "covault"));
        let until = |part: &[String]| part.iter().position(|word| word.starts_with(['<', '>'])).unwrap_or(part.len());
        ours.map(|part| part[..until(part)].to_vec()).collect::<Vec<_>>()
    });
    words.collect()
}

/// A command and all below it.
fn walk(command: &clap::Command, visit: &mut dyn FnMut(&clap::Command)) {
    visit(command);
    command.get_subcommands().for_each(|below| walk(below, visit));
}

#[test]
fn every_example_is_a_command_that_there_is() {
    let mut seen = 0;
    walk(&covault::cli::args::command(), &mut |command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for words in examples(&help) {
            if let Err(error) = covault::cli::args::command().try_get_matches_from(&words) {
                panic!("an example of covault {}: {}\n{error}", command.get_name(), words.join(" "));
            }
            seen += 1;
        }
    });
    assert!(seen > 100, "only {seen} examples were found");
}

/// Text with one space where lines may be broken.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The comments above the arguments of commands that say more than their first line, each with the file that it is in.
fn long_comments(dir: &std::path::Path, found: &mut Vec<(std::path::PathBuf, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            long_comments(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[derive(Args")) {
            let first = lines[..at].iter().rposition(|line| !line.starts_with("///")).map_or(0, |above| above + 1);
            let comment: Vec<_> = lines[first..at].iter().map(|line| line.trim_start_matches('/')).collect();
            if comment.iter().any(|line| line.is_empty()) {
                found.push((path.clone(), words(&comment.join("\n"))));
            }
        }
    }
}

#[test]
fn help_has_all_that_is_written_above_the_arguments_of_a_command() {
    let mut help = Vec::new();
    walk(&covault::cli::args::command(), &mut |command| {
        help.extend(command.get_long_about().map(|text| words(&text.to_string())));
    });
    let mut comments = Vec::new();
    long_comments(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"), &mut comments);
    assert!(comments.len() > 40, "only {} were found", comments.len());
    for (file, comment) in comments {
        assert!(help.contains(&comment), "{}: {comment}", file.display());
    }
}

#[test]
fn long_help_and_manual_pages_say_what_a_caller_has_to_know_and_short_help_is_short() {
    let world = World::new();
    let alice = world.stranger("alice");
    let pages = world.path().join("manual pages");
    alice.covault([std::ffi::OsStr::new("man"), pages.as_os_str()]).ok();
    for (command, page, says) in [
        (vec!["set"], "set", "newline"),
        (vec!["set"], "set", "process list"),
        (vec!["run"], "run", "COVAULT_*"),
        (vec!["run"], "run", "for as long as the program runs"),
        (vec!["member", "role"], "member-role", "The last admin stays one"),
        (vec!["key", "rotate"], "key-rotate", "switched off, deleted"),
    ] {
        let help = |flag: &'static str| words(&alice.covault([&command[..], &[flag]].concat()).ok().text());
        assert!(help("--help").contains(says), "covault {command:?} --help does not say: {says}");
        assert!(!help("-h").contains(says) && help("-h").contains("Examples:"), "covault {command:?} -h is long");
        let page = std::fs::read_to_string(pages.join(format!("covault-{page}.1"))).unwrap();
        assert!(words(&page).contains(says), "covault-{page}.1 does not say: {says}");
    }
}
