//! What a tier promises: a new one, or another version of one.

use leptos::prelude::*;

use crate::backend::{BandText, TierView};
use crate::pages::tenants::edit::ACT;

/// Steps that are free to fill in, beyond those there are.
const STEPS_FREE: usize = 2;
/// Of a new tier: a tenth below 99.9 %, a quarter below 99 %, as the large clouds begin.
const STEPS_USUAL: [(&str, &str); 3] = [("99.9", "0"), ("99", "10"), ("0", "25")];

#[component]
pub(super) fn NewTier(open: bool) -> impl IntoView {
    let bands = STEPS_USUAL
        .map(|(uptime, credit)| BandText { uptime: uptime.to_owned(), credit: credit.to_owned() });
    view! {
        <details class="pricing-more" open=open>
            <summary class="button">"New tier…"</summary>
            <form class="act-form" method="post" action=ACT>
                <input type="hidden" name="act" value="tier" />
                <label class="field" for="new-tier">
                    <span>"Id, such as pro"</span>
                    <input id="new-tier" name="tier" type="text" required maxlength="64" autocomplete="off" spellcheck="false" />
                </label>
                <Fields prefix="new-tier".to_owned() name=String::new() bands=bands.to_vec() latency=None />
                <button class="button button-first" type="submit">"Record the tier"</button>
            </form>
        </details>
    }
}

#[component]
pub(super) fn EditTier(tier: TierView) -> impl IntoView {
    let TierView { tier: id, name, seen, bands, latency_p99_ms, .. } = tier;
    view! {
        <details class="pricing-more">
            <summary class="button">"Change what it promises…"</summary>
            <form class="act-form" method="post" action=ACT>
                <input type="hidden" name="act" value="tier" />
                <input type="hidden" name="seen" value=seen.unwrap_or_default() />
                <input type="hidden" name="tier" value=id.clone() />
                <Fields prefix=format!("tier-{id}") name bands latency=latency_p99_ms />
                <p class="muted">"A month that is closed keeps the credits of its day; the next closing uses this ladder."</p>
                <button class="button button-first" type="submit">"Record the change"</button>
            </form>
        </details>
    }
}

#[component]
fn Fields(
    prefix: String,
    name: String,
    bands: Vec<BandText>,
    latency: Option<u64>,
) -> impl IntoView {
    let name_id = format!("{prefix}-name");
    let latency_id = format!("{prefix}-latency");
    let free = (0..STEPS_FREE).map(|_| BandText { uptime: String::new(), credit: String::new() });
    let steps = bands.into_iter().chain(free).enumerate().map(|(at, band)| {
        let (uptime, credit) = (format!("uptime{at}"), format!("credit{at}"));
        let step = at + 1;
        view! {
            <div class="ladder-step">
                <input class="ladder-number" name=uptime type="text" inputmode="decimal" maxlength="10" value=band.uptime aria-label=format!("Step {step}: uptime, percent") autocomplete="off" />
                <span>"% up or more credits"</span>
                <input class="ladder-number" name=credit type="text" inputmode="decimal" maxlength="10" value=band.credit aria-label=format!("Step {step}: credit, percent of the month") autocomplete="off" />
                <span>"%"</span>
            </div>
        }
    });
    view! {
        <label class="field" for=name_id.clone()>
            <span>"Name"</span>
            <input id=name_id.clone() name="name" type="text" required maxlength="200" value=name autocomplete="off" />
        </label>
        <fieldset class="ladder">
            <legend>"Credits by the month’s uptime, down to 0 %; blank steps are left out"</legend>
            {steps.collect_view()}
        </fieldset>
        <label class="field" for=latency_id.clone()>
            <span>"Promised 99th percentile of latency, ms; blank: none"</span>
            <input id=latency_id.clone() name="latency" type="text" inputmode="numeric" maxlength="9" value=latency.map(|ms| ms.to_string()) autocomplete="off" />
        </label>
    }
    .into_any()
}
