//! Evidence holds against who signed two histories, and nobody else can be blamed.

mod entry;
mod fork;
pub mod house;
mod vectors;
