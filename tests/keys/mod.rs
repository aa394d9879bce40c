//! API keys at a provider: the commands, against the fake, with real git.

mod alerts;
mod answered;
mod around;
mod beside;
mod branches;
mod elsewhere;
mod ensure;
mod faults;
mod forged;
mod given_up;
mod kills;
mod life;
mod limits;
mod listing;
mod login;
mod meanwhile;
pub mod place;
mod races;
pub mod rig;
mod schedules;
mod switch;
mod told;
mod usage;
