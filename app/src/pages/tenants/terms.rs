//! What was agreed with a tenant beyond its tier: its own price and limits, and a contract that fixes
//! the price.

use domain::access::Action;
use domain::clock::Timestamp;
use leptos::prelude::*;
use leptos_router::components::A;

use super::edit::ACT;
use super::words::last_day;
use crate::backend::{PolicyWaits, TermsView};
use crate::components::decision::ReasonField;
use crate::components::kept::{TextField, typed};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::shell::console::Here;

#[component]
pub(super) fn Terms(terms: TermsView, tenant: String) -> impl IntoView {
    let TermsView { price, overage, concurrency, token_cap, version, since, .. } = terms.clone();
    let none = "no limit of its own";
    let fields = [
        ("price", format!("{price} of the list")),
        (
            "beyond its cap",
            overage.map_or("as the others".to_owned(), |it| format!("{it} of the list")),
        ),
        ("requests at once", concurrency.unwrap_or_else(|| none.to_owned())),
        ("tokens a month", token_cap.unwrap_or_else(|| none.to_owned())),
    ];
    let fields = fields.map(|(name, text)| view! { <div><dt>{name}</dt><dd>{text}</dd></div> });
    let waits = terms.proposal_waits.clone().map(|id| {
        view! {
            <p class="held">"A change of these waits for approval: " <A href=format!("/approvals/{id}")>"look at it"</A> ". Another tier, set below, changes the facts that it rests on."</p>
        }
    });
    let since = match since {
        Some(at) => view! { {format!("Version {version}, in force since ")} <Time at shape=TimeShape::Day /> "." }.into_any(),
        None => "Nothing was decided about this tenant: the list of its tier counts.".into_any(),
    };
    view! {
        <section class="card pricing-part" aria-labelledby="terms-title">
            <h2 id="terms-title" class="card-title">"What was agreed"</h2>
            <dl class="fields">{fields.collect_view()}</dl>
            {waits}
            <p class="muted">{since} " Changed by a proposal that others approve: " <A href="/optimizer#propose-title">"propose one"</A> "."</p>
            <Contract terms tenant />
        </section>
    }
}

#[component]
fn Contract(terms: TermsView, tenant: String) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Propose);
    let TermsView { fixed_until, policy_waits, persons, .. } = terms;
    let state = match fixed_until {
        Some(until) => view! {
            {format!("A contract fixes its price to the end of {} (UTC): the optimizer leaves it alone.", last_day(until))}
        }
        .into_any(),
        None => "No contract fixes its price.".into_any(),
    };
    let form = match policy_waits {
        Some(waits) => view! { <Waits waits /> }.into_any(),
        None if may => view! { <ContractForms tenant fixed_until persons /> }.into_any(),
        None => ().into_any(),
    };
    view! { <h3>"Contract"</h3> <p>{state}</p> {form} }
}

/// What waits, and why nothing else is proposed meanwhile.
#[component]
fn Waits(waits: PolicyWaits) -> impl IntoView {
    let PolicyWaits { proposal_id, sentence, own } = waits;
    let (why, word) = if own {
        ("", "Look at it")
    } else {
        (
            "Contracts are a part of the policy, whose versions follow one another: a second proposal would come to nothing once the first is in force. ",
            "Decide about it first",
        )
    };
    view! {
        <p class="contract-waits">{sentence} " " {why} <A href=format!("/approvals/{proposal_id}")>{word}</A> "."</p>
    }
}

#[component]
fn ContractForms(tenant: String, fixed_until: Option<Timestamp>, persons: u32) -> impl IntoView {
    let agree = counted(persons.into(), "other admin", "other admins");
    let proposes = format!(
        "Contracts are a part of the policy, so this proposes its next version. It needs the approval of {agree}."
    );
    let word =
        if fixed_until.is_some() { "Change how long…" } else { "Fix its price by contract…" };
    let last = fixed_until.map(last_day);
    let ending = proposes.clone();
    let release = last.is_some().then(|| {
        view! {
            <ContractForm tenant=tenant.clone() name="release" word="End the contract…">
                <p class="muted">"Its price moves again like those of others. " {ending}</p>
            </ContractForm>
        }
    });
    view! {
        <ContractForm tenant=tenant.clone() name="contract" word>
            <TextField typed=typed("contract") name="until" label="The contract’s last day" kind="date" value=last.unwrap_or_default() required=true hint="contract-hint" />
            <p id="contract-hint" class="muted">"In UTC, the day included. " {proposes}</p>
        </ContractForm>
        {release}
    }
}

#[component]
fn ContractForm(
    tenant: String,
    name: &'static str,
    word: &'static str,
    /// Until when; nothing: no contract any more.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="pricing-more" open=typed(name).is_there()>
            <summary class="button">{word}</summary>
            <form class="act-form" method="post" action=ACT>
                <input type="hidden" name="act" value="contract" />
                <input type="hidden" name="tenantId" value=tenant />
                {children()}
                <ReasonField name />
                <button class="button button-first" type="submit">"Propose it"</button>
            </form>
        </details>
    }
    .into_any()
}
