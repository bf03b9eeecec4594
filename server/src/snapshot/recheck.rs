//! A snapshot derived again from the very beginning, and compared: what an auditor asks for, and
//! what finds a database that was changed behind the program's back.
//!
//! Three things are compared: the entries with the roots that two clouds signed, the manifest with
//! what this cloud said then, and the tables that screens and prices are read from with the same
//! tables derived anew. What the scrub and the projections can put right is put right, and named.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use domain::clock::Timestamp;
use domain::snapshot::Manifest;
use domain::snapshot::agreement::{Difference, difference};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Progress, SnapshotError, Snapshots, store};
use crate::ledger::Finding;
use crate::projection::{Aside, Schema, TablesDiffer};

/// The last recheck, running or done.
#[derive(Clone, Debug)]
pub struct Recheck {
    pub number: u64,
    pub began: Timestamp,
    pub state: RecheckState,
}

/// How a recheck stands.
#[derive(Clone, Debug)]
pub enum RecheckState {
    Running(Progress),
    /// Derived again.
    Done {
        at: Timestamp,
        found: Box<Rechecked>,
    },
    /// The database does not hold what was signed, or cannot be read.
    Failed {
        at: Timestamp,
        why: String,
    },
}

/// What deriving a snapshot again came to.
#[derive(Clone, Debug)]
pub struct Rechecked {
    pub manifest: Manifest,
    /// Where it parts from what this cloud came to then.
    pub difference: Option<Difference>,
    /// Stored entries that were not what two clouds signed for, repaired from another cloud.
    pub entries: Vec<Finding>,
    /// Rows of usage, billing and decisions that no entry accounts for, derived again.
    pub tables: TablesDiffer,
}

impl Rechecked {
    /// Was everything as it should be?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.difference.is_none() && self.entries.is_empty() && self.tables.rows == 0
    }
}

/// One at a time: each reads everything.
#[derive(Debug, Default)]
pub(super) struct Rechecks {
    last: Mutex<Option<Recheck>>,
    /// `last` was begun, and waits to be done.
    wish: Notify,
}

impl Rechecks {
    fn last(&self) -> Option<Recheck> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// False: another one runs.
    fn begin(&self, number: u64) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_some_and(|last| matches!(last.state, RecheckState::Running(_))) {
            return false;
        }
        let state = RecheckState::Running(Progress::Idle);
        *last = Some(Recheck { number, began: crate::now(), state });
        true
    }

    fn put(&self, state: RecheckState) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &mut *last {
            last.state = state;
        }
    }
}

impl Snapshots {
    /// The last recheck, if there was one since the start.
    #[must_use]
    pub fn last_recheck(&self) -> Option<Recheck> {
        self.rechecks.last()
    }

    /// Begins to derive a snapshot again. False if one is being rechecked already.
    pub fn begin_recheck(&self, number: u64) -> bool {
        if !self.rechecks.begin(number) {
            return false;
        }
        self.rechecks.wish.notify_one();
        true
    }

    /// Does what is wished for, one after the other, until `stop`.
    pub(super) async fn recheck_on(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.rechecks.wish.notified() => {}
            }
            let Some(number) = self.rechecks.last().map(|wished| wished.number) else { continue };
            let state = tokio::select! {
                () = stop.cancelled() => return,
                rechecked = self.recheck(number) => match rechecked {
                    Ok(found) => RecheckState::Done { at: crate::now(), found: Box::new(found) },
                    Err(cause) => RecheckState::Failed { at: crate::now(), why: cause.to_string() },
                },
            };
            let parts =
                matches!(&state, RecheckState::Done { found, .. } if found.difference.is_some());
            self.rechecks.put(state);
            self.stepped();
            if parts {
                self.wrong.store(number, Ordering::Relaxed);
                self.wake.notify_one();
            }
        }
    }

    /// Derives the snapshot again, from the first entry of every log. Where the stored entries lead
    /// to other roots than the signed ones, the scrub is asked to repair them first.
    ///
    /// # Errors
    /// There is no such snapshot, or the database does not hold what it is of and nobody can give it.
    pub async fn recheck(&self, number: u64) -> Result<Rechecked, SnapshotError> {
        let own = store::get(&self.pool, number).await?.ok_or(SnapshotError::Unknown { number })?;
        let aside = Aside::new(self.pool.clone(), Schema::Recheck);
        let mut entries = Vec::new();
        let manifest = match self.derive_anew(number, &aside).await {
            Err(damaged) if damaged.is_damage() => {
                tracing::error!(number, %damaged, "the entries are scrubbed before the recheck goes on");
                let began = crate::now();
                self.ledger.scrub_now().await;
                let findings = self.ledger.scrub_status().findings;
                entries = findings.into_iter().filter(|finding| finding.at >= began).collect();
                self.derive_anew(number, &aside).await?
            }
            derived => derived?,
        };
        let difference = difference(&own.manifest, &manifest);
        let tables = self.projection.compare_and_mend(&aside).await?;
        Ok(Rechecked { manifest, difference, entries, tables })
    }

    async fn derive_anew(&self, number: u64, aside: &Aside) -> Result<Manifest, SnapshotError> {
        let plan = self.chain().await?.into_iter().find(|(it, _)| *it == number);
        let (_, plan) = plan.ok_or(SnapshotError::Unknown { number })?;
        let before = self.before(number).await?;
        aside.empty().await?;
        let tell = |progress| {
            self.rechecks.put(RecheckState::Running(progress));
            self.stepped();
        };
        self.derive(number, &plan, &before, aside, &tell).await
    }
}
