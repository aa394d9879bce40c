//! JSON, YAML and TOML as lists of values.

use std::time::{Duration, Instant};

use covault::model::formats::{Format, MAX_BYTES, ParseError, Sealer, Warning, parse};

use super::{expected, pair, read, texts};

const ALL: [Format; 3] = [Format::Json, Format::Yaml, Format::Toml];

fn error(format: Format, text: &str) -> ParseError {
    parse(format, text.as_bytes()).unwrap_err()
}

#[test]
fn the_same_settings_are_read_the_same_from_all_notations() {
    for (format, text) in [
        (Format::Json, include_str!("../../fixtures/import/settings.json")),
        (Format::Yaml, include_str!("../../fixtures/import/settings.yaml")),
        (Format::Toml, include_str!("../../fixtures/import/settings.toml")),
    ] {
        let parsed = parse(format, text.as_bytes()).unwrap();
        let found = texts(&parsed);
        for (name, value) in &found {
            assert_eq!(expected().get(name), Some(value), "{format} {name}");
        }
        assert_eq!(found.len(), expected().len());
        assert_eq!(parsed.warnings, []);
        let dotenv = read(Format::Dotenv, include_str!("../../fixtures/import/dotenv.env"));
        assert!(found.iter().map(|e| &e.0).eq(dotenv.iter().map(|e| &e.0)), "{format}: not in the file's order");
    }
}

