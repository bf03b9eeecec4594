//! Evidence against clouds: verified under the pinned keys, kept once, shown to everybody.
//!
//! [`Evidences::record`] takes what was found here, [`Evidences::take`] what a peer sends. Both
//! prove it first, and every reading proves it again: neither a peer nor whoever writes into the
//! table can blame a cloud that did nothing.

mod exchange;
mod store;

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::epoch::Register;
use domain::evidence::{Evidence, EvidenceError, Kind, Proven};
use domain::key::NoteKey;
use domain::log::Hash;
use domain::policy::Policy;
use sqlx::PgPool;

pub use exchange::{follow, peer_routes};
pub use store::{EVIDENCE_PAGE_MAX, RECORDS_PER_KEY_MAX};

/// The face of the evidence that this cloud holds. Cheap to share.
#[derive(Debug)]
pub struct Evidences {
    pool: PgPool,
    register: Arc<ArcSwap<Register>>,
    /// What the alarm says: read at the start, and again after each new record.
    accusations: ArcSwap<Vec<Accusation>>,
}

/// A record that is held here, proven again when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub proven: Proven,
    pub found_at: Timestamp,
    /// The cloud that sent it. `None`: found here.
    pub source: Option<Cloud>,
}

/// Some of what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPage {
    pub items: Vec<Held>,
    /// What to ask below for more, if there may be more.
    pub next: Option<i64>,
}

/// How much evidence of one kind there is against one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accusation {
    pub cloud: Cloud,
    pub kind: Kind,
    pub key: NoteKey,
    pub count: u64,
    /// The key still counts here. Once it was replaced, the matter is history and no alarm.
    pub in_use: bool,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    New(Hash),
    /// This very record is held already.
    Known(Hash),
    /// [`RECORDS_PER_KEY_MAX`] records prove the same already: this one is proven and not kept.
    Enough,
}

/// The record was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    #[error(transparent)]
    Unreadable(#[from] EvidenceError),
    /// It proves nothing under the pinned keys.
    #[error("{0}")]
    Invalid(String),
    #[error("the evidence cannot be stored: {0}")]
    Database(#[from] sqlx::Error),
}

impl Evidences {
    /// Reads what is held.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open(
        pool: PgPool,
        register: Arc<ArcSwap<Register>>,
    ) -> Result<Arc<Self>, sqlx::Error> {
        let evidences = Evidences { pool, register, accusations: ArcSwap::default() };
        evidences.refresh().await?;
        Ok(Arc::new(evidences))
    }

    /// Every key that ever counted: what was signed with one that was replaced since is still
    /// proven.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.register.load().every_key()
    }

    /// Proves and keeps a record. `source`: the cloud that sent it, if another did.
    ///
    /// # Errors
    /// It proves nothing, or the database cannot be reached.
    pub async fn record(
        &self,
        evidence: Evidence,
        source: Option<Cloud>,
    ) -> Result<Recorded, NotRecorded> {
        let proven = self.prove(evidence).map_err(NotRecorded::Invalid)?;
        self.put(&proven, source).await
    }

    /// Takes a record that a peer sent, in JSON.
    ///
    /// # Errors
    /// It cannot be read, proves nothing, or the database cannot be reached.
    pub async fn take(&self, from: Cloud, text: &[u8]) -> Result<Recorded, NotRecorded> {
        self.record(Evidence::parse(text)?, Some(from)).await
    }

    async fn put(&self, proven: &Proven, source: Option<Cloud>) -> Result<Recorded, NotRecorded> {
        let recorded = store::put(&self.pool, proven, source).await?;
        if let Recorded::New(id) = recorded {
            let (sentence, cloud) = (proven.sentence(), proven.cloud());
            tracing::error!(%id, %cloud, source = source.map(Cloud::name), "{sentence}");
            self.refresh().await?;
        }
        Ok(recorded)
    }

    /// Records, the newest first, at most `limit` (and [`EVIDENCE_PAGE_MAX`]) of them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn list(&self, below: Option<i64>, limit: u32) -> Result<HeldPage, sqlx::Error> {
        let rows = store::page(&self.pool, below, limit).await?;
        let full = rows.len() == limit.clamp(1, EVIDENCE_PAGE_MAX) as usize;
        let next = rows.last().map(|row| row.number).filter(|_| full);
        Ok(HeldPage { items: rows.into_iter().filter_map(|row| self.held(&row)).collect(), next })
    }

    /// # Errors
    /// The database cannot be read.
    pub async fn get(&self, id: Hash) -> Result<Option<Held>, sqlx::Error> {
        let row = store::one(&self.pool, id).await?;
        Ok(row.and_then(|row| self.held(&row)).filter(|held| held.proven.id() == id))
    }

    /// What there is against whom, from memory; whether a key counts, as of now.
    #[must_use]
    pub fn accusations(&self) -> Vec<Accusation> {
        let known = self.accusations.load();
        let now = |one: &Accusation| Accusation { in_use: self.in_use(&one.key), ..one.clone() };
        known.iter().map(now).collect()
    }

    /// How many records are held.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.accusations.load().iter().map(|accusation| accusation.count).sum()
    }

    fn prove(&self, evidence: Evidence) -> Result<Proven, String> {
        if evidence.accused().is_none() {
            return Err(
                "Invalid: it names no log of this form, or no key that signs it.".to_owned()
            );
        }
        evidence.prove(&self.policy()).map_err(|checked| checked.sentence)
    }

    /// A row that proves nothing was not written by this program, or keys changed: it is named in
    /// the log and blames nobody.
    fn held(&self, row: &store::Row) -> Option<Held> {
        let proven = Evidence::parse(row.record.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|evidence| self.prove(evidence));
        match proven {
            Ok(proven) => Some(Held { proven, found_at: row.found_at, source: row.source }),
            Err(reason) => {
                let number = row.number;
                tracing::warn!(number, reason, "a stored record of evidence proves nothing here");
                None
            }
        }
    }

    async fn refresh(&self) -> Result<(), sqlx::Error> {
        let mut accusations: Vec<Accusation> = Vec::new();
        let mut below = None;
        loop {
            let rows = store::page(&self.pool, below, EVIDENCE_PAGE_MAX).await?;
            below = rows.last().map(|row| row.number);
            if below.is_none() {
                break;
            }
            for held in rows.into_iter().filter_map(|row| self.held(&row)) {
                self.count_in(&mut accusations, &held.proven);
            }
        }
        accusations.sort_by_key(|accusation| (accusation.cloud, accusation.kind));
        self.accusations.store(Arc::new(accusations));
        Ok(())
    }

    fn count_in(&self, accusations: &mut Vec<Accusation>, proven: &Proven) {
        let (kind, key) = (proven.evidence().kind(), proven.evidence().key());
        match accusations.iter_mut().find(|known| known.kind == kind && known.key == *key) {
            Some(known) => known.count += 1,
            None => accusations.push(Accusation {
                cloud: proven.cloud(),
                kind,
                key: key.clone(),
                count: 1,
                in_use: self.in_use(key),
            }),
        }
    }

    /// Does this key count here now?
    #[must_use]
    pub fn in_use(&self, key: &NoteKey) -> bool {
        let register = self.register.load();
        Cloud::ALL
            .into_iter()
            .filter_map(|cloud| register.epoch(register.current(cloud)))
            .any(|epoch| [epoch.keys.log, epoch.keys.cosigner].contains(key.key()))
    }
}
