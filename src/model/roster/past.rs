//! The entries of a chain with the state after each: there at once where the chain was added up, and worked out when
//! somebody asks where only its sum was remembered.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::super::bytes::Hash;
use super::chain::Roster;
use super::entry;
use super::merge::Points;
use super::weigh::Point;

/// Every entry of a chain, and every embedded one.
#[derive(Debug, Clone)]
pub(super) struct Past {
    points: OnceLock<Points>,
    /// What there is before somebody asks for a state.
    unread: Option<Arc<Unread>>,
}

/// A chain of which only the sum was read.
#[derive(Debug)]
struct Unread {
    /// The roster's file.
    file: Arc<Vec<u8>>,
    /// The numbers of the embedded entries.
    embedded: HashMap<Hash, u64>,
}

impl Past {
    /// All of it.
    pub(super) fn of(points: Points) -> Self {
        Self { points: OnceLock::from(points), unread: None }
    }

    /// That of a chain whose sum was read: its file, and the numbers of the entries that it embeds.
    pub(super) fn unread(file: Arc<Vec<u8>>, embedded: HashMap<Hash, u64>) -> Self {
        Self { points: OnceLock::new(), unread: Some(Arc::new(Unread { file, embedded })) }
    }

    /// The number of an entry; `chain` are the chain's own ones in their order.
    pub(super) fn seq(&self, chain: &[Hash], entry: Hash) -> Option<u64> {
        if let Some(points) = self.points.get() {
            return points.get(&entry).map(|point| point.seq);
        }
        // Heads are asked about, which are at the end.
        let own = chain.iter().rposition(|own| *own == entry);
        own.map(|seq| seq as u64).or_else(|| self.unread.as_ref()?.embedded.get(&entry).copied())
    }

    /// The numbers of the embedded entries, sorted.
    pub(super) fn embedded(&self, chain: &[Hash]) -> Vec<(Hash, u64)> {
        let own: std::collections::HashSet<&Hash> = chain.iter().collect();
        let mut embedded: Vec<_> = match (self.points.get(), &self.unread) {
            (None, Some(unread)) => unread.embedded.iter().map(|(hash, seq)| (*hash, *seq)).collect(),
            _ => self.points().iter().map(|(hash, point)| (*hash, point.seq)).collect(),
        };
        embedded.retain(|(hash, _)| !own.contains(hash));
        embedded.sort_unstable();
        embedded
    }

    /// Every entry with the state after it.
    pub(super) fn points(&self) -> &Points {
        self.points.get_or_init(|| self.unread.as_ref().map(|unread| add_up(&unread.file)).unwrap_or_default())
    }

    /// Adds an entry.
    pub(super) fn insert(&mut self, entry: Hash, point: Point) {
        self.extend(Points::from([(entry, point)]));
    }

    /// Adds entries.
    pub(super) fn extend(&mut self, more: Points) {
        self.points();
        let mut points = std::mem::take(&mut self.points).into_inner().unwrap_or_default();
        points.extend(more);
        *self = Self::of(points);
    }
}

/// What was not read yet makes no difference.
impl PartialEq for Past {
    fn eq(&self, other: &Self) -> bool {
        self.points() == other.points()
    }
}

impl Eq for Past {}

/// The file was added up once, when its sum was taken; where it cannot be now there is no state of the past, and what
/// asks for one is refused.
fn add_up(file: &[u8]) -> Points {
    let entries = entry::decode(file).ok();
    let roster = entries.and_then(|entries| Roster::from_entries(&entries).ok());
    roster.and_then(|roster| roster.past.points.into_inner()).unwrap_or_default()
}
