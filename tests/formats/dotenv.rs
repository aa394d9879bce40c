//! `.env` files, beside what node's dotenv and python-dotenv make of them.

use covault::model::formats::{Format, ParseError, Warning, parse};

use super::{expected, pair, read};

fn one(text: &str) -> String {
    let mut entries = read(Format::Dotenv, text);
    assert_eq!(entries.len(), 1, "{text:?}");
    entries.remove(0).1
}

fn error(text: &str) -> ParseError {
    parse(Format::Dotenv, text.as_bytes()).unwrap_err()
}

#[test]
fn a_filled_in_env_file_is_read_as_a_person_reads_it() {
    let parsed = parse(Format::Dotenv, include_bytes!("../../fixtures/import/dotenv.env")).unwrap();
    let found: std::collections::BTreeMap<_, _> = super::texts(&parsed).into_iter().collect();
    assert_eq!(found, expected());
    assert_eq!(parsed.warnings, []);
    let expanding: Vec<_> = parsed.entries.iter().filter(|e| e.expands).map(|e| e.name()).collect();
    assert_eq!(expanding, ["DATABASE_URL"]);
    assert_eq!(parsed.entries[0].line, Some(4));
    assert_eq!(parsed.entries.last().unwrap().line, Some(71));
}

#[test]
fn the_cases_of_nodes_own_tests_are_read_the_same() {
    for (line, value) in [
        ("BASIC=basic", "basic"),
        ("EMPTY=", ""),
        ("EMPTY_SINGLE_QUOTES=''", ""),
        ("EMPTY_DOUBLE_QUOTES=\"\"", ""),
        ("EMPTY_BACKTICKS=``", ""),
        ("SINGLE_QUOTES='single_quotes'", "single_quotes"),
        ("SINGLE_QUOTES_SPACED='    single quotes    '", "    single quotes    "),
        ("DOUBLE_QUOTES=\"double_quotes\"", "double_quotes"),
        ("DOUBLE_QUOTES_SPACED=\"    double quotes    \"", "    double quotes    "),
        (
            "DOUBLE_QUOTES_INSIDE_SINGLE='double \"quotes\" work inside single quotes'",
            "double \"quotes\" work inside single quotes",
        ),
        ("DOUBLE_QUOTES_WITH_NO_SPACE_BRACKET=\"{ port: $MONGOLAB_PORT}\"", "{ port: $MONGOLAB_PORT}"),
        (
            "SINGLE_QUOTES_INSIDE_DOUBLE=\"single 'quotes' work inside double quotes\"",
            "single 'quotes' work inside double quotes",
        ),
        ("BACKTICKS_INSIDE_SINGLE='`backticks` work inside single quotes'", "`backticks` work inside single quotes"),
        ("BACKTICKS_INSIDE_DOUBLE=\"`backticks` work inside double quotes\"", "`backticks` work inside double quotes"),
        ("BACKTICKS=`backticks`", "backticks"),
        ("BACKTICKS_SPACED=`    backticks    `", "    backticks    "),
        (
            "DOUBLE_AND_SINGLE_QUOTES_INSIDE_BACKTICKS=`double \"quotes\" and single 'quotes' work inside backticks`",
            "double \"quotes\" and single 'quotes' work inside backticks",
        ),
        ("EXPAND_NEWLINES=\"expand\\nnew\\nlines\"", "expand\nnew\nlines"),
        ("DONT_EXPAND_UNQUOTED=dontexpand\\nnewlines", "dontexpand\\nnewlines"),
        ("DONT_EXPAND_SQUOTED='dontexpand\\nnewlines'", "dontexpand\\nnewlines"),
        ("INLINE_COMMENTS=inline comments # work #very #well", "inline comments"),
        (
            "INLINE_COMMENTS_SINGLE_QUOTES='inline comments outside of #singlequotes' # work",
            "inline comments outside of #singlequotes",
        ),
        (
            "INLINE_COMMENTS_DOUBLE_QUOTES=\"inline comments outside of #doublequotes\" # work",
            "inline comments outside of #doublequotes",
        ),
        (
            "INLINE_COMMENTS_BACKTICKS=`inline comments outside of #backticks` # work",
            "inline comments outside of #backticks",
        ),
        ("EQUAL_SIGNS=equals==", "equals=="),
        ("RETAIN_INNER_QUOTES={\"foo\": \"bar\"}", "{\"foo\": \"bar\"}"),
        ("RETAIN_INNER_QUOTES_AS_STRING='{\"foo\": \"bar\"}'", "{\"foo\": \"bar\"}"),
        ("RETAIN_INNER_QUOTES_AS_BACKTICKS=`{\"foo\": \"bar's\"}`", "{\"foo\": \"bar's\"}"),
        ("TRIM_SPACE_FROM_UNQUOTED=    some spaced out string", "some spaced out string"),
        ("USERNAME=therealnerdybeast@example.tld", "therealnerdybeast@example.tld"),
        ("    SPACED_KEY = parsed", "parsed"),
        ("MULTI=\"THIS\nIS\nA\nMULTILINE\nSTRING\"", "THIS\nIS\nA\nMULTILINE\nSTRING"),
        ("MULTI='THIS\nIS'", "THIS\nIS"),
        ("MULTI=`THIS\nIS\n\"'s`", "THIS\nIS\n\"'s"),
    ] {
        assert_eq!(one(line), value, "{line}");
    }
}

