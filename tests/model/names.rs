//! Names, good and bad.

use covault::model::names::{
    DeviceLabel, FieldName, GroupName, MemberName, MetaName, NameError, Reference, SecretPath, Subject, TagName,
};
use proptest::prelude::*;

use super::world::cases;

#[test]
fn good_names_of_secrets_are_taken_as_they_are() {
    let (long, deep) = ("a".repeat(64), ["a"; 8].join("/"));
    let full = [long.as_str(), long.as_str(), &"a".repeat(50)].join("/");
    let good = [
        "a",
        "0",
        "prod/db",
        "prod/db.v2",
        "a-b_c.d",
        "9lives",
        "a..b",
        "a--",
        "a_",
        "x/y.z/w",
        "db.age2",
        "agent",
        "age",
        "console",
        "con-1",
        "xcon",
        "com",
        "com10",
        "comx",
        "lpt",
        "aux2",
        "nul_",
        "nulx.txt",
        &long,
        &deep,
        &full,
    ];
    assert_eq!(full.len(), 180);
    for name in good {
        let path = SecretPath::parse(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(path.as_str(), name);
        assert_eq!(path.to_string(), name);
        assert_eq!(SecretPath::from_file(&path.file()), Some(path.clone()));
        assert_eq!(path.folder().is_empty(), !name.contains('/'));
        assert!(name.ends_with(path.last_segment()));
    }
}

#[test]
fn bad_names_of_secrets_are_refused_for_the_right_reason() {
    let too_long = "a".repeat(65);
    let too_deep = ["a"; 9].join("/");
    let too_much = [&"a".repeat(64), &"a".repeat(64), &"a".repeat(51)].map(String::as_str).join("/");
    assert_eq!(too_much.len(), 181);
    let reason = |name: &str| match SecretPath::parse(name).unwrap_err() {
        NameError::Empty { .. } => "empty",
        NameError::TooLong { .. } => "long",
        NameError::Characters { .. } => "characters",
        NameError::TooDeep { .. } => "deep",
        NameError::Device { .. } => "device",
        NameError::FinalDot { .. } => "dot",
        NameError::FileSuffix { .. } => "suffix",
        NameError::Reference { .. } => "reference",
    };
    assert_eq!(reason(""), "empty");
    for name in [&too_long, &too_much, &format!("prod/{too_long}")] {
        assert_eq!(reason(name), "long", "{name}");
    }
    assert_eq!(reason(&too_deep), "deep");
    for name in ["a.", "prod./db", "prod/db.", "a/b../c"] {
        assert_eq!(reason(name), "dot", "{name}");
    }
    // In `secrets/`, the folder `db.age` would stand where the file of the secret `db` is.
    for name in ["db.age", "prod/db.age", "db.age/x", "a.age/b.age"] {
        assert_eq!(reason(name), "suffix", "{name}");
    }
    let devices = ["con", "prn", "aux", "nul", "com0", "com1", "com9", "lpt0", "lpt9"];
    for device in devices {
        for name in ["D", "D.txt", "D.tar.gz", "prod/D", "D/db", "prod/D.x/db"] {
            let name = name.replace('D', device);
            assert_eq!(reason(&name), "device", "{name}");
        }
    }
    let wrong = [
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "./a",
        ".git",
        "a/.git",
        ".gitattributes",
        "-a",
        "a/-b",
        "_a",
        "A",
        "Prod/db",
        "prod/DB",
        "a b",
        " a",
        "a ",
        "a\tb",
        "a\n",
        "\na",
        "a\0",
        "a\\b",
        "a:b",
        "a*",
        "a?",
        "a|b",
        "a<b",
        "a\"b",
        "a'b",
        "a$b",
        "a~1",
        "git~1",
        "a@b",
        "a%2fb",
        "c:",
        "a,b",
        "a+b",
        "a=b",
        "a#b",
        "a&b",
        "ä",
        "prod/дb",
        "а",
        "a\u{0301}",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{2044}b",
        "ａ",
        "ⅰ",
        "a\u{ff0f}b",
        "ſ",
        "K",
        "com\u{b9}",
        "\u{feff}a",
        "a\u{2024}b",
        "1\u{fe0f}",
        "conin$",
    ];
    for name in wrong {
        assert_eq!(reason(name), "characters", "{name:?}");
    }
}

#[test]
fn only_the_file_of_a_secret_names_a_secret() {
    assert_eq!(SecretPath::from_file("secrets/prod/db.age").unwrap().as_str(), "prod/db");
    let others = [
        "",
        "secrets/",
        "secrets/.age",
        "secrets/prod/.age",
        "prod/db.age",
        "secrets/prod/db",
        "secrets/Prod/db.age",
        "secrets/../roster.age",
        "secrets/prod//db.age",
        "secrets/prod/db.AGE",
        "Secrets/prod/db.age",
        "secrets/db.age.age",
        "secrets/db.age/x.age",
        "secrets/prod\\db.age",
        "/secrets/a.age",
        "secrets//a.age",
    ];
    for file in others {
        assert_eq!(SecretPath::from_file(file), None, "{file}");
    }
}

#[test]
fn a_journal_has_a_folder_of_its_own_and_no_secret_has_its_name() {
    let path = SecretPath::parse("journal/4f1d00aa00bb00cc").unwrap();
    assert_eq!(path.file(), "journal/4f1d00aa00bb00cc.age");
    assert_eq!(SecretPath::from_file(&path.file()), Some(path.clone()));
    assert!(path.is_journal());
    let others = [
        "journal.age",
        "journal/.age",
        "journal/x",
        "journal/X.age",
        "journal/a/b.age",
        "journal//a.age",
        "journal/../secrets/a.age",
        "journal/a.age.age",
        "Journal/a.age",
        "journals/a.age",
        "secrets/journal.age",
        "secrets/journal/x.age",
        "secrets/journal/a/b.age",
    ];
    for file in others {
        assert_eq!(SecretPath::from_file(file), None, "{file}");
    }
    // Whatever is below `journal` is no secret's, and what only begins like it is.
    for name in ["journal", "journal/a/b"] {
        let path = SecretPath::parse(name).unwrap();
        assert!(path.is_journal(), "{name}");
        assert_eq!(SecretPath::from_file(&path.file()), None, "{name}");
    }
    for name in ["journals", "journal.x/a", "journal-a", "prod/journal", "prod/journal/x"] {
        let path = SecretPath::parse(name).unwrap();
        assert!(!path.is_journal(), "{name}");
        assert_eq!(path.file(), format!("secrets/{name}.age"));
        assert_eq!(SecretPath::from_file(&path.file()), Some(path));
    }
}

#[test]
fn folders_are_listed_from_the_nearest() {
    let folders = |name| SecretPath::parse(name).unwrap().folders().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(folders("a/b/c"), ["a/b", "a"]);
    assert_eq!(folders("a"), [""; 0]);
}

#[test]
fn the_last_segment_is_what_stands_after_the_folder() {
    for (name, last) in [("db", "db"), ("prod/db", "db"), ("prod/eu.1/db.v2", "db.v2")] {
        assert_eq!(SecretPath::parse(name).unwrap().last_segment(), last);
    }
}

#[test]
fn other_names_have_their_own_rules() {
    type Accepts = fn(&str) -> bool;
    type Row<'a> = (&'a str, Accepts, usize, &'a [&'a str], &'a [&'a str]);
    let table: &[Row<'_>] = &[
        (
            "field",
            |t| FieldName::parse(t).is_ok_and(|n| n.as_str() == t && n.to_string() == t),
            64,
            &["a", "_", "PASSWORD", "a-b_c9", "A", "con", "value", "_9", "a-"],
            &["9a", "-a", "a.b", "a b", "a/b", "ä", "a\n", "a=b", "a\"", " a", "", "а", "$a"],
        ),
        (
            "metadatum",
            |t| MetaName::parse(t).is_ok_and(|n| n.as_str() == t),
            80,
            &["kind", "rotate-every", "generate-password"],
            &["9", "a.b", "", "é"],
        ),
        (
            "tag",
            |t| TagName::parse(t).is_ok_and(|n| n.as_str() == t),
            64,
            &["web", "2fa", "a-b_c", "0"],
            &["Web", "-a", "_a", "a.b", "a b", "", "ä"],
        ),
        (
            "member",
            |t| MemberName::parse(t).is_ok_and(|n| n.as_str() == t),
            48,
            &["alice", "bob.smith", "ci-1", "a", "0x", "a_b", "console"],
            // A member's request is a file of that name.
            &["Alice", ".a", "a.", "-a", "_a", "a b", "a/b", "", "ä", "a=b", "con", "aux", "nul.x", "com1", "lpt9.a"],
        ),
        (
            "group",
            |t| GroupName::parse(t).is_ok_and(|n| n.as_str() == t),
            48,
            &["dev", "ops.eu", "people2", "a", "inherited"],
            &["people", "inherit", "@dev", "Dev", "a.", "-a", "con", "", "a b"],
        ),
        (
            "device",
            |t| DeviceLabel::parse(t).is_ok_and(|n| n.as_str() == t),
            48,
            &["laptop", "a.", "con", "2"],
            &["Laptop", "a b", "", "-", "ä"],
        ),
    ];
    for (what, accepts, limit, good, bad) in table {
        good.iter().for_each(|name| assert!(accepts(name), "{what} {name:?}"));
        bad.iter().for_each(|name| assert!(!accepts(name), "{what} {name:?}"));
        assert!(accepts(&"a".repeat(*limit)), "{what}");
        assert!(!accepts(&"a".repeat(limit + 1)), "{what}");
    }
}

