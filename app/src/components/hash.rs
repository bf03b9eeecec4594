//! Hashes and ids: shortened in the middle, whole on hover and focus, copied with one press.

use leptos::prelude::*;

use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::icon::Icon;
use crate::format::middle_cut;

/// Characters kept of a hash: eight hex digits are what search accepts as a prefix.
const HEAD: usize = 8;
const TAIL: usize = 8;
const CONFIRM_MS: u64 = 1_600;

/// A hash in full text for machines and printers, shortened for eyes.
#[component]
pub(crate) fn Hash(
    #[prop(into)] value: String,
    /// What is copied, for the confirmation: "hash", "root".
    what: &'static str,
) -> impl IntoView {
    let short = middle_cut(&value, HEAD, TAIL);
    view! {
        <span class="hash">
            <span class="hash-text" tabindex="0" role="group" aria-label=format!("{what} {value}")>
                <span class="hash-short" aria-hidden="true">{short}</span>
                <span class="hash-whole" aria-hidden="true">{value.clone()}</span>
            </span>
            <CopyButton text=value what />
        </span>
    }
}

/// Copies a text and says so.
#[component]
pub(crate) fn CopyButton(#[prop(into)] text: String, what: &'static str) -> impl IntoView {
    let announcer = expect_context::<Announcer>();
    let copied = RwSignal::new(false);
    let label = format!("Copy the {what}");
    let press = move |_| {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            if browser::copy(&text).await {
                announcer.say(format!("The {what} was copied."));
                copied.set(true);
                set_timeout(
                    move || {
                        // The button may have left the page in the meantime.
                        let _ = copied.try_set(false);
                    },
                    std::time::Duration::from_millis(CONFIRM_MS),
                );
            } else {
                announcer.say(format!("The {what} could not be copied."));
            }
        });
    };
    view! {
        <button type="button" class="icon-button copy" class:copied=copied aria-label=label.clone() title=label on:click=press>
            <span class="copy-rest">{Icon::Copy.view()}</span>
            <span class="copy-done">{Icon::Check.view()}</span>
        </button>
    }
}
