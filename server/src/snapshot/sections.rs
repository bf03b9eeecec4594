//! The sections of a manifest, streamed: rows come in pages or by cursor, and only hashes stay.

use std::ops::Range;

use domain::log::{Head, LogId};
use domain::snapshot::section::{Row, Section, SectionHasher, SectionName};
use futures::TryStreamExt as _;

use super::SnapshotError;
use crate::ledger::{Ledger, PAGE_ROWS_MAX};
use crate::projection::{Aside, AsideReader};

/// How often progress is told, in rows.
const TELL_EVERY: u64 = 1_000;

/// Takes rows in their order.
pub(super) trait Sink: Send {
    fn take(&mut self, row: Row);
}

impl<F: FnMut(Row) + Send> Sink for F {
    fn take(&mut self, row: Row) {
        self(row);
    }
}

/// The entries of one log from the last cut to this one, each computed anew from its fields.
/// Returns the log's head at the cut, as those fields make it.
pub(super) async fn read_log(
    ledger: &Ledger,
    log: LogId,
    range: Range<u64>,
    sink: &mut impl Sink,
) -> Result<Head, SnapshotError> {
    let damaged = |what| SnapshotError::Damaged { log: log.to_string(), what };
    let appender = ledger.appender_at(log, range.start).await?;
    let mut appender = appender.ok_or_else(|| damaged("tree"))?;
    let mut from = range.start;
    while from < range.end {
        let to = range.end.min(from + u64::from(PAGE_ROWS_MAX));
        let page = ledger.range(log, from, to).await?;
        if page.len() as u64 != to - from {
            return Err(damaged("range of entries"));
        }
        for record in page {
            let (slot, event) = (record.slot, &record.event);
            let hash = event.hash();
            let leaf = domain::event::leaf(slot, hash);
            appender.append(leaf, |_| {});
            sink.take(Row::of_event(slot, event.event_id, event.logical_clock, hash));
        }
        from = to;
    }
    Ok(appender.head())
}

/// A section's hash from the tables that stand aside.
pub(super) async fn hash_aside(
    aside: &Aside,
    section: SectionName,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Section, SnapshotError> {
    let mut reader = aside.read().await?;
    let mut hasher = SectionHasher::default();
    let mut sink = |row: Row| {
        hasher.push(row);
        if hasher.rows().is_multiple_of(TELL_EVERY) {
            progress(hasher.rows());
        }
    };
    read_aside(&mut reader, section, &mut sink).await?;
    Ok(hasher.finish())
}

/// Every row of a section that is projected.
pub(super) async fn read_aside(
    reader: &mut AsideReader,
    section: SectionName,
    sink: &mut impl Sink,
) -> Result<(), SnapshotError> {
    match section {
        SectionName::Usage => {
            let mut rows = reader.usage();
            while let Some(row) = rows.try_next().await? {
                sink.take(Row::of_usage(&row.key, &row.sum));
            }
        }
        SectionName::Ledger => {
            for month in reader.billing_months().await? {
                let mut rows = reader.billing(month);
                while let Some(row) = rows.try_next().await? {
                    sink.take(Row::of_billing(month, row.text().to_owned()));
                }
            }
        }
        // Entries are no projection.
        SectionName::Events => {}
    }
    Ok(())
}
