//! A manifest is read only as it would be written, and what follows from one is in order.

use covault::model::manifest::{MAX_ANCESTORS, Manifest};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let manifest = match Manifest::decode(text) {
        Ok(manifest) => manifest,
        Err(error) => return super::check_length(&error),
    };
    assert_eq!(manifest.encode(), text, "one spelling");
    let own = manifest.hash();
    assert!(manifest.next_revision() >= manifest.revision);
    let child = Manifest::ancestors_after(&[(own, manifest.clone())], &[]);
    assert!(child.len() <= MAX_ANCESTORS && child.first() == Some(&own.short()));
    let mut retold = Manifest { revision: manifest.next_revision(), parents: vec![own], ancestors: child, ..manifest };
    assert!(retold.has_consistent_ancestors() && retold.names_as_ancestor(own));
    if retold.revision > 1 {
        assert_eq!(Manifest::decode(&retold.encode()).as_ref(), Ok(&retold), "a child can be written");
    }
    let message = retold.message();
    retold.revision = retold.next_revision();
    assert_eq!(retold.message(), message, "the message does not say after what it was sealed");
}
