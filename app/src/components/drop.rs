//! A place to drop a file or choose one. The file is read by the page and sent nowhere.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::browser;
use crate::components::icon::Icon;

/// A file's name and content, or a sentence that says why there is none.
pub(crate) type Chosen<T> = Result<(String, T), String>;

/// For files that are texts.
pub(crate) fn as_text(then: Callback<Chosen<String>>) -> Callback<Chosen<Vec<u8>>> {
    Callback::new(move |file: Chosen<Vec<u8>>| {
        then.run(file.and_then(|(name, bytes)| match String::from_utf8(bytes) {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(format!("{name} is not a text.")),
        }));
    })
}

/// Calls `on_file` with what was dropped or chosen.
#[component]
pub(crate) fn FileDrop(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    accept: &'static str,
    on_file: Callback<Chosen<Vec<u8>>>,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let read = move |files: Option<web_sys::FileList>| {
        leptos::task::spawn_local(async move {
            on_file.run(browser::read_file(files).await);
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
