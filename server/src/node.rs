//! Composition: builds every service of one cloud and runs it.
