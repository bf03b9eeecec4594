//! Records at providers of DNS follow the selection.
//!
//! ```text
//! selection ─► domain::fabric::publish (wanted) ─┐
//!                                                ├─► steps ─► lease publish-<provider> ─► apply
//! provider ◄── read every 15 s ──► found ────────┘                  (token = fence)
//! ```
//! Every cloud reads and compares; who finds something to write claims the lease, and writes under
//! its version. Route 53 refuses the batch of a writer of before, since each batch replaces the
//! fence of exactly the writer that stands there. Cloudflare has no such means: there the token
//! stands in each record's comment, or in the description of a load balancer and its pools, and is
//! read just before it is written. A load balancer takes many calls: it says `writing` until the last.
//!
//! Drift is what differs from the last state under the same token: somebody edited by hand. It is
//! shown, and re-applied only where `on_drift` says so; all else goes on.
//!
//! Known limits. What was edited while no node ran is not told from what is to be changed. A node
//! that is alone publishes nothing, and where nobody is up the last good records stand.

mod cloudflare;
mod drive;
mod provider;
mod route53;
mod setup;

use std::sync::{Arc, Mutex, PoisonError};

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::fabric::publish::difference::Step;
use serde_json::{Value, json};

use super::Fabric;

pub use provider::{Fault, Found, Provider, Record};
pub use setup::{PublishError, cloudflare, cloudflare_balancer, publishers, route53};

/// What is done about what somebody else has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// Shown, and left alone.
    #[default]
    Report,
    /// Shown, and written over.
    Apply,
}

impl OnDrift {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OnDrift::Report => "report",
            OnDrift::Apply => "apply",
        }
    }
}

/// How a provider stands, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was read last.
    pub read_at: Option<Timestamp>,
    /// The token and cloud of who wrote last, as the provider has it.
    pub writer: Option<(u64, Option<Cloud>)>,
    /// Steps that are left, as lines.
    pub waiting: Vec<String>,
    /// What somebody has changed by hand, as lines.
    pub drift: Vec<String>,
    /// When this node wrote last.
    pub wrote_at: Option<Timestamp>,
    /// Whoever wrote last is not done, or has stopped half-way.
    pub half_written: bool,
    /// Why nothing can be read or written.
    pub problem: Option<String>,
    /// The problem does not pass by itself: people must do something.
    pub refused: bool,
    /// Not asked again before then, as long as nothing else has come of it.
    pub next_try_at: Option<Timestamp>,
}

impl Standing {
    /// Without a next try of its own, the one that is still to come stays.
    fn fail(&mut self, fault: &Fault, next_try_at: Option<Timestamp>, now: Timestamp) {
        self.problem = Some(fault.to_string());
        self.refused = matches!(fault, Fault::Refused(_));
        self.next_try_at = next_try_at.or(self.next_try_at.filter(|at| *at > now));
    }

    /// It went well. Whoever only looks meanwhile does not undo what writing has come to.
    fn settle(&mut self, now: Timestamp) {
        if self.next_try_at.is_none_or(|at| at <= now) {
            (self.problem, self.refused, self.next_try_at) = (None, false, None);
        }
    }
}

/// One provider that is kept in step.
#[derive(Debug)]
pub struct Publisher {
    provider: Arc<dyn Provider>,
    on_drift: OnDrift,
    /// Everything but writing.
    dry_run: bool,
    standing: Mutex<Standing>,
    /// As it was written last, by whomever, under this token.
    baseline: Mutex<drive::Baseline>,
}

impl Publisher {
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, on_drift: OnDrift, dry_run: bool) -> Self {
        let (standing, baseline) = (Mutex::default(), Mutex::default());
        Publisher { provider, on_drift, dry_run, standing, baseline }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.provider.name()
    }

    /// Where it publishes, for people. Holds no secret.
    #[must_use]
    pub fn place(&self) -> String {
        self.provider.place()
    }

    #[must_use]
    pub fn deals_by_weight(&self) -> bool {
        self.provider.deals_by_weight()
    }

    #[must_use]
    pub const fn on_drift(&self) -> OnDrift {
        self.on_drift
    }

    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`Publisher::standing`], as programs are told.
    #[must_use]
    pub fn told(&self) -> Value {
        let standing = self.standing();
        json!({
            "publisher": self.name(), "place": self.place(), "onDrift": self.on_drift.name(),
            "dryRun": self.dry_run, "dealsByWeight": self.deals_by_weight(),
            "readAt": standing.read_at, "wroteAt": standing.wrote_at,
            "writer": standing.writer.map(|(token, cloud)| json!({ "token": token, "cloud": cloud })),
            "waiting": standing.waiting, "drift": standing.drift,
            "halfWritten": standing.half_written, "problem": standing.problem,
            "refused": standing.refused, "nextTryAt": standing.next_try_at,
        })
    }

    fn stand(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Fabric {
    #[must_use]
    pub fn publishers(&self) -> &[Arc<Publisher>] {
        &self.publishers
    }

    /// How each provider stands. `fresh`: each is read for it.
    pub async fn published(&self, fresh: bool) -> Vec<Value> {
        if fresh {
            for publisher in &self.publishers {
                publisher.compare(self).await;
            }
        }
        self.publishers.iter().map(|publisher| publisher.told()).collect()
    }
}

fn lines(steps: &[Step<Record>]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_meanwhile_leaves_the_problem_and_the_next_try_and_one_after_it_clears_both() {
        let at = Timestamp::from_unix_ms;
        let mut standing = Standing::default();
        standing.fail(&Fault::Refused("no such zone".to_owned()), Some(at(9_000)), at(4_000));
        standing.settle(at(5_000));
        assert_eq!((standing.problem.as_deref(), standing.refused), (Some("no such zone"), true));
        assert_eq!(standing.next_try_at, Some(at(9_000)));
        let passing = Fault::Passing { why: "throttled".to_owned(), wait_ms: None };
        standing.fail(&passing, None, at(5_000));
        assert_eq!((standing.refused, standing.next_try_at), (false, Some(at(9_000))));
        standing.settle(at(9_000));
        assert_eq!(standing, Standing::default());
    }

    #[test]
    fn a_look_that_fails_after_the_next_try_was_due_does_not_promise_it_again() {
        let at = Timestamp::from_unix_ms;
        let mut standing = Standing::default();
        let passing = Fault::Passing { why: "throttled".to_owned(), wait_ms: None };
        standing.fail(&passing, Some(at(9_000)), at(4_000));
        standing.fail(&passing, None, at(9_000));
        assert!(standing.problem.is_some());
        assert_eq!(standing.next_try_at, None);
    }
}
