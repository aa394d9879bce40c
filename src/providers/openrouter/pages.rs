//! Lists that come in pages by offset, newest first, while others make and delete what is in them.
//!
//! What is deleted moves all that is older towards the beginning, past an offset that was reached. So each page is asked
//! for from the last thing of the one before: where that comes again, nothing was passed over. Where it does not, the
//! listing begins again, and what only some passes saw is doubtful.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::Result;
use super::super::error::{Problem, ProviderError};
use super::wire::{self, Read};
use super::{Asked, NAME, OpenRouter};

/// More pages than anybody has.
const PAGES: usize = 10_000;
/// How often a listing is begun.
const PASSES: usize = 3;

/// What is listed.
pub(super) struct Listing {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) query: String,
}

/// What was found.
pub(super) struct Listed<T> {
    /// What the last pass saw, in its order.
    pub(super) certain: Vec<T>,
    /// What only earlier ones saw, where no pass was whole.
    pub(super) doubtful: Vec<T>,
}

impl<T> Listed<T> {
    /// All of it.
    pub(super) fn all(self) -> impl Iterator<Item = T> {
        self.certain.into_iter().chain(self.doubtful)
    }
}

/// One page.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    total_count: Option<u64>,
}

/// One walk through all pages.
struct Pass<T, K> {
    found: Vec<T>,
    places: BTreeMap<K, usize>,
    /// Nothing can have been passed over.
    whole: bool,
}

impl OpenRouter {
    /// Everything in a list, each once.
    pub(super) fn list_all<O: DeserializeOwned, T, K: Ord + Clone>(
        &self,
        listing: &Listing,
        read: impl Fn(O) -> Read<T>,
        id: impl Fn(&T) -> K,
    ) -> Result<Listed<T>> {
        let mut earlier: BTreeMap<K, T> = BTreeMap::new();
        for _ in 1..PASSES {
            let pass = self.pass(listing, &read, &id)?;
            if pass.whole {
                return Ok(Listed { certain: pass.found, doubtful: Vec::new() });
            }
            earlier.extend(pass.found.into_iter().map(|found| (id(&found), found)));
        }
        let last = self.pass(listing, &read, &id)?;
        let doubtful = earlier.into_iter().filter(|(id, _)| !last.whole && !last.places.contains_key(id));
        Ok(Listed { doubtful: doubtful.map(|(_, found)| found).collect(), certain: last.found })
    }

    fn pass<O: DeserializeOwned, T, K: Ord + Clone>(
        &self,
        listing: &Listing,
        read: &impl Fn(O) -> Read<T>,
        id: &impl Fn(&T) -> K,
    ) -> Result<Pass<T, K>> {
        let mut pass = Pass { found: Vec::new(), places: BTreeMap::new(), whole: true };
        let (mut offset, mut overlap, mut nothing_new) = (0_usize, None::<K>, 0);
        for _ in 0..PAGES {
            let path = format!("{}?{}&offset={offset}", listing.path, listing.query);
            let (page, total) = self.ask(Asked::get(listing.name, path), |body| {
                let page: Page<O> = wire::json(body)?;
                let items: Read<Vec<T>> = page.data.into_iter().map(read).collect();
                Ok((items?, page.total_count))
            })?;
            let length = page.len();
            let again = |last: &K| page.iter().any(|item| id(item) == *last);
            pass.whole &= overlap.as_ref().is_none_or(again);
            overlap = page.last().map(id);
            let before = pass.found.len();
            for item in page {
                if pass.places.insert(id(&item), pass.found.len()).is_none() {
                    pass.found.push(item);
                }
            }
            let counted = total.is_some_and(|total| u64::try_from(pass.found.len()).is_ok_and(|found| found == total));
            if length == 0 || (pass.whole && counted) {
                return Ok(pass);
            }
            if pass.found.len() == before {
                nothing_new += 1;
                // Only what we had is left of it, or the offset counts for nothing.
                if length == 1 || nothing_new == 2 {
                    return Ok(pass);
                }
            }
            // Pages of one have nothing to overlap with.
            let step = if length == 1 { 1 } else { length - 1 };
            overlap = overlap.filter(|_| length > 1);
            offset = offset.saturating_add(step);
        }
        let problem = Problem::Unreadable { status: 200, why: "pages without an end".to_owned() };
        Err(ProviderError { provider: NAME, call: listing.name, problem })
    }
}
