//! API keys at a provider: the commands, against the fake, with real git.

mod faults;
mod life;
mod place;
pub mod rig;
mod switch;