#[test]
fn the_cases_of_pythons_own_tests_are_read_the_same() {
    for (line, value) in [
        ("a=b # c", "b"),
        ("a=b#c", "b#c"),
        ("a=#b", "#b"),
        ("a= # comment", ""),
        ("a=b c ", "b c"),
        ("a=\"b #c\"", "b #c"),
        ("export a=b", "b"),
        ("  export\ta='b'", "b"),
        ("export export_a=1", "1"),
        ("export=x", "x"),
        ("export = x", "x"),
        ("a='b\nc'", "b\nc"),
        ("a=\"\\\"\"", "\""),
        ("a=\"b\\nc\"", "b\nc"),
        ("a=à", "à"),
        ("a=\"à\"", "à"),
        ("no_eol=1", "1"),
    ] {
        assert_eq!(one(line), value, "{line}");
    }
}

#[test]
fn a_name_that_only_begins_with_export_is_taken_whole() {
    for (line, name) in [
        ("exported=x", "exported"),
        ("export_a=x", "export_a"),
        ("export.a=x", "export.a"),
        ("export=x", "export"),
        ("export export=x", "export"),
        ("export exported=x", "exported"),
    ] {
        assert_eq!(read(Format::Dotenv, line), [pair(name, "x")], "{line}");
    }
}

