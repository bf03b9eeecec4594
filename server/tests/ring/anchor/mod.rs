//! Anchors on chains, calendars and authorities that really run, set up here and ended here.

mod anvil;
mod authority;
mod bitcoin;
mod calendar;
mod desk;
mod ethereum;
mod explorer;
mod gate;
mod litecoin;
mod opentimestamps;
mod process;
mod responder;
