//! What is written is read back by others as it was.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use covault::model::formats::render::{Output, RenderError, github_masks, misread_by, render};
use covault::model::formats::{Format, parse};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::expected;
use crate::world::judges::have;

const ALL: [Output; 6] = [Output::Dotenv, Output::Shell, Output::Json, Output::Yaml, Output::Toml, Output::Github];

/// Values with something in them that some notation trips over.
const NASTY: &[&str] = &[
    "",
    " ",
    "plain",
    " lead",
    "trail ",
    "a b",
    "it's",
    "\"",
    "'",
    "`",
    "'\"`",
    "$HOME",
    "${HOME}",
    "$(id)",
    "`id`",
    "a$",
    "\\",
    "\\\\",
    "a\\",
    "\\n",
    "\\'",
    "\\$x",
    "'\\",
    "x # y",
    "#",
    "x#y",
    "\n",
    "a\nb",
    "a\n",
    "\na",
    "\r",
    "a\r\nb",
    "\t",
    "null",
    "true",
    "NO",
    "1.10",
    "0123",
    "~",
    "- a",
    "a: b",
    "{a}",
    "[a]",
    "!!str",
    "&a",
    "*a",
    "%",
    "@",
    "|",
    ">",
    "---",
    "é🌊",
    "\u{1}\u{7f}\u{85}",
    "\u{2028}\u{feff}",
    "=",
    "==",
    "!",
    "a!b",
    "C:\\Users\\x\\",
    "{\"a\":\"b\\nc\"}",
    "-----BEGIN X-----\nabc=\n-----END X-----\n",
    "it's $5",
    "it's \"x\" $y \\",
    "a\u{a0}",
    "\u{3000}a",
    "'''",
    "\"\"\"",
    "\u{fffe}\u{ffff}",
    "\u{10ffff}",
    "::add-mask::x",
    "EOF",
];

fn written(output: Output, value: &str) -> String {
    String::from_utf8(render(output, &[("NAME".to_owned(), value.as_bytes())], "DELIM").unwrap().to_vec()).unwrap()
}

