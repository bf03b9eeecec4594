//! Programs of others are told what needs people: messages signed as Standard Webhooks has it, at least
//! once each.
//!
//! ```text
//! domain::pricing::book ─► notices ─► webhook_message ─► POST, signed ─► delivered
//!      (FINAL events)       tell          (the outbox)  deliver  │
//!                                            ▲                   │ not 2xx: back-off with jitter
//!                                            └───────────────────┘ after three days: dead, and shown
//! ```
//! A cloud tells what it recorded itself, so each message has one sender and no cloud has to be
//! elected. All clouds are configured with the same receivers. A receiver that gets a message twice
//! (an answer was lost, or two clouds recorded one application) knows it by its `webhook-id`.
//!
//! Known limits. What a cloud recorded and had not sent waits until that cloud runs again. A message
//! is not held back because an earlier one to the same receiver waits.

mod deliver;
mod store;
mod tell;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::webhook::{BadSecret, Secret};
use reqwest::{Client, Url};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use store::{Dead, Standing};

use crate::config::Webhook;
use crate::keys::{self, KeyError};
use crate::outside;
use crate::projection::Projection;

/// Longest that a receiver may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("webhook \"{name}\": {cause}")]
    File { name: String, cause: KeyError },
    #[error("webhook \"{name}\": {}: {cause}", file.display())]
    Secret { name: String, file: std::path::PathBuf, cause: BadSecret },
    #[error("webhook \"{0}\": the address must be https, or http to this machine")]
    Address(String),
    #[error("webhook \"{name}\": TLS cannot be set up on this machine: {cause}")]
    Client { name: String, cause: reqwest::Error },
}

/// A program that is told.
pub struct Receiver {
    name: String,
    url: Url,
    secret: Secret,
    client: Client,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Receiver({}, {})", self.name, self.place())
    }
}

impl Receiver {
    /// # Errors
    /// The address carries no secret safely, or this machine cannot call it.
    pub fn new(name: String, url: &str, secret: Secret) -> Result<Self, WebhookError> {
        let Ok(url) = outside::address(url) else { return Err(WebhookError::Address(name)) };
        match outside::client(&url, ANSWER_WAIT) {
            Ok(client) => Ok(Receiver { name, url, secret, client }),
            Err(cause) => Err(WebhookError::Client { name, cause }),
        }
    }

    fn of(wanted: &Webhook) -> Result<Self, WebhookError> {
        let name = || wanted.name.clone();
        let text = keys::read_private(&wanted.secret_file);
        let text = text.map_err(|cause| WebhookError::File { name: name(), cause })?;
        let secret = Secret::read(&text).map_err(|cause| {
            let file = wanted.secret_file.clone();
            WebhookError::Secret { name: name(), file, cause }
        })?;
        Receiver::new(name(), wanted.url.expose(), secret)
    }

    /// Where it is, for people: the rest of the address may be a secret.
    fn place(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
}

/// The receivers of a configuration.
///
/// # Errors
/// A file with a secret cannot be read, or an address cannot be used.
pub fn receivers(wanted: &[Webhook]) -> Result<Vec<Receiver>, WebhookError> {
    wanted.iter().map(Receiver::of).collect()
}

/// What it is built from.
#[derive(Debug)]
pub struct Setup {
    pub me: Cloud,
    pub projection: Arc<Projection>,
    pub pool: PgPool,
    pub receivers: Vec<Receiver>,
    /// Where people reach this cloud: messages link to it.
    pub url: String,
}

/// The face: one a node.
#[derive(Debug)]
pub struct Webhooks {
    me: Cloud,
    projection: Arc<Projection>,
    pool: PgPool,
    receivers: Vec<Receiver>,
    url: String,
}

/// Tells and delivers until `stop`. Without receivers it forgets what earlier ones left, and ends.
pub fn start(setup: Setup, stop: &CancellationToken, tasks: &mut JoinSet<()>) -> Arc<Webhooks> {
    let Setup { me, projection, pool, receivers, url } = setup;
    let webhooks = Arc::new(Webhooks { me, projection, pool, receivers, url });
    tasks.spawn(Arc::clone(&webhooks).tell(stop.clone()));
    for place in 0..webhooks.receivers.len() {
        tasks.spawn(Arc::clone(&webhooks).deliver(place, stop.clone()));
    }
    webhooks
}

impl Webhooks {
    /// How each receiver stands, for people.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn standing(&self, now: Timestamp) -> Result<Vec<Standing>, sqlx::Error> {
        let mut all = Vec::with_capacity(self.receivers.len());
        for receiver in &self.receivers {
            let place = receiver.place();
            all.push(store::standing(&self.pool, &receiver.name, place, now).await?);
        }
        Ok(all)
    }
}
