//! Metrics in the Prometheus form: one recorder a process, gauges read when asked.

use domain::cloud::Cloud;
use domain::evidence::Kind;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use super::Services;

/// From a cached answer to a stuck one.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets(&SECONDS)
}

/// Makes this process's recorder. Once a process.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    builder()?.install_recorder()
}

/// A recorder that only its handle knows: for several nodes in one process, as in tests.
///
/// # Errors
/// Never with these buckets; the library's types say otherwise.
pub fn local() -> Result<PrometheusHandle, BuildError> {
    Ok(builder()?.build_recorder().handle())
}

/// Brings gauges up to date.
#[expect(clippy::cast_precision_loss, reason = "gauges are doubles; counts stay below 2^53")]
pub(super) fn refresh(shared: &Services) {
    let marks = shared.ledger.watermarks().borrow().clone();
    for (origin, view) in marks.current().iter() {
        let gauge = |name: &'static str| metrics::gauge!(name, "origin" => origin.name());
        gauge("ternion_log_size").set(view.head.size as f64);
        gauge("ternion_log_final_size").set(view.final_size as f64);
        gauge("ternion_log_replicated_size").set(view.replicated_size as f64);
    }
    metrics::gauge!("ternion_events_pending").set(marks.pending() as f64);
    metrics::gauge!("ternion_events_quarantined").set(shared.projection.conflict_count() as f64);
    metrics::gauge!("ternion_quarantine_held").set(shared.quarantine.held_count() as f64);
    metrics::gauge!("ternion_intake_queue_fill").set(shared.ledger.queue_fill());
    metrics::gauge!("ternion_http_streams").set(shared.viewers.count() as f64);
    metrics::gauge!("ternion_database_connections").set(f64::from(shared.ledger.connections()));
    metrics::gauge!("ternion_uptime_seconds").set(shared.started.elapsed().as_secs_f64());
    finality(shared);
    scrub(shared);
    evidence(shared);
}

/// Every series from the start, so that an alert can be written before it is needed.
fn evidence(shared: &Services) {
    let accusations = shared.evidences.accusations();
    for cloud in Cloud::ALL {
        for kind in Kind::ALL {
            let of = accusations.iter().filter(|one| one.cloud == cloud && one.kind == kind);
            let count = of.map(|one| one.count).sum();
            let labels = [("cloud", cloud.name()), ("kind", kind.name())];
            metrics::counter!("ternion_evidence_total", &labels).absolute(count);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are doubles; counts stay below 2^53")]
fn finality(shared: &Services) {
    let figures = shared.ledger.figures();
    metrics::gauge!("ternion_final_events_per_second").set(figures.final_per_s);
    for (quantile, ms) in
        [("0.5", figures.time_to_final_p50_ms), ("0.99", figures.time_to_final_p99_ms)]
    {
        let seconds = ms.map_or(f64::NAN, |ms| ms / 1e3);
        metrics::gauge!("ternion_time_to_final_seconds", "quantile" => quantile).set(seconds);
    }
    for cloud in Cloud::ALL {
        let known = figures.clouds.get(cloud);
        metrics::gauge!("ternion_cloud_behind_entries", "cloud" => cloud.name())
            .set(known.behind as f64);
        let reachable = known.reachable.unwrap_or(cloud == shared.ledger.cloud());
        metrics::gauge!("ternion_cloud_reachable", "cloud" => cloud.name())
            .set(f64::from(u8::from(reachable)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are doubles; counts stay below 2^53")]
fn scrub(shared: &Services) {
    let status = shared.ledger.scrub_status();
    metrics::gauge!("ternion_scrub_open").set(status.open.len() as f64);
    for log in &status.logs {
        let gauge = |name: &'static str| metrics::gauge!(name, "origin" => log.log.origin.name());
        gauge("ternion_scrub_checked_entries").set(log.checked as f64);
        if let Some(at) = log.last_full_pass {
            gauge("ternion_scrub_last_full_pass_seconds").set(at.unix_ms() as f64 / 1e3);
        }
    }
}
