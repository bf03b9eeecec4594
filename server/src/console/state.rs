//! How the clouds are: the state that every page shows and the stream repeats every second.

use app::backend::{CloudState, Condition, LiveState, Overview, SeriesPoint, Viewer};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};

use super::Console;
use crate::ledger::{CloudFigures, EventFilter, LogView};
use crate::problem::Problem;

/// Clouds exchange heads every second: three missed ones are no hiccup.
const SILENCE_MS_MAX: i64 = 3_000;
/// A cloud that is behind by no more than this arrives in this moment, at any rate.
const BEHIND_MIN: u64 = 500;
/// Being behind by what was made final within this long is normal under load: batches are on
/// their way and signatures come back.
const BEHIND_SECONDS: f64 = 2.0;
/// Samples, a second apart, that must all be above the limit: one batch of an import is no lag.
const BEHIND_SAMPLES: usize = 3;
/// Rows of the first page's table.
const LATEST_ROWS: u32 = 9;

impl Console {
    /// The state of this moment. Reads memory only.
    #[must_use]
    pub fn live_state(&self) -> LiveState {
        let at = crate::now();
        let marks = self.ledger.watermarks().borrow().clone();
        let figures = self.ledger.figures();
        let me = self.ledger.cloud();
        let clouds = PerCloud::from_fn(|cloud| {
            let known = figures.clouds.get(cloud);
            let condition =
                if cloud == me { Condition::Up } else { condition(known, at, figures.final_per_s) };
            cloud_state(known, condition, marks.log(cloud), cloud == me)
        });
        LiveState {
            at,
            mode: marks.log(me).mode,
            clouds_up: up(&clouds),
            clouds,
            final_per_s: figures.final_per_s,
            window_s: figures.window_s,
            time_to_final_p50_ms: figures.time_to_final_p50_ms,
            time_to_final_p99_ms: figures.time_to_final_p99_ms,
            pending: marks.pending(),
            quarantined: self.projection.conflict_count() + self.quarantine.held_count(),
            events: marks.stored(),
            accusations: self.accusations(),
            key_requests: self.key_requests_waiting(),
            key_changes: self.ledger.epoch_changes(),
            audit_changes: self.snapshots.changes(),
            switch_changes: self.projection.catalog().book().switched_count(),
        }
    }

    /// The first page.
    pub(super) async fn overview(&self, viewer: &Viewer) -> Result<Overview, Problem> {
        let state = self.live_state();
        let figures = self.ledger.figures();
        let point = |(at, final_per_s)| SeriesPoint { at, final_per_s };
        let page = self.ledger.list(&EventFilter::default(), None, LATEST_ROWS).await?;
        Ok(Overview {
            at: state.at,
            attention: self.attention(&state, viewer).await?,
            repaired_until: self.repaired_until(&state, viewer),
            series: figures.series.into_iter().map(point).collect(),
            series_step_ms: figures.step_ms,
            latest: self.rows(&page.items).await?,
            state,
        })
    }
}

/// Clouds that take part in the quorum.
fn up(clouds: &PerCloud<CloudState>) -> u8 {
    let counts = |condition| matches!(condition, Condition::Up | Condition::Lagging);
    Cloud::ALL.into_iter().map(|cloud| u8::from(counts(clouds.get(cloud).condition))).sum()
}

fn cloud_state(known: &CloudFigures, condition: Condition, log: &LogView, own: bool) -> CloudState {
    let answers = matches!(condition, Condition::Up | Condition::Lagging);
    CloudState {
        condition,
        own_log_size: log.head.size,
        behind: known.behind,
        // Measured before it went silent, and no longer true.
        confirms_p50_ms: known.confirms_p50_ms.filter(|_| answers),
        load: known.load.filter(|_| answers),
        heard_at: known.heard_at.filter(|_| !own),
        behind_history: known.behind_history.clone(),
        frozen: log.frozen,
    }
}

/// How another cloud is, as far as this node can tell.
fn condition(known: &CloudFigures, at: Timestamp, final_per_s: f64) -> Condition {
    let Some(heard) = known.heard_at else {
        // Trying and failing is more than not knowing.
        return if known.reachable == Some(false) { Condition::Down } else { Condition::Unknown };
    };
    if at.unix_ms() - heard.unix_ms() > SILENCE_MS_MAX {
        return Condition::Down;
    }
    let limit = behind_limit(final_per_s);
    let mut recent = known.behind_history.iter().rev().take(BEHIND_SAMPLES);
    if known.behind > limit && recent.all(|behind| *behind > limit) {
        return Condition::Lagging;
    }
    Condition::Up
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
fn behind_limit(final_per_s: f64) -> u64 {
    BEHIND_MIN.max((final_per_s * BEHIND_SECONDS) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::log::LogId;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn heard(before_ms: i64) -> CloudFigures {
        let at = Timestamp::from_unix_ms(NOW_MS - before_ms);
        CloudFigures { heard_at: Some(at), reachable: Some(true), ..CloudFigures::default() }
    }

    fn judged(known: &CloudFigures) -> Condition {
        condition(known, Timestamp::from_unix_ms(NOW_MS), 10.0)
    }

    #[test]
    fn silence_is_down_and_never_heard_is_unknown_until_a_call_fails() {
        assert_eq!(judged(&heard(3_000)), Condition::Up);
        assert_eq!(judged(&heard(3_001)), Condition::Down);
        let mut never = CloudFigures::default();
        assert_eq!(judged(&never), Condition::Unknown);
        never.reachable = Some(false);
        assert_eq!(judged(&never), Condition::Down);
    }

    #[test]
    fn figures_of_a_cloud_that_is_down_are_not_shown_as_of_now_and_a_frozen_log_is_told() {
        let known = CloudFigures { confirms_p50_ms: Some(35.0), load: Some(0.2), ..heard(100) };
        let log =
            LogView { frozen: true, ..LogView::empty(LogId { origin: Cloud::Aws, epoch: 1 }) };
        let up = cloud_state(&known, Condition::Up, &log, false);
        assert_eq!((up.confirms_p50_ms, up.load, up.frozen), (Some(35.0), Some(0.2), true));
        let down = cloud_state(&known, Condition::Down, &log, false);
        assert_eq!((down.confirms_p50_ms, down.load, down.frozen), (None, None, true));
    }

    #[test]
    fn one_large_batch_is_no_lag_and_three_seconds_behind_are() {
        let mut known = heard(100);
        known.behind = 900;
        known.behind_history = vec![900, 0, 900];
        assert_eq!(judged(&known), Condition::Up);
        known.behind_history = vec![0, 900, 800, 700];
        assert_eq!(judged(&known), Condition::Lagging);
        assert_eq!(condition(&known, Timestamp::from_unix_ms(NOW_MS), 1_000.0), Condition::Up);
    }
}
