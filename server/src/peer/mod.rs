//! Signed messages between clouds: the one channel on which a cloud hears another.
//!
//! Every message and every answer is signed by its sender's transport key, over the path, the
//! sender, the receiver and the body, and verified strictly against the pinned roster.

use domain::cloud::{Cloud, PerCloud};
use std::sync::Arc;

use crate::keys::{CloudKeys, Roster};

/// The way to the other clouds.
#[derive(Debug)]
pub struct Channel {
    pub me: Cloud,
    pub roster: Arc<Roster>,
    pub keys: Arc<CloudKeys>,
    /// Where each peer listens, such as `http://127.0.0.1:3001`.
    pub urls: PerCloud<Option<String>>,
    pub client: reqwest::Client,
}

/// A message was not delivered or not understood.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("{0} has no address in the configuration")]
    NoAddress(Cloud),
    #[error("{cloud} cannot be reached: {cause}")]
    Unreachable { cloud: Cloud, cause: String },
    #[error("{cloud} answered {status}: {detail}")]
    Refused { cloud: Cloud, status: u16, detail: String },
    #[error("the answer of {cloud} is not signed by it")]
    BadSignature { cloud: Cloud },
    #[error("the answer of {cloud} cannot be read: {cause}")]
    Malformed { cloud: Cloud, cause: String },
}
