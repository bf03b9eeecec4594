//! The levers: one form, whose sliders and number fields are the same thing twice. Without scripts
//! it asks the server.

use domain::economics::scenario::Scenario;
use domain::economics::stress::Stress;
use leptos::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use super::desk::{Desk, Drawn};
use super::presets::presets;
use super::tenant_prices::TenantPrices;
use super::words;
use crate::backend::LeverKind;
use crate::components::icon::Icon;

/// How a time at the beginning of a day ends.
const MIDNIGHT: &str = "T00:00:00.000Z";

/// What a slider reaches, in percent. Number fields take more.
const fn reach(kind: LeverKind) -> (i32, i32) {
    match kind {
        LeverKind::Cost | LeverKind::Latency => (-50, 100),
        LeverKind::Price | LeverKind::TenantPrice => (-30, 50),
        LeverKind::Usage => (-80, 200),
        LeverKind::Owed => (0, 50),
        LeverKind::Route => (0, 100),
    }
}

const fn group(kind: LeverKind) -> (&'static str, &'static str) {
    match kind {
        LeverKind::Cost => ("What providers take", "Follows your finger: no new draws are needed."),
        LeverKind::Latency => ("Latency by region", "Late answers are owed for, in steps."),
        LeverKind::Price => ("Our price by tier", "How usage answers to a price is an assumption."),
        LeverKind::TenantPrice => {
            ("One tenant’s price", "Moves that tenant alone, upon whatever its tier’s price does.")
        }
        LeverKind::Usage => ("Usage by tier", "More of the same, at the same prices."),
        LeverKind::Owed => (
            "Owed for late answers",
            "The share of a tier’s revenue, for certain; untouched, what its latency leads to.",
        ),
        LeverKind::Route => (
            "Where traffic goes",
            "Every tenant’s. At a provider that it has not used, a token costs what it costs there on average.",
        ),
    }
}

#[component]
pub(super) fn LeverPanel() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let groups = LeverKind::ALL.map(|kind| match kind {
        LeverKind::TenantPrice => view! { <TenantPrices /> }.into_any(),
        _ => view! { <Group kind /> }.into_any(),
    });
    let moved = move || *desk.levers.read() != Scenario::default();
    let hidden = desk.address.with_value(|address| {
        let with = (!address.with.is_empty()).then(|| address.with.join(","));
        let prices = address.request.prices_as_of.map(|at| at.to_string());
        [("open", address.opened.clone()), ("with", with), ("prices", prices)]
    });
    let hidden = hidden.into_iter().filter_map(|(name, value)| {
        value.map(|value| view! { <input type="hidden" name=name value=value /> })
    });
    view! {
        <form class="card levers" method="get" action="/scenarios" aria-label="Levers">
            <p class="levers-now" aria-hidden="true">{move || super::figures::in_short(&desk.now.read())}</p>
            <Presets />
            {groups.into_iter().collect_view()}
            <Settings />
            {hidden.collect_view()}
            <input type="hidden" name="moved" value="1" />
            <div class="levers-acts">
                <button class="button" type="button" disabled=move || !moved() on:click=move |_| desk.levers.set(Scenario::default())>
                    "Back to the base"
                </button>
                <button class="button levers-ask" type="submit" hidden=move || desk.follows.get()>"Compute"</button>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Presets() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let worst = desk.address.with_value(|it| it.request.assumptions.worst_credit());
    let all = desk.movable.with_value(|levers| presets(levers, worst));
    let items = all
        .into_iter()
        .map(|Stress { title, detail, changes, .. }| {
            let href = desk.address.with_value(|address| {
                let mut address = address.clone();
                address.opened = None;
                format!("/scenarios?{}", address.write(&changes))
            });
            let pressed = {
                let changes = changes.clone();
                move || (*desk.levers.read() == changes).then_some("true")
            };
            let press = move |event: web_sys::MouseEvent| {
                if !desk.follows.get_untracked() {
                    return;
                }
                event.prevent_default();
                let stands = *desk.levers.read_untracked() == changes;
                desk.levers.set(if stands { Scenario::default() } else { changes.clone() });
            };
            view! {
                <li>
                    <a class="preset" href=href aria-current=pressed rel="external" on:click=press>
                        <span>{title}</span>
                        <span class="preset-about">{detail}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="presets" aria-label="Questions that everybody asks">{items}</ul> }
}

#[component]
fn Group(kind: LeverKind) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let names = desk.movable.with_value(|levers| kind.names(levers));
    if names.is_empty() || (kind == LeverKind::Route && names.len() < 2) {
        return ().into_any();
    }
    let fields = names.into_iter().map(|name| view! { <Field kind name /> }).collect_view();
    view! { <Fold kind open=kind == LeverKind::Cost>{fields}</Fold> }.into_any()
}

/// A kind of lever under its title. It opens by itself where one of them is moved.
#[component]
pub(super) fn Fold(kind: LeverKind, open: bool, children: Children) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (title, about) = group(kind);
    let count = move || kind.percents(&desk.levers.read()).len();
    let open = open || untrack(count) > 0;
    view! {
        <details class="lever-group" open=open>
            <summary>
                <span>{title}</span>
                {move || (count() > 0).then(|| view! { <span class="lever-count">{format!("{} moved", count())}</span> })}
            </summary>
            <p class="lever-about">{about}</p>
            {children()}
        </details>
    }
    .into_any()
}

