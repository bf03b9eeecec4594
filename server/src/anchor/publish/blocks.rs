//! Who says which blocks of Bitcoin are in the chain: a node of ours, or explorers that agree.
//!
//! Calendars promise a block; the block's header must come from somebody else.

use std::fmt;

use async_trait::async_trait;
use domain::anchor::Source;
use domain::anchor::bitcoin::{Header, KnownHeader};
use reqwest::Method;

use super::Fault;
use super::endpoint::{Endpoint, Question};

/// A header is 160 hex digits, a height or hash less.
const ANSWER_BYTES_MAX: usize = 4096;
/// One explorer alone is not believed.
pub const EXPLORERS_MIN: usize = 2;

/// A source of headers.
#[async_trait]
pub trait Blocks: fmt::Debug + Send + Sync {
    /// For people. Holds no secret.
    fn name(&self) -> String;

    /// The height of the newest block.
    ///
    /// # Errors
    /// Nobody answers.
    async fn tip(&self) -> Result<u64, Fault>;

    /// The header that stands at a height; `None` if the chain is not that long.
    ///
    /// # Errors
    /// Nobody answers, or not all agree.
    async fn header(&self, height: u64) -> Result<Option<KnownHeader>, Fault>;
}

/// Explorers with Esplora's interface, such as blockstream.info/api and mempool.space/api. What
/// they do not all say is not used.
#[derive(Debug)]
pub struct Explorers(Vec<Endpoint>);

impl Explorers {
    /// `None` with fewer than two.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>) -> Option<Self> {
        (endpoints.len() >= EXPLORERS_MIN).then_some(Explorers(endpoints))
    }
}

async fn get(from: &Endpoint, path: &str) -> Result<Option<String>, Fault> {
    let question = Question {
        method: Method::GET,
        path,
        content_type: "",
        accept: "text/plain",
        body: Vec::new(),
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let answer = from.ask(question).await?;
    if answer.status == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !answer.status.is_success() {
        return Err(from.refusal(&answer).into());
    }
    Ok(Some(String::from_utf8_lossy(&answer.body).trim().to_owned()))
}

async fn header_at(from: &Endpoint, height: u64) -> Result<Option<Header>, Fault> {
    let Some(hash) = get(from, &format!("block-height/{height}")).await? else { return Ok(None) };
    let unread = |what: &str| Fault::Away(format!("{from}: {what} of block {height} is none"));
    if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(unread("the hash"));
    }
    let Some(text) = get(from, &format!("block/{hash}/header")).await? else { return Ok(None) };
    let header = hex::decode(&text).ok().and_then(|bytes| Header::parse(&bytes).ok());
    let header = header.ok_or_else(|| unread("the header"))?;
    if header.hash().to_string() == hash { Ok(Some(header)) } else { Err(unread("the header")) }
}

#[async_trait]
impl Blocks for Explorers {
    fn name(&self) -> String {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        names.join(" and ")
    }

    /// The lowest that is stated: no block is called deeper than all of them say.
    async fn tip(&self) -> Result<u64, Fault> {
        let mut lowest = u64::MAX;
        for explorer in &self.0 {
            let text = get(explorer, "blocks/tip/height").await?.unwrap_or_default();
            let unread = |_| Fault::Away(format!("{explorer}: the height of the tip is none"));
            lowest = lowest.min(text.parse().map_err(unread)?);
        }
        Ok(lowest)
    }

    async fn header(&self, height: u64) -> Result<Option<KnownHeader>, Fault> {
        let mut agreed: Option<Header> = None;
        for explorer in &self.0 {
            let Some(header) = header_at(explorer, height).await? else { return Ok(None) };
            if agreed.is_some_and(|agreed| agreed != header) {
                let words = format!("{} do not agree on block {height}", self.name());
                return Err(Fault::Away(words));
            }
            agreed = Some(header);
        }
        let source = Source::Verifier(self.name());
        Ok(agreed.map(|header| KnownHeader { header, height: Some(height), source }))
    }
}
