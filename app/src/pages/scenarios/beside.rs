//! Scenarios beside each other, on the same draws.

use domain::economics::study::Results;
use leptos::prelude::*;

use super::desk::Desk;
use super::words::{share, summary, usd};
use crate::backend::UNDER_LEVERS;

/// A figure of each scenario.
type Figure = (&'static str, fn(&Results) -> String);

const FIGURES: [Figure; 7] = [
    ("Margin, P5", |it| it.margin.as_ref().map_or_else(none, |it| share(it.p5.value))),
    ("Margin, P50", |it| it.margin.as_ref().map_or_else(none, |it| share(it.p50.value))),
    ("Margin, P95", |it| it.margin.as_ref().map_or_else(none, |it| share(it.p95.value))),
    ("P(margin < floor)", |it| {
        let below = it.margin.as_ref().and_then(|it| it.below_floor);
        below.map_or_else(none, |it| share(it.value))
    }),
    ("Profit, P5", |it| usd(it.profit_usd.p5.value)),
    ("Profit, P50", |it| usd(it.profit_usd.p50.value)),
    ("Profit, P95", |it| usd(it.profit_usd.p95.value)),
];

fn none() -> String {
    "–".to_owned()
}

/// Nothing while there is nothing to compare with.
#[component]
pub(super) fn Beside() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let answer = desk.answer.read();
        if answer.scenarios.len() < 2 {
            return ().into_any();
        }
        let heads = answer
            .scenarios
            .iter()
            .map(|it| {
                let changes = summary(&it.changes);
                let name = if it.name == UNDER_LEVERS { "Under the levers" } else { &it.name };
                view! { <th scope="col" class="number">{name.to_owned()} <span class="beside-changes">{changes}</span></th> }
            })
            .collect_view();
        let rows = FIGURES.map(|(name, of)| {
            let cells = answer.scenarios.iter().map(|it| view! { <td class="number mono">{of(&it.results)}</td> });
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="number mono muted">{of(&answer.base)}</td>
                    {cells.collect_view()}
                </tr>
            }
        });
        view! {
            <section class="card" aria-labelledby="beside-title">
                <h3 class="card-title" id="beside-title">"Beside each other"</h3>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Scenarios beside each other">
                <table class="beside">
                    <thead><tr><th scope="col">"Figure"</th><th scope="col" class="number">"Base"</th>{heads}</tr></thead>
                    <tbody>{rows.into_iter().collect_view()}</tbody>
                </table>
                </div>
                <p class="muted">"On the same draws, so that differences are not noise."</p>
            </section>
        }
        .into_any()
    }
}