#[component]
pub(super) fn Field(kind: LeverKind, name: String) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let key = format!("{}.{name}", kind.word());
    let (low, high) = reach(kind);
    let stands = {
        let name = name.clone();
        Memo::new(move |_| kind.percents(&desk.levers.read()).get(&name).copied())
    };
    let usual = usual(kind, &name, desk);
    let number = move || stands.get().map(|it| it.to_string()).unwrap_or_default();
    let slid = move || stands.get().unwrap_or(usual).to_string();
    let put = {
        let name = name.clone();
        move |text: String| {
            let percent = text.trim().parse::<Decimal>().ok();
            if kind == LeverKind::Route {
                divide(desk, &name, percent);
            } else {
                desk.put(kind, &name, percent);
            }
        }
    };
    let back = put.clone();
    let (slide, write) = (put.clone(), put);
    let said = move || stands.get().map_or_else(|| untouched(kind, usual), |it| spoken(kind, it));
    let shown = match kind {
        LeverKind::TenantPrice => format!("{name}’s price"),
        _ => name,
    };
    let label = match kind {
        LeverKind::TenantPrice => format!("{shown}, percent"),
        _ => format!("{}, {shown}, percent", group(kind).0),
    };
    let fault = {
        let key = key.clone();
        Memo::new(move |_| match &*desk.drawn.read() {
            Drawn::Mistyped { lever, why } if *lever == key => Some(why.clone()),
            _ => None,
        })
    };
    let note = format!("{key}-fault");
    let (put_back, labelled) = (format!("Put back: {label}"), label.clone());
    view! {
        <div class="lever" class:is-moved=move || stands.get().is_some()>
            <label class="lever-name" for=key.clone()>{shown}</label>
            <button class="icon-button lever-back" type="button" aria-label=put_back title="Put it back"
                hidden=move || stands.get().is_none() on:click=move |_| back(String::new())>
                {Icon::Cross.view()}
            </button>
            <span class="lever-number">
                <input id=key.clone() name=key type="number" step="any" inputmode="decimal" placeholder=usual.to_string() aria-label=labelled aria-describedby=note.clone()
                    aria-invalid=move || fault.read().is_some().then_some("true")
                    prop:value=number value=untrack(number) on:change=move |event| write(event_target_value(&event)) />
                <span aria-hidden="true">"%"</span>
            </span>
            <p id=note class="lever-fault form-error" hidden=move || fault.read().is_none()>{move || fault.get()}</p>
            <input class="lever-slide" type="range" min=low max=high step="1" aria-label=label
                aria-valuetext=said prop:value=slid value=untrack(slid) on:input=move |event| slide(event_target_value(&event)) />
        </div>
    }
    .into_any()
}

/// What a lever says while nobody has touched it.
fn usual(kind: LeverKind, name: &str, desk: Desk) -> Decimal {
    let share = desk.movable.with_value(|levers| levers.providers.get(name).copied());
    let share = share.filter(|_| kind == LeverKind::Route).unwrap_or(0.0);
    Decimal::from_f64(share * 100.0).unwrap_or_default().round_dp(0)
}

fn untouched(kind: LeverKind, usual: Decimal) -> String {
    match kind {
        LeverKind::Owed => "what the latency leads to".to_owned(),
        LeverKind::Route => format!("{usual} percent, as it was"),
        _ => "unchanged".to_owned(),
    }
}

fn spoken(kind: LeverKind, percent: Decimal) -> String {
    match kind {
        LeverKind::Owed | LeverKind::Route => format!("{percent} percent"),
        _ => words::lever_percent(percent),
    }
}

