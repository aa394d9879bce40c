//! Commands that are run often are read without the tree of all others: what comes out is the same.

use std::ffi::OsStr;

use covault::cli::args::{alone, command};

/// Command lines of those commands, good and bad.
const LINES: [&str; 26] = [
    "get prod/db",
    "get prod/db password",
    "get -C elsewhere prod/db --json",
    "get prod/db -q",
    "get",
    "get --no-such-option prod/db",
    "get --version",
    "get --help",
    "set prod/db",
    "set prod/db --stdin password user=alice --tag web",
    "set prod/db --no-such-option",
    "ls",
    "ls prod --long --json",
    "ls --help",
    "run -- env",
    "run --from prod -- sh -c true --json",
    "run prod/db -- env -C there",
    "run",
    "export --from prod",
    "export --format json --from prod",
    "export --format no-such-format",
    "textconv .covault/secrets/a.age",
    "textconv",
    "merge-driver .a .b .c 7 .covault/secrets/x.age",
    "merge-driver base now theirs 7 -x.age --output out %S %X %Y",
    "merge-driver base now theirs 7 --version one two three",
];

#[test]
fn a_command_that_is_read_alone_means_what_it_means_among_all() {
    let mut same = 0;
    for line in LINES {
        let words: Vec<&str> = ["covault"].into_iter().chain(line.split(' ')).collect();
        let one = alone(OsStr::new(words[1])).unwrap().try_get_matches_from(&words);
        let all = command().try_get_matches_from(&words);
        match (one, all) {
            (Ok(one), Ok(all)) => {
                assert_eq!(one.subcommand(), all.subcommand(), "{line}");
                same += 1;
            }
            // What it refuses is read once more by the whole tree, which says why.
            (Err(_), _) => {}
            (Ok(_), Err(error)) => panic!("{line} is read alone, and among all: {error}"),
        }
    }
    assert!(same >= 14, "only {same} were read alone");
    assert!(alone(OsStr::new("rekey")).is_none() && alone(OsStr::new("--json")).is_none());
}
