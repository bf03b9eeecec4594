//! To whom hashes are published: one small trait, and four clients that keep it.
//!
//! A client makes, sends and looks, and decides nothing: what is done next and what counts is
//! `domain::anchor::state`'s to say. What it says is in a block it has read back, rebuilt and
//! verified: only then there is a `Proven`.

mod authority;
mod bitcoin;
mod blocks;
mod calendars;
mod endpoint;
mod ethereum;
mod rpc;

use std::fmt;

use async_trait::async_trait;
use domain::anchor::Publisher;
use domain::anchor::explorer::ExplorerPage;
use domain::anchor::state::{Anchor, Attempt, Refusal, RefusalKind, Rules, Sighting, Unproven};
use domain::clock::Timestamp;
use domain::log::Hash;

pub use authority::{Authority, AuthorityError};
pub use bitcoin::{Bitcoin, BitcoinLimits, BitcoinNode};
pub use blocks::{Blocks, EXPLORERS_MIN, Explorers};
pub use calendars::Calendars;
pub use endpoint::{CallError, Endpoint, EndpointError, Login};
pub use ethereum::{AccountError, Ethereum, EthereumLimits};
pub use rpc::{Rpc, RpcError};

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub subject: Hash,
    pub number: u64,
    /// Made for the place of these, at a higher fee. Empty: for a place of its own.
    pub replaces: &'a [Attempt],
    /// Attempts of other anchors here whose places are taken.
    pub others: &'a [Attempt],
    /// What may still be spent this month, in the smallest unit. `None`: no limit is set.
    pub left: Option<u64>,
    pub now: Timestamp,
}

/// Why an act came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody answers, or not in a way that can be read: it is tried again soon.
    #[error("{0}")]
    Away(String),
    /// People must do something: it is tried again later.
    #[error("{0}")]
    Refused(Refusal),
}

impl Fault {
    fn refused(kind: RefusalKind, words: impl fmt::Display) -> Self {
        Fault::Refused(Refusal::new(kind, words))
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Fault::Away(error.to_string())
    }
}

impl From<RpcError> for Fault {
    fn from(error: RpcError) -> Self {
        Fault::Away(error.to_string())
    }
}

impl From<Unproven> for Fault {
    fn from(error: Unproven) -> Self {
        Fault::refused(RefusalKind::Unproven, format_args!("what was read back: {error}"))
    }
}

/// Somebody who keeps hashes. Every call ends within its deadline and is safe to repeat.
#[async_trait]
pub trait Publish: fmt::Debug + Send + Sync {
    fn publisher(&self) -> Publisher;

    fn rules(&self) -> Rules;

    /// Where it publishes, for people. Holds no secret.
    fn place(&self) -> String;

    /// The month's limit in the smallest unit.
    fn budget(&self) -> Option<u64> {
        None
    }

    /// Signs, and sends nothing.
    ///
    /// # Errors
    /// It cannot be made just now.
    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault>;

    /// Hands over bytes that are stored. `Ok` also when they are known already, or can no longer be
    /// taken: what became of them is then seen. Gives what came back, if that is part of the proof.
    ///
    /// # Errors
    /// Nobody answers, or it is refused.
    async fn send(&self, subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault>;

    /// Looks for the attempts of an anchor.
    ///
    /// # Errors
    /// Nobody answers, or what is found does not hold.
    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault>;

    /// Where people can look at a block of its chain, if that is a public one.
    fn explorers(&self, _height: u64) -> Vec<ExplorerPage> {
        Vec::new()
    }

    /// Certificates that the proof needs beside it, PEM.
    fn chain(&self) -> Option<Vec<u8>> {
        None
    }

    /// Asks whether it could publish now, and changes nothing: for `ternion doctor`.
    ///
    /// # Errors
    /// It could not, and why.
    async fn check(&self) -> Result<String, Fault>;
}
