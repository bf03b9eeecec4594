//! A list price from a time on.

use leptos::prelude::*;

use crate::backend::{ModelName, TierView};
use crate::pages::tenants::edit::ACT;

/// What the fields offer, by the ids of their lists.
pub(super) const PROVIDERS: &str = "providers";
pub(super) const MODELS: &str = "models";

#[component]
pub(super) fn NewPrice(tiers: Vec<TierView>, models: Vec<ModelName>) -> impl IntoView {
    let tiers = tiers
        .into_iter()
        .map(|tier| view! { <option value=tier.tier>{tier.name}</option> })
        .collect_view();
    let first = models.into_iter().next();
    let (provider, model) = first.map_or_else(
        || ("openai".to_owned(), "gpt-4o".to_owned()),
        |one| (one.provider, one.model),
    );
    view! {
        <details class="pricing-more">
            <summary class="button">"Set a list price…"</summary>
            <form class="act-form" method="post" action=ACT>
                <input type="hidden" name="act" value="price" />
                <div class="pricing-fields">
                    <label class="field" for="price-tier">
                        <span>"Tier"</span>
                        <select id="price-tier" name="tier" required>{tiers}</select>
                    </label>
                    <label class="field" for="price-provider">
                        <span>"Provider"</span>
                        <input id="price-provider" name="provider" type="text" list=PROVIDERS required maxlength="200" placeholder=provider autocomplete="off" spellcheck="false" />
                    </label>
                    <label class="field" for="price-model">
                        <span>"Model"</span>
                        <input id="price-model" name="model" type="text" list=MODELS required maxlength="200" placeholder=model autocomplete="off" spellcheck="false" />
                    </label>
                    {usd("input", "Input, $ a million tokens", true)}
                    {usd("output", "Output, $ a million tokens", true)}
                    {usd("cached", "Cached input; blank: as input", false)}
                    <label class="field" for="price-from">
                        <span>"From, UTC; blank: the next whole hour"</span>
                        <input id="price-from" name="from" type="datetime-local" />
                    </label>
                </div>
                <label class="choice">
                    <input type="checkbox" name="replace" value="yes" />
                    <span>"Replace the price that counts from just that time, if there is one"</span>
                </label>
                <p class="muted">"A time that is past corrects what was used since: months that are closed stand, and the difference goes to the next one."</p>
                <button class="button button-first" type="submit">"Record the price"</button>
            </form>
        </details>
    }
    .into_any()
}

fn usd(name: &'static str, label: &'static str, required: bool) -> impl IntoView {
    let id = format!("price-{name}");
    view! {
        <label class="field" for=id.clone()>
            <span>{label}</span>
            <input id=id.clone() name=name type="text" inputmode="decimal" required=required maxlength="20" autocomplete="off" />
        </label>
    }
}
