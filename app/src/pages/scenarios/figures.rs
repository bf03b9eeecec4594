//! The big figures, each beside the base.

use domain::economics::simulation::Progress;
use domain::economics::study::{Distribution, Glance};
use leptos::prelude::*;

use super::desk::{Desk, Drawn};
use super::words::{points, share, share_more, usd, usd_more};
use crate::browser::read_number;

/// A figure, what it is at the base, and how far it went.
struct Told {
    now: String,
    base: String,
    more: Option<(String, bool)>,
}

fn told(
    values: [Option<f64>; 2],
    text: fn(f64) -> String,
    more: fn(f64) -> String,
    rise_is_good: bool,
) -> Told {
    let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), text);
    let [Some(now), Some(base)] = values else {
        let [now, base] = values.map(said);
        return Told { now, base, more: None };
    };
    let difference = now - base;
    let said = more(difference);
    // What rounds to nothing did not move.
    let moved = said.chars().any(|letter| ('1'..='9').contains(&letter));
    Told {
        now: text(now),
        base: text(base),
        more: moved.then_some((said, (difference > 0.0) == rise_is_good)),
    }
}

#[component]
fn Card(title: String, #[prop(into)] told: Signal<Told>) -> impl IntoView {
    view! {
        <div class="card figure">
            <h2 class="figure-title">{title}</h2>
            <p class="figure-now">{move || told.read().now.clone()}</p>
            <p class="figure-base">
                "base " {move || told.read().base.clone()}
                {move || told.read().more.clone().map(|(text, good)| view! { " " <strong data-good=good.to_string()>{text}</strong> })}
            </p>
        </div>
    }
}

fn margin(of: &Glance, part: fn(&Distribution) -> f64) -> Option<f64> {
    of.margin.as_ref().map(part)
}

#[component]
pub(super) fn Figures() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let both = move |part: fn(&Distribution) -> f64| {
        [margin(&desk.now.read(), part), margin(&desk.base.read(), part)]
    };
    let p50 = Signal::derive(move || told(both(|it| it.p50.value), share, points, true));
    let below = Signal::derive(move || {
        told(both(|it| it.below_floor.map_or(0.0, |it| it.value)), share, points, false)
    });
    let profit = Signal::derive(move || {
        let of = |glance: &Glance| glance.profit_usd.p50.value;
        told([Some(of(&desk.now.read())), Some(of(&desk.base.read()))], usd, usd_more, true)
    });
    let room = Signal::derive(move || {
        let of = |glance: &Glance| {
            glance.break_even.cost_change.and_then(|change| read_number(&change.to_string()))
        };
        told([of(&desk.now.read()), of(&desk.base.read())], share_more, points, true)
    });
    // The floor is a setting, and no lever: another one comes with another page.
    let floor = desk.board.with_untracked(|it| share(it.basis.floor).replace(".0 %", " %"));
    view! {
        <div class="figures">
            <Card title="Gross margin, P50".to_owned() told=p50 />
            <Card title=format!("P(margin < {floor})") told=below />
            <Card title="Profit of the window, P50".to_owned() told=profit />
            <Card title="Costs until the floor".to_owned() told=room />
        </div>
        <p class="figures-sentence">
            {move || sentence(&desk.now.read(), &desk.base.read())}
            <span role="status"><Standing /></span>
        </p>
    }
    .into_any()
}

/// For a phone, where levers hide the figures: `Margin P50 27.7 % · P(below) 90.5 %`.
pub(super) fn in_short(now: &Glance) -> String {
    let Some(margin) = &now.margin else { return "No revenue, no margin".to_owned() };
    let below = margin.below_floor.map_or(0.0, |it| it.value);
    format!("Margin P50 {} · P(below) {}", share(margin.p50.value), share(below))
}

/// What the figures mean, in words.
fn sentence(now: &Glance, base: &Glance) -> String {
    let tenants = now.tenants;
    let fallen = match (now.fallen, base.fallen) {
        (0, _) => "No tenant is likelier below the floor than above it.".to_owned(),
        (now, base) if now > base => {
            format!(
                "{now} of {tenants} tenants’ places are likelier below the floor than above it; {base} are so already."
            )
        }
        (now, _) => format!(
            "{now} of {tenants} tenants’ places are likelier below the floor than above it."
        ),
    };
    format!("{} {fallen} ", now.break_even.sentence)
}

/// Whose figures these are.
#[component]
fn Standing() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        match desk.drawn.get() {
        Drawn::AtServer => view! { <span class="muted">"Drawn by the server."</span> }.into_any(),
        Drawn::Moved if desk.follows.get() => {
            view! { <span class="muted">"The levers have moved."</span> }.into_any()
        }
        Drawn::Moved => {
            view! { <span class="held">"These figures are of where the levers stood: press Compute."</span> }
                .into_any()
        }
        Drawn::Followed => {
            view! { <span class="muted">"Told from the draws before."</span> }.into_any()
        }
        Drawn::Whole => view! { <span class="muted">"Drawn in this browser."</span> }.into_any(),
        Drawn::Drawing(progress) => {
            let Progress { blocks_done: done, blocks: all } = progress;
            view! {
                <span class="muted">"Drawing "</span>
                <progress class="drawing" max=all.to_string() value=done.to_string() aria-label="Draws made"></progress>
            }
            .into_any()
        }
        Drawn::Mistyped { why, .. } => {
            view! { <span class="form-error">{why} " These figures are of where the levers stood."</span> }
                .into_any()
        }
        Drawn::Refused(problem) => view! { <span class="form-error">{problem}</span> }.into_any(),
    }
    }
}
