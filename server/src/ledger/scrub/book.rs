//! What the scrub has done, for screens, programs and metrics.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::clock::Timestamp;
use domain::log::LogId;
use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// Findings kept in memory; all of them stand in the table `ledger_repair`.
const FINDINGS_MAX: usize = 100;

/// How far one log has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogProgress {
    pub log: LogId,
    /// Entries of this pass that are checked …
    pub checked: u64,
    /// … of those that a cosigned root covers.
    pub size: u64,
    /// When all of it was last checked from its beginning.
    pub last_full_pass: Option<Timestamp>,
}

/// What the scrub has done since this node started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubStatus {
    pub logs: Vec<LogProgress>,
    pub found: u64,
    pub repaired: u64,
    /// Wrong at this moment, since no verified copy could be had.
    pub open: Vec<Finding>,
    /// The newest last.
    pub findings: Vec<Finding>,
    /// Absent: nobody has.
    pub acknowledged: Option<Acknowledged>,
}

/// Somebody has seen what was repaired until then. A mark of this node, kept as long as the
/// findings are: until it starts again. It is no event, since it changes nothing that clouds agree
/// on: the log names who set it, and the table `ledger_repair` keeps every finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged {
    pub by: String,
    pub until: Timestamp,
    pub at: Timestamp,
}

/// One open finding, over passes.
type Key = (LogId, String, String);

#[derive(Debug, Default)]
pub(in crate::ledger) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    logs: BTreeMap<LogId, LogProgress>,
    found: u64,
    repaired: u64,
    open: BTreeMap<Key, Finding>,
    /// Of the open ones, those that the pass under way has seen.
    seen: BTreeSet<Key>,
    findings: VecDeque<Finding>,
    acknowledged: Option<Acknowledged>,
}

impl Book {
    fn with<T>(&self, act: impl FnOnce(&mut Pages) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn progress(&self, log: LogId, checked: u64, size: u64) {
        self.with(|pages| {
            let last = pages.logs.get(&log).and_then(|known| known.last_full_pass);
            pages.logs.insert(log, LogProgress { log, checked, size, last_full_pass: last });
        });
    }

    /// True if it is news.
    pub(super) fn note(&self, finding: &Finding) -> bool {
        self.with(|pages| {
            let key = (finding.log, finding.place.clone(), finding.field.clone());
            if finding.is_repaired() {
                // What was open before is counted as found already.
                pages.found += u64::from(pages.open.remove(&key).is_none());
                pages.repaired += 1;
            } else {
                pages.seen.insert(key.clone());
                if pages.open.insert(key, finding.clone()).is_some() {
                    return false;
                }
                pages.found += 1;
            }
            while pages.findings.len() >= FINDINGS_MAX {
                pages.findings.pop_front();
            }
            pages.findings.push_back(finding.clone());
            true
        })
    }

    /// The pass over a log is complete: what it did not find any more is gone.
    pub(super) fn finish(&self, log: LogId, at: Timestamp) {
        self.with(|pages| {
            let seen = std::mem::take(&mut pages.seen);
            pages.open.retain(|key, _| key.0 != log || seen.contains(key));
            if let Some(progress) = pages.logs.get_mut(&log) {
                progress.last_full_pass = Some(at);
            }
        });
    }

    /// An older mark does not take a newer one back.
    pub(in crate::ledger) fn acknowledge(&self, mark: Acknowledged) {
        self.with(|pages| {
            let newer = |known: &Acknowledged| known.until >= mark.until;
            if !pages.acknowledged.as_ref().is_some_and(newer) {
                pages.acknowledged = Some(mark);
            }
        });
    }

    pub(super) fn status(&self) -> ScrubStatus {
        self.with(|pages| ScrubStatus {
            logs: pages.logs.values().cloned().collect(),
            found: pages.found,
            repaired: pages.repaired,
            open: pages.open.values().cloned().collect(),
            findings: pages.findings.iter().cloned().collect(),
            acknowledged: pages.acknowledged.clone(),
        })
    }
}
