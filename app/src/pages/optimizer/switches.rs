//! Autonomy on and off, the kill switch, a run at once, and a proposal by hand: plain forms.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{BoundsAsk, BoundsView, ControlsForm, OptimizerView, Problem};
use crate::components::decision::ReasonField;
use crate::components::icon::Icon;
use crate::components::kept::{TextField, typed};
use crate::pages::approvals::guardrails::Bounds;
use crate::pages::approvals::proposal::ControlFields;
use crate::shell::console::Here;

#[component]
pub(super) fn Switches(view: OptimizerView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::SetAutonomy);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::SetAutonomy));
    let OptimizerView { killed, automatic, switch_reason, .. } = view;
    let (state, says) = match (killed, automatic) {
        (true, _) => ("killed", "Stopped: the kill switch is on, and nothing is applied."),
        (false, true) => (
            "on",
            "On: within policy, prices of tenants whose own switch is on move by themselves.",
        ),
        (false, false) => ("off", "Off: every change waits for people."),
    };
    let why =
        switch_reason.map(|reason| view! { <span class="muted">{format!(" “{reason}”")}</span> });
    view! {
        <div class="pricing-switches">
            <p class="autonomy" data-state=state><strong>"Automatic prices. "</strong> {says} {why}</p>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <fieldset class="pricing-acts" disabled=!may>
                <legend class="visually-hidden">"Switches"</legend>
                <Kill killed />
                <Auto automatic />
                <form method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="run" />
                    <button class="button" type="submit">"Run now"</button>
                </form>
            </fieldset>
        </div>
    }
}

/// One press away: a reason is there already, and can be another.
#[component]
fn Kill(killed: bool) -> impl IntoView {
    let (to, reason, word) = if killed {
        ("off", "The reason for the stop is gone", "Release the kill switch")
    } else {
        ("on", "Stopped by hand", "Stop all price changes")
    };
    view! {
        <form method="post" action="/optimizer/act">
            <input type="hidden" name="act" value="kill" />
            <input type="hidden" name="to" value=to />
            <input type="hidden" name="reason" value=reason />
            <button id="kill-switch" class="button" class:button-danger=!killed type="submit">{Icon::Pause.view()} {word}</button>
        </form>
    }
}

#[component]
fn Auto(automatic: bool) -> impl IntoView {
    let (to, word) = if automatic {
        ("off", "Turn automatic prices off…")
    } else {
        ("on", "Turn automatic prices on…")
    };
    view! {
        <details class="pricing-more" open=typed("auto").is_there()>
            <summary class="button">{word}</summary>
            <form class="act-form" method="post" action="/optimizer/act">
                <input type="hidden" name="act" value="auto" />
                <input type="hidden" name="to" value=to />
                <ReasonField name="auto" />
                <button class="button" type="submit">"Record it"</button>
            </form>
        </details>
    }
}

#[component]
pub(super) fn TenantSwitch(tenant: String, on: bool) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::SetAutonomy);
    let (state, to, reason) = if on {
        ("On", "off", "Turned off beside the tenant")
    } else {
        ("Off", "on", "Turned on beside the tenant")
    };
    if !may {
        return state.into_any();
    }
    let label =
        format!("Automatic prices of {tenant} are {}; turn them {to}", state.to_lowercase());
    view! {
        <form method="post" action="/optimizer/act">
            <input type="hidden" name="act" value="tenantAuto" />
            <input type="hidden" name="tenant" value=tenant />
            <input type="hidden" name="to" value=to />
            <input type="hidden" name="reason" value=reason />
            <button class="button button-small" type="submit" aria-label=label>{state}</button>
        </form>
    }
    .into_any()
}

#[component]
pub(super) fn Propose(look: Look) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Propose);
    let query = use_query_map();
    let looks = look.asked.get_untracked().is_some();
    let typed_before =
        |name: &str| query.read_untracked().get(name).filter(|_| looks).unwrap_or_default();
    let (tenant, why) = (typed_before("tenant"), typed_before("reason"));
    let empty = ControlsForm {
        tenant_id: String::new(),
        price: typed_before("price"),
        overage: typed_before("overage"),
        concurrency: typed_before("concurrency"),
        token_cap: typed_before("cap"),
    };
    may.then(|| {
        view! {
            <section class="card pricing-part" aria-labelledby="propose-title">
                <h2 id="propose-title" class="card-title">"Propose a change"</h2>
                <p class="muted">"What is left empty stays as it is. Somebody else approves it; how many must agree is the policy’s."</p>
                <form class="act-form" method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="propose" />
                    <TextField typed=typed("propose") name="tenant" label="Tenant" value=tenant length=64 required=true literal=true />
                    <ControlFields name="propose" form=empty />
                    <ReasonField name="propose" value=why />
                    <p class="pricing-acts">
                        <button class="button button-first" type="submit">"Propose it"</button>
                        // Nothing is recorded by it, so that it asks for no reason and leads back here.
                        <button class="button" type="submit" formmethod="get" formaction="/optimizer#propose-title" formnovalidate name="look" value="yes">"See how it stands to the policy first"</button>
                    </p>
                </form>
                <Before look />
            </section>
        }
    })
}

/// A price that is looked at before it is proposed. Made once for the page, as its address asks.
#[derive(Clone, Copy)]
pub(super) struct Look {
    asked: Memo<Option<BoundsAsk>>,
    found: Resource<Option<Result<BoundsView, Problem>>>,
}

pub(super) fn look() -> Look {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        query.get("look")?;
        let text = |name: &str| query.get(name).unwrap_or_default();
        Some(BoundsAsk { tenant: text("tenant"), price: text("price") })
    });
    let found = Resource::new(
        move || asked.get(),
        |asked| async move {
            match asked {
                Some(ask) => Some(api::bounds(ask).await),
                None => None,
            }
        },
    );
    Look { asked, found }
}

#[component]
fn Before(look: Look) -> impl IntoView {
    view! {
        <Transition fallback=|| ()>
            {move || Suspend::new(async move {
                match look.found.await {
                    None => ().into_any(),
                    Some(Ok(BoundsView { title, bounds, persons, rule })) => view! {
                        <h3>{title}</h3>
                        <Bounds rows=bounds persons rule />
                    }
                    .into_any(),
                    Some(Err(problem)) => view! { <p class="form-error" role="alert">{problem.detail}</p> }.into_any(),
                }
            })}
        </Transition>
    }
}
