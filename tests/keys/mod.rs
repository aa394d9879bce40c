//! API keys at a provider: the commands, against the fake, with real git.

mod faults;
mod kills;
mod life;
mod place;
mod races;
pub mod rig;
mod schedules;
mod switch;
