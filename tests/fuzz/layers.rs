//! The layers of Covault that read other people's bytes, from where they lie: `use covault::…` means the same here and there.

#[path = "../../src"]
mod src {
    pub mod model;
    pub mod plaintext;
    #[cfg(feature = "answers")]
    pub mod providers;
    pub mod seal;
}

#[cfg(feature = "answers")]
pub use src::providers;
pub use src::{model, plaintext, seal};
