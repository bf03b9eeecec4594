//! The console: what the screens ask of this node.
