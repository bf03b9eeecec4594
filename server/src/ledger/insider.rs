//! Somebody inside a cloud, with its keys and its database: what they can try against the others.
//!
//! For the demonstration's fault lab and for tests; no node uses it. It speaks to peers as a node
//! does, and believes them no more than a node would.

use std::sync::Arc;

use domain::clock::LogicalClock;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{Envelope, Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::log::{Head, LogId};
use sqlx::PgPool;
use uuid::Uuid;

use super::entry::WireEntry;
use super::read::Record;
use super::signing::{SignedHead, Signing, Verifier};
use super::store::Store;
use super::tree;
use super::wire::{
    APPEND_PATH, HEADS_PATH, Heads, RANGE_ENTRIES_MAX, RangeAnswer, WireRange, decode_answer,
    encode,
};
use crate::keys::{CloudKeys, Roster};
use crate::peer::{Channel, PeerError};

/// Who it is, and what lies there.
#[derive(Debug)]
pub struct Insider {
    pub log: LogId,
    /// Recorded in the events that it makes up.
    pub region: Region,
    pub roster: Arc<Roster>,
    /// Its own, to speak to the others as the cloud itself.
    pub channel: Channel,
    /// The cloud's database.
    pub pool: PgPool,
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
        let signing = self.signing(made_up);
        let signed = signing.sign_own(head);
        self.offer(to, start, &[entry], signing.note(&signed)).await
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
        let note = self.signing(&self.channel.keys).note(&signed);
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
        *last = event.sign(&self.channel.keys.log);
        let signing = self.signing(&self.channel.keys);
        let other = signing.sign_own(self.head_with(start, &entries).await?);
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
        let question = encode(&Heads { load: None, logs: Vec::new() });
        let answer = self.channel.call(peer, HEADS_PATH, question).await?;
        let heads: Heads = decode_answer(peer, &answer)?;
        let ours = heads.logs.into_iter().find(|head| head.log == self.log);
        let signed = ours.and_then(|head| self.verifier().verify(self.log, &head.note));
        Ok(signed.map_or(0, |signed| signed.head.size))
    }

    async fn missing_at(&self, peer: Cloud) -> Result<Missing, InsiderError> {
        let start = self.held_by(peer).await?;
        let store = Store::new(self.pool.clone(), self.log);
        let next = store.checkpoints_after(start, RANGE_ENTRIES_MAX).await?.into_iter().next();
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
            RangeAnswer::Busy | RangeAnswer::Have { .. } => Reaction::Busy,
        })
    }

    fn stands_for(&self, note: &str, head: Head) -> bool {
        self.verifier().verify(self.log, note).is_some_and(|signed| signed.head == head)
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

    /// All three logs in the epoch of ours: no other is asked for.
    fn epochs(&self) -> PerCloud<u32> {
        PerCloud::from_fn(|_| self.log.epoch)
    }

    fn verifier(&self) -> Verifier {
        Verifier::of_roster(&self.roster, &self.epochs())
    }

    /// With other keys than the pinned ones the names stay, so that only the keys differ.
    fn signing(&self, keys: &CloudKeys) -> Signing {
        let mut roster = Roster::clone(&self.roster);
        *roster.keys.get_mut(self.log.origin) = keys.public();
        Signing::new(self.log.origin, &roster, Arc::new(keys.clone()), &self.epochs())
    }
}

/// RFC 8785 text, written by hand.
fn payload(canonical: &[u8]) -> Payload {
    Payload::unchecked(canonical.to_vec())
}
