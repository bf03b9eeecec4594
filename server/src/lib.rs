//! One cloud of Ternion: everything that touches the world.
//!
//! `node` composes the services of one cloud; each feature folder shows one small face.

pub mod http;
