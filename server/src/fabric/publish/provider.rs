//! What a provider can be asked, whichever it is.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::publish::Invalid;
use domain::fabric::publish::cloudflare::DnsRecord;
use domain::fabric::publish::cloudflare::balancer::Part;
use domain::fabric::publish::difference::{Entry, Step};
use domain::fabric::publish::plan::Target;
use domain::fabric::publish::route53::{Fence, RecordSet};

/// A record at one of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Route53(RecordSet),
    Cloudflare(DnsRecord),
    /// Of Cloudflare's load balancer.
    Balancer(Part),
}

impl Entry for Record {
    fn key(&self) -> String {
        match self {
            Record::Route53(record) => record.key(),
            Record::Cloudflare(record) => record.key(),
            Record::Balancer(part) => part.key(),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Route53(record) => record.fmt(out),
            Record::Cloudflare(record) => record.fmt(out),
            Record::Balancer(part) => part.fmt(out),
        }
    }
}

/// What is there of the service's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub records: Vec<Record>,
    /// The provider's own ids, by key.
    pub ids: BTreeMap<String, String>,
    /// Who wrote last.
    pub token: Option<u64>,
    pub writer: Option<Cloud>,
    /// Whoever wrote last is not done: it writes at this moment, or has stopped half-way.
    pub under_way: bool,
}

/// Why a call came to nothing. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The same call may be taken later.
    #[error("{why}")]
    Passing { why: String, wait_ms: Option<u64> },
    /// People must do something.
    #[error("{0}")]
    Refused(String),
}

/// A provider of DNS. Every call ends within its deadline and is safe to repeat.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// Where it publishes, for people. Holds no secret.
    fn place(&self) -> String;

    /// Can it give one cloud more of the traffic than another? If not, it cannot follow capacities.
    fn deals_by_weight(&self) -> bool;

    /// Which records there should be.
    ///
    /// # Errors
    /// The settings make one that the provider would refuse.
    fn wanted(
        &self,
        targets: &[Target],
        addresses: &PerCloud<Vec<IpAddr>>,
    ) -> Result<Vec<Record>, Invalid>;

    /// # Errors
    /// Nobody answers, or not in a way that can be read.
    async fn read(&self) -> Result<Found, Fault>;

    /// Takes the steps if nobody else has written since `found`: all or none of them where the
    /// provider can, else in an order of which every part may be the last. Without steps, it ends
    /// what is under way.
    ///
    /// # Errors
    /// Nobody answers, or it is refused. What became of it is then read.
    async fn apply(&self, steps: &[Step<Record>], found: &Found, fence: Fence)
    -> Result<(), Fault>;
}
