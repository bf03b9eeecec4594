//! Every number of the policy, to be changed and asked about.

use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::POLICY;
use crate::backend::{PolicyField, PolicyPart, RuleHead, TierName};
use crate::browser;

#[component]
pub(super) fn PolicyForm(
    /// That the form shows.
    version: u64,
    parts: Vec<PolicyPart>,
    tiers: Vec<TierName>,
    may: bool,
) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&format!("{url}#asked"), NavigateOptions::default());
        }
    };
    let parts = parts.into_iter().map(|part| view! { <Part part /> }).collect_view();
    view! {
        <form class="policy-form" method="get" action=POLICY on:submit=submit>
            <fieldset class="policy-all" disabled=!may>
                <legend class="visually-hidden">"The policy, to be changed"</legend>
                <input type="hidden" name="ask" value="yes" />
                <input type="hidden" name="version" value=version.to_string() />
                {parts}
                <NewRule tiers />
                <div class="policy-ask">
                    <button class="button button-first" type="submit">"Show what would change"</button>
                    <span class="muted">"Nothing is recorded by this."</span>
                </div>
            </fieldset>
        </form>
    }
    .into_any()
}

#[component]
fn Part(part: PolicyPart) -> impl IntoView {
    let PolicyPart { title, hint, rule, fields } = part;
    let steps = fields.iter().any(|field| field.path.starts_with("quorum."));
    let fields = fields.into_iter().map(|field| view! { <Field field /> }).collect_view();
    let rule = rule.map(|RuleHead { place, whom, may_go, goes }| {
        let go = may_go.then(|| {
            view! { <Leave name=format!("rules.{place}.remove") text="Leave this rule out" checked=goes /> }
        });
        view! { <p>{format!("For {whom}.")}</p> {go} }
    });
    view! {
        <section class="card pricing-part">
            <h2 class="card-title">{title}</h2>
            {rule}
            <p class="muted">{hint}</p>
            <div class="pricing-fields policy-fields">{fields}</div>
            {steps.then(|| view! { <NewStep /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Field(field: PolicyField) -> impl IntoView {
    let PolicyField { path, label, text, in_force, choices, problem, is_first_wrong } = field;
    let id = id_of(&path);
    let hint = format!("{id}-hint");
    let invalid = problem.is_some().then_some("true");
    let told = in_force.map(|value| format!("In force: {value}"));
    let described = (problem.is_some() || told.is_some()).then(|| hint.clone());
    let said = described.is_some().then(|| {
        view! {
            <span id=hint class="cell-about">
                {problem.map(|why| view! { <span class="form-error">{why} "."</span> " " })}
                {told}
            </span>
        }
    });
    let control = if choices.is_empty() {
        view! { <input id=id.clone() name=path type="text" inputmode="decimal" maxlength="20" value=text autocomplete="off" aria-invalid=invalid aria-describedby=described autofocus=is_first_wrong /> }.into_any()
    } else {
        let options = choices.into_iter().map(|[name, words]| {
            let selected = name == text;
            view! { <option value=name selected=selected>{words}</option> }
        });
        view! { <select id=id.clone() name=path aria-invalid=invalid aria-describedby=described autofocus=is_first_wrong>{options.collect_view()}</select> }.into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {control}
            {said}
        </div>
    }
    .into_any()
}

/// What is typed into a field that no policy has yet stands in the address.
fn asked(name: &'static str) -> String {
    use_query_map().with_untracked(|params| params.get(name)).unwrap_or_default()
}

#[component]
fn NewStep() -> impl IntoView {
    view! {
        <div class="pricing-fields policy-fields">
            <Extra name="quorum.new.upTo" label="Another step: changes up to, %" />
            <Extra name="quorum.new.persons" label="need, persons" />
        </div>
        <Leave name="quorum.0.remove".to_owned() text="Leave step 1 out" checked=asked("quorum.0.remove") == "yes" />
    }
}

#[component]
fn NewRule(tiers: Vec<TierName>) -> impl IntoView {
    let (tier, cloud) = (asked("rule.tier"), asked("rule.cloud"));
    let tiers = tiers.into_iter().map(|one| {
        let selected = one.tier == tier;
        view! { <option value=one.tier selected=selected>{one.name}</option> }
    });
    let clouds = Cloud::ALL.map(|one| {
        view! { <option value=one.name() selected={one.name() == cloud}>{one.title()}</option> }
    });
    view! {
        <section class="card pricing-part">
            <h2 class="card-title">"A rule for some of them"</h2>
            <p class="muted">"It begins with the limits of everybody; its own are set once it is in force. Two rules between which nothing chooses are refused."</p>
            <div class="pricing-fields policy-fields">
                <Extra name="rule.name" label="Name" />
                <div class="field">
                    <label for="rule-tier">"Tier"</label>
                    <select id="rule-tier" name="rule.tier"><option value="">"any"</option>{tiers.collect_view()}</select>
                </div>
                <div class="field">
                    <label for="rule-cloud">"Served first by"</label>
                    <select id="rule-cloud" name="rule.cloud"><option value="">"any cloud"</option>{clouds.collect_view()}</select>
                </div>
            </div>
        </section>
    }
}

#[component]
fn Extra(name: &'static str, label: &'static str) -> impl IntoView {
    let id = id_of(name);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id.clone() name=name type="text" maxlength="60" value=asked(name) autocomplete="off" />
        </div>
    }
}

#[component]
fn Leave(name: String, text: &'static str, checked: bool) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value="yes" checked=checked />
            <span>{text}</span>
        </label>
    }
}

pub(super) fn id_of(path: &str) -> String {
    path.replace('.', "-")
}
