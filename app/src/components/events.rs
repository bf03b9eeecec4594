//! Rows of the ledger: one table for the first page and the ledger, updated in place.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::clock::Timestamp;
use domain::finality::Finality;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::EventRow;
use crate::components::badge::FinalityBadge;
use crate::components::hash::Hash;
use crate::components::time::{Time, ZoneName};
use crate::components::triad::{CloudGlyph, Triad};
use crate::format::{self, TimeShape};

/// A row that may still change: PENDING becomes FINAL, a third cloud signs.
#[derive(Clone)]
pub(crate) struct LiveRow {
    slot: String,
    /// Which fetch it came with. A list that is fetched again is built again: a row kept in the
    /// document would go on listening to signals that went away with its old list.
    batch: usize,
    row: ArcRwSignal<EventRow>,
    /// Came by the stream just now: slides in. No longer once others have come, since a row that
    /// moves down in the document would slide in again.
    fresh: ArcRwSignal<bool>,
}

static BATCHES: AtomicUsize = AtomicUsize::new(0);

impl LiveRow {
    fn accepted_at(&self) -> Timestamp {
        self.row.read_untracked().accepted_at
    }
}

/// Rows on a screen, newest first.
#[derive(Clone, Copy)]
pub(crate) struct LiveRows {
    rows: RwSignal<Vec<LiveRow>>,
    batch: usize,
}

impl LiveRows {
    pub(crate) fn new(rows: Vec<EventRow>) -> Self {
        let batch = BATCHES.fetch_add(1, Ordering::Relaxed);
        let live = |row: EventRow| LiveRow {
            slot: slot(&row),
            batch,
            row: ArcRwSignal::new(row),
            fresh: ArcRwSignal::new(false),
        };
        LiveRows { rows: RwSignal::new(rows.into_iter().map(live).collect()), batch }
    }

    /// Does any row still wait for a signature?
    pub(crate) fn is_unsettled(self) -> bool {
        self.rows.read_untracked().iter().any(|live| !live.row.read_untracked().signed.replicated())
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rows.read().is_empty()
    }

    /// Changes rows that are on the screen; gives back those that are not, in their order.
    pub(crate) fn update(self, rows: &[EventRow]) -> Vec<EventRow> {
        let shown = self.rows.read_untracked();
        let mut unknown = Vec::new();
        for row in rows {
            match shown.iter().find(|live| live.slot == slot(row)) {
                Some(live) if *live.row.read_untracked() != *row => live.row.set(row.clone()),
                Some(_) => {}
                None => unknown.push(row.clone()),
            }
        }
        unknown
    }

    /// When the newest row on the screen was accepted.
    pub(crate) fn newest(self) -> Option<Timestamp> {
        self.rows.read_untracked().first().map(LiveRow::accepted_at)
    }

    /// When the oldest row on the screen was accepted.
    pub(crate) fn oldest(self) -> Option<Timestamp> {
        self.rows.read_untracked().last().map(LiveRow::accepted_at)
    }

    /// Takes new rows in, by the time of acceptance, and lets the oldest go.
    pub(crate) fn push(self, rows: Vec<EventRow>, limit: usize) {
        let batch = self.batch;
        let fresh = |row: EventRow| LiveRow {
            slot: slot(&row),
            batch,
            row: ArcRwSignal::new(row),
            fresh: ArcRwSignal::new(true),
        };
        self.rows.update(|shown| {
            shown.iter().for_each(|live| live.fresh.set(false));
            shown.splice(0..0, rows.into_iter().map(fresh));
            shown.sort_by_key(|live| Reverse(live.accepted_at()));
            shown.truncate(limit);
        });
    }
}

/// Which columns a place has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// The first page.
    Brief,
    /// The ledger: slot, hash and time as well.
    Whole,
}

/// The table. Its rows become cards on a phone: each cell carries its column's name.
#[component]
pub(crate) fn EventTable(rows: LiveRows, columns: Columns, caption: &'static str) -> impl IntoView {
    let whole = columns == Columns::Whole;
    view! {
        <table class="events" class:events-whole=whole>
            <caption class="visually-hidden">{caption}</caption>
            <thead>
                <tr>
                    <th scope="col">"Finality"</th>
                    <th scope="col">"Event"</th>
                    {whole.then(|| view! { <th scope="col">"Slot"</th> })}
                    <th scope="col">"Tenant"</th>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Origin"</th>
                    {whole.then(|| view! { <th scope="col">"Hash"</th> })}
                    <th scope="col" class="number"><AcceptedHeading rows /></th>
                    <th scope="col" class="number">"Time to final"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.rows.get() key=|live| (live.batch, live.slot.clone()) let:live>
                    <Row live columns />
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn AcceptedHeading(rows: LiveRows) -> impl IntoView {
    let newest = Signal::derive(move || {
        rows.rows.read().first().map_or_else(|| Timestamp::from_unix_ms(0), LiveRow::accepted_at)
    });
    view! { "Accepted, " <ZoneName at=newest /> }
}

#[component]
fn Row(live: LiveRow, columns: Columns) -> impl IntoView {
    let LiveRow { row, fresh, .. } = live;
    let first = row.get_untracked();
    let whole = columns == Columns::Whole;
    let (status, signed) = {
        let (a, b) = (row.clone(), row.clone());
        (Signal::derive(move || a.read().status), Signal::derive(move || b.read().signed))
    };
    let shape = if whole { TimeShape::Millisecond } else { TimeShape::Second };
    view! {
        <tr class:row-fresh=move || fresh.get()>
            <td class="cell-finality" data-label="Finality">
                <span class="finality"><Triad signed status /> <FinalityBadge status /></span>
            </td>
            <td class="cell-event" data-label="Event"><EventLink id=first.event_id.clone() /></td>
            {whole.then(|| view! { <td class="cell-slot mono" data-label="Slot">{slot(&first)}</td> })}
            <td class="cell-tenant" data-label="Tenant">{first.tenant_id.clone()}</td>
            <td class="cell-kind muted" data-label="Kind">{first.kind.clone().unwrap_or_else(|| "–".to_owned())}</td>
            <td class="cell-origin" data-label="Origin">
                <span class="cloud"><CloudGlyph cloud=first.origin /> {first.origin.name()}</span>
            </td>
            {whole.then(|| view! { <td class="cell-hash" data-label="Hash"><Hash value=first.hash.clone() what="hash" /></td> })}
            <td class="cell-accepted number mono" data-label="Accepted">
                <Time at=first.accepted_at shape=shape zone_in_heading=true />
            </td>
            <td class="cell-wait number mono" data-label="Time to final">{move || time_to_final(&row.read())}</td>
        </tr>
    }
}

pub(crate) fn slot(row: &EventRow) -> String {
    format!("{}/{}/{}", row.origin, row.epoch, row.sequence)
}

/// Shortened for eyes; the link's name is the whole id.
#[component]
fn EventLink(id: String) -> impl IntoView {
    let short = format::middle_cut(&id, 8, 4);
    view! {
        <A href=format!("/ledger/{id}")>
            <span class="mono row-link" title=id>{short}</span>
        </A>
    }
}

/// A dash while nothing is final: an unknown number is not shown as a number.
fn time_to_final(row: &EventRow) -> String {
    match (row.status, row.time_to_final_ms) {
        (Finality::Final | Finality::Disputed, Some(ms)) => format::milliseconds(ms),
        _ => "–".to_owned(),
    }
}
