//! Values by recipe: their shape, their bounds, and that no character is likelier than another.

use std::collections::BTreeMap;

use covault::model::generate::{BrokenRandomness, Recipe, RecipeError};
use sha2::{Digest as _, Sha256};

/// A fixed stream of bytes: SHA-256 of a counter.
fn stream(seed: u64) -> impl FnMut(&mut [u8]) {
    let (mut counter, mut held) = (0_u64, Vec::new());
    move |out| {
        for byte in out {
            if held.is_empty() {
                held = Sha256::digest([seed.to_le_bytes(), counter.to_le_bytes()].concat()).to_vec();
                counter += 1;
            }
            *byte = held.pop().unwrap();
        }
    }
}

fn made(recipe: &str) -> String {
    recipe.parse::<Recipe>().unwrap().generate(&mut stream(1)).unwrap().to_string()
}

#[test]
fn recipes_come_back_from_their_text() {
    for (text, recipe, display) in [
        ("", Recipe::Alphanumeric(32), "alnum:32"),
        ("32", Recipe::Alphanumeric(32), "alnum:32"),
        ("alnum", Recipe::Alphanumeric(32), "alnum:32"),
        ("alnum:20", Recipe::Alphanumeric(20), "alnum:20"),
        ("words:6", Recipe::Words(6), "words:6"),
        ("words", Recipe::Words(6), "words:6"),
        ("hex:64", Recipe::Hex(64), "hex:64"),
        ("ascii:40", Recipe::Ascii(40), "ascii:40"),
        ("base64:32", Recipe::Base64(32), "base64:32"),
        ("digits:6", Recipe::Digits(6), "digits:6"),
        ("uuid", Recipe::Uuid, "uuid"),
    ] {
        let parsed: Recipe = text.parse().unwrap();
        assert_eq!((parsed, parsed.to_string().as_str()), (recipe, display));
        assert_eq!(display.parse(), Ok(recipe));
    }
    assert_eq!(Recipe::default(), Recipe::Alphanumeric(32));
}

#[test]
fn lengths_have_bounds_and_nonsense_is_refused() {
    for text in ["7", "hex:7", "digits:3", "words:2", "words:25", "4097", "base64:0", "ascii:99999"] {
        assert!(matches!(text.parse::<Recipe>(), Err(RecipeError::Length { .. })), "{text}");
    }
    for text in [
        "x",
        "hex:",
        "hex:x",
        "hex:-8",
        "hex:+8",
        "hex:08",
        "uuid:4",
        " 32",
        "32 ",
        "99999999999999999999999",
        "WORDS:6",
        ":8",
    ] {
        assert!(matches!(text.parse::<Recipe>(), Err(RecipeError::Unknown { .. })), "{text}");
    }
    for text in ["8", "4096", "words:3", "words:24", "digits:4"] {
        assert!(text.parse::<Recipe>().is_ok(), "{text}");
    }
}