fn back(format: Format, text: &str) -> String {
    let parsed = parse(format, text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    assert_eq!(parsed.entries.len(), 1);
    String::from_utf8(parsed.entries[0].value.to_vec()).unwrap()
}

#[test]
fn our_own_readers_read_back_every_nasty_value() {
    for value in NASTY {
        for (output, format) in [
            (Output::Dotenv, Format::Dotenv),
            (Output::Json, Format::Json),
            (Output::Yaml, Format::Yaml),
            (Output::Toml, Format::Toml),
        ] {
            assert_eq!(back(format, &written(output, value)), *value, "{output:?}");
        }
    }
}

#[test]
fn the_libraries_read_back_every_nasty_value() {
    for value in NASTY {
        let wanted = BTreeMap::from([("NAME".to_owned(), (*value).to_owned())]);
        let json: BTreeMap<String, String> = serde_json::from_str(&written(Output::Json, value)).unwrap();
        let yaml: BTreeMap<String, String> = yaml_serde::from_str(&written(Output::Yaml, value)).unwrap();
        let toml: BTreeMap<String, String> = toml::from_str(&written(Output::Toml, value)).unwrap();
        assert_eq!((&json, &yaml, &toml), (&wanted, &wanted, &wanted));
    }
}

/// What a shell has for the variable after it has read the text as it is told to.
fn in_shell(shell: &str, reads: &str, text: &str) -> Vec<u8> {
    let mut child = Command::new(shell)
        .args(["-c", &format!("{reads}; printf %s \"$NAME\"")])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nowhere")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn a_posix_shell_reads_back_every_nasty_value() {
    for value in NASTY {
        let found = in_shell("sh", "eval \"$(cat)\"", &written(Output::Shell, value));
        assert_eq!(found, value.as_bytes(), "{value:?}");
    }
}

#[test]
fn a_shell_that_reads_an_env_file_as_a_script_takes_the_values_but_where_we_say_so() {
    let bash = std::path::Path::new("/bin/bash").exists().then_some("bash");
    let more =
        ["~", "~/x", "a:~/x", "a=~", "a;b", "a&b|c", "<x>y", "(x)", "{a,b}", "*", "/*", "[a-z]", "a b", "!!", "^a"];
    let (mut judged, values) = (0, NASTY.iter().chain(&more));
    for value in values.filter(|value| !misread_by(value).contains(&"a shell")) {
        for shell in ["sh"].into_iter().chain(bash) {
            let found = in_shell(shell, "set -a; . /dev/stdin", &written(Output::Dotenv, value));
            assert_eq!(found, value.as_bytes(), "{shell}: {value:?}");
            judged += 1;
        }
    }
    assert!(judged >= 70, "{judged}");
}

#[test]
fn python_reads_back_the_json_of_every_nasty_value() {
    let names: Vec<String> = (0..NASTY.len()).map(|n| format!("N{n}")).collect();
    let pairs: Vec<(String, &[u8])> = names.iter().cloned().zip(NASTY.iter().map(|v| v.as_bytes())).collect();
    let text = render(Output::Json, &pairs, "").unwrap();
    let script =
        "import json,sys; d=json.load(sys.stdin.buffer); print(' '.join(v.encode().hex() for v in d.values()))";
    if !have("python3") {
        return;
    }
    let spawned = Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let wanted: Vec<String> = NASTY.iter().map(hex::encode).collect();
    assert_eq!(out.trim_end_matches('\n'), wanted.join(" "));
}

#[test]
fn a_whole_env_file_survives_every_notation() {
    let expected = expected();
    let pairs: Vec<(String, &[u8])> = expected.iter().map(|(k, v)| (k.clone(), v.as_bytes())).collect();
    for (output, format) in [
        (Output::Dotenv, Format::Dotenv),
        (Output::Json, Format::Json),
        (Output::Yaml, Format::Yaml),
        (Output::Toml, Format::Toml),
    ] {
        let text = render(output, &pairs, "").unwrap();
        let parsed = parse(format, &text).unwrap();
        assert_eq!(super::texts(&parsed).into_iter().collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(parsed.warnings, []);
    }
}

#[test]
fn dotenv_takes_the_form_that_the_most_readers_share() {
    for (value, text) in [
        ("plain/Value+1=", "NAME=plain/Value+1=\n"),
        ("two words", "NAME='two words'\n"),
        ("https://x/?a=1,2*[b]", "NAME=https://x/?a=1,2*[b]\n"),
        ("https://x/?a=1&b", "NAME='https://x/?a=1&b'\n"),
        ("x`touch P`y", "NAME='x`touch P`y'\n"),
        ("a;b&c|d", "NAME='a;b&c|d'\n"),
        ("<x>", "NAME='<x>'\n"),
        ("~/x", "NAME='~/x'\n"),
        ("a~b", "NAME=a~b\n"),
        ("say \"hi\"", "NAME='say \"hi\"'\n"),
        ("it's", "NAME=\"it's\"\n"),
        ("a#b", "NAME='a#b'\n"),
        ("p$word", "NAME='p$word'\n"),
        ("it's # fine", "NAME=\"it's # fine\"\n"),
        ("a\nb", "NAME='a\nb'\n"),
        ("", "NAME=\n"),
    ] {
        assert_eq!(written(Output::Dotenv, value), text);
        assert_eq!(misread_by(value), [""; 0], "{value}");
    }
    assert_eq!(misread_by("x${y}"), ["python-dotenv"]);
    assert_eq!(misread_by("it's $5"), ["docker compose", "a shell"]);
    assert_eq!(misread_by("it's \"so\" #bad"), ["node dotenv"]);
}

/// What the readers do with these values:
/// - node undoes no `\"`, `\\` or `\$`, and knows backticks as quotes;
/// - python-dotenv undoes `\"` and `\\` in double quotes, `\\` in single ones and `\$` in none, and replaces `${NAME}`;
/// - docker compose undoes all three in double quotes, and replaces `$NAME` unless it is escaped or in single quotes;
/// - for none of them a quote behind a backslash surely closes.
#[test]
fn where_no_form_suits_every_reader_dotenv_takes_the_one_that_misleads_the_fewest() {
    for (value, text, misled) in [
        // Quotes that suit a shell would keep a closing one from the others, and a line end from the shell.
        ("C:\\x\\", "C:\\x\\", "a shell"),
        ("a\r\nb", "\"a\\r\nb\"", "a shell"),
        ("$HOME's", "$HOME's", "docker compose, a shell"),
        ("a # ${HOME}", "'a # ${HOME}'", "python-dotenv"),
        ("a\\\\b #", "'a\\\\b #'", "python-dotenv"),
        ("C:\\#\\", "'C:\\#\\'", "node dotenv, python-dotenv, docker compose"),
        ("it's # \\", "\"it's # \\\\\"", "node dotenv, python-dotenv, docker compose"),
        ("C:\\it's #", "\"C:\\\\it's #\"", "node dotenv"),
        ("it's # $5", "\"it's # $5\"", "docker compose, a shell"),
        ("$5\r", "\"$5\\r\"", "docker compose, a shell"),
        ("it's # ${HOME}", "\"it's # ${HOME}\"", "python-dotenv, docker compose, a shell"),
        ("it's # \"so\" $5", "\"it's # \\\"so\\\" $5\"", "node dotenv, docker compose, a shell"),
        // A dollar is escaped for compose where python goes wrong in any case and quotes keep node from it.
        ("it's # \"${HOME}", "\"it's # \\\"\\${HOME}\"", "node dotenv, python-dotenv"),
        ("\"${HOME}\"\r", "\"\\\"\\${HOME}\\\"\\r\"", "node dotenv, python-dotenv, a shell"),
        // A quote at the end is in doubt for compose, so backticks win node; but they cannot hold themselves.
        ("it's # \"${HOME}\"", "`it's # \"${HOME}\"`", "python-dotenv, docker compose, a shell"),
        ("it's # \"${HOME}\" `x`", "\"it's # \\\"\\${HOME}\\\" `x`\"", "node dotenv, python-dotenv, a shell"),
    ] {
        let found = written(Output::Dotenv, value);
        assert_eq!(found, format!("NAME={text}\n"));
        assert_eq!(misread_by(value).join(", "), misled, "{value}");
        assert_eq!(back(Format::Dotenv, &found), value);
    }
}

#[test]
fn a_yaml_key_stands_before_its_colon_unless_it_is_long() {
    let yaml = |name: &str| {
        let pairs = [(name.to_owned(), b"x".as_slice())];
        String::from_utf8(render(Output::Yaml, &pairs, "").unwrap().to_vec()).unwrap()
    };
    assert_eq!(yaml("NAME"), "\"NAME\": \"x\"\n");
    // 1,000 bytes with the quotes, and one more.
    let (short, long) = ("k".repeat(998), "k".repeat(999));
    assert_eq!(yaml(&short), format!("\"{short}\": \"x\"\n"));
    assert_eq!(yaml(&long), format!("? \"{long}\"\n: \"x\"\n"));
    // Of three bytes each: readers count these.
    for name in [short, long, "\u{2007}".repeat(340), "\u{2007}".repeat(998)] {
        assert_eq!(parse(Format::Yaml, yaml(&name).as_bytes()).unwrap().entries[0].key, [name]);
    }
}

#[test]
fn github_gets_a_heredoc_with_the_callers_delimiter() {
    assert_eq!(written(Output::Github, "a\nb"), "NAME<<DELIM\na\nb\nDELIM\n");
    let pairs = [("A".to_owned(), b"xDELIMy".as_slice())];
    assert_eq!(render(Output::Github, &pairs, "DELIM"), Err(RenderError::DelimiterInValue { name: "A".into() }));
    assert_eq!(render(Output::Github, &pairs, ""), Err(RenderError::BadDelimiter));
    assert_eq!(render(Output::Github, &pairs, "A\nB"), Err(RenderError::BadDelimiter));
}

#[test]
fn every_line_of_every_value_is_masked_on_github() {
    let pairs = [("A".to_owned(), b"100%\r\n\n \nx\ry".as_slice()), ("B".to_owned(), b"".as_slice())];
    assert_eq!(github_masks(&pairs).as_slice(), b"::add-mask::100%25\n::add-mask::x%0Dy\n");
    // A bracket would be hidden in every log; what is all of a value is not left out.
    let pairs = [("A".to_owned(), b"{\n  \"a\": 1\n}\n".as_slice()), ("B".to_owned(), b"7\n".as_slice())];
    assert_eq!(github_masks(&pairs).as_slice(), b"::add-mask::  \"a\": 1\n::add-mask::7\n");
    // No value goes without any, however short its lines are.
    let pairs = [("A".to_owned(), b"1\n22\n".as_slice()), ("B".to_owned(), b"3\r\n4\n".as_slice())];
    assert_eq!(github_masks(&pairs).as_slice(), b"::add-mask::22\n::add-mask::3\n::add-mask::4\n");
}

#[test]
fn what_a_notation_cannot_say_is_refused_by_name_and_without_the_value() {
    for output in ALL {
        let name = || "KEY".to_owned();
        let refused = |value: &[u8]| render(output, &[(name(), value)], "D").unwrap_err();
        assert_eq!(refused(b"\xffhunter2"), RenderError::NotText { name: name() });
        assert_eq!(refused(b"hunter2\0"), RenderError::Nul { name: name() });
        assert!(!refused(b"hunter2\0").to_string().contains("hunter2"));
        let twice = [(name(), b"1".as_slice()), (name(), b"2".as_slice())];
        assert_eq!(render(output, &twice, "D").unwrap_err(), RenderError::Duplicate { name: name() });
        assert!(render(output, &[(String::new(), b"1")], "D").is_err());
    }
    for output in [Output::Dotenv, Output::Shell, Output::Github] {
        for name in ["a;b", "a b", "1a", "a=b", "a\nb", "ä", "a-b", "$(id)"] {
            assert!(render(output, &[(name.to_owned(), b"1")], "D").is_err(), "{name}");
        }
    }
    let odd = [("a.b: c\n\"".to_owned(), b"1".as_slice())];
    for (output, format) in [(Output::Json, Format::Json), (Output::Yaml, Format::Yaml), (Output::Toml, Format::Toml)] {
        assert_eq!(parse(format, &render(output, &odd, "").unwrap()).unwrap().entries[0].key, ["a.b: c\n\""]);
    }
}

#[test]
fn nothing_is_a_document_too() {
    for (output, format) in [(Output::Json, Format::Json), (Output::Yaml, Format::Yaml), (Output::Toml, Format::Toml)] {
        assert!(parse(format, &render(output, &[], "").unwrap()).unwrap().entries.is_empty());
    }
}

/// Judged with 2,000 generated values by node dotenv 18.0.10 and python-dotenv 1.2.2. Needs `npm i dotenv` and `pip install python-dotenv`; `DOTENV_NODE_MODULES` names the folder above `node_modules`.
#[test]
#[ignore = "needs node dotenv and python-dotenv"]
fn the_other_dotenv_readers_agree_but_where_we_say_so() {
    let home = std::env::var("DOTENV_NODE_MODULES").unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = proptest::collection::vec(value(), 300).new_tree(&mut runner).unwrap().current();
    let values: Vec<String> = NASTY.iter().map(|v| (*v).to_owned()).chain(made).filter(|v| !v.contains('\0')).collect();
    let node = "const d=require('dotenv');const e=d.parse(require('fs').readFileSync(0));\
                console.log(JSON.stringify(e.NAME===undefined?null:e.NAME)+JSON.stringify(e.AFTER===undefined?null:e.AFTER))";
    let python = "import dotenv,io,json,sys;e=dotenv.dotenv_values(stream=io.StringIO(sys.stdin.buffer.read().decode(),newline=None));\
                  print(json.dumps(e.get('NAME'))+json.dumps(e.get('AFTER')))";
    let (mut judged, mut wrong) = (0, Vec::new());
    for value in &values {
        let pairs = [("NAME".to_owned(), value.as_bytes()), ("AFTER".to_owned(), b"it's 'after'".as_slice())];
        let text = render(Output::Dotenv, &pairs, "").unwrap();
        for (reader, program, flag, script) in
            [("node dotenv", "node", "-e", node), ("python-dotenv", "python3", "-c", python)]
        {
            if misread_by(value).contains(&reader) {
                continue;
            }
            let mut child = Command::new(program)
                .args([flag, script])
                .current_dir(&home)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&text).unwrap();
            let out = child.wait_with_output().unwrap().stdout;
            let found: Vec<Option<String>> =
                serde_json::Deserializer::from_slice(&out).into_iter().map(Result::unwrap).collect();
            judged += 1;
            if found != [Some(value.clone()), Some("it's 'after'".to_owned())] {
                wrong.push((reader, value.clone(), found));
            }
        }
    }
    eprintln!("judged {judged}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof!["(?s).{0,40}", "[ab'\"`\\\\$#{} \n\r\t=]{0,14}"]
}

proptest! {
    #[test]
    fn any_text_survives_every_notation(value in value().prop_filter("no NUL", |v| !v.contains('\0'))) {
        for (output, format) in [
            (Output::Dotenv, Format::Dotenv),
            (Output::Json, Format::Json),
            (Output::Yaml, Format::Yaml),
            (Output::Toml, Format::Toml),
        ] {
            prop_assert_eq!(&back(format, &written(output, &value)), &value);
        }
        let shell = written(Output::Shell, &value);
        let words = shlex::split(&shell).unwrap();
        prop_assert_eq!(words, vec!["export".to_owned(), format!("NAME={value}")]);
    }
}
