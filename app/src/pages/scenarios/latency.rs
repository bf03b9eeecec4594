//! How long requests take wherever usage is, and how that is known.

use domain::economics::study::{LatencyBasis, LatencyOf, PlaceLatency};
use leptos::prelude::*;

use super::desk::Desk;
use super::tables::head;
use crate::components::table::{Cell, DataTable, TableRow};
use crate::format::{count, counted, duration_text};

/// Quiet where all is measured: what is assumed is named in the summary.
#[component]
pub(super) fn Latencies() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let title = move || {
        let board = desk.board.read();
        let places = || board.basis.latency.values().flat_map(|region| region.providers.values());
        let all = places().count();
        let measured = places().filter(|it| it.basis == LatencyBasis::Measured).count();
        let places = counted(all as u64, "place", "places");
        format!("How long requests take: measured at {} of {places}", count(measured as u64))
    };
    let table = move || {
        let mut rows = Vec::new();
        for (region, latency) in &desk.board.read().basis.latency {
            if !latency.providers.is_empty() {
                rows.push(TableRow::Heading(region.clone()));
            }
            rows.extend(latency.providers.iter().map(|(provider, place)| line(provider, place)));
        }
        let head = head(&["Provider", "P50", "P99", "Requests", "Stalled"]);
        view! { <DataTable label="Latencies by region and provider".to_owned() head rows /> }
    };
    view! {
        <details class="card latencies">
            <summary class="card-title">{title}</summary>
            {table}
            <p class="muted">"Of requests that did not fail. Between 1 ms and 71 minutes a measured latency is known to 3 %. Stalled: longer than ten medians."</p>
        </details>
    }
    .into_any()
}

fn line(provider: &str, place: &PlaceLatency) -> TableRow {
    let known =
        |number: Option<u64>| Cell::from(number.map_or_else(|| "–".to_owned(), count)).quiet();
    let seconds = |s: f64| Cell::from(duration_text(s * 1e3));
    TableRow::Cells(vec![
        Cell::from(provider.to_owned()).about(how(place)),
        seconds(place.p50_s),
        seconds(place.p99_s),
        known(place.requests),
        known(place.requests.map(|_| place.stalled)),
    ])
}

/// `measured`, `fitted to few requests, the tail assumed · recorded samples: llmperf, 2023-12-01`.
fn how(place: &PlaceLatency) -> String {
    let how = match place.basis {
        LatencyBasis::Measured => "measured",
        LatencyBasis::Fitted => "fitted to few requests, the tail assumed",
        LatencyBasis::Mean => "the mean, the tail assumed",
        LatencyBasis::Assumed => "assumed",
    };
    let whose = match &place.of {
        None | Some(LatencyOf::Requests) => String::new(),
        Some(LatencyOf::Region) => " · of the region’s requests at all providers".to_owned(),
        Some(LatencyOf::Samples { source, as_of }) => {
            format!(" · recorded samples: {source}, {}", as_of.to_datetime().date())
        }
    };
    format!("{how}{whose}")
}
