//! Routing: the formulas against their vectors, and three selectors under scripted faults.

mod formulas;
mod simulation;
mod world;
