//! Where a snapshot ends in each log, and what a voter checks before it agrees to that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Period;
use crate::grant::{BadName, Family, Resource, Value};
use crate::log::LogId;

/// How many entries of each log a snapshot covers. Logs that are not named were empty.
///
/// By sizes and not by the clock: what comes later falls into the next snapshot, so every cloud
/// derives the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cut(BTreeMap<String, u64>);

/// Why a cut is not voted for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCut {
    #[error("the value of a snapshot's grant is not {{period, cut}}: {0}")]
    Unreadable(String),
    #[error("\"{0}\" is not a log of this deployment")]
    UnknownLog(String),
    #[error("{period} is not over yet")]
    TooEarly { period: Period },
    #[error("{period} has a snapshot already: number {number}")]
    Taken { period: Period, number: u64 },
    #[error("of {log} the cut covers {cut} entries, and the snapshot before covers {before}")]
    Backwards { log: LogId, cut: u64, before: u64 },
    #[error(
        "of {log} the cut covers {cut} entries, and {held} were final here when {period} ended"
    )]
    TooShort { log: LogId, cut: u64, held: u64, period: Period },
    #[error("of {log} the cut covers {cut} entries, and only {held} are final here yet")]
    NotHeld { log: LogId, cut: u64, held: u64 },
}

impl Cut {
    #[must_use]
    pub fn new(sizes: impl IntoIterator<Item = (LogId, u64)>) -> Self {
        let named = sizes.into_iter().filter(|(_, size)| *size > 0);
        Cut(named.map(|(log, size)| (log.to_string(), size)).collect())
    }

    #[must_use]
    pub fn size(&self, log: LogId) -> u64 {
        self.0.get(&log.to_string()).copied().unwrap_or(0)
    }

    /// Every log that it names, in the order of clouds and epochs.
    ///
    /// # Errors
    /// [`BadCut::UnknownLog`].
    pub fn sizes(&self) -> Result<BTreeMap<LogId, u64>, BadCut> {
        let read = |(name, size): (&String, &u64)| match LogId::parse(name) {
            Some(log) => Ok((log, *size)),
            None => Err(BadCut::UnknownLog(name.clone())),
        };
        self.0.iter().map(read).collect()
    }

    /// How many entries it covers in all.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.0.values().sum()
    }

    /// Does it cover all that the one before covers?
    ///
    /// # Errors
    /// [`BadCut::Backwards`].
    pub fn covers(&self, before: &Cut) -> Result<(), BadCut> {
        for (log, before) in before.sizes()? {
            let cut = self.size(log);
            if cut < before {
                return Err(BadCut::Backwards { log, cut, before });
            }
        }
        Ok(())
    }

    /// Are all of its entries among these?
    ///
    /// # Errors
    /// [`BadCut::NotHeld`].
    pub fn is_held(&self, finals: impl Fn(LogId) -> u64) -> Result<(), BadCut> {
        for (log, cut) in self.sizes()? {
            let held = finals(log);
            if cut > held {
                return Err(BadCut::NotHeld { log, cut, held });
            }
        }
        Ok(())
    }
}

/// What the clouds vote for: the n-th snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub period: Period,
    pub cut: Cut,
}

impl Plan {
    /// The chain of snapshots is one resource, and its n-th version the n-th snapshot.
    ///
    /// # Errors
    /// None: the name is a good one.
    pub fn resource() -> Result<Resource, BadName> {
        Resource::new(Family::Snapshot, "chain")
    }

    /// # Errors
    /// [`BadCut::Unreadable`]: more logs than a vote carries.
    pub fn to_value(&self) -> Result<Value, BadCut> {
        let json = serde_json::to_value(self);
        let json = json.map_err(|cause| BadCut::Unreadable(cause.to_string()))?;
        Value::from_json(&json).map_err(|cause| BadCut::Unreadable(cause.to_string()))
    }

    /// # Errors
    /// [`BadCut::Unreadable`], or a log's name is none.
    pub fn read(value: &Value) -> Result<Self, BadCut> {
        let read = serde_json::from_value(value.to_json());
        let plan: Plan = read.map_err(|cause| BadCut::Unreadable(cause.to_string()))?;
        plan.cut.sizes()?;
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;

    fn log(origin: Cloud, epoch: u32) -> LogId {
        LogId { origin, epoch }
    }

    #[test]
    fn a_plan_reads_back_from_what_is_voted_for() {
        let cut = Cut::new([(log(Cloud::Gcp, 1), 7), (log(Cloud::Aws, 2), 0)]);
        let plan = Plan { period: "2026-10".parse().expect("a month"), cut };
        let value = plan.to_value().expect("small");
        assert_eq!(value.bytes(), br#"{"cut":{"gcp/1":7},"period":"2026-10"}"#);
        assert_eq!(Plan::read(&value), Ok(plan));
        let other = serde_json::json!({"period": "2026-10", "cut": {"moon/1": 7}});
        let other = Value::from_json(&other).expect("a value");
        assert_eq!(Plan::read(&other), Err(BadCut::UnknownLog("moon/1".into())));
    }

    #[test]
    fn a_cut_never_goes_back_and_is_held_whole() {
        let gcp = log(Cloud::Gcp, 1);
        let (small, large) = (Cut::new([(gcp, 7)]), Cut::new([(gcp, 9)]));
        assert_eq!(large.covers(&small), Ok(()));
        let backwards = BadCut::Backwards { log: gcp, cut: 7, before: 9 };
        assert_eq!(small.covers(&large), Err(backwards.clone()));
        assert!(Cut::default().covers(&small).is_err());
        assert_eq!(large.is_held(|_| 9), Ok(()));
        assert_eq!(large.is_held(|_| 8), Err(BadCut::NotHeld { log: gcp, cut: 9, held: 8 }));
    }
}
