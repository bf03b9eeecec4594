//! OpenTimestamps calendars: they gather hashes of many under one transaction on Bitcoin, for free.
//!
//! What they are sent is the hash of our hash and random bytes, so they learn nothing. They answer
//! with a promise, and hours later with the rest of the proof, which is believed only as far as the
//! block that it leads to is in the chain by somebody else's word.

use std::sync::Arc;

use async_trait::async_trait;
use domain::anchor::Publisher;
use domain::anchor::bitcoin::{KnownHeader, Network};
use domain::anchor::explorer::{ExplorerPage, pages_of_bitcoin};
use domain::anchor::ots::{self, Attestation, BLIND_BYTES, PROOF_BYTES_MAX, Proof};
use domain::anchor::state::{Anchor, Attempt, Proven, RefusalKind, Rules, Sighting};
use domain::log::Hash;
use reqwest::{Method, StatusCode};

use super::blocks::Blocks;
use super::endpoint::{Endpoint, Question};
use super::{Fault, Publish, Wish};

const FORM: &str = "application/vnd.opentimestamps.v1";
/// Calendars make a transaction a few times a day and wait for six blocks.
const LOOK_EVERY_MS: i64 = 15 * 60_000;
/// Then people are told. Public calendars have taken a day when fees were high.
const LATE_AFTER_MS: i64 = 48 * 3_600_000;
const RETRY_MS: i64 = 600_000;
/// As for transactions of our own: the usual depth on Bitcoin.
const CONFIRMATIONS: u64 = 6;

/// Calendars, and whose word counts for Bitcoin's blocks.
#[derive(Debug)]
pub struct Calendars {
    endpoints: Vec<(String, Endpoint)>,
    blocks: Option<Arc<dyn Blocks>>,
    network: Network,
}

impl Calendars {
    /// Without `blocks` a proof is gathered and never called final.
    #[must_use]
    pub fn new(
        endpoints: Vec<(String, Endpoint)>,
        blocks: Option<Arc<dyn Blocks>>,
        network: Network,
    ) -> Self {
        let bare = |address: String| address.trim_end_matches('/').to_owned();
        let endpoints = endpoints.into_iter().map(|(address, one)| (bare(address), one)).collect();
        Calendars { endpoints, blocks, network }
    }

    /// The calendar that made a promise, if it is one of ours: nobody else is asked.
    fn of(&self, address: &str) -> Option<&Endpoint> {
        let named = |(known, _): &&(String, Endpoint)| known == address.trim_end_matches('/');
        self.endpoints.iter().find(named).map(|(_, endpoint)| endpoint)
    }

    /// The proof with whatever calendars know by now.
    async fn grown(&self, proof: &Proof) -> Result<Proof, Fault> {
        let mut grown = proof.clone();
        let mut away = None;
        for promise in proof.promises() {
            let Some(calendar) = self.of(&promise.calendar) else { continue };
            let path = format!("timestamp/{}", hex::encode(&promise.message));
            let question = Question {
                method: Method::GET,
                path: &path,
                content_type: "",
                accept: FORM,
                body: Vec::new(),
                answer_bytes_max: PROOF_BYTES_MAX,
            };
            match calendar.ask(question).await {
                Ok(answer) if answer.status == StatusCode::OK => {
                    match grown.grown(&promise.message, &answer.body) {
                        Ok(more) => grown = more,
                        Err(fault) => away = Some(Fault::Away(format!("{calendar}: {fault}"))),
                    }
                }
                // It does not have it yet.
                Ok(answer) if answer.status == StatusCode::NOT_FOUND => {}
                Ok(answer) => away = Some(calendar.refusal(&answer).into()),
                Err(error) => away = Some(error.into()),
            }
        }
        match away {
            // One that is away holds up no other.
            Some(fault) if grown == *proof => Err(fault),
            _ => Ok(grown),
        }
    }

    /// The headers of the blocks that the proof names, and the tip's height.
    async fn headers(&self, proof: &Proof) -> Result<(Vec<KnownHeader>, u64), Fault> {
        let Some(blocks) = &self.blocks else { return Ok((Vec::new(), 0)) };
        let heights = heights(proof);
        if heights.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let tip = blocks.tip().await?;
        let mut headers = Vec::new();
        for height in heights {
            headers.extend(blocks.header(height).await?);
        }
        Ok((headers, tip))
    }
}

fn heights(proof: &Proof) -> Vec<u64> {
    let paths = proof.paths();
    let heights = paths.iter().filter_map(|path| match path.attestation {
        Attestation::Bitcoin { height } => Some(*height),
        _ => None,
    });
    heights.collect()
}

