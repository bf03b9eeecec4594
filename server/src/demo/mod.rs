//! The demonstration: three clouds on one machine, each a process of its own.
