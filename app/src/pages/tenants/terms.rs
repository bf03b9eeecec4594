//! What was agreed with a tenant beyond its tier: its own price and limits, and a contract that fixes
//! the price.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::components::A;

use super::edit::ACT;
use crate::backend::TermsView;
use crate::components::decision::ReasonField;
use crate::components::time::Time;
use crate::format::TimeShape;
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
    let since = match since {
        Some(at) => view! { {format!("Version {version}, in force since ")} <Time at shape=TimeShape::Day /> "." }.into_any(),
        None => "Nothing was decided about this tenant: the list of its tier counts.".into_any(),
    };
    view! {
        <section class="card pricing-part" aria-labelledby="terms-title">
            <h2 id="terms-title" class="card-title">"What was agreed"</h2>
            <dl class="fields">{fields.collect_view()}</dl>
            <p class="muted">{since} " Changed by a proposal that others approve: " <A href="/optimizer#propose-title">"propose one"</A> "."</p>
            <Contract terms tenant />
        </section>
    }
}

#[component]
fn Contract(terms: TermsView, tenant: String) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Propose);
    let TermsView { fixed_until, policy_proposal, .. } = terms;
    let state = match fixed_until {
        Some(until) => view! {
            "A contract fixes its price until " <Time at=until shape=TimeShape::Day /> ": the optimizer leaves it alone."
        }
        .into_any(),
        None => "No contract fixes its price.".into_any(),
    };
    let form = match policy_proposal {
        Some(id) => view! {
            <p class="muted">"Another policy waits for approval, and contracts are a part of it: "
                <A href=format!("/approvals/{id}")>"decide about it first"</A> "."</p>
        }
        .into_any(),
        None if may => view! { <ContractForm tenant fixed={fixed_until.is_some()} /> }.into_any(),
        None => ().into_any(),
    };
    view! { <h3>"Contract"</h3> <p>{state}</p> {form} }
}

#[component]
fn ContractForm(tenant: String, fixed: bool) -> impl IntoView {
    let (word, hint) = if fixed {
        ("Change the contract…", "In UTC; blank: no contract fixes the price any more.")
    } else {
        ("Fix its price by contract…", "In UTC, the day included.")
    };
    view! {
        <details class="pricing-more">
            <summary class="button">{word}</summary>
            <form class="act-form" method="post" action=ACT>
                <input type="hidden" name="act" value="contract" />
                <input type="hidden" name="tenantId" value=tenant />
                <label class="field" for="contract-until">
                    <span>"The contract’s last day"</span>
                    <input id="contract-until" name="until" type="date" required=!fixed aria-describedby="contract-hint" />
                </label>
                <p id="contract-hint" class="muted">{hint} " Contracts are a part of the policy, so this proposes its next version, which other admins approve."</p>
                <ReasonField name="contract" />
                <button class="button button-first" type="submit">"Propose it"</button>
            </form>
        </details>
    }
}
