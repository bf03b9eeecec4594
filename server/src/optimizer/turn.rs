//! Whose turn it is: exactly one cloud runs the n-th run of a kind, the one whose word the clouds
//! decided on.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::grant::{Decision, Family, Resource, Value, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Optimizer, OptimizerError, RunError};

/// Whose run it is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) by: Cloud,
    pub(super) at: Timestamp,
}

impl Turn {
    fn read(decision: &Decision) -> Option<Turn> {
        serde_json::from_value(decision.value().to_json()).ok()
    }
}

impl Optimizer {
    /// Takes the next turn of the kind `lease/<kind>`, and says which one it is.
    ///
    /// # Errors
    /// Another cloud took it, or fewer than two can be reached.
    pub(super) async fn take_turn(&self, kind: &str, now: Timestamp) -> Result<u64, RunError> {
        let resource = lease(kind)?;
        let newest = self.newest(&resource).await?;
        let next = newest.map_or(Some(Version::FIRST), |newest| newest.grant().version.next());
        let version = next.unwrap_or(Version::FIRST);
        let wish = Value::from_json(&json!(Turn { by: self.me, at: now }));
        let wish = wish.map_err(|bad| OptimizerError::Payload(bad.to_string()))?;
        let decided = self.grants.decide(&resource, version, &wish).await;
        let decided = decided.map_err(OptimizerError::from)?;
        if *decided.value() == wish {
            return Ok(version.number());
        }
        Err(RunError::Elsewhere { by: Turn::read(&decided).map_or(self.me, |turn| turn.by) })
    }

    /// The last turn that is known here, and its number.
    pub(super) async fn last_turn(&self, kind: &str) -> Result<Option<(u64, Turn)>, RunError> {
        let newest = self.newest(&lease(kind)?).await?;
        let turn =
            |decision: Decision| Some((decision.grant().version.number(), Turn::read(&decision)?));
        Ok(newest.and_then(turn))
    }

    async fn newest(&self, resource: &Resource) -> Result<Option<Decision>, OptimizerError> {
        Ok(self.grants.latest(resource).await?)
    }
}

fn lease(kind: &str) -> Result<Resource, OptimizerError> {
    let resource = Resource::new(Family::Lease, kind);
    Ok(resource.map_err(crate::grant::GrantError::from)?)
}
