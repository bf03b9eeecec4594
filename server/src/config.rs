//! One typed configuration: file, environment, flags.
