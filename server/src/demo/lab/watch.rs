//! Watching a damaged cloud until its own scrub has found and repaired all of it.

use std::sync::Arc;
use std::time::Duration;

use app::backend::{LabDamage, LabRepair};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use serde_json::Value;
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
    pub what: LabDamage,
    pub places: Vec<String>,
    pub since: Timestamp,
}

pub(super) async fn until_repaired(bench: Arc<Bench>, damaged: Damaged) {
    let watch = async {
        loop {
            sleep(LOOK_EVERY).await;
            let repair = if damaged.what == LabDamage::Usage {
                let rechecks = bench.views.rechecks(damaged.cloud).await;
                rechecks.and_then(|rechecks| damaged.repair_by_recheck(&rechecks))
            } else {
                let status = bench.views.scrub(damaged.cloud).await;
                status.and_then(|status| damaged.repair(&status))
            };
            if let Some(repair) = repair {
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

impl Damaged {
    /// Tables are not scrubbed: they are derived again, and compared, with a snapshot.
    fn repair_by_recheck(&self, snapshots: &Value) -> Option<LabRepair> {
        let items = snapshots["items"].as_array()?;
        let done = items.iter().map(|item| &item["recheck"]).find(|it| it["state"] == "done")?;
        let at: Timestamp = done["at"].as_str()?.parse().ok()?;
        let rows = done["tables"]["first"].as_array()?;
        let ours: Vec<&Value> = rows.iter().filter(|row| row["table"] == "usage_hour").collect();
        if at < self.since || ours.is_empty() || !done["tables"]["notMended"].is_null() {
            return None;
        }
        let cloud = self.cloud.title();
        let fields = ours.iter().flat_map(|row| row["fields"].as_array().into_iter().flatten());
        let sentences = fields.take(SENTENCES_MAX).map(|field| {
            let (name, stood, derived) = (&field["field"], &field["stood"], &field["derived"]);
            let name = name.as_str().unwrap_or_default();
            format!("{cloud} derived its tables again from the entries: {name} stood at {stood} and is {derived}.")
        });
        let sentences = sentences.collect();
        Some(LabRepair { at, after_ms: at.unix_ms() - self.since.unix_ms(), sentences })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Outcome;
    use domain::log::LogId;
    use serde_json::json;

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
            what: LabDamage::Payload,
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

    #[test]
    fn metered_usage_is_repaired_when_a_later_recheck_has_put_it_right() {
        let since: Timestamp = "2026-11-26T06:00:00Z".parse().expect("a time");
        let what = LabDamage::Usage;
        let damaged = Damaged { number: 1, cloud: Cloud::Aws, what, places: Vec::new(), since };
        let recheck = |at: &str, not_mended: Value| {
            let field = json!({ "field": "input_tokens", "stood": 120, "derived": 12 });
            let row = json!({ "table": "usage_hour", "is": "changed", "fields": [field] });
            let tables = json!({ "first": [row], "notMended": not_mended });
            json!({ "items": [{ "recheck": { "state": "done", "at": at, "tables": tables } }] })
        };
        let of = |at, not_mended| damaged.repair_by_recheck(&recheck(at, not_mended));
        assert_eq!(of("2026-11-26T05:59:59Z", Value::Null), None);
        assert_eq!(of("2026-11-26T06:00:02Z", json!("busy")), None);
        let repair = of("2026-11-26T06:00:02Z", Value::Null).expect("repaired");
        assert_eq!(repair.after_ms, 2_000);
        assert!(repair.sentences[0].ends_with("input_tokens stood at 120 and is 12."));
    }
}