#[test]
fn a_subject_is_a_member_or_a_group() {
    let member = Subject::Member(MemberName::parse("bob").unwrap());
    let group = Subject::Group(GroupName::parse("bob").unwrap());
    for (text, subject) in [("bob", member), ("@bob", group)] {
        assert_eq!(Subject::parse(text).unwrap(), subject);
        assert_eq!(subject.to_string(), text);
    }
    assert!(Subject::parse("people").is_ok());
    for bad in ["", "@", "@@dev", "@people", "@inherit", "@ dev", " bob", "bob@", "Bob", "@Dev"] {
        assert!(Subject::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_reference_is_a_secret_or_one_of_its_fields() {
    let readings = |text: &str| {
        let reference = Reference::parse(text).unwrap();
        let readings = reference.readings();
        readings.map(|(path, field)| (path.to_string(), field.map(|f| f.to_string()))).collect::<Vec<_>>()
    };
    let (db, whole) = (("prod/db".to_owned(), None), ("prod/db/url".to_owned(), None));
    let url = ("prod/db".to_owned(), Some("url".to_owned()));
    assert_eq!(readings("covault://prod/db/url"), [whole.clone(), url.clone()]);
    assert_eq!(readings("prod/db/url"), [whole, url]);
    assert_eq!(readings("covault://prod/db/URL"), [("prod/db".to_owned(), Some("URL".to_owned()))]);
    assert_eq!(readings("prod/db.v2"), [("prod/db.v2".to_owned(), None)]);
    assert_eq!(readings("db"), [("db".to_owned(), None)]);
    assert_eq!(readings("prod/db"), [db, ("prod".to_owned(), Some("db".to_owned()))]);
    // As deep and as long as a secret may be, and a field on top.
    let deep = ["a"; 8].join("/");
    assert_eq!(readings(&format!("{deep}/b")), [(deep, Some("b".to_owned()))]);
    let long = ["a".repeat(64), "a".repeat(64), "a".repeat(50)].join("/");
    let field = "f".repeat(64);
    assert_eq!(readings(&format!("covault://{long}/{field}")), [(long, Some(field))]);
}

#[test]
fn the_text_of_a_reference_is_without_its_scheme() {
    for text in ["covault://prod/db/url", "prod/db/url"] {
        assert_eq!(Reference::parse(text).unwrap().as_str(), "prod/db/url", "{text}");
    }
}

#[test]
fn what_is_no_reference_is_refused() {
    let bad = [
        "",
        "covault://",
        "covault:///a",
        "covault:/a",
        "https://a/b",
        "covault://covault://a",
        "Covault://a",
        "a//b",
        "covault://a/",
        "covault://prod/db#url",
        "covault://prod/db?x=1",
        " covault://a",
        "covault://a ",
        "A",
        "Prod/db/url",
        "../x",
        "a/../b",
        "a\n",
        "covault://user@host/a",
    ];
    for text in bad {
        assert!(Reference::parse(text).is_err(), "{text:?}");
    }
    assert!(matches!(Reference::parse("Prod"), Err(NameError::Characters { .. })));
    assert!(matches!(Reference::parse("con/x"), Err(NameError::Device { .. })));
}

/// The rule once more, told in other words.
fn is_name(text: &str) -> bool {
    let segment = |s: &str| {
        let stem = s.split('.').next().unwrap();
        let numbered = |p| stem.strip_prefix(p).is_some_and(|n: &str| n.len() == 1 && n.parse::<u8>().is_ok());
        !s.is_empty()
            && s.len() <= 64
            && s.chars().all(|c| "abcdefghijklmnopqrstuvwxyz0123456789._-".contains(c))
            && !s.starts_with(['.', '_', '-'])
            && !s.ends_with('.')
            && !s.ends_with(".age")
            && !["con", "prn", "aux", "nul"].contains(&stem)
            && !numbered("com")
            && !numbered("lpt")
    };
    text.len() <= 180 && text.split('/').count() <= 8 && text.split('/').all(segment)
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        prop_assert_eq!(SecretPath::parse(&text).is_ok(), is_name(&text));
        prop_assert_eq!(SecretPath::from_file(&format!("secrets/{text}.age")).is_some(), is_name(&text));
        let _ = (FieldName::parse(&text), TagName::parse(&text), MemberName::parse(&text), DeviceLabel::parse(&text));
        if let Err(error) = Reference::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_name_is_taken_exactly_if_the_rule_allows_it(
        text in "((con|nul|aux|com[0-9]|a|b9|é|A|db)(\\.|-|_|\\.age|\\.txt|)|\\.|\\.\\.|)(/(lpt1|prn|x|y|[a-z]{60,66})(\\.|\\.age|\\.b|)){0,9}",
    ) {
        prop_assert_eq!(SecretPath::parse(&text).is_ok(), is_name(&text), "{}", text);
    }
}
