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

#[test]
fn every_example_is_a_command_that_there_is() {
    fn judge(command: &clap::Command, seen: &mut usize) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for words in examples(&help) {
            if let Err(error) = covault::cli::args::command().try_get_matches_from(&words) {
                panic!("an example of covault {}: {}\n{error}", command.get_name(), words.join(" "));
            }
            *seen += 1;
        }
        command.get_subcommands().for_each(|below| judge(below, seen));
    }
    let mut seen = 0;
    judge(&covault::cli::args::command(), &mut seen);
    assert!(seen > 100, "only {seen} examples were found");
}
