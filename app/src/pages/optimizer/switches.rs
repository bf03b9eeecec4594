//! Autonomy on and off, the kill switch, a run at once, and a proposal by hand: plain forms.

use domain::access::Action;
use domain::catalog::REASON_CHARS_MAX;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{BoundsAsk, BoundsView, ControlsForm, OptimizerView, Problem, SwitchRow};
use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::icon::Icon;
use crate::components::kept::{TextField, typed};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::pages::approvals::guardrails::Bounds;
use crate::pages::approvals::proposal::ControlFields;
use crate::shell::console::Here;

#[component]
pub(super) fn Switches(view: OptimizerView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::SetAutonomy);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::SetAutonomy));
    let OptimizerView { killed, automatic, automatic_word, stop, switches, .. } = view;
    let (state, says) = match (killed, automatic) {
        (true, _) => ("killed", "Stopped: the kill switch is on, and nothing is applied."),
        (false, true) => (
            "on",
            "On: within policy, prices of tenants whose own switch is on move by themselves.",
        ),
        (false, false) => ("off", "Off: every change waits for people."),
    };
    let of_all = automatic_word
        .map(|word| view! { <p class="muted switched">"For all tenants: " {said(word)}</p> });
    view! {
        <div class="pricing-switches" id="switches">
            <p class="autonomy" data-state=state><strong>"Automatic prices. "</strong> {says}</p>
            {stop.map(|word| view! { <p class="switched">{said(word)}</p> })}
            {of_all}
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <fieldset class="pricing-acts" disabled=!may>
                <legend class="visually-hidden">"Switches"</legend>
                {if killed { view! { <Stopped automatic /> }.into_any() } else { view! { <Stop /> }.into_any() }}
                <Auto automatic />
                <form method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="run" />
                    <button class="button" type="submit">"Run now"</button>
                </form>
            </fieldset>
            <Words switches />
        </div>
    }
}

/// Who, when and why.
fn said(word: SwitchRow) -> AnyView {
    let SwitchRow { what, at, by, reason, reason_by, event_id } = word;
    let reason_by = reason_by.map(|by| format!(", the reason by {by}"));
    view! {
        {what} " " <Time at shape=TimeShape::Day /> {format!(" by {by}")} {reason_by} {format!(": “{reason}” ")}
        "(" <A href=format!("/ledger/{event_id}")>"the event"</A> ")"
    }
    .into_any()
}

/// Who switched what, the newest first.
#[component]
fn Words(switches: Vec<SwitchRow>) -> impl IntoView {
    if switches.is_empty() {
        return view! { <p class="muted">"Nobody has moved a switch yet. Automatic prices are off until an admin turns them on, for all and for each tenant."</p> }
            .into_any();
    }
    let count = u64::try_from(switches.len()).unwrap_or(u64::MAX);
    let items = switches.into_iter().map(|word| view! { <li>{said(word)}</li> }).collect_view();
    view! {
        <details class="pricing-more switch-words">
            <summary>{format!("Who switched what: the last {}", counted(count, "word", "words"))}</summary>
            <ol class="pricing-history">{items}</ol>
        </details>
    }
    .into_any()
}

/// One press away: a reason may be typed, before or later.
#[component]
fn Stop() -> impl IntoView {
    let typed = typed("stop");
    view! {
        <form class="stop-form" method="post" action="/optimizer/act">
            {typed.named()}
            <input type="hidden" name="act" value="kill" />
            <input type="hidden" name="to" value="on" />
            <button id="kill-switch" class="button button-danger" type="submit">{Icon::Pause.view()} "Stop all price changes"</button>
            <TextField typed=typed name="reason" label="Why, if there is time to say" length=REASON_CHARS_MAX />
        </form>
    }
}

/// While all is stopped: say why, or let prices go again, which is asked twice.
#[component]
fn Stopped(automatic: bool) -> impl IntoView {
    let what_goes = if automatic {
        "What people approved is applied at once, on every cloud. Automatic prices are on: from then \
         on they move prices again, where the tenant’s own switch is on."
    } else {
        "What people approved is applied at once, on every cloud. Automatic prices are off: nothing \
         else moves by itself."
    };
    view! {
        <details class="pricing-more" open=typed("why-stopped").is_there()>
            <summary class="button">"Add a reason…"</summary>
            <form class="act-form" method="post" action="/optimizer/act">
                <input type="hidden" name="act" value="kill" />
                <input type="hidden" name="to" value="on" />
                <p class="muted">"All stays stopped. The reason is recorded in your name, and shown on every page."</p>
                <ReasonField name="why-stopped" />
                <button class="button" type="submit">"Record the reason"</button>
            </form>
        </details>
        <details class="pricing-more" open=typed("release").is_there()>
            <summary id="kill-switch" class="button">{Icon::Pause.view()} "Release the kill switch…"</summary>
            <form class="act-form" method="post" action="/optimizer/act">
                <input type="hidden" name="act" value="kill" />
                <input type="hidden" name="to" value="off" />
                <p>{what_goes}</p>
                <ReasonField name="release" />
                <ConfirmBox form="release" text="I have looked at what is applied then, and let prices change again." />
                <button class="button button-danger" type="submit">"Release the kill switch"</button>
            </form>
        </details>
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
pub(super) fn TenantSwitch(
    tenant: String,
    on: bool,
    /// Who said so last.
    word: Option<SwitchRow>,
) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::SetAutonomy);
    let (state, to, reason) = if on {
        ("On", "off", "Turned off beside the tenant")
    } else {
        ("Off", "on", "Turned on beside the tenant")
    };
    let word = word.map(|SwitchRow { at, by, reason, .. }| {
        view! { <span class="cell-about">"since " <Time at shape=TimeShape::Day /> {format!(" by {by}: “{reason}”")}</span> }
    });
    if !may {
        return view! { <span>{state} {word}</span> }.into_any();
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
            {word}
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
    found: api::Answered<Option<Result<BoundsView, Problem>>>,
}

pub(super) fn look() -> Look {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        query.get("look")?;
        let text = |name: &str| query.get(name).unwrap_or_default();
        Some(BoundsAsk { tenant: text("tenant"), price: text("price") })
    });
    let found = api::ask_later(
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
