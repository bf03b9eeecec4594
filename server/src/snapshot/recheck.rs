//! A snapshot derived again from the very beginning, and compared: what an auditor asks for, and
//! what finds a database that was changed behind the program's back.

use std::sync::{Arc, Mutex, PoisonError};

use domain::clock::Timestamp;
use domain::snapshot::Manifest;
use domain::snapshot::agreement::{Difference, difference};

use super::{Progress, SnapshotError, Snapshots, store};
use crate::projection::{Aside, Schema};

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
    /// Derived again; `difference` says where it parts from what this cloud came to then.
    Done {
        at: Timestamp,
        manifest: Box<Manifest>,
        difference: Option<Difference>,
    },
    /// The database does not hold what was signed, or cannot be read.
    Failed {
        at: Timestamp,
        why: String,
    },
}

/// One at a time: each reads everything.
#[derive(Debug, Default)]
pub(super) struct Rechecks {
    last: Mutex<Option<Recheck>>,
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
    pub fn begin_recheck(self: &Arc<Self>, number: u64) -> bool {
        if !self.rechecks.begin(number) {
            return false;
        }
        let snapshots = Arc::clone(self);
        tokio::spawn(async move {
            let state = match snapshots.recheck(number).await {
                Ok((manifest, difference)) => RecheckState::Done {
                    at: crate::now(),
                    manifest: Box::new(manifest),
                    difference,
                },
                Err(cause) => RecheckState::Failed { at: crate::now(), why: cause.to_string() },
            };
            snapshots.rechecks.put(state);
            snapshots.stepped();
        });
        true
    }

    /// Derives the snapshot again, from the first entry of every log.
    ///
    /// # Errors
    /// There is no such snapshot, or the database does not hold what it is of.
    pub async fn recheck(
        &self,
        number: u64,
    ) -> Result<(Manifest, Option<Difference>), SnapshotError> {
        let chain = self.chain().await?;
        let plan = chain.into_iter().find(|(it, _)| *it == number).map(|(_, plan)| plan);
        let plan = plan.ok_or(SnapshotError::Unknown { number })?;
        let own = store::get(&self.pool, number).await?.ok_or(SnapshotError::Unknown { number })?;
        let before = self.before(number).await?;
        let aside = Aside::new(self.pool.clone(), Schema::Recheck);
        aside.empty().await?;
        let tell = |progress| {
            self.rechecks.put(RecheckState::Running(progress));
            self.stepped();
        };
        let manifest = self.derive(number, &plan, &before, &aside, &tell).await?;
        let parts = difference(&own.manifest, &manifest);
        Ok((manifest, parts))
    }
}
