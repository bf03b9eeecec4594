//! What about snapshots needs a person.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::snapshot::Period;
use domain::snapshot::agreement::Standing;

use super::recheck::{RecheckState, Rechecked};
use super::{SnapshotError, Snapshots, standing_of};

/// Something that a person should know of.
#[derive(Clone, Debug)]
pub enum Worry {
    /// Two clouds came to one hash, these to another.
    Outvoted { period: Period, others: Vec<Cloud> },
    /// No two clouds came to one hash.
    Disagreed { period: Period },
    /// Derived again, this cloud's database was not what it should be.
    Found { at: Timestamp, found: Box<Rechecked> },
    /// It could not be derived again.
    Failed { at: Timestamp, why: String },
}

impl Snapshots {
    /// About the newest snapshot, which is the one that is still mended, and the last recheck.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn worries(&self) -> Result<Vec<Worry>, SnapshotError> {
        let mut worries = Vec::new();
        // By the decided chain: a cloud can attest whatever number it likes.
        if let Some((number, plan)) = self.chain().await?.pop() {
            let period = plan.period;
            match standing_of(&self.projection.catalog(), number) {
                Standing::Agreed { others, .. } if !others.is_empty() => {
                    worries.push(Worry::Outvoted { period, others });
                }
                Standing::Disagreed => worries.push(Worry::Disagreed { period }),
                _ => {}
            }
        }
        match self.last_recheck().map(|last| last.state) {
            Some(RecheckState::Done { at, found }) if !found.is_clean() => {
                worries.push(Worry::Found { at, found });
            }
            Some(RecheckState::Failed { at, why }) => worries.push(Worry::Failed { at, why }),
            _ => {}
        }
        Ok(worries)
    }
}
