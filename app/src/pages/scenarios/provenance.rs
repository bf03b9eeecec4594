//! What every figure rests on, in view.

use domain::economics::draw::GENERATOR;
use domain::economics::study::{LeftOut, Reason};
use leptos::prelude::*;

use super::desk::Desk;
use super::words::standard_error;
use crate::components::icon::Icon;
use crate::components::time::Time;
use crate::format::{TimeShape, count, counted};

/// Loud: this usage is missing from every figure.
#[component]
pub(super) fn LeftOutCard() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let left_out = desk.board.with_untracked(|it| it.basis.left_out.clone());
    if left_out.is_empty() {
        return ().into_any();
    }
    let title = format!(
        "{} left out of every figure: no price",
        counted(left_out.len() as u64, "model is", "models are")
    );
    let item = |it: LeftOut| {
        let about = format!(
            " · {} by {} · {}",
            counted(u64::try_from(it.tokens).unwrap_or(0), "token", "tokens"),
            counted(it.tenants as u64, "tenant", "tenants"),
            why(it.reason),
        );
        view! { <li><strong>{it.model}</strong> {about}</li> }
    };
    view! {
        <section class="card billing-unpriced" aria-labelledby="left-out-title">
            <h2 class="card-title" id="left-out-title">{Icon::Alarm.view()} " " {title}</h2>
            <ul>{left_out.into_iter().map(item).collect_view()}</ul>
            <p class="muted">"Counted as free they would make every margin look better than it is."</p>
        </section>
    }
    .into_any()
}

const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::NoProviderPrice => {
            "no price map of this day names it; “ternion import prices” brings one"
        }
        Reason::NoTierPrice => "the tenant’s tier has no price for it",
        Reason::UnknownTenant => "the tenant is not known",
    }
}

/// The line under everything.
#[component]
pub(super) fn Provenance() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let drawn = move || {
        let basis = &desk.board.read().basis;
        let error = desk.now.read().margin.as_ref().map_or_else(String::new, |it| {
            let error = standard_error(&it.p50, |it| format!("{:.2} pt", it * 100.0));
            format!(" · standard error of the margin’s P50 {error}")
        });
        format!(
            "{} rows · {} draws · seed {}{error}",
            count(basis.usage_rows as u64),
            count(basis.draws as u64),
            basis.seed,
        )
    };
    let grows = desk.address.with_value(|address| address.request.to.is_none()).then_some(
        "The window has no end, so figures move as usage comes in. With “before” set, below the levers, they stay.",
    );
    let warnings = move || {
        let warnings = desk.board.read().basis.warnings.clone();
        warnings.into_iter().map(|it| view! { <li>{it}</li> }).collect_view()
    };
    let assumptions = move || desk.board.read().basis.assumptions.clone();
    let basis = desk.board.with_untracked(|it| it.basis.clone());
    let window = basis.usage_from.zip(basis.usage_through).map(|(from, through)| {
        view! { "usage " <Time at=from shape=TimeShape::Day /> " to " <Time at=through shape=TimeShape::Day /> " · " }
    });
    view! {
        <footer class="provenance">
            <p>"Prices of " <Time at=basis.price_map_as_of shape=TimeShape::Day /> " · " {window} {drawn}</p>
            {grows.map(|grows| view! { <p>{grows}</p> })}
            <p>{assumptions}</p>
            <ul>{warnings}</ul>
            <p>{GENERATOR}"."</p>
        </footer>
    }
    .into_any()
}
