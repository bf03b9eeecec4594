//! Whose turn it is: exactly one cloud runs the n-th run, the one whose word the clouds decided on.
//!
//! Looks at every tenant and standing stresses take turns of one lease, for both propose about the same
//! tenants. The last word of a run is its event: whoever knows that knows every proposal of the run,
//! since all of them stand in one log. So a run of either kind waits until the one before is known here,
//! and no tenant is proposed about twice; one that broke off is waited for only so long, and what it
//! proposed stands.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::grant::{Decision, Family, Resource, Value, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Optimizer, OptimizerError, RunError};

/// The resource of its family whose n-th version is the n-th run, of whichever kind.
const RUNS: &str = "optimizer-run";
/// A run that is not known so long after it began has broken off: drawing takes seconds, recording
/// and becoming final seconds more.
const RUN_LASTS_MS: i64 = 120_000;

/// Whose run it is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Turn {
    by: Cloud,
    at: Timestamp,
    /// Two runs that one cloud begins in one millisecond are two.
    #[serde(default)]
    id: Uuid,
}

impl Turn {
    fn read(decision: &Decision) -> Option<Turn> {
        serde_json::from_value(decision.value().to_json()).ok()
    }

    /// Could it be under way? One that begins later than now, by another cloud's clock, is.
    const fn lasts(&self, now: Timestamp) -> bool {
        now.unix_ms().saturating_sub(self.at.unix_ms()) < RUN_LASTS_MS
    }
}

impl Optimizer {
    /// The turn that comes after the last one that is known here.
    ///
    /// # Errors
    /// The last one is under way: its word is not known here, and may come.
    pub(super) async fn next_turn(&self) -> Result<Version, RunError> {
        let newest = self.grants.latest(&lease()?).await.map_err(OptimizerError::from)?;
        let Some(last) = newest else { return Ok(Version::FIRST) };
        let version = last.grant().version;
        if let Some(turn) = Turn::read(&last)
            && turn.lasts(crate::now())
            && !self.is_known(version.number())
        {
            return Err(RunError::Elsewhere { by: turn.by });
        }
        // After the last number of all comes none; the first is another's already.
        Ok(version.next().unwrap_or(Version::FIRST))
    }

    /// Takes the turn that [`Self::next_turn`] gave, and no later one: what came in between was not
    /// looked at. Says which one it is.
    ///
    /// # Errors
    /// Another run took it, or fewer than two clouds can be reached.
    pub(super) async fn take_turn(&self, version: Version) -> Result<u64, RunError> {
        let turn = Turn { by: self.me, at: crate::now(), id: Uuid::now_v7() };
        let wish = Value::from_json(&json!(turn));
        let wish = wish.map_err(|bad| OptimizerError::Payload(bad.to_string()))?;
        let decided = self.grants.decide(&lease()?, version, &wish).await;
        let decided = decided.map_err(OptimizerError::from)?;
        if *decided.value() == wish {
            return Ok(version.number());
        }
        Err(RunError::Elsewhere { by: Turn::read(&decided).map_or(self.me, |turn| turn.by) })
    }

    /// Is the word of that run FINAL here, or of one after it?
    fn is_known(&self, run: u64) -> bool {
        let catalog = self.projection.catalog();
        let looked = catalog.run().map_or(0, |run| run.value.run);
        let foreseen = catalog.foresight().map_or(0, |run| run.value.run);
        looked.max(foreseen) >= run
    }
}

fn lease() -> Result<Resource, OptimizerError> {
    let resource = Resource::new(Family::Lease, RUNS);
    Ok(resource.map_err(crate::grant::GrantError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_under_way_for_two_minutes_and_while_it_begins_later_than_now() {
        let now_ms = 1_800_000_000_000;
        let lasts = |age_ms: i64| {
            let at = Timestamp::from_unix_ms(now_ms - age_ms);
            let turn = Turn { by: Cloud::Aws, at, id: Uuid::nil() };
            turn.lasts(Timestamp::from_unix_ms(now_ms))
        };
        assert!(lasts(-1_000) && lasts(0) && lasts(RUN_LASTS_MS - 1));
        assert!(!lasts(RUN_LASTS_MS));
    }

    #[test]
    fn a_turn_of_before_turns_had_ids_is_read() {
        let written = json!({ "by": "gcp", "at": "2026-11-26T12:00:00.000Z" });
        let turn: Turn = serde_json::from_value(written).expect("a turn");
        assert_eq!((turn.by, turn.id), (Cloud::Gcp, Uuid::nil()));
    }
}
