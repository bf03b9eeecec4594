//! Approvals: what waits for people, and what they decided lately.

use domain::pricing::book::Standing;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::api;
use crate::backend::{ApprovalsView, ProposalRow};
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;

pub(crate) mod proposal;
pub(crate) mod words;

#[component]
pub(crate) fn ApprovalsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let page = Resource::new_blocking(move || live.gaps.get(), |_| api::approvals());
    let retry = Callback::new(move |()| page.refetch());
    words::refetch_on_news(live, retry);
    view! {
        <Title text="Approvals" />
        <section class="pricing" aria-label="Approvals">
            <Transition fallback=|| view! { <Skeleton cards=2 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Queue view /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Queue(view: ApprovalsView) -> impl IntoView {
    let ApprovalsView { at, killed, open, closed } = view;
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let sentence = match count {
        0 => "Nothing waits for approval.".to_owned(),
        1 => "1 proposal waits.".to_owned(),
        _ => format!("{} wait.", counted(count, "proposal", "proposals")),
    };
    let killed = killed.then(|| {
        view! { <p class="held">"The kill switch is on: what is approved waits until it is off."</p> }
    });
    let queue = if open.is_empty() {
        view! {
            <p class="muted">"The optimizer proposes prices when a margin leaves its band, and people can propose from the page " <A href="/optimizer">"Optimizer"</A> "."</p>
        }
        .into_any()
    } else {
        view! { <Proposals rows=open label="Proposals that wait" at /> }.into_any()
    };
    view! {
        <section class="card pricing-head" aria-labelledby="queue-title">
            <h2 id="queue-title" class="pricing-big">{sentence}</h2>
            {killed}
            {queue}
        </section>
        <section class="card pricing-part" aria-labelledby="decided-title">
            <h2 id="decided-title" class="card-title">"Decided lately"</h2>
            {if closed.is_empty() {
                view! { <p class="muted">"Nothing was decided yet."</p> }.into_any()
            } else {
                view! { <Proposals rows=closed label="Proposals that were decided" at /> }.into_any()
            }}
        </section>
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events. Keys: j and k walk the rows, Enter opens one."</p>
    }
    .into_any()
}

#[component]
fn Proposals(
    rows: Vec<ProposalRow>,
    label: &'static str,
    at: domain::clock::Timestamp,
) -> impl IntoView {
    let rows = rows.into_iter().map(|row| view! { <Row row at /> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="events pricing-table proposal-table">
                <thead>
                    <tr>
                        <th scope="col">"About"</th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="number">"Change"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Approvals"</th>
                        <th scope="col">"Due"</th>
                        <th scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: ProposalRow, at: domain::clock::Timestamp) -> impl IntoView {
    let href = format!("/approvals/{}", row.id);
    let overdue = row.state == Standing::Expired || at >= row.expires_at;
    view! {
        <tr>
            <td class="cell-event pricing-first"><A href=href><span class="row-link">{row.about}</span></A></td>
            <td data-label="What" class="pricing-wrap">{row.title} <span class="cell-about">{row.reason}</span></td>
            <td data-label="Change" class="number mono">{row.change.unwrap_or_default()}</td>
            <td data-label="From">{row.requester}</td>
            <td data-label="Approvals" class="mono">{words::quorum(row.approvals, row.quorum)}</td>
            <td data-label="Due" class:pricing-late=overdue><Time at=row.expires_at shape=TimeShape::Day /></td>
            <td data-label="State"><words::StateBadge state=row.state /></td>
        </tr>
    }
}
