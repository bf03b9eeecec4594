//! Foresight: what would happen to margins if what is asked came true, who would fall, and what is
//! proposed against it.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{ChanceRow, ForesightRow, ForesightView, ReroutedRow, StressRow};
use crate::components::table::{Cell, DataTable, TableRow};
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
        format!("Every {hours} one cloud asks them of fresh usage and prices.")
    } else {
        "The policy has switched the schedule off: they are asked only when somebody does."
            .to_owned()
    };
    view! {
        <section class="card pricing-part foresight" aria-labelledby="foresight-title">
            <h2 id="foresight-title" class="card-title">"Foresight: what would happen if…"</h2>
            <p class="muted">"Questions about what has not happened: dearer providers, later answers, penalties, and kept scenarios that are marked so. " {schedule} " What would meet them is proposed before they come true, and people decide."</p>
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
    let ForesightRow { number, at, by, event_id, basis, beside, stresses } = run;
    let none = stresses.is_empty();
    let items = stresses.into_iter().map(|row| view! { <Stress row /> }).collect_view();
    view! {
        <p>
            "Asked last in " <A href=format!("/ledger/{event_id}")>{format!("Run {number}")}</A>
            {format!(" on {by}, ")} <Time at shape=TimeShape::Day /> "."
        </p>
        {if none {
            view! { <p class="muted">"No question made sense: none of the providers, regions or promises that they are about is in use."</p> }.into_any()
        } else {
            view! { <ul class="advice-list">{items}</ul> }.into_any()
        }}
        {beside.map(|text| view! { <p class="muted">{text}</p> })}
        <details class="pricing-more">
            <summary>"What these figures rest on"</summary>
            <p class="muted">{basis}</p>
        </details>
    }
    .into_any()
}

#[component]
fn Stress(row: StressRow) -> impl IntoView {
    let StressRow {
        name,
        href,
        breaks,
        happens,
        proposes,
        already,
        chances,
        others,
        left_out,
        routing,
        unmoved,
    } = row;
    let left_out = (!left_out.is_empty()).then(|| {
        view! { <p class="held">{format!("Left out: {}.", left_out.join("; "))}</p> }
    });
    let about = name.clone();
    view! {
        <li class="advice" data-broken=breaks.to_string()>
            <h3><a href=href rel="external">{name}</a></h3>
            <p>{happens}</p>
            <p>{proposes}</p>
            <Chances about=about.clone() rows=chances others />
            {already.map(|said| view! { <p class="muted">{said}</p> })}
            {routing.map(|row| view! { <Rerouted about row /> })}
            {unmoved.map(|why| view! { <p class="muted">{why}</p> })}
            {left_out}
        </li>
    }
    .into_any()
}

/// The numbers: how likely a margin ends below its floor.
#[component]
fn Chances(about: String, rows: Vec<ChanceRow>, others: u64) -> impl IntoView {
    if rows.is_empty() {
        return ().into_any();
    }
    let simulated = rows.iter().any(|row| row.then.starts_with('≈'));
    let notes = [
        simulated.then(|| "≈: simulated, so it may be off by a little.".to_owned()),
        (others > 0).then(|| {
            let more = counted(others, "other tenant falls", "other tenants fall");
            format!("{more} too; the event of the run counts them.")
        }),
    ];
    let notes = notes.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let rows = rows.into_iter().map(|row| view! { <Chance row /> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=format!("Chances under “{about}”")>
            <table class="events pricing-table">
                <thead>
                    <tr>
                        <th scope="col">"Margin of"</th>
                        <th scope="col" class="number">"Floor"</th>
                        <th scope="col" class="number">"Below it today"</th>
                        <th scope="col" class="number">"If it happens"</th>
                        <th scope="col" class="number">"Policy accepts"</th>
                        <th scope="col">"Proposed"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {(!notes.is_empty()).then(|| view! { <p class="muted">{notes}</p> })}
    }
    .into_any()
}

#[component]
fn Chance(row: ChanceRow) -> impl IntoView {
    let ChanceRow { tenant_id, floor, today, then, accepted, after, proposal_id, held } = row;
    let what = if tenant_id.is_some() { "A higher price" } else { "Other shares of the traffic" };
    let who = match tenant_id {
        Some(id) => view! { <A href=format!("/billing?tenant={id}")>{id}</A> }.into_any(),
        None => "The whole portfolio".into_any(),
    };
    let accepted = accepted.map_or_else(|| "–".to_owned(), |share| format!("up to {share}"));
    let answer = match (proposal_id, held) {
        (Some(id), _) => {
            let after = after.map(|after| format!(": {after} then"));
            view! { <A href=format!("/approvals/{id}")>{what}</A> {after} }.into_any()
        }
        (None, Some(why)) => why.into_any(),
        (None, None) => "–".into_any(),
    };
    view! {
        <tr>
            <td class="cell-event pricing-first">{who}</td>
            <td data-label="Floor" class="number mono">{floor}</td>
            <td data-label="Below it today" class="number mono">{today}</td>
            <td data-label="If it happens" class="number mono foresight-stressed">{then}</td>
            <td data-label="Policy accepts" class="number mono">{accepted}</td>
            <td data-label="Proposed">{answer}</td>
        </tr>
    }
}

/// Where traffic would go.
#[component]
fn Rerouted(about: String, row: ReroutedRow) -> impl IntoView {
    let ReroutedRow { clouds, note, proposal_id } = row;
    let head = ["Cloud", "Share today", "Proposed", "Can take at most", "Would serve"];
    let head = head.map(|text| Cell::from(text.to_owned())).to_vec();
    let rows =
        clouds.into_iter().map(|row| TableRow::Cells(row.map(Cell::from).to_vec())).collect();
    view! {
        <DataTable label=format!("Shares of the traffic under “{about}”") head rows />
        <p>{note.map(|note| format!("{note} "))} <A href=format!("/approvals/{proposal_id}")>"The proposal about the traffic"</A></p>
    }
    .into_any()
}
