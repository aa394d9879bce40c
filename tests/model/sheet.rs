//! The sheet that somebody edits: what it shows is what it reads, and what has no place on it is named.

use covault::model::names::{FieldName, MetaName, TagName};
use covault::model::sheet::Sheet;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::world::cases;

fn name(text: &str) -> FieldName {
    FieldName::parse(text).unwrap()
}

fn sheet(secret: &[(&str, &str)], plain: &[(&str, &str)]) -> Sheet {
    let of = |fields: &[(&str, &str)]| {
        fields.iter().map(|(field, text)| (name(field), Zeroizing::new((*text).to_owned()))).collect()
    };
    Sheet {
        secret: of(secret),
        plain: of(plain),
        meta: [(MetaName::parse("expires").unwrap(), "2027-01-01".to_owned())].into(),
        tags: ["db", "web"].map(|tag| TagName::parse(tag).unwrap()).into(),
        kept: [].into(),
    }
}

#[test]
fn a_sheet_is_toml_that_a_person_can_read() {
    let sheet = sheet(&[("key", "two\nlines\n"), ("password", "hunter \"2\"")], &[("user", "app")]);
    let text = sheet.to_text("prod/db");
    let told: Vec<_> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(
        told,
        [
            "tags = [\"db\", \"web\"]",
            "[secret]",
            "key = '''",
            "two",
            "lines",
            "'''",
            "password = 'hunter \"2\"'",
            "[plain]",
            "user = \"app\"",
            "[meta]",
            "expires = \"2027-01-01\""
        ]
    );
    assert!(text.starts_with("# prod/db\n"), "{}", &*text);
    assert_eq!(Sheet::parse(&text).unwrap(), Some(sheet));
}

#[test]
fn what_is_no_text_is_told_of_and_not_read_again() {
    let mut sheet = sheet(&[("password", "hunter2")], &[]);
    sheet.kept.insert(name("blob"), 3000);
    let text = sheet.to_text("prod/db");
    assert!(text.contains("[secret]\n# blob: 3000 bytes, kept as it is\npassword"), "{}", &*text);
    let read = Sheet::parse(&text).unwrap().unwrap();
    assert!(read.kept.is_empty() && read.secret == sheet.secret);
    assert_eq!(read.onto(&read, &sheet).0.kept, sheet.kept, "it is told of on the next sheet, too");
}

#[test]
fn a_value_stands_on_several_lines_only_where_that_says_the_same() {
    let of = |value: &str| sheet(&[("value", value)], &[]);
    for (value, block) in [
        ("a\nb", true),
        ("one line", false),
        ("quotes '''\nin it", false),
        ("a quote at the end\n'", false),
        ("a tab\t\nin it", false),
        ("a return\r\nin it", false),
        ("\n", true),
    ] {
        let sheet = of(value);
        let text = sheet.to_text("a");
        assert_eq!(text.contains("value = '''\n"), block, "{value:?}: {}", &*text);
        assert_eq!(Sheet::parse(&text).unwrap(), Some(sheet), "{value:?}");
    }
}

#[test]
fn a_sheet_that_says_nothing_is_none_and_one_that_says_too_much_is_refused() {
    for empty in ["", "\n \n", "# a\n  # b\n"] {
        assert_eq!(Sheet::parse(empty).unwrap(), None, "{empty:?}");
    }
    assert_eq!(Sheet::parse("# a\n[secret]\n").unwrap(), Some(Sheet::default()));
    for (text, why) in [
        ("[secret]\na = \"b\"\n[plain]\na = \"b\"\n", "'a' stands under secret and under plain"),
        ("[secret]\na = 1\n", "'a' on the sheet must be text in quotes"),
        ("[meta]\nexpires = 2027\n", "'expires' on the sheet must be text in quotes"),
        ("tags = [1]\n", "'tags' on the sheet must be text in quotes"),
        ("[fields]\na = \"b\"\n", "the sheet has no place for 'fields'"),
        ("secret = \"b\"\n", "the sheet has no place for 'secret'"),
        ("tags = []\n\n[secret]\na = hunter2\n", "line 4 of the sheet is no TOML"),
    ] {
        assert_eq!(Sheet::parse(text).unwrap_err().to_string(), why, "{text:?}");
    }
    assert!(Sheet::parse("[secret]\n\"a b\" = \"c\"\n").is_err());
}

