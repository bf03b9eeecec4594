//! The chain of decided cuts, and how one is added to it.

use domain::grant::{Resource, Version};
use domain::log::LogId;
use domain::snapshot::{BadCut, Cut, Period, Plan};

use super::{SnapshotError, Snapshots};
use crate::grant::{GrantError, Grants};

/// Others may take the next number meanwhile, each of the other two clouds once.
const ATTEMPTS: usize = 4;

/// Every decided snapshot, in order. What does not read as a plan is none: no voter lets it pass.
pub(super) async fn read(
    grants: &Grants,
    resource: &Resource,
) -> Result<Vec<(u64, Plan)>, GrantError> {
    let decisions = grants.decisions(resource).await?;
    let plan = |decision: &domain::grant::Decision| {
        Some((decision.grant().version.number(), Plan::read(decision.value()).ok()?))
    };
    Ok(decisions.iter().filter_map(plan).collect())
}

impl Snapshots {
    pub(super) async fn chain(&self) -> Result<Vec<(u64, Plan)>, SnapshotError> {
        Ok(read(&self.grants, &self.resource).await?)
    }

    /// Has the clouds decide on a snapshot of this period, cut at what is final here now. Returns
    /// its number; the same again for a period that has one.
    ///
    /// # Errors
    /// The period is not over, or no two clouds agree to the cut just now.
    pub async fn take(&self, period: Period) -> Result<u64, SnapshotError> {
        if !period.is_open_at(crate::now()) {
            return Err(BadCut::TooEarly { period }.into());
        }
        for _ in 0..ATTEMPTS {
            let chain = self.chain().await?;
            if let Some((number, _)) = chain.iter().find(|(_, plan)| plan.period == period) {
                return Ok(*number);
            }
            let next = match chain.last() {
                Some((last, _)) => Version::new(last + 1)?,
                None => Version::FIRST,
            };
            let plan = Plan { period, cut: self.now() };
            if let Some((_, last)) = chain.last() {
                plan.cut.covers(&last.cut)?;
            }
            let value = plan.to_value()?;
            let decision = self.grants.decide(&self.resource, next, &value).await?;
            if *decision.value() == value {
                tracing::info!(%period, number = next.number(), "a snapshot is decided");
            }
            self.wake.notify_one();
            self.stepped();
        }
        Err(SnapshotError::Crowded)
    }

    /// All that is final here.
    fn now(&self) -> Cut {
        let marks = self.ledger.watermarks().borrow().clone();
        Cut::new(marks.views().map(|view| (view.log, view.final_size)))
    }

    pub(super) fn final_size(&self, log: LogId) -> u64 {
        self.ledger.watermarks().borrow().view(log).map_or(0, |view| view.final_size)
    }
}
