//! Two clouds came to different rows: which is the first?
//!
//! Each says the hash of its rows so far, every thousand rows. Where these part, the thousand rows
//! are compared one by one.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use domain::cloud::Cloud;
use domain::log::{Hash, LogId};
use domain::snapshot::agreement::Difference;
use domain::snapshot::section::{Row, SectionHasher, SectionName};
use serde::{Deserialize, Serialize};

use super::sections::{Sink, read_aside, read_log};
use super::{SnapshotError, Snapshots, store};
use crate::peer::{Answer, Channel, Letter, PeerError};
use crate::problem::Problem;

const PREFIXES_PATH: &str = "/peer/v1/snapshots/prefixes";
const ROWS_PATH: &str = "/peer/v1/snapshots/rows";
/// Rows between two hashes, and rows that are compared one by one: some hundred kilobytes.
const STRIDE: u64 = 1_000;

/// A part of a section of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    number: u64,
    section: SectionName,
    part: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RowsQuestion {
    place: Place,
    /// The first row of a stride.
    from: u64,
}

/// The first row in which another cloud's part differs from ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstDifference {
    pub cloud: Cloud,
    pub section: SectionName,
    pub part: String,
    /// Counted from 0 within the part.
    pub row: u64,
    /// Absent where there is no such row.
    pub ours: Option<String>,
    pub theirs: Option<String>,
}

/// Where other clouds ask.
pub fn peer_routes(snapshots: Arc<Snapshots>, channel: Arc<Channel>) -> Router {
    Router::new()
        .route(PREFIXES_PATH, post(prefixes))
        .route(ROWS_PATH, post(rows))
        .layer(Extension(channel))
        .with_state(snapshots)
}

async fn prefixes(
    State(snapshots): State<Arc<Snapshots>>,
    letter: Letter,
) -> Result<Answer, Problem> {
    let place: Place = read(&letter)?;
    let prefixes = snapshots.prefixes(&place).await.map_err(refused)?;
    Ok(letter.answer(serde_json::to_vec(&prefixes).unwrap_or_default()))
}

async fn rows(State(snapshots): State<Arc<Snapshots>>, letter: Letter) -> Result<Answer, Problem> {
    let RowsQuestion { place, from } = read(&letter)?;
    let rows = snapshots.stride(&place, from).await.map_err(refused)?;
    Ok(letter.answer(serde_json::to_vec(&rows).unwrap_or_default()))
}

fn read<T: serde::de::DeserializeOwned>(letter: &Letter) -> Result<T, Problem> {
    serde_json::from_slice(&letter.body)
        .map_err(|cause| Problem::malformed(format!("The question cannot be read: {cause}.")))
}

fn refused(cause: SnapshotError) -> Problem {
    match cause {
        SnapshotError::Database(cause) => cause.into(),
        cause => Problem::not_found(cause.to_string()),
    }
}

/// The hash of the part's rows so far, after each stride and at its end.
#[derive(Default)]
struct Prefixes {
    part: String,
    hasher: SectionHasher,
    hashes: Vec<Hash>,
}

impl Sink for Prefixes {
    fn take(&mut self, row: Row) {
        if row.part == self.part {
            self.hasher.push(row);
            if self.hasher.rows().is_multiple_of(STRIDE) {
                self.hashes.push(self.hasher.so_far());
            }
        }
    }
}

/// The lines of one stride.
struct Stride {
    part: String,
    from: u64,
    seen: u64,
    lines: Vec<String>,
}

impl Sink for Stride {
    fn take(&mut self, row: Row) {
        if row.part == self.part {
            if (self.from..self.from + STRIDE).contains(&self.seen) {
                self.lines.push(String::from_utf8_lossy(&row.line).into_owned());
            }
            self.seen += 1;
        }
    }
}

impl Snapshots {
    /// The first row in which that cloud's word differs from what this cloud came to. `None`: they
    /// agree, one of them has said nothing, or they do not differ in rows.
    ///
    /// # Errors
    /// The other cloud cannot be reached, or its tables stand elsewhere by now.
    pub async fn first_difference(
        &self,
        number: u64,
        with: Cloud,
    ) -> Result<Option<FirstDifference>, SnapshotError> {
        let Some(own) = store::get(&self.pool, number).await? else { return Ok(None) };
        let catalog = self.projection.catalog();
        let Some(said) = catalog.attestations(number).get(&with).copied() else { return Ok(None) };
        let difference =
            domain::snapshot::agreement::difference(&own.manifest, &said.value.manifest);
        let Some(Difference::Rows { section, part }) = difference else { return Ok(None) };
        let place = Place { number, section, part };
        let theirs: Vec<Hash> = self.ask(with, PREFIXES_PATH, &place).await?;
        let ours = self.prefixes(&place).await?;
        let parted = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        // All full strides that both have are equal: it is in the last one.
        let parted = parted.unwrap_or(ours.len().min(theirs.len()).saturating_sub(1));
        let from = parted as u64 * STRIDE;
        let question = RowsQuestion { place: place.clone(), from };
        let theirs: Vec<String> = self.ask(with, ROWS_PATH, &question).await?;
        let ours = self.stride(&place, from).await?;
        let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let (ours, theirs) = (ours.get(same).cloned(), theirs.get(same).cloned());
        if ours.is_none() && theirs.is_none() {
            return Ok(None);
        }
        let Place { section, part, .. } = place;
        let row = from + same as u64;
        Ok(Some(FirstDifference { cloud: with, section, part, row, ours, theirs }))
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        peer: Cloud,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, SnapshotError> {
        let body = serde_json::to_vec(question).unwrap_or_default();
        let answer = self.channel.call(peer, path, body).await?;
        let read = serde_json::from_slice(&answer);
        Ok(read.map_err(|cause| PeerError::Malformed { cloud: peer, cause: cause.to_string() })?)
    }

    async fn prefixes(&self, place: &Place) -> Result<Vec<Hash>, SnapshotError> {
        let mut sink = Prefixes { part: place.part.clone(), ..Prefixes::default() };
        self.read_part(place, &mut sink).await?;
        sink.hashes.push(sink.hasher.so_far());
        Ok(sink.hashes)
    }

    async fn stride(&self, place: &Place, from: u64) -> Result<Vec<String>, SnapshotError> {
        let mut sink = Stride { part: place.part.clone(), from, seen: 0, lines: Vec::new() };
        self.read_part(place, &mut sink).await?;
        Ok(sink.lines)
    }

    async fn read_part(&self, place: &Place, sink: &mut impl Sink) -> Result<(), SnapshotError> {
        let own = store::get(&self.pool, place.number).await?;
        let own = own.ok_or(SnapshotError::Moved { number: place.number })?;
        if place.section == SectionName::Events {
            let log = LogId::parse(&place.part);
            let part = log.and_then(|log| Some((log, own.manifest.log(log)?)));
            if let Some((log, part)) = part {
                read_log(&self.ledger, log, part.from..part.size, sink).await?;
            }
            return Ok(());
        }
        let stands = self.aside.positions().await?;
        let cut = own.manifest.cut().sizes()?;
        if !cut.iter().all(|(log, size)| stands.get(log) == Some(size)) {
            return Err(SnapshotError::Moved { number: place.number });
        }
        read_aside(&mut self.aside.read().await?, place.section, sink).await
    }
}