#[test]
fn what_one_did_to_a_sheet_is_done_to_what_another_left_of_it() {
    let base = sheet(&[("password", "old"), ("token", "old")], &[("user", "app")]);
    let theirs = || sheet(&[("password", "theirs"), ("token", "old")], &[("user", "app"), ("port", "1")]);
    for (mine, secret, plain, both) in [
        // Nothing of mine: theirs stays.
        (sheet(&[("password", "old"), ("token", "old")], &[("user", "app")]), theirs().secret, theirs().plain, ""),
        (
            sheet(&[("password", "old"), ("token", "new")], &[("owner", "me")]),
            sheet(&[("password", "theirs"), ("token", "new")], &[]).secret,
            sheet(&[], &[("owner", "me"), ("port", "1")]).plain,
            "",
        ),
        (sheet(&[("password", "theirs"), ("token", "old")], &[("user", "app")]), theirs().secret, theirs().plain, ""),
        (
            sheet(&[("password", "mine"), ("token", "old")], &[("user", "app"), ("port", "2")]),
            sheet(&[("password", "mine"), ("token", "old")], &[]).secret,
            sheet(&[], &[("user", "app"), ("port", "2")]).plain,
            "password, port",
        ),
        (
            sheet(&[("token", "old")], &[("user", "app")]),
            sheet(&[("token", "old")], &[]).secret,
            theirs().plain,
            "password",
        ),
        // A field that is no secret any more is not one beside that.
        (
            sheet(&[("token", "old")], &[("user", "app"), ("password", "old")]),
            sheet(&[("token", "old")], &[]).secret,
            sheet(&[], &[("user", "app"), ("port", "1"), ("password", "old")]).plain,
            "password",
        ),
    ] {
        let (joined, named) = mine.onto(&base, &theirs());
        assert_eq!(named.join(", "), both);
        assert!(joined.secret == secret && joined.plain == plain, "{}", &*joined.to_text("joined"));
    }
}

#[test]
fn tags_and_metadata_of_two_people_are_joined_and_what_is_gone_stays_gone() {
    let tags = |names: &[&str]| names.iter().map(|tag| TagName::parse(tag).unwrap()).collect::<Vec<_>>();
    let meta = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, text)| (MetaName::parse(name).unwrap(), (*text).to_owned())).collect()
    };
    let of = |names, pairs| Sheet { tags: tags(names), meta: meta(pairs), ..sheet(&[("a", "1"), ("b", "1")], &[]) };
    let base = of(&["db", "web"], &[("url", "old"), ("owner", "ops")]);
    let mine = of(&["db", "eu"], &[("url", "mine")]);
    let theirs = of(&["web", "us"], &[("url", "theirs"), ("owner", "ops"), ("kind", "login")]);
    let (joined, both) = mine.onto(&base, &theirs);
    assert_eq!(joined.tags, tags(&["eu", "us"]));
    assert_eq!(joined.meta, meta(&[("url", "mine"), ("kind", "login")]));
    assert_eq!(both, ["url"]);
    // They deleted it: what is left is what I changed.
    let mut mine = base.onto(&base, &base).0;
    mine.secret.insert(name("b"), Zeroizing::new("2".to_owned()));
    let (joined, both) = mine.onto(&base, &Sheet::default());
    assert_eq!(
        (joined, both),
        (Sheet { secret: sheet(&[("b", "2")], &[]).secret, ..Sheet::default() }, vec!["b".to_owned()])
    );
}

#[test]
fn a_sheet_shows_no_value_by_accident() {
    assert_eq!(format!("{:?}", sheet(&[("password", "hunter22")], &[])), "Sheet(redacted)");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn every_sheet_comes_back(secret in any::<String>(), plain in "[a'\n\r\t\\x00-\\x20]{0,12}") {
        let sheet = sheet(&[("one", &secret), ("two", &plain)], &[("three", &plain)]);
        let text = sheet.to_text("a");
        prop_assert_eq!(Sheet::parse(&text).unwrap(), Some(sheet));
    }
}