#[async_trait]
impl Publish for Calendars {
    fn publisher(&self) -> Publisher {
        Publisher::OpenTimestamps
    }

    fn rules(&self) -> Rules {
        Rules {
            confirmations: CONFIRMATIONS,
            look_every_ms: LOOK_EVERY_MS,
            raise_after_ms: None,
            late_after_ms: LATE_AFTER_MS,
            retry_ms: RETRY_MS,
            is_claimed: false,
        }
    }

    fn place(&self) -> String {
        let names: Vec<String> = self.endpoints.iter().map(|(_, one)| one.to_string()).collect();
        let blocks = match &self.blocks {
            Some(blocks) => format!("blocks by the word of {}", blocks.name()),
            None => "never final: nobody is named who knows Bitcoin's blocks (anchor.explorers or \
                     anchor.bitcoin)"
                .to_owned(),
        };
        format!("{}; {blocks}", names.join(", "))
    }

    /// The random bytes. The rest follows from them.
    fn explorers(&self, height: u64) -> Vec<ExplorerPage> {
        pages_of_bitcoin(self.network, height)
    }

    async fn make(&self, wish: Wish<'_>) -> Result<Attempt, Fault> {
        let mut blind = [0; BLIND_BYTES];
        getrandom::fill(&mut blind).map_err(|cause| Fault::Away(cause.to_string()))?;
        Ok(Attempt {
            number: wish.number,
            name: ots::blinded(wish.subject, blind).to_string(),
            bytes: blind.to_vec(),
            cost_max: 0,
            made_at: wish.now,
        })
    }

    async fn send(&self, subject: Hash, attempt: &Attempt) -> Result<Option<Vec<u8>>, Fault> {
        let blind: [u8; BLIND_BYTES] = attempt.bytes.as_slice().try_into().map_err(|_| {
            Fault::refused(RefusalKind::Refused, "the stored random bytes are damaged")
        })?;
        let (mut answers, mut away) = (Vec::new(), None);
        for (_, calendar) in &self.endpoints {
            let question = Question {
                method: Method::POST,
                path: "digest",
                content_type: "application/x-www-form-urlencoded",
                accept: FORM,
                body: ots::blinded(subject, blind).0.to_vec(),
                answer_bytes_max: PROOF_BYTES_MAX,
            };
            match calendar.fetch(question).await {
                // One that answers nonsense spoils nothing for the others.
                Ok(answer) => {
                    match Proof::promised(subject, blind, std::slice::from_ref(&answer)) {
                        Ok(_) => answers.push(answer),
                        Err(fault) => away = Some(Fault::Away(format!("{calendar}: {fault}"))),
                    }
                }
                Err(error) => away = Some(error.into()),
            }
        }
        match (Proof::promised(subject, blind, &answers), away) {
            (Ok(proof), _) => Ok(Some(proof.to_bytes())),
            (Err(_), Some(fault)) => Err(fault),
            (Err(fault), None) => Err(Fault::Away(fault.to_string())),
        }
    }

    async fn look(&self, subject: Hash, anchor: &Anchor) -> Result<Sighting, Fault> {
        let Some(proof) = anchor.receipt().and_then(|bytes| Proof::parse(bytes).ok()) else {
            return Ok(Sighting::Missing);
        };
        let grown = self.grown(&proof).await?;
        let (headers, tip) = self.headers(&grown).await?;
        let confirmed = headers.iter().filter_map(|known| known.height).min();
        let Some(height) = confirmed else {
            let is_news = grown != proof;
            return Ok(if is_news { Sighting::Grown(grown.to_bytes()) } else { Sighting::Waiting });
        };
        let proven = Proven::on_bitcoin(&grown, subject, &headers, self.network)?;
        let attempt = anchor.attempts().last().map_or_else(String::new, |one| one.name.clone());
        let confirmations = (tip + 1).saturating_sub(height);
        Ok(Sighting::Included { attempt, proven, confirmations, cost: None })
    }

    async fn check(&self) -> Result<String, Fault> {
        for (_, calendar) in &self.endpoints {
            let question = Question {
                method: Method::GET,
                path: "",
                content_type: "",
                accept: "*/*",
                body: Vec::new(),
                answer_bytes_max: PROOF_BYTES_MAX * 16,
            };
            // Any answer is one: there is no question that changes nothing and has a set answer.
            calendar.ask(question).await?;
        }
        if let Some(blocks) = &self.blocks {
            blocks.tip().await?;
        }
        Ok(self.place())
    }
}
