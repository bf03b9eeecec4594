//! What every form of a decision asks: why, and whether one has looked.

use domain::catalog::REASON_CHARS_MAX;
use leptos::prelude::*;

use crate::components::kept::typed;

/// It also tells the server the form's name, so that what was typed into it can come back.
#[component]
pub(crate) fn ReasonField(
    /// Of the form.
    #[prop(into)]
    name: String,
    /// What stands there before anything is typed.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    let typed = typed(name.clone());
    let id = name + "-reason";
    let length = REASON_CHARS_MAX.to_string();
    view! {
        {typed.named()}
        <label class="field" for=id.clone()>
            <span>"Reason, recorded in the ledger"</span>
            <input id=id.clone() name="reason" type="text" required maxlength=length value=typed.or("reason", value) autocomplete="off" aria-invalid=typed.invalid("reason") aria-describedby=typed.told_by("reason", None) autofocus=typed.is_wrong("reason") />
        </label>
        {typed.why("reason")}
    }
    .into_any()
}

/// Never ticked by us: who sends a form again says so again.
#[component]
pub(crate) fn ConfirmBox(
    /// The form's name.
    #[prop(into)]
    form: String,
    text: &'static str,
) -> impl IntoView {
    let typed = typed(form);
    view! {
        <label class="choice">
            <input type="checkbox" name="confirmed" value="yes" required aria-invalid=typed.invalid("confirmed") aria-describedby=typed.told_by("confirmed", None) autofocus=typed.is_wrong("confirmed") />
            <span>{text}</span>
        </label>
        {typed.why("confirmed")}
    }
    .into_any()
}