#[test]
fn double_quotes_know_six_escapes_and_keep_the_others() {
    assert_eq!(one(r#"A="\n\r\t\"\\\$""#), "\n\r\t\"\\$");
    assert_eq!(one(r#"A="\x41 \u0041 \' \0 \a""#), r"\x41 \u0041 \' \0 \a");
}

#[test]
fn a_line_end_behind_a_backslash_counts_as_a_line() {
    let parsed = parse(Format::Dotenv, b"A=\"x\\\ny\"\nB=\"\\x\"\nC=1\n").unwrap();
    assert_eq!(super::texts(&parsed), [pair("A", "x\\\ny"), pair("B", "\\x"), pair("C", "1")]);
    assert_eq!(parsed.entries.iter().map(|e| e.line.unwrap()).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "\u{feff}A=1\r\nB='x\r\ny'\r\n\r\n# c\r\nC=3\rD=4";
    assert_eq!(read(Format::Dotenv, text), [pair("A", "1"), pair("B", "x\ny"), pair("C", "3"), pair("D", "4")]);
}

#[test]
fn a_dollar_is_kept_and_reported_where_others_would_expand_it() {
    for (line, value, expands) in [
        ("A=$B", "$B", true),
        ("A=x${B}y", "x${B}y", true),
        ("A=\"$B\"", "$B", true),
        ("A=\"${B:-c}\"", "${B:-c}", true),
        ("A=\"$B$C\"", "$B$C", true),
        ("A=\"$B $5\"", "$B $5", true),
        ("A=\"\\$B\"", "$B", false),
        ("A=\\$B", "\\$B", false),
        ("A='$B'", "$B", false),
        ("A=`$B`", "$B", false),
        ("A=5$", "5$", false),
        ("A=$5", "$5", false),
        ("A=$$", "$$", false),
    ] {
        let parsed = parse(Format::Dotenv, line.as_bytes()).unwrap();
        assert_eq!(parsed.entries[0].value.as_slice(), value.as_bytes(), "{line}");
        assert_eq!(parsed.entries[0].expands, expands, "{line}");
    }
}

#[test]
fn of_a_variable_that_stands_twice_the_last_is_taken_and_it_is_said() {
    let parsed = parse(Format::Dotenv, b"A=1\nB=2\nA=3\n").unwrap();
    assert_eq!(super::texts(&parsed), [pair("B", "2"), pair("A", "3")]);
    assert_eq!(parsed.warnings, [Warning::Duplicate { key: "A".into(), line: Some(3) }]);
}

#[test]
fn a_hash_inside_an_unquoted_value_is_kept_and_it_is_said() {
    let parsed = parse(Format::Dotenv, b"A=pass#word\nB='pass#word'\n").unwrap();
    assert_eq!(super::texts(&parsed), [pair("A", "pass#word"), pair("B", "pass#word")]);
    assert_eq!(parsed.warnings, [Warning::HashInValue { key: "A".into(), line: Some(1) }]);
}

#[test]
fn a_bad_line_is_refused_with_its_number_and_the_rule() {
    let key = || "A".to_owned();
    assert_eq!(error("A=1\n\nnothing"), ParseError::NoEquals { line: 3 });
    assert_eq!(error("export A"), ParseError::NoEquals { line: 1 });
    assert_eq!(error("A b=1"), ParseError::BadName { line: 1 });
    assert_eq!(error("# c\n=1"), ParseError::BadName { line: 2 });
    assert_eq!(error("A: 1"), ParseError::BadName { line: 1 });
    assert_eq!(error("Ä=1"), ParseError::BadName { line: 1 });
    assert_eq!(error("A=\"x\ny"), ParseError::UnterminatedQuote { key: key(), line: 1, quote: '"' });
    assert_eq!(error("\nA='x"), ParseError::UnterminatedQuote { key: key(), line: 2, quote: '\'' });
    assert_eq!(error("A=`x"), ParseError::UnterminatedQuote { key: key(), line: 1, quote: '`' });
    assert_eq!(error("A=\"x\\"), ParseError::UnterminatedQuote { key: key(), line: 1, quote: '"' });
    assert_eq!(error("A='x\ny' z"), ParseError::TextAfterQuote { key: key(), line: 2 });
    assert_eq!(error("A='it'\\''s'"), ParseError::TextAfterQuote { key: key(), line: 1 });
    assert_eq!(parse(Format::Dotenv, b"A=1\nB=\xff").unwrap_err(), ParseError::NotUtf8 { line: 2 });
}

#[test]
fn no_message_ever_holds_a_value() {
    for text in
        ["A=\"hunter2", "A='hunter2", "A='hunter2' hunter2", "hunter2", "hunter2 hunter2=hunter2", "A=1\n%hunter2"]
    {
        assert!(!error(text).to_string().contains("hunter2"), "{text}");
    }
    let parsed = parse(Format::Dotenv, b"A=hunter2#x\nA=hunter2$B").unwrap();
    assert!(!format!("{parsed:?}").contains("hunter2"));
    assert!(parsed.warnings.iter().all(|w| !w.to_string().contains("hunter2")));
}

#[test]
fn more_values_than_the_limit_are_refused() {
    let text: String = (0..10_001).map(|n| format!("A{n}=x\n")).collect();
    assert_eq!(error(&text), ParseError::TooManyEntries);
    assert!(parse(Format::Dotenv, &vec![b'#'; 16 * 1024 * 1024 + 1]).is_err());
}

#[test]
fn the_notation_is_known_by_the_files_name() {
    for (name, format) in [
        (".env", Some(Format::Dotenv)),
        (".env.local", Some(Format::Dotenv)),
        ("prod.env", Some(Format::Dotenv)),
        ("deploy/.ENV", Some(Format::Dotenv)),
        ("C:\\x\\.env.production", Some(Format::Dotenv)),
        ("x.json", Some(Format::Json)),
        (".env.json", Some(Format::Json)),
        ("x.yml", Some(Format::Yaml)),
        ("X.YAML", Some(Format::Yaml)),
        ("x.toml", Some(Format::Toml)),
        (".envrc", None),
        ("env", None),
        ("", None),
    ] {
        assert_eq!(Format::detect(name), format, "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_or_shows_in_an_error(text in "(?s)([A-B_=#'\"`\\\\$ \n\r\t{}]|.){0,60}") {
        let _ = parse(Format::Dotenv, text.as_bytes());
    }
}
