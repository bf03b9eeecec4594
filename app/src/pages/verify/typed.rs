//! A field for what the reader brings, which says what is wrong with it while it is typed.

use leptos::prelude::*;

#[component]
pub(super) fn TypedField(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    value: RwSignal<String>,
    /// What is wrong with it, as a sentence.
    wrong: fn(&str) -> Option<String>,
    /// One thing a line.
    #[prop(optional)]
    lines: bool,
) -> impl IntoView {
    let fault = Memo::new(move |_| wrong(&value.read()));
    let note = format!("{id}-note");
    let is_wrong = move || fault.read().is_some().then_some("true");
    let write = move |event| value.set(event_target_value(&event));
    let about = note.clone();
    let field = if lines {
        view! { <textarea id=id class="mono" rows="2" autocomplete="off" spellcheck="false" aria-describedby=about aria-invalid=is_wrong prop:value=value on:input=write></textarea> }
            .into_any()
    } else {
        view! { <input id=id type="text" autocomplete="off" spellcheck="false" aria-describedby=about aria-invalid=is_wrong prop:value=value on:input=write /> }
            .into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {field}
            <p id=note class="field-hint" class:form-error=move || fault.read().is_some()>{move || fault.get().unwrap_or_else(|| hint.to_owned())}</p>
        </div>
    }
}
