//! News about prices: the page asks again, and never takes a form away from whoever fills it in.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;
use crate::live::Live;

/// An event is in force a moment after it is told; clouds carry out what was approved in turn, two seconds
/// apart.
const IN_FORCE_AFTER: [Duration; 2] = [Duration::from_millis(600), Duration::from_millis(3_000)];

/// What somebody fills in: a form that was opened, a field that has the focus, or one that was changed.
const WRITING: &str = "main details[open] form[method=post], \
    main form[method=post] :is(input, select, textarea):focus, \
    main form[method=post] :is(input, select, textarea):is(:user-valid, :user-invalid)";

/// Asks again when something about prices became known, twice: what an event decides is in force a moment
/// after it is told, and what follows from it a moment later still. Not while somebody fills in a form,
/// which would be lost: then it says so, and asks when they like. To stand where the page begins.
#[component]
pub(crate) fn News(live: Live, retry: Callback<()>) -> impl IntoView {
    let waiting = StoredValue::new(Vec::<TimeoutHandle>::new());
    let is_held = RwSignal::new(false);
    let ask = move || {
        let is_written = browser::is_there(WRITING);
        is_held.set(is_written);
        if !is_written {
            retry.run(());
        }
    };
    let ask_again = move || {
        clear(waiting);
        let later = IN_FORCE_AFTER.map(|wait| set_timeout_with_handle(ask, wait));
        waiting.set_value(later.into_iter().flatten().collect());
    };
    // What comes in between about other things must not keep it from asking, so that the timers are the
    // page's, and not those of the last message.
    Effect::new(move |_| {
        let told = live.events.read().as_ref().is_some_and(|told| {
            told.skipped > 0
                || told.items.iter().any(|row| row.kind.as_deref().is_some_and(is_news))
        });
        if told {
            ask_again();
        }
    });
    // What became known between the server's HTML and the stream's beginning was told to nobody.
    if !live.began.get_untracked() {
        Effect::new(move |_| {
            if live.began.get() {
                ask_again();
            }
        });
    }
    on_cleanup(move || clear(waiting));
    let show = move |_| {
        is_held.set(false);
        retry.run(());
    };
    view! {
        <div role="status">
            {move || is_held.get().then(|| view! {
                <p class="held">
                    "Something changed here meanwhile. It waits, so that nothing you fill in is lost. "
                    <button type="button" class="button" on:click=show>"Show it now"</button>
                </p>
            })}
        </div>
    }
}

fn clear(timers: StoredValue<Vec<TimeoutHandle>>) {
    timers.update_value(|timers| timers.drain(..).for_each(|timer| timer.clear()));
}

fn is_news(kind: &str) -> bool {
    ["proposal.", "approval.", "policy.", "optimizer.", "foresight.", "tenant."]
        .iter()
        .any(|prefix| kind.starts_with(prefix))
}
