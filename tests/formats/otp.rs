//! One-time codes against RFC 6238.

use covault::model::otp::{OtpError, code, normalize};

const SHA1: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SHA256: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
const SHA512: &str =
    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";

#[test]
fn the_vectors_of_rfc_6238_appendix_b_hold() {
    for (time, sha1, sha256, sha512) in [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ] {
        for (algorithm, secret, digits) in
            [("SHA1", SHA1, sha1), ("SHA256", SHA256, sha256), ("SHA512", SHA512, sha512)]
        {
            let uri = format!("otpauth://totp/x?secret={secret}&algorithm={algorithm}&digits=8");
            assert_eq!(code(&uri, time).unwrap().digits, digits, "{algorithm} {time}");
            assert_eq!(code(&normalize(&uri, "x").unwrap(), time).unwrap().digits, digits, "{algorithm} {time}");
        }
    }
}

#[test]
fn a_bare_secret_becomes_an_address() {
    let wanted = "otpauth://totp/prod%2Fdb?secret=GEZDGNBVGY3TQOJQ";
    for input in ["GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq", " GEZD-GNBV-GY3T-QOJQ====\n"] {
        assert_eq!(normalize(input, "prod/db").unwrap().as_str(), wanted);
    }
    assert_eq!(normalize("GEZDGNBVGY3TQOJQ", "a:b").unwrap().as_str(), "otpauth://totp/a-b?secret=GEZDGNBVGY3TQOJQ");
    assert!(normalize("GEZDGNBVGY3TQOJQ", "").is_ok());
}

#[test]
fn an_address_keeps_what_it_says_and_is_stable() {
    let input = "otpauth://totp/ACME%20Co:john.doe@email.com?secret=hxdmvjecjjwsrb3hwizr4ifugftmxboz&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=60&image=x";
    let once = normalize(input, "other").unwrap();
    assert_eq!(
        once.as_str(),
        "otpauth://totp/ACME%20Co:john.doe%40email.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&issuer=ACME%20Co&period=60"
    );
    assert_eq!(normalize(&once, "other").unwrap(), once);
    assert_eq!(code(input, 1_000_000), code(&once, 1_000_000));
    let bare = normalize("OTPAUTH://TOTP/?secret=GEZDGNBVGY3TQOJQ&algorithm=HmacSHA256", "me").unwrap();
    assert_eq!(bare.as_str(), "otpauth://totp/me?secret=GEZDGNBVGY3TQOJQ&algorithm=SHA256");
    assert_eq!(
        normalize("otpauth://totp?secret=GEZDGNBVGY3TQOJQ", "me").unwrap().as_str(),
        "otpauth://totp/me?secret=GEZDGNBVGY3TQOJQ"
    );
}

#[test]
fn what_is_kept_has_a_code_or_is_refused_at_once() {
    let long = |letters: usize| format!("otpauth://totp/{}?secret=JBSWY3DPEHPK3PXP", "\u{4e2d}".repeat(letters));
    let kept = normalize(&long(800), "alice").unwrap();
    assert!(code(&kept, 0).is_ok(), "{} bytes", kept.len());
    assert_eq!(normalize(&long(1300), "alice").unwrap_err(), OtpError::Size);
}

#[test]
fn a_label_and_an_issuer_that_end_in_totp_are_no_kinds() {
    let bare = normalize("JBSWY3DPEHPK3PXP", "github/totp").unwrap();
    assert_eq!(bare.as_str(), "otpauth://totp/github%2Ftotp?secret=JBSWY3DPEHPK3PXP");
    assert_eq!(code(&bare, 0).unwrap().digits, "282760");
    for address in [
        "otpauth://totp/ACME:my-totp?secret=JBSWY3DPEHPK3PXP",
        "otpauth://totp/totp?secret=JBSWY3DPEHPK3PXP",
        "otpauth://totp?secret=JBSWY3DPEHPK3PXP&issuer=totp?",
        "otpauth://totp?issuer=a/totp?&secret=JBSWY3DPEHPK3PXP",
    ] {
        let kept = normalize(address, "me").unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(code(&kept, 0).unwrap().digits, "282760", "{address}");
    }
}

