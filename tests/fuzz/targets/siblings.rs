//! A file of siblings is read only as it would be bundled; what is peeked at in any file is no more than is in it.

use covault::seal::{MAX_STORED, bundle, is_siblings, members, peek_format, peek_manifest, peek_manifests};

pub fn run(data: &[u8]) {
    let _ = (peek_format(data), peek_manifest(data), peek_manifests(data));
    match members(data) {
        Ok(found) => {
            assert!(found.iter().map(|member| member.len()).sum::<usize>() <= data.len());
            assert!(!is_siblings(data) || found.len() > 1, "siblings of one");
            let again = bundle(found.iter().map(|member| member.to_vec()).collect()).expect("bundled once already");
            assert!(again == data, "one spelling");
        }
        Err(error) => super::check_length(&error),
    }
    // Any parts make a bundle that is taken apart into the same.
    let mut parts: Vec<Vec<u8>> = data.split(|byte| *byte == b'|').map(<[u8]>::to_vec).collect();
    parts.sort();
    parts.dedup();
    if parts.len() < 2 {
        return;
    }
    if let Ok(bundled) = bundle(parts.clone()) {
        assert!(bundled.len() <= MAX_STORED);
        match members(&bundled) {
            Ok(mut found) => {
                found.sort_unstable();
                assert_eq!(found, parts);
            }
            // A bundle in a bundle is none.
            Err(_) => assert!(parts.iter().any(|part| is_siblings(part))),
        }
    }
}
