//! What Covault keeps of keys at providers is written so that it is read as the same.

use covault::model::keys::operation::Operation;
use covault::model::keys::record::{KeyRecord, Retired};
use covault::model::time::Time;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = Time::from_unix(1_790_000_000);
    if let Some(operation) = Operation::parse(text) {
        assert_eq!(Operation::parse(&operation.to_text()).as_ref(), Some(&operation));
        let _ = (operation.stage(), operation.is_retired(), operation.may_retire_from());
        let mut folded = operation.clone();
        if let Some(mint) = operation.mint {
            folded.fold_in(&mint, now);
        }
        assert_eq!(Operation::parse(&folded.to_text()).as_ref(), Some(&folded));
    }
    if let Ok(record) = serde_json::from_str::<KeyRecord>(text) {
        let again: KeyRecord = serde_json::from_str(&record.to_text()).expect("written by us");
        assert_eq!(again, record);
        let retired = Retired::from_record(&record, None, now, "it leaked");
        let again: Retired = serde_json::from_str(&retired.to_text()).expect("written by us");
        assert_eq!(again, retired);
        assert!(record.held(&[retired], now).len() <= record.limits.len(), "more limits than it was given");
    }
    if let Ok(retired) = serde_json::from_str::<Retired>(text) {
        let again: Retired = serde_json::from_str(&retired.to_text()).expect("written by us");
        assert_eq!(again, retired);
        assert!(retired.to_go().is_none_or(|key| key.id.is_some() && key.standing.may_work()));
    }
}
