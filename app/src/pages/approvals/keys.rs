//! What single keys do on these pages, as long as nobody is typing.

use leptos::prelude::*;

use crate::browser;

/// `act` is told the key, and says whether it was one of its own.
pub(super) fn on_keys(act: fn(&str) -> bool) {
    Effect::new(move |_| {
        let heard = move |event: web_sys::KeyboardEvent| {
            let held = event.ctrl_key() || event.meta_key() || event.alt_key();
            if !held && !browser::is_typing(&event) && act(&event.key()) {
                event.prevent_default();
            }
        };
        let handle = window_event_listener(leptos::ev::keydown, heard);
        on_cleanup(move || handle.remove());
    });
}
