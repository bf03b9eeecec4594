//! Foresight: what each standing stress would do, who would fall, and what is proposed against it.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FallenRow, ForesightRow, ForesightView, StressRow};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::shell::console::Here;

#[component]
pub(super) fn Foresight(view: ForesightView) -> impl IntoView {
    let ForesightView { on, every_hours, run } = view;
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::SetAutonomy);
    let hours = counted(u64::from(every_hours), "hour", "hours");
    let schedule = if on {
        format!(
            "Every {hours} one cloud asks them of fresh usage and prices. What it proposes waits for people."
        )
    } else {
        "The policy has switched the schedule off; they are asked only when somebody does."
            .to_owned()
    };
    view! {
        <section class="card pricing-part foresight" aria-labelledby="foresight-title">
            <h2 id="foresight-title" class="card-title">"Foresight: what standing stresses would do"</h2>
            <p class="muted">{schedule} " Penalties are those to be expected, and not those recorded as in the figures of tenants and proposals."</p>
            {match run {
                Some(run) => view! { <Last run /> }.into_any(),
                None => view! {
                    <p>"They have not been asked yet. The first time is an hour after a cloud began; it can be had at once."</p>
                }
                .into_any(),
            }}
            {may.then(|| view! {
                <form method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="foresee" />
                    <button class="button" type="submit">"Ask them now"</button>
                </form>
            })}
        </section>
    }
    .into_any()
}

#[component]
fn Last(run: ForesightRow) -> impl IntoView {
    let ForesightRow { number, at, by, event_id, basis, floor, stresses } = run;
    let none = stresses.is_empty();
    let items =
        stresses.into_iter().map(|row| view! { <Stress row floor=floor.clone() /> }).collect_view();
    view! {
        <p>
            <A href=format!("/ledger/{event_id}")>{format!("Run {number}")}</A>
            {format!(" on {by}, ")} <Time at shape=TimeShape::Day /> ". " <span class="muted">{basis}</span>
        </p>
        {if none {
            view! { <p class="muted">"No stress made sense: none of the providers, regions or promises that they are about is in use."</p> }.into_any()
        } else {
            view! { <ul class="advice-list">{items}</ul> }.into_any()
        }}
    }
    .into_any()
}

#[component]
fn Stress(row: StressRow, floor: String) -> impl IntoView {
    let StressRow {
        name,
        href,
        now,
        stressed,
        broken,
        under_water,
        fallen,
        others,
        left_out,
        routing,
        unmoved,
    } = row;
    let breaks = !broken.is_empty();
    let broken = broken.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let fallen = fallen.into_iter().map(|row| view! { <Fallen row /> }).collect_view();
    let others = (others > 0).then(|| {
        let more = counted(others, "other falls", "others fall");
        view! { <li class="muted">{format!("{more} too; the event of the run counts them.")}</li> }
    });
    let routing = routing.map(|(text, proposal)| {
        view! { <p>{text} " " <A href=format!("/approvals/{proposal}")>"The proposal"</A></p> }
    });
    let left_out = (!left_out.is_empty()).then(|| {
        view! { <p class="held">{format!("Left out: {}.", left_out.join("; "))}</p> }
    });
    view! {
        <li class="advice" data-broken=breaks.to_string()>
            <h3><a href=href rel="external">{name}</a></h3>
            <p>
                {format!("P(margin < {floor}), expected penalties: ")} <span class="mono">{now}</span> " now, "
                <span class="mono foresight-stressed">{stressed}</span> " under it. " {under_water}
            </p>
            {breaks.then(|| view! { <ul class="pricing-trail foresight-broken">{broken}</ul> })}
            <ul class="pricing-trail">{fallen} {others}</ul>
            {routing}
            {unmoved.map(|why| view! { <p class="muted">{why}</p> })}
            {left_out}
        </li>
    }
    .into_any()
}

#[component]
fn Fallen(row: FallenRow) -> impl IntoView {
    let FallenRow { tenant_id, risk, proposal_id, held } = row;
    let answer = proposal_id.map(|id| {
        view! { " " <A href=format!("/approvals/{id}")>"The proposal"</A> }
    });
    view! {
        <li>
            <A href=format!("/billing?tenant={tenant_id}")><strong>{tenant_id}</strong></A>
            {format!(" {risk}.")} {answer} {held.map(|why| format!(" {why}"))}
        </li>
    }
}
