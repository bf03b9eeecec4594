//! Optimizer, in the order of what a controller needs: whose margin is too low, what is recommended and
//! why, a proposal by hand, what would happen if it got worse, what was applied.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::api;
use crate::backend::{AppliedRow, MarginBand, OptimizerView, RunRow};
use crate::components::decision::ReasonField;
use crate::components::kept::typed;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::approvals::{news, words};
use crate::shell::console::Here;

mod advice;
mod foresight;
mod rehearsal;
mod switches;
pub(crate) mod tabs;
mod tenants;
mod trend;

#[component]
pub(crate) fn OptimizerPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let page = api::ask(move || live.gaps.get(), |_| api::optimizer());
    let retry = Callback::new(move |()| page.refetch());
    let play = rehearsal::play();
    let look = switches::look();
    view! {
        <Title text="Optimizer" />
        <section class="pricing" aria-label="Optimizer">
            <tabs::OptimizerTabs />
            <news::News live retry />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Body view play look /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Body(view: OptimizerView, play: rehearsal::Play, look: switches::Look) -> impl IntoView {
    let at = view.at;
    view! {
        <Head view=view.clone() />
        <tenants::Tenants view=view.clone() />
        <advice::Recommendations rows=view.recommendations.clone() has_run=view.run.is_some() />
        <switches::Propose look />
        <foresight::Foresight view=view.foresight.clone() />
        <History rows=view.history.clone() />
        <rehearsal::Rehearsal play begins=view.rehearsal.clone() version=view.policy_version />
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Margins are those of the usage that is final here, at today’s prices."</p>
    }
    .into_any()
}

#[component]
fn Head(view: OptimizerView) -> impl IntoView {
    let OptimizerView { tenants, run, bounds, policy_version, window_days, window_to, .. } =
        view.clone();
    let in_band = |band| tenants.iter().filter(|tenant| tenant.band == band).count();
    let (below, above) = (in_band(MarginBand::Below), in_band(MarginBand::Above));
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let sentence = if tenants.is_empty() {
        format!("No usage of the {window_days} days up to {window_to} has a price.")
    } else {
        let all = counted(count(tenants.len()), "tenant", "tenants");
        let [low, high] = view.edges.clone();
        format!("Now: {below} of {all} below a margin of {low}, {above} above {high}")
    };
    let counted_now = (!tenants.is_empty()).then(|| {
        let days = format!("Counted now, over the usage of {window_days} days up to {window_to}, the last whole hour, at today’s prices. ");
        view! { <p class="muted">{days} "A run, below, counts a tenant only once it has stayed there."</p> }
    });
    let bounds = bounds.into_iter().map(|text| view! { <li>{text}</li> }).collect_view();
    view! {
        <header class="card pricing-head">
            <h2 class="pricing-big">{sentence}</h2>
            {counted_now}
            <Run run />
            <switches::Switches view />
            <details class="pricing-more">
                <summary>{format!("The policy in force is version {policy_version}")}</summary>
                <ul class="pricing-trail">{bounds}</ul>
                <p class="muted">"It is data: " <code>"GET /v1/policy"</code> " gives it whole, " <code>"PUT /v1/policy"</code> " proposes another version."</p>
            </details>
        </header>
    }
}

#[component]
fn Run(run: Option<RunRow>) -> impl IntoView {
    match run {
        Some(run) => view! {
            <p>
                "The optimizer looked last in " <A href=format!("/ledger/{}", run.event_id)>{format!("Run {}", run.number)}</A>
                {format!(" on {}, ", run.by)} <Time at=run.at shape=TimeShape::Day /> ": " {run.sentence}
            </p>
        }
        .into_any(),
        None => view! {
            <p class="muted">"The optimizer has not run yet. It does so by itself once an hour, on one cloud."</p>
        }
        .into_any(),
    }
}

#[component]
fn History(rows: Vec<AppliedRow>) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Approve);
    let items = rows.into_iter().map(|row| view! { <Applied row may /> }).collect_view();
    let empty = items.is_empty();
    view! {
        <section class="card pricing-part" aria-labelledby="applied-title">
            <h2 id="applied-title" class="card-title">"What was applied"</h2>
            {if empty {
                view! { <p class="muted">"Nothing was applied yet: every tenant pays the list price of its tier."</p> }.into_any()
            } else {
                view! { <ol class="pricing-history">{items}</ol> }.into_any()
            }}
        </section>
    }
}

#[component]
fn Applied(row: AppliedRow, may: bool) -> impl IntoView {
    let act = (row.can_be_taken_back && may).then(|| {
        let name = format!("rollback-{}", row.tenant_id);
        let open = typed(name.clone()).is_there();
        view! {
            <details class="pricing-more" open=open>
                <summary>{format!("Take version {} back…", row.version)}</summary>
                <form class="act-form" method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="rollback" />
                    <input type="hidden" name="tenant" value=row.tenant_id.clone() />
                    <input type="hidden" name="version" value=row.version.to_string() />
                    <p class="muted">"What was in force before applies again, on every cloud, without another approval."</p>
                    <ReasonField name />
                    <button class="button button-danger" type="submit">"Take it back"</button>
                </form>
            </details>
        }
    });
    view! {
        <li>
            <Time at=row.at shape=TimeShape::Day /> " " <strong>{row.tenant_id.clone()}</strong>
            {format!(" {} → {}", row.before, row.after)}
            <span class="cell-about">
                {format!("Version {}, {}: ", row.version, row.grounds)}
                <A href=format!("/approvals/{}", row.proposal_id)>"the proposal"</A> ", "
                <A href=format!("/ledger/{}", row.event_id)>"the event"</A> "."
                {row.effect.map(|effect| format!(" {effect}."))}
            </span>
            {act}
        </li>
    }
}
