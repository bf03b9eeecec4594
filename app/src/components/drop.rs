//! A place to drop a file or choose one. The file is read by the page and sent nowhere.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::browser;
use crate::components::icon::Icon;

/// Calls `on_text` with the file's name and text, or with a sentence that says why not.
#[component]
pub(crate) fn FileDrop(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    accept: &'static str,
    on_text: Callback<Result<(String, String), String>>,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let read = move |files: Option<web_sys::FileList>| {
        leptos::task::spawn_local(async move {
            on_text.run(browser::read_file(files).await);
        });
    };
    let chosen = move |event: web_sys::Event| {
        let input =
            event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        read(input.and_then(|input| input.files()));
    };
    let dropped = move |event: web_sys::DragEvent| {
        event.prevent_default();
        over.set(false);
        read(event.data_transfer().and_then(|data| data.files()));
    };
    let dragged = move |event: web_sys::DragEvent| {
        event.prevent_default();
        over.set(true);
    };
    view! {
        <label class="drop" class:drop-over=over for=id on:dragover=dragged on:dragleave=move |_| over.set(false) on:drop=dropped>
            {Icon::File.view()}
            <span class="drop-text">
                <span class="drop-label">{label}</span>
                <span class="drop-hint">{hint}</span>
            </span>
            <input id=id class="drop-input" type="file" accept=accept on:change=chosen />
        </label>
    }
}
