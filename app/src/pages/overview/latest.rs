//! The newest events, updated by the stream. Rows move only when the reader is not on them.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{EventRow, LiveState};
use crate::components::events::{Columns, EventTable, LiveRows, slot};
use crate::components::hash::CopyButton;
use crate::components::icon::Icon;
use crate::live::Live;
use crate::shell::console::Here;

/// As many as fit beside everything else.
pub(super) const LATEST_MAX: usize = 9;
/// At a thousand events a second, a table that moved with each would be noise.
const MOVE_EVERY: Duration = Duration::from_millis(1_200);

/// What the stream brought, and whether it may be shown now.
#[derive(Clone, Copy)]
struct Flow {
    rows: LiveRows,
    /// Newest first, at most a screenful.
    waiting: RwSignal<Vec<EventRow>>,
    /// By the button; stays until pressed again.
    stopped: RwSignal<bool>,
    /// The pointer or the keyboard is in the table.
    held: RwSignal<bool>,
}

impl Flow {
    fn start(rows: LiveRows) -> Self {
        let flow = Flow {
            rows,
            waiting: RwSignal::default(),
            stopped: RwSignal::new(false),
            held: RwSignal::new(false),
        };
        let live = expect_context::<Live>();
        Effect::new(move |_| {
            if let Some(message) = live.events.get() {
                flow.take(&message.items);
            }
        });
        Effect::new(move |_| {
            if let Ok(timer) = set_interval_with_handle(move || flow.show(), MOVE_EVERY) {
                on_cleanup(move || timer.clear());
            }
        });
        flow
    }

    fn take(self, items: &[EventRow]) {
        let mut new = self.rows.update(items);
        let oldest = self.rows.oldest();
        new.retain(|row| oldest.is_none_or(|oldest| row.accepted_at > oldest));
        if new.is_empty() {
            return;
        }
        self.waiting.update(|waiting| {
            waiting.retain(|old| !new.iter().any(|row| slot(row) == slot(old)));
            waiting.splice(0..0, new);
            waiting.truncate(LATEST_MAX);
        });
    }

    fn show(self) {
        let may = !self.stopped.get_untracked() && !self.held.get_untracked();
        if may && !self.waiting.read_untracked().is_empty() {
            self.rows.push(std::mem::take(&mut *self.waiting.write()), LATEST_MAX);
        }
    }
}

#[component]
pub(super) fn LatestEvents(rows: LiveRows, state: Memo<LiveState>) -> impl IntoView {
    let flow = Flow::start(rows);
    let Flow { stopped, held, .. } = flow;
    view! {
        <section class="card latest-card" aria-labelledby="latest-title">
            <header class="card-head">
                <h2 id="latest-title" class="card-title">"Latest events"</h2>
                <FlowState flow />
                <A href="/ledger" attr:class="more">"All events"</A>
            </header>
            <div class="table-scroll" on:pointerenter=move |_| held.set(true) on:pointerleave=move |_| held.set(false)
                on:focusin=move |_| held.set(true) on:focusout=move |_| held.set(false) class:flow-stopped=stopped>
                <EventTable rows columns=Columns::Brief caption="The newest events, newest first" />
            </div>
            <Show when=move || rows.is_empty() && state.read().events == 0>
                <FirstEvent />
            </Show>
        </section>
    }
    .into_any()
}

/// A button that stops the movement, and what has come meanwhile.
#[component]
fn FlowState(flow: Flow) -> impl IntoView {
    let Flow { stopped, held, waiting, .. } = flow;
    let text = move || {
        let count = waiting.read().len();
        match (stopped.get() || held.get(), count) {
            (false, _) => String::new(),
            (true, 0) => "Held while you read".to_owned(),
            (true, LATEST_MAX) => format!("Held while you read: {LATEST_MAX} or more new"),
            (true, _) => format!("Held while you read: {count} new"),
        }
    };
    let label = move || if stopped.get() { "Let new events in" } else { "Hold the list still" };
    view! {
        <span class="flow-text muted">{text}</span>
        <button type="button" class="icon-button needs-script" aria-label=label title=label aria-pressed=move || stopped.get().to_string()
            on:click=move |_| stopped.update(|stopped| *stopped = !*stopped)>
            {move || if stopped.get() { Icon::Play.view().into_any() } else { Icon::Pause.view().into_any() }}
        </button>
    }
}

/// The empty deployment: how to make the first event.
#[component]
fn FirstEvent() -> impl IntoView {
    let here = expect_context::<Here>();
    let command = first_event_command(&here.deployment.clouds.get(here.deployment.cloud).url);
    view! {
        <div class="empty">
            <h3>"No events yet"</h3>
            <p>"Submit the first one; it becomes final as soon as a second cloud has signed for it."</p>
            <div class="code-line">
                <pre tabindex="0"><code>{command.clone()}</code></pre>
                <CopyButton text=command what="command" />
            </div>
            <p class="muted">
                "A token comes from " <code>"ternion token"</code> "; in the demonstration, " <code>"demo-ingest"</code> " is one."
            </p>
        </div>
    }
}

fn first_event_command(url: &str) -> String {
    format!(
        "curl {}/v1/events?wait=final \\\n  -H 'authorization: Bearer demo-ingest' \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d '{{\"tenantId\":\"acme-labs\",\"payload\":{{\"kind\":\"hello\"}}}}'",
        url.trim_end_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_command_waits_for_finality_at_this_cloud() {
        let command = first_event_command("http://127.0.0.1:3000/");
        assert!(command.starts_with("curl http://127.0.0.1:3000/v1/events?wait=final \\\n"));
        assert!(command.ends_with(r#"-d '{"tenantId":"acme-labs","payload":{"kind":"hello"}}'"#));
    }
}
