//! Escape sequences, directions and invisible letters in everything that is printed: what a repository or a member says
//! never reaches the terminal as it is, but for the one value that `get` was asked for.

use covault::model::register::{Key, Value, Write};

use super::forge::{member, now};
use super::rig::{Attacked, Case, file, harmless, on_disk, pushed};

/// Clears the screen, writes a title, rings, goes back, turns around, hides.
const NASTY: &str = "a\u{1b}[2J\u{1b}]0;title\u{7}\u{8}\r\u{9b}31m\u{202e}\u{200b}\u{2028}z";

/// What stands for it wherever it is shown.
fn escaped() -> String {
    covault::model::escape::terminal(NASTY).into_owned()
}

/// Every command that shows something, after the deed: what they said. All are done, or find something.
#[track_caller]
fn all_commands(attacked: &Attacked) -> String {
    all_end(attacked, &[0, 8])
}

/// The same where some may end in other ways.
#[track_caller]
fn all_end(attacked: &Attacked, codes: &[i32]) -> String {
    let shown: &[&[&str]] = &[
        &["ls"],
        &["ls", "--long"],
        &["ls", "--tree"],
        &["status"],
        &["status", "--json"],
        &["show", "dev/db"],
        &["show", "dev/db", "--reveal"],
        &["log"],
        &["log", "dev/db", "--fields"],
        &["diff", "HEAD~1", "HEAD", "--reveal"],
        &["who"],
        &["who", "dev/db"],
        &["member", "ls"],
        &["member", "ls", "--requests"],
        &["group", "ls"],
        &["grant"],
        &["doctor"],
        &["whoami"],
        &["run", "--from", "dev", "--", "true"],
    ];
    let (mut all, mut others) = (String::new(), Vec::new());
    for args in shown {
        let said = attacked.case.alice.covault(*args);
        harmless(args, &said);
        all += &format!("{}{}", said.text(), said.err);
        if !codes.contains(&said.code) {
            others.push(format!("{args:?}: {}: {}{}", said.code, said.text(), said.err));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
    all
}

fn says(case: &Case, key: &str, value: &str, plain: bool) {
    let key = Key::parse(key).unwrap();
    let forged = case.next("dev/db", "wanda").saying(|document| {
        document.put(&key, Write::new(&key, Value::text(value), plain, member("wanda"), now(), [1; 16]));
    });
    forged.put();
}

#[test]
fn a_description() {
    let shown = all_commands(&pushed(|case| {
        says(case, "meta.description", NASTY, true);
        says_value(case, "harmless");
    }));
    assert!(shown.contains(&escaped()), "{shown}");
}

/// A next version with a harmless value, so that what was planted is not taken for what escaped.
fn says_value(case: &Case, value: &str) {
    let key = Key::parse("field.value").unwrap();
    let description = Key::parse("meta.description").unwrap();
    let forged = case.next("dev/db", "wanda").saying(|document| {
        document.put(&key, Write::new(&key, Value::text(value), false, member("wanda"), now(), [2; 16]));
        let nasty = Write::new(&description, Value::text(NASTY), true, member("wanda"), now(), [3; 16]);
        document.put(&description, nasty);
    });
    forged.put();
}

#[test]
fn a_value_is_escaped_wherever_it_is_shown_and_exact_where_it_is_asked_for() {
    let attacked = pushed(|case| says(case, "field.value", NASTY, false));
    let shown = all_commands(&attacked);
    assert!(shown.contains(&escaped()), "{shown}");
    assert_eq!(attacked.case.alice.get("dev/db"), NASTY);
}

#[test]
fn a_value_that_is_no_secret() {
    let attacked = pushed(|case| says(case, "field.value", NASTY, true));
    let shown = all_commands(&attacked);
    assert!(shown.contains(&escaped()), "{shown}");
}

#[test]
fn the_name_and_words_of_a_git_author() {
    all_commands(&pushed(|case| {
        says(case, "field.value", "harmless", false);
        case.git(&["add", "-A"]);
        let author = format!("--author={} <x@example.org>", NASTY.replace('\r', ""));
        case.git(&["commit", "-q", &author, "-m", &format!("covault: {NASTY}")]);
    }));
}

#[test]
fn the_name_of_a_branch_that_asks() {
    let attacked = pushed(|case| {
        let bob = case.stranger("bob");
        let request = covault::model::request::Request { card: bob.card, invite: None, signature: bob.signature };
        let branch = "covault/join/b\u{202e}ob\u{200b}";
        case.git(&["checkout", "-q", "-b", branch]);
        case.write(".covault/requests/bob.toml", request.encode());
        case.git(&["add", "-A"]);
        case.git(&["commit", "-qm", "ask"]);
        case.git(&["push", "-q", "origin", branch]);
        case.git(&["checkout", "-q", "main"]);
    });
    all_commands(&attacked);
    attacked.ends(&["member", "approve", "bob", "--yes"], 7, "answers no invite");
}

#[test]
fn a_request_full_of_escapes() {
    all_commands(&pushed(|case| {
        case.write(&format!(".covault/requests/{NASTY}.toml"), NASTY);
        case.write(".covault/requests/bob.toml", format!("format = 1\nvault = \"{NASTY}\"\n"));
    }));
}

#[test]
fn the_name_of_a_file_that_is_no_secret() {
    all_commands(&pushed(|case| case.write(&format!(".covault/secrets/{NASTY}.age"), "x")));
}

#[test]
fn the_name_of_a_file_is_one_line_of_what_status_says() {
    let forged = ".covault/secrets/x\n\nrefused:\n  all of it";
    for attacked in [pushed(|case| case.write(forged, "x")), on_disk(|case| case.write(forged, "x"))] {
        let text = attacked.case.alice.covault(["status"]).ok().text();
        assert!(text.contains("\\u{a}refused:"), "{text}");
        assert!(text.lines().all(|line| line != "refused:" && line != "  all of it"), "{text}");
    }
}

#[test]
fn the_name_of_a_folder() {
    all_commands(&pushed(|case| case.write(&format!(".covault/secrets/{NASTY}/db.age"), "x")));
}

#[test]
fn an_env_file_full_of_escapes() {
    let attacked = pushed(|case| case.write(".covault/env/default.env", format!("{NASTY}={NASTY}\n")));
    all_commands(&attacked);
    attacked.ends(&["run", "--", "true"], 2, "default.env is refused: line 1");
}

#[test]
fn an_env_file_whose_reference_is_full_of_escapes() {
    let attacked = pushed(|case| {
        case.write(".covault/env/default.env", format!("DB=covault://{}\n", NASTY.replace(['\r', '\u{2028}'], "")));
    });
    all_commands(&attacked);
    attacked.ends(&["run", "--", "true"], 2, "default.env is refused: line 1");
}

#[test]
fn a_roster_full_of_escapes() {
    let attacked = pushed(|case| {
        let text = String::from_utf8(case.read(".covault/roster.toml")).unwrap();
        case.write(".covault/roster.toml", text.replacen("op = \"group\"", &format!("op = \"{NASTY}\""), 1));
    });
    all_end(&attacked, &[6]);
}

#[test]
fn an_operation_in_the_roster_that_is_spelled_with_escapes() {
    let attacked = pushed(|case| {
        let text = String::from_utf8(case.read(".covault/roster.toml")).unwrap();
        case.write(".covault/roster.toml", text.replacen("op = \"group\"", "op = \"\\u001B[2J\u{202e}x\"", 1));
    });
    let shown = all_end(&attacked, &[6]);
    assert!(shown.contains("'\\u{1b}[2J\\u{202e}x'"), "{shown}");
}

#[test]
fn a_file_of_a_secret_full_of_escapes() {
    let attacked = pushed(|case| case.write(&file("dev/db"), format!("age-encryption.org/v1\n-> {NASTY}\n")));
    all_end(&attacked.spoils(&["dev/db"]).refuses(&["get", "dev/db"], "malformed first line"), &[0, 6, 8]);
}

#[test]
fn a_vaults_name_that_turns_around() {
    let case = Case::new();
    let other = case.world.person("other");
    let name = "acme \u{202e}emca\u{200b}";
    let said = other.covault(["init", "--name", "other", "--vault-name", name, "--device", "laptop"]);
    harmless(&["init"], &said);
    if said.code == 0 {
        for args in [&["status"][..], &["whoami"], &["setup"], &["member", "invite", "bob"]] {
            harmless(args, &other.covault(args));
        }
        let eve = other.clone_for(case.world.stranger("eve"));
        for args in [&["setup"][..], &["join", "--name", "eve"], &["status"]] {
            harmless(args, &eve.covault(args));
        }
    }
}

#[test]
fn words_on_the_command_line() {
    let case = Case::new();
    let words: &[&[&str]] = &[
        &["get", NASTY],
        &["set", NASTY],
        &["ls", NASTY],
        &["log", NASTY],
        &["who", NASTY],
        &["share", "dev/db", NASTY],
        &["member", "approve", NASTY],
        &["member", "invite", NASTY],
        &["join", "--invite", NASTY],
        &["setup", "--vault", NASTY],
        &["run", "-e", NASTY, "--", "true"],
        &["diff", NASTY],
        &["-C", NASTY, "ls"],
    ];
    for args in words {
        let said = case.alice.covault_fed(b"x", *args);
        assert!(said.code != 0 || args[0] == "ls", "{args:?}");
        harmless(args, &said);
    }
}
