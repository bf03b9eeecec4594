//! Watching a damaged cloud until its own scrub has found and repaired all of it.

use std::sync::Arc;
use std::time::Duration;

use app::backend::LabRepair;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use tokio::time::sleep;

use super::Bench;
use crate::ledger::{Finding, ScrubStatus};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A cloud that stays stopped for longer is not watched any more.
const WATCH_MAX: Duration = Duration::from_secs(60 * 60);
/// A cut tail gives a sentence a row; the story needs the first few.
const SENTENCES_MAX: usize = 3;

/// What to look for.
#[derive(Debug)]
pub(super) struct Damaged {
    /// Of the act.
    pub number: u64,
    pub cloud: Cloud,
    pub places: Vec<String>,
    pub since: Timestamp,
}

pub(super) async fn until_repaired(bench: Arc<Bench>, damaged: Damaged) {
    let watch = async {
        loop {
            sleep(LOOK_EVERY).await;
            let status = bench.views.scrub(damaged.cloud).await;
            if let Some(repair) = status.and_then(|status| damaged.repair(&status)) {
                bench.acts.repaired(damaged.number, repair);
                return;
            }
        }
    };
    tokio::select! {
        () = bench.end.cancelled() => {}
        // If it never is, the act goes on saying so.
        _ = tokio::time::timeout(WATCH_MAX, watch) => {}
    }
}

impl Damaged {
    /// `None`: not all of it is repaired.
    fn repair(&self, status: &ScrubStatus) -> Option<LabRepair> {
        let is_ours = |one: &&Finding| {
            one.is_repaired() && one.at >= self.since && self.places.contains(&one.place)
        };
        let ours: Vec<&Finding> = status.findings.iter().filter(is_ours).collect();
        let all = self.places.iter().all(|place| ours.iter().any(|one| one.place == *place));
        let at = ours.iter().map(|one| one.at).max().filter(|_| all)?;
        let sentences = ours.iter().take(SENTENCES_MAX).map(|one| one.sentence(self.cloud));
        Some(LabRepair {
            at,
            after_ms: at.unix_ms() - self.since.unix_ms(),
            sentences: sentences.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Outcome;
    use domain::log::LogId;

    fn finding(place: &str, at_ms: i64, outcome: Outcome) -> Finding {
        Finding {
            at: Timestamp::from_unix_ms(at_ms),
            log: LogId { origin: Cloud::Gcp, epoch: 1 },
            place: place.to_owned(),
            sequence: None,
            field: "payload".to_owned(),
            found: "other".to_owned(),
            right: None,
            outcome,
        }
    }

    #[test]
    fn damage_is_repaired_when_every_place_is_and_not_by_what_was_repaired_before() {
        let damaged = Damaged {
            number: 1,
            cloud: Cloud::Aws,
            places: vec!["gcp/1/4".to_owned(), "gcp/1/5".to_owned()],
            since: Timestamp::from_unix_ms(1_000),
        };
        let repaired = || Outcome::Repaired { source: Some(Cloud::Gcp) };
        let mut findings = vec![
            finding("gcp/1/4", 500, repaired()),
            finding("gcp/1/5", 1_200, repaired()),
            finding("gcp/1/4", 1_300, Outcome::Open { reason: "no copy".to_owned() }),
        ];
        let status = |findings: &[Finding]| ScrubStatus {
            findings: findings.to_vec(),
            ..ScrubStatus::default()
        };
        assert_eq!(damaged.repair(&status(&findings)), None);
        findings.push(finding("gcp/1/4", 3_500, repaired()));
        let repair = damaged.repair(&status(&findings)).expect("all of it");
        assert_eq!((repair.after_ms, repair.sentences.len()), (2_500, 2));
    }
}
