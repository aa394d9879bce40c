//! API keys at a provider: the commands, against the fake, with real git.

mod life;
pub mod rig;
mod switch;
