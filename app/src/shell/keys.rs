//! The keyboard: which keys do what, and the dialog that says so.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::browser;
use crate::components::dialog::Dialog;
use crate::shell::console::Dialogs;
use crate::shell::header::SEARCH_ID;

/// Key, and what it does. `g` is pressed before the letter that follows it.
const KEYS: [(&str, &str); 15] = [
    ("/", "Search"),
    ("Ctrl K or ⌘ K", "Command palette: pages, acts, ids"),
    ("g o", "Overview"),
    ("g l", "Ledger"),
    ("g a", "Anchors"),
    ("g b", "Billing"),
    ("g s", "Scenarios"),
    ("g r", "Optimizer"),
    ("g p", "Approvals"),
    ("g v", "Verify"),
    ("g f", "Fault lab"),
    ("j, k", "Next and previous row of a list; Enter opens it"),
    ("?", "This help"),
    ("Tab, Enter", "Walk through and follow"),
    ("Esc", "Close, and go back to where you were"),
];

/// A `g` waits this long for its letter.
const CHORD_MS_MAX: i64 = 1_500;

/// Listens until the page's owner goes away.
pub(super) fn listen_to_keys(dialogs: Dialogs) {
    let navigate = use_navigate();
    let chord_at = StoredValue::new(0_i64);
    let heard = move |event: web_sys::KeyboardEvent| {
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            browser::open_dialog(dialogs.palette);
            return;
        }
        if event.ctrl_key() || event.meta_key() || event.alt_key() || browser::is_typing(&event) {
            return;
        }
        let now_ms = browser::now().unix_ms();
        let after_g = now_ms - chord_at.get_value() < CHORD_MS_MAX;
        chord_at.set_value(if event.key() == "g" { now_ms } else { 0 });
        let go = |path: &str| navigate(path, NavigateOptions::default());
        match (event.key().as_str(), after_g) {
            ("/", _) => {
                event.prevent_default();
                browser::focus(SEARCH_ID);
            }
            ("?", _) => browser::open_dialog(dialogs.help),
            ("o", true) => go("/"),
            ("l", true) => go("/ledger"),
            ("a", true) => go("/anchors"),
            ("b", true) => go("/billing"),
            ("s", true) => go("/scenarios"),
            ("r", true) => go("/optimizer"),
            ("p", true) => go("/approvals"),
            ("v", true) => go("/verify"),
            ("f", true) => go("/lab"),
            ("j", false) => browser::step_row(true),
            ("k", false) => browser::step_row(false),
            _ => {}
        }
    };
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, heard.clone());
        on_cleanup(move || handle.remove());
    });
}

#[component]
pub(super) fn HelpDialog() -> impl IntoView {
    let dialogs = expect_context::<Dialogs>();
    let rows = KEYS
        .into_iter()
        .map(|(keys, what)| view! { <div class="key-row"><dt><kbd>{keys}</kbd></dt><dd>{what}</dd></div> })
        .collect_view();
    view! {
        <Dialog node=dialogs.help id="help" title="Keys".to_owned()>
            <dl class="key-list">{rows}</dl>
            <p class="muted">
                "The ring of three arcs shows which clouds have signed: a coloured arc has signed, a thin grey one \
                 has not, a broken red one refused. A green centre means final."
            </p>
        </Dialog>
    }
}
