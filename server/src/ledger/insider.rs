//! Somebody inside a cloud, with its keys and its database: what they can try against the others.
//!
//! For the demonstration's fault lab and for tests; no node uses it. It speaks to peers as a node
//! does, and believes them no more than a node would.

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::clock::LogicalClock;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{Envelope, Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::key::{NoteAlgorithm, NoteKey};
use domain::log::{Head, LogId};
use domain::note::SignatureLine;
use sqlx::PgPool;
use uuid::Uuid;

use super::entry::WireEntry;
use super::read::Record;
use super::signing::{SignedHead, Signing, Verifier};
use super::store::Store;
use super::wire::{
    APPEND_PATH, HEADS_PATH, Heads, RANGE_ENTRIES_MAX, RangeAnswer, WireRange, decode_answer,
    encode,
};
use super::{StartError, epochs, tree};
use crate::keys::{CloudKeys, Keyring};
use crate::peer::{Channel, PeerError};

/// Who it is, and what lies there.
#[derive(Debug)]
pub struct Insider {
    log: LogId,
    /// Recorded in the events that it makes up.
    region: Region,
    /// Its own, to speak to the others as the cloud itself.
    channel: Channel,
    keys: Arc<Keyring>,
    /// The cloud's database.
    pool: PgPool,
    verifier: Arc<Verifier>,
    cosigner_name: String,
}

/// What a peer made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    Refused(String),
    /// It stands there now.
    Taken(String),
    /// Not now.
    Busy,
}

/// Why there was nothing to try.
#[derive(Debug, thiserror::Error)]
pub enum InsiderError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Epochs(#[from] StartError),
    #[error("{0} holds all of {1} already: nothing new can be slipped in")]
    NothingNew(Cloud, LogId),
}

/// One of two histories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    pub head: Head,
    /// The event that this history has where the other has another.
    pub event_id: EventId,
    /// Signed note.
    pub note: String,
}

/// Two histories of one log under its cloud's own signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Where they part.
    pub slot: Slot,
    pub honest: Branch,
    pub other: Branch,
    pub reaction: Reaction,
}

/// Entries that a peer lacks, under the checkpoint that their origin really signed.
struct Missing {
    start: u64,
    entries: Vec<Envelope>,
    signed: SignedHead,
}

impl Insider {
    /// Comes in with a cloud's keys and its database, and finds its current log.
    ///
    /// # Errors
    /// The database cannot be read, or its epoch records do not hold.
    pub async fn enter(
        region: Region,
        channel: Channel,
        keys: Arc<Keyring>,
        pool: PgPool,
    ) -> Result<Self, InsiderError> {
        let (register, _) = epochs::load(&pool, channel.roster.genesis(), None).await?;
        let log = register.current(channel.me);
        let cosigner_name = register.cosigner_name(channel.me.into());
        let register = Arc::new(ArcSwap::from_pointee(register));
        let verifier = Arc::new(Verifier::of_register(register));
        Ok(Insider { log, region, channel, keys, pool, verifier, cosigner_name })
    }

