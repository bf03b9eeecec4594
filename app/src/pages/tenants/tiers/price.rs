//! The form of a list price. It leads to what the price would change; from there it is recorded.

use domain::clock::Timestamp;
use leptos::prelude::*;

use crate::backend::{ModelName, PriceAsk, TierName, WrongField};
use crate::pages::optimizer::tabs::LIST_PRICE;
use crate::query::{input_time, with_query};

/// What the fields offer, by the ids of their lists.
const PROVIDERS: &str = "providers";
const MODELS: &str = "models";

/// The page on which a price stands in the form.
pub(super) fn address(ask: &PriceAsk) -> String {
    with_query(LIST_PRICE, &ask.pairs())
}

/// What the fields for providers and models offer.
#[component]
pub(super) fn Models(models: Vec<ModelName>) -> impl IntoView {
    let mut providers: Vec<String> = models.iter().map(|one| one.provider.clone()).collect();
    providers.dedup();
    let providers = providers.into_iter().map(|one| view! { <option value=one></option> });
    let models = models.into_iter().map(|one| view! { <option value=one.model></option> });
    view! {
        <datalist id=PROVIDERS>{providers.collect_view()}</datalist>
        <datalist id=MODELS>{models.collect_view()}</datalist>
    }
}

#[component]
pub(super) fn NewPrice(tiers: Vec<TierName>, models: Vec<ModelName>) -> impl IntoView {
    view! {
        <details class="pricing-more">
            <summary class="button">"Set a list price…"</summary>
            <PriceForm ask=PriceAsk::default() tiers models wrong=Vec::new() />
        </details>
    }
    .into_any()
}

/// Asks what it would change.
#[component]
pub(super) fn PriceForm(
    ask: PriceAsk,
    tiers: Vec<TierName>,
    models: Vec<ModelName>,
    wrong: Vec<WrongField>,
) -> impl IntoView {
    let PriceAsk { tier, provider, model, input, output, cached, from, .. } = ask;
    let first = models.into_iter().next();
    let (some_provider, some_model) = first.map_or_else(
        || ("openai".to_owned(), "gpt-4o".to_owned()),
        |one| (one.provider, one.model),
    );
    let why = move |name: &str| {
        let found = wrong.iter().find(|one| one.field == name);
        found.map(|one| format!("It {}.", one.why))
    };
    view! {
        <form class="act-form" method="get" action=LIST_PRICE>
            <div class="pricing-fields">
                {tier_field(&tier, tiers, why("tier"))}
                {text_field("provider", "Provider", provider, Typed::Name(PROVIDERS, some_provider), why("provider"))}
                {text_field("model", "Model", model, Typed::Name(MODELS, some_model), why("model"))}
                {text_field("input", "Input, $ a million tokens", input, Typed::Usd { required: true }, why("input"))}
                {text_field("output", "Output, $ a million tokens", output, Typed::Usd { required: true }, why("output"))}
                {text_field("cached", "Cached input; blank: as input", cached, Typed::Usd { required: false }, why("cached"))}
                {from_field(&from, why("from"))}
            </div>
            <button class="button button-first" type="submit">"Show what it would change"</button>
        </form>
    }
    .into_any()
}

/// The sentence beside a field that is wrong, and its id.
fn beside(name: &str, why: Option<String>) -> (Option<String>, impl IntoView) {
    let id = why.as_ref().map(|_| format!("price-{name}-wrong"));
    let said = id.clone().zip(why);
    (id, said.map(|(id, why)| view! { <span id=id class="field-wrong">{why}</span> }))
}

fn tier_field(
    chosen: &str,
    mut tiers: Vec<TierName>,
    why: Option<String>,
) -> impl IntoView + use<> {
    // What is wrong stays in the field as well.
    if !chosen.is_empty() && tiers.iter().all(|one| one.tier != chosen) {
        tiers.push(TierName { tier: chosen.to_owned(), name: chosen.to_owned() });
    }
    let options = tiers.into_iter().map(|one| {
        let selected = one.tier == chosen;
        view! { <option value=one.tier selected=selected>{one.name}</option> }
    });
    let options = options.collect_view();
    let invalid = why.is_some().then_some("true");
    let (described, said) = beside("tier", why);
    view! {
        <label class="field" for="price-tier">
            <span>"Tier"</span>
            <select id="price-tier" name="tier" required aria-invalid=invalid aria-describedby=described>{options}</select>
            {said}
        </label>
    }
}

/// What is typed into a field.
enum Typed {
    /// One of a list's, or another. The list's id, and an example.
    Name(&'static str, String),
    Usd {
        required: bool,
    },
}

fn text_field(
    name: &'static str,
    label: &'static str,
    value: String,
    typed: Typed,
    why: Option<String>,
) -> impl IntoView {
    let (required, length, mode, list, such_as) = match typed {
        Typed::Name(list, such_as) => (true, "200", None, Some(list), Some(such_as)),
        Typed::Usd { required } => (required, "20", Some("decimal"), None, None),
    };
    let id = format!("price-{name}");
    let invalid = why.is_some().then_some("true");
    let (described, said) = beside(name, why);
    let spellcheck = list.map(|_| "false");
    view! {
        <label class="field" for=id.clone()>
            <span>{label}</span>
            <input id=id.clone() name=name type="text" value=value list=list inputmode=mode required=required maxlength=length placeholder=such_as autocomplete="off" spellcheck=spellcheck aria-invalid=invalid aria-describedby=described />
            {said}
        </label>
    }
}

/// A browser's field for times holds nothing that is none, so what is wrong is shown as text.
fn from_field(from: &str, why: Option<String>) -> impl IntoView {
    let kind = if why.is_some() { "text" } else { "datetime-local" };
    let value = from.parse::<Timestamp>().map_or_else(|_| from.to_owned(), input_time);
    let invalid = why.is_some().then_some("true");
    let (described, said) = beside("from", why);
    view! {
        <label class="field" for="price-from">
            <span>"From, UTC; blank: the next whole hour"</span>
            <input id="price-from" name="from" type=kind value=value aria-invalid=invalid aria-describedby=described />
            {said}
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_was_typed_and_no_more() {
        assert_eq!(address(&PriceAsk::default()), "/optimizer/tiers/price");
        let ask = PriceAsk {
            tier: "pro".into(),
            input: "0.5".into(),
            from: "2027-01-01T00:00:00.000Z".into(),
            withdraw: "yes".into(),
            ..PriceAsk::default()
        };
        assert_eq!(
            address(&ask),
            "/optimizer/tiers/price?tier=pro&input=0.5&from=2027-01-01T00%3A00%3A00.000Z&withdraw=yes"
        );
    }
}
