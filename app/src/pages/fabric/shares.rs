//! Shares of the traffic: what is in force, proposing others, and taking the last change back.

use domain::access::Action;
use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FabricShares, FabricView};
use crate::components::decision::ReasonField;
use crate::shell::console::Here;

#[component]
pub(super) fn SharesCard(state: RwSignal<FabricView>) -> impl IntoView {
    let here = expect_context::<Here>();
    let shares = Memo::new(move |_| state.read().shares.clone());
    let may_propose = here.viewer.may(Action::Propose);
    let may_take_back = here.viewer.may(Action::Approve);
    let can_be_taken_back = Memo::new(move |_| shares.read().can_be_taken_back && may_take_back);
    view! {
        <section class="card fabric-shares" aria-labelledby="shares-title">
            <header class="card-head"><h2 id="shares-title" class="card-title">"Shares of the traffic"</h2></header>
            {move || told(&shares.read())}
            <div class="shares-acts">
                {may_propose.then(|| view! { <Propose /> })}
                {move || can_be_taken_back.get().then(|| view! { <TakeBack version=shares.read().version /> })}
            </div>
        </section>
    }
}

fn told(shares: &FabricShares) -> AnyView {
    let FabricShares { wished, kept, proposal_id, .. } = shares.clone();
    let by = proposal_id.map(|id| {
        view! { <A href=format!("/approvals/{id}")>"The decision"</A> }
    });
    match wished {
        None => view! {
            <p class="fabric-note">"None are in force: distance and load decide, as above. " {by}</p>
        }
        .into_any(),
        Some(wished) => {
            let now = match kept {
                Some(kept) if kept == wished => String::new(),
                Some(kept) => format!(" While not all of them may serve: {kept}."),
                None => " None of them may serve now, so distance and load decide.".to_owned(),
            };
            view! {
                <p class="shares-now"><strong>{wished}</strong></p>
                <p class="fabric-note">"Each client’s network is dealt by them, and stays where it was dealt." {now} " " {by}</p>
            }
            .into_any()
        }
    }
}

#[component]
fn Propose() -> impl IntoView {
    let field = |cloud: Cloud| {
        view! {
            <label class="field">
                <span>{format!("{cloud}, %")}</span>
                <input name=cloud.name() type="number" min="0" max="100" step="any" inputmode="decimal" />
            </label>
        }
    };
    view! {
        <details class="pricing-more">
            <summary class="button">"Propose shares…"</summary>
            <form class="act-form" method="post" action="/fabric/act">
                <input type="hidden" name="act" value="share" />
                <p class="muted">"They sum to 100. All empty: distance and load decide. Somebody else approves it."</p>
                <div class="pricing-fields">{Cloud::ALL.map(field).collect_view()}</div>
                <ReasonField name="share" />
                <button class="button button-first" type="submit">"Propose it"</button>
            </form>
        </details>
    }
}

#[component]
fn TakeBack(version: u64) -> impl IntoView {
    view! {
        <details class="pricing-more">
            <summary class="button">"Take the last change back…"</summary>
            <form class="act-form" method="post" action="/fabric/act">
                <input type="hidden" name="act" value="unshare" />
                <input type="hidden" name="version" value=version.to_string() />
                <ReasonField name="unshare" />
                <button class="button button-danger" type="submit">"Take it back"</button>
            </form>
        </details>
    }
}