#[test]
fn values_have_the_shape_that_was_asked_for() {
    assert!(made("40").len() == 40 && made("40").bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(made("hex:64").len() == 64 && hex::decode(made("hex:64")).is_ok());
    assert!(made("digits:6").len() == 6 && made("digits:6").bytes().all(|b| b.is_ascii_digit()));
    assert!(made("ascii:40").len() == 40 && made("ascii:40").bytes().all(|b| b.is_ascii_graphic()));
    assert_eq!(made("base64:32").len(), 44);
    let list = bip39::Language::English.word_list();
    assert!(made("words:6").split('-').count() == 6 && made("words:6").split('-').all(|word| list.contains(&word)));
    let uuid = made("uuid");
    assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    assert_eq!(Recipe::Uuid.generate(&mut |out| out.fill(0)).unwrap().as_str(), "00000000-0000-4000-8000-000000000000");
    assert_eq!(
        Recipe::Uuid.generate(&mut |out| out.fill(255)).unwrap().as_str(),
        "ffffffff-ffff-4fff-bfff-ffffffffffff"
    );
}

#[test]
fn words_are_written_into_one_buffer() {
    // One that had to grow would leave words behind, unwiped. None has more than eight letters.
    let room = 24 * 9;
    let words = Recipe::Words(24).generate(&mut stream(1)).unwrap();
    assert!((room..room + 9).contains(&words.capacity()), "{} for {room}", words.capacity());
}

#[test]
fn every_character_is_equally_likely() {
    // The 99.99 % points of chi-square with 61, 93, 9, 15 and 2047 degrees of freedom; the stream is fixed.
    for (recipe, symbols, limit) in [
        (Recipe::Alphanumeric(4000), 62_usize, 111.1),
        (Recipe::Ascii(4000), 94, 152.0),
        (Recipe::Digits(4000), 10, 33.7),
        (Recipe::Hex(4000), 16, 44.3),
    ] {
        let mut counts: BTreeMap<char, u32> = BTreeMap::new();
        let mut next = stream(7);
        for _ in 0..50 {
            for c in recipe.generate(&mut next).unwrap().chars() {
                *counts.entry(c).or_default() += 1;
            }
        }
        check(counts.values(), symbols, 200_000.0, limit, &recipe);
    }
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut next = stream(9);
    for _ in 0..5000 {
        for word in Recipe::Words(20).generate(&mut next).unwrap().split('-') {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    check(counts.values(), 2048, 100_000.0, 2295.0, &Recipe::Words(20));
}

fn check<'a>(counts: impl ExactSizeIterator<Item = &'a u32>, symbols: usize, drawn: f64, limit: f64, recipe: &Recipe) {
    assert_eq!(counts.len(), symbols, "{recipe}");
    let each = drawn / symbols as f64;
    let chi_square: f64 = counts.map(|n| (f64::from(*n) - each).powi(2) / each).sum();
    assert!(chi_square < limit, "{recipe}: {chi_square}");
}

#[test]
fn a_biased_draw_would_have_been_seen() {
    // The same test on `byte % 62`, which is what rejection is there against.
    let mut next = stream(7);
    let mut counts = vec![0_u32; 62];
    for _ in 0..200_000 {
        let mut byte = [0];
        next(&mut byte);
        counts[usize::from(byte[0]) % 62] += 1;
    }
    let each = 200_000.0 / 62.0;
    let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - each).powi(2) / each).sum();
    assert!(chi_square > 1000.0, "{chi_square}");
}

#[test]
fn a_source_that_is_not_random_ends_in_an_error_and_never_in_a_loop() {
    assert_eq!(Recipe::default().generate(&mut |out| out.fill(255)).unwrap_err(), BrokenRandomness);
}

#[test]
fn entropy_is_told_in_bits() {
    for (recipe, bits) in [
        ("32", 190.5),
        ("words:6", 66.0),
        ("hex:64", 256.0),
        ("base64:32", 256.0),
        ("digits:6", 19.9),
        ("uuid", 122.0),
        ("ascii:40", 262.2),
    ] {
        assert!((recipe.parse::<Recipe>().unwrap().bits() - bits).abs() < 0.1, "{recipe}");
    }
}

#[test]
fn a_recipe_fits_what_it_makes_and_nothing_of_another_form() {
    let recipes = ["alnum:32", "ascii:40", "words:6", "hex:64", "base64:32", "digits:8", "uuid"];
    for recipe in recipes {
        let parsed: Recipe = recipe.parse().unwrap();
        let value = made(recipe);
        assert!(parsed.fits(&value), "{recipe}: {value}");
        for other in ["", "chosen by hand", &value[1..], &format!("{value}x"), &format!("{value} ")] {
            assert!(!parsed.fits(other), "{recipe}: {other}");
        }
        for other in recipes.iter().filter(|other| **other != recipe) {
            assert!(!parsed.fits(&made(other)), "{recipe}: {other}");
        }
    }
}
