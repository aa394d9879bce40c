//! Google's Wycheproof vectors against our verifying and our unwrapping.

use age_core::primitives::{aead_encrypt, hkdf};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bech32::{Bech32, Hrp};
use covault::model::card::SigningPublic;
use covault::seal::{Identity, SealError, VerifyingPublic, open_foreign};
use wycheproof::TestResult;

use super::forge::{MAGIC, stanza};

#[test]
fn ed25519_signatures_are_judged_as_the_vectors_say() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in set.test_groups {
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        blob.extend_from_slice(&group.key.pk);
        let key = VerifyingPublic::parse(&SigningPublic(STANDARD.encode(blob)));
        for test in group.tests {
            // A signature of another length never reaches the check: the blob's parser refuses it.
            let accepted = match <&[u8; 64]>::try_from(test.sig.as_slice()) {
                Ok(signature) => key.as_ref().is_ok_and(|key| key.verify(&test.msg, signature).is_ok()),
                Err(_) => false,
            };
            assert_eq!(accepted, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            if accepted { good += 1 } else { bad += 1 }
        }
    }
    eprintln!("wycheproof: {good} signatures accepted, {bad} refused");
    assert!(good > 80 && bad > 50);
}

/// A stanza is made from the vector's shared secret; whether it opens shows whether we compute the same one.
#[test]
fn x25519_stanzas_are_opened_with_the_vectors_shared_secret() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let private: [u8; 32] = test.private_key.as_slice().try_into().unwrap();
        let hrp = Hrp::parse("age-secret-key-").unwrap();
        let identity = Identity::parse(&bech32::encode_upper::<Bech32>(hrp, &private).unwrap()).unwrap();
        let own = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(private));
        let salt = [test.public_key.as_slice(), own.as_bytes()].concat();
        let key = hkdf(&salt, b"age-encryption.org/v1/X25519", &test.shared_secret);
        let body = aead_encrypt(&key, &[0x42; 16]);
        let share = STANDARD_NO_PAD.encode(&test.public_key);
        let mut file = [MAGIC.to_vec(), stanza(&format!("X25519 {share}"), &body)].concat();
        file.extend_from_slice(format!("--- {}\n", "A".repeat(43)).as_bytes());
        let error = open_foreign(&file, &identity.into()).unwrap_err();
        let zero = test.shared_secret.iter().all(|b| *b == 0);
        // The stanza opens, and the MAC, which is none, is what is refused next.
        let wanted = if zero { SealError::LowOrderShare } else { SealError::HeaderMac };
        assert_eq!(error, wanted, "{}: {}", test.tc_id, test.comment);
        if zero { refused += 1 } else { opened += 1 }
    }
    eprintln!("wycheproof: {opened} stanzas opened, {refused} refused");
    assert!(opened > 400 && refused > 10);
}
