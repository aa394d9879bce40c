//! What two branches made of one vault, brought together in real clones.

mod clones;
mod live;
mod rig;
mod roster;
mod settle;
