//! What every form of a decision asks: why, and whether one has looked.

use domain::catalog::REASON_CHARS_MAX;
use leptos::prelude::*;

#[component]
pub(crate) fn ReasonField(
    #[prop(into)] name: String,
    /// What was typed before the form was refused.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    let id = name + "-reason";
    view! {
        <label class="field" for=id.clone()>
            <span>"Reason, recorded in the ledger"</span>
            <input id=id.clone() name="reason" type="text" required maxlength=REASON_CHARS_MAX.to_string() value=value autocomplete="off" />
        </label>
    }
}

#[component]
pub(crate) fn ConfirmBox(text: &'static str) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name="confirmed" value="yes" required />
            <span>{text}</span>
        </label>
    }
}
