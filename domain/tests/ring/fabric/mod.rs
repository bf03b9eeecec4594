//! Routing: the formulas against their vectors, three selectors under scripted
//! faults, and requests to providers as their own SDKs make them.

mod formulas;
mod simulation;
mod wire;
mod world;
