//! What is set of a tenant: a new one, or another version of one.

use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{TenantForm, TierName};
use crate::components::kept::{Overtaken, TextField, Typed, typed};
use crate::pages::optimizer::tabs::TIERS;

/// What the forms send.
pub(super) const ACT: &str = "/tenants/act";

#[component]
pub(super) fn NewTenant(tiers: Vec<TierName>, open: bool) -> impl IntoView {
    let Some(first) = tiers.first() else {
        return view! {
            <p>"A tenant has a tier, and none has terms or prices yet. " <A href=TIERS>"Describe one first"</A> "."</p>
        }
        .into_any();
    };
    let form = TenantForm {
        tenant_id: String::new(),
        name: String::new(),
        tier: first.tier.clone(),
        cloud: Cloud::Gcp,
        region: String::new(),
        active: true,
    };
    let typed = typed("new");
    let open = open || typed.is_there();
    view! {
        <details class="pricing-more" open=open>
            <summary class="button">"New tenant…"</summary>
            <form class="act-form" method="post" action=ACT>
                {typed.named()}
                <input type="hidden" name="act" value="tenant" />
                <TextField typed=typed.clone() name="tenantId" id="new-id" label="Id, in every event from now on" length=64 required=true literal=true />
                <Fields typed name="new" form tiers />
                <p class="muted">"It is recorded in the ledger with your name, and counts on every cloud once it is final. Then its events are taken."</p>
                <button class="button button-first" type="submit">"Record the tenant"</button>
            </form>
        </details>
    }
    .into_any()
}

/// `seen`: the event that put what is shown.
#[component]
pub(super) fn EditTenant(
    form: TenantForm,
    seen: String,
    tiers: Vec<TierName>,
    may: bool,
) -> impl IntoView {
    let tenant_id = form.tenant_id.clone();
    let typed = typed("edit");
    view! {
        <Overtaken typed=typed.clone() now=as_words(&form) />
        <form class="act-form" method="post" action=ACT>
            <fieldset disabled=!may>
                <legend class="visually-hidden">"Change the tenant"</legend>
                {typed.named()}
                <input type="hidden" name="act" value="tenant" />
                <input type="hidden" name="seen" value=seen />
                <input type="hidden" name="tenantId" value=tenant_id />
                <Fields typed name="edit" form tiers />
                <p class="muted">"Another tier charges its list prices from the moment it is final; what was used before stands as it was charged."</p>
                <button class="button button-first" type="submit">"Record the change"</button>
            </fieldset>
        </form>
    }
}

/// As its history says it.
fn as_words(form: &TenantForm) -> String {
    let TenantForm { name, tier, cloud, region, active, .. } = form;
    let state = if *active { "active" } else { "not active" };
    format!("“{name}”, tier {tier}, served by {cloud}, {region}, {state}")
}

/// `name`: of the form, tells its fields from another's.
#[component]
fn Fields(
    typed: Typed,
    name: &'static str,
    form: TenantForm,
    tiers: Vec<TierName>,
) -> impl IntoView {
    let id = |field: &str| format!("{name}-{field}");
    let TenantForm { name: called, tier, cloud, region, active, .. } = form;
    let active = typed.ticked("active", "yes", active);
    let (tier, cloud) = (typed.or("tier", tier), typed.or("cloud", cloud.name()));
    let mut tiers = tiers;
    if !tier.is_empty() && tiers.iter().all(|other| other.tier != tier) {
        tiers.push(TierName { tier: tier.clone(), name: tier.clone() });
    }
    let tiers = tiers
        .into_iter()
        .map(|one| {
            let selected = one.tier == tier;
            view! { <option value=one.tier selected=selected>{one.name}</option> }
        })
        .collect_view();
    let clouds = Cloud::ALL.map(|one| {
        view! { <option value=one.name() selected={one.name() == cloud}>{one.title()}</option> }
    });
    view! {
        <div class="pricing-fields">
            <TextField typed=typed.clone() name="name" label="Name" value=called length=200 required=true />
            <label class="field" for=id("tier")>
                <span>"Tier"</span>
                <select id=id("tier") name="tier" required aria-invalid=typed.invalid("tier") aria-describedby=typed.told_by("tier", None) autofocus=typed.is_wrong("tier")>{tiers}</select>
            </label>
            {typed.why("tier")}
            <label class="field" for=id("cloud")>
                <span>"Cloud that serves it first"</span>
                <select id=id("cloud") name="cloud" required>{clouds.collect_view()}</select>
            </label>
            <TextField typed=typed.clone() name="region" label="Region, such as eu" value=region length=63 required=true literal=true />
        </div>
        <label class="choice">
            <input type="checkbox" name="active" value="yes" checked=active />
            <span>"Active: its events are taken. Without it they are refused; what is recorded stays."</span>
        </label>
    }
}
