//! Anchors on chains, calendars and authorities that really run, set up here and ended here.

pub mod anvil;
mod authority;
mod bitcoin;
mod calendar;
mod desk;
mod ethereum;
mod explorer;
mod gate;
pub mod litecoin;
mod opentimestamps;
pub mod process;
mod responder;