    #[must_use]
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// A new event under a checkpoint that made-up keys signed.
    ///
    /// # Errors
    /// The peer or the database does not answer.
    pub async fn forge_with(
        &self,
        made_up: &CloudKeys,
        to: Cloud,
    ) -> Result<Reaction, InsiderError> {
        let start = self.held_by(to).await?;
        let event = self.event(br#"{"kind":"lab.forged","note":"signed by nobody's key"}"#);
        let entry = event.sign(&made_up.log);
        let head = self.head_with(start, std::slice::from_ref(&entry)).await?;
        self.offer(to, start, &[entry], self.forged_note(head, made_up)).await
    }

    /// Entries that the peer lacks, one of them with another payload, under the checkpoint that the
    /// cloud really signed.
    ///
    /// # Errors
    /// The peer or the database does not answer, or the peer lacks nothing.
    pub async fn change_under_way(&self, to: Cloud) -> Result<Reaction, InsiderError> {
        let Missing { start, mut entries, signed } = self.missing_at(to).await?;
        if let Some(last) = entries.last_mut() {
            let mut event = last.event().clone();
            event.payload = payload(br#"{"kind":"lab.forged","note":"changed under way"}"#);
            *last = Envelope::received(event, *last.signature());
        }
        let note = self.verifier.note(&signed);
        self.offer(to, start, &entries, note).await
    }

    /// Signs a second history of the log with its real keys, and shows it to one peer. It parts
    /// from the first in the last entry before the next checkpoint that the peer lacks.
    ///
    /// # Errors
    /// The peer or the database does not answer, or the peer lacks nothing.
    pub async fn fork(&self, to: Cloud) -> Result<Fork, InsiderError> {
        let Missing { start, mut entries, signed } = self.missing_at(to).await?;
        let last = entries.last_mut().ok_or(InsiderError::NothingNew(to, self.log))?;
        let first_id = last.event().event_id;
        let mut event = self.event(br#"{"kind":"lab.other-history"}"#);
        event.logical_clock = last.event().logical_clock;
        let second_id = event.event_id;
        *last = event.sign(&self.keys.pair_at(self.log.epoch).log);
        let (keys, verifier) = (Arc::clone(&self.keys), Arc::clone(&self.verifier));
        let signing = Signing::new(self.channel.me, keys, verifier);
        let other = signing.sign_own(self.log, self.head_with(start, &entries).await?);
        let reaction = self.offer(to, start, &entries, signing.note(&other)).await?;
        // The answer carries the peer's own signature under what it took.
        let other_note = match &reaction {
            Reaction::Taken(note) if self.stands_for(note, other.head) => note.clone(),
            _ => signing.note(&other),
        };
        let slot = Slot {
            origin: self.log.origin,
            epoch: self.log.epoch,
            sequence: signed.head.size.saturating_sub(1),
        };
        let honest = Branch { head: signed.head, event_id: first_id, note: signing.note(&signed) };
        let other = Branch { head: other.head, event_id: second_id, note: other_note };
        Ok(Fork { slot, honest, other, reaction })
    }

    /// How many entries of our log the peer holds.
    async fn held_by(&self, peer: Cloud) -> Result<u64, InsiderError> {
        let question = encode(&Heads { load: None, logs: Vec::new(), epochs: PerCloud::default() });
        let answer = self.channel.call(peer, HEADS_PATH, question).await?;
        let heads: Heads = decode_answer(peer, &answer)?;
        let ours = heads.logs.into_iter().find(|head| head.log == self.log);
        let signed = ours.and_then(|head| self.verifier.verify(self.log, &head.note));
        Ok(signed.map_or(0, |signed| signed.head.size))
    }

    async fn missing_at(&self, peer: Cloud) -> Result<Missing, InsiderError> {
        let start = self.held_by(peer).await?;
        let store = Store::new(self.pool.clone(), self.log);
        // No payload fits, so that it is the next one.
        let next = store.cut_after(start, RANGE_ENTRIES_MAX, 0).await?;
        let signed = next.ok_or(InsiderError::NothingNew(peer, self.log))?;
        let records = store.range(start, signed.head.size).await?;
        let envelope = |record: Record| Envelope::received(record.event, record.signature);
        Ok(Missing { start, entries: records.into_iter().map(envelope).collect(), signed })
    }

    /// The head of our log's first `start` entries and these.
    async fn head_with(&self, start: u64, entries: &[Envelope]) -> Result<Head, InsiderError> {
        let edge = tree::appender(&self.pool, self.log, start).await?;
        let mut edge = edge.ok_or(sqlx::Error::RowNotFound)?;
        for (at, entry) in (start..).zip(entries) {
            edge.append(entry.leaf(self.log.epoch, at), |_| {});
        }
        Ok(edge.head())
    }

    async fn offer(
        &self,
        to: Cloud,
        start: u64,
        entries: &[Envelope],
        note: String,
    ) -> Result<Reaction, InsiderError> {
        let entries = entries.iter().map(WireEntry::of).collect();
        let range = WireRange { log: self.log, start, entries, note, others: Vec::new() };
        let answer = self.channel.call(to, APPEND_PATH, encode(&range)).await?;
        Ok(match decode_answer(to, &answer)? {
            RangeAnswer::Refused { reason } => Reaction::Refused(reason),
            RangeAnswer::Confirmed { note } => Reaction::Taken(note),
            RangeAnswer::Busy | RangeAnswer::Have { .. } | RangeAnswer::Unknown => Reaction::Busy,
        })
    }

    fn stands_for(&self, note: &str, head: Head) -> bool {
        self.verifier.verify(self.log, note).is_some_and(|signed| signed.head == head)
    }

    fn event(&self, canonical: &[u8]) -> Event {
        let now = crate::now();
        let ms = u64::try_from(now.unix_ms()).unwrap_or(0);
        Event {
            event_id: EventId(Uuid::now_v7()),
            tenant_id: TenantId::platform(),
            logical_clock: LogicalClock { ms, counter: 0 },
            region: self.region.clone(),
            created_at: now,
            origin_cloud: self.log.origin,
            payload: payload(canonical),
            salt: Salt([0; 16]),
        }
    }

    /// Signed by keys that nobody has pinned, under the names that everybody knows.
    fn forged_note(&self, head: Head, made_up: &CloudKeys) -> String {
        let text = self.verifier.text(self.log, head);
        let log_name = self.verifier.log_key(self.log).map(|key| key.name().to_owned());
        let named = |name: &str, algorithm, key| NoteKey::new(name, algorithm, key).ok();
        let log_key =
            named(&log_name.unwrap_or_default(), NoteAlgorithm::Ed25519, made_up.log.public());
        let cosigner_key =
            named(&self.cosigner_name, NoteAlgorithm::CosignatureV1, made_up.cosigner.public());
        let log_line = log_key.map(|key| SignatureLine::sign(&text, &key, &made_up.log));
        let unix_s = u64::try_from(crate::now().unix_ms() / 1000).unwrap_or(0);
        let cosigned =
            cosigner_key.map(|key| SignatureLine::cosign(&text, unix_s, &key, &made_up.cosigner));
        let lines = log_line.into_iter().chain(cosigned).map(|line| line.to_string());
        format!("{text}\n{}", lines.collect::<String>())
    }
}

/// RFC 8785 text, written by hand.
fn payload(canonical: &[u8]) -> Payload {
    Payload::unchecked(canonical.to_vec())
}