#[test]
fn what_is_exactly_as_long_as_allowed_is_taken() {
    assert!(normalize(&"A".repeat(4096), "x").is_ok());
    assert_eq!(normalize(&"A".repeat(4097), "x").err(), Some(OtpError::Size));
    let around = "otpauth://totp/?secret=JBSWY3DPEHPK3PXP".len();
    for (bytes, refusal) in [(8192, None), (8193, Some(OtpError::Size)), (8194, Some(OtpError::Size))] {
        let account = "a".repeat(bytes - around);
        assert_eq!(normalize("JBSWY3DPEHPK3PXP", &account).err(), refusal, "{bytes} bytes");
        let uri = format!("otpauth://totp/{account}?secret=JBSWY3DPEHPK3PXP");
        assert_eq!(code(&uri, 0).err(), refusal, "{bytes} bytes");
    }
    assert_eq!(code("", 0).err(), Some(OtpError::Size));
}

#[test]
fn short_secrets_work() {
    // 80 bits, as many providers hand out; the code is what Python's hmac gives.
    let uri = normalize("JBSWY3DPEHPK3PXP", "x").unwrap();
    assert_eq!(code(&uri, 0).unwrap().digits, "282760");
    assert!(code("otpauth://totp/x?secret=ME", 0).is_ok());
}

#[test]
fn a_code_says_how_long_it_is_good() {
    let uri = format!("otpauth://totp/x?secret={SHA1}");
    for (time, left) in [(0, 30), (1, 29), (29, 1), (30, 30)] {
        assert_eq!(code(&uri, time).unwrap().valid_for, left);
    }
    assert!(code(&uri, u64::MAX).is_ok());
    let a = code(&uri, 0).unwrap();
    assert_eq!(format!("{a:?}"), "Code { valid_for: 30, .. }");
    assert!(!format!("{a:?}").contains(&a.digits));
}

#[test]
fn what_is_no_totp_is_refused_by_name_and_not_repeated() {
    let secret = "secret=GEZDGNBVGY3TQOJQ";
    for (input, error) in [
        (String::new(), OtpError::Size),
        ("A".repeat(5000), OtpError::Size),
        ("hunter2!".into(), OtpError::NotBase32),
        ("GEZD1".into(), OtpError::NotBase32),
        ("====".into(), OtpError::NoSecret),
        (format!("otpauth://hotp/x?{secret}&counter=1"), OtpError::Hotp),
        (format!("otpauth://steam/x?{secret}"), OtpError::UnknownKind),
        ("otpauth://totp/hunter2".into(), OtpError::NoSecret),
        ("otpauth://totp/x?issuer=hunter2".into(), OtpError::NoSecret),
        ("otpauth://totp/x?secret=hunter2!".into(), OtpError::NotBase32),
        (format!("otpauth://totp/x?{secret}&{secret}"), OtpError::Malformed),
        (format!("otpauth://totp/x?{secret}&secret&period=30"), OtpError::Malformed),
        (format!("otpauth://totp/x?{secret}&s%65cret=GEZDGNBV"), OtpError::Malformed),
        (format!("otpauth://totp/x?{secret}&s%65cret=hunter2!"), OtpError::NotBase32),
        // What comes after a # is no part of the query.
        (format!("otpauth://totp/x?issuer=a#b&{secret}"), OtpError::NoSecret),
        (format!("otpauth://totp/x?{secret}&algorithm=MD5"), OtpError::Algorithm),
        (format!("otpauth://totp/x?{secret}&digits=5"), OtpError::Digits),
        (format!("otpauth://totp/x?{secret}&digits=10"), OtpError::Digits),
        (format!("otpauth://totp/x?{secret}&digits=hunter2"), OtpError::Digits),
        (format!("otpauth://totp/x?{secret}&period=0"), OtpError::Period),
        (format!("otpauth://totp/x?{secret}&period=99999999"), OtpError::Period),
        (format!("otpauth://totp/x?{secret}&period=hunter2"), OtpError::Period),
        (format!("otpauth://totp/%ff?{secret}"), OtpError::Malformed),
        (format!("otpauth://totp/a:b?{secret}&issuer=c"), OtpError::Malformed),
    ] {
        let found = normalize(&input, "x").unwrap_err();
        assert_eq!(found, error, "{input}");
        assert!(!found.to_string().contains("hunter2"));
    }
    assert_eq!(code("GEZDGNBVGY3TQOJQ", 0), Err(OtpError::Malformed));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s)(otpauth://(totp|x)/)?[a-z:%?&=0-9]{0,20}(\\?secret=[A-Z2-7]{0,9}&(digits|period|algorithm|issuer)=[0-9A-Z]{0,4})?.{0,5}", time: u64) {
        if let Ok(uri) = normalize(&text, "x") {
            proptest::prop_assert!(code(&uri, time).is_ok());
        }
        let _ = code(&text, time);
    }
}
