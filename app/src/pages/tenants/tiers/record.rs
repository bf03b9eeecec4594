//! Recording a list price that was looked at, with what is odd about it read.

use leptos::prelude::*;

use crate::backend::{PriceAsk, PricePreview};

/// What the form sends.
const ACT: &str = "/tenants/price/act";

#[component]
pub(super) fn Record(preview: PricePreview, ask: PriceAsk, may: bool) -> impl IntoView {
    let PricePreview { from, seen, withdraws, warnings, persons, asks_why, .. } = preview;
    let proposes = persons > 1;
    let notable = warnings.iter().filter(|warning| warning.notable);
    let codes: Vec<&str> = notable.map(|warning| warning.code.as_str()).collect();
    let (warned, has_notable) = (codes.join(" "), !codes.is_empty());
    let hidden = [
        ("tier", ask.tier),
        ("provider", ask.provider),
        ("model", ask.model),
        ("input", ask.input),
        ("output", ask.output),
        ("cached", ask.cached),
        ("from", from.to_string()),
        ("seen", seen),
        ("warned", warned),
        ("withdraw", ask.withdraw),
    ];
    let hidden =
        hidden.map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let said = warnings.into_iter().map(|warning| view! { <li>{warning.text}</li> }).collect_view();
    let said =
        (!said.is_empty()).then(|| view! { <ul class="pricing-trail price-odd">{said}</ul> });
    let confirm = has_notable.then(|| {
        view! {
            <label class="choice">
                <input type="checkbox" name="confirm" value="yes" required />
                <span>"I have read this, and it is meant."</span>
            </label>
        }
    });
    let why = asks_why.then(|| {
        view! {
            <label class="field" for="price-reason">
                <span>"Why? It stays with the price"</span>
                <input id="price-reason" name="reason" type="text" required maxlength="500" autocomplete="off" />
            </label>
        }
    });
    let button = match (withdraws, proposes) {
        (true, _) => "Withdraw the price",
        (false, true) => "Propose the price",
        (false, false) => "Record the price",
    };
    let then = if proposes {
        "It is proposed in your name, and others decide on the page Approvals. One that is to come has to be agreed to before it begins; otherwise it expires."
    } else {
        "It is recorded in the ledger with your name, and counts on every cloud once it is final."
    };
    view! {
        <form class="act-form" method="post" action=ACT>
            <fieldset disabled=!may>
                <legend class="visually-hidden">{button}</legend>
                {hidden.collect_view()}
                {said}
                {confirm}
                {why}
                <p class="muted">{then}</p>
                <button class="button button-first" type="submit">{button}</button>
            </fieldset>
        </form>
    }
    .into_any()
}
