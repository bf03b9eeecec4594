//! What a tier promises: a new one, or another version of one.

use leptos::prelude::*;

use crate::backend::{BandText, TierView};
use crate::components::kept::{Overtaken, TextField, Typed, typed};
use crate::pages::tenants::edit::ACT;

/// Steps that are free to fill in, beyond those there are.
const STEPS_FREE: usize = 2;
/// What the server calls a ladder that is wrong as a whole.
const WHOLE: &str = "bands";
/// Of a new tier: a tenth below 99.9 %, a quarter below 99 %, as the large clouds begin.
const STEPS_USUAL: [(&str, &str); 3] = [("99.9", "0"), ("99", "10"), ("0", "25")];

#[component]
pub(super) fn NewTier(open: bool) -> impl IntoView {
    let bands = STEPS_USUAL
        .map(|(uptime, credit)| BandText { uptime: uptime.to_owned(), credit: credit.to_owned() });
    let typed = typed("new-tier");
    let open = open || typed.is_there();
    view! {
        <details class="pricing-more" open=open>
            <summary class="button">"New tier…"</summary>
            <form class="act-form" method="post" action=ACT>
                {typed.named()}
                <input type="hidden" name="act" value="tier" />
                <TextField typed=typed.clone() name="tier" id="new-tier" label="Id, such as pro" length=64 required=true literal=true />
                <Fields typed name=String::new() bands=bands.to_vec() latency=None />
                <button class="button button-first" type="submit">"Record the tier"</button>
            </form>
        </details>
    }
}

#[component]
pub(super) fn EditTier(tier: TierView) -> impl IntoView {
    let now = as_words(&tier);
    let TierView { tier: id, name, seen, bands, latency_p99_ms, .. } = tier;
    let typed = typed(format!("tier-{id}"));
    let open = typed.is_there();
    view! {
        <details class="pricing-more" open=open>
            <summary class="button">"Change what it promises…"</summary>
            <Overtaken typed=typed.clone() now />
            <form class="act-form" method="post" action=ACT>
                {typed.named()}
                <input type="hidden" name="act" value="tier" />
                <input type="hidden" name="seen" value=seen.unwrap_or_default() />
                <input type="hidden" name="tier" value=id.clone() />
                <Fields typed name bands latency=latency_p99_ms />
                <p class="muted">"A month that is closed keeps the credits of its day; the next closing uses this ladder."</p>
                <button class="button button-first" type="submit">"Record the change"</button>
            </form>
        </details>
    }
}

/// `“Pro”, 99.9 %: 0 %, 0 %: 25 %, within 800 ms`.
fn as_words(tier: &TierView) -> String {
    let steps = tier.bands.iter().map(|band| format!(", {} %: {} %", band.uptime, band.credit));
    let within = tier.latency_p99_ms.map(|ms| format!(", within {ms} ms")).unwrap_or_default();
    format!("“{}”{}{within}", tier.name, steps.collect::<String>())
}

#[component]
fn Fields(typed: Typed, name: String, bands: Vec<BandText>, latency: Option<u64>) -> impl IntoView {
    let latency = latency.map(|ms| ms.to_string()).unwrap_or_default();
    view! {
        <TextField typed=typed.clone() name="name" label="Name" value=name length=200 required=true />
        <Ladder typed=typed.clone() bands />
        <TextField typed name="latency" label="Promised 99th percentile of latency, ms; blank: none" value=latency mode="numeric" length=9 />
    }
    .into_any()
}

/// The steps there are, and some that are free to fill in.
#[component]
fn Ladder(typed: Typed, bands: Vec<BandText>) -> impl IntoView {
    let blank = |_| BandText { uptime: String::new(), credit: String::new() };
    let (bands, free) = if typed.is_there() {
        // What was typed is all of it, whatever somebody else has set meanwhile.
        (Vec::new(), typed.count("uptime"))
    } else {
        (bands, STEPS_FREE)
    };
    let steps = bands.into_iter().chain((0..free).map(blank)).enumerate().map(|(at, band)| {
        let (uptime, credit) = (format!("uptime{at}"), format!("credit{at}"));
        let step = at + 1;
        view! {
            <div class="ladder-step">
                {percent(&typed, uptime, band.uptime, format!("Step {step}: uptime, percent"))}
                <span>"% up or more credits"</span>
                {percent(&typed, credit, band.credit, format!("Step {step}: credit, percent of the month"))}
                <span>"%"</span>
            </div>
        }
    });
    let steps = steps.collect_view();
    view! {
        <fieldset class="ladder" aria-describedby=typed.told_by(WHOLE, None)>
            <legend>"Credits by the month’s uptime, down to 0 %; blank steps are left out"</legend>
            {steps}
            {typed.why(WHOLE)}
        </fieldset>
    }
}

/// One number of a step. What is wrong with the ladder as a whole is wrong with all of its numbers, and
/// is corrected from the first on.
fn percent(typed: &Typed, name: String, value: String, label: String) -> impl IntoView {
    let text = typed.or(&name, value);
    let ladder = typed.is_wrong(WHOLE) && !text.is_empty();
    let first = ladder && name == "uptime0";
    let invalid = typed.invalid(&name).or_else(|| ladder.then_some("true"));
    let (told_by, why) = (typed.told_by(&name, None), typed.why(&name));
    let focus = first || typed.is_wrong(&name);
    view! {
        <input class="ladder-number" name=name type="text" inputmode="decimal" maxlength="10" value=text aria-label=label autocomplete="off" aria-invalid=invalid aria-describedby=told_by autofocus=focus />
        {why}
    }
}
