//! The one polite live region of a page. Everything that is spoken goes through it, so that
//! nothing speaks over anything else.

use leptos::prelude::*;

/// A context of every page.
#[derive(Clone, Copy)]
pub(crate) struct Announcer {
    said: RwSignal<String>,
}

impl Announcer {
    pub(crate) fn provide() -> Self {
        let announcer = Announcer { said: RwSignal::new(String::new()) };
        provide_context(announcer);
        announcer
    }

    /// The same sentence twice in a row is spoken once: screen readers announce changes.
    pub(crate) fn say(self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.said.with_untracked(|said| *said != sentence) {
            self.said.set(sentence);
        }
    }
}

#[component]
pub(crate) fn LiveRegion(announcer: Announcer) -> impl IntoView {
    view! {
        <div class="visually-hidden" role="status" aria-live="polite">
            {move || announcer.said.get()}
        </div>
    }
}