#[test]
fn nested_maps_become_paths_of_keys() {
    let wanted = [pair("z.b.c", "1"), pair("z.a", "x"), pair("d", "y")];
    assert_eq!(read(Format::Json, r#"{"z": {"b": {"c": 1}, "a": "x"}, "d": "y"}"#), wanted);
    assert_eq!(read(Format::Yaml, "z:\n  b: {c: 1}\n  a: x\nd: y\n"), wanted);
    let toml = parse(Format::Toml, b"d = 'y'\n[z.b]\nc = 1\n[z]\na = 'x'\n").unwrap();
    assert_eq!(texts(&toml), [pair("d", "y"), pair("z.b.c", "1"), pair("z.a", "x")]);
    assert_eq!(toml.entries[1].key, ["z", "b", "c"]);
    assert_eq!(toml.entries.iter().map(|e| e.line.unwrap()).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn numbers_and_booleans_keep_their_source_text() {
    let json = r#"{"a":1.10,"b":-0,"c":1E+2,"d":123456789012345678901234567890,"e":0.1e-7,"f":true,"g":-1.50}"#;
    let values: Vec<_> = read(Format::Json, json).into_iter().map(|e| e.1).collect();
    assert_eq!(values, ["1.10", "-0", "1E+2", "123456789012345678901234567890", "0.1e-7", "true", "-1.50"]);

    let yaml = "a: 1.10\nb: 0123\nc: NO\nd: off\ne: 0o17\nf: 1_000\ng: 12e03\nh: True\ni: 0x1F\nj: +5\nk: .5\nl: 12:30:45\n\
                m: 2027-01-31\nn: .inf\no: 123456789012345678901234567890\np: 1.0\nq: y\n";
    let values: Vec<_> = read(Format::Yaml, yaml).into_iter().map(|e| e.1).collect();
    assert_eq!(
        values,
        [
            "1.10",
            "0123",
            "NO",
            "off",
            "0o17",
            "1_000",
            "12e03",
            "True",
            "0x1F",
            "+5",
            ".5",
            "12:30:45",
            "2027-01-31",
            ".inf",
            "123456789012345678901234567890",
            "1.0",
            "y"
        ]
    );

    let toml = "a = 1_000\nb = 0xDEAD\nc = 1.50\nd = 1979-05-27T07:32:00Z\ne = false\nf = inf\ng = 07:32:00\nh = +1\n";
    let values: Vec<_> = read(Format::Toml, toml).into_iter().map(|e| e.1).collect();
    assert_eq!(values, ["1_000", "0xDEAD", "1.50", "1979-05-27T07:32:00Z", "false", "inf", "07:32:00", "+1"]);
}

#[test]
fn numbers_inside_strings_and_keys_are_not_mistaken_for_numbers() {
    let json = r#"{"1": "2 \" 3:", "a\"4": 5, "b": [6, "7", {"8": 9}], "c": "\\", "d": 10.0}"#;
    assert_eq!(
        read(Format::Json, json),
        [pair("1", "2 \" 3:"), pair("a\"4", "5"), pair("b", r#"[6,"7",{"8":9}]"#), pair("c", "\\"), pair("d", "10.0")]
    );
}

#[test]
fn lines_of_json_keys_are_told() {
    let parsed = parse(Format::Json, b"{\n\"a\":\n1,\n\n\"b\" : {\n \"c\": [1,\n2], \"d\": \"x:y\"\n}}").unwrap();
    assert_eq!(parsed.entries.iter().map(|e| e.line.unwrap()).collect::<Vec<_>>(), [2, 6, 7]);
}

#[test]
fn a_list_becomes_one_json_text() {
    let wanted = r#"[1.10,"x",true,[],{"k":"v\n"}]"#;
    assert_eq!(read(Format::Json, r#"{"a": [1.10, "x", true, [], {"k": "v\n"}]}"#)[0].1, wanted);
    assert_eq!(read(Format::Yaml, "a:\n- 1.10\n- x\n- true\n- []\n- k: \"v\\n\"\n")[0].1, wanted);
    assert_eq!(read(Format::Toml, "a = [1.10, 'x', true, [], {k = \"v\\n\"}]")[0].1, wanted);
    assert_eq!(
        read(Format::Yaml, "a: [0123, NO, null, .inf, True, 0x1F]")[0].1,
        r#"["0123","NO",null,".inf","True","0x1F"]"#
    );
    assert_eq!(
        read(Format::Toml, "[[a]]\nx = 1979-05-27\n[[a]]\ny = 1_0\n")[0].1,
        r#"[{"x":"1979-05-27"},{"y":"1_0"}]"#
    );
    assert_eq!(read(Format::Json, r#"{"a": []}"#)[0].1, "[]");
}

#[test]
fn a_map_in_a_list_keeps_all_its_members() {
    let wanted = r#"[{"b":1,"c":[2,3],"d":"x"},4]"#;
    assert_eq!(read(Format::Json, r#"{"a": [{"b": 1, "c": [2, 3], "d": "x"}, 4]}"#)[0].1, wanted);
    assert_eq!(read(Format::Yaml, "a:\n- b: 1\n  c: [2, 3]\n  d: x\n- 4\n")[0].1, wanted);
    assert_eq!(read(Format::Toml, "a = [{b = 1, c = [2, 3], d = 'x'}, 4]")[0].1, wanted);
}

#[test]
fn nothing_is_dropped_without_a_word() {
    let null = Warning::NullSkipped { key: "a.b".into(), line: Some(1) };
    let empty = Warning::EmptyMapSkipped { key: "c".into(), line: Some(1) };
    let parsed = parse(Format::Json, br#"{"a": {"b": null}, "c": {}, "d": ""}"#).unwrap();
    assert_eq!((texts(&parsed), parsed.warnings), (vec![pair("d", "")], vec![null, empty]));
    let parsed = parse(Format::Yaml, b"a:\n  b:\nc: ~\nd: 'null'\ne: \"\"\n").unwrap();
    assert_eq!(texts(&parsed), [pair("d", "null"), pair("e", "")]);
    assert_eq!(parsed.warnings.len(), 2);
}

#[test]
fn a_warning_says_what_was_done_and_the_line_where_it_is_known() {
    let key = || "a.b".to_owned();
    for (warning, words) in [
        (
            Warning::Duplicate { key: key(), line: Some(3) },
            "a.b stands more than once, the last one was taken (line 3)",
        ),
        (Warning::Duplicate { key: key(), line: None }, "a.b stands more than once, the last one was taken"),
        (Warning::NullSkipped { key: key(), line: Some(12) }, "a.b is null and was skipped (line 12)"),
        (Warning::NullSkipped { key: key(), line: None }, "a.b is null and was skipped"),
        (Warning::EmptyMapSkipped { key: key(), line: Some(1) }, "a.b is an empty map and was skipped (line 1)"),
        (Warning::EmptyMapSkipped { key: key(), line: None }, "a.b is an empty map and was skipped"),
        (
            Warning::HashInValue { key: key(), line: Some(2) },
            "a.b holds an unquoted #, which Node's dotenv would cut off there (line 2)",
        ),
    ] {
        assert_eq!(warning.to_string(), words);
    }
}

#[test]
fn an_entry_shows_how_long_its_value_is_and_not_the_value() {
    let parsed = parse(Format::Dotenv, b"A=hunter2\n").unwrap();
    assert_eq!(
        format!("{:?}", parsed.entries[0]),
        r#"Entry { key: ["A"], value: <7 bytes>, line: Some(1), expands: false }"#
    );
}

#[test]
fn of_a_json_key_that_stands_twice_the_last_is_taken() {
    let parsed = parse(Format::Json, br#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    assert_eq!(texts(&parsed), [pair("b", "2"), pair("a", "3")]);
    assert_eq!(parsed.warnings, [Warning::Duplicate { key: "a".into(), line: Some(1) }]);
}

#[test]
fn yaml_and_toml_refuse_a_key_that_stands_twice() {
    assert_eq!(error(Format::Yaml, "x:\n  a: 1\n  a: 2\n"), ParseError::DuplicateKey { key: "x.a".into() });
    assert!(matches!(error(Format::Toml, "a = 1\na = 2\n"), ParseError::Syntax { line: 2, .. }));
}

#[test]
fn yaml_tags_are_refused_whatever_their_form() {
    for text in [
        "a: !!binary aGVsbG8=\n",
        "a: !!str 123\n",
        "a: !vault |\n  text\n",
        "a: ! x\n",
        "a: !<tag:yaml.org,2002:binary> aGVsbG8=\n",
        "a: !!set {x, y}\n",
        "a: [1, !!int \"2\"]\n",
        "---\na: !!binary aGVsbG8=\n",
        "!!map {a: 1}\n",
        "!!str a: 1\n",
        "a: &x !!str y\n",
        "a: &x !<tag:yaml.org,2002:binary> y\n",
        "- !<tag:yaml.org,2002:binary> y\n",
        "a:\n  !<tag:yaml.org,2002:binary> y\n",
        "a: [ !<tag:yaml.org,2002:binary> y]\n",
        "[!<tag:yaml.org,2002:binary> y]: 1\n",
    ] {
        assert!(matches!(error(Format::Yaml, text), ParseError::Tag { .. }), "{text}: {:?}", error(Format::Yaml, text));
    }
    assert_eq!(error(Format::Yaml, "a: 1\nb: !!binary aGVsbG8=\n"), ParseError::Tag { line: 2 });
    assert_eq!(error(Format::Yaml, "---\na: 1\nb: !x aGVsbG8=\n"), ParseError::Tag { line: 3 });
    for text in
        ["%TAG !! tag:yaml.org,2002:\n---\na: !!binary x\n", "%TAG !x! tag:yaml.org,2002:\n---\na: !x!binary eA==\n"]
    {
        assert_eq!(error(Format::Yaml, text), ParseError::Tag { line: 1 }, "{text}");
    }
    let later = "a: b\n...\r%TAG !x! tag:yaml.org,2002:\n---\na: !x!int foo\n";
    assert_eq!(error(Format::Yaml, later), ParseError::Tag { line: 2 });
    assert!(parse(Format::Yaml, b"\"%TAG\": \"%TAG !x!\"\nb: 100%TAG\n").is_ok());
}

#[test]
fn exclamation_marks_in_yaml_values_are_no_tags() {
    assert_eq!(
        read(Format::Yaml, "a: pa!!ss\nb: '!!binary x'\nc: \"!x\"\nd: x !!y !<z\n"),
        [pair("a", "pa!!ss"), pair("b", "!!binary x"), pair("c", "!x"), pair("d", "x !!y !<z")]
    );
}

#[test]
fn yaml_may_begin_its_document_itself() {
    for text in [
        "---\na: 1\n",
        "# c\n\n---\na: 1\n...\n",
        "%YAML 1.2\n---\na: 1\n",
        "--- {a: 1}\n",
        "\u{feff}a: 1\n",
        "a: 1\n---\n",
        "---\na: 1\n---\n\n# end\n--- # nothing",
    ] {
        {
            assert_eq!(read(Format::Yaml, text), [pair("a", "1")], "{text}");
        }
    }
    assert_eq!(read(Format::Yaml, ""), []);
    assert_eq!(read(Format::Yaml, "# nothing\n"), []);
}

#[test]
fn yaml_aliases_are_copied_and_merge_keys_applied() {
    let text = "base: &b\n  host: h\n  port: 1\ndev:\n  <<: *b\n  port: 2\nalso: *b\ntwo:\n  <<: [*b, {more: 3}]\n";
    assert_eq!(
        read(Format::Yaml, text),
        [
            pair("base.host", "h"),
            pair("base.port", "1"),
            pair("dev.port", "2"),
            pair("dev.host", "h"),
            pair("also.host", "h"),
            pair("also.port", "1"),
            pair("two.host", "h"),
            pair("two.port", "1"),
            pair("two.more", "3"),
        ]
    );
    assert_eq!(error(Format::Yaml, "a:\n  <<: 5\n"), ParseError::BadMerge { key: "a.<<".into() });
    assert!(matches!(error(Format::Yaml, "a: *missing\n"), ParseError::Syntax { line: 1, .. }));
}

#[test]
fn no_yaml_explodes() {
    let began = Instant::now();
    let mut laughs = "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n".to_owned();
    for n in 1..7 {
        let refs = vec![format!("*a{}", n - 1); 9].join(",");
        laughs.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert_eq!(error(Format::Yaml, &laughs), ParseError::Explodes);

    let big = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 1000].join(","));
    assert_eq!(error(Format::Yaml, &big), ParseError::Explodes);

    assert!(matches!(error(Format::Yaml, "a: &a [*a]\n"), ParseError::TooDeep { .. } | ParseError::Syntax { .. }));
    assert!(matches!(error(Format::Yaml, "a: &a {b: *a}\n"), ParseError::TooDeep { .. } | ParseError::Syntax { .. }));
    assert!(matches!(error(Format::Yaml, &"[".repeat(1_000_000)), ParseError::TooDeep { .. }));
    let quoted = format!("\"a\\\"b\": \"{}\"\n", "[".repeat(2_000));
    assert_eq!(parse(Format::Yaml, quoted.as_bytes()).unwrap().entries.len(), 1, "in quotes they open nothing");
    let tag = b"\"a\": \"b: !<x>\"\n";
    assert_eq!(parse(Format::Yaml, tag).unwrap().entries[0].value.as_slice(), b"b: !<x>", "nor is it a tag there");
    assert!(matches!(error(Format::Yaml, &format!("{quoted}b: [{{")), ParseError::TooDeep { .. }));
    assert_eq!(error(Format::Yaml, &format!("a: '\n{}'", " ".repeat(5000))), ParseError::Blanks { line: 2 });
    for crowd in [",", "- ", "? ", "\n"] {
        assert_eq!(error(Format::Yaml, &crowd.repeat(1_000_001)), ParseError::TooManyEntries);
    }
    assert!(parse(Format::Yaml, "- ".repeat(100_000).as_bytes()).is_err());
    assert!(parse(Format::Yaml, "? ".repeat(100_000).as_bytes()).is_err());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn yaml_aliases_may_expand_to_exactly_the_limit() {
    // One text under 256 names of four bytes, which count too.
    let each = MAX_BYTES / 256 - 4;
    let mut text = format!("k000: &a {}\n", "x".repeat(each));
    for n in 1..256 {
        text.push_str(&format!("k{n:03}: *a\n"));
    }
    let parsed = parse(Format::Yaml, text.as_bytes()).unwrap();
    assert_eq!(parsed.entries.len(), 256);
    assert!(parsed.entries.iter().all(|e| e.value.len() == each));
    assert_eq!(error(Format::Yaml, &format!("{text}k:\n")), ParseError::Explodes);
}

#[test]
fn two_hundred_thousand_nodes_are_read_and_one_more_is_refused() {
    // The outermost map, its key and the list are three of them.
    let list = |one: &str, many: usize| format!("{{\"a\":[{}]}}", vec![one; many].join(","));
    assert_eq!(read(Format::Json, &list("1", 199_997))[0].1.len(), 2 * 199_997 + 1);
    assert_eq!(read(Format::Json, &list("null", 199_997))[0].1.len(), 5 * 199_997 + 1);
    let told = error(Format::Json, &list("1", 199_998)).to_string();
    assert_eq!(told, "the file has, or expands to, more than 16777216 bytes or 200000 values");
    for one in ["1", "null", "true", "\"\"", "{}", "[]"] {
        assert_eq!(error(Format::Json, &list(one, 199_998)), ParseError::Explodes, "{one}");
    }
}

#[test]
fn a_million_separators_are_read_and_one_more_is_refused() {
    // In a comment: they are counted before anybody knows where they stand, and it is quickly read.
    let crowd = |what: &str, many: usize| format!("#{}", what.repeat(many));
    assert_eq!(read(Format::Toml, &crowd(",", 1_000_000)), []);
    assert_eq!(error(Format::Toml, &crowd(",", 1_000_001)), ParseError::TooManyEntries);
    // A blank separates behind an indicator alone, and an indicator before a blank alone.
    assert_eq!(read(Format::Toml, &crowd(" ", 1_000_001)), []);
    assert_eq!(read(Format::Toml, &crowd("-", 1_000_001)), []);
}

#[test]
fn yaml_may_have_4096_blanks_in_a_row_and_no_more() {
    let spaced = |many: usize| format!("a:{}1\n", " ".repeat(many));
    assert_eq!(read(Format::Yaml, &spaced(4_096)), [pair("a", "1")]);
    assert_eq!(error(Format::Yaml, &spaced(4_097)), ParseError::Blanks { line: 1 });
}

#[test]
fn yaml_may_have_a_thousand_brackets_open_and_no_more() {
    // In a comment they open nothing, and are counted all the same.
    let open = |many: usize| format!("# {}\na: 1\n", "[".repeat(many));
    assert_eq!(read(Format::Yaml, &open(1_000)), [pair("a", "1")]);
    assert_eq!(error(Format::Yaml, &open(1_001)), ParseError::TooDeep { key: "the file".into() });
    for closed in ["[]", "{}"] {
        let list = format!("[{}]", vec![closed; 1_001].join(","));
        assert_eq!(read(Format::Yaml, &format!("a: {list}\n")), [pair("a", &list)]);
    }
}

#[test]
fn a_file_of_exactly_the_limit_is_looked_at_and_a_larger_one_is_not() {
    // No text at all, so that looking at it is quickly done.
    let mut bytes = vec![0xff_u8; MAX_BYTES];
    for format in ALL {
        assert_eq!(parse(format, &bytes), Err(ParseError::NotUtf8 { line: 1 }));
    }
    bytes.push(0xff);
    for format in ALL {
        assert_eq!(parse(format, &bytes), Err(ParseError::TooLarge { bytes: MAX_BYTES + 1 }));
    }
}

#[test]
fn eight_levels_are_read_and_nine_are_refused() {
    let nested = |depth: usize| format!("{}1{}", "{\"k\":".repeat(depth), "}".repeat(depth));
    for format in [Format::Json, Format::Yaml] {
        assert_eq!(parse(format, nested(8).as_bytes()).unwrap().entries[0].key.len(), 8, "{format}");
        assert!(matches!(error(format, &nested(9)), ParseError::TooDeep { .. }), "{format}");
    }
    assert_eq!(parse(Format::Toml, b"a.b.c.d.e.f.g.h = 1").unwrap().entries[0].key.len(), 8);
    assert!(matches!(error(Format::Toml, "a.b.c.d.e.f.g.h.i = 1"), ParseError::TooDeep { .. }));
    for format in ALL {
        assert!(parse(format, "{\"k\":".repeat(200_000).as_bytes()).is_err());
        assert!(parse(format, format!("k = {}", "[".repeat(200_000)).as_bytes()).is_err());
    }
}

#[test]
fn what_has_no_names_is_refused() {
    for text in ["[1]", "\"x\"", "5", "null"] {
        assert_eq!(error(Format::Json, text), ParseError::NotAMap { format: Format::Json });
    }
    for text in ["- a\n", "just text\n", "5\n"] {
        assert_eq!(error(Format::Yaml, text), ParseError::NotAMap { format: Format::Yaml });
    }
    assert_eq!(error(Format::Yaml, "a: 1\n? [x]\n: 2\n"), ParseError::ComplexKey { line: 2 });
}

#[test]
fn broken_text_is_refused_with_its_place_and_without_its_content() {
    for (format, text, line) in [
        (Format::Json, "{\n\"a\": hunter2}", 2),
        (Format::Json, "{\"a\": \"hunter2\"} x", 1),
        (Format::Json, "{\"a\": \"hunter2", 1),
        (Format::Json, "{\"a\": 1,}", 1),
        (Format::Yaml, "a: 1\nb: 'hunter2\n", 0),
        (Format::Yaml, "a: 1\n\thunter2: 2\n", 2),
        (Format::Toml, "a = 1\nb = hunter2\n", 2),
        (Format::Toml, "a = 'hunter2", 1),
    ] {
        let error = error(format, text);
        let ParseError::Syntax { line: found, .. } = &error else { panic!("{text}: {error:?}") };
        assert!(line == 0 || *found == line, "{text}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn an_error_names_the_notation_as_it_is_written() {
    let of = |format: Format, text: &str| error(format, text).to_string();
    assert_eq!(of(Format::Json, "[1]"), "a JSON file to import must be a map of names to values");
    assert_eq!(of(Format::Yaml, "- a\n"), "a YAML file to import must be a map of names to values");
    assert_eq!(of(Format::Toml, "a = 1\na = 2\n"), "line 2, column 1 is not valid TOML");
    assert_eq!(Format::Dotenv.to_string(), "dotenv");
}

#[test]
fn too_many_values_are_refused_in_every_notation() {
    let json: Vec<String> = (0..10_001).map(|n| format!("\"k{n}\":1")).collect();
    assert_eq!(error(Format::Json, &format!("{{{}}}", json.join(","))), ParseError::TooManyEntries);
    let yaml: String = (0..10_001).map(|n| format!("k{n}: 1\n")).collect();
    assert_eq!(error(Format::Yaml, &yaml), ParseError::TooManyEntries);
    assert_eq!(error(Format::Toml, &yaml.replace(':', " =")), ParseError::TooManyEntries);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "(?s)([\\[\\]{}:,\"'&*!%<>|#=0-9a-c\\\\ \n\t.-]|.){0,80}") {
        for format in ALL {
            let _ = parse(format, text.as_bytes());
        }
    }
}

#[test]
fn notations_are_known_by_their_names() {
    use covault::model::formats::render::Output;
    for (name, format, output) in [
        ("dotenv", Some(Format::Dotenv), Some(Output::Dotenv)),
        ("env", Some(Format::Dotenv), Some(Output::Dotenv)),
        ("json", Some(Format::Json), Some(Output::Json)),
        ("yaml", Some(Format::Yaml), Some(Output::Yaml)),
        ("yml", Some(Format::Yaml), Some(Output::Yaml)),
        ("toml", Some(Format::Toml), Some(Output::Toml)),
        ("shell", None, Some(Output::Shell)),
        ("sh", None, Some(Output::Shell)),
        ("github", None, Some(Output::Github)),
        ("JSON", None, None),
        ("", None, None),
    ] {
        assert_eq!((Format::from_name(name), Output::from_name(name)), (format, output), "{name}");
    }
}

/// As sops 3.10, dotenvx 1.51 and their like write them, shortened.
#[test]
fn what_another_tool_has_encrypted_is_refused_and_never_kept_as_a_value() {
    const SOPS: &str = "ENC[AES256_GCM,data:Zm9v,iv:AAAA,tag:BBBB,type:str]";
    let sealed = format!("encrypted:{}", "BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt/".repeat(4));
    for (format, text, by) in [
        (Format::Yaml, format!("db:\n  url: {SOPS}\nsops:\n  mac: {SOPS}\n"), Sealer::Sops),
        (Format::Json, format!(r#"{{"plain": "x", "db": {{"url": "{SOPS}"}}}}"#), Sealer::Sops),
        // Lists are one value, and the file's MAC stands for all.
        (Format::Yaml, format!("urls:\n- {SOPS}\nsops:\n  mac: {SOPS}\n"), Sealer::Sops),
        (Format::Dotenv, format!("A={SOPS}\nsops_mac={SOPS}\n"), Sealer::Sops),
        (Format::Dotenv, format!("DOTENV_PUBLIC_KEY=\"02ab\"\nA=\"{sealed}=\"\n"), Sealer::Dotenvx),
        (Format::Yaml, "a: ENC[PKCS7,Y22exl+OvjDe+drmik2XEeD3VQtl1uZJXFFF]\n".to_owned(), Sealer::Eyaml),
        (Format::Yaml, "$ANSIBLE_VAULT;1.1;AES256\n623133\n".to_owned(), Sealer::AnsibleVault),
        (
            Format::Yaml,
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    a: AgBy3i4O\n"
                .to_owned(),
            Sealer::SealedSecrets,
        ),
    ] {
        match error(format, &text) {
            ParseError::Sealed { by: found, .. } => assert_eq!(found, by, "{text}"),
            other => panic!("{other}: {text}"),
        }
    }
    let all = [Sealer::Sops, Sealer::Dotenvx, Sealer::Eyaml, Sealer::AnsibleVault, Sealer::SealedSecrets];
    let called = ["sops", "dotenvx", "eyaml", "Ansible Vault", "Sealed Secrets"];
    assert_eq!(all.map(|sealer| sealer.to_string()), called);
    // What only begins so is a value like others.
    for value in [
        "encrypted:no",
        "ENC[AES256_GCM",
        "ENC[AES256_GCM,data:x]",
        "ENC[AES256_GCM,data:x,iv:y]",
        "ENC[x]",
        "ENC[PKCS7,no letters of base64]",
        "ENC[PKCS7,====]",
        "encrypted:a b",
    ] {
        assert_eq!(read(Format::Dotenv, &format!("A='{value}'\n")), [pair("A", value)]);
    }
}

#[test]
fn of_a_kubernetes_secret_the_data_is_taken() {
    let yaml = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  creationTimestamp: null\ntype: Opaque\ndata:\n  \
                password: aHVudGVyMg==\n  tls.crt: |\n    LS0tLS1C\n    RUdJTg==\n  both: b2xk\n  none:\nstringData:\n  \
                url: postgres://x\n  both: new\n";
    let parsed = parse(Format::Yaml, yaml.as_bytes()).unwrap();
    let wanted = [pair("password", "hunter2"), pair("tls.crt", "-----BEGIN"), pair("url", "postgres://x")];
    assert_eq!(texts(&parsed), [&wanted[..], &[pair("both", "new")]].concat());
    assert_eq!(parsed.entries[1].key, ["tls.crt"]);
    let warned: Vec<_> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned, ["both stands more than once, the last one was taken", "data.none is null and was skipped"]);

    let json = r#"{"apiVersion": "v1", "kind": "Secret", "data": {"raw": "/w=="}}"#;
    assert_eq!(parse(Format::Json, json.as_bytes()).unwrap().entries[0].value.as_slice(), b"\xff");
    let bad = "apiVersion: v1\nkind: Secret\ndata:\n  a: hunter2!\n";
    assert_eq!(error(Format::Yaml, bad), ParseError::NotBase64 { key: "data.a".into() });
    let list = "apiVersion: v1\nkind: List\nitems: []\nmetadata:\n  resourceVersion: ''\n";
    assert_eq!(error(Format::Yaml, list), ParseError::ObjectList);
    let sealed = "apiVersion: v1\nkind: Secret\ndata:\n  a: RU5DW1BLQ1M3LFkyMl0=\n";
    assert_eq!(error(Format::Yaml, sealed), ParseError::Sealed { key: "a".into(), by: Sealer::Eyaml });
    // Other files have such keys, too.
    let flat = r#"{"apiVersion": "v1", "kind": "Secret", "data.a": "b"}"#;
    assert_eq!(parse(Format::Json, flat.as_bytes()).unwrap().entries.len(), 3);
    for text in ["kind: Secret\ndata:\n  a: b\n", "apiVersion: v2\nkind: Config\ndata:\n  a: b\n"] {
        assert!(texts(&parse(Format::Yaml, text.as_bytes()).unwrap()).contains(&pair("data.a", "b")), "{text}");
    }
}

#[test]
fn several_yaml_documents_are_named_as_such() {
    assert_eq!(error(Format::Yaml, "a: 1\n---\nb: 2\n"), ParseError::SeveralDocuments);
    assert_eq!(error(Format::Yaml, "---\na: 1\n---\nb: 2\n"), ParseError::SeveralDocuments);
    assert_eq!(error(Format::Yaml, "a: 1\n---\nb: 2\n---\n"), ParseError::SeveralDocuments);
    assert_eq!(error(Format::Yaml, "a: 1\n--- b\n"), ParseError::SeveralDocuments);
    assert!(read(Format::Yaml, "---\n---\n").is_empty());
    // What is in a value begins no document.
    assert_eq!(read(Format::Yaml, "a: |\n  x\n  ---\n"), [pair("a", "x\n---\n")]);
    assert_eq!(read(Format::Yaml, "---\na: 1\n...\n"), [pair("a", "1")]);
}

#[test]
fn a_document_of_directives_alone_is_an_empty_one() {
    for text in ["%YAML 1.2\n---\n", "# a file\n%YAML 1.2\n---\n", "%YAML 1.2\n---\n# nothing\n"] {
        assert_eq!(read(Format::Yaml, text), [], "{text}");
    }
    assert_eq!(read(Format::Yaml, "%YAML 1.2\n---\na: b\n---\n"), [pair("a", "b")]);
}
