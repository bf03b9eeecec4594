//! What every figure rests on, in view.

use domain::economics::study::{Excluded, Reason};
use leptos::prelude::*;

use super::desk::Desk;
use super::words::standard_error;
use crate::components::icon::Icon;
use crate::components::time::Time;
use crate::format::{TimeShape, count, counted};

/// Loud: this usage is missing from every figure.
#[component]
pub(super) fn LeftOut() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let excluded = desk.answer.with_untracked(|it| it.provenance.sources.excluded.clone());
    if excluded.is_empty() {
        return ().into_any();
    }
    let title = format!(
        "{} left out of every figure: no price",
        counted(excluded.len() as u64, "model is", "models are")
    );
    let item = |it: Excluded| {
        let tokens = u64::try_from(it.input_tokens.saturating_add(it.output_tokens)).unwrap_or(0);
        let about = format!(
            " · {} by {} · {}",
            counted(tokens, "token", "tokens"),
            counted(it.tenants.len() as u64, "tenant", "tenants"),
            why(it.reason),
        );
        view! { <li><strong>{it.provider} " " {it.model}</strong> {about}</li> }
    };
    view! {
        <section class="card billing-unpriced" aria-labelledby="left-out-title">
            <h3 class="card-title" id="left-out-title">{Icon::Alarm.view()} " " {title}</h3>
            <ul>{excluded.into_iter().map(item).collect_view()}</ul>
            <p class="muted">"Counted as free they would make every margin look better than it is."</p>
        </section>
    }
    .into_any()
}

const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::NoProviderPrice => {
            "no price map of this day names it; `ternion import prices` brings one"
        }
        Reason::NoTierPrice => "the tenant’s tier has no price for it",
        Reason::UnknownTenant => "the tenant is not known",
    }
}

/// The line under everything.
#[component]
pub(super) fn Provenance() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let answer = desk.answer.read();
        let sources = answer.provenance.sources.clone();
        let now = desk.now.read();
        let error = now.margin.as_ref().map(|it| {
            let error = standard_error(&it.p50, |it| format!("{:.2} pt", it * 100.0));
            format!(" · standard error of the margin’s P50 {error}")
        });
        let window = sources.usage_from.zip(sources.usage_through).map(|(from, through)| {
            view! { "usage " <Time at=from shape=TimeShape::Day /> " to " <Time at=through shape=TimeShape::Day /> " · " }
        });
        let drawn = format!(
            "{} rows · {} draws · seed {}",
            count(sources.usage_rows as u64),
            count(answer.draws as u64),
            answer.seed,
        );
        let warnings = answer.warnings.iter().map(|it| view! { <li>{it.clone()}</li> }).collect_view();
        let assumed = &answer.assumptions;
        let assumptions = format!(
            "Assumed, since no event tells: elasticity {} ± {}; unit costs vary by {:.0} %, usage by {:.0} %, latencies by {:.0} %; a provider is down for {:.2} % of the time in the median; price jumps as in the history, {:.0} % of a year ahead. {}.",
            assumed.elasticity,
            assumed.elasticity_sigma,
            assumed.cost_sigma * 100.0,
            assumed.usage_sigma * 100.0,
            assumed.latency_sigma * 100.0,
            assumed.downtime_median * 100.0,
            assumed.horizon_years * 100.0,
            if assumed.shared { "What is a provider’s, region’s or tier’s moves all in it together" } else { "Every tenant draws for itself" },
        );
        view! {
            <footer class="provenance">
                <p>
                    "Prices of " <Time at=sources.price_map_as_of shape=TimeShape::Day /> " · " {window} {drawn} {error}
                </p>
                <p>{assumptions}</p>
                <ul>{warnings}</ul>
                <p class="muted">{answer.generator.clone()}"."</p>
            </footer>
        }
        .into_any()
    }
}