/// One provider's share is put, and the others share the rest as they did before. Whole percents, so
/// that they sum to 100.
fn divide(desk: Desk, name: &str, percent: Option<Decimal>) {
    let Some(percent) = percent else {
        desk.levers.update(|levers| levers.routing.clear());
        return;
    };
    let percent = percent.round_dp(0).clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
    let before = LeverKind::Route.percents(&desk.levers.read_untracked());
    let names = desk.movable.with_value(|levers| LeverKind::Route.names(levers));
    let stood = |name: &str| {
        before.get(name).copied().unwrap_or_else(|| usual(LeverKind::Route, name, desk))
    };
    let others: Vec<(String, Decimal)> =
        names.iter().filter(|it| *it != name).map(|it| (it.clone(), stood(it))).collect();
    let parts = shared_out(&others, Decimal::ONE_HUNDRED - percent);
    let mut levers = desk.levers.get_untracked();
    levers.routing.clear();
    for (name, part) in parts.into_iter().chain([(name.to_owned(), percent)]) {
        // Whole percents from 0 to 100 are shares.
        let _ = LeverKind::Route.put(&mut levers, &name, Some(part));
    }
    desk.levers.set(levers);
}

/// The rest in whole percents, in the proportions that stood; the last takes what rounding leaves.
fn shared_out(others: &[(String, Decimal)], rest: Decimal) -> Vec<(String, Decimal)> {
    let sum: Decimal = others.iter().map(|(_, part)| *part).sum();
    let equal = Decimal::ONE / Decimal::from(others.len().max(1));
    let mut left = rest;
    let last = others.len().saturating_sub(1);
    let part = |(at, (name, stood)): (usize, &(String, Decimal))| {
        let weight = stood.checked_div(sum).unwrap_or(equal);
        let part = if at == last { left } else { (rest * weight).round_dp(0).min(left) };
        left -= part;
        (name.clone(), part)
    };
    others.iter().enumerate().map(part).collect()
}

/// What every figure rests on, besides the levers.
#[component]
fn Settings() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let request = desk.address.with_value(|address| address.request.clone());
    let times = [("from", "Usage from, UTC", request.from), ("to", "before, UTC", request.to)];
    let times = times.map(|(name, label, at)| {
        // A field of dates would cut off the hour.
        let is_day = at.is_none_or(|at| at.to_string().ends_with(MIDNIGHT));
        let kind = if is_day { "date" } else { "text" };
        let value = at.map(|at| at.to_string().replace(MIDNIGHT, "")).unwrap_or_default();
        view! { <label class="field"><span>{label}</span><input name=name type=kind value=value /></label> }
    });
    let floor = (request.floor.get() * Decimal::ONE_HUNDRED).normalize().to_string();
    view! {
        <details class="lever-group">
            <summary><span>"Floor, seed, draws, assumptions"</span></summary>
            <p class="lever-about">"These are asked of the server: press Compute after a change."</p>
            <div class="lever-settings">
                <label class="field"><span>"Margin floor, %"</span><input name="floor" type="number" min="0" max="100" step="any" value=floor /></label>
                <label class="field"><span>"Draws"</span><input name="draws" type="number" min="100" max="1000000" step="1" value=request.draws.to_string() /></label>
                <label class="field"><span>"Seed"</span><input name="seed" type="text" inputmode="numeric" maxlength="20" value=request.seed.to_string() /></label>
                <label class="field"><span>"Elasticity (assumed)"</span><input name="elasticity" type="number" step="any" value=request.assumptions.elasticity.to_string() /></label>
                {times.into_iter().collect_view()}
            </div>
            <button class="button" type="submit">"Compute"</button>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_shared_in_the_old_proportions_and_sums_exactly() {
        let others = |parts: &[i64]| -> Vec<(String, Decimal)> {
            parts.iter().map(|part| (part.to_string(), Decimal::from(*part))).collect()
        };
        for (parts, rest) in
            [(vec![33, 33], 67), (vec![10, 30, 60], 55), (vec![0, 0, 0], 100), (vec![], 0)]
        {
            let shared = shared_out(&others(&parts), Decimal::from(rest));
            assert_eq!(shared.iter().map(|(_, part)| *part).sum::<Decimal>(), Decimal::from(rest));
        }
        let shared = shared_out(&others(&[10, 30]), Decimal::from(80));
        assert_eq!(
            shared.iter().map(|(_, part)| part.to_string()).collect::<Vec<_>>(),
            ["20", "60"]
        );
    }
}
