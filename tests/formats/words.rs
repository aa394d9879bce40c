//! A hash as words.

use covault::model::words::{DEFAULT_WORDS, matches, words};

#[test]
fn words_are_the_first_bits_of_the_hash_eleven_at_a_time() {
    assert_eq!(words(&[0; 32], 3), "abandon-abandon-abandon");
    assert_eq!(words(&[255; 32], 2), "zoo-zoo");
    // bip39's own vector: 128 bits of 0x7f.., whose first eleven words need no checksum.
    assert_eq!(words(&[0x7f; 32], 11), "legal-winner-thank-year-wave-sausage-worth-useful-legal-winner-thank");
    let mut hash = [0; 32];
    hash[1] = 0b0010_0000; // the eleventh bit
    hash[2] = 0b0000_0100; // the last bit of the second word
    assert_eq!(words(&hash, 2), "ability-ability");
}

#[test]
fn any_number_of_words_is_brought_into_bounds() {
    assert_eq!(words(&[1; 32], 0).split('-').count(), 1);
    assert_eq!(words(&[1; 32], 1000).split('-').count(), 23);
    assert_eq!(words(&[1; 32], DEFAULT_WORDS).split('-').count(), 6);
}

#[test]
fn spoken_words_match_whatever_the_case_and_the_spaces() {
    let hash = [0x7f; 32];
    for text in [
        "legal-winner-thank-year-wave-sausage",
        "  Legal winner  THANK year\twave sausage\n",
        "legal winner thank year wave sausage worth",
    ] {
        assert!(matches(text, &hash), "{text}");
    }
}

#[test]
fn fewer_or_other_words_do_not_match() {
    let hash = [0x7f; 32];
    for text in [
        "",
        "legal",
        "legal-winner-thank-year-wave",
        "legal-winner-thank-year-wave-zoo",
        "winner-legal-thank-year-wave-sausage",
        "legalwinner",
    ] {
        assert!(!matches(text, &hash), "{text}");
    }
}
