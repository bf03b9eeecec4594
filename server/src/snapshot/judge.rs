//! What a voter wants of a cut before it accepts it: that it forgets nothing.

use std::sync::Arc;

use async_trait::async_trait;
use domain::grant::{Decision, Family, GrantId, Value};
use domain::log::LogId;
use domain::snapshot::{BadCut, Period, Plan};

use super::SnapshotError;
use crate::grant::Judge;
use crate::ledger::Ledger;

/// Judges proposals for the chain of snapshots by what this cloud holds.
#[derive(Debug)]
pub struct CutJudge {
    pub ledger: Arc<Ledger>,
}

#[async_trait]
impl Judge for CutJudge {
    fn family(&self) -> Family {
        Family::Snapshot
    }

    async fn objection(
        &self,
        grant: &GrantId,
        value: &Value,
        earlier: &[Decision],
    ) -> Result<Option<String>, sqlx::Error> {
        match self.check(grant, value, earlier).await {
            Ok(()) => Ok(None),
            Err(SnapshotError::Database(cause)) => Err(cause),
            Err(cause) => Ok(Some(cause.to_string())),
        }
    }
}

impl CutJudge {
    async fn check(
        &self,
        grant: &GrantId,
        value: &Value,
        earlier: &[Decision],
    ) -> Result<(), SnapshotError> {
        let Plan { period, cut } = Plan::read(value)?;
        if !period.is_open_at(crate::now()) {
            return Err(BadCut::TooEarly { period }.into());
        }
        for decision in earlier.iter().filter(|it| it.grant().version < grant.version) {
            let number = decision.grant().version.number();
            let before = Plan::read(decision.value())?;
            if before.period == period {
                return Err(BadCut::Taken { period, number }.into());
            }
            cut.covers(&before.cut)?;
        }
        let marks = self.ledger.watermarks().borrow().clone();
        cut.is_held(|log| marks.view(log).map_or(0, |view| view.final_size))?;
        for view in marks.views() {
            let held = self.final_before(view.log, view.final_size, period).await?;
            let covered = cut.size(view.log);
            if covered < held {
                let log = view.log;
                return Err(BadCut::TooShort { log, cut: covered, held, period }.into());
            }
        }
        Ok(())
    }

    /// How many final entries of a log were recorded before the period ended. Within a log clocks
    /// only rise, so this needs some twenty rows of a long one.
    async fn final_before(
        &self,
        log: LogId,
        final_size: u64,
        period: Period,
    ) -> Result<u64, sqlx::Error> {
        let end_ms = u64::try_from(period.end().unix_ms()).unwrap_or(0);
        let (mut from, mut to) = (0, final_size);
        while from < to {
            let middle = from + (to - from) / 2;
            let entry = self.ledger.range(log, middle, middle + 1).await?;
            let is_before = entry.first().is_some_and(|it| it.event.logical_clock.ms < end_ms);
            if is_before { from = middle + 1 } else { to = middle }
        }
        Ok(from)
    }
}
